"""An item is taken between the opening and the closing of its legal window, never else."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from hub.application.ports import PresenceItem
from hub.application.windows import ActWindow, DayWindow
from hub.domain.legal_day import brussels_day, day_bounds_ms
from tests.hub.outbox_contract import DAY, NOW_MS, WORKS

# Both changes of the clock in both years, and a plain day.
DAYS = (
    date(2026, 3, 29),
    date(2026, 10, 25),
    date(2027, 3, 28),
    date(2027, 10, 31),
    DAY,
)


@pytest.mark.parametrize("day", DAYS)
def test_a_day_is_taken_from_the_midnight_before_it_to_its_end(day: date) -> None:
    window, item = DayWindow(), PresenceItem("a", day, WORKS)
    assert window.opens_ms(item) == day_bounds_ms(day - timedelta(days=1))[0]
    assert window.closes_ms(item) == day_bounds_ms(day)[1]
    # Today and tomorrow, at any moment of them, and no other day.
    for moment in (window.opens_ms(item), window.closes_ms(item) - 1):
        assert brussels_day(moment) in (day, day - timedelta(days=1))
    for moment in (window.opens_ms(item) - 1, window.closes_ms(item)):
        assert brussels_day(moment) not in (day, day - timedelta(days=1))


def test_an_act_is_taken_from_its_moment_on_and_to_the_last_of_its_window() -> None:
    window = ActWindow(600_000)
    item = PresenceItem("a", DAY, WORKS, act_ms=NOW_MS)
    assert window.opens_ms(item) == NOW_MS
    assert window.closes_ms(item) == NOW_MS + 600_001
