"""How long a list of 5,000 people takes, from the spreadsheet to the register, and taking it back.

Held against what nobody can do without: the same spreadsheet read by the same library, and the same
number of rows written to a plain table in one transaction on the same disk.
"""

from __future__ import annotations

import io
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import python_calamine
import xlsxwriter

from bench.crowd import COMPANY, WORKS, inss, settle
from bench.figures import ratio, row, title
from bench.rig import scratch
from hub.application.access import COMMAND
from hub.clock import now_ms
from hub.storage.backups import back_up
from hub.storage.engine import writing
from hub.storage.house import House
from hub.storage.import_desk import Choice, ImportDesk, look_at
from hub.storage.import_undo import ImportUndo

ROWS = 5_000
KNOWN = 20_000
"""People who are in the register before; a tenth of the list is about them."""
LIMIT_S = 10.0
_HEADINGS = ("site", "company_number", "works_number", "family_name", "given_name", "inss",
             "badge_uid", "language")  # fmt: skip


def importing(runs: int) -> None:
    """Prints the dry run, the import and its undo, and the first two beside the plain way."""
    title(f"A list of {ROWS:,} people into a register of {KNOWN:,}")
    checked, imported, whole, undone, plain = [], [], [], [], []
    data = _spreadsheet()
    for _ in range(runs):
        with scratch() as folder:
            took = _once(folder, data)
        checked.append(took[0])
        imported.append(took[1])
        whole.append(took[0] + took[1])
        undone.append(took[2])
        plain.append(took[3])
    row("checked: the dry run", checked, "s", 2)
    row("imported: copy of the database, checks again, written", imported, "s", 2)
    row("both, aim <= 10", whole, "s", 2)
    row("taken back", undone, "s", 2)
    row("the file read and plain rows written", plain, "s", 2)
    ratio("both beside the plain way", whole, plain, "none")
    print(f"  slowest of both {max(whole):.1f} s of the {LIMIT_S:.0f} s", flush=True)


def _once(folder: Path, data: bytes) -> list[float]:
    """Seconds of the dry run, the import, its undo, and of the plain way."""
    house, _ = settle(folder / "hub", KNOWN)
    with closing(house):
        steps: tuple[Callable[[], None], ...] = (
            lambda: _check(house, data),
            lambda: _import(house, folder, data),
            lambda: _undo(house),
            lambda: _plainly(folder, data),
        )
        return [_timed(step) for step in steps]


def _timed(work: Callable[[], None]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def _spreadsheet() -> bytes:
    """The list: 4,500 people who are new, 500 who are known and get another badge."""
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, _HEADINGS)
    for number in range(ROWS):
        who = number if number % 10 == 0 else KNOWN + number
        uid = f"04B0{number:010X}"
        cells = ("Bench", COMPANY, WORKS, f"Lijst {number}", "Noor", inss(who), uid, "nl")
        for column, cell in enumerate(cells):
            sheet.write_string(number + 1, column, cell)
    book.close()
    return buffer.getvalue()


def _desk(house: House) -> ImportDesk:
    return ImportDesk(house.vault, COMMAND, now_ms(), "nl")


def _check(house: House, data: bytes) -> None:
    looked = look_at(house.engine, _desk(house), data, None, None)
    if len(looked.people.good) != ROWS:
        raise RuntimeError(
            f"{ROWS - len(looked.people.good)} rows are wrong: {looked.people.problems[0]}"
        )


def _import(house: House, folder: Path, data: bytes) -> None:
    desk = _desk(house)
    looked = look_at(house.engine, desk, data, None, None)
    backup = back_up(house.engine, folder / "hub", now_ms(), 3)
    with writing(house.engine) as connection:
        done = desk.write(connection, looked.sheet, looked.columns, Choice.EVERYTHING, backup)
    if done.badges_new != ROWS:
        raise RuntimeError(f"{done.badges_new} badges were added")


def _undo(house: House) -> None:
    with writing(house.engine) as connection:
        done = ImportUndo(connection, house.vault, COMMAND, now_ms()).undo()
    if done.left:
        raise RuntimeError(f"{len(done.left)} rows were not taken back")


def _plainly(folder: Path, data: bytes) -> None:
    rows = python_calamine.load_workbook(io.BytesIO(data)).get_sheet_by_index(0).to_python()
    with closing(sqlite3.connect(folder / "plain.db")) as plain:
        plain.execute("PRAGMA journal_mode=WAL")
        plain.execute("CREATE TABLE list (a, b, c, d, e, f, g, h)")
        plain.executemany("INSERT INTO list VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows[1:])
        plain.commit()
