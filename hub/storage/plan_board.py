"""Reads the plan of a site and day within what somebody may see: few queries, however many people.

Who is not in his scope is in no row, no count, no stamp and no order; `hub.storage.scope` alone
decides that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Connection, and_, case, func, or_, select, true

from hub.application.access import Actor, Scope
from hub.application.plan_board import (
    BoardRow,
    CompanyPlan,
    Counts,
    Members,
    by_company,
    in_order,
    sum_of,
)
from hub.application.planning import PlannedDay
from hub.domain.legal_day import brussels_day
from hub.domain.people import REGISTERED_KINDS
from hub.domain.plan import Finding, findings, may_submit, submit_from_ms
from hub.domain.rights import Action
from hub.errors import UsageError
from hub.storage.parties import Parties
from hub.storage.plan_reader import PlanReader
from hub.storage.schema import company, person, plan_entry, presence, works
from hub.storage.scope import companies_within, people_within, plan_within
from hub.storage.secrets import Vault
from hub.storage.sites import SiteRow, Sites

PAGE: Final = 100
"""People of a company on one page."""
WITHOUT: Final = "0"
"""Stands in addresses for people whose employer is not known."""
DAYS_BACK_MAX: Final = 31
"""How far back the last working day is looked for."""
_KINDS: Final = tuple(sorted(str(kind) for kind in REGISTERED_KINDS))


@dataclass(frozen=True, slots=True)
class Board:
    """The plan of a site on a day.

    Args:
        site: which.
        day: Brussels day, today or tomorrow.
        companies: those with problems first.
        in_out: the works numbers of the site under which nothing can be registered ahead then.
        opens_ms: when it may be sent, UTC milliseconds; None: now.
        last_day: the last day before on which somebody was planned or there whom he may plan.
        stamp: equal as long as nobody changes the plan.
        may_change: whether he may plan anybody here.
    """

    site: SiteRow
    day: date
    companies: tuple[CompanyPlan, ...]
    in_out: tuple[str, ...]
    opens_ms: int | None
    last_day: date | None
    stamp: str
    may_change: bool

    @property
    def totals(self) -> Counts:
        """The counts of all companies together."""
        return sum_of(one.counts for one in self.companies)

    @property
    def own_ready(self) -> int:
        """How many entries of the companies that he may plan can be sent."""
        return sum(one.counts.ready for one in self.companies if one.company.own)


@dataclass(frozen=True, slots=True)
class CompanyBoard:
    """The people of one company on a day, one page of them.

    Args:
        plan: its counts and problems.
        rows: of this page.
    """

    board: Board
    plan: CompanyPlan
    rows: tuple[BoardRow, ...]
    page: int
    pages: int


class PlanBoards:
    """The plan boards of somebody, inside one open transaction.

    Args:
        connection: reading is enough.
        vault: masks numbers and makes handles.
        actor: whoever asks.
        now_ms: UTC milliseconds.
        submit_at: Brussels time of the day before from which a planned day is sent.
    """

    def __init__(
        self, connection: Connection, vault: Vault, actor: Actor, now_ms: int, submit_at: time
    ) -> None:
        self._connection = connection
        self._vault = vault
        self._actor = actor
        self._now_ms = now_ms
        self._submit_at = submit_at
        self._see = actor.scope(Action.PLAN_SEE)
        self.change = actor.scope(Action.PLAN_CHANGE)
        self.reader = PlanReader(connection, vault, brussels_day(now_ms), actor)

    def sites(self) -> list[SiteRow]:
        """Returns the sites that he may see the plan of, by name."""
        sites = Sites(self._connection, self._vault, self._actor, self._now_ms)
        return sites.rows(Action.PLAN_SEE)

    def site(self, handle: str) -> SiteRow | None:
        """Returns one of his sites; the first when none is named, None when he has none.

        Raises:
            UsageError: HUB-1661, no such site in scope.
        """
        sites = self.sites()
        if not handle:
            return sites[0] if sites else None
        found = next((one for one in sites if one.handle == handle), None)
        if found is None:
            raise UsageError("HUB-1661")
        return found

    def board(self, site: SiteRow, day: date) -> Board:
        """Returns the plan of a site on a day."""
        plans = by_company(self._planned(site, day), self._companies(site, day))
        return self._board(site, day, tuple(plans), true())

    def company(self, site: SiteRow, day: date, number: str, page: int = 1) -> CompanyBoard:
        """Returns the people of one company.

        Args:
            number: as in addresses, see `WITHOUT`.
            page: from 1 on; one too far is the last.

        Raises:
            UsageError: HUB-1651, no such company in scope on this site.
        """
        members, where = self.members(site, day, number)
        entries = self._planned(site, day, where)
        (plan,) = by_company(entries, {members.number: members})
        rows = in_order(self._rows(site, day, entries, where))
        pages = max(1, -(-len(rows) // PAGE))
        page = min(max(page, 1), pages)
        return CompanyBoard(
            self._board(site, day, (plan,), where),
            plan,
            tuple(self._shown(site, day, row) for row in rows[(page - 1) * PAGE : page * PAGE]),
            page,
            pages,
        )

    def members(self, site: SiteRow, day: date, number: str) -> tuple[Members, ColumnElement[bool]]:
        """Returns a company of the site, and the condition on `person` of who is employed there.

        Raises:
            UsageError: HUB-1651, no such company in scope on this site.
        """
        wanted = "" if number == WITHOUT else number
        found = self._companies(site, day).get(wanted)
        if found is None:
            raise UsageError("HUB-1651", company=number)
        if not wanted:
            return found, person.c.company_id.is_(None)
        employer = select(company.c.id).where(company.c.number == wanted).scalar_subquery()
        return found, person.c.company_id == employer

    def last_day(self, site: SiteRow, day: date, where: ColumnElement[bool]) -> date | None:
        """Returns the last day before on which somebody he may plan was planned or there."""
        first = (day - timedelta(days=DAYS_BACK_MAX)).isoformat()
        before = day.isoformat()
        own = people_within(self.change)
        planned = (
            select(func.max(plan_entry.c.day))
            .join(person, person.c.id == plan_entry.c.person_id)
            .where(
                plan_entry.c.day.between(first, before),
                plan_entry.c.day < before,
                plan_entry.c.withdrawn_ms.is_(None),
                here(site),
                own,
                where,
            )
        )
        there = (
            select(func.max(presence.c.day))
            .join(person, person.c.id == presence.c.person_id)
            .where(
                presence.c.day.between(first, before),
                presence.c.day < before,
                presence.c.site_id == site.id,
                person.c.kind.in_(_KINDS),
                own,
                where,
            )
        )
        found = [self._connection.execute(query).scalar() for query in (planned, there)]
        return max((date.fromisoformat(one) for one in found if one), default=None)

    def stamp(self, site: SiteRow, day: date, where: ColumnElement[bool]) -> str:
        """Returns what changes with every change of the plan that he may see."""
        row = self._connection.execute(
            select(
                func.count(),
                func.max(plan_entry.c.id),
                func.count(plan_entry.c.withdrawn_ms),
                func.max(plan_entry.c.withdrawn_ms),
            )
            .select_from(plan_entry.join(person, person.c.id == plan_entry.c.person_id))
            .where(plan_entry.c.day == day.isoformat(), here(site), plan_within(self._see), where)
        ).one()
        return self._vault.index("plan", f"{site.id} {day} {tuple(row)}").hex()[:16]

    # ------------------------------------------------------------ how

    def _board(
        self,
        site: SiteRow,
        day: date,
        companies: tuple[CompanyPlan, ...],
        where: ColumnElement[bool],
    ) -> Board:
        open_now = may_submit(day, self._now_ms, self._submit_at)
        return Board(
            site,
            day,
            companies,
            tuple(one for one in site.works if self.reader.regime(one, day) == "in_out"),
            None if open_now else submit_from_ms(day, self._submit_at),
            self.last_day(site, day, where),
            self.stamp(site, day, where),
            any(one.company.own for one in companies),
        )

    def _planned(
        self, site: SiteRow, day: date, where: ColumnElement[bool] | None = None
    ) -> list[PlannedDay]:
        of_site = here(site)
        return self.reader.planned(day, where=of_site if where is None else and_(of_site, where))

    def _companies(self, site: SiteRow, day: date) -> dict[str, Members]:
        """Every company of the site that he may see, with how many of its people can be planned,
        and those of whom an entry stands."""
        own = func.sum(case((people_within(self.change), 1), else_=0))
        query = (
            select(company.c.number, company.c.name, func.count(), own)
            .select_from(person.outerjoin(company, company.c.id == person.c.company_id))
            .where(self._plannable(site))
            .group_by(company.c.number, company.c.name)
        )
        levels = self._levels(site, day)
        found = {
            row[0] or "": Members(row[0] or "", row[1] or "", row[2], row[3])
            for row in self._connection.execute(query)
        }
        planned = (
            select(company.c.number, company.c.name)
            .distinct()
            .select_from(
                plan_entry.join(person, person.c.id == plan_entry.c.person_id).outerjoin(
                    company, company.c.id == person.c.company_id
                )
            )
            .where(
                plan_entry.c.day == day.isoformat(),
                plan_entry.c.withdrawn_ms.is_(None),
                here(site),
                plan_within(self._see),
            )
        )
        for row in self._connection.execute(planned):
            found.setdefault(row[0] or "", Members(row[0] or "", row[1] or ""))
        parties = select(company.c.number, company.c.name).where(
            companies_within(self._see), company.c.number.in_(list(levels))
        )
        for row in self._connection.execute(parties):
            found.setdefault(row.number, Members(row.number, row.name))
        return {number: replace(one, level=levels.get(number)) for number, one in found.items()}

    def _levels(self, site: SiteRow, day: date) -> dict[str, int | None]:
        parties = Parties(self._connection, self._vault, self._actor, self._now_ms)
        found: dict[str, int | None] = {}
        for number in site.works:
            for line in parties.chain(number, day).lines:
                found.setdefault(line.number, line.level)
        return found

    def _plannable(self, site: SiteRow) -> ColumnElement[bool]:
        return and_(
            person.c.erased_ms.is_(None),
            person.c.kind.in_(_KINDS),
            people_within(Scope(sites=frozenset({site.id}))),
            people_within(self._see),
        )

    def _rows(
        self, site: SiteRow, day: date, entries: list[PlannedDay], where: ColumnElement[bool]
    ) -> list[BoardRow]:
        planned = {one.person.ref for one in entries}
        query = select(person.c.id, people_within(self.change).label("own")).where(where)
        wanted = self._connection.execute(
            query.where(or_(self._plannable(site), person.c.id.in_(sorted(planned))))
        ).all()
        own = {row.id for row in wanted if row.own}
        rows = [BoardRow(one.person, one, own=one.person.ref in own) for one in entries]
        self.reader.prepare({row.id for row in wanted}, day, site.works)
        rows += [
            BoardRow(self.reader.person(row.id), None, own=row.id in own)
            for row in wanted
            if row.id not in planned
        ]
        return rows

    def _shown(self, site: SiteRow, day: date, row: BoardRow) -> BoardRow:
        """The row with the numbers under which somebody who is not planned can be."""
        if row.entry is not None:
            return row
        choices = tuple(
            (number, self.findings(row.person.ref, number, day))
            for number in self.reader.works_of(row.person.ref, site.id, day)
        )
        return replace(row, choices=choices)

    def findings(self, person_id: int, works_number: str, day: date) -> tuple[Finding, ...]:
        """Returns what keeps a person from being registered under this number on that day."""
        return findings(day, self.reader.facts(person_id, works_number, day))


def here(site: SiteRow) -> ColumnElement[bool]:
    """Returns the condition on `plan_entry` that a site sets."""
    return plan_entry.c.works_number.in_(select(works.c.number).where(works.c.site_id == site.id))
