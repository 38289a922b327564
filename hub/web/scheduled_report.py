"""Makes the file of a report that goes out by itself: the same that the pages hand out.

What it holds is what its owner may see at that moment. A site or a company that is no longer his is
not left out in silence: a report that lacks something would be believed to be whole.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import IO, Final
from urllib.parse import urlencode

from sqlalchemy import Connection, Engine, select

from hub.application.access import Actor
from hub.application.mailing import Attachment
from hub.application.report_sending import Made, Schedule, action_of
from hub.application.reports import Period, Report
from hub.application.site_day import SiteDay
from hub.domain.report_times import Kind
from hub.domain.rights import Action
from hub.errors import UsageError
from hub.settings import Settings
from hub.storage.engine import reading
from hub.storage.report_rows import report_rows
from hub.storage.reports import Narrowed
from hub.storage.schema import company
from hub.storage.scope import companies_within
from hub.storage.secrets import Vault
from hub.storage.site_day import site_days
from hub.storage.sites import SiteRow, Sites
from hub.web.day_words import DayWords
from hub.web.page_words import PageWords
from hub.web.pages.day_list import DrawDays
from hub.web.pages.report_files import TYPES, DrawReport, file_name, write_report
from hub.web.report_asked import Asked, rounding_of
from hub.web.report_words import ReportWords
from hub.web.sheets import csv_text, workbook

_IN_MEMORY: Final = 1 << 20
_MEGABYTE: Final = 1_000_000
_TOO_LONG_FOR_PAPER: Final = "HUB-1852"


@dataclass(frozen=True, slots=True)
class Part:
    """Of what a schedule is, for its owner.

    Args:
        sites: those that were chosen; empty: all.
        company: number and name; empty: all.
    """

    sites: tuple[SiteRow, ...]
    company_number: str
    company: str

    @property
    def handles(self) -> tuple[str, ...]:
        """What stands for the sites in addresses."""
        return tuple(one.handle for one in self.sites)


@dataclass(frozen=True, slots=True)
class Making:
    """`Make` on the database.

    Args:
        engine: to read.
        vault: opens numbers, which are masked.
        settings: of this hub.
        draw_report, draw_days: make a report, or the list of a day, a PDF.
    """

    engine: Engine
    vault: Vault
    settings: Settings
    draw_report: DrawReport
    draw_days: DrawDays

    def __call__(
        self, schedule: Schedule, owner: Actor, first: date, last: date, now_ms: int, /
    ) -> Made:
        """See `Make`."""
        if schedule.kind is Kind.DAY:
            return self._day(schedule, owner, last, now_ms)
        return self._report(schedule, owner, Period(first, last), now_ms)

    def _report(self, schedule: Schedule, owner: Actor, period: Period, now_ms: int) -> Made:
        words = ReportWords(schedule.language, rounding_of(self.settings))
        with reading(self.engine) as connection:
            part = part_of(connection, self.vault, schedule, owner, now_ms)
            narrowed = Narrowed(period, "", part.company_number, part.handles)
            asked = Asked(Report(schedule.kind), narrowed)
            rows = list(report_rows(connection, self.vault, owner, asked.report, narrowed, now_ms))
        attachment = None
        if rows:
            with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as target:
                try:
                    write_report(
                        target, schedule.form, asked, rows, words, now_ms, self.draw_report
                    )
                except UsageError as error:
                    if error.code != _TOO_LONG_FOR_PAPER:
                        raise
                else:
                    name = file_name(asked, words, schedule.form)
                    attachment = self._attached(target, name, schedule.form)
        site = part.handles[0] if len(part.sites) == 1 else ""
        query = Asked(asked.report, Narrowed(period, site, part.company_number)).query()
        return Made(
            words.title(asked.report),
            about(part, schedule.language),
            words.period(period),
            len(rows),
            f"/reports/{asked.report}?{query}",
            attachment,
        )

    def _day(self, schedule: Schedule, owner: Actor, day: date, now_ms: int) -> Made:
        words = DayWords(schedule.language)
        with reading(self.engine) as connection:
            part = part_of(connection, self.vault, schedule, owner, now_ms)
            days = [
                one
                for handle in part.handles or ("",)
                for one in site_days(connection, self.vault, owner, day, now_ms, handle)
            ]
        if part.company_number:
            days = [one.of_company(part.company_number) for one in days]
        rows = sum(1 for one in days for _ in one.everybody)
        attachment = None
        if rows:
            with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as target:
                target.write(self._list(schedule.form, days, words, day, now_ms))
                name = f"{words('file')}-{day.isoformat()}.{schedule.form}"
                attachment = self._attached(target, name, schedule.form)
        query = {"day": day.isoformat()}
        if len(part.sites) == 1:
            query["site"] = part.handles[0]
        return Made(
            words("title"),
            about(part, schedule.language),
            ReportWords(schedule.language).period(Period(day, day)),
            rows,
            f"/day?{urlencode(query)}",
            attachment,
        )

    def _list(
        self, form: str, days: Sequence[SiteDay], words: DayWords, day: date, now_ms: int
    ) -> bytes:
        match form:
            case "pdf":
                return self.draw_days(days, words, day, now_ms)
            case "xlsx":
                rows = words.file_rows(days, iso=False)
                return workbook(words("title")[:31], words.file_columns(), rows)
            case _:
                return csv_text(words.file_columns(), words.file_rows(days, iso=True))

    def _attached(self, written: IO[bytes], name: str, form: str) -> Attachment | None:
        """The file that was written; None when it is too large for a mail."""
        if written.tell() > self.settings.reports.mail_megabytes * _MEGABYTE:
            return None
        written.seek(0)
        # A mail knows no parameters of a type but its own.
        return Attachment(name, TYPES[form].partition(";")[0], written.read())


def part_of(
    connection: Connection, vault: Vault, schedule: Schedule, owner: Actor, now_ms: int
) -> Part:
    """Returns of what a schedule is.

    Raises:
        UsageError: HUB-1866, its owner may not see that any more.
    """
    seen = Sites(connection, vault, owner, now_ms).rows(action_of(schedule.kind))
    chosen = tuple(one for one in seen if one.id in schedule.sites)
    if not seen or len(chosen) < len(schedule.sites):
        raise UsageError("HUB-1866")
    number = name = ""
    if schedule.company_id is not None:
        row = connection.execute(
            select(company.c.number, company.c.name).where(
                company.c.id == schedule.company_id,
                companies_within(owner.scope(Action.COMPANIES_SEE)),
            )
        ).first()
        if row is None:
            raise UsageError("HUB-1866")
        number, name = row.number, row.name
    return Part(chosen, number, name)


def about(part: Part, language: str) -> str:
    """Returns in words of what a report is: sites, and the company."""
    words = PageWords(language, "schedule")
    told = [", ".join(one.name for one in part.sites) or words("all_sites")]
    if part.company_number:
        told.append(part.company)
    return ", ".join(told)
