"""What was held or refused goes on by itself as soon as the register says what was missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, Select, func, or_, select

from hub.application.registrations import NewRegistration
from hub.domain.causes import Cause
from hub.domain.companies import enterprise_number
from hub.domain.day_regime import missing_identity
from hub.domain.in_out_regime import WINDOW_MS, missing_of_act
from hub.domain.legal_day import brussels_day
from hub.domain.people import Kind, limosa_covers
from hub.domain.registration import State, client_reference
from hub.storage.history import RegistrationEvent, create, step, steps
from hub.storage.outbox import Transactions
from hub.storage.schema import company, person, registration, works
from hub.storage.works import choice_on, regime_on

_PERSON = (Cause.NO_IDENTITY, Cause.NO_COMPANY, Cause.NO_INSS, Cause.LIMOSA_PERIOD)
_WORKS = (Cause.NO_WORKS_NUMBER, Cause.WORKS_CONFLICT, Cause.NEWCOMER)


class Completion:
    """Looks at what waits for a human after each change of the register.

    Args:
        transactions: carries out each look.
        changed: called after each step that was kept.
        window_ms: milliseconds after an act in which the in/out service takes it.
    """

    def __init__(
        self,
        transactions: Transactions,
        changed: Callable[[], None] = lambda: None,
        window_ms: int = WINDOW_MS,
    ) -> None:
        self._transactions = transactions
        self._changed = changed
        self._window_ms = window_ms

    def complete(self, now_ms: int) -> int:
        """Turns into `due` what has been put right, as far as it can still be sent.

        That is what was held for want of an identity, a works number or a place and has it now,
        and what the authority refused of people whose data changed since.

        Returns:
            How many.
        """
        count = self._transactions.call(
            lambda connection: complete(connection, now_ms, self._window_ms)
        ).result()
        if count:
            self._changed()
        return count


def complete(connection: Connection, now_ms: int, window_ms: int = WINDOW_MS) -> int:
    """See `Completion.complete`; inside one write transaction."""
    events = [*_held(connection, now_ms, window_ms), *_refused(connection, now_ms, window_ms)]
    steps(connection, events)
    return len(events) + _chosen(connection, now_ms, window_ms)


def completed_for(
    connection: Connection, token: str, now_ms: int, window_ms: int = WINDOW_MS
) -> bool:
    """Completes what can be completed, as `complete`; returns whether something of one person's
    goes on by that.

    Args:
        token: stands for the person.
    """
    complete(connection, now_ms, window_ms)
    query = (
        select(registration.c.reference)
        .join(person, person.c.id == registration.c.person_id)
        .where(
            person.c.token == token,
            registration.c.state == State.DUE,
            registration.c.changed_ms == now_ms,
        )
        .limit(1)
    )
    return connection.execute(query).first() is not None


def _waiting(state: State, now_ms: int, window_ms: int) -> Select[*tuple[Any, ...]]:
    return (
        select(
            registration.c.reference,
            registration.c.person_id,
            registration.c.site_id,
            registration.c.works_number,
            registration.c.day,
            registration.c.regime,
            registration.c.act,
            registration.c.direction,
            registration.c.tap_ms,
            registration.c.stream_id,
            registration.c.seq,
            registration.c.cause,
            registration.c.changed_ms,
            person.c.token,
            person.c.inss_sealed.is_not(None).label("has_inss"),
            person.c.limosa_sealed.is_not(None).label("has_limosa"),
            person.c.foreign_vat.is_not(None).label("has_vat"),
            person.c.changed_ms.label("person_changed_ms"),
            person.c.limosa_from,
            person.c.limosa_until,
            company.c.number.label("company_number"),
            works.c.place.is_not(None).label("has_place"),
        )
        .join(person, person.c.id == registration.c.person_id)
        .outerjoin(company, company.c.id == person.c.company_id)
        .outerjoin(works, works.c.number == registration.c.works_number)
        .where(
            registration.c.state == state,
            person.c.kind.not_in((Kind.VISITOR, Kind.DELIVERY)),
            or_(
                (registration.c.regime == "day")
                & (registration.c.day >= brussels_day(now_ms).isoformat()),
                (registration.c.regime == "in_out") & (registration.c.tap_ms >= now_ms - window_ms),
            ),
        )
        .order_by(registration.c.reference)
    )


def _held(connection: Connection, now_ms: int, window_ms: int) -> Iterator[RegistrationEvent]:
    query = _waiting(State.HELD, now_ms, window_ms).where(
        registration.c.cause.in_((*_PERSON, Cause.NO_PLACE)), registration.c.works_number != ""
    )
    for row in connection.execute(query).all():
        if _missing(row, row.regime, row.has_place) is None:
            yield RegistrationEvent(
                row.reference, now_ms, State.DUE, Cause.COMPLETED, due_ms=now_ms, actor="register"
            )


def _refused(connection: Connection, now_ms: int, window_ms: int) -> Iterator[RegistrationEvent]:
    query = _waiting(State.REFUSED, now_ms, window_ms).where(
        person.c.changed_ms > registration.c.changed_ms
    )
    for row in connection.execute(query).all():
        if _missing(row, row.regime, row.has_place) is None:
            yield RegistrationEvent(
                row.reference, now_ms, State.DUE, Cause.CORRECTED, due_ms=now_ms, actor="register"
            )


def _chosen(connection: Connection, now_ms: int, window_ms: int) -> int:
    """Gives their works number to those that had none; the one held ends, another begins."""
    query = _waiting(State.HELD, now_ms, window_ms).where(
        registration.c.cause.in_(_WORKS), registration.c.works_number == ""
    )
    count = 0
    for row in connection.execute(query).all():
        day = date.fromisoformat(row.day)
        choice = choice_on(connection, row.person_id, row.site_id, day)
        if choice.number:
            give_works(connection, row, choice.number, now_ms, "register")
            count += 1
    return count


def held_without_works(connection: Connection, reference: str) -> Row[Any] | None:
    """Returns what `give_works` wants of a held registration; None when it is no such thing."""
    query = (
        select(
            registration,
            person.c.token,
            person.c.limosa_from,
            person.c.limosa_until,
            person.c.inss_sealed.is_not(None).label("has_inss"),
            person.c.limosa_sealed.is_not(None).label("has_limosa"),
            person.c.foreign_vat.is_not(None).label("has_vat"),
            company.c.number.label("company_number"),
        )
        .join(person, person.c.id == registration.c.person_id)
        .outerjoin(company, company.c.id == person.c.company_id)
        .where(registration.c.reference == reference, registration.c.state == State.HELD)
    )
    return connection.execute(query).first()


def give_works(connection: Connection, row: Row[Any], number: str, now_ms: int, actor: str) -> str:
    """Ends a held registration that had no works number and begins the one that has it.

    Returns:
        The client reference of the new one.
    """
    day = date.fromisoformat(row.day)
    regime = regime_on(connection, number, day)
    step(
        connection,
        RegistrationEvent(row.reference, now_ms, State.DROPPED, Cause.ASSIGNED, actor=actor),
    )
    act = row.act or (f"{row.stream_id}.{row.seq}" if regime == "in_out" and row.seq else "")
    place = connection.execute(select(works.c.place).where(works.c.number == number)).scalar()
    missing = _missing(row, regime, place is not None)
    ended = connection.execute(
        select(func.count())
        .select_from(registration)
        .where(
            registration.c.person_id == row.person_id,
            registration.c.works_number == number,
            registration.c.day == row.day,
            registration.c.act == act,
        )
    ).scalar_one()
    reference = client_reference(row.token, number, day, ended, act)
    create(
        connection,
        NewRegistration(
            reference=reference,
            person_id=row.person_id,
            site_id=row.site_id,
            works_number=number,
            day=day,
            state=State.HELD if missing else State.DUE,
            cause=missing or Cause.ASSIGNED,
            tap_ms=row.tap_ms,
            due_ms=now_ms,
            changed_ms=now_ms,
            actor=actor,
            regime=regime,
            act=act,
            direction=row.direction,
            stream_id=row.stream_id,
            seq=row.seq,
        ),
    )
    return reference


def _missing(row: Row[Any], regime: str, has_place: bool) -> Cause | None:
    """What the service of that regime still lacks of a person or an act."""
    first, last = (
        date.fromisoformat(day) if day else None for day in (row.limosa_from, row.limosa_until)
    )
    covered = not row.has_limosa or limosa_covers(date.fromisoformat(row.day), first, last)
    if regime == "day":
        has_company = enterprise_number(row.company_number) is not None
        return missing_identity(row.has_inss, has_company, row.has_limosa, covered)
    has_employer = row.company_number is not None or row.has_vat
    return missing_of_act(row.direction, row.has_inss, has_employer, has_place, covered)
