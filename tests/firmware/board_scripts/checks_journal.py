"""The journal on a flash that tears: nothing kept is lost, nothing acked or invented comes back."""

import gc
import os

from standins import MOUNT, FixedClock, RamFlash, equal, formatted, mount

from firmware import archive
from firmware.journal import OTHER_RESERVE_BLOCKS, TAP_RESERVE_BLOCKS, Journal, JournalError
from protocol.record import (
    KIND_BOOT,
    KIND_FAULT,
    KIND_STORAGE_RESET,
    KIND_TAP,
    unpack_record,
)
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
        self.boots = []
        self.ids = []


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


def ack(journal, told, upto):
    told.acked = max(told.acked, min(upto, journal.head))
    journal.acked(upto)
    while journal.tidy():
        pass


def life(told):
    """Two starts, 40 taps, acks in between: about every kind of step the journal takes."""
    journal = start(told)
    for number in range(20):
        put(journal, told, number)
        if number in (8, 15):
            ack(journal, told, journal.head - 3)
    journal = start(told)
    for number in range(20, 40):
        put(journal, told, number)
        if number == 30:
            ack(journal, told, journal.head)
    ack(journal, told, journal.head - 1)
    return journal


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
    # Whole segments go at once: at most 5 acked records of a boot may come again.
    if journal.floor <= told.acked:
        equal(len(journal.read(journal.floor, 1)), 32)


def sweep(run, image, told_before=None, second_cut_every=5):
    """Cuts the power at each flash operation of `run(told)`; returns how many there are."""
    flash = RamFlash(BLOCKS, image=image)
    mount(flash)
    told = told_before() if told_before else Told()
    run(told)
    operations = flash.operations
    for cut in range(1, operations + 1):
        told = told_before() if told_before else Told()
        flash = RamFlash(BLOCKS, image=image, cut_at=cut, seed=cut)
        mount(flash)
        try:
            run(told)
            raise AssertionError("cut {} did not happen".format(cut))
        except PowerCutError:
            pass
        equal(flash.violations, 0, "NOR violations")
        survived = flash.image
        if cut % second_cut_every == 0:
            again = RamFlash(BLOCKS, image=survived, cut_at=1 + cut % 4, seed=cut)
            try:
                mount(again)
                start(told)
            except PowerCutError:
                survived = again.image
        flash = RamFlash(BLOCKS, image=survived)
        mount(flash)
        journal = start(told)
        verify(told, journal)
        for number in range(100, 104):
            put(journal, told, number)
        verify(told, journal)
        equal(len(set(told.ids[-2:])), 1, "journal id")
        gc.collect()
    return operations


def check_every_power_cut_of_a_life():
    operations = sweep(life, formatted(BLOCKS))
    assert operations > 60, operations
    return "{} cuts".format(operations)


def check_every_power_cut_around_archives():
    before = archive.SEGMENTS_KEPT, archive.ARCHIVE_RECORDS, archive.ARCHIVE_MIN
    archive.SEGMENTS_KEPT, archive.ARCHIVE_RECORDS, archive.ARCHIVE_MIN = 2, 18, 8

    def outage(told):
        journal = start(told)
        for number in range(60):
            put(journal, told, number)
        while journal.tidy():
            pass
        put(journal, told, 60)
        ack(journal, told, 20)
        put(journal, told, 61)
        return journal

    try:
        operations = sweep(outage, formatted(BLOCKS))
        mount(RamFlash(BLOCKS, image=formatted(BLOCKS)))
        told = Told()
        journal = outage(told)
        names = [entry[0] for entry in os.ilistdir(FOLDER)]
        assert "a0000000019" in names, names
        assert "s0000000019" not in names, names
        equal(len(journal.read(19, 16)) // 32, 16)
    finally:
        archive.SEGMENTS_KEPT, archive.ARCHIVE_RECORDS, archive.ARCHIVE_MIN = before
    return "{} cuts".format(operations)


def fresh(blocks=BLOCKS):
    flash = RamFlash(blocks, image=formatted(blocks))
    mount(flash)
    return flash


def check_read_returns_runs_across_files():
    fresh()
    told = Told()
    journal = start(told)
    for number in range(40):
        put(journal, told, number)
    records = journal.read(3, 16)
    equal(len(records), 16 * 32)
    for i in range(16):
        equal(unpack_record(records, i * 32).data, data_of(i))
    equal(journal.read(journal.head, 16), journal.read(journal.head, 1))
    equal(journal.read(journal.head + 1, 1), b"")


def check_a_new_stream_says_so_and_keeps_its_id():
    fresh()
    told = Told()
    journal = start(told)
    equal(unpack_record(journal.read(1, 1)).kind, KIND_STORAGE_RESET)
    equal(unpack_record(journal.read(2, 1)).kind, KIND_BOOT)
    again = start(told)
    equal(again.id, journal.id)
    equal(again.boot, journal.boot + 1)
    equal(unpack_record(again.read(again.head, 1)).kind, KIND_BOOT)
    os.remove(FOLDER + "/id")
    third = Journal(FOLDER)
    third.start(CLOCK)
    assert third.id != journal.id
    equal(unpack_record(third.read(third.head - 1, 1)).kind, KIND_STORAGE_RESET)
    assert third.read(1, 1), "records of the old id are still there"


def check_numbers_go_on_when_everything_is_acked():
    fresh()
    told = Told()
    journal = start(told)
    for number in range(12):
        put(journal, told, number)
    head = journal.head
    ack(journal, told, head)
    equal(len([e for e in os.ilistdir(FOLDER) if e[0][0] == "s"]), 1)
    journal = Journal(FOLDER)
    equal(journal.head, head)
    journal = Journal(FOLDER)
    journal.start(CLOCK)
    equal(journal.head, head + 1)


def check_a_rotten_record_is_not_sent_and_hides_no_other():
    fresh()
    told = Told()
    journal = start(told)
    for number in range(16):
        put(journal, told, number)
    path = FOLDER + "/s0000000007"
    with open(path, "rb") as file:
        content = bytearray(file.read())
    content[32 + 21] ^= 1  # the second record of the segment: number 8
    with open(path, "wb") as file:
        file.write(content)
    journal = Journal(FOLDER)
    equal(len(journal.read(5, 16)) // 32, 3)
    equal(journal.read(8, 1), b"")
    equal(journal.readable_from(8), 9)
    equal(len(journal.read(9, 4)) // 32, 4)


def check_a_full_journal_refuses_and_never_overwrites():
    fresh(32)
    told = Told()
    journal = start(told)
    number = 0
    try:
        while number < 3000:
            put(journal, told, number)
            number += 1
        raise AssertionError("never full")
    except JournalError as error:
        equal(error.code, "full")
    assert journal.full
    assert number > 50, number
    assert journal.free_blocks < TAP_RESERVE_BLOCKS
    assert journal.free_blocks > OTHER_RESERVE_BLOCKS, "room for facts about the gate"
    journal.note(KIND_FAULT, 0, CLOCK, 1, bytes(8))
    told.kept[journal.head] = bytes(8)
    verify(told, journal)
    for _ in range(200):
        try:
            put(journal, told, 9999)
        except JournalError:
            journal.prepare()
    verify(told, journal)
    ack(journal, told, journal.head)
    journal.prepare()
    put(journal, told, 10000)
    return "{} taps in {} blocks".format(number, 32)


class FailingFlash(RamFlash):
    """A flash whose programs fail with EIO while `failing`; `late` ones have been carried out."""

    failing = False
    late = False

    def writeblocks(self, block, buf, offset=0):
        if self.failing and not self.late:
            return -5
        result = RamFlash.writeblocks(self, block, buf, offset)
        return -5 if self.failing else result


def check_a_record_that_is_there_although_the_flush_failed():
    for before in range(3):
        flash = FailingFlash(BLOCKS, image=formatted(BLOCKS))
        flash.late = True
        mount(flash)
        told = Told()
        journal = start(told)
        for number in range(before):
            put(journal, told, number)
        flash.failing = True
        try:
            put(journal, told, 50)
            raise AssertionError("kept")
        except JournalError:
            flash.failing = False
        put(journal, told, 51)
        journal.prepare()
        mount(RamFlash(BLOCKS, image=flash.image))
        journal = start(told)
        verify(told, journal)


def check_a_flash_error_is_not_kept_and_the_journal_goes_on():
    flash = FailingFlash(BLOCKS, image=formatted(BLOCKS))
    mount(flash)
    told = Told()
    journal = start(told)
    for number in range(8):
        put(journal, told, number)
    given = []
    journal.appended = given.append
    for number in range(8, 11):
        flash.failing = True
        try:
            put(journal, told, number)
            raise AssertionError("kept on a dead flash")
        except JournalError as error:
            equal(error.code, "flash")
        journal.prepare()
        flash.failing = False
        put(journal, told, 100 + number)
    assert journal.faults >= 3
    equal(given, list(range(given[0], journal.head + 1)), "every number is told")
    verify(told, journal)
    head = journal.head
    mount(RamFlash(BLOCKS, image=flash.image))
    journal = start(told)
    assert journal.head > head
    verify(told, journal)


def check_what_a_cut_left_half_written_is_removed():
    fresh()
    start(Told())
    for name in ("id.tmp", "archive.tmp"):
        with open(FOLDER + "/" + name, "wb") as file:
            file.write(b"half")
    start(Told())
    assert not [e[0] for e in os.ilistdir(FOLDER) if e[0].endswith(".tmp")]


def check_the_newest_dated_record_is_a_lower_bound_of_time():
    fresh()
    told = Told()
    start(told)
    equal(Journal(FOLDER).newest_utc_s, 1_795_000_000)
