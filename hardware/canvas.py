"""Line drawings as SVG: shapes, words, arrows and measures, on white."""

from __future__ import annotations

from html import escape

Point = tuple[float, float]

INK = "#1a1a1a"
GREY = "#6b6b6b"
BLUE = "#00508c"
RED = "#b00020"
GREEN = "#1b6e2a"
AMBER = "#b36b00"
PAPER = "#f4f4ee"


class Canvas:
    """A picture of a given size. Coordinates in its own units, y downwards.

    Args:
        width: of the picture.
        height: of the picture.
        title: read aloud by screen readers.
        scale: dots to a unit.
    """

    def __init__(self, width: float, height: float, title: str, scale: float = 1) -> None:
        self._parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(width)} {_n(height)}" '
            f'width="{_n(width * scale)}" height="{_n(height * scale)}" role="img" '
            'font-family="sans-serif">',
            f"<title>{escape(title)}</title>",
            '<rect width="100%" height="100%" fill="white"/>',
        ]

    def rect(
        self, x: float, y: float, width: float, height: float, *, fill: str = "none",
        stroke: str = INK, line: float = 1.2, round_: float = 0, dashed: bool = False,
    ) -> None:  # fmt: skip
        """Draws a rectangle by its upper left corner."""
        dash = ' stroke-dasharray="4 3"' if dashed else ""
        self._parts.append(
            f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}" '
            f'rx="{_n(round_)}" fill="{fill}" stroke="{stroke}" stroke-width="{_n(line)}"{dash}/>'
        )

    def circle(
        self, x: float, y: float, radius: float, *, fill: str = "none", stroke: str = INK,
        line: float = 1.2,
    ) -> None:  # fmt: skip
        """Draws a circle by its middle."""
        self._parts.append(
            f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(radius)}" fill="{fill}" '
            f'stroke="{stroke}" stroke-width="{_n(line)}"/>'
        )

    def line(
        self, *points: Point, stroke: str = INK, line: float = 1.2, dashed: bool = False
    ) -> None:
        """Draws a line through all points."""
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        path = " ".join(f"{_n(x)},{_n(y)}" for x, y in points)
        self._parts.append(
            f'<polyline points="{path}" fill="none" stroke="{stroke}" '
            f'stroke-width="{_n(line)}"{dash}/>'
        )

    def text(
        self, x: float, y: float, words: str, *, size: float = 12, align: str = "start",
        colour: str = INK, bold: bool = False,
    ) -> None:  # fmt: skip
        """Writes words; `y` is their base line, `align` start, middle or end."""
        weight = ' font-weight="bold"' if bold else ""
        self._parts.append(
            f'<text x="{_n(x)}" y="{_n(y)}" font-size="{_n(size)}" text-anchor="{align}" '
            f'fill="{colour}"{weight}>{escape(words)}</text>'
        )

    def arrow(self, start: Point, end: Point, *, colour: str = INK, line: float = 1.2) -> None:
        """Draws a horizontal or vertical line with a head at its end."""
        (x1, y1), (x2, y2) = start, end
        size = 3.5 * line
        self.line(start, end, stroke=colour, line=line)
        if y1 == y2:
            back = x2 - size if x2 > x1 else x2 + size
            head = [(back, y2 - size / 2), end, (back, y2 + size / 2)]
        else:
            back = y2 - size if y2 > y1 else y2 + size
            head = [(x2 - size / 2, back), end, (x2 + size / 2, back)]
        path = " ".join(f"{_n(x)},{_n(y)}" for x, y in head)
        self._parts.append(f'<polygon points="{path}" fill="{colour}"/>')

    def measure(self, start: Point, end: Point, words: str, *, size: float = 10) -> None:
        """Draws a horizontal or vertical measure with words in its middle."""
        (x1, y1), (x2, y2) = start, end
        middle = ((x1 + x2) / 2, (y1 + y2) / 2)
        self.arrow(middle, start, colour=GREY, line=0.8)
        self.arrow(middle, end, colour=GREY, line=0.8)
        if y1 == y2:
            self.text(middle[0], middle[1] - 3, words, size=size, align="middle", colour=GREY)
        else:
            self.text(middle[0] + 4, middle[1] + size / 3, words, size=size, colour=GREY)

    def svg(self) -> str:
        """Returns the picture, the same one each time."""
        return "\n".join([*self._parts, "</svg>"]) + "\n"


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
