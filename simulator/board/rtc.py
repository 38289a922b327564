"""The RP2040's clock: no battery, so every boot starts on 2021-01-01 (measured on v1.28.0).

Days are counted in the proleptic Gregorian calendar, without leap seconds, as time.gmtime does.
Runs on CPython and on MicroPython.
"""

BOOT_EPOCH_S = 1609459200  # 2021-01-01 00:00:00 UTC


def days_from_civil(year, month, day):
    """Days from 1970-01-01 to a date of the Gregorian calendar."""
    if month <= 2:
        year -= 1
        month += 12
    return (
        365 * year
        + year // 4
        - year // 100
        + year // 400
        + (153 * (month - 3) + 2) // 5
        + (day - 719469)
    )


def civil_from_days(days):
    """(year, month, day) of a day counted from 1970-01-01."""
    days += 719468
    era = days // 146097
    left = days - era * 146097
    year = (left - left // 1460 + left // 36524 - left // 146096) // 365
    left -= 365 * year + year // 4 - year // 100
    month = (5 * left + 2) // 153
    day = left - (153 * month + 2) // 5 + 1
    year += era * 400
    if month < 10:
        return year, month + 3, day
    return year + 1, month - 9, day


def epoch_s(year, month, day, hour, minute, second):
    """Seconds since 1970 of a UTC calendar time."""
    return ((days_from_civil(year, month, day) * 24 + hour) * 60 + minute) * 60 + second


class Rtc:
    """Seconds that start at 2021-01-01 and run with a monotonic clock.

    Args:
        now_ms: monotonic milliseconds that never wrap.
    """

    def __init__(self, now_ms):
        self._now_ms = now_ms
        self._base_ms = now_ms()
        self._base_s = BOOT_EPOCH_S

    def now_s(self):
        return self._base_s + (self._now_ms() - self._base_ms) // 1000

    def set_s(self, seconds):
        self._base_s = seconds
        self._base_ms = self._now_ms()

    def datetime(self):
        """(year, month, day, weekday, hour, minute, second, 0); Monday is 0."""
        seconds = self.now_s()
        days = seconds // 86400
        year, month, day = civil_from_days(days)
        left = seconds % 86400
        return (year, month, day, (days + 3) % 7, left // 3600, left // 60 % 60, left % 60, 0)
