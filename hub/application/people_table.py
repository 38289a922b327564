"""From the bytes of a CSV file to named cells, with every fault of the file itself explained.

What office programs really produce is taken: comma or semicolon, a byte order mark, trailing empty
cells, blank rows. What would be guessed wrong in silence is refused with its remedy: another
encoding, a workbook, a heading nobody knows. A heading or a cell is never quoted in a problem,
because a file without its first row has people there.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

COLUMNS: Final = (
    "site",
    "works_number",
    "company_number",
    "company_name",
    "family_name",
    "given_name",
    "inss",
    "limosa",
    "badge_uid",
    "language",
    "valid_until",
    "valid_from",
    "badge_state",
    "limosa_from",
    "limosa_until",
    "foreign_vat",
)
"""Headings of a people file, in any order; all but OPTIONAL_COLUMNS must be there."""

OPTIONAL_COLUMNS: Final = (
    "valid_from",
    "badge_state",
    "limosa_from",
    "limosa_until",
    "foreign_vat",
)

ROWS_MAX: Final = 20_000
MEGABYTES_MAX: Final = 20

WORKBOOKS: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""How a file of a spreadsheet begins: a ZIP archive, or an OLE document (before 2007)."""


class Severity(StrEnum):
    """An error stops the whole file; a warning is shown and the row is taken as it is."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a people file.

    Args:
        row: row number as a spreadsheet shows it, 1 = the headings; None = the whole file.
        column: heading of the column; None = the whole row.
        severity: whether it stops the import.
        code: entry of the error catalogue.
        values: what the texts mention; never the content of a cell.
    """

    row: int | None
    column: str | None
    severity: Severity
    code: str
    values: tuple[tuple[str, object], ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class TableRow:
    """One row with its cells by heading; a cell the file leaves out is the empty text."""

    number: int
    cells: Mapping[str, str]

    def __repr__(self) -> str:
        return f"TableRow({self.number})"


class NoteError(Protocol):
    """Notes an error of the file."""

    def __call__(self, code: str, row: int | None = None, /, **values: object) -> None: ...


def read_table(data: bytes) -> tuple[list[TableRow], list[Problem]]:
    """Returns the rows and what is wrong with the file; no rows when its headings are wrong.

    Args:
        data: the file as it was read, any bytes.
    """
    problems: list[Problem] = []

    def error(code: str, row: int | None = None, /, **values: object) -> None:
        problems.append(Problem(row, None, Severity.ERROR, code, tuple(sorted(values.items()))))

    text = decode(data, error)
    rows: list[TableRow] = []
    if text is None:
        return rows, problems
    records = csv_records(text)
    number = 0
    try:
        number, heading_cells = next(records, (0, []))
        if not heading_cells:
            error("IMP-1001")
            return rows, problems
        headings = _headings(heading_cells, number, error)
        if problems:
            return rows, problems
        for number, cells in records:
            if len(rows) == ROWS_MAX:
                error("IMP-1007", limit=ROWS_MAX)
                break
            if any(cells[len(headings) :]):
                error("IMP-1011", number, found=len(cells), expected=len(headings))
                continue
            padded = cells + [""] * (len(headings) - len(cells))
            given = dict(zip(headings, padded, strict=False))
            rows.append(TableRow(number, {column: given.get(column, "") for column in COLUMNS}))
    except csv.Error:
        # Its message may quote the file; the row says enough.
        error("IMP-1009", number + 1, row=number + 1)
    if not rows and not problems:
        error("IMP-1012")
    return rows, problems


def decode(data: bytes, error: NoteError) -> str | None:
    """Returns the text of a CSV file; None when it cannot be one, which was noted."""
    if len(data) > MEGABYTES_MAX * 1_000_000:
        error("IMP-1008", limit=MEGABYTES_MAX)
    elif not data.strip():
        error("IMP-1001")
    elif data.startswith(WORKBOOKS):
        error("IMP-1010")
    elif data.startswith((b"\xff\xfe", b"\xfe\xff")) or data[:200].count(0) * 4 >= len(data[:200]):
        error("IMP-1003")
    else:
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as fault:
            error("IMP-1002", data[: fault.start].count(b"\n") + 1)
    return None


def csv_records(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yields (row number as in a spreadsheet, cleaned cells) for each row that is not blank.

    Raises:
        csv.Error: the text is not CSV from some row on.
    """
    first_line = text.lstrip().split("\n", 1)[0]
    separator = ";" if first_line.count(";") > first_line.count(",") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    # A quoted cell may span lines, so rows are counted, not lines.
    for number, cells in enumerate(reader, start=1):
        cleaned = [clean(cell) for cell in cells]
        if any(cleaned):
            yield number, cleaned


def clean(cell: str) -> str:
    """Returns the cell without blanks around it, accents in one piece."""
    return unicodedata.normalize("NFC", cell.replace("\u00a0", " ").replace("\u202f", " ")).strip()


def _headings(cells: list[str], number: int, error: NoteError) -> list[str]:
    names = [cell.casefold() for cell in cells]
    while names and not names[-1]:
        names.pop()
    known = ", ".join(COLUMNS)
    for index, name in enumerate(names):
        if name not in COLUMNS:
            error("IMP-1004", number, letter=column_letter(index), columns=known)
        elif name in names[:index]:
            error("IMP-1006", number, letter=column_letter(index))
    missing = [
        column for column in COLUMNS if column not in names and column not in OPTIONAL_COLUMNS
    ]
    if missing:
        error("IMP-1005", number, missing=", ".join(missing))
    return names


def column_letter(index: int) -> str:
    """Returns the letters a spreadsheet shows over a column: 0 = A, 25 = Z, 26 = AA."""
    letters = ""
    while index >= 0:
        index, place = divmod(index, 26)
        letters = chr(ord("A") + place) + letters
        index -= 1
    return letters
