"""Turns a panel as the board reports it into what the page draws: lamps, display, arm.

Lamps. A WS2812 dims by switching fast, so its numbers are amounts of light. A screen's numbers are
not (sRGB, about the power 2.2), and a lamp that is off still shows its white diffuser. Both are
taken into account, or the slow breath of an idle gate would look like a dead ring.

Display. The RAM of an SSD1306 holds 8 pages of 128 columns; a byte is 8 pixels of one column, bit 0
on top (data sheet, 8.7). The lit pixels become one SVG path of horizontal strokes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

WIDTH: Final = 128
PAGES: Final = 8
LAMPS: Final = 12

_DIFFUSER: Final = (44, 55, 66)
_GAMMA: Final = 2.2
_CLOCK_LINE = re.compile(r"(\d\d:\d\d|\S+ ?\?)( *[→←⇄])?")
_COUNT_LINE = re.compile(r"\D+ (\d+)")


def lamp_colour(light: Sequence[int]) -> str:
    """Returns how a lamp looks on a screen, as `#rrggbb`.

    Args:
        light: red, green, blue as sent to the lamp, 0..255 each.
    """
    seen = [
        min(255, base + round(255 * (amount / 255) ** (1 / _GAMMA)))
        for base, amount in zip(_DIFFUSER, light, strict=True)
    ]
    return "#{:02x}{:02x}{:02x}".format(*seen)


def lamps_word(ring: Sequence[Sequence[int]]) -> str:
    """Returns what a person would call the ring: "off", "green", "red", "amber" or "other"."""
    lit = [light for light in ring if any(light)]
    if not lit:
        return "off"
    red, green, blue = (sum(light[i] for light in lit) for i in range(3))
    if blue * 4 > red + green:
        return "other"
    if red * 4 < green:
        return "green"
    return "red" if green * 4 < red else "amber"


@lru_cache(maxsize=64)
def display_path(pixels: str) -> str:
    """Returns the lit pixels as the `d` of an SVG path, one stroke for each horizontal run.

    Stroked one unit wide and moved down by half a unit, it covers exactly the lit pixels of a
    128 x 64 drawing.

    Args:
        pixels: 1,024 bytes of display RAM in hex.

    Raises:
        ValueError: not that many bytes, or not hex.
    """
    ram = _ram(pixels)
    strokes: list[str] = []
    for y in range(8 * PAGES):
        row = ram[y // 8 * WIDTH : (y // 8 + 1) * WIDTH]
        mask = 1 << (y & 7)
        x = 0
        while x < WIDTH:
            start = x
            while x < WIDTH and row[x] & mask:
                x += 1
            if x > start:
                strokes.append(f"M{start} {y}h{x - start}")
            x += 1
    return "".join(strokes)


def _ram(pixels: str) -> bytes:
    ram = bytes.fromhex(pixels)
    if len(ram) != WIDTH * PAGES:
        raise ValueError("display RAM of 1,024 bytes expected")
    return ram


def unsent(lines: Sequence[str]) -> int | None:
    """Returns how many records the gate says the hub may not have, None while it shows an answer.

    It is a hint only: it is read off the display, where the first number below the clock is that
    count in every language and whether the gate is connected or not.
    """
    clock = next((i for i, line in enumerate(lines) if _CLOCK_LINE.fullmatch(line)), None)
    if clock is None:
        return None
    for line in lines[clock + 1 :]:
        if found := _COUNT_LINE.fullmatch(line):
            return int(found[1])
    return None


def drawn(panel: dict[str, Any]) -> dict[str, Any]:
    """Returns the parts of a panel as the page draws them; equal panels give equal parts.

    Args:
        panel: as the board reports it.
    """
    ring: list[list[int]] = panel["ring"]
    return {
        "ring": [lamp_colour(light) for light in ring],
        "lamps": lamps_word(ring),
        "display": display_path(panel["pixels"]),
        "lines": list(panel["lines"]),
        "buzzer": panel["buzzer"],
        "sounds": list(panel["sounds"]),
        "arm": panel["arm"],
    }
