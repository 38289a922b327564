"""One thread writes: arrivals in groups, jobs in turn, and nothing that is raised ends it."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine

from hub.storage.engine import open_engine
from hub.storage.writer import GROUP, JOB_PATIENCE_S, QUIET_S, Writer
from tests.hub.patience import until

DEADLINE_S = 10.0


class Groups:
    """Keeps what it is given in `meta`, and notes how it came.

    While `busy` is cleared, a group waits inside its transaction, as a slow disk would make it.
    """

    def __init__(self) -> None:
        self.taken: list[list[object]] = []
        self.committed_count = 0
        self.errors: list[Exception] = []
        self.threads: set[int] = set()
        self.entered = threading.Event()
        self.busy = threading.Event()
        self.busy.set()
        self.done = threading.Event()

    def stage(self, connection: Connection, arrivals: list[object]) -> None:
        """See `Group`."""
        self.threads.add(threading.get_ident())
        self.taken.append(list(arrivals))
        self.entered.set()
        assert self.busy.wait(DEADLINE_S)
        for arrival in arrivals:
            if arrival == "poison":
                raise ValueError("poison")
            connection.exec_driver_sql("INSERT INTO meta VALUES (?, '')", (str(arrival),))

    def committed(self) -> None:
        """See `Group`."""
        self.committed_count += 1
        self.done.set()

    def abandoned(self, error: Exception) -> None:
        """See `Group`."""
        self.errors.append(error)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """The file."""
    return tmp_path / "sitegate.db"


@pytest.fixture
def engine(database: Path) -> Iterator[Engine]:
    """A fresh database."""
    engine = open_engine(database)
    yield engine
    engine.dispose()


@pytest.fixture
def groups() -> Groups:
    """What takes the arrivals."""
    return Groups()


@pytest.fixture
def writer(engine: Engine, groups: Groups) -> Iterator[Writer]:
    """A running writer."""
    writer = Writer(engine)
    writer.start(groups)  # pyright: ignore[reportArgumentType]
    yield writer
    groups.busy.set()
    writer.stop()


def put(key: str) -> object:
    """A job that writes one row."""

    def job(connection: Connection) -> int:
        connection.exec_driver_sql("INSERT INTO meta VALUES (?, '')", (key,))
        return threading.get_ident()

    return job


def kept(database: Path) -> set[str]:
    """The rows another process would see."""
    other = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        return {row[0] for row in other.execute("SELECT key FROM meta")}
    finally:
        other.close()


def test_groups_and_jobs_are_written_by_one_thread_that_is_not_the_callers(
    writer: Writer, groups: Groups
) -> None:
    writer.put("a")
    idents = {writer.call(put(key)).result(DEADLINE_S) for key in "bc"}  # pyright: ignore[reportArgumentType]
    assert groups.threads == idents
    assert threading.get_ident() not in idents
    assert len(idents) == 1


def test_a_lone_arrival_waits_for_no_company(writer: Writer, groups: Groups) -> None:
    writer.put("alone")
    assert groups.done.wait(DEADLINE_S)
    assert groups.taken == [["alone"]]


def test_what_came_while_a_commit_ran_is_one_group(writer: Writer, groups: Groups) -> None:
    groups.busy.clear()
    writer.put("first")
    assert groups.entered.wait(DEADLINE_S)
    for number in range(7):
        writer.put(number)
    groups.busy.set()
    writer.call(lambda _: None).result(DEADLINE_S)
    assert groups.taken == [["first"], list(range(7))]
    assert groups.committed_count == 2


def test_a_group_has_a_limit_and_keeps_the_order(writer: Writer, groups: Groups) -> None:
    groups.busy.clear()
    writer.put("first")
    assert groups.entered.wait(DEADLINE_S)
    for number in range(GROUP + 5):
        writer.put(number)
    groups.busy.set()
    writer.call(lambda _: None).result(DEADLINE_S)
    assert groups.taken[1:] == [list(range(GROUP)), list(range(GROUP, GROUP + 5))]


class Flood(Groups):
    """Each group brings the next arrival, 100 ms later, for as long as `flowing`."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0
        self.flowing = True
        self.writer: Writer | None = None

    def stage(self, connection: Connection, arrivals: list[object]) -> None:
        """See `Group`."""
        super().stage(connection, arrivals)
        self.now_s += 0.1
        if self.flowing and self.writer is not None:
            self.writer.put(len(self.taken))


def test_behind_a_flood_a_job_waits_its_patience_and_no_longer(engine: Engine) -> None:
    flood = Flood()
    writer = Writer(engine, lambda: flood.now_s)
    flood.writer = writer
    flood.busy.clear()
    writer.start(flood)  # pyright: ignore[reportArgumentType]
    writer.put(0)
    assert flood.entered.wait(DEADLINE_S)

    def job(_: Connection) -> tuple[float, int]:
        flood.flowing = False
        return flood.now_s, len(flood.taken)

    future = writer.call(job)
    flood.busy.set()
    waited_s, groups_before = future.result(DEADLINE_S)
    writer.stop()
    # It came in while the first group was written; arrivals go first, but not for ever.
    assert JOB_PATIENCE_S < waited_s <= JOB_PATIENCE_S + 0.11
    assert groups_before == 3


def test_two_overdue_jobs_do_not_hold_up_the_flood_together(engine: Engine) -> None:
    flood = Flood()
    writer = Writer(engine, lambda: flood.now_s)
    flood.writer = writer
    flood.busy.clear()
    writer.start(flood)  # pyright: ignore[reportArgumentType]
    writer.put(0)
    assert flood.entered.wait(DEADLINE_S)

    def job(last: bool) -> int:
        flood.flowing = not last
        return len(flood.taken)

    first, second = (writer.call(lambda _, last=last: job(last)) for last in (False, True))
    flood.busy.set()
    assert second.result(DEADLINE_S) == first.result(DEADLINE_S) + 1
    writer.stop()


def test_a_job_waits_until_nothing_has_come_for_a_moment(engine: Engine, groups: Groups) -> None:
    now_s, looks = 100.0, 0

    def clock() -> float:
        nonlocal looks
        looks += 1
        return now_s

    writer = Writer(engine, clock)
    writer.start(groups)  # pyright: ignore[reportArgumentType]
    writer.put("tap")
    assert groups.done.wait(DEADLINE_S)
    future = writer.call(lambda _: None)
    before = looks
    until(lambda: looks > before + 6, "the writer's looks at the clock")
    assert not future.done()
    now_s += QUIET_S
    future.result(DEADLINE_S)
    writer.stop()


def test_a_writer_that_stops_waits_for_no_quiet(engine: Engine, groups: Groups) -> None:
    writer = Writer(engine, lambda: 100.0)
    writer.start(groups)  # pyright: ignore[reportArgumentType]
    writer.put("tap")
    assert groups.done.wait(DEADLINE_S)
    future = writer.call(lambda _: None)
    stopping = threading.Thread(target=writer.stop)
    stopping.start()
    future.result(DEADLINE_S)
    stopping.join(DEADLINE_S)
    assert not stopping.is_alive()


def test_what_a_job_raises_reaches_its_caller_and_nothing_of_it_is_kept(
    writer: Writer, database: Path
) -> None:
    def fails(connection: Connection) -> None:
        connection.exec_driver_sql("INSERT INTO meta VALUES ('half', '')")
        raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        writer.call(fails).result(DEADLINE_S)
    writer.call(put("after")).result(DEADLINE_S)  # pyright: ignore[reportArgumentType]
    assert kept(database) == {"after"}


def test_a_job_is_on_disk_when_its_result_is_there(writer: Writer, database: Path) -> None:
    seen: list[set[str]] = []
    future: Future[object] = writer.call(put("job"))  # pyright: ignore[reportArgumentType]
    future.add_done_callback(lambda _: seen.append(kept(database)))
    future.result(DEADLINE_S)
    writer.call(lambda _: None).result(DEADLINE_S)
    assert seen == [{"job"}]


def test_a_group_that_fails_is_abandoned_whole_and_the_next_one_is_written(
    writer: Writer, groups: Groups, database: Path
) -> None:
    groups.busy.clear()
    writer.put("first")
    assert groups.entered.wait(DEADLINE_S)
    for arrival in ("good", "poison"):
        writer.put(arrival)
    groups.busy.set()
    writer.call(lambda _: None).result(DEADLINE_S)
    writer.put("next")
    writer.call(lambda _: None).result(DEADLINE_S)
    assert [str(error) for error in groups.errors] == ["poison"]
    assert kept(database) == {"first", "next"}
    assert groups.committed_count == 2


def test_an_ack_that_cannot_be_sent_does_not_end_the_thread(engine: Engine, database: Path) -> None:
    class Mute(Groups):
        def committed(self) -> None:
            super().committed()
            if self.committed_count == 1:
                raise OSError("nobody there")

    groups = Mute()
    writer = Writer(engine)
    writer.start(groups)  # pyright: ignore[reportArgumentType]
    writer.put("one")
    writer.call(lambda _: None).result(DEADLINE_S)
    writer.put("two")
    writer.call(lambda _: None).result(DEADLINE_S)
    writer.stop()
    assert kept(database) == {"one", "two"}
    assert groups.committed_count == 2
    assert groups.errors == []


def test_a_job_that_was_taken_back_is_not_run(
    writer: Writer, groups: Groups, database: Path
) -> None:
    groups.busy.clear()
    writer.put("first")
    assert groups.entered.wait(DEADLINE_S)
    future = writer.call(put("never"))  # pyright: ignore[reportArgumentType]
    assert future.cancel()
    groups.busy.set()
    writer.call(lambda _: None).result(DEADLINE_S)
    assert kept(database) == {"first"}


def test_stop_writes_all_that_was_queued_before_it(
    engine: Engine, groups: Groups, database: Path
) -> None:
    writer = Writer(engine)
    groups.busy.clear()
    writer.start(groups)  # pyright: ignore[reportArgumentType]
    writer.put("first")
    assert groups.entered.wait(DEADLINE_S)
    futures: list[Future[object]] = []
    for number in range(3):
        writer.put(f"arrival {number}")
        futures.append(writer.call(put(f"job {number}")))  # pyright: ignore[reportArgumentType]
    stopping = threading.Thread(target=writer.stop)
    stopping.start()
    assert writer.waiting() > 0
    groups.busy.set()
    stopping.join(DEADLINE_S)
    assert not stopping.is_alive()
    assert all(future.done() for future in futures)
    expected = {f"{kind} {number}" for kind in ("arrival", "job") for number in range(3)}
    assert kept(database) == {"first"} | expected


def test_stopping_a_writer_that_never_started_returns(engine: Engine) -> None:
    Writer(engine).stop()
