"""Every way in which the simulated authority can fail, and a hub that goes through it.

The adapter and the wire are real. The hub's clock jumps from wake to wake, so that minutes take no
time; the authority's clock runs by itself.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from hub.application.forward import Forwarder
from hub.application.ports import AuthorityPort, PresenceItem
from hub.application.windows import Window
from tests.hub.memory_outbox import MemoryOutbox
from tests.hub.outbox_contract import NOW_MS
from tests.hub.service import HandClock
from tests.soap.simulated import SimulatedAuthority

MINUTE_MS: Final = 60_000
READ_TIMEOUT_S: Final = 2.0
"""How long the hub of these tests waits for an answer."""
_numbers = count(1)


class Items(Protocol):
    """Makes the items of a regime."""

    def __call__(self, index: int) -> PresenceItem:
        """Returns the item of this number, with a reference of its own."""
        ...


class FaultyWay:
    """A hub with some people due, on the way to an authority that fails.

    Args:
        authority: the process.
        port: the adapter.
        window: of the regime.
        items: makes the items.
        asked: which list of the authority shows what it holds: `registrations` or `events`.
    """

    def __init__(
        self,
        authority: SimulatedAuthority,
        port: AuthorityPort,
        window: Window,
        items: Items,
        asked: str,
        people: int = 5,
    ) -> None:
        self.authority = authority
        self.clock = HandClock(NOW_MS)
        self.outbox = MemoryOutbox()
        self.asked = asked
        self.forwarder = Forwarder(self.outbox, port, self.clock, Random(7), window=window)
        first = next(_numbers) * 1000
        for index in range(first, first + people):
            self.outbox.add(items(index), NOW_MS - 1000, NOW_MS)

    def run(self, for_ms: int) -> None:
        """The hub works for so long."""
        end_ms = self.clock() + for_ms
        while self.clock() <= end_ms:
            self.clock.now_ms = max(self.forwarder.step(), self.clock() + 1)
        self.clock.now_ms = end_ms

    def held(self) -> list[tuple[str, int, bool]]:
        """(reference, number, cancelled) of what the authority holds of these people."""
        return sorted(
            (row["reference"], row["number"], row["cancel_reason"] is not None)
            for row in self.authority._ask("GET", f"/sim/{self.asked}")
            if row["reference"] in self.outbox.rows
        )

    def known(self, cancelled: bool = False) -> list[tuple[str, int | None, bool]]:
        """The same as the hub has it."""
        return sorted((key, row.number, cancelled) for key, row in self.outbox.rows.items())

    def states(self) -> set[str]:
        """The states in which the hub has them."""
        return set(self.outbox.states())

    def ends_well(self, for_ms: int = 6 * MINUTE_MS) -> None:
        """Some minutes later each is registered, once, under the number that the hub has."""
        self.run(for_ms)
        assert self.states() <= {"registered", "validated", "flagged"}
        assert self.held() == self.known()


Make = Callable[..., FaultyWay]


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of the next call that registers.

    Args:
        what: control address.
        values: what is ordered there.
        then: states of the people half a minute later.
        wait_ms: how long no other call may be made.
    """

    what: str
    values: dict[str, Any]
    then: frozenset[str]
    wait_ms: int = 0


def _mode(mode: str, *then: str, calls: int = 1, wait_ms: int = 0, **more: Any) -> Fault:
    values = {"mode": mode, "calls": calls, "operations": ["register"], **more}
    return Fault("availability", values, frozenset(then), wait_ms)


FAULTS: Final[dict[str, Fault]] = {
    "closed before anything is stored": _mode("refuse", "in_doubt"),
    "reset before anything is stored": _mode("reset", "in_doubt"),
    "closed after all is stored": _mode("drop-after-commit", "registered"),
    "reset after all is stored": _mode("reset-after-commit", "registered"),
    "half an answer": _mode("half", "registered"),
    "a truncated answer": _mode("truncate", "registered"),
    "garbage": _mode("garbage", "registered"),
    "an answer without one of its entries": _mode("missing-entry", "registered"),
    "an answer with one entry twice": _mode("twice-entry", "registered"),
    "unavailable for a moment": _mode("unavailable", "registered"),
    "503": _mode("down", "registered", status=503),
    "503 with a time to come back": _mode(
        "down", "due", status=503, retry_after_s=50, wait_ms=50_000
    ),
    "429 with a time to come back": _mode(
        "down", "due", status=429, retry_after_s=50, wait_ms=50_000
    ),
    "answers in another order": Fault(
        "answers", {"order": "shuffled", "operations": ["register"]}, frozenset({"registered"})
    ),
    "answers last first": Fault(
        "answers", {"order": "backwards", "operations": ["register"]}, frozenset({"registered"})
    ),
    "an answer drop by drop": Fault(
        "drip", {"ms": 500, "calls": 1, "operations": ["register"]}, frozenset({"registered"})
    ),
    "an answer that drips for too long": Fault(
        "drip", {"ms": 8000, "calls": 1, "operations": ["register"]}, frozenset({"registered"})
    ),
    "a slow service": Fault(
        "latency", {"ms": 300, "calls": 1, "operations": ["register"]}, frozenset({"registered"})
    ),
    "a clock a minute ahead": Fault("skew", {"ms": MINUTE_MS}, frozenset({"registered"})),
}
FAULTS_OF_CANCELLING: Final = (
    "refuse",
    "reset",
    "drop-after-commit",
    "reset-after-commit",
    "half",
    "garbage",
    "unavailable",
)


@contextmanager
def calm(authority: SimulatedAuthority) -> Iterator[SimulatedAuthority]:
    """Ends every disturbance afterwards, so that the next test meets none."""
    try:
        yield authority
    finally:
        wait_for_door(authority)
        authority.order("availability", mode="up")
        for operation in ("register", "cancel", "search", "get", "token"):
            authority.order("availability", mode="up", operations=[operation])
        authority.order("answers", order="asked", operations=["register"])
        authority.order("drip", ms=0, operations=["register"])
        authority.order("latency", ms=0, operations=["register"])
        authority.order("fault", code=None)
        authority.order("maintenance")
        authority.order("skew", ms=0)
        authority.order("clock", now="2026-11-23T07:00:00")


def wait_for_door(authority: SimulatedAuthority) -> None:
    """Returns when the authority listens again."""
    place = urlsplit(authority.url)
    while True:
        try:
            with socket.create_connection((place.hostname or "", place.port or 0), timeout=10):
                return
        except ConnectionRefusedError:
            continue


def passes(way: FaultyWay, fault: Fault) -> None:
    """The fault happens, the hub does what is right, and afterwards nothing is lost or twice."""
    way.authority.order(fault.what, **fault.values)
    if fault.wait_ms:
        way.run(fault.wait_ms - 5_000)
        assert way.states() == fault.then
        assert way.held() == []
    else:
        way.run(30_000)
        assert way.states() == fault.then
    way.ends_well()


def away(way: FaultyWay, shut_s: int = 2) -> None:
    """Nobody listens: nothing left the hub, and it goes on by itself."""
    way.authority.order("door", shut_s=shut_s)
    way.forwarder.step()
    assert way.states() == {"due"}
    assert way.forwarder.status().state == "retrying"
    wait_for_door(way.authority)
    way.ends_well()


def maintained(way: FaultyWay) -> None:
    """The service says when it is closed; nothing is lost meanwhile."""
    way.authority.order("maintenance", until="2026-11-23T07:04:00")
    way.run(2 * MINUTE_MS)
    assert way.states() == {"due"}
    assert way.held() == []
    assert way.forwarder.status().state == "retrying"
    way.authority.order("clock", now="2026-11-23T07:04:01")
    way.run(2 * MINUTE_MS)
    way.ends_well(2 * MINUTE_MS)


def looking_fails_too(way: FaultyWay) -> None:
    """The answer is lost, and for a while the search fails: nothing is sent again meanwhile."""
    way.authority.order("availability", mode="drop-after-commit", calls=1, operations=["register"])
    way.authority.order("availability", mode="down", operations=["search"])
    way.run(3 * MINUTE_MS)
    assert way.states() == {"in_doubt"}
    way.authority.order("availability", mode="up", operations=["search"])
    way.ends_well(4 * MINUTE_MS)


def cancelling(way: FaultyWay, mode: str, withdraws: Sequence[int] = (1, 3)) -> None:
    """A cancellation meets a fault: afterwards it is carried out, and the others stand."""
    way.run(1000)
    references = [sorted(way.outbox.rows)[index] for index in withdraws]
    for reference in references:
        way.outbox.withdraw(reference, "DISEASE", way.clock())
    way.authority.order("availability", mode=mode, calls=1, operations=["cancel"])
    way.run(5 * MINUTE_MS)
    assert [way.outbox.state(one) for one in references] == ["cancelled"] * len(references)
    assert way.held() == sorted(
        (key, row.number, key in references) for key, row in way.outbox.rows.items()
    )
