"""The power of an emulated RP2040 that goes in the middle of a flash operation.

rp2040py's flash controller works on the commands that the boot ROM sends it (erase a sector,
program a page) and carries each out when the chip select rises. `FlashPower` stands in between: it
counts them, and during the n-th the power goes. Of a page an arbitrary prefix arrives, with one
byte half programmed behind it; of a sector an arbitrary part is erased (the same rules as
`simulator/board/flash.py`). After that nothing reaches the flash, and the chip stops.
"""

from __future__ import annotations

import random
from typing import Any

from rp2040py.peripherals import ssi
from rp2040py.rp2040 import RP2040

SECTOR = 4096
PAGE = 256


class FlashPower:
    """Counts the operations of one flash and ends them.

    Attributes: operations (erases and programs so far, the torn one included), erases, programs,
    violations (pages in which a program wanted to set a bit again), gone (the power has gone).

    Args:
        cut_at: 1-based number of the operation during which the power goes; 0 for never.
        seed: decides where an operation tears.
        first: operations at lower addresses are carried out and not counted.
    """

    def __init__(self, cut_at: int = 0, seed: int = 1, first: int = 0) -> None:
        self.cut_at = cut_at
        self.erases = 0
        self.programs = 0
        self.violations = 0
        self.gone = False
        self.first = first
        self._random = random.Random(seed)
        self._rp2040: Any = None
        self._apply: Any = None

    @property
    def operations(self) -> int:
        """Erases and programs so far."""
        return self.erases + self.programs

    def attach(self, rp2040: RP2040) -> None:
        """Stands between the flash controller and the flash."""
        self._rp2040 = rp2040
        controller: Any = rp2040.ssi
        # The one place where a whole command becomes bytes; rp2040py has no hook for it.
        self._apply = controller._apply_command
        controller._apply_command = self._command_ended

    def _command_ended(self) -> None:
        controller = self._rp2040.ssi
        sent = bytes(controller._tx_buffer)
        if self.gone:
            controller._tx_buffer = bytearray()
            return
        code = sent[0] if sent else 0
        enabled = controller._write_enabled
        erases = code in (ssi.CMD_SECTOR_ERASE, ssi.CMD_BLOCK_ERASE) and len(sent) >= 4
        programs = code == ssi.CMD_PAGE_PROGRAM and len(sent) > 4
        address = int.from_bytes(sent[1:4], "big")
        if not (enabled and (erases or programs)) or address < self.first:
            self._apply()
            return
        flash = self._rp2040.flash
        size = ssi.FLASH_BLOCK_SIZE if code == ssi.CMD_BLOCK_ERASE else SECTOR
        start = address & ~(size - 1) if erases else address
        before = bytes(flash[start : start + (size if erases else PAGE)])
        self.erases += erases
        self.programs += programs
        if programs:
            data = sent[4 : 4 + PAGE]
            self.violations += any(new & ~old for old, new in zip(before, data, strict=False))
        self._apply()
        if self.operations == self.cut_at:
            self._tear(start, before, programs)

    def _tear(self, start: int, before: bytes, programs: bool) -> None:
        """Undoes the part of the operation that the power did not last for."""
        flash = self._rp2040.flash
        done = self._random.randrange(len(before))
        kept = bytearray(before[done:])
        if programs:
            kept[0] &= flash[start + done] | self._random.randrange(256)
        flash[start + done : start + len(before)] = bytes(kept)
        self.gone = True
        if self._rp2040.simulator is not None:
            self._rp2040.simulator.stop()
