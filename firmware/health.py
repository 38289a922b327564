"""What the gate tells the hub about itself, and which of its troubles become records.

A health message goes out every 30 s (`uplink.HEALTH_MS`) and at once when something changed that a
supervisor would want to see: `changed` compares.
"""

import gc

from firmware.journal import JournalError
from protocol import faults
from protocol.messages import (
    ALARM_CLOCK_CHIP,
    ALARM_DISPLAY,
    ALARM_FIRE,
    ALARM_JOURNAL,
    ALARM_SAFE_MODE,
    ALARM_SUPPLY,
    ALARM_TAMPER,
    ALARM_UPDATE_TRIAL,
)
from protocol.record import KIND_FAULT, REASON_NONE

REJECTED_EVERY_MS = 60 * 60 * 1000
"""Who floods a gate with forged messages must not fill its journal with records of them."""


def heap_free() -> int:
    """Returns the free bytes of the heap, 0 where that is not known (CPython)."""
    return gc.mem_free() if hasattr(gc, "mem_free") else 0


class Health:
    """The gate's own state; whoever knows a value writes it here.

    Attributes: restarts (parts that ended by an error and were started again), faults (fault
    records kept), reset_cause (RESET constant of this start), slot (0 none, 1 a, 2 b), rssi,
    supply_mv, temperature, radio_resets, messages_refused (that came from outside), trial (new
    firmware is not confirmed yet), clock_chip (it answers), display (it answers).

    Args:
        clock, journal, roster, panel: parts of the gate.
    """

    def __init__(self, clock, journal, roster, panel) -> None:
        self._clock = clock
        self._journal = journal
        self._roster = roster
        self._panel = panel
        self._taps = None
        self._flash_faults = 0
        self._roster_told = False
        self._intake = None
        self._refused_told = 0
        self._rejected = [0, 0]
        self._rejected_at = [0, 0]
        self.messages_refused = 0
        self._nearly_full_told = False
        self._seen = ()
        self.restarts = 0
        self.faults = 0
        self.reset_cause = 0
        self.slot = 0
        self.rssi = 0
        self.supply_mv = 0
        self.temperature = 0
        self.radio_resets = 0
        self.trial = False
        self.clock_chip = True
        self.display = True

    def watch_taps(self, taps) -> None:
        """The `TapPath`, whose counters are told; it needs this object before it is made."""
        self._taps = taps

    def watch_intake(self, intake) -> None:
        """The `RosterIntake`, whose refusals become records."""
        self._intake = intake

    def alarms(self) -> int:
        """Returns the ALARM bits that stand now."""
        idle = self._panel.idle
        raised = 0
        for bit, standing in (
            (ALARM_TAMPER, idle.tamper),
            (ALARM_FIRE, idle.fire),
            (ALARM_JOURNAL, self._journal.nearly_full),
            (ALARM_SUPPLY, idle.supply_low),
            (ALARM_SAFE_MODE, idle.safe_mode),
            (ALARM_DISPLAY, not self.display),
            (ALARM_CLOCK_CHIP, not self.clock_chip),
            (ALARM_UPDATE_TRIAL, self.trial),
        ):
            if standing:
                raised |= bit
        return raised

    def report(self) -> dict:
        """Returns the numbers of a health message that the gate itself knows."""
        journal = self._journal
        taps = self._taps
        numbers = {
            "heap_free": heap_free(),
            "reader_ok": 1 if self._panel.idle.reader_ok else 0,
            "journal_used": journal.used_percent,
            "flash_free": journal.free_blocks * 4096,
            "clock_step_ms": self._clock.step_ms,
            "rssi": self.rssi,
            "supply_mv": self.supply_mv,
            "temperature": self.temperature,
            "reset_cause": self.reset_cause,
            "faults": self.faults,
            "restarts": self.restarts,
            "radio_resets": self.radio_resets,
            "slot": self.slot,
            "alarms": self.alarms(),
        }
        if taps is not None:
            numbers["reader_resets"] = taps.reader_resets
            numbers["reader_errors"] = taps.unclear
            numbers["reader_collisions"] = taps.collisions
            numbers["reader_lost"] = taps.lost
            numbers["reader_version"] = taps.reader_version
            numbers["unreadable"] = taps.unreadable
            numbers["taps"] = taps.taps
            numbers["not_kept"] = taps.not_kept
        return numbers

    def changed(self) -> bool:
        """Returns whether something changed that the hub should hear of before the next turn."""
        seen = (
            self.alarms(),
            self._panel.idle.reader_ok,
            self._journal.full,
            self._journal.used_percent // 10,
            self.restarts,
        )
        news = seen != self._seen
        self._seen = seen
        return news

    def tell(self) -> None:
        """Keeps a record of each trouble that has begun since the last call."""
        journal = self._journal
        if journal.faults > self._flash_faults:
            self._flash_faults = journal.faults
            self.fault(faults.FLASH, self._flash_faults)
        if self._roster.damaged != self._roster_told:
            self._roster_told = self._roster.damaged
            if self._roster_told:
                self.fault(faults.ROSTER_DAMAGED, 0)
        if self._intake is not None and self._intake.refused_version != self._refused_told:
            self._refused_told = self._intake.refused_version
            if self._refused_told:
                self.fault(faults.ROSTER_REFUSED, self._refused_told)
        self._tell_rejected()
        if journal.nearly_full != self._nearly_full_told:
            self._nearly_full_told = journal.nearly_full
            if self._nearly_full_told:
                self.fault(faults.JOURNAL_NEARLY_FULL, journal.free_blocks)

    def _tell_rejected(self) -> None:
        """What came from outside and was not used: a record when it begins, and seldom again."""
        now_ms = self._clock.now_ms()
        for i, code, count in (
            (0, faults.TIME, self._clock.refused),
            (1, faults.MESSAGE, self.messages_refused),
        ):
            if count != self._rejected[i] and now_ms >= self._rejected_at[i]:
                self._rejected[i] = count
                self._rejected_at[i] = now_ms + REJECTED_EVERY_MS
                self.fault(code, count)

    def fault(self, code: int, detail: int) -> None:
        """Keeps a fault of the gate itself, if the journal takes it; the panel shows it anyway.

        Args:
            code: constant of `protocol.faults`.
            detail: by code.
        """
        self.faults += 1
        data = faults.data(code, self.restarts, detail)
        try:
            self._journal.note(KIND_FAULT, REASON_NONE, self._clock, self._clock.now_ms(), data)
        except JournalError:
            self._flash_faults = self._journal.faults  # not one record for each failed record
