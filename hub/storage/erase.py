"""Taking one person out of the register: names, numbers and badges go, the row stays.

What is left is a token, and to which company and works it belonged: enough for the registrations
that were made to keep their day, works and number of the authority, and for nobody to be found by
it. What was said to the authority is kept sealed until its own time is over (`docs/privacy.md`).
"""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select, update

from hub.application.access import Actor
from hub.domain.audit import Noted
from hub.domain.legal_day import brussels_day
from hub.domain.registration import State
from hub.domain.rights import Action
from hub.errors import UsageError
from hub.storage.audit import note
from hub.storage.badge_history import RELEASED, append_badge_event
from hub.storage.guards import unguarded
from hub.storage.phone_acts import forget_locations
from hub.storage.phones import forget_phones
from hub.storage.register import Register
from hub.storage.schema import (
    account,
    assignment,
    badge,
    erasure,
    import_change,
    link,
    newcomer,
    person,
    plan_entry,
    plan_pattern,
    registration,
    reminder_list,
    reminder_row,
    visit,
    web_session,
)
from hub.storage.scope import people_within
from hub.storage.secrets import Vault

ONE_PERSON = "person"
"""Data class of the report when somebody was erased on request."""

MOVING = (
    State.HELD,
    State.DUE,
    State.SENDING,
    State.IN_DOUBT,
    State.REFUSED,
    State.CANCELLING,
)
"""In one of these it may still be sent, searched or withdrawn, which takes the number."""


def person_in_scope(connection: Connection, actor: Actor, action: Action, token: str) -> int:
    """Returns the row of a person whom this actor may do this with.

    Raises:
        UsageError: HUB-1621, nobody there by this token, outside of his scope, or erased.
    """
    query = select(person.c.id).where(
        person.c.token == token, person.c.erased_ms.is_(None), people_within(actor.scope(action))
    )
    row = connection.execute(query).scalar()
    if row is None:
        raise UsageError("HUB-1621")
    return row


def why_not_yet(connection: Connection, person_id: int, now_ms: int) -> str | None:
    """Returns the Brussels day, ISO, that keeps somebody from being erased; None when none does.

    It is the last day of a registration that may still change, or for which he is planned.
    """
    today = brussels_day(now_ms).isoformat()
    rows = registration.c
    changing = select(rows.day).where(
        rows.person_id == person_id,
        rows.state.in_(MOVING)
        | ((rows.day >= today) & rows.state.not_in((State.CANCELLED, State.DROPPED))),
    )
    planned = select(plan_entry.c.day).where(
        plan_entry.c.person_id == person_id,
        plan_entry.c.withdrawn_ms.is_(None),
        plan_entry.c.day >= today,
    )
    days = [*connection.execute(changing).scalars(), *connection.execute(planned).scalars()]
    return max(days, default=None)


def erase_person(
    connection: Connection, vault: Vault, actor: Actor, token: str, now_ms: int
) -> None:
    """Erases one person on request, with a row in the report and one in the audit.

    Raises:
        UsageError: HUB-1621 nobody there; HUB-1712 a registration may still change, or he is
            planned: the day is told.
    """
    person_id = person_in_scope(connection, actor, Action.PEOPLE_ERASE, token)
    day = why_not_yet(connection, person_id, now_ms)
    if day is not None:
        raise UsageError("HUB-1712", day=day)
    company_id = connection.execute(
        select(person.c.company_id).where(person.c.id == person_id)
    ).scalar()
    blank_person(connection, vault, person_id, now_ms, actor.name)
    connection.execute(
        insert(erasure).values(
            at_ms=now_ms, data_class=ONE_PERSON, before_day=None, rows=1, actor=actor.name
        )
    )
    note(
        connection,
        vault,
        now_ms,
        actor.name,
        Noted.PERSON_ERASED,
        f"person:{person_id}",
        company_id=company_id,
    )


def blank_person(
    connection: Connection, vault: Vault, person_id: int, now_ms: int, actor: str
) -> None:
    """Takes out names, numbers, badges and everything by which somebody could log in as him.

    The gates hear of it with the next roster, which no longer has his badges.
    """
    tags = select(badge.c.tag).where(badge.c.person_id == person_id)
    for tag in connection.execute(tags).scalars().all():
        connection.execute(delete(badge).where(badge.c.tag == tag))
        append_badge_event(connection, tag, RELEASED, person_id, now_ms, actor)
    theirs = select(account.c.id).where(account.c.person_id == person_id)
    connection.execute(delete(web_session).where(web_session.c.account_id.in_(theirs)))
    connection.execute(
        update(account)
        .where(account.c.person_id == person_id)
        .values(disabled_ms=now_ms, person_id=None, name="", login=f"erased {person_id}")
    )
    for table in (link, assignment, plan_pattern, visit, newcomer):
        connection.execute(delete(table).where(table.c.person_id == person_id))
    forget_phones(connection, person_id)
    forget_locations(connection, person_id)
    # Lists that name him; what was sent when, and their digests, stay.
    naming = select(reminder_row.c.reminder_id).where(reminder_row.c.person_id == person_id)
    with unguarded(connection, reminder_list):
        connection.execute(delete(reminder_list).where(reminder_list.c.reminder_id.in_(naming)))
    # What an import would bring back.
    connection.execute(
        delete(import_change).where(
            import_change.c.place == "person", import_change.c.row == str(person_id)
        )
    )
    connection.execute(
        update(person)
        .where(person.c.id == person_id)
        .values(
            family_name="",
            given_name="",
            sought_as="",
            inss_sealed=None,
            inss_index=None,
            limosa_sealed=None,
            limosa_index=None,
            limosa_from=None,
            limosa_until=None,
            foreign_vat=None,
            erased_ms=now_ms,
            changed_ms=now_ms,
        )
    )
    Register(connection, vault).changed(now_ms)
