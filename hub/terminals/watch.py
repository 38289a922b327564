"""What is known of each terminal at this moment, and the incidents worth telling a human.

Kept in memory: it is true only while the hub runs, and a terminal says it all again when it greets.
Of the health messages the newest is stored as well (at once when something changed that a human
would want to know, else every KEEP_MS), so that after a restart a gate that is gone is not unknown.
Incidents are facts and go to the database, but the same incident of the same terminal at most once
a minute, so that a stranger who floods us with forged batches cannot fill the disk.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from hub.application.overview import GateStatus
from hub.domain.legal_day import brussels_day

REPEAT_MS = 60_000
OVERTAKEN_MS = 2_000
"""A report this soon after an ack may have been sent before it and does not count."""
KEEP_MS = 10 * 60_000
"""A health message like the one before is stored this often."""
Record = Callable[[int, str, str | None, str], None]
"""Stores an incident: moment, code, terminal id, detail."""
KeepHealth = Callable[[str, int, dict[str, int]], None]
"""Stores a health message: terminal id, moment, numbers."""

_TELLING = (
    "alarms",
    "reader_ok",
    "clock_quality",
    "roster_version",
    "reset_cause",
    "slot",
    "restarts",
    "faults",
    "not_kept",
)
"""A health message that differs in one of these is stored at once."""


@dataclass(slots=True)
class _Gate:
    terminal_id: str
    name: str
    direction: str
    online: bool | None = None
    last_seen_ms: int | None = None
    head: int = 0
    acked_ms: int = 0
    unsent: int | None = None
    clock_quality: int | None = None
    roster_version: int | None = None
    reader_ok: bool | None = None
    firmware: str = ""
    incidents: int = 0
    incident_day: date | None = None
    last_incident: str | None = None
    health: dict[str, int] | None = None
    health_ms: int | None = None
    kept: tuple[int, ...] = ()
    kept_ms: int = 0


class TerminalWatch:
    """Thread-safe record of the terminals' state.

    Args:
        record: stores an incident; called from any thread, must not block.
        changed: called after something a page shows has changed.
        clock: UTC milliseconds.
        keep: stores a health message; called from any thread, must not block.
    """

    def __init__(
        self,
        record: Record,
        changed: Callable[[], None],
        clock: Callable[[], int],
        keep: KeepHealth = lambda _terminal, _at_ms, _numbers: None,
    ) -> None:
        self._record = record
        self._keep = keep
        self._changed = changed
        self._clock = clock
        self._lock = threading.Lock()
        self._gates: dict[str, _Gate] = {}
        self._told: dict[tuple[str | None, str], int] = {}

    def replace(self, gates: list[tuple[str, str, str]]) -> None:
        """Makes these (terminal id, name, direction) the known ones, keeping what is known."""
        with self._lock:
            known = self._gates
            self._gates = {}
            for terminal, name, direction in gates:
                gate = known.get(terminal) or _Gate(terminal, name, direction)
                gate.name, gate.direction = name, direction
                self._gates[terminal] = gate
        self._changed()

    def remember(
        self, terminal: str, firmware: str, said_ms: int | None, numbers: dict[str, int] | None
    ) -> None:
        """What was stored of it when the hub started; what it says itself replaces it."""
        gate = self._gates.get(terminal)
        if gate is None or gate.online is not None:
            return
        gate.firmware = firmware
        gate.last_seen_ms = gate.health_ms = said_ms
        if numbers is not None and said_ms is not None:
            self._take_health(gate, numbers, said_ms)
            gate.unsent = numbers["unsent"]

    def heard(self, terminal: str) -> None:
        """Something authentic came from it."""
        gate = self._gates.get(terminal)
        if gate is not None:
            gate.last_seen_ms = self._clock()
            if gate.online is not True:
                gate.online = True
                self._changed()

    def greeted(
        self, terminal: str, floor: int, head: int, roster_version: int, firmware: str
    ) -> None:
        """It connected and said what it is and holds."""
        gate = self._gates.get(terminal)
        if gate is not None:
            gate.online, gate.roster_version = True, roster_version
            gate.firmware, gate.head, gate.unsent = firmware, head, head - floor + 1
            self._changed()

    def received(self, terminal: str, last: int) -> None:
        """Records up to this sequence number came from it; they count as unsent until acked."""
        gate = self._gates.get(terminal)
        if gate is not None:
            gate.head = max(gate.head, last)

    def acked(self, terminal: str, upto: int) -> None:
        """Everything up to this sequence number is at the hub."""
        gate = self._gates.get(terminal)
        if gate is not None:
            gate.acked_ms = self._clock()
            unsent = max(0, gate.head - upto)
            if unsent != gate.unsent:
                gate.unsent = unsent
                self._changed()

    def health(self, terminal: str, numbers: dict[str, int]) -> None:
        """Its regular report: the numbers of `protocol.messages.HEALTH` by their names."""
        gate = self._gates.get(terminal)
        if gate is not None:
            now = self._clock()
            self._take_health(gate, numbers, now)
            if not 0 <= now - gate.acked_ms < OVERTAKEN_MS:
                gate.unsent = numbers["unsent"]
            self._changed()
            telling = tuple(numbers[name] for name in _TELLING)
            if telling != gate.kept or not 0 <= now - gate.kept_ms < KEEP_MS:
                gate.kept, gate.kept_ms = telling, now
                self._keep(terminal, now, numbers)

    def _take_health(self, gate: _Gate, numbers: dict[str, int], said_ms: int) -> None:
        gate.clock_quality = numbers["clock_quality"]
        gate.roster_version = numbers["roster_version"]
        gate.reader_ok = bool(numbers["reader_ok"])
        gate.health, gate.health_ms = numbers, said_ms

    def status(self, terminal: str, online: bool) -> None:
        """The broker's hint that it came or went; carries no proof and decides nothing."""
        gate = self._gates.get(terminal)
        if gate is not None and gate.online is not online:
            gate.online = online
            self._changed()

    def all_silent(self) -> None:
        """The link itself is down: nothing is known about any terminal."""
        with self._lock:
            for gate in self._gates.values():
                gate.online = None
        self._changed()

    def incident(self, terminal: str | None, code: str, detail: str = "") -> None:
        """Reports something that must not happen; repeats within a minute are only counted."""
        now = self._clock()
        with self._lock:
            self._count(terminal, code, now)
            told = self._told.get((terminal, code))
            # A clock that was set back must not silence it until the old time comes again.
            if told is not None and 0 <= now - told < REPEAT_MS:
                return
            self._told[(terminal, code)] = now
        self._record(now, code, terminal, detail)
        self._changed()

    def counted(self, code: str, terminal: str) -> None:
        """An incident of this terminal was found and stored by somebody else."""
        with self._lock:
            self._count(terminal, code, self._clock())
        self._changed()

    def _count(self, terminal: str | None, code: str, now_ms: int) -> None:
        gate = self._gates.get(terminal) if terminal else None
        if gate is not None:
            today = brussels_day(now_ms)
            gate.incidents = gate.incidents + 1 if gate.incident_day == today else 1
            gate.incident_day, gate.last_incident = today, code

    def gates(self) -> list[GateStatus]:
        """Returns the state of every known terminal, by name."""
        with self._lock:
            today = brussels_day(self._clock())
            gates = sorted(self._gates.values(), key=lambda gate: gate.name)
            return [
                GateStatus(
                    terminal_id=gate.terminal_id,
                    name=gate.name,
                    direction=gate.direction,
                    online=gate.online,
                    last_seen_ms=gate.last_seen_ms,
                    unsent=gate.unsent,
                    clock_quality=gate.clock_quality,
                    roster_version=gate.roster_version,
                    reader_ok=gate.reader_ok,
                    incidents_today=gate.incidents if gate.incident_day == today else 0,
                    last_incident_code=gate.last_incident if gate.incident_day == today else None,
                    firmware=gate.firmware,
                    health=gate.health,
                    health_ms=gate.health_ms,
                )
                for gate in gates
            ]
