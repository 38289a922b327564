"""What a kiosk looks up and writes down: people of its site, who is not known, who only visits.

Everything is of the kiosk's site, but for one thing: whoever types a whole good number is known by
it wherever he works, since it is his.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, func, insert, select

from hub.application.access import Scope
from hub.domain.audit import Noted
from hub.domain.identifiers import Inss, Limosa
from hub.domain.legal_day import brussels_day
from hub.domain.people import NAME_MAX, Kind, folded, sought_as
from hub.errors import UsageError
from hub.storage.audit import note
from hub.storage.kiosks import Kiosk
from hub.storage.register import Register
from hub.storage.schema import (
    assignment,
    company,
    newcomer,
    party,
    person,
    plan_entry,
    presence,
    visit,
    works,
)
from hub.storage.scope import people_within
from hub.storage.secrets import Vault

FOUND_MAX: Final = 20
"""People whom a search offers."""
GUESTS_MAX: Final = 100
COMPANY_MAX: Final = 80
PURPOSE_MAX: Final = 120
CREW_MAX: Final = 30
"""People of an emergency service who are noted with one touch."""


@dataclass(frozen=True, slots=True)
class Somebody:
    """A person as a kiosk shows him: a name and a company, never a number.

    Args:
        person_id: row; inside the hub only.
        token: stands for him in a form.
        language: of the person, two letters.
        works_here: False for a visitor or a delivery.
        host, purpose: of a visitor, as he said.
    """

    person_id: int
    token: str
    given_name: str
    family_name: str
    company: str
    language: str
    works_here: bool = True
    host: str = ""
    purpose: str = ""

    def __repr__(self) -> str:
        return "Somebody()"


_COLUMNS: Final = (
    person.c.id,
    person.c.token,
    person.c.given_name,
    person.c.family_name,
    person.c.language,
    person.c.kind,
    func.coalesce(visit.c.host, "").label("host"),
    func.coalesce(visit.c.purpose, "").label("purpose"),
    func.coalesce(company.c.name, visit.c.company, newcomer.c.company_said, "").label("company"),
)
_FROM: Final = (
    person.outerjoin(company, company.c.id == person.c.company_id)
    .outerjoin(visit, visit.c.person_id == person.c.id)
    .outerjoin(newcomer, newcomer.c.person_id == person.c.id)
)
_GUESTS: Final = (Kind.VISITOR, Kind.DELIVERY)


def _somebody(row: Row[*tuple[Any, ...]]) -> Somebody:
    return Somebody(
        row.id,
        row.token,
        row.given_name,
        row.family_name,
        row.company,
        row.language,
        row.kind not in _GUESTS,
        row.host,
        row.purpose,
    )


class KioskDesk:
    """One kiosk's view of the register, inside one open transaction.

    Args:
        connection: writing for what adds somebody.
        vault: finds and seals numbers.
        kiosk: where.
        now_ms: UTC milliseconds.
    """

    def __init__(self, connection: Connection, vault: Vault, kiosk: Kiosk, now_ms: int) -> None:
        self._connection = connection
        self._vault = vault
        self._kiosk = kiosk
        self._now_ms = now_ms
        self._today = brussels_day(now_ms)
        self._here = people_within(Scope(sites=frozenset({kiosk.site_id})))

    # ------------------------------------------------------------ looking

    def by_number(self, number: Inss | Limosa) -> list[Somebody]:
        """Returns whose number this is, one for each of his employers; those who work here only,
        if any does."""
        which = "inss" if isinstance(number, Inss) else "limosa"
        has = person.c[f"{which}_index"] == self._vault.index(which, number.reveal())
        found = self._people(has & self._here)
        return found or self._people(has)

    def by_name(self, name: str) -> list[Somebody]:
        """Returns people of this site by name, every word of which stands in theirs; at most
        `FOUND_MAX`."""
        words = [folded(word) for word in name.split()][:8]
        if not words:
            return []
        parts = [person.c.sought_as.contains(word, autoescape=True) for word in words]
        working = person.c.kind.not_in(_GUESTS)
        return self._people(self._here & working, *parts)

    def by_token(self, token: str) -> Somebody | None:
        """Returns somebody of this site, or who is its guest now; None when it is nobody."""
        mine = person.c.token == token
        found = self._people(mine & self._here) or self._people(mine & self._was_here())
        return next(iter(found), None)

    def by_row(self, person_id: int) -> list[Somebody]:
        """Returns who this is, alone in a list; for what the hub itself wrote down."""
        return self._people(person.c.id == person_id)

    def expected(self) -> list[Somebody]:
        """Returns who is planned here today and was not seen, by company and name."""
        planned = (
            select(plan_entry.c.person_id)
            .join(works, works.c.number == plan_entry.c.works_number)
            .where(
                works.c.site_id == self._kiosk.site_id,
                plan_entry.c.day == self._today.isoformat(),
                plan_entry.c.withdrawn_ms.is_(None),
            )
        )
        seen = select(presence.c.person_id).where(
            presence.c.site_id == self._kiosk.site_id, presence.c.day == self._today.isoformat()
        )
        return self._people(person.c.id.in_(planned), person.c.id.not_in(seen), most=GUESTS_MAX)

    def guests(self) -> list[Somebody]:
        """Returns the visitors, deliveries and emergency services that did not leave."""
        return self._people(person.c.kind.in_(_GUESTS) & self._was_here(), most=GUESTS_MAX)

    def companies(self) -> list[tuple[str, str]]:
        """Returns (number, name) of the companies that work at this site, by name."""
        here = select(works.c.number).where(works.c.site_id == self._kiosk.site_id)
        query = (
            select(company.c.number, company.c.name)
            .where(
                company.c.id.in_(select(party.c.company_id).where(party.c.works_number.in_(here)))
                | company.c.id.in_(
                    select(assignment.c.company_id).where(
                        assignment.c.works_number.in_(here), assignment.c.company_id.is_not(None)
                    )
                )
                | company.c.id.in_(
                    select(person.c.company_id).where(
                        person.c.works_number.in_(here), person.c.company_id.is_not(None)
                    )
                )
            )
            .order_by(company.c.name, company.c.number)
        )
        return [(row.number, row.name) for row in self._connection.execute(query)]

    def _people(self, *conditions: ColumnElement[bool], most: int = FOUND_MAX) -> list[Somebody]:
        query = (
            select(*_COLUMNS)
            .select_from(_FROM)
            .where(person.c.erased_ms.is_(None), *conditions)
            .order_by(person.c.family_name, person.c.given_name, person.c.id)
            .limit(most)
        )
        return [_somebody(row) for row in self._connection.execute(query)]

    def _was_here(self) -> ColumnElement[bool]:
        """Who came today or yesterday and is inside since."""
        days = [(self._today - timedelta(days=back)).isoformat() for back in (0, 1)]
        newest = (
            select(func.max(presence.c.day))
            .where(
                presence.c.person_id == person.c.id,
                presence.c.site_id == self._kiosk.site_id,
                presence.c.day.in_(days),
            )
            .correlate(person)
            .scalar_subquery()
        )
        inside = select(presence.c.person_id).where(
            presence.c.person_id == person.c.id,
            presence.c.site_id == self._kiosk.site_id,
            presence.c.day == newest,
            presence.c.inside == 1,
        )
        return inside.correlate(person).exists()

    # ------------------------------------------------------------ writing down

    def add_newcomer(
        self,
        given_name: str,
        family_name: str,
        number: Inss | Limosa,
        company_number: str,
        company_said: str,
        language: str,
    ) -> Somebody:
        """Adds somebody whom the register does not know; a supervisor completes him.

        Args:
            company_number: of a company of the site; empty when his is none of them.
            company_said: how he calls it then.

        Raises:
            UsageError: HUB-1620 a name is missing or too long, HUB-1791 no company.
        """
        self._check_names(given_name, family_name)
        query = select(company.c.id).where(company.c.number == company_number)
        known = company_number in dict(self.companies())
        company_id = self._connection.execute(query).scalar() if known else None
        said = " ".join(company_said.split())[:COMPANY_MAX]
        if company_id is None and not said:
            raise UsageError("HUB-1791")
        which = "inss" if isinstance(number, Inss) else "limosa"
        values: dict[str, Any] = {
            f"{which}_index": self._vault.index(which, number.reveal()),
            f"{which}_sealed": self._vault.seal(which, number.reveal().encode()),
        }
        kind = Kind.EMPLOYEE if which == "inss" else Kind.FOREIGN
        works_number = self._works_of(company_id)
        added = self._add(given_name, family_name, kind, language, works_number, company_id, values)
        self._connection.execute(
            insert(newcomer).values(
                person_id=added.person_id,
                site_id=self._kiosk.site_id,
                company_id=company_id,
                company_said=said,
                added_ms=self._now_ms,
                added_by=self._kiosk.id,
            )
        )
        return added

    def add_guest(
        self,
        given_name: str,
        family_name: str,
        kind: Kind,
        company_said: str,
        host: str,
        purpose: str,
        language: str,
    ) -> Somebody:
        """Adds a visitor or a delivery, for the list of who is on the site and for nobody else.

        Raises:
            UsageError: HUB-1620, a name is missing or too long.
        """
        self._check_names(given_name, family_name)
        added = self._add(given_name, family_name, kind, language, self._works_of(None), None, {})
        self._connection.execute(
            insert(visit).values(
                person_id=added.person_id,
                company=" ".join(company_said.split())[:COMPANY_MAX],
                host=" ".join(host.split())[:COMPANY_MAX],
                purpose=" ".join(purpose.split())[:PURPOSE_MAX],
            )
        )
        return added

    def add_crew(self, service: str, count: int, language: str) -> list[Somebody]:
        """Adds the people of an emergency service; each is looked for when the site is cleared.

        Args:
            service: what it is called, as a list shows it.
            count: people; what is not 1..`CREW_MAX` is made so: nobody waits for a number.
        """
        whole = min(max(count, 1), CREW_MAX)
        return [
            self.add_guest(
                service, f"{number}/{whole}", Kind.VISITOR, service, "", "", language
            )
            for number in range(1, whole + 1)
        ]  # fmt: skip

    def _check_names(self, *names: str) -> None:
        if not all(0 < len(name.strip()) <= NAME_MAX for name in names):
            raise UsageError("HUB-1620", limit=NAME_MAX)

    def _works_of(self, company_id: int | None) -> str:
        """A works number of the site, of this company if it takes part in one; the newest open one.

        For whom it is only a place, until somebody says under what he works.
        """
        text = self._today.isoformat()
        mine = party.c.company_id == company_id if company_id is not None else None
        takes_part = (
            select(party.c.works_number).where(mine) if mine is not None else select(works.c.number)
        )
        rows = self._connection.execute(
            select(works.c.number)
            .where(works.c.site_id == self._kiosk.site_id)
            .order_by(
                works.c.number.not_in(takes_part),
                func.coalesce(works.c.from_day, text) > text,
                func.coalesce(works.c.until_day, text) < text,
                works.c.number,
            )
        )
        found = rows.scalars().first()
        if found is None:
            raise UsageError("HUB-1789")
        return found

    def _add(
        self,
        given_name: str,
        family_name: str,
        kind: Kind,
        language: str,
        works_number: str,
        company_id: int | None,
        values: dict[str, Any],
    ) -> Somebody:
        token = os.urandom(16).hex()
        given, family = " ".join(given_name.split()), " ".join(family_name.split())
        done = self._connection.execute(
            insert(person).values(
                token=token,
                given_name=given,
                family_name=family,
                sought_as=sought_as(given, family),
                kind=str(kind),
                company_id=company_id,
                works_number=works_number,
                language=language,
                added_ms=self._now_ms,
                changed_ms=self._now_ms,
                **values,
            )
        )
        key = done.inserted_primary_key
        person_id = int(key[0]) if key else 0
        note(
            self._connection,
            self._vault,
            self._now_ms,
            self._kiosk.id,
            Noted.PERSON_ADDED,
            f"person:{person_id}",
            company_id=company_id,
            site_id=self._kiosk.site_id,
            kind=str(kind),
        )
        Register(self._connection, self._vault).changed(self._now_ms)
        found = self._people(person.c.id == person_id)
        return found[0]
