"""The companies of the register, for whoever asks: his own, those below, those of his sites."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from hub.application.access import Actor
from hub.domain import chain
from hub.domain.audit import Noted
from hub.domain.chain import Link
from hub.domain.companies import NAME_MAX, foreign_vat, parse_number
from hub.domain.rights import Action
from hub.errors import UsageError
from hub.storage.audit import note
from hub.storage.register import Register
from hub.storage.schema import company, party, person, works
from hub.storage.scope import companies_within, people_within, works_seen
from hub.storage.secrets import Vault


@dataclass(frozen=True, slots=True)
class CompanyRow:
    """One company.

    Args:
        number: ten digits, or the VAT number of a foreign company, letters first.
        agency: it lends workers to others.
        people: how many people it employs that whoever asks may see.
        works: numbers of the works declarations it takes part in, of those he may see.
        changeable: whether he may change it.
    """

    id: int
    number: str
    name: str
    agency: bool
    people: int = 0
    works: tuple[str, ...] = ()
    changeable: bool = False

    @property
    def foreign(self) -> bool:
        """Whether its number is no enterprise number."""
        return foreign_vat(self.number) is not None


class Companies:
    """The companies that somebody may see or change, inside one open transaction.

    What lies outside of his scope is not there: not found, not counted.

    Args:
        connection: a write transaction for what changes something.
        vault: chains the audit.
        actor: whoever asks.
        now_ms: UTC milliseconds.
    """

    def __init__(self, connection: Connection, vault: Vault, actor: Actor, now_ms: int) -> None:
        self._connection = connection
        self._vault = vault
        self._actor = actor
        self._now_ms = now_ms

    def rows(self) -> list[CompanyRow]:
        """Returns every company in scope, by name."""
        return self._rows(None)

    def row(self, number: str) -> CompanyRow:
        """Returns one company.

        Raises:
            UsageError: HUB-1651, no such company in scope; IMP-310x or HUB-1650, no number at all.
        """
        found = self._rows(self.id_of(number))
        return found[0]

    def id_of(self, number: str) -> int:
        """Returns the row of a company in scope.

        Raises:
            UsageError: as `row`.
        """
        return self._id_of(number, Action.COMPANIES_SEE)

    def add(self, number: str, name: str, agency: bool = False) -> int:
        """Adds a company and returns its row.

        A company that is known on sites outside of his scope is not added twice: its row is
        returned, with the name it has, and nothing of it is changed.

        Args:
            number: enterprise number, or VAT number of a foreign company.
            name: as it is registered; at most `NAME_MAX` characters.
            agency: it lends workers to others.

        Raises:
            UsageError: HUB-1650, IMP-3101..IMP-3103 the number, HUB-1652 he knows this company
                already, HUB-1653 no name.
        """
        parsed, named = parse_number(number), _name(name)
        known = self._connection.execute(
            select(company.c.id).where(company.c.number == parsed)
        ).scalar()
        if known is not None:
            if self._in_scope(known, Action.COMPANIES_SEE):
                raise UsageError("HUB-1652", company=parsed)
            return known
        result = self._connection.execute(
            insert(company).values(number=parsed, name=named, agency=int(agency))
        )
        added = int(result.inserted_primary_key[0])  # pyright: ignore[reportOptionalSubscript]
        self._note(Noted.COMPANY_ADDED, added, agency=agency)
        self._changed()
        return added

    def change(
        self,
        number: str,
        name: str | None = None,
        agency: bool | None = None,
        new_number: str | None = None,
    ) -> str:
        """Changes what is given of a company and returns its number.

        Raises:
            UsageError: HUB-1651 not in the scope of changing, HUB-1652 the new number is another
                company's, HUB-1653 no name, HUB-1660 an agency cannot stand where it stands, and
                the errors of a number.
        """
        key = self._id_of(number, Action.COMPANIES_CHANGE)
        before = self._connection.execute(select(company).where(company.c.id == key)).one()
        values: dict[str, object] = {}
        if name is not None and _name(name) != before.name:
            values["name"] = _name(name)
        if agency is not None and int(agency) != before.agency:
            values["agency"] = int(agency)
            if agency:
                self._check_agency(key)
        if new_number is not None and parse_number(new_number) != before.number:
            values["number"] = parse_number(new_number)
            taken = select(company.c.id).where(company.c.number == values["number"])
            if self._connection.execute(taken).first() is not None:
                raise UsageError("HUB-1652", company=values["number"])
            # Registrations that were refused are tried again with the right number.
            self._connection.execute(
                update(person).where(person.c.company_id == key).values(changed_ms=self._now_ms)
            )
        if values:
            self._connection.execute(update(company).where(company.c.id == key).values(**values))
            self._note(Noted.COMPANY_CHANGED, key, changed=sorted(values))
            self._changed()
        return str(values.get("number", before.number))

    # ------------------------------------------------------------ how

    def _rows(self, key: int | None) -> list[CompanyRow]:
        query = select(company).where(companies_within(self._actor.scope(Action.COMPANIES_SEE)))
        if key is not None:
            query = query.where(company.c.id == key)
        found = self._connection.execute(query).all()
        found = sorted(found, key=lambda row: (row.name.casefold(), row.number))
        people = self._people()
        takes_part = self._takes_part()
        changeable = set(
            self._connection.execute(
                select(company.c.id).where(
                    companies_within(self._actor.scope(Action.COMPANIES_CHANGE))
                )
            ).scalars()
        )
        return [
            CompanyRow(
                row.id,
                row.number,
                row.name,
                bool(row.agency),
                people.get(row.id, 0),
                tuple(takes_part.get(row.id, ())),
                row.id in changeable,
            )
            for row in found
        ]

    def _people(self) -> dict[int, int]:
        query = (
            select(person.c.company_id, func.count())
            .where(people_within(self._actor.scope(Action.PEOPLE_SEE)))
            .where(person.c.company_id.is_not(None), person.c.erased_ms.is_(None))
            .group_by(person.c.company_id)
        )
        return {row[0]: row[1] for row in self._connection.execute(query)}

    def _takes_part(self) -> dict[int, list[str]]:
        query = (
            select(party.c.company_id, party.c.works_number)
            .join(works, works.c.number == party.c.works_number)
            .where(works_seen(self._actor))
            .order_by(party.c.works_number)
        )
        found: dict[int, list[str]] = {}
        for key, number in self._connection.execute(query):
            found.setdefault(key, []).append(number)
        return found

    def _id_of(self, number: str, action: Action) -> int:
        parsed = parse_number(number)
        key = self._connection.execute(
            select(company.c.id).where(
                company.c.number == parsed, companies_within(self._actor.scope(action))
            )
        ).scalar()
        if key is None:
            raise UsageError("HUB-1651", company=parsed)
        return key

    def _in_scope(self, key: int, action: Action) -> bool:
        query = select(company.c.id).where(
            company.c.id == key, companies_within(self._actor.scope(action))
        )
        return self._connection.execute(query).first() is not None

    def _check_agency(self, key: int) -> None:
        """An agency stands at no top and has nobody below, in none of its works."""
        for links in chains(self._connection).values():
            for link in links:
                if link.above == key or (link.company == key and link.above is None):
                    raise UsageError("HUB-1660")

    def _note(self, action: Noted, key: int, **detail: Any) -> None:
        note(
            self._connection,
            self._vault,
            self._now_ms,
            self._actor.name,
            action,
            f"company:{key}",
            company_id=key,
            **detail,
        )

    def _changed(self) -> None:
        Register(self._connection, self._vault).changed(self._now_ms)


def chains(connection: Connection, numbers: Iterable[str] | None = None) -> dict[str, list[Link]]:
    """Returns the chain of each works declaration, or of these; in the order of being added."""
    query = (
        select(party.c.works_number, party.c.company_id, party.c.above_id, company.c.agency)
        .join(company, company.c.id == party.c.company_id)
        .order_by(party.c.id)
    )
    if numbers is not None:
        query = query.where(party.c.works_number.in_(list(numbers)))
    found: dict[str, list[Link]] = {}
    for number, key, above, agency in connection.execute(query):
        found.setdefault(number, []).append(Link(key, above, bool(agency)))
    return found


def below(connection: Connection, company_id: int) -> frozenset[int]:
    """Returns everyone who works for a company under any works declaration.

    Each declaration by itself: who is below somebody that is below him elsewhere only, is not.
    """
    mine = select(party.c.works_number).where(party.c.company_id == company_id)
    numbers = connection.execute(mine).scalars().all()
    found: set[int] = set()
    for links in chains(connection, numbers).values():
        found |= chain.below(links, company_id)
    return frozenset(found)


def _name(name: str) -> str:
    named = " ".join(name.split())
    if not named or len(named) > NAME_MAX:
        raise UsageError("HUB-1653", limit=NAME_MAX)
    return named
