"""All that brings the registrations of one regime to its service: some senders and one who cares.

Several senders keep the line busy while one of them waits for an answer or writes it down: with one
alone a backlog moves at half the pace that the service allows. Each has a connection and an outbox
of his own. A lone registration is taken by whoever is free, at once: nothing is held back to fill a
batch.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import time
from random import Random
from time import monotonic_ns
from typing import Protocol

from hub.application.doubt import SETTLE_MS
from hub.application.forward import Forwarder, ForwardStatus, worst
from hub.application.forward_thread import Bell, ForwarderThread
from hub.application.outbox import OutboxPort
from hub.application.pace import Pace
from hub.application.ports import AuthorityPort
from hub.application.windows import Window


class OutboxFactory(Protocol):
    """Makes the outbox of a worker."""

    def __call__(self, worker: str) -> OutboxPort:
        """Returns it; no two workers have the same name."""
        ...


class Lane:
    """The forwarders of one regime and their threads; `start` and `stop` once each.

    Args:
        regime: `day` or `in_out`; names the threads.
        outbox: makes the outbox of each worker.
        authority: makes the connection of each worker.
        clock: UTC milliseconds.
        random: source of the jitter.
        window: when the service takes an item.
        senders: how many send at the same time, 1 or more.
        settle_ms: milliseconds after a lost answer before an absence is believed.
        close_at: local time of the next day at which a legal day is closed.
    """

    def __init__(
        self,
        regime: str,
        outbox: OutboxFactory,
        authority: Callable[[], AuthorityPort],
        clock: Callable[[], int],
        random: Random,
        window: Window,
        *,
        senders: int = 2,
        settle_ms: int = SETTLE_MS,
        close_at: time = time(6),
    ) -> None:
        sending = Pace(random)
        self._bell = Bell()
        self._care_bell = Bell()

        def forwarder(worker: str, cares: bool) -> Forwarder:
            return Forwarder(
                outbox(worker),
                authority(),
                clock,
                random,
                settle_ms,
                window=window,
                # A defect of who cares must not keep registrations from leaving.
                sending=None if cares else sending,
                sends=not cares,
                cares=cares,
                close_at=close_at,
                monotonic=lambda: monotonic_ns() // 1_000_000,
                doubted=self._care_bell.ring,
                more=self._bell.ring,
            )

        self._care = forwarder(f"{regime}:care", True)
        self._senders = [forwarder(f"{regime}:{number}", False) for number in range(1, senders + 1)]
        self._threads = [
            ForwarderThread(one, clock, self._bell, f"{regime}-{number}")
            for number, one in enumerate(self._senders, 1)
        ]
        self._threads.append(ForwarderThread(self._care, clock, self._care_bell, f"{regime}-care"))

    def start(self) -> None:
        """Starts the threads."""
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """Something may have become due; returns at once."""
        self._bell.ring()

    def wake_care(self) -> None:
        """Something may be in doubt or to be withdrawn; returns at once."""
        self._care_bell.ring()

    def status(self) -> ForwardStatus:
        """Returns how the way to the service stands; any thread may ask."""
        return worst([self._care.status(), *(one.status() for one in self._senders)])

    def stop(self, timeout_s: float) -> bool:
        """Ends all threads after the calls that are under way; returns False when one still runs.

        Args:
            timeout_s: seconds to wait for each.
        """
        for thread in self._threads:
            thread.end()
        ended = [thread.stop(timeout_s) for thread in self._threads]
        return all(ended)
