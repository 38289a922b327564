"""All of a running hub that tells people: the outbox of messages and what carries them.

Threads: *notices*, which hands messages over.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from hub.application.posting import Posting, StepThread
from hub.clock import Clock
from hub.notices.channels import senders
from hub.settings import Settings
from hub.storage.house import House
from hub.storage.notices import Post, Write

STOP_S: Final = 5.0


class Telling:
    """What leaves the hub as a message; `start` and `stop` once each.

    Args:
        settings: see `docs/settings.md`.
        house: database and keys.
        write: carries out a change.
        clock: UTC milliseconds.
        changed: called after something a page shows has changed, in any thread.
    """

    def __init__(
        self,
        settings: Settings,
        house: House,
        write: Write,
        clock: Clock,
        changed: Callable[[], None],
    ) -> None:
        self.senders = senders(settings, clock)
        posting = Posting(Post(house.engine, write, house.vault), self.senders, clock, changed)
        self._post = StepThread("notices", posting, clock)

    def start(self) -> None:
        """Starts handing over what waits."""
        self._post.start()

    def stop(self) -> None:
        """Ends after the message that is under way; the others wait for the next start."""
        self._post.stop(STOP_S)

    def wake(self) -> None:
        """There may be a new message; returns at once."""
        self._post.wake()
