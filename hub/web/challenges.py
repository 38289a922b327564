"""Random values that somebody must bring back: each good once, for one browser, for minutes.

They are kept in memory only. After a restart whoever was in the middle begins again; nothing that
was copied from a disk or out of a log is ever good.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from typing import Final, Generic, TypeVar

T = TypeVar("T")
CHALLENGE_MS: Final = 5 * 60_000
CHALLENGE_BYTES: Final = 32
KEPT_MAX: Final = 5_000
"""Challenges that are out at the same time; one more, and the oldest is good no more."""


class Challenges(Generic[T]):
    """Gives out challenges and takes each back once; safe from every thread.

    Args:
        clock: UTC milliseconds.
    """

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._out: dict[bytes, tuple[str, int, T]] = {}

    def make(self, whose: str, about: T) -> bytes:
        """Returns a new challenge for this browser or session.

        Args:
            whose: only he brings it back.
            about: what `take` returns.
        """
        now_ms = self._clock()
        challenge = secrets.token_bytes(CHALLENGE_BYTES)
        with self._lock:
            # In the order in which they end, since all last as long.
            for old, (_, until_ms, _) in list(self._out.items()):
                if now_ms < until_ms and len(self._out) < KEPT_MAX:
                    break
                del self._out[old]
            self._out[challenge] = (whose, now_ms + CHALLENGE_MS, about)
        return challenge

    def take(self, challenge: bytes, whose: str) -> T | None:
        """Returns what a challenge was about, once; None when it is not good for him.

        It may be unknown, used, over or another's. That of another stays good: nobody spends it.
        """
        with self._lock:
            found = self._out.get(challenge)
            if found is None or found[0] != whose:
                return None
            del self._out[challenge]
        return found[2] if self._clock() < found[1] else None
