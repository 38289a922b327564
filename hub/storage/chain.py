"""A chain of rows: each holds the digest of the one before it, and its two ends are noted.

    digest = SHA-256(previous, part, part, ...)        each behind its length, 8 bytes, big-endian

The first row follows 32 zero bytes. Rows are numbered from 1 without a hole. Two rows of `meta`,
sealed with the hub's key, say where the chain stops and where it begins:

* the *head*, number and digest of the newest row, so that rows cut off the end are missed;
* the *anchor*, the same of the newest row that a retention rule erased, once it erased any: the
  oldest row that is left must follow it. Who has no key cannot cut off the beginning and pretend
  that a rule did it.

What a look finds: a row that was changed, taken out, put in or moved. Who has database and keys and
rewrites everything is only found by a head that was noted elsewhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, LargeBinary, cast, select, type_coerce
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.types import NullType

from hub.errors import PermanentError
from hub.storage.schema import meta
from hub.storage.secrets import Vault

GENESIS = bytes(32)


class Fault(StrEnum):
    """What is wrong at a place of the chain."""

    CHANGED = "changed"
    """The row is not what its digest was made of."""
    UNLINKED = "unlinked"
    """The row does not follow the one before it: one was changed, taken out, put in or moved."""
    MISSING = "missing"
    """Numbers before this row are not there."""
    STRAY = "stray"
    """Parts of a row that is not there."""
    CUT = "cut"
    """The chain does not end where it was noted to end."""
    UNNOTED = "unnoted"
    """Nothing readable tells where the chain ends."""
    OTHER = "other"
    """The row that was noted elsewhere is not this one."""
    ERASED = "erased"
    """The row that was noted elsewhere was erased by its rule since: the note proves nothing."""


@dataclass(frozen=True, slots=True)
class Head:
    """A row of a chain: its number (0: before the first row) and its digest."""

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
        anchor: the last row that a rule erased; `EMPTY` when none did.
    """

    rows: int
    head: Head
    faults: tuple[tuple[int, Fault], ...]
    anchor: Head = EMPTY

    @property
    def whole(self) -> bool:
        """Nothing was found."""
        return not self.faults

    def sound(self, row: int) -> bool:
        """Returns whether nothing is wrong at this row; it may be elsewhere."""
        return all(number != row for number, _ in self.faults)


@dataclass(slots=True)
class Walk:
    """Follows a chain row by row, from its anchor to its end.

    Args:
        anchor: what the first row must follow.
        noted: a row of this chain that was noted elsewhere at an earlier time; None: none.
    """

    anchor: Head
    noted: Head | None = None
    rows: int = 0
    faults: list[tuple[int, Fault]] = field(default_factory=list)
    last: Head = EMPTY
    _found: bool = False

    def __post_init__(self) -> None:
        self.last = self.anchor
        self._found = self.noted in (None, EMPTY, self.anchor)

    def step(self, row: int, previous: object, digest: object, made: bytes) -> None:
        """Looks at the next row.

        Args:
            row: its number.
            previous: the digest it says it follows, as the engine holds it.
            digest: the one it says it has.
            made: the one that its content makes.
        """
        self.rows += 1
        if row != self.last.row + 1:
            self.faults.append((row, Fault.MISSING))
        if previous != self.last.digest:
            self.faults.append((row, Fault.UNLINKED))
        if made != digest:
            self.faults.append((row, Fault.CHANGED))
        self.last = Head(row, plain(digest))
        self._found = self._found or self.last == self.noted

    def stray(self, row: int) -> None:
        """Parts of a row that is not there were found."""
        self.faults.append((row, Fault.STRAY))

    def end(self, head: Head | None) -> ChainReport:
        """Returns what was found; `head` is where the chain was noted to end, None: unreadable."""
        if head is None:
            if self.rows:
                self.faults.append((self.last.row, Fault.UNNOTED))
        elif head != self.last:
            self.faults.append((head.row, Fault.CUT))
        if self.noted is not None and not self._found:
            erased = self.noted.row < self.anchor.row
            self.faults.append((self.noted.row, Fault.ERASED if erased else Fault.OTHER))
        return ChainReport(self.rows, self.last, tuple(self.faults), self.anchor)


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


def digest_of(previous: bytes, parts: Iterable[object]) -> bytes:
    """Returns the digest of a row with these parts that follows `previous`."""
    digest = hashlib.sha256(long(previous))
    for part in parts:
        digest.update(long(plain(part)))
    return digest.digest()


def long(part: bytes) -> bytes:
    """Returns a part behind its length."""
    return len(part).to_bytes(8, "big") + part


def plain(value: object) -> bytes:
    """Returns the bytes of a column, whatever somebody made of its type; None has none."""
    if value is None:
        return b""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


def read_noted(connection: Connection, vault: Vault, key: str) -> Head | None:
    """Returns the head or anchor noted under this key; None when nothing readable is there."""
    sealed = connection.execute(select(meta.c.value).where(meta.c.key == key)).scalar()
    if sealed is None:
        return None
    try:
        return parse_head(vault.open(key, bytes.fromhex(sealed)).decode())
    except (ValueError, PermanentError):
        return None


def write_noted(connection: Connection, vault: Vault, key: str, head: Head) -> None:
    """Notes a head or an anchor, sealed, in place of what was noted under this key."""
    sealed = vault.seal(key, str(head).encode()).hex()
    statement = insert(meta).values(key=key, value=sealed)
    connection.execute(
        statement.on_conflict_do_update(index_elements=["key"], set_={"value": sealed})
    )


def raw(column: Any) -> Any:
    """The column as the engine holds it: a changed type or text must be found, not stumbled on."""
    return type_coerce(column, NullType())


def raw_text(column: Any) -> Any:
    """The same for a column of text."""
    return raw(cast(column, LargeBinary))
