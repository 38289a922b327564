"""The first ten minutes of a contractor: three badges by page, and a list of 200 with faults.

What it takes a person is reckoned, not timed (`tests.e2e.newcomer`): for each click 1.7 s to point
and 1.35 s to make up his mind, 0.28 s for each key, 6 s to read each page. The test counts 32
clicks, 110 keys and 17 pages, from the invitation to the list of everybody: 32 x 3.05 + 110 x 0.28
+ 17 x 6 = 230 s. More than five minutes, or many more clicks or keys, fail it.

The second newcomer has no mouse: he goes from field to field with the Tab key, and does the same.
"""

from __future__ import annotations

import asyncio
import io
import re
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import python_calamine

from hub.application.access import COMMAND
from hub.domain.rights import Role
from hub.i18n import catalogue
from hub.storage.accounts import Accounts, NewAccount
from hub.storage.companies import Companies
from hub.storage.engine import writing
from hub.storage.house import open_house
from hub.storage.links import Purpose
from hub.storage.parties import Parties, PartyDraft
from simulator.site import GatePlan, SimulatedSite
from tests.chromium import chromium, honest_page, needs_chromium
from tests.console.serving import loop_in_thread
from tests.e2e.chain import ready
from tests.e2e.newcomer import WIDE, Visitor
from tests.hub.house import HEADER
from tests.people_files import FOURTEEN, OTHER_COMPANY, OWN_COMPANY, WORKS, two_hundred, xlsx_file

pytestmark = [pytest.mark.processes, *needs_chromium]
GATE, GATE_NAME, SITE = "gate-in", "Poort 1", "Werf Noord"
PASSWORD = "vier natte bakstenen"
DECLARING = "0999000327"
PEOPLE = f"""{HEADER}
{SITE};{WORKS};{DECLARING};Hoofdaannemer Voorbeeld;Aarts;Milan;85031299761;;04A1B2C3D4E501;nl;
"""
HOUR_MS = 3_600_000
FIVE_MINUTES_S = 300
CLICKS_MOST, KEYS_MOST = 40, 150


@dataclass(frozen=True)
class Newcomer:
    """Who begins, and with what in his hands.

    Args:
        language: of his pages and his spreadsheet.
        login, name: of his account.
        company, company_name: his company.
        cards: UIDs of three badges that nobody has.
        people: number, given name and family name of three of his people.
        badges: how the badges in his list begin.
        by_keyboard: he has no mouse.
    """

    language: str
    login: str
    name: str
    company: str
    company_name: str
    cards: tuple[str, str, str]
    people: tuple[tuple[str, str, str], ...]
    badges: str
    by_keyboard: bool = False


NEWCOMERS = (
    Newcomer(
        "nl", "lien@bouwwerken.example", "Lien Wouters", OWN_COMPANY, "Bouwwerken Peeters",
        ("04d1d2d3d4d501", "04d1d2d3d4d502", "04d1d2d3d4d503"),
        (
            ("90110599843", "Nora", "Verlinden"),
            ("82093099188", "Ward", "Claessens"),
            ("99123199544", "Tuur", "Fierens"),
        ),
        "04C0DE",
    ),
    Newcomer(
        "fr", "marc@toitures.example", "Marc Delvaux", OTHER_COMPANY, "Toitures Dubois",
        ("04f1f2f3f4f501", "04f1f2f3f4f502", "04f1f2f3f4f503"),
        (
            ("78041799366", "Odile", "Brasseur"),
            ("03072199766", "Basile", "Gillard"),
            ("91112299443", "Nora", "Lambert"),
        ),
        "04C1DE",
        by_keyboard=True,
    ),
)  # fmt: skip


def list_of(newcomer: Newcomer) -> bytes:
    """His list of 200 people, fourteen of whose rows are wrong, with headings in his language."""
    other = {OWN_COMPANY: OTHER_COMPANY, OTHER_COMPANY: OWN_COMPANY}
    rows = two_hundred()
    for row in rows:
        if newcomer.company != OWN_COMPANY:
            row["company_number"] = other[row["company_number"]]
        row["badge_uid"] = row["badge_uid"].replace("04C0DE", newcomer.badges)
    return xlsx_file(rows, newcomer.language)


class Place:
    """A running site, driven from a thread that is not its own."""

    def __init__(self, site: SimulatedSite, loop: asyncio.AbstractEventLoop) -> None:
        self.site, self._loop = site, loop
        self.office: dict[str, str] = {}
        """Links that log in a supervisor, by language."""

    def run(self, work: Any) -> Any:
        """Runs a coroutine on the site's loop; returns its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(90)

    def prepare(self) -> None:
        """Gives both companies a place in the works, and each newcomer a supervisor."""
        now_ms = time.time_ns() // 1_000_000
        folder = self.site.folder / "hub"
        with closing(open_house(folder)) as house, writing(house.engine) as connection:
            companies = Companies(connection, house.vault, COMMAND, now_ms)
            parties = Parties(connection, house.vault, COMMAND, now_ms)
            accounts = Accounts(connection, house.vault, COMMAND, now_ms)
            parties.put(WORKS, PartyDraft(DECLARING))
            for newcomer in NEWCOMERS:
                companies.add(newcomer.company, newcomer.company_name)
                parties.put(WORKS, PartyDraft(newcomer.company, DECLARING))
                sofie = NewAccount(
                    f"sofie-{newcomer.language}", "Sofie Maes", Role.SUPERVISOR,
                    sites=(SITE,), language=newcomer.language,
                )  # fmt: skip
                secret = accounts.link(accounts.add(sofie), Purpose.LOGIN, now_ms + HOUR_MS)
                self.office[newcomer.language] = f"{self.site.dashboard}link/{secret}"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A site with one gate, where both newcomers' companies have a place in the works."""
    folder: Path = tmp_path_factory.mktemp("newcomer")
    people = folder / "people.csv"
    people.write_text(PEOPLE, encoding="utf-8")
    site = SimulatedSite(folder, gates=[GatePlan(GATE, GATE_NAME, "in")], people=people, site=SITE)

    with loop_in_thread() as loop:
        here = Place(site, loop)
        here.run(site.start())
        try:
            here.prepare()
            here.run(ready(site, GATE))
            yield here
        finally:
            here.run(site.stop())


@pytest.mark.parametrize("newcomer", NEWCOMERS, ids=lambda one: one.language)
def test_a_newcomer_enrols_three_badges_and_a_list_of_two_hundred(
    place: Place, newcomer: Newcomer
) -> None:
    began = time.monotonic()
    with chromium() as browser:
        size = WIDE["width"], WIDE["height"]
        with honest_page(browser, *size, (), newcomer.language) as page:
            invitation = invited(Visitor(page, newcomer.language, "0-office"), place, newcomer)
        with honest_page(browser, *size, (), newcomer.language) as page:
            he = Visitor(page, newcomer.language, "1-newcomer", newcomer.by_keyboard)
            arrives(he, invitation)
            links_at_the_gate(he, place, newcomer)
            links_at_a_desk(he, newcomer)
            adds_and_links(he, newcomer)
            hands_in_his_list(he, newcomer)
    print(
        f"{newcomer.language}: {he.clicks} clicks, {he.fields} fields, {he.keys} keys, "
        f"{he.tabs} tabs, {he.read} pages; {he.reckoned_s():.0f} s for a person, "
        f"{time.monotonic() - began:.1f} s here"
    )
    assert he.clicks <= CLICKS_MOST
    assert he.keys <= KEYS_MOST
    assert he.reckoned_s() <= FIVE_MINUTES_S


def invited(office: Visitor, place: Place, newcomer: Newcomer) -> str:
    """The supervisor invites the newcomer; returns the link of the invitation."""
    page = office.page
    page.goto(place.office[newcomer.language])
    office.clicks_on("button", office.says("access.link.login.do"))
    office.clicks_on("link", office.says("frame.nav.accounts"))
    office.arrives(office.says("access.accounts.title"), "1-accounts")
    office.clicks_on("link", office.says("access.accounts.invite"))
    office.arrives(office.says("access.accounts.invite"), "2-invite", phone=True)
    office.types(office.says("access.accounts.name"), newcomer.name)
    office.types(office.says("access.login.login"), newcomer.login)
    office.chooses(office.says("access.accounts.company"), newcomer.company)
    office.chooses(office.says("access.account.language_label"), newcomer.language)
    office.clicks_on("button", office.says("access.accounts.invite_do"))
    office.arrives(newcomer.name, "3-invited", phone=True)
    return page.locator("code.address").inner_text()


def arrives(he: Visitor, invitation: str) -> None:
    """He opens his link, chooses a password, and stands before his own empty list."""
    he.page.goto(invitation)
    he.arrives(he.says("access.link.invitation.title"), "01-invitation", phone=True)
    he.types(he.says("access.link.password"), PASSWORD)
    he.types(he.says("access.link.again"), PASSWORD)
    he.clicks_on("button", he.says("access.link.invitation.do"))
    he.sees(he.says("frame.said.welcome"))
    he.arrives(he.says("people.title"), "02-first-page", phone=True)
    he.sees(he.says("people.first.title"))


def fills_in(he: Visitor, room: str, person: tuple[str, str, str]) -> None:
    """Types the number and the name of somebody; all the rest is right as it stands."""
    at_badge = room == "enrol"
    number, given, family = person
    he.types(he.says("enrol.new.number" if at_badge else "people.inss"), number)
    he.sees(he.says("enrol.new.good" if at_badge else "people.check_good"))
    prefix = "enrol.new" if at_badge else "people"
    he.types(he.says(f"{prefix}.given_name"), given)
    he.types(he.says(f"{prefix}.family_name"), family)


def links_at_the_gate(he: Visitor, place: Place, newcomer: Newcomer) -> None:
    """An unknown badge at the gate appears on his page, and becomes somebody's."""
    person = newcomer.people[0]
    he.clicks_on("link", he.says("people.first.enrol"), "main")
    he.arrives(he.says("enrol.title"), "03-ways-to-link", phone=True)
    he.clicks_on("button", f"{he.says('enrol.wait_here')} {GATE_NAME}")
    he.arrives(he.says("enrol.waiting.title_gate", gate=GATE_NAME), "04-waiting", phone=True)
    place.run(place.site.tap(GATE, newcomer.cards[0]))
    he.arrives(he.says("enrol.seen.title"), "05-badge-read", phone=True)
    fills_in(he, "enrol", person)
    he.looks("06-filled-in")
    he.clicks_on("button", he.says("enrol.new.link"))
    he.arrives(he.says("enrol.done.title"), "07-linked", phone=True)
    he.sees(f"{person[1]} {person[2]}")
    he.sees(he.says("enrol.done.adopted", 1))


def links_at_a_desk(he: Visitor, newcomer: Newcomer) -> None:
    """A reader that is a keyboard types the number of the card, and Enter."""
    person = newcomer.people[1]
    he.clicks_on("link", he.says("frame.nav.enrol"))
    reads_a_card(he, newcomer.cards[1])
    fills_in(he, "enrol", person)
    he.clicks_on("button", he.says("enrol.new.link"))
    he.arrives(he.says("enrol.done.title"), "08-linked-at-desk")
    he.sees(f"{person[1]} {person[2]}")


def reads_a_card(he: Visitor, card: str) -> None:
    """Clicks into the field and lays a card on the reader."""
    he.clicks += 1
    field = he.field(he.says("enrol.typed.card"))
    if he.by_keyboard:
        he.goes_to(field)
    else:
        field.click()
    he.page.keyboard.type(card.upper())
    he.page.keyboard.press("Enter")
    he.reaches(he.says("enrol.seen.title"))


def adds_and_links(he: Visitor, newcomer: Newcomer) -> None:
    """He adds somebody without a badge, and links one from that person's page."""
    person = newcomer.people[2]
    he.clicks_on("link", he.says("frame.nav.people"))
    he.arrives(he.says("people.title"), "09-two-people", phone=True)
    he.clicks_on("link", he.says("people.add"))
    he.arrives(he.says("people.add"), "10-add", phone=True)
    fills_in(he, "people", person)
    he.clicks_on("button", he.says("people.save"))
    he.arrives(f"{person[1]} {person[2]}", "11-added", phone=True)
    he.sees(he.says("people.said.added"))
    he.clicks_on("link", he.says("people.link_badge"), "main")
    he.sees(he.says("enrol.meant.sub", name=f"{person[1]} {person[2]}"))
    reads_a_card(he, newcomer.cards[2])
    he.looks("12-for-somebody", phone=True)
    he.clicks_on("button", he.says("enrol.same.link", name=f"{person[1]} {person[2]}"))
    he.arrives(he.says("enrol.done.title"), "13-linked-to-known")


def pieces(he: Visitor, code: str, part: str) -> list[str]:
    """What an explained error says in his language, around the values in it."""
    texts = catalogue()
    whole = texts.get(f"errors.{code}.{part}") or texts[f"errors.IMP.{part}"]
    return re.split(r"\{\w+\}", whole[he.language])


def hands_in_his_list(he: Visitor, newcomer: Newcomer) -> None:
    """200 rows: fourteen are explained to him, the others he takes, and the wrong ones he keeps."""
    page = he.page
    he.clicks_on("link", he.says("frame.nav.imports"))
    he.arrives(he.says("imports.title"), "14-send-a-list", phone=True)
    he.hands_in(he.says("imports.file"), "people.xlsx", list_of(newcomer))
    he.clicks_on("button", he.says("imports.send"))
    he.arrives(he.says("imports.check_title"), "15-dry-run", phone=True)
    assert [int(one) for one in page.locator(".sums strong").all_inner_texts()][:3] == [
        200,
        186,
        14,
    ]
    he.sees(he.says("imports.wrong_first"))
    for wrong in FOURTEEN:
        told = page.locator("article.fault").filter(has_text=wrong.code).inner_text()
        told = told.replace("\u00a0", " ")
        assert f"{he.says('imports.row', row=wrong.index + 2)} ·" in told, wrong.code
        for part in ("happened", "next"):
            assert [one for one in pieces(he, wrong.code, part) if one not in told] == [], told
    with page.expect_download() as downloading:
        he.clicks_on("link", he.says("imports.download", 14))
    content = Path(downloading.value.path()).read_bytes()
    rows = python_calamine.load_workbook(io.BytesIO(content)).get_sheet_by_index(0).to_python()
    assert len(rows) == 15
    assert rows[0][-1] == he.says("imports.remark")
    assert all(str(row[-1]).strip() for row in rows[1:])
    he.clicks_on("button", he.says("imports.take_good", 186))
    he.sees(he.says("imports.said.imported_good"))
    he.arrives(he.says("imports.title"), "16-imported", phone=True)
    assert page.locator("tbody tr").first.locator("td.number").nth(1).inner_text() == "186"
    he.clicks_on("link", he.says("frame.nav.people"))
    he.reaches(he.says("people.title"))
    he.sees(he.says("people.count", 189))
    he.looks("17-all-people", phone=True)
