"""The end of a night shift on the board: who only goes home on a day was registered the day before.

The day regime registers a shift once, on the day on which it began (`hub.domain.stay`). Whoever
taps out in the morning is seen on that day and has no registration for it; the one of the day
before stands for him. So it does after midnight for who is still there and has no tap of that day.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, or_, select

from hub.domain.day_regime import NIGHT_SHIFT_MAX_MS
from hub.domain.legal_day import brussels_day, day_bounds_ms
from hub.domain.registration import LIVE
from hub.domain.stay import DayTaps, began_before, stay_of
from hub.storage.acts import outs_of
from hub.storage.schema import company, person, presence, registration, tap
from protocol.record import DIRECTION_OUT, REASON_UNKNOWN_BADGE, VERDICT_GRANTED

_Row = Row[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Nights:
    """Registrations of the day before that stand for people who were seen the morning after.

    Args:
        rows: with the columns of the person and of the registration.
    """

    rows: tuple[_Row, ...] = ()

    @property
    def references(self) -> frozenset[str]:
        """Their client references."""
        return frozenset(row.reference for row in self.rows)


def who_stayed(connection: Connection, site_id: int, day: date, now_ms: int) -> Sequence[int]:
    """Returns who came the day before, did not leave on it, and may still be there; nobody for a
    day that is not today."""
    if day != brussels_day(now_ms):
        return ()
    return connection.scalars(
        select(presence.c.person_id).where(
            presence.c.site_id == site_id,
            presence.c.day == (day - timedelta(days=1)).isoformat(),
            presence.c.inside == 1,
            presence.c.last_ms >= now_ms - NIGHT_SHIFT_MAX_MS,
        )
    ).all()


def nights_before(
    connection: Connection,
    site_id: int,
    day: str,
    now_ms: int,
    present: Sequence[_Row],
    registered: Iterable[_Row],
    staying: Iterable[int] = (),
) -> Nights:
    """Returns the registrations of the shifts that began the day before and ended on this one, or
    have not ended yet.

    Args:
        day: Brussels day, ISO.
        now_ms: moment of asking, UTC milliseconds.
        present: the presences of the site and day.
        registered: the registrations of the site and day; who has one of these that counts has his
            own.
        staying: people who came the day before and did not tap since.
    """
    has = {row.person_id for row in registered if row.state in LIVE}
    ended = [person_id for person_id in staying if person_id not in has]
    ended += _who_ended(connection, site_id, day, now_ms, present, has)
    if not ended:
        return Nights()
    eve = (date.fromisoformat(day) - timedelta(days=1)).isoformat()
    return Nights(tuple(_registrations(connection, site_id, eve, ended)))


def _who_ended(
    connection: Connection,
    site_id: int,
    day: str,
    now_ms: int,
    present: Sequence[_Row],
    has: Container[int],
) -> list[int]:
    """Who came the day before and went on this one, without a registration of this one."""
    seen = {row.person_id: row for row in present if row.person_id not in has}
    if not seen:
        return []
    of = date.fromisoformat(day)
    eve = (of - timedelta(days=1)).isoformat()
    # A presence is found by its person: these are few, and those of a whole day are many.
    began = connection.execute(
        select(presence.c.person_id, presence.c.first_in_ms, presence.c.last_ms).where(
            presence.c.person_id.in_(seen),
            presence.c.site_id == site_id,
            presence.c.day == eve,
            presence.c.inside == 1,
        )
    ).all()
    if not began:
        return []
    outs = _first_outs(connection, of, [row.person_id for row in began])
    ended: list[int] = []
    for row in began:
        today = seen[row.person_id]
        stay = stay_of(
            of,
            now_ms,
            DayTaps(row.first_in_ms, None, row.last_ms, True),
            DayTaps(today.first_in_ms, outs.get(row.person_id), today.last_ms, bool(today.inside)),
            None,
        )
        if stay is not None and began_before(stay, of):
            ended.append(row.person_id)
    return ended


def _first_outs(connection: Connection, day: date, people: Sequence[int]) -> Mapping[int, int]:
    start_ms, end_ms = day_bounds_ms(day)
    rows = connection.execute(
        select(tap.c.person_id, func.min(tap.c.at_ms))
        .where(
            tap.c.at_ms >= start_ms,
            tap.c.at_ms < end_ms,
            tap.c.direction == DIRECTION_OUT,
            or_(tap.c.verdict == VERDICT_GRANTED, tap.c.reason == REASON_UNKNOWN_BADGE),
            tap.c.person_id.in_(people),
        )
        .group_by(tap.c.person_id)
    )
    found = {row[0]: row[1] for row in rows}
    for person_id, at_ms in outs_of(connection, day, people):
        found[person_id] = min(at_ms, found.get(person_id, at_ms))
    return found


def _registrations(
    connection: Connection, site_id: int, day: str, people: Sequence[int]
) -> Sequence[_Row]:
    return connection.execute(
        select(
            registration,
            person.c.token,
            person.c.given_name,
            person.c.family_name,
            person.c.company_id,
            person.c.kind,
            func.coalesce(company.c.name, "").label("company"),
        )
        .select_from(
            registration.join(person, registration.c.person_id == person.c.id).outerjoin(
                company, person.c.company_id == company.c.id
            )
        )
        .where(
            registration.c.day == day,
            registration.c.person_id.in_(people),
            registration.c.site_id == site_id,
            registration.c.state.in_(LIVE),
        )
        .order_by(registration.c.changed_ms, registration.c.reference)
    ).all()
