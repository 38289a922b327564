"""What the flash and the heap cost per tap, over a working life in fast motion."""

import gc

from standins import Parts, RamFlash, equal, formatted, mount, table_for, uid_of

from simulator.board.flash import PAGE

BLOCKS = 212  # a Pico W
TAPS = 2000
ERASES_MAX_PER_1000 = 160


def work(flash, taps, batch, lag=0):
    """`taps` taps of 200 badges; the hub acks `batch` at a time, `lag` behind."""
    mount(flash)
    parts = Parts()
    parts.install(1, table_for(range(200)))
    erases, programs = flash.erases, flash.programs
    worst = 0
    for number in range(1, taps + 1):
        before = flash.erases
        parts.tap(uid_of(number % 200))
        worst = max(worst, flash.erases - before)
        if number % batch == 0:
            parts.journal.acked(parts.journal.head - lag)
            for _ in range(batch):
                parts.journal.tidy()
    equal(parts.taps.taps, taps)
    equal(flash.violations, 0)
    erased = (flash.erases - erases) * 1000 // taps
    pages = (flash.programs - programs) * 1000 // taps
    return erased, pages, worst, parts


def check_erases_per_tap():
    figures = []
    for batch, lag, taps in ((1, 0, TAPS), (16, 0, TAPS), (16, 120, TAPS // 2)):
        flash = RamFlash(BLOCKS, image=formatted(BLOCKS))
        erased, pages, worst, _parts = work(flash, taps, batch, lag)
        assert erased <= ERASES_MAX_PER_1000 + lag // 4, (batch, lag, erased)
        figures.append(
            "batch {} lag {}: 0.{:03d} erases, {} bytes, at most {} erases in one tap".format(
                batch, lag, erased, pages * PAGE // 1000, worst
            )
        )
    return "; ".join(figures)


def check_a_long_outage_fits():
    """2,000 taps without a hub, then all of it is acked: counted with their archives."""
    flash = RamFlash(BLOCKS, image=formatted(BLOCKS))
    erased, pages, _worst, parts = work(flash, TAPS, 50, lag=1 << 30)
    free = parts.journal.free_blocks
    assert free > BLOCKS * 3 // 4, free
    assert erased <= 2 * ERASES_MAX_PER_1000, erased
    equal(len(parts.journal.read(17, 16)), 512)
    per_block = TAPS // (BLOCKS - free)
    parts.journal.acked(parts.journal.head)
    while parts.journal.tidy():
        pass
    gc.collect()
    return "0.{:03d} erases per tap, {} bytes, {} free blocks of {}, {} records a block".format(
        erased, pages * PAGE // 1000, free, BLOCKS, per_block
    )
