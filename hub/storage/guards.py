"""The one place that may take rows out of a table that is only appended to.

The engine refuses to remove a step of a registration, an exchange, a row of the audit (triggers of
`hub.storage.fact_tables`). A retention rule must: `unguarded` takes the trigger away and puts it
back inside the transaction that erases, so that no other connection ever sees the table without
its guard, and a transaction that fails leaves the guard where it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Table, text

_FIND = text("SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name = :name")


@contextmanager
def unguarded(connection: Connection, *tables: Table, verb: str = "delete") -> Iterator[None]:
    """Lets rows of these tables be removed in the block; the caller's transaction must be open.

    Args:
        connection: the write transaction.
        *tables: tables that are only appended to.
        verb: `delete`, or `update` to seal the same content with another key.
    """
    guards: list[str] = []
    for table in tables:
        name = f"{table.name}_no_{verb}"
        made_by = connection.execute(_FIND, {"name": name}).scalar()
        if made_by is not None:
            guards.append(made_by)
            connection.exec_driver_sql(f"DROP TRIGGER {name}")
    yield
    for made_by in guards:
        connection.exec_driver_sql(made_by)
