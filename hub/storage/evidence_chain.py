"""The chain of the evidence: each row holds the digest of the one before it.

    digest = SHA-256(previous, at_ms, regime, operation, outcome, items, sealed)

as `hub.storage.chain` makes it and looks at it. `items` is reference and number of each item,
sorted by reference, each behind its length (no number: 0 bytes). So a changed, missing or added
item is found as well as a row. `sitegate evidence check` prints number and digest of the last row,
so that they can be noted elsewhere and given back to it years later.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, select

from hub.storage.chain import (
    EMPTY,
    ChainReport,
    Head,
    Walk,
    digest_of,
    long,
    plain,
    raw,
    raw_text,
    read_noted,
)
from hub.storage.schema import evidence, evidence_item
from hub.storage.secrets import Vault

HEAD = "evidence_head"
"""Row of `meta` with the sealed number and digest of the newest row."""
ANCHOR = "evidence_anchor"
"""The same of the newest row that was erased because its time was over."""

_ROWS_AT_ONCE = 50


def items_part(items: Iterable[tuple[object, object]]) -> bytes:
    """Returns the part of a digest that stands for the items."""
    listed = sorted((plain(reference), plain(number)) for reference, number in items)
    return b"".join(long(reference) + long(number) for reference, number in listed)


def link(
    previous: bytes,
    at_ms: object,
    regime: object,
    operation: object,
    outcome: object,
    items: bytes,
    sealed: bytes,
) -> bytes:
    """Returns the digest of a row that follows `previous`; `items` are those of `items_part`."""
    return digest_of(previous, (at_ms, regime, operation, outcome, items, sealed))


def noted_head(connection: Connection, vault: Vault) -> Head | None:
    """Returns where the chain was noted to end; None when nothing readable says so."""
    return read_noted(connection, vault, HEAD)


def verify(connection: Connection, vault: Vault, noted: Head | None = None) -> ChainReport:
    """Looks at every row and item once, a few rows at a time in memory; changes nothing.

    Args:
        noted: an end of this chain that was noted elsewhere at an earlier time; None: none.
    """
    walk = Walk(read_noted(connection, vault, ANCHOR) or EMPTY, noted)
    items = _items(connection)
    ahead = next(items, None)
    for row in _rows(connection):
        while ahead is not None and ahead[0] < row.id:
            walk.stray(ahead[0])
            ahead = next(items, None)
        its_items: Sequence[tuple[object, object]] = ()
        if ahead is not None and ahead[0] == row.id:
            its_items = ahead[1]
            ahead = next(items, None)
        made = link(
            plain(row.previous),
            row.at_ms,
            row.regime,
            row.operation,
            row.outcome,
            items_part(its_items),
            plain(row.sealed),
        )
        walk.step(row.id, row.previous, row.digest, made)
    while ahead is not None:
        walk.stray(ahead[0])
        ahead = next(items, None)
    return walk.end(noted_head(connection, vault))


def _rows(connection: Connection) -> Iterator[Any]:
    columns = evidence.c
    query = select(
        columns.id,
        raw(columns.at_ms).label("at_ms"),
        raw_text(columns.regime).label("regime"),
        raw_text(columns.operation).label("operation"),
        raw_text(columns.outcome).label("outcome"),
        raw(columns.sealed).label("sealed"),
        raw(columns.previous).label("previous"),
        raw(columns.digest).label("digest"),
    ).order_by(columns.id)
    yield from connection.execution_options(yield_per=_ROWS_AT_ONCE).execute(query)


def _items(connection: Connection) -> Iterator[tuple[int, list[tuple[object, object]]]]:
    """Yields (number of the row, its items), by that number."""
    columns = evidence_item.c
    query = select(
        columns.evidence_id,
        raw_text(columns.reference).label("reference"),
        raw(columns.number).label("number"),
    ).order_by(columns.evidence_id)
    rows = connection.execution_options(yield_per=1000).execute(query)
    for row_id, group in groupby(rows, key=lambda row: row.evidence_id):
        yield row_id, [(row.reference, row.number) for row in group]
