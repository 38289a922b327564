"""Midnight, the day of 25 hours and the day of 23, on every page that shows times of a day.

One person works through the night in which the clock is put back, or forward; one comes and goes
in the hour that there is twice, or not at all; one comes before midnight and stays.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape

import pytest
from fastapi.testclient import TestClient
from pypdf import PdfReader
from python_calamine import CalamineWorkbook
from sqlalchemy import select

from hub.domain.rights import Role
from hub.storage.engine import reading
from hub.storage.schema import person, registration
from protocol.record import DIRECTION_IN, DIRECTION_OUT
from tests.hub.day_world import at
from tests.hub.derived import Site
from tests.hub.house import BASILE, MILAN, PIOTR, record
from tests.web.phone_world import worker
from tests.web.whole_hub import WholeHub, whole_hub

AUTUMN, SPRING = "2026-10-25", "2026-03-29"
NAMES = ("Aarts", "Gillard", "Kowalik")


@dataclass
class Nights:
    """A hub on whose site people tap, and a supervisor who looks."""

    hub: WholeHub
    browser: TestClient | None = None
    _seq: int = 0
    _site: Site = field(init=False)

    def __post_init__(self) -> None:
        self._site = Site(self.hub.house)
        self.hub.add("sofie", Role.SUPERVISOR)

    def tap(self, card: bytes, moment: str, *, out: bool = False, second: bool = False) -> None:
        """Somebody taps; `second`: in the hour that comes twice, the second time."""
        self._seq += 1
        at_ms = at(moment, int(second))
        piece = record(
            self._seq, self.hub.office.vault.tag(card), at_ms,
            direction=DIRECTION_OUT if out else DIRECTION_IN,
        )  # fmt: skip
        gate, journal = ("gate-out", b"journal2") if out else ("gate-in", b"journal1")
        self._site.arrive(gate, at_ms, piece, journal=journal)
        self._site.project()

    def now(self, moment: str) -> None:
        """It is this moment, and she logs in."""
        self.hub.now_ms = at(moment)
        self.browser = self.hub.logged_in("sofie")

    def gets(self, path: str) -> bytes:
        """What she gets."""
        assert self.browser is not None
        answer = self.browser.get(path)
        assert answer.status_code == 200, (path, answer.status_code)
        return answer.content

    def reads(self, path: str) -> str:
        """What stands on a page, without what draws it."""
        page = re.sub(r"(?s)<(head|script|style|svg)\b.*?</\1>", "", self.gets(path).decode())
        main = re.search(r"(?s)<main.*</main>", page)
        text = re.sub(r"<[^>]+>", " ", main[0] if main else page)
        return re.sub(r"\s+", " ", unescape(text))

    def rows(self, path: str) -> list[list[str]]:
        """The rows of a list that she takes along, without its heading."""
        content = self.gets(path)
        if "csv" in path:
            return list(csv.reader(io.StringIO(content.decode("utf-8-sig")), delimiter=";"))[1:]
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        return [[str(cell) for cell in row] for row in book.get_sheet_by_index(0).to_python()][1:]

    def paper(self, path: str) -> str:
        """What stands on a PDF."""
        pages = PdfReader(io.BytesIO(self.gets(path))).pages
        return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in pages))

    def path_of(self, name: str) -> str:
        """The page of a person."""
        with reading(self.hub.engine) as connection:
            query = select(person.c.token).where(person.c.family_name == name)
            return f"/people/{connection.execute(query).scalar_one()}"

    def registration_of(self, name: str, day: str) -> str:
        """The page of his registration for a day."""
        with reading(self.hub.engine) as connection:
            query = select(registration.c.reference).join(
                person, person.c.id == registration.c.person_id
            )
            found = query.where(person.c.family_name == name, registration.c.day == day)
            return f"/registrations/{connection.execute(found).scalar_one()}"


def once(text: str, *names: str) -> bool:
    """Whether these stand in a list once each, and no other of the people."""
    return [len(re.findall(rf"\b{one}\b", text)) for one in NAMES] == [
        int(one in names) for one in NAMES
    ]


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nights]:
    with whole_hub(tmp_path_factory.mktemp("nights") / "hub") as hub:
        hub.now_ms = at("2026-03-28 12:00")
        yield Nights(hub)


@pytest.fixture(scope="module")
def spring(nights: Nights) -> Nights:
    """The night to 29 March, at seven in the morning."""
    nights.tap(MILAN, "2026-03-28 22:00")
    nights.tap(BASILE, "2026-03-29 01:30")
    nights.tap(BASILE, "2026-03-29 03:30", out=True)
    nights.tap(MILAN, "2026-03-29 06:00", out=True)
    nights.now("2026-03-29 07:00")
    return nights


# ---------------------------------------------------------------- the night that is an hour shorter


def test_an_hour_that_is_not_there_is_not_counted(spring: Nights) -> None:
    spring.now("2026-03-29 07:00")
    path = "first=2026-03-28&last=2026-03-29"
    hours = spring.reads(f"/reports/hours?{path}")
    assert "hours 8:00" in hours
    assert once(hours, "Aarts", "Gillard")
    assert "Sat 28/3 22:00 – 29/03 06:00 – 7:00" in hours
    assert "Sun 29/3 01:30 – 03:30 – 1:00" in hours
    assert once(spring.reads(f"/reports/exceptions?{path}"), "Aarts", "Gillard")


def test_the_short_day_looks_right_everywhere(spring: Nights) -> None:
    spring.now("2026-03-29 07:00")
    board, day = spring.reads("/"), spring.reads("/day")
    assert "0 on site now" in board
    assert "Basile Gillard left at 03:30:00 kept at the gate 01:30:00" in board
    assert "Milan Aarts left at 06:00:00" in board
    assert "Most on site at once: 2, at 01:30." in board
    assert once(day, "Aarts", "Gillard")
    assert "28/03 22:00 06:00" in day
    assert "01:30 03:30" in day
    assert once(spring.paper("/day/list.pdf"), "Aarts", "Gillard")
    milan, basile = spring.rows("/day/list.csv")
    assert milan[11:13] == ["2026-03-28T22:00:00+01:00", "2026-03-29T06:00:00+02:00"]
    assert basile[11:13] == ["2026-03-29T01:30:00+01:00", "2026-03-29T03:30:00+02:00"]
    file = spring.reads(spring.registration_of("Gillard", SPRING))
    assert "Moment of the tap 29 March 2026 01:30:00" in file
    assert "Out, 03:30" in spring.reads("/roll-call")
    assert "Sunday 29 March 2026 01:30:00 03:30:00 left 2" in spring.reads(
        spring.path_of("Gillard")
    )
    assert "Monday 30 March 2026" in spring.reads("/plan")


# ---------------------------------------------------------------- the night that is an hour longer


@pytest.fixture(scope="module")
def autumn(spring: Nights) -> Nights:
    """The night to 25 October, and the day after it."""
    spring.tap(MILAN, "2026-10-24 21:00")
    spring.tap(BASILE, "2026-10-25 02:30")
    spring.tap(BASILE, "2026-10-25 02:30", out=True, second=True)
    return spring


def test_who_came_before_midnight_is_on_the_board_until_he_leaves(autumn: Nights) -> None:
    autumn.now("2026-10-25 04:00")
    board = autumn.reads("/")
    assert "1 on site now" in board
    assert "seen today 2" in board
    assert "Milan Aarts kept at the gate 24/10 21:00:00" in board
    assert "seen on Saturday 24 October" not in board
    # The hour that there is twice says which of the two, and nobody is inside twice.
    assert "Basile Gillard left at 02:30:00 (UTC+1) kept at the gate 02:30:00 (UTC+2)" in board
    assert "Most on site at once: 2, at 02:30 (UTC+2)." in board


def test_everybody_is_on_the_day_list_once_whatever_it_is_taken_along_as(autumn: Nights) -> None:
    autumn.now("2026-10-25 04:00")
    day = autumn.reads("/day")
    assert once(day, "Aarts", "Gillard")
    assert "24/10 21:00 still here" in day
    assert "02:30 (UTC+2) 02:30 (UTC+1)" in day
    assert re.search("on site now 1 came to work 2 ", day)
    paper = autumn.paper("/day/list.pdf")
    assert once(paper, "Aarts", "Gillard")
    assert "24/10 21:00 still here" in paper
    assert "02:30 (UTC+2) 02:30 (UTC+1)" in paper
    for form, came, first, last in (
        ("csv", "2026-10-24T21:00:00+02:00",
         "2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"),
        ("xlsx", "24 October 2026 21:00:00",
         "25 October 2026 02:30:00 (UTC+2)", "25 October 2026 02:30:00 (UTC+1)"),
    ):  # fmt: skip
        milan, basile = autumn.rows(f"/day/list.{form}")
        assert (milan[7], milan[11:14]) == ("Aarts", [came, "", "yes"])
        assert (basile[7], basile[11:14]) == ("Gillard", [first, last, "no"])


def test_a_roll_call_at_night_has_who_came_in_the_evening(autumn: Nights) -> None:
    autumn.now("2026-10-25 04:00")
    for text in (autumn.reads("/roll-call"), autumn.paper("/roll-call/list.pdf")):
        assert once(text, "Aarts", "Gillard")
        assert "In, 21:00" in text
        assert "Out, 02:30 (UTC+1)" in text
    assert "Basile Gillard Toitures · Out · 02:30:00 (UTC+1)" in autumn.reads("/guard")


def test_the_pages_of_one_person_and_of_his_registration_say_which_hour(autumn: Nights) -> None:
    autumn.now("2026-10-25 04:00")
    basile = autumn.reads(autumn.path_of("Gillard"))
    assert "Sunday 25 October 2026 02:30:00 (UTC+2) 02:30:00 (UTC+1) left 2 Out" in basile
    milan = autumn.reads(autumn.path_of("Aarts"))
    assert "Saturday 24 October 2026 21:00:00 21:00:00 inside 1 In" in milan
    file = autumn.reads(autumn.registration_of("Gillard", AUTUMN))
    assert "Sunday 25 October 2026 · Werf Noord" in file
    assert "Moment of the tap 25 October 2026 02:30:00 (UTC+2)" in file
    found = autumn.reads("/consult")
    assert once(found, "Gillard")
    assert "Sun 25/10" in found
    phone = worker(autumn.hub, 2)
    assert phone.text().count("Sunday 25 October 2026") == 1


def test_hours_are_those_that_went_by(autumn: Nights) -> None:
    autumn.tap(MILAN, "2026-10-25 05:00", out=True)
    autumn.now("2026-10-25 06:00")
    hours = autumn.reads("/reports/hours?first=2026-10-24&last=2026-10-25")
    assert "hours 10:00" in hours
    assert once(hours, "Aarts", "Gillard")
    assert "Sat 24/10 21:00 – 25/10 05:00 – 9:00" in hours
    assert "Sun 25/10 02:30 (UTC+2) – 02:30 (UTC+1) – 1:00" in hours
    wrong = autumn.reads("/reports/exceptions?first=2026-10-24&last=2026-10-25")
    assert once(wrong, "Aarts", "Gillard")
    assert "Sat 24/10 21:00" in wrong
    assert "Sun 25/10 02:30 (UTC+2)" in wrong
    board = autumn.reads("/")
    assert "0 on site now" in board
    assert "Milan Aarts left at 05:00:00" in board


def test_a_day_ends_at_its_own_midnight(autumn: Nights) -> None:
    autumn.tap(PIOTR, "2026-10-25 23:30")
    autumn.now("2026-10-25 23:59")
    assert once(autumn.reads("/day"), *NAMES)
    assert "Monday 26 October 2026" in autumn.reads("/plan")
    autumn.now("2026-10-26 00:30")
    board, day = autumn.reads("/"), autumn.reads("/day")
    assert "1 on site now" in board
    assert "Piotr Kowalik kept at the gate 25/10 23:30:00" in board
    assert "Most on site at once: 1, at 00:00." in board
    assert "Monday 26 October 2026" in day
    assert once(day, "Kowalik")
    assert once(autumn.reads("/day?day=2026-10-25"), *NAMES)
    assert once(autumn.reads("/roll-call").partition("Left")[0], "Kowalik")
    assert "Tuesday 27 October 2026" in autumn.reads("/plan")
    # A shift that is longer than any was forgotten at the gate.
    autumn.now("2026-10-26 20:00")
    assert "0 on site now" in autumn.reads("/")
