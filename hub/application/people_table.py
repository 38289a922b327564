"""What lists of people and plans have in common: their problems, and the rows of a CSV file.

What office programs really produce is taken: comma or semicolon, a byte order mark, trailing empty
cells, blank rows. What would be guessed wrong in silence is refused with its remedy: another
encoding, binary content. A cell is never quoted in a problem.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

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
    """One thing wrong in a list of people or a plan.

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


class NoteError(Protocol):
    """Notes an error of the file."""

    def __call__(self, code: str, row: int | None = None, /, **values: object) -> None: ...


def decode(data: bytes, error: NoteError) -> str | None:
    """Returns the text of a CSV file; None when it cannot be one, which was noted."""
    if len(data) > MEGABYTES_MAX * 1_000_000:
        error("IMP-1008", limit=MEGABYTES_MAX)
    elif not data.strip():
        error("IMP-1001")
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


def column_letter(index: int) -> str:
    """Returns the letters a spreadsheet shows over a column: 0 = A, 25 = Z, 26 = AA."""
    letters = ""
    while index >= 0:
        index, place = divmod(index, 26)
        letters = chr(ord("A") + place) + letters
        index -= 1
    return letters
