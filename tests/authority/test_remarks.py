"""Later validation: the remarks of the fake registers, and how outcomes change afterwards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import lxml.etree as etree
import pytest

from simulator.authority.operations import Settings
from tests.authority.rig import (
    BIS_ENDED,
    BIS_LIMOSA,
    BIS_PLAIN,
    FOUNDER,
    LATE,
    LIMOSA_ENDED,
    LIMOSA_OK,
    LIMOSA_UNKNOWN,
    MAIN,
    NO_DIMONA,
    NS,
    OK,
    SCHEMA,
    STOPPED,
    STRANGER,
    SUB,
    SUB_WORKER,
    WORKS_B,
    WORKS_C,
    WORKS_D,
    WORKS_UNKNOWN,
    WORLD,
    Rig,
    cancel,
    get,
    item,
)

DIMONA = "RELATED DIMONA NOT OK"
PARTY = "COMPANY IS NOT KNOWN  AS BUILDER OR  SUBCONTRACTOR IN THIS DUC"
TWIN = "SAME DECLARATION HAS ALREADY BEEN REGISTERED"
STRANGERS_WORKER = "71121999114"
OTHER_FOUNDER, FOUNDER_OF_NOTHING = "86022899879", "00022999125"

REMARKS = [
    value.get("value")
    for kind in etree.parse(str(SCHEMA / "presence-types-v1.xsd")).getroot()
    if kind.get("name") == "SearchRemarkType"
    for value in kind.iter("{*}enumeration")
]
EXPECTED = [
    ("worker ok", item(OK, MAIN), []),
    ("person born from 2000 on", item(SUB_WORKER, SUB), []),
    ("founder", item(FOUNDER, SUB), []),
    ("Limosa running", item(limosa=LIMOSA_OK), []),
    ("BIS with Limosa", item(BIS_LIMOSA, MAIN), []),
    ("BIS with Dimona", item("95492199633", SUB), []),
    ("no Dimona", item(NO_DIMONA, MAIN), [DIMONA]),
    ("Dimona elsewhere", item(OK, SUB), [DIMONA]),
    ("Dimona not there yet", item(LATE, MAIN), [DIMONA]),
    (
        "founder elsewhere",
        item(OTHER_FOUNDER, SUB),
        ["GIVEN INSS IS NOT THE FOUNDER OF THE COMPANY"],
    ),
    (
        "company without founder",
        item(FOUNDER, STOPPED),
        ["EMPLOYER NOT ACTIVE", "EMPLOYER IS NOT KNOWN AS COMPANY FOUNDER"],
    ),
    (
        "founder of nothing",
        item(FOUNDER_OF_NOTHING, SUB),
        ["INDEPENDANT IS NOT KNOWN AS COMPANY FOUNDER"],
    ),
    ("Limosa unknown", item(limosa=LIMOSA_UNKNOWN), ["LIMOSA ID IS NOT KNOWN"]),
    ("Limosa ended", item(limosa=LIMOSA_ENDED), ["LIMOSA ID IS NOT ACTIVE AT DATE"]),
    ("BIS without Limosa", item(BIS_PLAIN, MAIN), ["NISS-BIS IS NOT KNOWN IN LIMOSA"]),
    (
        "BIS, Limosa ended",
        item(BIS_ENDED, MAIN),
        ["NISS-BIS IS NOT ACTIVE AT THIS DATE IN LIMOSA"],
    ),
    ("unknown works", item(works=WORKS_UNKNOWN), ["DUC IS NOT EXISTING"]),
    ("ended works", item(works=WORKS_B), ["DUC IS NOT ACTIVE AT THIS DATE"]),
    ("stranger", item(STRANGERS_WORKER, STRANGER), [PARTY]),
    ("stranger without Dimona", item(OK, STRANGER), [DIMONA, PARTY]),
    (
        "under the threshold",
        item(works=WORKS_C),
        ["SITE IS NOT SUBJECT TO PRESENCE REGISTRATION"],
    ),
    (
        "contract over",
        item(SUB_WORKER, SUB, WORKS_D),
        ["THE COMPANY ID ASSOCIATED AT A NOT ACTIVE CONTRACT"],
    ),
    ("company stopped", item(STRANGERS_WORKER, STOPPED), ["EMPLOYER NOT ACTIVE"]),
    (
        "unknown person",
        item("85031299563", MAIN),
        ["NISS IS NOT KNOW IN THE NATIONAL REGISTER"],
    ),
    ("Limosa employer not on these works", item(limosa=LIMOSA_OK, works=WORKS_C), [
        "SITE IS NOT SUBJECT TO PRESENCE REGISTRATION", PARTY,
    ]),
]  # fmt: skip


@pytest.mark.parametrize(("one", "remarks"), [row[1:] for row in EXPECTED], ids=[
    row[0] for row in EXPECTED
])  # fmt: skip
def test_first_validation(rig: Rig, one: str, remarks: list[str]) -> None:
    assert rig.validated(one) == [("FAILED" if remarks else "VALIDATED", remarks)]


def test_every_official_remark_is_expected_somewhere() -> None:
    expected = {remark for _, _, remarks in EXPECTED for remark in remarks}
    assert set(REMARKS) - expected == {TWIN, "THE COMPANY DOESN'T EXISTS"}


def test_an_unknown_company(make_rig: Callable[..., Rig], tmp_path: Path) -> None:
    world = tmp_path / "world.toml"
    block = '[[company]]\nnumber = "1999000150"\n'
    text = WORLD.read_text(encoding="utf-8")
    assert block in text
    world.write_text(text.replace(block, ""), encoding="utf-8")
    rig = make_rig(world=world)
    assert rig.validated(item(STRANGERS_WORKER, STRANGER)) == [
        ("FAILED", ["THE COMPANY DOESN'T EXISTS"])
    ]


def test_the_second_of_two_equal_calls_gets_the_remark(rig: Rig) -> None:
    assert rig.validated(item(), item()) == [("VALIDATED", []), ("FAILED", [TWIN])]


def test_twins_are_the_same_person_works_and_day(rig: Rig) -> None:
    outcomes = rig.validated(
        item(), item(day="2026-11-24"), item(works=WORKS_C), item(limosa=LIMOSA_OK),
        item(BIS_LIMOSA, MAIN), item(limosa=LIMOSA_UNKNOWN), item(limosa=LIMOSA_UNKNOWN),
    )  # fmt: skip
    assert [TWIN in remarks for _, remarks in outcomes] == [
        False, False, False, False, True, False, True,
    ]  # fmt: skip


def test_before_the_delay_nothing_is_validated(rig: Rig) -> None:
    [number] = rig.register(item())
    rig.clock.forward(19.999)
    assert rig.authority.validate_due() == 0
    assert rig.held(number) == ("SUCCESSFULLY REGISTERED", [])
    rig.clock.forward(0.001)
    assert rig.authority.validate_due() == 1
    assert rig.held(number) == ("VALIDATED", [])


def test_the_delay_is_a_setting(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(settings=Settings(validation_delay_ms=0))
    [number] = rig.register(item())
    assert rig.authority.wait_ms() == 0
    rig.authority.validate_due()
    assert rig.held(number) == ("VALIDATED", [])


def test_a_late_dimona_turns_failed_into_validated_and_history_tells(rig: Rig) -> None:
    assert rig.validated(item(LATE)) == [("FAILED", [DIMONA])]
    rig.clock.to("2026-11-23T07:11:07.311")
    assert rig.authority.validate_due() == 0
    rig.clock.forward(0.001)
    assert rig.authority.wait_ms() == 0
    assert rig.authority.validate_due() == 1
    [number] = [held["number"] for held in rig.stored()]
    reply = rig.call(get(number))
    history = reply.body.find(".//t:ValidationHistory", NS)
    assert [one.text for one in history.iterfind(".//t:Status", NS)] == [
        "SUCCESSFULLY REGISTERED",
        "FAILED",
        "VALIDATED",
    ]
    assert [one.text for one in history.iterfind(".//t:ValidationDate", NS)] == [
        "2026-11-23T06:41:27.312+01:00",
        "2026-11-23T07:11:07.312+01:00",
    ]
    assert [one.text for one in history.iterfind(".//t:Remark", NS)] == [DIMONA]


def test_a_dimona_added_by_hand(rig: Rig) -> None:
    assert rig.validated(item(NO_DIMONA)) == [("FAILED", [DIMONA])]
    answer = rig.order("dimona", inss=NO_DIMONA, company="0999000129", start="2026-11-23")
    assert answer == {"validated": 1}
    assert rig.held(900_000_000_000_001) == ("VALIDATED", [])


def test_a_dimona_that_starts_tomorrow_helps_tomorrow_only(rig: Rig) -> None:
    today, tomorrow = rig.register(item(NO_DIMONA), item(NO_DIMONA, day="2026-11-24"))
    rig.order("dimona", inss=NO_DIMONA, company="0999000129", start="2026-11-24")
    rig.order("validate")
    assert rig.held(today) == ("FAILED", [DIMONA])
    assert rig.held(tomorrow) == ("VALIDATED", [])


def test_the_same_outcome_again_adds_no_history(rig: Rig) -> None:
    rig.validated(item(NO_DIMONA))
    assert rig.order("validate") == {"validated": 1}
    assert len(rig.stored()[0]["history"]) == 2


def test_the_night_finds_what_nobody_announced(
    make_rig: Callable[..., Rig], tmp_path: Path
) -> None:
    rig = make_rig()
    assert rig.validated(item(OK), item(NO_DIMONA)) == [("VALIDATED", []), ("FAILED", [DIMONA])]
    rig.close()
    # The same store under other registers: the Dimona of the first person is gone.
    world = tmp_path / "world.toml"
    dimona = 'who = "worker ok"\ndimona = [{ company = "0999000129", from = -200 }]\n'
    text = WORLD.read_text(encoding="utf-8")
    assert dimona in text
    world.write_text(text.replace(dimona, ""), encoding="utf-8")
    rig = make_rig("2026-11-24T03:59:59.999", world)
    assert rig.authority.validate_due() == 0
    rig.clock.forward(0.001)
    assert rig.authority.validate_due() == 2
    assert rig.held(900_000_000_000_001) == ("FAILED", [DIMONA])
    assert [len(held["history"]) for held in rig.stored()] == [3, 2]
    assert rig.authority.validate_due() == 0


def test_a_night_missed_is_made_up_for(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    rig.validated(item(OK))
    rig.close()
    assert make_rig("2026-11-24T09:00:00").authority.validate_due() == 1


@pytest.mark.parametrize(("now", "seconds"), [
    ("2027-03-27T12:00:00", 15 * 3600),  # the night has 23 hours
    ("2026-10-24T12:00:00", 17 * 3600),  # the night has 25 hours
])  # fmt: skip
def test_the_night_is_belgian_on_both_clock_changes(
    make_rig: Callable[..., Rig], now: str, seconds: int
) -> None:
    rig = make_rig(now)
    assert rig.authority.wait_ms() == 1800 * 1000  # first the announced Dimona
    rig.clock.forward(1800)
    rig.authority.validate_due()
    assert rig.authority.wait_ms() == (seconds - 1800) * 1000


def test_old_registrations_are_left_alone(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(settings=Settings(window_days=2))
    rig.validated(item(NO_DIMONA))
    rig.clock.to("2026-11-26T12:00:00")
    rig.authority.validate_due()
    assert rig.order("dimona", inss=NO_DIMONA, company="0999000129") == {"validated": 0}
    assert rig.held(900_000_000_000_001) == ("FAILED", [DIMONA])


def test_cancelling_the_first_frees_the_second(rig: Rig) -> None:
    rig.validated(item(), item())
    first, second = (held["number"] for held in rig.stored())
    rig.call(cancel((first, "PLANNING")))
    rig.authority.validate_due()
    assert rig.held(second) == ("VALIDATED", [])
    assert rig.held(first) == ("SUCCESSFULLY CANCELLED", [])


def test_a_cancelled_registration_is_never_validated_again(rig: Rig) -> None:
    [number] = rig.register(item())
    rig.call(cancel((number, "PLANNING")))
    rig.clock.forward(3600)
    rig.authority.validate_due()
    rig.order("validate")
    assert rig.held(number) == ("SUCCESSFULLY CANCELLED", [])


def test_a_replaced_number_shows_in_answers(rig: Rig) -> None:
    before, after = "01480999789", "01080999703"
    [number] = rig.register(item(before, SUB))
    reply = rig.call(get(number))
    assert reply.texts("INSS") == [before, after]
    assert rig.validated(item(after, SUB)) == [("FAILED", [TWIN])]


def test_a_number_replaced_while_running(rig: Rig) -> None:
    [number] = rig.register(item(BIS_PLAIN))
    rig.order("validate")
    assert rig.held(number) == ("FAILED", ["NISS-BIS IS NOT KNOWN IN LIMOSA"])
    rig.order("dimona", inss="90031599776", company="0999000129")
    rig.order("person", inss=BIS_PLAIN, replaced_by="90031599776")
    assert rig.held(number) == ("VALIDATED", [])
    assert rig.call(get(number)).texts("INSS") == [BIS_PLAIN, "90031599776"]
