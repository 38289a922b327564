"""Records become taps, taps become presence, and presence becomes registrations that are due.

Theory of operation. The projection reads the inbox in the order of arrival and writes what follows
from it, together with its cursor, in one transaction; so it may die at any moment and goes on where
it was. Nothing here reads a clock: *now* is the moment the hub first held the record, which the
inbox keeps, so that a rebuild from nothing decides what was decided then.

A tap without a trusted clock waits undated until a "time set" record of the same boot tells what
its ticks meant; whichever of the two arrives first, the result is the same. So does what a gate
tells about itself (`hub.application.gate_events`).

Acts without a badge (`hub.application.acts`) are taken in between, each after the records that had
come before it: one order of facts, the same now and in a rebuild.

The register (which works number, which numbers are known) is the present one. Whose a badge was at
the moment of a tap, its history says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import structlog

from hub.application.acts import ACTS_STREAM
from hub.application.enrolment import SeenTap
from hub.application.gate_events import (
    STORAGE_RESET_CODE,
    GateEvent,
    event_of,
    went_through,
)
from hub.application.registering import Registering, RegisteringPort, TapRow
from hub.domain.day_regime import believed_ms, tap_day
from hub.domain.in_out_regime import WINDOW_MS
from protocol.errors import MalformedError
from protocol.limits import RECORD_SIZE
from protocol.record import (
    KIND_STORAGE_RESET,
    KIND_TAP,
    KIND_TIME_SET,
    QUALITY_HUB,
    REASON_NONE,
    VERDICT_GRANTED,
    Record,
    unpack_record,
)

CHUNK = 64
"""Records in one transaction: a few milliseconds, so that acks never wait long behind it."""

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
    desk: bool = False
    """The terminal is a desk: what is held to it is nobody's presence."""


@dataclass(frozen=True, slots=True)
class ActRow:
    """An act without a badge that has not had its effect yet.

    Args:
        number: its row; acts have their effect in this order.
        after_inbox: the newest row of the inbox when it came.
    """

    number: int
    after_inbox: int
    site_id: int
    direction: int
    person_id: int
    place: str
    at_ms: int
    received_ms: int


class ProjectionPort(RegisteringPort, Protocol):
    """Store of everything derived, inside one transaction."""

    def runs(self, limit: int, upto: int | None = None) -> list[InboxRun]:
        """Returns runs after the cursor holding at least one and about `limit` records.

        Args:
            limit: records.
            upto: the last row that may be among them; None: any.
        """
        ...

    def acts(self, limit: int) -> list[ActRow]:
        """Returns at most so many acts that had no effect yet, in order."""
        ...

    def act_done(self, act: ActRow, at_ms: int) -> None:
        """Remembers that an act had its effect, for this moment (UTC milliseconds)."""
        ...

    def advance(self, inbox_id: int) -> None:
        """Moves the cursor."""
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


class Projection:
    """Applies the next piece of the inbox; keeps nothing itself, so any transaction will do.

    Args:
        window_ms: milliseconds after an act in which the in/out service takes it.
        seen: told of each badge that was refused or held at a desk, inside the transaction.
    """

    def __init__(
        self,
        window_ms: int = WINDOW_MS,
        seen: Callable[[SeenTap], None] = lambda _tap: None,
    ) -> None:
        self._window_ms = window_ms
        self._seen = seen

    def step(self, port: ProjectionPort, limit: int = CHUNK) -> int:
        """Projects about `limit` records, or acts without a badge; returns how many (0: there is
        nothing that had no effect yet)."""
        acts = port.acts(limit)
        runs = port.runs(limit, acts[0].after_inbox if acts else None)
        if acts and not runs:
            together = [act for act in acts if act.after_inbox <= acts[0].after_inbox]
            for act in together:
                self._act(port, act)
            return len(together)
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
                if run.desk or tap.reason != REASON_NONE:
                    self._seen(_seen(tap, run.desk))
                if not run.desk:
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

    def _act(self, port: ProjectionPort, act: ActRow) -> None:
        tap = tap_of(act)
        Registering(port, self._window_ms).acted(act.site_id, tap, act.received_ms)
        port.act_done(act, act.received_ms if tap.at_ms is None else tap.at_ms)

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
        known = port.owner(record.data, run.stream_id, record.seq, at_ms, run.received_ms)
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
        registering = Registering(port, self._window_ms)
        for tap in taps:
            registering.happened(run.site_id, tap, run.received_ms)

    def _time_set(self, port: ProjectionPort, run: InboxRun, record: Record) -> None:
        if port.clock_mark(run.stream_id, record.boot) is not None:
            return
        utc_ms = record.utc_s * 1000 + record.utc_ms
        port.add_clock_mark(run.stream_id, record.boot, record.ticks_ms, utc_ms)
        port.date_events(run.stream_id, record.boot, utc_ms - record.ticks_ms)
        for tap in port.undated(run.stream_id, record.boot):
            tap.at_ms = utc_ms - (record.ticks_ms - tap.ticks_ms)
            port.date_tap(tap)
            registering = Registering(port, self._window_ms)
            registering.redated(run.site_id, tap, run.received_ms)
            registering.happened(run.site_id, tap, run.received_ms)


def _seen(tap: TapRow, desk: bool) -> SeenTap:
    return SeenTap(
        terminal=tap.terminal_id,
        tag=tap.tag,
        owned=tap.person_id is not None,
        reason=tap.reason,
        desk=desk,
        at_ms=tap.at_ms,
        received_ms=tap.received_ms,
    )


def tap_of(act: ActRow) -> TapRow:
    """Returns an act without a badge as the tap that it stands for: let pass, by a good clock."""
    believed = believed_ms(act.at_ms, act.received_ms)
    return TapRow(
        stream_id=ACTS_STREAM,
        seq=act.number,
        terminal_id=act.place,
        direction=act.direction,
        verdict=VERDICT_GRANTED,
        reason=REASON_NONE,
        tag=b"",
        person_id=act.person_id,
        boot=0,
        ticks_ms=0,
        quality=QUALITY_HUB,
        # Its clock is ahead: the moment the hub got it is the latest at which it can have been.
        at_ms=act.received_ms if believed is None else believed,
        received_ms=act.received_ms,
    )
