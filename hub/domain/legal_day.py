"""The Belgian calendar day: the only place where UTC milliseconds become a legal date.

The service takes a bare date (`xs:date`) and the day meant is the Belgian one, so a tap at 23:30
UTC in winter belongs to the next day. Days last 23, 24 or 25 hours; clocks move at 01:00 UTC, so
local midnight always exists exactly once.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

BRUSSELS: Final = ZoneInfo("Europe/Brussels")


def brussels_day(utc_ms: int) -> date:
    """Returns the calendar day in Brussels at that moment.

    Args:
        utc_ms: milliseconds since 1970-01-01T00:00:00Z, 0 or more.
    """
    return datetime.fromtimestamp(utc_ms // 1000, BRUSSELS).date()


@lru_cache(maxsize=64)
def day_bounds_ms(day: date) -> tuple[int, int]:
    """Returns the first millisecond of the day and the first one of the next day (23 to 25 h)."""
    return _midnight_ms(day), _midnight_ms(day + timedelta(days=1))


def _midnight_ms(day: date) -> int:
    return int(datetime.combine(day, time.min, BRUSSELS).timestamp()) * 1000
