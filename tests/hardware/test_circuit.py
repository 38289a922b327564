"""The circuit: rule check without objection, and wired as the pin table and the firmware say."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware import pins
from hardware.kinds import RESISTOR
from hardware.netlist import NOT_CONNECTED, PASSIVE, Circuit, Kind
from hardware.pinout import Pinout, read
from hardware.schematic import GND, PICO, PICO_PINS, V3, V5, VSYS, build, pins_by_net

PINOUT = read()


@pytest.fixture
def circuit() -> Circuit:
    return build(PINOUT)


def rewired(circuit: Circuit, ref: str, pin: str, net: str) -> Circuit:
    """The circuit with one pin moved to another net."""
    part = circuit.parts[ref]
    assert pin in part.nets
    circuit.parts[ref] = dataclasses.replace(part, nets={**part.nets, pin: net})
    return circuit


def test_the_rule_check_has_no_objection(circuit: Circuit) -> None:
    assert circuit.rule_check() == []


@pytest.mark.parametrize(
    ("ref", "pin", "net", "what"),
    [
        ("U2", "RST", "READER_RS", "Only one pin"),  # a wire forgotten
        ("U2", "RST", NOT_CONNECTED, "left open"),
        ("U8", "A", NOT_CONNECTED, "Only one pin"),
        ("U2", "MISO", "READER_MOSI", "Pin conflict.*READER_MOSI"),  # two outputs together
        ("U7", "VOUT", "RELAY", "Pin conflict.*RELAY"),
        ("U2", "3V3", "READER_IRQ", "Only one pin|Insufficient drive"),  # a chip without supply
        ("U6", "1A", "RNG", "Only one pin"),  # a net misspelled
        ("R5", "2", "RING_DAT", "Only one pin"),
        ("U5", "VOUT", V3, "Pin conflict"),  # two supplies against each other
    ],
)
def test_a_broken_circuit_is_caught(
    circuit: Circuit, ref: str, pin: str, net: str, what: str
) -> None:
    objections = rewired(circuit, ref, pin, net).rule_check()
    assert any(re.search(what, objection) for objection in objections), objections


def test_a_part_left_out_is_caught(circuit: Circuit) -> None:
    del circuit.parts["U5"]
    assert any("Insufficient drive" in o and V5 in o for o in circuit.rule_check())


def test_the_netlist_is_the_pin_table_and_the_firmware(circuit: Circuit) -> None:
    wired = pins_by_net(circuit)
    assert wired == {signal.net: signal.gpio for signal in PINOUT.signals}
    for signal in PINOUT.signals:
        assert wired[signal.net] == getattr(pins, signal.constant)


def test_a_swapped_pair_in_the_pin_table_reaches_the_netlist() -> None:
    swap = {"reader_sck": 19, "reader_mosi": 18}
    signals = tuple(dataclasses.replace(s, gpio=swap.get(s.name, s.gpio)) for s in PINOUT.signals)
    wired = pins_by_net(build(Pinout(signals, PINOUT.constants)))
    assert wired["READER_SCK"] == 19
    assert wired["READER_SCK"] != pins.READER_SCK


@pytest.mark.parametrize(
    ("net", "pin"),
    [
        ("READER_SCK", "U2.SCK"), ("READER_MOSI", "U2.MOSI"), ("READER_MISO", "U2.MISO"),
        ("READER_SS", "U2.SDA"), ("READER_RST", "U2.RST"),
        ("I2C_SDA", "U3.SDA"), ("I2C_SDA", "U4.SDA"), ("I2C_SCL", "U3.SCL"), ("I2C_SCL", "U4.SCL"),
        ("RING", "U6.1A"), ("RING_DATA", "LED1.DIN"), ("BUZZER_LOW", "BZ1.2"),
        ("RELAY_LED", "U8.A"), ("RELAY_LOW", "K1.A2"), ("ENTRY", "X2.ENTRY"),
        ("PASSAGE_LINE", "X2.PASS"), ("FIRE_LINE", "X3.COPY"), ("TAMPER", "SW4.1"),
        ("BUTTON_IN", "SW1.1"), ("BUTTON_OUT", "SW2.1"), ("BUTTON_RECOVERY", "SW3.1"),
        ("TEMPERATURE_OUT", "U7.VOUT"),
    ],
)  # fmt: skip
def test_every_signal_reaches_its_part(circuit: Circuit, net: str, pin: str) -> None:
    ref, _, name = pin.partition(".")
    assert (ref, name) in circuit.nets()[net]


def parts_between(circuit: Circuit, prefix: str, one: str, other: str) -> list[str]:
    return [
        part.ref
        for part in circuit.parts.values()
        if part.ref.startswith(prefix) and set(part.nets.values()) == {one, other}
    ]


def test_what_a_building_site_needs_is_fitted(circuit: Circuit) -> None:
    assert parts_between(circuit, "F", "VIN", "VIN_FUSED")
    assert parts_between(circuit, "D", "VIN_FUSED", GND), "suppressor"
    assert circuit.parts["D1"].nets == {"A": "VIN_FUSED", "K": "VIN_SAFE"}
    assert circuit.parts["D2"].nets == {"A": V5, "K": VSYS}, "the OR with USB"
    assert circuit.parts["D3"].nets == {"A": "RELAY_LOW", "K": V5}, "flyback diode"
    assert {circuit.parts[c].value for c in parts_between(circuit, "C", V3, GND)} == {
        "470u 10V", "100n",
    }  # fmt: skip
    for line in ("PASSAGE_LINE", "FIRE_LINE"):
        assert parts_between(circuit, "D", line, GND), "suppressor of a line outside"
        assert parts_between(circuit, "R", line, V3), "pull-up"
    for net in ("TAMPER", "BUTTON_IN", "BUTTON_OUT", "BUTTON_RECOVERY"):
        assert parts_between(circuit, "R", net, V3), "pull-up"
        assert parts_between(circuit, "C", net, GND)
    for net in ("RELAY", "RELAY_BASE"):
        assert parts_between(circuit, "R", net, GND), "released when nobody drives it"


def test_the_fire_path_has_nothing_of_ours(circuit: Circuit) -> None:
    # From the fire panel's copy only the input network can be reached, and no output.
    reached = {"FIRE_LINE"}
    for ref in ("R13", "R15", "C12", "D6"):
        reached |= set(circuit.parts[ref].nets.values())
    assert reached == {"FIRE_LINE", "FIRE", V3, GND}
    touching = {ref for net in ("FIRE_LINE", "FIRE") for ref, _ in circuit.nets()[net]}
    assert touching == {"X3", "J4", "D6", "R13", "R15", "C12", PICO}
    assert next(s for s in PINOUT.signals if s.name == "fire").direction == "in"


def test_nothing_but_the_pico_side_hangs_on_usb(circuit: Circuit) -> None:
    assert {"LED1", "K1", "BZ1"} <= {ref for ref, _ in circuit.nets()[V5]}
    assert {ref for ref, _ in circuit.nets()[VSYS]} == {PICO, "D2", "D7", "R21", "C6", "R9"}


def test_the_divider_is_the_one_of_the_pin_table(circuit: Circuit) -> None:
    ohms = {"10k": 10_000}
    high, low = (ohms[circuit.parts[ref].value] for ref in ("R9", "R10"))
    ratio = (pins.SUPPLY_DIVIDER_NUM, pins.SUPPLY_DIVIDER_DEN)
    assert (high + low) * ratio[1] == low * ratio[0]


def test_the_pico_has_its_forty_pins() -> None:
    assert len(PICO_PINS) == 40
    assert PICO_PINS[35:40] == ("3V3", "3V3_EN", "GND", "VSYS", "VBUS")
    assert {p for p in PICO_PINS if p.startswith("GP")} == {
        f"GP{n}" for n in range(29) if n not in (23, 24, 25)
    }


def test_parts_are_placed_carefully() -> None:
    circuit = Circuit()
    circuit.place(RESISTOR, "R1", "1k", {"1": "A", "2": "B"})
    for ref, nets in (
        ("R1", {"1": "A", "2": "B"}),
        ("C1", {"1": "A", "2": "B"}),
        ("R2", {"1": "A"}),
        ("R2", {"1": "A", "2": "B", "3": "C"}),
    ):
        with pytest.raises(ValueError, match=r"reference|pins"):
            circuit.place(RESISTOR, ref, "1k", nets)


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    before = Path.cwd()
    os.chdir(tmp_path)
    yield tmp_path
    os.chdir(before)


def test_the_rule_check_leaves_nothing_behind(
    elsewhere: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    circuit = Circuit()
    circuit.place(Kind("T", (("1", "A", PASSIVE),)), "T1", "x", {"A": "LONELY"})
    assert len(circuit.rule_check()) == 1
    assert list(elsewhere.iterdir()) == []
    assert capfd.readouterr() == ("", "")
