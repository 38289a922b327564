"""A scope as SQL: the one place where it is decided which rows somebody may see."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Select, Table, false, or_, select, true

from hub.application.access import Actor, Scope
from hub.domain.rights import Action
from hub.storage.schema import (
    assignment,
    company,
    party,
    person,
    plan_entry,
    presence,
    registration,
    reminder,
    reminder_count,
    site,
    works,
)


def people_within(scope: Scope) -> ColumnElement[bool]:
    """Returns the condition on `person` that a scope sets."""
    if scope.everything:
        return true()
    parts: list[ColumnElement[bool]] = []
    if scope.sites:
        here = select(works.c.number).where(works.c.site_id.in_(scope.sites))
        parts.append(person.c.works_number.in_(here))
        parts.append(
            person.c.id.in_(
                select(assignment.c.person_id).where(
                    assignment.c.person_id.is_not(None), assignment.c.works_number.in_(here)
                )
            )
        )
        parts.append(
            person.c.company_id.in_(
                select(assignment.c.company_id).where(
                    assignment.c.company_id.is_not(None), assignment.c.works_number.in_(here)
                )
            )
        )
    if scope.companies:
        parts.append(_employed_by(scope.companies - scope.below))
    if scope.below:
        # What a company below does for others is not to be known: its people count under the works
        # that the own company takes part in, and whom an agency lends to others does not count.
        lent_by = person.c.company_id.in_(scope.below) & person.c.user_company_id.is_not(None)
        parts.append(_employed_by(scope.below) & ~lent_by & _under_own_works(scope, person))
        lent_to = person.c.user_company_id.in_(scope.below)
        parts.append(lent_to & _under_own_works(scope, person))
    if scope.people:
        parts.append(person.c.id.in_(scope.people))
    return or_(*parts) if parts else false()


def registrations_within(scope: Scope) -> ColumnElement[bool]:
    """Returns the condition on `registration` that a scope sets.

    A site sees its own; a company all of its own people, and those of the companies below it under
    the works that it takes part in itself.
    """
    if scope.everything:
        return true()
    parts: list[ColumnElement[bool]] = []
    if scope.sites:
        parts.append(registration.c.site_id.in_(scope.sites))
    if scope.companies:
        own = select(person.c.id).where(_employed_by(scope.companies - scope.below))
        parts.append(registration.c.person_id.in_(own))
    if scope.below:
        theirs = select(person.c.id).where(people_within(scope))
        parts.append(registration.c.person_id.in_(theirs) & _under_own_works(scope, registration))
    if scope.people:
        parts.append(registration.c.person_id.in_(scope.people))
    return or_(*parts) if parts else false()


def plan_within(scope: Scope) -> ColumnElement[bool]:
    """Returns the condition on `plan_entry`, joined with `person`, that a scope sets.

    A site sees what is planned for it; a company all of its own people, and those of the companies
    below it under the works that it takes part in itself.
    """
    if scope.everything:
        return true()
    parts: list[ColumnElement[bool]] = []
    if scope.sites:
        here = select(works.c.number).where(works.c.site_id.in_(scope.sites))
        parts.append(plan_entry.c.works_number.in_(here))
    if scope.companies:
        parts.append(_employed_by(scope.companies - scope.below))
    if scope.below:
        parts.append(people_within(scope) & _under_own_works(scope, plan_entry))
    if scope.people:
        parts.append(plan_entry.c.person_id.in_(scope.people))
    return or_(*parts) if parts else false()


def presences_within(scope: Scope) -> ColumnElement[bool]:
    """Returns the condition on `presence`, joined with `person`, that a scope sets.

    A site sees who was there; a company its own people wherever they were, and those of the
    companies below it where the works are under which it sees them: those of the person, or those
    of a registration of that day.
    """
    if scope.everything:
        return true()
    parts: list[ColumnElement[bool]] = []
    if scope.sites:
        parts.append(presence.c.site_id.in_(scope.sites))
    if scope.companies:
        parts.append(_employed_by(scope.companies - scope.below))
    if scope.below:
        of_works = select(works.c.site_id).where(works.c.number == person.c.works_number)
        where = of_works.correlate(person).scalar_subquery()
        registered = (
            select(registration.c.reference)
            .where(
                registration.c.person_id == presence.c.person_id,
                registration.c.site_id == presence.c.site_id,
                registration.c.day == presence.c.day,
                _under_own_works(scope, registration),
            )
            .correlate(presence)
        )
        there = (presence.c.site_id == where) | registered.exists()
        parts.append(people_within(scope) & there)
    if scope.people:
        parts.append(presence.c.person_id.in_(scope.people))
    return or_(*parts) if parts else false()


def _employed_by(companies: frozenset[int]) -> ColumnElement[bool]:
    return person.c.company_id.in_(companies) | person.c.user_company_id.in_(companies)


def _under_own_works(scope: Scope, of: Table) -> ColumnElement[bool]:
    own = Scope(companies=scope.companies - scope.below)
    return of.c.works_number.in_(select(works.c.number).where(works_within(own)))


def companies_within(scope: Scope) -> ColumnElement[bool]:
    """Returns the condition on `company` that a scope sets: the own ones, those of the sites."""
    if scope.everything:
        return true()
    parts: list[ColumnElement[bool]] = []
    if scope.sites:
        parts.append(company.c.id.in_(_companies_on(scope)))
    if scope.companies:
        parts.append(company.c.id.in_(scope.companies))
    return or_(*parts) if parts else false()


def works_within(scope: Scope) -> ColumnElement[bool]:
    """Returns the condition on `works` that a scope sets: of the sites, or where the companies are
    a party or have people."""
    if scope.everything:
        return true()
    parts: list[ColumnElement[bool]] = []
    if scope.sites:
        parts.append(works.c.site_id.in_(scope.sites))
    if scope.companies:
        for column, condition in (
            (party.c.works_number, party.c.company_id.in_(scope.companies)),
            (assignment.c.works_number, assignment.c.company_id.in_(scope.companies)),
            (
                person.c.works_number,
                person.c.company_id.in_(scope.companies)
                | person.c.user_company_id.in_(scope.companies),
            ),
        ):
            parts.append(works.c.number.in_(select(column).where(condition)))
    if scope.people:
        parts.append(
            works.c.number.in_(select(person.c.works_number).where(person.c.id.in_(scope.people)))
        )
    return or_(*parts) if parts else false()


def works_seen(actor: Actor, action: Action = Action.WORKS_SEE) -> ColumnElement[bool]:
    """Returns the condition on `works` of whoever asks: for a contractor those he takes part in.

    What a company below him does under a number that he has nothing to do with is not his to know,
    so his right to the chain below does not widen the list of works.
    """
    return works_within(_own(actor, action))


def sites_seen(actor: Actor, action: Action = Action.WORKS_SEE) -> ColumnElement[bool]:
    """Returns the condition on `site`: his own sites, or those of the works he takes part in."""
    scope = _own(actor, action)
    if scope.everything:
        return true()
    if scope.sites:
        return site.c.id.in_(scope.sites)
    if scope.nothing:
        return false()
    return site.c.id.in_(select(works.c.site_id).where(works_within(scope)))


def reminders_seen(actor: Actor, action: Action = Action.REPORTS_SEE) -> ColumnElement[bool]:
    """Returns the condition on `reminder`: those to or from his own company, or, of his own sites,
    those that are about no other site: what happened elsewhere is not his to know."""
    scope = _own(actor, action)
    if scope.everything:
        return true()
    if scope.sites:
        elsewhere = select(reminder_count.c.reminder_id).where(
            reminder_count.c.reminder_id == reminder.c.id,
            reminder_count.c.site_id.not_in(scope.sites),
        )
        return ~elsewhere.exists()
    if scope.companies:
        return reminder.c.company_id.in_(scope.companies) | reminder.c.sender_id.in_(
            scope.companies
        )
    return false()


def _own(actor: Actor, action: Action) -> Scope:
    scope = actor.scope(action)
    if scope.companies and actor.company_id is not None:
        return Scope(companies=frozenset({actor.company_id}))
    return scope


def _companies_on(scope: Scope) -> Select[tuple[int]]:
    here = select(works.c.number).where(works.c.site_id.in_(scope.sites))
    by_party = select(party.c.company_id).where(party.c.works_number.in_(here))
    by_assignment = select(assignment.c.company_id).where(
        assignment.c.works_number.in_(here), assignment.c.company_id.is_not(None)
    )
    employers = select(person.c.company_id).where(
        person.c.works_number.in_(here), person.c.company_id.is_not(None)
    )
    users = select(person.c.user_company_id).where(
        person.c.works_number.in_(here), person.c.user_company_id.is_not(None)
    )
    both = by_party.union(by_assignment, employers, users).subquery()
    return select(both.c.company_id)
