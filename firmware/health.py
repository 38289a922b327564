"""Looks after the gate between taps: idle picture, freed flash, memory, and faults worth a record.

| every | what |
| --- | --- |
| STEP_MS | idle picture; up to TIDY_STEPS small steps of cleaning in the journal |
| COLLECT_MS | garbage collection, while no badge is in front of the reader |
| each step | the clock is read, so that its ticks never wrap unseen |
"""

import asyncio
import gc

from firmware import faults
from firmware.journal import JournalError
from firmware.panel import LINK_HUB, LINK_NONE, LINK_WIFI
from protocol.record import KIND_FAULT, REASON_NONE

STEP_MS = 250
TIDY_STEPS = 4
COLLECT_MS = 5000
COLLECT_BYTES = 16 * 1024
"""Garbage after which memory is collected anyway. Without a limit the first collection comes when
the heap is full; what is alive then lies scattered, and no piece of 4 KB is left (measured)."""


def heap_free() -> int:
    """Returns the free bytes of the heap, 0 where that is not known (CPython)."""
    return gc.mem_free() if hasattr(gc, "mem_free") else 0


class Health:
    """What is checked at calm moments, and what the hub hears about it.

    Attributes: restarts (tasks that ended by an error and were started again).

    Args:
        clock, journal, roster, panel, wifi: parts of the gate.
    """

    def __init__(self, clock, journal, roster, panel, wifi) -> None:
        self._clock = clock
        self._journal = journal
        self._roster = roster
        self._panel = panel
        self._wifi = wifi
        self._flash_faults = 0
        self._roster_told = False
        self._collect_at = 0
        self.restarts = 0

    def report(self) -> tuple:
        """Returns (free heap bytes, reader well 0 or 1), as the health message wants them."""
        return heap_free(), 1 if self._panel.idle.reader_ok else 0

    async def run(self, uplink) -> None:
        """Works for ever.

        Args:
            uplink: the `Uplink`, for what is unsent and whether the hub answers.
        """
        if hasattr(gc, "threshold"):
            gc.threshold(COLLECT_BYTES)
        while True:
            now_ms = self._clock.now_ms()
            self._show(uplink, now_ms)
            uplink.note_due(now_ms)
            for _ in range(TIDY_STEPS):
                if not self._journal.tidy():
                    break
                await asyncio.sleep_ms(0)
            self._tell()
            if now_ms >= self._collect_at:
                self._collect_at = now_ms + COLLECT_MS
                gc.collect()
            await asyncio.sleep_ms(STEP_MS)

    def _show(self, uplink, now_ms: int) -> None:
        idle = self._panel.idle
        idle.unsent = uplink.sender.unsent
        idle.utc_s = self._clock.utc_at(now_ms) // 1000
        idle.full = self._journal.full
        if uplink.online(now_ms):
            idle.link = LINK_HUB
        else:
            idle.link = LINK_WIFI if self._wifi.joined() else LINK_NONE

    def _tell(self) -> None:
        if self._journal.faults > self._flash_faults:
            self._flash_faults = self._journal.faults
            self.fault(faults.FLASH, self._flash_faults)
        if self._roster.damaged and not self._roster_told:
            self._roster_told = True
            self.fault(faults.ROSTER_DAMAGED, 0)

    def fault(self, code: int, detail: int) -> None:
        """Keeps a fault of the gate itself, if the journal takes it; the panel shows it anyway.

        Args:
            code: constant of `faults`.
            detail: by code.
        """
        data = faults.data(code, self.restarts, detail)
        try:
            self._journal.note(KIND_FAULT, REASON_NONE, self._clock, self._clock.now_ms(), data)
        except JournalError:
            self._flash_faults = self._journal.faults  # not one record for each failed record
