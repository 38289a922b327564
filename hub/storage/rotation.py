"""New keys for what is sealed: everything is sealed anew in one transaction.

Theory of operation. The key file gets the new keys beside the old ones (`next`), on disk before
anything is sealed with them. Then one transaction opens every sealed column with the old key and
seals it with the new one, makes the blind indexes anew, and writes the proof by which a folder
knows its keys. Then the file keeps the new ones only. Whenever it is cut off, one of the two sets
in the file opens the database, and `open_house` finds out which (`hub.storage.house`). The folder
is locked against every other process meanwhile: none may write with a key that it read before.

The badge key is not replaced: every gate holds it, and all tags of badges follow from it.

The digests of the evidence stand for what is sealed, so its chain is made anew; a chain that is not
whole is refused, and the end before and after stand in the audit, whose own digests stand for no
sealed thing. What cannot be sealed anew is ended: images that undo an import hold numbers sealed
inside of them, answers for repeated requests live two days.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, Table, delete, func, select, update

from hub.domain.audit import Noted
from hub.errors import PermanentError
from hub.storage import audit as audit_rows
from hub.storage import evidence_chain
from hub.storage.audit import note
from hub.storage.chain import EMPTY, GENESIS, Head, read_noted, write_noted
from hub.storage.contacts import ADDRESS
from hub.storage.engine import writing
from hub.storage.evidence import KIND
from hub.storage.evidence_chain import items_part, link, verify
from hub.storage.guards import unguarded
from hub.storage.house import KEYS, House, prove_keys
from hub.storage.notices import ATTACHMENT
from hub.storage.register import TERMINAL_SETTINGS
from hub.storage.reminding import LIST
from hub.storage.report_schedules import RECIPIENTS
from hub.storage.schema import (
    account,
    company_contact,
    evidence,
    evidence_item,
    import_change,
    meta,
    notice,
    person,
    phone_code,
    reminder,
    reminder_list,
    report_schedule,
    request_key,
    terminal,
)
from hub.storage.secrets import Vault, begin_replacing, end_replacing

SEALED: Final[tuple[tuple[Table, str, str], ...]] = (
    (person, "inss_sealed", "inss"),
    (person, "limosa_sealed", "limosa"),
    (terminal, "key_sealed", "terminal"),
    (terminal, "next_key_sealed", "terminal"),
    (terminal, "settings_sealed", TERMINAL_SETTINGS),
    (account, "totp_sealed", "totp"),
    (notice, "attachments", ATTACHMENT),
    (company_contact, "address_sealed", ADDRESS),
    (reminder, "address_sealed", ADDRESS),
    (reminder_list, "sealed", LIST),
    (report_schedule, "recipients_sealed", RECIPIENTS),
)
"""(table, column, kind it is sealed as); a column that is missing here fails a test."""

INDEXED: Final = {"inss_sealed": "inss_index", "limosa_sealed": "limosa_index"}
"""The blind index that stands beside a sealed number."""

CHAINED: Final = ((evidence, "sealed"),)
"""Sealed, and part of a chain."""

ENDED: Final = (
    (import_change, ("before", "after")),
    (request_key, ("answer",)),
    # Its digest is made with the key, so that a short code is not guessed from the database.
    (phone_code, ("digest",)),
)
"""Tables whose rows end with the old key."""

NOTED: Final = (
    evidence_chain.HEAD,
    evidence_chain.ANCHOR,
    audit_rows.HEAD,
    audit_rows.ANCHOR,
)
"""Rows of `meta` that hold a sealed end of a chain."""
_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Rotated:
    """What was sealed anew.

    Args:
        values: how many sealed values.
        evidence: how many exchanges.
        ended: how many rows could not be sealed anew and are gone.
        before: end of the chain of the evidence before, `ROW:DIGEST`.
        after: its end now.
    """

    values: int
    evidence: int
    ended: int
    before: str
    after: str


def rotate_house(house: House, now_ms: int, actor: str) -> Rotated:
    """Replaces the keys of an open data folder, which must be closed afterwards.

    Raises:
        UsageError: HUB-1714, a hub or another command uses the folder; nothing was changed.
        PermanentError: see `rotate`; nothing was changed.
    """
    house.keep_others_out()
    file = house.folder / KEYS
    new = begin_replacing(file)
    with writing(house.engine) as connection:
        done = rotate(connection, house.vault, new, now_ms, actor)
        prove_keys(connection, new, anew=True)
    end_replacing(file)
    # What was sealed with the old key is no longer in a free page or in the log of the database.
    with house.engine.connect() as connection:
        connection.exec_driver_sql("VACUUM")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return done


def count_sealed(connection: Connection) -> Rotated:
    """Returns how much a rotation would seal anew; changes nothing."""
    values = 0
    for table, column, _ in SEALED:
        query = select(func.count(table.c[column]))
        values += connection.execute(query).scalar() or 0
    chained = connection.execute(select(func.count()).select_from(evidence)).scalar() or 0
    return Rotated(values, chained, _ending(connection), "", "")


def rotate(connection: Connection, old: Vault, new: Vault, now_ms: int, actor: str) -> Rotated:
    """Seals everything anew in the open transaction; it is all done, or nothing when it fails.

    Raises:
        PermanentError: HUB-1011 a value does not open; HUB-1716 the chain of the evidence or the
            noted end of the audit is not whole: look into that first.
    """
    if not verify(connection, old).whole:
        raise PermanentError("HUB-1716")
    noted = {key: read_noted(connection, old, key) for key in NOTED}
    for key, head in noted.items():
        if head is None and _is_there(connection, key):
            raise PermanentError("HUB-1716")
    values = sum(_reseal(connection, old, new, *one) for one in SEALED)
    for key, head in noted.items():
        if head is not None:
            write_noted(connection, new, key, head)
    rows, after = _rechain(connection, old, new, noted[evidence_chain.ANCHOR] or EMPTY)
    before = noted[evidence_chain.HEAD] or EMPTY
    ended = _ending(connection)
    for table, _ in ENDED:
        connection.execute(delete(table))
    done = Rotated(values, rows, ended, str(before), str(after))
    note(
        connection,
        new,
        now_ms,
        actor,
        Noted.KEYS_ROTATED,
        values=values,
        evidence_before=done.before,
        evidence_after=done.after,
    )
    return done


def _is_there(connection: Connection, key: str) -> bool:
    return connection.execute(select(meta.c.key).where(meta.c.key == key)).first() is not None


def _ending(connection: Connection) -> int:
    total = 0
    for table, _ in ENDED:
        total += connection.execute(select(func.count()).select_from(table)).scalar() or 0
    return total


def _reseal(
    connection: Connection, old: Vault, new: Vault, table: Table, column: str, kind: str
) -> int:
    keys = list(table.primary_key.columns)
    where = table.c[column].is_not(None)
    rows = connection.execute(select(*keys, table.c[column].label("value")).where(where)).all()
    with unguarded(connection, table, verb="update"):
        for row in rows:
            opened = old.open(kind, row.value)
            values = {column: new.seal(kind, opened)}
            if column in INDEXED:
                values[INDEXED[column]] = new.index(kind, opened.decode())
            match = [key == row[place] for place, key in enumerate(keys)]
            connection.execute(update(table).where(*match).values(values))
    return len(rows)


def _rechain(connection: Connection, old: Vault, new: Vault, anchor: Head) -> tuple[int, Head]:
    """Seals and chains the exchanges anew from the anchor on; returns how many, and the end."""
    last = anchor if anchor != EMPTY else Head(0, GENESIS)
    rows = 0
    columns = evidence.c
    with unguarded(connection, evidence, verb="update"):
        while True:
            query = select(evidence).where(columns.id > last.row).order_by(columns.id)
            page = connection.execute(query.limit(_AT_ONCE)).all()
            if not page:
                break
            ids = [row.id for row in page]
            items: dict[int, list[tuple[object, object]]] = {}
            for item in connection.execute(
                select(evidence_item).where(evidence_item.c.evidence_id.in_(ids))
            ):
                items.setdefault(item.evidence_id, []).append((item.reference, item.number))
            for row in page:
                sealed = new.seal(KIND, old.open(KIND, row.sealed))
                digest = link(
                    last.digest,
                    row.at_ms,
                    row.regime,
                    row.operation,
                    row.outcome,
                    items_part(items.get(row.id, [])),
                    sealed,
                )
                connection.execute(
                    update(evidence)
                    .where(columns.id == row.id)
                    .values(sealed=sealed, previous=last.digest, digest=digest)
                )
                last = Head(row.id, digest)
                rows += 1
    if rows:
        write_noted(connection, new, evidence_chain.HEAD, last)
    return rows, last
