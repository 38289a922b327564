"""The chain of the evidence: each row holds the digest of the one before it.

    digest = SHA-256(previous, at_ms, regime, operation, outcome, items, sealed)

each part behind its length in 8 bytes, big-endian. The first row follows 32 zero bytes. `items` is
reference and number of each item, sorted by reference, each behind its length again (no number: 0
bytes). Rows are numbered from 1 without a hole.

What it finds: a row or an item that was changed, taken out, put in or moved. The end of the chain
needs more, since who cuts rows off leaves a sound chain: number and digest of the last row are
noted in `meta` with each row, sealed with the hub's key, and `sitegate evidence check` prints them,
so that they can be noted elsewhere and given back to it years later. Who has database and keys and
rewrites everything is only found by such a note.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, LargeBinary, cast, select, type_coerce
from sqlalchemy.types import NullType

from hub.errors import PermanentError
from hub.storage.schema import evidence, evidence_item, meta
from hub.storage.secrets import Vault

GENESIS = bytes(32)
HEAD = "evidence_head"
"""Row of `meta` with the sealed number and digest of the newest row."""

_ROWS_AT_ONCE = 50


class Fault(StrEnum):
    """What is wrong at a place of the chain."""

    CHANGED = "changed"
    """Row or items are not what the row's digest was made of."""
    UNLINKED = "unlinked"
    """The row does not follow the one before it: one was changed, taken out, put in or moved."""
    MISSING = "missing"
    """Numbers before this row are not there."""
    STRAY = "stray"
    """Items of a row that is not there."""
    CUT = "cut"
    """The chain does not end where it was noted to end."""
    UNNOTED = "unnoted"
    """Nothing readable tells where the chain ends."""
    OTHER = "other"
    """The row that was noted elsewhere is not this one."""


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain: number of the row (0: no row yet) and its digest."""

    row: int
    digest: bytes

    def __str__(self) -> str:
        return f"{self.row}:{self.digest.hex()}"


EMPTY = Head(0, GENESIS)


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What a look at the whole chain found.

    Args:
        rows: rows looked at.
        head: the last row there is.
        faults: (number of the row, what is wrong), in the order of the chain.
    """

    rows: int
    head: Head
    faults: tuple[tuple[int, Fault], ...]

    @property
    def whole(self) -> bool:
        """Nothing was found."""
        return not self.faults

    def sound(self, row: int) -> bool:
        """Returns whether nothing is wrong at this row; it may be elsewhere."""
        return all(number != row for number, _ in self.faults)


def parse_head(text: str) -> Head:
    """Returns the head that `str(head)` wrote.

    Raises:
        ValueError: it is none.
    """
    row, _, digest = text.strip().partition(":")
    head = Head(int(row), bytes.fromhex(digest))
    if head.row < 0 or len(head.digest) != len(GENESIS):
        raise ValueError("not the end of a chain")
    return head


def items_part(items: Iterable[tuple[object, object]]) -> bytes:
    """Returns the part of a digest that stands for the items."""
    listed = sorted((_plain(reference), _plain(number)) for reference, number in items)
    return b"".join(_long(reference) + _long(number) for reference, number in listed)


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
    parts = (
        previous,
        _plain(at_ms),
        _plain(regime),
        _plain(operation),
        _plain(outcome),
        items,
        sealed,
    )
    digest = hashlib.sha256()
    for part in parts:
        digest.update(_long(part))
    return digest.digest()


def _long(part: bytes) -> bytes:
    return len(part).to_bytes(8, "big") + part


def _plain(value: object) -> bytes:
    """The bytes of a column, whatever somebody made of its type."""
    if value is None:
        return b""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


def noted_head(connection: Connection, vault: Vault) -> Head | None:
    """Returns where the chain was noted to end; None when nothing readable says so."""
    sealed = connection.execute(select(meta.c.value).where(meta.c.key == HEAD)).scalar()
    if sealed is None:
        return None
    try:
        return parse_head(vault.open(HEAD, bytes.fromhex(sealed)).decode())
    except (ValueError, PermanentError):
        return None


def verify(connection: Connection, vault: Vault, noted: Head | None = None) -> ChainReport:
    """Looks at every row and item once, a few rows at a time in memory; changes nothing.

    Args:
        noted: an end of this chain that was noted elsewhere at an earlier time; None: none.
    """
    faults: list[tuple[int, Fault]] = []
    items = _items(connection)
    ahead = next(items, None)
    last = EMPTY
    rows = 0
    found_noted = noted is None or noted == EMPTY
    for row in _rows(connection):
        rows += 1
        if row.id != last.row + 1:
            faults.append((row.id, Fault.MISSING))
        if row.previous != last.digest:
            faults.append((row.id, Fault.UNLINKED))
        while ahead is not None and ahead[0] < row.id:
            faults.append((ahead[0], Fault.STRAY))
            ahead = next(items, None)
        its_items: Sequence[tuple[object, object]] = ()
        if ahead is not None and ahead[0] == row.id:
            its_items = ahead[1]
            ahead = next(items, None)
        made = link(
            _plain(row.previous),
            row.at_ms,
            row.regime,
            row.operation,
            row.outcome,
            items_part(its_items),
            _plain(row.sealed),
        )
        if made != row.digest:
            faults.append((row.id, Fault.CHANGED))
        last = Head(row.id, _plain(row.digest))
        found_noted = found_noted or last == noted
    while ahead is not None:
        faults.append((ahead[0], Fault.STRAY))
        ahead = next(items, None)
    end = noted_head(connection, vault)
    if end is None:
        if rows:
            faults.append((last.row, Fault.UNNOTED))
    elif end != last:
        faults.append((end.row, Fault.CUT))
    if noted is not None and not found_noted:
        faults.append((noted.row, Fault.OTHER))
    return ChainReport(rows, last, tuple(faults))


def _raw(column: Any) -> Any:
    """The column as the engine holds it: a changed type or text must be found, not stumbled on."""
    return type_coerce(column, NullType())


def _text(column: Any) -> Any:
    return _raw(cast(column, LargeBinary))


def _rows(connection: Connection) -> Iterator[Any]:
    columns = evidence.c
    query = select(
        columns.id,
        _raw(columns.at_ms).label("at_ms"),
        _text(columns.regime).label("regime"),
        _text(columns.operation).label("operation"),
        _text(columns.outcome).label("outcome"),
        _raw(columns.sealed).label("sealed"),
        _raw(columns.previous).label("previous"),
        _raw(columns.digest).label("digest"),
    ).order_by(columns.id)
    yield from connection.execution_options(yield_per=_ROWS_AT_ONCE).execute(query)


def _items(connection: Connection) -> Iterator[tuple[int, list[tuple[object, object]]]]:
    """Yields (number of the row, its items), by that number."""
    columns = evidence_item.c
    query = select(
        columns.evidence_id,
        _text(columns.reference).label("reference"),
        _raw(columns.number).label("number"),
    ).order_by(columns.evidence_id)
    rows = connection.execution_options(yield_per=1000).execute(query)
    for row_id, group in groupby(rows, key=lambda row: row.evidence_id):
        yield row_id, [(row.reference, row.number) for row in group]
