"""When a report is due, over changes of the clock, midnight and the ends of months."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.legal_day import BRUSSELS, brussels_day
from hub.domain.report_times import (
    KEEP_MS,
    LATE_MS,
    LOOK_BACK_DAYS,
    PATTERNS,
    Cover,
    Kind,
    Rhythm,
    Timing,
    Verdict,
    days_of,
    due_on,
    due_times,
    fits,
    next_due_ms,
    verdict,
)

HOUR = 3_600_000
DAILY = Timing(Rhythm.DAILY, Cover.YESTERDAY, time(6, 30))
EVERY_DAY = frozenset(range(1, 8))


def at(moment: str) -> int:
    """UTC milliseconds of a moment in UTC like `2026-03-29 01:30`."""
    return int(datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp()) * 1000


def said(due_ms: int) -> str:
    """What a clock in Brussels says then."""
    return f"{datetime.fromtimestamp(due_ms // 1000, BRUSSELS):%Y-%m-%d %H:%M}"


def daily(moment: str, cover: Cover = Cover.YESTERDAY) -> Timing:
    return Timing(Rhythm.DAILY, cover, time.fromisoformat(moment))


@pytest.mark.parametrize(
    ("day", "moment", "utc"),
    [
        ("2026-11-23", "06:30", "2026-11-23 05:30"),
        ("2026-07-01", "06:30", "2026-07-01 04:30"),
        # 29 March 2026: after 01:59 comes 03:00.
        ("2026-03-29", "01:59", "2026-03-29 00:59"),
        ("2026-03-29", "02:00", "2026-03-29 01:00"),
        ("2026-03-29", "02:30", "2026-03-29 01:30"),
        ("2026-03-29", "03:00", "2026-03-29 01:00"),
        # 25 October 2026: 02:30 comes at 00:30 UTC, and again at 01:30 UTC.
        ("2026-10-25", "02:30", "2026-10-25 00:30"),
        ("2026-10-25", "03:00", "2026-10-25 02:00"),
        # Midnight belongs to the day that begins.
        ("2026-11-23", "00:00", "2026-11-22 23:00"),
        ("2026-03-29", "00:00", "2026-03-28 23:00"),
        ("2026-10-25", "00:00", "2026-10-24 22:00"),
        ("2026-11-23", "23:59", "2026-11-23 22:59"),
    ],
)
def test_a_time_of_day_is_one_moment_whichever_day_it_is(day: str, moment: str, utc: str) -> None:
    assert due_on(date.fromisoformat(day), time.fromisoformat(moment)) == at(utc)


def test_an_hour_that_is_skipped_is_due_once_and_one_that_comes_twice_too() -> None:
    spring = list(due_times(daily("02:30"), at("2026-03-27 12:00"), at("2026-03-30 12:00")))
    assert [said(one) for one in spring] == [
        "2026-03-28 02:30", "2026-03-29 03:30", "2026-03-30 02:30",
    ]  # fmt: skip
    autumn = list(due_times(daily("02:30"), at("2026-10-23 12:00"), at("2026-10-26 12:00")))
    assert [said(one) for one in autumn] == [
        "2026-10-24 02:30", "2026-10-25 02:30", "2026-10-26 02:30",
    ]  # fmt: skip
    assert [after - before for before, after in pairwise(autumn)] == [24 * HOUR, 25 * HOUR]


def test_the_end_counts_and_the_begin_does_not() -> None:
    due_ms = at("2026-11-23 05:30")
    assert list(due_times(DAILY, due_ms - 1, due_ms)) == [due_ms]
    assert list(due_times(DAILY, due_ms, due_ms + HOUR)) == []
    assert list(due_times(DAILY, due_ms - HOUR, due_ms - 1)) == []
    assert next_due_ms(DAILY, due_ms - 1) == due_ms
    assert next_due_ms(DAILY, due_ms) == at("2026-11-24 05:30")


def test_weekdays_are_those_of_brussels() -> None:
    # Monday 00:15 in Brussels is still Sunday in UTC.
    monday = Timing(Rhythm.WEEKDAYS, Cover.WEEK, time(0, 15), frozenset({1}))
    assert said(next_due_ms(monday, at("2026-11-20 12:00"))) == "2026-11-23 00:15"
    both = Timing(Rhythm.WEEKDAYS, Cover.TODAY, time(18), frozenset({3, 6}))
    found = due_times(both, at("2026-11-22 12:00"), at("2026-11-30 12:00"))
    assert [said(one) for one in found] == ["2026-11-25 18:00", "2026-11-28 18:00"]


def test_the_first_of_a_month_over_a_year_and_a_leap_day() -> None:
    first = Timing(Rhythm.MONTHLY, Cover.MONTH, time(7))
    assert said(next_due_ms(first, at("2026-11-23 12:00"))) == "2026-12-01 07:00"
    assert said(next_due_ms(first, at("2026-12-01 06:00"))) == "2027-01-01 07:00"
    assert said(next_due_ms(first, at("2028-02-01 06:00"))) == "2028-03-01 07:00"


@pytest.mark.parametrize(
    ("cover", "due", "first", "last"),
    [
        (Cover.TODAY, "2026-11-23 17:00", "2026-11-23", "2026-11-23"),
        (Cover.YESTERDAY, "2026-11-23 05:30", "2026-11-22", "2026-11-22"),
        (Cover.YESTERDAY, "2028-03-01 05:30", "2028-02-29", "2028-02-29"),
        # 00:00 in Brussels: the day that begins, and the one that has just ended.
        (Cover.YESTERDAY, "2026-11-22 23:00", "2026-11-22", "2026-11-22"),
        (Cover.WEEK, "2026-11-23 05:30", "2026-11-16", "2026-11-22"),
        (Cover.WEEK, "2026-11-29 05:30", "2026-11-16", "2026-11-22"),
        (Cover.WEEK, "2027-01-01 05:30", "2026-12-21", "2026-12-27"),
        (Cover.MONTH, "2026-12-01 06:00", "2026-11-01", "2026-11-30"),
        (Cover.MONTH, "2027-01-01 06:00", "2026-12-01", "2026-12-31"),
        (Cover.MONTH, "2028-03-01 06:00", "2028-02-01", "2028-02-29"),
        (Cover.MONTH, "2026-11-30 23:30", "2026-11-01", "2026-11-30"),
    ],
)
def test_what_is_covered(cover: Cover, due: str, first: str, last: str) -> None:
    expected = date.fromisoformat(first), date.fromisoformat(last)
    assert days_of(cover, at(due)) == expected


def test_a_day_late_is_too_late_and_a_quarter_of_an_hour_is_said() -> None:
    due_ms = at("2026-11-23 05:30")
    assert verdict(due_ms, due_ms) is Verdict.ON_TIME
    assert verdict(due_ms, due_ms + LATE_MS - 1) is Verdict.ON_TIME
    assert verdict(due_ms, due_ms + LATE_MS) is Verdict.LATE
    assert verdict(due_ms, due_ms + KEEP_MS - 1) is Verdict.LATE
    assert verdict(due_ms, due_ms + KEEP_MS) is Verdict.MISSED


def test_of_a_hub_that_stood_still_for_long_the_last_weeks_are_told() -> None:
    now_ms = at("2026-11-23 12:00")
    found = list(due_times(DAILY, 0, now_ms))
    assert len(found) == LOOK_BACK_DAYS + 1
    assert found[-1] == at("2026-11-23 05:30")


def test_which_report_goes_with_which_days() -> None:
    def may(kind: Kind, rhythm: Rhythm, cover: Cover, *weekdays: int) -> bool:
        return fits(kind, Timing(rhythm, cover, time(6), frozenset(weekdays)))

    assert may(Kind.DAY, Rhythm.DAILY, Cover.TODAY)
    assert may(Kind.DAY, Rhythm.WEEKDAYS, Cover.YESTERDAY, 1, 2)
    assert not may(Kind.DAY, Rhythm.WEEKDAYS, Cover.WEEK, 1)
    assert not may(Kind.DAY, Rhythm.MONTHLY, Cover.MONTH)
    assert may(Kind.MONTHLY, Rhythm.MONTHLY, Cover.MONTH)
    assert not may(Kind.MONTHLY, Rhythm.DAILY, Cover.YESTERDAY)
    assert may(Kind.HOURS, Rhythm.WEEKDAYS, Cover.WEEK, 1)
    # The same week twice, no weekday at all, one that there is not, one that means nothing.
    assert not may(Kind.HOURS, Rhythm.WEEKDAYS, Cover.WEEK, 1, 4)
    assert not may(Kind.HOURS, Rhythm.WEEKDAYS, Cover.TODAY)
    assert not may(Kind.HOURS, Rhythm.WEEKDAYS, Cover.TODAY, 8)
    assert not may(Kind.HOURS, Rhythm.DAILY, Cover.TODAY, 1)
    assert not may(Kind.HOURS, Rhythm.DAILY, Cover.MONTH)


@given(
    st.sampled_from(PATTERNS),
    st.times().map(lambda one: one.replace(second=0, microsecond=0)),
    st.frozensets(st.integers(1, 7), min_size=1),
    st.integers(at("2026-01-01 00:00"), at("2029-01-01 00:00")),
    st.integers(0, 40 * 24 * HOUR),
)
def test_however_often_it_is_looked_each_day_is_due_once(
    pattern: tuple[Rhythm, Cover], moment: time, weekdays: frozenset[int], begin: int, length: int
) -> None:
    timing = Timing(*pattern, moment, weekdays if pattern[0] is Rhythm.WEEKDAYS else frozenset())
    whole = list(due_times(timing, begin, begin + length))
    half = begin + length // 2
    assert whole == [*due_times(timing, begin, half), *due_times(timing, half, begin + length)]
    step, found = begin, []
    while (step := next_due_ms(timing, step)) <= begin + length:
        found.append(step)
    assert found == whole
    days = [brussels_day(one) for one in whole]
    assert len(set(days)) == len(days)
    assert all(timing.counts(day) for day in days)
    for one in whole:
        first, last = days_of(timing.cover, one)
        assert first <= last <= brussels_day(one)
        assert last - first <= timedelta(days=30)
