"""Roster in flash: found in memory and in the file, changed or replaced whole or not at all."""

import os
from hashlib import sha256

from roster_hub import (
    BLOCKED,
    BLOCKS,
    LET_IN,
    NoMemoryTables,
    agrees,
    digest_hex,
    fresh,
    gate,
    table_of,
    tag,
)
from standins import MOUNT, RamFlash, equal, formatted, mount

import firmware.roster_base as bases
import firmware.roster_intake as intakes
from firmware.roster import Roster
from firmware.roster_changes import ROWS_MAX
from protocol.difference import merged
from protocol.limits import CHANGES_ROWS_MAX, ROSTER_ROW_SIZE
from protocol.roster import NO_END, STANDING_ALLOWED, STANDING_BLOCKED, build_table, pack_row


def check_a_roster_is_pulled_and_found_again_after_a_start():
    fresh()
    roster, _intake, hub = gate()
    equal((roster.version, roster.row(tag(1))), (0, None))
    table = table_of(range(300))
    assert hub.pull(7, table)
    equal(hub.names(), ["roster"])
    for found in (roster, Roster(MOUNT)):
        equal((found.version, found.rows), (7, 300))
        equal(found.digest, sha256(table).digest())
        assert found.base.in_memory
        for number in range(0, 300, 7):
            equal(found.row(tag(number)), LET_IN)
        equal(found.row(tag(301)), None)


def check_the_file_and_the_memory_give_the_same_answers():
    for count in (1, 2, 15, 16, 17, 31, 32, 33, 64, 65, 700):
        fresh()
        table = table_of(range(count))
        strangers = [tag(number) for number in range(count, count + 40)]
        with NoMemoryTables():
            roster, _intake, hub = gate()
            assert hub.pull(1, table)
            for found in (roster, Roster(MOUNT)):
                assert not found.base.in_memory
                agrees(found, table, strangers)
        roster = Roster(MOUNT)
        assert roster.base.in_memory
        agrees(roster, table, strangers)
        equal(roster.base.reads, 0)


def check_tags_that_begin_alike_are_found_too():
    fresh()
    rows = [pack_row(b"\x42\x42" + tag(n)[:6], True, NO_END, "de") for n in range(400)]
    rows += [pack_row(bytes((n, n)) + tag(n)[:6], True, NO_END, "de") for n in range(1, 256, 3)]
    table = build_table(rows)
    with NoMemoryTables():
        roster, _intake, hub = gate()
        assert hub.pull(1, table)
        agrees(roster, table, [b"\x42\x42" + tag(n)[:6] for n in range(400, 450)])


def check_a_look_up_is_one_short_read():
    fresh()
    with NoMemoryTables():
        roster, _intake, hub = gate()
        assert hub.pull(1, table_of(range(4000)))
        base = roster.base
        base.reads = base.read_bytes = base.comparisons = 0
        for number in range(0, 8000, 5):
            roster.row(tag(number))
        equal(base.reads, 1600)
        assert base.read_bytes < 1600 * 17 * ROSTER_ROW_SIZE, base.read_bytes
        assert base.comparisons <= 1600 * 14, base.comparisons
        return "{} bytes, {} comparisons".format(base.read_bytes / 1600, base.comparisons / 1600)


def check_an_empty_roster_lets_nobody_in():
    fresh()
    roster, _intake, hub = gate()
    assert hub.pull(3, b"")
    for found in (roster, Roster(MOUNT)):
        equal((found.version, found.rows, found.row(tag(0))), (3, 0, None))
    assert hub.pull(4, table_of(range(5)))
    equal(hub.names(), ["changes"])
    agrees(Roster(MOUNT), table_of(range(5)))
    assert hub.pull(5, b"")
    agrees(Roster(MOUNT), b"")


def check_a_blocked_badge_costs_one_small_file():
    fresh()
    roster, _intake, hub = gate()
    table = table_of(range(2000))
    assert hub.pull(1, table)
    flash = RamFlash(BLOCKS, image=formatted(BLOCKS))
    mount(flash)
    roster, _intake, hub = gate()
    assert hub.pull(1, table)
    erases, programs = flash.erases, flash.programs
    changes = build_table([pack_row(tag(77), STANDING_BLOCKED, NO_END, "de")])
    after = merged(table, changes)
    assert hub.pull(2, after)
    equal(hub.names(), ["roster", "changes"])
    for found in (roster, Roster(MOUNT)):
        equal((found.version, found.rows), (2, 2000))
        equal(found.digest, sha256(after).digest())
        equal((found.row(tag(77)), found.row(tag(78))), (BLOCKED, LET_IN))
    erases, programs = flash.erases - erases, flash.programs - programs
    assert erases <= 1, erases
    assert programs <= 8, programs
    return "{} erases, {} programs".format(erases, programs)


def check_changes_upon_changes_are_the_table_of_the_hub():
    fresh()
    roster, _intake, hub = gate()
    table = table_of(range(600))
    assert hub.pull(1, table)
    seed = 7
    for version in range(2, 30):
        rows = []
        for _ in range(version % 9):
            seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
            number = (seed >> 8) % 700
            standing = (seed >> 4) % 3 if seed >> 7 & 3 else 15
            rows.append((number, pack_row(tag(number), standing, NO_END, "de")))
        table = merged(table, build_table([row for _number, row in dict(rows).items()]))
        assert hub.pull(version, table)
        agrees(roster, table)
        if not version % 5:
            agrees(Roster(MOUNT), table)
    equal(hub.names(), ["roster", "changes"])


def check_too_many_changes_become_a_new_file_and_more_still_a_whole_roster():
    fresh()
    roster, _intake, hub = gate()
    table = table_of(range(1000))
    assert hub.pull(1, table)
    for version, first, count, beside in (
        (2, 0, ROWS_MAX, True),
        (3, 300, 10, False),
        (4, 310, CHANGES_ROWS_MAX, False),
        (5, 900, CHANGES_ROWS_MAX + 1, False),
    ):
        changed = table_of(range(first, first + count), STANDING_BLOCKED)
        table = merged(table, changed)
        assert hub.pull(version, table)
        agrees(roster, table)
        agrees(Roster(MOUNT), table)
        equal(hub.names()[-1], "roster" if version == 5 else "changes")
        equal(len(roster.changes) > 0, beside, "changes of {}".format(version))


def check_the_same_badges_under_a_new_number_are_not_fetched():
    fresh()
    roster, _intake, hub = gate()
    table = table_of(range(300))
    assert hub.pull(1, table)
    hub.names()
    assert hub.pull(2, table)
    equal(hub.asked, [])
    for found in (roster, Roster(MOUNT)):
        equal((found.version, found.digest), (2, sha256(table).digest()))
    assert hub.pull(3, table_of(range(301)))
    agrees(Roster(MOUNT), table_of(range(301)))


def check_a_hub_that_forgot_our_version_sends_the_whole():
    fresh()
    roster, _intake, hub = gate()
    assert hub.pull(1, table_of(range(300)))
    hub.names()
    del hub.tables[1]
    assert hub.pull(2, table_of(range(299)))
    equal(hub.names(), ["changes", "roster"])
    agrees(roster, table_of(range(299)))


def check_changes_to_something_else_are_not_used():
    fresh()
    roster, intake, hub = gate()
    table = table_of(range(200))
    assert hub.pull(1, table)
    hub.names()
    after = table_of(range(201))
    hub.offer(5, after)
    equal(intake.question(0), ["changes", 1, 5, 0])
    row = pack_row(tag(200), STANDING_ALLOWED, NO_END, "de")
    for stale in ((1, 4, 0, 1), (0, 5, 0, 1), (1, 5, 1, 2), (1, 6, 0, 1)):
        intake.changes(stale[0], stale[1], stale[2], stale[3], row, 0)
        assert not intake.step(0), stale
    equal((roster.version, roster.row(tag(200))), (1, None))
    # Genuine and yet not what leads to the table of the offer: the whole is fetched.
    intake.changes(1, 5, 0, 1, pack_row(tag(200), STANDING_BLOCKED, NO_END, "de"), 0)
    while intake.step(0):
        pass
    equal((roster.version, roster.row(tag(200)), intake.refused), (1, None, 1))
    hub.carry()
    equal(hub.names(), ["roster"])
    equal((roster.version, roster.row(tag(200))), (5, LET_IN))


def check_the_old_roster_decides_until_the_new_one_is_whole():
    fresh()
    with NoMemoryTables():
        roster, intake, hub = gate()
        table = table_of(range(1500))
        assert hub.pull(1, table)
        for version, after in (
            (2, merged(table, table_of(range(5), STANDING_BLOCKED))),
            (3, table_of(range(1500), STANDING_BLOCKED)),
            (4, merged(table, table_of(range(300), STANDING_BLOCKED))),
        ):
            standing = roster.row(tag(3))[0]
            hub.offer(version, after)
            slices = 0
            while roster.version != version:
                equal(roster.row(tag(3))[0], standing)
                question = intake.question(0)
                if question is not None:
                    hub.answer(question)
                else:
                    intake.step(0)
                slices += 1
            assert slices > 4
            equal(roster.row(tag(3))[0], after[after.find(tag(3)) + 8] >> 4)


def check_only_a_newer_version_is_pulled():
    fresh()
    roster, intake, hub = gate()
    assert hub.pull(7, table_of(range(10)))
    for version in (6, 7):
        hub.pull(version, table_of(range(20)))
        assert not intake.pulling
    equal((roster.version, roster.rows), (7, 10))


def check_a_table_that_was_not_offered_is_thrown_away():
    fresh()
    roster, intake, hub = gate()
    assert hub.pull(1, table_of(range(10)))
    del hub.tables[1]
    hub.offer(2, table_of(range(10), STANDING_BLOCKED))
    hub.tables[2] = table_of(range(10))
    hub.carry()
    equal(intake.refused, 1)
    equal((roster.version, roster.row(tag(1))), (1, LET_IN))
    equal(intake.question(intakes.RETRY_MS - 1), None)
    hub.tables[2] = table_of(range(10), STANDING_BLOCKED)
    hub.now = intakes.RETRY_MS
    hub.carry()
    equal((roster.version, roster.row(tag(1))), (2, BLOCKED))


def check_chunks_out_of_order_are_dropped_and_lost_ones_asked_again():
    fresh()
    roster, intake, _hub = gate()
    table = table_of(range(200))
    intake.offered(1, 200, digest_hex(table), 0)
    equal(intake.question(0), ["roster", 1, 0])
    equal(intake.question(10), None)
    intake.chunk(1, 128, table[128 * ROSTER_ROW_SIZE :], 10)
    intake.chunk(2, 0, table[: 128 * ROSTER_ROW_SIZE], 10)
    equal(intake.question(5000), ["roster", 1, 0], "silence")
    intake.chunk(1, 0, table[: 128 * ROSTER_ROW_SIZE], 5010)
    intake.chunk(1, 0, table[: 128 * ROSTER_ROW_SIZE], 5011)
    equal(intake.question(5011), ["roster", 1, 128])
    intake.offered(1, 200, digest_hex(table), 5012)  # a new connection: goes on where it was
    equal(intake.question(5012), ["roster", 1, 128])
    intake.chunk(1, 128, table[128 * ROSTER_ROW_SIZE :], 5020)
    equal((roster.version, roster.rows), (1, 200))


def check_lost_changes_are_asked_for_again():
    fresh()
    roster, intake, hub = gate()
    table = table_of(range(400))
    assert hub.pull(1, table)
    hub.offer(2, merged(table, table_of(range(200), STANDING_BLOCKED)))
    equal(intake.question(0), ["changes", 1, 2, 0])
    equal(intake.question(4999), None)
    hub.now = 5000
    hub.answer(intake.question(5000))
    while intake.step(5000):
        pass
    equal(intake.question(5000), ["changes", 1, 2, 128])
    hub.now = 10000
    hub.carry()
    equal((roster.version, roster.row(tag(199)), roster.row(tag(200))), (2, BLOCKED, LET_IN))


def check_without_room_the_new_roster_is_refused_and_tried_again():
    fresh(48)
    roster, intake, hub = gate()
    old = table_of(range(1200))
    assert hub.pull(1, old)
    with open(MOUNT + "/taps", "wb") as file:
        for _ in range(10):
            file.write(bytes(4096))
    told = []
    intake.changed = lambda: told.append(1)
    del hub.tables[1]
    new = table_of(range(1300), STANDING_BLOCKED)
    assert not hub.pull(2, new)
    equal((intake.refused_version, roster.version, roster.row(tag(5))), (2, 1, LET_IN))
    equal(intake.question(intakes.RETRY_MS - 1), None)
    hub.now = intakes.RETRY_MS
    hub.carry()
    equal((intake.refused_version, roster.version), (2, 1), "still no room")
    # A few changes need none.
    hub.tables[1] = old
    blocked = merged(old, table_of(range(3), STANDING_BLOCKED))
    assert hub.pull(3, blocked)
    equal((intake.refused_version, roster.row(tag(2)), told), (0, BLOCKED, [1]))
    assert not hub.pull(4, merged(new, table_of(range(1300, 1302))))
    equal((intake.refused_version, roster.version), (4, 3))
    os.remove(MOUNT + "/taps")
    hub.now += intakes.RETRY_MS
    hub.carry()
    equal((intake.refused_version, roster.version, roster.rows), (0, 4, 1302))


def check_flash_that_fills_up_on_the_way_leaves_the_old_roster():
    fresh(28)
    before = intakes.ROOM_LEFT
    intakes.ROOM_LEFT = -1 << 20
    try:
        roster, intake, hub = gate()
        assert hub.pull(1, table_of(range(4000)))
        new = table_of(range(4600), STANDING_BLOCKED)
        assert not hub.pull(2, new)
        equal((intake.refused_version, roster.version, roster.row(tag(5))), (2, 1, LET_IN))
        for found in (roster, Roster(MOUNT)):
            equal((found.version, found.rows, found.row(tag(3999))), (1, 4000, LET_IN))
    finally:
        intakes.ROOM_LEFT = before


def check_changes_are_packed_into_the_table_when_nothing_else_is_to_do():
    fresh()
    with NoMemoryTables():
        roster, intake, hub = gate()
        table = table_of(range(1000))
        assert hub.pull(1, table)
        after = merged(table, table_of(range(intakes.PACK_ROWS), STANDING_BLOCKED))
        assert hub.pull(2, after)
        equal(len(roster.changes), intakes.PACK_ROWS * ROSTER_ROW_SIZE)
        told = []
        intake.changed = lambda: told.append(1)
        assert not intake.step(intakes.PACK_AFTER_MS - 1)
        slices = 0
        while intake.step(intakes.PACK_AFTER_MS):
            slices += 1
            equal(roster.row(tag(5)), BLOCKED)
            equal(roster.row(tag(500)), LET_IN)
        assert slices > 5, slices
        equal((roster.version, len(roster.changes), told), (2, 0, []))
        for found in (roster, Roster(MOUNT)):
            agrees(found, after)
        # An offer in the middle of it comes first.
        assert hub.pull(3, table)
        assert intake.step(hub.now + 2 * intakes.PACK_AFTER_MS)
        assert hub.pull(4, after)
        agrees(Roster(MOUNT), after)


def check_nothing_is_written_while_the_supply_is_low_or_packed_while_somebody_is_there():
    fresh()
    roster, intake, hub = gate()
    table = table_of(range(300))
    assert hub.pull(1, table)
    intake.writable = lambda: False
    after = merged(table, table_of(range(100), STANDING_BLOCKED))
    for version, offered in ((2, table), (3, after)):
        assert not hub.pull(version, offered)
    intake.writable = lambda: True
    hub.carry()
    equal((roster.version, roster.row(tag(5))), (3, BLOCKED))
    hub.now = 2 * intakes.PACK_AFTER_MS
    intake.idle = lambda: False
    hub.carry()
    assert roster.changes
    intake.idle = lambda: True
    assert intake.step(hub.now)
    intake.idle = lambda: False
    assert not intake.step(hub.now)
    intake.idle = lambda: True
    hub.carry()
    assert not roster.changes
    agrees(Roster(MOUNT), after)


def check_a_rotten_file_is_no_roster():
    fresh()
    roster, _intake, hub = gate()
    table = table_of(range(300))
    after = table_of(range(301))
    assert hub.pull(5, table)
    assert hub.pull(6, after)
    for path, position in (
        (roster.path, ROSTER_ROW_SIZE * 100 + 7),
        (MOUNT + "/changes", 60),
        (MOUNT + "/changes", 84),
    ):
        with open(path, "rb") as file:
            content = bytearray(file.read())
        content[position] ^= 1
        with open(path, "wb") as file:
            file.write(content)
        broken, _intake, other = gate()
        assert broken.damaged
        equal((broken.version, broken.row(tag(0))), (0, None))
        assert other.pull(6, after), "the hub sends it again"
        equal(other.names(), ["roster"])
        assert not broken.damaged
        _again, _intake, other = gate()
        other.tables[6] = after
        assert other.pull(7, table)
        assert other.pull(8, after)
    for size in (0, 1, 39, 40, 53, 200):
        with open(roster.path, "wb") as file:
            file.write(content[:size])
        broken = Roster(MOUNT)
        equal((broken.damaged, broken.version), (True, 0))


def check_a_roster_that_is_lost_in_use_is_asked_for_again():
    fresh()
    with NoMemoryTables():
        roster, _intake, hub = gate()
        table = table_of(range(300))
        assert hub.pull(5, table)
        hub.names()
        roster.base._file.close()  # the flash cannot be read any more
        roster.base._file = None
        equal((roster.row(tag(0)), roster.damaged, roster.version), (None, True, 0))
        hub.pull(4, table_of(range(9)))
        equal(roster.version, 5, "and not an older one")
        equal(hub.names(), ["roster"])
        agrees(roster, table)


def check_a_table_that_does_not_fit_the_heap_is_searched_in_the_file():
    fresh()
    before = bases.RAM_SPARE
    bases.RAM_SPARE = 1 << 30
    try:
        roster, _intake, hub = gate()
        assert hub.pull(1, table_of(range(200)))
        assert not roster.base.in_memory
        assert not Roster(MOUNT).base.in_memory
        equal(roster.row(tag(3)), LET_IN)
    finally:
        bases.RAM_SPARE = before
    assert Roster(MOUNT).base.in_memory
