"""What was read a moment ago serves again while nothing is known to have changed."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from hub.web.live import Changes

T = TypeVar("T")
KEPT_MS: Final = 2_000
"""How old it may be while others write to the database: nobody tells of what is not on a page, and
of what depends on the time alone."""
IDLE_MS: Final = 10_000
"""How old it may be when nobody wrote anything since: only the time went by."""
_MOST: Final = 16


@dataclass(frozen=True, slots=True)
class _Kept(Generic[T]):
    version: int
    committed: int | None
    at_ms: int
    value: T


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
        self._kept: OrderedDict[Hashable, _Kept[T]] = OrderedDict()
        self._reading: dict[Hashable, threading.Lock] = {}

    def get(self, key: Hashable, read: Callable[[], T], *, fresh: bool = False) -> T:
        """Returns what `read` returns, or returned a moment ago with no change since.

        Args:
            key: all on which the reading depends, who may see what included.
            fresh: whoever asks has just changed something himself.
        """
        return self.holding(key, read, None if fresh else self._changes.version)[1]

    def holding(self, key: Hashable, read: Callable[[], T], least: int | None) -> tuple[int, T]:
        """Returns a reading and how many changes it holds for certain.

        Args:
            key: as `get`.
            least: number of changes that it has to hold; None: it has to be read now.
        """
        with self._lock:
            reading = self._reading.setdefault(key, threading.Lock())
        with reading:
            # All before it is read: what happens meanwhile makes it old.
            now_ms, version = self._clock(), self._changes.version
            committed = self._changes.committed()
            with self._lock:
                kept = self._kept.get(key)
            if (
                kept is None
                or least is None
                or kept.version < least
                or not self._serves(kept, now_ms - kept.at_ms, committed)
            ):
                kept = _Kept(version, committed, now_ms, read())
                with self._lock:
                    self._kept[key] = kept
                    self._kept.move_to_end(key)
                    while len(self._kept) > _MOST:
                        self._reading.pop(self._kept.popitem(last=False)[0], None)
            return kept.version, kept.value

    @staticmethod
    def _serves(kept: _Kept[T], age_ms: int, committed: int | None) -> bool:
        # A clock that was set back tells nothing.
        if age_ms < 0:
            return False
        idle = committed is not None and committed == kept.committed
        return age_ms < (IDLE_MS if idle else KEPT_MS)
