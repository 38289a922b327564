"""Rows as they were before an import and as they became, sealed, so that it can be taken back.

An image is the whole row as JSON; bytes stand in it as `{"hex": ...}`. It is sealed as a whole: it
holds names, and what is sealed or indexed in the row is never opened for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, Table, insert, select

from hub.storage.schema import badge, company, import_change, person, works
from hub.storage.secrets import Vault

SEALED_AS: Final = "import-change"
TABLES: Final[Mapping[str, Table]] = {
    table.name: table for table in (works, company, person, badge)
}
"""The tables whose rows an import may be taken back in, and their one key column below."""
KEYS: Final = {"works": "number", "company": "id", "person": "id", "badge": "tag"}

Image = dict[str, Any]
_IN_MAX: Final = 500
"""Keys of one query."""


class Images:
    """Collects what one import changes; `keep` writes it.

    Args:
        connection: the write transaction of the import.
        vault: seals the images.
        run_id: of the import.
    """

    def __init__(self, connection: Connection, vault: Vault, run_id: int) -> None:
        self._connection = connection
        self._vault = vault
        self._run_id = run_id
        self._first: dict[tuple[str, str], Image | None] = {}
        self._last: dict[tuple[str, str], Image | None] = {}

    def changed(self, place: str, before: Image | None, after: Image) -> None:
        """Notes that a row was made or changed; of several changes the first and last count."""
        key = (place, key_text(after[KEYS[place]]))
        self._first.setdefault(key, before)
        self._last[key] = after

    def keep(self) -> None:
        """Writes the images of every row that was changed."""
        values = [
            {
                "run_id": self._run_id,
                "place": place,
                "row": row,
                "before": self._sealed(self._first[place, row]),
                "after": self._sealed(after),
            }
            for (place, row), after in self._last.items()
        ]
        if values:
            self._connection.execute(insert(import_change), values)

    def _sealed(self, image: Image | None) -> bytes | None:
        return None if image is None else self._vault.seal(SEALED_AS, packed(image))


def packed(image: Image) -> bytes:
    """Returns the bytes of an image."""
    plain = {
        name: {"hex": bytes(value).hex()} if isinstance(value, bytes) else value
        for name, value in image.items()
    }
    return json.dumps(plain, ensure_ascii=False, sort_keys=True).encode()


def unpacked(data: bytes) -> Image:
    """Returns the image that `packed` made bytes of."""
    return {
        name: bytes.fromhex(value["hex"]) if isinstance(value, dict) else value
        for name, value in json.loads(data).items()
    }


def opened(vault: Vault, sealed: bytes | None) -> Image | None:
    """Returns a sealed image; None for no row."""
    return None if sealed is None else unpacked(vault.open(SEALED_AS, sealed))


def image_of(row: RowMapping | Mapping[str, Any], table: Table) -> Image:
    """Returns the image of a row that was selected."""
    return {column.name: row[column.name] for column in table.columns}


def rows_now(connection: Connection, place: str, rows: Sequence[str]) -> dict[str, Image]:
    """Returns the rows of a table as they are now, by how their keys are written; those that are
    gone are missing."""
    table = TABLES[place]
    column = table.c[KEYS[place]]
    found: dict[str, Image] = {}
    for start in range(0, len(rows), _IN_MAX):
        keys: list[object] = [
            bytes.fromhex(row) if place == "badge" else row if place == "works" else int(row)
            for row in rows[start : start + _IN_MAX]
        ]
        for row in connection.execute(select(table).where(column.in_(keys))).mappings():
            found[key_text(row[KEYS[place]])] = image_of(row, table)
    return found


def key_text(key: object) -> str:
    """Returns how the key of a row is written."""
    return key.hex() if isinstance(key, bytes) else str(key)
