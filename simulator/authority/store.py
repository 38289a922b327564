"""The authority's memory: one SQLite file, WAL, one write transaction per call.

Registrations are never deleted; a cancelled one keeps its number and its history. `due_ms` is the
only queue there is: the instant at which a registration is to be validated (again).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Final, cast, final

from simulator.authority.event_store import EventStore
from simulator.authority.presence import (
    CANCELLED,
    FAILED,
    REGISTERED,
    VALIDATED,
    Page,
    Registration,
    Sender,
    Submission,
    Validation,
)
from simulator.authority.registers import Dimona, Period
from simulator.authority.search import Condition

LAYOUT: Final = 1
# 15 digits, far from real numbers; the first registration gets the next one.
NUMBER_BASE: Final = 900_000_000_000_000

_TABLES = """
CREATE TABLE registration (
    number         INTEGER PRIMARY KEY,
    day            TEXT NOT NULL,
    date_text      TEXT,
    inss           TEXT,
    company        INTEGER,
    limosa         TEXT,
    works          TEXT NOT NULL,
    reference      TEXT,
    person         TEXT,
    sector         INTEGER,
    created_ms     INTEGER NOT NULL,
    channel        TEXT NOT NULL,
    sender_id      TEXT NOT NULL,
    sender_company INTEGER NOT NULL,
    sender_type    TEXT NOT NULL,
    status         TEXT NOT NULL,
    status_ms      INTEGER,
    remarks        TEXT NOT NULL DEFAULT '[]',
    due_ms         INTEGER,
    cancel_reason  TEXT
) STRICT;
CREATE INDEX registration_works ON registration (works, day);
CREATE INDEX registration_day ON registration (day);
CREATE INDEX registration_due ON registration (due_ms) WHERE due_ms IS NOT NULL;
CREATE TABLE validation (
    number   INTEGER NOT NULL REFERENCES registration (number),
    position INTEGER NOT NULL,
    status   TEXT NOT NULL,
    at_ms    INTEGER,
    remarks  TEXT NOT NULL,
    PRIMARY KEY (number, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE dimona (inss TEXT NOT NULL, company INTEGER NOT NULL, start TEXT, until TEXT) STRICT;
CREATE TABLE replacement (inss TEXT PRIMARY KEY, replaced_by TEXT NOT NULL) STRICT;
CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
"""

# Made whenever they are lacking, so that a file of an earlier version has them too: a person is
# looked for among thousands on one works and day.
_INDEXES = """
CREATE INDEX IF NOT EXISTS registration_person ON registration (works, day, person)
    WHERE person IS NOT NULL;
CREATE INDEX IF NOT EXISTS registration_limosa ON registration (works, day, limosa)
    WHERE limosa IS NOT NULL;
CREATE INDEX IF NOT EXISTS registration_sender ON registration (sender_company, works);
"""


class StoreLayoutError(Exception):
    """The file was written by another version of the simulator: use another file."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One registration to be stored.

    `person` is the latest known INSS, `due_ms` the instant of the first validation.
    """

    submission: Submission
    day: date
    person: str | None = field(repr=False)
    sector: int | None
    due_ms: int


@final
class Store:
    """Registrations and what was added to the registers, durable across restarts.

    `events` holds the in/out registrations; what concerns both is asked of this object. Not safe
    for concurrent use: `Authority` holds one lock around every call.

    Args:
        path: SQLite file; created when it does not exist.

    Raises:
        StoreLayoutError: the file has another layout.
        sqlite3.Error: the file cannot be opened or is something else.
    """

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        try:
            self._prepare()
            self.events = EventStore(self._db)
        except (sqlite3.Error, StoreLayoutError):
            self._db.close()
            raise

    def _prepare(self) -> None:
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA foreign_keys = ON")
        layout = self._whole("PRAGMA user_version")
        if layout == 0:
            with self.transaction():
                for statement in _TABLES.split(";"):
                    self._db.execute(statement)
                self._db.execute(f"PRAGMA user_version = {LAYOUT}")
        elif layout != LAYOUT:
            raise StoreLayoutError(f"layout {layout}, this simulator reads {LAYOUT}")
        with self.transaction():
            for statement in _INDEXES.split(";"):
                self._db.execute(statement)

    @property
    def connection(self) -> sqlite3.Connection:
        """The open file, for tables that other modules keep; the same lock goes for them."""
        return self._db

    def close(self) -> None:
        """Closes the file; nothing committed is lost."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside is committed together, or not at all when an error leaves the block."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    # registrations

    def add(
        self,
        submission: Submission,
        *,
        day: date,
        person: str | None,
        sector: int | None,
        created_ms: int,
        channel: str,
        sender: Sender,
        due_ms: int,
    ) -> Registration:
        """Stores one registration, see `add_all`."""
        entry = Entry(submission, day, person, sector, due_ms)
        return self.add_all((entry,), created_ms=created_ms, channel=channel, sender=sender)[0]

    def add_all(
        self,
        entries: Sequence[Entry],
        *,
        created_ms: int,
        channel: str,
        sender: Sender,
    ) -> list[Registration]:
        """Stores registrations under the next numbers, in order, with the start of their history.

        Call inside a transaction: the next number is asked for once.
        """
        first = Validation(REGISTERED)
        last_number = self._whole(
            "SELECT coalesce(max(number), ?) FROM registration", (NUMBER_BASE,)
        )
        made = [
            Registration(
                number,
                entry.day,
                entry.submission,
                entry.person,
                entry.sector,
                created_ms,
                channel,
                sender,
                first,
                entry.due_ms,
            )
            for number, entry in enumerate(entries, last_number + 1)
        ]
        self._db.executemany(
            "INSERT INTO registration (number, day, date_text, inss, company, limosa, works,"
            " reference, person, sector, created_ms, channel, sender_id, sender_company,"
            " sender_type, status, due_ms) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            [
                (
                    one.number,
                    one.day.isoformat(),
                    one.submission.date_text,
                    one.submission.inss,
                    one.submission.company,
                    one.submission.limosa,
                    one.submission.works,
                    one.submission.reference,
                    one.person,
                    one.sector,
                    created_ms,
                    channel,
                    sender.id,
                    sender.company,
                    sender.user_type,
                    REGISTERED,
                    one.due_ms,
                )
                for one in made
            ],
        )
        self._db.executemany(
            "INSERT INTO validation VALUES (?, 1, ?, NULL, '[]')",
            [(one.number, REGISTERED) for one in made],
        )
        return made

    def get(self, number: int, *, history: bool = False) -> Registration | None:
        """The registration of that number, None if there is none."""
        rows = self._registrations("WHERE number = ?", (number,))
        if not rows:
            return None
        return self._with_history(rows)[0] if history else rows[0]

    def search(self, condition: Condition, order: str, first_row: int, rows: int) -> Page:
        """The number of all matches and one page of them.

        Args:
            condition: what matches.
            order: ORDER BY terms.
            first_row: matches to pass over.
            rows: most matches to return.
        """
        count = self._whole(
            f"SELECT count(*) FROM registration WHERE {condition.sql}", condition.values
        )
        found = self._registrations(
            f"WHERE {condition.sql} ORDER BY {order} LIMIT ? OFFSET ?",
            [*condition.values, rows, first_row],
        )
        return Page(count, tuple(found))

    def newest(self, limit: int, offset: int = 0) -> list[Registration]:
        """Registrations, newest number first."""
        return self._registrations("ORDER BY number DESC LIMIT ? OFFSET ?", (limit, offset))

    def everything(self) -> list[Registration]:
        """All registrations with their history, in order of their numbers."""
        return self._with_history(self._registrations("ORDER BY number", ()))

    def counts(self) -> dict[str, int]:
        """How many registrations are in each status."""
        rows = self._db.execute("SELECT status, count(*) FROM registration GROUP BY status")
        return {str(status): int(count) for status, count in rows}

    def sent_any(self, sender: Sender, company: int | None, works: str | None) -> bool:
        """True if the sender registered somebody for that company or on those works."""
        return bool(
            self._whole(
                "SELECT EXISTS (SELECT 1 FROM registration WHERE (sender_id = ? OR"
                " sender_company = ?) AND (company = ? OR works = ?))",
                (sender.id, sender.company, company, works),
            )
        )

    def cancel(self, number: int, reason: str, at_ms: int) -> None:
        """Ends a registration and has its later twins validated again."""
        self.record(number, Validation(CANCELLED, at_ms))
        self._db.execute(
            "UPDATE registration SET due_ms = NULL, cancel_reason = ? WHERE number = ?",
            (reason, number),
        )
        for column in ("person", "limosa"):
            self._db.execute(
                "UPDATE registration SET due_ms = ? WHERE status IN (?, ?) AND number > ? AND"
                f" (works, day, {column}) ="
                f" (SELECT works, day, {column} FROM registration WHERE number = ?)",
                (at_ms, VALIDATED, FAILED, number, number),
            )

    # validation

    def due(self, now_ms: int, limit: int) -> list[Registration]:
        """Registrations whose validation is due, longest due first."""
        return self._registrations(
            "WHERE due_ms <= ? ORDER BY due_ms, number LIMIT ?", (now_ms, limit)
        )

    def next_due_ms(self) -> int | None:
        """The earliest instant at which a validation is due."""
        row = self._db.execute(
            "SELECT min(due_ms) FROM registration WHERE due_ms IS NOT NULL"
        ).fetchone()
        return cast("int | None", row[0])

    def has_earlier_twin(self, registration: Registration) -> bool:
        """True if the same person was registered before on the same works and day, uncancelled."""
        column, value = "person", registration.person
        if value is None:
            column, value = "limosa", registration.submission.limosa
        return bool(
            self._whole(
                "SELECT EXISTS (SELECT 1 FROM registration WHERE works = ? AND day = ? AND"
                f" {column} = ? AND number < ? AND status <> ?)",
                (
                    registration.submission.works,
                    registration.day.isoformat(),
                    value,
                    registration.number,
                    CANCELLED,
                ),
            )
        )

    def record(self, number: int, validation: Validation) -> None:
        """Makes `validation` the current state and appends it to the history."""
        remarks = json.dumps(validation.remarks)
        self._db.execute(
            "INSERT INTO validation SELECT ?, 1 + count(*), ?, ?, ? FROM validation"
            " WHERE number = ?",
            (number, validation.status, validation.at_ms, remarks, number),
        )
        self._db.execute(
            "UPDATE registration SET status = ?, status_ms = ?, remarks = ? WHERE number = ?",
            (validation.status, validation.at_ms, remarks, number),
        )

    def settled(self, numbers: Sequence[tuple[int, int | None]]) -> None:
        """Takes registrations off the validation queue, or puts them there for another time.

        Args:
            numbers: each with the instant of its next validation, None for none.
        """
        self._db.executemany(
            "UPDATE registration SET due_ms = ? WHERE number = ?",
            [(again_ms, number) for number, again_ms in numbers],
        )

    def identify(self, limosa: str, person: str) -> None:
        """Says whose Limosa number it is, for registrations made when nobody knew."""
        self._db.execute(
            "UPDATE registration SET person = ? WHERE limosa = ? AND person IS NULL",
            (person, limosa),
        )

    def expedite(self, at_ms: int, since: date) -> None:
        """Has everything validated already, for days from `since` on, validated again."""
        self._db.execute(
            "UPDATE registration SET due_ms = ? WHERE status IN (?, ?) AND day >= ?",
            (at_ms, VALIDATED, FAILED, since.isoformat()),
        )
        self.events.expedite(at_ms, since)

    def expedite_pending(self, at_ms: int) -> None:
        """Brings every first validation forward to `at_ms`."""
        self._db.execute("UPDATE registration SET due_ms = ? WHERE status = ?", (at_ms, REGISTERED))
        self.events.expedite_pending(at_ms)

    # what was added to the registers, and settings

    def add_dimona(self, dimona: Dimona) -> None:
        """Keeps a Dimona that became known while running."""
        start, end = dimona.period.start, dimona.period.end
        self._db.execute(
            "INSERT INTO dimona VALUES (?, ?, ?, ?)",
            (
                dimona.inss,
                dimona.company,
                start.isoformat() if start else None,
                end.isoformat() if end else None,
            ),
        )

    def dimonas(self) -> list[Dimona]:
        """The Dimonas that became known while running."""
        return [
            Dimona(inss, company, Period(_day(start), _day(until)))
            for inss, company, start, until in self._db.execute("SELECT * FROM dimona")
        ]

    def replace_inss(self, inss: str, by: str) -> None:
        """Keeps the replacement of a person's number and renames the person everywhere."""
        self._db.execute("INSERT OR REPLACE INTO replacement VALUES (?, ?)", (inss, by))
        self._db.execute("UPDATE registration SET person = ? WHERE person = ?", (by, inss))
        self.events.replace_inss(inss, by)

    def replacements(self) -> list[tuple[str, str]]:
        """The replacements kept by `replace_inss`."""
        rows = self._db.execute("SELECT inss, replaced_by FROM replacement")
        return [(row["inss"], row["replaced_by"]) for row in rows]

    def setting(self, name: str) -> str | None:
        """A value kept by `set_setting`, None if there is none."""
        row = self._db.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def set_setting(self, name: str, value: str) -> None:
        """Keeps a value under a name."""
        self._db.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (name, value))

    def settings(self, prefix: str) -> dict[str, str]:
        """The values kept under names that start with `prefix`, by the rest of the name."""
        rows = self._db.execute(
            "SELECT name, value FROM setting WHERE substr(name, 1, ?) = ? ORDER BY rowid",
            (len(prefix), prefix),
        )
        return {str(name).removeprefix(prefix): str(value) for name, value in rows}

    # inside

    def _whole(self, sql: str, args: Sequence[object] = ()) -> int:
        return cast("int", self._db.execute(sql, args).fetchone()[0])

    def _registrations(self, clause: str, args: Sequence[object]) -> list[Registration]:
        rows = self._db.execute(f"SELECT * FROM registration {clause}", args)
        return [_registration(row) for row in rows]

    def _with_history(self, registrations: list[Registration]) -> list[Registration]:
        numbers = [registration.number for registration in registrations]
        histories: dict[int, list[Validation]] = {number: [] for number in numbers}
        rows = self._db.execute(
            "SELECT number, status, at_ms, remarks FROM validation"
            " WHERE number IN (SELECT value FROM json_each(?)) ORDER BY number, position",
            (json.dumps(numbers),),
        )
        for number, status, at_ms, remarks in rows:
            histories[number].append(Validation(status, at_ms, tuple(json.loads(remarks))))
        return [
            replace(registration, history=tuple(histories[registration.number]))
            for registration in registrations
        ]


def _registration(row: sqlite3.Row) -> Registration:
    return Registration(
        number=row["number"],
        day=date.fromisoformat(row["day"]),
        submission=Submission(
            row["works"],
            row["date_text"],
            row["inss"],
            row["company"],
            row["limosa"],
            row["reference"],
        ),
        person=row["person"],
        sector=row["sector"],
        created_ms=row["created_ms"],
        channel=row["channel"],
        sender=Sender(row["sender_id"], row["sender_company"], row["sender_type"]),
        last=Validation(row["status"], row["status_ms"], tuple(json.loads(row["remarks"]))),
        due_ms=row["due_ms"],
        cancel_reason=row["cancel_reason"],
    )


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
