"""The people file: companies, people and badges from a spreadsheet or CSV file, checked whole.

Nothing is written here, and nothing is asked of the register but what `Rules` says: what the reader
may write about. A file with one error yields its problems and no row to write as a whole; the rows
without an error are told apart, for whoever chooses to take those only. What each cell may hold is
described in `docs/people-file.md`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Final, TypeVar

from hub.application.people_headings import (
    COLUMNS,
    KINDS,
    UNREAD,
    UNREGISTERED_KINDS,
    read_kind,
)
from hub.application.people_numbers import (
    NUMBER_COLUMNS,
    amount_text,
    spoiled_number,
    written_number,
)
from hub.application.people_rows import PeopleFile, PersonRow, Rules
from hub.application.people_sheet import (
    Columns,
    Sheet,
    TableRow,
    column_faults,
    columns_of,
    read_sheet,
    table_rows,
)
from hub.application.people_table import ROWS_MAX, Problem, Severity
from hub.application.workbook import Cell
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
    "Rules",
    "Severity",
    "check_people",
    "read_people_file",
    "spoiled_number",
]

N = TypeVar("N")

EXAMPLE_NAMES: Final = ("Exemple", "Voorbeeld", "Beispiel", "Example")
"""Family name of the person in the row that a template shows; that row is left out."""

EXAMPLE_INSS: Final = "85.03.12-997.61"

_TEXT_MAX: Final = {"site": 80, "company_name": 120, "family_name": 80, "given_name": 80}
_NUMBER_MAX: Final = 40
ENDS: Final = ("from", "until")
_DAYS: Final = frozenset({"valid_from", "valid_until", "limosa_from", "limosa_until"})

# Country code and something: the national part differs in each country and is not checked.
_FOREIGN_VAT: Final = re.compile(r"[A-Z]{2}[A-Z0-9+*]{2,18}")
_ISO_DAY: Final = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?: 00:00(?::00)?)?", re.ASCII)
_BELGIAN_DAY: Final = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})", re.ASCII)


def read_people_file(data: bytes, today: date) -> PeopleFile:
    """Returns the people of a file, or everything that is wrong with it, and writes nothing.

    Args:
        data: the bytes of the file, any bytes at all.
        today: Brussels day, for birth dates in the future and badges that have ended.
    """
    sheet = read_sheet(data)
    return check_people(sheet, columns_of(sheet), today, Rules())


def check_people(sheet: Sheet, columns: Columns, today: date, rules: Rules) -> PeopleFile:
    """Returns the people of a sheet, and everything that is wrong with it.

    Args:
        sheet: as it was read.
        columns: what each of its columns is.
        today: Brussels day, for birth dates in the future and badges that have ended.
        rules: what the file may say.
    """
    faults = [*sheet.problems]
    if sheet.headings:
        faults += column_faults(sheet, columns, rules.required)
        if rules.works is not None and rules.needs_works and "works_number" not in columns:
            # Said once, and not for each row.
            told = (("works", ", ".join(rules.works) or "-"),)
            faults.append(Problem(sheet.heading_row, None, Severity.ERROR, "IMP-2024", told))
    if not sheet.headings or any(entry.row == sheet.heading_row for entry in faults):
        return PeopleFile((), tuple(faults), 0)
    table, problems = table_rows(sheet, tuple(column or UNREAD for column in columns))
    reading = _Reading(today, problems, rules)
    people = [person for row in table if (person := reading.person(row)) is not None]
    good = () if faults else tuple(people)
    problems += faults
    problems.sort(key=lambda entry: entry.row or 0)
    refused = any(entry.severity == Severity.ERROR for entry in problems)
    return PeopleFile(() if refused else good, tuple(problems), len(sheet.records), good)


class _Reading:
    """One pass over the rows: collects the problems and what earlier rows have claimed."""

    def __init__(self, today: date, problems: list[Problem], rules: Rules) -> None:
        self._today = today
        self._problems = problems
        self._rules = rules
        self._row = 0
        self._badges: dict[BadgeUid, int] = {}
        self._people: dict[Inss | Limosa, int] = {}
        self._companies: dict[CompanyNumber, tuple[str, int]] = {}
        self._works: dict[WorksNumber, tuple[str, int]] = {}

    def person(self, row: TableRow) -> PersonRow | None:
        """Returns the person of a row; None when a cell of it is wrong."""
        self._row = row.number
        before = len(self._problems)
        if _is_example(row):
            self._add(None, "IMP-2022", Severity.WARNING)
            return None
        cells = {column: self._readable(column, row.cells[column]) for column in COLUMNS}
        kind = self._kind(cells["kind"])
        works = self._works_number(cells, row)
        company = self._company(cells, row)
        user = self._user(cells, kind)
        inss = self._number("inss", cells, lambda text: parse_inss(text, self._today))
        limosa = self._number("limosa", cells, parse_limosa)
        badge = self._number("badge_uid", cells, parse_badge_uid)
        language = self._language(cells["language"])
        valid_from, valid_until = self._period("valid", cells, "IMP-2006")
        limosa_from, limosa_until = self._period("limosa", cells, "IMP-2012")
        badge_state = self._badge_state(cells["badge_state"])
        foreign_vat = self._foreign_vat(cells["foreign_vat"])
        # Said once for each works number: it stands on every row of a site.
        for code in works_number_doubts(works) if works and works not in self._works else ():
            self._add("works_number", code, Severity.WARNING)
        for code in limosa_doubts(limosa.reveal()) if limosa else ():
            self._add("limosa", code, Severity.WARNING)
        if kind not in UNREGISTERED_KINDS:
            self._identity(row.cells)
        site = cells["site"] if self._rules.needs_site else ""
        self._claims(site, works, company, cells["company_name"], inss, limosa, badge)
        if works is None or self._has_error_since(before):
            return None
        return PersonRow(
            row=row.number,
            site=site,
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
            kind=kind,
            user_company_number=user,
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

    def _readable(self, column: str, cell: Cell) -> str:
        """The cell, or the empty text with its problem when it is missing, too long or unclean."""
        if not cell.text:
            if self._is_required(column):
                self._add(column, "IMP-2001")
            return ""
        limit = _TEXT_MAX.get(column, _NUMBER_MAX)
        text = cell.text
        if cell.kind == "number" and column not in NUMBER_COLUMNS and column not in _DAYS:
            text = amount_text(text)
        if len(text) > limit:
            self._add(column, "IMP-2002", found=len(text), limit=limit)
        elif not text.isprintable():
            self._add(column, "IMP-2003")
        elif column in NUMBER_COLUMNS:
            number, spoiled = written_number(column, cell)
            if spoiled is not None:
                self._add(column, spoiled)
            return number
        elif column in _DAYS and cell.kind in ("number", "other"):
            self._add(column, "IMP-2005")
        else:
            return text
        return ""

    def _is_required(self, column: str) -> bool:
        match column:
            case "family_name" | "given_name":
                return True
            case "site":
                return self._rules.needs_site
            case "works_number":
                return self._rules.works is None
            case "language":
                return not self._rules.language
            case _:
                return False

    def _number(self, column: str, cells: dict[str, str], parse: Callable[[str], N]) -> N | None:
        text = cells[column]
        if not text:
            return None
        try:
            return parse(text)
        except IdentifierError as fault:
            if column == "inss" and would_parse(parse, text.zfill(11)):
                self._add(column, "IMP-2009", found=len(text), expected=11)
            else:
                self._note(column, fault.code, Severity.ERROR, fault.extra)
            return None

    def _works_number(self, cells: dict[str, str], row: TableRow) -> WorksNumber | None:
        allowed = self._rules.works
        if allowed is not None and not row.cells["works_number"].text:
            if len(allowed) == 1:
                return WorksNumber(allowed[0])
            self._add("works_number", "IMP-2024", works=", ".join(allowed) or "-")
            return None
        number = self._number("works_number", cells, parse_works_number)
        if number is not None and allowed is not None and number not in allowed:
            self._add("works_number", "IMP-2025", works=", ".join(allowed) or "-")
            return None
        return number

    def _company(self, cells: dict[str, str], row: TableRow) -> CompanyNumber | None:
        own = self._rules.own_company
        if own is not None and not row.cells["company_number"].text:
            return own
        number = self._number("company_number", cells, parse_employer_number)
        if number is not None and own is not None and number != own:
            self._add("company_number", "IMP-2023")
            return None
        return number

    def _user(self, cells: dict[str, str], kind: str) -> CompanyNumber | None:
        number = self._number("user_company_number", cells, parse_employer_number)
        if number is None:
            return None
        if self._rules.users is not None and number not in self._rules.users:
            self._add("user_company_number", "IMP-2026")
            return None
        if kind != "agency":
            self._add("user_company_number", "IMP-2027", Severity.WARNING)
            return None
        return number

    def _kind(self, text: str) -> str:
        if not text:
            return ""
        kind = read_kind(text)
        if kind is None:
            self._add("kind", "IMP-2028", kinds=", ".join(KINDS))
        return kind or ""

    def _language(self, text: str) -> str:
        code = text.casefold() or self._rules.language
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

    def _period(
        self, name: str, cells: dict[str, str], past: str
    ) -> tuple[date | None, date | None]:
        """First and last day, with a warning when the last one is past."""
        first, last = (self._day(f"{name}_{end}", cells[f"{name}_{end}"]) for end in ENDS)
        if first and last and first > last:
            self._add(f"{name}_from", "IMP-2010")
        elif last and last < self._today:
            self._add(f"{name}_until", past, Severity.WARNING)
        return first, last

    def _day(self, column: str, text: str) -> date | None:
        if not text:
            return None
        day = read_day(text)
        if day is None:
            self._add(column, "IMP-2005")
        return day

    def _identity(self, cells: Mapping[str, Cell]) -> None:
        """Limosa alone, or INSS and company; judged by what was written, right or wrong."""
        written = {column for column, cell in cells.items() if cell.text}
        has_company = "company_number" in written or self._rules.own_company is not None
        if "limosa" in written:
            if "inss" in written:
                self._add("limosa", "IMP-4003", Severity.WARNING)
        elif "inss" not in written:
            self._add("inss", "IMP-4001")
        elif not has_company:
            self._add("company_number", "IMP-4002")
        if "company_name" in written and not has_company and "limosa" in written:
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


def parse_employer_number(text: str) -> CompanyNumber:
    """Returns an enterprise number, or the VAT number of a foreign company.

    Raises:
        IdentifierError: as `parse_company_number`; IMP-2013 for letters that are no VAT number.
    """
    number = re.sub(r"[\s.\-/]", "", text).upper()
    if not number[:2].isalpha() or number.startswith("BE"):
        return parse_company_number(text)
    if not _FOREIGN_VAT.fullmatch(number):
        raise IdentifierError("IMP-2013")
    return CompanyNumber(number)


def _is_example(row: TableRow) -> bool:
    """Whether it is the row that a template shows, left where it was."""
    return row.cells["family_name"].text in EXAMPLE_NAMES and row.cells["inss"].text == EXAMPLE_INSS


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
