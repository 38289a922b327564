"""Where the registrations wait and what became of each: the port the forwarder works on.

`hub.storage.outbox` keeps it in SQL. The states are those of `hub.domain.registration`; each method
is one transaction, committed when it returns, and takes only steps that the life cycle has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from hub.application.ports import PresenceItem, Refused, Registered
from hub.domain.causes import Cause


@dataclass(frozen=True, slots=True)
class Claim:
    """One registration in the hands of the forwarder.

    Args:
        item: what is sent.
        tap_ms: moment of the tap behind it, UTC milliseconds.
        since_ms: since when it is in its present state, UTC milliseconds.
    """

    item: PresenceItem
    tap_ms: int
    since_ms: int

    @property
    def reference(self) -> str:
        """Our client reference."""
        return self.item.reference


class OutboxPort(Protocol):
    """The registrations of a hub, for its one forwarder.

    Raises, for every method that takes steps:
        LocalProtocolError: the life cycle has no such step for one of them, or there is no such
            registration: nothing was changed.
    """

    def claim(self, now_ms: int, limit: int) -> list[Claim]:
        """Turns at most `limit` registrations that are `due` by now into `sending`.

        The longest due first. The step is committed before anything is sent, so a crash leaves it
        known that they may have been.
        """
        ...

    def answered(self, results: Sequence[Registered | Refused], now_ms: int) -> None:
        """Keeps the answers to what was `sending`: `registered` with a number, or `refused`."""
        ...

    def found(self, results: Sequence[Registered], now_ms: int) -> None:
        """Keeps what a search showed of what was `in_doubt`: `registered` with a number.

        The authority may already have checked or cancelled it: `status` says so, and the further
        step is taken in the same transaction.
        """
        ...

    def back_to_due(
        self, references: Sequence[str], cause: Cause, next_try_ms: int, now_ms: int
    ) -> None:
        """Turns `sending` or `in_doubt` into `due` from `next_try_ms` on: nothing was stored."""
        ...

    def in_doubt(self, references: Sequence[str], now_ms: int) -> None:
        """Turns `sending` into `in_doubt`: the answer was lost."""
        ...

    def doubtful(self, limit: int) -> list[Claim]:
        """Returns at most `limit` registrations that are `in_doubt`, the longest first."""
        ...

    def lapse(self, references: Sequence[str], now_ms: int) -> None:
        """Turns `in_doubt` into `lapsed`: looked up, absent, and its day is over."""
        ...

    def lapse_before(self, today: date, now_ms: int) -> int:
        """Turns what is `due` for a day before `today` into `lapsed`; returns how many."""
        ...

    def recover(self, now_ms: int) -> int:
        """Turns everything `sending` into `in_doubt`; returns how many.

        Only called while no call is under way: at the start, and after a defect.
        """
        ...
