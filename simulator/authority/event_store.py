"""Where in/out registrations live: a table of its own in the authority's one file.

Like day presences they are never deleted, and `due_ms` is the only queue: the instant at which one
is to be validated (again). Every method runs inside the transaction of the caller, if there is one.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, cast, final

from simulator.authority.events import (
    CANCELLED,
    PENDING,
    REGISTERED,
    Act,
    Direction,
    Event,
    EventPage,
)
from simulator.authority.presence import Sender
from simulator.authority.search import Condition

# 15 digits like those of day presences, and never one of them.
EVENT_BASE: Final = 800_000_000_000_000
DAY_MS: Final = 86_400_000

_TABLES = """
CREATE TABLE IF NOT EXISTS event (
    number         INTEGER PRIMARY KEY,
    act_ms         INTEGER NOT NULL,
    day            TEXT NOT NULL,
    ssin           TEXT NOT NULL,
    direction      TEXT NOT NULL,
    works          TEXT NOT NULL,
    place          TEXT NOT NULL,
    company        INTEGER,
    foreign_vat    TEXT,
    reference      TEXT,
    person         TEXT NOT NULL,
    created_ms     INTEGER NOT NULL,
    channel        TEXT NOT NULL,
    activity       TEXT NOT NULL,
    sender_id      TEXT NOT NULL,
    sender_company INTEGER NOT NULL,
    sender_type    TEXT NOT NULL,
    status         TEXT NOT NULL,
    status_ms      INTEGER NOT NULL,
    validity       TEXT NOT NULL,
    remarks        TEXT NOT NULL DEFAULT '[]',
    due_ms         INTEGER,
    cancel_reason  TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS event_person ON event (works, person, act_ms);
CREATE INDEX IF NOT EXISTS event_act ON event (act_ms);
CREATE INDEX IF NOT EXISTS event_sender ON event (sender_company, works);
CREATE INDEX IF NOT EXISTS event_due ON event (due_ms) WHERE due_ms IS NOT NULL;
"""
_COLUMNS = (
    "number, act_ms, day, ssin, direction, works, place, company, foreign_vat, reference, person,"
    " created_ms, channel, activity, sender_id, sender_company, sender_type, status, status_ms,"
    " validity, due_ms"
)


@dataclass(frozen=True, slots=True)
class EventEntry:
    """One act to be stored; `person` is the latest known number of the person."""

    act: Act
    day: date
    person: str = field(repr=False)
    activity: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a validation found, and when the next one is due, if one is."""

    number: int
    validity: str
    remarks: tuple[str, ...]
    due_ms: int | None


@final
class EventStore:
    """In/out registrations; not safe for concurrent use, like the store it belongs to.

    Args:
        db: the store's connection, rows by name. The table is made when it is lacking.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        for statement in _TABLES.split(";"):
            self._db.execute(statement)

    def add_all(
        self,
        entries: Sequence[EventEntry],
        *,
        created_ms: int,
        channel: str,
        sender: Sender,
        due_ms: int,
    ) -> list[Event]:
        """Stores acts under the next numbers, in order.

        Call inside a transaction: the next number is asked for once.
        """
        last = self._whole("SELECT coalesce(max(number), ?) FROM event", (EVENT_BASE,))
        made = [
            Event(
                number,
                entry.act,
                entry.day,
                entry.person,
                created_ms,
                channel,
                entry.activity,
                sender,
                REGISTERED,
                created_ms,
                PENDING,
                due_ms=due_ms,
            )
            for number, entry in enumerate(entries, last + 1)
        ]
        self._db.executemany(
            f"INSERT INTO event ({_COLUMNS}) VALUES ({','.join('?' * 21)})",
            [_row(event) for event in made],
        )
        return made

    def get(self, number: int) -> Event | None:
        """The registration of that number, None if there is none."""
        found = self._events("WHERE number = ?", (number,))
        return found[0] if found else None

    def search(self, condition: Condition, order: str, first: int, rows: int) -> EventPage:
        """The number of all matches and one page of them.

        Args:
            condition: what matches.
            order: ORDER BY terms.
            first: matches to pass over.
            rows: most matches to return.
        """
        total = self._whole(f"SELECT count(*) FROM event WHERE {condition.sql}", condition.values)
        clause = f"WHERE {condition.sql} ORDER BY {order} LIMIT ? OFFSET ?"
        return EventPage(total, tuple(self._events(clause, [*condition.values, rows, first])))

    def newest(self, limit: int, offset: int = 0) -> list[Event]:
        """Registrations, newest number first."""
        return self._events("ORDER BY number DESC LIMIT ? OFFSET ?", (limit, offset))

    def everything(self) -> list[Event]:
        """All registrations in order of their numbers."""
        return self._events("ORDER BY number", ())

    def counts(self) -> dict[str, int]:
        """How many registrations are in each validity; cancelled ones are counted as such."""
        rows = self._db.execute(
            "SELECT CASE status WHEN ? THEN status ELSE validity END AS state, count(*)"
            " FROM event GROUP BY state",
            (CANCELLED,),
        )
        return {str(state): int(count) for state, count in rows}

    def sent_any(self, sender: Sender, company: object, works: object) -> bool:
        """True if the sender registered somebody for that company or on those works."""
        return bool(
            self._whole(
                "SELECT EXISTS (SELECT 1 FROM event WHERE (sender_id = ? OR sender_company = ?)"
                " AND (company = ? OR works = ?))",
                (sender.id, sender.company, company, works),
            )
        )

    def cancel(self, event: Event, reason: str, at_ms: int) -> None:
        """Ends a registration; what the same person did near it is validated again."""
        self._db.execute(
            "UPDATE event SET status = ?, status_ms = ?, cancel_reason = ?, due_ms = NULL"
            " WHERE number = ?",
            (CANCELLED, at_ms, reason, event.number),
        )
        self._db.execute(
            "UPDATE event SET due_ms = ? WHERE works = ? AND person = ? AND act_ms BETWEEN ? AND ?"
            " AND status <> ? AND validity <> ?",
            (
                at_ms,
                event.act.works,
                event.person,
                event.act.at_ms - DAY_MS,
                event.act.at_ms + DAY_MS,
                CANCELLED,
                PENDING,
            ),
        )

    def left(self, outs: Iterable[EventEntry], at_ms: int) -> None:
        """Has yesterday's `in` of those who go out only now validated again."""
        self._db.executemany(
            "UPDATE event SET due_ms = ? WHERE works = ? AND person = ? AND act_ms BETWEEN ? AND ?"
            " AND direction = 'in' AND day < ? AND status <> ? AND validity <> ?",
            [
                (
                    at_ms,
                    out.act.works,
                    out.person,
                    out.act.at_ms - DAY_MS,
                    out.act.at_ms,
                    out.day.isoformat(),
                    CANCELLED,
                    PENDING,
                )
                for out in outs
            ],
        )

    # validation

    def due(self, now_ms: int, limit: int) -> list[Event]:
        """Registrations whose validation is due, longest due first."""
        return self._events("WHERE due_ms <= ? ORDER BY due_ms, number LIMIT ?", (now_ms, limit))

    def next_due_ms(self) -> int | None:
        """The earliest instant at which a validation is due."""
        row = self._db.execute("SELECT min(due_ms) FROM event WHERE due_ms IS NOT NULL").fetchone()
        return cast("int | None", row[0])

    def has_earlier_twin(self, event: Event) -> bool:
        """True if the same act was registered before and not cancelled.

        The same act is the same person, works number, direction and instant.
        """
        return bool(
            self._whole(
                "SELECT EXISTS (SELECT 1 FROM event WHERE works = ? AND person = ? AND act_ms = ?"
                " AND direction = ? AND number < ? AND status <> ?)",
                (
                    event.act.works,
                    event.person,
                    event.act.at_ms,
                    event.act.direction,
                    event.number,
                    CANCELLED,
                ),
            )
        )

    def went_out(self, event: Event) -> bool:
        """True if what the person did next on these works, within a day, was to go out."""
        row = self._db.execute(
            "SELECT direction FROM event WHERE works = ? AND person = ? AND act_ms > ?"
            " AND act_ms <= ? AND status <> ? ORDER BY act_ms, number LIMIT 1",
            (
                event.act.works,
                event.person,
                event.act.at_ms,
                event.act.at_ms + DAY_MS,
                CANCELLED,
            ),
        ).fetchone()
        return row is not None and row[0] == "out"

    def judge(self, judgements: Sequence[Judgement]) -> None:
        """Keeps what validations found and when, if ever, each is due again."""
        self._db.executemany(
            "UPDATE event SET validity = ?, remarks = ?, due_ms = ? WHERE number = ?",
            [(one.validity, json.dumps(one.remarks), one.due_ms, one.number) for one in judgements],
        )

    def expedite(self, at_ms: int, since: date) -> None:
        """Has everything validated already, for days from `since` on, validated again."""
        self._db.execute(
            "UPDATE event SET due_ms = ? WHERE validity <> ? AND status <> ? AND day >= ?",
            (at_ms, PENDING, CANCELLED, since.isoformat()),
        )

    def expedite_pending(self, at_ms: int) -> None:
        """Brings every first validation forward to `at_ms`."""
        self._db.execute(
            "UPDATE event SET due_ms = ? WHERE validity = ? AND status <> ?",
            (at_ms, PENDING, CANCELLED),
        )

    def replace_inss(self, inss: str, by: str) -> None:
        """Renames a person everywhere; what was sent stays as it was."""
        self._db.execute("UPDATE event SET person = ? WHERE person = ?", (by, inss))

    # inside

    def _whole(self, sql: str, args: Sequence[object] = ()) -> int:
        return cast("int", self._db.execute(sql, args).fetchone()[0])

    def _events(self, clause: str, args: Sequence[object]) -> list[Event]:
        return [_event(row) for row in self._db.execute(f"SELECT * FROM event {clause}", args)]


def _row(event: Event) -> tuple[object, ...]:
    act, sender = event.act, event.sender
    return (
        event.number,
        act.at_ms,
        event.day.isoformat(),
        act.ssin,
        act.direction,
        act.works,
        json.dumps(act.place),
        act.company,
        act.foreign_vat,
        act.reference,
        event.person,
        event.created_ms,
        event.channel,
        event.activity,
        sender.id,
        sender.company,
        sender.user_type,
        event.status,
        event.status_ms,
        event.validity,
        event.due_ms,
    )


def _event(row: sqlite3.Row) -> Event:
    return Event(
        number=row["number"],
        act=Act(
            row["act_ms"],
            row["ssin"],
            cast("Direction", row["direction"]),
            row["works"],
            cast("dict[str, object]", json.loads(row["place"])),
            row["company"],
            row["foreign_vat"],
            row["reference"],
        ),
        day=date.fromisoformat(row["day"]),
        person=row["person"],
        created_ms=row["created_ms"],
        channel=row["channel"],
        activity=row["activity"],
        sender=Sender(row["sender_id"], row["sender_company"], row["sender_type"]),
        status=row["status"],
        status_ms=row["status_ms"],
        validity=row["validity"],
        remarks=tuple(json.loads(row["remarks"])),
        due_ms=row["due_ms"],
        cancel_reason=row["cancel_reason"],
    )
