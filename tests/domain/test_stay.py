"""How long somebody was on the site: over midnight, and when clocks change."""

from __future__ import annotations

from datetime import date

import pytest

from hub.domain.day_regime import NIGHT_SHIFT_MAX_MS
from hub.domain.stay import DayTaps, Stay, began_before, stay_of
from tests.hub.day_world import at

DAY = date(2026, 11, 23)
LATER = at("2026-11-30 12:00")


def taps(last: str, first_in: str = "", first_out: str = "", inside: bool = True) -> DayTaps:
    """The taps of a day; times as `2026-11-23 07:00`."""
    return DayTaps(
        at(first_in) if first_in else None, at(first_out) if first_out else None, at(last), inside
    )


EVENING = taps("2026-11-23 22:00", "2026-11-23 22:00")
MORNING = taps("2026-11-24 06:00", first_out="2026-11-24 06:00", inside=False)


def test_a_day_from_in_to_out() -> None:
    day = taps("2026-11-23 16:00", "2026-11-23 07:00", "2026-11-23 12:00", inside=False)
    found = stay_of(DAY, LATER, None, day, None)
    assert found == Stay(at("2026-11-23 07:00"), at("2026-11-23 16:00"), here=False)
    assert found is not None
    assert not began_before(found, DAY)


def test_who_was_not_there_has_no_stay() -> None:
    assert stay_of(DAY, LATER, None, None, None) is None
    # Neither did who went home the evening before, nor who came the next day.
    assert stay_of(DAY, LATER, taps("2026-11-22 16:00", inside=False), None, MORNING) is None


def test_a_shift_over_midnight_is_whole_on_both_of_its_days() -> None:
    first = stay_of(DAY, LATER, None, EVENING, MORNING)
    second = stay_of(date(2026, 11, 24), LATER, EVENING, MORNING, None)
    assert first == second == Stay(at("2026-11-23 22:00"), at("2026-11-24 06:00"), here=False)
    assert first is not None
    assert second is not None
    assert began_before(second, date(2026, 11, 24))
    assert not began_before(second, DAY)


def test_two_night_shifts_touch_one_day_and_the_first_way_in_is_that_of_the_first() -> None:
    between = taps("2026-11-24 21:50", "2026-11-24 21:50", "2026-11-24 06:00")
    after = taps("2026-11-25 05:55", first_out="2026-11-25 05:55", inside=False)
    found = stay_of(date(2026, 11, 24), LATER, EVENING, between, after)
    assert found == Stay(at("2026-11-23 22:00"), at("2026-11-25 05:55"), here=False)


@pytest.mark.parametrize("late_ms", [0, 1])
def test_longer_than_a_shift_is_a_way_out_that_was_forgotten(late_ms: int) -> None:
    out_ms = at("2026-11-23 22:00") + NIGHT_SHIFT_MAX_MS + late_ms
    late = DayTaps(None, out_ms, out_ms, inside=False)
    first = stay_of(DAY, LATER, None, EVENING, late)
    second = stay_of(date(2026, 11, 24), LATER, EVENING, late, None)
    kept = late_ms == 0
    assert first == Stay(at("2026-11-23 22:00"), out_ms if kept else None, here=False)
    assert second == Stay(at("2026-11-23 22:00") if kept else None, out_ms, here=False)


def test_who_comes_in_again_the_next_day_has_forgotten_to_go_out() -> None:
    again = taps("2026-11-24 07:00", "2026-11-24 07:00")
    now = at("2026-11-24 07:05")
    assert stay_of(DAY, now, None, EVENING, again) == Stay(EVENING.first_in_ms, None, here=False)
    today = stay_of(date(2026, 11, 24), now, EVENING, again, None)
    assert today == Stay(at("2026-11-24 07:00"), None, here=True)


def test_in_the_night_the_shift_is_here_on_both_days() -> None:
    now = at("2026-11-24 02:00")
    here = Stay(at("2026-11-23 22:00"), None, here=True)
    assert stay_of(DAY, now, None, EVENING, None) == here
    assert stay_of(date(2026, 11, 24), now, EVENING, None, None) == here
    # At noon nobody believes that any more.
    noon = at("2026-11-24 12:00")
    assert stay_of(DAY, noon, None, EVENING, None) == Stay(EVENING.first_in_ms, None, here=False)
    assert stay_of(date(2026, 11, 24), noon, EVENING, None, None) is None


def test_a_past_day_has_nobody_here() -> None:
    assert stay_of(DAY, LATER, None, EVENING, None) == Stay(EVENING.first_in_ms, None, here=False)


def test_a_day_of_ways_out_only() -> None:
    found = stay_of(date(2026, 11, 24), LATER, None, MORNING, None)
    assert found == Stay(None, at("2026-11-24 06:00"), here=False)
