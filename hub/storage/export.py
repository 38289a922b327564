"""Everything that is kept of one person, for him to have (art. 15 and 20 GDPR).

Numbers leave the hub in clear here, so it asks for a reason and leaves a row in the audit, in the
same transaction and before anything is seen. Badges are told by their handle: the hub keeps no
number of a card.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from io import BytesIO
from typing import Any, Final

import xlsxwriter
from sqlalchemy import ColumnElement, Connection, Select, Table, select

from hub.application.access import Actor
from hub.domain.audit import Noted
from hub.domain.people import REASON_MAX, REASON_MIN
from hub.domain.rights import Action
from hub.errors import UsageError
from hub.storage.audit import note
from hub.storage.audit_reader import PAGE, Subjects, Wanted, read_page
from hub.storage.badges import handle_of
from hub.storage.erase import person_in_scope
from hub.storage.schema import (
    assignment,
    badge,
    badge_event,
    company,
    evidence,
    evidence_item,
    person,
    phone,
    phone_act,
    plan_entry,
    plan_pattern,
    presence,
    registration,
    registration_event,
    reminder,
    reminder_row,
    roll_call,
    roll_call_person,
    roll_call_tick,
    site,
    tap,
    unbadged_act,
    visit,
)
from hub.storage.secrets import Vault

_HIDDEN: Final = (
    "id", "person_id", "company_id", "site_id", "lease_by", "lease_until_ms",
    "stream_id", "seq", "boot", "ticks_ms", "after_inbox", "replaces",
)  # fmt: skip
"""Columns that say nothing of him: our own numbers of rows, how far the journal of a gate is,
who has something in hand."""

Rows = list[dict[str, Any]]


def export_person(
    connection: Connection, vault: Vault, actor: Actor, token: str, now_ms: int, reason: str
) -> dict[str, Any]:
    """Returns everything of a person by sections: `person`, `taps`, `registrations` and so on.

    Args:
        connection: a write transaction: who exported it and why is kept with it.
        reason: why, between `REASON_MIN` and `REASON_MAX` characters, without a name or number.

    Raises:
        UsageError: HUB-1621 nobody there in the actor's scope, HUB-1632 no reason given.
    """
    person_id = person_in_scope(connection, actor, Action.PEOPLE_REVEAL, token)
    why = " ".join(reason.split())
    if not REASON_MIN <= len(why) <= REASON_MAX:
        raise UsageError("HUB-1632", least=REASON_MIN, most=REASON_MAX)
    row = connection.execute(select(person).where(person.c.id == person_id)).one()
    note(
        connection,
        vault,
        now_ms,
        actor.name,
        Noted.PERSON_EXPORTED,
        f"person:{person_id}",
        company_id=row.company_id,
        reason=why,
    )
    whose = person_id
    references = list(
        connection.execute(
            select(registration.c.reference).where(registration.c.person_id == whose)
        ).scalars()
    )
    return {
        "exported_ms": now_ms,
        "person": [_master(connection, vault, row)],
        "badges": _badges(connection, vault, badge, badge.c.person_id == whose),
        "badge_history": _badges(connection, vault, badge_event, badge_event.c.person_id == whose),
        "works": _rows(connection, _of(assignment, whose)),
        "plan": _rows(connection, _of(plan_entry, whose)),
        "plan_patterns": _rows(connection, _of(plan_pattern, whose)),
        "presences": _rows(
            connection, select(presence, site.c.name.label("site")).join(
                site, site.c.id == presence.c.site_id
            ).where(presence.c.person_id == whose).order_by(presence.c.day)
        ),
        "roll_calls": _rows(connection, _roll_calls(whose)),
        "taps": _badges(connection, vault, tap, tap.c.person_id == whose),
        "acts_without_badge": _rows(connection, _of(unbadged_act, whose)),
        "phones": _rows(
            connection,
            select(
                phone.c.id.label("phone"), phone.c.added_ms, phone.c.seen_ms, phone.c.revoked_ms
            ).where(phone.c.person_id == whose),
        ),
        "acts_by_phone": _rows(
            connection,
            select(
                unbadged_act.c.reference, phone_act.c.said_ms, phone_act.c.ahead_ms,
                phone_act.c.latitude, phone_act.c.longitude,
            )
            .join(unbadged_act, unbadged_act.c.id == phone_act.c.act_id)
            .where(unbadged_act.c.person_id == whose)
            .order_by(phone_act.c.act_id),
        ),
        "visits": _rows(connection, _of(visit, whose)),
        "registrations": _rows(
            connection, _of(registration, whose).order_by(registration.c.day)
        ),
        "steps": _rows(
            connection,
            select(registration_event)
            .where(registration_event.c.reference.in_(references))
            .order_by(registration_event.c.id),
        ),
        "reminders": _rows(connection, _reminders(whose)),
        "exchanges": _rows(
            connection,
            select(
                evidence.c.at_ms, evidence.c.operation, evidence.c.outcome,
                evidence_item.c.reference, evidence_item.c.number,
            )
            .join(evidence, evidence.c.id == evidence_item.c.evidence_id)
            .where(evidence_item.c.reference.in_(references))
            .order_by(evidence.c.id),
        ),
        "looks": _looks(connection, vault, person_id),
    }  # fmt: skip


def _of(table: Table, person_id: int) -> Select[Any]:
    return select(table).where(table.c.person_id == person_id)


def _roll_calls(person_id: int) -> Select[*tuple[Any, ...]]:
    """When he was looked for, and what was said of him; by whom is another's, and stays out."""
    mine = (roll_call_tick.c.handle == roll_call_person.c.handle) & (
        roll_call_tick.c.person_id == roll_call_person.c.person_id
    )
    return (
        select(roll_call.c.opened_ms, site.c.name.label("site"), roll_call_tick.c.mark,
               roll_call_tick.c.at_ms)
        .select_from(
            roll_call_person.join(roll_call, roll_call.c.handle == roll_call_person.c.handle)
            .join(site, site.c.id == roll_call.c.site_id)
            .outerjoin(roll_call_tick, mine)
        )
        .where(roll_call_person.c.person_id == person_id)
        .order_by(roll_call.c.opened_ms, roll_call_tick.c.number)
    )  # fmt: skip


def _reminders(person_id: int) -> Select[*tuple[Any, ...]]:
    """Which companies were written to about which of his presences."""
    columns = reminder_row.c
    return (
        select(reminder.c.at_ms, company.c.number.label("company_number"),
               company.c.name.label("company"), site.c.name.label("site"), columns.day,
               columns.problem)
        .select_from(
            reminder_row.join(reminder, reminder.c.id == columns.reminder_id)
            .join(company, company.c.id == reminder.c.company_id)
            .join(site, site.c.id == columns.site_id)
        )
        .where(columns.person_id == person_id)
        .order_by(reminder.c.at_ms, columns.day)
    )  # fmt: skip


def _plain(row: Any) -> dict[str, Any]:
    return {
        name: value.hex() if isinstance(value, bytes) else value
        for name, value in row._mapping.items()
        if name not in _HIDDEN
    }


def _rows(connection: Connection, query: Any) -> Rows:
    return [_plain(row) for row in connection.execute(query)]


def _badges(
    connection: Connection, vault: Vault, table: Table, condition: ColumnElement[bool]
) -> Rows:
    """Rows about a badge, its tag replaced by the handle by which pages show it."""
    found: Rows = []
    for row in connection.execute(select(table).where(condition)):
        shown = _plain(row)
        shown.pop("tag")
        found.append({"badge": handle_of(vault, row.tag), **shown})
    return found


def _master(connection: Connection, vault: Vault, row: Any) -> dict[str, Any]:
    companies = {
        one.id: f"{one.number} {one.name}"
        for one in connection.execute(
            select(company).where(company.c.id.in_((row.company_id, row.user_company_id)))
        )
    }
    shown: dict[str, Any] = {
        name: value
        for name, value in row._mapping.items()
        if name not in (*_HIDDEN, "user_company_id") and not name.endswith(("_sealed", "_index"))
    }
    for which in ("inss", "limosa"):
        sealed = row._mapping[f"{which}_sealed"]
        shown[which] = None if sealed is None else vault.open(which, sealed).decode()
    shown["employer"] = companies.get(row.company_id)
    shown["works_for"] = companies.get(row.user_company_id)
    return shown


def _looks(connection: Connection, vault: Vault, person_id: int) -> Rows:
    """Who looked at or changed what of him; accounts by handle, since they are people too."""
    subjects = Subjects(connection, vault)
    found: Rows = []
    page = 1
    while True:
        rows, _ = read_page(connection, Wanted(subject=f"person:{person_id}"), page)
        for row in rows:
            detail = json.dumps(row.detail, ensure_ascii=False)
            who = str(subjects.of(row.actor))
            found.append({"at_ms": row.at_ms, "by": who, "what": row.action, "detail": detail})
        if len(rows) < PAGE:
            return found
        page += 1


def workbook(exported: Mapping[str, Any]) -> bytes:
    """Returns an export as a workbook: a sheet for each section that holds something."""
    buffer = BytesIO()
    # Text stays text: a number of 17 digits would lose its last ones, and nothing is a formula.
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(buffer, options) as book:
        bold = book.add_format({"bold": True})
        for name, rows in exported.items():
            if not isinstance(rows, list) or not rows:
                continue
            sheet = book.add_worksheet(name)
            sheet.freeze_panes(1, 0)
            for column, title in enumerate(rows[0]):
                sheet.write_string(0, column, title, bold)
                sheet.set_column(column, column, max(12, len(title) + 2))
            for line, row in enumerate(rows, 1):
                for column, value in enumerate(row.values()):
                    sheet.write_string(line, column, "" if value is None else str(value))
    return buffer.getvalue()
