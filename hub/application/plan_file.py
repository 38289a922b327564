"""The plan as it is handed in: who, on which days, under which works number.

One row is one person on one day or on each day of a range. This module reads what is written and
says what cannot be understood, row by row; what the register thinks of it is asked afterwards
(`hub.application.planning`). Any bytes and any JSON give rows or problems, never an exception, and
a problem never holds the content of a cell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, TypeVar, cast

from hub.application.people_file import read_day, spoiled_number, would_parse
from hub.application.people_table import Problem, Severity, clean
from hub.application.plan_table import COLUMNS, PERSON_COLUMNS, PlanCells, read_plan_table
from hub.application.workbook import Cell
from hub.domain.identifiers import (
    BadgeUid,
    CompanyNumber,
    IdentifierError,
    Inss,
    Limosa,
    WorksNumber,
    parse_badge_uid,
    parse_company_number,
    parse_inss,
    parse_limosa,
    parse_works_number,
)
from hub.domain.plan import DAYS_AHEAD_MAX

N = TypeVar("N")

ENTRIES_MAX: Final = 100_000
"""Most planned days (rows times days) of one file; 20,000 people for a working week."""

TODAY_WORDS: Final = frozenset({"today", "vandaag", "aujourd'hui", "aujourd’hui", "heute"})
TOMORROW_WORDS: Final = frozenset({"tomorrow", "morgen", "demain"})

_CELL_MAX: Final = 40
_WHOLE_FILE: Final = frozenset(
    {f"IMP-{number}" for number in (1001, 1002, 1003, 1006, 1007, 1008, 1009, 1012)}
    | {f"IMP-{number}" for number in (5001, 5002, 5003)}
)
_NUMBERS: Final = (*PERSON_COLUMNS, "works_number", "company_number")


@dataclass(frozen=True, slots=True, repr=False)
class PlanRow:
    """One row of a plan, every value readable. The `repr` shows the row number only.

    Args:
        row: row number as a spreadsheet shows it; for JSON, the place in the list from 1.
        person: how the person is named: by one number or by a badge.
        days: the Brussels days, in order.
        works_number: None when the person's only assignment is meant.
        company_number: the employer the writer believes the person has; None when not given.
    """

    row: int
    person: Inss | Limosa | BadgeUid
    days: tuple[date, ...]
    works_number: WorksNumber | None = None
    company_number: CompanyNumber | None = None

    def __repr__(self) -> str:
        return f"PlanRow({self.row})"


@dataclass(frozen=True, slots=True)
class PlanFile:
    """A plan as it was read.

    Args:
        rows: the rows that can be understood.
        problems: in the order of the rows.
        row_count: rows read, headings and blank rows not counted.
    """

    rows: tuple[PlanRow, ...]
    problems: tuple[Problem, ...]
    row_count: int

    @property
    def unreadable(self) -> bool:
        """Whether something is wrong with the file as a whole, so that no row can be trusted."""
        return any(entry.code in _WHOLE_FILE for entry in self.problems)


def read_plan_file(data: bytes, today: date) -> PlanFile:
    """Returns the rows of a CSV file or a spreadsheet, and everything that cannot be understood.

    Args:
        data: the bytes of the file, any bytes at all.
        today: Brussels day, for `today`, `tomorrow` and birth dates in the future.
    """
    table, problems = read_plan_table(data)
    return _read(table, problems, today)


def read_plan_list(entries: object, today: date) -> PlanFile:
    """Returns the rows of a list of JSON objects with the columns of a plan file as their keys.

    Args:
        entries: what a JSON parser returned, anything at all.
        today: as for `read_plan_file`.
    """
    problems: list[Problem] = []
    table: list[PlanCells] = []
    if not isinstance(entries, list):
        return PlanFile((), (Problem(None, None, Severity.ERROR, "IMP-1012"),), 0)
    listed = cast("list[object]", entries)
    for number, entry in enumerate(listed, start=1):
        cells = _json_cells(entry)
        if cells is None:
            values = (("columns", ", ".join(COLUMNS)),)
            problems.append(Problem(number, None, Severity.ERROR, "IMP-5028", values))
        else:
            table.append(PlanCells(number, cells))
    if not listed:
        problems.append(Problem(None, None, Severity.ERROR, "IMP-1012"))
    found = _read(table, problems, today)
    return PlanFile(found.rows, found.problems, len(listed))


def _json_cells(entry: object) -> Mapping[str, Cell] | None:
    """The cells of an entry; None when it is no object of known, textual values."""
    if not isinstance(entry, dict):
        return None
    given = cast("dict[str, Any]", entry)
    if not set(given) <= set(COLUMNS):
        return None
    cells: dict[str, Cell] = {}
    for column in COLUMNS:
        value = given.get(column)
        if value is None:
            cells[column] = Cell("")
        elif isinstance(value, str):
            cells[column] = Cell(clean(value))
        elif isinstance(value, int | float) and not isinstance(value, bool):
            # As in a spreadsheet: a number has lost its zeros, and a long one its last digits.
            cells[column] = Cell("0", "number")
        else:
            return None
    return cells


def _read(table: list[PlanCells], problems: list[Problem], today: date) -> PlanFile:
    reading = _Reading(today, problems)
    rows = [row for cells in table if (row := reading.row(cells)) is not None]
    problems.sort(key=lambda entry: entry.row or 0)
    return PlanFile(tuple(rows), tuple(problems), len(table))


class _Reading:
    """One pass over the rows."""

    def __init__(self, today: date, problems: list[Problem]) -> None:
        self._today = today
        self._problems = problems
        self._row = 0
        self._wrong = False
        self._entries = 0

    def row(self, given: PlanCells) -> PlanRow | None:
        """Returns the row; None when a cell of it is wrong."""
        self._row, self._wrong = given.number, False
        cells = {column: self._readable(column, given.cells[column]) for column in COLUMNS}
        person = self._person(given.cells, cells)
        works = self._number("works_number", cells, parse_works_number)
        company = self._number("company_number", cells, parse_company_number)
        days = self._days(given.cells, cells)
        if self._wrong or person is None or not days:
            return None
        self._entries += len(days)
        if self._entries > ENTRIES_MAX:
            self._add(None, "IMP-5010", limit=ENTRIES_MAX)
            return None
        return PlanRow(given.number, person, days, works, company)

    def _add(self, column: str | None, code: str, **values: object) -> None:
        self._note(column, code, values)

    def _note(self, column: str | None, code: str, values: Mapping[str, object]) -> None:
        self._wrong = True
        entry = Problem(self._row, column, Severity.ERROR, code, tuple(sorted(values.items())))
        self._problems.append(entry)

    def _readable(self, column: str, cell: Cell) -> str:
        """The text of a cell, or the empty text with its problem."""
        if cell.kind == "number" and column in _NUMBERS:
            self._add(column, "IMP-5011")
        elif len(cell.text) > _CELL_MAX:
            self._add(column, "IMP-2002", found=len(cell.text), limit=_CELL_MAX)
        elif not cell.text.isprintable():
            self._add(column, "IMP-2003")
        else:
            return cell.text
        return ""

    def _person(
        self, given: Mapping[str, Cell], cells: Mapping[str, str]
    ) -> Inss | Limosa | BadgeUid | None:
        named = [column for column in PERSON_COLUMNS if given[column].text]
        if len(named) != 1:
            self._add(None, "IMP-5004")
            return None
        if named == ["limosa"]:
            return self._number("limosa", cells, parse_limosa)
        if named == ["badge_uid"]:
            return self._number("badge_uid", cells, parse_badge_uid)
        return self._number("inss", cells, lambda text: parse_inss(text, self._today))

    def _number(self, column: str, cells: Mapping[str, str], parse: Callable[[str], N]) -> N | None:
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
                self._note(column, fault.code, fault.extra)
            return None

    def _days(self, given: Mapping[str, Cell], cells: Mapping[str, str]) -> tuple[date, ...]:
        one = bool(given["day"].text)
        ends = [column for column in ("from", "until") if given[column].text]
        if (one and ends) or (not one and len(ends) != 2):
            self._add("day", "IMP-5006")
            return ()
        if one:
            day = self._day("day", given["day"], cells)
            return () if day is None else (day,)
        first = self._day("from", given["from"], cells)
        last = self._day("until", given["until"], cells)
        if first is None or last is None:
            return ()
        if last < first:
            self._add("until", "IMP-5007")
            return ()
        if (last - first).days > DAYS_AHEAD_MAX:
            self._add("until", "IMP-5008", limit=DAYS_AHEAD_MAX)
            return ()
        return tuple(first + timedelta(days=n) for n in range((last - first).days + 1))

    def _day(self, column: str, cell: Cell, cells: Mapping[str, str]) -> date | None:
        text = cells[column].casefold()
        if not text:
            return None  # said already
        if text in TODAY_WORDS:
            day = self._today
        elif text in TOMORROW_WORDS:
            day = self._today + timedelta(days=1)
        else:
            day = read_day(text) if cell.kind in ("text", "day") else None
        if day is None:
            self._add(column, "IMP-5005")
        elif (day - self._today).days > DAYS_AHEAD_MAX:
            self._add(column, "IMP-5008", limit=DAYS_AHEAD_MAX)
            return None
        return day
