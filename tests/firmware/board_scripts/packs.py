"""Small packs, flashes that hold them, and the life of a gate without drivers."""

from hashlib import sha256

from standins import MOUNT, RamFlash, formatted, mount

from firmware.journal import Journal
from firmware.loader import PackVolume, choose
from firmware.update import TRIAL_MS, Update
from protocol.limits import FIRMWARE_PIECE
from protocol.pack import METHOD_STORED, encode_pack
from protocol.record import KIND_UPDATE, REASON_NONE
from protocol.slots import SLOT_FILES, STATE_FILE, BootState

BLOCKS = 40


def pack_of(version, size=2500, salt=b""):
    """A pack of three files; the content tells the version."""
    filler = sha256(version.encode() + salt).digest() * (size // 32)
    return encode_pack(
        version,
        [
            ("firmware/__init__.mpy", METHOD_STORED, version.encode()),
            ("firmware/filler.mpy", METHOD_STORED, filler),
            ("protocol/empty.mpy", METHOD_STORED, b""),
        ],
    )


def digest_of(pack):
    return pack[-32:]


def write(name, content):
    with open(MOUNT + "/" + name, "wb") as file:
        file.write(content)


def content_of(name):
    with open(MOUNT + "/" + name, "rb") as file:
        return file.read()


def fresh(pack, other=None, **state):
    """Mounts a flash with `pack` in slot a, `other` in slot b and the state file for them."""
    flash = RamFlash(BLOCKS, image=formatted(BLOCKS))
    mount(flash)
    boot = BootState()
    write(SLOT_FILES[1], pack)
    boot.digests[1] = digest_of(pack)
    if other is not None:
        write(SLOT_FILES[2], other)
        boot.digests[2] = digest_of(other)
    for name in state:
        setattr(boot, name, state[name])
    write(STATE_FILE, boot.encode())
    return flash


def version_in(slot):
    """What the pack in the slot says of itself, read as modules are read."""
    with PackVolume(MOUNT + "/" + SLOT_FILES[slot]).open("/firmware/__init__.mpy", "rb") as file:
        return file.read().decode()


class Restarted(Exception):
    """The firmware started the board anew."""


class Clock:
    quality = 0

    def now_ms(self):
        return 1000

    def utc_at(self, now_ms):
        return 0


class Life:
    """A gate that is switched on, lives, and restarts as often as it likes.

    Attributes: started (version and kind of each start), told (outcomes that are in the journal),
    faults, asked (offsets).

    Args:
        order: (version, pack, number) the hub orders at each greeting, or None.
        good: the versions whose tap path works and that reach the hub.
        crashing: the versions that crash at once.
    """

    def __init__(self, order, good, crashing=()):
        self.order = order
        self.good = good
        self.crashing = crashing
        self.started = []
        self.told = []
        self.faults = []
        self.asked = []
        self.idle = True
        self.update = None

    def live(self, starts=12, held=False):
        """Power on; returns the version that runs when nothing is left to do."""
        reset = False
        for _ in range(starts):
            start = choose(MOUNT, reset, held)
            assert start["slot"], "nothing to start"
            version = version_in(start["slot"])
            self.started.append((version, start["trial"], start["safe"]))
            reset = True
            held = False
            if version in self.crashing:
                continue
            try:
                self._run(start, version)
                return version
            except Restarted:
                self.update = None
        raise AssertionError("never at rest: {}".format(self.started))

    def _restart(self):
        raise Restarted

    def _run(self, start, version):
        self.journal = Journal(MOUNT + "/journal")
        update = Update(
            MOUNT, start, self._tell, self.faults.append, lambda: self.idle, self._restart
        )
        self.update = update
        good = version in self.good
        now = 1000
        for _ in range(300):
            if good and self.order is not None:
                name, pack, number = self.order
                if now == 1000:
                    update.ordered(name, len(pack), digest_of(pack).hex(), number, now)
                asked = update.question(now)
                if asked is not None:
                    offset = asked[1]
                    self.asked.append(offset)
                    data = pack[offset : offset + FIRMWARE_PIECE]
                    update.piece(asked[0][:8], offset, data, now)
            update.step(now, good, good)
            now += 200
            if update.percent < 0 and not update.trial:
                return
            if update.trial and not good:
                now = TRIAL_MS
        raise AssertionError("an update without end")

    def _tell(self, outcome, why, digest):
        data = bytes((outcome, why)) + digest
        self.journal.note(KIND_UPDATE, REASON_NONE, Clock(), 1000, data)
        self.told.append((outcome, why, digest))
        return True
