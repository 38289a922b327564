"""Draws the front of the box and how high it hangs: python -m hardware.draw_box"""

from __future__ import annotations

from hardware.box import READER_HEIGHT_MM, parameters, rectangles
from hardware.canvas import BLUE, GREEN, GREY, INK, PAPER, Canvas
from hardware.pinout import DRAWINGS

FRONT = DRAWINGS / "front.svg"
MOUNTING = DRAWINGS / "mounting.svg"


def _box(canvas: Canvas, left: float, top: float, scale: float, *, names: bool) -> None:
    """The front of the box with its upper left corner at a point, `scale` units to a millimetre."""
    p = parameters()
    width, height = p["width"] * scale, p["height"] * scale

    def at(x: float, y: float) -> tuple[float, float]:
        return left + width / 2 + x * scale, top + height - y * scale

    ear = p["ear"] * scale
    for y in (p["ear_y"], p["height"] - p["ear_y"]):
        centre = at(0, y)[1]
        for x in (left - ear + scale, left + width - scale):
            canvas.rect(x, centre - ear, ear, 2 * ear, fill=PAPER, round_=ear / 3)
            canvas.circle(x + ear / 2, centre, p["screw_hole"] * scale / 2, fill="white")
    canvas.rect(left, top, width, height, fill=PAPER, round_=p["corner"] * scale, line=1.6)
    for name, (x1, y1, x2, y2) in rectangles(p).items():
        (x, y), wide, high = at(x1, y2), (x2 - x1) * scale, (y2 - y1) * scale
        middle = (x + wide / 2, y + high / 2)
        if name == "display":
            pane = (p["display_pane_width"] * scale, p["display_pane_height"] * scale)
            canvas.rect(middle[0] - pane[0] / 2, middle[1] - pane[1] / 2, *pane, fill="#10202c")
        elif name == "ring":
            canvas.circle(*middle, wide / 2, fill="#dff0df", stroke=GREEN)
            canvas.circle(*middle, p["ring_inside"] * scale / 2, fill=PAPER, stroke=GREEN)
        elif name == "reader":
            canvas.rect(x, y, wide, high, fill="white", stroke=BLUE, round_=4 * scale, line=2)
            if names:
                canvas.text(middle[0], middle[1] + 4, "badge", size=13, align="middle", colour=BLUE)
        elif name == "piezo":
            for across, down in ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1)):
                canvas.circle(
                    middle[0] + across * 4 * scale, middle[1] + down * 4 * scale, 0.8 * scale,
                    fill=INK,
                )  # fmt: skip
        else:
            canvas.circle(*middle, wide / 2, fill="white")
            if names:
                word = "IN" if name == "button in" else "OUT"
                canvas.text(middle[0], middle[1] + 4, word, size=11, align="middle")


def front() -> str:
    """Returns the front with its measures in mm."""
    p = parameters()
    scale, left, top = 2.2, 70.0, 50.0
    width, height = p["width"] * scale, p["height"] * scale
    canvas = Canvas(560, height + 110, "Front of the gate's box with measures in millimetres")
    canvas.text(20, 24, "Front, measures in mm", size=14, bold=True)
    _box(canvas, left, top, scale, names=True)
    below = top + height
    canvas.measure((left, below + 24), (left + width, below + 24), f"{p['width']:g}")
    side = left + width + 34
    labels = (
        ("display_y", "display, behind a clear pane"),
        ("ring_y", "ring of 12 lamps"),
        ("reader_y", "hold the badge here: frame to be felt"),
        ("buttons_y", "buttons IN and OUT (option)"),
    )
    for name, words in labels:
        y = below - p[name] * scale
        canvas.line((left + width / 2, y), (side, y), stroke=GREY, line=0.6, dashed=True)
        canvas.text(side + 4, y - 3, words, size=10)
        canvas.text(side + 4, y + 10, f"{p[name]:g} from below", size=9, colour=GREY)
    canvas.text(left + width / 2, below + 44, f"{p['glands']:g} glands M16 below; wall holes "
                f"{p['mount_x']:g} x {p['mount_y']:g}; depth {p['depth']:g}", size=10,
                align="middle", colour=GREY)  # fmt: skip
    canvas.measure((left - 34, top), (left - 34, below), f"{p['height']:g}")
    canvas.text(side + 4, top + 10, "sound (left of the display)", size=10)
    return canvas.svg()


def mounting() -> str:
    """Returns how high the box hangs beside a turnstile, measures in mm."""
    p = parameters()
    scale, ground = 0.22, 430.0
    low, high = READER_HEIGHT_MM
    canvas = Canvas(640, 480, "Mounting height: the middle of the reader is 900 to 1300 mm high")
    canvas.text(20, 26, "How high it hangs, measures in mm", size=14, bold=True)
    canvas.line((20, ground), (620, ground), line=2)

    def y(above: float) -> float:
        return ground - above * scale

    canvas.rect(60, y(high), 500, (high - low) * scale, fill="#e6f2e6", stroke=GREEN, line=0.6)
    canvas.text(298, y(low) - 6, "middle of the reader", size=11, colour=GREEN)
    best = 1100
    # A post with the box, the reader's middle at 1100.
    canvas.rect(272, y(1500), 16, 1500 * scale, fill="#d9d9d9", stroke=GREY)
    left, top = 280 - p["width"] * scale / 2, y(best - p["reader_y"] + p["height"])
    _box(canvas, left, top, scale, names=False)
    canvas.line((200, y(best)), (300, y(best)), stroke=BLUE, dashed=True, line=0.8)
    canvas.measure((90, ground), (90, y(best)), f"{best} is best")
    canvas.line((80, y(best)), (200, y(best)), stroke=BLUE, dashed=True, line=0.8)
    canvas.measure((585, ground), (585, y(low)), f"{low}")
    canvas.measure((530, ground), (530, y(high)), f"{high}")
    # People who reach it: standing, and sitting in a wheelchair.
    _person(canvas, 196, ground, 1700 * scale)
    _wheelchair(canvas, 440, ground, scale)
    canvas.text(196, ground + 20, "standing", size=11, align="middle")
    canvas.text(440, ground + 20, "from a wheelchair", size=11, align="middle")
    canvas.text(280, ground + 20, "gate", size=11, align="middle")
    canvas.text(320, 462, "Free ground of 900 x 1300 before it, reached from the side or the "
                "front; no step.", size=11, align="middle", colour=GREY)  # fmt: skip
    return canvas.svg()


def _person(canvas: Canvas, x: float, ground: float, tall: float) -> None:
    head = tall * 0.05
    canvas.circle(x, ground - tall + head, head)
    neck, hip = ground - tall + 2 * head, ground - tall * 0.48
    canvas.line((x, neck), (x, hip))
    canvas.line((x - 12, ground), (x, hip), (x + 12, ground))
    canvas.line((x - 14, hip), (x, neck + 14), (x + 62, ground - 1080 * 0.22))


def _wheelchair(canvas: Canvas, x: float, ground: float, scale: float) -> None:
    seat = ground - 500 * scale
    canvas.circle(x + 10, ground - 300 * scale, 300 * scale)
    canvas.circle(x - 72, ground - 90 * scale, 90 * scale)
    canvas.line((x + 40, seat - 90), (x + 30, seat), (x - 50, seat), (x - 62, ground - 20),
                (x - 84, ground - 16))  # fmt: skip
    shoulder = ground - 1080 * scale
    canvas.circle(x + 16, ground - 1285 * scale, 18)
    canvas.line((x + 18, ground - 1200 * scale), (x + 22, seat))
    canvas.line(
        (x + 18, shoulder), (x - 40, ground - 1060 * scale), (x - 128, ground - 1090 * scale)
    )


def main() -> None:
    """Writes both pictures."""
    DRAWINGS.mkdir(exist_ok=True)
    for path, text in ((FRONT, front()), (MOUNTING, mounting())):
        path.write_text(text, "utf-8")
        print(f"sitegate: wrote {path.name}")


if __name__ == "__main__":
    main()
