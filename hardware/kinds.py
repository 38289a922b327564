"""The kinds of parts a gate is made of: pin numbers, names and what the rule check is to know.

Numbers are those of the data sheets, or of the connector of a module; those of the relay and of
what the site brings only tell the pins apart. Kinds that depend on the pin table are in
`schematic`.
"""

from __future__ import annotations

from hardware.netlist import INPUT, OUTPUT, PASSIVE, POWER_IN, POWER_OUT, TRISTATE, Kind


def passive(prefix: str, *names: str) -> Kind:
    """A part whose pins neither drive nor ask for anything, numbered from 1."""
    return Kind(prefix, tuple((str(n), name, PASSIVE) for n, name in enumerate(names, 1)))


def connector(ways: int) -> Kind:
    """A plug or a row of screw terminals; its pins are named P1, P2 and so on."""
    return passive("J", *(f"P{n}" for n in range(1, ways + 1)))


RESISTOR = passive("R", "1", "2")
CAPACITOR = passive("C", "+", "-")
DIODE = passive("D", "A", "K")
SUPPRESSOR = passive("D", "1", "2")
FUSE = passive("F", "1", "2")
SWITCH = passive("SW", "1", "2")
PIEZO = passive("BZ", "1", "2")
TRANSISTOR = passive("Q", "C", "B", "E")
OPTO = passive("U", "A", "K", "E", "C")
RELAY = passive("K", "A1", "A2", "COM", "NC", "NO")

BUCK = Kind(
    "U", (("1", "VIN", POWER_IN), ("2", "GND", POWER_IN), ("3", "VOUT", POWER_OUT))
)  # order of a 7805, which it replaces
THERMOMETER = Kind("U", (("1", "VDD", POWER_IN), ("2", "VOUT", OUTPUT), ("3", "GND", POWER_IN)))
BUFFER = Kind(
    "U",
    (
        ("1", "1OE", INPUT), ("2", "1A", INPUT), ("3", "1Y", TRISTATE),
        ("4", "2OE", INPUT), ("5", "2A", INPUT), ("6", "2Y", TRISTATE),
        ("7", "GND", POWER_IN),
        ("8", "3Y", TRISTATE), ("9", "3A", INPUT), ("10", "3OE", INPUT),
        ("11", "4Y", TRISTATE), ("12", "4A", INPUT), ("13", "4OE", INPUT),
        ("14", "VCC", POWER_IN),
    ),
)  # fmt: skip
READER = Kind(
    "U",
    (
        ("1", "3V3", POWER_IN), ("2", "RST", INPUT), ("3", "GND", POWER_IN), ("4", "IRQ", OUTPUT),
        ("5", "MISO", TRISTATE), ("6", "MOSI", INPUT), ("7", "SCK", INPUT), ("8", "SDA", INPUT),
    ),
)  # fmt: skip
RING = Kind(
    "LED",
    (("1", "5V", POWER_IN), ("2", "GND", POWER_IN), ("3", "DIN", INPUT), ("4", "DOUT", OUTPUT)),
)
SUPPLY = Kind("X", (("1", "24V", POWER_OUT), ("2", "0V", POWER_OUT)))
"""What the site brings: 24 V or 12 V DC, isolated from the mains elsewhere."""
TURNSTILE = passive("X", "ENTRY", "ENTRY_COM", "PASS", "PASS_COM")
"""Dry control input, and the contact that says that the arm turns."""
FIRE_PANEL = passive("X", "COPY", "COPY_COM")
"""Second, separate contact of the fire panel. The first one opens the arm and never comes here."""
