"""Which firmware each terminal is to run, how far it is, and how it ended.

An order names a pack for one terminal and has a number; of two orders the higher one is newer, and
a terminal carries each out once. The hub repeats the newest order of a terminal at each greeting;
the terminal decides whether there is anything left to do.

| state | meaning |
| --- | --- |
| waiting | not asked for yet: the terminal is not connected, or somebody taps there |
| fetching | parts of it are at the terminal |
| trial | all of it is there; it runs, or will when nobody is at the gate |
| running | confirmed: the tap path works and the hub was reached |
| rolled_back | it did not prove itself; the version before runs |
| refused | what came was not what was ordered; the version before runs |
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from protocol.limits import FIRMWARE_PIECE
from protocol.record import (
    UPDATE_CONFIRMED,
    UPDATE_REFUSED,
    UPDATE_ROLLED_BACK,
    UPDATE_STORED,
)

_STATES = {
    UPDATE_STORED: "trial",
    UPDATE_CONFIRMED: "running",
    UPDATE_ROLLED_BACK: "rolled_back",
    UPDATE_REFUSED: "refused",
}
ENDED_BADLY = ("rolled_back", "refused")
LATE_MS = 60_000
"""A clock at a gate may be so much behind; an outcome dated earlier is that of an older order."""
STEP_PERCENT = 10
"""Progress is stored in such steps."""


@dataclass(frozen=True, slots=True)
class FirmwareOrder:
    """One terminal is to run one pack.

    Args:
        terminal: its id.
        number: of the order, 1..2**32 - 1.
        version: of the firmware.
        digest: of the pack, 64 hex digits.
        size: bytes of the pack.
        ordered_ms: when.
        fetched: bytes that the terminal has asked for so far.
        outcome: UPDATE_... constant of its last record about this pack, 0 for none.
        why: WHY_... constant of it.
        outcome_ms: when the hub heard of it; 0 for never.
    """

    terminal: str
    number: int
    version: str
    digest: str
    size: int
    ordered_ms: int
    fetched: int = 0
    outcome: int = 0
    why: int = 0
    outcome_ms: int = 0

    @property
    def state(self) -> str:
        """Where it stands; see the table of this module."""
        if self.outcome:
            return _STATES.get(self.outcome, "waiting")
        return "fetching" if self.fetched else "waiting"

    @property
    def percent(self) -> int:
        """How much of the pack the terminal has, 0..100."""
        return 100 if self.outcome else min(100, 100 * self.fetched // self.size)


class Updates:
    """The newest order of each terminal, and the packs they name; thread-safe.

    Args:
        changed: called with an order whose progress or outcome has changed, to be stored; must not
            block.
        clock: UTC milliseconds.
    """

    def __init__(self, changed: Callable[[FirmwareOrder], None], clock: Callable[[], int]) -> None:
        self._changed = changed
        self._clock = clock
        self._lock = threading.Lock()
        self._orders: dict[str, FirmwareOrder] = {}
        self._packs: Mapping[str, bytes] = {}

    def replace(self, orders: Iterable[FirmwareOrder], packs: Mapping[str, bytes]) -> None:
        """Makes these the orders, each with its pack in `packs` by digest."""
        with self._lock:
            known = self._orders
            self._packs = packs
            self._orders = {}
            for order in orders:
                before = known.get(order.terminal)
                # What this process has seen of an order is newer than what it had stored.
                same = before is not None and before.number == order.number
                self._orders[order.terminal] = before if same and before else order

    def order(self, terminal: str) -> FirmwareOrder | None:
        """Returns the newest order of a terminal."""
        return self._orders.get(terminal)

    def piece(self, terminal: str, prefix: str, offset: int) -> tuple[bytes, bytes] | None:
        """Returns (digest, bytes) of the piece a terminal asks for, and notes how far it is.

        None when it asks for a pack that is not the one it is to run, or for what lies behind it.

        Args:
            terminal: its id.
            prefix: first 16 hex digits of the digest.
            offset: of the piece, 0 or more.
        """
        with self._lock:
            order = self._orders.get(terminal)
            if order is None or order.digest[:16] != prefix or offset >= order.size:
                return None
            pack = self._packs[order.digest]
            data = pack[offset : offset + FIRMWARE_PIECE]
            after = replace(order, fetched=offset + len(data))
            told = after.percent // STEP_PERCENT != order.percent // STEP_PERCENT
            self._orders[terminal] = after
        if told:
            self._changed(after)
        return bytes.fromhex(order.digest), data

    def ended(
        self, terminal: str, outcome: int, why: int, prefix: bytes, utc_s: int
    ) -> FirmwareOrder | None:
        """Takes what a terminal's journal says of an update; returns the order if it changed.

        Args:
            terminal: its id.
            outcome: UPDATE_... constant.
            why: WHY_... constant.
            prefix: first 6 bytes of the pack's digest.
            utc_s: when, by the terminal's clock; 0 when it did not know.
        """
        with self._lock:
            order = self._orders.get(terminal)
            if order is None or not order.digest.startswith(prefix.hex()):
                return None
            if utc_s and utc_s * 1000 < order.ordered_ms - LATE_MS:
                return None
            if (order.outcome, order.why) == (outcome, why):
                return None  # it came again
            if outcome == UPDATE_STORED and order.outcome:
                return None  # an old record that is sent once more
            after = replace(order, outcome=outcome, why=why, outcome_ms=self._clock())
            self._orders[terminal] = after
        self._changed(after)
        return after
