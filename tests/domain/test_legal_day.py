"""The Belgian day at both midnights and on the days the clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.legal_day import BRUSSELS, brussels_day, day_bounds_ms

HOUR = 3600 * 1000


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("2026-11-22T22:59:59.999+00:00", date(2026, 11, 22)),
        ("2026-11-22T23:00:00.000+00:00", date(2026, 11, 23)),
        ("2026-07-01T21:59:59.999+00:00", date(2026, 7, 1)),
        ("2026-07-01T22:00:00.000+00:00", date(2026, 7, 2)),
    ],
)
def test_the_day_changes_at_midnight_in_brussels(moment: str, day: date) -> None:
    assert brussels_day(ms(moment)) == day


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        (date(2026, 3, 29), 23),
        (date(2026, 10, 25), 25),
        (date(2027, 3, 28), 23),
        (date(2027, 10, 31), 25),
        (date(2026, 11, 23), 24),
    ],
)
def test_days_have_the_length_their_clock_gives_them(day: date, hours: int) -> None:
    start, end = day_bounds_ms(day)
    assert end - start == hours * HOUR
    assert brussels_day(start) == brussels_day(end - 1) == day
    assert brussels_day(start - 1) == day - timedelta(days=1)
    assert brussels_day(end) == day + timedelta(days=1)


@given(st.integers(0, 4_102_444_800_000))
def test_every_moment_lies_in_the_bounds_of_its_day(utc_ms: int) -> None:
    day = brussels_day(utc_ms)
    start, end = day_bounds_ms(day)
    assert start <= utc_ms < end
    assert datetime.fromtimestamp(utc_ms / 1000, UTC).astimezone(BRUSSELS).date() == day
