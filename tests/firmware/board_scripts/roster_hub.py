"""The other end of a roster: a hub that knows tables by version, and tables of invented badges."""

import gc
from hashlib import sha256

from standins import MOUNT, RamFlash, equal, formatted, mount

import firmware.roster_base as bases
from firmware.roster import Roster
from firmware.roster_intake import RosterIntake
from protocol.difference import difference
from protocol.limits import CHANGES_ROWS_MAX, ROSTER_CHUNK_ROWS, ROSTER_ROW_SIZE
from protocol.roster import (
    NO_CHANGES,
    NO_END,
    STANDING_ALLOWED,
    STANDING_BLOCKED,
    build_table,
    pack_row,
)

BLOCKS = 64
LET_IN = (STANDING_ALLOWED, NO_END, "de", 0)
BLOCKED = (STANDING_BLOCKED, NO_END, "de", 0)


def tag(number):
    """Evenly spread, as HMACs are."""
    number = (number + 1) * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF
    return ((number ^ number >> 29) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF).to_bytes(8, "big")


def table_of(numbers, standing=STANDING_ALLOWED):
    rows = []
    for number in numbers:
        rows.append(pack_row(tag(number), standing, NO_END, "de"))
        if not number % 64:
            gc.collect()
    return build_table(rows)


def rows_of(table):
    return len(table) // ROSTER_ROW_SIZE


def digest_hex(table):
    return sha256(table).digest().hex()


class Hub:
    """What a hub does: it knows tables by version and answers the questions of a gate."""

    def __init__(self, intake):
        self.intake = intake
        self.tables = {}
        self.asked = []
        self.now = 0
        self.newest = 0

    def offer(self, version, table):
        self.tables[version] = table
        self.newest = version
        self.intake.offered(version, rows_of(table), digest_hex(table), self.now)

    def answer(self, question):
        self.asked.append(tuple(question))
        if question[0] == "roster":
            version, first = question[1], question[2]
            start = first * ROSTER_ROW_SIZE
            rows = self.tables[version][start : start + ROSTER_CHUNK_ROWS * ROSTER_ROW_SIZE]
            self.intake.chunk(version, first, rows, self.now)
            return
        have, wanted, first = question[1], question[2], question[3]
        total, rows = NO_CHANGES, b""
        if have in self.tables:
            changes = difference(self.tables[have], self.tables[wanted])
            if rows_of(changes) <= CHANGES_ROWS_MAX:
                total = rows_of(changes)
                start = first * ROSTER_ROW_SIZE
                rows = changes[start : start + ROSTER_CHUNK_ROWS * ROSTER_ROW_SIZE]
        self.intake.changes(have, wanted, first, total, rows, self.now)

    def carry(self):
        """Answers and works until nothing is asked and nothing is to do."""
        while True:
            question = self.intake.question(self.now)
            if question is not None:
                self.answer(question)
            elif not self.intake.step(self.now):
                return

    def pull(self, version, table):
        """Offers it and carries on; returns whether it is in use."""
        self.offer(version, table)
        self.carry()
        return self.intake._roster.version == version

    def names(self):
        """What was asked for, without repeats in a row; forgets it."""
        names = []
        for asked in self.asked:
            if names[-1:] != [asked[0]]:
                names.append(asked[0])
        self.asked = []
        return names


def fresh(blocks=BLOCKS):
    mount(RamFlash(blocks, image=formatted(blocks)))


def gate():
    roster = Roster(MOUNT)
    intake = RosterIntake(roster)
    return roster, intake, Hub(intake)


class NoMemoryTables:
    """The file is searched as if every table were too long for the heap."""

    def __enter__(self):
        self.before = bases.RAM_ROWS
        bases.RAM_ROWS = 0

    def __exit__(self, *_error):
        bases.RAM_ROWS = self.before


def agrees(roster, table, strangers=()):
    """Every badge of the table and no other is found as it stands there."""
    equal(roster.rows, rows_of(table))
    for offset in range(0, len(table), ROSTER_ROW_SIZE):
        found = roster.row(table[offset : offset + 8])
        assert found is not None, offset
        equal(found[0], table[offset + 8] >> 4)
    for stranger in strangers:
        equal(roster.row(stranger), None)
    equal(roster.row(bytes(8)), None)
    equal(roster.row(b"\xff" * 8), None)
