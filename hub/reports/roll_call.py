"""The roll call on paper: A4 in two columns, a big box beside each name, pages that say 1/3.

What is on which page is laid out first, with plain numbers, and drawn then: so the number of pages
is known, and no name can fall between two of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from string import ascii_letters, digits
from typing import TYPE_CHECKING, Final

from hub.application.place_words import place_text
from hub.application.roll_call import Mark, Row, Sheet, by_company
from hub.domain.legal_day import brussels_day
from hub.i18n import day_text, text, time_text

if TYPE_CHECKING:
    from fpdf import FPDF

FONT: Final = "Noto Sans"
_EDGE: Final = 12.0
_GAP: Final = 6.0
_COLUMN: Final = (210.0 - 2 * _EDGE - _GAP) / 2
_TOP: Final = 18.0
"""Where the columns begin on every page but the first."""
_BOTTOM: Final = 280.0
_BOX: Final = 7.0
_ROW: Final = 10.0
_HEAD: Final = 8.0
_SECTION: Final = 10.0
_INK: Final = (17, 24, 32)
_QUIET: Final = (70, 82, 94)
# So that a name that comes or goes seldom needs another set of letters.
_USUAL: Final = ascii_letters + digits + "ÀÂÄÇÈÉÊËÎÏÔÖÙÛÜàâäçèéêëîïôöùûüßœ,.:;-–/()'’·…"


@dataclass(frozen=True, slots=True)
class _Piece:
    """One thing of a column: a group's title, a company's name, or a person."""

    height: float
    words: str = ""
    row: Row | None = None
    company: str = ""


@dataclass(frozen=True, slots=True)
class _Placed:
    """A piece and where it stands, millimetres from the upper left corner."""

    page: int
    x: float
    y: float
    piece: _Piece


def roll_call_pdf(sheet: Sheet, language: str, notice: str = "") -> bytes:
    """Returns the sheet as a PDF of A4 pages: here, then left, then not come; each person once.

    Args:
        language: one of `hub.i18n.LANGUAGES`.
        notice: what stands above everything, for example that the list is old; empty: nothing.
    """
    # What makes PDFs takes long to load, and every command and the hub know this function.
    from fpdf import FPDF

    from hub.reports.letters import add_letters

    pdf = FPDF(format="A4")
    pdf.set_auto_page_break(False)
    pdf.c_margin = 0
    pdf.set_creation_date(datetime.fromtimestamp(sheet.list.as_of_ms / 1000, UTC))
    pdf.set_title(f"{text('roll_call.title', language)} - {sheet.list.site}")
    pdf.set_lang(language)
    add_letters(pdf, FONT, _written(sheet, language, notice))
    pdf.add_page()
    top = _first_page(pdf, sheet, language, notice)
    placed = list(_laid_out(_pieces(sheet, language), top, language))
    pages = max((one.page for one in placed), default=1)
    for page in range(1, pages + 1):
        if page > 1:
            pdf.add_page()
            _line(pdf, _EDGE, 8, sheet.list.site, 11, "B", 100)
        for one in placed:
            if one.page == page:
                _draw(pdf, one, language)
        _foot(pdf, sheet, language, page, pages)
    return bytes(pdf.output())


def title_of(key: str, value: object, language: str) -> str:
    """Returns a title with what it counts or names, as this language sets it."""
    name = text(f"roll_call.{key}", language)
    return text("roll_call.pair", language, name=name, value=value)


def as_of(sheet: Sheet, language: str) -> str:
    """Returns of when the list is, with its day: paper outlives the day."""
    at_ms = sheet.list.as_of_ms
    day = day_text(brussels_day(at_ms), language)
    return text("roll_call.as_of_day", language, day=day, time=time_text(at_ms, language))


def name_of(row: Row, language: str) -> str:
    """Returns family name and given name as a list is searched by them."""
    one = row.entry
    name = f"{one.family_name} {one.given_name}".strip()
    name = name or text("roll_call.no_name", language)
    return f"{name} ({text('roll_call.visitor', language)})" if one.visitor else name


def where_of(row: Row, language: str) -> str:
    """Returns gate and local time of the last tap; empty when there was none."""
    one = row.entry
    if one.unsure and one.at_ms is not None:
        day = day_text(brussels_day(one.at_ms), language)
        return text("roll_call.unsure", language, day=day)
    if not one.gate:
        return ""
    place = place_text(one.gate, language)
    if one.at_ms is None:
        return f"{place}, {text('roll_call.no_time', language)}"
    time = time_text(one.at_ms, language, seconds=False)
    if row.out:
        return text("roll_call.out", language, gate=place, time=time)
    return f"{place}, {time}"


def company_of(company: str, language: str) -> str:
    """Returns what stands above the people of a company."""
    return company or text("roll_call.no_company", language)


def groups_of(sheet: Sheet) -> list[tuple[str, tuple[Row, ...]]]:
    """Returns (key of the title, people) in the order of the sheet."""
    return [("here", sheet.here), ("left", sheet.left), ("not_come", sheet.not_come)]


# ---------------------------------------------------------------- laying out


def _pieces(sheet: Sheet, language: str) -> Iterator[_Piece]:
    for key, rows in groups_of(sheet):
        yield _Piece(_SECTION, title_of(key, len(rows), language))
        for company, people in by_company(rows):
            name = company_of(company, language)
            yield _Piece(_HEAD, f"{name}  {len(people)}", company=name)
            for row in people:
                yield _Piece(_ROW, row=row, company=name)


def _laid_out(pieces: Iterable[_Piece], top: float, language: str) -> Iterator[_Placed]:
    """Fills column after column; a title is never the last thing of one."""
    page, column, y = 1, 0, top
    waiting: list[_Piece] = []
    for piece in pieces:
        if piece.row is None:
            waiting.append(piece)
            continue
        needed = sum(one.height for one in waiting) + piece.height
        if y + needed > _BOTTOM:
            page, column = (page, 1) if column == 0 else (page + 1, 0)
            y = top if page == 1 else _TOP
            if not waiting:
                words = text("roll_call.continued", language, company=piece.company)
                waiting.append(_Piece(_HEAD, words, company=piece.company))
        for one in (*waiting, piece):
            yield _Placed(page, _EDGE + column * (_COLUMN + _GAP), y, one)
            y += one.height
        waiting = []
    for one in waiting:  # groups without anybody, at the end
        if y + one.height > _BOTTOM:
            page, column = (page, 1) if column == 0 else (page + 1, 0)
            y = top if page == 1 else _TOP
        yield _Placed(page, _EDGE + column * (_COLUMN + _GAP), y, one)
        y += one.height


# ---------------------------------------------------------------- drawing


def _first_page(pdf: FPDF, sheet: Sheet, language: str, notice: str) -> float:
    """Writes what stands above the columns; returns where they begin."""
    wide = 210.0 - 2 * _EDGE
    pdf.set_text_color(*_INK)
    _line(pdf, _EDGE, 10, title_of("title", sheet.list.site, language), 20, "B", wide)
    _line(pdf, _EDGE, 21, as_of(sheet, language), 13, "B", wide)
    _line(pdf, _EDGE, 28, _counts(sheet, language), 11, "", wide)
    pdf.set_draw_color(*_INK)
    pdf.set_line_width(0.5)
    said = text("roll_call.caution", language)
    if sheet.opened_ms is not None:
        opened = time_text(sheet.opened_ms, language, seconds=False)
        said += " " + text("roll_call.sheet.filled", language, time=opened)
    pdf.set_xy(_EDGE + 3, 37)
    pdf.set_font(FONT, "", 10)
    pdf.multi_cell(wide - 6, 4.6, said, align="L")
    if notice:
        pdf.set_x(_EDGE + 3)
        pdf.set_font(FONT, "B", 10)
        pdf.multi_cell(wide - 6, 4.6, notice, align="L")
    bottom = pdf.get_y() + 2
    pdf.rect(_EDGE, 35, wide, bottom - 35)
    return bottom + 4


def _counts(sheet: Sheet, language: str) -> str:
    here = len(sheet.here)
    said = text(
        "roll_call.sheet.counts",
        language,
        here=here,
        left=len(sheet.left),
        not_come=len(sheet.not_come),
    )
    visitors = text("roll_call.visitors_count", language, count=sheet.visitors)
    return f"{said}   ({visitors})" if sheet.visitors else said


def _draw(pdf: FPDF, placed: _Placed, language: str) -> None:
    piece, x, y = placed.piece, placed.x, placed.y
    pdf.set_text_color(*_INK)
    if piece.row is None:
        section = not piece.company
        size, low = (14.0, 8.0) if section else (11.0, 6.5)
        _line(pdf, x, y + 1.5, piece.words, size, "B", _COLUMN)
        pdf.set_draw_color(*_INK)
        pdf.set_line_width(0.6 if section else 0.2)
        pdf.line(x, y + low + 0.5, x + _COLUMN, y + low + 0.5)
        return
    row = piece.row
    pdf.set_draw_color(*_INK)
    pdf.set_line_width(0.5)
    pdf.rect(x, y + 1.5, _BOX, _BOX)
    if row.mark is Mark.PRESENT:
        pdf.set_line_width(1.0)
        pdf.line(x + 1.5, y + 5, x + 3, y + 7)
        pdf.line(x + 3, y + 7, x + 5.7, y + 3)
    left, wide = x + _BOX + 2.5, _COLUMN - _BOX - 2.5
    where = where_of(row, language)
    _line(pdf, left, y + 1.2, name_of(row, language), 11, "B", wide)
    pdf.set_text_color(*_QUIET)
    _line(pdf, left, y + 5.6, where, 8.5, "", wide)


def _foot(pdf: FPDF, sheet: Sheet, language: str, page: int, pages: int) -> None:
    pdf.set_text_color(*_QUIET)
    _line(pdf, _EDGE, 285, as_of(sheet, language), 9, "", 140)
    pdf.set_font(FONT, "B", 11)
    pdf.set_xy(210 - _EDGE - 50, 284.5)
    said = text("roll_call.sheet.page", language, page=page, pages=pages)
    pdf.cell(50, 5, said, align="R")


def _line(
    pdf: FPDF, x: float, y: float, written: str, size: float, style: str, width: float
) -> None:
    """Writes one line, smaller when it would not fit."""
    pdf.set_font(FONT, style, size)
    needed = pdf.get_string_width(written)
    if needed > width:
        pdf.set_font(FONT, style, max(5.0, size * width / needed * 0.99))
    pdf.set_xy(x, y)
    pdf.cell(width, size * 0.43, written)


def _written(sheet: Sheet, language: str, notice: str) -> str:
    """Returns every letter that may be written."""
    parts = [_USUAL, notice, sheet.list.site, as_of(sheet, language), _counts(sheet, language)]
    parts += [
        text(f"roll_call.{key}", language, page=1, pages=1, time="", company="")
        for key in ("title", "caution", "here", "left", "not_come", "sheet.page", "sheet.filled",
                    "continued", "no_company", "no_name")
    ]  # fmt: skip
    for row in (*sheet.here, *sheet.left, *sheet.not_come):
        parts += [row.entry.company, name_of(row, language), where_of(row, language)]
    return "".join(parts)
