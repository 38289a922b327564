"""The attestation of a reminder as a PDF: A4, what was sent when, to whom, and how it is proven.

It names no person: the digest of the list that went with the mail stands for that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final, Protocol

from hub.application.reminders import ReminderRow
from hub.application.reports import Period
from hub.domain.companies import number_text
from hub.reports.sheet import FONT, INK, QUIET, RULE, fitting

if TYPE_CHECKING:
    from fpdf import FPDF

_LEFT: Final = 20.0
_WIDE: Final = 170.0
_TOP: Final = 14.0
_BOTTOM: Final = 283.0


class AttestationTexts(Protocol):
    """What the paper asks of the words of a language."""

    language: str

    def __call__(self, key: str, /, **values: object) -> str:
        """Returns a text of reminders."""
        ...

    def counted(self, key: str, count: int, /, **values: object) -> str:
        """Returns the text for one or for many."""
        ...

    def moment(self, at_ms: int, /) -> str:
        """Returns day and time."""
        ...

    def period(self, period: Period, /) -> str:
        """Returns a period."""
        ...

    def day(self, day: date, /) -> str:
        """Returns a day."""
        ...

    def spoken(self, language: str, /) -> str:
        """Returns the name of a language."""
        ...

    def by(self, row: ReminderRow, /) -> str:
        """Returns who sent it."""
        ...

    def became(self, row: ReminderRow, paper: bool = False, /) -> str:
        """Returns what became of the mail."""
        ...


def reminder_pdf(row: ReminderRow, words: AttestationTexts, hub_name: str, now_ms: int) -> bytes:
    """Returns the attestation of a reminder as a PDF.

    Args:
        hub_name: address of this hub.
        now_ms: when it is made, UTC milliseconds; it stands in the file's properties.
    """
    # What makes PDFs takes long to load, and every command and the hub know this function.
    from fpdf import FPDF

    from hub.reports.letters import add_letters

    pdf = FPDF(format="A4")
    pdf.set_auto_page_break(False)
    pdf.c_margin = 0
    pdf.set_creation_date(datetime.fromtimestamp(now_ms / 1000, UTC))
    pdf.set_title(f"{words('attest.title')} {row.handle}")
    pdf.set_lang(words.language)
    lines = list(_lines(row, words, hub_name, now_ms))
    sheets = words("attest.sheet", page="0123456789", pages="0")
    add_letters(pdf, FONT, sheets + row.handle + "".join(one for one, *_ in lines))
    _Paper(pdf).draw(lines)
    for page in range(1, pdf.pages_count + 1):
        pdf.page = page
        pdf.set_font(FONT, "", 8)
        pdf.set_text_color(*QUIET)
        pdf.set_xy(_LEFT, 286)
        pdf.cell(_WIDE / 2, 4, row.handle)
        sheet = words("attest.sheet", page=page, pages=pdf.pages_count)
        pdf.cell(_WIDE / 2, 4, sheet, align="R")
    return bytes(pdf.output())


_Line = tuple[str, str]
"""What is written, and as what: a key of `_STYLES`."""
_STYLES: Final[Mapping[str, tuple[float, str, float]]] = {
    "title": (20, "B", 6),
    "said": (11, "", 4),
    "strong": (11, "B", 4),
    "head": (10, "B", 1),
    "quiet": (9, "", 3),
    "text": (9, "", 0.5),
    "gap": (5, "", 0),
}
"""Points, weight, and millimetres below."""


def _lines(
    row: ReminderRow, words: AttestationTexts, hub_name: str, now_ms: int
) -> Iterator[_Line]:
    yield words("attest.title"), "title"
    yield (
        words.counted(
            "attest.said",
            row.rows,
            moment=words.moment(row.at_ms),
            hub=hub_name,
            company=row.company,
            number=number_text(row.company_number),
            address=row.masked,
            period=words.period(row.period),
        ),
        "said",
    )
    yield words("attest.sender", sender=words.by(row)), "said"
    yield words.became(row, True), "strong"
    if row.state == "sent":
        yield words("attest.not_read"), "quiet"
    for key, value in (
        ("reference", row.handle),
        ("message", row.message),
        ("text_digest", row.text_digest),
        ("list_digest", row.list_digest),
    ):
        yield words(f"column.{key}"), "head"
        yield value, "quiet"
    yield words("prove"), "quiet"
    yield words("counts"), "head"
    for day, site, count in row.counts:
        yield f"{words.day(day)} · {site} · {count}", "text"
    yield "", "gap"
    yield words("attest.text", language=words.spoken(row.language)), "head"
    yield row.subject, "text"
    yield "", "gap"
    for part in row.text.strip().split("\n"):
        yield part, "text" if part else "gap"
    yield "", "gap"
    yield words("attest.made", moment=words.moment(now_ms)), "quiet"


class _Paper:
    def __init__(self, pdf: FPDF) -> None:
        self._pdf = pdf
        self._y = _TOP

    def draw(self, lines: Sequence[_Line]) -> None:
        """Draws everything, on as many sheets as it takes."""
        self._pdf.add_page()
        for place, (written, style) in enumerate(lines):
            size, weight, below = _STYLES[style]
            height = size * 0.48
            self._pdf.set_font(FONT, weight, size)
            parts = list(fitting(self._pdf, written, _WIDE))
            # A heading does not stay alone at the foot of a sheet.
            needed = height * (3 if style == "head" else 1)
            self._pdf.set_text_color(*(QUIET if style == "quiet" else INK))
            for part in parts:
                if self._y + needed > _BOTTOM:
                    self._pdf.add_page()
                    self._y = _TOP
                self._pdf.set_xy(_LEFT, self._y)
                self._pdf.cell(_WIDE, height, part)
                self._y += height
            self._y += below
            if place == 0:
                self._pdf.set_draw_color(*RULE)
                self._pdf.line(_LEFT, self._y - 3, _LEFT + _WIDE, self._y - 3)
