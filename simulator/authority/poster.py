"""The QR code of a works poster, drawn as one path of an inline picture.

What the official poster's code carries is not known; ours carries the address of the mobile page of
the works, so that a telephone's camera opens it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import segno

# Blank modules around the code that readers need (ISO/IEC 18004).
QUIET_ZONE: Final = 4


@dataclass(frozen=True, slots=True)
class QrCode:
    """A code as a picture: side of the square in modules, and the dark ones as an SVG path."""

    side: int
    path: str


def qr_code(address: str) -> QrCode:
    """The code of an address, at error level M: a fifth of it may be dirty or torn."""
    matrix = segno.make_qr(address, error="m", boost_error=False).matrix
    path: list[str] = []
    for y, row in enumerate(matrix, QUIET_ZONE):
        x = 0
        while x < len(row):
            width = 0
            while x + width < len(row) and row[x + width]:
                width += 1
            if width:
                path.append(f"M{x + QUIET_ZONE} {y}h{width}v1h-{width}z")
            x += width or 1
    return QrCode(len(matrix) + 2 * QUIET_ZONE, "".join(path))
