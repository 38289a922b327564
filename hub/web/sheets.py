"""Workbooks and CSV files that leave the hub: every cell is text, and no cell is a formula.

A cell that begins with `=`, `+`, `-`, `@`, a tab or a carriage return would be carried out by a
spreadsheet that opens a CSV file (OWASP, CSV injection); an apostrophe in front makes it words. In
a workbook every cell is stored as text, which nothing carries out; the column is formatted as text
too, so that a number that is typed over it stays as typed.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import IO, Final

import xlsxwriter
from fastapi import Response

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV: Final = "text/csv; charset=utf-8"
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_WIDTHS: Final = (12, 46)


def workbook(
    sheet: str, headings: Sequence[str], rows: Sequence[Sequence[str]], marked: int | None = None
) -> bytes:
    """Returns an XLSX file with one sheet.

    Args:
        sheet: its name, at most 31 characters.
        headings: its first row.
        rows: the others.
        marked: number of a column, from 0, that stands out.
    """
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        text = book.add_format({"num_format": "@"})
        strong = book.add_format({"bold": True, "bottom": 1, "num_format": "@"})
        warn = book.add_format({"num_format": "@", "bg_color": "#FFF5DF", "text_wrap": True})
        page = book.add_worksheet(sheet)
        page.freeze_panes(1, 0)
        for place, heading in enumerate(headings):
            longest = max([len(heading), *(len(row[place]) for row in rows[:200])])
            width = min(max(longest + 2, _WIDTHS[0]), 80 if place == marked else _WIDTHS[1])
            page.set_column(place, place, width, warn if place == marked else text)
            page.write_string(0, place, heading, strong)
        for number, row in enumerate(rows, start=1):
            for place, cell in enumerate(row):
                if cell:
                    page.write_string(number, place, cell, warn if place == marked else text)
    return target.getvalue()


def csv_text(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    """Returns a CSV file as spreadsheets here read it: semicolons, UTF-8 with its mark."""
    target = io.StringIO()
    writer = csv.writer(target, delimiter=";", lineterminator="\r\n")
    writer.writerow(headings)
    writer.writerows([neutral(cell) for cell in row] for row in rows)
    return b"\xef\xbb\xbf" + target.getvalue().encode()


def neutral(cell: str) -> str:
    """Returns a cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def download(content: bytes, name: str, media_type: str) -> Response:
    """Returns a file to keep, which no cache keeps."""
    return Response(
        content,
        media_type=media_type,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        },
    )


def write_workbook(
    target: IO[bytes], sheet: str, headings: Sequence[str], rows: Iterable[Sequence[str]]
) -> None:
    """Writes an XLSX file of any length with one sheet, of which one row at a time is in memory.

    Args:
        sheet: its name, at most 31 characters.
    """
    with xlsxwriter.Workbook(target, {"constant_memory": True}) as book:
        text = book.add_format({"num_format": "@"})
        strong = book.add_format({"bold": True, "bottom": 1, "num_format": "@"})
        page = book.add_worksheet(sheet)
        page.freeze_panes(1, 0)
        for place, heading in enumerate(headings):
            page.set_column(place, place, max(len(heading) + 2, 16), text)
            page.write_string(0, place, heading, strong)
        for number, row in enumerate(rows, start=1):
            for place, cell in enumerate(row):
                if cell:
                    page.write_string(number, place, cell, text)


def write_csv(target: IO[bytes], headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Writes a CSV file of any length, as `csv_text` makes one."""
    written = io.TextIOWrapper(target, encoding="utf-8-sig", newline="")
    writer = csv.writer(written, delimiter=";", lineterminator="\r\n")
    writer.writerow(headings)
    for row in rows:
        writer.writerow([neutral(cell) for cell in row])
    written.flush()
    written.detach()
