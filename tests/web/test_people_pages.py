"""The pages of people: what they show, take and refuse, and to whom."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import TypeVar

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import Connection, select

from hub.application.access import Actor
from hub.domain.people import Kind
from hub.i18n import LANGUAGES, text
from hub.settings import Settings
from hub.storage.engine import reading, writing
from hub.storage.overview import Overview
from hub.storage.schema import audit, badge, person
from hub.web.app import create_app
from hub.web.live import Changes
from hub.web.office import Office
from hub.web.pages.people import every_people_page
from protocol.record import REASON_NONE
from tests.hub.house import MILAN, NOON_MS
from tests.hub.register_world import DRAFT, WORKS, A, World, inss, world
from tests.hub.test_adoption import Gate, link
from tests.web import sample
from tests.web.actors import ADMINISTRATOR, CSRF, Everybody

T = TypeVar("T")
NUMBERS = ("85031299761", "03072199766", "24999000000000187", "90110599843")
FORM = {
    "kind": "employee",
    "family_name": "Peeters",
    "given_name": "Lotte",
    "company": A,
    "works": WORKS,
    "language": "nl",
    "inss": "90.11.05-998.43",
}


class Pages:
    """A browser without JavaScript, and how often gates were told of a change."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        self.told = 0
        self.access = Everybody(ADMINISTRATOR)

        def write(change: Callable[[Connection], T], /) -> T:
            with writing(world.site.engine) as connection:
                return change(connection)

        def changed() -> None:
            self.told += 1

        vault = world.house.house.vault
        office = Office(
            world.site.engine, write, vault, lambda: NOON_MS, changed, Settings(), folder
        )
        app = create_app(
            Overview(world.site.engine),
            sample.gates,
            sample.authority,
            Changes(),
            lambda: NOON_MS,
            self.access,
            more=[make() for make in every_people_page(office)],
        )
        self.client = TestClient(app, follow_redirects=False)

    def as_(self, actor: Actor) -> Pages:
        """Logs somebody else in."""
        self.access.current = replace(actor, csrf=CSRF)
        return self

    def get(self, path: str, language: str = "en") -> Response:
        """A page."""
        return self.client.get(path, headers={"Accept-Language": language})

    def post(self, path: str, csrf: str = CSRF, **fields: str) -> Response:
        """Sends a form."""
        return self.client.post(
            path, data={"csrf": csrf, **fields}, headers={"Accept-Language": "en"}
        )

    def handle(self, token: str) -> str:
        """What stands for the person's badge in an address."""
        page = self.get(f"/people/{token}").text
        found = re.search(rf"/people/{token}/badges/([0-9a-f]+)/", page)
        assert found is not None
        return found[1]

    def state(self) -> str | None:
        """The state of Milan's card."""
        with reading(self.world.site.engine) as connection:
            tag = self.world.house.tag(MILAN)
            return connection.execute(select(badge.c.state).where(badge.c.tag == tag)).scalar()

    def notes(self) -> list[tuple[str, dict[str, object]]]:
        """(action, detail) of the audit."""
        with reading(self.world.site.engine) as connection:
            rows = connection.execute(
                select(audit).where(audit.c.action != "people.imported").order_by(audit.c.id)
            ).all()
        return [(row.action, json.loads(row.detail)) for row in rows]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[World]:
    """Two companies on one site."""
    with world(tmp_path) as opened:
        yield opened


@pytest.fixture
def pages(site: World, tmp_path: Path) -> Pages:
    """The pages over it."""
    return Pages(site, tmp_path)


# ---------------------------------------------------------------- list


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_list_speaks_every_language_and_holds_no_number(pages: Pages, language: str) -> None:
    page = pages.get("/people", language).text
    assert f'lang="{language}"' in page
    assert text("people.kinds.employee", language) in page
    assert "85.03.12-***.**" in page
    assert not any(number in re.sub(r"[\s.\-]", "", page) for number in NUMBERS)


def test_a_name_or_a_number_is_looked_for_by_post_and_never_in_an_address(pages: Pages) -> None:
    for search in ("aarts", "85.03.12-997.61", "85031299761"):
        page = pages.post("/people", search=search).text
        assert ("Aarts" in page, "Gillard" in page) == (True, False)
        addresses = re.findall(r'(?:href|action)="([^"]*)"', page)
        assert not any("aarts" in one.lower() or "8503" in one for one in addresses)
    assert "Aarts" in pages.get("/people?search=gillard").text  # an address searches nothing
    page = pages.post("/people", search="24999000000000187").text
    assert ("Kowalik" in page, "Aarts" in page) == (True, False)


def test_a_mistyped_number_is_told_and_stays_in_the_field(pages: Pages) -> None:
    page = pages.post("/people", search="85031299762").text
    assert 'value="85031299762"' in page
    assert text("errors.IMP-3002.happened", "en") in page
    assert text("people.none_found", "en") in page


def test_the_list_is_narrowed_and_paged(pages: Pages) -> None:
    with writing(pages.world.site.engine) as connection:
        for number in range(60):
            pages.world.people(connection).add(
                replace(DRAFT, family_name=f"V{number:03d}", kind=Kind.VISITOR, inss=None)
            )
    first = pages.get("/people?kind=visitor").text
    assert ("V000" in first, "V050" in first, "Aarts" in first) == (True, False, False)
    assert 'href="/people?kind=visitor&amp;page=2"' in first
    assert "V050" in pages.get("/people?kind=visitor&page=2").text
    # A visitor needs no badge: none is to be settled for him.
    assert text("people.problems.no_badge", "en") not in first.partition("<tbody>")[2]
    assert "V000" not in pages.get("/people?problem=no_badge").text
    searched = pages.post("/people", search="lotte", page="2").text
    assert ("V050" in searched, "V000" in searched) == (True, False)
    assert pages.get("/people?kind=nonsense").status_code == 200
    assert pages.get("/people?page=0").status_code == 400


def test_nobody_sees_a_trace_of_another_company(pages: Pages, site: World) -> None:
    theirs = site.token("Gillard")
    for actor, seen, hidden in (
        (site.contractor_a, ("Aarts",), ("Gillard", "Toitures", "Kowalik", theirs)),
        (site.contractor_b, ("Gillard",), ("Aarts", "Bouwwerken", "Kowalik", "Interim")),
    ):
        pages.as_(actor)
        for page in (
            pages.get("/people"),
            pages.post("/people", search=""),
            pages.post(
                "/people", search="03072199766" if actor == site.contractor_a else "85031299761"
            ),
            pages.get("/people/new"),
            pages.post("/people/new", **{**FORM, "inss": ""}),
        ):
            body = page.text.replace("<strong>", "")
            assert not [one for one in hidden if one in body], (actor, page.request.url)
        body = pages.get("/people").text
        assert all(one in body for one in seen)
        assert text("people.count_one", "en", count=1) in body


def test_who_lies_outside_is_answered_like_nobody(pages: Pages, site: World) -> None:
    theirs, nobody = site.token("Gillard"), "0" * 32
    for actor in (site.contractor_a, site.other_supervisor):
        pages.as_(actor)
        for path in ("", "/change"):
            answers = {token: pages.get(f"/people/{token}{path}") for token in (theirs, nobody)}
            assert {one.status_code for one in answers.values()} == {404}
            texts = {one.text.replace(token, "") for token, one in answers.items()}
            assert len(texts) == 1
        for path, fields in (
            ("/change", FORM),
            ("/reveal", {"which": "inss", "reason": "a good reason"}),
            (f"/badges/{'0' * 32}/block", {}),
        ):
            for token in (theirs, nobody):
                assert pages.post(f"/people/{token}{path}", **fields).status_code == 404
    assert pages.notes() == []


def test_who_only_reads_changes_and_reveals_nothing(pages: Pages, site: World) -> None:
    token = site.token("Aarts")
    pages.as_(site.inspector)
    page = pages.get(f"/people/{token}").text
    assert "Aarts" in page
    assert "<form" not in page.replace('<form method="post" action="/logout"', "")
    for path in (f"/people/{token}/reveal", f"/people/{token}/change", "/people/new"):
        assert pages.post(path, reason="a good reason").status_code == 403
    pages.as_(site.guard)
    assert pages.get("/people").status_code == 403


def test_a_form_of_another_page_does_nothing(pages: Pages, site: World) -> None:
    token = site.token("Aarts")
    handle = pages.handle(token)
    for path in ("/people/new", f"/people/{token}/change", f"/people/{token}/reveal",
                 f"/people/{token}/badges/{handle}/block", "/people"):  # fmt: skip
        assert pages.post(path, csrf="of another session", **FORM).status_code == 403
    assert (pages.state(), pages.notes(), pages.told) == ("active", [], 0)


# ---------------------------------------------------------------- one person


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_person_is_shown_with_badges_history_and_registrations(
    pages: Pages, site: World, language: str
) -> None:
    token = site.add()
    Gate(site).tap(NOON_MS - 3_600_000)
    link(site, token)
    page = unescape(pages.get(f"/people/{token}", language).text)
    assert "90.11.05-***.**" in page
    for key in ("people.events.linked", "dashboard.state.due", "cause.first_tap"):
        assert text(key, language) in page
    assert site.house.tag(MILAN).hex() not in page
    assert not any(number in re.sub(r"[\s.\-]", "", page) for number in NUMBERS)


def test_a_number_is_shown_once_for_a_reason_and_no_cache_keeps_it(
    pages: Pages, site: World
) -> None:
    token = site.token("Aarts")
    refused = pages.post(f"/people/{token}/reveal", which="inss", reason=" no ")
    assert text("errors.HUB-1632.happened", "en", least=5, most=200) in refused.text
    assert "85.03.12-997.61" not in refused.text
    assert pages.notes() == []
    shown = pages.post(f"/people/{token}/reveal", which="inss", reason="asked by the inspector")
    assert "85.03.12-997.61" in shown.text
    assert shown.headers["Cache-Control"] == "no-store"
    assert pages.notes() == [
        ("person.revealed", {"which": "inss", "reason": "asked by the inspector"})
    ]
    assert "85.03.12-997.61" not in pages.get(f"/people/{token}").text
    assert pages.get(f"/people/{token}/reveal").status_code == 405


def test_a_badge_is_lost_found_blocked_and_released_and_gates_hear_of_it(
    pages: Pages, site: World
) -> None:
    token = site.token("Aarts")
    handle = pages.handle(token)
    for number, (act, state) in enumerate(
        (
            ("lost", "lost"),
            ("found", "active"),
            ("block", "blocked"),
            ("unblock", "active"),
            ("release", None),
        )
    ):
        answer = pages.post(f"/people/{token}/badges/{handle}/{act}")
        assert answer.status_code == 303
        assert (pages.state(), pages.told) == (state, number + 1)
        assert text(f"people.{'said.' + answer.headers['Location'].split('said=')[1]}", "en")
    assert text("people.no_badges", "en") in pages.get(f"/people/{token}").text
    assert pages.post(f"/people/{token}/badges/{handle}/lost").status_code == 404


def test_what_cannot_be_done_to_a_badge_is_explained(pages: Pages, site: World) -> None:
    token = site.token("Aarts")
    handle = pages.handle(token)
    page = pages.post(f"/people/{token}/badges/{handle}/found").text
    assert text("errors.HUB-1644.happened", "en", state="active") in page
    assert pages.post(f"/people/{token}/badges/{handle}/eat").status_code == 404
    assert (pages.state(), pages.told) == ("active", 0)


# ---------------------------------------------------------------- form


def test_a_person_is_added_and_shown(pages: Pages) -> None:
    answer = pages.post("/people/new", **FORM)
    where = answer.headers["Location"]
    assert (answer.status_code, pages.told) == (303, 1)
    assert re.fullmatch(r"/people/[0-9a-f]{32}\?said=added", where)
    page = pages.get(where).text
    assert text("people.said.added", "en") in page
    assert "90.11.05-***.**" in page


@pytest.mark.parametrize(
    ("code", "field", "typed"),
    [
        ("IMP-3002", "inss", {"inss": "90110599844"}),
        ("IMP-3001", "inss", {"inss": "9011059984"}),
        ("IMP-3301", "limosa", {"limosa": "2499900000000028"}),
        ("HUB-1620", "given_name", {"given_name": ""}),
        ("HUB-1622", "kind", {"kind": "ghost"}),
        ("HUB-1623", "inss", {"inss": ""}),
        ("HUB-1624", "company", {"company": ""}),
        ("HUB-1625", "user_company", {"kind": "agency"}),
        ("HUB-1626", "limosa", {"kind": "foreign"}),
        ("HUB-1628", "inss", {"inss": "85031299761"}),
        ("HUB-1630", "works", {"works": ""}),
        ("HUB-1631", "company", {"company": "1999000249"}),
        ("HUB-1635", "limosa_until", {"limosa_until": "31/12/2026"}),
        ("HUB-1636", "kind", {"kind": "visitor"}),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(
    pages: Pages, code: str, field: str, typed: dict[str, str]
) -> None:
    sent = {**FORM, **typed}
    answer = pages.post("/people/new", **sent)
    assert answer.status_code == 200
    page = answer.text
    assert f"<code>{code}</code>" in page
    assert f'id="w-{field}"' in page
    for name in ("family_name", "inss", "limosa", "limosa_until"):
        if sent.get(name):
            assert f'value="{sent[name]}"' in page
    assert pages.told == 0
    with reading(pages.world.site.engine) as connection:
        assert len(connection.execute(select(person.c.id)).all()) == 3


def test_a_change_keeps_a_number_that_is_left_empty_and_never_shows_it(
    pages: Pages, site: World
) -> None:
    token = site.token("Aarts")
    page = pages.get(f"/people/{token}/change").text
    assert "85.03.12-***.**" in page
    assert "85031299761" not in re.sub(r"[\s.\-]", "", page)
    answer = pages.post(f"/people/{token}/change", **{**FORM, "inss": "", "family_name": "Adams"})
    assert answer.headers["Location"] == f"/people/{token}?said=changed"
    with reading(site.site.engine) as connection:
        assert site.people(connection).find(inss=inss("85031299761")) == token


def test_a_limosa_number_that_looks_mistyped_is_kept_and_doubted(pages: Pages) -> None:
    typed = {**FORM, "kind": "foreign", "inss": "", "limosa": "24999000000000288"}
    assert pages.post("/people/new", **typed).headers["Location"].endswith("said=kept_doubt")


def test_a_visitor_who_works_is_registered_and_a_worker_who_does_not_says_what_stays(
    pages: Pages, site: World
) -> None:
    token = site.add(replace(DRAFT, kind=Kind.VISITOR, inss=None))
    link(site, token, NOON_MS - 3_600_000)
    Gate(site).tap(NOON_MS - 60_000, reason=REASON_NONE)
    where = f"/people/{token}/change"
    assert pages.post(where, **FORM).headers["Location"].endswith("said=changed_made")
    visitor = {**FORM, "kind": "visitor", "inss": ""}
    with writing(site.site.engine) as connection:
        connection.exec_driver_sql("UPDATE registration SET state = 'registered', number = 7")
    assert pages.post(where, **visitor).headers["Location"].endswith("said=changed_staying")


# ---------------------------------------------------------------- board


def test_visitors_stand_apart_on_the_board_and_are_counted(pages: Pages, site: World) -> None:
    token = site.add(replace(DRAFT, kind=Kind.VISITOR, inss=None))
    link(site, token, NOON_MS - 3_600_000)
    Gate(site).tap(NOON_MS - 60_000, reason=REASON_NONE)
    board = Overview(site.site.engine).board(1, "2026-11-23", NOON_MS)
    assert (board.on_site, board.seen, board.visitors) == (1, 0, 1)
    assert board.not_registered == ()
    assert [(one.visitors, one.seen) for one in board.companies] == [(True, 1)]
    page = pages.get("/?site=1").text
    assert text("dashboard.visitors", "en") in page
    assert text("dashboard.step.visitor", "en") in page
