"""The cells of one sheet of a workbook (.xlsx, .xls, .ods), whatever bytes are given.

The reading is done by a short process with little memory and little time, see `workbook_child`:
what makes it fail, run away or crash is a damaged workbook to us and nothing worse.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

CHILD: Final = Path(__file__).with_name("workbook_child.py")
PATIENCE_S: Final = 120
"""A busy small computer needs a second or two; only a file made to hang takes longer than this."""


@dataclass(frozen=True, slots=True, repr=False)
class Cell:
    """One cell.

    Args:
        text: as shown; ISO for a day.
        kind: `text`, `number` (the spreadsheet keeps it as an amount), `day` or `other`.
    """

    text: str
    kind: str = "text"


@dataclass(frozen=True, slots=True, repr=False)
class SheetCells:
    """One sheet of a workbook.

    Args:
        rows: from its first row on.
        more: whether it has more rows than were asked for.
        sheets: the names of all sheets.
        sheet: the name of this one.
    """

    rows: list[list[Cell]]
    more: bool
    sheets: tuple[str, ...]
    sheet: str


class WorkbookError(Exception):
    """It cannot be read; `reason` is `damaged`, `password`, `empty` or `sheet`."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


def read_workbook(data: bytes, rows_max: int, columns_max: int) -> tuple[list[list[Cell]], bool]:
    """Returns the rows of the first sheet from its first row on, and whether there are more.

    Args:
        data: any bytes.
        rows_max: most rows that are returned.
        columns_max: most cells of a row that are returned.

    Raises:
        WorkbookError: it cannot be read.
    """
    found = _read(data, rows_max, columns_max, "")
    return found.rows, found.more


def read_one_sheet(
    data: bytes, rows_max: int, columns_max: int, sheet: str | None = None
) -> SheetCells:
    """Returns the sheet with this name, or the first one that holds something.

    Args:
        data: any bytes.
        rows_max: most rows that are returned.
        columns_max: most cells of a row that are returned.
        sheet: a name; None: the first that is not empty.

    Raises:
        WorkbookError: it cannot be read, or has no sheet of this name.
    """
    if sheet is not None and "\0" in sheet:
        raise WorkbookError("sheet")
    return _read(data, rows_max, columns_max, "*" if sheet is None else f"={sheet}")


def _read(data: bytes, rows_max: int, columns_max: int, which: str) -> SheetCells:
    command = [sys.executable, "-I", str(CHILD), str(rows_max), str(columns_max), which]
    try:
        done = subprocess.run(
            command, input=data, capture_output=True, timeout=PATIENCE_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise WorkbookError("damaged") from None
    if done.returncode != 0:
        # Out of memory, out of time or a fault of the parser. What it said may quote the file.
        raise WorkbookError("damaged")
    told = json.loads(done.stdout)
    if "failed" in told:
        raise WorkbookError(told["failed"])
    rows = [[Cell(text, kind) for kind, text in row] for row in told["rows"]]
    return SheetCells(rows, bool(told["more"]), tuple(told["sheets"]), told["sheet"])
