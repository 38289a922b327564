"""The gate's clock: ticks that never wrap, UTC once the hub has told it, and how good that is.

Theory of operation. The Pico has no battery clock: each start begins at an unknown time, unless a
clock chip tells it (`chip_says`). What is certain is the number of milliseconds since this start,
so every record carries boot number and ticks, and UTC only when it is known. The hub's answer to a
time question sets the clock:

    question leaves at tick q, answer arrives at tick a, hub says U
    UTC at tick a = U + (a - q) / 2

The error is at most half of the round trip, so a round trip above ROUND_TRIP_MAX_MS is thrown away
and the question asked again. A clock is never moved without `changed` having kept a record first
(KIND_TIME_SET): the hub can then date the taps of the same boot that came before it.

| from | quality | believed when it says |
| --- | --- | --- |
| clock chip that never stopped | QUALITY_RTC | `not_before_s` to CHIP_AHEAD_S beyond it |
| hub, in answer to our last question | QUALITY_HUB | `not_before_s` less BACK_MAX_S, or later |

`not_before_s` is a second that is certainly past: the day the firmware was built, or the newest
dated record in the journal. Certificates are checked against the newest of all these (`calendar`).

Everything is whole milliseconds: the Pico's floats have 24 bits and cannot hold an epoch second.
"""

from protocol.record import QUALITY_HUB, QUALITY_NONE, QUALITY_RTC

ROUND_TRIP_MAX_MS = 4000
STEP_MIN_MS = 100
"""A crystal of 30 ppm drifts 108 ms in the hour between two questions; less is not worth a step."""

ASK_AGAIN_MS = 10 * 1000
ASK_EVERY_MS = 3600 * 1000

DAY_S = 86400
DAYS_1970_TO_2000 = 10957
UTC_MIN_S = 1735689600
"""2025-01-01: a hub that says less has a broken clock itself."""
BACK_MAX_S = 7 * DAY_S
"""A hub that was wrong for a while may put us back; further back than this it is wrong itself."""
CHIP_AHEAD_S = 5 * 366 * DAY_S
"""A battery lasts no longer than this without the gate being written to."""


class Clock:
    """Time of one boot; `now_ms` never goes back and never wraps.

    Attributes: boot, quality (QUALITY constant), not_before_s (see the module; set it), step_ms
    (what the last believed answer of the hub corrected, 0 before), refused (answers of the hub that
    cannot be right).

    Args:
        boot: boot number, 0..65535.
        ticks_ms: milliseconds of the port, wrapping (`time.ticks_ms`).
        ticks_diff: difference of two of them (`time.ticks_diff`), right across one wrap.
    """

    def __init__(self, boot: int, ticks_ms, ticks_diff) -> None:
        self.boot = boot
        self.quality = QUALITY_NONE
        self._ticks_ms = ticks_ms
        self._ticks_diff = ticks_diff
        self._last = ticks_ms()
        self._total = 0
        self._zero_ms = 0  # UTC milliseconds at tick 0, when quality says so
        self._ask_at = 0
        self._asked_at = -1
        self.not_before_s = 0
        self.step_ms = 0
        self.refused = 0

    def now_ms(self) -> int:
        """Returns milliseconds since start; call it at least every 6 days (half of 2^30 ms)."""
        raw = self._ticks_ms()
        step = self._ticks_diff(raw, self._last)
        if step > 0:
            self._total += step
            self._last = raw
        return self._total

    def utc_at(self, now_ms: int) -> int:
        """Returns UTC milliseconds since 1970 at tick `now_ms`, or 0 when not known."""
        return self._zero_ms + now_ms if self.quality != QUALITY_NONE else 0

    def today(self, now_ms: int) -> int:
        """Returns a Brussels day, in days since 2000-01-01, that is not after the real one.

        It is the real day when UTC is known. Else it is the day of the newest dated record in the
        journal, and 0 without one: a badge that had expired then has expired now, and nothing is
        concluded beyond that.
        """
        utc_s = self.utc_at(now_ms) // 1000 or self.not_before_s
        return brussels_day(utc_s) if utc_s else 0

    def calendar(self, now_ms: int) -> int:
        """Returns UTC seconds for checking certificates: never before `not_before_s`."""
        return max(self.utc_at(now_ms) // 1000, self.not_before_s)

    def chip_says(self, utc_s: int, now_ms: int) -> bool:
        """Takes the clock chip's time at tick `now_ms` if it can be; returns whether it did.

        The hub's time is better and is never replaced.
        """
        if self.quality != QUALITY_NONE or utc_s < max(self.not_before_s, UTC_MIN_S):
            return False
        if self.not_before_s and utc_s > self.not_before_s + CHIP_AHEAD_S:
            return False
        self._zero_ms = utc_s * 1000 - now_ms
        self.quality = QUALITY_RTC
        return True

    def connected(self, now_ms: int) -> None:
        """The hub can be asked: a new connection always starts with a question."""
        self._ask_at = now_ms
        self._asked_at = -1

    def question(self, now_ms: int) -> bool:
        """Returns whether to ask the hub now, stamped `now_ms`; asks again after silence."""
        if now_ms < self._ask_at:
            return False
        self._asked_at = now_ms
        self._ask_at = now_ms + ASK_AGAIN_MS
        return True

    def answered(
        self, boot: int, asked_ms: int, utc_s: int, utc_ms: int, now_ms: int, changed
    ) -> bool:
        """Takes the hub's time if it answers our last question; returns whether the clock moved.

        Args:
            boot: boot number the answer echoes.
            asked_ms: tick the answer echoes.
            utc_s: the hub's UTC seconds.
            utc_ms: and milliseconds.
            now_ms: tick at which the answer arrived.
            changed: called with (UTC ms before or 0, quality before) when the clock already shows
                the new time; keeps the record. If it raises, the clock is as it was before.
        """
        if boot != self.boot or asked_ms != self._asked_at:
            return False
        if utc_s < max(UTC_MIN_S, self.not_before_s - BACK_MAX_S):
            self.refused += 1
            return False
        round_trip = now_ms - asked_ms
        self._asked_at = -1  # an answer counts once
        if round_trip > ROUND_TRIP_MAX_MS:
            return False
        zero = utc_s * 1000 + utc_ms + round_trip // 2 - now_ms
        before = self.utc_at(now_ms)
        quality_before = self.quality
        zero_before = self._zero_ms
        self.step_ms = zero - zero_before if before else 0
        if quality_before == QUALITY_HUB:
            # Half of the round trip is what we do not know; a smaller step would only be noise.
            if abs(zero - zero_before) <= max(STEP_MIN_MS, round_trip // 2):
                self._ask_at = now_ms + ASK_EVERY_MS
                return False
        self._zero_ms = zero
        self.quality = QUALITY_HUB
        kept = False
        try:
            changed(before, quality_before)
            kept = True
        finally:
            if not kept:
                self._zero_ms = zero_before
                self.quality = quality_before
        self._ask_at = now_ms + ASK_EVERY_MS
        return True


def date_of(days: int) -> tuple:
    """Returns (year, month, day) of a count of days since 1970-01-01, in whole numbers.

    Args:
        days: 0 or more. The calendar is counted from 1 March so that the leap day comes last.
    """
    days += 719468  # days from 0000-03-01 to 1970-01-01
    era = days // 146097
    day = days - era * 146097
    year = (day - day // 1460 + day // 36524 - day // 146096) // 365
    day -= 365 * year + year // 4 - year // 100
    month = (5 * day + 2) // 153
    day_of_month = day - (153 * month + 2) // 5 + 1
    month += 3 if month < 10 else -9
    return year + era * 400 + (1 if month <= 2 else 0), month, day_of_month


def days_of(year: int, month: int, day: int) -> int:
    """Returns the days from 1970-01-01 to a date of 1970 or later."""
    if month <= 2:
        year -= 1
        month += 12
    return (365 * year + year // 4 - year // 100 + year // 400 + (153 * (month - 3) + 2) // 5) + (
        day - 1 - 719468
    )


def _last_sunday(year: int, month: int) -> int:
    """Day number of the last Sunday of a month of 31 days."""
    last = days_of(year, month, 31)
    return last - (last + 4) % 7  # 1970-01-01 was a Thursday: Sunday is (days + 4) % 7 == 0


def brussels_offset_s(utc_s: int) -> int:
    """Returns the seconds Brussels is ahead of UTC: 3600, in summer 7200.

    Summer time runs from 01:00 UTC on the last Sunday of March to 01:00 UTC on the last Sunday of
    October (Directive 2000/84/EC, articles 2 and 3).

    Args:
        utc_s: UTC seconds since 1970, 1996 or later.
    """
    year = date_of(utc_s // DAY_S)[0]
    starts = _last_sunday(year, 3) * DAY_S + 3600
    ends = _last_sunday(year, 10) * DAY_S + 3600
    return 7200 if starts <= utc_s < ends else 3600


def brussels_day(utc_s: int) -> int:
    """Returns the Brussels date as days since 2000-01-01 (the roster's unit)."""
    return (utc_s + brussels_offset_s(utc_s)) // DAY_S - DAYS_1970_TO_2000


def brussels_hour_minute(utc_s: int) -> tuple:
    """Returns (hour, minute) on a clock in Brussels."""
    second = (utc_s + brussels_offset_s(utc_s)) % DAY_S
    return second // 3600, second % 3600 // 60
