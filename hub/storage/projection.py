"""What is derived, in SQL; plain statements on the driver, since each runs for every tap."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, exists, or_, select, true

from hub.application.enrolment import SeenTap
from hub.application.gate_events import GateEvent
from hub.application.projection import ActRow, InboxRun, Projection
from hub.application.registering import Known, Standing, TapRow, WorksHere
from hub.application.registrations import NewRegistration
from hub.application.terminals import DESK
from hub.domain.causes import Cause
from hub.domain.companies import enterprise_number, foreign_vat
from hub.domain.in_out_regime import WINDOW_MS
from hub.domain.legal_day import brussels_day, day_bounds_ms
from hub.domain.people import is_registered
from hub.domain.presence import Presence
from hub.domain.registration import State
from hub.domain.works import Regime, WorksChoice, choose_works
from hub.storage.acts import acts_to_do, mark_done
from hub.storage.announced import is_newcomer
from hub.storage.badge_history import Link, holder_of, links_of, since_when
from hub.storage.history import RegistrationEvent, create, fold, step
from hub.storage.incidents import add_incident
from hub.storage.schema import (
    act_done,
    clock_mark,
    erased_run,
    gate_event,
    inbox,
    passage_count,
    presence,
    tap,
)
from hub.storage.schema import projection as projection_table
from hub.storage.works import candidates, planned_works, regime_on
from protocol.record import REASON_UNKNOWN_BADGE, VERDICT_GRANTED, record_ok, unpack_record

NAME = "presence"
REBUILD_CHUNK = 1024
_NO_LAST = 2**62
DERIVED = (tap, act_done, clock_mark, gate_event, passage_count, presence)
"""What a rebuild makes anew; of `registration` it makes the derived columns anew."""

_RUNS = """
SELECT inbox.id, inbox.stream_id, stream.terminal_id, terminal.site_id, inbox.first_seq,
       inbox.received_ms, inbox.records, inbox.count, terminal.direction
FROM inbox JOIN stream ON stream.id = inbox.stream_id
JOIN terminal ON terminal.id = stream.terminal_id
WHERE inbox.id > ? AND inbox.id <= ? ORDER BY inbox.id LIMIT ?
"""
_PERSON = """
SELECT person.id, person.token, person.inss_sealed IS NOT NULL, company.number,
       person.limosa_sealed IS NOT NULL, person.foreign_vat IS NOT NULL,
       person.kind, person.limosa_from, person.limosa_until
FROM """
_PERSON_ID = (
    _PERSON + "person LEFT JOIN company ON company.id = person.company_id WHERE person.id = ?"
)
_OWNER = "SELECT person_id, linked_ms FROM badge WHERE tag = ?"
_OWNER_THEN = "SELECT person_id FROM owner_then WHERE stream_id = ? AND seq = ?"
_BECAME_WORKER = """
SELECT at_ms FROM audit WHERE subject = ? AND action = 'person.changed'
AND detail LIKE '%"became_worker": true%' ORDER BY id DESC LIMIT 1
"""
_KEEP_OWNERS = """
CREATE TEMP TABLE owner_then AS SELECT stream_id, seq, person_id FROM tap
WHERE person_id IS NOT NULL
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
_STANDING = """
SELECT reference, works_number, state, cause, act, direction, tap_ms FROM registration
WHERE person_id = ? AND day = ? AND site_id = ? ORDER BY reference
"""
_DAY_DECIDED = """
SELECT 1 FROM registration WHERE person_id = ? AND site_id = ? AND day = ? AND act = '' LIMIT 1
"""
_ACT_DECIDED = "SELECT 1 FROM registration WHERE person_id = ? AND site_id = ? AND act = ? LIMIT 1"
_PLACE_KNOWN = "SELECT place IS NOT NULL FROM works WHERE number = ?"


class RegisterView:
    """What was looked up in one version of the register; thrown away when it changes."""

    def __init__(self) -> None:
        self.owners: dict[bytes, Known | None] = {}
        self.works: dict[tuple[int, int, date], WorksHere] = {}
        self.known: dict[tuple[int, int], Known | None] = {}
        self.links: dict[bytes, tuple[Link, ...]] = {}


class Derived:
    """`ProjectionPort` on one open transaction.

    Args:
        connection: the transaction.
        register: what was looked up already; shared by the transactions that see the same register.
        rebuilding: incidents are kept already, and so are the steps that registrations took: what
            is decided again is only written for subjects that have no registration at all.

    Attributes:
        reported: (code, terminal) of the incidents kept in this transaction.
    """

    def __init__(
        self, connection: Connection, register: RegisterView, rebuilding: bool = False
    ) -> None:
        self._connection = connection
        self._run: Any = connection.exec_driver_sql
        self._register = register
        self._rebuilding = rebuilding
        self._made: set[str] = set()
        self.reported: list[tuple[str, str]] = []

    def cursor(self) -> int:
        """Returns the id of the last inbox row that was projected."""
        row = self._run("SELECT inbox_id FROM projection WHERE name = ?", (NAME,)).first()
        return row[0] if row else 0

    def runs(self, limit: int, upto: int | None = None) -> list[InboxRun]:
        """See `ProjectionPort`."""
        found: list[InboxRun] = []
        records = 0
        last = _NO_LAST if upto is None else upto
        for row in self._run(_RUNS, (self.cursor(), last, limit)):
            if found and records + row[7] > limit:
                break
            records += row[7]
            found.append(InboxRun(*row[:7], desk=row[8] == DESK))
        return found

    def acts(self, limit: int) -> list[ActRow]:
        """See `ProjectionPort`."""
        return acts_to_do(self._connection, limit)

    def act_done(self, act: ActRow, at_ms: int) -> None:
        """See `ProjectionPort`."""
        mark_done(self._connection, act, at_ms)

    def advance(self, inbox_id: int) -> None:
        """See `ProjectionPort`."""
        self._run(
            "INSERT OR REPLACE INTO projection (name, inbox_id) VALUES (?,?)", (NAME, inbox_id)
        )

    def owner(
        self, tag: bytes, stream_id: int, seq: int, at_ms: int | None, received_ms: int
    ) -> Known | None:
        """See `RegisteringPort`."""
        if self._rebuilding:
            return self._owner_then(tag, stream_id, seq, at_ms, received_ms)
        owners = self._register.owners
        if tag not in owners:
            row = self._run(_OWNER, (tag,)).first()
            owners[tag] = self._known(row[0], row[1]) if row else None
        return owners[tag]

    def _owner_then(
        self, tag: bytes, stream_id: int, seq: int, at_ms: int | None, received_ms: int
    ) -> Known | None:
        """Who had the badge then: it may have passed to another since."""
        links = self._register.links.get(tag)
        if links is None:
            links = self._register.links[tag] = links_of(self._connection, tag)
        row = self._run(_OWNER_THEN, (stream_id, seq)).first()
        if row is not None:
            return self._known(row[0], since_when(links, row[0], received_ms))
        link = holder_of(links, at_ms, received_ms)
        if link is None or link.person_id is None:
            return None
        return self._known(link.person_id, link.at_ms)

    def person(self, person_id: int) -> Known | None:
        """See `RegisteringPort`."""
        return self._known(person_id, 0)

    def _known(self, person_id: int, linked_ms: int) -> Known | None:
        known = self._register.known
        if (person_id, linked_ms) not in known:
            known[person_id, linked_ms] = self._look_up(person_id, linked_ms)
        return known[person_id, linked_ms]

    def _look_up(self, person_id: int, linked_ms: int) -> Known | None:
        row = self._run(_PERSON_ID, (person_id,)).first()
        if row is None:
            return None
        since = self._run(_BECAME_WORKER, (f"person:{person_id}",)).scalar()
        return Known(
            row[0],
            row[1],
            bool(row[2]),
            enterprise_number(row[3]) is not None,
            bool(row[4]),
            bool(row[5]) or foreign_vat(row[3]) is not None,
            works_here=is_registered(row[6]),
            works_from=None if since is None else brussels_day(since),
            limosa_from=date.fromisoformat(row[7]) if row[7] else None,
            limosa_until=date.fromisoformat(row[8]) if row[8] else None,
            linked_ms=linked_ms,
        )

    def works(self, person_id: int, site_id: int, day: date) -> WorksHere:
        """See `RegisteringPort`."""
        key = (person_id, site_id, day)
        here = self._register.works.get(key)
        if here is None:
            here = self._works(person_id, site_id, day)
            if here.number:
                # A choice that is still open may be made by the plan, which is not the register.
                self._register.works[key] = here
        return here

    def _works(self, person_id: int, site_id: int, day: date) -> WorksHere:
        found = candidates(self._connection, person_id, site_id, day)
        choice = choose_works(found.own, found.employer)
        if is_newcomer(self._connection, person_id):
            choice = WorksChoice("", Cause.NEWCOMER)
        elif choice.missing is not None:
            planned = planned_works(self._connection, person_id, site_id, day)
            choice = choose_works(found.own, found.employer, planned)
        if choice.number:
            regime = regime_on(self._connection, choice.number, day)
            row = self._run(_PLACE_KNOWN, (choice.number,)).first()
            return WorksHere(choice.number, None, regime, bool(row and row[0]))
        regimes = {
            regime_on(self._connection, number, day)
            for number in found.own or found.employer or found.of_site
        }
        regime: Regime = "in_out" if regimes == {"in_out"} else "day"
        return WorksHere("", choice.missing, regime, False)

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

    def standing(self, person_id: int, site_id: int, day: date) -> list[Standing]:
        """See `RegisteringPort`."""
        return [
            Standing(*row) for row in self._run(_STANDING, (person_id, day.isoformat(), site_id))
        ]

    def waits_undated(self, person_id: int, day: date) -> bool:
        """See `ProjectionPort`."""
        begin, end = day_bounds_ms(day)
        row = self._run(
            "SELECT 1 FROM tap WHERE at_ms IS NULL AND person_id = ? "
            "AND (verdict = ? OR reason = ?) AND received_ms >= ? AND received_ms < ? LIMIT 1",
            (person_id, VERDICT_GRANTED, REASON_UNKNOWN_BADGE, begin, end),
        ).first()
        return row is not None

    def add_registration(self, registration: NewRegistration) -> None:
        """See `RegisteringPort`."""
        if self._rebuilding:
            if self._was_decided(registration):
                return
            self._made.add(registration.reference)
            registration = replace(registration, actor="rebuild")
        create(self._connection, registration)

    def _was_decided(self, registration: NewRegistration) -> bool:
        subject = self._run(
            _ACT_DECIDED if registration.act else _DAY_DECIDED,
            (
                registration.person_id,
                registration.site_id,
                registration.act or registration.day.isoformat(),
            ),
        )
        return subject.first() is not None

    def change_registration(
        self, reference: str, state: State, cause: Cause, now_ms: int, tap_ms: int, due_ms: int
    ) -> None:
        """See `RegisteringPort`."""
        if self._rebuilding and reference not in self._made:
            return
        step(
            self._connection,
            RegistrationEvent(
                reference,
                now_ms,
                state,
                cause,
                due_ms=due_ms,
                tap_ms=tap_ms,
                actor="rebuild" if self._rebuilding else "projection",
            ),
        )


def project_some(
    connection: Connection,
    register: RegisterView,
    window_ms: int = WINDOW_MS,
    seen: list[SeenTap] | None = None,
) -> tuple[int, list[tuple[str, str]]]:
    """Projects the next chunk.

    Args:
        connection: the transaction.
        register: see `Derived`.
        window_ms: see `Projection`.
        seen: gets each badge that was refused or held at a desk.

    Returns:
        The number of records (0: nothing left), and (code, terminal) of the incidents found.
    """
    derived = Derived(connection, register)
    told = (lambda _tap: None) if seen is None else seen.append
    return Projection(window_ms, told).step(derived), derived.reported


def _can_be_made_again(connection: Connection, table: Table) -> ColumnElement[bool]:
    """The rows of a derived table whose facts are all there."""
    if table is gate_event:
        columns = erased_run.c
        return ~exists().where(
            columns.stream_id == gate_event.c.stream_id,
            columns.first_seq <= gate_event.c.seq,
            columns.last_seq >= gate_event.c.seq,
        )
    if table is not clock_mark:
        return true()
    kept: list[ColumnElement[bool]] = []
    for stream_id in connection.execute(select(erased_run.c.stream_id).distinct()).scalars():
        first = connection.execute(
            select(inbox.c.records)
            .where(inbox.c.stream_id == stream_id)
            .order_by(inbox.c.first_seq)
            .limit(1)
        ).scalar()
        if first is not None and record_ok(first, 0):
            boot = unpack_record(first, 0).boot
            kept.append(and_(clock_mark.c.stream_id == stream_id, clock_mark.c.boot <= boot))
    return ~or_(*kept) if kept else true()


def rebuild(connection: Connection, window_ms: int = WINDOW_MS) -> int:
    """Drops everything derived and makes it again from the facts, in one transaction.

    What came from records whose time was over is gone with them, but for what is kept longer than
    they are: events of gates, and by which clock a gate that still runs went.

    What became of each registration is made again from its steps, and a tap stays with whom it was
    made by. Whose a tap is that was nobody's, the history of its badge says
    (`hub.storage.badge_history`); it is decided now, as of the moment it came in.

    Returns:
        The number of records projected.

    Raises:
        LocalProtocolError: HUB-1402, a step belongs to no registration; roll back.
    """
    run = connection.exec_driver_sql
    run("DROP TABLE IF EXISTS temp.owner_then")
    run(_KEEP_OWNERS)
    run("CREATE UNIQUE INDEX temp.owner_then_key ON owner_then (stream_id, seq)")
    for table in DERIVED:
        connection.execute(delete(table).where(_can_be_made_again(connection, table)))
    connection.execute(delete(projection_table).where(projection_table.c.name == NAME))
    fold(connection)
    derived = Derived(connection, RegisterView(), rebuilding=True)
    projection = Projection(window_ms)
    total = 0
    while count := projection.step(derived, REBUILD_CHUNK):
        total += count
    run("DROP TABLE temp.owner_then")
    return total
