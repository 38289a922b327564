"""What gates told of themselves, read for people: today's news, the newest events, the last health.

Today's news are what the hub first *held* today: an event of the night that a gate without network
tells in the morning is news in the morning, whatever its date.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.sqlite import insert as upsert

from hub.application.gate_events import GateNews, joined
from hub.storage.schema import gate_event, gate_health, passage_count

# Streams are numbered as the hub meets them, and a gate has one at a time.
_ORDER = gate_event.c.stream_id * 2**32 + gate_event.c.seq


@dataclass(frozen=True, slots=True)
class StoredHealth:
    """What a gate last said of itself, as far as it was kept.

    Args:
        said_ms: when the hub heard it, UTC milliseconds.
        numbers: of `protocol.messages.HEALTH` by their names; one that a newer Sitegate has added
            is missing in what an older one kept.
    """

    said_ms: int
    numbers: dict[str, int]


def news_of_gates(
    connection: Connection, terminals: Collection[str], begin_ms: int, end_ms: int
) -> dict[str, tuple[GateNews, ...]]:
    """Returns what each gate told in this time, the same things taken together, newest first.

    Args:
        connection: any transaction.
        terminals: ids of the gates asked for.
        begin_ms, end_ms: when the hub first held it, UTC milliseconds; the end is not included.
    """
    event = gate_event.c
    # SQLite takes the bare columns from the row with the greatest order.
    query = (
        select(
            event.terminal_id,
            event.kind,
            event.code,
            event.detail,
            func.count().label("times"),
            event.at_ms,
            event.received_ms,
            func.max(_ORDER).label("place"),
        )
        .where(
            event.terminal_id.in_(terminals),
            event.received_ms >= begin_ms,
            event.received_ms < end_ms,
        )
        .group_by(event.terminal_id, event.kind, event.code)
    )
    found: dict[str, list[GateNews]] = {}
    for row in connection.execute(query):
        found.setdefault(row.terminal_id, []).append(GateNews(*row[1:]))
    return {terminal: joined(news) for terminal, news in found.items()}


def newest_events(connection: Connection, terminal: str, limit: int) -> tuple[GateNews, ...]:
    """Returns the newest events of a gate, each for itself, newest first; at most `limit`."""
    event = gate_event.c
    query = (
        select(event.kind, event.code, event.detail, event.at_ms, event.received_ms, _ORDER)
        .where(event.terminal_id == terminal)
        .order_by(_ORDER.desc())
        .limit(limit)
    )
    return tuple(
        GateNews(kind, code, detail, 1, at_ms, received_ms, order)
        for kind, code, detail, at_ms, received_ms, order in connection.execute(query)
    )


def passages_of_day(connection: Connection, terminals: Collection[str], day: str) -> dict[str, int]:
    """Returns how many people went through each gate on a Brussels day (ISO), after a tap.

    A gate whose turnstile does not tell is not among them.
    """
    query = select(passage_count.c.terminal_id, passage_count.c.passed).where(
        passage_count.c.terminal_id.in_(terminals), passage_count.c.day == day
    )
    return {row.terminal_id: row.passed for row in connection.execute(query)}


def keep_health(
    connection: Connection, terminal: str, said_ms: int, numbers: dict[str, int]
) -> None:
    """Stores what a gate said of itself, instead of what it said before."""
    values = {"said_ms": said_ms, "numbers": json.dumps(numbers)}
    statement = upsert(gate_health).values(terminal_id=terminal, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["terminal_id"], set_=values))


def stored_health(connection: Connection) -> dict[str, StoredHealth]:
    """Returns what each gate last said of itself, as far as it was kept."""
    return {
        row.terminal_id: StoredHealth(row.said_ms, json.loads(row.numbers))
        for row in connection.execute(select(gate_health))
    }
