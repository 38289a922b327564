"""From the bytes of a CSV file or a workbook to rows of cells and a choice of columns.

What office programs really produce is taken: comma or semicolon, a byte order mark, trailing empty
cells, blank rows, workbooks of several sheets. What would be guessed wrong in silence is refused
with its remedy. A heading or a cell is never quoted in a problem, because a file without its first
row has people there.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from hub.application.people_headings import COLUMNS, UNREAD, recognise
from hub.application.people_numbers import amount_text
from hub.application.people_table import (
    MEGABYTES_MAX,
    ROWS_MAX,
    WORKBOOKS,
    Problem,
    Severity,
    clean,
    column_letter,
    csv_records,
    decode,
)
from hub.application.workbook import Cell, WorkbookError, read_one_sheet

CELLS_MAX: Final = 60
"""Most columns of a sheet that are looked at."""

Columns = tuple[str | None, ...]
"""For each column of a sheet: one of COLUMNS, UNREAD, or None when nobody said yet."""


@dataclass(frozen=True, slots=True, repr=False)
class Sheet:
    """A sheet as it was read. Its `repr` shows no cell.

    Args:
        headings: the first row that holds something.
        heading_row: its number as a spreadsheet shows it.
        records: number and cells of each further row that is not blank.
        problems: what is wrong with the file; rows that follow it cannot be trusted.
        names: all sheets of the workbook; empty for a CSV file.
        name: which of them this is.
    """

    headings: tuple[str, ...] = ()
    heading_row: int = 1
    records: tuple[tuple[int, list[Cell]], ...] = ()
    problems: tuple[Problem, ...] = ()
    names: tuple[str, ...] = ()
    name: str = ""

    def __repr__(self) -> str:
        return f"Sheet({len(self.records)})"


@dataclass(frozen=True, slots=True, repr=False)
class TableRow:
    """One row with its cells by column; a cell the file leaves out is empty."""

    number: int
    cells: Mapping[str, Cell]

    def __repr__(self) -> str:
        return f"TableRow({self.number})"


@dataclass(slots=True)
class _Faults:
    problems: list[Problem] = field(default_factory=list)

    def __call__(self, code: str, row: int | None = None, /, **values: object) -> None:
        told = tuple(sorted(values.items()))
        self.problems.append(Problem(row, None, Severity.ERROR, code, told))


def read_sheet(data: bytes, sheet: str | None = None) -> Sheet:
    """Returns the rows of a file, or what is wrong with it.

    Args:
        data: any bytes at all.
        sheet: name of the sheet of a workbook; None: the first one that holds something.
    """
    error = _Faults()
    if data.startswith(WORKBOOKS) and len(data) <= MEGABYTES_MAX * 1_000_000:
        return _from_workbook(data, sheet, error)
    records: list[tuple[int, list[Cell]]] = []
    text = decode(data, error)
    if text is not None:
        number = 0
        try:
            for number, row in csv_records(text):
                if len(records) > ROWS_MAX:
                    error("IMP-1007", limit=ROWS_MAX)
                    break
                records.append((number, [Cell(cell) for cell in row]))
        except csv.Error:
            # Its message may quote the file; the row says enough.
            error("IMP-1009", number + 1, row=number + 1)
    return _sheet(records, error, (), "")


def _from_workbook(data: bytes, sheet: str | None, error: _Faults) -> Sheet:
    try:
        found = read_one_sheet(data, ROWS_MAX + 1, CELLS_MAX, sheet)
    except WorkbookError as fault:
        error("IMP-1013" if fault.reason == "sheet" else "IMP-1010", reason=fault.reason)
        return Sheet(problems=tuple(error.problems))
    records: list[tuple[int, list[Cell]]] = []
    for number, row in enumerate(found.rows, start=1):
        cells = [Cell(clean(cell.text), cell.kind) for cell in row]
        if any(cell.text for cell in cells):
            records.append((number, cells))
    if found.more:
        error("IMP-1007", limit=ROWS_MAX)
    return _sheet(records, error, found.sheets, found.sheet)


def _sheet(
    records: list[tuple[int, list[Cell]]], error: _Faults, names: tuple[str, ...], name: str
) -> Sheet:
    if not records:
        if not error.problems:
            error("IMP-1001")
        return Sheet(problems=tuple(error.problems), names=names, name=name)
    number, first = records[0]
    headings = [cell.text for cell in first]
    while headings and not headings[-1]:
        headings.pop()
    if len(records) == 1 and not error.problems:
        error("IMP-1012")
    return Sheet(tuple(headings), number, tuple(records[1:]), tuple(error.problems), names, name)


def columns_of(sheet: Sheet) -> Columns:
    """Returns what the headings mean, as far as they are known; see `recognise`."""
    return tuple(recognise(sheet.headings))


def column_faults(sheet: Sheet, columns: Columns, required: Sequence[str]) -> list[Problem]:
    """Returns what keeps these columns from being read: unknown, twice, or missing.

    Args:
        columns: one for each heading.
        required: those that must be there; `a / b` asks for one of several.
    """
    faults: list[Problem] = []

    def fault(code: str, **values: object) -> None:
        told = tuple(sorted(values.items()))
        faults.append(Problem(sheet.heading_row, None, Severity.ERROR, code, told))

    plain_columns = recognise(sheet.headings)
    for index, column in enumerate(columns):
        if column and column in columns[:index]:
            fault("IMP-1006", letter=column_letter(index))
        elif column is None and _again(sheet, index, plain_columns):
            fault("IMP-1006", letter=column_letter(index))
        elif column is None:
            fault("IMP-1004", letter=column_letter(index), columns=", ".join(COLUMNS))
    missing = [
        wanted for wanted in required if not any(one in columns for one in wanted.split(" / "))
    ]
    if missing:
        fault("IMP-1005", missing=", ".join(missing))
    return faults


def _again(sheet: Sheet, index: int, recognised: Sequence[str | None]) -> bool:
    """Whether the heading is known and was left out because an earlier one means the same."""
    alone = recognise([sheet.headings[index]])[0]
    return bool(alone) and alone in recognised[:index]


def table_rows(sheet: Sheet, columns: Columns) -> tuple[list[TableRow], list[Problem]]:
    """Returns the cells of each row by column, and the rows that have more cells than headings.

    Args:
        columns: one for each heading, none of them None.
    """
    places = {column: index for index, column in enumerate(columns) if column}
    empty = Cell("")
    rows: list[TableRow] = []
    problems: list[Problem] = []
    for number, cells in sheet.records:
        if any(cell.text for cell in cells[len(columns) :]):
            values = (("expected", len(columns)), ("found", len(cells)))
            problems.append(Problem(number, None, Severity.ERROR, "IMP-1011", values))
            continue
        given = {
            column: cells[index] if index < len(cells) else empty
            for column, index in places.items()
        }
        rows.append(TableRow(number, {column: given.get(column, empty) for column in COLUMNS}))
    return rows, problems


def sample(sheet: Sheet, index: int, count: int = 3) -> list[str]:
    """Returns the first different values of a column for the eye; digits are masked.

    Args:
        index: of the column, from 0.
        count: most values.
    """
    seen: list[str] = []
    for _, cells in sheet.records:
        if index < len(cells) and cells[index].text:
            cell = cells[index]
            text = amount_text(cell.text) if cell.kind == "number" else cell.text
            shown = _masked(text)[:24]
            if shown not in seen:
                seen.append(shown)
            if len(seen) == count:
                break
    return seen


def _masked(text: str) -> str:
    """Hides what looks like a number of a person, a company or a card, but for its beginning."""
    if sum(sign.isdigit() for sign in text) < 5:
        return text
    return text[:2] + "".join(sign if not sign.isalnum() else "*" for sign in text[2:])


def unread(columns: Columns) -> int:
    """Returns how many columns are not read."""
    return sum(column == UNREAD for column in columns)
