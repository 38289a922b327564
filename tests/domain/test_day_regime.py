"""The day regime across midnight, on the days the clocks change, and for any stream of taps."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.domain.causes import Cause
from hub.domain.day_regime import (
    FUTURE_LIMIT_MS,
    NIGHT_SHIFT_MAX_MS,
    TapFacts,
    decide,
    identity_form,
    tap_day,
)
from hub.domain.legal_day import BRUSSELS, brussels_day, day_bounds_ms
from hub.domain.registration import LIVE, State, check_transition
from protocol.record import DIRECTION_IN, DIRECTION_NONE, DIRECTION_OUT

MINUTE = 60_000
HOUR = 60 * MINUTE
TODAY = date(2026, 11, 23)
TOMORROW = date(2026, 11, 24)

# Both changes of the clock in both years, and a plain day.
DAYS = (
    date(2026, 3, 29),
    date(2026, 10, 25),
    date(2027, 3, 28),
    date(2027, 10, 31),
    TODAY,
)


def at(text: str, day: date = TODAY, fold: int = 0) -> int:
    """UTC milliseconds of a time of day in Brussels."""
    moment = datetime.fromisoformat(f"{day}T{text}").replace(tzinfo=BRUSSELS, fold=fold)
    return int(moment.timestamp() * 1000)


def tap(at_ms: int | None, **changes: object) -> TapFacts:
    facts = TapFacts(
        at_ms=at_ms,
        direction=DIRECTION_IN,
        granted=True,
        person_known=True,
        has_works=True,
        has_inss=True,
        has_company=True,
        has_limosa=False,
    )
    return replace(facts, **changes)  # pyright: ignore[reportArgumentType]


class TestFirstTap:
    def test_it_is_due_at_once(self) -> None:
        now = at("07:04:10")
        decision = decide(tap(at("07:04:09")), now)
        assert decision.state == State.DUE
        assert decision.cause == Cause.FIRST_TAP
        assert decision.day == TODAY
        assert decision.tap_ms == at("07:04:09")
        assert decision.due_ms == now
        assert decision.present

    @pytest.mark.parametrize("direction", [DIRECTION_IN, DIRECTION_NONE])
    def test_a_gate_without_direction_makes_it_due_too(self, direction: int) -> None:
        decision = decide(tap(at("07:00"), direction=direction), at("07:01"))
        assert (decision.state, decision.cause) == (State.DUE, Cause.FIRST_TAP)

    def test_an_out_tap_shows_that_the_person_was_there(self) -> None:
        decision = decide(tap(at("16:00"), direction=DIRECTION_OUT), at("16:00"))
        assert (decision.state, decision.cause) == (State.DUE, Cause.FIRST_TAP_OUT)
        assert decision.present

    def test_hours_late_the_same_day_is_still_due(self) -> None:
        assert decide(tap(at("00:00")), at("23:59:59")).state == State.DUE


class TestFurtherTaps:
    @pytest.mark.parametrize("existing", sorted(LIVE - {State.HELD}))
    def test_they_add_nothing(self, existing: State) -> None:
        decision = decide(tap(at("12:30"), existing=existing), at("12:30"))
        assert (decision.state, decision.cause) == (None, Cause.SECOND_TAP)
        assert decision.present

    def test_a_held_one_becomes_due_when_nothing_is_missing_any_more(self) -> None:
        assert decide(tap(at("12:30"), existing="held"), at("12:30")).state == State.DUE

    def test_a_held_one_stays_held_without_a_new_step(self) -> None:
        facts = tap(at("12:30"), existing="held", has_inss=False)
        assert decide(facts, at("12:30")).state is None

    @pytest.mark.parametrize("existing", [State.CANCELLED, State.DROPPED])
    def test_after_a_withdrawn_one_the_person_who_comes_is_due_again(self, existing: State) -> None:
        assert decide(tap(at("09:00"), existing=existing), at("09:00")).state == State.DUE


class TestDates:
    @pytest.mark.parametrize("day", DAYS)
    def test_one_millisecond_before_midnight_and_after(self, day: date) -> None:
        start, end = day_bounds_ms(day)
        assert decide(tap(end - 1), end - 1).day == day
        assert decide(tap(end - 1), end - 1).state == State.DUE
        late = decide(tap(end - 1), end)
        assert (late.state, late.cause, late.day) == (State.LAPSED, Cause.ARRIVED_LATE, day)
        assert late.present
        assert decide(tap(start), start).day == day

    @pytest.mark.parametrize("day", DAYS)
    def test_every_hour_of_the_day_belongs_to_it(self, day: date) -> None:
        start, end = day_bounds_ms(day)
        for moment in range(start, end, HOUR // 2):
            decision = decide(tap(moment), end - 1)
            assert (decision.state, decision.day) == (State.DUE, day)

    @pytest.mark.parametrize("day", [date(2026, 10, 25), date(2027, 10, 31)])
    def test_the_hour_that_comes_twice_is_one_day(self, day: date) -> None:
        first, second = at("02:30", day), at("02:30", day, fold=1)
        assert second - first == HOUR
        assert decide(tap(first), second).day == decide(tap(second), second).day == day

    @pytest.mark.parametrize("late_days", [1, 2, 400])
    def test_an_old_tap_is_lapsed_and_keeps_its_own_date(self, late_days: int) -> None:
        old = TODAY - timedelta(days=late_days)
        decision = decide(tap(at("08:00", old)), at("08:00"))
        assert (decision.state, decision.day) == (State.LAPSED, old)

    def test_a_held_one_of_yesterday_lapses_with_its_late_tap(self) -> None:
        yesterday = TODAY - timedelta(days=1)
        assert decide(tap(at("08:00", yesterday), existing="held"), at("08:00")).state == "lapsed"


class TestClock:
    @pytest.mark.parametrize("ahead", [1, 9 * MINUTE, FUTURE_LIMIT_MS])
    def test_a_clock_a_little_ahead_counts_as_of_the_receipt(self, ahead: int) -> None:
        now = at("07:00")
        decision = decide(tap(now + ahead), now)
        assert (decision.state, decision.day, decision.tap_ms) == (State.DUE, TODAY, now)

    def test_just_before_midnight_an_act_is_not_dated_tomorrow(self) -> None:
        now = at("23:59:58")
        decision = decide(tap(now + 5000), now)
        assert (decision.state, decision.day) == (State.DUE, TODAY)

    @pytest.mark.parametrize("ahead", [FUTURE_LIMIT_MS + 1, 25 * HOUR, 400 * 24 * HOUR])
    def test_a_clock_far_ahead_is_not_believed(self, ahead: int) -> None:
        now = at("07:00")
        decision = decide(tap(now + ahead), now)
        assert (decision.state, decision.cause) == (State.HELD, Cause.CLOCK_WRONG)
        assert (decision.day, decision.tap_ms, decision.present) == (TODAY, now, False)

    def test_an_undated_tap_is_held_and_shown_on_the_day_of_its_receipt(self) -> None:
        decision = decide(tap(None), at("07:00"))
        assert (decision.state, decision.cause) == (State.HELD, Cause.CLOCK_UNKNOWN)
        assert (decision.day, decision.present) == (TODAY, False)

    def test_the_look_up_day_is_the_day_of_the_decision(self) -> None:
        now = at("23:59:58")
        for at_ms in (None, 0, now - 3 * HOUR, now, now + 5000, now + HOUR):
            assert tap_day(at_ms, now) == decide(tap(at_ms), now).day


class TestWhoIsMissingWhat:
    @pytest.mark.parametrize(
        ("has_inss", "has_company", "has_limosa", "form"),
        [
            (True, True, False, "inss"),
            (False, False, True, "limosa"),
            (True, True, True, "limosa"),
            (False, True, True, "limosa"),
            (True, False, False, None),
            (False, True, False, None),
            (False, False, False, None),
        ],
    )
    def test_inss_and_company_or_limosa_alone(
        self, has_inss: bool, has_company: bool, has_limosa: bool, form: str | None
    ) -> None:
        assert identity_form(has_inss, has_company, has_limosa) == form
        facts = tap(at("07:00"), has_inss=has_inss, has_company=has_company, has_limosa=has_limosa)
        expected = State.DUE if form else State.HELD
        assert decide(facts, at("07:00")).state == expected

    @pytest.mark.parametrize(
        ("changes", "cause"),
        [
            ({"has_inss": False}, Cause.NO_IDENTITY),
            ({"has_inss": False, "has_company": False}, Cause.NO_IDENTITY),
            ({"has_company": False}, Cause.NO_COMPANY),
            ({"has_works": False}, Cause.NO_WORKS_NUMBER),
        ],
    )
    def test_held_says_what_is_missing(self, changes: dict[str, bool], cause: Cause) -> None:
        decision = decide(tap(at("07:00"), **changes), at("07:00"))
        assert (decision.state, decision.cause) == (State.HELD, cause)
        assert decision.present


class TestNothingToRegister:
    @pytest.mark.parametrize(
        ("granted", "known", "cause"),
        [
            (False, True, Cause.GATE_REFUSED),
            (False, False, Cause.UNKNOWN_BADGE),
            (True, False, Cause.LET_IN_UNKNOWN),
        ],
    )
    def test_a_tap_that_let_nobody_known_in(self, granted: bool, known: bool, cause: Cause) -> None:
        for at_ms in (None, at("07:00"), at("07:00") + 40 * HOUR):
            decision = decide(tap(at_ms, granted=granted, person_known=known), at("07:00"))
            assert (decision.state, decision.cause) == (None, cause)
            assert not decision.present


class TestNightShift:
    def out(self, came: int, left: int, **changes: object) -> tuple[State | None, Cause]:
        facts = tap(left, direction=DIRECTION_OUT, inside_since_ms=came, **changes)
        decision = decide(facts, left)
        assert decision.present
        return decision.state, decision.cause

    def test_leaving_in_the_morning_registers_nothing_more(self) -> None:
        assert self.out(at("22:00"), at("06:00", TOMORROW)) == (None, Cause.NIGHT_SHIFT)

    @pytest.mark.parametrize("day", DAYS)
    def test_over_each_change_of_the_clock(self, day: date) -> None:
        evening = at("22:00", day - timedelta(days=1))
        assert self.out(evening, at("06:00", day)) == (None, Cause.NIGHT_SHIFT)

    def test_a_forgotten_out_tap_does_not_hide_the_next_day(self) -> None:
        state, cause = self.out(at("07:00"), at("17:00", TOMORROW))
        assert (state, cause) == (State.DUE, Cause.FIRST_TAP_OUT)

    def test_the_limit_is_twelve_hours(self) -> None:
        came = at("20:00")
        assert self.out(came, came + NIGHT_SHIFT_MAX_MS)[1] == Cause.NIGHT_SHIFT
        assert self.out(came, came + NIGHT_SHIFT_MAX_MS + 1)[0] == State.DUE

    def test_leaving_the_same_day_is_no_night_shift(self) -> None:
        assert self.out(at("07:00"), at("16:00"))[0] == State.DUE

    def test_a_tap_in_after_midnight_is_an_act_of_the_new_day(self) -> None:
        facts = tap(at("01:20", TOMORROW), inside_since_ms=at("22:00"))
        assert decide(facts, at("01:20", TOMORROW)).state == State.DUE

    def test_it_completes_a_day_that_is_held_and_revives_none_that_was_withdrawn(self) -> None:
        came, left = at("22:00"), at("06:00", TOMORROW)
        assert self.out(came, left, existing="held")[0] == State.DUE
        assert self.out(came, left, existing="cancelled") == (None, Cause.NIGHT_SHIFT)

    def test_a_shift_that_is_registered_stays_registered(self) -> None:
        shift = self.out(at("22:00"), at("06:00", TOMORROW), existing="registered")
        assert shift == (None, Cause.SECOND_TAP)


ANY_TAP = st.builds(
    TapFacts,
    at_ms=st.none() | st.integers(0, 4 * 10**12),
    direction=st.sampled_from([DIRECTION_NONE, DIRECTION_IN, DIRECTION_OUT]),
    granted=st.booleans(),
    person_known=st.booleans(),
    has_works=st.booleans(),
    has_inss=st.booleans(),
    has_company=st.booleans(),
    has_limosa=st.booleans(),
    existing=st.none() | st.sampled_from(sorted(State)),
    inside_since_ms=st.none() | st.integers(0, 4 * 10**12),
)


@given(ANY_TAP, st.integers(0, 4 * 10**12))
def test_no_tap_is_ever_sent_with_another_date(facts: TapFacts, now: int) -> None:
    decision = decide(facts, now)
    if decision.state == State.DUE:
        assert decision.day == brussels_day(now)
        assert facts.at_ms is not None
        assert decision.day == brussels_day(min(facts.at_ms, now))
        assert facts.granted
        assert facts.person_known
        assert facts.has_works
        assert identity_form(facts.has_inss, facts.has_company, facts.has_limosa)
    assert decision.day == brussels_day(decision.tap_ms)
    assert decision.tap_ms <= now
    if decision.state is not None:
        existing = None if facts.existing in (State.CANCELLED, State.DROPPED) else facts.existing
        check_transition(existing, decision.state)


@st.composite
def streams(draw: st.DrawFn) -> list[tuple[TapFacts, int]]:
    """Taps of one person around a midnight, each with the moment the hub held it."""
    noon = at("12:00", draw(st.sampled_from(DAYS)) - timedelta(days=1))
    taps = []
    for _ in range(draw(st.integers(1, 8))):
        act = noon + draw(st.integers(0, 48 * 60)) * MINUTE
        held = act + draw(st.sampled_from([0, 1, 5, 60, 600, 2000])) * MINUTE
        skew = draw(st.sampled_from([0, 0, 0, 3, 11, 3000])) * MINUTE
        direction = draw(st.sampled_from([DIRECTION_IN, DIRECTION_OUT]))
        stamp = draw(st.sampled_from([act + skew, act + skew, act + skew, None]))
        facts = tap(stamp, direction=direction, has_inss=draw(st.booleans()))
        taps.append((facts, held))
    return sorted(taps, key=lambda entry: entry[1])


@settings(max_examples=300)
@given(streams())
def test_a_stream_of_taps_makes_one_registration_for_each_day(
    stream: list[tuple[TapFacts, int]],
) -> None:
    states: dict[date, State] = {}
    sent: list[tuple[date, date]] = []
    for facts, now in stream:
        day = tap_day(facts.at_ms, now)
        decision = decide(replace(facts, existing=states.get(day)), now)
        assert decision.day == day
        if decision.state is None:
            assert day in states or decision.cause == Cause.NIGHT_SHIFT
            continue
        check_transition(states.get(day), decision.state)
        states[day] = decision.state
        if decision.state == State.DUE:
            sent.append((day, brussels_day(now)))
            check_transition(State.DUE, State.SENDING)
            states[day] = State.REGISTERED
    assert len({day for day, _ in sent}) == len(sent)
    assert all(day == sent_on for day, sent_on in sent)
    # Each day somebody was seen on is registered or explained.
    assert all(state in LIVE for state in states.values())


@given(ANY_TAP, st.integers(0, 4 * 10**12))
def test_the_same_tap_twice_adds_nothing(facts: TapFacts, now: int) -> None:
    first = decide(facts, now)
    if first.state is not None:
        assert decide(replace(facts, existing=first.state), now).state is None
