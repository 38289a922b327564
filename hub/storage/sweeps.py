"""What each class of data is in the tables, and how a piece of it is erased.

A sweep finds what is due by reading, and erases a few rows at a time in a transaction that its
caller gives. Nothing here decides *whether* something is due: `hub.application.retention` does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    and_,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    tuple_,
    update,
)

from hub.application.retention import DataClass, Due
from hub.domain.legal_day import day_bounds_ms
from hub.storage import audit as audit_rows
from hub.storage import evidence_chain
from hub.storage.chain import Head, write_noted
from hub.storage.erase import blank_person
from hub.storage.guards import unguarded
from hub.storage.schema import (
    act_done,
    alert,
    alert_telling,
    audit,
    badge,
    badge_event,
    crash_log,
    erased_run,
    evidence,
    evidence_item,
    gate_event,
    import_change,
    import_run,
    inbox,
    incident,
    link,
    notice,
    passage_count,
    person,
    phone,
    phone_act,
    phone_code,
    phone_place,
    plan_entry,
    plan_pattern,
    presence,
    projection,
    reconcile_difference,
    reconcile_run,
    registration,
    registration_event,
    reminder,
    reminder_count,
    reminder_list,
    reminder_row,
    report_sending,
    request_key,
    roll_call,
    roll_call_person,
    roll_call_tick,
    tap,
    unbadged_act,
    web_session,
)
from hub.storage.secrets import Vault

BACKUPS = "backups"
"""Folder of the copies that are made before an import."""
Key = tuple[Any, ...]
Condition = Callable[[Due], ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Tools:
    """What a sweep works with.

    Args:
        vault: seals the anchor of a chain.
        folder: the data folder.
        now_ms: UTC milliseconds of the run.
    """

    vault: Vault
    folder: Path
    now_ms: int


def before_ms(due: Due) -> int:
    """Returns the first moment that is not due, UTC milliseconds."""
    return day_bounds_ms(due.before)[0]


@dataclass
class Sweep:
    """The rows of one table that are due.

    Args:
        table: where they are.
        condition: which they are.
        also: other tables whose rows go with a row, by (table, its column); they go first.
        guarded: which of these tables are only appended to.
    """

    table: Table
    condition: Condition
    also: tuple[tuple[Table, str], ...] = ()
    guarded: tuple[Table, ...] = ()

    def count(self, connection: Connection, due: Due) -> int:
        """Returns how many rows are due."""
        query = select(func.count()).select_from(self.table).where(self.condition(due))
        return connection.execute(query).scalar() or 0

    def find(self, connection: Connection, due: Due, most: int) -> list[Key]:
        """Returns the keys of at most so many rows that are due."""
        keys = self.table.primary_key.columns
        query = select(*keys).where(self.condition(due)).order_by(*keys).limit(most)
        return [tuple(row) for row in connection.execute(query)]

    def erase(self, connection: Connection, keys: Sequence[Key], tools: Tools) -> int:
        """Erases the rows with these keys; returns how many."""
        del tools
        with unguarded(connection, *self.guarded):
            for table, column in self.also:
                values = [key[0] for key in keys]
                connection.execute(delete(table).where(table.c[column].in_(values)))
            where = tuple_(*self.table.primary_key.columns).in_(keys)
            return connection.execute(delete(self.table).where(where)).rowcount


# ---------------------------------------------------------------- taps as they came


def _come_and_projected(due: Due) -> ColumnElement[bool]:
    cursor = select(func.coalesce(func.min(projection.c.inbox_id), 0)).scalar_subquery()
    return and_(
        inbox.c.received_ms < before_ms(due),
        inbox.c.id <= cursor,
        or_(inbox.c.count > 0, inbox.c.id < _newest()),
    )


def _old_act(due: Due) -> ColumnElement[bool]:
    """Acts that had their effect; the newest stays, as the mark of how far the projection is."""
    newest = select(func.max(act_done.c.act_id)).scalar_subquery()
    return and_(unbadged_act.c.received_ms < before_ms(due), unbadged_act.c.id < newest)


def _newest() -> Any:
    return select(func.max(inbox.c.id)).scalar_subquery()


class InboxSweep(Sweep):
    """Runs of records; what was erased is noted, so that a gate that still sends it is told that
    it is here and nothing is made of it a second time (G3).

    The newest row stays as a mark, without records: rows are numbered on from it, and who reads
    the inbox remembers how far he came.
    """

    def __init__(self) -> None:
        super().__init__(inbox, _come_and_projected)

    def erase(self, connection: Connection, keys: Sequence[Key], tools: Tools) -> int:
        """See `Sweep`."""
        del tools
        ids = [key[0] for key in keys]
        query = (
            select(inbox.c.stream_id, inbox.c.first_seq, inbox.c.count)
            .where(inbox.c.id.in_(ids), inbox.c.count > 0)
            .order_by(inbox.c.stream_id, inbox.c.first_seq)
        )
        runs = connection.execute(query).all()
        newest = connection.execute(select(func.max(inbox.c.id))).scalar()
        connection.execute(delete(inbox).where(inbox.c.id.in_(ids), inbox.c.id != newest))
        connection.execute(
            update(inbox)
            .where(inbox.c.id.in_(ids), inbox.c.id == newest)
            .values(records=b"", count=0, first_seq=-inbox.c.id)
        )
        for run in runs:
            _remember(connection, run.stream_id, run.first_seq, run.first_seq + run.count - 1)
        return len(ids)


def _remember(connection: Connection, stream_id: int, first: int, last: int) -> None:
    """Notes an erased stretch, joined with those it touches."""
    here = erased_run.c
    touching = and_(
        here.stream_id == stream_id, here.first_seq <= last + 1, here.last_seq >= first - 1
    )
    bounds = connection.execute(
        select(func.min(here.first_seq), func.max(here.last_seq)).where(touching)
    ).one()
    connection.execute(delete(erased_run).where(touching))
    connection.execute(
        insert(erased_run).values(
            stream_id=stream_id,
            first_seq=first if bounds[0] is None else min(first, bounds[0]),
            last_seq=last if bounds[1] is None else max(last, bounds[1]),
        )
    )


def _badge_history(due: Due) -> ColumnElement[bool]:
    """What happened to a badge, but not how it came to whose it was on the first day that stays."""
    other = badge_event.alias("other")
    last_link = (
        select(func.max(other.c.id))
        .where(
            other.c.tag == badge_event.c.tag,
            other.c.event == "linked",
            other.c.at_ms < before_ms(due),
        )
        .scalar_subquery()
    )
    later = exists().where(other.c.tag == badge_event.c.tag, other.c.at_ms >= before_ms(due))
    return and_(
        badge_event.c.at_ms < before_ms(due),
        or_(
            badge_event.c.id < last_link,
            and_(badge_event.c.tag.not_in(select(badge.c.tag)), ~later),
        ),
    )


# ---------------------------------------------------------------- chains


class ChainSweep(Sweep):
    """The beginning of a chain; its last erased row is noted, so that the rest stays proven."""

    def __init__(self, table: Table, anchor: str, also: tuple[tuple[Table, str], ...] = ()) -> None:
        def condition(due: Due) -> ColumnElement[bool]:
            kept = table.alias("kept")
            first = select(func.min(kept.c.id)).where(kept.c.at_ms >= before_ms(due))
            # Nothing is left out of the middle: a row behind one that stays, stays.
            return and_(
                table.c.at_ms < before_ms(due),
                table.c.id < func.coalesce(first.scalar_subquery(), 2**62),
            )

        super().__init__(table, condition, also, (table, *(one for one, _ in also)))
        self._anchor = anchor

    def erase(self, connection: Connection, keys: Sequence[Key], tools: Tools) -> int:
        """See `Sweep`."""
        columns = self.table.c
        last = max(key[0] for key in keys)
        digest = connection.execute(select(columns.digest).where(columns.id == last)).scalar_one()
        count = Sweep.erase(self, connection, keys, tools)
        write_noted(connection, tools.vault, self._anchor, Head(last, bytes(digest)))
        return count


# ---------------------------------------------------------------- people


class PeopleSweep(Sweep):
    """Names, numbers and badges of people; their row stays without them."""

    def erase(self, connection: Connection, keys: Sequence[Key], tools: Tools) -> int:
        """See `Sweep`."""
        for key in keys:
            blank_person(connection, tools.vault, int(key[0]), tools.now_ms, "hub")
        return len(keys)


VISITOR_KINDS = ("visitor", "delivery")


def _visitors(due: Due) -> ColumnElement[bool]:
    return and_(
        person.c.kind.in_(VISITOR_KINDS),
        person.c.erased_ms.is_(None),
        person.c.added_ms < before_ms(due),
        _none_of(presence, due),
        _none_of(plan_entry, due),
    )


def _none_of(table: Table, due: Due) -> ColumnElement[bool]:
    """Nothing of the person from the day on."""
    day = due.before.isoformat()
    return ~exists().where(table.c.person_id == person.c.id, table.c.day >= day)


def _nothing_left(due: Due) -> ColumnElement[bool]:
    parts = [
        ~exists().where(table.c.person_id == person.c.id)
        for table in (presence, plan_entry, registration, badge)
    ]
    return and_(
        person.c.kind.not_in(VISITOR_KINDS),
        person.c.erased_ms.is_(None),
        person.c.added_ms < before_ms(due),
        person.c.changed_ms < before_ms(due),
        *parts,
    )


# ---------------------------------------------------------------- imports


class ImportSweep(Sweep):
    """What an import changed, and the copy of the database that was made before it."""

    def __init__(self) -> None:
        def condition(due: Due) -> ColumnElement[bool]:
            images = exists().where(import_change.c.run_id == import_run.c.id)
            return and_(import_run.c.at_ms < before_ms(due), or_(import_run.c.backup != "", images))

        super().__init__(import_run, condition)

    def erase(self, connection: Connection, keys: Sequence[Key], tools: Tools) -> int:
        """See `Sweep`."""
        runs = [key[0] for key in keys]
        names = connection.execute(
            select(import_run.c.backup).where(import_run.c.id.in_(runs))
        ).scalars()
        for name in names.all():
            # A name and nothing else: never a way out of the folder.
            if name and Path(name).name == name:
                (tools.folder / BACKUPS / name).unlink(missing_ok=True)
        changes = delete(import_change).where(import_change.c.run_id.in_(runs))
        count = connection.execute(changes).rowcount
        connection.execute(update(import_run).where(import_run.c.id.in_(runs)).values(backup=""))
        return count + len(runs)


# ---------------------------------------------------------------- messages


def _reminds() -> ColumnElement[bool]:
    return exists().where(reminder.c.notice_handle == notice.c.handle)


class RemindingSweep(Sweep):
    """Address and text of the mail of a reminder; what became of it stays as long as that."""

    def __init__(self) -> None:
        super().__init__(
            notice,
            lambda due: and_(
                notice.c.ended_ms < before_ms(due), notice.c.recipient != "", _reminds()
            ),
        )

    def erase(self, connection: Connection, keys: Sequence[Key], tools: Tools) -> int:
        """See `Sweep`."""
        del tools
        ids = [key[0] for key in keys]
        blank = update(notice).where(notice.c.id.in_(ids)).values(recipient="", content="{}")
        return connection.execute(blank).rowcount


def _older(table: Table, column: str, **more: Any) -> Sweep:
    return Sweep(table, lambda due: table.c[column] < before_ms(due), **more)


def _earlier(table: Table, **more: Any) -> Sweep:
    return Sweep(table, lambda due: table.c.day < due.before.isoformat(), **more)


SWEEPS: dict[DataClass, tuple[Sweep, ...]] = {
    DataClass.TAPS: (
        _earlier(presence),
        _earlier(passage_count),
        Sweep(
            roll_call,
            lambda due: roll_call.c.opened_ms < before_ms(due),
            also=((roll_call_tick, "handle"), (roll_call_person, "handle")),
        ),
        # A tap and the run it came in go by the same moment, that of their receipt.
        Sweep(tap, lambda due: tap.c.received_ms < before_ms(due)),
        Sweep(
            unbadged_act,
            _old_act,
            also=((act_done, "act_id"), (phone_act, "act_id")),
            guarded=(unbadged_act,),
        ),
        InboxSweep(),
        Sweep(badge_event, _badge_history, guarded=(badge_event,)),
        _older(reminder_list, "at_ms", guarded=(reminder_list,)),
        _older(reminder_row, "at_ms", guarded=(reminder_row,)),
    ),
    DataClass.GATES: (
        _older(gate_event, "received_ms"),
        _older(incident, "at_ms"),
        _older(crash_log, "last_ms"),
        Sweep(
            alert,
            lambda due: alert.c.cleared_ms < before_ms(due),
            also=((alert_telling, "alert_id"),),
        ),
        # After the alerts: one that still stands says who was told of it.
        Sweep(
            notice,
            lambda due: and_(
                notice.c.ended_ms < before_ms(due),
                ~exists().where(alert_telling.c.notice_id == notice.c.id),
                ~_reminds(),
            ),
        ),
        RemindingSweep(),
        _older(report_sending, "at_ms"),
    ),
    DataClass.PLAN: (
        _earlier(plan_entry),
        Sweep(
            plan_pattern,
            lambda due: or_(
                plan_pattern.c.removed_ms < before_ms(due),
                plan_pattern.c.until_day < due.before.isoformat(),
            ),
        ),
    ),
    DataClass.REGISTRATIONS: (
        _earlier(
            registration, also=((registration_event, "reference"),), guarded=(registration_event,)
        ),
        Sweep(
            reminder,
            lambda due: reminder.c.at_ms < before_ms(due),
            also=tuple(
                (one, "reminder_id") for one in (reminder_count, reminder_row, reminder_list)
            ),
            guarded=(reminder, reminder_count, reminder_row, reminder_list),
        ),
        _earlier(reconcile_run, also=((reconcile_difference, "run_id"),)),
    ),
    DataClass.EVIDENCE: (
        ChainSweep(evidence, evidence_chain.ANCHOR, ((evidence_item, "evidence_id"),)),
    ),
    DataClass.VISITORS: (PeopleSweep(person, _visitors),),
    DataClass.PEOPLE: (PeopleSweep(person, _nothing_left),),
    DataClass.AUDIT: (ChainSweep(audit, audit_rows.ANCHOR),),
    DataClass.ACCESS: (
        _older(web_session, "until_ms"),
        Sweep(
            phone,
            lambda due: or_(phone.c.until_ms < before_ms(due), phone.c.revoked_ms < before_ms(due)),
            also=((phone_place, "phone_id"),),
        ),
        _older(phone_code, "until_ms"),
        Sweep(
            link,
            lambda due: or_(link.c.until_ms < before_ms(due), link.c.used_ms < before_ms(due)),
        ),
    ),
    DataClass.IMPORTS: (ImportSweep(),),
    DataClass.ANSWERS: (_older(request_key, "at_ms"),),
}
