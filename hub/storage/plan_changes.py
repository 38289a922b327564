"""What is planned and what it makes, each function inside one open write transaction.

Each function is safe to repeat: it looks at what is there before it writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, time
from typing import Any, Final

from sqlalchemy import Connection, Row, func, insert, select, update

from hub.application.planning import NewEntry, Withdrawn
from hub.application.registrations import NewRegistration
from hub.domain.causes import Cause
from hub.domain.legal_day import brussels_day
from hub.domain.plan import may_submit
from hub.domain.registration import LIVE, State, client_reference
from hub.errors import LocalProtocolError, UsageError
from hub.storage.history import create
from hub.storage.plan_reader import Subject
from hub.storage.plan_withdrawals import ACTOR, withdraw
from hub.storage.schema import (
    person,
    plan_entry,
    plan_pattern,
    registration,
    works,
)

DAYS_AT_ONCE: Final = 100
_FOR_EVER: Final = 1 << 62


# ---------------------------------------------------------------- entries


def add_entries(
    connection: Connection, entries: Sequence[NewEntry], source: str, actor: str, now_ms: int
) -> int:
    """Keeps planned days that do not stand in the plan yet; returns how many.

    One that was withdrawn is planned anew, and made younger than every registration it had, so
    that it gets one of its own.
    """
    before = _known(connection, entries)
    rows: list[dict[str, Any]] = []
    for entry in dict.fromkeys(entries):
        standing = before.get((entry.person_id, entry.works_number, entry.day.isoformat()))
        if standing:
            continue
        rows.append(
            {
                "person_id": entry.person_id,
                "works_number": entry.works_number,
                "day": entry.day.isoformat(),
                "source": source,
                "planned_ms": now_ms if standing is None else _younger(connection, entry, now_ms),
                "actor": actor,
            }
        )
    if rows:
        connection.execute(insert(plan_entry), rows)
    return len(rows)


def _known(connection: Connection, entries: Sequence[NewEntry]) -> dict[Subject, bool]:
    """Which of these days are in the plan, and whether they stand in it, in few queries."""
    found: dict[Subject, bool] = {}
    days = sorted({entry.day.isoformat() for entry in entries})
    for start in range(0, len(days), DAYS_AT_ONCE):
        query = select(
            plan_entry.c.person_id,
            plan_entry.c.works_number,
            plan_entry.c.day,
            plan_entry.c.withdrawn_ms,
        ).where(plan_entry.c.day.in_(days[start : start + DAYS_AT_ONCE]))
        for row in connection.execute(query):
            key = (row.person_id, row.works_number, row.day)
            found[key] = found.get(key, False) or row.withdrawn_ms is None
    return found


def _younger(connection: Connection, entry: NewEntry, now_ms: int) -> int:
    """A moment after every registration that this day had."""
    newest = connection.execute(
        select(func.max(registration.c.tap_ms)).where(
            registration.c.person_id == entry.person_id,
            registration.c.works_number == entry.works_number,
            registration.c.day == entry.day.isoformat(),
        )
    ).scalar()
    return now_ms if newest is None else max(now_ms, newest + 1)


def add_missing(
    connection: Connection, entries: Sequence[NewEntry], source: str, now_ms: int
) -> int:
    """Keeps planned days that were never in the plan, not even withdrawn; returns how many."""
    before = _known(connection, entries)
    new = [
        entry
        for entry in entries
        if (entry.person_id, entry.works_number, entry.day.isoformat()) not in before
    ]
    return add_entries(connection, new, source, ACTOR, now_ms)


# ---------------------------------------------------------------- patterns


def add_pattern(
    connection: Connection,
    person_id: int,
    works_number: str,
    weekdays: int,
    from_day: date,
    until_day: date | None,
    actor: str,
    now_ms: int,
) -> int:
    """Keeps a weekly pattern and returns its number; that of an equal one when there is one."""
    until = until_day.isoformat() if until_day else None
    same = connection.execute(
        select(plan_pattern.c.id).where(
            plan_pattern.c.person_id == person_id,
            plan_pattern.c.works_number == works_number,
            plan_pattern.c.weekdays == weekdays,
            plan_pattern.c.from_day == from_day.isoformat(),
            plan_pattern.c.until_day.is_(None)
            if until is None
            else plan_pattern.c.until_day == until,
            plan_pattern.c.removed_ms.is_(None),
        )
    ).scalar()
    if same is not None:
        return same
    made = connection.execute(
        insert(plan_pattern).values(
            person_id=person_id,
            works_number=works_number,
            weekdays=weekdays,
            from_day=from_day.isoformat(),
            until_day=until,
            added_ms=now_ms,
            actor=actor,
        )
    )
    key = made.inserted_primary_key
    if key is None:
        raise LookupError("the new pattern has no number")
    return int(key[0])


def remove_pattern(
    connection: Connection, pattern_id: int, actor: str, now_ms: int
) -> list[Withdrawn]:
    """Ends a pattern, and withdraws the days after today that it wrote out.

    Raises:
        UsageError: HUB-1508, there is no such pattern in force.
    """
    ended = connection.execute(
        update(plan_pattern)
        .where(plan_pattern.c.id == pattern_id, plan_pattern.c.removed_ms.is_(None))
        .values(removed_ms=now_ms)
    )
    if ended.rowcount == 0:
        raise UsageError("HUB-1508", pattern=pattern_id)
    entry_ids = connection.execute(
        select(plan_entry.c.id).where(
            plan_entry.c.source == f"pattern:{pattern_id}",
            plan_entry.c.day > brussels_day(now_ms).isoformat(),
            plan_entry.c.withdrawn_ms.is_(None),
        )
    ).scalars()
    return withdraw(connection, list(entry_ids), "PLANNING", actor, now_ms)


# ---------------------------------------------------------------- submitting


def unsubmitted(
    connection: Connection, day: date, only: Iterable[int] | None = None
) -> list[Row[Any]]:
    """Returns the standing entries of a day for which no registration was ever made.

    A registration that somebody cancelled or dropped since the entry was planned is an answer: the
    plan does not make another. One from before it was planned (again) is none.

    Args:
        only: the entries wanted; None: all.
    """
    query = (
        select(plan_entry, person.c.token, works.c.site_id)
        .join(person, person.c.id == plan_entry.c.person_id)
        .join(works, works.c.number == plan_entry.c.works_number)
        .where(plan_entry.c.day == day.isoformat(), plan_entry.c.withdrawn_ms.is_(None))
        .order_by(plan_entry.c.id)
    )
    if only is not None:
        query = query.where(plan_entry.c.id.in_(sorted(set(only))))
    made = _made(connection, day)
    return [
        row
        for row in connection.execute(query).all()
        if made.get((row.person_id, row.works_number), -1) < row.planned_ms
    ]


def _made(connection: Connection, day: date) -> dict[tuple[int, str], int]:
    """Until when each subject of a day is answered, UTC milliseconds: an entry that was planned
    later is not. A live registration answers for ever.

    Compared here and not in SQL: no index leads from a person to his registrations, so that each
    entry would be compared with every registration of the day.
    """
    query = select(
        registration.c.person_id,
        registration.c.works_number,
        registration.c.state,
        registration.c.tap_ms,
    ).where(registration.c.day == day.isoformat(), registration.c.act == "")
    found: dict[tuple[int, str], int] = {}
    for row in connection.execute(query):
        until_ms = _FOR_EVER if row.state in LIVE else row.tap_ms
        key = (row.person_id, row.works_number)
        found[key] = max(found.get(key, until_ms), until_ms)
    return found


def submit_entries(
    connection: Connection,
    day: date,
    entry_ids: Iterable[int],
    now_ms: int,
    submit_at: time,
    actor: str = ACTOR,
) -> int:
    """Makes the registrations of these entries, those that lack one; returns how many.

    Args:
        connection: a write transaction.
        day: their Brussels day, in the day regime.
        entry_ids: entries in which nothing was found wrong.
        now_ms: UTC milliseconds.
        submit_at: Brussels time of the day before from which a day may be sent.
        actor: who asked for it; the hub itself, unless somebody did.

    Raises:
        LocalProtocolError: HUB-1515, the day may not be sent yet; nothing is written.
    """
    if not may_submit(day, now_ms, submit_at):
        raise LocalProtocolError("HUB-1515", day=day.isoformat())
    wanted = set(entry_ids)
    ended = _ended(connection, day)
    count = 0
    for row in unsubmitted(connection, day, wanted):
        generation = ended.get((row.person_id, row.works_number), 0)
        create(
            connection,
            NewRegistration(
                reference=client_reference(row.token, row.works_number, day, generation),
                person_id=row.person_id,
                site_id=row.site_id,
                works_number=row.works_number,
                day=day,
                state=State.DUE,
                cause=Cause.PLANNED,
                # Never before the entry: what was planned again must be seen to be answered.
                tap_ms=max(now_ms, row.planned_ms),
                due_ms=now_ms,
                changed_ms=now_ms,
                actor=actor,
            ),
        )
        count += 1
    return count


def _ended(connection: Connection, day: date) -> dict[tuple[int, str], int]:
    """How many registrations each person had under each works number on this day."""
    query = (
        select(registration.c.person_id, registration.c.works_number, func.count())
        .where(registration.c.day == day.isoformat(), registration.c.act == "")
        .group_by(registration.c.person_id, registration.c.works_number)
    )
    return {(row[0], row[1]): row[2] for row in connection.execute(query)}
