"""The power budget: margins of every part, brown-out in the right order, the page that tells it."""

from __future__ import annotations

import pytest

from firmware import pins
from hardware import power
from hardware.pinout import read
from hardware.schematic import build

FIGURES = power.figures()


def farads_of(ref: str) -> int:
    """Microfarads of a capacitor of the circuit."""
    return int(build(read()).parts[ref].value.split("u")[0])


def test_nothing_is_loaded_beyond_what_it_stands() -> None:
    for case in power.CASES:
        flows = power.currents(FIGURES, case)
        assert flows.pin <= FIGURES["vsys"]["pin_limit_ma"]
        assert flows.vsys <= FIGURES["vsys"]["diode_limit_ma"]
        assert flows.buck <= FIGURES["buck"]["limit_ma"]
    hold_ma = FIGURES["input"]["fuse_hold_a"] * FIGURES["input"]["fuse_derating"] * 1000
    peak = power.currents(FIGURES, "peak")
    assert max(peak.inputs.values()) < hold_ma * 0.75, "F1 must not trip on a hot day"
    assert power.currents(FIGURES, "typical").buck < peak.buck


def test_the_input_stands_its_range_and_a_surge() -> None:
    given, buck = FIGURES["input"], FIGURES["buck"]
    peak_a = max(power.currents(FIGURES, "peak").inputs.values()) / 1000
    for nominal, metres in given["wire_m"].items():
        lost = 2 * metres * given["wire_ohm_per_m"] * peak_a
        assert lost < 1.0
        lowest = min(given["lowest_v"], float(nominal)) - lost - given["diode_drop_v"]
        assert lowest > buck["input_min_v"]
    assert given["highest_v"] < 28.5 < given["suppressor_clamp_v"], "D4 sleeps in normal use"
    assert given["suppressor_clamp_v"] <= buck["input_max_v"]


def test_the_converter_can_start_into_its_capacitors() -> None:
    given = FIGURES["capacitor"]
    assert given["rail_uf"] == farads_of("C3")
    assert given["vsys_uf"] == farads_of("C5")
    assert given["input_uf"] == farads_of("C1")
    at_once = given["rail_uf"] + given["pico_uf"]
    assert at_once * (1 + given["tolerance"]) <= FIGURES["buck"]["capacitance_max_uf"]


def test_writes_stop_after_every_healthy_supply_and_before_the_end() -> None:
    low, high = power.write_stop_range_mv(FIGURES)
    assert min(power.vsys_lowest_mv(FIGURES).values()) > high + 100
    assert low > FIGURES["vsys"]["converter_stops_v"] * 1000 + 1000
    assert power.last_gasp_ms(FIGURES) > FIGURES["flash"]["page_max_ms"]


def test_an_erase_that_has_begun_ends_when_the_input_is_cut() -> None:
    for volts in FIGURES["input"]["nominal_v"]:
        needed = FIGURES["flash"]["erase_ms"] + FIGURES["flash"]["page_ms"]
        assert power.hold_up_ms(FIGURES, volts) > needed


@pytest.mark.parametrize("vsys_mv", [2000, 3700, 4700, 5500])
def test_the_firmware_reads_the_supply_it_has(vsys_mv: int) -> None:
    sense = FIGURES["sense"]
    at_pin = vsys_mv * sense["r_low_ohm"] / (sense["r_low_ohm"] + sense["r_high_ohm"])
    assert at_pin < pins.ADC_REFERENCE_MV
    reading = round(at_pin / pins.ADC_REFERENCE_MV * 65535)
    assert power.millivolts(read(), reading) == pytest.approx(vsys_mv, abs=2)


def test_the_threshold_is_a_setting_the_gate_takes() -> None:
    assert 2000 <= FIGURES["sense"]["write_stop_mv"] <= 6000
    page = power.PAGE.read_text("utf-8")
    assert f'"supply_min_mv": {FIGURES["sense"]["write_stop_mv"]}' in page


def test_the_page_holds_what_is_computed() -> None:
    text = power.PAGE.read_text("utf-8")
    assert power.page(text) == text, "run make drawings"


def test_the_ring_at_its_brightest_is_in_the_budget() -> None:
    ring = next(load for load in FIGURES["load"] if load["part"].startswith("ring"))
    assert ring["peak_ma"] >= pins.RING_PIXELS * (1 + 20 * 230 / 255) * 0.99
    assert FIGURES["fault"]["ring_ma"] >= pins.RING_PIXELS * 61
