"""Time of the simulated authority: UTC milliseconds inside, Europe/Brussels for legal days.

The service is national, so a registration day is the Belgian calendar day; it is never taken from
UTC (the two differ for one or two hours each night).
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from functools import lru_cache
from pathlib import Path
from typing import final
from zoneinfo import ZoneInfo

BRUSSELS = ZoneInfo("Europe/Brussels")
_log = logging.getLogger("simulator.authority")


class ClockFileError(Exception):
    """The clock file is not one; the text says what is wrong."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a clock file says: an instant, the monotonic time at which it held, and the pace.

    `rate` is seconds of this time for one second of the computer's; 0 stands still.
    """

    utc_ms: int
    at_monotonic_ns: int
    rate: float

    def now_ms(self, monotonic_ns: int) -> int:
        """The instant this reading gives at a monotonic time."""
        return self.utc_ms + round((monotonic_ns - self.at_monotonic_ns) * self.rate / 1_000_000)


@final
class SharedClock:
    """A time that several processes of one machine share through a small JSON file.

    The file holds `{"utc_ms": 1795498867312, "at_monotonic_ns": 81234567890, "rate": 1.0}`: the
    instant, the value of the machine's monotonic clock at which it held, and the pace. Whoever
    moves the time writes a new file beside it and renames it over the old one, so a reader never
    finds half a file. It is read anew for each question; there is nothing to be told.

    Args:
        path: the file. When it is absent, it is made.
        start_ms: where a file that is made starts, UTC milliseconds; it runs at the normal pace.

    Raises:
        ClockFileError: the file holds something else or cannot be read.
        OSError: the file cannot be made.
    """

    def __init__(self, path: Path, start_ms: int) -> None:
        self._path = path
        if not path.exists():
            self.write(start_ms, 1.0)
        self._last = read_clock_file(path)

    def __call__(self) -> int:
        return self._reading().now_ms(time.monotonic_ns())

    @property
    def rate(self) -> float:
        """The pace."""
        return self._reading().rate

    def write(self, utc_ms: int, rate: float) -> None:
        """Sets the time for everybody who reads the file."""
        values = {"utc_ms": utc_ms, "at_monotonic_ns": time.monotonic_ns(), "rate": rate}
        fresh = self._path.with_name(f"{self._path.name}.{os.getpid()}.new")
        fresh.write_text(json.dumps(values), encoding="utf-8")
        fresh.replace(self._path)

    def _reading(self) -> Reading:
        try:
            self._last = read_clock_file(self._path)
        except ClockFileError as problem:
            # A test that tidied up too early must not stop the time of those who still run.
            _log.warning("clock file: %s; going on by the last reading", problem)
        return self._last


def read_clock_file(path: Path) -> Reading:
    """What a clock file says.

    Raises:
        ClockFileError: absent, or not three numbers under the right names.
    """
    try:
        values: object = json.loads(path.read_bytes())
    except (OSError, ValueError) as problem:
        raise ClockFileError(f"{path.name}: {type(problem).__name__}") from None
    match values:
        case {
            "utc_ms": int(utc_ms),
            "at_monotonic_ns": int(at_ns),
            "rate": int() | float() as rate,
        }:
            return Reading(utc_ms, at_ns, float(rate))
        case _:
            raise ClockFileError(f"{path.name}: utc_ms, at_monotonic_ns and rate expected")


@final
class Clock:
    """Milliseconds since 1970 UTC, movable while running; safe to read from several threads.

    The world's time is what tests share; the service's own clock may go wrong against it by a skew.

    Args:
        now_ms: the time this clock starts from and follows. When it is a `SharedClock`, moving this
            clock moves it for everybody.
    """

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._base = now_ms
        self._shared = now_ms if isinstance(now_ms, SharedClock) else None
        self._from_base_ms = 0
        self._from_ms = 0
        self._rate = 1.0
        self._skew_ms = 0
        self._scripted_skew_ms = 0
        self._lock = threading.RLock()

    def __call__(self) -> int:
        return self.world() + self.skew_ms

    def world(self) -> int:
        """The time of the world, without the service's own error."""
        with self._lock:
            base_ms = self._base()
            if self._shared is not None:
                return base_ms
            return self._from_ms + round((base_ms - self._from_base_ms) * self._rate)

    @property
    def rate(self) -> float:
        """How fast it runs against its base; 0 stands still."""
        return self._rate if self._shared is None else self._shared.rate

    @property
    def skew_ms(self) -> int:
        """How far the service's clock is ahead of the world's, milliseconds; a switch wins."""
        return self._skew_ms or self._scripted_skew_ms

    @property
    def shift_ms(self) -> int:
        """How far the world's time has been moved from its base, milliseconds; 0 when shared."""
        with self._lock:
            return self.world() - self._base() if self._shared is None else 0

    def shift(self, by_ms: int) -> None:
        """Moves the clock by `by_ms` milliseconds, forwards or backwards."""
        with self._lock:
            self._set(self.world() + by_ms, self.rate)

    def move_to(self, at_ms: int) -> None:
        """Sets the clock to `at_ms`; it goes on from there at its pace."""
        with self._lock:
            self._set(at_ms, self.rate)

    def run_at(self, rate: float) -> None:
        """Goes on from now at another pace: 0 stands still, 60 is a minute a second."""
        with self._lock:
            self._set(self.world(), rate)

    def skew(self, ms: int) -> None:
        """Puts the service's clock ahead of the world's (or behind, negative) until changed."""
        self._skew_ms = ms

    def scripted_skew(self, ms: int) -> None:
        """The skew a script asks for; it counts while no switch is set."""
        self._scripted_skew_ms = ms

    def _set(self, at_ms: int, rate: float) -> None:
        if self._shared is not None:
            self._shared.write(at_ms, rate)
            return
        self._from_base_ms, self._from_ms, self._rate = self._base(), at_ms, rate


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


# All entries of one answer carry the same few instants.
@lru_cache(maxsize=1024)
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


def moment_ms(text: str, now_ms: int) -> int:
    """UTC milliseconds of an instant, or of a time of day (`06:40`) of the Belgian day it is now.

    Raises:
        ValueError: neither.
    """
    text = text.strip()
    if text[2:3] != ":":
        return instant_ms(text)
    at = time_of_day.fromisoformat(text)
    if at.tzinfo is not None:
        raise ValueError("a time of day is Belgian")
    return round(datetime.combine(brussels_day(now_ms), at, BRUSSELS).timestamp() * 1000)
