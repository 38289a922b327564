"""A number that tells whether the database is still the same, whoever wrote to it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Thread

import pytest

from hub.storage.committed import Committed
from hub.storage.engine import open_engine, reading, writing


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sitegate.db"


@pytest.fixture
def committed(path: Path) -> Iterator[Committed]:
    found = Committed(path)
    yield found
    found.close()


def write(path: Path) -> None:
    """Another process writes."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS one (n)")
        connection.execute("INSERT INTO one VALUES (1)")


def test_it_changes_with_what_is_written_and_with_nothing_else(
    path: Path, committed: Committed
) -> None:
    engine = open_engine(path)
    before = committed()
    with reading(engine) as connection:
        connection.exec_driver_sql("SELECT 1")
    assert committed() == before
    with writing(engine) as connection:
        connection.exec_driver_sql("INSERT INTO projection (name, inbox_id) VALUES ('x', 1)")
        assert committed() == before  # not yet
    after = committed()
    assert after != before
    write(path)
    assert committed() not in {before, after}
    engine.dispose()


def test_every_thread_is_told_the_same(path: Path, committed: Committed) -> None:
    write(path)
    told = [committed()]
    thread = Thread(target=lambda: told.append(committed()))
    thread.start()
    thread.join()
    assert told[0] == told[1]


def test_no_number_comes_twice_when_the_database_does_not_say(
    path: Path, committed: Committed
) -> None:
    told = [committed(), committed()]  # there is no file yet
    write(path)
    told.append(committed())
    committed.close()
    write(path)
    told.append(committed())  # another connection, which counts from anew
    assert len(set(told)) == 4
