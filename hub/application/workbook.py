"""The cells of a spreadsheet's first sheet (.xlsx, .xls, .ods), whatever bytes are given.

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


class WorkbookError(Exception):
    """It cannot be read; `reason` is `damaged`, `password` or `empty`."""

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
    command = [sys.executable, "-I", str(CHILD), str(rows_max), str(columns_max)]
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
    return rows, bool(told["more"])
