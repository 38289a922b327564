"""The newest registrations of one person, for whoever may see them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, select

from hub.application.access import Actor
from hub.domain.rights import Action
from hub.storage.overview import masked_answer
from hub.storage.schema import person, registration, site
from hub.storage.scope import registrations_within

RECENT = 10
"""Registrations on the page of a person: about two weeks of the day regime."""


@dataclass(frozen=True, slots=True)
class RecentRegistration:
    """One registration as a person's page shows it.

    Args:
        day: Brussels day it is for.
        direction: `in` or `out`; None in the day regime.
        cause: why it stands where it stands, a key of the catalogue.
        number: of the authority; None until it gave one.
        tap_ms: moment of the act or of the plan, UTC milliseconds.
        reference: our client reference, which stands for it in addresses.
        remarks: how many remarks the authority makes.
    """

    day: date
    site: str
    works_number: str
    direction: str | None
    state: str
    cause: str
    number: int | None
    tap_ms: int
    reference: str
    remarks: int = 0


def recent(connection: Connection, actor: Actor, token: str) -> list[RecentRegistration]:
    """Returns the newest registrations of a person, newest first; none outside of the scope."""
    query = (
        select(registration, site.c.name)
        .join(person, person.c.id == registration.c.person_id)
        .join(site, site.c.id == registration.c.site_id)
        .where(person.c.token == token, registrations_within(actor.scope(Action.REGISTRATIONS_SEE)))
        .order_by(registration.c.day.desc(), registration.c.tap_ms.desc())
        .limit(RECENT)
    )
    return [
        RecentRegistration(
            date.fromisoformat(row.day),
            row.name,
            row.works_number,
            row.direction,
            row.state,
            row.cause,
            row.number,
            row.tap_ms,
            row.reference,
            len(masked_answer(row.answer)[0]),
        )
        for row in connection.execute(query)
    ]
