"""The list of a day as a PDF: A4 landscape, by company and level, to be handed to whoever checks.

Each sheet carries site, day and page number; the headings of the columns and of the company come
again at the top of a sheet. A row that fits on a sheet is not torn, and a heading never stands at
the bottom of a sheet without a row below it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final, Protocol

from hub.application.site_day import DayCompany, DayPerson, SiteDay, Totals
from hub.reports.sheet import (
    BASE,
    BOTTOM,
    FONT,
    GROUND,
    INK,
    LEFT,
    LINE,
    PAD,
    QUIET,
    RULE,
    SIZE,
    TOP,
    WIDE,
    fitting,
    number_sheets,
    write_line,
)

if TYPE_CHECKING:
    from fpdf import FPDF

_WIDTHS: Final = (48.0, 30.0, 31.0, 22.0, 25.0, 66.0, 55.0)
"""Millimetres of each column; 277 is the sheet without its edges."""
_HEAD: Final = 17.0
"""Millimetres of the heading of a company with that of its columns."""
_LINES_MAX: Final = 36
"""Lines of a row on one sheet; more, of somebody who went in and out all day, go on on the next."""


class DayTexts(Protocol):
    """What the paper asks of the words of a language."""

    language: str

    def __call__(self, key: str, /, **values: object) -> str:
        """Returns a text of the list."""
        ...

    def title(self, day: SiteDay, /) -> str:
        """Returns site and day."""
        ...

    def as_of(self, day: SiteDay, /) -> str:
        """Returns when it was made."""
        ...

    def works(self, day: SiteDay, /) -> str:
        """Returns the works numbers."""
        ...

    def company(self, one: DayCompany, /) -> str:
        """Returns the heading of a company."""
        ...

    def place(self, one: DayCompany, /) -> str:
        """Returns where it stands in the chain."""
        ...

    def counts(self, totals: Totals, /) -> str:
        """Returns the counts of a company."""
        ...

    def totals(self, totals: Totals, /) -> list[tuple[str, str, int]]:
        """Returns (name, label, count) of the counts of a site."""
        ...

    def reasons(self, day: SiteDay, /) -> list[tuple[str, int]]:
        """Returns why people are not registered."""
        ...

    def columns(self) -> list[str]:
        """Returns the headings of the columns."""
        ...

    def cells(self, one: DayPerson, day: date, /) -> list[str]:
        """Returns the cells of a row."""
        ...


def day_list_pdf(days: Sequence[SiteDay], words: DayTexts, day: date, now_ms: int) -> bytes:
    """Returns the lists of some sites as a PDF, each beginning on a sheet of its own.

    Args:
        day: Brussels day, for a hub without a site.
        now_ms: when it is made, UTC milliseconds; it stands in the file's properties.
    """
    # What makes PDFs takes long to load, and every command and the hub know this function.
    from fpdf import FPDF

    from hub.reports.letters import add_letters

    pdf = FPDF(orientation="landscape", format="A4")
    pdf.set_auto_page_break(False)
    pdf.c_margin = 0
    pdf.set_creation_date(datetime.fromtimestamp(now_ms / 1000, UTC))
    pdf.set_title(f"{words('title')} {day.isoformat()}")
    pdf.set_lang(words.language)
    sheets = [_Sheets(pdf, words, one) for one in days]
    add_letters(pdf, FONT, "".join(one.written() for one in sheets) + words("no_sites") + _SIGNS)
    for one in sheets:
        one.draw()
    if not sheets:
        pdf.add_page()
        write_line(pdf, LEFT, TOP, words("no_sites"), 11, "")
    number_sheets(pdf, words)
    return bytes(pdf.output())


_SIGNS: Final = "0123456789/…·–()"


class _Sheets:
    """The sheets of one site."""

    def __init__(self, pdf: FPDF, words: DayTexts, day: SiteDay) -> None:
        self._pdf = pdf
        self._words = words
        self._day = day
        self._y = 0.0
        self._fitted: dict[tuple[str, float], list[str]] = {}
        self._groups = [
            (
                words.company(one),
                "   ".join(part for part in (words.place(one), words.counts(one.totals)) if part),
                [words.cells(person, day.day) for person in one.people],
            )
            for one in day.companies
        ]
        if day.visitors:
            cells = [words.cells(one, day.day) for one in day.visitors]
            self._groups.append((words("visitors"), words("visitors_why"), cells))

    def written(self) -> str:
        """Returns everything that will be written."""
        words, day = self._words, self._day
        parts = [words.title(day), words.as_of(day), words.works(day), day.address]
        parts += [label for _, label, _ in words.totals(day.totals)]
        parts += [reason for reason, _ in words.reasons(day)]
        parts += [*words.columns(), words("nobody"), words("continued"), words("masked_note")]
        parts += [words("why_title"), words("sheet", page=0, pages=0)]
        for heading, place, rows in self._groups:
            parts += [heading, place, *(cell for row in rows for cell in row)]
        return "".join(parts)

    def draw(self) -> None:
        """Draws them."""
        self._page()
        self._summary()
        if not self._groups:
            write_line(self._pdf, LEFT, self._y, self._words("nobody"), 11, "")
        for heading, place, rows in self._groups:
            self._group(heading, place, rows)

    def _page(self) -> None:
        pdf, words, day = self._pdf, self._words, self._day
        pdf.add_page()
        pdf.set_text_color(*INK)
        write_line(pdf, LEFT, 9, words.title(day), 14, "B", WIDE)
        pdf.set_text_color(*QUIET)
        line = " · ".join(
            part for part in (day.address, words.works(day), words.as_of(day)) if part
        )
        write_line(pdf, LEFT, 15.5, line, 8.5, "", WIDE)
        pdf.set_draw_color(*INK)
        pdf.line(LEFT, 20.5, LEFT + WIDE, 20.5)
        self._y = TOP

    def _summary(self) -> None:
        pdf, words = self._pdf, self._words
        totals = words.totals(self._day.totals)
        step = WIDE / len(totals)
        for place, (_, label, count) in enumerate(totals):
            pdf.set_text_color(*INK)
            write_line(pdf, LEFT + place * step, self._y + 1, str(count), 15, "B", step)
            pdf.set_text_color(*QUIET)
            write_line(pdf, LEFT + place * step, self._y + 8, label, 8, "", step - 2)
        self._y += 14
        reasons = words.reasons(self._day)
        if reasons:
            pdf.set_text_color(*INK)
            write_line(pdf, LEFT, self._y, words("why_title"), 9, "B")
            self._y += 5
            for reason, count in reasons:
                self._room(8)
                pdf.set_xy(LEFT, self._y)
                pdf.set_font(FONT, "", SIZE)
                pdf.multi_cell(WIDE, LINE, f"{count} · {reason}", align="L")
                self._y = pdf.get_y()
            self._y += 2
        pdf.set_text_color(*QUIET)
        write_line(pdf, LEFT, self._y, words("masked_note"), 7.5, "", WIDE)
        self._y += 6

    def _room(self, needed: float) -> bool:
        """Begins a sheet when so many millimetres are not left; returns whether it did."""
        if self._y + needed <= BOTTOM:
            return False
        self._page()
        return True

    def _group(self, heading: str, place: str, rows: Sequence[Sequence[str]]) -> None:
        first = True
        for cells in rows:
            whole = [self._lines(cell, width) for cell, width in zip(cells, _WIDTHS, strict=True)]
            for start in range(0, max(len(one) for one in whole), _LINES_MAX):
                lines = [one[start : start + _LINES_MAX] for one in whole]
                height = max(len(one) for one in lines) * LINE + 2 * PAD
                if first:
                    self._room(_HEAD + height)
                    self._heading(heading, place)
                    first = False
                elif self._room(height):
                    self._heading(f"{heading} {self._words('continued')}", place)
                self._row(lines, height)
        self._y += 4

    def _heading(self, heading: str, place: str) -> None:
        pdf = self._pdf
        pdf.set_fill_color(*GROUND)
        pdf.rect(LEFT, self._y, WIDE, 11, style="F")
        pdf.set_text_color(*INK)
        write_line(pdf, LEFT + 2, self._y + 1.2, heading, 10, "B", WIDE - 4)
        pdf.set_text_color(*QUIET)
        write_line(pdf, LEFT + 2, self._y + 6.2, place, 8, "", WIDE - 4)
        self._y += 12
        x = LEFT
        for label, width in zip(self._words.columns(), _WIDTHS, strict=True):
            write_line(pdf, x, self._y, label, 7.5, "B", width - 2)
            x += width
        self._y += 4.5
        pdf.set_draw_color(*QUIET)
        pdf.line(LEFT, self._y, LEFT + WIDE, self._y)

    def _row(self, lines: Sequence[Sequence[str]], height: float) -> None:
        pdf = self._pdf
        pdf.set_text_color(*INK)
        for strong in (True, False):
            pdf.set_font(FONT, "B" if strong else "", SIZE)
            x = LEFT
            for place, (cell, width) in enumerate(zip(lines, _WIDTHS, strict=True)):
                for number, line in enumerate(cell):
                    # The name, and in what way he stands, catch the eye first.
                    if line and strong == (place == 0 or (place == 5 and number == 0)):
                        pdf.text(x, self._y + PAD + number * LINE + BASE, line)
                x += width
        self._y += height
        pdf.set_draw_color(*RULE)
        pdf.line(LEFT, self._y, LEFT + WIDE, self._y)

    def _lines(self, cell: str, width: float) -> list[str]:
        """A cell in lines that fit."""
        known = self._fitted.get((cell, width))
        if known is None:
            self._pdf.set_font(FONT, "B", SIZE)
            parts = cell.split("\n")
            known = [line for part in parts for line in fitting(self._pdf, part, width - 2)]
            self._fitted[cell, width] = known
        return known
