"""How much waits for the authority, and until when that may go on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, func, select

from hub.domain.in_out_regime import WINDOW_MS
from hub.domain.legal_day import day_bounds_ms
from hub.domain.registration import State
from hub.storage.schema import registration


@dataclass(frozen=True, slots=True)
class Waiting:
    """What has no final answer of the authority yet.

    Args:
        unsent: registrations that are due or being sent.
        in_doubt: registrations whose answer was lost.
        oldest_ms: moment of the oldest act among them, UTC milliseconds.
        until_ms: when the first of their legal windows closes, UTC milliseconds.
    """

    unsent: int
    in_doubt: int
    oldest_ms: int | None
    until_ms: int | None = None


def waiting_registrations(connection: Connection, window_ms: int = WINDOW_MS) -> Waiting:
    """Returns how many registrations wait or are in doubt, since when and until when.

    Args:
        window_ms: milliseconds after an act in which the in/out service takes it.
    """
    query = (
        select(
            registration.c.state,
            registration.c.regime,
            func.count(),
            func.min(registration.c.tap_ms),
            func.min(registration.c.day),
        )
        .where(registration.c.state.in_((State.DUE, State.SENDING, State.IN_DOUBT)))
        .group_by(registration.c.state, registration.c.regime)
    )
    unsent = in_doubt = 0
    oldest: list[int] = []
    until: list[int] = []
    for state, regime, count, tap_ms, day in connection.execute(query):
        if state == State.IN_DOUBT:
            in_doubt += count
        else:
            unsent += count
        oldest.append(tap_ms)
        until.append(
            day_bounds_ms(date.fromisoformat(day))[1] if regime == "day" else tap_ms + window_ms
        )
    return Waiting(unsent, in_doubt, min(oldest, default=None), min(until, default=None))
