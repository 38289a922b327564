"""A commit that returned is on disk, and a database that cannot be trusted is left alone."""

from __future__ import annotations

import hashlib
import sqlite3
import traceback
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import IntegrityError

from hub.errors import PermanentError
from hub.storage.engine import open_engine, reading, writing
from hub.storage.migrations import SCHEMA_VERSION
from hub.storage.schema import (
    badge_event,
    company,
    meta,
    metadata,
    person,
    registration,
    registration_event,
    site,
    terminal,
    works,
)

SECRET = "85031299761"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A sound database with rows on many pages, closed."""
    path = tmp_path / "sitegate.db"
    engine = open_engine(path)
    with writing(engine) as connection:
        rows = [{"key": f"key {number}", "value": "x" * 200} for number in range(500)]
        connection.execute(insert(meta), rows)
    engine.dispose()
    return path


def digest(path: Path) -> str:
    """SHA-256 of the file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_every_connection_is_durable_and_checks_foreign_keys(tmp_path: Path) -> None:
    engine = open_engine(tmp_path / "sitegate.db")
    with engine.connect() as first, engine.connect() as second:
        for connection in (first, second):
            found = [
                connection.exec_driver_sql(f"PRAGMA {pragma}").scalar_one()
                for pragma in ("journal_mode", "synchronous", "foreign_keys")
            ]
            assert found == ["wal", 2, 1]  # synchronous 2 is FULL
    engine.dispose()


def test_a_row_whose_parent_is_missing_is_refused(tmp_path: Path) -> None:
    engine = open_engine(tmp_path / "sitegate.db")
    with pytest.raises(IntegrityError, match="FOREIGN KEY"), writing(engine) as connection:
        connection.execute(insert(works).values(number="1Y19FAKE001AZ", site_id=77))
    engine.dispose()


def test_a_new_database_has_every_table_and_its_version(tmp_path: Path) -> None:
    engine = open_engine(tmp_path / "sitegate.db")
    with reading(engine) as connection:
        found = set(
            connection.execute(
                text("SELECT name FROM sqlite_master WHERE type = 'table'")
            ).scalars()
        )
        assert connection.execute(text("PRAGMA user_version")).scalar_one() == SCHEMA_VERSION
    assert set(metadata.tables) <= found
    engine.dispose()


def test_a_database_is_opened_again_with_what_it_held(database: Path) -> None:
    engine = open_engine(database)
    with reading(engine) as connection:
        assert len(connection.execute(select(meta.c.key)).all()) == 500
    engine.dispose()


def overwrite(path: Path, offset: int, data: bytes) -> None:
    """Damages the file as a dying disk would."""
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)


@pytest.mark.parametrize("where", ["header", "pages", "cut"])
def test_a_damaged_database_is_refused_and_not_touched(database: Path, where: str) -> None:
    if where == "header":
        overwrite(database, 0, b"not a database at all")
    elif where == "pages":
        size = database.stat().st_size
        overwrite(database, size // 2, b"\xff" * (size // 4))
    else:
        database.write_bytes(database.read_bytes()[: database.stat().st_size // 2])
    before = digest(database)
    with pytest.raises(PermanentError) as caught:
        open_engine(database)
    assert caught.value.code == "HUB-1004"
    assert digest(database) == before


def test_a_database_of_a_newer_version_is_refused_and_not_touched(database: Path) -> None:
    connection = sqlite3.connect(database)
    connection.execute(f"PRAGMA user_version={SCHEMA_VERSION + 1}")
    connection.close()
    before = digest(database)
    with pytest.raises(PermanentError) as caught:
        open_engine(database)
    assert caught.value.code == "HUB-1010"
    assert caught.value.extra == {"found": SCHEMA_VERSION + 1, "known": SCHEMA_VERSION}
    assert digest(database) == before


NEW_TABLES = (
    "firmware_order",
    "firmware_seen",
    "crash_log",
    "firmware",
    "gate_event",
    "gate_health",
    "passage_count",
)
NEW_COLUMNS = (
    ("badge", "valid_from"),
    ("terminal", "lane"),
    ("terminal", "key_number"),
    ("terminal", "next_key_sealed"),
    ("terminal", "settings_sealed"),
    ("terminal", "flashed_sha256"),
)
"""What the first version did not have."""


SCHEMAS = Path(__file__).parent / "schemas"


def older(path: Path, version: int = 4) -> None:
    """Makes a database as that version made it, with rows."""
    with sqlite3.connect(path) as connection:
        connection.executescript((SCHEMAS / f"version-{version}.sql").read_text())
    connection.close()


def as_first(path: Path) -> None:
    """Takes from it what the first version did not have."""
    with sqlite3.connect(path) as connection:
        for table in NEW_TABLES:
            connection.execute(f"DROP TABLE {table}")
        for table, column in NEW_COLUMNS:
            connection.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        connection.execute("PRAGMA user_version=1")
    connection.close()


@pytest.mark.parametrize("version", [1, 4])
def test_a_database_of_an_older_version_gets_what_it_lacks_and_keeps_its_rows(
    tmp_path: Path, version: int
) -> None:
    path = tmp_path / "sitegate.db"
    older(path)
    if version == 1:
        as_first(path)
    engine = open_engine(path)
    with reading(engine) as connection:
        assert connection.execute(text("PRAGMA user_version")).scalar_one() == SCHEMA_VERSION
        for table in metadata.sorted_tables:
            connection.execute(select(table)).all()  # every table with every column
        gate = connection.execute(select(terminal)).one()
        assert (gate.lane, gate.key_number, gate.next_key_sealed) == ("", 1, None)
        assert connection.execute(select(site.c.name)).scalar_one() == "Werf Noord"
        kept = connection.execute(
            select(registration.c.reference, registration.c.state, registration.c.regime)
        )
        assert kept.all() == [("a" * 24, "registered", "day"), ("b" * 24, "held", "day")]
    engine.dispose()


def test_a_registration_of_an_older_version_gets_the_first_step_that_was_not_kept(
    tmp_path: Path,
) -> None:
    path = tmp_path / "sitegate.db"
    older(path)
    engine = open_engine(path)
    columns = registration_event.c
    with reading(engine) as connection:
        steps = connection.execute(
            select(columns.reference, columns.state, columns.cause, columns.actor).order_by(
                columns.id
            )
        ).all()
    engine.dispose()
    assert sorted(steps, key=lambda step: step.reference) == [
        ("a" * 24, "due", "first_tap", "projection"),
        ("a" * 24, "sending", "claimed", "hub"),
        ("a" * 24, "registered", "answered", "hub"),
        ("b" * 24, "held", "no_identity", "projection"),
    ]


@pytest.mark.parametrize("version", [4, 5, 6, 7])
def test_a_new_and_a_migrated_database_have_the_same_layout(tmp_path: Path, version: int) -> None:
    older(tmp_path / "old.db", version)
    layouts = []
    for name in ("old.db", "new.db"):
        engine = open_engine(tmp_path / name)
        with reading(engine) as connection:
            tables = {
                table: {
                    (column.name, column.type, column.notnull)
                    for column in connection.exec_driver_sql(f"PRAGMA table_info({table})")
                }
                for table in metadata.tables
            }
            others = connection.exec_driver_sql(
                "SELECT type, name FROM sqlite_master WHERE type IN ('index', 'trigger')"
            )
            layouts.append((tables, sorted(tuple(row) for row in others)))
        engine.dispose()
    assert layouts[0] == layouts[1]


def test_the_history_of_badges_begins_with_their_owners(tmp_path: Path) -> None:
    path = tmp_path / "sitegate.db"
    older(path, 5)
    engine = open_engine(path)
    with reading(engine) as connection:
        columns = badge_event.c
        events = connection.execute(
            select(columns.at_ms, columns.tag, columns.event, columns.person_id)
        ).all()
        assert sorted(events) == [
            (7, bytes.fromhex("0102030405060708"), "linked", 1),
            (9, bytes.fromhex("1112131415161718"), "linked", 2),
        ]
        people = connection.execute(select(person.c.id, person.c.kind, person.c.company_id)).all()
        assert people == [(1, "employee", 1), (2, "employee", None)]
        found = connection.execute(select(company.c.number, company.c.name, company.c.agency)).all()
        assert found == [("0999000129", "Hoofdaannemer", 0)]
    # The table was made anew; who points at it still does.
    with pytest.raises(IntegrityError), writing(engine) as connection:
        connection.execute(text("UPDATE person SET company_id = 99"))
    engine.dispose()


def test_people_of_an_older_version_are_found_by_name(tmp_path: Path) -> None:
    path = tmp_path / "sitegate.db"
    older(path, 6)
    engine = open_engine(path)
    with reading(engine) as connection:
        query = select(person.c.sought_as).order_by(person.c.id)
        found = connection.execute(query).scalars().all()
    engine.dispose()
    assert found == ["eric muller eric", "persoon twee persoon", ""]


@pytest.mark.parametrize("statement", ["DELETE FROM", "UPDATE"])
def test_a_step_that_was_taken_can_be_neither_changed_nor_removed(
    tmp_path: Path, statement: str
) -> None:
    older(tmp_path / "sitegate.db")
    engine = open_engine(tmp_path / "sitegate.db")
    tail = " SET state = 'due'" if statement == "UPDATE" else ""
    with pytest.raises(IntegrityError, match="never changed"), writing(engine) as connection:
        connection.execute(text(f"{statement} registration_event{tail}"))
    engine.dispose()


def test_a_database_that_cannot_be_opened_is_not_called_damaged(tmp_path: Path) -> None:
    path = tmp_path / "sitegate.db"
    path.mkdir()
    with pytest.raises(PermanentError) as caught:
        open_engine(path)
    # "Put the backup back" would be the wrong advice.
    assert caught.value.code == "HUB-1003"


def test_an_error_text_holds_no_value_that_was_written(tmp_path: Path) -> None:
    engine = open_engine(tmp_path / "sitegate.db")
    with writing(engine) as connection:
        connection.execute(insert(site).values(name=SECRET))
    statements = (
        lambda c: c.execute(insert(site).values(name=SECRET)),
        lambda c: c.exec_driver_sql("INSERT INTO site (name) VALUES (?)", (SECRET,)),
        lambda c: c.execute(insert(site), [{"name": "other"}, {"name": SECRET}]),
    )
    for statement in statements:
        with pytest.raises(IntegrityError) as caught, writing(engine) as connection:
            statement(connection)
        told = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
        assert "UNIQUE" in told
        assert SECRET not in told
    engine.dispose()


def test_a_block_that_raises_leaves_nothing(tmp_path: Path) -> None:
    engine = open_engine(tmp_path / "sitegate.db")

    def fail() -> None:
        with writing(engine) as connection:
            connection.execute(insert(site).values(name="Werf"))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    with reading(engine) as connection:
        assert connection.execute(select(site)).all() == []
    engine.dispose()


def test_a_reader_sees_one_moment_while_others_write(tmp_path: Path) -> None:
    engine = open_engine(tmp_path / "sitegate.db")
    with reading(engine) as before:
        assert before.execute(select(site)).all() == []
        with writing(engine) as connection:
            connection.execute(insert(site).values(name="Werf"))
        assert before.execute(select(site)).all() == []
    with reading(engine) as after:
        assert len(after.execute(select(site)).all()) == 1
    engine.dispose()
