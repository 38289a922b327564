"""What the list of a day says in one language: the same words on page, paper and in files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import date
from typing import Final

from hub.application.overview import RegistrationRow, Standing
from hub.application.site_day import DayCompany, DayPerson, SiteDay, Totals
from hub.domain.companies import number_text
from hub.domain.registration import State
from hub.i18n import clock_text, day_text, iso_text, moment_text
from hub.web.page_words import PageWords
from hub.web.remarks import remark_text

TONES: Final = {
    Standing.ACTION: "bad",
    Standing.WAITING: "warn",
    Standing.REMARKS: "warn",
    Standing.REGISTERED: "good",
    Standing.PLANNED: "none",
    Standing.VISITOR: "none",
}
SHAPES: Final = {
    Standing.ACTION: "none",
    Standing.WAITING: "due",
    Standing.REMARKS: "flagged",
    Standing.REGISTERED: "registered",
    Standing.PLANNED: "blank",
    Standing.VISITOR: "blank",
}
COLUMNS: Final = ("name", "kind", "person_number", "in", "out", "registration", "remark")
"""Of the table of people, on the page and on paper."""
FILE_COLUMNS: Final = (
    "site", "day", "works", "company_number", "company", "level", "above", "family_name",
    "given_name", "kind", "person_number", "in", "out", "here", "standing", "way", "state",
    "number", "act", "numbered", "remark",
)  # fmt: skip
"""Of workbook and CSV: one row for each registration, and one for who has none."""


class DayWords(PageWords):
    """Texts of the list of a day; implements `hub.reports.day_list.DayTexts`."""

    def __init__(self, language: str) -> None:
        super().__init__(language, "day")

    # ------------------------------------------------------------ headings

    def title(self, day: SiteDay) -> str:
        """Returns site and day."""
        return self("of", site=day.site, day=day_text(day.day, self.language))

    def as_of(self, day: SiteDay) -> str:
        """Returns as of when the list is."""
        return self("as_of", moment=moment_text(day.as_of_ms, self.language))

    def works(self, day: SiteDay) -> str:
        """Returns the works numbers; empty without one."""
        return self("works_numbers", numbers=", ".join(day.works)) if day.works else ""

    def company(self, one: DayCompany) -> str:
        """Returns the heading of a company: its name and number."""
        if not one.number:
            return self("no_company")
        number = number_text(one.number)
        return f"{one.name} ({number})" if one.name != one.number else number

    def place(self, one: DayCompany) -> str:
        """Returns where it stands: level, for whom it works, under which works."""
        parts = [self.level(one)]
        if one.above_name:
            parts.append(self("lent_to" if one.lends else "works_for", company=one.above_name))
        if one.works_number:
            parts.append(self("under", number=one.works_number))
        return " · ".join(part for part in parts if part)

    def level(self, one: DayCompany) -> str:
        """Returns its level; empty for who does not see the whole chain."""
        if one.level is None:
            return ""
        return self("level_0") if one.level == 0 else self("level", level=one.level)

    def counts(self, totals: Totals) -> str:
        """Returns the counts of a company in one line."""
        told: list[str] = []
        for name in ("seen", "registered", "not_registered", "waiting", "not_seen"):
            count = getattr(totals, name)
            if count or name in ("seen", "registered"):
                told.append(self(f"count.{name}", count=count))
        return ", ".join(told)

    def totals(self, totals: Totals) -> list[tuple[str, str, int]]:
        """Returns (name, label, count) of each count of a site, the most important first."""
        found = asdict(totals)
        shown = ("here", "seen", "registered", "not_registered", "waiting", "not_seen", "visitors")
        return [(name, self(f"total.{name}"), found[name]) for name in shown]

    def reasons(self, day: SiteDay) -> list[tuple[str, int]]:
        """Returns why people are not registered, each with how many."""
        return [(self.why(one), count) for one, count in day.unregistered()]

    # ------------------------------------------------------------ one person

    def kind(self, one: DayPerson) -> str:
        """Returns what he is on the site."""
        return self.any(f"people.kinds.{one.kind}")

    def came(self, one: DayPerson, day: date) -> str:
        """Returns his first way in."""
        if one.stay is None:
            return self("not_seen")
        return "–" if one.stay.in_ms is None else clock_text(one.stay.in_ms, self.language, day)

    def left(self, one: DayPerson, day: date) -> str:
        """Returns his last way out, or that he is still here, or that none was seen."""
        if one.stay is None:
            return "–"
        if one.stay.here:
            return self("still_here")
        if one.stay.out_ms is None:
            return self("no_way_out")
        return clock_text(one.stay.out_ms, self.language, day)

    def standing(self, one: DayPerson) -> str:
        """Returns in one word where he stands."""
        return self(f"standing.{one.standing}")

    def why(self, one: DayPerson) -> str:
        """Returns in plain words why he has no number."""
        return self.board.why(one.row.deciding)

    def registration(self, one: DayPerson, row: RegistrationRow, day: date) -> str:
        """Returns one registration: way, number, when, state."""
        parts = [self.way(row)]
        if row.number is not None:
            parts.append(self("receipt", number=row.number))
        if row.number is None or row.state is not State.REGISTERED:
            parts.append(self.board.state(row))
        at_ms = one.numbered_ms.get(row.reference)
        if at_ms is not None and row.number is not None:
            parts.append(self("numbered_at", time=clock_text(at_ms, self.language, day)))
        if row.day != day.isoformat():
            parts.append(self("for_day", day=day_text(date.fromisoformat(row.day), self.language)))
        return " · ".join(part for part in parts if part)

    def way(self, row: RegistrationRow) -> str:
        """Returns which way an act of the in/out regime went; empty in the day regime."""
        return self(f"way.{row.direction}") if row.direction in ("in", "out") else ""

    def remark(self, one: DayPerson) -> str:
        """Returns what is to be said of him: why no number, and what the authority remarks."""
        said = [self.why(one)] if one.standing in (Standing.ACTION, Standing.WAITING) else []
        for row in one.row.counting:
            said += self.answers(row)
        return " ".join(dict.fromkeys(part for part in said if part))

    def answers(self, row: RegistrationRow) -> list[str]:
        """Returns the remarks of the authority, in plain words where these are known."""
        told = [f"{code} {meaning}".strip() for code, meaning in row.errors]
        return told + [remark_text(self, remark) for remark in row.remarks]

    def cells(self, one: DayPerson, day: date) -> list[str]:
        """Returns the cells of his row, one for each of `COLUMNS`; several lines in a cell."""
        registrations = [self.registration(one, row, day) for row in one.registrations]
        if not registrations and one.standing is not Standing.VISITOR:
            registrations = [self.board.state(None)]
        return [
            one.name,
            self.kind(one),
            one.masked or "–",
            self.came(one, day),
            self.left(one, day),
            "\n".join([self.standing(one), *registrations]),
            self.remark(one) or "–",
        ]

    def columns(self) -> list[str]:
        """Returns the headings of `COLUMNS`."""
        return [self(f"column.{name}") for name in COLUMNS]

    # ------------------------------------------------------------ files

    def file_columns(self) -> list[str]:
        """Returns the headings of `FILE_COLUMNS`."""
        return [self(f"column.{name}") for name in FILE_COLUMNS]

    def file_rows(self, days: Sequence[SiteDay], iso: bool) -> list[list[str]]:
        """Returns the rows of a workbook or CSV file.

        Args:
            iso: days and moments as ISO 8601 instead of in the form of the language.
        """
        return [
            self._file_row(day, company, one, row, iso)
            for day in days
            for company, one in _everybody(day)
            for row in (one.registrations or (None,))
        ]

    def _file_row(
        self,
        day: SiteDay,
        company: DayCompany | None,
        one: DayPerson,
        row: RegistrationRow | None,
        iso: bool,
    ) -> list[str]:
        def moment(at_ms: int | None) -> str:
            if at_ms is None:
                return ""
            return iso_text(at_ms) if iso else moment_text(at_ms, self.language)

        def date_of(of: date) -> str:
            return of.isoformat() if iso else day_text(of, self.language)

        level = "" if company is None or company.level is None else str(company.level)
        stay = one.stay
        return [
            day.site,
            date_of(day.day),
            row.works_number if row is not None else one.works_number,
            one.company_number if iso else number_text(one.company_number),
            one.company,
            level,
            company.above_name if company is not None else "",
            one.row.family_name,
            one.row.given_name,
            self.kind(one),
            one.masked,
            moment(stay.in_ms if stay else None),
            moment(stay.out_ms if stay else None),
            self("yes" if one.here else "no"),
            self.standing(one),
            self.way(row) if row is not None else "",
            self.board.state(row) if row is not None or stay else "",
            str(row.number) if row is not None and row.number is not None else "",
            moment(row.tap_ms if row is not None else None),
            moment(one.numbered_ms.get(row.reference) if row is not None else None),
            self.remark(one),
        ]


def _everybody(day: SiteDay) -> Iterator[tuple[DayCompany | None, DayPerson]]:
    for company in day.companies:
        for one in company.people:
            yield company, one
    for one in day.visitors:
        yield None, one
