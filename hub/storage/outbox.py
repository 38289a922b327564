"""The outbox in SQL: what waits to be registered, and what became of it (`OutboxPort`).

Every method is one job of the writer, so that it is committed when it returns and never waits for
anybody else's transaction. Person numbers are opened here, for the items that leave, and nowhere
else on this way.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from sqlalchemy import Connection, RowMapping, Select, func, select
from sqlalchemy.exc import NoResultFound

from hub.application.outbox import Claim
from hub.application.ports import PresenceItem, Refused, Registered
from hub.domain.causes import Cause
from hub.domain.day_regime import identity_form
from hub.domain.legal_day import brussels_day
from hub.domain.registration import State
from hub.errors import LocalProtocolError
from hub.storage.history import RegistrationEvent, step
from hub.storage.schema import company, person, registration
from hub.storage.secrets import Vault
from hub.storage.writer import Writer

T = TypeVar("T")

_FURTHER = {
    "VALIDATED": (State.VALIDATED, Cause.VALIDATION_PASSED),
    "FAILED": (State.FLAGGED, Cause.VALIDATION_REMARKS),
    "SUCCESSFULLY CANCELLED": (State.CANCELLED, Cause.CANCELLED_ELSEWHERE),
}
"""What a search may show beyond the bare registration."""


class Outbox:
    """`OutboxPort` on the database.

    Args:
        writer: carries out each method.
        vault: opens the numbers of the items that leave.
        changed: called after each step that was kept.
    """

    def __init__(
        self, writer: Writer, vault: Vault, changed: Callable[[], None] = lambda: None
    ) -> None:
        self._writer = writer
        self._vault = vault
        self._changed = changed

    def claim(self, now_ms: int, limit: int) -> list[Claim]:
        """See `OutboxPort`."""

        def job(connection: Connection) -> list[Claim]:
            query = (
                _claims(State.DUE)
                .where(registration.c.due_ms <= now_ms)
                .order_by(registration.c.due_ms, registration.c.reference)
                .limit(limit)
            )
            rows = connection.execute(query).all()
            for row in rows:
                event = RegistrationEvent(row.reference, now_ms, State.SENDING, Cause.CLAIMED)
                step(connection, event)
            return [self._claim(row._mapping, now_ms) for row in rows]

        claims = self._do(job)
        if claims:
            self._changed()
        return claims

    def answered(self, results: Sequence[Registered | Refused], now_ms: int) -> None:
        """See `OutboxPort`."""
        self._take(
            [
                _registered(result, now_ms, Cause.ANSWERED)
                if isinstance(result, Registered)
                else RegistrationEvent(
                    result.reference,
                    now_ms,
                    State.REFUSED,
                    Cause.REFUSED_BY_AUTHORITY,
                    answer=json.dumps({"errors": [list(pair) for pair in result.errors]}),
                )
                for result in results
            ]
        )

    def found(self, results: Sequence[Registered], now_ms: int) -> None:
        """See `OutboxPort`."""
        events: list[RegistrationEvent] = []
        for result in results:
            events.append(_registered(result, now_ms, Cause.FOUND))
            if result.status in _FURTHER:
                state, cause = _FURTHER[result.status]
                events.append(RegistrationEvent(result.reference, now_ms, state, cause))
        self._take(events)

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

    def doubtful(self, limit: int) -> list[Claim]:
        """See `OutboxPort`."""

        def job(connection: Connection) -> list[Claim]:
            query = (
                _claims(State.IN_DOUBT)
                .order_by(registration.c.changed_ms, registration.c.reference)
                .limit(limit)
            )
            return [self._claim(row._mapping, row.changed_ms) for row in connection.execute(query)]

        return self._do(job)

    def lapse(self, references: Sequence[str], now_ms: int) -> None:
        """See `OutboxPort`."""
        self._take(
            [
                RegistrationEvent(reference, now_ms, State.LAPSED, Cause.DAY_OVER)
                for reference in references
            ]
        )

    def lapse_before(self, today: date, now_ms: int) -> int:
        """See `OutboxPort`."""
        return self._all(
            select(registration.c.reference).where(
                registration.c.state == State.DUE, registration.c.day < today.isoformat()
            ),
            State.LAPSED,
            Cause.DAY_OVER,
            now_ms,
        )

    def recover(self, now_ms: int) -> int:
        """See `OutboxPort`."""
        return self._all(
            select(registration.c.reference).where(registration.c.state == State.SENDING),
            State.IN_DOUBT,
            Cause.LEASE_OVER,
            now_ms,
        )

    def complete(self, now_ms: int) -> int:
        """Turns into `due` what an import has put right, for days that can still be sent.

        That is what was held for want of an identity and has one now, and what the authority
        refused of people whose data changed since. Called when the register changed.

        Returns:
            How many.
        """
        today = brussels_day(now_ms).isoformat()

        def job(connection: Connection) -> int:
            held = _claims(State.HELD).where(
                registration.c.cause.in_((Cause.NO_IDENTITY, Cause.NO_COMPANY)),
                registration.c.day >= today,
            )
            refused = _claims(State.REFUSED).where(
                person.c.changed_ms > registration.c.changed_ms, registration.c.day >= today
            )
            done: list[RegistrationEvent] = []
            for query, cause in ((held, Cause.COMPLETED), (refused, Cause.CORRECTED)):
                for row in connection.execute(query).all():
                    if identity_form(
                        row.inss_sealed is not None,
                        row.company_number is not None,
                        row.limosa_sealed is not None,
                    ):
                        done.append(
                            RegistrationEvent(
                                row.reference, now_ms, State.DUE, cause, due_ms=now_ms
                            )
                        )
            for event in done:
                step(connection, event)
            return len(done)

        count = self._do(job)
        if count:
            self._changed()
        return count

    # ------------------------------------------------------------ how

    def _do(self, job: Callable[[Connection], T]) -> T:
        return self._writer.call(job).result()

    def _take(self, events: Sequence[RegistrationEvent]) -> None:
        def job(connection: Connection) -> None:
            for event in events:
                try:
                    step(connection, event)
                except NoResultFound:
                    raise LocalProtocolError("HUB-1402", reference=event.reference) from None

        if events:
            self._do(job)
            self._changed()

    def _all(self, query: Select[str], state: State, cause: Cause, now_ms: int) -> int:
        def job(connection: Connection) -> int:
            references = connection.execute(query).scalars().all()
            for reference in references:
                step(connection, RegistrationEvent(reference, now_ms, state, cause))
            return len(references)

        count = self._do(job)
        if count:
            self._changed()
        return count

    def _claim(self, values: RowMapping, since_ms: int) -> Claim:
        item = PresenceItem(
            values["reference"], date.fromisoformat(values["day"]), values["works_number"]
        )
        if values["limosa_sealed"] is not None:
            limosa = self._vault.open("limosa", values["limosa_sealed"]).decode()
            item = PresenceItem(item.reference, item.day, item.works_number, limosa=limosa)
        elif values["inss_sealed"] is not None:
            inss = self._vault.open("inss", values["inss_sealed"]).decode()
            item = PresenceItem(
                item.reference, item.day, item.works_number, inss, values["company_number"]
            )
        return Claim(item, values["tap_ms"], since_ms)


def _claims(state: State) -> Select[Any, Any, Any, Any, Any, Any, Any, Any]:
    return (
        select(
            registration.c.reference,
            registration.c.day,
            registration.c.works_number,
            registration.c.tap_ms,
            registration.c.changed_ms,
            person.c.inss_sealed,
            person.c.limosa_sealed,
            company.c.number.label("company_number"),
        )
        .join(person, person.c.id == registration.c.person_id)
        .outerjoin(company, company.c.id == person.c.company_id)
        .where(registration.c.state == state)
    )


def _registered(result: Registered, now_ms: int, cause: Cause) -> RegistrationEvent:
    answer = {
        "created": result.created,
        "status": result.status,
        "remarks": list(result.remarks),
    }
    return RegistrationEvent(
        result.reference, now_ms, State.REGISTERED, cause, result.number, json.dumps(answer)
    )


@dataclass(frozen=True, slots=True)
class Waiting:
    """What has no final answer of the authority yet."""

    unsent: int
    in_doubt: int
    oldest_ms: int | None


def waiting_registrations(connection: Connection) -> Waiting:
    """Returns how many registrations wait or are in doubt, and the tap of the oldest of them."""
    query = (
        select(registration.c.state, func.count(), func.min(registration.c.tap_ms))
        .where(registration.c.state.in_((State.DUE, State.SENDING, State.IN_DOUBT)))
        .group_by(registration.c.state)
    )
    found = {row[0]: (row[1], row[2]) for row in connection.execute(query)}
    return Waiting(
        unsent=sum(found.get(state, (0, 0))[0] for state in (State.DUE, State.SENDING)),
        in_doubt=found.get(State.IN_DOUBT, (0, 0))[0],
        oldest_ms=min((oldest for _, oldest in found.values()), default=None),
    )
