"""Each act is a registration of its own, for its own moment, within its window; none is made up."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.causes import Cause
from hub.domain.in_out_regime import (
    REPEAT_MS,
    WINDOW_MS,
    ActFacts,
    correction_until,
    decide_act,
    way_of,
)
from hub.domain.registration import State
from protocol.record import DIRECTION_IN, DIRECTION_NONE, DIRECTION_OUT


def at(text: str, day: str = "2027-04-01") -> int:
    """UTC milliseconds of a time of day in UTC."""
    moment = datetime.fromisoformat(f"{day}T{text}").replace(tzinfo=UTC)
    return int(moment.timestamp() * 1000)


NOW = at("07:00")
ACT = ActFacts(
    at_ms=NOW,
    direction=DIRECTION_IN,
    granted=True,
    missing_works=None,
    has_inss=True,
    has_employer=True,
    has_place=True,
)


@pytest.mark.parametrize(
    ("direction", "cause"), [(DIRECTION_IN, Cause.ACT_IN), (DIRECTION_OUT, Cause.ACT_OUT)]
)
def test_every_act_is_due_at_once_for_its_own_moment(direction: int, cause: Cause) -> None:
    decision = decide_act(replace(ACT, at_ms=NOW - 4321, direction=direction), NOW)
    assert (decision.state, decision.cause) == (State.DUE, cause)
    assert (decision.tap_ms, decision.due_ms) == (NOW - 4321, NOW)
    assert decision.present


def test_a_break_is_an_out_and_an_in() -> None:
    morning, pause, back = at("06:00"), at("10:00"), at("10:30")
    out = replace(ACT, at_ms=pause, direction=DIRECTION_OUT)
    assert decide_act(out, pause).state == State.DUE
    again = replace(ACT, at_ms=back, same_way_ms=(morning,))
    assert decide_act(again, back).state == State.DUE


def test_a_second_in_without_an_out_between_is_sent_and_no_out_is_made_up() -> None:
    later = replace(ACT, at_ms=NOW + 3_600_000, same_way_ms=(NOW,))
    assert decide_act(later, NOW + 3_600_000).state == State.DUE


@pytest.mark.parametrize("apart_ms", [-REPEAT_MS, -1, 0, 1, REPEAT_MS])
def test_the_same_way_again_within_two_minutes_is_one_act(apart_ms: int) -> None:
    decision = decide_act(replace(ACT, same_way_ms=(NOW + apart_ms,)), NOW)
    assert (decision.state, decision.cause) == (None, Cause.REPEATED_ACT)
    assert decision.present


@pytest.mark.parametrize(
    ("age_ms", "state"), [(WINDOW_MS, State.DUE), (WINDOW_MS + 1, State.LAPSED)]
)
def test_what_arrives_after_the_window_lapses_and_keeps_its_moment(
    age_ms: int, state: State
) -> None:
    decision = decide_act(replace(ACT, at_ms=NOW - age_ms), NOW)
    assert decision.state == state
    assert decision.tap_ms == NOW - age_ms


def test_the_window_is_a_setting() -> None:
    late = replace(ACT, at_ms=NOW - 61_000)
    assert decide_act(late, NOW, window_ms=60_000).state == State.LAPSED


@pytest.mark.parametrize(
    ("missing", "cause"),
    [
        ({"direction": DIRECTION_NONE}, Cause.NO_DIRECTION),
        ({"missing_works": Cause.WORKS_CONFLICT}, Cause.WORKS_CONFLICT),
        ({"missing_works": Cause.NO_WORKS_NUMBER}, Cause.NO_WORKS_NUMBER),
        ({"has_inss": False}, Cause.NO_INSS),
        ({"has_employer": False}, Cause.NO_COMPANY),
        ({"has_place": False}, Cause.NO_PLACE),
        ({"at_ms": None}, Cause.CLOCK_UNKNOWN),
        ({"at_ms": NOW + 3_600_000}, Cause.CLOCK_WRONG),
    ],
)
def test_what_lacks_something_is_held_and_says_what(
    missing: dict[str, object], cause: Cause
) -> None:
    decision = decide_act(replace(ACT, **missing), NOW)  # pyright: ignore[reportArgumentType]
    assert (decision.state, decision.cause) == (State.HELD, cause)


def test_who_was_not_let_in_did_nothing() -> None:
    assert decide_act(replace(ACT, granted=False), NOW).state is None


@pytest.mark.parametrize("existing", ["due", "sending", "in_doubt", "registered", "lapsed"])
def test_an_act_that_has_its_registration_gets_no_second_one(existing: str) -> None:
    assert decide_act(replace(ACT, existing=existing), NOW).state is None


def test_an_act_that_was_held_for_its_date_is_decided_when_it_has_one() -> None:
    held = replace(ACT, existing="held")
    assert decide_act(held, NOW).state == State.DUE
    assert decide_act(replace(held, at_ms=NOW - WINDOW_MS - 1), NOW).state == State.LAPSED


def test_an_act_of_yesterday_evening_belongs_to_its_own_day() -> None:
    before = at("21:58", "2027-03-31")  # 23:58 in Brussels
    decision = decide_act(replace(ACT, at_ms=before), before + 300_000)
    assert (decision.state, decision.day) == (State.DUE, date(2027, 3, 31))


@given(
    age=st.integers(-20 * 60_000, 3_600_000),
    direction=st.sampled_from([DIRECTION_IN, DIRECTION_OUT, DIRECTION_NONE]),
    others=st.lists(st.integers(-3_600_000, 3_600_000), max_size=3),
)
def test_nothing_is_ever_due_outside_its_window(
    age: int, direction: int, others: list[int]
) -> None:
    facts = replace(
        ACT,
        at_ms=NOW - age,
        direction=direction,
        same_way_ms=tuple(NOW + other for other in others),
    )
    decision = decide_act(facts, NOW)
    if decision.state == State.DUE:
        assert 0 <= NOW - decision.tap_ms <= WINDOW_MS
        assert way_of(direction) is not None
    assert decision.tap_ms <= NOW


def test_a_correction_may_be_asked_for_thirty_days() -> None:
    assert correction_until(date(2027, 4, 1)) == date(2027, 5, 1)
