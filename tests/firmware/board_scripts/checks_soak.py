"""Ten thousand taps through the whole gate but drivers and sockets, on the heap of a Pico W.

Run with the flash in a file (environment variable BOARD_FLASH): the heap holds no 848 KB.
"""

import gc
import os

from checks_uplink import connect, gate
from standins import GEOMETRY, equal, mount, table_for, uid_of

from simulator.board.flash import FileFlash

TAPS = 10000


def check_the_heap_stays_flat():
    import vfs

    flash = FileFlash(os.getenv("BOARD_FLASH"))
    vfs.VfsLfs2.mkfs(flash, **GEOMETRY)
    mount(flash)
    parts, uplink, hub = gate()
    parts.install(1, table_for(range(300)))
    connect(parts, uplink)
    figures = []
    erases = flash.erases
    for number in range(1, TAPS + 1):
        parts.tap(uid_of(number % 300), wait_ms=500)
        parts.panel.step(parts.clock.now_ms())
        if number % 3 == 0:
            hub.carry()
            hub.records.clear()  # the hub's memory is not the gate's
            hub.seen.clear()
            for shown in (parts.lights.shown, parts.buzzer.tones, parts.arm.opened):
                shown.clear()
            parts.journal.tidy()
        if number % 1000 == 0:
            gc.collect()
            figures.append(gc.mem_alloc())
    hub.carry()
    equal(uplink.sender.unsent, 0)
    equal(parts.taps.taps, TAPS)
    assert max(figures) - min(figures) < 4096, figures
    return "{} to {} bytes of {}, {} erases".format(
        min(figures), max(figures), gc.mem_alloc() + gc.mem_free(), flash.erases - erases
    )
