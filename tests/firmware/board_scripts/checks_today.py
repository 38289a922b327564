"""What a gate remembers of badges until the night."""

import gc

from standins import equal

from firmware.clock import brussels_day
from firmware.directions import ASK, CHOICE_MS, Directions
from firmware.settings import DIRECTION_BUTTONS, DIRECTION_TOGGLE
from firmware.today import PLACES_USED_MAX, Today
from protocol.record import DIRECTION_IN, DIRECTION_NONE, DIRECTION_OUT

UTC_S = 1_795_450_000  # 23 November 2026, in the morning


def tag(number):
    """Tags that crowd into few places: the table must still tell them apart."""
    return bytes((number & 7, 0)) + number.to_bytes(3, "big") + b"\x00\x00\x00"


def check_directions_and_receipts_of_many_badges():
    today = Today(3, brussels_day)
    gc.collect()
    before = gc.mem_alloc() if hasattr(gc, "mem_alloc") else 0
    for number in range(400):
        today.passed(tag(number), DIRECTION_IN)
        if number % 3 == 0:
            today.registered(tag(number), "90000000000{:04d}".format(number))
    for number in range(0, 400, 2):
        today.passed(tag(number), DIRECTION_OUT)
    for number in range(400):
        equal(today.direction(tag(number)), DIRECTION_IN if number % 2 else DIRECTION_OUT)
        equal(today.receipt(tag(number)), "" if number % 3 else "{:04d}".format(number))
    equal(today.direction(tag(400)), DIRECTION_NONE)
    equal(today.receipt(tag(400)), "")
    equal(today.badges, 400)
    gc.collect()
    if before:
        assert gc.mem_alloc() - before < 1024, "the table does not grow"


def check_a_receipt_before_the_first_tap_is_remembered():
    today = Today(3, brussels_day)
    today.registered(tag(1), "7")
    equal(today.receipt(tag(1)), "0007")
    equal(today.direction(tag(1)), DIRECTION_NONE)
    today.passed(tag(1), DIRECTION_OUT)
    equal((today.receipt(tag(1)), today.direction(tag(1))), ("0007", DIRECTION_OUT))
    today.passed(tag(1), DIRECTION_NONE)
    equal(today.direction(tag(1)), DIRECTION_OUT, "a gate without direction says nothing")


def check_what_finds_no_place_is_forgotten_and_counted():
    today = Today(3, brussels_day)
    for number in range(PLACES_USED_MAX + 5):
        today.passed(number.to_bytes(8, "little"), DIRECTION_IN)
    equal((today.badges, today.forgotten), (PLACES_USED_MAX, 5))
    equal(today.direction((PLACES_USED_MAX - 1).to_bytes(8, "little")), DIRECTION_IN)
    equal(today.direction((PLACES_USED_MAX + 1).to_bytes(8, "little")), DIRECTION_NONE)


def check_everything_is_forgotten_at_the_hour_of_the_night():
    today = Today(3, brussels_day)
    three = 1_795_485_600  # 24 November 2026, 03:00 in Brussels (winter: UTC + 1)
    today.passed(tag(1), DIRECTION_IN)
    today.step(UTC_S, 1000)
    equal(today.direction(tag(1)), DIRECTION_IN, "the clock was set: it is still the same day")
    today.step(three - 1, 2000)
    equal(today.direction(tag(1)), DIRECTION_IN)
    today.step(three, 3000)
    equal(today.direction(tag(1)), DIRECTION_NONE)
    equal(today.badges, 0)


def check_the_night_of_the_change_to_summer_time():
    today = Today(3, brussels_day)
    # 28 March 2027: at 02:00 it becomes 03:00 in Brussels, 01:00 UTC.
    change = 1_806_195_600
    today.step(change - 3600, 1000)
    today.passed(tag(1), DIRECTION_IN)
    today.step(change + 3599, 2000)
    today.step(change + 4 * 3600, 3000)
    equal(today.direction(tag(1)), DIRECTION_NONE)


def check_without_a_clock_a_day_has_24_hours():
    today = Today(3, brussels_day)
    today.passed(tag(1), DIRECTION_IN)
    today.step(0, 86_399_000)
    equal(today.direction(tag(1)), DIRECTION_IN)
    today.step(0, 86_400_000)
    equal(today.direction(tag(1)), DIRECTION_NONE)


def check_a_gate_with_a_place_knows_the_way():
    today = Today(3, brussels_day)
    for mode in (DIRECTION_IN, DIRECTION_OUT, DIRECTION_NONE):
        ways = Directions(mode, today)
        equal(ways.of(tag(1), 0), mode)
        ways.pressed(DIRECTION_OUT, 0)
        equal(ways.of(tag(1), 1), mode, "nobody reads its buttons")


def check_a_toggling_gate_turns_each_badge_round():
    today = Today(3, brussels_day)
    ways = Directions(DIRECTION_TOGGLE, today)
    equal(ways.of(tag(1), 0), DIRECTION_IN)
    today.passed(tag(1), DIRECTION_IN)
    equal(ways.of(tag(1), 0), DIRECTION_OUT)
    today.passed(tag(1), DIRECTION_OUT)
    equal(ways.of(tag(1), 0), DIRECTION_IN)
    equal(ways.of(tag(2), 0), DIRECTION_IN, "each badge for itself")


def check_a_press_counts_for_ten_seconds_and_one_tap():
    ways = Directions(DIRECTION_BUTTONS, Today(3, brussels_day))
    equal(ways.of(tag(1), 0), ASK)
    ways.pressed(DIRECTION_OUT, 1000)
    equal(ways.of(tag(1), 1000 + CHOICE_MS - 1), DIRECTION_OUT)
    equal(ways.of(tag(1), 1000 + CHOICE_MS), ASK)
    ways.pressed(DIRECTION_IN, 50_000)
    equal(ways.of(tag(1), 50_001), DIRECTION_IN)
    ways.used()
    equal(ways.of(tag(1), 50_002), ASK)
