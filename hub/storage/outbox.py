"""The outbox in SQL: what waits to be registered, and what became of it (`OutboxPort`).

Every method is one transaction, so that it is committed when it returns; on SQLite the writer
carries it out, on PostgreSQL the worker's own connection. Claims are the same statement on both: on
PostgreSQL rows that another worker has just locked are passed over (SKIP LOCKED), on SQLite there
is one writer at a time. What keeps two workers apart afterwards is the lease, not the lock.

Person numbers are opened here, for the items that leave, and nowhere else on this way.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import date
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, RowMapping, Select, and_, bindparam, or_, select, update

from hub.application.judgement import JUDGED
from hub.application.outbox import LEASE_MS, CancelClaim, Claim, Watched
from hub.application.ports import PresenceItem, Refused, Registered, Seen
from hub.domain.causes import Cause
from hub.domain.companies import enterprise_number, foreign_vat
from hub.domain.in_out_regime import WINDOW_MS
from hub.domain.legal_day import brussels_day
from hub.domain.registration import NUMBERED, State
from hub.storage import aftercare
from hub.storage.history import RegistrationEvent, steps
from hub.storage.many import ManyRows
from hub.storage.schema import company, person, registration, works
from hub.storage.secrets import Vault
from hub.storage.works import place_of

T = TypeVar("T")

_SENT = frozenset({State.SENDING})
_DOUBTED = frozenset({State.IN_DOUBT})
"""Only an answer, or a search for a lost one, gives a number here; another channel's is taken over
by the reconciliation."""
_CLOCK = (Cause.CLOCK_UNKNOWN, Cause.CLOCK_WRONG)


class Transactions(Protocol):
    """Carries out a function in a write transaction of its own."""

    def call(self, function: Callable[[Connection], T]) -> Future[T]:
        """Returns what it returns, once that is committed."""
        ...


class Outbox:
    """`OutboxPort` on the database.

    Args:
        transactions: carries out each method.
        vault: opens the numbers of the items that leave.
        changed: called after each step that was kept.
        regime: `day` or `in_out`.
        worker: who works on it; no two at the same time may have the same name.
        window_ms: milliseconds after an act in which the in/out service takes it.
    """

    def __init__(
        self,
        transactions: Transactions,
        vault: Vault,
        changed: Callable[[], None] = lambda: None,
        regime: str = "day",
        worker: str = "hub:0",
        window_ms: int = WINDOW_MS,
    ) -> None:
        self._transactions = transactions
        self._vault = vault
        self._changed = changed
        self._regime = regime
        self._worker = worker
        self._window_ms = window_ms

    # ------------------------------------------------------------ sending

    def claim(self, now_ms: int, limit: int) -> list[Claim]:
        """See `OutboxPort`."""

        def job(connection: Connection) -> list[Claim]:
            query = (
                self._claims(State.DUE)
                .where(registration.c.due_ms <= now_ms)
                .order_by(registration.c.day, registration.c.due_ms, registration.c.reference)
                .limit(limit)
                .with_for_update(of=registration, skip_locked=True)
            )
            rows = connection.execute(query).mappings().all()
            references = [row["reference"] for row in rows]
            steps(
                connection,
                [
                    RegistrationEvent(reference, now_ms, State.SENDING, Cause.CLAIMED)
                    for reference in references
                ],
            )
            self._lease(connection, references, now_ms)
            return [self._claim(row, now_ms) for row in rows]

        claims = self._do(job)
        if claims:
            self._changed()
        return claims

    def extend(self, references: Sequence[str], now_ms: int) -> None:
        """See `OutboxPort`."""
        if references:
            self._do(lambda connection: self._lease(connection, references, now_ms))

    def answered(self, results: Sequence[Registered | Refused], now_ms: int) -> None:
        """See `OutboxPort`."""
        events: list[RegistrationEvent] = []
        further: list[RegistrationEvent] = []
        for result in results:
            if isinstance(result, Registered):
                events.append(registered_event(result, now_ms, Cause.ANSWERED))
                further += further_event(result, now_ms)
            else:
                events.append(
                    RegistrationEvent(
                        result.reference,
                        now_ms,
                        State.REFUSED,
                        Cause.REFUSED_BY_AUTHORITY,
                        answer=errors_json(result),
                    )
                )
        self._take(events + further, _SENT)

    def back_to_due(
        self, references: Sequence[str], cause: Cause, next_try_ms: int, now_ms: int
    ) -> None:
        """See `OutboxPort`."""
        self._take(
            [
                RegistrationEvent(reference, now_ms, State.DUE, cause, due_ms=next_try_ms)
                for reference in references
            ]
        )

    def in_doubt(self, references: Sequence[str], now_ms: int) -> None:
        """See `OutboxPort`."""
        self._take(
            [
                RegistrationEvent(reference, now_ms, State.IN_DOUBT, Cause.ANSWER_LOST)
                for reference in references
            ]
        )

    def recover(self, now_ms: int) -> int:
        """See `OutboxPort`."""
        query = select(registration.c.reference).where(
            registration.c.regime == self._regime,
            registration.c.state == State.SENDING,
            or_(
                registration.c.lease_by.is_(None),
                registration.c.lease_by == self._worker,
                registration.c.lease_until_ms <= now_ms,
            ),
        )
        return self._all(query, State.IN_DOUBT, Cause.LEASE_OVER, now_ms)

    # ------------------------------------------------------------ in doubt

    def doubtful(self, now_ms: int, limit: int) -> list[Claim]:
        """See `OutboxPort`."""

        def job(connection: Connection) -> list[Claim]:
            query = (
                self._claims(State.IN_DOUBT)
                .where(self._free(now_ms))
                .order_by(registration.c.changed_ms, registration.c.reference)
                .limit(limit)
                .with_for_update(of=registration, skip_locked=True)
            )
            rows = connection.execute(query).mappings().all()
            self._lease(connection, [row["reference"] for row in rows], now_ms)
            return [self._claim(row, row["changed_ms"]) for row in rows]

        return self._do(job) if self._any(State.IN_DOUBT) else []

    def found(self, results: Sequence[Registered], now_ms: int) -> None:
        """See `OutboxPort`."""
        events = [registered_event(result, now_ms, Cause.FOUND) for result in results]
        further = [event for result in results for event in further_event(result, now_ms)]
        self._take(events + further, _DOUBTED)

    def lapse(self, references: Sequence[str], now_ms: int) -> None:
        """See `OutboxPort`."""
        cause = Cause.DAY_OVER if self._regime == "day" else Cause.WINDOW_OVER
        self._take(
            [RegistrationEvent(reference, now_ms, State.LAPSED, cause) for reference in references]
        )

    # ------------------------------------------------------------ what time does

    def lapse_over(self, now_ms: int) -> int:
        """See `OutboxPort`.

        What is held because nobody knows its date stays held: it may belong to another day.
        """
        waits = or_(
            registration.c.state.in_((State.DUE, State.REFUSED)),
            and_(registration.c.state == State.HELD, registration.c.cause.not_in(_CLOCK)),
        )
        if self._regime == "day":
            over = registration.c.day < brussels_day(now_ms).isoformat()
            cause = Cause.DAY_OVER
        else:
            over = registration.c.tap_ms < now_ms - self._window_ms
            cause = Cause.WINDOW_OVER
        query = select(registration.c.reference).where(
            registration.c.regime == self._regime, waits, over
        )
        return self._all(query, State.LAPSED, cause, now_ms, actor="clock")

    # ------------------------------------------------------------ withdrawing and watching

    def cancels(self, now_ms: int, limit: int) -> list[CancelClaim]:
        """See `OutboxPort`."""
        if not self._any(State.CANCELLING):
            return []

        def job(connection: Connection) -> list[CancelClaim]:
            claims = aftercare.cancels(connection, self._regime, self._free(now_ms), limit)
            self._lease(connection, [claim.reference for claim in claims], now_ms)
            return claims

        return self._do(job)

    def cancelled(self, references: Sequence[str], cause: Cause, now_ms: int) -> None:
        """See `OutboxPort`."""
        self._take(
            [
                RegistrationEvent(reference, now_ms, State.CANCELLED, cause)
                for reference in references
            ]
        )

    def cancel_failed(self, results: Sequence[Refused | Registered], now_ms: int) -> None:
        """See `OutboxPort`."""

        def job(connection: Connection) -> None:
            steps(connection, aftercare.cancel_failures(connection, results, now_ms))

        self._do(job)
        self._changed()

    def release(self, references: Sequence[str]) -> None:
        """See `OutboxPort`."""
        if references:
            self._do(lambda connection: _set_lease(connection, references, None, None))

    def watched(self, since: date) -> list[Watched]:
        """See `OutboxPort`."""
        if not any(self._any(state) for state in NUMBERED):
            return []
        return self._do(lambda connection: aftercare.watched(connection, self._regime, since))

    def seen(self, works_number: str, day: date, rows: Sequence[Seen], now_ms: int) -> int:
        """See `OutboxPort`."""
        count = self._do(
            lambda connection: aftercare.take_seen(
                connection, self._regime, works_number, day, rows, now_ms
            )
        )
        if count:
            self._changed()
        return count

    # ------------------------------------------------------------ how

    def _do(self, job: Callable[[Connection], T]) -> T:
        return self._transactions.call(job).result()

    def _any(self, state: State) -> bool:
        """Says whether any registration is in that state; spares an idle hub its transactions."""
        query = (
            select(registration.c.reference)
            .where(registration.c.regime == self._regime, registration.c.state == state)
            .limit(1)
        )
        return self._do(lambda connection: connection.execute(query).first() is not None)

    def _take(
        self, events: Sequence[RegistrationEvent], start: frozenset[State] | None = None
    ) -> None:
        if events:
            self._do(lambda connection: steps(connection, events, start))
            self._changed()

    def _all(
        self,
        query: Select[str],
        state: State,
        cause: Cause,
        now_ms: int,
        actor: str = "forwarder",
    ) -> int:
        def job(connection: Connection) -> int:
            references = connection.execute(query.with_for_update(skip_locked=True)).scalars().all()
            steps(
                connection,
                [
                    RegistrationEvent(reference, now_ms, state, cause, actor=actor)
                    for reference in references
                ],
            )
            return len(references)

        count = self._do(job)
        if count:
            self._changed()
        return count

    def _free(self, now_ms: int) -> Any:
        """Nobody else has it in hand."""
        return or_(
            registration.c.lease_by.is_(None),
            registration.c.lease_by == self._worker,
            registration.c.lease_until_ms <= now_ms,
        )

    def _lease(self, connection: Connection, references: Sequence[str], now_ms: int) -> None:
        _set_lease(connection, references, self._worker, now_ms + LEASE_MS)

    def _claims(self, state: State) -> Select[*tuple[Any, ...]]:
        return (
            select(
                registration.c.reference,
                registration.c.day,
                registration.c.works_number,
                registration.c.tap_ms,
                registration.c.changed_ms,
                registration.c.direction,
                person.c.inss_sealed,
                person.c.limosa_sealed,
                person.c.foreign_vat,
                company.c.number.label("company_number"),
                works.c.place,
            )
            .join(person, person.c.id == registration.c.person_id)
            .outerjoin(company, company.c.id == person.c.company_id)
            .outerjoin(works, works.c.number == registration.c.works_number)
            .where(registration.c.regime == self._regime, registration.c.state == state)
        )

    def _claim(self, row: RowMapping, since_ms: int) -> Claim:
        day = date.fromisoformat(row["day"])
        item = PresenceItem(row["reference"], day, row["works_number"])
        if self._regime == "in_out":
            company_number = enterprise_number(row["company_number"])
            vat = foreign_vat(row["company_number"]) or row["foreign_vat"]
            item = PresenceItem(
                item.reference,
                day,
                item.works_number,
                inss=self._open("inss", row["inss_sealed"]),
                company_number=company_number,
                foreign_vat=None if company_number else vat,
                act_ms=row["tap_ms"],
                direction=row["direction"],
                place=place_of(row["place"]),
            )
        elif row["limosa_sealed"] is not None:
            limosa = self._open("limosa", row["limosa_sealed"])
            item = PresenceItem(item.reference, day, item.works_number, limosa=limosa)
        elif row["inss_sealed"] is not None:
            inss = self._open("inss", row["inss_sealed"])
            employer = enterprise_number(row["company_number"])
            item = PresenceItem(item.reference, day, item.works_number, inss, employer)
        return Claim(item, row["tap_ms"], since_ms)

    def _open(self, kind: str, sealed: bytes | None) -> str | None:
        return None if sealed is None else self._vault.open(kind, sealed).decode()


_LEASE = ManyRows(
    update(registration)
    .where(registration.c.reference == bindparam("which"))
    .values(lease_by=bindparam("worker"), lease_until_ms=bindparam("until_ms")),
    ("which", "worker", "until_ms"),
)


def _set_lease(
    connection: Connection, references: Sequence[str], worker: str | None, until_ms: int | None
) -> None:
    _LEASE.run(
        connection,
        [{"which": reference, "worker": worker, "until_ms": until_ms} for reference in references],
    )


def registered_event(result: Registered, now_ms: int, cause: Cause) -> RegistrationEvent:
    """Returns the step that a number brings."""
    return RegistrationEvent(
        result.reference,
        now_ms,
        State.REGISTERED,
        cause,
        result.number,
        answer_json(result),
        actor="authority",
    )


def further_event(result: Registered, now_ms: int) -> list[RegistrationEvent]:
    """Returns the step beyond the bare registration that an answer shows, if it shows one."""
    if result.status not in JUDGED:
        return []
    state, cause = JUDGED[result.status]
    return [RegistrationEvent(result.reference, now_ms, state, cause, actor="authority")]


def answer_json(result: Registered) -> str:
    """Returns what is kept of an answer: never a person number."""
    return json.dumps(
        {"created": result.created, "status": result.status, "remarks": list(result.remarks)}
    )


def errors_json(result: Refused) -> str:
    """Returns what is kept of a refusal: the authority's codes and texts, masked before."""
    return json.dumps({"errors": [list(pair) for pair in result.errors]})
