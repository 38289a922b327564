"""The care of the firmware itself, and how this start came about.

| when | what |
| --- | --- |
| at start | a fault record when the start before crashed or hung, or this one is in safe mode |
| STEP_MS | one step of an update; a trial is judged; the first minute is survived |
"""

import asyncio
import struct

from firmware.journal import JournalError
from firmware.selftest import tap_path_works
from firmware.update import Update
from protocol import faults
from protocol.messages import RESET_WATCHDOG
from protocol.record import KIND_UPDATE, REASON_NONE, UPDATE_DATA
from protocol.slots import WHY_DAMAGED

STEP_MS = 200
QUICK_STEP_MS = 20
"""While a pack is read and proven, which takes some eighty steps of a few milliseconds."""


class Upkeep:
    """Keeps firmware and slots in order while the gate works.

    Attributes: update (the `Update`), safe_mode (no badge is to be read).

    Args:
        root: folder of the flash.
        start: what the loader said, or None without a loader.
        clock, journal, roster, taps, uplink, health, panel: parts of the gate.
        idle: returns whether nobody is at the gate.
        restart: starts the board anew.
    """

    def __init__(
        self, root, start, clock, journal, roster, taps, uplink, health, panel, idle, restart
    ) -> None:
        self._clock = clock
        self._journal = journal
        self._roster = roster
        self._taps = taps
        self._uplink = uplink
        self._health = health
        self._panel = panel
        self._idle = idle
        self.safe_mode = bool(start and start["safe"])
        self.update = Update(root, start, self._tell, self._fault, self._may_write, restart)
        panel.idle.safe_mode = self.safe_mode
        health.slot = self.update.slot
        if start:
            self._report(start)

    async def run(self) -> None:
        """Works for ever."""
        while True:
            self.step(self._clock.now_ms())
            await asyncio.sleep_ms(QUICK_STEP_MS if self.update.checking else STEP_MS)

    def step(self, now_ms: int) -> None:
        """One turn of `run`; with too low a supply nothing is written, and everything waits."""
        update = self.update
        if self._taps.writable:
            works = update.trial and tap_path_works(self._taps, self._roster, self._journal)
            update.step(now_ms, works, self._uplink.greeted)
        self._health.trial = update.trial
        self._panel.idle.updating = update.percent

    def _may_write(self) -> bool:
        return self._taps.writable and self._idle()

    def _report(self, start: dict) -> None:
        before = (self._journal.boot - 1) & 0xFFFF
        if start["crashed"]:
            self._health.fault(faults.CRASH, before)
        elif start["reset"] == RESET_WATCHDOG:
            self._health.fault(faults.WATCHDOG, before)
        if self.safe_mode:
            self._health.fault(faults.SAFE_MODE, start["early"])
        if start["damaged"]:
            self._fault(WHY_DAMAGED)

    def _fault(self, why: int) -> None:
        self._health.fault(faults.UPDATE, why)

    def _tell(self, outcome: int, why: int, digest: bytes) -> bool:
        data = struct.pack(UPDATE_DATA, outcome, why, digest)
        try:
            self._journal.note(KIND_UPDATE, REASON_NONE, self._clock, self._clock.now_ms(), data)
        except JournalError:
            return False
        return True
