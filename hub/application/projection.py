"""Records become taps, taps become presence, and presence becomes registrations that are due.

Theory of operation. The projection reads the inbox in the order of arrival and writes what follows
from it, together with its cursor, in one transaction; so it may die at any moment and goes on where
it was. Nothing here reads a clock: *now* is the moment the hub first held the record, which the
inbox keeps, so that a rebuild from nothing decides what was decided then.

A tap without a trusted clock waits undated until a "time set" record of the same boot tells what
its ticks meant; whichever of the two arrives first, the result is the same. So does what a gate
tells about itself (`hub.application.gate_events`).

The register (whose badge, which works number) is the present one: a rebuild after an import may
give people to taps of badges that were unknown before, which is what one rebuilds for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Protocol

import structlog

from hub.application.gate_events import (
    STORAGE_RESET_CODE,
    GateEvent,
    event_of,
    went_through,
)
from hub.domain.causes import Cause
from hub.domain.day_regime import TapFacts, decide, tap_day
from hub.domain.presence import Presence, PresenceTap, fold
from hub.domain.registration import State, check_transition, client_reference
from protocol.errors import MalformedError
from protocol.limits import RECORD_SIZE
from protocol.record import (
    DIRECTION_OUT,
    KIND_STORAGE_RESET,
    KIND_TAP,
    KIND_TIME_SET,
    VERDICT_GRANTED,
    Record,
    unpack_record,
)

CHUNK = 64
"""Records in one transaction: a few milliseconds, so that acks never wait long behind it."""

_CLOCK = (Cause.CLOCK_UNKNOWN, Cause.CLOCK_WRONG)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class InboxRun:
    """One row of the inbox."""

    id: int
    stream_id: int
    terminal_id: str
    site_id: int
    first_seq: int
    received_ms: int
    records: bytes


@dataclass(frozen=True, slots=True)
class Known:
    """What the register says of the owner of a badge, without any number."""

    person_id: int
    token: str
    site_id: int
    works_number: str
    has_inss: bool
    has_company: bool
    has_limosa: bool


@dataclass(slots=True)
class TapRow:
    """One tap as a row; `at_ms` is None while nothing dates it."""

    stream_id: int
    seq: int
    terminal_id: str
    direction: int
    verdict: int
    reason: int
    tag: bytes
    person_id: int | None
    boot: int
    ticks_ms: int
    quality: int
    at_ms: int | None
    received_ms: int


@dataclass(frozen=True, slots=True)
class NewRegistration:
    """A registration as the tap that caused it made it."""

    reference: str
    person_id: int
    site_id: int
    works_number: str
    day: date
    state: State
    cause: str
    tap_ms: int
    due_ms: int
    changed_ms: int


class ProjectionPort(Protocol):
    """Store of everything derived, inside one transaction."""

    def runs(self, limit: int) -> list[InboxRun]:
        """Returns runs after the cursor holding at least one and about `limit` records."""
        ...

    def advance(self, inbox_id: int) -> None:
        """Moves the cursor."""
        ...

    def known(self, tag: bytes) -> Known | None:
        """Returns the owner of a badge."""
        ...

    def add_taps(self, taps: list[TapRow]) -> None:
        """Adds taps."""
        ...

    def date_tap(self, tap: TapRow) -> None:
        """Gives an undated tap its moment."""
        ...

    def add_events(self, events: list[GateEvent]) -> None:
        """Adds what a gate told of itself."""
        ...

    def date_events(self, stream_id: int, boot: int, zero_ms: int) -> None:
        """Gives the undated events of this boot their moment; it began at `zero_ms` (UTC)."""
        ...

    def count_passages(self, terminal_id: str, day: date, count: int) -> None:
        """Adds to how many people went through this gate on this day."""
        ...

    def had_journal_before(self, stream_id: int) -> bool:
        """Returns whether the terminal of this stream had another one earlier."""
        ...

    def report(self, at_ms: int, code: str, terminal_id: str) -> None:
        """Keeps an incident; once, however often everything is derived again."""
        ...

    def undated(self, stream_id: int, boot: int) -> list[TapRow]:
        """Returns the taps of this boot that wait for a date, by sequence number."""
        ...

    def clock_mark(self, stream_id: int, boot: int) -> tuple[int, int] | None:
        """Returns (ticks, UTC ms) of the first trusted time of this boot."""
        ...

    def add_clock_mark(self, stream_id: int, boot: int, ticks_ms: int, utc_ms: int) -> None:
        """Keeps the first trusted time of this boot."""
        ...

    def presence(self, person_id: int, site_id: int, day: date) -> Presence | None:
        """Returns the presence so far."""
        ...

    def put_presence(self, person_id: int, site_id: int, day: date, presence: Presence) -> None:
        """Writes it."""
        ...

    def inside_since(self, person_id: int, site_id: int, day: date) -> int | None:
        """Returns the open in-tap of the day before `day` (UTC ms), for a night shift."""
        ...

    def registrations(
        self, person_id: int, works_number: str, day: date
    ) -> list[tuple[str, str, str]]:
        """Returns (reference, state, cause) of all registrations of this subject."""
        ...

    def waits_undated(self, person_id: int, day: date) -> bool:
        """Returns whether a tap of this person that came in on this day has no date yet."""
        ...

    def add_registration(self, registration: NewRegistration) -> None:
        """Adds it."""
        ...

    def change_registration(self, registration: NewRegistration) -> None:
        """Gives the row of this reference another state, cause and moments."""
        ...


class Projection:
    """Applies the next piece of the inbox; stateless, so any transaction will do."""

    def step(self, port: ProjectionPort, limit: int = CHUNK) -> int:
        """Projects about `limit` records; returns how many (0: the inbox is projected)."""
        runs = port.runs(limit)
        count = 0
        for run in runs:
            count += self._apply(port, run)
        if runs:
            port.advance(runs[-1].id)
        return count

    def _apply(self, port: ProjectionPort, run: InboxRun) -> int:
        taps: list[TapRow] = []
        events: list[GateEvent] = []
        passages: dict[date, int] = {}
        for record in self._records(run):
            if record.kind == KIND_TAP:
                tap = self._tap(port, run, record)
                taps.append(tap)
                continue
            if record.kind == KIND_TIME_SET and record.utc_s:
                self._keep(port, run, taps, events)
                taps, events = [], []
                self._time_set(port, run, record)
            if went_through(record):
                day = tap_day(self._moment(port, run, record), run.received_ms)
                passages[day] = passages.get(day, 0) + 1
                continue
            event = self._event(port, run, record)
            if event is not None:
                events.append(event)
        self._keep(port, run, taps, events)
        for day, count in passages.items():
            port.count_passages(run.terminal_id, day, count)
        return len(run.records) // RECORD_SIZE

    def _records(self, run: InboxRun) -> Iterable[Record]:
        for offset in range(0, len(run.records), RECORD_SIZE):
            try:
                yield unpack_record(run.records, offset)
            except MalformedError:
                # It came under a valid MAC, so it was bad at the terminal already: kept, skipped.
                seq = run.first_seq + offset // RECORD_SIZE
                log.error("unreadable record", terminal=run.terminal_id, seq=seq)

    def _moment(self, port: ProjectionPort, run: InboxRun, record: Record) -> int | None:
        if record.utc_s:
            return record.utc_s * 1000 + record.utc_ms
        mark = port.clock_mark(run.stream_id, record.boot)
        return None if mark is None else mark[1] - (mark[0] - record.ticks_ms)

    def _event(self, port: ProjectionPort, run: InboxRun, record: Record) -> GateEvent | None:
        found = event_of(record)
        if found is None:
            return None
        code, detail = found
        if record.kind == KIND_STORAGE_RESET and port.had_journal_before(run.stream_id):
            code = 1
            port.report(run.received_ms, STORAGE_RESET_CODE, run.terminal_id)
        return GateEvent(
            stream_id=run.stream_id,
            seq=record.seq,
            terminal_id=run.terminal_id,
            kind=record.kind,
            code=code,
            detail=detail,
            boot=record.boot,
            ticks_ms=record.ticks_ms,
            at_ms=self._moment(port, run, record),
            received_ms=run.received_ms,
        )

    def _tap(self, port: ProjectionPort, run: InboxRun, record: Record) -> TapRow:
        at_ms = self._moment(port, run, record)
        known = port.known(record.data)
        return TapRow(
            stream_id=run.stream_id,
            seq=record.seq,
            terminal_id=run.terminal_id,
            direction=record.direction,
            verdict=record.verdict,
            reason=record.reason,
            tag=record.data,
            person_id=known.person_id if known else None,
            boot=record.boot,
            ticks_ms=record.ticks_ms,
            quality=record.quality,
            at_ms=at_ms,
            received_ms=run.received_ms,
        )

    def _keep(
        self, port: ProjectionPort, run: InboxRun, taps: list[TapRow], events: list[GateEvent]
    ) -> None:
        if events:
            port.add_events(events)
        if not taps:
            return
        port.add_taps(taps)
        for tap in taps:
            self._happened(port, run.site_id, tap, run.received_ms)

    def _time_set(self, port: ProjectionPort, run: InboxRun, record: Record) -> None:
        if port.clock_mark(run.stream_id, record.boot) is not None:
            return
        utc_ms = record.utc_s * 1000 + record.utc_ms
        port.add_clock_mark(run.stream_id, record.boot, record.ticks_ms, utc_ms)
        port.date_events(run.stream_id, record.boot, utc_ms - record.ticks_ms)
        for tap in port.undated(run.stream_id, record.boot):
            tap.at_ms = utc_ms - (record.ticks_ms - tap.ticks_ms)
            port.date_tap(tap)
            self._redated(port, tap, run.received_ms)
            self._happened(port, run.site_id, tap, run.received_ms)

    def _redated(self, port: ProjectionPort, tap: TapRow, now_ms: int) -> None:
        """Drops what an undated tap held on the day of its receipt, if it was of another day.

        What is held for another reason, or for another tap that still has no date, stays.
        """
        known = port.known(tap.tag)
        shown_on = tap_day(None, tap.received_ms)
        if known is None or tap_day(tap.at_ms, now_ms) == shown_on:
            return
        if port.waits_undated(known.person_id, shown_on):
            return
        rows = port.registrations(known.person_id, known.works_number, shown_on)
        for reference, state, cause in rows:
            if state == State.HELD and cause == Cause.CLOCK_UNKNOWN:
                port.change_registration(
                    NewRegistration(
                        reference=reference,
                        person_id=known.person_id,
                        site_id=known.site_id,
                        works_number=known.works_number,
                        day=shown_on,
                        state=State.DROPPED,
                        cause=Cause.REDATED,
                        tap_ms=tap.received_ms,
                        due_ms=now_ms,
                        changed_ms=now_ms,
                    )
                )

    def _happened(self, port: ProjectionPort, site_id: int, tap: TapRow, now_ms: int) -> None:
        """A tap has its effect on presence and registration."""
        known = port.known(tap.tag)
        granted = tap.verdict == VERDICT_GRANTED
        if known is None or not granted:
            return
        day = tap_day(tap.at_ms, now_ms)
        inside_since = (
            port.inside_since(known.person_id, site_id, day)
            if tap.direction == DIRECTION_OUT
            else None
        )
        rows = port.registrations(known.person_id, known.works_number, day)
        ended = [row for row in rows if row[1] in (State.CANCELLED, State.DROPPED)]
        living = [row for row in rows if row not in ended]
        existing = living[0] if living else None
        facts = TapFacts(
            at_ms=tap.at_ms,
            direction=tap.direction,
            granted=granted,
            person_known=True,
            has_works=known.site_id == site_id,
            has_inss=known.has_inss,
            has_company=known.has_company,
            has_limosa=known.has_limosa,
            existing=existing[1] if existing else None,
            inside_since_ms=inside_since,
        )
        decision = decide(facts, now_ms)
        if decision.present:
            # The decision's moment: a stamp a little ahead of its receipt counts as the receipt.
            seen = PresenceTap(decision.tap_ms, tap.direction, tap.received_ms, tap.terminal_id)
            before = port.presence(known.person_id, site_id, decision.day)
            port.put_presence(known.person_id, site_id, decision.day, fold(before, seen))
        if decision.state is None and existing and existing[2] in _CLOCK and decision.present:
            # The clock is no longer what is missing: say what is, as if this tap had come first.
            decision = decide(replace(facts, existing=None), now_ms)
        if decision.state is None:
            return
        registration = NewRegistration(
            reference=existing[0]
            if existing
            else client_reference(known.token, known.works_number, decision.day, len(ended)),
            person_id=known.person_id,
            site_id=site_id,
            works_number=known.works_number,
            day=decision.day,
            state=decision.state,
            cause=decision.cause,
            tap_ms=decision.tap_ms,
            due_ms=decision.due_ms,
            changed_ms=now_ms,
        )
        if existing is None:
            port.add_registration(registration)
        elif existing[1:] != (decision.state, decision.cause):
            if existing[1] != decision.state:
                check_transition(existing[1], decision.state)
            port.change_registration(registration)
