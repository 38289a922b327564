"""Two companies on one site that know nothing of each other, an agency, and who looks at them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from sqlalchemy import Connection, insert, select

from hub.application.access import COMMAND, Actor
from hub.application.people import PersonDraft
from hub.domain.identifiers import Inss, Limosa, parse_inss, parse_limosa
from hub.domain.legal_day import brussels_day
from hub.domain.people import Kind
from hub.domain.rights import Role
from hub.storage.badges import Badges
from hub.storage.engine import reading, writing
from hub.storage.people import People
from hub.storage.schema import company, person, site, works
from tests.hub.derived import Site
from tests.hub.house import NOON_MS, TestHouse, people_house

DAY = brussels_day(NOON_MS)
WORKS = "1Y19FAKE001AZ"
OTHER_WORKS = "1Y19FAKE002BZ"
A, B, AGENCY = "0999000129", "0999000228", "1999000150"
CARD, SPARE = bytes.fromhex("04A1B2C3D4E5F1"), bytes.fromhex("04A1B2C3D4E5F2")


def inss(digits: str = "90110599843") -> Inss:
    """An invented INSS."""
    return parse_inss(digits, date(2026, 11, 23))


def limosa(digits: str = "24999000000000284") -> Limosa:
    """An invented Limosa number."""
    return parse_limosa(digits)


DRAFT = PersonDraft("Peeters", "Lotte", Kind.EMPLOYEE, A, None, WORKS, "nl", inss=inss())


@dataclass
class World:
    """The house with its people, and one actor of each kind."""

    site: Site
    house: TestHouse
    contractor_a: Actor
    contractor_b: Actor
    supervisor: Actor
    other_supervisor: Actor
    inspector: Actor
    guard: Actor

    def people(
        self, connection: Connection, actor: Actor = COMMAND, now_ms: int = NOON_MS
    ) -> People:
        """The people that this actor sees."""
        return People(connection, self.house.house.vault, actor, now_ms)

    def badges(
        self, connection: Connection, actor: Actor = COMMAND, now_ms: int = NOON_MS
    ) -> Badges:
        """The badges that this actor sees."""
        return Badges(connection, self.house.house.vault, actor, now_ms)

    def add(self, draft: PersonDraft = DRAFT, actor: Actor = COMMAND) -> str:
        """Adds a person."""
        with writing(self.site.engine) as connection:
            return self.people(connection, actor).add(draft)

    def token(self, family_name: str) -> str:
        """The token of somebody by family name."""
        with reading(self.site.engine) as connection:
            query = select(person.c.token).where(person.c.family_name == family_name)
            return connection.execute(query).scalar_one()

    def number(self, token: str) -> int:
        """The row of somebody."""
        with reading(self.site.engine) as connection:
            return connection.execute(
                select(person.c.id).where(person.c.token == token)
            ).scalar_one()


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """Opens it: Milan works for A, Basile for B, Piotr is sent from abroad."""
    with people_house(folder) as house:
        with writing(house.house.engine) as connection:
            ids = {
                row.number: row.id
                for row in connection.execute(select(company.c.id, company.c.number))
            }
            connection.execute(insert(company).values(number=AGENCY, name="Interim", agency=1))
            agency = connection.execute(
                select(company.c.id).where(company.c.number == AGENCY)
            ).scalar_one()
            connection.execute(insert(site).values(id=2, name="Elsewhere"))
            connection.execute(insert(works).values(number=OTHER_WORKS, site_id=2))
        base = Actor("account:2", Role.CONTRACTOR, company_id=ids[A], below=frozenset({agency}))
        yield World(
            Site(house),
            house,
            contractor_a=base,
            contractor_b=replace(base, name="account:3", company_id=ids[B], below=frozenset()),
            supervisor=Actor("account:4", Role.SUPERVISOR, sites=frozenset({1})),
            other_supervisor=Actor("account:5", Role.SUPERVISOR, sites=frozenset({2})),
            inspector=Actor("account:6", Role.INSPECTOR, sites=frozenset({1})),
            guard=Actor("account:7", Role.GUARD, sites=frozenset({1})),
        )
