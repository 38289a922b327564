"""Reads how many were on a site through a day, and when people came in the week before."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import Connection, distinct, func, or_, select

from hub.application.flow import DAYS, HOUR_MS, Flow, arrivals_of, steps_of
from hub.domain.legal_day import day_bounds_ms
from hub.domain.registration import LIVE
from hub.storage.acts import acts_of_day
from hub.storage.nights import who_stayed
from hub.storage.schema import presence, registration, tap, terminal
from protocol.record import DIRECTION_OUT, REASON_UNKNOWN_BADGE, VERDICT_GRANTED


def flow_of(connection: Connection, site_id: int, day: date, now_ms: int) -> Flow:
    """Returns a site through one day.

    Args:
        day: Brussels day.
        now_ms: moment of the picture, UTC milliseconds.
    """
    start_ms, end_ms = day_bounds_ms(day)
    gates = select(terminal.c.id).where(terminal.c.site_id == site_id)
    taps = connection.execute(
        select(tap.c.at_ms, tap.c.person_id, tap.c.direction).where(
            tap.c.at_ms >= start_ms,
            tap.c.at_ms < end_ms,
            # A badge that was linked later today: he stood at the gate with it.
            or_(tap.c.verdict == VERDICT_GRANTED, tap.c.reason == REASON_UNKNOWN_BADGE),
            tap.c.person_id.is_not(None),
            tap.c.terminal_id.in_(gates),
        )
    )
    days = [(day - timedelta(days=back)).isoformat() for back in reversed(range(DAYS))]
    came: dict[str, list[tuple[int, int]]] = {one: [] for one in days}
    for of, number, people in connection.execute(
        select(presence.c.day, func.min(presence.c.first_in_ms), func.count())
        .where(
            presence.c.site_id == site_id,
            presence.c.day.in_(days),
            presence.c.first_in_ms.is_not(None),
        )
        .group_by(presence.c.day, presence.c.first_in_ms // HOUR_MS)
    ):
        came[of].append((number, people))
    expected = select(func.count(distinct(registration.c.person_id))).where(
        registration.c.site_id == site_id,
        registration.c.day == day.isoformat(),
        registration.c.state.in_(LIVE),
    )
    return Flow(
        start_ms=start_ms,
        end_ms=end_ms,
        until_ms=min(max(now_ms, start_ms), end_ms),
        steps=steps_of(
            (
                (at_ms, person_id, direction != DIRECTION_OUT)
                for at_ms, person_id, direction in (
                    *taps,
                    *(
                        (row.at_ms, row.person_id, row.direction)
                        for row in acts_of_day(connection, site_id, day)
                    ),
                )
            ),
            start_ms,
            who_stayed(connection, site_id, day, now_ms),
        ),
        expected=connection.execute(expected).scalar_one(),
        arrivals=tuple(arrivals_of(one, moments) for one, moments in came.items()),
    )
