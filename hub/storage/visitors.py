"""Who was on the site on a day without working there: visitors and deliveries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, select

from hub.domain.audit import Noted
from hub.domain.legal_day import day_bounds_ms
from hub.domain.people import Kind
from hub.storage.schema import audit, person

BECAME_WORKER = '"became_worker": true'
"""What the detail of a changed person holds when a visitor turned out to work here."""


@dataclass(frozen=True, slots=True)
class Visitors:
    """Who visits or delivers, and until when others did.

    Args:
        people: who is a visitor or a delivery now.
        until_ms: who turned out to work here, and when that was, UTC milliseconds.
    """

    people: frozenset[int]
    until_ms: Mapping[int, int]

    def had(self, person_id: int, day: date) -> bool:
        """Returns whether somebody was one on a Brussels day.

        Who became a worker on a later day was none on this one.
        """
        _, end_ms = day_bounds_ms(day)
        return person_id in self.people or self.until_ms.get(person_id, -1) >= end_ms


def visitors(connection: Connection, since_ms: int = 0) -> Visitors:
    """Returns who visits or delivers.

    Args:
        since_ms: no day before this moment will be asked about, UTC milliseconds.
    """
    kinds = (Kind.VISITOR, Kind.DELIVERY)
    found = connection.execute(select(person.c.id).where(person.c.kind.in_(kinds))).scalars()
    later = connection.execute(
        select(audit.c.subject, audit.c.at_ms)
        .where(
            audit.c.action == Noted.PERSON_CHANGED,
            audit.c.at_ms >= since_ms,
            audit.c.detail.contains(BECAME_WORKER),
        )
        .order_by(audit.c.at_ms)
    )
    return Visitors(
        frozenset(found),
        {int(subject.removeprefix("person:")): at_ms for subject, at_ms in later},
    )


def visitors_on(connection: Connection, day: date) -> frozenset[int]:
    """Returns the people who were visitors or deliveries on a Brussels day, see `Visitors.had`."""
    _, end_ms = day_bounds_ms(day)
    known = visitors(connection, end_ms)
    return known.people | frozenset(known.until_ms)
