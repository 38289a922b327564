"""What makes an alert rise and clear, at its limits; when it is told; nothing flaps."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.alert_times import Recipient, Timing, due_ms, quiet_until_ms, told_at
from hub.domain.alerts import (
    LAST_STEP,
    RULES,
    Alert,
    Changed,
    Event,
    Kind,
    Level,
    Reading,
    acknowledged,
    decide,
    escalated,
)
from hub.domain.legal_day import BRUSSELS

NOW_MS = 1_795_431_600_000  # Monday 23 November 2026, 12:00 in Brussels
MINUTE = 60_000
GATE = "gate-in"


def reading(kind: Kind = Kind.SILENT, **more: object) -> Reading:
    return Reading(kind, GATE, **more)  # pyright: ignore[reportArgumentType]


def one(changed: list[Changed]) -> Changed:
    (found,) = changed
    return found


def risen(kind: Kind = Kind.SILENT, count: int = 1) -> Alert:
    """An alert that has just risen, after however long its kind takes."""
    wait = RULES[kind].after_ms
    made = one(decide(NOW_MS, [reading(kind, count=count, since_ms=NOW_MS - wait)], []))
    assert made.events == (Event.RISEN,)
    return made.alert


@pytest.mark.parametrize("kind", list(Kind))
def test_each_kind_rises_after_its_time_and_is_over_after_its_calm(kind: Kind) -> None:
    rule = RULES[kind]
    if rule.after_ms:
        waiting = one(decide(NOW_MS, [reading(kind)], [])).alert
        assert waiting.risen_ms is None
        early = decide(NOW_MS + rule.after_ms - 1, [reading(kind)], [waiting])
        assert early == []
        now_ms = NOW_MS + rule.after_ms
        up = one(decide(now_ms, [reading(kind)], [waiting]))
    else:
        now_ms = NOW_MS
        up = one(decide(now_ms, [reading(kind)], []))
    assert up.events == (Event.RISEN,)
    assert up.alert.open
    assert decide(now_ms + 1, [reading(kind)], [up.alert]) == []
    calm = one(decide(now_ms + 2, [], [up.alert])).alert
    assert calm.open
    assert calm.calm_ms == now_ms + 2
    assert decide(now_ms + 2 + rule.calm_ms - 1, [], [calm]) == []
    over = one(decide(now_ms + 2 + rule.calm_ms, [], [calm]))
    assert over.events == (Event.CLEARED,)
    assert not over.alert.open


def test_what_ends_before_its_time_was_no_alert() -> None:
    waiting = one(decide(NOW_MS, [reading(Kind.CLOCK)], [])).alert
    for readings in ([], [reading(Kind.CLOCK, holds=True)]):
        gone = one(decide(NOW_MS + MINUTE, readings, [waiting]))
        assert gone.forgotten
        assert gone.events == ()


def test_what_holds_makes_nothing_and_keeps_what_is_open() -> None:
    assert decide(NOW_MS, [reading(holds=True)], []) == []
    up = risen()
    calm = one(decide(NOW_MS + MINUTE, [], [up])).alert
    held = one(decide(NOW_MS + 2 * MINUTE, [reading(holds=True)], [calm]))
    assert held.events == ()
    assert held.alert.calm_ms is None
    # The calm is counted anew.
    calm = one(decide(NOW_MS + 3 * MINUTE, [], [held.alert])).alert
    assert calm.calm_ms == NOW_MS + 3 * MINUTE


def test_a_gate_that_comes_and_goes_each_minute_is_one_alert() -> None:
    standing: list[Alert] = []
    events: list[Event] = []
    for minute in range(120):
        found = [reading()] if minute % 2 == 0 else []
        for made in decide(NOW_MS + minute * MINUTE, found, standing):
            standing = [made.alert]
            events += made.events
    assert events == [Event.RISEN]


@given(
    st.lists(st.tuples(st.sampled_from(["at", "holds", "calm"]), st.integers(1, 600)), max_size=40)
)
def test_rising_and_clearing_alternate_whatever_is_read(
    looks: list[tuple[str, int]],
) -> None:
    standing: list[Alert] = []
    told: list[Event] = []
    now_ms = NOW_MS
    for what, seconds in looks:
        now_ms += seconds * 1000
        found = [] if what == "calm" else [reading(Kind.CLOCK, holds=what == "holds")]
        for made in decide(now_ms, found, standing):
            standing = [] if made.forgotten or made.alert.cleared_ms else [made.alert]
            told += made.events
    expected = [Event.RISEN, Event.CLEARED] * len(told)
    assert told == expected[: len(told)]


def test_an_alert_is_told_again_when_it_has_doubled_and_grown_by_five() -> None:
    up = risen(Kind.RECEIPT, count=4)
    seen = acknowledged(NOW_MS, up, "account:1", "I call them")
    assert seen is not None
    for count in (5, 8):
        made = one(decide(NOW_MS, [reading(Kind.RECEIPT, count=count)], [seen.alert]))
        assert made.events == ()
        assert made.alert.acked_ms == NOW_MS
    worse = one(decide(NOW_MS + 1, [reading(Kind.RECEIPT, count=9)], [seen.alert]))
    assert worse.events == (Event.WORSE,)
    assert worse.alert.told_count == 9
    # Who saw four has not seen nine.
    assert worse.alert.acked_ms is None
    assert worse.alert.step_ms == NOW_MS + 1
    assert decide(NOW_MS + 2, [reading(Kind.RECEIPT, count=9)], [worse.alert]) == []


def test_a_large_alert_is_told_again_only_when_it_has_doubled() -> None:
    up = risen(Kind.RECEIPT, count=100)
    assert one(decide(NOW_MS, [reading(Kind.RECEIPT, count=199)], [up])).events == ()
    assert one(decide(NOW_MS, [reading(Kind.RECEIPT, count=200)], [up])).events == (Event.WORSE,)


def test_a_setting_decides_how_long_the_authority_may_be_away() -> None:
    after = {Kind.AUTHORITY: 15 * MINUTE}
    waiting = one(decide(NOW_MS, [reading(Kind.AUTHORITY)], [], after)).alert
    late = NOW_MS + 15 * MINUTE
    assert decide(late - 1, [reading(Kind.AUTHORITY)], [waiting], after) == []
    assert one(decide(late, [reading(Kind.AUTHORITY)], [waiting], after)).events == (Event.RISEN,)


def test_a_clock_that_was_set_back_keeps_no_alert_for_ever() -> None:
    calm = one(decide(NOW_MS, [], [risen()])).alert
    back = NOW_MS - 48 * 60 * MINUTE
    again = one(decide(back, [], [calm])).alert
    assert again.calm_ms == back
    rule = RULES[Kind.SILENT]
    assert one(decide(back + rule.calm_ms, [], [again])).events == (Event.CLEARED,)


def test_of_two_readings_of_the_same_the_one_at_the_limit_counts() -> None:
    both = [reading(holds=True), reading(), reading(holds=True)]
    assert one(decide(NOW_MS, both, [])).events == (Event.RISEN,)


# ------------------------------------------------------------ acknowledging, escalating


def test_acknowledging_says_by_whom_once_and_makes_nothing_right() -> None:
    up = risen()
    seen = acknowledged(NOW_MS + 5, up, "account:7", "power back at ten")
    assert seen is not None
    assert seen.events == ()
    assert seen.alert.open
    assert (seen.alert.acked_ms, seen.alert.acked_by) == (NOW_MS + 5, "account:7")
    assert acknowledged(NOW_MS + 6, seen.alert, "account:8") is None
    over = replace(up, cleared_ms=NOW_MS)
    assert acknowledged(NOW_MS + 6, over, "account:8") is None
    waiting = replace(up, risen_ms=None)
    assert acknowledged(NOW_MS + 6, waiting, "account:8") is None


@pytest.mark.parametrize("kind", [Kind.FORCED, Kind.LOST_RECORDS])
def test_what_happened_once_is_settled_by_somebody_having_looked(kind: Kind) -> None:
    seen = acknowledged(NOW_MS + 5, risen(kind), "account:7")
    assert seen is not None
    assert seen.events == (Event.CLEARED,)
    assert seen.alert.cleared_ms == NOW_MS + 5


def test_what_nobody_acknowledges_goes_on_step_by_step_to_the_last_that_hears() -> None:
    alert, after = risen(), 30 * MINUTE
    assert escalated(NOW_MS + after - 1, alert, after, 3) is None
    second = escalated(NOW_MS + after, alert, after, 3)
    assert second is not None
    assert second.step == 2
    assert escalated(NOW_MS + 2 * after - 1, second, after, 3) is None
    third = escalated(NOW_MS + 2 * after, second, after, 3)
    assert third is not None
    assert third.step == LAST_STEP
    assert escalated(NOW_MS + 9 * after, third, after, 3) is None
    assert escalated(NOW_MS + after, alert, after, 1) is None
    assert escalated(NOW_MS + after, alert, 0, 3) is None


@pytest.mark.parametrize(
    "alert",
    [
        replace(risen(), acked_ms=NOW_MS),
        replace(risen(), calm_ms=NOW_MS),
        replace(risen(), cleared_ms=NOW_MS),
    ],
)
def test_what_somebody_looks_after_or_is_calm_goes_no_step_further(alert: Alert) -> None:
    assert escalated(NOW_MS + 60 * MINUTE, alert, 30 * MINUTE, 3) is None


# ------------------------------------------------------------ when it is told


def brussels(day: date, at: str, fold: int = 0) -> int:
    moment = datetime.combine(day, time.fromisoformat(at), BRUSSELS).replace(fold=fold)
    return int(moment.timestamp()) * 1000


MONDAY = date(2026, 11, 23)
TUESDAY = date(2026, 11, 24)
NIGHT = Timing(time(20), time(6), 15)


@pytest.mark.parametrize(
    ("at", "ends"),
    [
        (brussels(MONDAY, "19:59:59"), None),
        (brussels(MONDAY, "20:00"), brussels(TUESDAY, "06:00")),
        (brussels(TUESDAY, "05:59:59"), brussels(TUESDAY, "06:00")),
        (brussels(TUESDAY, "06:00"), None),
    ],
)
def test_quiet_hours_over_midnight(at: int, ends: int | None) -> None:
    assert quiet_until_ms(at, NIGHT) == ends


def test_quiet_hours_within_a_day_and_none_at_all() -> None:
    noon = Timing(time(12), time(13))
    assert quiet_until_ms(brussels(MONDAY, "12:30"), noon) == brussels(MONDAY, "13:00")
    assert quiet_until_ms(brussels(MONDAY, "13:00"), noon) is None
    never = Timing(time(6), time(6))
    assert quiet_until_ms(brussels(MONDAY, "06:00"), never) is None


def test_quiet_hours_end_by_the_clock_on_the_wall_when_summer_time_begins_and_ends() -> None:
    night = Timing(time(22), time(6))
    spring = date(2027, 3, 28)
    begin = brussels(date(2027, 3, 27), "23:00")
    end = quiet_until_ms(begin, night)
    assert end == int(datetime(2027, 3, 28, 4, tzinfo=UTC).timestamp()) * 1000
    assert end == begin + 6 * 3_600_000  # one hour is missing
    # A time that does not exist: half past two in that night is half past three.
    early = Timing(time(22), time(2, 30))
    assert quiet_until_ms(begin, early) == brussels(spring, "03:30")
    autumn = date(2026, 10, 25)
    begin = brussels(date(2026, 10, 24), "23:00")
    assert quiet_until_ms(begin, night) == begin + 8 * 3_600_000  # one hour comes twice
    first = brussels(autumn, "02:30", 0)
    assert quiet_until_ms(begin, early) == first
    # In the second hour two o'clock is quiet once more, until the second half past two.
    assert quiet_until_ms(brussels(autumn, "02:10", 1), early) == brussels(autumn, "02:30", 1)


@given(
    st.integers(NOW_MS, NOW_MS + 400 * 86_400_000),
    st.times(),
    st.times(),
)
def test_quiet_hours_always_end_later_and_then_they_are_over(
    now_ms: int, begin: time, end: time
) -> None:
    timing = Timing(begin.replace(microsecond=0), end.replace(microsecond=0))
    until = quiet_until_ms(now_ms, timing)
    if until is not None:
        assert now_ms < until <= now_ms + 25 * 3_600_000
        local = datetime.fromtimestamp(until / 1000, BRUSSELS)
        # Unless the hour comes once more, or does not exist, that is what the clock says.
        assert local.time() == timing.quiet_until or local.date() in (
            date(2027, 3, 28),
            date(2027, 10, 31),
        )


@pytest.mark.parametrize(
    ("level", "at", "due"),
    [
        (Level.URGENT, "03:12", "03:12"),
        (Level.PROMPT, "12:03", "12:03"),
        (Level.PROMPT, "03:12", "06:00"),
        (Level.LATER, "12:03", "12:15"),
        (Level.LATER, "12:15", "12:15"),
        (Level.LATER, "03:12", "06:00"),
    ],
)
def test_what_is_urgent_goes_through_and_the_rest_waits(level: Level, at: str, due: str) -> None:
    assert due_ms(level, brussels(TUESDAY, at), NIGHT) == brussels(TUESDAY, due)


def test_what_is_collected_until_into_the_night_waits_for_the_morning() -> None:
    assert due_ms(Level.LATER, brussels(MONDAY, "19:50"), NIGHT) == brussels(TUESDAY, "06:00")


def test_a_daily_message_comes_at_its_hour_and_at_once_is_at_once() -> None:
    daily = replace(NIGHT, digest_at=time(7))
    assert due_ms(Level.LATER, brussels(MONDAY, "06:59"), daily) == brussels(MONDAY, "07:00")
    assert due_ms(Level.LATER, brussels(MONDAY, "07:00:01"), daily) == brussels(TUESDAY, "07:00")
    # What is for today is not kept for tomorrow.
    assert due_ms(Level.PROMPT, brussels(MONDAY, "12:03"), daily) == brussels(MONDAY, "12:03")
    night = brussels(TUESDAY, "03:00")
    assert due_ms(Level.LATER, night, daily, at_once=True) == night
    each = replace(NIGHT, digest_minutes=0)
    assert due_ms(Level.LATER, brussels(MONDAY, "12:03"), each) == brussels(MONDAY, "12:03")


def test_who_is_told_depends_on_the_step_and_the_site() -> None:
    north = replace(risen(), details={"site": "Werf Noord"})
    everywhere = risen(Kind.AUTHORITY)
    a = Recipient("mail", "a@b.example", "nl")
    b = Recipient("mail", "b@b.example", "fr", 1, frozenset({"Werf Zuid"}))
    c = Recipient("mail", "c@b.example", "fr", 2, frozenset({"Werf Noord"}))
    assert told_at(1, (a, b, c), north) == [a]
    assert told_at(2, (a, b, c), north) == [c]
    # What concerns all of the hub concerns all.
    assert told_at(1, (a, b, c), everywhere) == [a, b]
