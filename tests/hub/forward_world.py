"""A forwarder with an outbox, a service and a clock that a test moves."""

from __future__ import annotations

from datetime import date
from random import Random

from hub.application.forward import Forwarder
from tests.hub.memory_outbox import MemoryOutbox
from tests.hub.outbox_contract import DAY, NOW_MS, posted
from tests.hub.service import HandClock, Service

MINUTE_MS = 60_000


class World:
    """A forwarder with its outbox, its service and its clock."""

    def __init__(self, count: int = 0, now_ms: int = NOW_MS, seed: int = 1) -> None:
        self.clock = HandClock(now_ms)
        self.service = Service(self.clock)
        self.outbox = MemoryOutbox()
        self.random = Random(seed)
        self.start()
        self.add(count)

    def start(self) -> None:
        """A new process on the same outbox."""
        self.forwarder = Forwarder(self.outbox, self.service, self.clock, self.random)

    def add(self, count: int, day: date = DAY, works: str = "1Y19FAKE001AZ") -> None:
        first = len(self.outbox.rows)
        for index in range(first, first + count):
            self.outbox.add(posted(index, day, works), self.clock() - 1000, self.clock())

    def run(self, for_ms: int) -> None:
        """Steps at every moment the forwarder asks for, as its thread does."""
        end_ms = self.clock() + for_ms
        while self.clock() <= end_ms:
            wake_ms = self.forwarder.step()
            assert wake_ms <= self.clock() + 30_000
            # A step that asks for the next one at once has something to do; no endless rounds.
            self.clock.now_ms = max(wake_ms, self.clock() + 1)
        self.clock.now_ms = end_ms

    def all_registered_once(self) -> bool:
        return set(self.outbox.states()) == {"registered"} and all(
            self.service.times_stored(key) == 1 and self.service.get(row.number or 0) is not None
            for key, row in self.outbox.rows.items()
        )
