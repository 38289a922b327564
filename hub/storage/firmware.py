"""Packs, orders and crash logs of the terminals in SQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from hub.application.updates import FirmwareOrder
from hub.storage.schema import crash_log, firmware, firmware_order, firmware_seen

CRASH_LOGS_MAX = 20
"""Crash logs kept of one terminal; the oldest give way."""


@dataclass(frozen=True, slots=True)
class CrashLogRow:
    """What a terminal told of errors that nobody caught: types and lines of code, no values.

    Args:
        boot: number of the start it is from; 0 when that start did not come as far.
        first_ms: when its first piece came.
        last_ms: when its last piece came.
        text: lines; see `firmware/crash.py`.
    """

    boot: int
    first_ms: int
    last_ms: int
    text: str


# -------------------------------------------------------------------- orders


def order_firmware(
    connection: Connection,
    terminals: Iterable[str],
    version: str,
    digest: str,
    pack: bytes,
    now_ms: int,
) -> int:
    """Keeps the pack and a new order for each of the terminals; returns the order's number.

    Args:
        connection: a write transaction.
        terminals: ids that exist.
        version: of the firmware.
        digest: of the pack, 64 hex digits.
        pack: its bytes.
        now_ms: UTC milliseconds.
    """
    statement = upsert(firmware).values(
        digest=digest, version=version, size=len(pack), pack=pack, added_ms=now_ms
    )
    connection.execute(statement.on_conflict_do_nothing())
    # Seconds rather than a count: after a restored backup the next order is still newer than any
    # that a terminal has carried out.
    number = max(newest_order(connection) + 1, now_ms // 1000)
    for terminal in terminals:
        values = {
            "number": number,
            "digest": digest,
            "ordered_ms": now_ms,
            "fetched": 0,
            "outcome": 0,
            "why": 0,
            "outcome_ms": 0,
        }
        order = upsert(firmware_order).values(terminal_id=terminal, **values)
        connection.execute(order.on_conflict_do_update(index_elements=["terminal_id"], set_=values))
    named = select(firmware_order.c.digest)
    connection.execute(delete(firmware).where(firmware.c.digest.not_in(named)))
    return number


def newest_order(connection: Connection) -> int:
    """Returns the number of the newest order, 0 when there is none."""
    return connection.execute(select(func.max(firmware_order.c.number))).scalar() or 0


def orders(connection: Connection) -> list[FirmwareOrder]:
    """Returns the newest order of each terminal that has one."""
    query = select(firmware_order, firmware.c.version, firmware.c.size).join(
        firmware, firmware.c.digest == firmware_order.c.digest
    )
    return [
        FirmwareOrder(
            row.terminal_id,
            row.number,
            row.version,
            row.digest,
            row.size,
            row.ordered_ms,
            row.fetched,
            row.outcome,
            row.why,
            row.outcome_ms,
        )
        for row in connection.execute(query.order_by(firmware_order.c.terminal_id))
    ]


def packs(connection: Connection) -> dict[str, bytes]:
    """Returns every pack that an order names, by its digest."""
    return {row.digest: row.pack for row in connection.execute(select(firmware))}


def keep_progress(connection: Connection, order: FirmwareOrder) -> None:
    """Stores how far an order is, unless a newer one has taken its place."""
    connection.execute(
        update(firmware_order)
        .where(
            firmware_order.c.terminal_id == order.terminal,
            firmware_order.c.number == order.number,
        )
        .values(
            fetched=order.fetched,
            outcome=order.outcome,
            why=order.why,
            outcome_ms=order.outcome_ms,
        )
    )


# -------------------------------------------------------------------- what runs


def keep_firmware_seen(connection: Connection, terminal: str, version: str, now_ms: int) -> None:
    """Stores with which firmware a terminal has introduced itself."""
    values = {"version": version, "seen_ms": now_ms}
    statement = upsert(firmware_seen).values(terminal_id=terminal, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["terminal_id"], set_=values))


def firmware_versions(connection: Connection) -> dict[str, str]:
    """Returns with which firmware each terminal last introduced itself.

    The text is the version, and ``+`` and the first 12 digits of the pack's digest.
    """
    return {row.terminal_id: row.version for row in connection.execute(select(firmware_seen))}


# -------------------------------------------------------------------- crash logs


def keep_crash(
    connection: Connection, terminal: str, boot: int, first: int, text: str, now_ms: int
) -> bool:
    """Stores a piece of a crash log; a piece that came before changes nothing.

    One row for each terminal and start. A piece that does not fit what is stored of that start
    (its number came again after the terminal's flash was wiped) begins another row.

    Args:
        connection: a write transaction.
        terminal: its id.
        boot: number of the start.
        first: place of the piece's first character in that start's log.
        text: the piece.
        now_ms: UTC milliseconds.

    Returns: whether something new came.
    """
    row = connection.execute(
        select(crash_log)
        .where(crash_log.c.terminal_id == terminal, crash_log.c.boot == boot)
        .order_by(crash_log.c.id.desc())
        .limit(1)
    ).first()
    if row is not None and row.start <= first <= row.start + len(row.text):
        held = row.text[first - row.start :]
        if held.startswith(text):
            return False
        if text.startswith(held):
            whole = row.text[: first - row.start] + text
            connection.execute(
                update(crash_log).where(crash_log.c.id == row.id).values(text=whole, last_ms=now_ms)
            )
            return True
    connection.execute(
        insert(crash_log).values(
            terminal_id=terminal, boot=boot, start=first, text=text, first_ms=now_ms, last_ms=now_ms
        )
    )
    _forget_oldest(connection, terminal)
    return True


def _forget_oldest(connection: Connection, terminal: str) -> None:
    newest = (
        select(crash_log.c.id)
        .where(crash_log.c.terminal_id == terminal)
        .order_by(crash_log.c.id.desc())
        .limit(CRASH_LOGS_MAX)
    )
    connection.execute(
        delete(crash_log).where(crash_log.c.terminal_id == terminal, crash_log.c.id.not_in(newest))
    )


def crash_logs(connection: Connection, terminal: str) -> Sequence[CrashLogRow]:
    """Returns the crash logs of a terminal, the newest first; at most CRASH_LOGS_MAX."""
    query = (
        select(crash_log).where(crash_log.c.terminal_id == terminal).order_by(crash_log.c.id.desc())
    )
    return [
        CrashLogRow(row.boot, row.first_ms, row.last_ms, row.text)
        for row in connection.execute(query)
    ]
