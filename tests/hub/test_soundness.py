"""A large database is opened without reading it through, and read through while a hub runs."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from queue import Queue

import pytest
from sqlalchemy import insert

from hub.errors import PermanentError
from hub.storage import engine as opening
from hub.storage.engine import is_read_through, open_engine, writing
from hub.storage.schema import meta
from hub.storage.soundness import Soundness, is_sound

PATIENCE_S = 30


@pytest.fixture(autouse=True)
def _everything_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "READ_THROUGH_MAX", 4096)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A database with rows on many pages, closed."""
    path = tmp_path / "sitegate.db"
    engine = open_engine(path)
    with writing(engine) as connection:
        rows = [{"key": f"key {number}", "value": "x" * 200} for number in range(500)]
        connection.execute(insert(meta), rows)
    engine.dispose()
    return path


def damage(path: Path) -> None:
    """Writes over pages near the end, as a dying disk would."""
    with path.open("r+b") as file:
        file.seek(path.stat().st_size * 7 // 8)
        file.write(b"\xff" * (path.stat().st_size // 16))


@pytest.fixture
def found(database: Path) -> Iterator[tuple[Queue[str], Soundness]]:
    """What a check says that begins at once, and the check."""
    told: Queue[str] = Queue()
    check = Soundness(database, lambda: told.put("damaged"), soon=True, first_s=0, every_s=0.01)
    yield told, check
    check.stop()


def test_damage_in_a_large_one_is_found_while_the_hub_runs(
    database: Path, found: tuple[Queue[str], Soundness]
) -> None:
    damage(database)
    assert not is_read_through(database)
    open_engine(database).dispose()
    told, check = found
    check.start()
    assert told.get(timeout=PATIENCE_S) == "damaged"
    # And again the next day.
    assert told.get(timeout=PATIENCE_S) == "damaged"


def test_a_sound_one_is_looked_at_again_and_again_without_a_word(
    database: Path, found: tuple[Queue[str], Soundness], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = threading.Semaphore(0)

    def looked(connection: sqlite3.Connection) -> bool:
        looks.release()
        return is_sound(connection)

    monkeypatch.setattr("hub.storage.soundness.is_sound", looked)
    told, check = found
    check.start()
    assert looks.acquire(timeout=PATIENCE_S)
    assert looks.acquire(timeout=PATIENCE_S)
    check.stop()
    assert told.empty()
    assert database.exists()


def test_a_look_that_goes_on_is_ended_when_the_hub_stops(
    found: tuple[Queue[str], Soundness], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = threading.Event()
    endless = (
        "WITH RECURSIVE on_and_on(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM on_and_on) "
        "SELECT count(*) FROM on_and_on"
    )

    def look(connection: sqlite3.Connection) -> bool:
        begun.set()
        return connection.execute(endless).fetchone() is not None

    monkeypatch.setattr("hub.storage.soundness.is_sound", look)
    told, check = found
    check.start()
    assert begun.wait(PATIENCE_S)
    check.stop()
    assert told.empty()


def test_one_that_was_cut_off_is_refused_although_it_is_not_read(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        size = connection.execute("PRAGMA page_size").fetchone()[0]
    database.write_bytes(database.read_bytes()[:-size])
    with pytest.raises(PermanentError) as caught:
        open_engine(database)
    assert caught.value.code == "HUB-1004"


def test_what_is_in_the_log_only_is_not_missing(database: Path) -> None:
    engine = open_engine(database)
    with writing(engine) as connection:
        rows = [{"key": f"more {number}", "value": "x" * 200} for number in range(500)]
        connection.execute(insert(meta), rows)
    # Another opens it meanwhile: most pages are in the log and not in the file.
    open_engine(database).dispose()
    engine.dispose()
