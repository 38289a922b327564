"""The rules of the plan: when a day may be sent, what stands in its way, days of a pattern."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.legal_day import brussels_day, day_bounds_ms
from hub.domain.plan import (
    EntryFacts,
    Withdrawal,
    absent_from_ms,
    findings,
    may_submit,
    next_moment_ms,
    parse_day,
    parse_weekdays,
    pattern_days,
    submit_from_ms,
    weekdays_text,
    withdrawal,
)
from hub.domain.registration import LIVE, TRANSITIONS, State
from hub.errors import UsageError

DAY = date(2026, 11, 24)
FOUR = time(16, 0)


def utc_ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


class TestWhen:
    def test_today_always_tomorrow_from_the_hour_later_never(self) -> None:
        opens = utc_ms("2026-11-23T15:00")
        assert submit_from_ms(DAY, FOUR) == opens
        assert not may_submit(DAY, opens - 1, FOUR)
        assert may_submit(DAY, opens, FOUR)
        midnight, end = day_bounds_ms(DAY)
        for now_ms in (midnight, midnight + 1, end - 1):
            assert may_submit(DAY, now_ms, FOUR)
        assert not may_submit(DAY, end, FOUR)
        assert not may_submit(DAY + timedelta(days=1), opens, FOUR)

    @pytest.mark.parametrize(
        ("day", "at", "opens"),
        [
            # Summer time begins on 29 March 2026 at 02:00, which that day has not.
            (date(2026, 3, 30), time(2, 30), "2026-03-29T01:30"),
            (date(2026, 3, 30), time(16, 0), "2026-03-29T14:00"),
            (date(2026, 3, 29), time(16, 0), "2026-03-28T15:00"),
            # It ends on 25 October 2026 at 03:00, and 02:30 comes twice.
            (date(2026, 10, 26), time(2, 30), "2026-10-25T00:30"),
            (date(2026, 10, 26), time(16, 0), "2026-10-25T15:00"),
            (date(2026, 10, 25), time(16, 0), "2026-10-24T14:00"),
        ],
    )
    def test_the_hour_on_days_when_the_clock_changes(self, day: date, at: time, opens: str) -> None:
        assert submit_from_ms(day, at) == utc_ms(opens)
        assert may_submit(day, utc_ms(opens), at)
        assert not may_submit(day, utc_ms(opens) - 1, at)

    def test_the_repeated_hour_does_not_close_what_it_opened(self) -> None:
        opens = submit_from_ms(date(2026, 10, 26), time(2, 30))
        for minutes in range(0, 180, 10):
            assert may_submit(date(2026, 10, 26), opens + minutes * 60_000, time(2, 30))

    @given(
        st.integers(utc_ms("2020-01-01"), utc_ms("2040-01-01")),
        st.integers(-3, 40),
        st.times(),
    )
    def test_never_more_than_one_day_ahead(self, now_ms: int, ahead: int, at: time) -> None:
        today = brussels_day(now_ms)
        allowed = may_submit(today + timedelta(days=ahead), now_ms, at)
        if ahead not in (0, 1):
            assert not allowed
        if ahead == 0:
            assert allowed

    @given(st.integers(utc_ms("2020-01-01"), utc_ms("2040-01-01")), st.times(), st.times())
    def test_the_next_moment_is_ahead_and_within_a_day(
        self, now_ms: int, submit_at: time, absent_at: time
    ) -> None:
        moment = next_moment_ms(now_ms, submit_at, absent_at)
        assert now_ms < moment <= day_bounds_ms(brussels_day(now_ms))[1]

    def test_what_the_next_moments_of_a_day_are(self) -> None:
        begin, end = day_bounds_ms(DAY)
        ten = absent_from_ms(DAY, time(10, 0))
        four = submit_from_ms(DAY + timedelta(days=1), FOUR)
        seen: list[int] = []
        now_ms = begin
        while now_ms < end:
            now_ms = next_moment_ms(now_ms, FOUR, time(10, 0))
            seen.append(now_ms)
        assert seen == [ten, four, end]


class TestFindings:
    def codes(self, **facts: object) -> list[str]:
        given_facts = EntryFacts(**facts)  # pyright: ignore[reportArgumentType]
        return [finding.code for finding in findings(DAY, given_facts)]

    @pytest.mark.parametrize(
        ("facts", "codes"),
        [
            ({}, []),
            ({"works_from": DAY, "works_until": DAY}, []),
            ({"works_from": DAY + timedelta(days=1)}, ["IMP-5016"]),
            ({"works_until": DAY - timedelta(days=1)}, ["IMP-5017"]),
            ({"assigned": False}, ["IMP-5018"]),
            ({"has_inss": False}, ["IMP-5022"]),
            ({"has_company": False}, ["IMP-5023"]),
            ({"has_inss": False, "has_company": False, "has_limosa": True}, []),
            ({"has_company": False, "has_foreign_vat": True}, ["IMP-5023"]),
            ({"numbers_valid": False}, ["IMP-5024"]),
            ({"has_limosa": True, "limosa_from": DAY, "limosa_until": DAY}, []),
            ({"has_limosa": True, "limosa_from": DAY + timedelta(days=1)}, ["IMP-5025"]),
            ({"has_limosa": True, "limosa_until": DAY - timedelta(days=1)}, ["IMP-5026"]),
            ({"limosa_until": DAY - timedelta(days=1)}, []),
            # The in/out service wants an INSS always, and an employer of either kind.
            ({"regime": "in_out"}, []),
            ({"regime": "in_out", "has_inss": False, "has_limosa": True}, ["IMP-5022"]),
            ({"regime": "in_out", "has_company": False, "has_foreign_vat": True}, []),
            ({"regime": "in_out", "has_company": False, "has_limosa": True}, ["IMP-5023"]),
        ],
    )
    def test_each_alone(self, facts: dict[str, object], codes: list[str]) -> None:
        assert self.codes(**facts) == codes

    def test_all_at_once(self) -> None:
        found = self.codes(
            works_until=DAY - timedelta(days=1),
            assigned=False,
            has_limosa=True,
            numbers_valid=False,
            limosa_until=DAY - timedelta(days=1),
        )
        assert found == ["IMP-5017", "IMP-5018", "IMP-5024", "IMP-5026"]


class TestWeekdays:
    @pytest.mark.parametrize(
        ("text", "days"),
        [
            ("mon", "mon"),
            ("mon-fri", "mon,tue,wed,thu,fri"),
            ("Mon, WED ,fri", "mon,wed,fri"),
            ("1-3,7", "mon,tue,wed,sun"),
            ("sat-mon", "mon,sat,sun"),
            ("mon-sun", "mon,tue,wed,thu,fri,sat,sun"),
        ],
    )
    def test_days_as_they_are_written(self, text: str, days: str) -> None:
        assert weekdays_text(parse_weekdays(text)) == days

    @pytest.mark.parametrize("text", ["", "soon", "0", "8", "mon-", "-fri", "mon,,tue", "1-x", "²"])
    def test_what_is_no_day_of_the_week(self, text: str) -> None:
        with pytest.raises(UsageError) as refused:
            parse_weekdays(text)
        assert refused.value.code == "HUB-1507"

    @given(st.integers(1, 127))
    def test_a_mask_survives_its_text(self, mask: int) -> None:
        assert parse_weekdays(weekdays_text(mask)) == mask

    @given(
        st.integers(0, 127),
        st.dates(date(2026, 1, 1), date(2026, 3, 1)),
        st.none() | st.dates(date(2026, 1, 1), date(2026, 3, 1)),
        st.dates(date(2026, 1, 1), date(2026, 3, 1)),
        st.integers(0, 20),
    )
    def test_the_days_of_a_pattern(
        self, mask: int, start: date, until: date | None, first: date, length: int
    ) -> None:
        last = first + timedelta(days=length)
        wanted = [
            day
            for day in (first + timedelta(days=number) for number in range(length + 1))
            if start <= day and (until is None or day <= until) and mask & (1 << day.weekday())
        ]
        assert list(pattern_days(mask, start, until, first, last)) == wanted


class TestWithdrawal:
    @pytest.mark.parametrize("state", [None, *State])
    def test_what_is_done_is_a_step_that_exists(self, state: State | None) -> None:
        action = withdrawal(state)
        steps = TRANSITIONS[state] if state is not None else frozenset[State]()
        if action == Withdrawal.DROP:
            assert State.DROPPED in steps
        elif action == Withdrawal.CANCEL:
            assert State.CANCELLING in steps
        elif action == Withdrawal.WAIT:
            assert state in (State.SENDING, State.IN_DOUBT)
        else:
            assert state not in LIVE or state in (State.LAPSED, State.CANCELLING)


class TestDays:
    @pytest.mark.parametrize(
        ("text", "day"),
        [
            ("today", DAY),
            (" Tomorrow ", DAY + timedelta(days=1)),
            ("2026-12-01", date(2026, 12, 1)),
        ],
    )
    def test_days_as_they_are_typed(self, text: str, day: date) -> None:
        assert parse_day(text, DAY) == day

    @given(st.text(max_size=12).filter(lambda text: not text.isascii()))
    def test_anything_else_is_refused_without_repeating_it(self, text: str) -> None:
        with pytest.raises(UsageError) as refused:
            parse_day(text, DAY)
        assert (refused.value.code, refused.value.extra) == ("HUB-1500", {})

    @pytest.mark.parametrize("text", ["", "85031299761", "2026-13-01", "24/11/2026", "20261124"])
    def test_days_that_are_none(self, text: str) -> None:
        with pytest.raises(UsageError):
            parse_day(text, DAY)
