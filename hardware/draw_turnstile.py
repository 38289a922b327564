"""Draws how a gate and a turnstile are connected: python -m hardware.draw_turnstile

Two pictures in one: the entry, which the gate's relay asks for, and the fire path, which has
nothing of ours in it.
"""

from __future__ import annotations

from hardware.canvas import BLUE, GREEN, GREY, INK, PAPER, RED, Canvas
from hardware.netlist import Circuit
from hardware.pinout import DRAWINGS, read
from hardware.schematic import build

TURNSTILE = DRAWINGS / "turnstile.svg"


def _terminals(canvas: Canvas, x: float, y: float, names: list[str], *, right: bool) -> list[float]:
    """A column of terminals; returns the height of each."""
    heights: list[float] = []
    for row, name in enumerate(names):
        here = y + 26 * row
        canvas.circle(x, here, 6, fill="white")
        canvas.text(x - 12 if right else x + 12, here + 4, name, size=11,
                    align="end" if right else "start")  # fmt: skip
        heights.append(here)
    return heights


def draw(circuit: Circuit) -> str:
    """Returns the picture. Names at the gate's terminals are those of the circuit."""
    canvas = Canvas(900, 560, "How a gate, a turnstile and the fire panel are connected")
    canvas.text(20, 28, "Gate, turnstile and fire panel", size=16, bold=True)

    canvas.rect(40, 60, 250, 330, fill=PAPER, line=1.6, round_=6)
    canvas.text(54, 84, "Gate (this box)", size=13, bold=True)
    canvas.rect(560, 60, 300, 330, fill=PAPER, line=1.6, round_=6)
    canvas.text(574, 84, "Turnstile with its controller", size=13, bold=True)
    canvas.rect(560, 430, 300, 100, fill="#fdf0f0", stroke=RED, line=1.6, round_=6)
    canvas.text(574, 454, "Fire panel", size=13, bold=True)

    ways = {
        ref: [circuit.parts[ref].nets[f"P{n}"] for n in range(1, len(circuit.parts[ref].nets) + 1)]
        for ref in ("J2", "J3", "J4")
    }
    entry = _terminals(canvas, 290, 120, [f"J2 {net}" for net in ways["J2"]], right=True)
    passage = _terminals(canvas, 290, 230, [f"J3 {net}" for net in ways["J3"]], right=True)
    fire = _terminals(canvas, 290, 330, [f"J4 {net}" for net in ways["J4"]], right=True)
    canvas.text(54, entry[1] + 4, "relay contact", size=11, colour=GREY)
    canvas.text(54, entry[1] + 18, "24 V DC, 1 A at most", size=9, colour=GREY)

    asked = _terminals(canvas, 560, 120, ["entry, one passage", "common"], right=False)
    turned = _terminals(canvas, 560, 230, ["PASS, dry contact", "common"], right=False)
    for starts, ends, colour in ((entry, asked, GREEN), (passage, turned, BLUE)):
        for start, end in zip(starts, ends, strict=False):
            canvas.line((296, start), (554, end), stroke=colour, line=2)
    canvas.text(425, 112, "closes for one passage", size=11, align="middle", colour=GREEN)
    canvas.text(425, 222, "closes while the arm turns", size=11, align="middle", colour=BLUE)
    canvas.text(425, entry[2] + 4, "stays open", size=10, align="middle", colour=GREY)

    # Fire: copy to the gate, and the path that counts.
    canvas.circle(600, 490, 6, fill="white")
    canvas.circle(640, 490, 6, fill="white")
    canvas.text(620, 515, "contact 2: copy", size=11, align="middle")
    canvas.line((600, 484), (600, 474), (470, 474), (470, fire[0]), (296, fire[0]), stroke=GREY)
    canvas.line((640, 484), (640, 466), (450, 466), (450, fire[1]), (296, fire[1]), stroke=GREY)
    canvas.text(300, fire[0] - 8, "recorded and shown, no more", size=10, colour=GREY)
    canvas.circle(760, 490, 6, fill="white")
    canvas.circle(800, 490, 6, fill="white")
    canvas.text(780, 515, "contact 1: opens", size=11, align="middle", colour=RED)
    canvas.rect(700, 300, 140, 66, fill="white")
    canvas.text(770, 322, "what holds the arm", size=11, align="middle")
    canvas.text(770, 338, "without current: free", size=10, align="middle", colour=RED)
    canvas.text(770, 354, "in the way out", size=10, align="middle", colour=RED)
    canvas.line((760, 484), (760, 366), stroke=RED, line=3)
    canvas.line((800, 484), (800, 366), stroke=RED, line=3)
    canvas.text(812, 410, "in series with its", size=10, colour=RED)
    canvas.text(812, 422, "supply", size=10, colour=RED)
    canvas.text(40, 430, "The fire path (red) is a wire from the panel to the turnstile.", size=12,
                colour=RED, bold=True)  # fmt: skip
    for row, words in enumerate((
        "No relay, no program and no network of ours is in it: it opens",
        "with the gate off, on fire or full of faults. The gate only hears of it.",
        "Without supply, at reset and with a cut wire the relay is released.",
        "Whether released means locked or free is the site's safety plan:",
        "J2 ENTRY closes, J2 ENTRY_REST opens for one passage.",
    )):  # fmt: skip
        canvas.text(40, 452 + 18 * row, words, size=11, colour=INK)
    return canvas.svg()


def main() -> None:
    """Writes the picture."""
    DRAWINGS.mkdir(exist_ok=True)
    TURNSTILE.write_text(draw(build(read())), "utf-8")
    print(f"sitegate: wrote {TURNSTILE.name}")


if __name__ == "__main__":
    main()
