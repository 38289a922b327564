"""Reads the reports over a period within what somebody may see: a few queries, whoever came.

Who is not in the scope of the actor is in no row and no count; `hub.storage.scope` alone decides
that, day by day, by the presences. Taps are read in one go, as numbers, and are used for those days
only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, func, or_, select, true

from hub.application.access import Actor
from hub.application.overview import PersonRow, RegistrationRow, Standing
from hub.application.reports import ExceptionRow, HoursDay, Period, Problem, Who
from hub.domain.causes import Cause
from hub.domain.hours import Span, spans_of
from hub.domain.in_out_regime import WINDOW_MS
from hub.domain.legal_day import brussels_day, day_bounds_ms
from hub.domain.registration import LIVE, State
from hub.domain.rights import Action
from hub.domain.stay import DayTaps, began_before, stay_of
from hub.errors import UsageError
from hub.storage.masks import mask_of
from hub.storage.overview import live_first, registration_row
from hub.storage.plain_days import PersonDay, days_to_look_at
from hub.storage.schema import (
    act_done,
    company,
    person,
    presence,
    registration,
    registration_event,
    tap,
    terminal,
)
from hub.storage.scope import presences_within, registrations_within
from hub.storage.secrets import Vault
from hub.storage.site_day import PERSON, USER
from hub.storage.sites import SiteRow, Sites
from hub.storage.visitors import visitors
from protocol.record import DIRECTION_OUT, REASON_UNKNOWN_BADGE, VERDICT_GRANTED

LATE_MS: Final = WINDOW_MS
"""A number that came later than so long after the act was late: within it the in/out regime wants
its registration, and in the day regime the work had begun."""
_FEW: Final = 400
"""Up to so many people the taps of these alone are asked for."""
_Row = Row[*tuple[Any, ...]]
_Key = tuple[int, int]
"""Person and site."""
_PROBLEMS: Final = {
    State.REFUSED: Problem.REFUSED,
    State.LAPSED: Problem.LAPSED,
    State.HELD: Problem.HELD,
    State.IN_DOUBT: Problem.IN_DOUBT,
    State.DUE: Problem.WAITING,
    State.SENDING: Problem.WAITING,
    State.FLAGGED: Problem.REMARKS,
}


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What of a period is asked for.

    Args:
        site: handle of one site; empty: all of one's own.
        company: number of one employer, or of who uses an agency's people; empty: all.
        sites: handles of several sites, instead of one.
    """

    period: Period
    site: str = ""
    company: str = ""
    sites: tuple[str, ...] = ()


@dataclass
class Reports:
    """The reports of somebody, inside one open transaction.

    Args:
        now_ms: moment of asking, UTC milliseconds.

    Raises:
        UsageError: HUB-1661, there is no such site in scope.
    """

    connection: Connection
    vault: Vault
    actor: Actor
    asked: Narrowed
    now_ms: int
    sites: dict[int, SiteRow] = field(init=False)
    _who: dict[int, Who] = field(default_factory=dict[int, Who], init=False)

    def __post_init__(self) -> None:
        rows = Sites(self.connection, self.vault, self.actor, self.now_ms).rows(Action.REPORTS_SEE)
        wanted = {self.asked.site, *self.asked.sites} - {""}
        self.sites = {row.id: row for row in rows if not wanted or row.handle in wanted}
        if len(wanted) > len(self.sites):
            raise UsageError("HUB-1661")

    # ------------------------------------------------------------ hours

    def hours(self) -> Iterator[HoursDay]:
        """Yields the hours of everybody who was there, by site, company, name and day."""
        first, last = self.asked.period.first, self.asked.period.last
        days: dict[_Key, set[str]] = defaultdict(set)
        visit = visitors(self.connection, day_bounds_ms(first)[0])
        for row in self._present(first, last):
            if visit.had(row.person_id, date.fromisoformat(row.day)):
                continue  # Who visits or delivers does not work.
            self._known(row)
            days[row.person_id, row.site_id].add(row.day)
        # The way out of the night before, and that of the last night, belong to their shifts.
        begin_ms, _ = day_bounds_ms(first - timedelta(days=1))
        _, end_ms = day_bounds_ms(last + timedelta(days=1))
        taps = self._taps(begin_ms, end_ms, days)
        for key in self._in_order(days):
            by_day: dict[date, list[Span]] = defaultdict(list)
            at = taps.pop(key, [])
            at.sort()
            for span in spans_of(((one >> 1, not one & 1) for one in at), self.now_ms):
                by_day[span.day].append(span)
            who, site = self._who[key[0]], self.sites[key[1]].name
            for day in sorted(by_day):
                if day.isoformat() in days[key]:
                    yield HoursDay(who, site, day, tuple(by_day[day]))

    def _taps(
        self, begin_ms: int, end_ms: int, wanted: Mapping[_Key, object]
    ) -> dict[_Key, list[int]]:
        """The taps of these, each as a number: twice the moment, and one more for a way in."""
        gates = {
            row.id: row.site_id
            for row in self.connection.execute(
                select(terminal.c.id, terminal.c.site_id).where(terminal.c.site_id.in_(self.sites))
            )
        }
        people = {key[0] for key in wanted}
        few = len(people) <= _FEW
        query = select(tap.c.person_id, tap.c.terminal_id, tap.c.at_ms, tap.c.direction).where(
            tap.c.at_ms >= begin_ms,
            tap.c.at_ms < end_ms,
            or_(tap.c.verdict == VERDICT_GRANTED, tap.c.reason == REASON_UNKNOWN_BADGE),
            tap.c.person_id.in_(people) if few else tap.c.person_id.is_not(None),
        )
        found: dict[_Key, list[int]] = defaultdict(list)
        for person_id, gate, at_ms, direction in self.connection.execute(query):
            key = person_id, gates.get(gate, 0)
            if key in wanted:
                found[key].append(at_ms * 2 + (direction != DIRECTION_OUT))
        columns = act_done.c
        acts = select(columns.person_id, columns.site_id, columns.at_ms, columns.direction).where(
            columns.at_ms >= begin_ms,
            columns.at_ms < end_ms,
            columns.person_id.in_(people) if few else columns.site_id.in_(self.sites),
        )
        for person_id, site_id, at_ms, direction in self.connection.execute(acts):
            if (person_id, site_id) in wanted:
                found[person_id, site_id].append(at_ms * 2 + (direction != DIRECTION_OUT))
        return found

    # ------------------------------------------------------------ presences and registrations

    def days_to_look_at(self) -> set[PersonDay]:
        """Returns the presences that are not simply in order; `hub.storage.plain_days`."""
        scope = self.actor.scope(Action.REPORTS_SEE)
        return days_to_look_at(
            self.connection,
            self.sites,
            self.asked.period.first,
            self.asked.period.last,
            presences_within(scope),
            registrations_within(scope),
            LATE_MS,
        )

    def people_days(
        self, wanted: Set[PersonDay]
    ) -> Iterator[tuple[int, Who, PersonRow, dict[str, int]]]:
        """Yields who was there on one of these days to work or to visit, by site, company, name and
        day: the site, who, what was seen and registered, and when numbers came by reference.

        Who only ended a night shift on a day was there on the day before, and is not there twice.
        """
        first, last = self.asked.period.first, self.asked.period.last
        eve = first - timedelta(days=1)
        people = {one[0] for one in wanted}
        seen: dict[_Key, dict[str, _Row]] = defaultdict(dict)
        for row in self._present(eve, last, people):
            if row.person_id in people:
                self._known(row)
                seen[row.person_id, row.site_id][row.day] = row
        made: dict[PersonDay, list[RegistrationRow]] = defaultdict(list)
        for row in self._registered(first, last, people):
            key = row.person_id, row.site_id, row.day
            if key in wanted:
                made[key].append(registration_row(row))
        numbered = self._numbered(first, last, people)
        visit = visitors(self.connection, day_bounds_ms(first)[0])
        outs = self._first_outs(seen, made, first, wanted)
        for key in self._in_order(seen):
            person_id, site_id = key
            for day, row in sorted(seen[key].items()):
                if (person_id, site_id, day) not in wanted:
                    continue
                registrations = made.get((person_id, site_id, day), [])
                if self._ends_a_night(key, day, seen[key], registrations, outs):
                    continue
                about = PersonRow(
                    person_id=person_id,
                    given_name=row.given_name,
                    family_name=row.family_name,
                    company_id=row.company_id,
                    company=row.company,
                    day=day,
                    seen=True,
                    first_ms=row.first_in_ms or row.last_ms,
                    received_ms=row.received_ms,
                    last_ms=row.last_ms,
                    gate=None,
                    inside=bool(row.inside),
                    registrations=live_first(registrations),
                    visitor=visit.had(person_id, date.fromisoformat(day)),
                )
                yield site_id, self._who[person_id], about, numbered

    def simply_in_order(self, looked_at: Set[PersonDay]) -> Iterator[tuple[PersonDay, str]]:
        """Yields every other presence of the period, with the number of who employs the person.

        Args:
            looked_at: what `days_to_look_at` returned.
        """
        columns = presence.c
        of = columns.person_id, columns.site_id, columns.day, company.c.number
        for person_id, site_id, day, number in self._present(
            self.asked.period.first, self.asked.period.last, of=of
        ):
            if (person_id, site_id, day) not in looked_at:
                yield (person_id, site_id, day), number or ""

    def exceptions(self) -> Iterator[ExceptionRow]:
        """Yields the presences that are not in order, by site, company, name and day."""
        attested = self._attested()
        for site_id, who, row, numbered in self.people_days(self.days_to_look_at()):
            late_ms = _late_ms(row, numbered)
            problem = _problem_of(row, late_ms)
            if problem is not None:
                yield ExceptionRow(
                    who,
                    self.sites[site_id].name,
                    problem,
                    row,
                    late_ms,
                    any(one.reference in attested for one in row.registrations),
                )

    def _ends_a_night(
        self,
        key: _Key,
        day: str,
        seen: Mapping[str, _Row],
        registrations: Iterable[RegistrationRow],
        outs: Mapping[tuple[int, int, str], int],
    ) -> bool:
        of = date.fromisoformat(day)
        before = seen.get((of - timedelta(days=1)).isoformat())
        if before is None or not before.inside or any(one.state in LIVE for one in registrations):
            return False
        row = seen[day]
        today = DayTaps(row.first_in_ms, outs.get((*key, day)), row.last_ms, bool(row.inside))
        eve = DayTaps(before.first_in_ms, None, before.last_ms, True)
        stay = stay_of(of, self.now_ms, eve, today, None)
        return stay is not None and began_before(stay, of)

    def _first_outs(
        self,
        seen: Mapping[_Key, Mapping[str, _Row]],
        made: Mapping[PersonDay, Sequence[RegistrationRow]],
        first: date,
        wanted: Set[PersonDay],
    ) -> dict[tuple[int, int, str], int]:
        """The first way out of a day of those who may have ended a night shift then."""
        asked: dict[_Key, list[str]] = defaultdict(list)
        for key, rows in seen.items():
            for day in rows:
                if (*key, day) not in wanted:
                    continue
                eve = rows.get((date.fromisoformat(day) - timedelta(days=1)).isoformat())
                live = any(one.state in LIVE for one in made.get((*key, day), ()))
                if eve is not None and eve.inside and not live:
                    asked[key].append(day)
        if not asked:
            return {}
        begin_ms, _ = day_bounds_ms(first)
        _, end_ms = day_bounds_ms(self.asked.period.last)
        found: dict[tuple[int, int, str], int] = {}
        for key, taps in self._taps(begin_ms, end_ms, asked).items():
            for one in sorted(taps, reverse=True):
                if not one & 1:
                    found[(*key, brussels_day(one >> 1).isoformat())] = one >> 1
        return found

    # ------------------------------------------------------------ queries

    def _present(
        self,
        first: date,
        last: date,
        people: Set[int] | None = None,
        of: Sequence[Any] = (*PERSON, presence),
    ) -> Sequence[_Row]:
        return self.connection.execute(
            select(*of)
            .select_from(
                presence.join(person, presence.c.person_id == person.c.id)
                .outerjoin(company, person.c.company_id == company.c.id)
                .outerjoin(USER, person.c.user_company_id == USER.c.id)
            )
            .where(
                presence.c.site_id.in_(self.sites),
                presence.c.day.between(first.isoformat(), last.isoformat()),
                presences_within(self.actor.scope(Action.REPORTS_SEE)),
                _of(presence.c.person_id, people),
                *self._of_company(),
            )
        ).all()

    def _of_company(self) -> list[Any]:
        number = self.asked.company
        return [or_(company.c.number == number, USER.c.number == number)] if number else []

    def _registered(self, first: date, last: date, people: Set[int]) -> Sequence[_Row]:
        return self.connection.execute(
            select(registration)
            .join(person, registration.c.person_id == person.c.id)
            .where(
                registration.c.site_id.in_(self.sites),
                registration.c.day.between(first.isoformat(), last.isoformat()),
                registrations_within(self.actor.scope(Action.REPORTS_SEE)),
                _of(registration.c.person_id, people),
            )
            .order_by(registration.c.tap_ms, registration.c.changed_ms, registration.c.reference)
        ).all()

    def _references(self, first: date, last: date, people: Set[int] | None = None) -> Any:
        return select(registration.c.reference).where(
            registration.c.site_id.in_(self.sites),
            registration.c.day.between(first.isoformat(), last.isoformat()),
            _of(registration.c.person_id, people),
        )

    def _numbered(self, first: date, last: date, people: Set[int]) -> dict[str, int]:
        columns = registration_event.c
        rows = self.connection.execute(
            select(columns.reference, func.min(columns.at_ms))
            .where(
                columns.state == State.REGISTERED,
                columns.reference.in_(self._references(first, last, people)),
            )
            .group_by(columns.reference)
        )
        return {row[0]: row[1] for row in rows}

    def _attested(self) -> frozenset[str]:
        columns = registration_event.c
        period = self.asked.period
        return frozenset(
            self.connection.execute(
                select(columns.reference).where(
                    columns.cause == Cause.ATTESTED,
                    columns.reference.in_(self._references(period.first, period.last)),
                )
            ).scalars()
        )

    def _known(self, row: _Row) -> None:
        if row.person_id not in self._who:
            self._who[row.person_id] = Who(
                row.person_id,
                row.family_name,
                row.given_name,
                mask_of(self.vault, row),
                row.company_number,
                row.company,
            )

    def _in_order(self, keys: Iterable[_Key]) -> list[_Key]:
        def place(key: _Key) -> tuple[str, bool, str, str, str, str, int]:
            who = self._who[key[0]]
            return (
                self.sites[key[1]].name,
                not who.company_number,
                who.company.casefold(),
                who.company_number,
                who.family_name.casefold(),
                who.given_name.casefold(),
                who.person_id,
            )

        return sorted(keys, key=place)


def _of(column: Any, people: Set[int] | None) -> ColumnElement[bool]:
    """Some people are asked for alone; of many, all are read."""
    return true() if people is None or len(people) > _FEW else column.in_(people)


def _problem_of(row: PersonRow, late_ms: int | None) -> Problem | None:
    match row.standing:
        case Standing.VISITOR | Standing.PLANNED:
            return None
        case Standing.REGISTERED:
            return None if late_ms is None else Problem.LATE
        case _:
            deciding = row.deciding
            if deciding is None:
                return Problem.NO_REGISTRATION
            return _PROBLEMS.get(deciding.state, Problem.NO_REGISTRATION)


def _late_ms(row: PersonRow, numbered: Mapping[str, int]) -> int | None:
    """How long after he came, or after the act of the in/out regime, his number was there."""
    waits: list[int] = []
    for one in row.counting:
        at_ms = numbered.get(one.reference)
        since = one.tap_ms if one.direction is not None else row.first_ms
        if at_ms is not None and since is not None:
            waits.append(at_ms - since)
    longest = max(waits, default=0)
    return longest if longest > LATE_MS else None
