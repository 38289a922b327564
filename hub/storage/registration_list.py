"""Registrations of a day or a person, as far as somebody sees the people they are for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from hub.application.access import Actor
from hub.domain.rights import Action
from hub.errors import UsageError
from hub.storage.masks import mask_of
from hub.storage.schema import person, registration
from hub.storage.scope import people_within, registrations_within
from hub.storage.secrets import Vault

ROWS_MAX: Final = 5_000


@dataclass(frozen=True, slots=True, repr=False)
class RegistrationEntry:
    """A registration as a program may see it.

    Args:
        person: token of whom it is for.
        masked: his number, masked; empty when there is none.
        number: of the authority; None while it gave none.
        act_ms: moment of the act or of the decision to plan, UTC milliseconds.
        remarks: of the authority.
    """

    person: str
    masked: str
    works_number: str
    day: date
    regime: str
    direction: str | None
    state: str
    cause: str
    number: int | None
    act_ms: int
    changed_ms: int
    remarks: tuple[str, ...]

    def __repr__(self) -> str:
        return "RegistrationEntry()"


def registrations_of(
    connection: Connection,
    vault: Vault,
    actor: Actor,
    day: date | None = None,
    works_number: str | None = None,
    person_token: str | None = None,
) -> list[RegistrationEntry]:
    """Returns registrations in the order of their acts, at most `ROWS_MAX`, the newest days.

    Args:
        day: Brussels day; None: every day.
        works_number: under which; None: under any.
        person_token: for whom; None: for everybody of the scope.

    Raises:
        UsageError: HUB-1621, nobody of the scope has this token.
    """
    scope = actor.scope(Action.REGISTRATIONS_SEE)
    if person_token is not None:
        known = select(person.c.id).where(person.c.token == person_token, people_within(scope))
        if connection.execute(known).first() is None:
            raise UsageError("HUB-1621")
    query = (
        select(registration, person.c.token, person.c.inss_sealed, person.c.limosa_sealed)
        .join(person, person.c.id == registration.c.person_id)
        .where(registrations_within(scope))
    )
    if day is not None:
        query = query.where(registration.c.day == day.isoformat())
    if works_number is not None:
        query = query.where(registration.c.works_number == works_number)
    if person_token is not None:
        query = query.where(person.c.token == person_token)
    query = query.order_by(
        registration.c.day.desc(), registration.c.tap_ms.desc(), registration.c.reference
    )
    rows = connection.execute(query.limit(ROWS_MAX)).all()
    return [_entry(vault, row) for row in reversed(rows)]


def _entry(vault: Vault, row: Row[Any]) -> RegistrationEntry:
    masked = mask_of(vault, row)
    answer: dict[str, Any] = json.loads(row.answer) if row.answer else {}
    return RegistrationEntry(
        row.token,
        masked,
        row.works_number,
        date.fromisoformat(row.day),
        row.regime,
        row.direction,
        row.state,
        row.cause,
        row.number,
        row.tap_ms,
        row.changed_ms,
        tuple(str(one) for one in answer.get("remarks", ())),
    )
