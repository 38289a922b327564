"""The badges of somebody's scope, and which of them a handle stands for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from hub.application.access import Actor
from hub.domain.rights import Action
from hub.errors import UsageError
from hub.storage.badges import handle_of, label_of
from hub.storage.schema import badge, person
from hub.storage.scope import people_within
from hub.storage.secrets import Vault


@dataclass(frozen=True, slots=True, repr=False)
class BadgeEntry:
    """A badge on a list, with whose it is; see `hub.application.people.BadgeLine`.

    Args:
        person: token of whose it is.
    """

    handle: str
    label: str
    person: str
    state: str
    valid_from: date | None
    valid_until: date | None
    expired: bool
    linked_ms: int

    def __repr__(self) -> str:
        return "BadgeEntry()"


def badge_entries(
    connection: Connection,
    vault: Vault,
    actor: Actor,
    today: date,
    state: str = "",
    person_token: str = "",
    page: int = 1,
    size: int = 50,
) -> tuple[list[BadgeEntry], int]:
    """Returns a page of the badges whose people the actor sees, and how many there are in all.

    Args:
        today: Brussels day, for what is over.
        state: active, blocked or lost; empty: all.
        person_token: whose; empty: everybody's.
        page: 1 or more.
        size: badges on a page.
    """
    query = _seen(actor)
    if state:
        query = query.where(badge.c.state == state)
    if person_token:
        query = query.where(person.c.token == person_token)
    total = connection.execute(select(func.count()).select_from(query.subquery())).scalar_one()
    query = query.order_by(badge.c.linked_ms.desc(), badge.c.tag)
    rows = connection.execute(query.limit(size).offset((page - 1) * size))
    return [_entry(vault, row, today) for row in rows], total


def badge_entry(
    connection: Connection, vault: Vault, actor: Actor, tag: bytes, today: date
) -> BadgeEntry:
    """Returns one badge of the scope.

    Raises:
        UsageError: HUB-1640, there is no such badge.
    """
    row = connection.execute(_seen(actor).where(badge.c.tag == tag)).first()
    if row is None:
        raise UsageError("HUB-1640")
    return _entry(vault, row, today)


def tag_of(connection: Connection, vault: Vault, actor: Actor, handle: str) -> bytes:
    """Returns the tag of the badge of the scope that a handle stands for.

    A handle cannot be turned back, so the badges of the scope are looked through: 20,000 in some
    tens of milliseconds.

    Raises:
        UsageError: HUB-1640, there is no such badge.
    """
    query = select(badge.c.tag).join(person, person.c.id == badge.c.person_id)
    within = people_within(actor.scope(Action.BADGES_CHANGE))
    for tag in connection.execute(query.where(within)).scalars():
        if handle_of(vault, tag) == handle:
            return tag
    raise UsageError("HUB-1640")


def _seen(actor: Actor) -> Select[*tuple[Any, ...]]:
    return (
        select(badge, person.c.token)
        .join(person, person.c.id == badge.c.person_id)
        .where(people_within(actor.scope(Action.PEOPLE_SEE)), person.c.erased_ms.is_(None))
    )


def _entry(vault: Vault, row: Row[Any], today: date) -> BadgeEntry:
    until = date.fromisoformat(row.valid_until) if row.valid_until else None
    return BadgeEntry(
        handle_of(vault, row.tag),
        label_of(vault, row.tag),
        row.token,
        row.state,
        date.fromisoformat(row.valid_from) if row.valid_from else None,
        until,
        until is not None and until < today,
        row.linked_ms,
    )
