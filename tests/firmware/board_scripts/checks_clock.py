"""Ticks over their wrap, time from the hub, and Brussels in whole numbers."""

from standins import Ticks, equal

from firmware import clock as clocks
from firmware.clock import Clock, brussels_day, brussels_hour_minute, brussels_offset_s
from protocol.record import QUALITY_HUB, QUALITY_NONE

UTC_S = 1_795_450_000  # 23 November 2026, in the morning


def nothing(before_ms, quality):
    """The record is kept."""


def check_ticks_go_on_over_the_wrap():
    ticks = Ticks(start=(1 << 30) - 700)
    clock = Clock(1, ticks.ms, ticks.diff)
    equal(clock.now_ms(), 0)
    before = 0
    for _ in range(40):
        ticks.total += 100
        now = clock.now_ms()
        equal(now, before + 100)
        before = now
    for _ in range(9):  # one call in four days is enough
        ticks.total += 4 * 86400 * 1000
        clock.now_ms()
    equal(clock.now_ms(), 4000 + 36 * 86400 * 1000)
    assert clock.now_ms() > 1 << 31


def check_ticks_of_a_port_that_never_wraps():
    ticks = Ticks(start=5, period=1 << 62)
    clock = Clock(1, ticks.ms, ticks.diff)
    ticks.total += 1 << 40
    equal(clock.now_ms(), 1 << 40)


def set_clock(clock, ticks, utc_s, round_trip, changed=nothing):
    asked = clock.now_ms()
    clock.connected(asked)
    assert clock.question(asked)
    ticks.total += round_trip
    return clock.answered(clock.boot, asked, utc_s, 0, clock.now_ms(), changed)


def check_time_is_unknown_until_the_hub_says_it():
    ticks = Ticks(start=(1 << 30) - 1000)
    clock = Clock(7, ticks.ms, ticks.diff)
    equal(clock.quality, QUALITY_NONE)
    equal(clock.utc_at(clock.now_ms()), 0)
    equal(clock.today(clock.now_ms()), 0)
    kept = []
    assert set_clock(
        clock, ticks, UTC_S, 80, lambda before, quality: kept.append((before, quality))
    )
    equal(kept, [(0, QUALITY_NONE)])
    equal(clock.quality, QUALITY_HUB)
    equal(clock.utc_at(clock.now_ms()), UTC_S * 1000 + 40, "half of the round trip")
    ticks.total += 3_600_000  # over the wrap
    equal(clock.utc_at(clock.now_ms()), UTC_S * 1000 + 40 + 3_600_000)


def check_an_answer_counts_only_for_the_last_question_of_this_boot():
    ticks = Ticks()
    clock = Clock(7, ticks.ms, ticks.diff)
    clock.connected(0)
    assert clock.question(0)
    ticks.total += 10
    assert not clock.answered(6, 0, UTC_S, 0, clock.now_ms(), nothing), "another boot"
    assert not clock.answered(7, 1, UTC_S, 0, clock.now_ms(), nothing), "another question"
    assert not clock.answered(7, 0, 1_000_000, 0, clock.now_ms(), nothing), "1970"
    assert clock.answered(7, 0, UTC_S, 0, clock.now_ms(), nothing)
    assert not clock.answered(7, 0, UTC_S + 900, 0, clock.now_ms(), nothing), "twice"
    assert not set_clock(clock, ticks, UTC_S, clocks.ROUND_TRIP_MAX_MS + 1), "too slow to be true"


def check_the_clock_does_not_move_when_the_record_was_not_kept():
    ticks = Ticks()
    clock = Clock(7, ticks.ms, ticks.diff)

    def refuse(before_ms, quality):
        assert clock.utc_at(clock.now_ms()), "the record carries the new time"
        raise OSError(28)

    try:
        set_clock(clock, ticks, UTC_S, 10, refuse)
        raise AssertionError("not raised")
    except OSError:
        pass
    equal(clock.quality, QUALITY_NONE)
    equal(clock.utc_at(clock.now_ms()), 0)
    assert set_clock(clock, ticks, UTC_S, 10)


def check_small_differences_are_noise_and_large_ones_a_record():
    ticks = Ticks()
    clock = Clock(7, ticks.ms, ticks.diff)
    assert set_clock(clock, ticks, UTC_S, 0)
    kept = []

    def keep(before, quality):
        kept.append(before)

    assert not set_clock(clock, ticks, UTC_S, 60, keep)
    equal(kept, [])
    ticks.total += 5000
    assert set_clock(clock, ticks, UTC_S - 100, 0, keep), "back, but never without a record"
    equal(kept, [UTC_S * 1000 + 5060])


def check_questions_come_at_once_after_silence_and_then_hourly():
    ticks = Ticks()
    clock = Clock(7, ticks.ms, ticks.diff)
    clock.connected(0)
    assert clock.question(0)
    assert not clock.question(5)
    assert clock.question(clocks.ASK_AGAIN_MS)
    ticks.total = clocks.ASK_AGAIN_MS + 10
    now = clock.now_ms()
    assert clock.answered(7, clocks.ASK_AGAIN_MS, UTC_S, 0, now, nothing)
    assert not clock.question(now + clocks.ASK_EVERY_MS - 1)
    assert clock.question(now + clocks.ASK_EVERY_MS)


def check_the_day_before_any_time_is_a_lower_bound():
    ticks = Ticks()
    clock = Clock(7, ticks.ms, ticks.diff)
    clock.not_before_s = UTC_S
    equal(clock.today(0), brussels_day(UTC_S))
    equal(clock.utc_at(0), 0, "still unknown")


def check_brussels_changes_at_one_utc_on_the_last_sundays():
    # (UTC second of 01:00 on the last Sunday of March, and of October) of some years
    for starts, ends in (
        (1_743_296_400, 1_761_440_400),  # 30 March, 26 October 2025
        (1_774_746_000, 1_792_890_000),  # 29 March, 25 October 2026
        (1_806_195_600, 1_824_944_400),  # 28 March, 31 October 2027
    ):
        equal(brussels_offset_s(starts - 1), 3600)
        equal(brussels_offset_s(starts), 7200)
        equal(brussels_offset_s(ends - 1), 7200)
        equal(brussels_offset_s(ends), 3600)


def check_brussels_day_and_time():
    equal(brussels_hour_minute(1_795_450_000), (17, 6))
    equal(brussels_day(1_774_738_799), brussels_day(1_774_738_800) - 1, "midnight in winter")
    equal(brussels_day(946_684_800), 0, "1 January 2000")
    equal(clocks.date_of(11_016), (2000, 2, 29))
    for days in (0, 58, 59, 60, 11_015, 11_016, 11_017, 20_000, 20_180, 40_000):
        equal(clocks.days_of(*clocks.date_of(days)), days)
