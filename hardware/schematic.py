"""The circuit of a gate as code: python -m hardware.schematic prints its netlist.

Signals, pins and directions come from hardware/pinout.toml; this file says what they are wired to.
Values are explained where they are chosen; currents and times are in hardware/power.md. Tests run
the electrical rule check and compare the netlist with the pin table and with firmware/pins.py.
"""

from __future__ import annotations

import sys

from hardware.kinds import (
    BUCK,
    BUFFER,
    CAPACITOR,
    DIODE,
    FIRE_PANEL,
    FUSE,
    OPTO,
    PIEZO,
    READER,
    RELAY,
    RESISTOR,
    RING,
    SUPPLY,
    SUPPRESSOR,
    SWITCH,
    THERMOMETER,
    TRANSISTOR,
    TURNSTILE,
    connector,
)
from hardware.netlist import (
    BOTH,
    INPUT,
    NOT_CONNECTED,
    OUTPUT,
    POWER_IN,
    POWER_OUT,
    Circuit,
    Kind,
)
from hardware.pinout import Pinout, read

GND = "GND"
V3 = "+3V3"
V5 = "+5V"
VSYS = "VSYS"
NC = NOT_CONNECTED

PICO = "U1"
# Data sheet of the Pico W, figure 2: position on the header to name.
PICO_PINS = (
    "GP0", "GP1", "GND", "GP2", "GP3", "GP4", "GP5", "GND", "GP6", "GP7",
    "GP8", "GP9", "GND", "GP10", "GP11", "GP12", "GP13", "GND", "GP14", "GP15",
    "GP16", "GP17", "GND", "GP18", "GP19", "GP20", "GP21", "GND", "GP22", "RUN",
    "GP26", "GP27", "AGND", "GP28", "ADC_VREF", "3V3", "3V3_EN", "GND", "VSYS", "VBUS",
)  # fmt: skip
_DIRECTION = {"in": INPUT, "out": OUTPUT, "both": BOTH}
_POWER = {"GND": POWER_IN, "AGND": POWER_IN, "3V3": POWER_OUT, "VSYS": POWER_IN}


def _pico(circuit: Circuit, pinout: Pinout) -> None:
    by_name = {f"GP{signal.gpio}": signal for signal in pinout.signals}
    pins: list[tuple[str, str, str]] = []
    nets: dict[str, str] = {}
    for position, plain in enumerate(PICO_PINS, 1):
        name = f"GND{position}" if plain == "GND" else plain
        if plain in by_name:
            function = _DIRECTION[by_name[plain].direction]
            nets[name] = by_name[plain].net
        else:
            function = _POWER.get(plain, BOTH)
            nets[name] = {"GND": GND, "AGND": GND, "3V3": V3, "VSYS": VSYS}.get(plain, NC)
        pins.append((str(position), name, function))
    circuit.place(Kind("U", tuple(pins)), PICO, "Pico W", nets)


def _supply(circuit: Circuit) -> None:
    """24 V or 12 V in, 5 V for what moves and shines, VSYS for the Pico."""
    circuit.place(SUPPLY, "X1", "24 V or 12 V DC", {"24V": "VIN", "0V": GND})
    circuit.place(connector(2), "J1", "supply", {"P1": "VIN", "P2": GND})
    circuit.place(FUSE, "F1", "PTC 0.9 A", {"1": "VIN", "2": "VIN_FUSED"})
    # Takes surges; with the polarity wrong it conducts, and F1 trips.
    circuit.place(DIODE, "D4", "1.5KE30A", {"A": GND, "K": "VIN_FUSED"})
    # C1 keeps its charge when the supply collapses, and nothing runs backwards.
    circuit.place(DIODE, "D1", "1N5822", {"A": "VIN_FUSED", "K": "VIN_SAFE"})
    _capacitor(circuit, "C1", "2200u 35V", "VIN_SAFE")
    _capacitor(circuit, "C2", "100n", "VIN_SAFE")
    circuit.place(BUCK, "U5", "5 V 1.5 A", {"VIN": "VIN_SAFE", "GND": GND, "VOUT": V5})
    # One half of the OR; the other is the Pico's own diode, from USB. Lamps, buzzer and relay hang
    # before it: a laptop's port feeds the Pico, reader, display and clock, and opens no gate.
    circuit.place(DIODE, "D2", "1N5819", {"A": V5, "K": VSYS})
    # C5 lets the last write end. It charges over R21, which keeps it from stopping the converter or
    # a USB port at the start, and gives back over D7.
    _resistor(circuit, "R21", "22", VSYS, "VSYS_STORE")
    circuit.place(DIODE, "D7", "1N5819", {"A": "VSYS_STORE", "K": VSYS})
    _capacitor(circuit, "C5", "1000u 10V", "VSYS_STORE")
    _capacitor(circuit, "C6", "100n", VSYS)
    circuit.carries_power("VIN_FUSED", "VIN_SAFE", VSYS)
    _resistor(circuit, "R9", "10k", VSYS, "SUPPLY_SENSE")
    _resistor(circuit, "R10", "10k", "SUPPLY_SENSE", GND)
    _capacitor(circuit, "C9", "100n", "SUPPLY_SENSE")


def _reader(circuit: Circuit) -> None:
    """MFRC522 module. Its field takes up to 100 mA in steps: the big capacitor sits at its plug."""
    plug = (V3, "READER_RST", GND, NC, "READER_MISO", "READER_MOSI", "READER_SCK", "READER_SS")
    circuit.place(connector(8), "J5", "reader", {f"P{n}": net for n, net in enumerate(plug, 1)})
    module = dict(zip([name for _, name, _ in READER.pins], plug, strict=True))
    circuit.place(READER, "U2", "RC522 module", module)
    _capacitor(circuit, "C7", "470u 10V", V3)
    _capacitor(circuit, "C8", "100n", V3)
    _resistor(circuit, "R14", "10k", V3, "READER_SS")


def _bus(circuit: Circuit) -> None:
    """Display and clock on one I2C; both modules bring pull-ups of 4.7k or 10k."""
    order = {"U4": ("GND", "VCC", "SCL", "SDA"), "U3": ("32K", "SQW", "SCL", "SDA", "VCC", "GND")}
    nets = {"GND": GND, "VCC": V3, "SCL": "I2C_SCL", "SDA": "I2C_SDA", "32K": NC, "SQW": NC}
    function = {"GND": POWER_IN, "VCC": POWER_IN, "SCL": INPUT, "SDA": BOTH}
    for plug, ref, name, value in (
        ("J6", "U4", "display", "SSD1306 128x64"),
        ("J7", "U3", "clock", "DS3231 module"),
    ):
        pins = order[ref]
        kind = Kind("U", tuple((str(n), p, function.get(p, OUTPUT)) for n, p in enumerate(pins, 1)))
        circuit.place(
            connector(len(pins)), plug, name, {f"P{n}": nets[p] for n, p in enumerate(pins, 1)}
        )
        circuit.place(kind, ref, value, {p: nets[p] for p in pins})


def _ring(circuit: Circuit) -> None:
    """Lamps at 5 V. A WS2812B wants 0.7 x 5 V = 3.5 V for a one and the Pico gives 3.3 V at best.

    So the data line goes through a buffer with TTL inputs at 5 V (74AHCT: a one from 2.0 V). Its
    input has no diode to its supply: on USB alone, a live Pico feeds no dead ring through it.
    """
    nets = {"VCC": V5, "GND": GND, "1OE": GND, "1A": "RING", "1Y": "RING_5V"}
    for spare in "234":
        nets |= {f"{spare}OE": V5, f"{spare}A": GND, f"{spare}Y": NC}
    circuit.place(BUFFER, "U6", "74AHCT125", nets)
    _capacitor(circuit, "C4", "100n", V5)
    _resistor(circuit, "R5", "330", "RING_5V", "RING_DATA")
    _capacitor(circuit, "C3", "100u 25V", V5)
    circuit.place(connector(3), "J8", "ring", {"P1": V5, "P2": GND, "P3": "RING_DATA"})
    circuit.place(
        RING, "LED1", "12 x WS2812B", {"5V": V5, "GND": GND, "DIN": "RING_DATA", "DOUT": NC}
    )


def _buzzer(circuit: Circuit) -> None:
    """Passive piezo; R7 discharges it, as it is a capacitor."""
    _resistor(circuit, "R6", "1k", "BUZZER", "BUZZER_BASE")
    _resistor(circuit, "R8", "10k", "BUZZER_BASE", GND)
    circuit.place(TRANSISTOR, "Q2", "BC337-40", {"C": "BUZZER_LOW", "B": "BUZZER_BASE", "E": GND})
    _resistor(circuit, "R7", "1k", V5, "BUZZER_LOW")
    circuit.place(connector(2), "J9", "buzzer", {"P1": V5, "P2": "BUZZER_LOW"})
    circuit.place(PIEZO, "BZ1", "passive piezo", {"1": V5, "2": "BUZZER_LOW"})


def _turnstile(circuit: Circuit) -> None:
    """Released whenever nobody drives it: R4 holds the opto-coupler dark, R3 the transistor off."""
    _resistor(circuit, "R4", "10k", "RELAY", GND)
    _resistor(circuit, "R1", "470", "RELAY", "RELAY_LED")  # (3.3 V - 1.2 V) / 470 = 4.5 mA
    circuit.place(OPTO, "U8", "PC817", {"A": "RELAY_LED", "K": GND, "C": V5, "E": "RELAY_DRIVE"})
    _resistor(circuit, "R2", "1k", "RELAY_DRIVE", "RELAY_BASE")
    _resistor(circuit, "R3", "10k", "RELAY_BASE", GND)
    circuit.place(TRANSISTOR, "Q1", "BC337-40", {"C": "RELAY_LOW", "B": "RELAY_BASE", "E": GND})
    circuit.place(DIODE, "D3", "1N4148", {"A": "RELAY_LOW", "K": V5})
    contacts = {"COM": "ENTRY_COM", "NO": "ENTRY", "NC": "ENTRY_REST"}
    circuit.place(RELAY, "K1", "G5V-1 5 V", {"A1": V5, "A2": "RELAY_LOW", **contacts})
    circuit.place(
        connector(3), "J2", "entry", {"P1": "ENTRY", "P2": "ENTRY_COM", "P3": "ENTRY_REST"}
    )
    circuit.place(
        TURNSTILE,
        "X2",
        "turnstile",
        {"ENTRY": "ENTRY", "ENTRY_COM": "ENTRY_COM", "PASS": "PASSAGE_LINE", "PASS_COM": GND},
    )


def _contacts(circuit: Circuit) -> None:
    """Contacts to ground, open when nobody closes them, each with a pull-up and a capacitor.

    The two lines that leave the box get a stronger pull-up, for 1.5 mA through a contact that
    stands in the rain, a suppressor, and 1k before the pin: it takes what the suppressor lets by.
    """
    for line, plug, up, series, suppressor, capacitor in (
        ("PASSAGE", "J3", "R11", "R12", "D5", "C11"),
        ("FIRE", "J4", "R13", "R15", "D6", "C12"),
    ):
        outside = f"{line}_LINE"
        circuit.place(connector(2), plug, line.lower(), {"P1": outside, "P2": GND})
        circuit.place(SUPPRESSOR, suppressor, "P6KE6.8CA", {"1": outside, "2": GND})
        _resistor(circuit, up, "2k2", V3, outside)
        _resistor(circuit, series, "1k", outside, line)
        _capacitor(circuit, capacitor, "100n", line)
    circuit.place(FIRE_PANEL, "X3", "fire panel", {"COPY": "FIRE_LINE", "COPY_COM": GND})
    for net, plug, ref, up, capacitor in (
        ("TAMPER", "J10", "SW4", "R16", "C13"),
        ("BUTTON_IN", "J11", "SW1", "R17", "C14"),
        ("BUTTON_OUT", "J12", "SW2", "R18", "C15"),
        ("BUTTON_RECOVERY", "", "SW3", "R19", "C16"),
    ):
        if plug:
            name = net.lower().replace("_", " ")
            circuit.place(connector(2), plug, name, {"P1": net, "P2": GND})
        value = "lid switch" if net == "TAMPER" else "push button"
        circuit.place(SWITCH, ref, value, {"1": net, "2": GND})
        _resistor(circuit, up, "10k", V3, net)
        _capacitor(circuit, capacitor, "100n", net)


def _thermometer(circuit: Circuit) -> None:
    """500 mV at 0 degrees and 10 mV for each more; R20 since it drives no large capacitor."""
    circuit.place(THERMOMETER, "U7", "MCP9700A", {"VDD": V3, "VOUT": "TEMPERATURE_OUT", "GND": GND})
    _resistor(circuit, "R20", "1k", "TEMPERATURE_OUT", "TEMPERATURE")
    _capacitor(circuit, "C10", "100n", "TEMPERATURE")


def _resistor(circuit: Circuit, ref: str, value: str, one: str, other: str) -> None:
    circuit.place(RESISTOR, ref, value, {"1": one, "2": other})


def _capacitor(circuit: Circuit, ref: str, value: str, net: str) -> None:
    circuit.place(CAPACITOR, ref, value, {"+": net, "-": GND})


def build(pinout: Pinout) -> Circuit:
    """Returns the whole circuit: board, modules, and what the site brings (references X)."""
    circuit = Circuit()
    _pico(circuit, pinout)
    for block in (
        _supply, _reader, _bus, _ring, _buzzer, _turnstile, _contacts, _thermometer,
    ):  # fmt: skip
        block(circuit)
    return circuit


def pins_by_net(circuit: Circuit) -> dict[str, int]:
    """Returns, for each net at a GPIO of the Pico, the number of that GPIO."""
    return {
        net: int(pin[2:])
        for pin, net in circuit.parts[PICO].nets.items()
        if pin.startswith("GP") and net != NC
    }


def main() -> int:
    """Prints every net with its pins, then what the rule check objects to; 1 if it does."""
    circuit = build(read())
    for net, pins in sorted(circuit.nets().items()):
        print(f"{net}: {' '.join(f'{ref}.{pin}' for ref, pin in sorted(pins))}")
    objections = circuit.rule_check()
    print("\n".join(objections) or f"{len(circuit.parts)} parts, rule check without objection")
    return 1 if objections else 0


if __name__ == "__main__":
    sys.exit(main())
