"""Archives and the ack mark: made, grown, rotten, acked in the middle, cut at every operation."""

import gc
import os

from journal_rig import (
    BLOCKS,
    CLOCK,
    FOLDER,
    FailingFlash,
    Told,
    ack,
    clean,
    fresh,
    put,
    quiet,
    rest,
    start,
    sweep,
    verify,
)
from standins import RamFlash, equal, formatted, mount

from firmware import ack_mark, archive
from firmware.journal import Journal, JournalError
from protocol.record import KIND_FAULT, unpack_record


class Small:
    """Archives and acks in the small, so that a short life meets everything."""

    VALUES = (
        (archive, "SEGMENTS_KEPT", 4),
        (archive, "SEGMENTS_KEPT_LONG", 2),
        (archive, "MOVED_MIN", 3),
        (archive, "RECORDS_MIN", 8),
        (archive, "PAGES", 3),
        (ack_mark, "UNMARKED_MAX", 10),
    )

    def __enter__(self):
        self.before = [getattr(module, name) for module, name, _value in self.VALUES]
        for module, name, value in self.VALUES:
            setattr(module, name, value)

    def __exit__(self, *_error):
        for i in range(len(self.before)):
            setattr(self.VALUES[i][0], self.VALUES[i][1], self.before[i])


def names(kind):
    return sorted([e[0] for e in os.ilistdir(FOLDER) if e[0][0] == kind and e[0][1:].isdigit()])


def outage(told):
    """Archives are made, grow and are full, while taps go on; a restart; the hub comes back."""
    journal = start(told)
    for number in range(60):
        put(journal, told, number)
        if number % 7 == 0:
            journal.tidy()  # one step, in the middle of an archive perhaps
        if number % 25 == 0:
            rest(journal, told)
    rest(journal, told)
    journal = start(told)
    for number in range(60, 90):
        put(journal, told, number)
    rest(journal, told)
    ack(journal, told, 12)
    put(journal, told, 90)
    ack(journal, told, 30)
    quiet(journal, told)
    ack(journal, told, journal.head - 20)
    put(journal, told, 91)
    quiet(journal, told)
    return journal


def check_every_power_cut_around_archives_and_the_ack_mark():
    with Small():
        mount(RamFlash(BLOCKS, image=formatted(BLOCKS)))
        told = Told()
        journal = start(told)
        for number in range(90):
            put(journal, told, number)
            rest(journal, told)
        assert len(names("a")) > 1, names("a")
        equal(len(journal.read(19, 16)) // 32, 16)
        verify(told, journal)
        mount(RamFlash(BLOCKS, image=formatted(BLOCKS)))
        told = Told()
        journal = outage(told)
        assert "ack" in [entry[0] for entry in os.ilistdir(FOLDER)]
        verify(told, journal)
        operations = sweep(outage, formatted(BLOCKS), second_cut_every=2)
    assert operations > 200, operations
    return "{} cuts".format(operations)


def check_every_power_cut_of_a_full_journal():
    blocks = 34
    with Small():
        flash = RamFlash(blocks, image=formatted(blocks))
        mount(flash)
        before = Told()
        journal = start(before)
        number = 0
        while not journal.full:
            put(journal, before, number)
            number += 1
            rest(journal, before)
        image = bytes(flash.image)

        def full(told):
            journal = start(told)
            for refused in range(20):
                try:
                    put(journal, told, 2000 + refused)
                except JournalError as error:
                    equal(error.code, "full")
                    break
                rest(journal, told)
            assert refused < 19, "never full"
            told.tried[journal.head + 1] = bytes(8)
            told.kept[journal.note(KIND_FAULT, 0, CLOCK, 1, bytes(8))] = bytes(8)
            rest(journal, told)
            ack(journal, told, journal.head - 90)
            quiet(journal, told)
            for again in range(40):
                put(journal, told, 3000 + again)
                rest(journal, told)
            return journal

        operations = sweep(full, image, blocks, before)
    assert operations > 60, operations
    return "{} taps in {} blocks, {} cuts".format(number, blocks, operations)


def archived(told, taps=220):
    """A journal with archives, the last of them growing, and segments behind them."""
    journal = start(told)
    for number in range(taps):
        put(journal, told, number)
        clean(journal)
    assert len(names("a")) > 2, names("a")
    return journal


def check_reads_between_the_steps_of_an_archive():
    """What is sent while an archive is made is what was kept, whatever was in memory before."""
    with Small():
        fresh()
        told = Told()
        journal = archived(told)
        made = 0
        last = 2
        for number in range(1000, 1100):
            put(journal, told, number)
            while journal.tidy():
                made += 1
                # First those whose page is still in memory, back to the first of them.
                for sequence in [max(1, last - i) for i in range(25)] + [30 + made]:
                    last = sequence
                    held = journal.read(sequence, 1)
                    equal(unpack_record(held).data, told.kept[sequence], sequence)
        verify(told, journal)
    return "{} steps".format(made)


def rot(name, at):
    """One bit of a file turns over."""
    with open(FOLDER + "/" + name, "rb") as file:
        content = bytearray(file.read())
    content[at] ^= 4
    with open(FOLDER + "/" + name, "wb") as file:
        file.write(content)


def lost_of(journal, told):
    """Walks over the journal as the uplink does; returns the runs that are reported as lost."""
    lost = []
    sequence = journal.floor
    while sequence <= journal.head:
        records = journal.read(sequence, 16)
        for i in range(len(records) // 32):
            equal(unpack_record(records, i * 32).data, told.kept[sequence + i])
        sequence += len(records) // 32
        if not records:
            readable = journal.readable_from(sequence)
            assert readable > sequence
            if lost and lost[-1][1] == sequence - 1:
                lost[-1] = lost[-1][0], readable - 1
            else:
                lost.append((sequence, readable - 1))
            sequence = readable
    return lost


def check_rot_in_an_archive_hides_one_page():
    with Small():
        fresh()
        told = Told()
        archived(told)
        first = int(names("a")[1][1:])
        rot(names("a")[1], 100)
        journal = Journal(FOLDER)
        lost = lost_of(journal, told)
        equal(len(lost), 1, lost)
        equal(lost[0][0], first)
        assert 10 < lost[0][1] - first + 1 <= 25, lost
        for page in (1, 2):
            rot(names("a")[1], 256 * page + 5)  # and all other pages
        lost = lost_of(Journal(FOLDER), told)
        equal(lost, [(first, int(names("a")[2][1:]) - 1)])
        # What is acked goes, rotten or not.
        journal.acked(lost[0][1])
        clean(journal)
        assert journal.floor > lost[0][1]
        equal(lost_of(journal, told), [])


def check_rot_at_the_end_of_the_newest_archive():
    """Then nothing says how many records it has: no segment goes, no number comes twice."""
    with Small():
        fresh()
        told = Told()
        journal = archived(told, 221)
        head = journal.head
        newest = names("a")[-1]
        end = os.stat(FOLDER + "/" + newest)[6]
        rot(newest, end - 256)
        segments = names("s")
        journal = Journal(FOLDER)
        equal(journal.head, head)
        clean(journal)
        equal(names("s"), segments)
        lost = lost_of(journal, told)
        assert len(lost) == 1, lost
        equal(lost[0][1], int(segments[0][1:]) - 1)
        journal = start(told)
        for number in range(200, 300):  # goes on in a new archive
            put(journal, told, number)
            clean(journal)
        assert names("a")[-1] > newest
        equal(lost_of(journal, told), lost)
        # Without anything behind it numbers go on where it may have ended at most.
        for name in names("s"):
            os.remove(FOLDER + "/" + name)
        newest = names("a")[-1]
        rot(newest, os.stat(FOLDER + "/" + newest)[6] - 256)
        before = journal.head
        journal = start(told)
        assert journal.head > int(newest[1:])
        assert journal.read(journal.head, 1)
        equal(lost_of(journal, told)[0], lost[0])
        assert before - journal.head < 32


def check_a_segment_with_rot_does_not_move():
    with Small():
        fresh()
        told = Told()
        journal = start(told)
        for number in range(30):
            put(journal, told, number)
        rot("s0000000007", 32 + 21)
        for number in range(30, 120):
            put(journal, told, number)
            clean(journal)
        assert "s0000000007" in names("s"), names("s")
        assert names("a"), "no archive"
        equal(lost_of(journal, told), [(8, 8)])


def check_a_flash_that_fails_while_an_archive_is_made():
    with Small():
        for failing_from in range(12):
            flash = FailingFlash(BLOCKS, image=formatted(BLOCKS))
            mount(flash)
            told = Told()
            journal = start(told)
            for number in range(48):
                put(journal, told, number)
            for _ in range(failing_from):
                assert journal.tidy(1)
            flash.failing = True
            while journal.tidy(1):
                pass
            faults = journal.faults
            assert faults
            for _ in range(20):
                journal.tidy(2)  # not tried again at once
            equal(journal.faults, faults)
            flash.failing = False
            verify(told, journal)
            put(journal, told, 90)
            while journal.tidy(100000):
                pass
            assert names("a"), failing_from
            verify(told, journal)
            mount(RamFlash(BLOCKS, image=flash.image))
            journal = start(told)
            verify(told, journal)
            gc.collect()


def check_a_mark_that_is_not_whole_is_no_mark():
    with Small():
        for content in (b"", b"\x05\0\0\0", b"\x05\0\0\0abcd", b"\xff" * 8, b"x" * 300):
            fresh()
            told = Told()
            journal = archived(told)
            with open(FOLDER + "/ack", "wb") as file:
                file.write(content)
            journal = Journal(FOLDER)
            equal(journal.floor, 1, content)
            equal(journal.head, max(told.kept))


def check_the_mark_is_where_numbering_goes_on():
    """Also when all files are gone, which no cut does."""
    with Small():
        fresh()
        told = Told()
        journal = archived(told)
        ack(journal, told, int(names("a")[1][1:]) + 25)
        marked = journal.floor - 1
        for name in names("s") + names("a"):
            os.remove(FOLDER + "/" + name)
        journal = Journal(FOLDER)
        equal((journal.floor, journal.head), (marked + 1, marked))
        told.tried = {}
        told.kept = {}
        journal = start(told)
        put(journal, told, 1)
        verify(told, journal)
        equal(min(told.kept), marked + 1)


def check_a_normal_day_writes_no_mark():
    fresh()
    told = Told()
    journal = start(told)
    for number in range(100):
        put(journal, told, number)
        ack(journal, told, journal.head)
        quiet(journal, told)
    assert "ack" not in [e[0] for e in os.ilistdir(FOLDER)]
    journal = Journal(FOLDER)
    assert journal.floor > told.gone


def check_an_ack_frees_what_it_says_and_no_more():
    with Small():
        fresh()
        told = Told()
        journal = archived(told)
        for upto in range(1, journal.head):
            ack(journal, told, upto)
            held = journal.read(upto + 1, 1)
            assert held, upto + 1
            equal(unpack_record(held).data, told.kept[upto + 1])
            equal(journal.floor, upto + 1)
        equal(names("a"), [])


def check_segments_that_are_in_an_archive_are_removed_after_a_cut():
    with Small():
        flash = fresh()
        told = Told()
        journal = start(told)
        for number in range(60):
            put(journal, told, number)
        while not names("a"):
            assert journal.tidy()
        before = names("s")
        mount(RamFlash(BLOCKS, image=flash.image))
        journal = Journal(FOLDER)
        equal(names("s"), before)
        journal._archive = lambda _now_ms: False  # what is there already, and no new one
        clean(journal)
        after = names("s")
        assert after == before[-len(after) :], after
        assert len(before) - len(after) > 2, "they are still there"
        equal(names("a"), ["a0000000001"])
        verify(told, journal)
