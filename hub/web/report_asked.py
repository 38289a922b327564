"""What the address of a report asks for, and its rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from fastapi import HTTPException

from hub.application.access import Actor
from hub.application.reports import Period, Report, Row, period_of
from hub.domain.hours import Favour, Rounding
from hub.domain.legal_day import brussels_day
from hub.errors import UsageError
from hub.settings import Settings
from hub.storage.engine import reading
from hub.storage.report_rows import report_rows
from hub.storage.reports import Narrowed
from hub.storage.site_day import FIRST_DAY
from hub.web.office import Office


@dataclass(frozen=True, slots=True)
class Asked:
    """A report, its period, and what of it."""

    report: Report
    narrowed: Narrowed

    @property
    def period(self) -> Period:
        """The days of it."""
        return self.narrowed.period

    def query(self) -> str:
        """Returns the part of an address that asks for the same."""
        chosen = {
            "first": self.period.first.isoformat(),
            "last": self.period.last.isoformat(),
            "site": self.narrowed.site,
            "company": self.narrowed.company,
        }
        return urlencode({name: value for name, value in chosen.items() if value})


def this_month(now_ms: int) -> Period:
    """Returns the month until today."""
    today = brussels_day(now_ms)
    return Period(today.replace(day=1), today)


def asked_of(name: str, first: str, last: str, site: str, company: str, now_ms: int) -> Asked:
    """Returns what an address asks for; without days the month until today.

    Raises:
        HTTPException: 404, there is no such report.
        UsageError: HUB-1850, HUB-1851, that is no period.
    """
    if name not in tuple(Report):
        raise HTTPException(404)
    usual = this_month(now_ms)
    period = period_of(
        day_typed(first, usual.first), day_typed(last, usual.last), usual.last, FIRST_DAY
    )
    return Asked(Report(name), Narrowed(period, site, company.strip()))


def day_typed(typed: str, usual: date) -> date:
    """Returns the day that was typed; the usual one when none was.

    Raises:
        UsageError: HUB-1850, that is none.
    """
    if not typed:
        return usual
    try:
        if len(typed) != len("2026-11-23"):
            raise UsageError("HUB-1850")
        return date.fromisoformat(typed)
    except ValueError:
        raise UsageError("HUB-1850") from None


def rows_of(office: Office, actor: Actor, asked: Asked, now_ms: int) -> list[Row]:
    """Returns the rows of a report.

    Raises:
        HTTPException: 404, there is no such site in scope.
    """
    with reading(office.engine) as connection:
        try:
            return list(
                report_rows(connection, office.vault, actor, asked.report, asked.narrowed, now_ms)
            )
        except UsageError as error:
            if error.code == "HUB-1661":
                raise HTTPException(404) from None
            raise


def rounding_of(settings: Settings) -> Rounding:
    """Returns how this hub rounds hours."""
    said = settings.reports
    return Rounding(said.rounding_minutes, Favour(said.rounding_favour))
