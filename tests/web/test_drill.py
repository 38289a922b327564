"""The evacuation drill: four hundred people, the database locked, three phones, paper.

Nothing here reaches beyond this machine: the browser fails the test when it asks anybody else.
"""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest
from pypdf import PdfReader
from sqlalchemy import Connection, insert, select

from hub.application.prompt import LIMIT_S
from hub.application.roll_call_desk import RollCallDesk
from hub.domain.rights import Role
from hub.storage.engine import reading
from hub.storage.house import DATABASE
from hub.storage.roll_call_files import FOLDER, JOURNAL
from hub.storage.schema import company, person, presence, roll_call_person, roll_call_tick
from tests.chromium import chromium, honest_page, needs_chromium
from tests.hub.roll_call_site import family, token
from tests.web.serving import Stream, served
from tests.web.whole_hub import NORTH, WholeHub, whole_hub

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = needs_chromium
CROWD = 400
COMPANIES = 8
FIRST = 1000
"""Row of the first person of the crowd."""
KEYS = range(FIRST, FIRST + CROWD)
DEADLINE_S = 60
TOKENS = [token(key) for key in KEYS]


def crowd(connection: Connection) -> None:
    """Writes four hundred people of eight companies, all of them on the site."""
    for number in range(COMPANIES):
        values = {"id": 900 + number, "number": f"09990009{number:02}", "name": f"Ploeg {number}"}
        connection.execute(insert(company).values(values))
    people = [
        {
            "id": key, "token": token(key), "family_name": family(key), "given_name": "Wim",
            "company_id": 900 + key % COMPANIES, "works_number": "1Y19FAKE001AZ", "language": "nl",
        }
        for key in KEYS
    ]  # fmt: skip
    connection.execute(insert(person), people)


def tapped(hub: WholeHub) -> None:
    """All of them tapped in this morning."""
    at_ms = hub.now_ms - 4 * 3_600_000

    def write(connection: Connection) -> None:
        rows = [
            {
                "person_id": key, "site_id": 1, "day": "2026-11-23", "first_in_ms": at_ms,
                "last_ms": at_ms, "inside": 1, "taps": 1, "received_ms": at_ms,
                "terminal_id": "gate-in",
            }
            for key in KEYS
        ]  # fmt: skip
        connection.execute(insert(presence), rows)

    hub.write(write)


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """Another process holds every lock of the database: nobody reads it and nobody writes it."""
    script = (
        "import fcntl, sys\n"
        "with open(sys.argv[1] + '-shm', 'r+b') as shared:\n"
        # The eight locks of a write-ahead log: write, checkpoint, recover, five readers.
        "    fcntl.lockf(shared, fcntl.LOCK_EX, 8, 120)\n"
        "    print('locked', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", script, str(database)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        yield
    finally:
        holder.communicate("", timeout=DEADLINE_S)
    assert holder.returncode == 0


class Phone:
    """A helper's phone that has no browser: it ticks, and reads what comes over its stream."""

    def __init__(self, port: int, cookie: str) -> None:
        self._port = port
        self._connection = HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
        self._headers = {"Cookie": f"sitegate_session={cookie}", "Accept": "application/json"}
        self._sections: dict[str, str] = {}
        self.handle = self.csrf = ""

    def open(self, path: str = "/roll-call?site=1&lang=en") -> bytes:
        """Opens an address; of the page it remembers what its forms hold."""
        status, body = self._ask("GET", path)
        assert status == 200, status
        for name, value in re.findall(rb'name="(call|csrf)" value="([^"]*)"', body):
            setattr(self, "handle" if name == b"call" else "csrf", value.decode())
        return body

    def tick(self, stands_for: str) -> None:
        """Ticks somebody; the hub has said that it is kept when this returns."""
        fields = {"csrf": self.csrf, "site": "1", "call": self.handle, "present": stands_for}
        status, body = self._ask("POST", "/roll-call/tick", urlencode(fields))
        assert (status, b'"kept":true' in body) == (200, True), (status, body)

    def _ask(self, method: str, path: str, body: str | None = None) -> tuple[int, bytes]:
        form = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
        for _ in range(2):
            try:
                self._connection.request(method, path, body, {**self._headers, **form})
                answer = self._connection.getresponse()
                return answer.status, answer.read()
            except ConnectionError:
                # The hub ends a connection that was quiet for some seconds; asking again is
                # harmless.
                self._connection.close()
        raise ConnectionError

    def close(self) -> None:
        """Puts the phone away."""
        self._connection.close()

    def stream(self) -> Stream:
        """Its live stream."""
        return Stream(self._port, "/roll-call/live?site=1&lang=en", headers=self._headers)

    def take(self, stream: Stream) -> None:
        """Takes in the next event, as the script of the page does."""
        for section, content in re.findall(
            r'<section id="([\w-]+)"(.*?)</section>', stream.next().data, re.DOTALL
        ):
            self._sections[section] = content

    def shown(self, kind: str) -> list[str]:
        """The people of the sections of a kind, `to` or `ok`, as they stand on the screen."""
        parts = [content for name, content in self._sections.items() if name.startswith(kind)]
        return re.findall(r'<li id="p-(\w+)"', "".join(parts))


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[WholeHub]:
    """A hub whose database is given as long as on a site."""
    with whole_hub(tmp_path / "hub", patience_s=LIMIT_S) as hub:
        yield hub


def test_four_hundred_people_three_phones_and_no_database(hub: WholeHub) -> None:
    hub.write(crowd)
    tapped(hub)
    for login in ("ann", "bob", "cem"):
        hub.add_of(login, Role.GUARD, "", (NORTH,))
    cookies = [hub.logged_in(login).cookies["sitegate_session"] for login in ("ann", "bob", "cem")]
    desk = hub.roll_call
    desk.start()
    try:
        with served(hub.app, hub.changes) as port, chromium() as browser:
            _drill(hub, desk, port, browser, cookies)
    finally:
        desk.stop()


def _drill(
    hub: WholeHub, desk: RollCallDesk, port: int, browser: Browser, cookies: list[str]
) -> None:
    folder = hub.office.folder
    with (
        closing(Phone(port, cookies[1])) as bob,
        closing(Phone(port, cookies[2])) as cem,
        honest_page(browser, 360, 740, ()) as ann,
    ):
        for phone in (bob, cem):
            assert phone.open().count(b'<li id="p-') == CROWD
        ann.context.add_cookies(
            [{"name": "sitegate_session", "value": cookies[0], "url": f"http://127.0.0.1:{port}"}]
        )
        ann.goto(f"http://127.0.0.1:{port}/roll-call?site=1&lang=en")
        assert ann.locator(".count-number").inner_text() == str(CROWD)
        with locked(folder / DATABASE):
            # The alarm. Sessions are a minute old, so that each request would write, and waits.
            hub.now_ms += 61_000
            ann.get_by_role("button", name="Start a roll call").click()
            ann.get_by_text("Roll call since").wait_for()
            assert "The database does not answer" in ann.locator("#headline").inner_text()
            paper = bob.open("/roll-call/list.pdf?site=1&lang=en")
            _on_paper(paper, folder)
            for phone in (bob, cem):
                phone.open()
            _tick(ann, bob, cem)
            assert (folder / FOLDER / JOURNAL).read_text("utf-8").count('"ticked"') == CROWD
            hub.now_ms += 5_000
            hub.changes.notify()
            ann.get_by_text(f"{CROWD} ticks are kept on the hub").wait_for()
        assert desk.flush()
        ann.get_by_text("ticks are kept on the hub").wait_for(state="detached")
        ann.goto("about:blank")
    with reading(hub.engine) as connection:
        rows = connection.execute(select(roll_call_tick.c.person_id, roll_call_tick.c.mark)).all()
        sought = connection.execute(select(roll_call_person.c.person_id)).scalars().all()
    assert sorted(tuple(row) for row in rows) == [(key, "present") for key in KEYS]
    assert sorted(sought) == list(KEYS)


def _on_paper(paper: bytes, folder: Path) -> None:
    pages = [page.extract_text() for page in PdfReader(BytesIO(paper)).pages]
    written = "\n".join(pages)
    assert [key for key in KEYS if written.count(family(key)) != 1] == []
    assert "last list, of" in written.replace("\n", " ")
    assert f"Page 1/{len(pages)}" in pages[0]
    # And without any hub: the file that a browser opens from the disk.
    html = (folder / FOLDER / "werf-noord.html").read_text("utf-8")
    assert [key for key in KEYS if html.count(family(key)) != 1] == []


def _tick(ann: Page, bob: Phone, cem: Phone) -> None:
    """All three tick at once; two of them the same fifty people. Five are found at the end."""
    last = TOKENS[-5:]
    shares = {bob: TOKENS[30:240], cem: TOKENS[190:-5]}
    failed: list[BaseException] = []

    def helper(phone: Phone) -> None:
        try:
            for one in shares[phone]:
                phone.tick(one)
        except BaseException as error:  # noqa: BLE001 - told by the test
            failed.append(error)

    with bob.stream() as bobs, cem.stream() as cems:
        threads = [threading.Thread(target=helper, args=(phone,)) for phone in shares]
        for thread in threads:
            thread.start()
        for one in TOKENS[:30]:
            ann.locator(f"#p-{one} button.box").click()
        for thread in threads:
            thread.join(DEADLINE_S)
        assert failed == []
        for phone, stream in ((bob, bobs), (cem, cems)):
            while sorted(phone.shown("to-")) != last or len(phone.shown("ok-")) != CROWD - 5:
                phone.take(stream)
            assert sorted([*phone.shown("to-"), *phone.shown("ok-")]) == TOKENS
        ann.locator(".count-number", has_text=re.compile("^5$")).wait_for()
        left = ann.locator('section[id^="to-"] li').evaluate_all("all => all.map(one => one.id)")
        assert sorted(left) == [f"p-{one}" for one in last]
        everybody = ann.locator('li[id^="p-"]').evaluate_all("all => all.map(one => one.id)")
        assert sorted(everybody) == [f"p-{one}" for one in TOKENS]
        for one in last:
            bob.tick(one)
        for phone, stream in ((bob, bobs), (cem, cems)):
            while phone.shown("to-"):
                phone.take(stream)
            assert sorted(phone.shown("ok-")) == TOKENS
    ann.get_by_text("Everybody is found.").wait_for()
