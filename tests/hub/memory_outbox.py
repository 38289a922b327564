"""An outbox in memory for the forwarder's own tests; it passes the contract of every outbox."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from hub.application.outbox import Claim
from hub.application.ports import PresenceItem, Refused, Registered
from hub.domain.causes import Cause
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
        ready.sort(key=lambda row: row.due_ms)
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

    def doubtful(self, limit: int) -> list[Claim]:
        rows = [row for row in self.rows.values() if row.state == "in_doubt"]
        rows.sort(key=lambda row: row.since_ms)
        return [self._claim(row) for row in rows[:limit]]

    def lapse(self, references: Sequence[str], now_ms: int) -> None:
        self._step(references, State.LAPSED, Cause.DAY_OVER, now_ms)

    def lapse_before(self, today: date, now_ms: int) -> int:
        over = [
            row.item.reference
            for row in self.rows.values()
            if row.state == "due" and row.item.day < today
        ]
        self._step(over, State.LAPSED, Cause.DAY_OVER, now_ms)
        return len(over)

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
