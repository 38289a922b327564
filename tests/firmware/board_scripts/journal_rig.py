"""A journal on a flash that tears, what it has promised, and whether it keeps that."""

import gc

from standins import MOUNT, FixedClock, RamFlash, equal, formatted, mount

from firmware import ack_mark
from firmware.journal import Journal, JournalError
from protocol.record import KIND_TAP, unpack_record
from simulator.board.flash import PowerCutError

BLOCKS = 48
FOLDER = MOUNT + "/journal"
CLOCK = FixedClock(1_795_000_000_123)


def data_of(number):
    return b"T" + number.to_bytes(4, "big") + b"abc"


class Told:
    """What the journal has promised so far, and what it was asked to keep."""

    def __init__(self):
        self.kept = {}  # sequence -> data, append returned
        self.tried = {}  # sequence -> data of the append under way
        self.acked = 0
        self.gone = 0  # nothing up to here may come back
        self.boots = []
        self.ids = []

    def copy(self):
        told = Told()
        told.kept = dict(self.kept)
        told.tried = dict(self.tried)
        told.acked = self.acked
        told.gone = self.gone
        told.boots = self.boots[:]
        told.ids = self.ids[:]
        return told


def put(journal, told, number):
    told.tried[journal.head + 1] = data_of(number)
    sequence = journal.append(KIND_TAP, 1, 1, 0, CLOCK, 5000 + number, data_of(number))
    told.kept[sequence] = data_of(number)
    journal.prepare()


def start(told):
    journal = Journal(FOLDER)
    told.boots.append(journal.boot)
    before = journal.head
    for sequence in range(before + 1, before + 3):
        told.tried[sequence] = bytes(8)
    journal.start(CLOCK)
    for sequence in range(before + 1, journal.head + 1):
        told.kept[sequence] = bytes(8)
    told.ids.append(journal.id)
    return journal


def clean(journal, now_ms=-1):
    """All cleaning is done that can be done now."""
    while journal.tidy(now_ms):
        pass


def rest(journal, told, now_ms=-1):
    """The gate, which knows the acks of `told`, comes to rest."""
    clean(journal, now_ms)
    # What is acked and not marked may come again, and is bounded.
    told.gone = max(told.gone, told.acked - ack_mark.UNMARKED_MAX + 1)


def ack(journal, told, upto):
    told.acked = max(told.acked, min(upto, journal.head))
    journal.acked(upto)
    rest(journal, told)


def quiet(journal, told):
    """Nothing happens for long."""
    for now_ms in (1, ack_mark.QUIET_MS + 1):
        rest(journal, told, now_ms)
    told.gone = max(told.gone, told.acked - ack_mark.UNMARKED_QUIET)


def verify(told, journal):
    """The journal after a cut still keeps every promise of `told`."""
    for sequence in told.kept:
        if sequence > told.acked:
            held = journal.read(sequence, 1)
            assert held, "record {} is lost".format(sequence)
            equal(unpack_record(held).data, told.kept[sequence], "record {}".format(sequence))
    for sequence in range(journal.floor, journal.head + 1):
        held = journal.read(sequence, 1)
        if held:
            wanted = told.kept.get(sequence) or told.tried.get(sequence)
            equal(unpack_record(held).data, wanted, "ghost {}".format(sequence))
    if told.kept:
        assert journal.head >= max(told.kept), "numbers would come again"
    for boot in told.boots[:-1]:
        assert journal.boot > boot, "boot number again"
    assert journal.floor > told.gone, "acked {} comes back as {}".format(told.gone, journal.floor)


def sweep(run, image, blocks=BLOCKS, told_before=None, second_cut_every=5):
    """Cuts the power at each flash operation of `run(told)`; returns how many there are."""
    before = told_before or Told()
    flash = RamFlash(blocks, image=image)
    mount(flash)
    run(before.copy())
    operations = flash.operations
    for cut in range(1, operations + 1):
        told = before.copy()
        flash = RamFlash(blocks, image=image, cut_at=cut, seed=cut)
        mount(flash)
        try:
            run(told)
            raise AssertionError("cut {} did not happen".format(cut))
        except PowerCutError:
            pass
        equal(flash.violations, 0, "NOR violations")
        survived = flash.image
        if cut % second_cut_every == 0:
            again = RamFlash(blocks, image=survived, cut_at=1 + cut % 17, seed=cut)
            try:
                mount(again)
                clean(start(told))
            except PowerCutError:
                pass
            survived = again.image
        after_cut(RamFlash(blocks, image=survived), told)
        gc.collect()
    return operations


def after_cut(flash, told):
    """The power is back: all promises are kept, and work goes on."""
    mount(flash)
    try:
        journal = start(told)
    except JournalError as error:
        equal(error.code, "full")
        verify(told, Journal(FOLDER))
        return
    verify(told, journal)
    clean(journal)
    verify(told, journal)
    for number in range(100, 104):
        try:
            put(journal, told, number)
        except JournalError as error:
            equal(error.code, "full")
    verify(told, journal)
    equal(len(set(told.ids[-2:])), 1, "journal id")
    ack(journal, told, journal.head)
    quiet(journal, told)
    journal = Journal(FOLDER)
    assert journal.floor > told.gone
    assert journal.head >= told.acked


def fresh(blocks=BLOCKS):
    flash = RamFlash(blocks, image=formatted(blocks))
    mount(flash)
    return flash


class FailingFlash(RamFlash):
    """A flash whose programs fail with EIO while `failing`; `late` ones have been carried out."""

    failing = False
    late = False

    def writeblocks(self, block, buf, offset=0):
        if self.failing and not self.late:
            return -5
        result = RamFlash.writeblocks(self, block, buf, offset)
        return -5 if self.failing else result
