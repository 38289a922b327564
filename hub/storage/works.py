"""Works declarations and who is assigned to them, in SQL."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, Select, delete, insert, or_, select
from sqlalchemy.dialects.sqlite import insert as upsert

from hub.application.ports import Place
from hub.domain.causes import Cause
from hub.domain.works import Regime, WorksChoice, choose_works, regime_of
from hub.storage.announced import is_newcomer
from hub.storage.schema import (
    assignment,
    company,
    person,
    plan_entry,
    works,
    works_regime,
)


@dataclass(frozen=True, slots=True)
class WorksCandidates:
    """What is said, for one person, site and day, about the works number; the plan apart."""

    own: tuple[str, ...]
    employer: tuple[str, ...]
    of_site: tuple[str, ...]


def candidates(connection: Connection, person_id: int, site_id: int, day: date) -> WorksCandidates:
    """Returns the works numbers of a site that a person may work under on a Brussels day."""
    known = connection.execute(
        select(person.c.works_number, person.c.company_id).where(person.c.id == person_id)
    ).first()
    open_works, of_site = _numbers(connection, site_id, day)
    if known is None:
        return WorksCandidates((), (), tuple(sorted(of_site)))
    his = assignment.c.person_id == person_id
    if known.company_id is not None:
        # Compared with nothing, it would find what everybody else is assigned to himself.
        his |= assignment.c.company_id == known.company_id
    rows = connection.execute(_assigned_on(day).where(his)).all()
    own = {row.works_number for row in rows if row.person_id is not None} | {known.works_number}
    employer = {row.works_number for row in rows if row.person_id is None}
    return WorksCandidates(
        _chosen(own, open_works, of_site),
        _chosen(employer, open_works, of_site),
        tuple(sorted(of_site)),
    )


def works_of_many(
    connection: Connection,
    people: Mapping[int, tuple[str, int | None]],
    site_id: int,
    day: date,
) -> dict[int, tuple[str, ...]]:
    """Returns what `works_of` does, for many people with a few queries.

    Args:
        people: works number and company of each, as the register has them.
    """
    open_works, of_site = _numbers(connection, site_id, day)
    own: dict[int, set[str]] = {}
    employers: dict[int, set[str]] = {}
    for row in connection.execute(_assigned_on(day)):
        if row.person_id is not None:
            own.setdefault(row.person_id, set()).add(row.works_number)
        else:
            employers.setdefault(row.company_id, set()).add(row.works_number)
    by_company = {key: _chosen(found, open_works, of_site) for key, found in employers.items()}
    return {
        person_id: _chosen(own.get(person_id, set()) | {works_number}, open_works, of_site)
        or by_company.get(company_id or 0, ())
        for person_id, (works_number, company_id) in people.items()
    }


def _numbers(connection: Connection, site_id: int, day: date) -> tuple[set[str], set[str]]:
    """The works numbers of a site that may be used on a day, and all that it has."""
    text = day.isoformat()
    of_site = select(works.c.number).where(works.c.site_id == site_id)
    in_time = of_site.where(
        or_(works.c.from_day.is_(None), works.c.from_day <= text),
        or_(works.c.until_day.is_(None), works.c.until_day >= text),
    )
    return set(connection.execute(in_time).scalars()), set(connection.execute(of_site).scalars())


def _assigned_on(day: date) -> Select[Any, Any, Any]:
    text = day.isoformat()
    return select(assignment.c.works_number, assignment.c.person_id, assignment.c.company_id).where(
        or_(assignment.c.from_day.is_(None), assignment.c.from_day <= text),
        or_(assignment.c.until_day.is_(None), assignment.c.until_day >= text),
    )


def _chosen(said: set[str], open_works: set[str], of_site: set[str]) -> tuple[str, ...]:
    # A declaration that has ended still stands when it is the only one said: the authority's
    # remark then tells, while leaving the person out would be an offence.
    return tuple(sorted((said & open_works) or (said & of_site)))


def assigned_sites(connection: Connection) -> dict[int, frozenset[int]]:
    """Returns the sites that people are assigned to beside their own, by person."""
    found: dict[int, set[int]] = {}
    by_person = select(assignment.c.person_id, works.c.site_id).join(
        works, works.c.number == assignment.c.works_number
    )
    for person_id, site_id in connection.execute(by_person.where(assignment.c.person_id > 0)):
        found.setdefault(person_id, set()).add(site_id)
    by_company = (
        select(person.c.id, works.c.site_id)
        .select_from(assignment)
        .join(works, works.c.number == assignment.c.works_number)
        .join(person, person.c.company_id == assignment.c.company_id)
    )
    for person_id, site_id in connection.execute(by_company):
        found.setdefault(person_id, set()).add(site_id)
    return {person_id: frozenset(sites) for person_id, sites in found.items()}


def works_of(connection: Connection, person_id: int, site_id: int, day: date) -> tuple[str, ...]:
    """Returns the works numbers of a site that a person is assigned to on a day.

    His own assignments, if there are any; else those of his employer.
    """
    found = candidates(connection, person_id, site_id, day)
    return found.own or found.employer


def planned_works(
    connection: Connection, person_id: int, site_id: int, day: date
) -> tuple[str, ...]:
    """Returns the works numbers of a site that a person is planned under on a day."""
    query = (
        select(plan_entry.c.works_number)
        .join(works, works.c.number == plan_entry.c.works_number)
        .where(
            plan_entry.c.person_id == person_id,
            plan_entry.c.day == day.isoformat(),
            plan_entry.c.withdrawn_ms.is_(None),
            works.c.site_id == site_id,
        )
    )
    return tuple(sorted(connection.execute(query).scalars()))


def choice_on(connection: Connection, person_id: int, site_id: int, day: date) -> WorksChoice:
    """Returns the works number of a person at a site on a day, or why nobody knows it."""
    if is_newcomer(connection, person_id):
        return WorksChoice("", Cause.NEWCOMER)
    found = candidates(connection, person_id, site_id, day)
    planned = planned_works(connection, person_id, site_id, day)
    return choose_works(found.own, found.employer, planned)


def regime_on(connection: Connection, works_number: str, day: date) -> Regime:
    """Returns the regime of a works declaration on a Brussels day."""
    return regime_of(regime_changes(connection, works_number), day)


def regime_changes(connection: Connection, works_number: str) -> list[tuple[date, str]]:
    """Returns (first day, regime) of each change of a works declaration, oldest first."""
    query = (
        select(works_regime.c.from_day, works_regime.c.regime)
        .where(works_regime.c.works_number == works_number)
        .order_by(works_regime.c.from_day)
    )
    return [(date.fromisoformat(row[0]), row[1]) for row in connection.execute(query)]


def place_of(stored: str | None) -> Place | None:
    """Returns the place that the table holds; None when none is known."""
    if not stored:
        return None
    return Place(**json.loads(stored))


# ---------------------------------------------------------------- changes


@dataclass(frozen=True, slots=True)
class WorksRow:
    """One works declaration as this hub knows it.

    Args:
        people: how many people name it in the people file.
        assigned: (kind, id) of what is assigned to it beside: `person` or `company`.
    """

    number: str
    site_id: int
    from_day: date | None
    until_day: date | None
    place: Place | None
    regimes: tuple[tuple[date, str], ...]
    people: int
    assigned: tuple[tuple[str, int], ...]


def all_works(connection: Connection) -> list[WorksRow]:
    """Returns every works declaration, by number."""
    rows: list[WorksRow] = []
    for row in connection.execute(select(works).order_by(works.c.number)).all():
        people = connection.execute(
            select(person.c.id).where(person.c.works_number == row.number)
        ).all()
        assigned = connection.execute(
            select(assignment.c.person_id, assignment.c.company_id)
            .where(assignment.c.works_number == row.number)
            .order_by(assignment.c.id)
        ).all()
        rows.append(
            WorksRow(
                row.number,
                row.site_id,
                _day(row.from_day),
                _day(row.until_day),
                place_of(row.place),
                tuple(regime_changes(connection, row.number)),
                len(people),
                tuple(
                    ("person", one.person_id) if one.person_id else ("company", one.company_id)
                    for one in assigned
                ),
            )
        )
    return rows


def put_works(connection: Connection, number: str, site_id: int, **values: Any) -> None:
    """Adds a works declaration, or changes what is given of one that is known.

    Args:
        values: `from_day`, `until_day` (ISO or None) and `place` (JSON or None).
    """
    statement = upsert(works).values(number=number, site_id=site_id, **values)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["number"], set_={"site_id": site_id, **values}
        )
    )


def set_regime(connection: Connection, number: str, from_day: date, regime: Regime) -> None:
    """Says under which regime a works declaration stands from a Brussels day on."""
    statement = upsert(works_regime).values(
        works_number=number, from_day=from_day.isoformat(), regime=regime
    )
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["works_number", "from_day"], set_={"regime": regime}
        )
    )


def assign(
    connection: Connection,
    number: str,
    now_ms: int,
    actor: str,
    *,
    person_id: int | None = None,
    company_id: int | None = None,
    from_day: date | None = None,
    until_day: date | None = None,
) -> int:
    """Assigns a person, or everyone of a company, to a works declaration; returns its id."""
    result = connection.execute(
        insert(assignment).values(
            works_number=number,
            person_id=person_id,
            company_id=company_id,
            from_day=from_day.isoformat() if from_day else None,
            until_day=until_day.isoformat() if until_day else None,
            added_ms=now_ms,
            actor=actor,
        )
    )
    key = result.inserted_primary_key
    return int(key[0]) if key else 0


def unassign(
    connection: Connection,
    number: str,
    *,
    person_id: int | None = None,
    company_id: int | None = None,
) -> int:
    """Ends the assignments of a person or company to a works declaration; returns how many."""
    statement = delete(assignment).where(assignment.c.works_number == number)
    if person_id is not None:
        statement = statement.where(assignment.c.person_id == person_id)
    if company_id is not None:
        statement = statement.where(assignment.c.company_id == company_id)
    return connection.execute(statement).rowcount


def company_id_of(connection: Connection, number: str) -> int | None:
    """Returns the id of a company by its enterprise number."""
    return connection.execute(
        select(company.c.id).where(company.c.number == number)
    ).scalar_one_or_none()


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
