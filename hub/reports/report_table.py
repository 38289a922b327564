"""A report over a period as a PDF: A4 landscape, a table under a heading for site and company.

Each sheet carries title, period and page number; the headings come again at its top. A row is not
torn. Long reports are for a workbook: above `ROWS_MAX` rows there is no paper.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Final, Protocol

from hub.application.reports import Period, Report, Row
from hub.errors import UsageError
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

ROWS_MAX: Final = 20_000
"""About 500 sheets."""
_SHARES: Final = {
    Report.HOURS: (56, 34, 24, 60, 18, 18, 18, 49),
    Report.EXCEPTIONS: (48, 32, 22, 18, 32, 73, 27, 13, 12),
    Report.MONTHLY: (26, 20, 22, 20, 20, 18, 20, 22, 18, 24, 32, 35),
}
"""Of the width, for each column of `hub.web.report_words.COLUMNS`."""


class ReportTexts(Protocol):
    """What the paper asks of the words of a language."""

    language: str

    def __call__(self, key: str, /, **values: object) -> str:
        """Returns a text of the reports."""
        ...

    def title(self, report: Report, /) -> str:
        """Returns the name of a report."""
        ...

    def period(self, period: Period, /) -> str:
        """Returns a period."""
        ...

    def as_of(self, now_ms: int, /) -> str:
        """Returns as of when it is."""
        ...

    def rounded(self) -> str:
        """Returns how hours are rounded."""
        ...

    def heading(self, row: Row, /) -> str:
        """Returns under which heading a row stands."""
        ...

    def columns(self, report: Report, /) -> list[str]:
        """Returns the headings of the columns."""
        ...

    def totals(self, rows: Sequence[Row], /) -> list[tuple[str, str]]:
        """Returns (label, how much)."""
        ...

    def cells(self, row: Row, /) -> list[str]:
        """Returns the cells of a row."""
        ...


def report_pdf(
    report: Report, period: Period, rows: Sequence[Row], words: ReportTexts, now_ms: int
) -> bytes:
    """Returns a report as a PDF.

    Args:
        now_ms: when it is made, UTC milliseconds; it stands in the file's properties.

    Raises:
        UsageError: HUB-1852, it has more than `ROWS_MAX` rows.
    """
    # What makes PDFs takes long to load, and every command and the hub know this function.
    from fpdf import FPDF

    from hub.reports.letters import add_letters

    if len(rows) > ROWS_MAX:
        raise UsageError("HUB-1852", rows=len(rows), most=ROWS_MAX)
    pdf = FPDF(orientation="landscape", format="A4")
    pdf.set_auto_page_break(False)
    pdf.c_margin = 0
    pdf.set_creation_date(datetime.fromtimestamp(now_ms / 1000, UTC))
    pdf.set_title(f"{words.title(report)} {period.first} {period.last}")
    pdf.set_lang(words.language)
    table = _Table(pdf, report, period, rows, words, now_ms)
    add_letters(pdf, FONT, table.written())
    table.draw()
    number_sheets(pdf, words)
    return bytes(pdf.output())


class _Table:
    def __init__(
        self,
        pdf: FPDF,
        report: Report,
        period: Period,
        rows: Sequence[Row],
        words: ReportTexts,
        now_ms: int,
    ) -> None:
        self._pdf = pdf
        self._words = words
        self._title = f"{words.title(report)} · {words.period(period)}"
        notes = [words.as_of(now_ms), words("masked_note")]
        if report is Report.HOURS:
            notes.append(words.rounded())
        self._notes = " · ".join(notes[:1] if report is Report.MONTHLY else notes)
        self._columns = words.columns(report)
        shares = _SHARES[report]
        if report is Report.HOURS and len(self._columns) < len(shares):
            shares = (*shares[:6], shares[7])
        self._widths = [WIDE * one / sum(shares) for one in shares]
        self._totals = words.totals(rows)
        self._rows = [(words.heading(row), words.cells(row)) for row in rows]
        self._fitted: dict[tuple[str, float], list[str]] = {}
        self._y = TOP

    def written(self) -> str:
        """Everything that will be written."""
        words = self._words
        letters = set(self._title + self._notes + words("nothing") + words("continued"))
        letters |= set(words("sheet", page=0, pages=0) + "0123456789:?–·()")
        for label, count in self._totals:
            letters |= set(label + count)
        for heading, cells in self._rows:
            letters.update(heading, *cells)
        letters.update(*self._columns)
        return "".join(sorted(letters - {"\n"}))

    def draw(self) -> None:
        """Draws it."""
        self._page()
        step = WIDE / max(1, len(self._totals))
        for place, (label, count) in enumerate(self._totals):
            self._pdf.set_text_color(*INK)
            write_line(self._pdf, LEFT + place * step, self._y + 1, count, 15, "B", step)
            self._pdf.set_text_color(*QUIET)
            write_line(self._pdf, LEFT + place * step, self._y + 8, label, 8, "", step - 2)
        self._y += 15
        if not self._rows:
            write_line(self._pdf, LEFT, self._y, self._words("nothing"), 11, "")
        for heading, group in groupby(self._rows, key=lambda one: one[0]):
            self._group(heading, [cells for _, cells in group])

    def _page(self) -> None:
        pdf = self._pdf
        pdf.add_page()
        pdf.set_text_color(*INK)
        write_line(pdf, LEFT, 9, self._title, 14, "B", WIDE)
        pdf.set_text_color(*QUIET)
        write_line(pdf, LEFT, 15.5, self._notes, 8.5, "", WIDE)
        pdf.set_draw_color(*INK)
        pdf.line(LEFT, 20.5, LEFT + WIDE, 20.5)
        self._y = TOP

    def _group(self, heading: str, rows: Sequence[Sequence[str]]) -> None:
        first = True
        for cells in rows:
            lines = [self._lines(cell, w) for cell, w in zip(cells, self._widths, strict=True)]
            height = max(len(one) for one in lines) * LINE + 2 * PAD
            needed = height + (14 if first else 0)
            if self._y + needed > BOTTOM:
                self._page()
                self._heading(heading if first else f"{heading} {self._words('continued')}")
            elif first:
                self._heading(heading)
            first = False
            self._row(lines, height)
        self._y += 4

    def _heading(self, heading: str) -> None:
        pdf = self._pdf
        pdf.set_fill_color(*GROUND)
        pdf.rect(LEFT, self._y, WIDE, 6.5, style="F")
        pdf.set_text_color(*INK)
        write_line(pdf, LEFT + 2, self._y + 1.2, heading, 10, "B", WIDE - 4)
        pdf.set_text_color(*QUIET)
        self._y += 8
        x = LEFT
        for label, width in zip(self._columns, self._widths, strict=True):
            write_line(pdf, x, self._y, label, 7.5, "B", width - 2)
            x += width
        self._y += 4.5
        pdf.set_draw_color(*QUIET)
        pdf.line(LEFT, self._y, LEFT + WIDE, self._y)

    def _row(self, lines: Sequence[Sequence[str]], height: float) -> None:
        pdf = self._pdf
        pdf.set_text_color(*INK)
        x = LEFT
        for place, (cell, width) in enumerate(zip(lines, self._widths, strict=True)):
            pdf.set_font(FONT, "B" if place == 0 else "", SIZE)
            for number, line in enumerate(cell):
                if line:
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
            self._fitted[cell, width] = known[:40]
        return known[:40]
