"""What a person decides about a registration: try again, give up, withdraw, attest, choose works.

Each decision is one step of the life cycle with the actor who took it; nothing here calls the
authority. What is to leave is taken by the forwarder.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, or_, select

from hub.domain.causes import Cause
from hub.domain.registration import CANCEL_REASONS, NUMBERED, State
from hub.errors import UsageError
from hub.storage.completing import give_works, held_without_works
from hub.storage.history import RegistrationEvent, step
from hub.storage.schema import company, person, registration, site


def find(connection: Connection, name: str) -> Row[Any]:
    """Returns a registration by our client reference or by the authority's number.

    Raises:
        UsageError: HUB-1403, there is none of that name.
    """
    number = int(name) if name.isascii() and name.isdigit() and len(name) <= 15 else -1
    query = (
        select(
            registration,
            person.c.given_name,
            person.c.family_name,
            company.c.name.label("company"),
            site.c.name.label("site"),
        )
        .outerjoin(person, person.c.id == registration.c.person_id)
        .outerjoin(company, company.c.id == person.c.company_id)
        .outerjoin(site, site.c.id == registration.c.site_id)
        .where(or_(registration.c.reference == name.lower(), registration.c.number == number))
        .order_by(registration.c.changed_ms.desc())
    )
    row = connection.execute(query).first()
    if row is None:
        raise UsageError("HUB-1403", name=name[:24])
    return row


def retry(connection: Connection, name: str, now_ms: int, actor: str) -> str:
    """Makes a refused registration due again, and one that waits due now; returns its reference.

    What waits for an answer, or is in doubt, is never sent by this: it is looked up first.

    Raises:
        UsageError: HUB-1403, no such registration; HUB-1404, it is neither refused nor due.
    """
    row = find(connection, name)
    if row.state not in (State.REFUSED, State.DUE):
        raise UsageError("HUB-1404", name=row.reference, state=row.state, needed="refused, due")
    _step(connection, row, State.DUE, Cause.RETRIED, now_ms, actor, due_ms=now_ms)
    return row.reference


def give_up(connection: Connection, name: str, now_ms: int, actor: str, note: str | None) -> str:
    """Ends a registration of which nothing was ever stored; returns its client reference.

    Raises:
        UsageError: HUB-1403, no such registration; HUB-1404, it was sent or has ended.
    """
    row = find(connection, name)
    if row.state not in (State.HELD, State.DUE, State.REFUSED):
        raise UsageError("HUB-1404", name=row.reference, state=row.state, needed="held, due")
    _step(connection, row, State.DROPPED, Cause.GIVEN_UP, now_ms, actor, note=note)
    return row.reference


def withdraw(
    connection: Connection,
    name: str,
    reason: str,
    now_ms: int,
    actor: str,
    in_out_cancels: bool = False,
) -> str:
    """Has a registration that has its number cancelled at the authority, for a reason.

    Args:
        reason: one of `CANCEL_REASONS`.
        in_out_cancels: the in/out service is known to cancel (setting `in_out.can_cancel`).

    Returns:
        Its client reference.

    Raises:
        UsageError: HUB-1403, no such registration; HUB-1404, it has no number or has ended;
            HUB-1405, no such reason; HUB-1406, the in/out service has no cancelling.
    """
    row = find(connection, name)
    if reason not in CANCEL_REASONS:
        raise UsageError("HUB-1405", reason=reason[:15], reasons=", ".join(CANCEL_REASONS))
    if row.state not in NUMBERED - {State.CANCELLING}:
        raise UsageError("HUB-1404", name=row.reference, state=row.state, needed="registered")
    if row.regime == "in_out" and not in_out_cancels:
        raise UsageError("HUB-1406", name=row.reference)
    _step(connection, row, State.CANCELLING, Cause.CANCEL_ASKED, now_ms, actor, reason=reason)
    return row.reference


def attest(connection: Connection, name: str, now_ms: int, actor: str, note: str | None) -> str:
    """Notes that the correction of a lapsed registration was asked of the authority.

    Raises:
        UsageError: HUB-1403, no such registration; HUB-1404, it has not lapsed.
    """
    row = find(connection, name)
    if row.state != State.LAPSED:
        raise UsageError("HUB-1404", name=row.reference, state=row.state, needed="lapsed")
    _step(connection, row, State.LAPSED, Cause.ATTESTED, now_ms, actor, note=note)
    return row.reference


def choose(connection: Connection, name: str, works_number: str, now_ms: int, actor: str) -> str:
    """Says under which works number a held registration falls; returns the new reference.

    Raises:
        UsageError: HUB-1403, no such registration; HUB-1404, it does not wait for that.
    """
    row = find(connection, name)
    held = held_without_works(connection, row.reference)
    waits = held is not None and held.cause in (Cause.WORKS_CONFLICT, Cause.NO_WORKS_NUMBER)
    if held is None or not waits:
        raise UsageError("HUB-1404", name=row.reference, state=row.state, needed="held")
    return give_works(connection, held, works_number, now_ms, actor)


def _step(
    connection: Connection,
    row: Row[Any],
    state: State,
    cause: Cause,
    now_ms: int,
    actor: str,
    **more: Any,
) -> None:
    step(connection, RegistrationEvent(row.reference, now_ms, state, cause, actor=actor, **more))
