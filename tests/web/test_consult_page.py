"""Consulting registrations: whose they are, how they are narrowed, files, and the authority."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import date
from html import unescape
from io import BytesIO
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import insert, select

from hub.application.access import Actor
from hub.application.ports import Registered, Seen
from hub.authority.soap import SoapAuthority
from hub.domain.rights import Role
from hub.errors import SitegateError, TransientError, UsageError
from hub.i18n import LANGUAGES, text
from hub.sending import Sending
from hub.settings import Settings
from hub.storage.engine import reading, writing
from hub.storage.house import open_house
from hub.storage.schema import audit, company, works_regime
from hub.storage.writer import Writer
from hub.web.pages import consult
from hub.web.pages.consult import consult_pages
from tests.hub.day_world import DayWorld, at, day_world, whole_day
from tests.hub.register_house import (
    ADMINISTRATOR,
    AGENCY,
    FOREIGN,
    LOWER,
    MAIN,
    NORTH,
    STRANGER,
    SUB,
)
from tests.soap.simulated import SimulatedAuthority
from tests.soap.workers import employee, reference
from tests.web.register_pages import Pages, office_of

MONDAY = date(2026, 11, 23)
AERTS, BORMS, EVRARD = "85031299761", "90110599843", "00010199875"
NUMBERS = (AERTS, BORMS, EVRARD, "03072199766", "24999000000000187")


@dataclass
class Authority:
    """What is asked of the authority, and what it shows for a works number and day."""

    rows: list[Seen] = field(default_factory=list)
    asked: list[tuple[str, str, date]] = field(default_factory=list)
    away: SitegateError | None = None

    def search(self, regime: str, works_number: str, day: date) -> Sequence[Seen]:
        self.asked.append((regime, works_number, day))
        if self.away is not None:
            raise self.away
        return [one for one in self.rows if (one.works_number, one.day) == (works_number, day)]


@dataclass
class Desk:
    """The page over a whole day."""

    world: DayWorld
    pages: Pages
    authority: Authority

    @property
    def site(self) -> str:
        """What stands for the site in addresses."""
        key = str(self.world.register.sites["Werf Noord"])
        return self.world.register.house.vault.index("site", key).hex()[:16]

    def get(self, query: str = "first=2026-11-23&last=2026-11-23", language: str = "en") -> str:
        """A page as text."""
        return unescape(self.pages.get(f"/consult?{query}", language))

    def post(self, do: str = "search", **fields: str) -> tuple[int, str]:
        """A form; the status, and the page or where it leads."""
        sent = {"first": "2026-11-23", "last": "2026-11-23", "do": do, **fields}
        status, answer = self.pages.post("/consult", **sent)
        return status, unescape(answer)

    def noted(self) -> list[tuple[str, dict[str, object]]]:
        """What the audit holds of it."""
        query = select(audit.c.action, audit.c.detail).where(audit.c.action.like("registrations.%"))
        with reading(self.world.register.house.engine) as connection:
            return [(row.action, json.loads(row.detail)) for row in connection.execute(query)]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One day that every test reads; what they note in the audit disturbs none."""
    folder = tmp_path_factory.mktemp("consult")
    with day_world(folder) as world:
        whole_day(world)
        world.at_work(world.person("Zeebroek", MAIN, inss="90231599722"), 900_000_000_000_009,
                      "2026-11-20")  # fmt: skip
        authority = Authority()
        office = replace(office_of(world.register, folder), clock=lambda: at("2026-11-23 12:04"))
        pages = Pages([consult_pages(office, authority.search)], world.register)
        yield Desk(world, pages, authority)


@pytest.fixture
def desk(opened: Desk) -> Desk:
    opened.pages.as_(ADMINISTRATOR)
    opened.authority.rows, opened.authority.asked, opened.authority.away = [], [], None
    return opened


def names_on(html: str, section: str = "own") -> list[str]:
    """The names in the list of our own store, or in that of the authority."""
    part = html.partition(f'aria-labelledby="{section}"')[2].partition("</section>")[0]
    return re.findall(r'<strong class="whole">([^<]+)</strong>', part)


def seen(
    number: int, inss: str | None, employer: str | None = MAIN, day: date = MONDAY,
    *remarks: str, limosa: str | None = None,
) -> Seen:  # fmt: skip
    """A row of the authority."""
    status = "FAILED" if remarks else "VALIDATED"
    registered = Registered("", number, "2026-11-23T07:00:00+01:00", status, remarks)
    return Seen(registered, NORTH, day, inss, limosa, employer, channel="WEB")


# ---------------------------------------------------------------- our own store


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_period_is_listed_with_numbers_reasons_and_masks(desk: Desk, language: str) -> None:
    html = desk.get("first=2026-11-20&last=2026-11-23", language)
    assert len(names_on(html)) == 9
    assert names_on(html)[-1] == "Zeebroek Jo"
    assert "900000000000001" in html
    assert text("remark.related_dimona_not_ok", language).split()[0] in html
    assert "85.03.12-***.**" in html
    assert not any(number in html for number in NUMBERS)


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("state=action", ["Evrard Jo", "Goossens Jo"]),
        ("state=waiting", ["Ivens Jo"]),
        ("state=ended", ["Hermans Jo"]),
        ("remark=any", ["Borms Jo"]),
        ("remark=related_dimona_not_ok", ["Borms Jo"]),
        ("remark=employer_not_active", []),
        (f"company={SUB}", ["Borms Jo", "Dubois Jo"]),
        (f"company={AGENCY}", ["Dubois Jo"]),
        (f"company={LOWER}&state=registered", ["Ceulemans Jo"]),
        ("state=nonsense&remark=%25", ["Aerts Jo", "Borms Jo", "Ceulemans Jo", "Dubois Jo",
                                       "Evrard Jo", "Goossens Jo", "Hermans Jo", "Ivens Jo"]),
    ],
)  # fmt: skip
def test_it_is_narrowed(desk: Desk, asked: str, names: list[str]) -> None:
    assert names_on(desk.get(f"first=2026-11-23&last=2026-11-23&{asked}")) == names


def test_a_name_is_searched_by_a_form_and_stands_in_no_address(desk: Desk) -> None:
    status, html = desk.post(name="jo DUBÓIS")
    assert (status, names_on(html)) == (200, ["Dubois Jo"])
    assert re.search(r'href="/registrations/[0-9a-f]{24}"', html)
    assert "dub" not in "".join(re.findall(r'href="([^"]*)"', html)).casefold()
    assert names_on(desk.post(name="%")[1]) == []
    # Without a name it has an address, which can be kept.
    status, where = desk.post(state="action")
    assert (status, where) == (303, "/consult?first=2026-11-23&last=2026-11-23&state=action")


def test_fifty_rows_a_page_and_the_next_one(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consult, "PAGE", 3)
    pages = [names_on(desk.get(f"first=2026-11-23&last=2026-11-23&page={n}")) for n in (1, 2, 3, 4)]
    assert [len(one) for one in pages] == [3, 3, 2, 0]
    assert len({name for one in pages for name in one}) == 8
    html = desk.post(name="jo", page="2")[1]
    assert names_on(html) == pages[1]
    assert 'name="page" value="3"' in html


@pytest.mark.parametrize(
    ("first", "last", "code"),
    [
        ("nonsense", "", "HUB-1840"), ("2026-02-30", "", "HUB-1840"),
        ("2026-11-23", "2026-11-22", "HUB-1841"), ("2025-11-22", "2026-11-23", "HUB-1842"),
    ],
)  # fmt: skip
def test_a_period_that_cannot_be_consulted_is_explained(
    desk: Desk, first: str, last: str, code: str
) -> None:
    answer = desk.pages.client.get(f"/consult?first={first}&last={last}")
    assert (answer.status_code, code in answer.text) == (422, True)
    assert code in desk.post(first=first, last=last)[1] or code != "HUB-1840"
    assert desk.pages.status("/consult?first=2025-11-23&last=2026-11-23") == 200


# ---------------------------------------------------------------- whose


def test_each_sees_his_own(desk: Desk) -> None:
    register = desk.world.register
    everybody = names_on(desk.get())
    seen_by: dict[str, Actor] = {
        "site": register.at_site("Werf Noord"),
        "inspector": register.at_site("Werf Noord", Role.INSPECTOR),
        "elsewhere": register.at_site("Chantier Sud"),
        "sub": register.contractor(SUB),
        "agency": register.contractor(AGENCY),
        "lower": register.contractor(LOWER),
        "worker": Actor("account:9", Role.WORKER, "Jo", person_id=1, account_id=9),
    }
    found: dict[str, list[str]] = {}
    for who, actor in seen_by.items():
        desk.pages.as_(actor)
        found[who] = names_on(desk.get())
    assert found == {
        "site": everybody,
        "inspector": everybody,
        "elsewhere": [],
        "sub": ["Borms Jo", "Ceulemans Jo", "Dubois Jo"],
        "agency": ["Dubois Jo"],
        "lower": ["Ceulemans Jo"],
        "worker": ["Aerts Jo"],
    }
    desk.pages.as_(Actor("account:8", Role.GUARD, "Guy", sites=frozenset({1}), account_id=8))
    assert desk.pages.status("/consult") == 403


def test_what_is_not_his_is_not_there_and_no_choice(desk: Desk) -> None:
    desk.pages.as_(desk.world.register.contractor(SUB))
    html = desk.get()
    assert STRANGER not in html
    assert "Vreemdeling" not in html
    for query in (
        f"company={STRANGER}",
        f"company={FOREIGN}",
        "company=0999000624",
        "site=" + "f" * 16,
    ):
        assert desk.pages.status(f"/consult?{query}") == 404
        key, _, value = query.partition("=")
        for do in ("search", "csv", "live"):
            assert desk.post(do, name="jo", **{"site": desk.site, key: value})[0] == 404
    assert desk.authority.asked == []


# ---------------------------------------------------------------- files


def test_files_hold_what_was_asked_for_and_are_noted(desk: Desk) -> None:
    before = len(desk.noted())
    sent = {"csrf": ADMINISTRATOR.csrf, "first": "2026-11-23", "last": "2026-11-23",
            "state": "registered", "name": "jo"}  # fmt: skip
    client = desk.pages.client
    lines = client.post("/consult", data={**sent, "do": "csv"}).content.decode("utf-8-sig")
    rows = [line for line in lines.splitlines() if line]
    assert len(rows) == 5
    assert rows[1].startswith("2026-11-23")
    assert "900000000000001" in rows[1]
    assert not any(number in lines for number in NUMBERS)
    book = client.post("/consult", data={**sent, "do": "xlsx"}).content
    sheet = CalamineWorkbook.from_filelike(BytesIO(book)).get_sheet_by_index(0).to_python()
    assert len(sheet) == 5
    noted = desk.noted()[before:]
    assert [(action, one["form"], one["rows"]) for action, one in noted] == [
        ("registrations.exported", "csv", 4), ("registrations.exported", "xlsx", 4),
    ]  # fmt: skip


# ---------------------------------------------------------------- at the authority


def test_the_authority_is_asked_day_by_day_and_says_when(desk: Desk) -> None:
    desk.authority.rows = [
        seen(900_000_000_000_001, AERTS),
        seen(900_000_000_000_077, BORMS, SUB, MONDAY, "RELATED DIMONA NOT OK"),
        seen(900_000_000_000_078, "79010199985", "1999000348"),
    ]
    status, html = desk.post("live", site=desk.site, first="2026-11-22")
    assert status == 200
    assert desk.authority.asked == [("day", NORTH, date(2026, 11, 22)), ("day", NORTH, MONDAY)]
    assert text("consult.asked_at", "en", time="12:04") in html
    assert names_on(html, "there") == [
        "Aerts Jo", "Borms Jo", text("consult.unknown_person", "en")
    ]  # fmt: skip
    # The first is ours; the others were sent from elsewhere.
    there = html.partition('aria-labelledby="there"')[2].partition("</section>")[0]
    assert there.count(text("consult.ours", "en")) == 1
    assert there.count(text("consult.not_ours", "en")) == 2
    assert "No Dimona declaration" in there
    assert not any(number in html for number in (*NUMBERS, "79010199985"))
    assert len(names_on(html)) == 8
    assert desk.noted()[-1][0] == "registrations.asked"


def test_a_contractor_is_shown_his_companies_only(desk: Desk) -> None:
    """One man may have two employers: what he does for the other one is not shown."""
    desk.authority.rows = [
        seen(1, BORMS, SUB),
        seen(2, BORMS, STRANGER),
        seen(3, AERTS, MAIN),
        seen(4, None, None, limosa="24999000000000187"),
        seen(5, "79010199985", LOWER),
        seen(6, "79010199985", STRANGER),
    ]
    desk.pages.as_(desk.world.register.contractor(SUB))
    html = desk.post("live", site=desk.site)[1]
    assert re.findall(r'"receipt">(\d)<', html) == ["1", "4", "5"]
    assert names_on(html, "there") == [
        "Borms Jo", "Ceulemans Jo", text("consult.unknown_person", "en")
    ]  # fmt: skip
    narrowed = desk.post("live", site=desk.site, name="borms")[1]
    assert names_on(narrowed, "there") == ["Borms Jo"]


def test_too_much_at_once_and_no_site_are_told_before_anybody_is_asked(desk: Desk) -> None:
    assert "HUB-1843" in desk.post("live", site=desk.site, first="2026-11-09")[1]
    assert "HUB-1846" in desk.post("live")[1]
    assert desk.authority.asked == []


@pytest.mark.parametrize("away", [TransientError("HUB-1301"), UsageError("HUB-1844")])
def test_with_the_internet_down_our_own_list_still_answers(desk: Desk, away: SitegateError) -> None:
    desk.authority.away = away
    status, html = desk.post("live", site=desk.site)
    assert status == (200 if isinstance(away, TransientError) else 422)
    assert away.code in html
    assert ("HUB-1845" in html) == isinstance(away, TransientError)
    assert len(names_on(html)) == 8
    assert 'id="there"' not in html


def test_each_day_is_asked_of_the_service_of_its_regime(desk: Desk) -> None:
    with writing(desk.world.register.house.engine) as connection:
        connection.execute(
            insert(works_regime).values(works_number=NORTH, from_day="2026-11-24", regime="in_out")
        )
    desk.post("live", site=desk.site, last="2026-11-24")
    assert [one[0] for one in desk.authority.asked] == ["day", "in_out"]


def test_a_hub_without_that_service_says_so(tmp_path: Path) -> None:
    with closing(open_house(tmp_path)) as house:
        sending = Sending(
            Settings(data=tmp_path), house, Writer(house.engine), int, lambda: None, lambda: False
        )
        with pytest.raises(UsageError, match="HUB-1844"):
            sending.search("day", NORTH, MONDAY)


@pytest.mark.processes
def test_a_real_service_is_searched_over_http(desk: Desk, tmp_path: Path) -> None:
    """Registered there through its web service, found there by the page."""
    engine = desk.world.register.house.engine
    with reading(engine) as connection:
        numbers = set(connection.execute(select(company.c.number)).scalars())
    with SimulatedAuthority(tmp_path, "--validation-delay", "0") as service:
        port = SoapAuthority(service.soap, connect_timeout_s=5, read_timeout_s=5)
        item = replace(employee(1), reference=reference(1))
        assert item.company_number in numbers
        (made,) = port.register([item])
        assert isinstance(made, Registered)
        office = replace(
            office_of(desk.world.register, tmp_path), clock=lambda: at("2026-11-23 12:04")
        )
        pages = Pages(
            [consult_pages(office, lambda _, works, day: port.search(works, day))],
            desk.world.register,
        )
        sent = {"do": "live", "site": desk.site, "first": item.day.isoformat()}
        status, html = pages.post("/consult", **sent, last=item.day.isoformat())
        assert status == 200
        assert str(made.number) in html
        assert item.inss is not None
        assert item.inss not in html
