"""A company these days: who of it is on site now, and its registrations of the last seven days.

Cut down to what whoever asks may see, like every list; agencies' workers count for their agency and
for the company that uses them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, func, select

from hub.application.access import Actor
from hub.application.consultation import GROUPS, Group
from hub.domain.legal_day import brussels_day
from hub.domain.rights import Action
from hub.domain.stay import DayTaps, stay_of
from hub.storage.schema import person, presence, registration, site
from hub.storage.scope import presences_within, registrations_within

DAYS: Final = 7
SHOWN: Final = 50
"""Most people on site that are listed."""
_Row = Row[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True, repr=False)
class OnSite:
    """Somebody who is on a site now; `since_ms` None: his way in was not seen."""

    token: str
    name: str
    site: str
    since_ms: int | None

    def __repr__(self) -> str:
        return "OnSite()"


@dataclass(frozen=True, slots=True)
class DayCounts:
    """The registrations of a company on one day, by how they stand."""

    day: date
    registered: int
    waiting: int
    action: int
    ended: int


@dataclass(frozen=True, slots=True)
class CompanyWeek:
    """A company these days.

    Args:
        here: how many of it are on site now.
        people: the first of them by name.
        days: the last seven days, the newest first.
        remarks: (remark, how often) of these days, the most frequent first.
    """

    here: int
    people: tuple[OnSite, ...]
    days: tuple[DayCounts, ...]
    remarks: tuple[tuple[str, int], ...]


def company_week(connection: Connection, actor: Actor, company_id: int, now_ms: int) -> CompanyWeek:
    """Returns a company these days, within what this actor may see.

    Args:
        company_id: of a company in his scope.
        now_ms: moment of asking, UTC milliseconds.
    """
    today = brussels_day(now_ms)
    theirs = (person.c.company_id == company_id) | (person.c.user_company_id == company_id)
    people = _on_site(connection, actor, theirs, today, now_ms)
    first = today - timedelta(days=DAYS - 1)
    within = (
        registration.c.day.between(first.isoformat(), today.isoformat())
        & registrations_within(actor.scope(Action.REGISTRATIONS_SEE))
        & registration.c.person_id.in_(select(person.c.id).where(theirs))
    )
    return CompanyWeek(
        len(people),
        tuple(people[:SHOWN]),
        tuple(_days(connection, within, first)),
        tuple(_remarks(connection, within)),
    )


def _on_site(
    connection: Connection,
    actor: Actor,
    theirs: ColumnElement[bool],
    today: date,
    now_ms: int,
) -> list[OnSite]:
    yesterday = today - timedelta(days=1)
    rows: Sequence[_Row] = connection.execute(
        select(
            presence,
            person.c.token,
            person.c.family_name,
            person.c.given_name,
            site.c.name.label("site_name"),
        )
        .join(person, person.c.id == presence.c.person_id)
        .join(site, site.c.id == presence.c.site_id)
        .where(
            presence.c.day.in_((yesterday.isoformat(), today.isoformat())),
            theirs,
            presences_within(actor.scope(Action.DAY_SEE)),
        )
        .order_by(person.c.family_name, person.c.given_name, person.c.id)
    ).all()
    taps: dict[tuple[int, int], dict[str, _Row]] = {}
    for row in rows:
        taps.setdefault((row.person_id, row.site_id), {})[row.day] = row
    found: list[OnSite] = []
    for days in taps.values():
        before, on_day = (_taps(days.get(one.isoformat())) for one in (yesterday, today))
        stay = stay_of(today, now_ms, before, on_day, None)
        if stay is not None and stay.here:
            row = next(iter(days.values()))
            name = f"{row.family_name} {row.given_name}"
            found.append(OnSite(row.token, name, row.site_name, stay.in_ms))
    return found


def _taps(row: _Row | None) -> DayTaps | None:
    return None if row is None else DayTaps(row.first_in_ms, None, row.last_ms, bool(row.inside))


def _days(connection: Connection, within: ColumnElement[bool], first: date) -> list[DayCounts]:
    query = (
        select(registration.c.day, registration.c.state, func.count())
        .where(within)
        .group_by(registration.c.day, registration.c.state)
    )
    counts: Counter[tuple[str, Group]] = Counter()
    group_of = {state: group for group, states in GROUPS.items() for state in states}
    for day, state, count in connection.execute(query):
        counts[day, group_of[state]] += count
    days = [first + timedelta(days=n) for n in range(DAYS)]
    return [
        DayCounts(day, *(counts[day.isoformat(), group] for group in Group))
        for day in reversed(days)
    ]


def _remarks(connection: Connection, within: ColumnElement[bool]) -> list[tuple[str, int]]:
    query = select(registration.c.answer).where(
        within, registration.c.state == "flagged", registration.c.answer.is_not(None)
    )
    found: Counter[str] = Counter()
    for answer in connection.execute(query).scalars():
        found.update(str(one) for one in json.loads(answer).get("remarks", ()))
    return found.most_common()
