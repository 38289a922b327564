"""People whom nobody knew when they came: what a supervisor is shown of them.

Whoever changes such a person confirms him with it (`hub.storage.announced`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, func, select

from hub.application.access import Actor
from hub.application.people import PersonFile
from hub.domain.rights import Action
from hub.errors import UsageError
from hub.storage.people import People
from hub.storage.schema import company, newcomer, person, site
from hub.storage.scope import sites_seen

SHOWN: Final = 100


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody who told the hub himself who he is.

    Args:
        file: as the register has him, numbers masked.
        company: number of the company that he named; empty when it is none of the site's.
        company_said: how he called it, or the name of that company.
        site: where he came.
        added_ms: when, UTC milliseconds.
    """

    file: PersonFile
    company: str
    company_said: str
    site: str
    added_ms: int

    def __repr__(self) -> str:
        return "Newcomer()"


class Newcomers:
    """Those of somebody's sites who are not completed yet, inside one open transaction.

    Args:
        people: the register as he may see and change it.
        actor: who asks.
    """

    def __init__(self, connection: Connection, people: People, actor: Actor) -> None:
        self._connection = connection
        self._people = people
        self._actor = actor

    def rows(self) -> list[Newcomer]:
        """Returns the newest `SHOWN` of them, the newest first."""
        query = (
            select(
                newcomer,
                person.c.token,
                site.c.name.label("site_name"),
                func.coalesce(company.c.number, "").label("number"),
                func.coalesce(company.c.name, newcomer.c.company_said).label("said"),
            )
            .join(person, person.c.id == newcomer.c.person_id)
            .join(site, site.c.id == newcomer.c.site_id)
            .outerjoin(company, company.c.id == newcomer.c.company_id)
            .where(newcomer.c.settled_ms.is_(None), sites_seen(self._actor, Action.KIOSKS_CHANGE))
            .order_by(newcomer.c.added_ms.desc(), newcomer.c.person_id.desc())
            .limit(SHOWN)
        )
        return [
            Newcomer(
                self._people.row(row.token), row.number, row.said, row.site_name, row.added_ms
            )
            for row in self._connection.execute(query).all()
        ]  # fmt: skip

    def one(self, token: str) -> Newcomer:
        """Returns one of them.

        Raises:
            UsageError: HUB-1621, none of them has this token.
        """
        for row in self.rows():
            if row.file.token == token:
                return row
        raise UsageError("HUB-1621")
