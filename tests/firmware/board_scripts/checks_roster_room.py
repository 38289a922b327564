"""20,000 badges on the heap and the flash of a Pico W: what they take, and what a look-up costs."""

import gc
import struct
from hashlib import sha256

from standins import GEOMETRY, MOUNT, equal

from firmware.roster import Roster
from firmware.roster_intake import IDLE_MS, PAUSE_MS, RosterIntake
from protocol.limits import ROSTER_CHUNK_ROWS, ROSTER_ROW_SIZE
from protocol.roster import NO_END, STANDING_BLOCKED, pack_row
from simulator.board.flash import FileFlash

BADGES = 20000
HEAP_MAX = 24 * 1024
SLICE_MS = 20
"""The longest slice without an erase, see `roster_merge`."""
SPREAD = (1 << 64) // BADGES


def tag(number):
    """Evenly spread and rising with the number, so that no table has to be sorted here."""
    return (number * SPREAD + (number * 7919 + 13) % 65536).to_bytes(8, "big")


def row(number, blocked=-1):
    return pack_row(tag(number), 0 if number == blocked else 1, NO_END, "nl")


def rows(first, count, blocked=-1):
    made = bytearray()
    for number in range(first, min(first + count, BADGES)):
        made += row(number, blocked)
    return bytes(made)


def digest(blocked=-1):
    found = sha256()
    for first in range(0, BADGES, 128):
        found.update(rows(first, 128, blocked))
    return found.digest().hex()


def used():
    gc.collect()
    return gc.mem_alloc()


def check_twenty_thousand_badges():
    import vfs  # only the VM has it

    flash = FileFlash("pico.bin")
    vfs.VfsLfs2.mkfs(flash, **GEOMETRY)
    vfs.mount(vfs.VfsLfs2(flash, **GEOMETRY), MOUNT)
    before = used()
    roster = Roster(MOUNT)
    intake = RosterIntake(roster)
    intake.offered(1, BADGES, digest(), 0)
    peak = 0
    while True:
        question = intake.question(0)
        if question is None:
            break
        intake.chunk(1, question[2], rows(question[2], ROSTER_CHUNK_ROWS), 0)
        if not question[2] % (20 * ROSTER_CHUNK_ROWS):
            peak = max(peak, used() - before)
    equal((roster.version, roster.rows), (1, BADGES))
    whole = used() - before
    assert whole <= HEAP_MAX, whole
    _look_up(roster, -1)

    # One badge is blocked: one row, and the whole is hashed before it counts.
    intake.offered(2, BADGES, digest(4711), 0)
    equal(intake.question(0), ["changes", 1, 2, 0])
    intake.changes(1, 2, 0, 1, row(4711, 4711), 0)
    slices = 0
    while intake.step(0):
        peak = max(peak, used() - before)
        equal(roster.version in (1, 2), True)
        slices += 1
    # Asked at once, then one slice and one pause after the other: a blocked badge is refused within
    # 5 seconds of the import, one of which the hub may need to see it.
    assert slices * (SLICE_MS + PAUSE_MS) + IDLE_MS < 3000, slices
    equal(roster.row(tag(4711))[0], STANDING_BLOCKED)
    changed = used() - before
    assert changed <= HEAP_MAX, changed

    # As many changes as a difference may have: written as a new file.
    intake.offered(3, BADGES, _many_digest(), 0)
    for first in range(0, 512, 128):
        equal(intake.question(0), ["changes", 2, 3, first])
        part = bytearray()
        for number in range(first, first + 128):
            part += row(number * 39, number * 39)
        intake.changes(2, 3, first, 512, bytes(part), 0)
        while intake.step(0):
            peak = max(peak, used() - before)
    equal((roster.version, roster.rows, len(roster.changes)), (3, BADGES, 0))
    equal(roster.row(tag(39 * 500))[0], STANDING_BLOCKED)
    assert peak <= HEAP_MAX, peak

    del roster, intake
    again = Roster(MOUNT)
    equal((again.version, again.rows), (3, BADGES))
    started = used() - before
    assert started <= HEAP_MAX, started
    vfs.umount(MOUNT)
    print("heap: whole, with a change, at most on the way, after a start; slices")
    return "{} {} {} {}; {}".format(whole, changed, peak, started, slices)


def _many_digest():
    found = sha256()
    for number in range(BADGES):
        blocked = number == 4711 or (number % 39 == 0 and number < 39 * 512)
        found.update(row(number, number if blocked else -1))
    return found.digest().hex()


def _look_up(roster, blocked):
    base = roster.base
    base.reads = base.read_bytes = base.comparisons = 0
    for number in range(0, BADGES, 97):
        equal(roster.row(tag(number))[0], 0 if number == blocked else 1)
        stranger = struct.pack(">Q", struct.unpack(">Q", tag(number))[0] + 1)
        equal(roster.row(stranger), None)
    looked = 2 * ((BADGES + 96) // 97)
    equal(base.reads, looked, "one read each")
    assert base.read_bytes <= looked * 2 * 16 * ROSTER_ROW_SIZE
    assert base.comparisons <= looked * 18, base.comparisons
