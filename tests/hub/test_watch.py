"""A registration is read again until its legal day is closed, whatever is made of it."""

from __future__ import annotations

from datetime import date, time, timedelta

import pytest

from hub.application.watch import closes_ms
from hub.domain.legal_day import brussels_day, day_bounds_ms
from hub.errors import PermanentError, StoppedError, TransientError
from tests.hub.forward_world import MINUTE_MS, World
from tests.hub.outbox_contract import DAY, reference
from tests.hub.service import CANCELLED

HOUR_MS = 60 * MINUTE_MS
DIMONA = "RELATED DIMONA NOT OK"


def registered_world(count: int = 2) -> World:
    world = World(count)
    world.run(1_000)
    assert world.outbox.states() == ["registered"] * count
    return world


def test_a_judgement_that_comes_later_is_seen_within_minutes() -> None:
    world = registered_world()
    world.service.judge(reference(0), "VALIDATED")
    world.service.judge(reference(1), "FAILED", DIMONA)
    world.run(MINUTE_MS)
    assert world.outbox.states() == ["validated", "flagged"]
    assert world.outbox.rows[reference(1)].remarks == (DIMONA,)


def test_a_late_dimona_makes_the_remark_disappear() -> None:
    world = registered_world()
    world.service.judge(reference(0), "VALIDATED")
    world.service.judge(reference(1), "FAILED", DIMONA)
    world.run(2 * HOUR_MS)
    world.service.judge(reference(1), "VALIDATED")
    world.run(10 * MINUTE_MS)
    assert world.outbox.states() == ["validated", "validated"]


def test_other_remarks_are_news_and_the_same_are_not() -> None:
    world = registered_world(1)
    world.service.judge(reference(0), "FAILED", DIMONA)
    world.run(HOUR_MS)
    assert world.outbox.history[reference(0)][-2:] == ["registered", "flagged"]
    world.service.judge(reference(0), "FAILED", DIMONA, "EMPLOYER NOT ACTIVE")
    world.run(HOUR_MS)
    assert world.outbox.history[reference(0)][-2:] == ["flagged", "flagged"]


def test_the_authority_may_change_its_mind_in_the_night_and_then_the_day_is_closed() -> None:
    world = registered_world(1)
    world.service.judge(reference(0), "VALIDATED")
    world.run(HOUR_MS)
    end_ms = day_bounds_ms(DAY)[1]
    world.run(end_ms + 4 * HOUR_MS - world.clock())
    world.service.judge(reference(0), "FAILED", DIMONA)
    world.run(3 * HOUR_MS)
    assert world.outbox.states() == ["flagged"]
    searches = world.service.searches
    world.service.judge(reference(0), "VALIDATED")
    world.run(48 * HOUR_MS)
    assert world.service.searches == searches
    assert world.outbox.states() == ["flagged"]


def test_what_was_cancelled_through_another_channel_is_seen() -> None:
    world = registered_world(2)
    world.service.judge(reference(0), CANCELLED)
    world.run(MINUTE_MS)
    assert world.outbox.states() == ["cancelled", "registered"]


def test_a_hub_that_was_off_closes_the_day_when_it_comes_back() -> None:
    world = registered_world(1)
    world.service.judge(reference(0), "FAILED", DIMONA)
    world.clock.now_ms += 60 * HOUR_MS
    world.start()
    world.run(1_000)
    assert world.outbox.states() == ["flagged"]
    searches = world.service.searches
    world.run(24 * HOUR_MS)
    assert world.service.searches == searches


def test_an_idle_day_is_asked_about_seldom() -> None:
    world = registered_world(1)
    world.service.judge(reference(0), "VALIDATED")
    world.run(MINUTE_MS)
    searches = world.service.searches
    world.run(8 * HOUR_MS)
    assert world.service.searches - searches <= 8


@pytest.mark.parametrize(
    "error", [StoppedError("HUB-1304"), TransientError("HUB-1311"), PermanentError("HUB-1312")]
)
def test_reading_that_fails_keeps_no_registration_from_leaving(error: Exception) -> None:
    world = registered_world(1)
    world.service.search_errors["1Y19FAKE001AZ"] = error
    world.run(10 * MINUTE_MS)
    world.add(2)
    world.run(1_000)
    assert world.outbox.states() == ["registered"] * 3
    world.service.search_errors.clear()
    world.service.judge(reference(2), "VALIDATED")
    world.run(15 * MINUTE_MS)
    assert world.outbox.states() == ["registered", "registered", "validated"]


@pytest.mark.parametrize("day", [date(2026, 3, 28), date(2026, 10, 24), date(2026, 11, 23)])
def test_a_legal_day_closes_at_a_local_time_of_the_next_one(day: date) -> None:
    closes = closes_ms(day, time(6))
    assert brussels_day(closes) == day + timedelta(days=1)
    # The clocks move at 03:00 and 02:00 in two of these nights.
    hours = (closes - day_bounds_ms(day)[1]) / HOUR_MS
    assert hours == {3: 5, 10: 7, 11: 6}[day.month]


def test_reading_waits_as_long_as_the_service_asks() -> None:
    world = registered_world(1)
    error = TransientError("HUB-1310", retry_after_s=300)
    world.service.search_errors["1Y19FAKE001AZ"] = error
    world.run(MINUTE_MS)
    searches = world.service.searches
    world.run(4 * MINUTE_MS)
    assert world.service.searches == searches == 1
