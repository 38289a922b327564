"""The power goes at every operation of flash: afterwards the old roster decides, or the new one."""

from hashlib import sha256

from roster_hub import BLOCKS, agrees, gate, table_of
from standins import MOUNT, RamFlash, equal, formatted, mount

import firmware.roster_intake as intakes
from firmware.roster import Roster
from protocol.difference import merged
from protocol.roster import STANDING_BLOCKED
from simulator.board.flash import PowerCutError

OLD = table_of(range(150))
CHANGED = merged(OLD, table_of(range(70), STANDING_BLOCKED))
MUCH = merged(CHANGED, table_of(range(1000, 1250)))
LATER = merged(MUCH, table_of(range(90, 95), STANDING_BLOCKED))


class Sweep:
    """One way from a roster to another, cut at every operation.

    Args:
        tables: every table the hub knows, by version.
        before: versions the gate gets first, in turn.
        act: does what is cut, with the hub of the gate.
        results: what may be there afterwards: (version, table).
    """

    def __init__(self, tables, before, act, results):
        self.tables = tables
        self.before = before
        self.act = act
        self.results = dict(results)
        self.seen = set()
        self.agreed = set()

    def agrees(self, roster, table):
        """Badge by badge; once for each content of the two files that it was loaded from."""
        loaded = sha256()
        for path in (roster.path, roster._changes_path):
            try:
                with open(path, "rb") as file:
                    held = file.read()
            except OSError:
                held = b""
            loaded.update(len(held).to_bytes(4, "big") + held)
        key = loaded.digest() + sha256(table).digest()
        if key not in self.agreed:
            agrees(roster, table)
            self.agreed.add(key)

    def start(self, image, cut=0):
        """Mounts a copy of this flash and starts a gate on it, which begins with a recovery."""
        flash = RamFlash(BLOCKS, image=image, cut_at=cut, seed=cut or 1)
        try:
            mount(flash)
            hub = gate()[2]
            hub.tables = dict(self.tables)
            if cut:
                self.act(hub)
        except PowerCutError:
            return flash, None
        return flash, hub

    def judge(self, image):
        """One roster decides, whole; the way to the next one is open."""
        roster = self.start(image)[1].intake._roster
        assert not roster.damaged
        assert roster.version in self.results, "roster {}".format(roster.version)
        self.agrees(roster, self.results[roster.version])
        self.seen.add((roster.version, len(roster.changes) > 0))
        _flash, hub = self.start(image)
        assert hub.pull(99, LATER)
        self.agrees(Roster(MOUNT), LATER)

    def run(self, second_every):
        """Returns how many cuts and second cuts there were; `second_every` first cuts get those."""
        flash = RamFlash(BLOCKS, image=formatted(BLOCKS))
        mount(flash)
        hub = gate()[2]
        for version in self.before:
            assert hub.pull(version, self.tables[version])
        image = bytes(flash.image)
        flash, hub = self.start(image)
        self.act(hub)
        cuts = flash.operations
        seconds = 0
        for cut in range(1, cuts + 1):
            flash, hub = self.start(image, cut)
            assert hub is None, "cut {} did not happen".format(cut)
            torn = bytes(flash.image)
            self.judge(torn)
            if cut % second_every:
                continue
            flash, hub = self.start(torn)
            self.act(hub)
            for second in range(1, flash.operations + 1):
                flash, hub = self.start(torn, second)
                assert hub is None, "second cut {} did not happen".format(second)
                self.judge(bytes(flash.image))
                seconds += 1
        return "{} cuts, {} second cuts".format(cuts, seconds)


def check_a_whole_roster():
    def act(hub):
        del hub.tables[1]  # the hub does not know what changed since
        hub.tables[6] = MUCH
        hub.pull(6, MUCH)

    sweep = Sweep({1: OLD, 6: MUCH}, (1,), act, [(1, OLD), (6, MUCH)])
    result = sweep.run(4)
    equal(sweep.seen, {(1, False), (6, False)})
    return result


def check_changes_beside_the_table():
    def act(hub):
        hub.pull(5, CHANGED)

    sweep = Sweep({1: OLD, 5: CHANGED}, (1,), act, [(1, OLD), (5, CHANGED)])
    result = sweep.run(1)
    equal(sweep.seen, {(1, False), (5, True)})
    return result


def check_changes_upon_changes():
    later = merged(CHANGED, table_of(range(60, 80)))

    def act(hub):
        hub.pull(6, later)

    sweep = Sweep({1: OLD, 5: CHANGED, 6: later}, (1, 5), act, [(5, CHANGED), (6, later)])
    result = sweep.run(1)
    equal(sweep.seen, {(5, True), (6, True)})
    return result


def check_changes_that_become_a_new_file():
    def act(hub):
        hub.pull(6, MUCH)

    sweep = Sweep({1: OLD, 5: CHANGED, 6: MUCH}, (1, 5), act, [(5, CHANGED), (6, MUCH)])
    result = sweep.run(4)
    equal(sweep.seen, {(5, True), (6, False)})
    return result


def check_packing():
    def act(hub):
        hub.now = 2 * intakes.PACK_AFTER_MS
        hub.carry()

    sweep = Sweep({1: OLD, 5: CHANGED}, (1, 5), act, [(5, CHANGED)])
    result = sweep.run(4)
    equal(sweep.seen, {(5, True), (5, False)})
    return result
