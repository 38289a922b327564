"""Sends reminders: whom there is something to write to, and the act itself, kept as a fact.

Theory of operation. What is not in order is read within the reports of whoever asks, and goes to
the company that has to see to it: the employer, or who uses an agency's people. An act is one
transaction: each reminder, its list and its mail are kept, or nothing is. It carries a word that
was chosen when its form was drawn, so that the same form sent twice changes nothing the second
time; whoever means it twice on one day about the same presences has to say so.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, func, insert, select

from hub.application.access import Actor
from hub.application.mailing import Attachment, Content
from hub.application.reminders import (
    MAIL,
    OpenRow,
    Told,
    counts_of,
    digest_of,
    is_open,
    steps_of,
    written,
)
from hub.application.reports import Period
from hub.domain.audit import Noted
from hub.domain.companies import number_text
from hub.domain.legal_day import brussels_day, day_bounds_ms
from hub.domain.rights import Action
from hub.errors import UsageError
from hub.storage.audit import note
from hub.storage.contacts import ADDRESS, Contact, contacts_of
from hub.storage.notices import mailing
from hub.storage.reports import Narrowed, Reports
from hub.storage.schema import (
    company,
    person,
    reminder,
    reminder_count,
    reminder_list,
    reminder_row,
)
from hub.storage.scope import companies_within, reminders_seen
from hub.storage.secrets import Vault

LIST: Final = "reminder"
"""Kind that an attached list is sealed as."""
_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True, repr=False)
class Candidate:
    """A company that has something to put in order.

    Args:
        company_id, number, name: the company.
        rows: the presences, in the order of the report.
        contact: where it is written to; None when nobody said.
        changeable: whether whoever asks may say so.
        last_ms: when it was last reminded, of what he may see; None for never.
        again_ms: when today it was reminded of all of these presences; None when it was not.
    """

    company_id: int
    number: str
    name: str
    rows: tuple[OpenRow, ...]
    contact: Contact | None
    changeable: bool
    last_ms: int | None
    again_ms: int | None

    def __repr__(self) -> str:
        return f"Candidate({self.number}, {len(self.rows)})"


@dataclass(frozen=True, slots=True, repr=False)
class Draft:
    """A reminder that is ready to be sent.

    Args:
        to: the company.
        told: what the mail says.
        link: address of the page of the company.
        list: what goes with it.
    """

    to: Candidate
    told: Told
    link: str
    list: Attachment

    def __repr__(self) -> str:
        return f"Draft({self.to.number})"

    @property
    def content(self) -> Content:
        """The mail."""
        return self.told.content(self.contact.language, self.link)

    @property
    def contact(self) -> Contact:
        """Where it goes.

        Raises:
            UsageError: HUB-1858, nobody said where.
        """
        if self.to.contact is None:
            raise UsageError("HUB-1858", company=self.to.name)
        return self.to.contact


def may_remind(actor: Actor) -> bool:
    """Returns whether somebody has anybody to remind: a contractor without others below has not."""
    scope = actor.scope(Action.REMINDERS_SEND)
    return bool(scope.everything or scope.sites or scope.below)


class Reminding:
    """What somebody may send, inside one open transaction.

    Args:
        connection: a write transaction for `send`.
        vault: opens addresses, seals lists.
        actor: whoever asks.
        now_ms: UTC milliseconds.
    """

    def __init__(self, connection: Connection, vault: Vault, actor: Actor, now_ms: int) -> None:
        self._connection = connection
        self._vault = vault
        self._actor = actor
        self._now_ms = now_ms

    def candidates(self, asked: Narrowed) -> tuple[list[Candidate], dict[int, str]]:
        """Returns every company with something to put in order, by name, and the sites by row.

        Raises:
            UsageError: HUB-1661, there is no such site in scope.
        """
        reports = Reports(self._connection, self._vault, self._actor, asked, self._now_ms)
        sites = {key: row.name for key, row in reports.sites.items()}
        by_name = {name: key for key, name in sites.items()}
        rows = [OpenRow(by_name[row.site], row) for row in reports.exceptions() if is_open(row)]
        return self._by_company(rows, asked.company), sites

    def _by_company(self, rows: Sequence[OpenRow], wanted: str) -> list[Candidate]:
        sees_to = self._who_sees_to({one.row.who.person_id for one in rows})
        found: dict[int, list[OpenRow]] = defaultdict(list)
        for one in rows:
            key = sees_to.get(one.row.who.person_id)
            if key is not None and key != self._actor.company_id:
                found[key].append(one)
        within = companies_within(self._actor.scope(Action.REMINDERS_SEND))
        query = select(company).where(company.c.id.in_(list(found)), within)
        known = [
            row for row in self._connection.execute(query) if not wanted or row.number == wanted
        ]
        keys = [row.id for row in known]
        contacts = contacts_of(self._connection, self._vault, keys)
        changeable = set(
            self._connection.execute(
                select(company.c.id).where(
                    company.c.id.in_(keys),
                    companies_within(self._actor.scope(Action.CONTACTS_CHANGE)),
                )
            ).scalars()
        )
        last = self._last(keys)
        return [
            Candidate(
                row.id,
                row.number,
                row.name,
                tuple(found[row.id]),
                contacts.get(row.id),
                row.id in changeable,
                last.get(row.id),
                self.told_today(row.id, found[row.id]),
            )
            for row in sorted(known, key=lambda one: (one.name.casefold(), one.number))
        ]

    def _who_sees_to(self, people: Iterable[int]) -> dict[int, int | None]:
        """Who has to see to it that these people are registered, by person."""
        wanted = list(people)
        found: dict[int, int | None] = {}
        for place in range(0, len(wanted), _AT_ONCE):
            columns = person.c
            # Who uses an agency's worker registers him.
            who = func.coalesce(columns.user_company_id, columns.company_id)
            query = select(columns.id, who).where(columns.id.in_(wanted[place : place + _AT_ONCE]))
            found |= {row[0]: row[1] for row in self._connection.execute(query)}
        return found

    def _last(self, keys: Sequence[int]) -> dict[int, int]:
        query = (
            select(reminder.c.company_id, func.max(reminder.c.at_ms))
            .where(reminder.c.company_id.in_(keys), reminders_seen(self._actor))
            .group_by(reminder.c.company_id)
        )
        return {row[0]: row[1] for row in self._connection.execute(query)}

    def told_today(self, company_id: int, rows: Sequence[OpenRow]) -> int | None:
        """Returns when, on this Brussels day, a company was last reminded of all of these
        presences; None when it was not."""
        begin_ms, end_ms = day_bounds_ms(brussels_day(self._now_ms))
        query = (
            select(
                reminder.c.at_ms, reminder_row.c.person_id, reminder_row.c.site_id,
                reminder_row.c.day, reminder.c.id,
            )
            .join(reminder_row, reminder_row.c.reminder_id == reminder.c.id)
            .where(
                reminder.c.company_id == company_id,
                reminder.c.at_ms >= begin_ms,
                reminder.c.at_ms < end_ms,
            )
        )  # fmt: skip
        told: dict[tuple[int, int], set[tuple[int, int, str]]] = defaultdict(set)
        for at_ms, person_id, site_id, day, key in self._connection.execute(query):
            told[at_ms, key].add((person_id, site_id, day))
        keys = {one.key for one in rows}
        return max((at_ms for (at_ms, _), seen in told.items() if keys <= seen), default=None)

    def done(self, act: str) -> bool:
        """Returns whether whoever asks has sent the form with this word."""
        query = select(reminder.c.id).where(
            reminder.c.act == act, reminder.c.actor == self._actor.name
        )
        return self._connection.execute(query.limit(1)).first() is not None

    def send(self, act: str, drafts: Sequence[Draft], again: Collection[str]) -> int:
        """Keeps and queues each reminder; returns how many are new: 0 for an act that was done.

        Args:
            act: word of the form, at most 64 characters.
            again: numbers of companies that are to be reminded a second time today.

        Raises:
            UsageError: HUB-1856, one was reminded of the same today; HUB-1858, it has no address.
                Nothing is sent then, to nobody.
        """
        done = set(
            self._connection.execute(
                select(reminder.c.company_id).where(reminder.c.act == act)
            ).scalars()
        )
        new = [one for one in drafts if one.to.company_id not in done]
        for one in new:
            at_ms = self.told_today(one.to.company_id, one.to.rows)
            if at_ms is not None and one.to.number not in again:
                raise UsageError("HUB-1856", company=one.to.name)
        for one in new:
            self._keep(act, one)
        return len(new)

    def _keep(self, act: str, draft: Draft) -> None:
        to, contact, told = draft.to, draft.contact, draft.told
        content = draft.content
        (notice_handle,) = mailing(self._connection, self._vault, self._now_ms).queue_mail(
            [contact.address], contact.language, MAIL, told.values(contact.language),
            [draft.list], draft.link,
        )  # fmt: skip
        result = self._connection.execute(
            insert(reminder).values(
                handle=secrets.token_urlsafe(16),
                act=act,
                at_ms=self._now_ms,
                actor=self._actor.name,
                sender_id=self._actor.company_id,
                company_id=to.company_id,
                address_sealed=self._vault.seal(ADDRESS, contact.address.encode()),
                language=contact.language,
                first_day=told.period.first.isoformat(),
                last_day=told.period.last.isoformat(),
                rows=told.rows,
                subject=content.subject,
                text=content.text,
                text_digest=digest_of(written(content).encode()),
                list_digest=digest_of(draft.list.content),
                notice_handle=notice_handle,
            )
        )
        key = int(result.inserted_primary_key[0])  # pyright: ignore[reportOptionalSubscript]
        self._connection.execute(
            insert(reminder_count),
            [
                {"reminder_id": key, "day": day, "site_id": site_id, "rows": rows}
                for (day, site_id), rows in counts_of(to.rows).items()
            ],
        )
        self._connection.execute(
            insert(reminder_row),
            [
                {"reminder_id": key, "person_id": one.key[0], "site_id": one.key[1],
                 "day": one.key[2], "problem": str(one.row.problem), "at_ms": self._now_ms}
                for one in to.rows
            ],
        )  # fmt: skip
        self._connection.execute(
            insert(reminder_list).values(
                reminder_id=key,
                at_ms=self._now_ms,
                name=draft.list.name,
                media_type=draft.list.media_type,
                sealed=self._vault.seal(LIST, draft.list.content),
            )
        )
        note(
            self._connection,
            self._vault,
            self._now_ms,
            self._actor.name,
            Noted.REMINDER_SENT,
            f"company:{to.company_id}",
            company_id=to.company_id,
            first=told.period.first.isoformat(),
            last=told.period.last.isoformat(),
            rows=told.rows,
        )


def told_of(
    to: Candidate, sites: dict[int, str], period: Period, actor: Actor, sender: str, now_ms: int
) -> Told:
    """Returns what the reminder of a company says.

    Args:
        sender: name of the company of whoever sends; used where he has one.
        now_ms: UTC milliseconds.
    """
    rows = [one.row for one in to.rows]
    return Told(
        to.name,
        number_text(to.number),
        sender if actor.company_id is not None else "",
        sites,
        period,
        counts_of(to.rows),
        steps_of(rows, brussels_day(now_ms)),
    )
