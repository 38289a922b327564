"""Small stand-ins for what is around a module under check: time, drivers, wear of the flash."""

import gc

from protocol.limits import ROSTER_ROW_SIZE
from protocol.record import QUALITY_HUB, QUALITY_NONE
from protocol.roster import NO_CHANGES
from simulator.board.flash import RamFlash

GEOMETRY = {"readsize": 32, "progsize": 256, "lookahead": 32}  # as the stock image mounts it
MOUNT = "/gate"
KEY = b"\x11" * 32
BADGE_KEY = b"\x22" * 32


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
    """Remembers the colour of the lamps that lit up, with what `seen` returns at that moment."""

    def __init__(self, seen=None):
        self.shown = []
        self._seen = seen

    def paint(self, lamps, colour, others):
        shown = colour if lamps else others
        self.shown.append(shown if self._seen is None else (shown, self._seen()))


class Buzzer:
    def __init__(self):
        self.tones = []

    def tone(self, hertz):
        self.tones.append(hertz)


class Display:
    def __init__(self):
        self.lines = [""] * 5
        self.shown = b""

    def text(self, row, text, centred=False):
        assert len(text) <= 16, text
        self.lines[row] = text

    def picture(self, picture):
        self.shown = picture

    def flush(self):
        return False


class Arm:
    def __init__(self):
        self.opened = []

    def open(self, now_ms, sequence, direction):
        self.opened.append(now_ms)

    def step(self, now_ms):
        """Nothing moves here."""


def equal(got, wanted, what=""):
    assert got == wanted, "{} {} is not {}".format(what, got, wanted)


class GateSettings:
    """Settings of an invented gate."""

    def __init__(self, direction=1, language="nl", passback="off"):
        self.passback = passback
        self.repeat_ms = 10000
        self.terminal = "gate-1"
        self.site = "Werf Noord"
        self.direction = direction
        self.language = language
        self.key = KEY
        self.badge_key = BADGE_KEY
        self.host, self.port, self.tls, self.ca = "192.0.2.10", 1883, False, ""


class NoReader(Exception):
    """What a reader that is never polled would raise."""


class Parts:
    """The gate without drivers and link: real journal, roster, clock, panel and tap path."""

    def __init__(self, seen=None, direction=1, passback="off"):
        from firmware.clock import Clock, brussels_day
        from firmware.directions import Directions
        from firmware.journal import Journal
        from firmware.panel import Panel
        from firmware.roster import Roster
        from firmware.roster_intake import RosterIntake
        from firmware.taps import TapPath
        from firmware.today import Today

        self.ticks = Ticks(start=(1 << 30) - 5000)
        self.settings = GateSettings(direction, passback=passback)
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
        self.today = Today(3, brussels_day)
        self.directions = Directions(direction, self.today)
        self.taps = TapPath(
            self.settings,
            None,
            NoReader,
            self.clock,
            self.journal,
            self.roster,
            self.today,
            self.directions,
            self.panel,
            self.arm,
        )

    def install(self, version, table):
        """Puts a roster in use as the uplink does."""
        from hashlib import sha256

        now = self.clock.now_ms()
        self.intake.offered(
            version, len(table) // ROSTER_ROW_SIZE, sha256(table).digest().hex(), now
        )
        while True:
            asked = self.intake.question(now)
            if asked is None:
                break
            first = asked[-1]
            if asked[0] == "changes":
                self.intake.changes(asked[1], asked[2], first, NO_CHANGES, b"", now)
                continue
            self.intake.chunk(
                version,
                first,
                table[first * ROSTER_ROW_SIZE : (first + 128) * ROSTER_ROW_SIZE],
                now,
            )
        assert self.roster.version == version

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
