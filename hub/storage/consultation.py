"""Registrations as somebody consults them: narrowed, in pages, within what he may see.

Who is outside of his scope is in no row, no count and no choice; `hub.storage.scope` alone decides
that. What the authority shows is cut down to the same: rows of people and companies of his scope.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, Select, func, or_, select

from hub.application.access import Actor
from hub.application.consultation import GROUPS, PAGE, Group, Line, There, Wanted, searches
from hub.application.ports import Seen
from hub.domain.identifiers import mask_limosa, mask_person_number
from hub.domain.people import folded
from hub.domain.registration import State
from hub.domain.rights import Action
from hub.errors import UsageError
from hub.storage.masks import mask_of
from hub.storage.schema import company, person, registration, registration_event, site, works
from hub.storage.scope import companies_within, people_within, registrations_within, works_seen
from hub.storage.secrets import Vault
from hub.storage.sites import SiteRow, Sites
from hub.storage.works import regime_on

ANY: Final = "any"
_USER: Final = company.alias("user_company")
_Row = Row[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Choice:
    """A company to choose."""

    number: str
    name: str


class Consultation:
    """The registrations of somebody, inside one open transaction.

    Args:
        connection: reading is enough.
        vault: opens numbers to mask them, and finds people by theirs.
        actor: whoever asks.
        now_ms: UTC milliseconds.
    """

    def __init__(self, connection: Connection, vault: Vault, actor: Actor, now_ms: int) -> None:
        self._connection = connection
        self._vault = vault
        self._actor = actor
        self._now_ms = now_ms
        self._scope = actor.scope(Action.REGISTRATIONS_SEE)

    def sites(self) -> list[SiteRow]:
        """Returns the sites that he may choose, by name."""
        sites = Sites(self._connection, self._vault, self._actor, self._now_ms)
        return sites.rows(Action.REGISTRATIONS_SEE)

    def site(self, handle: str) -> SiteRow:
        """Returns one of them.

        Raises:
            UsageError: HUB-1661, no such site in scope.
        """
        found = next((one for one in self.sites() if one.handle == handle), None)
        if found is None:
            raise UsageError("HUB-1661")
        return found

    def companies(self) -> list[Choice]:
        """Returns the companies that he may choose, by name."""
        if self._scope.people:
            return []
        query = (
            select(company.c.number, company.c.name)
            .where(companies_within(self._scope))
            .order_by(company.c.name, company.c.number)
        )
        return [Choice(*row) for row in self._connection.execute(query)]

    def works(self, row: SiteRow) -> list[str]:
        """Returns the works numbers of a site that he may ask the authority about."""
        query = select(works.c.number).where(
            works.c.site_id == row.id, works_seen(self._actor, Action.REGISTRATIONS_SEE)
        )
        return sorted(self._connection.execute(query).scalars())

    def searches(self, wanted: Wanted) -> list[tuple[str, str, date]]:
        """Returns what the authority is asked for it: regime, works number and day of each search.

        Raises:
            UsageError: HUB-1846 no site is chosen, HUB-1661 no such site and HUB-1651 no such
                company in scope, HUB-1843 that takes too many searches, and what
                `Wanted.check` refuses.
        """
        wanted.check()
        self._check_company(wanted)
        if not wanted.site:
            raise UsageError("HUB-1846")
        numbers = self.works(self.site(wanted.site))
        return [
            (regime_on(self._connection, number, day), number, day)
            for number, day in searches(numbers, wanted)
        ]

    def rows(self, wanted: Wanted, page: int = 1, size: int = PAGE) -> tuple[list[Line], int]:
        """Returns the registrations of a page, the newest days first, and how many there are.

        Args:
            page: from 1 on; beyond the last there are none.
            size: rows of a page.

        Raises:
            UsageError: HUB-1661 no such site, HUB-1651 no such company in scope, and what
                `Wanted.check` refuses.
        """
        condition = self._condition(wanted)
        joined = (
            registration.join(person, person.c.id == registration.c.person_id)
            .outerjoin(company, company.c.id == person.c.company_id)
            .outerjoin(_USER, _USER.c.id == person.c.user_company_id)
        )
        total = self._connection.execute(
            select(func.count()).select_from(joined).where(condition)
        ).scalar_one()
        query: Select[Any] = (
            select(
                registration,
                person.c.token,
                person.c.family_name,
                person.c.given_name,
                person.c.inss_sealed,
                person.c.limosa_sealed,
                func.coalesce(company.c.number, "").label("company_number"),
                func.coalesce(company.c.name, "").label("company_name"),
                func.coalesce(site.c.name, "").label("site_name"),
            )
            .select_from(joined.outerjoin(site, site.c.id == registration.c.site_id))
            .where(condition)
            .order_by(
                registration.c.day.desc(),
                person.c.family_name,
                person.c.given_name,
                registration.c.tap_ms,
                registration.c.reference,
            )
            .limit(size)
            .offset((page - 1) * size)
        )
        found = self._connection.execute(query).all()
        numbered = self._numbered([row.reference for row in found if row.number is not None])
        return [self._line(row, numbered) for row in found], total

    # ------------------------------------------------------------ what the authority shows

    def shown(self, seen: Sequence[Seen], wanted: Wanted) -> list[There]:
        """Returns what he may see of the authority's rows and asked for, by their numbers.

        Site office and inspection see every row of their site; others those of their companies, and
        of their people for the employer that the register has: for whom else somebody works is not
        theirs to know.
        """
        people = self._people(seen)
        companies = self._employers(seen)
        ours = self._ours([row.registered.number for row in seen])
        parts = folded(wanted.name).split()
        found: list[There] = []
        for row in sorted(seen, key=lambda one: one.registered.number):
            who = self._who(row, people)
            name, own = companies.get(row.company_number or "", ("", False))
            if who is None and not own and not self._whole:
                continue
            if wanted.company and row.company_number != wanted.company:
                continue
            if parts and not (who and all(part in who.sought_as for part in parts)):
                continue
            found.append(
                There(
                    row.registered.number,
                    row.day,
                    row.works_number,
                    row.registered.status,
                    row.registered.remarks,
                    f"{who.family_name} {who.given_name}" if who is not None else "",
                    _mask_of(row),
                    name or row.company_number or "",
                    row.channel,
                    ours.get(row.registered.number, ""),
                )
            )
        return found

    @property
    def _whole(self) -> bool:
        """Whether he sees everybody of the sites that he may ask about."""
        return self._scope.everything or bool(self._scope.sites)

    def _indices(self, row: Seen) -> list[bytes]:
        numbers = (("inss", row.inss), ("limosa", row.limosa))
        return [self._vault.index(kind, number) for kind, number in numbers if number]

    def _who(self, row: Seen, people: Mapping[bytes, list[_Row]]) -> _Row | None:
        known = [one for index in self._indices(row) for one in people.get(index, [])]
        if row.company_number is None or self._scope.people:
            return known[0] if known else None
        employed = [one for one in known if one.company_number == row.company_number]
        if employed or not self._whole:
            return employed[0] if employed else None
        return known[0] if known else None

    def _people(self, seen: Sequence[Seen]) -> Mapping[bytes, list[_Row]]:
        """Whoever of the rows is in his scope, by each of his numbers."""
        wanted = {index for row in seen for index in self._indices(row)}
        found: dict[bytes, list[_Row]] = {}
        for column in (person.c.inss_index, person.c.limosa_index):
            query = (
                select(
                    column,
                    person.c.family_name,
                    person.c.given_name,
                    person.c.sought_as,
                    company.c.number.label("company_number"),
                )
                .outerjoin(company, company.c.id == person.c.company_id)
                .where(column.in_(wanted), people_within(self._scope))
                .order_by(person.c.id)
            )
            rows: Sequence[_Row] = self._connection.execute(query).all()
            for row in rows:
                found.setdefault(row[0], []).append(row)
        return found

    def _employers(self, seen: Sequence[Seen]) -> dict[str, tuple[str, bool]]:
        """Name of each employer that he may know, and whether its people are his to see."""
        wanted = {row.company_number for row in seen if row.company_number}
        query = select(company.c.number, company.c.name, company.c.id).where(
            company.c.number.in_(wanted), companies_within(self._scope)
        )
        theirs = self._scope.companies
        return {row.number: (row.name, row.id in theirs) for row in self._connection.execute(query)}

    def _ours(self, numbers: Sequence[int]) -> dict[int, str]:
        query = select(registration.c.number, registration.c.reference).where(
            registration.c.number.in_(numbers), registrations_within(self._scope)
        )
        return {row[0]: row[1] for row in self._connection.execute(query)}

    # ------------------------------------------------------------ how

    def _condition(self, wanted: Wanted) -> ColumnElement[bool]:
        wanted.check()
        condition = registration.c.day.between(
            wanted.first.isoformat(), wanted.last.isoformat()
        ) & registrations_within(self._scope)
        if wanted.site:
            condition &= registration.c.site_id == self.site(wanted.site).id
        if wanted.company:
            self._check_company(wanted)
            condition &= or_(company.c.number == wanted.company, _USER.c.number == wanted.company)
        if wanted.group in tuple(Group):
            condition &= registration.c.state.in_(GROUPS[Group(wanted.group)])
        if wanted.remark == ANY:
            condition &= registration.c.state == State.FLAGGED
        elif wanted.remark:
            # The key of a remark is its words with `_` between them, which stands for any one sign;
            # the authority writes two spaces here and there.
            words = "%".join(wanted.remark.split("_"))
            condition &= registration.c.answer.ilike(f'%"remarks": [%"{words}"%')
        for part in folded(wanted.name).split():
            condition &= person.c.sought_as.contains(part, autoescape=True)
        return condition

    def _check_company(self, wanted: Wanted) -> None:
        if wanted.company and wanted.company not in {one.number for one in self.companies()}:
            raise UsageError("HUB-1651", company=wanted.company)

    def _numbered(self, references: Sequence[str]) -> dict[str, int]:
        query = (
            select(registration_event.c.reference, func.min(registration_event.c.at_ms))
            .where(
                registration_event.c.reference.in_(references),
                registration_event.c.number.is_not(None),
            )
            .group_by(registration_event.c.reference)
        )
        return {row[0]: row[1] for row in self._connection.execute(query)}

    def _line(self, row: _Row, numbered: Mapping[str, int]) -> Line:
        masked = mask_of(self._vault, row)
        answer: dict[str, Any] = json.loads(row.answer) if row.answer else {}
        return Line(
            row.reference,
            row.token,
            row.family_name,
            row.given_name,
            masked,
            row.company_number,
            row.company_name,
            row.site_name,
            row.works_number,
            date.fromisoformat(row.day),
            row.direction,
            row.state,
            row.cause,
            row.number,
            row.tap_ms,
            numbered.get(row.reference),
            tuple(str(one) for one in answer.get("remarks", ())),
        )


def _mask_of(row: Seen) -> str:
    if row.inss:
        return mask_person_number(row.inss)
    return mask_limosa(row.limosa) if row.limosa else ""
