"""The page of the roll call: rights, sites, ticking with and without a script, no database."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from pypdf import PdfReader
from sqlalchemy import Connection, update
from sqlalchemy.exc import OperationalError

from hub.application.access import Actor
from hub.application.prompt import Unanswered
from hub.domain.rights import Role
from hub.i18n import LANGUAGES, text
from hub.reports.roll_call import roll_call_pdf
from hub.storage.engine import writing
from hub.storage.house import open_house
from hub.storage.overview import Overview
from hub.storage.schema import person
from hub.web import in_need
from hub.web.app import create_app
from hub.web.live import Changes
from hub.web.pages.roll_call import roll_call_pages
from hub.web.recent import KEPT_MS
from hub.web.remembered import HOURS, Remembered
from tests.hub.roll_call_site import NUMBER, Store, add_person, add_site, add_tap, family, token
from tests.web import sample
from tests.web.actors import CSRF, Everybody
from tests.web.moments import NOW
from tests.web.reading import Outline, plain

PEOPLE = 6


def actor(role: Role, *sites: int) -> Actor:
    """Somebody of these sites."""
    return Actor("account:5", role, "Gus", sites=frozenset(sites), account_id=5, csrf=CSRF)


GUARD, INSPECTOR = actor(Role.GUARD, 1), actor(Role.INSPECTOR, 1)


def fill(connection: Connection) -> None:
    """Writes five people of the first site and a visitor, one who left, and one elsewhere."""
    add_site(connection, PEOPLE + 2)
    add_person(connection, 50, kind="visitor", company_id=None)
    for key in (*range(1, PEOPLE), 50):
        add_tap(connection, key, NOW)
    add_tap(connection, PEOPLE, NOW, inside=False)
    add_tap(connection, PEOPLE + 1, NOW, site_id=2)


@dataclass
class Room:
    """A browser, and what is behind the page."""

    store: Store
    client: TestClient
    access: Everybody
    changes: Changes = field(default_factory=Changes)

    def as_(self, somebody: Actor) -> Room:
        """Logs somebody else in."""
        self.access.current = somebody
        return self

    def get(self, path: str = "/roll-call?site=1", language: str = "en") -> Response:
        """Opens an address."""
        return self.client.get(path, headers={"Accept-Language": language})

    def post(self, path: str, script: bool = False, **fields: object) -> Response:
        """Sends a form of the first site."""
        headers = {"Accept": "application/json" if script else "text/html"}
        values = {"csrf": CSRF, "site": "1", **fields}
        return self.client.post(f"/roll-call/{path}", data=values, headers=headers)

    def start(self) -> str:
        """Begins a roll call; its handle."""
        assert self.post("start").status_code == 303
        found = re.search(r'name="call" value="([^"]+)"', self.get().text)
        assert found is not None
        return found[1]

    def big(self) -> str:
        """The big number."""
        found = re.search(r'class="count-number">(\d+)<', self.get().text)
        assert found is not None
        return found[1]


@contextmanager
def room_of(folder: Path, filled: Callable[[Connection], None] = fill) -> Iterator[Room]:
    """Opens the page over a house of its own."""
    with closing(open_house(folder)) as house:
        store = Store(folder, house.engine, house.vault)
        store.write(filled)
        access, changes = Everybody(GUARD), Changes()
        store.told = changes.notify
        app = create_app(
            Overview(house.engine),
            sample.gates,
            sample.authority,
            changes,
            lambda: store.now_ms,
            access,
            more=[roll_call_pages(store.desk(), roll_call_pdf, changes, lambda: store.now_ms)],
        )
        client = TestClient(app, follow_redirects=False, raise_server_exceptions=False)
        yield Room(store, client, access, changes)
        store.lists.close()


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    with room_of(tmp_path) as room:
        yield room


# ---------------------------------------------------------------- reading


@pytest.mark.parametrize("language", LANGUAGES)
def test_everybody_who_is_here_is_on_the_page_once(room: Room, language: str) -> None:
    html = room.get(language=language).text
    Outline(html)  # whole
    for key in (*range(1, PEOPLE + 1), 50):
        assert html.count(f'id="p-{token(key)}"') == 1
        assert html.count(family(key)) == 1, "no button, so no label repeats it"
    assert family(PEOPLE + 1) not in html
    assert NUMBER not in html
    assert room.big() == str(PEOPLE)
    told = plain(html)
    assert text("roll_call.caution", language).split(" ;")[0][:30] in told
    assert "07:42:10" in told
    assert "Poort 1, 07:42" in told


def test_the_paper_is_one_click_away(room: Room) -> None:
    html = room.get().text
    [path] = re.findall(r'href="(/roll-call/list.pdf[^"]*)"', html)
    answer = room.get(path.replace("&amp;", "&"))
    assert answer.headers["content-type"] == "application/pdf"
    pages = PdfReader(BytesIO(answer.content)).pages
    said = "".join(page.extract_text() for page in pages)
    assert [key for key in range(1, PEOPLE + 1) if said.count(family(key)) != 1] == []
    assert NUMBER not in said


def test_before_the_first_tap_it_says_so(tmp_path: Path) -> None:
    with room_of(tmp_path, add_site) as room:
        assert "nobody is on site" in plain(room.get().text)
        assert room.get("/roll-call/list.pdf").status_code == 200
    with room_of(tmp_path / "empty", lambda _: None) as room:
        room.as_(actor(Role.ADMINISTRATOR))
        assert "There is no site here yet" in plain(room.get("/roll-call").text)


# ---------------------------------------------------------------- rights


@pytest.mark.parametrize("role", list(Role))
def test_who_may_look_and_who_may_tick(room: Room, role: Role) -> None:
    handle = room.start()
    room.as_(actor(role, 1))
    looks = role in {Role.ADMINISTRATOR, Role.SUPERVISOR, Role.GUARD, Role.INSPECTOR}
    ticks = looks and role is not Role.INSPECTOR
    for path in ("/roll-call", "/roll-call/list.pdf"):
        assert room.get(path).status_code == (200 if looks else 403)
    answer = room.post("tick", call=handle, present=token(1))
    assert answer.status_code == (303 if ticks else 403)
    if looks:
        html = room.get().text
        assert ('<button class="box"' in html) is ticks
        assert ("/roll-call/end" in html) is ticks
    for path in ("start", "end"):
        assert room.post(path, call=handle).status_code == (303 if ticks else 403)


def test_another_site_is_not_found_and_says_nothing(room: Room) -> None:
    handle = room.start()
    for path in ("/roll-call", "/roll-call/list.pdf", "/roll-call/live"):
        answers = [room.get(f"{path}?site={number}") for number in (2, 77)]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].content == answers[1].content
    for path in ("start", "tick", "end"):
        answers = [
            room.post(path, site=number, call=handle, present=token(PEOPLE + 1))
            for number in ("2", "77", "0", "")
        ]
        assert {answer.status_code for answer in answers} <= {404, 400, 422}, path
        assert answers[0].content == answers[1].content
    # Somebody of the other site is nobody here.
    assert room.post("tick", call=handle, present=token(PEOPLE + 1)).status_code == 404
    assert room.post("tick", call=handle, present="x" * 32).status_code == 404
    assert "Chantier Sud" not in room.get("/roll-call").text
    assert family(PEOPLE + 1) in room.as_(actor(Role.GUARD, 2)).get("/roll-call").text


def test_a_form_of_another_page_ticks_nobody(room: Room) -> None:
    handle = room.start()
    assert room.post("tick", csrf="x", call=handle, present=token(1)).status_code == 403
    assert room.big() == str(PEOPLE)


# ---------------------------------------------------------------- ticking


def test_a_tick_without_a_script_is_a_form_and_comes_back_to_the_page(room: Room) -> None:
    handle = room.start()
    answer = room.post("tick", call=handle, present=token(1))
    assert (answer.status_code, answer.headers["location"]) == (303, "/roll-call?site=1")
    assert room.big() == str(PEOPLE - 1)
    html = room.get().text
    assert "Gus, 07:42" in html
    room.post("tick", call=handle, missing=token(2))
    assert "reported missing by Gus, 07:42" in plain(room.get().text)
    room.post("tick", call=handle, undone=token(1))
    assert room.big() == str(PEOPLE)
    # Whom the taps call gone may stand at the assembly point all the same.
    room.post("tick", call=handle, present=token(PEOPLE))
    assert f"1 of {PEOPLE + 1} found" in plain(room.get().text)
    assert room.post("tick", call=handle).status_code == 400


def test_a_script_is_told_that_a_tick_is_kept(room: Room) -> None:
    handle = room.start()
    for news in (True, False):
        answer = room.post("tick", script=True, call=handle, present=token(1))
        assert answer.json() == {"kept": True, "news": news}
    assert room.post("tick", script=True, call="over", present=token(1)).status_code == 409


def test_the_end_is_told_and_a_late_tick_is_refused_with_words(room: Room) -> None:
    handle = room.start()
    room.post("tick", call=handle, present=token(1))
    answer = room.post("end", call=handle)
    assert answer.headers["location"] == "/roll-call?site=1&said=ended"
    html = room.get("/roll-call?site=1&said=ended").text
    assert "The roll call has ended and is kept." in html
    assert f"1 found, {PEOPLE - 1} not found" in plain(html)
    late = room.post("tick", call=handle, present=token(2))
    assert (late.status_code, "HUB-1742" in late.text) == (400, True)
    assert "HUB-1742" in room.post("end", call=handle).text


# ---------------------------------------------------------------- without the database


def test_without_the_database_page_and_paper_are_those_of_before(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = room.start()

    def refuse(*_: object) -> object:
        raise Unanswered

    for name in ("sites", "read", "calls"):
        monkeypatch.setattr(room.store.lists, name, refuse)
    room.store.locked.set()
    room.store.now_ms += 60_000
    page = room.get()
    assert page.status_code == 200
    assert "The database does not answer. This is the last list, of 07:42:10" in plain(page.text)
    assert room.post("tick", call=handle, present=token(1)).status_code == 303
    assert room.big() == str(PEOPLE - 1)
    room.store.now_ms += 2_000
    assert "1 tick is kept on the hub" in plain(room.get().text)
    paper = PdfReader(BytesIO(room.get("/roll-call/list.pdf").content)).pages[0].extract_text()
    assert "last list, of 07:42:10" in paper.replace("\n", " ")
    assert all(paper.count(family(key)) == 1 for key in range(1, PEOPLE + 1))


def test_without_database_and_list_it_says_what_to_do(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> object:
        raise Unanswered

    assert room.get("/roll-call").status_code == 200
    monkeypatch.setattr(room.store.lists, "read", refuse)
    room.as_(actor(Role.GUARD, 2))
    for path in ("/roll-call", "/roll-call/list.pdf"):
        answer = room.get(path)
        assert (answer.status_code, "HUB-1740" in answer.text) == (503, True)


class Locked(Everybody):
    """Sessions of a database that may be locked: it refuses then."""

    refuses = False

    def actor(self, cookie: str) -> Actor | None:
        if self.refuses:
            raise OperationalError("x", {}, Exception())
        return super().actor(cookie)


def test_a_session_that_was_good_goes_on_and_no_other(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    access = Locked(GUARD)
    monkeypatch.setattr(room.client.app.state, "access", access)  # pyright: ignore
    monkeypatch.setattr(in_need, "LIMIT_S", 0.05)
    monkeypatch.setattr(in_need, "KNOWN_S", 0.05)
    room.client.cookies.set("sitegate_session", "mine")
    handle = room.start()
    access.refuses = True
    assert room.post("tick", call=handle, present=token(1)).status_code == 303
    room.client.cookies.set("sitegate_session", "unknown")
    assert room.get().status_code == 503
    access.refuses = False
    room.client.cookies.set("sitegate_session", "mine")
    assert room.get().status_code == 200
    # As soon as the database says that it is over, it is.
    access.current = None  # pyright: ignore
    assert room.get().status_code == 303
    access.refuses = True
    assert room.get().status_code == 503


def test_a_session_is_remembered_for_a_working_day() -> None:
    now = [0.0]
    remembered = Remembered(lambda: now[0])
    remembered.take("mine", GUARD)
    now[0] = HOURS * 3600 - 1
    assert remembered.actor("mine") is GUARD
    assert remembered.actor("other") is None
    now[0] += 1
    assert remembered.actor("mine") is None
    remembered.take("", GUARD)
    assert remembered.actor("") is None


def test_a_page_of_which_nothing_changed_serves_again_for_a_moment(room: Room) -> None:
    first = room.get().text
    with writing(room.store.engine) as connection:  # behind the back of the hub
        connection.execute(update(person).values(family_name="Anders"))
    assert room.get().text == first
    room.store.now_ms += KEPT_MS
    assert "Anders" in room.get().text
    room.store.write(lambda one: one.execute(update(person).values(family_name="Nieuw")))
    assert "Nieuw" in room.get().text
