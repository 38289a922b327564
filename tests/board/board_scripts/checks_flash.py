"""Flash rules, LittleFS on them, and power cuts at every flash operation. MicroPython only."""

import errno
import gc
import os

import micropython
import vfs
from rig import equal

from simulator.board.flash import BLOCK, BLOCKS, PAGE, FileFlash, PowerCutError, RamFlash

GEOMETRY = {"readsize": 32, "progsize": 256, "lookahead": 32}
SMALL = 12  # blocks; littlefs needs few, and the sweep copies them often


def _formatted():
    flash = RamFlash(SMALL)
    vfs.VfsLfs2.mkfs(flash, **GEOMETRY)
    return flash


def check_nor_rules():
    flash = RamFlash(2)
    equal((flash.ioctl(4, 0), flash.ioctl(5, 0), flash.blocks), (2, 4096, 2))
    equal(flash.writeblocks(0, b"\x0f" * PAGE, 0), 0)
    equal(flash.writeblocks(0, b"\x0e" * PAGE, 0), 0)  # clears one more bit
    equal(flash.violations, 0)
    equal(flash.writeblocks(0, b"\xf1" * PAGE, 0), 0)
    equal(flash.violations, 1)
    out = bytearray(4)
    flash.readblocks(0, out, 0)
    equal(out, bytes(4))  # only cleared
    flash.ioctl(6, 0)
    flash.readblocks(0, out, 0)
    equal(out, b"\xff\xff\xff\xff")
    equal((flash.erases, flash.programs, flash.bytes_programmed), (1, 3, 3 * PAGE))
    equal(flash.writeblocks(0, b"\x00" * 32, 0), -errno.EINVAL)  # less than a page
    equal(flash.writeblocks(0, b"\x00" * PAGE, 32), -errno.EINVAL)
    equal(flash.writeblocks(1, bytes(BLOCK)), 0)
    equal(flash.programs, 3 + BLOCK // PAGE)


def check_file_flash():
    path = "board-check-flash.bin"
    flash = FileFlash(path)
    equal(os.stat(path)[6], BLOCKS * BLOCK)
    flash.writeblocks(211, b"\x5a" * PAGE, 4096 - PAGE)
    flash.writeblocks(0, b"\x5a" * PAGE, 0)
    flash.ioctl(6, 0)
    flash.close()
    again = FileFlash(path)
    equal(os.stat(path)[6], BLOCKS * BLOCK)
    out = bytearray(3)
    again.readblocks(211, out, 4093)
    equal(out, b"\x5a\x5a\x5a")
    again.readblocks(0, out, 0)
    equal(out, b"\xff\xff\xff")
    page = bytes(2 * PAGE)
    for flash in (again, RamFlash(1)):
        micropython.heap_lock()
        try:
            flash.ioctl(6, 0)
            flash.writeblocks(0, page, PAGE)
            flash.readblocks(0, out, 4090)
        finally:
            micropython.heap_unlock()
    again.close()
    os.remove(path)


def check_littlefs_keeps_the_rules():
    flash = _formatted()
    volume = vfs.VfsLfs2(flash, **GEOMETRY)
    for round in range(6):
        with volume.open("a", "wb") as file:
            file.write(bytes([round]) * 3000)
        with volume.open("b.tmp", "wb") as file:
            file.write(b"x" * 200)
        volume.rename("b.tmp", "b")
    with volume.open("a", "rb") as file:
        equal(file.read(), b"\x05" * 3000)
    equal(flash.violations, 0)
    assert flash.erases
    assert flash.programs


def _write_log(flash, kept):
    """Append records and flush each; `kept` grows when a flush has returned."""
    volume = vfs.VfsLfs2(flash, **GEOMETRY)
    for segment in range(3):
        with volume.open("s{}".format(segment), "ab") as file:
            for n in range(8):
                record = bytes([segment * 8 + n]) * 32
                file.write(record)
                file.flush()
                kept.append(record)


def _read_log(flash):
    volume = vfs.VfsLfs2(flash, **GEOMETRY)  # mounting must not fail
    found = []
    for entry in sorted(volume.ilistdir("/")):
        with volume.open(entry[0], "rb") as file:
            while True:
                record = file.read(32)
                if len(record) < 32:
                    break
                found.append(record)
    return found


def check_power_cut_at_every_operation():
    start = bytes(_formatted().image)
    whole = []
    counted = RamFlash(SMALL, start)
    _write_log(counted, whole)
    equal((len(whole), counted.violations), (24, 0))
    operations = counted.operations
    counted = None  # its image of 48 KiB would lie in the way of the copies below
    cuts = 0
    for cut_at in range(1, operations + 1):
        flash = RamFlash(SMALL, start, cut_at, seed=cut_at)
        kept = []
        try:
            _write_log(flash, kept)
        except PowerCutError:
            cuts += 1
        found = _read_log(RamFlash(SMALL, flash.image))
        assert found[: len(kept)] == kept, "cut {}: lost a flushed record".format(cut_at)
        assert len(found) <= len(kept) + 1, "cut {}: ghosts".format(cut_at)
        assert found == whole[: len(found)], "cut {}: other content".format(cut_at)
        gc.collect()
    equal(cuts, operations)
    return "{} cuts".format(cuts)


def check_without_flush_records_are_lost():
    # The sweep above would not notice a flash that never tears: here it has to bite.
    start = bytes(_formatted().image)
    flash = RamFlash(SMALL, start, cut_at=3)
    volume = vfs.VfsLfs2(flash, **GEOMETRY)
    try:
        file = volume.open("s", "ab")
        for n in range(64):
            file.write(bytes([n]) * 32)
        file.close()
    except PowerCutError:
        pass
    equal(_read_log(RamFlash(SMALL, flash.image)), [])
