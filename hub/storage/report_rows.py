"""The rows of each report over a period, and the months of each site."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

from sqlalchemy import Connection

from hub.application.access import Actor
from hub.application.balance import Column, entry_of
from hub.application.overview import Standing
from hub.application.reports import MonthRow, Report, Row
from hub.domain.registration import State
from hub.domain.rights import Action
from hub.storage.balance import books_of_day
from hub.storage.reports import Narrowed, Reports
from hub.storage.secrets import Vault


def report_rows(
    connection: Connection, vault: Vault, actor: Actor, report: Report, asked: Narrowed, now_ms: int
) -> Iterator[Row]:
    """Yields the rows of a report, read while they are asked for.

    Args:
        now_ms: moment of asking, UTC milliseconds.

    Raises:
        UsageError: HUB-1661, there is no such site in scope.
    """
    reports = Reports(connection, vault, actor, asked, now_ms)
    match report:
        case Report.HOURS:
            return reports.hours()
        case Report.EXCEPTIONS:
            return reports.exceptions()
        case Report.MONTHLY:
            return _months(reports)


@dataclass
class _Month:
    columns: Counter[Column] = field(default_factory=Counter[Column])
    lapsed: int = 0
    people: set[int] = field(default_factory=set[int])
    companies: set[str] = field(default_factory=set[str])
    days: Counter[date] = field(default_factory=Counter[date])

    def add(self, person_id: int, company_number: str, day: date, column: Column) -> None:
        self.columns[column] += 1
        self.people.add(person_id)
        if company_number:
            self.companies.add(company_number)
        self.days[day] += 1


def _months(reports: Reports) -> Iterator[MonthRow]:
    found: dict[tuple[int, date], _Month] = defaultdict(_Month)
    looked_at = reports.days_to_look_at()
    for (person_id, site_id, text), company_number in reports.simply_in_order(looked_at):
        day = date.fromisoformat(text)
        month = found[site_id, day.replace(day=1)]
        month.add(person_id, company_number, day, Column.REGISTERED)
    for site_id, who, row, _ in reports.people_days(looked_at):
        if row.standing is Standing.VISITOR:
            continue
        day = date.fromisoformat(row.day)
        month = found[site_id, day.replace(day=1)]
        entry = entry_of((one.state, one.cause) for one in row.registrations)
        month.lapsed += entry.state == State.LAPSED
        month.add(who.person_id, who.company_number, day, entry.column)
    open_days = _open_days(reports)
    for (site_id, first), month in sorted(
        found.items(), key=lambda one: (reports.sites[one[0][0]].name, one[0][1])
    ):
        busiest = min(month.days, key=lambda day: (-month.days[day], day))
        yield MonthRow(
            reports.sites[site_id].name,
            first,
            month.columns.total(),
            month.columns[Column.REGISTERED],
            month.columns[Column.REMARKS],
            month.columns[Column.EXPLAINED],
            month.lapsed,
            month.columns[Column.WAITING],
            month.columns[Column.UNEXPLAINED],
            len(month.people),
            len(month.companies),
            busiest,
            month.days[busiest],
            None if open_days is None else tuple(open_days.get((site_id, first), ())),
        )


def _open_days(reports: Reports) -> dict[tuple[int, date], list[date]] | None:
    """The days whose books do not balance; None for who may not see the books of a site whole."""
    scope = reports.actor.scope(Action.BOOKS_SEE)
    if scope.nothing:
        return None
    found: dict[tuple[int, date], list[date]] = defaultdict(list)
    day = reports.asked.period.first
    while day <= reports.asked.period.last:
        for books in books_of_day(reports.connection, day, reports.now_ms):
            if books.site_id in reports.sites and not books.balances:
                found[books.site_id, day.replace(day=1)].append(day)
        day += timedelta(days=1)
    return found
