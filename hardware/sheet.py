"""A schematic sheet that knows what it shows: drawn with schemdraw, checked against a circuit.

Whatever is drawn through `Sheet` is remembered: where each pin is, where wires run, where the name
of a net stands. `Sheet.netlist` follows the lines as a reader would: two pins are connected when
wires join them, or when the same name stands at both. A wire that ends on another joins it; two
that only cross do not. So a picture of another circuit than the netlist is found by comparing the
two.
"""

from __future__ import annotations

import itertools
import re
from typing import Any, Literal

import schemdraw
from schemdraw import elements

from hardware.netlist import NOT_CONNECTED, Circuit

Point = tuple[float, float]
Align = Literal["left", "center", "right"]

PIN_PITCH = 0.8
STUB = 0.4
NAME_SIZE = 10
NET_SIZE = 8.5
PIN_SIZE = 7.5
_LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}(?:e-?\d+)?")
_NET_COLOUR = "#00508c"
_BOX_FILL = "#f7f7f2"


class Sheet:
    """One sheet for one circuit. Coordinates are in units of the drawing, y upwards.

    Args:
        circuit: gives values, and the net at each pin.
    """

    def __init__(self, circuit: Circuit) -> None:
        schemdraw.use("svg")
        schemdraw.svgconfig.text = "text"
        self._circuit = circuit
        self._drawing: Any = schemdraw.Drawing(show=False)
        self._drawing.config(
            unit=2, fontsize=NAME_SIZE, font="sans-serif", lw=1.2, margin=0.4, bgcolor="white"
        )
        self._pins: dict[tuple[str, str], Point] = {}
        self._wires: list[tuple[Point, Point]] = []
        self._names: list[tuple[str, Point]] = []

    # Drawing.

    def title(self, text: str, at: Point, size: float = 12) -> None:
        """Writes a heading; it means nothing."""
        self._text(text, at, size, "left")

    def note(self, text: str, at: Point) -> None:
        """Writes a line; it means nothing."""
        self._text(text, at, NET_SIZE, "left", "#555555")

    def wire(self, *points: Point) -> None:
        """Draws a line through all points; each is a place to join it."""
        for one, other in itertools.pairwise(points):
            self._wires.append((_round(one), _round(other)))
            self._add(elements.Line().at(one).to(other))

    def net(self, name: str, at: Point, side: str = "right") -> None:
        """Writes the name of a net at a point, on one side of it: left, right, top or bottom.

        On a wire, "over" writes it just above.
        """
        self._names.append((name, _round(at)))
        x, y = at
        if name == "GND" and side == "bottom":
            self._add(elements.Ground(lead=False).at(at).theta(0))
            return
        where: dict[str, tuple[float, float, Align]] = {
            "right": (x + 0.1, y, "left"),
            "left": (x - 0.2, y, "right"),
            "top": (x, y + 0.28, "center"),
            "bottom": (x, y - 0.28, "center"),
            "over": (x, y + 0.18, "center"),
        }
        left, up, align = where[side]
        self._text(name, (left, up), NET_SIZE, align, _NET_COLOUR)

    def two(
        self, element: Any, ref: str, start: Point, end: Point, pins: tuple[str, str], label: str
    ) -> None:
        """Draws a part with two pins from `start` to `end`.

        Args:
            element: of schemdraw, not yet placed.
            ref: of the circuit.
            start: where the first pin is.
            end: where the second is.
            pins: their names.
            label: where reference and value stand: top, bottom, left or right.
        """
        self._add(element.at(start).to(end))
        for name, at in zip(pins, (start, end), strict=True):
            self._pin(ref, name, at)
        x, y = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
        value = self._circuit.parts[ref].value
        if label in ("top", "bottom"):
            high = 0.78 if label == "top" else -0.52
            self._text(ref, (x, y + high), NAME_SIZE, "center")
            self._text(value, (x, y + high - 0.32), PIN_SIZE, "center")
        else:
            side = 0.42 if label == "right" else -0.42
            align = "left" if label == "right" else "right"
            self._text(ref, (x + side, y + 0.18), NAME_SIZE, align)
            self._text(value, (x + side, y - 0.18), PIN_SIZE, align)

    def transistor(self, ref: str, base: Point) -> dict[str, Point]:
        """Draws an NPN transistor by its base; returns where its pins are."""
        drawn = self._add(elements.BjtNpn(circle=True).at(base).anchor("base").theta(0))
        places = {
            name: (float(drawn.absanchors[anchor].x), float(drawn.absanchors[anchor].y))
            for name, anchor in (("C", "collector"), ("B", "base"), ("E", "emitter"))
        }
        for name, at in places.items():
            self._pin(ref, name, at)
        x, y = places["C"][0], base[1]
        self._text(ref, (x + 0.4, y + 0.18), NAME_SIZE, "left")
        self._text(self._circuit.parts[ref].value, (x + 0.4, y - 0.18), PIN_SIZE, "left")
        return places

    def box(
        self, ref: str, corner: Point, width: float, left: list[str], right: list[str]
    ) -> dict[str, Point]:
        """Draws a part as a box.

        Args:
            ref: of the circuit.
            corner: upper left one.
            width: of the box without its pins.
            left: pin names from top to bottom; an empty one leaves a gap.
            right: the same on the right side.

        Returns:
            Where the pins are: at the end of their stubs.
        """
        x, y = corner
        height = PIN_PITCH * max(len(left), len(right))
        rectangle = elements.Rect(corner1=(0, -height), corner2=(width, 0), fill=_BOX_FILL)
        self._add(rectangle.at(corner).theta(0))
        self._text(ref, (x, y + 0.5), NAME_SIZE, "left")
        self._text(self._circuit.parts[ref].value, (x, y + 0.2), PIN_SIZE, "left")
        places: dict[str, Point] = {}
        sides: tuple[tuple[list[str], float, float, Align], ...] = (
            (left, x, -STUB, "left"),
            (right, x + width, STUB, "right"),
        )
        for names, edge, out, align in sides:
            for row, name in enumerate(names):
                if not name:
                    continue
                height_here = y - PIN_PITCH * (row + 0.5)
                at = (edge + out, height_here)
                self._add(elements.Line().at((edge, height_here)).to(at))
                inside = edge + (0.12 if align == "left" else -0.2)
                self._text(name, (inside, height_here), PIN_SIZE, align)
                self._pin(ref, name, at)
                places[name] = at
                if self._circuit.parts[ref].nets[name] == NOT_CONNECTED:
                    self._text("×", at, NAME_SIZE, "center", "#888888")
        return places

    def name_all(self, ref: str, places: dict[str, Point], side: str) -> None:
        """Writes the name of its net at each connected pin of a box."""
        for pin, at in places.items():
            net = self._circuit.parts[ref].nets[pin]
            if net != NOT_CONNECTED:
                self.net(net, at, side)

    def net_at(self, ref: str, pin: str) -> str:
        """Returns the net that the circuit has at a pin."""
        return self._circuit.parts[ref].nets[pin]

    def svg(self) -> str:
        """Returns the picture, the same one each time."""
        text = self._drawing.get_imagedata("svg").decode("utf-8").rstrip("\n") + "\n"
        # Two digits are a hundredth of a dot, and the same on every machine.
        return _LONG_NUMBER.sub(lambda found: f"{float(found[0]):.2f}", text)

    def _text(self, text: str, at: Point, size: float, align: Align, colour: str = "black") -> None:
        label = elements.Label().at(at).theta(0).color(colour)
        self._add(
            label.label(
                text,
                fontsize=size,
                halign=align,
                valign="center",
                ofst=0,
                font="sans-serif",
                loc="center",
            )
        )

    def _add(self, element: Any) -> Any:
        self._drawing += element
        return element

    def _pin(self, ref: str, name: str, at: Point) -> None:
        if (ref, name) in self._pins:
            raise ValueError(f"{ref}.{name} is drawn twice")
        self._pins[ref, name] = _round(at)

    # What the picture says.

    def netlist(self) -> dict[str, set[tuple[str, str]]]:
        """Returns net name to pins as drawn; a group without a name is called after its first pin.

        Raises:
            ValueError: one group of wires carries two names.
        """
        points = set(self._pins.values()) | {at for _, at in self._names}
        for one, other in self._wires:
            points |= {one, other}
        parent = {point: point for point in points}

        def root(point: Point) -> Point:
            while parent[point] != point:
                point = parent[point]
            return point

        for one, other in self._wires:
            for point in points:
                if _on(point, one, other):
                    parent[root(point)] = root(one)
        named: dict[str, Point] = {}
        for name, at in self._names:
            parent[root(at)] = root(named.setdefault(name, at))
        names: dict[Point, str] = {}
        for name, at in named.items():
            if names.setdefault(root(at), name) != name:
                raise ValueError(f"{name} and {names[root(at)]} are drawn connected")
        found: dict[str, set[tuple[str, str]]] = {}
        for (ref, pin), at in self._pins.items():
            group = names.setdefault(root(at), f"{ref}.{pin}")
            found.setdefault(group, set()).add((ref, pin))
        return found

    def differences(self) -> list[str]:
        """Returns what the picture shows differently from the circuit; empty when it is right."""
        drawn = {frozenset(pins) for pins in self.netlist().values()}
        meant = {frozenset(pins) for pins in self._circuit.nets().values()}
        meant |= {
            frozenset({(part.ref, pin)})
            for part in self._circuit.parts.values()
            for pin, net in part.nets.items()
            if net == NOT_CONNECTED
        }
        named = self._circuit.nets()
        return sorted(
            [f"drawn: {sorted(pins)}" for pins in drawn - meant]
            + [f"missing: {sorted(pins)}" for pins in meant - drawn]
            + [f"no such net: {name}" for name, _ in self._names if name not in named]
        )


def _round(at: Point) -> Point:
    return (round(at[0], 3), round(at[1], 3))


def _on(point: Point, one: Point, other: Point) -> bool:
    """Whether a point lies on a horizontal or vertical line, ends included."""
    (x, y), (x1, y1), (x2, y2) = point, one, other
    if x1 == x2:
        return x == x1 and min(y1, y2) <= y <= max(y1, y2)
    return y == y1 == y2 and min(x1, x2) <= x <= max(x1, x2)
