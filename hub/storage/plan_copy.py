"""Whom a copy of the last working day takes over into the plan of a site, and why not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, select

from hub.application.plan_board import Outcome, Skipped, skipped_for
from hub.application.planning import NewEntry, Past
from hub.domain.people import is_registered
from hub.domain.registration import LIVE
from hub.storage.plan_board import PlanBoards, here
from hub.storage.schema import badge, person, plan_entry, presence, registration
from hub.storage.scope import people_within
from hub.storage.sites import SiteRow

_LIVE: Final = tuple(sorted(str(state) for state in LIVE))


def never_planned(kind: str, erased_ms: int | None) -> Skipped | None:
    """Returns why this person is planned on no day at all; None: he may be."""
    if erased_ms is not None:
        return Skipped.ERASED
    return None if is_registered(kind) else Skipped.VISITOR


class Copying:
    """One copy, inside one open transaction.

    Args:
        boards: of whoever copies; whom he may not plan is left alone, and not counted.
        site: where.
        source: the day that is copied.
        day: the day that is planned.
        condition: on `person`: whom it is about.
    """

    def __init__(
        self,
        connection: Connection,
        boards: PlanBoards,
        site: SiteRow,
        source: date,
        day: date,
        condition: ColumnElement[bool],
    ) -> None:
        self._connection = connection
        self._boards = boards
        self._site = site
        self._source = source
        self._day = day
        self._within = people_within(boards.change) & condition

    def entries(self, outcome: Outcome) -> list[NewEntry]:
        """Returns the new entries; counts the others in `outcome`."""
        rows = {row.id: row for row in self._everybody()}
        worked = self._worked_under()
        self._boards.reader.prepare(set(rows), self._day, self._site.works)
        pasts = self._pasts()
        blocked = self._blocked()
        found: list[NewEntry] = []
        for key, row in rows.items():
            never = never_planned(row.kind, row.erased_ms) or (
                Skipped.BLOCKED if key in blocked else None
            )
            if never is not None:
                outcome.count(never)
                continue
            numbers = worked.get(key) or self._boards.reader.works_of(key, self._site.id, self._day)
            if not numbers or (key not in worked and len(numbers) > 1):
                outcome.count(Skipped.WORKS)
                continue
            for number in sorted(numbers):
                why = self._why_not(key, number, pasts.get((key, number)))
                if why == "standing":
                    outcome.unchanged += 1
                elif why is not None:
                    outcome.count(why)
                else:
                    found.append(NewEntry(key, number, self._day))
        return found

    def _why_not(self, person_id: int, number: str, past: Past | None) -> str | None:
        if past == "standing":
            return past
        if past == "withdrawn":
            return Skipped.WITHDRAWN
        return skipped_for(self._boards.findings(person_id, number, self._day))

    def _pasts(self) -> dict[tuple[int, str], Past]:
        """What stands in the plan of the day, and what was withdrawn from it."""
        query = select(
            plan_entry.c.person_id, plan_entry.c.works_number, plan_entry.c.withdrawn_ms
        ).where(plan_entry.c.day == self._day.isoformat(), here(self._site))
        found: dict[tuple[int, str], Past] = {}
        for row in self._connection.execute(query):
            key = (row.person_id, row.works_number)
            if row.withdrawn_ms is None:
                found[key] = "standing"
            else:
                found.setdefault(key, "withdrawn")
        return found

    def _everybody(self) -> Sequence[Row[Any, Any, Any]]:
        day = self._source.isoformat()
        planned = select(plan_entry.c.person_id).where(
            plan_entry.c.day == day, plan_entry.c.withdrawn_ms.is_(None), here(self._site)
        )
        there = select(presence.c.person_id).where(
            presence.c.day == day, presence.c.site_id == self._site.id
        )
        return self._connection.execute(
            select(person.c.id, person.c.kind, person.c.erased_ms)
            .where(person.c.id.in_(planned) | person.c.id.in_(there), self._within)
            .order_by(person.c.id)
        ).all()

    def _worked_under(self) -> dict[int, set[str]]:
        """Under which numbers each was planned, and else registered, on that day."""
        day = self._source.isoformat()
        planned = select(plan_entry.c.person_id, plan_entry.c.works_number).where(
            plan_entry.c.day == day, plan_entry.c.withdrawn_ms.is_(None), here(self._site)
        )
        found = _grouped(self._connection.execute(planned))
        registered = select(registration.c.person_id, registration.c.works_number).where(
            registration.c.day == day,
            registration.c.site_id == self._site.id,
            registration.c.works_number != "",
            registration.c.state.in_(_LIVE),
        )
        return _grouped(self._connection.execute(registered)) | found

    def _blocked(self) -> set[int]:
        """Who has a blocked badge and none that opens a gate."""
        rows = self._connection.execute(
            select(badge.c.person_id, badge.c.state)
            .join(person, person.c.id == badge.c.person_id)
            .where(badge.c.state.in_(("blocked", "active")), self._within)
        ).all()
        active = {row.person_id for row in rows if row.state == "active"}
        return {row.person_id for row in rows} - active


def _grouped(rows: Iterable[Row[Any, Any]]) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for row in rows:
        found.setdefault(row[0], set()).add(row[1])
    return found
