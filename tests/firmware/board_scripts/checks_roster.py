"""Roster in flash: found in memory and in the file, replaced whole or not at all."""

from hashlib import sha256

from standins import MOUNT, RamFlash, equal, formatted, mount

import firmware.roster as rosters
from firmware.roster import Roster
from firmware.roster_intake import RosterIntake
from protocol.limits import ROSTER_CHUNK_ROWS, ROSTER_ROW_SIZE
from protocol.roster import NO_END, build_table, pack_row
from simulator.board.flash import PowerCutError

BLOCKS = 48


def tag(number):
    return (number * 2654435761 % (1 << 64)).to_bytes(8, "big")


def table_of(count, allowed=True):
    return build_table([pack_row(tag(n), allowed, NO_END, "de") for n in range(count)])


def digest_hex(table):
    return sha256(table).digest().hex()


def pull(intake, version, table, now=0):
    """What the hub and the uplink do: offer, then one chunk for each question."""
    intake.offered(version, len(table) // ROSTER_ROW_SIZE, digest_hex(table), now)
    chunks = 0
    while True:
        asked = intake.question(now)
        if asked is None:
            break
        first = asked[1]
        rows = table[first * ROSTER_ROW_SIZE :][: ROSTER_CHUNK_ROWS * ROSTER_ROW_SIZE]
        intake.chunk(asked[0], first, rows, now)
        chunks += 1
    return intake.finish()


def fresh():
    mount(RamFlash(BLOCKS, image=formatted(BLOCKS)))


def check_a_roster_is_pulled_and_found_again_after_a_start():
    fresh()
    roster = Roster(MOUNT)
    equal(roster.version, 0)
    equal(roster.row(tag(1)), None)
    table = table_of(300)
    assert pull(RosterIntake(roster), 7, table)
    for found in (roster, Roster(MOUNT)):
        equal((found.version, found.rows), (7, 300))
        equal(found.digest, sha256(table).digest())
        for number in range(0, 300, 7):
            equal(found.row(tag(number)), (True, NO_END, "de"))
        equal(found.row(tag(301)), None)


def check_a_long_roster_is_searched_in_the_file():
    fresh()
    before = rosters.RAM_ROWS
    rosters.RAM_ROWS = 100
    try:
        roster = Roster(MOUNT)
        assert pull(RosterIntake(roster), 1, table_of(700))
        assert roster._table is None
        for number in range(0, 700, 11):
            equal(roster.row(tag(number)), (True, NO_END, "de"))
        equal(roster.row(tag(9999)), None)
        equal(roster.row(bytes(8)), roster.row(tag(0)))
        equal(roster.row(b"\xff" * 8), None)
        assert pull(RosterIntake(roster), 2, table_of(50, allowed=False))
        equal(roster.row(tag(3)), (False, NO_END, "de"))
    finally:
        rosters.RAM_ROWS = before


def check_an_empty_roster_lets_nobody_in():
    fresh()
    roster = Roster(MOUNT)
    intake = RosterIntake(roster)
    intake.offered(3, 0, digest_hex(b""), 0)
    equal(intake.question(0), None)
    assert intake.finish()
    equal((roster.version, roster.rows, roster.row(tag(0))), (3, 0, None))


def check_only_a_newer_version_is_pulled():
    fresh()
    roster = Roster(MOUNT)
    intake = RosterIntake(roster)
    assert pull(intake, 7, table_of(10))
    for version in (6, 7):
        assert not pull(intake, version, table_of(20))
        assert not intake.pulling
    equal((roster.version, roster.rows), (7, 10))


def check_a_table_that_was_not_offered_is_thrown_away():
    fresh()
    roster = Roster(MOUNT)
    intake = RosterIntake(roster)
    assert pull(intake, 1, table_of(10))
    intake.offered(2, 10, digest_hex(table_of(10, allowed=False)), 0)
    intake.chunk(2, 0, table_of(10), 0)
    assert not intake.finish()
    equal(intake.refused, 1)
    equal((roster.version, roster.row(tag(1))), (1, (True, NO_END, "de")))


def check_chunks_out_of_order_are_dropped_and_lost_ones_asked_again():
    fresh()
    roster = Roster(MOUNT)
    intake = RosterIntake(roster)
    table = table_of(200)
    intake.offered(1, 200, digest_hex(table), 0)
    equal(intake.question(0), (1, 0))
    equal(intake.question(10), None)
    intake.chunk(1, 128, table[128 * 12 :], 10)
    intake.chunk(2, 0, table[: 128 * 12], 10)
    equal(intake.question(5000), (1, 0), "silence")
    intake.chunk(1, 0, table[: 128 * 12], 5010)
    intake.chunk(1, 0, table[: 128 * 12], 5011)
    equal(intake.question(5011), (1, 128))
    intake.offered(1, 200, digest_hex(table), 5012)  # a new connection: goes on where it was
    equal(intake.question(5012), (1, 128))
    intake.chunk(1, 128, table[128 * 12 :], 5020)
    assert intake.finish()
    equal(roster.rows, 200)


def check_a_rotten_file_is_no_roster():
    fresh()
    roster = Roster(MOUNT)
    assert pull(RosterIntake(roster), 5, table_of(300))
    with open(roster.path, "rb") as file:
        content = bytearray(file.read())
    content[12 * 100 + 7] ^= 1
    with open(roster.path, "wb") as file:
        file.write(content)
    roster = Roster(MOUNT)
    assert roster.damaged
    equal((roster.version, roster.row(tag(0))), (0, None))
    assert pull(RosterIntake(roster), 5, table_of(300)), "the hub sends it again"


def check_every_power_cut_leaves_the_old_or_the_new():
    fresh_image = formatted(BLOCKS)
    flash = RamFlash(BLOCKS, image=fresh_image)
    mount(flash)
    old, new = table_of(150), table_of(290, allowed=False)
    pull(RosterIntake(Roster(MOUNT)), 1, old)
    image = bytes(flash.image)
    flash = RamFlash(BLOCKS, image=image)
    mount(flash)
    assert pull(RosterIntake(Roster(MOUNT)), 2, new)
    operations = flash.operations
    seen = set()
    for cut in range(1, operations + 1):
        flash = RamFlash(BLOCKS, image=image, cut_at=cut, seed=cut)
        mount(flash)
        try:
            pull(RosterIntake(Roster(MOUNT)), 2, new)
            raise AssertionError("cut {} did not happen".format(cut))
        except PowerCutError:
            pass
        mount(RamFlash(BLOCKS, image=flash.image))
        roster = Roster(MOUNT)
        seen.add(roster.version)
        assert roster.version in (1, 2), "no roster after cut {}".format(cut)
        equal(roster.rows, 150 if roster.version == 1 else 290)
        equal(roster.row(tag(3)), (roster.version == 1, NO_END, "de"))
        intake = RosterIntake(roster)
        pull(intake, 3, new)
        equal(roster.version, 3)
    assert 1 in seen
    return "{} cuts".format(operations)
