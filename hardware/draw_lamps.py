"""Draws what each lamp pattern means: python -m hardware.draw_lamps"""

from __future__ import annotations

import math
import tomllib
from typing import Any

from hardware.canvas import GREY, Canvas
from hardware.pinout import DRAWINGS, HARDWARE

LAMPS = DRAWINGS / "lamps.svg"
COLOURS = {
    "R": "#d01020", "G": "#109030", "A": "#f0a000", "B": "#1040d0", "W": "#ffffff", ".": "#303438",
    "g": "#0c4a1c", "a": "#6a4a08",
}  # fmt: skip
"""One for each letter of a frame: dim ones are darker, as the eye sees them."""

_ROW = 62
_RING = 21


def states() -> list[dict[str, Any]]:
    """Returns the rows of hardware/lamps.toml."""
    return tomllib.loads((HARDWARE / "lamps.toml").read_text("utf-8"))["state"]


def _ring(canvas: Canvas, x: float, y: float, frame: str) -> None:
    canvas.circle(x, y, _RING + 5, fill="#1b1e21", stroke="none")
    for lamp, letter in enumerate(frame):
        angle = math.radians(lamp * 360 / len(frame) - 90)
        canvas.circle(
            x + _RING * math.cos(angle), y + _RING * math.sin(angle), 4,
            fill=COLOURS[letter], stroke="none",
        )  # fmt: skip


def draw() -> str:
    """Returns the picture: events on the left, lasting states on the right."""
    rows = states()
    columns = ([r for r in rows if r["events"]], [r for r in rows if not r["events"]])
    half = (len(columns[0]) + 1) // 2
    blocks = (
        ("After a badge", columns[0][:half]),
        ("After a badge, and alarms", columns[0][half:]),
        ("While nobody taps", columns[1]),
    )
    canvas = Canvas(
        1230, 84 + _ROW * max(len(block) for _, block in blocks), "What each lamp pattern means"
    )
    for column, (heading, block) in enumerate(blocks):
        left = 20 + column * 410
        canvas.text(left, 30, heading, size=15, bold=True)
        for number, row in enumerate(block):
            y = 76 + number * _ROW
            for place, (frame, at_ms) in enumerate(zip(row["frames"], row["at_ms"], strict=True)):
                _ring(canvas, left + 28 + place * 58, y, frame)
                if len(row["frames"]) > 1:
                    canvas.text(
                        left + 28 + place * 58, y + 4, f"{at_ms / 1000:g}", size=9,
                        align="middle", colour="#c8c8c8",
                    )  # fmt: skip
            words = left + 64 + 58 * (len(row["frames"]) - 1)
            canvas.text(words, y - 2, row["name"], size=13)
            canvas.text(words, y + 15, row["sound"], size=11, colour=GREY)
    canvas.text(
        20 + 2 * 410, 76 + len(columns[1]) * _ROW - 10,
        "In the rings: seconds. Breathing states go on and on.", size=11, colour=GREY,
    )  # fmt: skip
    return canvas.svg()


def main() -> None:
    """Writes the picture."""
    DRAWINGS.mkdir(exist_ok=True)
    LAMPS.write_text(draw(), "utf-8")
    print(f"sitegate: wrote {LAMPS.name}")


if __name__ == "__main__":
    main()
