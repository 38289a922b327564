"""Draws hardware/drawings/schematic.svg: python -m hardware.draw_schematic

The picture is compared with the circuit before it is written: every part, every pin, every net.
"""

from __future__ import annotations

import sys

from schemdraw import elements

from hardware.netlist import NOT_CONNECTED, Circuit
from hardware.pinout import DRAWINGS, read
from hardware.schematic import PICO, PICO_PINS, build
from hardware.sheet import PIN_PITCH, Point, Sheet

SCHEMATIC = DRAWINGS / "schematic.svg"


def _resistor(sheet: Sheet, ref: str, start: Point, end: Point, label: str = "right") -> None:
    sheet.two(elements.ResistorIEC(), ref, start, end, ("1", "2"), label)


def _capacitor(sheet: Sheet, ref: str, at: Point, *, polar: bool = False) -> None:
    """From `at` down to ground."""
    x, y = at
    element = elements.Capacitor2(polar=True) if polar else elements.Capacitor()
    sheet.two(element, ref, at, (x, y - 1.6), ("+", "-"), "right")
    sheet.net("GND", (x, y - 1.6), "bottom")


def _pair(
    sheet: Sheet, plug: str, ref: str, corner: Point, pins: list[str], beyond: tuple[str, ...] = ()
) -> None:
    """A plug on the board, and the module at the other end of its cable.

    Args:
        sheet: to draw on.
        plug: reference of the plug.
        ref: reference of the module.
        corner: upper left one of the plug.
        pins: of the module, in the order of the plug.
        beyond: pins of the module that the cable does not reach.
    """
    x, y = corner
    ways = [f"P{n}" for n in range(1, len(pins) + 1)]
    here = sheet.box(plug, corner, 1.2, [], ways)
    there = sheet.box(ref, (x + 5.2, y), 2.2, pins, list(beyond))
    for way, pin in zip(ways, pins, strict=True):
        if sheet.net_at(plug, way) != NOT_CONNECTED:
            start, end = here[way], there[pin]
            sheet.wire(start, end)
            sheet.net(sheet.net_at(plug, way), ((start[0] + end[0]) / 2, start[1]), "over")


def _supply(sheet: Sheet) -> None:
    y = 0.0
    sheet.title("Supply", (0, 2))
    site = sheet.box("X1", (0, 0.4), 1.4, [], ["24V", "0V"])
    plug = sheet.box("J1", (4.2, 0.4), 1.2, ["P1", "P2"], [])
    for pin, way in (("24V", "P1"), ("0V", "P2")):
        sheet.wire(site[pin], plug[way])
        sheet.net(
            sheet.net_at("J1", way), ((site[pin][0] + plug[way][0]) / 2, plug[way][1]), "over"
        )
    sheet.net("VIN", (7.2, y), "left")
    sheet.two(elements.FuseIEC(), "F1", (7.2, y), (9.2, y), ("1", "2"), "top")
    sheet.wire((9.2, y), (10.4, y), (12.6, y))
    sheet.net("VIN_FUSED", (11.5, y), "over")
    sheet.two(elements.Zener(), "D4", (10.4, y - 1.6), (10.4, y), ("A", "K"), "right")
    sheet.net("GND", (10.4, y - 1.6), "bottom")
    sheet.two(elements.Schottky(), "D1", (12.6, y), (14.6, y), ("A", "K"), "top")
    buck = sheet.box("U5", (20.4, 0.4), 1.8, ["VIN", "GND"], ["VOUT"])
    sheet.wire((14.6, y), (15.4, y), (17.8, y), buck["VIN"])
    sheet.net("VIN_SAFE", (18.9, y), "over")
    _capacitor(sheet, "C1", (15.4, y), polar=True)
    _capacitor(sheet, "C2", (17.8, y))
    sheet.net("GND", buck["GND"], "bottom")
    sheet.wire(buck["VOUT"], (23.8, y), (26.2, y), (28, y))
    sheet.net("+5V", (27.2, y), "over")
    _capacitor(sheet, "C3", (23.8, y), polar=True)
    _capacitor(sheet, "C4", (26.2, y))
    sheet.two(elements.Schottky(), "D2", (28, y), (30, y), ("A", "K"), "top")
    sheet.wire((30, y), (30.8, y), (32.2, y), (34.4, y), (36.8, y))
    sheet.net("VSYS", (35.6, y), "over")
    _resistor(sheet, "R21", (30.8, y), (30.8, y - 1.6), "left")
    sheet.two(elements.Schottky(), "D7", (32.2, y - 1.6), (32.2, y), ("A", "K"), "right")
    sheet.wire((30.8, y - 1.6), (32.2, y - 1.6))
    sheet.net("VSYS_STORE", (32.2, y - 1.6), "right")
    _capacitor(sheet, "C5", (30.8, y - 1.6), polar=True)
    _capacitor(sheet, "C6", (34.4, y))
    _resistor(sheet, "R9", (36.8, y), (36.8, y - 1.6))
    sheet.wire((36.8, y - 1.6), (39, y - 1.6))
    _resistor(sheet, "R10", (36.8, y - 1.6), (36.8, y - 3.2))
    sheet.net("GND", (36.8, y - 3.2), "bottom")
    _capacitor(sheet, "C9", (39, y - 1.6))
    sheet.net("SUPPLY_SENSE", (39, y - 1.6), "right")
    sheet.note("C3 sits at the ring's plug, C4 at U6.", (23.2, y - 2.6))


def _pico(sheet: Sheet) -> None:
    sheet.title("Pico W", (15.5, -4.1))
    names = [f"GND{n}" if name == "GND" else name for n, name in enumerate(PICO_PINS, 1)]
    height = PIN_PITCH * 20
    left = sheet.box(PICO, (15.5, -5.5), 4, names[:20], names[:19:-1])
    sheet.name_all(PICO, {p: at for p, at in left.items() if p in names[:20]}, "left")
    sheet.name_all(PICO, {p: at for p, at in left.items() if p in names[20:]}, "right")
    sheet.note("USB feeds VSYS over the Pico's own diode.", (14.2, -5.9 - height))


def _reader(sheet: Sheet) -> None:
    sheet.title("Reader", (0, -4.1))
    pins = ["3V3", "RST", "GND", "IRQ", "MISO", "MOSI", "SCK", "SDA"]
    _pair(sheet, "J5", "U2", (0, -5.5), pins)
    sheet.net("+3V3", (0.6, -13.4), "top")
    sheet.wire((0.6, -13.4), (3, -13.4))
    _capacitor(sheet, "C7", (0.6, -13.4), polar=True)
    _capacitor(sheet, "C8", (3, -13.4))
    sheet.net("+3V3", (5.6, -13.4), "top")
    _resistor(sheet, "R14", (5.6, -13.4), (5.6, -15))
    sheet.net("READER_SS", (5.6, -15), "bottom")
    sheet.note("C7 and C8 sit at the reader's plug.", (0, -16.2))


def _bus(sheet: Sheet) -> None:
    sheet.title("Display and clock", (0, -17.6))
    _pair(sheet, "J6", "U4", (0, -19), ["GND", "VCC", "SCL", "SDA"])
    _pair(sheet, "J7", "U3", (0, -23.8), ["32K", "SQW", "SCL", "SDA", "VCC", "GND"])


def _ring(sheet: Sheet) -> None:
    sheet.title("Ring", (25, -4.1))
    left = ["1A", "1OE", "2OE", "3OE", "4OE", "2A", "3A", "4A"]
    pins = sheet.box("U6", (27, -5.5), 2, left, ["1Y", "VCC", "GND", "2Y", "3Y", "4Y"])
    sheet.name_all("U6", {p: pins[p] for p in left}, "left")
    sheet.name_all("U6", {p: pins[p] for p in ("VCC", "GND")}, "right")
    x, y = pins["1Y"]
    sheet.wire((x, y), (x + 1.4, y))
    sheet.net("RING_5V", (x + 0.7, y), "over")
    _resistor(sheet, "R5", (x + 1.4, y), (x + 3.4, y), "top")
    sheet.net("RING_DATA", (x + 3.4, y), "right")
    _pair(sheet, "J8", "LED1", (35.6, -7.5), ["5V", "GND", "DIN"], ("DOUT",))
    sheet.note("DOUT of the last lamp stays open.", (35.6, -10.5))


def _buzzer(sheet: Sheet) -> None:
    sheet.title("Buzzer", (25, -12.9))
    y = -16.2
    sheet.net("BUZZER", (26.6, y), "left")
    _resistor(sheet, "R6", (26.6, y), (28.6, y), "top")
    pins = sheet.transistor("Q2", (31, y))
    sheet.wire((28.6, y), (29, y), pins["B"])
    sheet.net("BUZZER_BASE", (30, y), "over")
    _resistor(sheet, "R8", (29, y), (29, y - 1.6))
    sheet.net("GND", (29, y - 1.6), "bottom")
    sheet.net("GND", pins["E"], "bottom")
    x, top = pins["C"]
    sheet.wire((x, top), (x, top + 0.3))
    sheet.net("BUZZER_LOW", (x, top + 0.3), "right")
    _resistor(sheet, "R7", (x, top + 1.9), (x, top + 0.3))
    sheet.net("+5V", (x, top + 1.9), "top")
    _pair(sheet, "J9", "BZ1", (35.6, -14.4), ["1", "2"])


def _turnstile(sheet: Sheet) -> None:
    sheet.title("Turnstile", (25, -18.9))
    y = -20.8
    sheet.net("RELAY", (25.8, y), "left")
    sheet.wire((25.8, y), (26.4, y), (27.2, y))
    _resistor(sheet, "R4", (26.4, y), (26.4, y - 1.6))
    sheet.net("GND", (26.4, y - 1.6), "bottom")
    _resistor(sheet, "R1", (27.2, y), (29.2, y), "top")
    opto = sheet.box("U8", (31.4, y + 0.4), 1.6, ["A", "K"], ["C", "E"])
    sheet.wire((29.2, y), opto["A"])
    sheet.net("RELAY_LED", (30.1, y), "over")
    sheet.net("GND", opto["K"], "bottom")
    sheet.net("+5V", opto["C"], "right")
    x, low = opto["E"]
    sheet.wire((x, low), (x + 2.4, low))
    sheet.net("RELAY_DRIVE", (x + 1.2, low), "over")
    _resistor(sheet, "R2", (x + 2.4, low), (x + 4.4, low), "top")
    driver = sheet.transistor("Q1", (x + 7, low))
    sheet.wire((x + 4.4, low), (x + 5, low), driver["B"])
    sheet.net("RELAY_BASE", (x + 6, low), "over")
    _resistor(sheet, "R3", (x + 5, low), (x + 5, low - 1.6))
    sheet.net("GND", (x + 5, low - 1.6), "bottom")
    sheet.net("GND", driver["E"], "bottom")
    x, top = driver["C"]
    sheet.wire((x, top), (x, -20.4))
    sheet.net("RELAY_LOW", (x, -20.4), "right")
    sheet.two(elements.Diode(), "D3", (x, -20.4), (x, -18.8), ("A", "K"), "right")
    sheet.net("+5V", (x, -18.8), "top")
    coil = ["A1", "A2"]
    relay = sheet.box("K1", (29, -25), 2, coil, ["NO", "COM", "NC"])
    sheet.name_all("K1", {pin: relay[pin] for pin in coil}, "left")
    plug = sheet.box("J2", (35.2, -25), 1.2, ["P1", "P2", "P3"], [])
    for pin, way in (("NO", "P1"), ("COM", "P2"), ("NC", "P3")):
        sheet.wire(relay[pin], plug[way])
        sheet.net(
            sheet.net_at("J2", way), ((relay[pin][0] + plug[way][0]) / 2, plug[way][1]), "over"
        )
    site = sheet.box("X2", (40.6, -25), 2.4, ["ENTRY", "ENTRY_COM", "PASS", "PASS_COM"], [])
    sheet.name_all("X2", site, "left")


def _outside_contacts(sheet: Sheet) -> None:
    sheet.title("Contacts outside the box", (0, -31))
    rows = (
        (0.0, "J3", "PASSAGE", "D5", "R11", "R12", "C11"),
        (14.0, "J4", "FIRE", "D6", "R13", "R15", "C12"),
    )
    for x, plug, net, suppressor, up, series, capacitor in rows:
        pins = sheet.box(plug, (x, -33), 1.2, [], ["P1", "P2"])
        y = pins["P1"][1]
        sheet.net("GND", pins["P2"], "bottom")
        sheet.wire(pins["P1"], (x + 4.4, y), (x + 6, y), (x + 7, y))
        sheet.net(f"{net}_LINE", (x + 3, y), "over")
        sheet.two(
            elements.DiodeTVS(), suppressor, (x + 4.4, y), (x + 4.4, y - 1.6), ("1", "2"), "right"
        )
        sheet.net("GND", (x + 4.4, y - 1.6), "bottom")
        _resistor(sheet, up, (x + 6, y + 1.6), (x + 6, y))
        sheet.net("+3V3", (x + 6, y + 1.6), "top")
        _resistor(sheet, series, (x + 7, y), (x + 9, y), "top")
        sheet.wire((x + 9, y), (x + 9.8, y))
        _capacitor(sheet, capacitor, (x + 9.8, y))
        sheet.net(net, (x + 9.8, y), "right")
    site = sheet.box("X3", (30.4, -33), 2.4, ["COPY", "COPY_COM"], [])
    sheet.name_all("X3", site, "left")
    sheet.note("The panel's first contact opens the arm on its own wire and never comes here.",
               (27.6, -35.4))  # fmt: skip


def _inside_contacts(sheet: Sheet) -> None:
    sheet.title("Contacts inside the box", (0, -37.4))
    rows = (
        ("J10", "TAMPER", "SW4", "R16", "C13"),
        ("J11", "BUTTON_IN", "SW1", "R17", "C14"),
        ("J12", "BUTTON_OUT", "SW2", "R18", "C15"),
        ("", "BUTTON_RECOVERY", "SW3", "R19", "C16"),
    )
    for column, (plug, net, switch, up, capacitor) in enumerate(rows):
        x, y = column * 9.6, -39.8
        start = (x + 2.8, y)
        if plug:
            pins = sheet.box(plug, (x, y + 0.4), 1.2, [], ["P1", "P2"])
            sheet.net("GND", pins["P2"], "bottom")
            start = pins["P1"]
        sheet.wire(start, (x + 2.8, y), (x + 4.4, y), (x + 5.2, y))
        sheet.two(elements.Switch(), switch, (x + 2.8, y), (x + 2.8, y - 1.6), ("1", "2"), "right")
        sheet.net("GND", (x + 2.8, y - 1.6), "bottom")
        _resistor(sheet, up, (x + 4.4, y + 1.6), (x + 4.4, y))
        sheet.net("+3V3", (x + 4.4, y + 1.6), "top")
        _capacitor(sheet, capacitor, (x + 5.2, y))
        sheet.net(net, (x + 5.2, y), "right")


def _thermometer(sheet: Sheet) -> None:
    sheet.title("Thermometer", (12.6, -24.4))
    pins = sheet.box("U7", (13.4, -26), 1.8, ["VDD", "GND"], ["VOUT"])
    sheet.net("+3V3", pins["VDD"], "left")
    sheet.net("GND", pins["GND"], "bottom")
    x, y = pins["VOUT"]
    sheet.wire((x, y), (x + 2.6, y))
    sheet.net("TEMPERATURE_OUT", (x + 1.3, y), "over")
    _resistor(sheet, "R20", (x + 2.6, y), (x + 4.6, y), "top")
    sheet.wire((x + 4.6, y), (x + 5.2, y))
    _capacitor(sheet, "C10", (x + 5.2, y))
    sheet.net("TEMPERATURE", (x + 5.2, y), "right")


def draw(circuit: Circuit) -> Sheet:
    """Returns the sheet of the whole circuit."""
    sheet = Sheet(circuit)
    for block in (
        _supply, _pico, _reader, _bus, _ring, _buzzer, _turnstile, _thermometer, _outside_contacts,
        _inside_contacts,
    ):  # fmt: skip
        block(sheet)
    return sheet


def main() -> int:
    """Writes the picture; prints where it differs from the circuit and returns 1 if it does."""
    sheet = draw(build(read()))
    differences = sheet.differences()
    if differences:
        print("\n".join(differences))
        return 1
    SCHEMATIC.parent.mkdir(exist_ok=True)
    SCHEMATIC.write_text(sheet.svg(), "utf-8")
    print(f"sitegate: wrote {SCHEMATIC.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
