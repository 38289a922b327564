"""The bill of materials: every part of the circuit, under the target, and honest about prices."""

from __future__ import annotations

import re

from hardware import bom
from hardware.pinout import HARDWARE, read
from hardware.schematic import build

PARTS = bom.read()


def test_every_part_of_the_circuit_is_bought_and_nothing_else() -> None:
    fitted = {ref for ref in build(read()).parts if not ref.startswith("X")}
    listed = [ref for part in PARTS for ref in part.refs]
    assert len(set(listed)) == len(listed)
    assert {ref for ref in listed if not ref.startswith("M")} == fitted


def test_values_are_those_of_the_circuit() -> None:
    circuit = build(read())
    for part in PARTS:
        for ref in part.refs:
            if ref in circuit.parts and not ref.startswith("J"):
                assert circuit.parts[ref].value == part.value, ref


def test_a_full_gate_costs_less_than_the_target() -> None:
    where = {ref: part for part in PARTS for ref in part.refs}
    for ref in ("U1", "U2", "U3", "U4", "LED1", "BZ1", "K1", "M3"):
        assert not where[ref].option, "display, clock, relay and box belong to a full gate"
    assert 30 < bom.total(PARTS) < bom.TARGET_EUR
    assert bom.total(PARTS, options=True) > bom.total(PARTS)


def test_every_line_has_a_maker_two_others_and_a_date() -> None:
    for part in PARTS:
        assert all((part.maker, part.number, part.where)), part
        assert len({part.number, *part.alternates}) == 3, part
        assert part.priced >= "2026-11"
        assert part.quantity >= 1


def test_the_page_is_made_from_the_list_and_owns_up_to_estimates() -> None:
    text = bom.PAGE.read_text("utf-8")
    assert text == bom.page(PARTS), "run make drawings"
    assert "Prices are estimates" in text


def test_the_readme_tells_the_same_total() -> None:
    text = (HARDWARE / "README.md").read_text("utf-8")
    assert re.findall(r"EUR (\d+\.\d\d)", text) == [f"{bom.total(PARTS):.2f}"]
