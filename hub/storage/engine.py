"""Opening the database so that a commit that returned survives a power cut.

WAL with `synchronous=FULL`: with NORMAL a power cut loses every commit since the last checkpoint,
and the default journal loses the last one (both measured by killing the disk cache).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DatabaseError, OperationalError

from hub.domain.people import sought_as
from hub.errors import PermanentError
from hub.storage.migrations import AFTERWARDS, SCHEMA_VERSION, STEPS
from hub.storage.schema import metadata

READ_THROUGH_MAX = 64 * 1024 * 1024
"""A file up to this many bytes is read through before it is opened, half a second on a memory card;
`hub.storage.soundness` reads a larger one while the hub runs."""
BUSY_MS = 60_000
"""An import writes about 500 people a second (measured on two slow cores), so that 20,000 hold the
write lock for 40 s. Who waits for it is late; who gives up has lost what he wanted to write."""


def _on_connect(connection: Any, _record: object) -> None:
    # SQLAlchemy begins the transactions (see `writing`), not the sqlite3 module.
    connection.isolation_level = None
    # For a migration only: a statement that needed it later could not be read by other programs.
    connection.create_function("sought_as", 2, sought_as, deterministic=True)
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={BUSY_MS}",
        "cache_size=-16000",
        # What is erased is written over, not only forgotten.
        "secure_delete=ON",
        "journal_size_limit=67108864",
    ):
        connection.execute(f"PRAGMA {pragma}")


def open_engine(path: Path) -> Engine:
    """Opens the database, creating its tables when it is new, and checks that it is sound: all of
    it, or of one above `READ_THROUGH_MAX` its header and length, as SQLite does by itself.

    Args:
        path: the database file; its folder exists.

    Raises:
        PermanentError: HUB-1003 when SQLite cannot open or lock it, HUB-1004 when it finds it
            damaged, HUB-1010 when a newer Sitegate made it. The file is left as it is.
    """
    engine = create_engine(
        f"sqlite:///{path}",
        connect_args={"check_same_thread": False, "timeout": BUSY_MS / 1000},
        pool_size=8,
        hide_parameters=True,  # parameters are person data: never in an error text
    )
    event.listen(engine, "connect", _on_connect)
    try:
        _prepare(engine)
    except (OperationalError, sqlite3.OperationalError) as error:
        # Rights, locks, space: nothing is known to be wrong with the content.
        engine.dispose()
        reason = type(error).__name__
        raise PermanentError("HUB-1003", folder=str(path.parent), reason=reason) from None
    except (DatabaseError, sqlite3.DatabaseError) as error:
        engine.dispose()
        raise PermanentError("HUB-1004", reason=type(error).__name__) from None
    except PermanentError:
        engine.dispose()
        raise
    return engine


def is_read_through(path: Path) -> bool:
    """Returns whether `open_engine` reads this whole file."""
    return not path.exists() or path.stat().st_size <= READ_THROUGH_MAX


def _prepare(engine: Engine) -> None:
    """Checks what is there; makes the tables of a new database, or those of an older one newer."""
    path = Path(str(engine.url.database))
    with engine.connect() as connection:
        if is_read_through(path):
            verdict = connection.execute(text("PRAGMA quick_check(1)")).scalar_one()
            if verdict != "ok":
                raise PermanentError("HUB-1004", reason="quick_check")
        version = connection.execute(text("PRAGMA user_version")).scalar_one()
    if version > SCHEMA_VERSION:
        raise PermanentError("HUB-1010", found=version, known=SCHEMA_VERSION)
    if version == 0:
        with writing(engine) as connection:
            metadata.create_all(connection)
            connection.execute(text(f"PRAGMA user_version={SCHEMA_VERSION}"))
    elif version < SCHEMA_VERSION:
        _migrate(engine)


def _migrate(engine: Engine) -> None:
    with engine.connect() as connection:
        # A table that is made anew is gone for an instant; this is without effect once a
        # transaction has begun.
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            # Asked again under the write lock: another process may have been quicker.
            version = connection.execute(text("PRAGMA user_version")).scalar_one()
            for step in range(version, SCHEMA_VERSION):
                for statement in STEPS[step]:
                    if _has_its_table(connection, statement):
                        connection.execute(text(statement))
            metadata.create_all(connection)
            for step in range(version, SCHEMA_VERSION):
                for statement in AFTERWARDS.get(step, ()):
                    connection.execute(text(statement))
            if connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
                raise PermanentError("HUB-1004", reason="foreign_key_check")
            connection.execute(text(f"PRAGMA user_version={SCHEMA_VERSION}"))
            connection.exec_driver_sql("COMMIT")
        except BaseException:
            connection.exec_driver_sql("ROLLBACK")
            raise
        finally:
            connection.exec_driver_sql("PRAGMA foreign_keys=ON")


def _has_its_table(connection: Connection, statement: str) -> bool:
    """A table that came with a version in between is made below, with all its columns."""
    if not statement.startswith("ALTER TABLE "):
        return True
    query = text("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = :name")
    return connection.execute(query, {"name": statement.split()[2]}).first() is not None


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Gives one write transaction: committed and on disk when the block ends, else rolled back."""
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.exec_driver_sql("COMMIT")
        except BaseException:
            connection.exec_driver_sql("ROLLBACK")
            raise


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Gives one consistent view of the database for the length of the block."""
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN")
        try:
            yield connection
        finally:
            connection.exec_driver_sql("ROLLBACK")
