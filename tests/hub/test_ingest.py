"""Kept once, acked after the commit, and never before."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, select
from sqlalchemy.exc import IntegrityError

from hub.application.ingest import Arrival, Ingest, NewRun, Run
from hub.storage.engine import reading, writing
from hub.storage.inbox import Inbox, InboxGroup, load_streams
from hub.storage.schema import gap, inbox
from hub.storage.writer import Writer
from tests.hub.house import JOURNAL, MILAN, NOON_MS, TestHouse, people_house, record


class Acks:
    """Notes what the terminals are told, and what was on disk at that moment."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self.told: list[tuple[int, list[Run]]] = []
        self.stored_when_told: list[int] = []
        self.wanted: list[list[Run]] = []
        self.gone: list[int] = []

    def ack(self, terminal: str, journal: bytes, upto: int, ranges: list[Run]) -> None:
        """Notes an ack together with what another connection sees committed."""
        del terminal, journal
        other = sqlite3.connect(f"file:{self._database}?mode=ro", uri=True)
        (count,) = other.execute("SELECT coalesce(sum(count), 0) FROM inbox").fetchone()
        other.close()
        self.told.append((upto, list(ranges)))
        self.stored_when_told.append(count)

    def want(self, terminal: str, journal: bytes, ranges: list[Run]) -> None:
        """Notes a request."""
        del terminal, journal
        self.wanted.append(list(ranges))

    def lost(self, terminal: str, count: int) -> None:
        """Notes a loss."""
        del terminal
        self.gone.append(count)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[TestHouse]:
    """A house with people and gates."""
    with people_house(tmp_path) as house:
        yield house


@pytest.fixture
def acks(tmp_path: Path) -> Acks:
    """The way back."""
    return Acks(tmp_path / "sitegate.db")


def batch(first: int, count: int) -> Arrival:
    """A batch of records first..first+count-1."""
    records = b"".join(record(seq, MILAN + b"\0", NOON_MS) for seq in range(first, first + count))
    return Arrival("gate-in", JOURNAL, "batch", first, first + count - 1, records)


class Intake:
    """Writer, ingest and inbox as a hub has them."""

    def __init__(self, site: TestHouse, acks: Acks) -> None:
        self.site = site
        with reading(site.house.engine) as connection:
            self.ingest = Ingest(load_streams(connection), acks)
        self.writer = Writer(site.house.engine)
        self.writer.start(InboxGroup(self.ingest, lambda: NOON_MS, lambda: None))

    def take(self, *arrivals: Arrival) -> None:
        """Returns when all arrivals were dealt with."""
        for arrival in arrivals:
            self.writer.put(arrival)
        self.writer.call(lambda _: None).result(10)

    def runs(self) -> list[tuple[int, int]]:
        """The runs in the inbox."""
        with reading(self.site.house.engine) as connection:
            rows = connection.execute(select(inbox.c.first_seq, inbox.c.count).order_by(inbox.c.id))
            return [(row.first_seq, row.first_seq + row.count - 1) for row in rows]


@pytest.fixture
def intake(site: TestHouse, acks: Acks) -> Iterator[Intake]:
    """A running intake."""
    running = Intake(site, acks)
    yield running
    running.writer.stop()


def test_a_batch_is_on_disk_before_its_ack_goes_out(intake: Intake, acks: Acks) -> None:
    intake.take(batch(1, 16))
    assert acks.told == [(16, [])]
    assert acks.stored_when_told == [16]


def test_a_repeated_batch_is_stored_once_and_acked_again(intake: Intake, acks: Acks) -> None:
    intake.take(batch(1, 4))
    intake.take(batch(1, 4))
    assert intake.runs() == [(1, 4)]
    assert acks.told == [(4, []), (4, [])]


def test_overlapping_batches_store_each_record_once(intake: Intake, acks: Acks) -> None:
    intake.take(batch(1, 4))
    intake.take(batch(3, 6))
    assert intake.runs() == [(1, 4), (5, 8)]
    assert acks.told[-1] == (8, [])


def test_the_same_batch_twice_in_one_group_is_stored_once(intake: Intake, acks: Acks) -> None:
    intake.take(batch(1, 4), batch(1, 4), batch(2, 4))
    assert intake.runs() == [(1, 4), (5, 5)]


def test_a_batch_beyond_a_hole_is_acked_as_a_range_only(intake: Intake, acks: Acks) -> None:
    intake.take(batch(1, 2))
    intake.take(batch(5, 2))
    assert acks.told[-1] == (2, [(5, 6)])
    intake.take(batch(3, 2))
    assert acks.told[-1] == (6, [])


def test_a_commit_that_fails_acks_nothing_and_the_repeat_is_taken(
    intake: Intake, acks: Acks, site: TestHouse
) -> None:
    refuse = "CREATE TRIGGER full BEFORE INSERT ON inbox BEGIN SELECT RAISE(ABORT, 'full'); END"
    intake.writer.call(lambda c: c.exec_driver_sql(refuse)).result(10)
    intake.take(batch(1, 4))
    assert acks.told == []
    assert intake.runs() == []
    intake.writer.call(lambda c: c.exec_driver_sql("DROP TRIGGER full")).result(10)
    intake.take(batch(1, 4))
    assert acks.told == [(4, [])]
    assert intake.runs() == [(1, 4)]


def test_after_a_restart_the_inbox_knows_what_it_holds(
    intake: Intake, acks: Acks, site: TestHouse
) -> None:
    intake.take(batch(1, 4), batch(9, 2))
    intake.writer.stop()
    again = Intake(site, acks)
    again.take(batch(1, 4), batch(5, 2))
    again.writer.stop()
    assert again.runs() == [(1, 4), (9, 10), (5, 6)]
    assert acks.told[-1] == (6, [(9, 10)])


def test_records_the_terminal_no_longer_has_become_a_reported_gap(
    intake: Intake, acks: Acks, site: TestHouse
) -> None:
    intake.take(batch(1, 2))
    intake.take(Arrival("gate-in", JOURNAL, "hello", 5, 6))
    assert acks.gone == [2]
    intake.take(batch(5, 2))
    assert acks.told[-1] == (6, [])
    with reading(site.house.engine) as connection:
        row = connection.execute(select(gap)).one()
    assert (row.first_seq, row.last_seq) == (3, 4)


def test_hello_is_answered_with_what_is_held(intake: Intake, acks: Acks) -> None:
    intake.take(batch(1, 2))
    intake.take(Arrival("gate-in", JOURNAL, "hello", 1, 9))
    assert acks.told[-1] == (2, [])


def test_the_engine_itself_refuses_a_record_twice(site: TestHouse) -> None:
    def add(connection: Connection, stream: int, first: int, count: int) -> None:
        Inbox(connection).append([NewRun(stream, first, bytes(32 * count))], NOON_MS)

    with writing(site.house.engine) as connection:
        stream = Inbox(connection).add_stream("gate-in", JOURNAL, NOON_MS)
        add(connection, stream, 10, 5)
    for first, count in ((10, 1), (14, 3), (8, 3), (8, 20), (12, 1)):
        with (
            pytest.raises(IntegrityError, match=r"stored already|UNIQUE"),
            writing(site.house.engine) as connection,
        ):
            add(connection, stream, first, count)
    with writing(site.house.engine) as connection:
        add(connection, stream, 15, 3)
        add(connection, stream, 7, 3)


def test_a_batch_tells_what_is_lost_when_its_hello_was_missed(intake: Intake, acks: Acks) -> None:
    intake.take(batch(1, 2))
    late = batch(7, 2)
    late.floor = 6
    intake.take(late)
    assert acks.gone == [3]
    assert acks.told[-1] == (5, [(7, 8)])
