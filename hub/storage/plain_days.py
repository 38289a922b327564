"""Which presences of a period want a closer look, found by the database alone.

Of a hundred thousand presences of a month all but some hundred are plain: the person has his
number, it was not late, and nothing else is open. To make a row of each takes ten seconds.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from sqlalchemy import ColumnElement, Connection, and_, case, func, or_, select

from hub.domain.registration import LIVE, State
from hub.storage.schema import person, presence, registration, registration_event

PLAIN = (State.REGISTERED, State.VALIDATED)
PersonDay = tuple[int, int, str]
"""Person, site and Brussels day."""


def days_to_look_at(
    connection: Connection,
    sites: Collection[int],
    first: date,
    last: date,
    seen: ColumnElement[bool],
    registered: ColumnElement[bool],
    late_ms: int,
) -> set[PersonDay]:
    """Returns the presences that are not plain.

    A plain one has a number, no other registration that counts and is not plain itself, and no
    number that came more than `late_ms` after he came, or after the act of the in/out regime.

    Args:
        sites: rows of them.
        first, last: Brussels days, both included.
        seen: which presences, joined with `person`, there are for who asks.
        registered: which registrations.
        late_ms: milliseconds.
    """
    event = registration_event.c
    numbered_ms = (
        select(func.min(event.at_ms))
        .where(event.reference == registration.c.reference, event.state == State.REGISTERED)
        .correlate(registration)
        .scalar_subquery()
    )
    act = registration.c.direction.is_not(None)
    made = (
        select(
            registration.c.person_id,
            registration.c.site_id,
            registration.c.day,
            func.sum(case((registration.c.state.in_(PLAIN), 0), else_=1)).label("open"),
            func.max(case((act, numbered_ms - registration.c.tap_ms))).label("act_late_ms"),
            func.max(case((~act, numbered_ms))).label("numbered_ms"),
        )
        .where(
            registration.c.site_id.in_(sites),
            registration.c.day.between(first.isoformat(), last.isoformat()),
            registration.c.state.in_(LIVE),
            registered,
        )
        .group_by(registration.c.person_id, registration.c.site_id, registration.c.day)
        .subquery()
    )
    # A first way in of zero is none, as everywhere where a presence is read.
    came_ms = func.coalesce(func.nullif(presence.c.first_in_ms, 0), presence.c.last_ms)
    query = (
        select(presence.c.person_id, presence.c.site_id, presence.c.day)
        .select_from(
            presence.join(person, presence.c.person_id == person.c.id).outerjoin(
                made,
                and_(
                    made.c.person_id == presence.c.person_id,
                    made.c.site_id == presence.c.site_id,
                    made.c.day == presence.c.day,
                ),
            )
        )
        .where(
            presence.c.site_id.in_(sites),
            presence.c.day.between(first.isoformat(), last.isoformat()),
            seen,
            or_(
                made.c.open.is_(None),
                made.c.open > 0,
                made.c.act_late_ms > late_ms,
                made.c.numbered_ms - came_ms > late_ms,
            ),
        )
    )
    return {(row[0], row[1], row[2]) for row in connection.execute(query)}
