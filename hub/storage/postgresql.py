"""The same tables on PostgreSQL, for several processes that forward from one outbox.

There is no writer thread here: each job has a connection and a transaction of its own, and rows
that another has locked are passed over by the claims. `synchronous_commit` is on, the server's own
default, so that a commit that returned survives a power cut of the server.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from sqlalchemy import Connection, Engine, create_engine, insert, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from hub.errors import PermanentError, UsageError
from hub.storage.migrations import SCHEMA_VERSION
from hub.storage.schema import meta, metadata

T = TypeVar("T")
VERSION = "schema_version"
_LOCK = 7_283_945_101
"""Advisory lock under which the tables are made: two processes may start at the same moment."""


def open_postgresql(url: str) -> Engine:
    """Opens a database, making its tables when it is new.

    Args:
        url: ``postgresql://user@host:port/name``; a password comes from the environment or the
            password file of the client library, not from here.

    Raises:
        UsageError: HUB-1324, the address is none, or holds a password.
        PermanentError: HUB-1325, it cannot be reached or used; HUB-1010, a newer Sitegate made it.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise UsageError("HUB-1324", reason="malformed") from None
    if parsed.get_backend_name() != "postgresql":
        raise UsageError("HUB-1324", reason="not postgresql://")
    if parsed.password:
        raise UsageError("HUB-1324", reason="a password in the address")
    engine = create_engine(
        parsed.set(drivername="postgresql+psycopg"),
        pool_size=8,
        max_overflow=8,
        hide_parameters=True,  # parameters are person data: never in an error text
        connect_args={"connect_timeout": 10, "options": "-c timezone=UTC"},
    )
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            _tell_partial_indexes()
            metadata.create_all(connection)
            found = connection.execute(select(meta.c.value).where(meta.c.key == VERSION)).scalar()
            if found is None:
                connection.execute(insert(meta).values(key=VERSION, value=str(SCHEMA_VERSION)))
    except DBAPIError as error:
        engine.dispose()
        raise PermanentError("HUB-1325", reason=type(error.orig).__name__) from None
    if found is not None and int(found) > SCHEMA_VERSION:
        engine.dispose()
        raise PermanentError("HUB-1010", found=int(found), known=SCHEMA_VERSION)
    return engine


def _tell_partial_indexes() -> None:
    # Said where the tables are, it would have every command on SQLite load this dialect.
    for table in metadata.tables.values():
        for index in table.indexes:
            where = index.dialect_options["sqlite"]["where"]
            index.dialect_options["postgresql"]["where"] = where


class OwnTransactions:
    """`hub.storage.outbox.Transactions` without a writer: each call in the caller's thread.

    Args:
        engine: the database; its pool serves as many callers as there are.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def call(self, function: Callable[[Connection], T]) -> Future[T]:
        """Carries it out before it returns; the future holds the result or what was raised."""
        future: Future[T] = Future()
        try:
            with self._engine.begin() as connection:
                result = function(connection)
        except Exception as error:  # noqa: BLE001 - handed to who asked
            future.set_exception(error)
        else:
            future.set_result(result)
        return future
