"""What the poster of a site says: headline and what to do, its numbers, and the phone's address.

The QR code carries the address of the phone page and nothing else: what the official poster's code
carries is not known, and ours has to open with any camera.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import segno

from hub.i18n import text

PHONE_PAGE: Final = "/phone"
QUIET_ZONE: Final = 4
"""Blank modules around a code that readers need (ISO/IEC 18004)."""


@dataclass(frozen=True, slots=True)
class Poster:
    """One sheet.

    Args:
        site: its name.
        address: of the site; may be empty.
        languages: one to four, in the order they are shown.
        works: numbers of the works declarations; may be empty.
        url: the whole address of the phone page.
    """

    site: str
    address: str
    languages: tuple[str, ...]
    works: tuple[str, ...]
    url: str

    @property
    def works_label(self) -> str:
        """What the numbers are called, in every language of the sheet."""
        key = "number" if len(self.works) == 1 else "numbers"
        return " · ".join(text(f"poster.{key}", one) for one in self.languages)


@dataclass(frozen=True, slots=True)
class Bar:
    """Dark modules of a code in one row: `width` of them from column `x` of row `y`."""

    x: int
    y: int
    width: int


@dataclass(frozen=True, slots=True)
class QrCode:
    """A code as a picture of a square of `side` modules with its quiet zone."""

    side: int
    bars: tuple[Bar, ...]

    @property
    def path(self) -> str:
        """The dark modules as the path of an SVG picture."""
        return "".join(f"M{bar.x} {bar.y}h{bar.width}v1h-{bar.width}z" for bar in self.bars)


def told(key: str, language: str) -> str:
    """Returns a text of the poster; in French a line never begins with a sign."""
    written = text(f"poster.{key}", language)
    return re.sub(r" ([:;?!])", "\u00a0\\1", written) if language == "fr" else written


def phone_address(public_url: str, site: str) -> str:
    """Returns the whole address of the phone page of a site.

    Args:
        public_url: at which phones reach this hub.
        site: its handle.
    """
    return f"{public_url.rstrip('/')}{PHONE_PAGE}/{site}"


def qr_code(address: str) -> QrCode:
    """Returns the code of an address, at level M: a seventh of it may be dirty or torn."""
    matrix = segno.make_qr(address, error="m", boost_error=False).matrix
    bars = [bar for y, row in enumerate(matrix) for bar in _bars(y, row)]
    return QrCode(len(matrix) + 2 * QUIET_ZONE, tuple(bars))


def _bars(y: int, row: Sequence[int]) -> list[Bar]:
    bars: list[Bar] = []
    x = 0
    while x < len(row):
        width = 0
        while x + width < len(row) and row[x + width]:
            width += 1
        if width:
            bars.append(Bar(x + QUIET_ZONE, y + QUIET_ZONE, width))
        x += width or 1
    return bars
