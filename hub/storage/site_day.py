"""Reads the day of a site within what somebody may see: a few queries, however many people came.

Who is not in the scope of the actor is in no row, no count and no order; `hub.storage.scope` alone
decides that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, and_, func, or_, select

from hub.application.access import Actor
from hub.application.overview import PersonRow, RegistrationRow
from hub.application.site_day import DayPerson, Place, SiteDay, by_company
from hub.domain.legal_day import brussels_day, day_bounds_ms
from hub.domain.people import is_registered
from hub.domain.registration import LIVE, State
from hub.domain.rights import Action
from hub.domain.stay import DayTaps, Stay, began_before, stay_of
from hub.errors import UsageError
from hub.storage.acts import acts_of_day
from hub.storage.light_rows import light_rows
from hub.storage.masks import mask_of
from hub.storage.overview import live_first, registration_row
from hub.storage.parties import Parties, PartyLine
from hub.storage.schema import (
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
from hub.storage.sites import SiteRow, Sites
from hub.storage.visitors import visitors_on
from protocol.record import DIRECTION_OUT, REASON_UNKNOWN_BADGE, VERDICT_GRANTED

FIRST_DAY: Final = date(2014, 4, 1)
"""Since then presences are registered (decrees of 11 February 2014)."""
USER: Final = company.alias("user_company")
"""To whom an agency lends somebody."""
PERSON: Final = (
    person.c.id.label("person_id"),
    person.c.given_name,
    person.c.family_name,
    person.c.company_id,
    person.c.kind,
    person.c.works_number.label("own_works"),
    person.c.inss_sealed,
    person.c.limosa_sealed,
    func.coalesce(company.c.name, "").label("company"),
    func.coalesce(company.c.number, "").label("company_number"),
    func.coalesce(USER.c.name, "").label("user"),
    func.coalesce(USER.c.number, "").label("user_number"),
)
"""What a list tells of a person, from `person`, `company` and `USER`."""
_Row = Row[*tuple[Any, ...]]


def check_day(day: date, now_ms: int) -> None:
    """Refuses a day that can have no list.

    Raises:
        UsageError: HUB-1750 before there were registrations, HUB-1751 a day that has not begun.
    """
    if day < FIRST_DAY:
        raise UsageError("HUB-1750")
    if day > brussels_day(now_ms):
        raise UsageError("HUB-1751")


def site_days(
    connection: Connection, vault: Vault, actor: Actor, day: date, now_ms: int, handle: str = ""
) -> list[SiteDay]:
    """Returns the day of every site of the actor by name, or of one.

    Args:
        day: Brussels day, today or before.
        now_ms: moment of asking, UTC milliseconds.
        handle: what stands for a site in addresses; empty: all of them.

    Raises:
        UsageError: HUB-1661 no such site in scope, HUB-1750 and HUB-1751 the day.
    """
    check_day(day, now_ms)
    rows = Sites(connection, vault, actor, now_ms).rows(Action.DAY_SEE)
    chosen = [row for row in rows if not handle or row.handle == handle]
    if handle and not chosen:
        raise UsageError("HUB-1661")
    return [_Reading(connection, vault, actor, row, day, now_ms).day() for row in chosen]


@dataclass(frozen=True, slots=True)
class _Reading:
    connection: Connection
    vault: Vault
    actor: Actor
    site: SiteRow
    of: date
    now_ms: int

    def day(self) -> SiteDay:
        companies, visitors = by_company(
            self._people(), {number: self._chain(number) for number in self.site.works}
        )
        site = self.site
        return SiteDay(
            site.handle,
            site.name,
            site.address,
            site.works,
            self.of,
            self.now_ms,
            companies,
            visitors,
        )

    # ------------------------------------------------------------ people

    def _people(self) -> Iterable[DayPerson]:
        yesterday, tomorrow = self.of - timedelta(days=1), self.of + timedelta(days=1)
        days = [one.isoformat() for one in (yesterday, self.of, tomorrow)]
        present = self._present(days)
        registered = self._registered(days[:2])
        outs = {day: self._first_outs(date.fromisoformat(day)) for day in days[1:]}
        who: dict[int, _Row] = {}
        taps: dict[int, dict[str, DayTaps]] = {}
        seen: dict[int, _Row] = {}
        for row in present:
            who.setdefault(row.person_id, row)
            out_ms = outs.get(row.day, {}).get(row.person_id)
            taps.setdefault(row.person_id, {})[row.day] = DayTaps(
                row.first_in_ms, out_ms, row.last_ms, bool(row.inside)
            )
            if row.day == days[1] or row.person_id not in seen:
                seen[row.person_id] = row
        made: dict[int, dict[str, list[RegistrationRow]]] = {}
        for row in registered:
            who.setdefault(row.person_id, row)
            made.setdefault(row.person_id, {}).setdefault(row.day, []).append(registration_row(row))
        numbered = self._numbered(days[:2])
        visitors = self._visitors()
        for key, row in who.items():
            his = taps.get(key, {})
            stay = stay_of(self.of, self.now_ms, *(his.get(day) for day in days))
            found = made.get(key, {})
            kept = found.get(days[1], [])
            if stay is None and not kept:
                continue  # of the day before or after only
            if stay is not None and began_before(stay, self.of) and not _counting(kept):
                # The second day of a shift: it was registered for the first one.
                kept = [*kept, *_counting(found.get(days[0], []))]
            yield self._person(row, kept, numbered, stay, seen.get(key), visitors)

    def _person(
        self,
        row: _Row,
        registrations: Sequence[RegistrationRow],
        numbered: Mapping[str, int],
        stay: Stay | None,
        tapped: _Row | None,
        visitors: Callable[[_Row], bool],
    ) -> DayPerson:
        seen = tapped if stay is not None else None
        about = PersonRow(
            person_id=row.person_id,
            given_name=row.given_name,
            family_name=row.family_name,
            company_id=row.company_id,
            company=row.company,
            day=self.of.isoformat(),
            seen=stay is not None,
            first_ms=stay.in_ms or seen.last_ms if stay and seen else None,
            received_ms=seen.received_ms if seen else None,
            last_ms=seen.last_ms if seen else None,
            gate=None,
            inside=stay.here if stay else False,
            registrations=live_first(registrations),
            visitor=visitors(row),
        )
        return DayPerson(
            about,
            about.standing,
            row.kind,
            mask_of(self.vault, row),
            stay,
            {
                one.reference: numbered[one.reference]
                for one in registrations
                if one.reference in numbered
            },
            row.company_number,
            row.company,
            row.user_number,
            row.user,
            self._works_of(about, row),
        )

    def _works_of(self, about: PersonRow, row: _Row) -> str:
        deciding = about.deciding
        number = row.own_works if deciding is None else deciding.works_number
        return number if number in self.site.works else ""

    def _visitors(self) -> Callable[[_Row], bool]:
        """Today the register itself says who works here; of a day before, who did then."""
        past = self.of < brussels_day(self.now_ms)
        then = visitors_on(self.connection, self.of) if past else frozenset[int]()
        return lambda row: not is_registered(row.kind) or row.person_id in then

    # ------------------------------------------------------------ queries

    def _present(self, days: Sequence[str]) -> Sequence[_Row]:
        scope = self.actor.scope(Action.DAY_SEE)
        return light_rows(
            self.connection.execute(
                select(
                    *PERSON,
                    presence.c.day,
                    presence.c.first_in_ms,
                    presence.c.last_ms,
                    presence.c.inside,
                    presence.c.received_ms,
                )
                .select_from(
                    presence.join(person, presence.c.person_id == person.c.id)
                    .outerjoin(company, person.c.company_id == company.c.id)
                    .outerjoin(USER, person.c.user_company_id == USER.c.id)
                )
                .where(
                    presence.c.site_id == self.site.id,
                    or_(
                        presence.c.day.in_(days[1:]),
                        and_(presence.c.day == days[0], presence.c.inside == 1),
                    ),
                    presences_within(scope),
                )
            )
        )

    def _registered(self, days: Sequence[str]) -> Sequence[_Row]:
        scope = self.actor.scope(Action.DAY_SEE)
        return light_rows(
            self.connection.execute(
                select(*PERSON, *(one for one in registration.c if one.name != "person_id"))
                .select_from(
                    registration.join(person, registration.c.person_id == person.c.id)
                    .outerjoin(company, person.c.company_id == company.c.id)
                    .outerjoin(USER, person.c.user_company_id == USER.c.id)
                )
                .where(
                    registration.c.site_id == self.site.id,
                    self._of_these(days),
                    registrations_within(scope),
                )
                .order_by(
                    registration.c.tap_ms, registration.c.changed_ms, registration.c.reference
                )
            )
        )

    def _of_these(self, days: Sequence[str]) -> ColumnElement[bool]:
        """The registrations of a day, and of the day before those of who was inside at its end."""
        before, day = days
        stayed = select(presence.c.person_id).where(
            presence.c.site_id == self.site.id, presence.c.day == before, presence.c.inside == 1
        )
        return or_(
            registration.c.day == day,
            and_(registration.c.day == before, registration.c.person_id.in_(stayed)),
        )

    def _numbered(self, days: Sequence[str]) -> dict[str, int]:
        """When each registration of these days got its number."""
        here = select(registration.c.reference).where(
            registration.c.site_id == self.site.id, self._of_these(days)
        )
        rows = self.connection.execute(
            select(registration_event.c.reference, func.min(registration_event.c.at_ms))
            .where(
                registration_event.c.state == State.REGISTERED,
                registration_event.c.reference.in_(here),
            )
            .group_by(registration_event.c.reference)
        )
        return {row[0]: row[1] for row in rows}

    def _first_outs(self, day: date) -> dict[int, int]:
        """The first way out of those who were inside when the day began."""
        start_ms, end_ms = day_bounds_ms(day)
        gates = select(terminal.c.id).where(terminal.c.site_id == self.site.id)
        inside = select(presence.c.person_id).where(
            presence.c.site_id == self.site.id,
            presence.c.day == (day - timedelta(days=1)).isoformat(),
            presence.c.inside == 1,
        )
        rows = self.connection.execute(
            select(tap.c.person_id, func.min(tap.c.at_ms))
            .where(
                tap.c.at_ms >= start_ms,
                tap.c.at_ms < end_ms,
                tap.c.direction == DIRECTION_OUT,
                or_(tap.c.verdict == VERDICT_GRANTED, tap.c.reason == REASON_UNKNOWN_BADGE),
                tap.c.terminal_id.in_(gates),
                tap.c.person_id.in_(inside),
            )
            .group_by(tap.c.person_id)
        )
        found = {row[0]: row[1] for row in rows}
        was_inside = set(self.connection.execute(inside).scalars())
        for row in acts_of_day(self.connection, self.site.id, day):
            if row.direction == DIRECTION_OUT and row.person_id in was_inside:
                found[row.person_id] = min(row.at_ms, found.get(row.person_id, row.at_ms))
        return found

    def _chain(self, number: str) -> list[Place]:
        parties = Parties(self.connection, self.vault, self.actor, self.now_ms)
        lines = parties.chain(number, self.of).lines
        names = {line.number: line.name for line in lines}
        return [_place(line, names) for line in lines]


def _place(line: PartyLine, names: Mapping[str, str]) -> Place:
    above = line.above or ""
    return Place(line.number, line.name, line.level, above, names.get(above, ""))


def _counting(rows: Iterable[RegistrationRow]) -> list[RegistrationRow]:
    return [one for one in rows if one.state in LIVE]
