"""What the reports over a period say in one language: the same on page, paper and in files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

from babel.dates import format_date

from hub.application.reports import (
    ExceptionRow,
    HoursDay,
    MonthRow,
    Period,
    Report,
    Row,
    of_problem,
    totals_of,
)
from hub.domain.companies import number_text as company_text
from hub.domain.hours import MINUTE_MS, Rounding, Span, breaks_ms, rounded_ms
from hub.i18n import (
    clock_text,
    day_text,
    iso_text,
    moment_text,
    number_text,
    short_day_text,
    weekday_text,
)
from hub.web.day_words import DayWords
from hub.web.page_words import PageWords

_PERSON: Final = ("family_name", "given_name", "person_number")
COLUMNS: Final = {
    Report.HOURS: ("name", "person_number", "day", "times", "breaks", "worked", "rounded", "note"),
    Report.EXCEPTIONS: ("name", "person_number", "day", "came", "problem", "why", "number",
                        "late", "attested"),
    Report.MONTHLY: ("month", "presences", "registered", "remarks", "explained", "lapsed",
                     "waiting", "unexplained", "people", "companies", "busiest", "balance"),
}  # fmt: skip
"""Of the tables on the page and on paper, which have a heading for site and company."""
FILE_COLUMNS: Final = {
    Report.HOURS: ("site", "company_number", "company", *_PERSON, "day", "in", "out", "break",
                   "worked", "rounded", "note"),
    Report.EXCEPTIONS: ("site", "company_number", "company", *_PERSON, "day", "came", "problem",
                        "why", "works", "number", "late", "attested"),
    Report.MONTHLY: ("site", *COLUMNS[Report.MONTHLY]),
}  # fmt: skip
"""Of workbook and CSV; of hours there is one row for each time in and out."""


def hours_text(worked_ms: int) -> str:
    """Returns a length as hours and whole minutes: `8:05`."""
    minutes = worked_ms // MINUTE_MS
    return f"{minutes // 60}:{minutes % 60:02}"


class ReportWords(PageWords):
    """Texts of the reports.

    Args:
        rounding: how hours are rounded.
    """

    def __init__(self, language: str, rounding: Rounding | None = None) -> None:
        super().__init__(language, "reports")
        self.rounding = rounding or Rounding()
        self.day = DayWords(language)

    # ------------------------------------------------------------ headings

    def title(self, report: Report) -> str:
        """Returns the name of a report."""
        return self(f"{report}.title")

    def period(self, period: Period) -> str:
        """Returns a period, or a day."""
        if period.first == period.last:
            return day_text(period.first, self.language)
        first, last = (short_day_text(one, self.language) for one in (period.first, period.last))
        return self("period", first=first, last=last)

    def as_of(self, now_ms: int) -> str:
        """Returns as of when it is."""
        return self("as_of", moment=moment_text(now_ms, self.language))

    def rounded(self) -> str:
        """Returns how hours are rounded."""
        if not self.rounding.minutes:
            return self("rounding_none")
        return self(f"rounding_{self.rounding.favour}", minutes=self.rounding.minutes)

    def heading(self, row: Row) -> str:
        """Returns under which heading a row stands: the site, and the employer."""
        if isinstance(row, MonthRow):
            return row.site
        return f"{row.site} · {self._company(row)}"

    def columns(self, report: Report) -> list[str]:
        """Returns the headings of `COLUMNS`; without rounding there is no column of it."""
        return [self(f"column.{name}") for name in self.shown(COLUMNS[report])]

    def file_columns(self, report: Report) -> list[str]:
        """Returns the headings of `FILE_COLUMNS`."""
        return [self(f"column.{name}") for name in self.shown(FILE_COLUMNS[report])]

    def shown(self, names: Sequence[str]) -> list[str]:
        """Returns the names of the columns that this hub shows."""
        return [name for name in names if name != "rounded" or self.rounding.minutes]

    def totals(self, rows: Sequence[Row]) -> list[tuple[str, str]]:
        """Returns (label, how much) of each total of a report."""
        hours = [one for one in rows if isinstance(one, HoursDay)]
        months = [one for one in rows if isinstance(one, MonthRow)]
        if hours:
            days, worked, missing = totals_of(hours)
            return [
                (self("total.days"), number_text(days, self.language, 0)),
                (self("total.worked"), hours_text(worked)),
                (self("total.missing"), number_text(missing, self.language, 0)),
            ]
        if months:
            numbered = sum(one.registered + one.remarks for one in months)
            return [
                (self(f"total.{name}"), number_text(count, self.language, 0))
                for name, count in (
                    ("presences", sum(one.presences for one in months)),
                    ("registered", numbered),
                    ("explained", sum(one.explained for one in months)),
                )
            ]
        found = of_problem([one for one in rows if isinstance(one, ExceptionRow)])
        return [(self(f"problem.{problem}"), str(count)) for problem, count in found]

    # ------------------------------------------------------------ rows

    def cells(self, row: Row) -> list[str]:
        """Returns the cells of a row, one for each of `columns`; several lines in a cell."""
        values = self._values(row, iso=False)
        if isinstance(row, HoursDay):
            values["times"] = "\n".join(self._times(one, row.day) for one in row.spans)
            values["breaks"] = hours_text(row.breaks_ms) if row.breaks_ms else "–"
            known = any(one.whole for one in row.spans)
            values["worked"] = hours_text(row.worked_ms) if known else ""
            values["rounded"] = hours_text(row.rounded_ms(self.rounding) or 0) if known else ""
            # Who is still here is told by his times.
            notes = [self._note(one) for one in row.spans if not one.here]
            values["note"] = ", ".join(dict.fromkeys(filter(None, notes)))
        names = COLUMNS[_report_of(row)]
        return [values[name] or "–" for name in self.shown(names)]

    def file_rows(self, row: Row, iso: bool) -> Iterator[list[str]]:
        """Yields the rows of a workbook or CSV file.

        Args:
            iso: days and moments as ISO 8601 instead of in the form of the language.
        """
        values = self._values(row, iso)
        names = self.shown(FILE_COLUMNS[_report_of(row)])
        if not isinstance(row, HoursDay):
            yield [values[name] for name in names]
            return
        for place, span in enumerate(row.spans):
            until, before = row.spans[: place + 1], row.spans[:place]
            pause = breaks_ms(row.spans[max(0, place - 1) : place + 1])
            step = (rounded_ms(until, self.rounding) or 0) - (
                rounded_ms(before, self.rounding) or 0
            )
            values |= {
                "in": self._moment(span.in_ms, row.day, iso),
                "out": self._moment(span.out_ms, row.day, iso),
                "break": hours_text(pause) if pause else "",
                "worked": hours_text(span.worked_ms) if span.whole else "",
                "rounded": hours_text(step) if span.whole else "",
                "note": self._note(span),
            }
            yield [values[name] for name in names]

    def _values(self, row: Row, iso: bool) -> dict[str, str]:
        if isinstance(row, MonthRow):
            return self._month(row, iso)
        who = row.who
        values = {
            "site": row.site,
            "company_number": who.company_number if iso else company_text(who.company_number),
            "company": who.company,
            "name": f"{who.family_name} {who.given_name}".strip(),
            "family_name": who.family_name,
            "given_name": who.given_name,
            "person_number": who.masked,
            "day": row.day.isoformat() if iso else weekday_text(row.day, self.language),
        }
        if isinstance(row, ExceptionRow):
            values |= self._exception(row, iso)
        return values

    def _exception(self, row: ExceptionRow, iso: bool) -> dict[str, str]:
        deciding = row.registration
        said = [self.board.why(deciding)] if not row.row.counting or deciding is None else []
        if deciding is not None and deciding.number is None:
            said.append(self.board.why(deciding))
        for one in row.row.counting:
            said += self.day.answers(one)
        numbers = [str(one.number) for one in row.row.counting if one.number is not None]
        late = hours_text(row.late_ms) if row.late_ms is not None else ""
        return {
            "came": self._moment(row.row.first_ms, row.day, iso),
            "problem": self(f"problem.{row.problem}"),
            "why": " ".join(dict.fromkeys(part for part in said if part)),
            "works": deciding.works_number if deciding is not None else "",
            "number": " ".join(numbers),
            "late": late,
            "attested": self("yes" if row.attested else "no"),
        }

    def _month(self, row: MonthRow, iso: bool) -> dict[str, str]:
        counts = ("presences", "registered", "remarks", "explained", "lapsed", "waiting",
                  "unexplained", "people", "companies")  # fmt: skip
        values = {name: str(getattr(row, name)) for name in counts}
        month = format_date(row.month, "LLLL y", locale=f"{self.language}_BE")
        busiest = ""
        if row.busiest is not None:
            day = row.busiest.isoformat() if iso else weekday_text(row.busiest, self.language)
            busiest = self("busiest", day=day, count=row.busiest_presences)
        return values | {
            "site": row.site,
            "month": f"{row.month:%Y-%m}" if iso else month,
            "busiest": busiest,
            "balance": self._balance(row, iso),
        }

    def _balance(self, row: MonthRow, iso: bool) -> str:
        if row.open_days is None:
            return ""
        if not row.open_days:
            return self("balanced")
        if iso:
            return self("open_days", days=" ".join(one.isoformat() for one in row.open_days))
        return self.counted("open", len(row.open_days))

    def _company(self, row: HoursDay | ExceptionRow) -> str:
        who = row.who
        if not who.company_number:
            return self("no_company")
        same = who.company == who.company_number
        number = company_text(who.company_number)
        return number if same else f"{who.company} ({number})"

    def _times(self, span: Span, day: date) -> str:
        came, left = (
            "?" if at_ms is None else clock_text(at_ms, self.language, day)
            for at_ms in (span.in_ms, span.out_ms)
        )
        return f"{came} – {self('still_here') if span.here else left}"

    def _note(self, span: Span) -> str:
        if span.here:
            return self("still_here")
        if span.out_ms is None:
            return self("missing_out")
        return "" if span.in_ms is not None else self("missing_in")

    def _moment(self, at_ms: int | None, day: date, iso: bool) -> str:
        if at_ms is None:
            return ""
        return iso_text(at_ms) if iso else clock_text(at_ms, self.language, day)


def _report_of(row: Row) -> Report:
    if isinstance(row, HoursDay):
        return Report.HOURS
    return Report.EXCEPTIONS if isinstance(row, ExceptionRow) else Report.MONTHLY
