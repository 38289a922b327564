"""What the page that links badges shows of the register: places, owners, and whom it may pick.

Everything is narrowed to what the actor may enrol for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, Connection, false, or_, select, true

from hub.application.access import Actor
from hub.application.enrolment import Kind, Place
from hub.application.people import PeopleFilter, PersonLine
from hub.application.terminals import DESK
from hub.domain.rights import Action
from hub.storage.people import People
from hub.storage.schema import badge, company, person, site, terminal, works
from hub.storage.scope import people_within, works_within
from hub.storage.secrets import Vault

FOUND_MAX: Final = 20
"""People whom a search offers."""
_LOOKED_AT: Final = 200


@dataclass(frozen=True, slots=True, repr=False)
class Owner:
    """Whose a badge is, or whom it may be given.

    Args:
        token: stands for him in addresses.
        name: given name first.
        company: of his employer; empty when not known.
        state: of the badge, `active`, `blocked` or `lost`; empty when it is not about one.
    """

    token: str
    name: str
    company: str
    state: str = ""

    def __repr__(self) -> str:
        return "Owner()"


class Elsewhere:
    """The badge is of somebody outside of the actor's scope; nothing more is told."""


class Enrolling:
    """One actor's view of the register, inside one open transaction.

    Args:
        connection: reading is enough.
        vault: for the numbers that people are listed with.
        actor: who enrols.
        now_ms: UTC milliseconds.
    """

    def __init__(self, connection: Connection, vault: Vault, actor: Actor, now_ms: int) -> None:
        self._connection = connection
        self._people = People(connection, vault, actor, now_ms)
        self._scope = actor.scope(Action.ENROL)

    def places(self) -> list[Place]:
        """Returns the gates and desks where he may wait for a badge, by site and name."""
        query = (
            select(terminal.c.id, terminal.c.name, terminal.c.direction, site.c.id, site.c.name)
            .join(site, site.c.id == terminal.c.site_id)
            .where(terminal.c.revoked_ms.is_(None), self._sites())
            .order_by(site.c.name, terminal.c.name, terminal.c.id)
        )
        return [
            Place(Kind.DESK if direction == DESK else Kind.GATE, key, name, site_id, site_name)
            for key, name, direction, site_id, site_name in self._connection.execute(query)
        ]

    def place(self, terminal_id: str) -> Place | None:
        """Returns one of `places`; None when it is none of them."""
        return next((one for one in self.places() if one.terminal == terminal_id), None)

    def owner(self, tag: bytes) -> Owner | Elsewhere | None:
        """Returns whose a badge is; None: nobody's."""
        holder = self._connection.execute(
            select(badge.c.person_id, badge.c.state).where(badge.c.tag == tag)
        ).first()
        if holder is None:
            return None
        return self._one(person.c.id == holder.person_id, holder.state) or Elsewhere()

    def person(self, token: str) -> Owner | None:
        """Returns somebody whom he may give a badge; None when there is no such."""
        return self._one(person.c.token == token, "")

    def search(self, name: str) -> list[PersonLine]:
        """Returns people of this name whom he may give a badge, at most FOUND_MAX."""
        if not name.strip():
            return []
        lines, _ = self._people.rows(PeopleFilter(name=name, size=_LOOKED_AT))
        tokens = [line.token for line in lines]
        # Seeing may reach further than enrolling: those of a subcontractor are seen only.
        query = select(person.c.token).where(person.c.token.in_(tokens), people_within(self._scope))
        mine = set(self._connection.execute(query).scalars())
        return [line for line in lines if line.token in mine][:FOUND_MAX]

    def _one(self, which: ColumnElement[bool], state: str) -> Owner | None:
        query = (
            select(person.c.token, person.c.given_name, person.c.family_name, company.c.name)
            .outerjoin(company, company.c.id == person.c.company_id)
            .where(which, person.c.erased_ms.is_(None), people_within(self._scope))
        )
        row = self._connection.execute(query).first()
        if row is None:
            return None
        token, given, family, employer = row
        return Owner(token, f"{given} {family}", employer or "", state)

    def _sites(self) -> ColumnElement[bool]:
        if self._scope.everything:
            return true()
        parts: list[ColumnElement[bool]] = []
        if self._scope.sites:
            parts.append(terminal.c.site_id.in_(self._scope.sites))
        if self._scope.companies:
            here = select(works.c.site_id).where(works_within(self._scope))
            parts.append(terminal.c.site_id.in_(here))
        return or_(*parts) if parts else false()
