"""Who asks, and for whose: an actor with the scope of each of his rights.

Whatever reads or changes the register for somebody takes an `Actor` and narrows what it does to
`actor.scope(action)`. What lies outside of it does not exist for him: it is not found, not counted
and not hinted at.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Protocol

from hub.domain.rights import Action, Reach, Role, reach


@dataclass(frozen=True, slots=True)
class Scope:
    """What a right covers. Several may be given: what any of them covers is covered.

    Args:
        everything: it covers all there is.
        sites: everyone who works on one of these sites, and what belongs to them.
        companies: everyone employed by one of these companies, or lent to it by an agency.
        people: these people.
        below: those of the companies that are only below somebody in the chain. Whom such a company
            lends to others than the companies is not covered: an agency has many customers.
    """

    everything: bool = False
    sites: frozenset[int] = frozenset()
    companies: frozenset[int] = frozenset()
    people: frozenset[int] = frozenset()
    below: frozenset[int] = frozenset()

    @property
    def nothing(self) -> bool:
        """Whether it covers nothing at all."""
        return not (self.everything or self.sites or self.companies or self.people)


NOTHING: Final = Scope()
EVERYTHING: Final = Scope(everything=True)


@dataclass(frozen=True, slots=True, repr=False)
class Actor:
    """Somebody who is logged in, a program with a token, a command at the hub itself.

    Args:
        name: for the audit: `account:7`, `token:planner`, `command`.
        role: what he is.
        label: what he is called on a page.
        company_id: a contractor's company.
        below: the companies below it in the chain, which he only sees.
        sites: the sites of a supervisor, guard or inspector.
        person_id: a worker himself.
        account_id: None for a program and a command.
        language: two letters, or empty: as the browser asks.
        csrf: what a form of his session must bring back; empty for a program.
        second_factor: whether he proved it, in this session.
    """

    name: str
    role: Role
    label: str = ""
    company_id: int | None = None
    below: frozenset[int] = frozenset()
    sites: frozenset[int] = frozenset()
    person_id: int | None = None
    account_id: int | None = None
    language: str = ""
    csrf: str = field(default="", repr=False)
    second_factor: bool = False
    limited_to: frozenset[Action] | None = None
    """A program's token may do these things only; None: all that its role may."""

    def __repr__(self) -> str:
        return f"Actor({self.name}, {self.role})"

    def may(self, action: Action) -> bool:
        """Returns whether he may do this at all, with whosesoever."""
        return not self.scope(action).nothing

    def scope(self, action: Action) -> Scope:
        """Returns with whose he may do this."""
        if self.limited_to is not None and action not in self.limited_to:
            return NOTHING
        how_far = reach(self.role, action)
        own = frozenset() if self.company_id is None else frozenset({self.company_id})
        match how_far:
            case Reach.ALL:
                return EVERYTHING
            case Reach.SITE:
                return Scope(sites=self.sites)
            case Reach.CHAIN:
                below = self.below - own if own else frozenset()
                return Scope(companies=own | below, below=below)
            case Reach.COMPANY:
                return Scope(companies=own)
            case Reach.SELF:
                return self._self(action)
            case Reach.NOTHING:
                return NOTHING

    def _self(self, action: Action) -> Scope:
        if action is Action.OWN_ACCOUNT:
            return EVERYTHING if self.account_id is not None else NOTHING
        return NOTHING if self.person_id is None else Scope(people=frozenset({self.person_id}))


COMMAND: Final = Actor("command", Role.ADMINISTRATOR)
"""Whoever may start commands on the hub's own machine reads its files anyway."""


class AccessPort(Protocol):
    """Where sessions are known."""

    def actor(self, cookie: str) -> Actor | None:
        """Returns who this session is of; None: none, unknown, over, or not complete.

        Args:
            cookie: what the browser sent, empty when it sent nothing.
        """
        ...
