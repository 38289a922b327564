"""Who was logged in when the database last said so: for the one page that must work without it."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from typing import Final

from hub.application.access import Actor

MOST: Final = 1_000
HOURS: Final = 12
"""How long somebody is believed without the database: a working day."""


class Remembered:
    """The newest sessions that were found good, in memory. Safe from every thread.

    A session that the database calls ended is forgotten at once.

    Args:
        monotonic: seconds, never going back.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._actors: OrderedDict[bytes, tuple[Actor, float]] = OrderedDict()

    def take(self, cookie: str, actor: Actor | None) -> None:
        """Takes in what the database said of a session; None: it is nobody's."""
        key = sha256(cookie.encode()).digest()
        with self._lock:
            self._actors.pop(key, None)
            # Who brings no cookie is nobody's, whatever is said of him.
            if actor is not None and cookie:
                self._actors[key] = (actor, self._monotonic())
                while len(self._actors) > MOST:
                    self._actors.popitem(last=False)

    def actor(self, cookie: str) -> Actor | None:
        """Returns whose session this was when it was last asked for; None: not known."""
        with self._lock:
            actor, since = self._actors.get(sha256(cookie.encode()).digest(), (None, 0.0))
        return actor if self._monotonic() - since < HOURS * 3600 else None
