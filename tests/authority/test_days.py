"""Registration days are Belgian calendar days, at midnight and on both changes of the clocks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from simulator.authority.clock import (
    Clock,
    brussels_day,
    brussels_iso,
    instant_ms,
    next_at_hour,
)
from tests.authority.rig import Rig, item, register

MakeRig = Callable[..., Rig]


def days_allowed(rig: Rig, *days: str) -> list[bool]:
    """For each day, whether a registration for it is accepted."""
    reply = rig.call(register(*(item(day=day) for day in days)))
    return [entry[0].tag.endswith("}PresenceRegistration") for entry in reply.entries]


@pytest.mark.parametrize(("now", "today", "allowed"), [
    # The last millisecond of a winter day: 22:59:59.999 UTC.
    ("2026-11-23T22:59:59.999Z", "2026-11-23", "23 24"),
    ("2026-11-23T23:00:00.000Z", "2026-11-24", "24 25"),
    # The same in summer: 21:59:59.999 UTC.
    ("2026-07-20T21:59:59.999Z", "2026-07-20", "20 21"),
    ("2026-07-20T22:00:00.000Z", "2026-07-21", "21 22"),
    # The day of 23 hours, 28 March 2027: midnight is at 23:00 UTC before and 22:00 UTC after.
    ("2027-03-27T22:59:59.999Z", "2027-03-27", "27 28"),
    ("2027-03-27T23:00:00.000Z", "2027-03-28", "28 29"),
    ("2027-03-28T21:59:59.999Z", "2027-03-28", "28 29"),
    ("2027-03-28T22:00:00.000Z", "2027-03-29", "29 30"),
    # The day of 25 hours, 25 October 2026: midnight is at 22:00 UTC before and 23:00 UTC after.
    ("2026-10-24T21:59:59.999Z", "2026-10-24", "24 25"),
    ("2026-10-24T22:00:00.000Z", "2026-10-25", "25 26"),
    ("2026-10-25T22:59:59.999Z", "2026-10-25", "25 26"),
    ("2026-10-25T23:00:00.000Z", "2026-10-26", "26 27"),
])  # fmt: skip
def test_today_and_tomorrow(make_rig: MakeRig, now: str, today: str, allowed: str) -> None:
    rig = make_rig(now)
    month, this_day = today[:8], int(today[8:])
    days = [f"{month}{day:02d}" for day in range(this_day - 1, this_day + 3)]
    accepted = " ".join(
        day[8:] for day, ok in zip(days, days_allowed(rig, *days), strict=True) if ok
    )
    assert accepted == allowed
    rig.register(item())
    assert rig.stored()[-1]["day"] == today


def test_tomorrow_can_be_in_the_next_year(make_rig: MakeRig) -> None:
    rig = make_rig("2026-12-31T23:59:59")
    assert days_allowed(rig, "2026-12-31", "2027-01-01", "2027-01-02") == [True, True, False]


def test_the_day_changes_while_running(rig: Rig) -> None:
    rig.clock.to("2026-11-23T23:59:59.999")
    assert days_allowed(rig, "2026-11-23", "2026-11-25") == [True, False]
    rig.clock.forward(0.001)
    assert days_allowed(rig, "2026-11-23", "2026-11-25") == [False, True]


def test_shifting_the_clock_changes_the_day(rig: Rig) -> None:
    assert rig.order("clock", shift_s=86_400)["day"] == "2026-11-24"
    assert days_allowed(rig, "2026-11-23", "2026-11-25") == [False, True]
    assert rig.order("clock", now="2026-11-23T12:00:00")["now"] == "2026-11-23T12:00:00.000+01:00"
    assert days_allowed(rig, "2026-11-23", "2026-11-25") == [True, False]


def test_instants_are_written_with_the_offset_of_their_moment() -> None:
    assert brussels_iso(instant_ms("2026-10-25T00:59:59.999Z")) == "2026-10-25T02:59:59.999+02:00"
    assert brussels_iso(instant_ms("2026-10-25T01:00:00Z")) == "2026-10-25T02:00:00.000+01:00"
    assert brussels_iso(instant_ms("2027-03-28T00:59:59.999Z")) == "2027-03-28T01:59:59.999+01:00"
    assert brussels_iso(instant_ms("2027-03-28T01:00:00Z")) == "2027-03-28T03:00:00.000+02:00"


def test_an_instant_without_a_zone_is_belgian() -> None:
    assert instant_ms("2026-07-01T12:00:00") == instant_ms("2026-07-01T10:00:00Z")
    for wrong in ("", "yesterday", "12026-01-01T00:00:00"):
        with pytest.raises(ValueError, match="isoformat"):
            instant_ms(wrong)


def test_next_at_hour_is_later_and_shows_that_hour() -> None:
    assert next_at_hour(instant_ms("2026-11-23T04:00:00"), 4) == instant_ms("2026-11-24T04:00:00")
    assert next_at_hour(instant_ms("2026-11-23T03:59:59"), 4) == instant_ms("2026-11-23T04:00:00")
    with pytest.raises(ValueError, match="hour"):
        next_at_hour(0, 2)


def test_a_clock_shifts_and_moves() -> None:
    base = instant_ms("2026-11-23T12:00:00Z")
    clock = Clock(lambda: base)
    clock.shift(-1000)
    clock.shift(86_401_000)
    assert (clock() - base, clock.shift_ms) == (86_400_000, 86_400_000)
    clock.move_to(base - 5)
    assert (clock(), brussels_day(clock())) == (base - 5, date(2026, 11, 23))
