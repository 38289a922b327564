"""Where the registrations wait and what became of each: the port the forwarder works on.

`hub.storage.outbox` keeps it in SQL. The states are those of `hub.domain.registration`; each method
is one transaction, committed when it returns, and takes only steps that the life cycle has.

An outbox object belongs to one worker and one regime. What a worker has in hand carries his name
and a lease: until it runs out nobody else touches it, whichever process he is in; when it has run
out, nobody knows what reached the authority, so it is in doubt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from hub.application.ports import PresenceItem, Refused, Registered, Seen
from hub.domain.causes import Cause

LEASE_MS = 180_000
"""How long a worker is believed to be at work on what he took: a few times what a call may last."""


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


@dataclass(frozen=True, slots=True)
class CancelClaim:
    """One registration to withdraw, in the hands of the forwarder.

    Args:
        reference: our client reference.
        number: number of the authority.
        reason: HOLIDAY, DISEASE, PLANNING or C32A.
        doubtful: a cancellation may have left before: look first.
        since_ms: since when it is to be withdrawn, UTC milliseconds.
    """

    reference: str
    number: int
    reason: str
    doubtful: bool
    since_ms: int


@dataclass(frozen=True, slots=True)
class Watched:
    """A works number and day whose registrations the authority may still judge otherwise.

    Args:
        unjudged: how many have had no validation yet.
        flagged: how many stand with remarks.
        checked_ms: when the one that was asked about the longest ago was asked about, UTC
            milliseconds; None when one never was.
    """

    works_number: str
    day: date
    unjudged: int
    flagged: int
    checked_ms: int | None


class OutboxPort(Protocol):
    """The registrations of one regime, in the hands of one worker.

    Raises, for every method that takes steps:
        LocalProtocolError: the life cycle has no such step for one of them, or there is no such
            registration: nothing was changed.
    """

    # ---- sending

    def claim(self, now_ms: int, limit: int) -> list[Claim]:
        """Turns at most `limit` registrations that are `due` by now into `sending`.

        The earliest day first, in it the longest due. The step is committed before anything is
        sent, so a crash leaves it known that they may have been.
        """
        ...

    def extend(self, references: Sequence[str], now_ms: int) -> None:
        """Begins the lease of what this worker has in hand anew."""
        ...

    def answered(self, results: Sequence[Registered | Refused], now_ms: int) -> None:
        """Keeps the answers to what was `sending`: `registered` with a number, or `refused`.

        An answer that shows more than the bare registration takes the further step as well.
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

    def recover(self, now_ms: int) -> int:
        """Turns into `in_doubt` what this worker left in `sending`, and what anybody's lease ran
        out on; returns how many.

        Only called while this worker makes no call: at his start, and after a defect.
        """
        ...

    # ---- in doubt

    def doubtful(self, now_ms: int, limit: int) -> list[Claim]:
        """Returns at most `limit` registrations that are `in_doubt`, the longest first, and takes
        a lease on them so that no other worker looks them up meanwhile."""
        ...

    def found(self, results: Sequence[Registered], now_ms: int) -> None:
        """Keeps what a search showed of what was `in_doubt`: `registered` with a number.

        The authority may already have checked or cancelled it: `status` says so, and the further
        step is taken in the same transaction.
        """
        ...

    def lapse(self, references: Sequence[str], now_ms: int) -> None:
        """Turns `in_doubt` into `lapsed`: looked up, absent, and its time is over."""
        ...

    # ---- what time does

    def lapse_over(self, now_ms: int) -> int:
        """Turns into `lapsed` what was not sent and can no longer be; returns how many."""
        ...

    # ---- withdrawing

    def cancels(self, now_ms: int, limit: int) -> list[CancelClaim]:
        """Returns at most `limit` registrations in `cancelling` and takes a lease on them."""
        ...

    def cancelled(self, references: Sequence[str], cause: Cause, now_ms: int) -> None:
        """Turns `cancelling` into `cancelled`."""
        ...

    def cancel_failed(self, results: Sequence[Refused | Registered], now_ms: int) -> None:
        """Leaves `cancelling` for what the authority holds.

        Args:
            results: a refusal leads back to the state before; what the authority showed leads to
                the state it shows.
        """
        ...

    def release(self, references: Sequence[str]) -> None:
        """Ends the lease on what is `cancelling`: certainly nothing was carried out."""
        ...

    # ---- watching

    def watched(self, since: date) -> list[Watched]:
        """Returns the works numbers and days, from `since` on, that hold numbered registrations."""
        ...

    def seen(self, works_number: str, day: date, rows: Sequence[Seen], now_ms: int) -> int:
        """Brings our registrations up to what a whole search shows; returns how many changed."""
        ...
