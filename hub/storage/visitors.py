"""Who was on the site on a day without working there: visitors and deliveries."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Connection, select

from hub.domain.audit import Noted
from hub.domain.legal_day import day_bounds_ms
from hub.domain.people import Kind
from hub.storage.schema import audit, person

BECAME_WORKER = '"became_worker": true'
"""What the detail of a changed person holds when a visitor turned out to work here."""


def visitors_on(connection: Connection, day: date) -> frozenset[int]:
    """Returns the people who were visitors or deliveries on a Brussels day.

    Who became a worker on a later day was none on this one.
    """
    _, end_ms = day_bounds_ms(day)
    kinds = (Kind.VISITOR, Kind.DELIVERY)
    found = set(connection.execute(select(person.c.id).where(person.c.kind.in_(kinds))).scalars())
    later = select(audit.c.subject).where(
        audit.c.action == Noted.PERSON_CHANGED,
        audit.c.at_ms >= end_ms,
        audit.c.detail.contains(BECAME_WORKER),
    )
    for subject in connection.execute(later).scalars():
        found.add(int(subject.removeprefix("person:")))
    return frozenset(found)
