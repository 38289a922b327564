"""Small stand-ins for what is around a module under check: time, drivers, wear of the flash."""

import errno
import gc

from protocol.record import QUALITY_HUB, QUALITY_NONE
from simulator.board import flash as board_flash

GEOMETRY = {"readsize": 32, "progsize": 256, "lookahead": 32}  # as the stock image mounts it
MOUNT = "/gate"
KEY = b"\x11" * 32
BADGE_KEY = b"\x22" * 32


class RamFlash(board_flash.RamFlash):
    """The board's RAM flash, read by slices: several times as fast in the VM.

    A slice takes memory, which there is none of while a finaliser closes a file; then byte by byte.
    """

    def __init__(self, blocks, image=None, cut_at=0, seed=1):
        super().__init__(blocks, image=image, cut_at=cut_at, seed=seed)
        self._view = memoryview(self.image)

    def readblocks(self, block, buf, offset=0):
        if self.dead:
            try:
                bytearray(1)
            except MemoryError:
                return -errno.EIO  # a finaliser: an error ends its close at once
            raise board_flash.PowerCutError(0)
        start = block * board_flash.BLOCK + offset
        try:
            buf[:] = self._view[start : start + len(buf)]
        except MemoryError:
            return super().readblocks(block, buf, offset)
        return 0


_state = {"formatted": {}, "mounted": False}


def formatted(blocks):
    """The bytes of a freshly formatted flash."""
    import vfs  # only the VM has it

    if blocks not in _state["formatted"]:
        flash = RamFlash(blocks)
        vfs.VfsLfs2.mkfs(flash, **GEOMETRY)
        _state["formatted"][blocks] = bytes(flash.image)
    return _state["formatted"][blocks]


def mount(flash):
    """Mounts `flash` at MOUNT in place of what was there before."""
    import vfs

    if _state["mounted"]:
        vfs.umount(MOUNT)
    _state["mounted"] = False
    vfs.mount(vfs.VfsLfs2(flash, **GEOMETRY), MOUNT)
    _state["mounted"] = True


class Ticks:
    """A clock source that only moves when told, and wraps at `period`."""

    def __init__(self, start=0, period=1 << 30):
        self.total = start
        self.period = period

    def ms(self):
        return self.total % self.period

    def diff(self, end, start):
        half = self.period // 2
        return (end - start + half) % self.period - half


class FixedClock:
    """A clock for the journal: ticks and UTC as set."""

    def __init__(self, utc_ms=0, now=1000):
        self.utc = utc_ms
        self.now = now
        self.quality = QUALITY_HUB if utc_ms else QUALITY_NONE

    def now_ms(self):
        return self.now

    def utc_at(self, now_ms):
        return self.utc

    def today(self, now_ms):
        return 0


class Lights:
    """Remembers every colour shown, with what `seen` returns at that moment."""

    def __init__(self, seen=None):
        self.shown = []
        self._seen = seen

    def fill(self, colour):
        self.shown.append(colour if self._seen is None else (colour, self._seen()))


class Buzzer:
    def __init__(self):
        self.tones = []

    def tone(self, hertz):
        self.tones.append(hertz)


class Display:
    def __init__(self):
        self.lines = [""] * 8

    def text(self, row, text):
        assert len(text) <= 16, text
        assert all(32 <= ord(c) < 127 for c in text), text
        self.lines[row] = text

    def flush(self):
        return False


class Arm:
    def __init__(self):
        self.opened = []

    def open(self, now_ms):
        self.opened.append(now_ms)

    def step(self, now_ms):
        """Nothing moves here."""


def equal(got, wanted, what=""):
    assert got == wanted, "{} {} is not {}".format(what, got, wanted)


class GateSettings:
    """Settings of an invented gate."""

    def __init__(self, direction=1, language="nl"):
        self.terminal = "gate-1"
        self.site = "Werf Noord"
        self.direction = direction
        self.language = language
        self.key = KEY
        self.badge_key = BADGE_KEY


class NoReader(Exception):
    """What a reader that is never polled would raise."""


class Parts:
    """The gate without drivers and link: real journal, roster, clock, panel and tap path."""

    def __init__(self, seen=None, direction=1):
        from firmware.clock import Clock
        from firmware.journal import Journal
        from firmware.panel import Panel
        from firmware.roster import Roster
        from firmware.roster_intake import RosterIntake
        from firmware.taps import TapPath

        self.ticks = Ticks(start=(1 << 30) - 5000)
        self.settings = GateSettings(direction)
        self.journal = Journal(MOUNT + "/journal")
        self.clock = Clock(self.journal.boot, self.ticks.ms, self.ticks.diff)
        self.journal.start(self.clock)
        self.roster = Roster(MOUNT)
        self.intake = RosterIntake(self.roster)
        self.lights = Lights(seen)
        self.buzzer = Buzzer()
        self.display = Display()
        self.arm = Arm()
        self.panel = Panel(
            self.lights,
            self.buzzer,
            self.display,
            self.settings.site,
            self.settings.language,
            direction,
        )
        self.taps = TapPath(
            self.settings,
            None,
            NoReader,
            self.clock,
            self.journal,
            self.roster,
            self.panel,
            self.arm,
        )

    def install(self, version, table):
        """Puts a roster in use as the uplink does."""
        from hashlib import sha256

        now = self.clock.now_ms()
        self.intake.offered(version, len(table) // 12, sha256(table).digest().hex(), now)
        while True:
            asked = self.intake.question(now)
            if asked is None:
                break
            first = asked[1]
            self.intake.chunk(version, first, table[first * 12 : (first + 128) * 12], now)
        assert self.intake.finish()

    def tap(self, uid, wait_ms=11000):
        """A badge comes, is seen by three polls, and leaves; then `wait_ms` go by."""
        from firmware import cards

        for _ in range(3):
            self.taps.seen(cards.CARD, uid, self.clock.now_ms())
            self.ticks.total += 70
        for _ in range(3):
            self.taps.seen(cards.NOTHING, b"", self.clock.now_ms())
        self.ticks.total += wait_ms


def uid_of(number):
    """The 7-byte UID of an invented badge."""
    return b"\x04" + number.to_bytes(4, "big") + b"\x5e\x1f"


def table_for(numbers, allowed=True, until=0xFFFF, language="nl"):
    """A roster table that knows these badges."""
    from protocol.mac import badge_tag
    from protocol.roster import build_table, pack_row

    rows = []
    for number in numbers:
        rows.append(pack_row(badge_tag(BADGE_KEY, uid_of(number)), allowed, until, language))
        if not number % 16:
            gc.collect()  # else the rows lie scattered between the garbage, over the whole heap
    return build_table(rows)
