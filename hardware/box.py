"""The box as numbers: the parameters of hardware/enclosure/terminal.scad, and whether all fits."""

from __future__ import annotations

import re

from hardware.pinout import HARDWARE

SOURCE = HARDWARE / "enclosure" / "terminal.scad"
READER_HEIGHT_MM = (900, 1300)
"""Height of the middle of the reader: within reach standing and from a wheelchair."""
COIL_TO_ANTENNA_MM = 60
"""Least distance from the coil's edge to the antenna of the Pico."""
COIL_PLASTIC_MM = 3
"""Most plastic before the coil."""

_PARAMETER = re.compile(r"^(\w+) = (-?\d+(?:\.\d+)?);", re.MULTILINE)


def parameters() -> dict[str, float]:
    """Returns every number set at the top level of the source."""
    return {name: float(value) for name, value in _PARAMETER.findall(SOURCE.read_text("utf-8"))}


def rectangles(p: dict[str, float]) -> dict[str, tuple[float, float, float, float]]:
    """Returns what stands on the front, as left, bottom, right, top; from the middle below."""

    def around(
        x: float, y: float, width: float, height: float
    ) -> tuple[float, float, float, float]:
        return (x - width / 2, y - height / 2, x + width / 2, y + height / 2)

    side = p["button_distance"] / 2
    return {
        "display": around(0, p["display_y"], p["display_board_width"], p["display_board_height"]),
        "ring": around(0, p["ring_y"], p["ring_outside"], p["ring_outside"]),
        "reader": around(0, p["reader_y"], p["reader_width"], p["reader_height"]),
        "button in": around(-side, p["buttons_y"], p["button_outside"], p["button_outside"]),
        "button out": around(side, p["buttons_y"], p["button_outside"], p["button_outside"]),
        "piezo": around(p["piezo_x"], p["piezo_y"], p["piezo_diameter"], p["piezo_diameter"]),
    }


def objections(p: dict[str, float]) -> list[str]:
    """Returns what does not fit; empty when the box can be built."""
    rim = p["wall"] + p["seal_cord"] + 2
    lid_rim = p["wall"] + p["seal_cord"] + 4
    inside_depth = p["depth"] - p["wall"] - p["wall"]
    found: list[str] = []

    def want(good: bool, what: str) -> None:
        if not good:
            found.append(what)

    want(p["board_width"] + 2 <= p["width"] - 2 * rim, "the board does not pass the rim")
    want(
        p["board_y"] + p["board_height"] / 2 <= p["height"] - rim, "the board stands out at the top"
    )
    want(
        p["board_y"] - p["board_height"] / 2 >= p["clock_y"] + p["clock_height"] / 2 + 5,
        "the board touches the clock",
    )
    for axis in ("width", "height"):
        holes = p["board_holes_x" if axis == "width" else "board_holes_y"]
        want(holes + 6 <= p[f"board_{axis}"], f"holes of the board beyond its {axis}")
    stack = p["board_spacer"] + p["board_thickness"] + p["board_tallest"]
    want(stack + 12 <= inside_depth, "no room for cables between board and lid")
    want(p["coil_window"] <= COIL_PLASTIC_MM, "too much plastic before the coil")
    want(p["coil_window"] >= 1.5, "too little plastic before the coil for a blow")
    coil_top = p["reader_y"] + p["reader_height"] / 2
    want(p["antenna_y"] - coil_top >= COIL_TO_ANTENNA_MM, "the coil is too near to the antenna")
    want(
        p["board_y"] - p["board_height"] / 2 > p["reader_y"] + p["reader_height"] / 4,
        "the board's copper lies behind the coil",
    )
    want(p["seal_cord"] + 1 < rim - 1, "the seal's groove breaks through")
    want(p["pane_width"] > p["ring_outside"] + 6, "the pane is narrower than the ring")
    pane_top = p["display_y"] + p["display_pane_height"] / 2 + 5
    want(pane_top - p["pane_height"] < p["ring_y"] - p["ring_outside"] / 2 - 3, "the pane is short")
    want(pane_top - p["pane_height"] > coil_top + 1, "the pane lies over the reader")
    glands = (p["glands"] - 1) * p["gland_distance"] + p["gland_outside"]
    want(glands <= p["width"] - 2 * p["wall"] - 4, "too many glands")
    want(p["gland_distance"] > p["gland_outside"] + 4, "no room to turn a gland")
    want(p["gland_outside"] + 4 <= p["depth"] - p["lid_depth"] - p["wall"], "glands are too big")
    want(
        p["switch_x"] - 5 > p["reader_width"] / 2 or p["switch_y"] > coil_top + 5,
        "the lid switch hits the reader",
    )
    inside = (-p["width"] / 2 + lid_rim, lid_rim, p["width"] / 2 - lid_rim, p["height"] - lid_rim)
    front = rectangles(p)
    names = list(front)
    for name, (left, bottom, right, top) in front.items():
        if left < inside[0] or bottom < inside[1] or right > inside[2] or top > inside[3]:
            found.append(f"{name} is under the rim of the lid")
        for other in names[names.index(name) + 1 :]:
            a, b, c, d = front[other]
            if left < c + 1 and a < right + 1 and bottom < d + 1 and b < top + 1:
                found.append(f"{name} and {other} overlap")
    return sorted(found)
