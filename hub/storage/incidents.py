"""Incidents: things that must not happen, as facts a human can read later."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select

from hub.storage.schema import incident


def add_incident(
    connection: Connection, at_ms: int, code: str, terminal_id: str | None, detail: str
) -> None:
    """Keeps one incident; `detail` holds no personal data."""
    connection.execute(
        insert(incident).values(at_ms=at_ms, code=code, terminal_id=terminal_id, detail=detail)
    )


def incidents_since(
    connection: Connection, since_ms: int
) -> list[tuple[int, str, str | None, str]]:
    """Returns (moment, code, terminal, detail) of every incident from `since_ms` on."""
    query = (
        select(incident.c.at_ms, incident.c.code, incident.c.terminal_id, incident.c.detail)
        .where(incident.c.at_ms >= since_ms)
        .order_by(incident.c.id)
    )
    return [(row.at_ms, row.code, row.terminal_id, row.detail) for row in connection.execute(query)]
