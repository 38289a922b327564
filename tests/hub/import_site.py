"""A hub with two contractors on one site, for tests of imports."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import insert, select

from hub.application.access import COMMAND, Actor
from hub.domain.rights import Role
from hub.storage.engine import reading, writing
from hub.storage.house import House, open_house
from hub.storage.import_desk import Choice, ImportDesk, Looked
from hub.storage.people_import import Imported
from hub.storage.schema import badge, company, party, person, site, works
from tests.hub.house import NOON_MS
from tests.people_files import OTHER_COMPANY, OWN_COMPANY, WORKS, Row, csv_file


@dataclass
class ImportSite:
    """The hub, and who may hand lists in."""

    house: House
    own: Actor
    other: Actor

    def look(
        self, rows: Sequence[Row] | bytes, actor: Actor | None = None, language: str = "nl"
    ) -> Looked:
        """Looks at a list, the own company's when nobody is named."""
        data = rows if isinstance(rows, bytes) else csv_file(rows)
        desk = ImportDesk(self.house.vault, actor or self.own, NOON_MS, language)
        with reading(self.house.engine) as connection:
            return desk.look(connection, data, None, None)

    def take(
        self,
        rows: Sequence[Row] | bytes,
        actor: Actor | None = None,
        choice: Choice = Choice.EVERYTHING,
        now_ms: int = NOON_MS,
        backup: str = "",
    ) -> Imported:
        """Imports a list, the own company's when nobody is named."""
        looked = self.look(rows, actor)
        desk = ImportDesk(self.house.vault, actor or self.own, now_ms, "nl")
        with writing(self.house.engine) as connection:
            return desk.write(connection, looked.sheet, looked.columns, choice, backup)

    def people(self) -> list[tuple[str, str, str]]:
        """(family name, company number, works) of everybody who was not taken out."""
        query = (
            select(person.c.family_name, company.c.number, person.c.works_number)
            .outerjoin(company, company.c.id == person.c.company_id)
            .where(person.c.erased_ms.is_(None))
            .order_by(person.c.id)
        )
        with reading(self.house.engine) as connection:
            return [tuple(row) for row in connection.execute(query)]

    def owner(self, uid: str) -> str | None:
        """Family name of whose a card is."""
        tag = self.house.vault.tag(bytes.fromhex(uid))
        query = select(person.c.family_name).join(badge).where(badge.c.tag == tag)
        with reading(self.house.engine) as connection:
            return connection.execute(query).scalar()


@contextmanager
def import_site(folder: Path) -> Iterator[ImportSite]:
    """Opens a hub whose two contractors take part in one declaration, without any people."""
    with closing(open_house(folder)) as house:
        with writing(house.engine) as connection:
            connection.execute(insert(site).values(id=1, name="Werf Noord"))
            for number in (WORKS, "1Y19FAKE002BZ"):
                connection.execute(insert(works).values(number=number, site_id=1))
            for number, name in ((OWN_COMPANY, "Bouwwerken"), (OTHER_COMPANY, "Toitures")):
                connection.execute(insert(company).values(number=number, name=name))
            for company_id, above in ((2, None), (1, 2)):
                connection.execute(
                    insert(party).values(
                        works_number=WORKS,
                        company_id=company_id,
                        above_id=above,
                        added_ms=NOON_MS,
                        actor="command",
                    )
                )
        own = Actor("account:5", Role.CONTRACTOR, "Own", company_id=1, account_id=5)
        other = Actor("account:6", Role.CONTRACTOR, "Other", company_id=2, account_id=6)
        yield ImportSite(house, own, other)


OFFICE = COMMAND
