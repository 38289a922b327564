"""The plan beside the register, read in one consistent view (`PlanRegister`, and the preview).

Person numbers are opened here to be masked and checked, and leave only as their masks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, false, func, select, true

from hub.application.access import COMMAND, Actor
from hub.application.plan_file import PlanRow
from hub.application.planning import Past, Pattern, PlannedDay, PlannedPerson, with_warnings
from hub.domain.companies import enterprise_number, foreign_vat
from hub.domain.identifiers import (
    IdentifierError,
    Inss,
    Limosa,
    mask_limosa,
    mask_person_number,
    parse_inss,
    parse_limosa,
)
from hub.domain.legal_day import day_bounds_ms
from hub.domain.people import is_registered
from hub.domain.plan import EntryFacts, findings
from hub.domain.registration import LIVE
from hub.domain.rights import Action
from hub.errors import PermanentError, UsageError
from hub.storage.schema import (
    badge,
    company,
    person,
    plan_entry,
    plan_pattern,
    presence,
    registration,
    site,
    tap,
    terminal,
    works,
)
from hub.storage.scope import people_within, plan_within, works_seen
from hub.storage.secrets import Vault
from hub.storage.works import regime_on, works_of, works_of_many
from protocol.record import VERDICT_GRANTED

_AT_ONCE: Final = 5_000
"""People asked for in one query: SQLite takes 32,766 values."""
_PERSON: Final = select(
    person, company.c.number.label("company_number"), company.c.name.label("company_name")
).outerjoin(company, company.c.id == person.c.company_id)

Subject = tuple[int, str, str]
"""Person, works number and ISO day."""


def day_or_none(text: str | None) -> date | None:
    """Returns a day of the store."""
    return date.fromisoformat(text) if text else None


class PlanReader:
    """Reads inside one open transaction and remembers what it has read.

    Args:
        connection: a transaction; reading is enough.
        vault: finds people by their numbers, and opens numbers to mask and check them.
        today: Brussels day, for birth dates in the future.
        by: whoever asks. Whom he may not plan is not found for him, and whom he may not see is in
            no preview.
    """

    def __init__(
        self, connection: Connection, vault: Vault, today: date, by: Actor = COMMAND
    ) -> None:
        self._connection = connection
        self._by = by
        self._see = by.scope(Action.PLAN_SEE)
        self._change = by.scope(Action.PLAN_CHANGE)
        self._vault = vault
        self._today = today
        self._people: dict[int, Row[Any]] = {}
        self._checked: dict[int, tuple[str, bool]] = {}
        self._works: dict[str, Row[Any] | None] = {}
        self._regimes: dict[tuple[str, date], str] = {}
        self._assignments: dict[tuple[int, int, date], tuple[str, ...]] = {}
        self._pasts: dict[int, dict[tuple[str, str], Past]] = {}

    # ------------------------------------------------------------ PlanRegister

    def person_of(self, row: PlanRow) -> int | None:
        """See `PlanRegister`."""
        named = row.person
        if isinstance(named, Inss):
            index = self._vault.index("inss", named.reveal())
            query = select(person.c.id).where(person.c.inss_index == index)
        elif isinstance(named, Limosa):
            index = self._vault.index("limosa", named.reveal())
            query = select(person.c.id).where(person.c.limosa_index == index)
        else:
            tag = self._vault.tag(named.reveal())
            linked = select(badge.c.person_id).where(badge.c.tag == tag)
            query = select(person.c.id).where(person.c.id.in_(linked))
        # Several employers may each have this person: the one that is named goes before.
        at_named = person.c.company_id.in_(
            select(company.c.id).where(company.c.number == (row.company_number or ""))
        )
        query = query.where(people_within(self._change)).order_by(
            func.coalesce(at_named, false()).desc(), person.c.id
        )
        return self._connection.execute(query).scalar()

    def company_number(self, person_id: int) -> str | None:
        """See `PlanRegister`."""
        return self._person(person_id).company_number

    def knows_works(self, works_number: str) -> bool:
        """See `PlanRegister`."""
        query = select(works.c.number).where(
            works.c.number == works_number, works_seen(self._by, Action.PLAN_SEE)
        )
        return self._connection.execute(query).first() is not None

    def assignments(self, person_id: int, day: date) -> tuple[str, ...]:
        """See `PlanRegister`."""
        sites = self._connection.execute(select(site.c.id)).scalars().all()
        found = {number for one in sites for number in self._works_of(person_id, one, day)}
        return tuple(sorted(found))

    def facts(self, person_id: int, works_number: str, day: date) -> EntryFacts:
        """See `PlanRegister`."""
        who, where = self._person(person_id), self._work(works_number)
        if where is None:
            raise LookupError("the works of a planned day are not in the register")
        return EntryFacts(
            works_from=day_or_none(where.from_day),
            works_until=day_or_none(where.until_day),
            assigned=works_number in self._works_of(person_id, where.site_id, day),
            has_inss=who.inss_sealed is not None,
            has_company=enterprise_number(who.company_number) is not None,
            has_limosa=who.limosa_sealed is not None,
            has_foreign_vat=bool(foreign_vat(who.company_number) or who.foreign_vat),
            numbers_valid=self._checks(person_id)[1],
            limosa_from=day_or_none(who.limosa_from),
            limosa_until=day_or_none(who.limosa_until),
            regime=self.regime(works_number, day),
            works_here=is_registered(who.kind),
        )

    def past(self, person_id: int, works_number: str, day: date) -> Past | None:
        """See `PlanRegister`."""
        if person_id not in self._pasts:
            query = select(
                plan_entry.c.works_number, plan_entry.c.day, plan_entry.c.withdrawn_ms
            ).where(plan_entry.c.person_id == person_id)
            pasts: dict[tuple[str, str], Past] = {}
            for row in self._connection.execute(query):
                key = (row.works_number, row.day)
                if row.withdrawn_ms is None:
                    pasts[key] = "standing"
                else:
                    pasts.setdefault(key, "withdrawn")
            self._pasts[person_id] = pasts
        return self._pasts[person_id].get((works_number, day.isoformat()))

    # ------------------------------------------------------------ preview

    def planned(
        self,
        day: date,
        only: Collection[int] | None = None,
        where: ColumnElement[bool] | None = None,
    ) -> list[PlannedDay]:
        """Returns the standing entries of a day, by company and name, with all that is known.

        A few queries, however many they are.

        Args:
            day: Brussels day.
            only: the entries wanted; None: all.
            where: a condition on `plan_entry` and `person`; None: none.
        """
        rows = [
            row
            for row in self._connection.execute(
                select(plan_entry)
                .join(person, person.c.id == plan_entry.c.person_id)
                .where(
                    plan_entry.c.day == day.isoformat(),
                    plan_entry.c.withdrawn_ms.is_(None),
                    plan_within(self._see),
                    true() if where is None else where,
                )
            )
            if only is None or row.id in only
        ]
        self.prepare({row.person_id for row in rows}, day, {row.works_number for row in rows})
        states = self._states(day)
        seen = seen_people(self._connection, day)
        names = {row.id: row.name for row in self._connection.execute(select(site))}
        found: list[PlannedDay] = []
        for row in rows:
            place = self._work(row.works_number)
            if place is None:
                continue  # a foreign key keeps this from happening
            facts = self.facts(row.person_id, row.works_number, day)
            stands = states.get((row.person_id, row.works_number), (None, None, None))
            state, number, cause = stands
            found.append(
                PlannedDay(
                    entry_id=row.id,
                    person=self.person(row.person_id),
                    works_number=row.works_number,
                    day=day,
                    site=names[place.site_id],
                    source=row.source,
                    regime=facts.regime,
                    findings=findings(day, facts),
                    warnings=(),
                    state=state,
                    number=number,
                    seen=(row.person_id, place.site_id) in seen,
                    cause=cause,
                )
            )
        found.sort(
            key=lambda one: (
                one.site,
                one.person.company_name.casefold(),
                one.person.family_name.casefold(),
                one.person.given_name.casefold(),
                one.entry_id,
            )
        )
        return with_warnings(found)

    def unplanned(self, day: date) -> list[PlannedPerson]:
        """Returns who is in the register and stands nowhere in the plan of this day, by name."""
        planned = select(plan_entry.c.person_id).where(
            plan_entry.c.day == day.isoformat(), plan_entry.c.withdrawn_ms.is_(None)
        )
        query = select(person.c.id).where(person.c.id.not_in(planned))
        people = [self.person(ref) for ref in self._connection.execute(query).scalars().all()]
        return sorted(people, key=lambda one: (one.family_name, one.given_name, one.ref))

    def person(self, person_id: int) -> PlannedPerson:
        """Returns a person as he may be shown.

        Raises:
            UsageError: HUB-1505, there is none with this number.
        """
        row = self._person(person_id)
        return PlannedPerson(
            ref=person_id,
            family_name=row.family_name,
            given_name=row.given_name,
            masked=self._checks(person_id)[0],
            company_number=row.company_number or "",
            company_name=row.company_name or "",
            token=row.token,
        )

    def patterns(self) -> list[Pattern]:
        """Returns the weekly patterns in force, oldest first."""
        query = (
            select(plan_pattern)
            .where(plan_pattern.c.removed_ms.is_(None))
            .order_by(plan_pattern.c.id)
        )
        return [
            Pattern(
                row.id,
                self.person(row.person_id),
                row.works_number,
                row.weekdays,
                date.fromisoformat(row.from_day),
                day_or_none(row.until_day),
            )
            for row in self._connection.execute(query).all()
        ]

    def regime(self, works_number: str, day: date) -> str:
        """Returns the regime of these works on that day."""
        key = (works_number, day)
        if key not in self._regimes:
            self._regimes[key] = regime_on(self._connection, works_number, day)
        return self._regimes[key]

    def prepare(self, people: Collection[int], day: date, works_numbers: Iterable[str]) -> None:
        """Reads at once what `facts` and `person` will be asked of many people.

        Args:
            people: whom.
            day: Brussels day.
            works_numbers: under which numbers: those of the sites of these are read.
        """
        wanted = sorted(set(people) - set(self._people))
        for start in range(0, len(wanted), _AT_ONCE):
            some = wanted[start : start + _AT_ONCE]
            for row in self._connection.execute(_PERSON.where(person.c.id.in_(some))):
                self._people[row.id] = row
        known = {
            key: (row.works_number, row.company_id)
            for key in people
            if (row := self._people.get(key)) is not None
        }
        places = {where.site_id for one in works_numbers if (where := self._work(one)) is not None}
        for place in sorted(places):
            for key, found in works_of_many(self._connection, known, place, day).items():
                self._assignments[key, place, day] = found

    def works_of(self, person_id: int, site_id: int, day: date) -> tuple[str, ...]:
        """Returns the works numbers of a site that a person is assigned to on a day."""
        return self._works_of(person_id, site_id, day)

    # ------------------------------------------------------------ how

    def _person(self, person_id: int) -> Row[Any]:
        if person_id not in self._people:
            row = self._connection.execute(_PERSON.where(person.c.id == person_id)).first()
            if row is None:
                raise UsageError("HUB-1505", person=person_id)
            self._people[person_id] = row
        return self._people[person_id]

    def _work(self, works_number: str) -> Row[Any] | None:
        if works_number not in self._works:
            query = select(works).where(works.c.number == works_number)
            self._works[works_number] = self._connection.execute(query).first()
        return self._works[works_number]

    def _works_of(self, person_id: int, site_id: int, day: date) -> tuple[str, ...]:
        key = (person_id, site_id, day)
        if key not in self._assignments:
            self._assignments[key] = works_of(self._connection, person_id, site_id, day)
        return self._assignments[key]

    def _checks(self, person_id: int) -> tuple[str, bool]:
        """The masked number of a person, and whether every number of his is right."""
        if person_id not in self._checked:
            row = self._person(person_id)
            sealed = (row.inss_sealed, row.limosa_sealed)
            self._checked[person_id] = _judged(self._vault, *sealed, self._today)
        return self._checked[person_id]

    def _states(self, day: date) -> dict[tuple[int, str], tuple[str, int | None, str]]:
        """How each planned subject stands: state, number and cause of the live registration, else
        of the last."""
        query = (
            select(
                registration.c.person_id,
                registration.c.works_number,
                registration.c.state,
                registration.c.number,
                registration.c.cause,
            )
            .where(registration.c.day == day.isoformat(), registration.c.act == "")
            .order_by(registration.c.changed_ms)
        )
        found: dict[tuple[int, str], tuple[str, int | None, str]] = {}
        for row in self._connection.execute(query):
            key = (row.person_id, row.works_number)
            if row.state in LIVE or key not in found or found[key][0] not in LIVE:
                found[key] = (row.state, row.number, row.cause)
        return found


@lru_cache(maxsize=20_000)
def _judged(
    vault: Vault, inss: bytes | None, limosa: bytes | None, today: date
) -> tuple[str, bool]:
    """The masked number of a person, and whether every number of his is right.

    Remembered by what is sealed, since a board of 3,000 people asks for all of them each time;
    nothing but the mask is kept.
    """
    masked, valid = "", True
    try:
        if inss is not None:
            digits = vault.open("inss", inss).decode()
            masked = mask_person_number(digits)
            parse_inss(digits, today)
        if limosa is not None:
            digits = vault.open("limosa", limosa).decode()
            masked = masked or mask_limosa(digits)
            parse_limosa(digits)
    except (IdentifierError, PermanentError):
        valid = False
    return masked, valid


def seen_people(
    connection: Connection, day: date, person_ids: Iterable[int] | None = None
) -> set[tuple[int, int]]:
    """Returns (person, site) of everyone who was on a site on a day.

    A tap that came in on that day and has no date yet counts: nobody is called absent because a
    gate has lost the time.
    """
    begin_ms, end_ms = day_bounds_ms(day)
    present = select(presence.c.person_id, presence.c.site_id).where(
        presence.c.day == day.isoformat()
    )
    undated = (
        select(tap.c.person_id, terminal.c.site_id)
        .join(terminal, terminal.c.id == tap.c.terminal_id)
        .where(
            tap.c.at_ms.is_(None),
            tap.c.person_id.is_not(None),
            tap.c.verdict == VERDICT_GRANTED,
            tap.c.received_ms >= begin_ms,
            tap.c.received_ms < end_ms,
        )
    )
    if person_ids is not None:
        wanted: Sequence[int] = sorted(set(person_ids))
        present = present.where(presence.c.person_id.in_(wanted))
        undated = undated.where(tap.c.person_id.in_(wanted))
    return {(row[0], row[1]) for query in (present, undated) for row in connection.execute(query)}
