"""The chip's own calendar. It has no battery and starts in 2021, so it is only ever written.

Certificate checks and file dates read it; the gate's records never do (`clock`).
"""

from machine import RTC

from firmware.clock import DAY_S, date_of


def set_utc(utc_s: int) -> None:
    """The chip's calendar shows this time.

    Args:
        utc_s: UTC seconds since 1970.
    """
    days = utc_s // DAY_S
    second = utc_s % DAY_S
    year, month, day = date_of(days)
    weekday = (days + 3) % 7  # Monday is 0; 1970-01-01 was a Thursday
    RTC().datetime((year, month, day, weekday, second // 3600, second // 60 % 60, second % 60, 0))
