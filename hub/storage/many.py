"""Statements for many rows at the driver's own pace.

SQLAlchemy prepares the parameters of each row of an `executemany` anew, which takes several times
what SQLite takes for the row. Under a backlog that was most of what the writer did. Here a
statement is compiled once for each dialect, and its rows go to the driver as they are: for columns
of plain numbers, texts and bytes, which need no conversion.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.sql.dml import UpdateBase


class ManyRows:
    """One statement that is run for many rows; made once, any thread may run it.

    Args:
        statement: an insert or update; what differs from row to row is a `bindparam` of it, or a
            column of an insert without values.
        names: names of these.
    """

    def __init__(self, statement: UpdateBase, names: Sequence[str]) -> None:
        self._statement = statement
        self._names = list(names)
        self._compiled: dict[str, tuple[str, Sequence[str] | None, dict[str, Any]]] = {}

    def run(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Runs it for each of the rows, which have a value for each name; does nothing for none."""
        if not rows:
            return
        text, order, fixed = self._for(connection)
        if order is None:
            connection.exec_driver_sql(text, [{**fixed, **row} for row in rows])
        elif fixed:
            whole = [{**fixed, **row} for row in rows]
            connection.exec_driver_sql(text, [tuple([row[n] for n in order]) for row in whole])
        else:
            connection.exec_driver_sql(text, [tuple([row[n] for n in order]) for row in rows])

    def _for(self, connection: Connection) -> tuple[str, Sequence[str] | None, dict[str, Any]]:
        """Returns text, order of its parameters (None: by name) and those that never differ."""
        dialect = connection.dialect
        if dialect.name not in self._compiled:
            is_insert = self._statement.is_insert
            made: Any = self._statement.compile(
                dialect=dialect, column_keys=self._names if is_insert else None
            )
            fixed = {n: value for n, value in made.params.items() if n not in self._names}
            self._compiled[dialect.name] = str(made), made.positiontup, fixed
        return self._compiled[dialect.name]


def marks(connection: Connection, count: int) -> str:
    """Returns that many places for values, for a list in a text of the driver's own."""
    mark = "?" if connection.dialect.paramstyle == "qmark" else "%s"
    return ",".join([mark] * count)
