"""Device time from a badge in the field to green, on a virtual clock: prints JSON.

The firmware's own tap path, driver, roster and journal run on the VM, against the register-level
chip and a real LittleFS; the clock is moved by what each step would take on a Pico W:

| step | time | from |
| --- | --- | --- |
| one SPI transaction | 53 us | measured on the rp2 image in an emulator, all of it interpreter |
| one flash page | 0.7 ms | data sheet of the flash, typical |
| one flash erase | 45 ms | the same |
| SHA-256 of 64 bytes | 107 us | measured on the rp2 image |
| interpreter | the VM's own time x PICO_LOOP_US / a loop of 4,000 here | the same |
| radio frames, timeouts, settling | by the chip's model | data sheet, ISO/IEC 14443 |

Not in it: XIP cache misses, a flash at its worst (400 ms an erase), a real radio field.
"""

import asyncio
import gc
import json
import os
import sys
import time

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

from standins import BADGE_KEY, Parts, RamFlash, formatted, mount, uid_of  # noqa: E402

from firmware import cards, pins  # noqa: E402
from firmware.drivers.mfrc522 import Mfrc522  # noqa: E402
from protocol.mac import badge_tag  # noqa: E402
from simulator.board import mfrc522 as chip_model  # noqa: E402
from simulator.board import registry  # noqa: E402
from simulator.board.tags import TagField  # noqa: E402

SPI_US = 53
PAGE_US = 700
ERASE_US = 45000
HASH_US = 4 * 107  # the HMAC of a UID: four blocks
RING_US = 400
PICO_LOOP_US = 18753
POLL_MS = 50
BLOCKS = 212
CARE_EVERY = 5  # polls
SAMPLES = 50


class Virtual:
    """The clock: microseconds on the device, and what they were spent on."""

    def __init__(self):
        self.us = 0
        self.spent = {"spi": 0, "wait": 0, "flash": 0, "vm": 0, "hash": 0}
        self.badge_at = -1
        self.uid = b""
        self.field = None
        self.at_badge = {}

    def advance(self, us, what):
        self.spent[what] += us
        self.us += us
        if 0 <= self.badge_at <= self.us:
            self.at_badge = dict(self.spent)
            self.at_badge[what] -= self.us - self.badge_at  # what of this step came after it
            self.badge_at = -1
            self.field.present(self.uid)

    def now_us(self):
        return self.us


clock = Virtual()


class TimedFlash(RamFlash):
    """Flash whose programs and erases take their time."""

    host_us = 0

    def writeblocks(self, block, buf, offset=0):
        begin = time.ticks_us()
        result = RamFlash.writeblocks(self, block, buf, offset)
        self.host_us += time.ticks_diff(time.ticks_us(), begin)
        clock.advance(PAGE_US * ((len(buf) + 255) // 256), "flash")
        return result

    def ioctl(self, op, arg):
        begin = time.ticks_us()
        result = RamFlash.ioctl(self, op, arg)
        self.host_us += time.ticks_diff(time.ticks_us(), begin)
        if op == 6:
            clock.advance(ERASE_US, "flash")
        return result

    def readblocks(self, block, buf, offset=0):
        begin = time.ticks_us()
        result = RamFlash.readblocks(self, block, buf, offset)
        self.host_us += time.ticks_diff(time.ticks_us(), begin)
        return result


async def _sleep_ms(ms):
    clock.advance(ms * 1000, "wait")


asyncio.sleep_ms = _sleep_ms


def _finish(coroutine):
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("nothing waits here")


def _loop_us():
    """A loop of 4,000 here, the best of some."""
    best = 1 << 30
    for _ in range(20):
        begin = time.ticks_us()
        s = 0
        for i in range(4000):
            s += i
        best = min(best, time.ticks_diff(time.ticks_us(), begin))
    return best


class Scene:
    """One gate, its reader, and badges that come at any moment."""

    def __init__(self, table):
        self.flash = TimedFlash(BLOCKS, image=formatted(BLOCKS))
        mount(self.flash)
        registry.clear()
        clock.field = TagField(clock.now_us)
        model = chip_model.Mfrc522(clock.field, clock.now_us)
        wires = (pins.READER_SCK, pins.READER_MOSI, pins.READER_MISO)
        registry.attach_spi(0, wires, pins.READER_SS, model)
        registry.line(pins.READER_RST).listeners.append(model.reset_pin)
        registry.line(pins.READER_SS).listeners.append(self._selected)
        self.reader = Mfrc522(
            pins.READER_SPI,
            pins.READER_SCK,
            pins.READER_MOSI,
            pins.READER_MISO,
            pins.READER_SS,
            pins.READER_RST,
        )
        self.parts = Parts()
        self.parts.install(1, table)
        self.parts.arm.open = self._opened
        self.ratio = PICO_LOOP_US / _loop_us()
        self.green_us = -1
        self.in_tap = dict.fromkeys(clock.spent, 0)
        self.vm_us = 0
        self._seen = []
        self._turns = 0
        self._begin = 0
        self._host = 0
        _finish(self.reader.begin())

    def _selected(self, level):
        if not level:
            clock.advance(SPI_US, "spi")

    def _opened(self, now_ms, sequence, direction):
        # The VM's own time, less that of the flash model, which moved the clock itself. One tap
        # alone says little on a busy machine: the median of the first ones stands for all.
        vm_us = time.ticks_diff(time.ticks_us(), self._begin) - (self.flash.host_us - self._host)
        if len(self._seen) < SAMPLES:
            self._seen.append(vm_us)
            self._seen.sort()
        self.vm_us = int(self._seen[len(self._seen) // 2] * self.ratio)
        clock.advance(self.vm_us + RING_US, "vm")
        self.green_us = clock.us

    def turn(self):
        """One turn of the tap path's loop, and what other tasks do in its pause."""
        clock.advance(POLL_MS * 1000, "wait")
        self._turns += 1
        if self._turns % CARE_EVERY == 0:
            self.parts.journal.acked(self.parts.journal.head)
            for _ in range(4):
                if not self.parts.journal.tidy(clock.us // 1000):
                    break
        self.reader.check()
        found, uid = _finish(cards.poll(self.reader))
        if found == cards.CARD:
            clock.advance(HASH_US, "hash")
        self._begin = time.ticks_us()
        self._host = self.flash.host_us
        self.parts.taps.seen(found, uid, clock.us // 1000)

    def tap(self, uid, after_us):
        """A badge comes `after_us` from now; returns the microseconds until green."""
        clock.uid = uid
        begin = clock.badge_at = clock.us + after_us
        self.green_us = -1
        while clock.badge_at >= 0 and self.green_us < 0:
            self.turn()
        while self.green_us < 0:
            self.turn()
        for what in self.in_tap:
            self.in_tap[what] += clock.spent[what] - clock.at_badge[what]
        clock.field.remove(uid)
        for _ in range(4):
            self.turn()
        clock.advance(20_000_000, "wait")  # the same badge may come next
        return self.green_us - begin

    def look_up_us(self, badges):
        """Device time of a look-up in the roster: interpreter time scaled."""
        tags = [badge_tag(BADGE_KEY, uid_of(n)) for n in range(0, badges, max(1, badges // 100))]
        best = 1 << 30
        for _ in range(5):
            host = self.flash.host_us
            begin = time.ticks_us()
            for tag in tags:
                assert self.parts.roster.row(tag)
            spent = time.ticks_diff(time.ticks_us(), begin) - (self.flash.host_us - host)
            best = min(best, spent)
        return best * self.ratio / len(tags)


def main(taps, badges, chance):
    with open(os.getenv("BENCH_ROSTER"), "rb") as file:
        scene = Scene(file.read())
    gc.collect()
    for number in range(SAMPLES):
        scene.tap(uid_of(number % badges), 0)
    scene.in_tap = dict.fromkeys(scene.in_tap, 0)
    latencies = []
    for _ in range(taps):
        chance = (chance * 1103515245 + 12345) & 0x7FFFFFFF
        uid = uid_of((chance >> 8) % badges)
        chance = (chance * 1103515245 + 12345) & 0x7FFFFFFF
        latencies.append(scene.tap(uid, (chance >> 8) % 400000))
    print(
        json.dumps(
            {
                "latencies_us": latencies,
                "not_kept": scene.parts.taps.not_kept,
                "refused": scene.parts.taps.refused,
                "interpreter_ratio": scene.ratio,
                "in_tap_us": {what: spent / taps for what, spent in scene.in_tap.items()},
                "look_up_us": scene.look_up_us(badges),
            }
        )
    )


main(int(os.getenv("BENCH_TAPS")), int(os.getenv("BENCH_BADGES")), int(os.getenv("BENCH_SEED")))
