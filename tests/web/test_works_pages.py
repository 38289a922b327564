"""The pages of works: facts, chain, threshold and regime, and to whom they show what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from hub.application.access import COMMAND
from hub.domain.companies import number_text
from hub.domain.rights import Role
from hub.i18n import LANGUAGES, money_text, text
from hub.storage.declarations import DeclarationDraft, Declarations
from hub.storage.engine import writing
from hub.storage.parties import Parties, PartyDraft
from hub.web.pages.parties import parties_pages
from hub.web.pages.sites import sites_pages
from hub.web.pages.works import works_pages
from tests.hub.house import NOON_MS
from tests.hub.register_house import (
    AGENCY,
    CHAINS,
    FOREIGN,
    LOWER,
    MAIN,
    NAMES,
    NORTH,
    SOUTH,
    STRANGER,
    SUB,
    RegisterHouse,
    register_house,
)
from tests.web.register_pages import Pages, office_of

LATER = "1Y19FAKE002BZ"


@pytest.fixture
def register(tmp_path: Path) -> Iterator[RegisterHouse]:
    with register_house(tmp_path) as opened:
        yield opened


@pytest.fixture
def pages(register: RegisterHouse, tmp_path: Path) -> Pages:
    office = office_of(register, tmp_path)
    routers = [works_pages(office), parties_pages(office), sites_pages(office, lambda *_: b"")]
    return Pages(routers, register)


def handle(pages: Pages, register: RegisterHouse, name: str) -> str:
    """The handle of a site, as the pages give it away."""
    return register.house.vault.index("site", str(register.sites[name])).hex()[:16]


def money(cents: int) -> str:
    return money_text(cents, "en")


def amounts(number: str) -> dict[str, str]:
    """What each contract of a chain looks like on a page."""
    return {
        company: money(cents)
        for works, company, _, cents in CHAINS
        if works == number and cents is not None
    }


# ---------------------------------------------------------------- what is shown


def test_the_list_shows_number_site_and_duty(pages: Pages) -> None:
    page = pages.get("/works")
    assert NORTH in page
    assert SOUTH in page
    assert text("works.duty.not", "en") in page
    assert text("works.duty.is", "en") in page


def test_a_page_shows_the_chain_with_levels_and_amounts(pages: Pages) -> None:
    page = pages.get(f"/works/{NORTH}")
    for number, amount in amounts(NORTH).items():
        assert NAMES[number] in page
        assert amount in page
    assert text("works.party.level", "en", level=2, company=NAMES[SUB]) in page
    assert text("works.party.lends", "en", company=NAMES[SUB]) in page
    assert "Klant Werf Noord" in page
    assert text("works.meter.headline.not", "en") in page
    assert text("works.party.untold", "en") in page
    assert "IMP-32" not in page


def test_the_meter_says_is_will_and_not_yet_known(pages: Pages, register: RegisterHouse) -> None:
    assert text("works.meter.headline.is", "en") in pages.get(f"/works/{SOUTH}")
    with writing(register.house.engine) as connection:
        draft = DeclarationDraft(register.sites["Werf Noord"], date(2016, 2, 29))
        vault = register.house.vault
        Declarations(connection, vault, COMMAND, NOON_MS).add(LATER, draft)
        parties = Parties(connection, vault, COMMAND, NOON_MS)
        parties.put(LATER, PartyDraft(MAIN, None, 799_999_99))
    assert text("works.meter.headline.not", "en") in pages.get(f"/works/{LATER}")
    with writing(register.house.engine) as connection:
        parties = Parties(connection, register.house.vault, COMMAND, NOON_MS)
        parties.put(LATER, PartyDraft(MAIN, None, 800_000_00, date(2026, 11, 24)))
    page = pages.get(f"/works/{LATER}")
    assert text("works.meter.headline.will", "en", day="24 November 2026") in page
    assert "29 February 2016" in page
    with writing(register.house.engine) as connection:
        parties = Parties(connection, register.house.vault, COMMAND, NOON_MS)
        parties.put(LATER, PartyDraft(MAIN, None))
    page = pages.get(f"/works/{LATER}")
    assert text("works.meter.headline.unknown", "en") in page
    assert text("works.meter.untold_one", "en", count=1) in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_speaks_every_language(pages: Pages, language: str) -> None:
    for path, key in (
        ("/works", "title"),
        (f"/works/{NORTH}", "meter.headline.not"),
        (f"/works/{SOUTH}", "meter.headline.is"),
        ("/works/new", "new_title"),
        (f"/works/{NORTH}/change", "coordinates"),
        (f"/works/{NORTH}/party", "party.new_title"),
        (f"/works/{NORTH}/party?company={SUB}", "party.amount_hint"),
    ):
        page = pages.get(path, language).replace("\u00a0", " ").replace("&#39;", "'")
        assert text(f"works.{key}", language) in page, path


def test_a_subcontractor_finds_no_trace_of_others(pages: Pages, register: RegisterHouse) -> None:
    pages.as_(register.contractor(SUB))
    page, listed = pages.get(f"/works/{NORTH}"), pages.get("/works")
    told = amounts(NORTH)
    for number in (STRANGER, FOREIGN):
        for trace in (NAMES[number], number, number_text(number)):
            assert trace not in page
            assert trace not in listed
    assert NAMES[MAIN] in page
    assert NAMES[MAIN] not in listed
    assert f"/companies/{MAIN}" not in page
    for number in (SUB, LOWER):
        assert told[number] in page
    for number in (MAIN, STRANGER):
        assert told[number] not in page
    # Neither a sum, nor the threshold's answer, nor how deep in the chain he is.
    assert "meter-now" not in page
    assert text("works.meter.hidden", "en") in page
    assert "Level" not in page
    assert "Klant" not in page
    assert SOUTH not in listed
    assert text("works.duty.not", "en") not in listed
    assert "/party" not in page
    assert "/change" not in page


def test_a_number_out_of_scope_is_like_none(pages: Pages, register: RegisterHouse) -> None:
    pages.as_(register.contractor(SUB))
    none, hidden = pages.client.get(f"/works/{LATER}"), pages.client.get(f"/works/{SOUTH}")
    assert (hidden.status_code, hidden.text) == (none.status_code, none.text)
    assert none.status_code == 404
    for path in ("/works/new", f"/works/{NORTH}/change", f"/works/{NORTH}/party"):
        assert pages.status(path) == 403
        assert pages.post(path)[0] == 403
    pages.as_(register.at_site("Werf Noord"))
    for path in (f"/works/{SOUTH}", f"/works/{SOUTH}/change", f"/works/{SOUTH}/party"):
        assert pages.status(path) == 404
    for path in ("change", "party", "party/remove", "regime"):
        assert pages.post(f"/works/{SOUTH}/{path}", company=STRANGER)[0] == 404


def test_an_inspector_sees_the_whole_chain_and_changes_nothing(
    pages: Pages, register: RegisterHouse
) -> None:
    pages.as_(replace(register.at_site("Werf Noord"), role=Role.INSPECTOR))
    page = pages.get(f"/works/{NORTH}")
    assert NAMES[LOWER] in page
    assert "/party" not in page
    assert pages.post(f"/works/{NORTH}/party/remove", company=LOWER)[0] == 403
    assert pages.status(f"/works/{NORTH}/party") == 403


# ---------------------------------------------------------------- what is changed


def test_works_are_added_and_a_doubt_about_the_number_stops_nothing(
    pages: Pages, register: RegisterHouse
) -> None:
    site = handle(pages, register, "Werf Noord")
    typed = {"number": "1y19fake002zz", "site": site, "customer": "Stad <Gent>"}
    status, where = pages.post("/works/new", from_day="2027-01-04", until_day="", **typed)
    assert (status, where) == (303, "/works/1Y19FAKE002ZZ?said=added")
    page = pages.get("/works/1Y19FAKE002ZZ")
    assert "IMP-3204" in page
    assert "Stad &lt;Gent&gt;" in page
    assert "4 January 2027" in page
    status, page = pages.post("/works/new", from_day="4/1/2027", **typed)
    assert status == 400
    assert "HUB-1668" in page
    assert 'value="4/1/2027"' in page
    assert "HUB-1666" in pages.post("/works/new", **typed)[1]
    assert "HUB-1661" in pages.post("/works/new", **typed | {"site": "x"})[1]


def test_works_are_changed_with_their_place(pages: Pages, register: RegisterHouse) -> None:
    site = handle(pages, register, "Werf Noord")
    path = f"/works/{NORTH}/change"
    point = "50.8466, 4.3517"
    assert pages.post(path, site=site, coordinates=point)[0] == 303
    assert point in pages.get(f"/works/{NORTH}")
    assert f'value="{point}"' in pages.get(path)
    for wrong in ("91, 4", "50.8466", "x, y"):
        assert "HUB-1408" in pages.post(path, site=site, coordinates=wrong)[1]
    address = {"street": "Kaai", "house": "12", "postcode": "8400", "town": "Oostende"}
    assert "HUB-1408" in pages.post(path, site=site, coordinates=point, **address)[1]
    assert "HUB-1408" in pages.post(path, site=site, street="Kaai")[1]
    assert pages.post(path, site=site, **address)[0] == 303
    assert "Kaai 12, 8400 Oostende" in pages.get(f"/works/{NORTH}")
    days = {"from_day": "2027-02-01", "until_day": "2027-01-01"}
    assert "HUB-1664" in pages.post(path, site=site, **days)[1]


def test_the_regime_is_set_for_a_day_to_come(pages: Pages) -> None:
    path = f"/works/{NORTH}/regime"
    assert pages.post(path, regime="in_out", from_day="2027-04-01")[0] == 303
    assert "From 1 April 2027: In and out" in pages.get(f"/works/{NORTH}")
    assert "HUB-1408" in pages.post(path, regime="day", from_day="2026-11-22")[1]
    assert "HUB-1668" in pages.post(path, regime="other", from_day="2027-04-01")[1]
    assert "HUB-1668" in pages.post(path, regime="day", from_day="")[1]


def test_a_new_company_gets_its_place_in_one_step(pages: Pages) -> None:
    path = f"/works/{NORTH}/party"
    typed = {"company": "0999.000.426", "name": "Nieuw", "above": LOWER, "amount": "12 500,50"}
    status, page = pages.post(path, **typed | {"amount": "12,5000"})
    assert status == 400
    assert "HUB-1654" in page
    assert 'value="12,5000"' in page
    assert "HUB-1660" in pages.post(path, **typed | {"above": AGENCY})[1]
    assert "HUB-1653" in pages.post(path, **typed | {"name": ""})[1]
    assert pages.post(path, **typed) == (303, f"/works/{NORTH}?said=party")
    page = pages.get(f"/works/{NORTH}")
    assert money(12_500_50) in page
    assert text("works.party.level", "en", level=3, company=NAMES[LOWER]) in page


def test_a_known_company_is_named_by_its_number_alone(pages: Pages) -> None:
    path = f"/works/{NORTH}/party"
    assert pages.post(path, company=FOREIGN, above=MAIN)[0] == 303
    assert NAMES[FOREIGN] in pages.get(f"/works/{NORTH}")


def test_a_place_is_changed_and_given_up(pages: Pages) -> None:
    path = f"/works/{NORTH}/party"
    form = pages.get(f"{path}?company={LOWER}")
    assert 'value="31000,23"' in form
    assert f'<option value="{SUB}" selected>' in form
    assert f'<option value="{LOWER}"' not in form
    assert pages.status(f"{path}?company={FOREIGN}") == 404
    assert "HUB-1656" in pages.post(path, known=MAIN, above=LOWER)[1]
    assert pages.post(path, known=LOWER, above=STRANGER, amount="€ 32.000")[0] == 303
    page = pages.get(f"/works/{NORTH}")
    assert money(32_000_00) in page
    assert text("works.party.level", "en", level=2, company=NAMES[STRANGER]) in page
    assert "HUB-1659" in pages.post(f"{path}/remove", company=SUB)[1]
    assert pages.post(f"{path}/remove", company=LOWER)[0] == 303
    assert NAMES[LOWER] not in pages.get(f"/works/{NORTH}")


def test_a_form_of_another_page_is_refused(pages: Pages) -> None:
    assert pages.post(f"/works/{NORTH}/party/remove", "x", company=LOWER)[0] == 403
    assert NAMES[LOWER] in pages.get(f"/works/{NORTH}")
