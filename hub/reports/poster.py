"""The poster of a site as a PDF: one A4 sheet, letters and code as vectors, no picture inside."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from hub.application.poster import QUIET_ZONE, Poster, QrCode, qr_code, told

if TYPE_CHECKING:
    from fpdf import FPDF

FONT: Final = "Noto Sans"
_EDGE: Final = 15.0
_WIDE: Final = 210.0 - 2 * _EDGE
_INK: Final = (23, 33, 43)
_QUIET: Final = (84, 97, 110)
_BAND: Final = (20, 49, 74)
_HEADLINES_TOP: Final = 51.0
_NUMBERS_TOP: Final = 258.0
_CODE_MAX: Final = 104.0


def poster_pdf(poster: Poster, now_ms: int) -> bytes:
    """Returns the sheet as a PDF with one page of A4.

    Args:
        now_ms: when it is made, UTC milliseconds; it stands in the file's properties.
    """
    # What makes PDFs takes long to load, and every command and the hub know this function.
    from fpdf import FPDF

    from hub.reports.letters import add_letters

    pdf = FPDF(format="A4")
    pdf.set_auto_page_break(False)
    pdf.c_margin = 0
    pdf.set_creation_date(datetime.fromtimestamp(now_ms / 1000, UTC))
    pdf.set_title(poster.site)
    pdf.set_lang(poster.languages[0])
    add_letters(pdf, FONT, _written(poster))
    pdf.add_page()
    _band(pdf, poster)
    top = _headlines(pdf, poster)
    _code(pdf, poster, qr_code(poster.url), top)
    _numbers(pdf, poster)
    return bytes(pdf.output())


def _written(poster: Poster) -> str:
    sentences = [
        told(key, language) for key in ("headline", "how", "scan") for language in poster.languages
    ]
    return "".join(
        [*sentences, poster.site, poster.address, poster.url, poster.works_label, *poster.works]
    )


def _band(pdf: FPDF, poster: Poster) -> None:
    pdf.set_fill_color(*_BAND)
    pdf.rect(0, 0, 210, 40, style="F")
    pdf.set_text_color(255, 255, 255)
    top = 10.0 if poster.address else 14.0
    _line(pdf, _EDGE, top, poster.site, 28, "B", _WIDE)
    if poster.address:
        _line(pdf, _EDGE, 25, poster.address, 13, "", _WIDE)


def _headlines(pdf: FPDF, poster: Poster) -> float:
    """Writes what to do in each language; returns where the rest begins."""
    many = len(poster.languages) > 2
    size, small = (26.0, 13.0) if many else (32.0, 16.0)
    y = _HEADLINES_TOP
    for language in poster.languages:
        pdf.set_text_color(*_INK)
        _line(pdf, _EDGE, y, told("headline", language), size, "B", _WIDE)
        pdf.set_text_color(*_QUIET)
        pdf.set_xy(_EDGE, y + size * 0.47)
        pdf.set_font(FONT, "", small)
        pdf.multi_cell(_WIDE, small * 0.46, told("how", language), align="L")
        y = pdf.get_y() + (4 if many else 9)
    return y + 6


def _code(pdf: FPDF, poster: Poster, code: QrCode, top: float) -> None:
    """Draws the code as large as there is room for, what it is for, and its address below."""
    bottom = _NUMBERS_TOP - 21
    module = min(bottom - top, _CODE_MAX) / (code.side - 2 * QUIET_ZONE)
    side = module * (code.side - 2 * QUIET_ZONE)
    # The quiet zone lies in the white of the margin and of the gap to the text.
    left, up = _EDGE - QUIET_ZONE * module, top - QUIET_ZONE * module
    pdf.set_fill_color(0, 0, 0)
    for bar in code.bars:
        x, y = left + bar.x * module, up + bar.y * module
        pdf.rect(x, y, bar.width * module, module, style="F")
    right = _EDGE + side + max(QUIET_ZONE * module, 8)
    pdf.set_text_color(*_INK)
    y = top
    for language in poster.languages:
        pdf.set_xy(right, y)
        pdf.set_font(FONT, "", 14)
        pdf.multi_cell(210 - _EDGE - right, 6.5, told("scan", language), align="L")
        y = pdf.get_y() + 4
    _line(pdf, _EDGE, _NUMBERS_TOP - 10, poster.url, 17, "B", _WIDE)


def _numbers(pdf: FPDF, poster: Poster) -> None:
    if not poster.works:
        return
    pdf.set_draw_color(*_QUIET)
    pdf.line(_EDGE, _NUMBERS_TOP, 210 - _EDGE, _NUMBERS_TOP)
    pdf.set_text_color(*_QUIET)
    _line(pdf, _EDGE, _NUMBERS_TOP + 4, poster.works_label, 11, "", _WIDE)
    pdf.set_text_color(*_INK)
    pdf.set_xy(_EDGE, _NUMBERS_TOP + 11)
    size = 22.0 if len(poster.works) <= 3 else 14.0
    pdf.set_font(FONT, "B", size)
    pdf.multi_cell(_WIDE, size * 0.42, "   ".join(poster.works), align="L")


def _line(
    pdf: FPDF, x: float, y: float, written: str, size: float, style: str, width: float
) -> None:
    """Writes one line, smaller when it would not fit."""
    pdf.set_font(FONT, style, size)
    needed = pdf.get_string_width(written)
    if needed > width:
        pdf.set_font(FONT, style, max(6.0, size * width / needed * 0.99))
    pdf.set_xy(x, y)
    pdf.cell(width, size * 0.43, written)
