"""The committed pictures are those of the sources, and show the circuit as it is."""

from __future__ import annotations

import dataclasses
import re
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml
from schemdraw import elements

from hardware import draw_box, draw_harness, draw_schematic, draw_turnstile
from hardware.kinds import RESISTOR
from hardware.netlist import Circuit
from hardware.pinout import DRAWINGS, HARDWARE, read
from hardware.schematic import build
from hardware.sheet import Sheet

AGAIN = "run make drawings"


@pytest.fixture
def circuit() -> Circuit:
    return build(read())


def test_the_schematic_shows_the_circuit(circuit: Circuit) -> None:
    assert draw_schematic.draw(circuit).differences() == []


def test_the_committed_schematic_is_the_one_drawn(circuit: Circuit) -> None:
    sheet = draw_schematic.draw(circuit)
    assert draw_schematic.SCHEMATIC.read_text("utf-8") == sheet.svg(), AGAIN


def test_every_part_value_and_net_can_be_read_in_it(circuit: Circuit) -> None:
    words = set(re.findall(r">([^<>]+)<", draw_schematic.SCHEMATIC.read_text("utf-8")))
    for part in circuit.parts.values():
        assert {part.ref, part.value} <= words, part
    assert set(circuit.nets()) - {"GND"} <= words


def test_a_picture_of_another_circuit_is_found(circuit: Circuit) -> None:
    part = circuit.parts["R14"]
    circuit.parts["R14"] = dataclasses.replace(part, nets={"1": "+3V3", "2": "READER_SCK"})
    found = draw_schematic.draw(circuit).differences()
    assert any("R14" in difference for difference in found)


def test_a_part_that_is_not_drawn_is_found(circuit: Circuit) -> None:
    circuit.place(RESISTOR, "R99", "1k", {"1": "+5V", "2": "GND"})
    found = draw_schematic.draw(circuit).differences()
    assert any(d.startswith("missing") and "R99" in d for d in found)


def two_resistors() -> Circuit:
    circuit = Circuit()
    circuit.place(RESISTOR, "R1", "1k", {"1": "A", "2": "B"})
    circuit.place(RESISTOR, "R2", "1k", {"1": "B", "2": "A"})
    return circuit


def draw_two(sheet: Sheet) -> None:
    sheet.two(elements.ResistorIEC(), "R1", (0, 0), (2, 0), ("1", "2"), "top")
    sheet.two(elements.ResistorIEC(), "R2", (4, 0), (6, 0), ("1", "2"), "top")
    sheet.net("A", (0, 0), "left")
    sheet.net("A", (6, 0))
    sheet.net("B", (4, 0), "over")


def test_lines_are_followed_as_a_reader_does() -> None:
    sheet = Sheet(two_resistors())
    draw_two(sheet)
    assert sheet.differences() != []  # R1.2 hangs in the air
    sheet.wire((2, 0), (4, 0))
    assert sheet.differences() == []
    # Crossing is not joining, ending on a wire is.
    sheet.wire((3, 1), (3, -1))
    assert sheet.differences() == []
    sheet.wire((0, 0), (0, 1), (3, 1))
    assert sheet.differences() == []
    sheet.wire((0, 1), (0, 2), (3.5, 2), (3.5, 0))
    with pytest.raises(ValueError, match="drawn connected"):
        sheet.netlist()


def test_a_name_that_is_no_net_is_found() -> None:
    sheet = Sheet(two_resistors())
    draw_two(sheet)
    sheet.wire((2, 0), (4, 0))
    sheet.net("C", (0, 5))
    assert sheet.differences() == ["no such net: C"]
    with pytest.raises(ValueError, match="twice"):
        sheet.two(elements.ResistorIEC(), "R1", (0, 3), (2, 3), ("1", "2"), "top")


def test_the_harnesses_are_the_circuit(circuit: Circuit) -> None:
    assert draw_harness.differences(circuit) == []


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("- U2: [1, 2, 3, 5, 6, 7, 8]", "- U2: [1, 2, 3, 5, 6, 8, 7]", "W5 joins"),
        ("pinlabels: [GND, +3V3, I2C_SCL, I2C_SDA]", "pinlabels: [+3V3, GND, I2C_SCL, I2C_SDA]",
         "J6: "),
        ("  - - J10: [1, 2]\n    - W10: [1, 2]\n    - SW4: [1, 2]\n", "", "J10.TAMPER|J10.P1 has"),
        ("- W8: [1, 2, 3]", "- W8: [1, 2, 4]", "no wire 4"),
        ("- LED1: [1, 2, 3]", "- LED1: [1, 2]", "without an end"),
    ],
)  # fmt: skip
def test_a_wrong_harness_is_found(
    circuit: Circuit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, what: str
) -> None:
    for name in draw_harness.HARNESSES:
        shutil.copy(HARDWARE / f"{name}.yml", tmp_path)
    path = tmp_path / "harness-inside.yml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    monkeypatch.setattr(draw_harness, "HARDWARE", tmp_path)
    assert any(re.search(what, found) for found in draw_harness.differences(circuit))


@pytest.mark.parametrize("name", draw_harness.HARNESSES)
def test_the_committed_harness_has_every_word_of_its_source(name: str) -> None:
    # Graphviz lays out differently from version to version, so words are compared, not places.
    harness = yaml.safe_load((HARDWARE / f"{name}.yml").read_text("utf-8"))
    shown = ET.fromstring((DRAWINGS / f"{name}.svg").read_text("utf-8"))  # noqa: S314
    words = {"".join(node.itertext()).strip() for node in shown.iter() if node.text}
    for ref, connector in harness["connectors"].items():
        assert {ref, *(str(label) for label in connector["pinlabels"])} <= words, AGAIN
    assert set(harness["cables"]) <= words, AGAIN


@pytest.mark.skipif(shutil.which("dot") is None, reason="no Graphviz: make drawings installs it")
@pytest.mark.parametrize("name", draw_harness.HARNESSES)
def test_the_committed_harness_is_the_one_drawn(name: str) -> None:
    committed = (DRAWINGS / f"{name}.svg").read_text("utf-8")
    assert draw_harness.texts(committed) == draw_harness.texts(draw_harness.draw(name)), AGAIN


def test_the_other_pictures_are_those_of_the_sources(circuit: Circuit) -> None:
    assert draw_box.FRONT.read_text("utf-8") == draw_box.front(), AGAIN
    assert draw_box.MOUNTING.read_text("utf-8") == draw_box.mounting(), AGAIN
    assert draw_turnstile.TURNSTILE.read_text("utf-8") == draw_turnstile.draw(circuit), AGAIN


def test_every_picture_is_made_by_a_script_and_shown_to_somebody() -> None:
    pages = [*HARDWARE.glob("*.md"), *(HARDWARE.parent / "docs").glob("*.md")]
    text = "".join(page.read_text("utf-8") for page in pages)
    scripts = "".join(script.read_text("utf-8") for script in HARDWARE.glob("draw_*.py"))
    for picture in DRAWINGS.iterdir():
        assert f"drawings/{picture.name})" in text, picture.name
        assert picture.stem in scripts, picture.name
