"""When one person was on a site lately: his days of presence, for whoever may see them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from sqlalchemy import Connection, func, select

from hub.application.access import Actor
from hub.domain.legal_day import brussels_day
from hub.domain.rights import Action
from hub.storage.schema import kiosk, person, presence, site, terminal
from hub.storage.scope import presences_within

DAYS: Final = 7
"""Days on the page of a person, today included."""


@dataclass(frozen=True, slots=True)
class PersonDay:
    """One day of presence at one site.

    Args:
        first_in_ms: first tap in, UTC milliseconds; None: only ways out.
        last_ms: newest tap, UTC milliseconds.
        inside: whether that one left him on the site.
        taps: how many there were, 1 or more.
        gate: name of the gate of the newest one.
    """

    day: date
    site: str
    first_in_ms: int | None
    last_ms: int
    inside: bool
    taps: int
    gate: str


def days_of(connection: Connection, actor: Actor, token: str, now_ms: int) -> list[PersonDay]:
    """Returns the last `DAYS` days on which a person tapped, newest first.

    A company sees its own people wherever they were, and others only where it takes part.

    Args:
        token: stands for the person; nobody of the scope has none.
        now_ms: UTC milliseconds.
    """
    since = brussels_day(now_ms) - timedelta(days=DAYS - 1)
    query = (
        select(
            presence,
            site.c.name,
            func.coalesce(terminal.c.name, kiosk.c.name, presence.c.terminal_id).label("gate"),
        )
        .join(person, person.c.id == presence.c.person_id)
        .join(site, site.c.id == presence.c.site_id)
        .outerjoin(terminal, terminal.c.id == presence.c.terminal_id)
        .outerjoin(kiosk, kiosk.c.id == presence.c.terminal_id)
        .where(
            person.c.token == token,
            presence.c.day >= since.isoformat(),
            presences_within(actor.scope(Action.PEOPLE_SEE)),
        )
        .order_by(presence.c.day.desc(), presence.c.last_ms.desc())
    )
    return [
        PersonDay(
            date.fromisoformat(row.day),
            row.name,
            row.first_in_ms,
            row.last_ms,
            bool(row.inside),
            row.taps,
            row.gate,
        )
        for row in connection.execute(query)
    ]
