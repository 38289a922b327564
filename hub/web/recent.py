"""What was read a moment ago serves again while nothing is known to have changed."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

from hub.web.live import Changes

T = TypeVar("T")
KEPT_MS: Final = 2_000
"""How old it may be: what depends on the time alone, nothing tells of."""
_MOST: Final = 16


class Recent(Generic[T]):
    """Keeps the newest reading of each of some things; safe from every thread.

    On a site of thousands a list takes tenths of a second, and in the morning several look at it at
    once, or one leafs through it: they wait for one reading.

    Args:
        changes: counts what a reading may have become old by.
        clock: UTC milliseconds.
    """

    def __init__(self, changes: Changes, clock: Callable[[], int]) -> None:
        self._changes = changes
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, tuple[int, int, T]] = OrderedDict()
        self._reading: dict[Hashable, threading.Lock] = {}

    def get(self, key: Hashable, read: Callable[[], T], *, fresh: bool = False) -> T:
        """Returns what `read` returns, or returned less than `KEPT_MS` ago with no change since.

        Args:
            key: all on which the reading depends, who may see what included.
            fresh: whoever asks has just changed something himself.
        """
        with self._lock:
            reading = self._reading.setdefault(key, threading.Lock())
        with reading:
            now_ms, version = self._clock(), self._changes.version
            with self._lock:
                kept = self._kept.get(key)
            if kept is not None and not fresh:
                of_version, at_ms, value = kept
                if of_version == version and 0 <= now_ms - at_ms < KEPT_MS:
                    return value
            value = read()
            with self._lock:
                self._kept[key] = version, now_ms, value
                self._kept.move_to_end(key)
                while len(self._kept) > _MOST:
                    self._reading.pop(self._kept.popitem(last=False)[0], None)
            return value
