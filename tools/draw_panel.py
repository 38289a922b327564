"""Draws docs/images/panel.svg: what a gate shows, lights and sounds, from the firmware itself.

    .venv/bin/python -m tools.draw_panel            writes the picture
    .venv/bin/python -m tools.draw_panel --check    fails if it is not what the firmware shows

Needs the MicroPython interpreter, whose letters are those of the Pico.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from simulator.console.drawing import display_path, lamp_colour
from simulator.gate import find_interpreter

ROOT: Final = Path(__file__).parents[1]
TARGET: Final = ROOT / "docs" / "images" / "panel.svg"
TIMES: Final = ("0", "0.1", "0.2", "0.3", "0.5", "0.75", "1", "1.5 s")

_COLUMNS: Final = 4
_CARD: Final = (236, 232)
_SMALL: Final = (152, 96)
_EDGE: Final = 12
_LOWEST_HZ: Final = 170
_OCTAVES: Final = 4
_MS_WIDE: Final = 3000


def scenes() -> list[dict[str, Any]]:
    """Returns what tools/panel_scenes.py prints on MicroPython."""
    _kind, executable = find_interpreter("micropython")
    script = ROOT / "tools" / "panel_scenes.py"
    done = subprocess.run(
        [str(executable), "-X", "heapsize=4M", str(script), str(ROOT)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def picture(found: list[dict[str, Any]]) -> str:
    """Returns the SVG of these scenes: cards with ring and sound, then the twelve languages."""
    cards = [scene for scene in found if scene["rings"]]
    languages = [scene for scene in found if not scene["rings"]]
    width = 2 * _EDGE + _COLUMNS * _CARD[0]
    rows = -(-len(cards) // _COLUMNS)
    across = (width - 2 * _EDGE) // _SMALL[0]
    below = 2 * _EDGE + rows * _CARD[1]
    height = below + -(-len(languages) // across) * _SMALL[1] + _EDGE
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="sans-serif" font-size="11">',
        f'<rect width="{width}" height="{height}" fill="#f4f5f7"/>',
    ]
    for i, scene in enumerate(cards):
        x, y = _EDGE + i % _COLUMNS * _CARD[0], _EDGE + i // _COLUMNS * _CARD[1]
        parts.append(f'<g transform="translate({x} {y})">')
        parts += _card(scene)
        parts.append("</g>")
    for i, scene in enumerate(languages):
        x, y = _EDGE + i % across * _SMALL[0], below + i // across * _SMALL[1]
        parts.append(f'<g transform="translate({x} {y})">')
        parts.append(f'<text y="12">{scene["name"]}</text>')
        parts += _display(scene["pixels"], 0, 18, 1.1)
        parts.append("</g>")
    parts.append("</svg>")
    return "\n".join(parts) + "\n"


def _card(scene: dict[str, Any]) -> Iterator[str]:
    yield f'<text y="12" font-weight="bold">{scene["name"]}</text>'
    yield from _display(scene["pixels"], 0, 18, 1.72)
    for i, ring in enumerate(scene["rings"]):
        yield from _ring(ring, 13 + 27.5 * i, 148)
        yield (
            f'<text x="{13 + 27.5 * i}" y="173" font-size="8" fill="#59636e" '
            f'text-anchor="middle">{TIMES[i]}</text>'
        )
    yield from _sound(scene["sound"])


def _display(pixels: str, x: float, y: float, scale: float) -> Iterator[str]:
    yield f'<g transform="translate({x} {y}) scale({scale})">'
    yield '<rect width="128" height="64" fill="#020406"/>'
    yield f'<path d="{display_path(pixels)}" transform="translate(0 .5)" stroke="#cfe8ff"/></g>'


def _ring(lamps: list[list[int]], x: float, y: float) -> Iterator[str]:
    yield f'<circle cx="{x}" cy="{y}" r="13" fill="#1b232b"/>'
    dots: dict[str, str] = {}
    for i, lamp in enumerate(lamps):
        angle = math.pi * i / 6
        colour = lamp_colour(lamp)
        place = f"M{x + 9.6 * math.sin(angle):.1f} {y - 9.6 * math.cos(angle):.1f}h0"
        dots[colour] = dots.get(colour, "") + place
    for colour, places in dots.items():
        yield (f'<path d="{places}" stroke="{colour}" stroke-width="4.6" stroke-linecap="round"/>')


def _sound(sound: list[list[int]]) -> Iterator[str]:
    """Each tone as a stroke: from left to right as time goes, the higher the higher."""
    yield '<rect y="180" width="220" height="36" fill="#e4e8ec"/>'
    at = 0
    for hertz, duration in sound:
        if hertz:
            y = 213 - 30 * math.log2(hertz / _LOWEST_HZ) / _OCTAVES
            x, width = 220 * at / _MS_WIDE, max(2.0, 220 * duration / _MS_WIDE)
            size = f'width="{width:.1f}" height="4"'
            yield f'<rect x="{x:.1f}" y="{y - 2:.1f}" {size} fill="#30475e"/>'
        at += duration
    if not sound:
        yield '<text x="6" y="202" fill="#59636e">no sound</text>'


def main() -> int:
    """Writes the picture, or only compares it; returns the exit code."""
    drawn = picture(scenes())
    if "--check" not in sys.argv[1:]:
        TARGET.write_text(drawn, "utf-8")
        return 0
    if TARGET.read_text("utf-8") == drawn:
        return 0
    print(f"{TARGET.relative_to(ROOT)} is not what the firmware shows: run tools.draw_panel")
    return 1


if __name__ == "__main__":
    sys.exit(main())
