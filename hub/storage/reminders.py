"""The reminders that were sent, for whoever may see them: what was said, and what became of it."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from sqlalchemy import Connection, Row, func, select

from hub.application.access import Actor
from hub.application.mailing import Attachment
from hub.application.reminders import ReminderRow
from hub.application.reports import Period
from hub.domain.companies import parse_number
from hub.domain.mail_address import mask_address
from hub.domain.rights import Action
from hub.errors import UsageError
from hub.storage.audit_reader import Subjects
from hub.storage.contacts import ADDRESS
from hub.storage.notices import LOST, SENT, WAITING
from hub.storage.reminding import LIST
from hub.storage.schema import company, notice, reminder, reminder_count, reminder_list, site
from hub.storage.scope import reminders_seen
from hub.storage.secrets import Vault

PAGE: Final = 50
"""Rows a page."""
STATES: Final = (WAITING, SENT, LOST)
_SENDER: Final = company.alias("sender")


class Reminders:
    """The reminders that somebody may see, inside one open transaction.

    Args:
        vault: opens addresses and lists.
        actor: whoever asks.
    """

    def __init__(self, connection: Connection, vault: Vault, actor: Actor) -> None:
        self._connection = connection
        self._vault = vault
        self._actor = actor

    def count(self, number: str = "") -> int:
        """Returns how many there are.

        Args:
            number: of one company; empty: of all.
        """
        query = select(func.count()).select_from(_JOINED).where(*self._conditions(number))
        return self._connection.execute(query).scalar() or 0

    def rows(self, number: str = "", page: int | None = None) -> list[ReminderRow]:
        """Returns the reminders, newest first.

        Args:
            number: as `count`.
            page: of `PAGE` rows, from 1; None: all.
        """
        query = (
            select(*_COLUMNS)
            .select_from(_JOINED)
            .where(*self._conditions(number))
            .order_by(reminder.c.at_ms.desc(), reminder.c.id.desc())
        )
        if page is not None:
            query = query.limit(PAGE).offset((page - 1) * PAGE)
        return self._told(self._connection.execute(query).all())

    def one(self, handle: str) -> ReminderRow | None:
        """Returns one; None when there is none in scope."""
        query = (
            select(*_COLUMNS)
            .select_from(_JOINED)
            .where(reminder.c.handle == handle, *self._conditions(""))
        )
        found = self._told(self._connection.execute(query).all())
        return found[0] if found else None

    def list(self, handle: str) -> Attachment | None:
        """Returns the list as it was attached; None when there is no such reminder in scope.

        Raises:
            UsageError: HUB-1859, its time is over and it was erased.
        """
        query = (
            select(reminder.c.id, reminder_list)
            .select_from(
                reminder.outerjoin(reminder_list, reminder_list.c.reminder_id == reminder.c.id)
            )
            .where(reminder.c.handle == handle, reminders_seen(self._actor))
        )
        row = self._connection.execute(query).first()
        if row is None:
            return None
        if row.sealed is None:
            raise UsageError("HUB-1859")
        return Attachment(row.name, row.media_type, self._vault.open(LIST, row.sealed))

    def _conditions(self, number: str) -> list[Any]:
        found: list[Any] = [reminders_seen(self._actor)]
        if number:
            try:
                wanted = parse_number(number)
            except UsageError:
                wanted = ""
            found.append(company.c.number == wanted)
        return found

    def _told(self, rows: list[Row[Any]] | Any) -> list[ReminderRow]:
        counts = self._counts([row.id for row in rows])
        names = self._names([row.actor for row in rows])
        found: list[ReminderRow] = []
        for row in rows:
            counted = counts.get(row.id, ())
            found.append(
                ReminderRow(
                    row.handle,
                    row.at_ms,
                    names.get(row.actor, ""),
                    row.sender or "",
                    row.number,
                    row.name,
                    mask_address(self._vault.open(ADDRESS, row.address_sealed).decode()),
                    row.language,
                    Period(date.fromisoformat(row.first_day), date.fromisoformat(row.last_day)),
                    row.rows,
                    tuple(dict.fromkeys(one[1] for one in counted)),
                    tuple(counted),
                    row.subject,
                    row.text,
                    row.text_digest,
                    row.list_digest,
                    row.state,
                    row.ended_ms,
                    row.code,
                    row.attempts,
                    row.notice_handle,
                    row.kept is not None,
                )
            )
        return found

    def _counts(self, keys: list[int]) -> dict[int, list[tuple[date, str, int]]]:
        columns = reminder_count.c
        query = (
            select(columns.reminder_id, columns.day, site.c.name, columns.rows)
            .join(site, site.c.id == columns.site_id)
            .where(columns.reminder_id.in_(keys))
            .order_by(columns.day, site.c.name)
        )
        found: dict[int, list[tuple[date, str, int]]] = {}
        for key, day, name, rows in self._connection.execute(query):
            found.setdefault(key, []).append((date.fromisoformat(day), name, rows))
        return found

    def _names(self, actors: list[str]) -> dict[str, str]:
        """Who sent each, for those who send themselves; another company need not know his name."""
        scope = self._actor.scope(Action.REMINDERS_SEND)
        if not (scope.everything or scope.sites):
            return {}
        subjects = Subjects(self._connection, self._vault)
        subjects.learn(actors)
        return {one: subjects.of(one).name for one in set(actors)}


_JOINED: Final = (
    reminder.join(company, company.c.id == reminder.c.company_id)
    .join(notice, notice.c.handle == reminder.c.notice_handle)
    .outerjoin(_SENDER, _SENDER.c.id == reminder.c.sender_id)
    .outerjoin(reminder_list, reminder_list.c.reminder_id == reminder.c.id)
)
_COLUMNS: Final = (
    *(column for column in reminder.c),
    company.c.number,
    company.c.name,
    _SENDER.c.name.label("sender"),
    notice.c.state,
    notice.c.ended_ms,
    notice.c.code,
    notice.c.attempts,
    reminder_list.c.reminder_id.label("kept"),
)
