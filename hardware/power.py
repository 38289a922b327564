"""The power budget computed: python -m hardware.power writes its tables into hardware/power.md.

Figures come from hardware/power.toml and the divider from hardware/pinout.toml.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import Any

from hardware.pinout import HARDWARE, Pinout

PAGE = HARDWARE / "power.md"
BEGIN = "<!-- computed by hardware/power.py -->\n"
END = "<!-- end of what is computed -->\n"
CASES = ("typical", "peak", "fault")


def figures() -> dict[str, Any]:
    """Returns hardware/power.toml."""
    return tomllib.loads((HARDWARE / "power.toml").read_text("utf-8"))


@dataclass(frozen=True)
class Currents:
    """What flows in one case, in mA.

    Attributes:
        pin: out of the Pico's 3V3 pin.
        vsys: into VSYS, through D2.
        buck: out of the 5 V converter.
        inputs: input voltage to current drawn from it.
    """

    pin: float
    vsys: float
    buck: float
    inputs: dict[float, float]


def currents(power: dict[str, Any], case: str) -> Currents:
    """Returns the currents of a case of CASES."""
    key = "typical_ma" if case == "typical" else "peak_ma"
    on = dict.fromkeys(("5V", "VSYS", "3V3"), 0.0)
    for load in power["load"]:
        on[load["rail"]] += load[key]
    if case == "fault":
        ring = next(load for load in power["load"] if load["part"].startswith("ring"))
        on["5V"] += power["fault"]["ring_ma"] - ring["peak_ma"]
    buck, vsys = power["buck"], power["vsys"]
    volts = buck["output_v"] - vsys["diode_drop_v"]
    into_vsys = on["VSYS"] + on["3V3"] * 3.3 / (vsys["converter_efficiency"] * volts)
    total = on["5V"] + into_vsys
    inputs = {
        at: total * buck["output_v"] / (buck["efficiency"] * (at - power["input"]["diode_drop_v"]))
        for at in (*power["input"]["nominal_v"], power["input"]["lowest_v"])
    }
    return Currents(on["3V3"], into_vsys, total, inputs)


def hold_up_ms(power: dict[str, Any], input_v: float) -> float:
    """Returns how long C1 keeps the 5 V up when the input is cut while the gate waits."""
    buck = power["buck"]
    watts = currents(power, "typical").buck / 1000 * buck["output_v"] / buck["efficiency"]
    farads = power["capacitor"]["input_uf"] * 1e-6 * (1 - power["capacitor"]["tolerance"])
    start = input_v - power["input"]["diode_drop_v"]
    return farads * (start**2 - buck["input_min_v"] ** 2) / 2 / watts * 1000


def last_gasp_ms(power: dict[str, Any]) -> float:
    """Returns how long the Pico runs on C5 alone, from the lowest true stop of writes on."""
    farads = power["capacitor"]["vsys_uf"] * 1e-6 * (1 - power["capacitor"]["tolerance"])
    volts = power["buck"]["output_v"] - power["vsys"]["diode_drop_v"]
    watts = currents(power, "typical").vsys / 1000 * volts
    drop = power["capacitor"]["store_diode_drop_v"]
    start = write_stop_range_mv(power)[0] / 1000 + drop
    end = power["vsys"]["converter_stops_v"] + drop
    # The capacitor gives its charge at (V - drop): the rest heats the diode.
    return farads * ((start**2 - end**2) / 2 - drop * (start - end)) / watts * 1000


def write_stop_range_mv(power: dict[str, Any]) -> tuple[float, float]:
    """Returns between which true voltages the firmware may see its threshold, in mV."""
    sense = power["sense"]
    error = sense["resistor_tolerance"] + sense["reference_tolerance"]
    return sense["write_stop_mv"] * (1 - error), sense["write_stop_mv"] * (1 + error)


def vsys_lowest_mv(power: dict[str, Any]) -> dict[str, float]:
    """Returns the lowest voltage at VSYS of a healthy supply, by where it comes from, in mV."""
    buck, vsys = power["buck"], power["vsys"]
    own = buck["output_v"] * (1 - buck["tolerance"]) - vsys["diode_drop_peak_v"]
    return {
        "own converter": own * 1000,
        "USB": (vsys["usb_lowest_v"] - vsys["usb_diode_drop_v"]) * 1000,
    }


def millivolts(pinout: Pinout, reading: int) -> int:
    """Returns VSYS in mV as the firmware computes it.

    Args:
        pinout: gives reference and divider.
        reading: of the ADC, 0..65535.
    """
    scale = pinout.constant("ADC_REFERENCE_MV") * pinout.constant("SUPPLY_DIVIDER_NUM")
    return reading * scale // (65535 * pinout.constant("SUPPLY_DIVIDER_DEN"))


def tables(power: dict[str, Any]) -> str:
    """Returns the computed part of hardware/power.md."""
    lines = [
        "| load | rail | typical mA | peak mA | where the figure is from |",
        "|---|---|--:|--:|---|",
    ]
    lines += [
        f"| {load['part']} | {load['rail']} | {load['typical_ma']} | {load['peak_ma']} "
        f"| {load['source']} |"
        for load in power["load"]
    ]
    cases = {case: currents(power, case) for case in CASES}
    lines += [
        "",
        "| flows | typical mA | peak mA | all lamps white mA | limit mA |",
        "|---|--:|--:|--:|--:|",
        _row("3V3 pin of the Pico", [c.pin for c in cases.values()], power["vsys"]["pin_limit_ma"]),
        _row("VSYS, through D2", [c.vsys for c in cases.values()], power["vsys"]["diode_limit_ma"]),
        _row("5 V converter", [c.buck for c in cases.values()], power["buck"]["limit_ma"]),
    ]
    hold = power["input"]["fuse_hold_a"] * power["input"]["fuse_derating"] * 1000
    for at in cases["typical"].inputs:
        lines.append(_row(f"input at {at:g} V", [c.inputs[at] for c in cases.values()], hold))
    low, high = write_stop_range_mv(power)
    flash = power["flash"]
    lines += [
        "",
        "| what | value |",
        "|---|--:|",
        *(
            f"| {where}: lowest VSYS of a healthy supply | {mv:.0f} mV |"
            for where, mv in vsys_lowest_mv(power).items()
        ),
        f"| writes stop below | {power['sense']['write_stop_mv']} mV |",
        f"| true voltage there, with all tolerances | {low:.0f} to {high:.0f} mV |",
        f"| the Pico's converter stops at | {power['vsys']['converter_stops_v'] * 1000:.0f} mV |",
        *(
            f"| input cut at {at:g} V: 5 V stays up by C1 for | {hold_up_ms(power, at):.0f} ms |"
            for at in power["input"]["nominal_v"]
        ),
        f"| from the stop of writes to the end, by C5 | {last_gasp_ms(power):.1f} ms |",
        f"| one flash page takes | {flash['page_ms']} ms, at most {flash['page_max_ms']} ms |",
        f"| one flash sector takes to erase | {flash['erase_ms']} ms, "
        f"at most {flash['erase_max_ms']} ms |",
    ]
    return "\n".join(lines) + "\n"


def _row(name: str, values: list[float], limit: float) -> str:
    return f"| {name} | {' | '.join(f'{value:.0f}' for value in values)} | {limit:.0f} |"


def page(text: str) -> str:
    """Returns hardware/power.md with its computed part made anew.

    Raises:
        ValueError: the marks are missing.
    """
    start, stop = text.index(BEGIN) + len(BEGIN), text.index(END)
    return f"{text[:start]}\n{tables(figures())}\n{text[stop:]}"


def main() -> None:
    """Writes the page and says so."""
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
    print(f"sitegate: wrote {PAGE.name}")


if __name__ == "__main__":
    main()
