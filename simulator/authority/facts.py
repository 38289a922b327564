"""What was changed in the registers while running, one JSON text for each entry, for ever kept.

A fact stands for the whole entry of its register and key as it is now, or says that it is gone.
"""

from __future__ import annotations

import sqlite3
from typing import Final, final

_TABLE: Final = """
CREATE TABLE IF NOT EXISTS fact (
    kind    TEXT NOT NULL,
    key     TEXT NOT NULL,
    content TEXT NOT NULL,
    gone    INTEGER NOT NULL,
    PRIMARY KEY (kind, key)
) STRICT
"""


@final
class Facts:
    """The changes, in the authority's file and under its lock.

    Args:
        connection: of the store.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._db.execute(_TABLE)

    def keep(self, kind: str, key: str, content: str, *, gone: bool) -> None:
        """Keeps a fact in place of the one under the same key; call inside a transaction."""
        self._db.execute(
            "INSERT OR REPLACE INTO fact VALUES (?, ?, ?, ?)", (kind, key, content, gone)
        )

    def all(self) -> list[tuple[str, str, bool]]:
        """Register, content and whether it is gone, in the order in which they were kept."""
        rows = self._db.execute("SELECT kind, content, gone FROM fact ORDER BY rowid")
        return [(row[0], row[1], bool(row[2])) for row in rows]
