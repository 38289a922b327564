"""What is not needed any more when somebody turns out not to work here, and what stays."""

from __future__ import annotations

from sqlalchemy import Connection, select

from hub.domain.causes import Cause
from hub.domain.legal_day import brussels_day
from hub.domain.registration import NUMBERED, State
from hub.storage.history import RegistrationEvent, steps
from hub.storage.schema import registration

_UNSENT = (State.HELD, State.DUE, State.REFUSED)
_STAYS = (*NUMBERED, State.SENDING, State.IN_DOUBT)


def not_needed(connection: Connection, person_id: int, now_ms: int, actor: str) -> tuple[int, int]:
    """Drops a person's registrations of today and later of which the authority has nothing.

    What it holds, or may hold, stays: withdrawing it is an act with a reason, by somebody who knows
    that nobody worked.

    Returns:
        How many were dropped, and how many stay.
    """
    query = (
        select(registration.c.reference, registration.c.state)
        .where(
            registration.c.person_id == person_id,
            registration.c.day >= brussels_day(now_ms).isoformat(),
            registration.c.state.in_((*_UNSENT, *_STAYS)),
        )
        .order_by(registration.c.reference)
    )
    rows = connection.execute(query).all()
    unsent = [row.reference for row in rows if row.state in _UNSENT]
    steps(
        connection,
        [
            RegistrationEvent(one, now_ms, State.DROPPED, Cause.NOT_A_WORKER, actor=actor)
            for one in unsent
        ],
    )
    return len(unsent), len(rows) - len(unsent)
