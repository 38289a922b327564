"""The tap path: kept before green, one tap one record, the right answer in the right language."""

from standins import (
    BADGE_KEY,
    Parts,
    RamFlash,
    equal,
    formatted,
    mount,
    table_for,
    uid_of,
)

from firmware import cards, panel, texts
from firmware.journal import JournalError
from protocol.mac import badge_tag
from protocol.record import (
    KIND_FAULT,
    KIND_TAP,
    REASON_BLOCKED,
    REASON_NO_ROSTER,
    REASON_NONE,
    REASON_UNKNOWN_BADGE,
    REASON_UNREADABLE,
    VERDICT_GRANTED,
    VERDICT_REFUSED,
    unpack_record,
)
from protocol.roster import build_table, pack_row
from simulator.board.flash import PowerCutError

BLOCKS = 48


def fresh(**options):
    mount(RamFlash(BLOCKS, image=formatted(BLOCKS)))
    parts = Parts(**options)
    parts.install(1, table_for(range(1, 9)))
    return parts


def tags_in(journal):
    """Badge tags of all granted taps in the journal."""
    found = set()
    for sequence in range(journal.floor, journal.head + 1):
        held = journal.read(sequence, 1)
        if held:
            record = unpack_record(held)
            if record.kind == KIND_TAP and record.verdict == VERDICT_GRANTED:
                found.add(record.data)
    return found


def newest(parts):
    return unpack_record(parts.journal.read(parts.journal.head, 1))


def check_green_only_when_the_record_is_in_flash():
    """The power goes at every flash operation of 16 taps; whoever saw green is in the journal."""
    flash = RamFlash(BLOCKS, image=formatted(BLOCKS))
    mount(flash)
    Parts().install(1, table_for(range(1, 40)))
    image = bytes(flash.image)

    def morning(saw_green):
        parts = Parts()
        for number in range(1, 17):
            before = len(parts.lights.shown), len(parts.arm.opened)
            try:
                parts.tap(uid_of(number))
            finally:
                # Whatever was shown before the cut was seen; after it no code runs.
                green = panel.GREEN in parts.lights.shown[before[0] :]
                opened = len(parts.arm.opened) > before[1]
                assert green == opened, "the arm opens with green"
                if green:
                    saw_green.append(badge_tag(BADGE_KEY, uid_of(number)))
            if number == 8:
                parts.journal.acked(parts.journal.head - 2)
                while parts.journal.tidy():
                    pass
        return parts

    flash = RamFlash(BLOCKS, image=image)
    mount(flash)
    saw_green = []
    morning(saw_green)
    equal(len(saw_green), 16)
    operations = flash.operations
    greens = 0
    for cut in range(1, operations + 1):
        flash = RamFlash(BLOCKS, image=image, cut_at=cut, seed=7 * cut)
        mount(flash)
        saw_green = []
        try:
            morning(saw_green)
            raise AssertionError("cut {} did not happen".format(cut))
        except PowerCutError:
            pass
        mount(RamFlash(BLOCKS, image=flash.image))
        journal = Parts().journal
        kept = tags_in(journal)
        # The first taps may have been acked and freed.
        acked = max(0, journal.floor - 2)
        for tag in saw_green[acked:]:
            assert tag in kept, "cut {}: green without a record".format(cut)
        greens += len(saw_green)
    assert greens > operations, greens
    return "{} cuts, {} greens".format(operations, greens)


def check_a_card_counts_once_until_it_leaves():
    parts = fresh()
    head = parts.journal.head
    for _ in range(200):
        parts.taps.seen(cards.CARD, uid_of(1), parts.clock.now_ms())
        parts.ticks.total += 70
    equal(parts.journal.head, head + 1)
    parts.taps.seen(cards.NOTHING, b"", parts.clock.now_ms())  # one missed poll is no leaving
    parts.taps.seen(cards.CARD, uid_of(1), parts.clock.now_ms())
    parts.taps.seen(cards.UNCLEAR, b"", parts.clock.now_ms())
    parts.taps.seen(cards.CARD, uid_of(1), parts.clock.now_ms())
    equal(parts.journal.head, head + 1)
    parts.taps.seen(cards.CARD, uid_of(2), parts.clock.now_ms())
    equal(parts.journal.head, head + 2, "another card")


def check_a_second_tap_inside_the_window_makes_no_record():
    parts = fresh()
    head = parts.journal.head
    parts.tap(uid_of(1), wait_ms=3000)
    parts.tap(uid_of(2), wait_ms=3000)
    equal(parts.journal.head, head + 2)
    opened = len(parts.arm.opened)
    parts.buzzer.tones.clear()
    parts.tap(uid_of(1), wait_ms=0)
    equal(parts.journal.head, head + 2)
    equal(parts.display.lines[2], "AL GEDAAN")
    equal(parts.buzzer.tones, [2000])
    equal(len(parts.arm.opened), opened, "the arm stays as it is")
    parts.ticks.total += 10000
    parts.tap(uid_of(1))
    equal(parts.journal.head, head + 3, "after the window it is a new tap")


def check_a_repeat_with_another_answer_is_a_new_tap():
    parts = fresh()
    parts.tap(uid_of(99), wait_ms=500)
    head = parts.journal.head
    equal(newest(parts).reason, REASON_UNKNOWN_BADGE)
    parts.tap(uid_of(99), wait_ms=500)
    equal(parts.journal.head, head, "the same refusal again")
    equal(parts.display.lines[2], "BADGE ONBEKEND")
    parts.install(2, table_for((1, 99)))
    parts.tap(uid_of(99))
    equal(parts.journal.head, head + 1)
    equal(newest(parts).verdict, VERDICT_GRANTED)


def check_each_answer_has_its_record_and_its_face():
    mount(RamFlash(BLOCKS, image=formatted(BLOCKS)))
    parts = Parts(direction=2)
    parts.tap(uid_of(1))
    record = newest(parts)
    equal((record.verdict, record.reason), (VERDICT_REFUSED, REASON_NO_ROSTER))
    equal(parts.lights.shown[-1], panel.RED)
    rows = [
        pack_row(badge_tag(BADGE_KEY, uid_of(1)), True, 0xFFFF, "de"),
        pack_row(badge_tag(BADGE_KEY, uid_of(2)), False, 0xFFFF, "fr"),
        pack_row(badge_tag(BADGE_KEY, uid_of(3)), True, 0xFFFF, "pl"),
    ]
    parts.install(1, build_table(rows))
    parts.tap(uid_of(1))
    record = newest(parts)
    equal((record.kind, record.direction, record.verdict, record.reason), (KIND_TAP, 2, 1, 0))
    equal(record.data, badge_tag(BADGE_KEY, uid_of(1)))
    equal(record.boot, parts.journal.boot)
    equal(tuple(parts.display.lines[2:5]), texts.lines(texts.KEPT_OUT, "de"))
    equal(parts.lights.shown[-1], panel.GREEN)
    parts.tap(uid_of(2))
    equal(newest(parts).reason, REASON_BLOCKED)
    equal(parts.display.lines[2], "BADGE BLOQUÉ")
    equal(parts.lights.shown[-1], panel.RED)
    parts.tap(uid_of(3))
    equal(parts.display.lines[3], "ZACHOWANE")
    parts.tap(bytes.fromhex("08aabbcc"))
    record = newest(parts)
    equal((record.reason, record.data), (REASON_UNREADABLE, bytes(8)))
    equal(record.verdict, VERDICT_REFUSED)
    equal(parts.taps.taps, 5)
    equal(parts.taps.refused, 3)


def check_a_random_uid_counts_once_while_it_stays():
    parts = fresh()
    head = parts.journal.head
    for number in range(20):
        parts.taps.seen(cards.CARD, b"\x08" + number.to_bytes(3, "big"), parts.clock.now_ms())
        parts.ticks.total += 70
    equal(parts.journal.head, head + 1)


def check_several_cards_are_asked_to_come_one_by_one():
    parts = fresh()
    head = parts.journal.head
    for _ in range(5):
        parts.taps.seen(cards.SEVERAL, b"", parts.clock.now_ms())
    equal(parts.journal.head, head, "no record: nobody is named")
    equal(parts.lights.shown.count(panel.AMBER), 1)
    equal(parts.display.lines[2], "ÉÉN BADGE")
    parts.taps.seen(cards.CARD, uid_of(1), parts.clock.now_ms())
    equal(parts.journal.head, head + 1, "one was taken away")


def check_no_green_when_the_record_cannot_be_kept():
    parts = fresh()
    keep = parts.journal.append

    def refuse(*_arguments):
        raise JournalError("full")

    parts.journal.append = refuse
    shown = len(parts.lights.shown)
    parts.tap(uid_of(1))
    assert panel.GREEN not in parts.lights.shown[shown:]
    equal(parts.arm.opened, [])
    equal(parts.display.lines[2], "NIET BEWAARD")
    equal(parts.taps.not_kept, 1)
    parts.journal.append = keep
    parts.tap(uid_of(1), wait_ms=0)
    equal(newest(parts).verdict, VERDICT_GRANTED, "he may try again at once")
    assert parts.arm.opened


def check_a_full_journal_refuses_loudly_and_says_so_once():
    mount(RamFlash(36, image=formatted(36)))
    parts = Parts()
    parts.install(1, table_for(range(1, 1000)))
    number = 0
    while parts.taps.not_kept < 5:
        number += 1
        parts.tap(uid_of(number))
    assert number > 20, number
    equal(len(parts.arm.opened), number - 5)
    faults = 0
    for sequence in range(parts.journal.floor, parts.journal.head + 1):
        faults += unpack_record(parts.journal.read(sequence, 1)).kind == KIND_FAULT
    equal(faults, 1)
    parts.journal.acked(parts.journal.head)
    while parts.journal.tidy():
        pass
    parts.journal.prepare()
    parts.tap(uid_of(1))
    equal(newest(parts).reason, REASON_NONE)


def check_an_expired_badge_needs_a_known_day():
    parts = fresh()
    parts.install(2, table_for((1,), until=100))
    parts.tap(uid_of(1))
    equal(newest(parts).verdict, VERDICT_GRANTED, "without a date nothing has expired")
    parts.clock.not_before_s = 1_795_450_000
    parts.tap(uid_of(1))
    equal(newest(parts).verdict, VERDICT_REFUSED)
    equal(parts.display.lines[2], "VERVALLEN")
