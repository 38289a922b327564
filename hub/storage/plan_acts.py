"""What somebody does on a plan board: add, copy, submit, withdraw; noted, and safe to repeat.

Each act reads first and writes then, so that taps are never held up by much reading, and looks in
its write transaction whether the plan is still the one that was read. Who acts on a plan that
somebody else changed since he saw it is told so, unless what he wants is so already: a form that
is handed in twice does nothing the second time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, time
from typing import Any, Final, Protocol, TypeVar

from sqlalchemy import ColumnElement, Connection, Engine, Row, select, true

from hub.application.access import Actor
from hub.application.plan_board import Outcome, skipped_for
from hub.application.planning import NewEntry
from hub.domain.audit import Noted
from hub.domain.registration import CANCEL_REASONS
from hub.errors import UsageError
from hub.storage import plan_changes as changes
from hub.storage import plan_withdrawals as withdrawals
from hub.storage.audit import note
from hub.storage.engine import reading
from hub.storage.plan_board import PlanBoards, here
from hub.storage.plan_copy import Copying, never_planned
from hub.storage.plans import must_be_open
from hub.storage.schema import company, person, plan_entry, works
from hub.storage.scope import people_within
from hub.storage.secrets import Vault
from hub.storage.sites import SiteRow

T = TypeVar("T")
SOURCE: Final = "page"
CHUNK: Final = 200
"""Registrations made in one transaction: some tens of milliseconds."""
_TAKEN_BACK: Final = ("withdrawn", "dropped", "cancelling", "waiting")
Ticked = tuple[str, str]
"""Token of a person and works number."""


class _Write(Protocol):
    def __call__(self, change: Callable[[Connection], T], /) -> T: ...


@dataclass(frozen=True, slots=True)
class Where:
    """What an act is about.

    Args:
        site: handle.
        day: Brussels day, today or tomorrow.
        company: its number as in addresses (`hub.storage.plan_board.WITHOUT`); None: everybody
            whom whoever acts may plan.
    """

    site: str
    day: date
    company: str | None = None


class PlanActs:
    """The acts of somebody.

    Args:
        engine: to read.
        write: carries a change out in a transaction of its own.
        vault: chains the audit.
        actor: whoever acts.
        now_ms: UTC milliseconds.
        submit_at: Brussels time of the day before from which a planned day is sent.
    """

    def __init__(
        self,
        engine: Engine,
        write: _Write,
        vault: Vault,
        actor: Actor,
        now_ms: int,
        submit_at: time,
    ) -> None:
        self._engine = engine
        self._write = write
        self._vault = vault
        self._actor = actor
        self._now_ms = now_ms
        self._submit_at = submit_at

    def add(self, where: Where, ticked: Sequence[Ticked], stamp: str) -> Outcome:
        """Plans these people; who cannot be registered like this is left out and counted.

        Args:
            stamp: of the plan as it was seen.

        Raises:
            UsageError: HUB-1661 the site, HUB-1651 the company, HUB-1774 a person or number that
                is not in scope, HUB-1772 nobody, HUB-1771 the plan was changed meanwhile.
        """
        outcome = Outcome()
        entries: list[NewEntry] = []
        with self._boards() as (connection, boards):
            site, condition = self._of(boards, where)
            rows = self._people(connection, condition, ticked)
            boards.reader.prepare({row.id for row in rows.values()}, where.day, site.works)
            of_site = select(works.c.number).where(works.c.site_id == site.id)
            numbers = set(connection.execute(of_site).scalars())
            for token, number in ticked:
                row = rows[token]
                if number not in numbers:
                    raise UsageError("HUB-1774")
                if boards.reader.past(row.id, number, where.day) == "standing":
                    outcome.unchanged += 1
                    continue
                why = never_planned(row.kind, row.erased_ms) or skipped_for(
                    boards.findings(row.id, number, where.day)
                )
                if why is None:
                    entries.append(NewEntry(row.id, number, where.day))
                else:
                    outcome.count(why)
            now = boards.stamp(site, where.day, condition)
        if entries and stamp != now:
            raise UsageError("HUB-1771")
        return self._keep(where, site, condition, entries, SOURCE, Noted.PLAN_ADDED, now, outcome)

    def copy(self, where: Where) -> Outcome:
        """Plans whoever was planned or there on the last working day, and can be registered.

        Left out and counted by their reasons: the blocked, the erased, visitors, people without a
        number that is needed, and whoever was withdrawn from this day before. Who stands in the
        plan already is not planned twice.

        Raises:
            UsageError: HUB-1661 the site, HUB-1651 the company, HUB-1773 nobody was planned or
                there lately, HUB-1771 the plan was changed meanwhile.
        """
        outcome = Outcome()
        with self._boards() as (connection, boards):
            site, condition = self._of(boards, where)
            source = boards.last_day(site, where.day, condition)
            if source is None:
                raise UsageError("HUB-1773")
            copying = Copying(connection, boards, site, source, where.day, condition)
            entries = copying.entries(outcome)
            stamp = boards.stamp(site, where.day, condition)
        return self._keep(
            where, site, condition, entries, f"copy:{source}", Noted.PLAN_COPIED, stamp, outcome
        )

    def submit(self, where: Where, ticked: Sequence[Ticked] | None = None) -> Outcome:
        """Hands the planned days to be sent, those in whose way nothing stands.

        Args:
            ticked: whose; None: everybody's.

        Raises:
            UsageError: HUB-1661 the site, HUB-1651 the company, HUB-1774 not in scope, HUB-1772
                nobody, HUB-1509 before the day may be sent.
        """
        must_be_open(where.day, self._now_ms, self._submit_at)
        outcome = Outcome()
        with self._boards() as (connection, boards):
            site, condition = self._of(boards, where)
            chosen = here(site) & people_within(boards.change) & condition
            open_ids = {row.id for row in changes.unsubmitted(connection, where.day)}
            if ticked is not None:
                wanted = self._entries(connection, where, site, condition, ticked)
                outcome.unchanged = len(set(wanted) - open_ids)
                open_ids &= set(wanted)
            ready: list[int] = []
            for one in boards.reader.planned(where.day, open_ids, chosen) if open_ids else []:
                if one.regime != "day":
                    continue
                why = skipped_for(one.findings)
                if why is None:
                    ready.append(one.entry_id)
                else:
                    outcome.count(why)
        for start in range(0, len(ready), CHUNK):
            some = ready[start : start + CHUNK]

            def change(connection: Connection, some: Sequence[int] = some) -> int:
                made = changes.submit_entries(
                    connection, where.day, some, self._now_ms, self._submit_at, self._actor.name
                )
                if made:
                    self._note(connection, Noted.PLAN_SUBMITTED, where, site, submitted=made)
                return made

            outcome.done += self._write(change)
        return outcome

    def withdraw(self, where: Where, ticked: Sequence[Ticked], reason: str, stamp: str) -> Outcome:
        """Takes planned days back; who was seen on the site keeps his.

        Args:
            reason: one of `CANCEL_REASONS`.
            stamp: of the plan as it was seen.

        Raises:
            UsageError: HUB-1661 the site, HUB-1651 the company, HUB-1774 not in scope, HUB-1772
                nobody, HUB-1502 no such reason, HUB-1771 the plan was changed meanwhile.
        """
        if reason not in CANCEL_REASONS:
            raise UsageError("HUB-1502", reasons=", ".join(CANCEL_REASONS))
        with self._boards() as (connection, boards):
            site, condition = self._of(boards, where)
            wanted = self._entries(connection, where, site, condition, ticked)

        def change(connection: Connection) -> Outcome:
            outcome = Outcome(unchanged=len(ticked) - len(wanted))
            now = self._with(connection).stamp(site, where.day, condition)
            if wanted and now != stamp:
                raise UsageError("HUB-1771")
            done = withdrawals.withdraw(connection, wanted, reason, self._actor.name, self._now_ms)
            for one in done:
                if one.outcome == "before":
                    outcome.unchanged += 1
                    continue
                outcome.done += one.outcome in _TAKEN_BACK
                outcome.count(one.outcome)
            if outcome.done:
                self._note(
                    connection, Noted.PLAN_WITHDRAWN, where, site,
                    withdrawn=outcome.done, reason=reason,
                )  # fmt: skip
            return outcome

        return self._write(change)

    # ------------------------------------------------------------ how

    @contextmanager
    def _boards(self) -> Iterator[tuple[Connection, PlanBoards]]:
        with reading(self._engine) as connection:
            yield connection, self._with(connection)

    def _with(self, connection: Connection) -> PlanBoards:
        return PlanBoards(connection, self._vault, self._actor, self._now_ms, self._submit_at)

    def _of(self, boards: PlanBoards, where: Where) -> tuple[SiteRow, ColumnElement[bool]]:
        site = boards.site(where.site)
        if site is None or not where.site:
            raise UsageError("HUB-1661")
        if where.company is None:
            return site, true()
        return site, boards.members(site, where.day, where.company)[1]

    def _people(
        self, connection: Connection, condition: ColumnElement[bool], ticked: Iterable[Ticked]
    ) -> dict[str, Row[Any]]:
        """Whoever was ticked, by token; all in the scope of planning."""
        tokens = {token for token, _ in ticked}
        if not tokens:
            raise UsageError("HUB-1772")
        change = self._with(connection).change
        rows = connection.execute(
            select(person).where(person.c.token.in_(tokens), people_within(change), condition)
        )
        found = {row.token: row for row in rows}
        if set(found) != tokens:
            raise UsageError("HUB-1774")
        return found

    def _entries(
        self,
        connection: Connection,
        where: Where,
        site: SiteRow,
        condition: ColumnElement[bool],
        ticked: Sequence[Ticked],
    ) -> list[int]:
        """The standing entries of whom was ticked."""
        people = {
            row.id: token for token, row in self._people(connection, condition, ticked).items()
        }
        query = select(plan_entry.c.id, plan_entry.c.person_id, plan_entry.c.works_number).where(
            plan_entry.c.day == where.day.isoformat(),
            plan_entry.c.withdrawn_ms.is_(None),
            plan_entry.c.person_id.in_(people),
            here(site),
        )
        wanted = set(ticked)
        return [
            row.id
            for row in connection.execute(query)
            if (people[row.person_id], row.works_number) in wanted
        ]

    def _keep(
        self,
        where: Where,
        site: SiteRow,
        condition: ColumnElement[bool],
        entries: Sequence[NewEntry],
        source: str,
        noted: Noted,
        stamp: str,
        outcome: Outcome,
    ) -> Outcome:
        if not entries:
            return outcome

        def change(connection: Connection) -> int:
            if self._with(connection).stamp(site, where.day, condition) != stamp:
                raise UsageError("HUB-1771")
            added = changes.add_entries(connection, entries, source, self._actor.name, self._now_ms)
            self._note(connection, noted, where, site, added=added, source=source)
            return added

        outcome.done += self._write(change)
        return outcome

    def _note(
        self, connection: Connection, noted: Noted, where: Where, site: SiteRow, **detail: object
    ) -> None:
        company_id = self._actor.company_id
        if where.company is not None:
            query = select(company.c.id).where(company.c.number == where.company)
            company_id = connection.execute(query).scalar()
        note(
            connection,
            self._vault,
            self._now_ms,
            self._actor.name,
            noted,
            f"site:{site.id}",
            company_id=company_id,
            site_id=site.id,
            day=where.day.isoformat(),
            **detail,
        )
