"""Who announced himself at a kiosk: a person of the register whom nobody has confirmed yet."""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from hub.storage.schema import newcomer


def is_newcomer(connection: Connection, person_id: int) -> bool:
    """Returns whether somebody told the hub himself who he is, and nobody has confirmed it yet."""
    query = select(newcomer.c.person_id).where(
        newcomer.c.person_id == person_id, newcomer.c.settled_ms.is_(None)
    )
    return connection.execute(query).first() is not None


def settle(connection: Connection, person_id: int, now_ms: int, actor: str) -> None:
    """Ends the waiting of a newcomer: somebody who may has said who he is and for whom he works.

    Whoever is no newcomer stays as he is. What was held for it becomes due with the next look at
    what is complete (`hub.storage.completing`), if that is still lawful.

    Args:
        now_ms: UTC milliseconds.
        actor: who said it, as in the audit.
    """
    connection.execute(
        update(newcomer)
        .where(newcomer.c.person_id == person_id, newcomer.c.settled_ms.is_(None))
        .values(settled_ms=now_ms, settled_by=actor)
    )
