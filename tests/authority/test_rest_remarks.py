"""Later validation of in/out registrations: the rules of the day face, and those of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from simulator.authority.refdata import LANGUAGES, catalogues
from simulator.authority.validation import REGISTERS_IN_OUT
from tests.authority.rest_rig import ADDRESS, WORKS_F, WORKS_G, Channel, act
from tests.authority.rig import (
    BIS_ENDED,
    BIS_LIMOSA,
    BIS_PLAIN,
    FOUNDER,
    LATE,
    NO_DIMONA,
    OK,
    STOPPED,
    SUB_WORKER,
    WORKS_A,
    WORKS_B,
    WORKS_C,
    WORKS_D,
    WORKS_UNKNOWN,
    Rig,
    item,
    period,
    search,
    served,
)
from tests.authority.test_remarks import EXPECTED

SUB: dict[str, Any] = {"enterpriseNumber": "0999000228"}
STRANGER: dict[str, Any] = {"enterpriseNumber": "1999000150"}
FOREIGN: dict[str, Any] = {"foreignVatNumber": "FAKE-FOREIGN-1"}


def company(number: int) -> dict[str, Any]:
    return {"enterpriseNumber": f"{number:010d}"}


@pytest.mark.parametrize(
    ("one", "codes"),
    [
        (act(), []),
        (act(type_="out"), []),
        (act(place=ADDRESS), []),
        (act(SUB_WORKER, employer=SUB), []),
        (act(FOUNDER, employer=SUB), []),
        (act(BIS_LIMOSA, employer=FOREIGN), []),
        (act(SUB_WORKER, employer=SUB, works=WORKS_G), []),
        (act(NO_DIMONA), ["SIM_01"]),
        (act(SUB_WORKER), ["SIM_01"]),
        (act(FOUNDER), ["SIM_02"]),
        (act(FOUNDER, employer=company(STOPPED)), ["SIM_16", "SIM_03"]),
        (act("00022999125", employer=SUB), ["SIM_05"]),
        (act(employer={"enterpriseNumber": "1999000348"}), ["SIM_04"]),
        (act(BIS_PLAIN), ["SIM_08"]),
        (act(BIS_ENDED), ["SIM_09"]),
        (act(OK, employer=FOREIGN), ["SIM_08"]),
        (act(BIS_LIMOSA, employer={"foreignVatNumber": "NL999"}), ["SIM_08", "SIM_12"]),
        (act(BIS_ENDED, employer=FOREIGN), ["SIM_09"]),
        (act("85031299563"), ["SIM_15"]),
        (act("85031299563", employer=FOREIGN), ["SIM_15"]),
        (act(works=WORKS_UNKNOWN), ["SIM_10"]),
        (act(works=WORKS_B), ["SIM_11", "SIM_18"]),
        (act(works=WORKS_C), ["SIM_13", "SIM_18"]),
        (act("71121999114", employer=STRANGER), ["SIM_12"]),
        (act(SUB_WORKER, employer=SUB, works=WORKS_D), ["SIM_18", "SIM_17"]),
        (act(works=WORKS_A), ["SIM_18"]),
    ],
)
def test_first_validation(channel: Channel, one: dict[str, Any], codes: list[str]) -> None:
    assert channel.validated(one) == [("invalid" if codes else "valid", codes)]


def test_every_remark_has_a_code_and_four_labels() -> None:
    terms = catalogues()
    official = {remark for _, _, remarks in EXPECTED for remark in remarks}
    assert official <= set(terms.code_of)
    assert terms.code_of["SAME DECLARATION HAS ALREADY BEEN REGISTERED"] == "CAW_14"
    for term in (*terms.remarks.values(), *terms.activities.values()):
        assert all(term.labels[language] for language in LANGUAGES)


def test_remarks_carry_their_labels(channel: Channel) -> None:
    number = channel.register(act(NO_DIMONA))[0]
    channel.rig.order("validate")
    remark = channel.get(number)["remarks"][0]
    assert remark == channel.good("Term", "GET", "/refData/remarks/SIM_01")
    assert "Dimona" in remark["labels"]["fr"]


def test_a_duplicate_is_accepted_and_flagged(channel: Channel) -> None:
    outcome = channel.validated(act(reference="a"), act(reference="b"))
    assert outcome == [("valid", []), ("invalid", ["CAW_14"])]


@pytest.mark.parametrize(
    "other",
    [
        act(type_="out"),
        act(works=WORKS_F),
        act("78041799366"),
        act(at="2026-11-23T06:41:01+01:00"),
    ],
)
def test_another_act_is_no_duplicate(channel: Channel, other: dict[str, Any]) -> None:
    assert "CAW_14" not in channel.validated(act(), other)[1][1]


def test_before_the_delay_it_is_pending(channel: Channel) -> None:
    number = channel.register(act())[0]
    channel.rig.clock.forward(19.999)
    channel.rig.authority.validate_due()
    assert channel.held(number) == ("pending", [])
    channel.rig.clock.forward(0.001)
    # The server's own loop may be first: what counts is what is held, not who validated it.
    channel.rig.authority.validate_due()
    assert channel.held(number) == ("valid", [])


def test_a_late_dimona_makes_it_valid(channel: Channel) -> None:
    number = channel.register(act(LATE))[0]
    channel.rig.order("validate")
    assert channel.held(number) == ("invalid", ["SIM_01"])
    channel.rig.clock.forward(1800)
    channel.rig.authority.validate_due()
    channel.fetch()
    assert channel.held(number) == ("valid", [])


def test_a_replaced_number_shows_in_answers_and_finds_twins(channel: Channel) -> None:
    before, after = channel.register(act("01480999789", employer=SUB), act(OK))
    assert channel.get(before)["ssin"] == "01080999703"
    channel.rig.order("person", inss=OK, replaced_by="85031299563")
    assert channel.get(after)["ssin"] == "85031299563"
    assert channel.validated(act("85031299563"))[0][1] == ["CAW_14"]
    assert len(channel.numbers(ssin=OK)) == 2


# in without out


def day(
    channel: Channel, *acts: tuple[str, str], until: str, date: str = "2026-11-23"
) -> list[list[str]]:
    """Acts of one person through a day, each sent at its time; codes of each at the end."""
    rig, numbers = channel.rig, []
    for direction, clock in acts:
        moment = clock if "T" in clock else f"{date}T{clock}"
        rig.clock.to(moment)
        rig.authority.validate_due()
        channel.fetch()
        offset = "+02:00" if "2026-10-25T00" in moment else "+01:00"
        numbers += channel.register(act(at=f"{moment}{offset}", type_=direction))
    rig.clock.to(until)
    rig.authority.validate_due()
    channel.fetch()
    return [channel.held(number)[1] for number in numbers]


DAY_IN_FOUR = (("in", "07:00:00"), ("out", "12:00:00"), ("in", "12:30:00"), ("out", "16:00:00"))


def test_a_day_with_a_break(channel: Channel) -> None:
    assert day(channel, *DAY_IN_FOUR, until="2026-11-24T03:00:00") == [[], [], [], []]


@pytest.mark.parametrize(
    ("until", "codes"),
    [("2026-11-24T00:09:59", []), ("2026-11-24T00:10:00", ["SIM-OUT-MISSING"])],
)
def test_a_missing_out_is_said_when_the_day_is_over(
    channel: Channel, until: str, codes: list[str]
) -> None:
    assert day(channel, *DAY_IN_FOUR[:3], until=until) == [[], [], codes]


def test_in_twice_means_that_an_out_is_missing_between(channel: Channel) -> None:
    acts = (DAY_IN_FOUR[0], *DAY_IN_FOUR[2:])
    assert day(channel, *acts, until="2026-11-24T03:00:00") == [["SIM-OUT-MISSING"], [], []]


def test_an_out_after_midnight_takes_it_back(channel: Channel) -> None:
    acts = (("in", "22:00:00"), ("out", "2026-11-24T06:00:00"))
    assert day(channel, acts[0], until="2026-11-24T05:59:00") == [["SIM-OUT-MISSING"]]
    assert day(channel, acts[1], until="2026-11-24T06:00:30") == [[]]
    assert channel.rig.client.get("/sim/events").json()[0]["remarks"] == []


def test_an_out_a_day_later_does_not(channel: Channel) -> None:
    acts = (("in", "07:00:00"), ("out", "2026-11-24T07:00:01"))
    assert day(channel, *acts, until="2026-11-24T08:00:00") == [["SIM-OUT-MISSING"], []]


def test_a_cancelled_out_is_missing(channel: Channel) -> None:
    channel.rig.order("rest", can_cancel=True)
    assert day(channel, *DAY_IN_FOUR[:2], until="2026-11-23T13:00:00") == [[], []]
    event = channel.rig.client.get("/sim/events").json()[1]
    path = f"/sim-only/presenceRegistrations/{event['number']}/cancel"
    answer = channel.call("POST", path, json={"cancellationReason": "PLANNING"})
    assert answer.status_code == 200
    channel.rig.clock.to("2026-11-24T00:10:00")
    channel.rig.authority.validate_due()
    assert channel.rig.client.get("/sim/events").json()[0]["remarks"] == ["SIM-OUT-MISSING"]


def test_the_day_that_has_25_hours(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig("2026-10-25T00:30:00+02:00")
    with served(rig) as base:
        channel = Channel(rig, base)
        acts = (("in", "2026-10-25T00:30:00"),)
        assert day(channel, *acts, until="2026-10-26T00:09:59+01:00") == [[]]
        rig.clock.to("2026-10-26T00:10:00+01:00")
        rig.authority.validate_due()
        assert rig.client.get("/sim/events").json()[0]["remarks"] == ["SIM-OUT-MISSING"]


# two faces


@pytest.mark.parametrize(
    ("now", "day_remarks", "codes"),
    [
        ("2027-03-31T23:59:00", [], ["SIM_18"]),
        ("2027-04-01T00:00:00", [REGISTERS_IN_OUT], []),
    ],
)
def test_works_change_from_days_to_in_and_out_at_midnight(
    make_rig: Callable[..., Rig], now: str, day_remarks: list[str], codes: list[str]
) -> None:
    rig = make_rig(now)
    with served(rig) as base:
        channel = Channel(rig, base)
        status = "FAILED" if day_remarks else "VALIDATED"
        assert rig.validated(item(works=WORKS_F)) == [(status, day_remarks)]
        outcome = channel.validated(act(works=WORKS_F, at=f"{now}+02:00"))
        assert outcome == [("invalid" if codes else "valid", codes)]


def test_a_day_presence_for_tomorrow_is_judged_by_tomorrow(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig("2027-03-31T18:00:00")
    outcome = rig.validated(item(works=WORKS_F, day="2027-04-01"))
    assert outcome == [("FAILED", [REGISTERS_IN_OUT])]


def test_each_face_shows_its_own(channel: Channel) -> None:
    rig = channel.rig
    (event,), (presence,) = channel.register(act(works=WORKS_A)), rig.register(item())
    assert rig.call(search(period("2026-11-01", "2026-11-30"))).numbers == [presence]
    assert [one["id"] for one in channel.found()["items"]] == [event]
    answer = channel.call("GET", f"/presenceRegistrations/{presence}")
    assert channel.problem(answer) == (404, "resourceNotFound")
