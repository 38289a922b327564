"""The journal on a flash that tears: nothing kept is lost, nothing acked or invented comes back."""

import os

from journal_rig import (
    BLOCKS,
    CLOCK,
    FOLDER,
    FailingFlash,
    Told,
    ack,
    data_of,
    fresh,
    put,
    start,
    sweep,
    verify,
)
from standins import RamFlash, equal, formatted, mount

from firmware.journal import OTHER_RESERVE_BLOCKS, TAP_RESERVE_BLOCKS, Journal, JournalError
from protocol.record import KIND_BOOT, KIND_FAULT, KIND_STORAGE_RESET, unpack_record


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


def check_every_power_cut_of_a_life():
    operations = sweep(life, formatted(BLOCKS))
    assert operations > 60, operations
    return "{} cuts".format(operations)


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
