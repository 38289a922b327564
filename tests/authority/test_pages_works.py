"""The declaration of works: thresholds in words, numbers, parties, effect on validation, poster."""

from __future__ import annotations

import re
from datetime import date
from html import unescape

import pytest

from simulator.authority.numbers import works_number, works_number_ok
from simulator.authority.pages_works import read_amount
from simulator.authority.poster import QUIET_ZONE, qr_code
from simulator.authority.thresholds import judge
from tests.authority import qr_reader
from tests.authority.conftest import MakeRig
from tests.authority.office import Visitor
from tests.authority.rig import (
    LIMOSA_OK,
    MAIN,
    NO_DIMONA,
    OK,
    STRANGER,
    SUB,
    SUB_WORKER,
    WORKS_A,
    Rig,
    item,
)

GOOD: dict[str, object] = {
    "customer": "Stad Valshoven",
    "sector": "1",
    "start": "2026-11-01",
    "end": "2027-10-31",
    "amount": "650 000",
    "place_street": "Verzonnen straat",
    "place_house": "7",
    "place_post": "9999",
    "place_town": "Valshoven",
}
NUMBER = re.compile(r"Works declared\. Number: (\w{13})")


def office(rig: Rig, sender: str = "SIM-0001") -> Visitor:
    visitor = Visitor(rig)
    visitor.log_in(sender, "/works/new")
    return visitor


def party(
    company: str, of: str = "", start: str = "", end: str = "", amount: str = ""
) -> list[tuple[str, object]]:
    row = {"company": company, "of": of, "start": start, "end": end, "amount": amount}
    return [(f"party_{name}", value) for name, value in row.items()]


def declare(visitor: Visitor, *parties: list[tuple[str, object]], **changes: object) -> str:
    """Sends the form; the number given, empty if none was."""
    visitor.get("/works/new")
    fields = [*(GOOD | changes).items(), *(field for one in parties for field in one)]
    found = NUMBER.search(visitor.post("/works/new", *fields))
    return found[1] if found else ""


@pytest.mark.parametrize(
    ("start", "amount", "why", "threshold"),
    [
        ("2014-03-31", 9_000_000, "before", 0),
        ("2014-04-01", 799_999, "below", 800_000),
        ("2014-04-01", 800_000, "reached", 800_000),
        ("2016-02-29", 799_999, "below", 800_000),
        ("2016-02-29", 800_000, "reached", 800_000),
        ("2016-03-01", 499_999, "below", 500_000),
        ("2016-03-01", 500_000, "reached", 500_000),
        ("2026-11-23", 0, "below", 500_000),
    ],
)
def test_the_threshold_follows_the_start(start: str, amount: int, why: str, threshold: int) -> None:
    verdict = judge(1, date.fromisoformat(start), amount)
    assert (verdict.why, verdict.threshold_eur) == (why, threshold)
    assert verdict.compulsory == (why == "reached")


def test_in_the_meat_sector_no_amount_counts() -> None:
    assert judge(3, date(2015, 12, 31), 10**9).why == "before"
    assert judge(3, date(2016, 1, 1), 0).compulsory


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"start": "2016-02-29", "amount": "799.999"},
            "Presence registration is not compulsory, because the amount stays under the threshold"
            " of 800\u202f000\u00a0EUR without VAT, which goes for works started from 01/04/2014",
        ),
        (
            {"start": "2016-03-01", "amount": "€ 500 000,00"},
            "Presence registration is compulsory, because the amount reaches the threshold"
            " of 500\u202f000\u00a0EUR without VAT, which goes for works started from 01/03/2016",
        ),
        (
            {"start": "2010-01-01"},
            "Presence registration is not compulsory, because the works started before",
        ),
        ({"sector": "3", "amount": "0"}, "is compulsory, because in this sector no amount matters"),
    ],
)
def test_the_page_says_whether_registration_is_compulsory_and_why(
    rig: Rig, changes: dict[str, object], said: str
) -> None:
    visitor = office(rig)
    number = declare(visitor, **changes)
    assert said in unescape(visitor.page)
    works = rig.authority.registers.works(number)
    assert works is not None
    assert works.subject == ("not compulsory" not in said)


def test_a_declaration_gets_a_number_and_counts_at_once(rig: Rig) -> None:
    visitor = office(rig)
    expected = works_number("9DT00001")
    # Somebody registers people there before it is declared.
    early = rig.validated(item(OK, works=expected))
    assert early == [("FAILED", ["DUC IS NOT EXISTING"])]
    number = declare(
        visitor,
        party("0999.000.228", amount="120 000", start="2026-11-24"),
        party("FAKE-FOREIGN-1", of="BE0999000228"),
    )
    assert number == expected
    assert works_number_ok(number)
    assert number.startswith("1Y19")
    assert visitor.trail[-1].endswith(f"/works/{number}")
    page = unescape(visitor.page)
    for text in (
        "Stad Valshoven",
        "Verzonnen straat 7, 9999 Valshoven",
        "650\u202f000\u00a0EUR",
        "01/11/2026 – 31/10/2027",
        "0999.000.228",
        "120\u202f000\u00a0EUR",
        "24/11/2026 – 31/10/2027",
        "FAKE-FOREIGN-1",
    ):
        assert text in page
    rig.authority.validate_due()
    assert rig.held(900_000_000_000_001) == ("VALIDATED", [])
    assert rig.validated(
        item(SUB_WORKER, SUB, works=number),
        item(SUB_WORKER, SUB, works=number, day="2026-11-24"),
        item("71121999114", STRANGER, works=number),
        item(limosa=LIMOSA_OK, works=number),
    ) == [
        ("FAILED", ["THE COMPANY ID ASSOCIATED AT A NOT ACTIVE CONTRACT"]),
        ("VALIDATED", []),
        ("FAILED", ["COMPANY IS NOT KNOWN  AS BUILDER OR  SUBCONTRACTOR IN THIS DUC"]),
        ("VALIDATED", []),
    ]
    assert [one["sector"] for one in rig.stored()] == [None, 1, 1, 1, 1]


def test_under_the_threshold_registrations_get_the_remark(rig: Rig) -> None:
    number = declare(office(rig), amount="499 999")
    remark = "SITE IS NOT SUBJECT TO PRESENCE REGISTRATION"
    assert rig.validated(item(OK, works=number)) == [("FAILED", [remark])]


def test_declarations_survive_a_restart_and_numbers_go_on(make_rig: MakeRig) -> None:
    rig = make_rig()
    first = declare(office(rig), party("0999000228"))
    second = declare(office(rig))
    before = rig.authority.registers.works(first)
    declared = rig.authority.declaration(first)
    rig.close()
    again = make_rig()
    assert again.authority.registers.works(first) == before
    assert again.authority.declaration(first) == declared
    third = declare(office(again))
    assert [first, second, third] == [works_number(f"9DT0000{at}") for at in (1, 2, 3)]
    assert again.validated(item(SUB_WORKER, SUB, works=first)) == [("VALIDATED", [])]


def test_the_same_form_twice_declares_once(rig: Rig) -> None:
    visitor = office(rig)
    page = visitor.get("/works/new")
    assert NUMBER.search(visitor.post("/works/new", *GOOD.items()))
    visitor.page = page
    visitor.post("/works/new", *GOOD.items())
    assert visitor.trail[-1].endswith("/works")
    assert len(re.findall(r'href="/works/(1Y19DT\w+)"', visitor.page)) == 1


@pytest.mark.parametrize(
    ("changes", "said", "todo"),
    [
        ({"customer": " "}, "The customer is missing.", "Type the name."),
        ({"place_town": ""}, "A place is missing", "Complete at least one place."),
        ({"place_post": ""}, "A place is missing", "Complete at least one place."),
        ({"start": ""}, "The first day of the works is missing.", "it decides the threshold"),
        ({"start": "01/11/2026"}, "The first day of the works is missing.", "Give it"),
        ({"end": "2026-10-31"}, "The end of the works is before their start", "leave it empty"),
        ({"end": "never"}, "or is no date", "Correct it"),
        ({"in_out_from": "soon"}, "is no date", "Correct it or leave it empty."),
        ({"amount": ""}, "The amount is missing", "for example 650 000"),
        ({"amount": "much"}, "is no number", "Type whole euro"),
        ({"amount": "-1"}, "is no number", "Type whole euro"),
    ],
)
def test_what_is_missing_or_wrong_is_said_and_nothing_is_lost(
    rig: Rig, changes: dict[str, object], said: str, todo: str
) -> None:
    visitor = office(rig)
    assert declare(visitor, party("0999000228"), **changes) == ""
    assert visitor.status == 422
    assert said in visitor.page
    assert todo in visitor.page
    for name, value in (GOOD | changes).items():
        if name not in ("sector", "customer"):
            assert f'name="{name}" value="{value}"' in visitor.page
    assert 'name="party_company" value="0999000228"' in visitor.page
    assert rig.authority.declaration(works_number("9DT00001")) is None


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([party("0999000227")], "Subcontractor 1: neither a possible enterprise number"),
        ([party("42")], "Subcontractor 1: neither"),
        ([party("0999000228", of="1999000150")], "Subcontractor 1: the company it works for"),
        ([party("0999000228", of="0999000228")], "Subcontractor 1: the company it works for"),
        (
            [party("0999000228"), party("1999000150", of="0999000228", start="2027-01-02",
                                        end="2027-01-01")],
            "Subcontractor 2: the period ends before it starts",
        ),
        ([party(""), party("0999000228", amount="much")], "Subcontractor 2: the amount"),
        ([party("", amount="5")], "Subcontractor 1: neither"),
    ],
)  # fmt: skip
def test_the_chain_is_declared_from_top_to_bottom(
    rig: Rig, rows: list[list[tuple[str, object]]], said: str
) -> None:
    visitor = office(rig)
    assert declare(visitor, *rows) == ""
    assert said in visitor.page


def test_a_chain_of_three(rig: Rig) -> None:
    visitor = office(rig)
    number = declare(visitor, party("0999000228"), party("1999000150", of="0999.000.228"))
    declared = rig.authority.declaration(number)
    assert declared is not None
    chain = [(one.company, one.subcontractor_of) for one in declared.contracts]
    assert chain == [(SUB, MAIN), (STRANGER, SUB)]


def test_more_rows_keep_what_was_typed(rig: Rig) -> None:
    visitor = office(rig)
    page = visitor.post("/works/new", *GOOD.items(), ("go", "more_places"))
    assert visitor.status == 200
    assert page.count('name="place_street"') == 2
    assert 'name="place_street" value="Verzonnen straat"' in page
    second = {"place_street": "Tweede", "place_house": "", "place_post": "9998"}
    town = {"place_town": "Elders"}
    fields = [*GOOD.items(), *(second | town).items(), ("go", "more_parties")]
    page = visitor.post("/works/new", *fields)
    assert page.count('name="party_company"') == 3
    assert page.count('name="place_street"') == 2
    visitor.post("/works/new", *fields[:-1])
    assert "Verzonnen straat 7, 9999 Valshoven<br>Tweede, 9998 Elders" in visitor.page


def test_everything_typed_is_escaped(rig: Rig) -> None:
    visitor = office(rig)
    number = declare(
        visitor, party("<i>Firma</i>"), customer="<b>&\"'", place_street="<script>x</script>"
    )
    for path in ("/works", f"/works/{number}", f"/works/{number}/poster", f"/mobile/{number}"):
        page = visitor.get(path)
        assert visitor.status == 200
        assert "<b>&" not in page
        assert "<script" not in page
        assert "<i>" not in page


def test_the_list_shows_own_works_and_those_one_takes_part_in(rig: Rig) -> None:
    number = declare(office(rig), party("1999000150"))
    listed = {
        sender: re.findall(r'class="code" href="/works/(\w+)"', office(rig, sender).get("/works"))
        for sender in ("SIM-0001", "SIM-0002", "SIM-0003")
    }
    assert number in listed["SIM-0001"]
    assert WORKS_A in listed["SIM-0002"]
    assert number not in listed["SIM-0002"]
    assert listed["SIM-0003"] == [number]
    stranger = office(rig, "SIM-0003")
    stranger.get(f"/works/{WORKS_A}")
    assert stranger.status == 404
    assert "your company takes no part in them" in stranger.page
    assert "according to the register of this invented world" in office(rig).get(
        f"/works/{WORKS_A}"
    )


def test_the_poster_is_for_everybody_and_its_code_opens_the_mobile_page(rig: Rig) -> None:
    number = declare(office(rig))
    visitor = Visitor(rig)
    page = visitor.get(f"/works/{number}/poster")
    assert visitor.status == 200
    address = f"http://testserver/mobile/{number}"
    drawn = re.search(r'viewBox="0 0 (\d+) \1".*?<path d="([^"]*)"', page)
    assert drawn is not None
    assert qr_reader.read(qr_reader.modules_of(drawn[2], int(drawn[1]), QUIET_ZONE)) == address
    for text in (
        number,
        "SIMULATION · Simulated authority",
        "Enregistrez-vous avant de commencer",
        "Registreer u voor u begint",
        "Registrieren Sie sich vor Arbeitsbeginn",
        "Register before you start work",
    ):
        assert text in page
    assert "0999.000.129" not in page
    visitor.get(address.removeprefix("http://testserver"))
    assert visitor.status == 200
    visitor.get("/works/1Y199999999LZ/poster")
    assert visitor.status == 404


@pytest.mark.parametrize("length", [1, 14, 15, 26, 27, 42, 43, 62, 63, 84, 85, 106])
def test_codes_of_every_size_are_read_back(length: int) -> None:
    text = ("http://sim.example/" + "0123456789abcdefghij" * 6)[:length]
    code = qr_code(text)
    assert qr_reader.read(qr_reader.modules_of(code.path, code.side)) == text


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("650000", 650_000),
        (" 650.000 EUR", 650_000),
        ("650 000,50", 650_000),
        ("650\u202f000\u00a0€", 650_000),
        ("0", 0),
        ("", None),
        ("1e6", None),
        ("٦٥", None),
        ("9" * 13, None),
    ],
)
def test_amounts_as_people_write_them(text: str, amount: int | None) -> None:
    assert read_amount(text) == amount


def test_who_is_not_employed_there_may_still_be_registered(rig: Rig) -> None:
    number = declare(office(rig))
    assert rig.validated(item(NO_DIMONA, works=number)) == [("FAILED", ["RELATED DIMONA NOT OK"])]
