"""The list of a day as a PDF: A4 landscape, by company and level, to be handed to whoever checks.

Each sheet carries site, day and page number; the headings of the columns and of the company come
again at the top of a sheet. A row that fits on a sheet is not torn, and a heading never stands at
the bottom of a sheet without a row below it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final, Protocol

from hub.application.site_day import DayCompany, DayPerson, SiteDay, Totals

if TYPE_CHECKING:
    from fpdf import FPDF

FONT: Final = "Noto Sans"
_LEFT: Final = 10.0
_WIDTHS: Final = (48.0, 30.0, 31.0, 22.0, 25.0, 66.0, 55.0)
"""Millimetres of each column; 277 is the sheet without its edges."""
_WIDE: Final = sum(_WIDTHS)
_TOP: Final = 22.0
_BOTTOM: Final = 196.0
_LINE: Final = 3.9
_SIZE: Final = 8.0
_PAD: Final = 1.2
_HEAD: Final = 17.0
"""Millimetres of the heading of a company with that of its columns."""
_LINES_MAX: Final = 36
"""Lines of a row on one sheet; more, of somebody who went in and out all day, go on on the next."""
_BASE: Final = 2.8
"""Millimetres from the top of a line to the foot of its letters."""
_INK: Final = (23, 33, 43)
_QUIET: Final = (84, 97, 110)
_RULE: Final = (190, 197, 204)
_GROUND: Final = (236, 240, 244)


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
        _text(pdf, _LEFT, _TOP, words("no_sites"), 11, "")
    _number(pdf, words)
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
            _text(self._pdf, _LEFT, self._y, self._words("nobody"), 11, "")
        for heading, place, rows in self._groups:
            self._group(heading, place, rows)

    def _page(self) -> None:
        pdf, words, day = self._pdf, self._words, self._day
        pdf.add_page()
        pdf.set_text_color(*_INK)
        _text(pdf, _LEFT, 9, words.title(day), 14, "B", _WIDE)
        pdf.set_text_color(*_QUIET)
        line = " · ".join(
            part for part in (day.address, words.works(day), words.as_of(day)) if part
        )
        _text(pdf, _LEFT, 15.5, line, 8.5, "", _WIDE)
        pdf.set_draw_color(*_INK)
        pdf.line(_LEFT, 20.5, _LEFT + _WIDE, 20.5)
        self._y = _TOP

    def _summary(self) -> None:
        pdf, words = self._pdf, self._words
        totals = words.totals(self._day.totals)
        step = _WIDE / len(totals)
        for place, (_, label, count) in enumerate(totals):
            pdf.set_text_color(*_INK)
            _text(pdf, _LEFT + place * step, self._y + 1, str(count), 15, "B", step)
            pdf.set_text_color(*_QUIET)
            _text(pdf, _LEFT + place * step, self._y + 8, label, 8, "", step - 2)
        self._y += 14
        reasons = words.reasons(self._day)
        if reasons:
            pdf.set_text_color(*_INK)
            _text(pdf, _LEFT, self._y, words("why_title"), 9, "B")
            self._y += 5
            for reason, count in reasons:
                self._room(8)
                pdf.set_xy(_LEFT, self._y)
                pdf.set_font(FONT, "", _SIZE)
                pdf.multi_cell(_WIDE, _LINE, f"{count} · {reason}", align="L")
                self._y = pdf.get_y()
            self._y += 2
        pdf.set_text_color(*_QUIET)
        _text(pdf, _LEFT, self._y, words("masked_note"), 7.5, "", _WIDE)
        self._y += 6

    def _room(self, needed: float) -> bool:
        """Begins a sheet when so many millimetres are not left; returns whether it did."""
        if self._y + needed <= _BOTTOM:
            return False
        self._page()
        return True

    def _group(self, heading: str, place: str, rows: Sequence[Sequence[str]]) -> None:
        first = True
        for cells in rows:
            whole = [self._lines(cell, width) for cell, width in zip(cells, _WIDTHS, strict=True)]
            for start in range(0, max(len(one) for one in whole), _LINES_MAX):
                lines = [one[start : start + _LINES_MAX] for one in whole]
                height = max(len(one) for one in lines) * _LINE + 2 * _PAD
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
        pdf.set_fill_color(*_GROUND)
        pdf.rect(_LEFT, self._y, _WIDE, 11, style="F")
        pdf.set_text_color(*_INK)
        _text(pdf, _LEFT + 2, self._y + 1.2, heading, 10, "B", _WIDE - 4)
        pdf.set_text_color(*_QUIET)
        _text(pdf, _LEFT + 2, self._y + 6.2, place, 8, "", _WIDE - 4)
        self._y += 12
        x = _LEFT
        for label, width in zip(self._words.columns(), _WIDTHS, strict=True):
            _text(pdf, x, self._y, label, 7.5, "B", width - 2)
            x += width
        self._y += 4.5
        pdf.set_draw_color(*_QUIET)
        pdf.line(_LEFT, self._y, _LEFT + _WIDE, self._y)

    def _row(self, lines: Sequence[Sequence[str]], height: float) -> None:
        pdf = self._pdf
        pdf.set_text_color(*_INK)
        for strong in (True, False):
            pdf.set_font(FONT, "B" if strong else "", _SIZE)
            x = _LEFT
            for place, (cell, width) in enumerate(zip(lines, _WIDTHS, strict=True)):
                for number, line in enumerate(cell):
                    # The name, and in what way he stands, catch the eye first.
                    if line and strong == (place == 0 or (place == 5 and number == 0)):
                        pdf.text(x, self._y + _PAD + number * _LINE + _BASE, line)
                x += width
        self._y += height
        pdf.set_draw_color(*_RULE)
        pdf.line(_LEFT, self._y, _LEFT + _WIDE, self._y)

    def _lines(self, cell: str, width: float) -> list[str]:
        """A cell in lines that fit."""
        known = self._fitted.get((cell, width))
        if known is None:
            self._pdf.set_font(FONT, "B", _SIZE)
            parts = cell.split("\n")
            known = [line for part in parts for line in _fitting(self._pdf, part, width - 2)]
            self._fitted[cell, width] = known
        return known


def _fitting(pdf: FPDF, written: str, width: float) -> Iterator[str]:
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


def _number(pdf: FPDF, words: DayTexts) -> None:
    """Writes the page numbers, once it is known how many there are."""
    pages = pdf.pages_count
    pdf.set_text_color(*_QUIET)
    for page in range(1, pages + 1):
        pdf.page = page
        _text(pdf, _LEFT + _WIDE - 50, 200, words("sheet", page=page, pages=pages), 8, "", 50, "R")


def _text(
    pdf: FPDF,
    x: float,
    y: float,
    written: str,
    size: float,
    style: str,
    width: float = _WIDE,
    align: str = "L",
) -> None:
    """Writes one line, smaller when it would not fit."""
    pdf.set_font(FONT, style, size)
    needed = pdf.get_string_width(written)
    if needed > width:
        pdf.set_font(FONT, style, max(4.0, size * width / needed * 0.99))
    pdf.set_xy(x, y)
    pdf.cell(width, size * 0.45, written, align=align)
