"""The history of registrations: each step is one appended fact and one changed row.

`registration_event` is the fact, `registration` the row derived from it; both are written in one
transaction by `step`, and a rebuild applies the facts again by `apply_event`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select, update

from hub.domain.registration import check_transition
from hub.storage.schema import registration, registration_event


@dataclass(frozen=True, slots=True)
class RegistrationEvent:
    """One step in the life of a registration, as a fact.

    Args:
        answer: JSON of what the authority said of this item, without person numbers.
        due_ms: when it may be tried next (only for a step to `due`).
    """

    reference: str
    at_ms: int
    state: str
    cause: str
    number: int | None = None
    answer: str | None = None
    due_ms: int | None = None


def apply_event(connection: Connection, event: RegistrationEvent) -> bool:
    """Brings the row up to the event; returns False when there is no such registration."""
    values: dict[str, Any] = {
        "state": event.state,
        "cause": event.cause,
        "changed_ms": event.at_ms,
    }
    for name in ("number", "answer", "due_ms"):
        value = getattr(event, name)
        if value is not None:
            values[name] = value
    result = connection.execute(
        update(registration).where(registration.c.reference == event.reference).values(**values)
    )
    return result.rowcount == 1


def read_events(connection: Connection) -> Iterator[RegistrationEvent]:
    """Yields every step ever taken, oldest first."""
    columns = registration_event.c
    query = select(
        columns.reference,
        columns.at_ms,
        columns.state,
        columns.cause,
        columns.number,
        columns.answer,
        columns.due_ms,
    ).order_by(columns.id)
    for row in connection.execute(query).all():
        yield RegistrationEvent(*row)


def step(connection: Connection, event: RegistrationEvent) -> None:
    """Takes one step: checked against the life cycle, kept as a fact, shown in the row.

    Raises:
        TransitionError: HUB-1401, the life cycle has no such step; nothing is written.
    """
    old = connection.execute(
        select(registration.c.state).where(registration.c.reference == event.reference)
    ).scalar_one()
    check_transition(old, event.state)
    connection.execute(
        insert(registration_event).values(
            reference=event.reference,
            at_ms=event.at_ms,
            state=event.state,
            cause=event.cause,
            number=event.number,
            answer=event.answer,
            due_ms=event.due_ms,
        )
    )
    apply_event(connection, event)
