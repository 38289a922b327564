"""A4 landscape: measures, and lines that fit. What lists and reports on paper share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from fpdf import FPDF

FONT: Final = "Noto Sans"
LEFT: Final = 10.0
WIDE: Final = 277.0
"""Millimetres of a sheet without its edges."""
TOP: Final = 22.0
BOTTOM: Final = 196.0
LINE: Final = 3.9
SIZE: Final = 8.0
PAD: Final = 1.2
BASE: Final = 2.8
"""Millimetres from the top of a line to the foot of its letters."""
INK: Final = (23, 33, 43)
QUIET: Final = (84, 97, 110)
RULE: Final = (190, 197, 204)
GROUND: Final = (236, 240, 244)


class SheetTexts(Protocol):
    """The words of a language."""

    def __call__(self, key: str, /, **values: object) -> str:
        """Returns a text."""
        ...


def fitting(pdf: FPDF, written: str, width: float) -> Iterator[str]:
    """Yields a text in lines that fit; a word that is too long goes on in the next line."""
    line = ""
    for word in written.split(" "):
        longer = f"{line} {word}" if line else word
        if line and pdf.get_string_width(longer) > width:
            yield line
            line = word
        else:
            line = longer
        while pdf.get_string_width(line) > width:
            fits = len(line) - 1
            while pdf.get_string_width(line[:fits]) > width:
                fits -= 1
            yield line[:fits]
            line = line[fits:]
    yield line


def number_sheets(pdf: FPDF, words: SheetTexts) -> None:
    """Writes the page numbers, once it is known how many there are."""
    pages = pdf.pages_count
    pdf.set_text_color(*QUIET)
    for page in range(1, pages + 1):
        pdf.page = page
        write_line(
            pdf, LEFT + WIDE - 50, 200, words("sheet", page=page, pages=pages), 8, "", 50, "R"
        )


def write_line(
    pdf: FPDF,
    x: float,
    y: float,
    written: str,
    size: float,
    style: str,
    width: float = WIDE,
    align: str = "L",
) -> None:
    """Writes one line, smaller when it would not fit into so many millimetres."""
    pdf.set_font(FONT, style, size)
    needed = pdf.get_string_width(written)
    if needed > width:
        pdf.set_font(FONT, style, max(4.0, size * width / needed * 0.99))
    pdf.set_xy(x, y)
    pdf.cell(width, size * 0.45, written, align=align)
