"""What was sent of a plan and when: handed over, answered, refused, taken back, by the minute."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import ColumnElement, Connection, func, or_, select

from hub.application.access import Actor
from hub.domain.causes import Cause
from hub.domain.registration import State
from hub.domain.rights import Action
from hub.storage.schema import account, person, registration, registration_event
from hub.storage.scope import registrations_within
from hub.storage.sites import SiteRow

MINUTE_MS: Final = 60_000
NUMBERS_MAX: Final = 100
"""Most numbers listed below one answer; the list of the company has them all."""
HUB: Final = "hub"
OTHERS: Final = "others"
_TOLD: Final = (State.REGISTERED, State.REFUSED, State.CANCELLED, State.DROPPED, State.LAPSED)


@dataclass(frozen=True, slots=True)
class Sent:
    """One line of the time line.

    Args:
        at_ms: its minute, UTC milliseconds.
        what: `submitted`, or the state that was reached: `registered`, `refused`, `cancelled`,
            `dropped`, `lapsed`.
        by: whoever did it: `HUB`, a name, or `OTHERS` for an account that is not his to know.
        count: of how many.
        numbers: (number, name) of the first of them that got one.
    """

    at_ms: int
    what: str
    by: str
    count: int
    numbers: tuple[tuple[int, str], ...] = ()


def sent_of(connection: Connection, actor: Actor, site: SiteRow, day: date) -> list[Sent]:
    """Returns what became of the plan of a site and day, newest first, within his scope."""
    within = _within(actor, site, day)
    at_ms, state = registration_event.c.at_ms, registration_event.c.state
    minute = (at_ms - at_ms % MINUTE_MS).label("minute")
    planned = (registration_event.c.cause == Cause.PLANNED).label("planned")
    query = (
        select(
            minute,
            planned,
            state,
            registration_event.c.actor,
            func.count(registration_event.c.reference.distinct()).label("total"),
        )
        .join(registration, registration.c.reference == registration_event.c.reference)
        .where(within, or_(planned, state.in_(_TOLD)))
        .group_by(minute, planned, state, registration_event.c.actor)
        .order_by(func.max(registration_event.c.id).desc())
    )
    rows = connection.execute(query).all()
    if not rows:
        return []
    names = _names(connection, actor)
    numbers = _numbers(connection, within)
    return [
        Sent(
            row.minute,
            "submitted" if row.planned else row.state,
            names.get(row.actor, OTHERS if row.actor.startswith("account:") else HUB),
            row.total,
            tuple(numbers.get((row.minute, row.actor), ())) if row.state == _TOLD[0] else (),
        )
        for row in rows
    ]


def _within(actor: Actor, site: SiteRow, day: date) -> ColumnElement[bool]:
    by_plan = select(registration_event.c.reference).where(
        registration_event.c.cause == Cause.PLANNED
    )
    return (
        (registration.c.site_id == site.id)
        & (registration.c.day == day.isoformat())
        & (registration.c.act == "")
        & registrations_within(actor.scope(Action.PLAN_SEE))
        & registration.c.reference.in_(by_plan)
    )


def _numbers(
    connection: Connection, within: ColumnElement[bool]
) -> dict[tuple[int, str], list[tuple[int, str]]]:
    rows = connection.execute(
        select(
            registration_event.c.at_ms,
            registration_event.c.actor,
            registration_event.c.number,
            person.c.family_name,
            person.c.given_name,
        )
        .join(registration, registration.c.reference == registration_event.c.reference)
        .join(person, person.c.id == registration.c.person_id)
        .where(
            within,
            registration_event.c.state == State.REGISTERED,
            registration_event.c.number.is_not(None),
        )
        .order_by(person.c.family_name, person.c.given_name)
    )
    found: dict[tuple[int, str], list[tuple[int, str]]] = {}
    for row in rows:
        listed = found.setdefault((row.at_ms - row.at_ms % MINUTE_MS, row.actor), [])
        if len(listed) < NUMBERS_MAX:
            listed.append((row.number, f"{row.family_name} {row.given_name}"))
    return found


def _names(connection: Connection, actor: Actor) -> dict[str, str]:
    """Who may be named to him: everybody, or the accounts of his own company, or himself."""
    query = select(account.c.id, account.c.name)
    if not actor.scope(Action.ACCOUNTS_SEE).everything:
        if actor.company_id is None:
            query = query.where(account.c.id == actor.account_id)
        else:
            query = query.where(account.c.company_id == actor.company_id)
    return {f"account:{row.id}": row.name for row in connection.execute(query)}
