"""An outbox in memory for the forwarder's own tests; it passes the contract of every outbox."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from hub.application.outbox import CancelClaim, Claim, Watched
from hub.application.ports import PresenceItem, Refused, Registered, Seen
from hub.domain.causes import Cause
from hub.domain.legal_day import brussels_day
from hub.domain.registration import State, check_transition
from hub.errors import LocalProtocolError

_FURTHER = {
    "VALIDATED": State.VALIDATED,
    "FAILED": State.FLAGGED,
    "SUCCESSFULLY CANCELLED": State.CANCELLED,
}


@dataclass(slots=True)
class Row:
    """One registration."""

    item: PresenceItem
    tap_ms: int
    due_ms: int
    state: str = "due"
    since_ms: int = 0
    cause: Cause = Cause.FIRST_TAP
    number: int | None = None
    errors: tuple[tuple[str, str], ...] = ()
    remarks: tuple[str, ...] = ()
    reason: str = ""
    leased: bool = False
    checked_ms: int | None = None


class MemoryOutbox:
    """`OutboxPort` and `OutboxBench` in one; `history` holds every step of every registration."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.history: dict[str, list[str]] = {}

    @property
    def outbox(self) -> MemoryOutbox:
        return self

    def add(self, item: PresenceItem, tap_ms: int, due_ms: int) -> None:
        self.rows[item.reference] = Row(item, tap_ms, due_ms)
        self.history[item.reference] = ["due"]

    def state(self, reference: str) -> str:
        return self.rows[reference].state

    def states(self) -> list[str]:
        return [row.state for row in self.rows.values()]

    def number(self, reference: str) -> int | None:
        return self.rows[reference].number

    def reopen(self) -> MemoryOutbox:
        return self

    def claim(self, now_ms: int, limit: int) -> list[Claim]:
        ready = [row for row in self.rows.values() if row.state == "due" and row.due_ms <= now_ms]
        ready.sort(key=lambda row: (row.item.day, row.due_ms))
        chosen = [row.item.reference for row in ready[:limit]]
        self._step(chosen, State.SENDING, Cause.CLAIMED, now_ms)
        return [self._claim(self.rows[reference]) for reference in chosen]

    def answered(self, results: Sequence[Registered | Refused], now_ms: int) -> None:
        for result in results:
            row = self.rows.get(result.reference)
            if row is None or row.state != "sending":
                raise LocalProtocolError("HUB-1401", old="", new="")
        for result in results:
            row = self.rows[result.reference]
            if isinstance(result, Registered):
                row.number = result.number
                self._step([result.reference], State.REGISTERED, Cause.ANSWERED, now_ms)
            else:
                row.errors = result.errors
                self._step([result.reference], State.REFUSED, Cause.REFUSED_BY_AUTHORITY, now_ms)

    def found(self, results: Sequence[Registered], now_ms: int) -> None:
        references = [result.reference for result in results]
        for reference in references:
            if self.rows[reference].state != "in_doubt":
                raise LocalProtocolError("HUB-1401", old="", new="")
        self._step(references, State.REGISTERED, Cause.FOUND, now_ms)
        for result in results:
            self.rows[result.reference].number = result.number
            further = _FURTHER.get(result.status)
            if further is not None:
                self._step([result.reference], further, Cause.FOUND, now_ms)

    def back_to_due(
        self, references: Sequence[str], cause: Cause, next_try_ms: int, now_ms: int
    ) -> None:
        self._step(references, State.DUE, cause, now_ms)
        for reference in references:
            self.rows[reference].due_ms = next_try_ms

    def in_doubt(self, references: Sequence[str], now_ms: int) -> None:
        self._step(references, State.IN_DOUBT, Cause.ANSWER_LOST, now_ms)

    def extend(self, references: Sequence[str], now_ms: int) -> None:
        assert all(self.rows[reference].state == "sending" for reference in references)

    def doubtful(self, now_ms: int, limit: int) -> list[Claim]:
        rows = [row for row in self.rows.values() if row.state == "in_doubt"]
        rows.sort(key=lambda row: row.since_ms)
        return [self._claim(row) for row in rows[:limit]]

    def lapse(self, references: Sequence[str], now_ms: int) -> None:
        self._step(references, State.LAPSED, Cause.DAY_OVER, now_ms)

    def lapse_over(self, now_ms: int) -> int:
        today = brussels_day(now_ms)
        over = [
            row.item.reference
            for row in self.rows.values()
            if row.state in ("held", "due", "refused") and row.item.day < today
        ]
        self._step(over, State.LAPSED, Cause.DAY_OVER, now_ms)
        return len(over)

    def withdraw(self, reference: str, reason: str, now_ms: int) -> None:
        """A human wants it withdrawn."""
        self._step([reference], State.CANCELLING, Cause.CANCEL_ASKED, now_ms)
        self.rows[reference].reason = reason

    def cancels(self, now_ms: int, limit: int) -> list[CancelClaim]:
        rows = [row for row in self.rows.values() if row.state == "cancelling"][:limit]
        claims = [
            CancelClaim(row.item.reference, row.number or 0, row.reason, row.leased, row.since_ms)
            for row in rows
        ]
        for row in rows:
            row.leased = True
        return claims

    def cancelled(self, references: Sequence[str], cause: Cause, now_ms: int) -> None:
        self._step(references, State.CANCELLED, cause, now_ms)

    def cancel_failed(self, results: Sequence[Refused | Registered], now_ms: int) -> None:
        for result in results:
            self._step([result.reference], State.REGISTERED, Cause.CANCEL_REFUSED, now_ms)
            self.rows[result.reference].leased = False

    def release(self, references: Sequence[str]) -> None:
        for reference in references:
            self.rows[reference].leased = False

    def watched(self, since: date) -> list[Watched]:
        groups: dict[tuple[str, date], list[Row]] = {}
        for row in self.rows.values():
            if row.state in ("registered", "validated", "flagged") and row.item.day >= since:
                groups.setdefault((row.item.works_number, row.item.day), []).append(row)
        return [
            Watched(
                works,
                day,
                sum(row.state == "registered" for row in rows),
                sum(row.state == "flagged" for row in rows),
                None
                if any(row.checked_ms is None for row in rows)
                else min(row.checked_ms or 0 for row in rows),
            )
            for (works, day), rows in groups.items()
        ]

    def seen(self, works_number: str, day: date, rows: Sequence[Seen], now_ms: int) -> int:
        shown = {row.registered.number: row.registered for row in rows}
        changed = 0
        for row in self.rows.values():
            if (row.item.works_number, row.item.day) != (works_number, day):
                continue
            if row.state not in ("registered", "validated", "flagged"):
                continue
            row.checked_ms = now_ms
            there = shown.get(row.number or 0)
            state = _FURTHER.get(there.status) if there else None
            if there is None or state is None or (state == row.state and state != "flagged"):
                continue
            if state == row.state and row.remarks == there.remarks:
                continue
            row.remarks = there.remarks
            self._step([row.item.reference], state, Cause.FOUND, now_ms)
            changed += 1
        return changed

    def recover(self, now_ms: int) -> int:
        left = [row.item.reference for row in self.rows.values() if row.state == "sending"]
        self._step(left, State.IN_DOUBT, Cause.LEASE_OVER, now_ms)
        return len(left)

    def _step(self, references: Sequence[str], new: State, cause: Cause, now_ms: int) -> None:
        before = {key: replace(row) for key, row in self.rows.items()}
        try:
            for reference in references:
                row = self.rows.get(reference)
                if row is None:
                    raise LocalProtocolError("HUB-1401", old="none", new=str(new))
                check_transition(row.state, new)
                row.state, row.cause, row.since_ms = str(new), cause, now_ms
        except LocalProtocolError:
            self.rows = before
            raise
        for reference in references:
            self.history[reference].append(str(new))

    @staticmethod
    def _claim(row: Row) -> Claim:
        return Claim(row.item, row.tap_ms, row.since_ms)
