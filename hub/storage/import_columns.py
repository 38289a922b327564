"""What a company said about the columns of its list, remembered for the next one like it.

Kept in `meta`: one row for each company (or account without one), JSON from a keyed digest of the
headings to the columns. The headings themselves are not kept: a file without a first row has
people there.
"""

from __future__ import annotations

import json
from typing import Final

from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert as upsert

from hub.application.access import Actor
from hub.application.people_headings import COLUMNS, plain
from hub.application.people_sheet import Columns, Sheet
from hub.storage.schema import meta
from hub.storage.secrets import Vault

KEPT: Final = 20
"""Most different lists of one company that are remembered, the newest ones."""


def remembered_columns(
    connection: Connection, vault: Vault, actor: Actor, sheet: Sheet
) -> Columns | None:
    """Returns what was said about columns with these headings before; None when nothing was."""
    columns = _stored(connection, _key(vault, actor)).get(_digest(vault, sheet))
    if columns is None or len(columns) != len(sheet.headings):
        return None
    return tuple(column if column in COLUMNS else "" for column in columns)


def remember_columns(
    connection: Connection, vault: Vault, actor: Actor, sheet: Sheet, columns: Columns
) -> None:
    """Keeps what these columns are."""
    key, digest = _key(vault, actor), _digest(vault, sheet)
    stored = _stored(connection, key)
    stored.pop(digest, None)
    stored[digest] = [column or "" for column in columns]
    newest = dict(list(stored.items())[-KEPT:])
    value = json.dumps(newest)
    connection.execute(
        upsert(meta)
        .values(key=key, value=value)
        .on_conflict_do_update(index_elements=["key"], set_={"value": value})
    )


def _key(vault: Vault, actor: Actor) -> str:
    whose = actor.name if actor.company_id is None else f"company:{actor.company_id}"
    return f"import_columns:{vault.index('import_columns', whose).hex()}"


def _digest(vault: Vault, sheet: Sheet) -> str:
    return vault.index("headings", "\0".join(plain(name) for name in sheet.headings)).hex()


def _stored(connection: Connection, key: str) -> dict[str, list[str]]:
    value = connection.execute(select(meta.c.value).where(meta.c.key == key)).scalar()
    return {} if value is None else json.loads(value)
