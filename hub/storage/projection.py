"""What is derived, in SQL; plain statements on the driver, since each runs for every tap."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection, delete

from hub.application.gate_events import GateEvent
from hub.application.projection import (
    InboxRun,
    Known,
    NewRegistration,
    Projection,
    TapRow,
)
from hub.domain.legal_day import day_bounds_ms
from hub.domain.presence import Presence
from hub.errors import LocalProtocolError
from hub.storage.history import RegistrationEvent, apply_event, read_events
from hub.storage.incidents import add_incident
from hub.storage.schema import (
    clock_mark,
    gate_event,
    passage_count,
    presence,
    registration,
    tap,
)
from hub.storage.schema import projection as projection_table
from protocol.record import VERDICT_GRANTED

NAME = "presence"
DERIVED = (tap, clock_mark, gate_event, passage_count, presence, registration)

_RUNS = """
SELECT inbox.id, inbox.stream_id, stream.terminal_id, terminal.site_id, inbox.first_seq,
       inbox.received_ms, inbox.records, inbox.count
FROM inbox JOIN stream ON stream.id = inbox.stream_id
JOIN terminal ON terminal.id = stream.terminal_id
WHERE inbox.id > ? ORDER BY inbox.id LIMIT ?
"""
_KNOWN = """
SELECT person.id, person.token, works.site_id, person.works_number,
       person.inss_sealed IS NOT NULL, person.company_id IS NOT NULL,
       person.limosa_sealed IS NOT NULL
FROM badge JOIN person ON person.id = badge.person_id
JOIN works ON works.number = person.works_number WHERE badge.tag = ?
"""
_TAP_COLUMNS = (
    "stream_id, seq, terminal_id, direction, verdict, reason, tag, person_id, boot, ticks_ms, "
    "quality, at_ms, received_ms"
)
_ADD_TAP = "INSERT INTO tap (" + _TAP_COLUMNS + ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)"  # noqa: S608
_UNDATED = (
    "SELECT " + _TAP_COLUMNS + " FROM tap "  # noqa: S608
    "WHERE stream_id = ? AND boot = ? AND at_ms IS NULL ORDER BY seq"
)
_ADD_EVENT = """
INSERT INTO gate_event (stream_id, seq, terminal_id, kind, code, detail, boot, ticks_ms, at_ms,
                        received_ms) VALUES (?,?,?,?,?,?,?,?,?,?)
"""
_COUNT_PASSAGES = """
INSERT INTO passage_count (terminal_id, day, passed) VALUES (?,?,?)
ON CONFLICT (terminal_id, day) DO UPDATE SET passed = passed + excluded.passed
"""
_JOURNAL_BEFORE = """
SELECT 1 FROM stream JOIN stream AS earlier ON earlier.terminal_id = stream.terminal_id
WHERE stream.id = ? AND earlier.id < stream.id LIMIT 1
"""
_PRESENCE = """
SELECT first_in_ms, last_ms, inside, taps, received_ms, terminal_id
FROM presence WHERE person_id = ? AND site_id = ? AND day = ?
"""
_PUT_PRESENCE = """
INSERT OR REPLACE INTO presence (person_id, site_id, day, first_in_ms, last_ms, inside, taps,
                                 received_ms, terminal_id) VALUES (?,?,?,?,?,?,?,?,?)
"""
_ADD_REGISTRATION = """
INSERT INTO registration (reference, person_id, site_id, works_number, day, state, cause, tap_ms,
                          due_ms, changed_ms) VALUES (?,?,?,?,?,?,?,?,?,?)
"""


class Derived:
    """`ProjectionPort` on one open transaction.

    Args:
        connection: the transaction.
        owners: owners of badges already looked up; shared by the transactions that see the same
            register.
        events: what became of registrations, still to be applied (a rebuild only).
        rebuilding: incidents are kept already; they are not kept again.

    Attributes:
        reported: (code, terminal) of the incidents kept in this transaction.
    """

    def __init__(
        self,
        connection: Connection,
        owners: dict[bytes, Known | None],
        events: Iterator[RegistrationEvent] | None = None,
        rebuilding: bool = False,
    ) -> None:
        self._connection = connection
        self._run: Any = connection.exec_driver_sql
        self._owners = owners
        self._events = events or iter(())
        self._event = next(self._events, None)
        self._early: dict[str, list[RegistrationEvent]] = {}
        self._rebuilding = rebuilding
        self.reported: list[tuple[str, str]] = []

    def cursor(self) -> int:
        """Returns the id of the last inbox row that was projected."""
        row = self._run("SELECT inbox_id FROM projection WHERE name = ?", (NAME,)).first()
        return row[0] if row else 0

    def runs(self, limit: int) -> list[InboxRun]:
        """See `ProjectionPort`."""
        found: list[InboxRun] = []
        records = 0
        for row in self._run(_RUNS, (self.cursor(), limit)):
            if found and records + row[7] > limit:
                break
            records += row[7]
            found.append(InboxRun(*row[:7]))
        if found and self._event is not None:
            self._apply_events(found[0].received_ms)
        return found

    def advance(self, inbox_id: int) -> None:
        """See `ProjectionPort`."""
        self._run(
            "INSERT OR REPLACE INTO projection (name, inbox_id) VALUES (?,?)", (NAME, inbox_id)
        )

    def known(self, tag: bytes) -> Known | None:
        """See `ProjectionPort`."""
        if tag not in self._owners:
            row = self._run(_KNOWN, (tag,)).first()
            self._owners[tag] = (
                Known(row[0], row[1], row[2], row[3], bool(row[4]), bool(row[5]), bool(row[6]))
                if row
                else None
            )
        return self._owners[tag]

    def add_taps(self, taps: list[TapRow]) -> None:
        """See `ProjectionPort`."""
        self._run(
            _ADD_TAP,
            [
                (
                    tap.stream_id, tap.seq, tap.terminal_id, tap.direction, tap.verdict,
                    tap.reason, tap.tag, tap.person_id, tap.boot, tap.ticks_ms, tap.quality,
                    tap.at_ms, tap.received_ms,
                )
                for tap in taps
            ],
        )  # fmt: skip

    def add_events(self, events: list[GateEvent]) -> None:
        """See `ProjectionPort`."""
        self._run(
            _ADD_EVENT,
            [
                (
                    event.stream_id, event.seq, event.terminal_id, event.kind, event.code,
                    event.detail, event.boot, event.ticks_ms, event.at_ms, event.received_ms,
                )
                for event in events
            ],
        )  # fmt: skip

    def date_events(self, stream_id: int, boot: int, zero_ms: int) -> None:
        """See `ProjectionPort`."""
        self._run(
            "UPDATE gate_event SET at_ms = ? + ticks_ms "
            "WHERE stream_id = ? AND boot = ? AND at_ms IS NULL",
            (zero_ms, stream_id, boot),
        )

    def count_passages(self, terminal_id: str, day: date, count: int) -> None:
        """See `ProjectionPort`."""
        self._run(_COUNT_PASSAGES, (terminal_id, day.isoformat(), count))

    def had_journal_before(self, stream_id: int) -> bool:
        """See `ProjectionPort`."""
        return self._run(_JOURNAL_BEFORE, (stream_id,)).first() is not None

    def report(self, at_ms: int, code: str, terminal_id: str) -> None:
        """See `ProjectionPort`."""
        if not self._rebuilding:
            add_incident(self._connection, at_ms, code, terminal_id, "")
            self.reported.append((code, terminal_id))

    def date_tap(self, tap: TapRow) -> None:
        """See `ProjectionPort`."""
        self._run(
            "UPDATE tap SET at_ms = ? WHERE stream_id = ? AND seq = ?",
            (tap.at_ms, tap.stream_id, tap.seq),
        )

    def undated(self, stream_id: int, boot: int) -> list[TapRow]:
        """See `ProjectionPort`."""
        return [TapRow(*row) for row in self._run(_UNDATED, (stream_id, boot)).all()]

    def clock_mark(self, stream_id: int, boot: int) -> tuple[int, int] | None:
        """See `ProjectionPort`."""
        row = self._run(
            "SELECT ticks_ms, utc_ms FROM clock_mark WHERE stream_id = ? AND boot = ?",
            (stream_id, boot),
        ).first()
        return (row[0], row[1]) if row else None

    def add_clock_mark(self, stream_id: int, boot: int, ticks_ms: int, utc_ms: int) -> None:
        """See `ProjectionPort`."""
        self._run("INSERT INTO clock_mark VALUES (?,?,?,?)", (stream_id, boot, ticks_ms, utc_ms))

    def presence(self, person_id: int, site_id: int, day: date) -> Presence | None:
        """See `ProjectionPort`."""
        row = self._run(_PRESENCE, (person_id, site_id, day.isoformat())).first()
        if row is None:
            return None
        return Presence(row[0], row[1], bool(row[2]), row[3], row[4], row[5])

    def put_presence(self, person_id: int, site_id: int, day: date, presence: Presence) -> None:
        """See `ProjectionPort`."""
        self._run(
            _PUT_PRESENCE,
            (
                person_id, site_id, day.isoformat(), presence.first_in_ms, presence.last_ms,
                int(presence.inside), presence.taps, presence.received_ms, presence.terminal_id,
            ),
        )  # fmt: skip

    def inside_since(self, person_id: int, site_id: int, day: date) -> int | None:
        """See `ProjectionPort`."""
        before = self.presence(person_id, site_id, day - timedelta(days=1))
        return before.last_ms if before is not None and before.inside else None

    def registrations(
        self, person_id: int, works_number: str, day: date
    ) -> list[tuple[str, str, str]]:
        """See `ProjectionPort`."""
        rows = self._run(
            "SELECT reference, state, cause FROM registration "
            "WHERE person_id = ? AND works_number = ? AND day = ? ORDER BY reference",
            (person_id, works_number, day.isoformat()),
        )
        return [(row[0], row[1], row[2]) for row in rows]

    def waits_undated(self, person_id: int, day: date) -> bool:
        """See `ProjectionPort`."""
        begin, end = day_bounds_ms(day)
        row = self._run(
            "SELECT 1 FROM tap WHERE at_ms IS NULL AND person_id = ? AND verdict = ? "
            "AND received_ms >= ? AND received_ms < ? LIMIT 1",
            (person_id, VERDICT_GRANTED, begin, end),
        ).first()
        return row is not None

    def add_registration(self, registration: NewRegistration) -> None:
        """See `ProjectionPort`."""
        self._run(
            _ADD_REGISTRATION,
            (
                registration.reference, registration.person_id, registration.site_id,
                registration.works_number, registration.day.isoformat(),
                str(registration.state), registration.cause, registration.tap_ms,
                registration.due_ms, registration.changed_ms,
            ),
        )  # fmt: skip
        for early in self._early.pop(registration.reference, ()):
            apply_event(self._connection, early)

    def change_registration(self, registration: NewRegistration) -> None:
        """See `ProjectionPort`."""
        self._run(
            "UPDATE registration SET state = ?, cause = ?, tap_ms = ?, due_ms = ?, changed_ms = ? "
            "WHERE reference = ?",
            (
                str(registration.state), str(registration.cause), registration.tap_ms,
                registration.due_ms, registration.changed_ms, registration.reference,
            ),
        )  # fmt: skip

    # ------------------------------------------------------------ rebuild

    def _apply_events(self, until_ms: int | None) -> None:
        """Applies what had become of registrations before this moment (None: all of it)."""
        while self._event is not None and (until_ms is None or self._event.at_ms <= until_ms):
            event, self._event = self._event, next(self._events, None)
            if not apply_event(self._connection, event):
                # The clock of the hub was set back in between: it waits for its registration.
                self._early.setdefault(event.reference, []).append(event)

    def finish(self) -> None:
        """Applies the events that are left; call it once, after the last step of a rebuild.

        Raises:
            LocalProtocolError: HUB-1402, a registration with a history did not come back: its
                badge or its works number has passed to another person or works since.
        """
        self._apply_events(None)
        for reference in self._early:
            raise LocalProtocolError("HUB-1402", reference=reference)


def project_some(
    connection: Connection, owners: dict[bytes, Known | None]
) -> tuple[int, list[tuple[str, str]]]:
    """Projects the next chunk.

    Returns:
        The number of records (0: nothing left), and (code, terminal) of the incidents found.
    """
    derived = Derived(connection, owners)
    return Projection().step(derived), derived.reported


def rebuild(connection: Connection) -> int:
    """Drops everything derived and makes it again from the facts, in one transaction.

    Returns:
        The number of records projected.

    Raises:
        LocalProtocolError: HUB-1402, it would lose a registration; roll back.
    """
    for table in DERIVED:
        connection.execute(delete(table))
    connection.execute(delete(projection_table).where(projection_table.c.name == NAME))
    derived = Derived(connection, {}, read_events(connection), rebuilding=True)
    projection = Projection()
    total = 0
    # One run at a time, so that what became of registrations falls between the same runs as then.
    while count := projection.step(derived, 1):
        total += count
    derived.finish()
    return total
