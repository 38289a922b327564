"""The people file: sites, works, companies, people and badges from a CSV file, checked whole.

Nothing is written here. A file with one error yields its problems and no row at all, so that a
caller has nothing it could write by mistake: a half-imported list is worse than a refused one. What
each cell may hold is described in `docs/people-file.md`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, TypeVar

from hub.application.people_table import (
    COLUMNS,
    ROWS_MAX,
    Problem,
    Severity,
    TableRow,
    read_table,
)
from hub.domain.badges import LANGUAGE_CODES, STATES
from hub.domain.identifiers import (
    BadgeUid,
    CompanyNumber,
    IdentifierError,
    Inss,
    Limosa,
    WorksNumber,
    limosa_doubts,
    parse_badge_uid,
    parse_company_number,
    parse_inss,
    parse_limosa,
    parse_works_number,
    works_number_doubts,
)

__all__ = [
    "COLUMNS",
    "ROWS_MAX",
    "PeopleFile",
    "PersonRow",
    "Problem",
    "Severity",
    "read_people_file",
]

N = TypeVar("N")

_TEXT_MAX: Final = {"site": 80, "company_name": 120, "family_name": 80, "given_name": 80}
_NUMBER_MAX: Final = 40
_REQUIRED: Final = ("site", "works_number", "family_name", "given_name", "badge_uid", "language")

# 8,5E+10 and the like. A UID may read 1234E567, so there only a plus or a decimal mark convicts.
_ROUNDED: Final = re.compile(r"\d+(?:[.,]\d+)?[eE]\+?\d+")
_ROUNDED_UID: Final = re.compile(r"\d+(?:[.,]\d+[eE]\+?|[eE]\+)\d+")
_DECIMAL: Final = re.compile(r"\d+[.,]0+")
# Country code and something: the national part differs in each country and is not checked.
_FOREIGN_VAT: Final = re.compile(r"[A-Z]{2}[A-Z0-9+*]{2,18}")
_ISO_DAY: Final = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?: 00:00(?::00)?)?", re.ASCII)
_BELGIAN_DAY: Final = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})", re.ASCII)


@dataclass(frozen=True, slots=True, repr=False)
class PersonRow:
    """One person with one badge, every value checked. The `repr` shows the row number only.

    Args:
        row: row number as a spreadsheet shows it.
        company_number: employer; None only for a person with a Limosa number.
        company_name: may be empty.
        inss: with `company_number`; None for a person named by Limosa alone.
        limosa: when given, the only number that is sent.
        language: one of `hub.domain.badges.LANGUAGE_CODES`.
        valid_until: last Brussels day on which the badge opens; None = no end.
        valid_from: first Brussels day on which it opens; None = always.
        badge_state: a state of `hub.domain.badges`; empty = as it is, open when it is new.
        limosa_from, limosa_until: first and last Brussels day of the Limosa declaration; None =
            not said.
        foreign_vat: VAT number of a foreign employer; empty = not said.
    """

    row: int
    site: str
    works_number: WorksNumber
    company_number: CompanyNumber | None
    company_name: str
    family_name: str
    given_name: str
    inss: Inss | None
    limosa: Limosa | None
    badge_uid: BadgeUid
    language: str
    valid_until: date | None
    valid_from: date | None = None
    badge_state: str = ""
    limosa_from: date | None = None
    limosa_until: date | None = None
    foreign_vat: str = ""

    def __repr__(self) -> str:
        return f"PersonRow({self.row})"


@dataclass(frozen=True, slots=True)
class PeopleFile:
    """A people file as it was read.

    Args:
        rows: the people; empty when there is any error.
        problems: in the order of the rows.
        row_count: rows read, headings and blank rows not counted.
    """

    rows: tuple[PersonRow, ...]
    problems: tuple[Problem, ...]
    row_count: int

    @property
    def accepted(self) -> bool:
        """Whether the rows may be written: no error anywhere in the file."""
        return not self.errors

    @property
    def errors(self) -> tuple[Problem, ...]:
        """What must be corrected."""
        return tuple(entry for entry in self.problems if entry.severity == Severity.ERROR)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What looks wrong and is taken as it is."""
        return tuple(entry for entry in self.problems if entry.severity == Severity.WARNING)


def read_people_file(data: bytes, today: date) -> PeopleFile:
    """Returns the people of a file, or everything that is wrong with it, and writes nothing.

    Args:
        data: the bytes of the file, any bytes at all.
        today: Brussels day, for birth dates in the future and badges that have ended.
    """
    table, problems = read_table(data)
    reading = _Reading(today, problems)
    people = [person for row in table if (person := reading.person(row)) is not None]
    refused = any(entry.severity == Severity.ERROR for entry in problems)
    problems.sort(key=lambda entry: entry.row or 0)
    return PeopleFile(() if refused else tuple(people), tuple(problems), len(table))


class _Reading:
    """One pass over the rows: collects the problems and what earlier rows have claimed."""

    def __init__(self, today: date, problems: list[Problem]) -> None:
        self._today = today
        self._problems = problems
        self._row = 0
        self._badges: dict[BadgeUid, int] = {}
        self._people: dict[Inss | Limosa, int] = {}
        self._companies: dict[CompanyNumber, tuple[str, int]] = {}
        self._works: dict[WorksNumber, tuple[str, int]] = {}

    def person(self, row: TableRow) -> PersonRow | None:
        """Returns the person of a row; None when a cell of it is wrong."""
        self._row = row.number
        before = len(self._problems)
        cells = {column: self._readable(column, row.cells[column]) for column in COLUMNS}
        works = self._number("works_number", cells, parse_works_number)
        company = self._number("company_number", cells, parse_company_number)
        inss = self._number("inss", cells, lambda text: parse_inss(text, self._today))
        limosa = self._number("limosa", cells, parse_limosa)
        badge = self._number("badge_uid", cells, parse_badge_uid)
        language = self._language(cells["language"])
        valid_until = self._last_day(cells["valid_until"])
        valid_from = self._day("valid_from", cells["valid_from"])
        if valid_from and valid_until and valid_from > valid_until:
            self._add("valid_from", "IMP-2010")
        badge_state = self._badge_state(cells["badge_state"])
        limosa_from = self._day("limosa_from", cells["limosa_from"])
        limosa_until = self._day("limosa_until", cells["limosa_until"])
        if limosa_from and limosa_until and limosa_from > limosa_until:
            self._add("limosa_from", "IMP-2010")
        elif limosa_until and limosa_until < self._today:
            self._add("limosa_until", "IMP-2012", Severity.WARNING)
        foreign_vat = self._foreign_vat(cells["foreign_vat"])
        # Said once for each works number: it stands on every row of a site.
        for code in works_number_doubts(works) if works and works not in self._works else ():
            self._add("works_number", code, Severity.WARNING)
        for code in limosa_doubts(limosa.reveal()) if limosa else ():
            self._add("limosa", code, Severity.WARNING)
        self._identity(row.cells)
        self._claims(cells["site"], works, company, cells["company_name"], inss, limosa, badge)
        if works is None or badge is None or self._has_error_since(before):
            return None
        return PersonRow(
            row=row.number,
            site=cells["site"],
            works_number=works,
            company_number=company,
            company_name=cells["company_name"],
            family_name=cells["family_name"],
            given_name=cells["given_name"],
            inss=inss,
            limosa=limosa,
            badge_uid=badge,
            language=language,
            valid_until=valid_until,
            valid_from=valid_from,
            badge_state=badge_state,
            limosa_from=limosa_from,
            limosa_until=limosa_until,
            foreign_vat=foreign_vat,
        )

    def _add(
        self,
        column: str | None,
        code: str,
        severity: Severity = Severity.ERROR,
        **values: object,
    ) -> None:
        self._note(column, code, severity, values)

    def _note(
        self, column: str | None, code: str, severity: Severity, values: Mapping[str, object]
    ) -> None:
        entry = Problem(self._row, column, severity, code, tuple(sorted(values.items())))
        self._problems.append(entry)

    def _has_error_since(self, mark: int) -> bool:
        return any(entry.severity == Severity.ERROR for entry in self._problems[mark:])

    def _readable(self, column: str, cell: str) -> str:
        """The cell, or the empty text with its problem when it is missing, too long or unclean."""
        limit = _TEXT_MAX.get(column, _NUMBER_MAX)
        if not cell:
            if column in _REQUIRED:
                self._add(column, "IMP-2001")
        elif len(cell) > limit:
            self._add(column, "IMP-2002", found=len(cell), limit=limit)
        elif not cell.isprintable():
            self._add(column, "IMP-2003")
        else:
            return cell
        return ""

    def _number(self, column: str, cells: dict[str, str], parse: Callable[[str], N]) -> N | None:
        text = cells[column]
        if not text:
            return None
        spoiled = spoiled_number(column, text)
        if spoiled is not None:
            self._add(column, spoiled)
            return None
        try:
            return parse(text)
        except IdentifierError as fault:
            if column == "inss" and would_parse(parse, text.zfill(11)):
                self._add(column, "IMP-2009", found=len(text), expected=11)
            else:
                self._note(column, fault.code, Severity.ERROR, fault.extra)
            return None

    def _language(self, text: str) -> str:
        code = text.casefold()
        if code and code not in LANGUAGE_CODES:
            self._add("language", "IMP-2004", languages=", ".join(LANGUAGE_CODES))
        return code

    def _badge_state(self, text: str) -> str:
        state = text.casefold()
        if state and state not in STATES:
            self._add("badge_state", "IMP-2011", states=", ".join(STATES))
        return state

    def _foreign_vat(self, text: str) -> str:
        number = text.replace(" ", "").replace(".", "").upper()
        if number and not _FOREIGN_VAT.fullmatch(number):
            self._add("foreign_vat", "IMP-2013")
        return number

    def _last_day(self, text: str) -> date | None:
        last = self._day("valid_until", text)
        if last is not None and last < self._today:
            self._add("valid_until", "IMP-2006", Severity.WARNING)
        return last

    def _day(self, column: str, text: str) -> date | None:
        if not text:
            return None
        day = read_day(text)
        if day is None:
            self._add(column, "IMP-2005")
        return day

    def _identity(self, cells: Mapping[str, str]) -> None:
        """Limosa alone, or INSS and company; judged by what was written, right or wrong."""
        if cells["limosa"]:
            if cells["inss"]:
                self._add("limosa", "IMP-4003", Severity.WARNING)
        elif not cells["inss"]:
            self._add("inss", "IMP-4001")
        elif not cells["company_number"]:
            self._add("company_number", "IMP-4002")
        if cells["company_name"] and not cells["company_number"] and cells["limosa"]:
            self._add("company_name", "IMP-4008", Severity.WARNING)

    def _claims(
        self,
        site: str,
        works: WorksNumber | None,
        company: CompanyNumber | None,
        company_name: str,
        inss: Inss | None,
        limosa: Limosa | None,
        badge: BadgeUid | None,
    ) -> None:
        """What one row takes, no other row may take: badge, person, and the names of things."""
        if badge is not None:
            first = self._badges.setdefault(badge, self._row)
            if first != self._row:
                self._add("badge_uid", "IMP-4004", first_row=first)
        for column, person in (("inss", inss), ("limosa", limosa)):
            if person is not None:
                first = self._people.setdefault(person, self._row)
                if first != self._row:
                    self._add(column, "IMP-4005", first_row=first)
        if company is not None and company_name:
            name, first = self._companies.setdefault(company, (company_name, self._row))
            if name.casefold() != company_name.casefold():
                self._add("company_name", "IMP-4006", Severity.WARNING, first_row=first)
        if works is not None and site:
            name, first = self._works.setdefault(works, (site, self._row))
            if name != site:
                self._add("site", "IMP-4007", first_row=first)


def spoiled_number(column: str, text: str) -> str | None:
    """Returns the code of what a spreadsheet did to a number: rounded it, or made it a decimal."""
    if column == "works_number":
        return None
    rounded = _ROUNDED_UID if column == "badge_uid" else _ROUNDED
    if rounded.fullmatch(text):
        return "IMP-2007"
    return "IMP-2008" if _DECIMAL.fullmatch(text) else None


def read_day(text: str) -> date | None:
    """Returns the day of `2027-12-31` or `31/12/2027` (day first); None when it is no such day."""
    if match := _ISO_DAY.fullmatch(text):
        year, month, day = match.groups()
    elif match := _BELGIAN_DAY.fullmatch(text):
        day, month, year = match.groups()
    else:
        return None
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def would_parse(parse: Callable[[str], object], text: str) -> bool:
    """Returns whether the parser takes this text."""
    try:
        parse(text)
    except IdentifierError:
        return False
    return True
