"""A gate's working life in fast motion, on the VM: prints `name value` lines.

The parts around the module under measurement are those of the firmware's tests.
"""

import gc
import os
import sys

_HERE = __file__.rpartition("/")[0]
_ROOT = _HERE + "/../.."
sys.path[:0] = [
    _ROOT + "/simulator/board/shims",
    _ROOT,
    _ROOT + "/tests/firmware/board_scripts",
]
_COMPILED = os.getenv("BOARD_COMPILED")
if _COMPILED:
    sys.path[:0] = [_COMPILED + "/simulator/board/shims", _COMPILED]

import vfs  # noqa: E402
from checks_uplink import connect, gate  # noqa: E402
from standins import GEOMETRY, mount, table_for, uid_of  # noqa: E402

from simulator.board.flash import FileFlash  # noqa: E402

TAPS = 10000
HUB_EVERY = 16
TIDY_STEPS = 80  # what `care` does in the seconds that 16 taps take


def main():
    """10,000 taps, acked sixteen at a time, with the flash in a file."""
    flash = FileFlash(os.getenv("BOARD_FLASH"))
    vfs.VfsLfs2.mkfs(flash, **GEOMETRY)
    mount(flash)
    parts, uplink, hub = gate()
    parts.install(1, table_for(range(300)))
    connect(parts, uplink)
    erases, programmed = flash.erases, flash.bytes_programmed
    for number in range(1, TAPS + 1):
        parts.tap(uid_of(number % 300), wait_ms=500)
        parts.panel.step(parts.clock.now_ms())
        if number % HUB_EVERY == 0:
            hub.carry()
            hub.records.clear()
            hub.seen.clear()
            for shown in (parts.lights.shown, parts.buzzer.tones, parts.arm.opened):
                shown.clear()
            for _ in range(TIDY_STEPS):
                if not parts.journal.tidy(parts.clock.now_ms()):
                    break
        if number in (1000, TAPS):
            gc.collect()
            print(f"heap_free_after_{number} {gc.mem_free()}")
    print(f"erases_per_1000 {(flash.erases - erases) * 1000 // TAPS}")
    print(f"bytes_per_tap {(flash.bytes_programmed - programmed) // TAPS}")


main()
