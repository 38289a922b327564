"""Lists of people: narrowed, counted and paged; small queries, since a register has thousands."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, func, or_, select

from hub.application.people import PeopleFilter, PersonLine, PersonProblem
from hub.domain.badges import ACTIVE
from hub.domain.people import ENDING_DAYS, Kind, LimosaState, folded, is_registered, limosa_state
from hub.storage.masks import mask_of
from hub.storage.schema import badge, company, person
from hub.storage.secrets import Vault

_USER = company.alias("user_company")
_UNREGISTERED = (Kind.VISITOR, Kind.DELIVERY)
_Row = Row[*tuple[Any, ...]]
_IN_MAX = 500
"""Most ids in one query: SQLite takes 32,766 values, PostgreSQL 65,535."""


def lines(
    connection: Connection,
    vault: Vault,
    within: ColumnElement[bool],
    wanted: PeopleFilter,
    today: date,
) -> tuple[list[PersonLine], int]:
    """Returns a page of people by name, and how many there are in all.

    Args:
        within: whom the actor sees.
        wanted: which of these.
        today: Brussels day, for what is over or about to be.
    """
    condition = and_(within, *_conditions(wanted, today))
    order = (person.c.family_name, person.c.given_name, person.c.id)
    first = max(wanted.page - 1, 0) * wanted.size
    query = select(func.count()).select_from(_joined()).where(condition)
    total = connection.execute(query).scalar_one()
    page = (
        select(person.c.id)
        .select_from(_joined())
        .where(condition)
        .order_by(*order)
        .limit(wanted.size)
        .offset(first)
    )
    chosen = list(connection.execute(page).scalars())
    return _lines(connection, vault, chosen, today), total


def _joined() -> Any:
    return person.outerjoin(company, company.c.id == person.c.company_id).outerjoin(
        _USER, _USER.c.id == person.c.user_company_id
    )


def _conditions(wanted: PeopleFilter, today: date) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.company_number:
        number = wanted.company_number
        found.append(or_(company.c.number == number, _USER.c.number == number))
    found += [
        person.c.sought_as.contains(word, autoescape=True) for word in folded(wanted.name).split()
    ]
    if wanted.kind:
        found.append(person.c.kind == wanted.kind)
    if wanted.problem:
        found.append(_with_problem(wanted.problem, today))
    return found


def _with_problem(problem: str, today: date) -> ColumnElement[bool]:
    day = today.isoformat()
    worker = person.c.kind.not_in(_UNREGISTERED)
    has_limosa = person.c.limosa_sealed.is_not(None)
    until = person.c.limosa_until
    with_badge = person.c.id.in_(select(badge.c.person_id))
    match problem:
        case PersonProblem.NO_NUMBER:
            return and_(worker, person.c.inss_sealed.is_(None), ~has_limosa)
        case PersonProblem.NO_COMPANY:
            return and_(
                worker,
                person.c.company_id.is_(None),
                person.c.inss_sealed.is_not(None),
                ~has_limosa,
            )
        case PersonProblem.NO_BADGE:
            return and_(worker, ~with_badge)
        case PersonProblem.BADGE_OFF:
            good = select(badge.c.person_id).where(
                badge.c.state == ACTIVE,
                or_(badge.c.valid_until.is_(None), badge.c.valid_until >= day),
            )
            return and_(with_badge, person.c.id.not_in(good))
        case PersonProblem.LIMOSA_ENDING:
            soon = (today + timedelta(days=ENDING_DAYS)).isoformat()
            return and_(worker, has_limosa, until >= day, until < soon)
        case PersonProblem.LIMOSA_OVER:
            return and_(worker, has_limosa, until < day)
        case _:
            return person.c.id.is_(None)


def _lines(
    connection: Connection, vault: Vault, ids: Sequence[int], today: date
) -> list[PersonLine]:
    rows: dict[int, _Row] = {}
    badges: dict[int, list[_Row]] = {}
    for start in range(0, len(ids), _IN_MAX):
        some = ids[start : start + _IN_MAX]
        query = (
            select(person, company.c.name.label("company_name"), _USER.c.name.label("user_name"))
            .select_from(_joined())
            .where(person.c.id.in_(some))
        )
        rows.update((row.id, row) for row in connection.execute(query))
        theirs = select(badge.c.person_id, badge.c.state, badge.c.valid_until).where(
            badge.c.person_id.in_(some)
        )
        for row in connection.execute(theirs):
            badges.setdefault(row.person_id, []).append(row)
    return [_line(vault, rows[one], badges.get(one, []), today) for one in ids]


def _line(vault: Vault, row: _Row, badges: list[_Row], today: date) -> PersonLine:
    day = today.isoformat()
    good = sum(
        one.state == ACTIVE and (one.valid_until is None or one.valid_until >= day)
        for one in badges
    )
    masked = mask_of(vault, row)
    user = row.user_name or ""
    return PersonLine(
        token=row.token,
        family_name=row.family_name,
        given_name=row.given_name,
        kind=Kind(row.kind),
        company=user or row.company_name or "",
        agency=(row.company_name or "") if user else "",
        works_number=row.works_number,
        masked=masked,
        badges=good,
        problems=_problems(row, len(badges), good, today),
    )


def _problems(row: _Row, badges: int, good: int, today: date) -> tuple[PersonProblem, ...]:
    found: list[PersonProblem] = []
    has_inss, has_limosa = row.inss_sealed is not None, row.limosa_sealed is not None
    if is_registered(row.kind):
        if not has_inss and not has_limosa:
            found.append(PersonProblem.NO_NUMBER)
        elif not has_limosa and row.company_id is None:
            found.append(PersonProblem.NO_COMPANY)
        first, last = (
            date.fromisoformat(one) if one else None for one in (row.limosa_from, row.limosa_until)
        )
        state = limosa_state(has_limosa, first, last, today)
        if state is LimosaState.ENDING:
            found.append(PersonProblem.LIMOSA_ENDING)
        elif state is LimosaState.OVER:
            found.append(PersonProblem.LIMOSA_OVER)
    if not badges and is_registered(row.kind):
        found.append(PersonProblem.NO_BADGE)
    elif badges and not good:
        found.append(PersonProblem.BADGE_OFF)
    return tuple(found)
