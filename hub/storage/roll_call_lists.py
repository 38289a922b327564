"""Lists of a database that is given two seconds to answer: another process may hold it, or it may
be damaged, and who clears a site cannot wait."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import QueuePool

from hub.application.prompt import LIMIT_S, Prompt, Unanswered
from hub.application.roll_call import RollCall, SiteList
from hub.storage.engine import reading
from hub.storage.roll_call import read_calls, read_list, read_sites

T = TypeVar("T")
_BUSY_S = 1.5


def prompt_engine(path: Path) -> Engine:
    """Returns an engine that only reads, never makes a database, and never waits long for a lock.

    Args:
        path: the database file.
    """
    uri = f"file:{quote(str(path.absolute()))}?mode=rw"

    def connect() -> Any:
        return sqlite3.connect(uri, uri=True, check_same_thread=False, timeout=_BUSY_S)

    engine = create_engine(
        "sqlite://", creator=connect, poolclass=QueuePool, pool_size=2, hide_parameters=True
    )
    event.listen(engine, "connect", _on_connect)
    return engine


def _on_connect(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA query_only=ON")


class PromptLists:
    """`ListPort` on a database file.

    Args:
        path: the database file.
        clock: UTC milliseconds.
        limit_s: how long it may take to answer, seconds.
    """

    def __init__(self, path: Path, clock: Callable[[], int], limit_s: float = LIMIT_S) -> None:
        self._engine = prompt_engine(path)
        self._clock = clock
        self._prompt = Prompt(limit_s)

    def sites(self) -> list[tuple[int, str]]:
        """See `ListPort`."""
        return self._ask(read_sites)

    def read(self, site_id: int, kept: frozenset[int] = frozenset()) -> SiteList:
        """See `ListPort`."""
        now_ms = self._clock()
        return self._ask(lambda connection: read_list(connection, site_id, now_ms, kept))

    def calls(self) -> list[RollCall]:
        """See `ListPort`."""
        return self._ask(read_calls)

    def close(self) -> None:
        """Closes every connection that no question uses."""
        self._engine.dispose()

    def _ask(self, question: Callable[[Connection], T]) -> T:
        def ask() -> T:
            with reading(self._engine) as connection:
                return question(connection)

        try:
            return self._prompt.ask(ask)
        except (DatabaseError, sqlite3.DatabaseError):
            # Locked, damaged, not there, or of another shape: nothing of it can be believed.
            raise Unanswered from None
