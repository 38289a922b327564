"""Evidence: every exchange with the authority, kept whole, sealed, and chained to the one before.

Both bodies are compressed and sealed with the hub's key, since a batch holds the numbers of up to
200 people; what stands beside them in the clear tells which registration went when and what came
of it. Rows are only ever appended (triggers), and `hub.storage.evidence_chain` finds what somebody
changed all the same.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, or_, select

from hub.application.evidence import Exchange
from hub.errors import PermanentError
from hub.storage.chain import EMPTY, Head, write_noted
from hub.storage.evidence_chain import HEAD, items_part, link, noted_head
from hub.storage.many import ManyRows
from hub.storage.schema import evidence, evidence_item, registration
from hub.storage.secrets import Vault
from hub.storage.writer import Writer

KIND = "evidence"
_LEVEL = 3
"""Of zlib: both bodies of a batch of 200 shrink to a thirteenth in one millisecond; 6 takes twice
that and 9 eight times for a tenth and a sixth less (measured)."""

Item = tuple[str, int | None]

_KEEP_ITEMS = ManyRows(
    insert(evidence_item).inline(), [column.name for column in evidence_item.columns]
)


@dataclass(frozen=True, slots=True, repr=False)
class Kept:
    """One exchange as it is kept, its bodies still sealed."""

    row: int
    at_ms: int
    regime: str
    operation: str
    outcome: str
    sealed: bytes
    previous: bytes
    digest: bytes

    def __repr__(self) -> str:
        return f"Kept({self.row}, {self.operation}, {self.outcome})"


class EvidenceStore:
    """Keeps the exchanges of an adapter; any thread may use it.

    Args:
        writer: appends the rows.
        vault: seals the bodies.
    """

    def __init__(self, writer: Writer, vault: Vault) -> None:
        self._writer = writer
        self._vault = vault

    def keep(self, exchange: Exchange) -> None:
        """Appends one exchange; returns when it is committed."""
        # The costly part is done here, in the thread that waits for the authority anyway.
        sealed = seal_bodies(self._vault, exchange.request, exchange.answer)
        items = _listed(exchange.items)
        part = items_part(items)

        def job(connection: Connection) -> None:
            _append(connection, self._vault, exchange, items, part, sealed)

        self._writer.call(job).result()


def _append(
    connection: Connection,
    vault: Vault,
    exchange: Exchange,
    items: Sequence[Item],
    part: bytes,
    sealed: bytes,
) -> None:
    """Adds a row at the end of the chain and notes the new end."""
    newest = connection.execute(select(func.max(evidence.c.id))).scalar() or 0
    # Rows without a noted end: the chain was tampered with. It goes on, and the break stays seen.
    noted = noted_head(connection, vault) or EMPTY
    row = max(newest, noted.row) + 1
    digest = link(
        noted.digest,
        exchange.at_ms,
        exchange.regime,
        exchange.operation,
        exchange.outcome,
        part,
        sealed,
    )
    connection.execute(
        insert(evidence).values(
            id=row,
            at_ms=exchange.at_ms,
            regime=exchange.regime,
            operation=exchange.operation,
            outcome=exchange.outcome,
            sealed=sealed,
            previous=noted.digest,
            digest=digest,
        )
    )
    _KEEP_ITEMS.run(
        connection,
        [
            {"evidence_id": row, "reference": reference, "number": number}
            for reference, number in items
        ],
    )
    write_noted(connection, vault, HEAD, Head(row, digest))


def _listed(items: Sequence[Item]) -> list[Item]:
    """Each item under a key of its own: what the authority shows may lack our reference, or have
    it twice."""
    listed: dict[str, int | None] = {}
    for reference, number in items:
        if reference and (reference not in listed or listed[reference] in (None, number)):
            listed[reference] = number if number is not None else listed.get(reference)
        elif number is not None:
            listed[f"#{number}"] = number
    return list(listed.items())


# ---------------------------------------------------------------- bodies


def seal_bodies(vault: Vault, request: bytes, answer: bytes | None) -> bytes:
    """Returns both bodies compressed and sealed; `open_bodies` gives them back byte for byte."""
    mark = b"\0" if answer is None else b"\1"
    packed = len(request).to_bytes(8, "big") + request + mark + (answer or b"")
    return vault.seal(KIND, zlib.compress(packed, _LEVEL))


def open_bodies(vault: Vault, sealed: bytes) -> tuple[bytes, bytes | None]:
    """Returns (request, answer) of a row; the answer is None when no whole one came.

    Raises:
        PermanentError: HUB-1352, the row was changed or sealed with another key.
    """
    try:
        packed = zlib.decompress(vault.open(KIND, sealed))
    except (PermanentError, zlib.error):
        raise PermanentError("HUB-1352") from None
    size = int.from_bytes(packed[:8], "big")
    request, mark, answer = packed[8 : 8 + size], packed[8 + size : 9 + size], packed[9 + size :]
    return request, answer if mark == b"\1" else None


# ---------------------------------------------------------------- reading


def names_of(connection: Connection, asked: str) -> tuple[set[str], set[int]]:
    """Returns the references and the numbers of the authority that belong to what was asked.

    Args:
        asked: a number of the authority, or a client reference of ours.
    """
    references: set[str] = {asked}
    numbers: set[int] = set()
    if asked.isascii() and asked.isdigit() and len(asked) <= 15:
        numbers.add(int(asked))
    for table in (evidence_item, registration):
        by_number = select(table.c.reference).where(table.c.number.in_(numbers))
        references |= set(connection.execute(by_number).scalars())
    references = {one for one in references if not one.startswith("#")}
    for table in (evidence_item, registration):
        by_reference = select(table.c.number).where(
            table.c.reference.in_(references), table.c.number.is_not(None)
        )
        numbers |= set(connection.execute(by_reference).scalars())
    return references - {asked} | _known(connection, asked), numbers


def _known(connection: Connection, reference: str) -> set[str]:
    """`reference` in a set if anything is known by it."""
    for table in (registration, evidence_item):
        query = select(table.c.reference).where(table.c.reference == reference).limit(1)
        if connection.execute(query).first() is not None:
            return {reference}
    return set()


def exchanges_of(
    connection: Connection, references: Collection[str], numbers: Collection[int]
) -> list[Kept]:
    """Returns the exchanges that carried one of these, oldest first."""
    item = evidence_item.c
    rows = select(item.evidence_id).where(
        or_(item.reference.in_(references), item.number.in_(numbers))
    )
    columns = evidence.c
    query = (
        select(
            columns.id,
            columns.at_ms,
            columns.regime,
            columns.operation,
            columns.outcome,
            columns.sealed,
            columns.previous,
            columns.digest,
        )
        .where(columns.id.in_(rows))
        .order_by(columns.id)
    )
    return [Kept(*row) for row in connection.execute(query)]
