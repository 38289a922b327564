"""The schedules of reports that somebody sees and changes.

A schedule belongs to whoever made it: he sees it, and an administrator sees all. Who else sees the
same sites does not: it holds addresses that somebody else wrote down. Every change is noted in the
audit, without a recipient, in the transaction that makes it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import time
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select, true, update

from hub.application.access import Actor
from hub.application.report_sending import Schedule, action_of
from hub.domain.audit import Noted
from hub.domain.report_times import Cover, Kind, Rhythm, Timing, fits
from hub.domain.rights import Action
from hub.errors import UsageError
from hub.i18n import LANGUAGES
from hub.storage.audit import note
from hub.storage.companies import Companies
from hub.storage.notices import channel_states
from hub.storage.schema import account, company, notice, report_schedule, report_sending, site
from hub.storage.secrets import Vault
from hub.storage.sites import Sites

RECIPIENTS: Final = "schedule"
"""Kind that addresses are sealed as."""
RECIPIENTS_MAX: Final = 10
SCHEDULES_MAX: Final = 20
"""Of one owner."""
FORMS: Final = ("pdf", "xlsx", "csv")
HISTORY: Final = 8
"""How many of its due times are told."""
_ADDRESS: Final = re.compile(r"[^\s@<>,;:\"\\]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*", re.ASCII)
_ADDRESS_MAX: Final = 254


@dataclass(frozen=True, slots=True, repr=False)
class ScheduleDraft:
    """What somebody wants. The `repr` shows no recipient.

    Args:
        sites: handles; empty: all that he sees.
        company: its number; empty: all of them.
    """

    kind: Kind
    timing: Timing
    form: str
    language: str
    recipients: tuple[str, ...]
    sites: tuple[str, ...] = ()
    company: str = ""

    def __repr__(self) -> str:
        return f"ScheduleDraft({self.kind})"


@dataclass(frozen=True, slots=True)
class Mailed:
    """How the mails of one due time go.

    Args:
        state: `waiting`, `sent` or `lost`.
        code: of its last failure; empty for none.
        next_try_ms: not before this, UTC milliseconds; 0: as soon as can be.
        many: how many mails this is so of.
    """

    state: str
    code: str
    next_try_ms: int
    many: int


@dataclass(frozen=True, slots=True)
class Past:
    """What became of one due time; see `hub.application.report_sending.Outcome`."""

    due_ms: int
    asked: bool
    at_ms: int
    state: str
    code: str
    rows: int
    late: bool
    mails: tuple[Mailed, ...]


@dataclass(frozen=True, slots=True, repr=False)
class ScheduleRow:
    """A schedule as it is shown. The `repr` shows no recipient.

    Args:
        handle: stands for it in addresses.
        owner: whose it is; empty: of a command.
        disabled: his account is.
        site_names: empty: all.
        company: name and number; empty: all.
        past: the newest due times, the newest first.
        last_sent_ms: when mails were last queued; None for never.
    """

    handle: str
    schedule: Schedule
    owner: str
    disabled: bool
    site_names: tuple[str, ...]
    company_number: str
    company: str
    past: tuple[Past, ...]
    last_sent_ms: int | None

    def __repr__(self) -> str:
        return f"ScheduleRow({self.handle})"


def addresses_in(written: str) -> tuple[str, ...]:
    """Returns what stands between blanks, commas and semicolons, each once."""
    found: dict[str, str] = {}
    for one in re.split(r"[\s,;]+", written):
        if one:
            found.setdefault(one.casefold(), one)
    return tuple(found.values())


def schedule_of(row: Row[Any], vault: Vault) -> Schedule:
    """Returns what a row of `report_schedule` says."""
    timing = Timing(
        Rhythm(row.rhythm),
        Cover(row.cover),
        time.fromisoformat(row.at),
        frozenset(int(one) for one in row.weekdays),
    )
    return Schedule(
        row.id,
        row.account_id,
        Kind(row.kind),
        tuple(int(one) for one in row.sites.split()),
        row.company_id,
        row.form,
        row.language,
        tuple(json.loads(vault.open(RECIPIENTS, row.recipients_sealed))),
        timing,
        bool(row.active),
        row.settled_ms,
        row.asked_ms,
        row.version,
    )


class Schedules:
    """The schedules of somebody, inside one open transaction.

    Args:
        connection: a write transaction for what changes something.
        vault: seals addresses, makes handles and chains the audit.
        actor: whoever asks.
        now_ms: UTC milliseconds.
    """

    def __init__(self, connection: Connection, vault: Vault, actor: Actor, now_ms: int) -> None:
        self._connection = connection
        self._vault = vault
        self._actor = actor
        self._now_ms = now_ms

    # ------------------------------------------------------------ looking

    def rows(self) -> list[ScheduleRow]:
        """Returns those he sees, in the order in which they were made."""
        query = (
            select(
                report_schedule,
                func.coalesce(account.c.name, "").label("owner"),
                account.c.disabled_ms,
                func.coalesce(company.c.number, "").label("company_number"),
                func.coalesce(company.c.name, "").label("company"),
            )
            .outerjoin(account, report_schedule.c.account_id == account.c.id)
            .outerjoin(company, report_schedule.c.company_id == company.c.id)
            .where(self._within())
            .order_by(report_schedule.c.id)
        )
        rows = self._connection.execute(query).all()
        names = {row.id: row.name for row in self._connection.execute(select(site))}
        return [self._drawn(row, names) for row in rows]

    def row(self, handle: str) -> ScheduleRow:
        """Returns one.

        Raises:
            UsageError: HUB-1863, there is none that he sees.
        """
        for one in self.rows():
            if one.handle == handle:
                return one
        raise UsageError("HUB-1863")

    def handle(self, schedule_id: int) -> str:
        """Returns what stands for a schedule in addresses."""
        return self._vault.index("schedule", str(schedule_id)).hex()[:16]

    # ------------------------------------------------------------ changing

    def add(self, draft: ScheduleDraft) -> str:
        """Adds one, first due after now, and returns its handle.

        Raises:
            UsageError: HUB-1862 report and days do not fit, HUB-1864 a recipient, HUB-1869 he has
                too many, HUB-1661 a site, HUB-1651 and others the company.
        """
        owner = self._actor.account_id
        mine = report_schedule.c.account_id.is_not_distinct_from(owner)
        many = self._connection.execute(
            select(func.count()).select_from(report_schedule).where(mine)
        ).scalar_one()
        if many >= SCHEDULES_MAX:
            raise UsageError("HUB-1869", most=SCHEDULES_MAX)
        values = self._values(draft)
        result = self._connection.execute(
            insert(report_schedule).values(
                account_id=owner,
                active=1,
                settled_ms=self._now_ms,
                version=1,
                made_ms=self._now_ms,
                made_by=self._actor.name,
                **values,
            )
        )
        added = int(result.inserted_primary_key[0])  # pyright: ignore[reportOptionalSubscript]
        self._note(Noted.SCHEDULE_ADDED, added, **_told(draft))
        return self.handle(added)

    def change(self, handle: str, draft: ScheduleDraft) -> None:
        """Makes a schedule say this; due times that have passed are settled.

        Raises:
            UsageError: HUB-1863 none that he sees, and the errors of `add`.
        """
        before = self.row(handle)
        self._update(before, settled_ms=self._now_ms, **self._values(draft))
        self._note(Noted.SCHEDULE_CHANGED, before.schedule.id, **_told(draft))

    def switch(self, handle: str, on: bool) -> None:
        """Lets a schedule rest, or go on: what was due meanwhile is not sent.

        Raises:
            UsageError: HUB-1863, none that he sees.
        """
        before = self.row(handle)
        if before.schedule.active != on:
            self._update(before, settled_ms=self._now_ms, active=int(on))
            change = "resumed" if on else "paused"
            self._note(Noted.SCHEDULE_CHANGED, before.schedule.id, change=change)

    def ask(self, handle: str) -> Schedule:
        """Wants a report now, once; returns the schedule that says so.

        Raises:
            UsageError: HUB-1863, none that he sees.
        """
        before = self.row(handle)
        if before.schedule.asked_ms is None:
            sendings = report_sending.c
            taken = set(
                self._connection.execute(
                    select(sendings.due_ms).where(
                        sendings.schedule_id == before.schedule.id, sendings.asked == 1
                    )
                ).scalars()
            )
            asked_ms = self._now_ms
            while asked_ms in taken:
                asked_ms += 1
            self._update(before, asked_ms=asked_ms)
            self._note(Noted.SCHEDULE_CHANGED, before.schedule.id, change="send now")
        return self.row(handle).schedule

    def remove(self, handle: str) -> None:
        """Removes a schedule and what became of it; mails that wait still go.

        Raises:
            UsageError: HUB-1863, none that he sees.
        """
        schedule = self.row(handle).schedule
        sendings = report_sending.c.schedule_id == schedule.id
        self._connection.execute(delete(report_sending).where(sendings))
        mine = report_schedule.c.id == schedule.id
        self._connection.execute(delete(report_schedule).where(mine))
        self._note(Noted.SCHEDULE_REMOVED, schedule.id, report=str(schedule.kind))

    # ------------------------------------------------------------ inside

    def _within(self) -> ColumnElement[bool]:
        scope = self._actor.scope(Action.REPORTS_SCHEDULE)
        if scope.everything:
            return true()
        mine = -1 if scope.nothing else self._actor.account_id
        return report_schedule.c.account_id == (-1 if mine is None else mine)

    def _values(self, draft: ScheduleDraft) -> dict[str, object]:
        known = draft.form in FORMS and draft.language in LANGUAGES
        if not known or not fits(draft.kind, draft.timing):
            raise UsageError("HUB-1862")
        recipients = addresses_in(" ".join(draft.recipients))
        good = all(len(one) <= _ADDRESS_MAX and _ADDRESS.fullmatch(one) for one in recipients)
        if not 1 <= len(recipients) <= RECIPIENTS_MAX or not good:
            raise UsageError("HUB-1864", most=RECIPIENTS_MAX)
        sites = Sites(self._connection, self._vault, self._actor, self._now_ms)
        by_handle = {one.handle: one.id for one in sites.rows(action_of(draft.kind))}
        if any(one not in by_handle for one in draft.sites):
            raise UsageError("HUB-1661")
        company_id = None
        if draft.company:
            companies = Companies(self._connection, self._vault, self._actor, self._now_ms)
            company_id = companies.id_of(draft.company)
        timing = draft.timing
        return {
            "kind": str(draft.kind),
            "sites": " ".join(str(one) for one in sorted(by_handle[one] for one in draft.sites)),
            "company_id": company_id,
            "form": draft.form,
            "language": draft.language,
            "recipients_sealed": self._vault.seal(RECIPIENTS, json.dumps(recipients).encode()),
            "rhythm": str(timing.rhythm),
            "cover": str(timing.cover),
            "weekdays": "".join(str(one) for one in sorted(timing.weekdays)),
            "at": f"{timing.at:%H:%M}",
        }

    def _update(self, before: ScheduleRow, **values: object) -> None:
        self._connection.execute(
            update(report_schedule)
            .where(report_schedule.c.id == before.schedule.id)
            .values(version=before.schedule.version + 1, **values)
        )

    def _drawn(self, row: Row[Any], names: dict[int, str]) -> ScheduleRow:
        schedule = schedule_of(row, self._vault)
        sent = report_sending.c.state.in_(("sent", "empty", "linked"))
        last_sent_ms = self._connection.execute(
            select(func.max(report_sending.c.at_ms)).where(
                report_sending.c.schedule_id == schedule.id, sent
            )
        ).scalar()
        return ScheduleRow(
            self.handle(schedule.id),
            schedule,
            row.owner,
            row.disabled_ms is not None,
            tuple(names.get(one, "?") for one in schedule.sites),
            row.company_number,
            row.company,
            past_of(self._connection, schedule.id),
            last_sent_ms,
        )

    def _note(self, action: Noted, schedule_id: int, **detail: Any) -> None:
        note(
            self._connection,
            self._vault,
            self._now_ms,
            self._actor.name,
            action,
            f"schedule:{schedule_id}",
            company_id=self._actor.company_id,
            **detail,
        )


def past_of(connection: Connection, schedule_id: int) -> tuple[Past, ...]:
    """Returns what became of the newest due times of a schedule, the newest first."""
    query = (
        select(report_sending)
        .where(report_sending.c.schedule_id == schedule_id)
        .order_by(report_sending.c.id.desc())
        .limit(HISTORY)
    )
    return tuple(
        Past(
            row.due_ms,
            bool(row.asked),
            row.at_ms,
            row.state,
            row.code,
            row.rows,
            bool(row.late),
            mailed(connection, json.loads(row.notices)),
        )
        for row in connection.execute(query)
    )


def mailed(connection: Connection, handles: Iterable[str]) -> tuple[Mailed, ...]:
    """Returns how these mails go, alike ones together; those that were erased are left out."""
    columns = notice.c
    query = select(columns.state, columns.code, columns.next_try_ms).where(
        columns.handle.in_(list(handles))
    )
    counted: dict[tuple[str, str, int], int] = {}
    for row in connection.execute(query):
        state, code, next_ms = row
        if state == "waiting":
            channel = channel_states(connection).get("mail")
            # A server that does not answer holds up every mail: then the channel says why.
            if channel is not None and channel.failures:
                code, next_ms = code or channel.code, max(next_ms, channel.next_try_ms)
        else:
            next_ms = 0
        counted[state, code, next_ms] = counted.get((state, code, next_ms), 0) + 1
    return tuple(Mailed(*key, many) for key, many in sorted(counted.items()))


def _told(draft: ScheduleDraft) -> dict[str, Any]:
    """What the audit may hold of it: how many recipients, never which."""
    timing = draft.timing
    return {
        "report": str(draft.kind),
        "form": draft.form,
        "rhythm": str(timing.rhythm),
        "cover": str(timing.cover),
        "at": f"{timing.at:%H:%M}",
        "weekdays": sorted(timing.weekdays),
        "sites": len(draft.sites),
        "recipients": len(draft.recipients),
    }
