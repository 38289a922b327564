"""Who may do what, and with whose: one table, role by action.

A right reaches so far: to nothing, to the person himself, to the own company, to the own company
and those below it in the chain, to the own sites, or to everything. Reading may reach further than
changing: a contractor sees who works for his subcontractors and changes his own people only
(consultation as commentators of the decrees of 11 February 2014 tell it: the person, his employer,
the contractor for its site, the site management and the safety coordinator for their site). A
national number in clear is a right of its own, `PEOPLE_REVEAL`.

Every address of the hub names one action; a test walks all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """What somebody is to this hub."""

    ADMINISTRATOR = "administrator"
    SUPERVISOR = "supervisor"
    CONTRACTOR = "contractor"
    GUARD = "guard"
    INSPECTOR = "inspector"
    """Social inspection or safety coordinator: reads, on the spot."""
    WORKER = "worker"


class Reach(StrEnum):
    """How far a right goes, from nothing to everything."""

    NOTHING = "nothing"
    SELF = "self"
    COMPANY = "company"
    CHAIN = "chain"
    SITE = "site"
    ALL = "all"


class Action(StrEnum):
    """What can be done; `see` reads, `change` writes."""

    BOARD_SEE = "board.see"
    GUARD_SEE = "guard.see"
    DAY_SEE = "day.see"
    """Who was on a site on a day, by company and level, with the registrations; numbers masked."""
    REPORTS_SEE = "reports.see"
    """Hours, exceptions and months over a period; numbers masked."""
    REMINDERS_SEND = "reminders.send"
    """Writing to a company about its presences that are not in order; a contractor to those below
    him."""
    REPORTS_SCHEDULE = "reports.schedule"
    """Having reports sent by mail; what they hold follows from the rights to see them."""
    BOOKS_SEE = "books.see"
    ROLL_CALL_SEE = "roll_call.see"
    """Who is on the site, for an evacuation: looking and printing."""
    ROLL_CALL_CHANGE = "roll_call.change"
    """Opening and closing a roll call, ticking people off."""
    KIOSK = "kiosk"
    """The guard's part of a kiosk: looking somebody up, letting a visitor out."""
    KIOSKS_CHANGE = "kiosks.change"
    """Making a device a kiosk, revoking one, completing whom nobody knew there."""
    PEOPLE_SEE = "people.see"
    PEOPLE_CHANGE = "people.change"
    PEOPLE_REVEAL = "people.reveal"
    PEOPLE_IMPORT = "people.import"
    PEOPLE_EXPORT = "people.export"
    PEOPLE_ERASE = "people.erase"
    BADGES_CHANGE = "badges.change"
    ENROL = "enrol"
    COMPANIES_SEE = "companies.see"
    COMPANIES_CHANGE = "companies.change"
    CONTACTS_CHANGE = "contacts.change"
    """To which mail address a company is written, and in which language; it is seen by nobody
    else."""
    WORKS_SEE = "works.see"
    WORKS_CHANGE = "works.change"
    SITES_CHANGE = "sites.change"
    PLAN_SEE = "plan.see"
    PLAN_CHANGE = "plan.change"
    REGISTRATIONS_SEE = "registrations.see"
    REGISTRATIONS_CHANGE = "registrations.change"
    ACCOUNTS_SEE = "accounts.see"
    ACCOUNTS_CHANGE = "accounts.change"
    TOKENS_CHANGE = "tokens.change"
    ALERTS_SEE = "alerts.see"
    ALERTS_CHANGE = "alerts.change"
    """Acknowledging."""
    AUDIT_SEE = "audit.see"
    RETENTION_CHANGE = "retention.change"
    OWN_SEE = "own.see"
    """One's own registrations."""
    OWN_ACT = "own.act"
    """Checking oneself in and out by one's own phone."""
    OWN_ACCOUNT = "own.account"
    """One's own password, second factor, language."""


_A, _S, _C, _CH, _N = Reach.ALL, Reach.SITE, Reach.COMPANY, Reach.CHAIN, Reach.NOTHING

# Columns: administrator, supervisor, contractor, guard, inspector, worker.
_TABLE: Final[Mapping[Action, tuple[Reach, ...]]] = {
    Action.BOARD_SEE: (_A, _S, _N, _N, _S, _N),
    Action.GUARD_SEE: (_A, _S, _N, _S, _N, _N),
    Action.DAY_SEE: (_A, _S, _CH, _N, _S, _N),
    Action.REPORTS_SEE: (_A, _S, _CH, _N, _S, _N),
    Action.REMINDERS_SEND: (_A, _S, _CH, _N, _N, _N),
    Action.REPORTS_SCHEDULE: (_A, _S, _CH, _N, _N, _N),
    Action.BOOKS_SEE: (_A, _S, _N, _N, _S, _N),
    Action.ROLL_CALL_SEE: (_A, _S, _N, _S, _S, _N),
    Action.ROLL_CALL_CHANGE: (_A, _S, _N, _S, _N, _N),
    Action.KIOSK: (_A, _S, _N, _S, _N, _N),
    Action.KIOSKS_CHANGE: (_A, _S, _N, _N, _N, _N),
    Action.PEOPLE_SEE: (_A, _S, _CH, _N, _S, _N),
    Action.PEOPLE_CHANGE: (_A, _S, _C, _N, _N, _N),
    Action.PEOPLE_REVEAL: (_A, _S, _C, _N, _N, _N),
    Action.PEOPLE_IMPORT: (_A, _S, _C, _N, _N, _N),
    Action.PEOPLE_EXPORT: (_A, _S, _CH, _N, _N, _N),
    Action.PEOPLE_ERASE: (_A, _N, _N, _N, _N, _N),
    Action.BADGES_CHANGE: (_A, _S, _C, _N, _N, _N),
    Action.ENROL: (_A, _S, _C, _N, _N, _N),
    Action.COMPANIES_SEE: (_A, _S, _CH, _N, _S, _N),
    Action.COMPANIES_CHANGE: (_A, _S, _N, _N, _N, _N),
    Action.CONTACTS_CHANGE: (_A, _S, _C, _N, _N, _N),
    Action.WORKS_SEE: (_A, _S, _CH, _N, _S, _N),
    Action.WORKS_CHANGE: (_A, _S, _N, _N, _N, _N),
    Action.SITES_CHANGE: (_A, _S, _N, _N, _N, _N),
    Action.PLAN_SEE: (_A, _S, _CH, _N, _S, _N),
    Action.PLAN_CHANGE: (_A, _S, _C, _N, _N, _N),
    Action.REGISTRATIONS_SEE: (_A, _S, _CH, _N, _S, Reach.SELF),
    Action.REGISTRATIONS_CHANGE: (_A, _S, _N, _N, _N, _N),
    Action.ACCOUNTS_SEE: (_A, _S, _C, _N, _N, _N),
    Action.ACCOUNTS_CHANGE: (_A, _S, _C, _N, _N, _N),
    Action.TOKENS_CHANGE: (_A, _N, _C, _N, _N, _N),
    Action.ALERTS_SEE: (_A, _S, _N, _N, _N, _N),
    Action.ALERTS_CHANGE: (_A, _S, _N, _N, _N, _N),
    Action.AUDIT_SEE: (_A, _N, _N, _N, _N, _N),
    Action.RETENTION_CHANGE: (_A, _N, _N, _N, _N, _N),
    Action.OWN_SEE: (_N, _N, _N, _N, _N, Reach.SELF),
    Action.OWN_ACT: (_N, _N, _N, _N, _N, Reach.SELF),
    Action.OWN_ACCOUNT: (Reach.SELF,) * 6,
}
_COLUMN: Final = {role: number for number, role in enumerate(Role)}

INVITES: Final[Mapping[Role, tuple[Role, ...]]] = {
    Role.ADMINISTRATOR: (*tuple(Role)[:-1],),
    Role.SUPERVISOR: (Role.CONTRACTOR, Role.GUARD, Role.INSPECTOR),
    Role.CONTRACTOR: (Role.CONTRACTOR,),
}
"""Whom each role may invite; a contractor only for his own company. A worker has no account of a
password: his link is made where his badge is."""


def reach(role: Role, action: Action) -> Reach:
    """Returns how far this right of this role goes."""
    return _TABLE[action][_COLUMN[role]]
