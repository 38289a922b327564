"""Time of the simulated authority: UTC milliseconds inside, Europe/Brussels for legal days.

The service is national, so a registration day is the Belgian calendar day; it is never taken from
UTC (the two differ for one or two hours each night).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from typing import final
from zoneinfo import ZoneInfo

BRUSSELS = ZoneInfo("Europe/Brussels")


@final
class Clock:
    """Milliseconds since 1970 UTC, movable while running; safe to read from several threads.

    Args:
        now_ms: the base the shifts are added to.
    """

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._base = now_ms
        self._shift_ms = 0
        self._lock = threading.Lock()

    def __call__(self) -> int:
        with self._lock:
            return self._base() + self._shift_ms

    @property
    def shift_ms(self) -> int:
        """Sum of all shifts, milliseconds."""
        return self._shift_ms

    def shift(self, by_ms: int) -> None:
        """Moves the clock by `by_ms` milliseconds, forwards or backwards."""
        with self._lock:
            self._shift_ms += by_ms

    def move_to(self, at_ms: int) -> None:
        """Sets the clock to `at_ms`; it goes on running from there."""
        with self._lock:
            self._shift_ms = at_ms - self._base()


def system_now_ms() -> int:
    """The computer's clock, milliseconds UTC. Only the composition root passes it on."""
    return time.time_ns() // 1_000_000


def running_from(start_ms: int) -> Callable[[], int]:
    """A clock that starts at `start_ms` now and runs at the normal pace from there."""
    began = time.monotonic_ns()
    return lambda: start_ms + (time.monotonic_ns() - began) // 1_000_000


def brussels_day(at_ms: int) -> date:
    """The Belgian calendar day of an instant."""
    return datetime.fromtimestamp(at_ms / 1000, BRUSSELS).date()


def brussels_iso(at_ms: int) -> str:
    """An instant as `xs:dateTime` with milliseconds and the Belgian offset of that moment."""
    seconds, ms = divmod(at_ms, 1000)
    local = datetime.fromtimestamp(seconds, BRUSSELS).replace(microsecond=ms * 1000)
    return local.isoformat(timespec="milliseconds")


def next_at_hour(after_ms: int, hour: int) -> int:
    """The first instant later than `after_ms` at which Belgian clocks show `hour`:00.

    Args:
        after_ms: UTC milliseconds.
        hour: 3..23; hours that a change of summer time skips or repeats (2) are not allowed.

    Raises:
        ValueError: `hour` is outside 3..23.
    """
    if not 3 <= hour <= 23:
        raise ValueError("hour must be 3..23")
    day = brussels_day(after_ms)
    while True:
        at = datetime.combine(day, time_of_day(hour), BRUSSELS)
        at_ms = int(at.timestamp()) * 1000
        if at_ms > after_ms:
            return at_ms
        day += timedelta(days=1)


def instant_ms(text: str) -> int:
    """UTC milliseconds of an ISO 8601 or `xs:dateTime` text; without a zone it is Belgian time.

    Raises:
        ValueError: the text is not an instant between the years 1 and 9999.
    """
    try:
        at = datetime.fromisoformat(text.strip())
        if at.tzinfo is None:
            at = at.replace(tzinfo=BRUSSELS)
        return round(at.timestamp() * 1000)
    except OverflowError as problem:
        raise ValueError("instant out of range") from problem
