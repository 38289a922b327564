"""Draws both wiring harnesses with WireViz: python -m hardware.draw_harness

WireViz lays them out with the program `dot` of Graphviz. Without it only `make drawings` fails; the
check of the harness against the circuit needs no picture.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from pathlib import Path

import yaml
from wireviz import wireviz

from hardware.netlist import NOT_CONNECTED, Circuit
from hardware.pinout import DRAWINGS, HARDWARE

HARNESSES = ("harness-inside", "harness-site")
OPEN = "open"
"""Label of a way that is not connected."""


def differences(circuit: Circuit) -> list[str]:
    """Returns where the harness files differ from the circuit; empty when they agree.

    Every plug on the board must be there with its nets as labels, every other part with its own
    pins; every wire must join two pins of one net, and every way that leads on must have a wire.
    """
    found: list[str] = []
    wired: set[tuple[str, str]] = set()
    described: set[str] = set()
    for name in HARNESSES:
        harness = yaml.safe_load((HARDWARE / f"{name}.yml").read_text("utf-8"))
        for ref, connector in harness["connectors"].items():
            described.add(ref)
            found += _labels(circuit, ref, connector["pinlabels"])
        for row in harness["connections"]:
            ends = [item for item in row if next(iter(item)) in harness["connectors"]]
            cable, wires = next(
                entry for item in row for entry in item.items() if entry[0] in harness["cables"]
            )
            cores = harness["cables"][cable]["colors"]
            found += [f"{cable} has no wire {w}" for w in wires if w != "s" and w > len(cores)]
            if len(ends) < 2:
                continue
            (one, ones), (other, others) = (next(iter(end.items())) for end in ends)
            if not len(ones) == len(wires) == len(others):
                found.append(f"{cable}: wires without an end")
            for here, there in zip(ones, others, strict=False):
                pins = [(one, _pin(circuit, one, here)), (other, _pin(circuit, other, there))]
                nets = {circuit.parts[ref].nets[pin] for ref, pin in pins}
                if len(nets) != 1 or NOT_CONNECTED in nets:
                    found.append(f"{cable} joins {pins}: {sorted(nets)}")
                wired.update(pins)
    for ref, part in circuit.parts.items():
        if ref.startswith("J"):
            if ref not in described:
                found.append(f"{ref} is in no harness")
            found += [
                f"{ref}.{pin} has no wire"
                for pin, net in part.nets.items()
                if net not in (NOT_CONNECTED, "ENTRY_REST") and (ref, pin) not in wired
            ]
    return sorted(found)


def _pin(circuit: Circuit, ref: str, number: int) -> str:
    return circuit.parts[ref].kind.pins[number - 1][1]


def _labels(circuit: Circuit, ref: str, labels: list[str]) -> list[str]:
    if ref not in circuit.parts:
        return [f"{ref} is not in the circuit"]
    part = circuit.parts[ref]
    names = [name for _, name, _ in part.kind.pins]
    if ref.startswith("J"):
        names = [OPEN if part.nets[n] == NOT_CONNECTED else part.nets[n] for n in names]
    return [] if labels == names else [f"{ref}: {labels}, should be {names}"]


def texts(svg: str) -> list[str]:
    """Returns every text of a picture, sorted."""
    return sorted(re.findall(r">([^<>\n]+)</text>", svg))


def draw(name: str) -> str:
    """Returns a harness as SVG.

    Args:
        name: of the file, without its end.
    """
    with tempfile.TemporaryDirectory() as folder:
        wireviz.parse(
            HARDWARE / f"{name}.yml", output_formats=("svg",), output_dir=folder, output_name=name
        )
        return (Path(folder) / f"{name}.svg").read_text("utf-8")


def main() -> int:
    """Writes both pictures; 1 when `dot` is missing."""
    if shutil.which("dot") is None:
        print("sitegate: the program dot (package graphviz) is missing", file=sys.stderr)
        return 1
    DRAWINGS.mkdir(exist_ok=True)
    for name in HARNESSES:
        (DRAWINGS / f"{name}.svg").write_text(draw(name), "utf-8")
        print(f"sitegate: wrote {name}.svg")
    return 0


if __name__ == "__main__":
    sys.exit(main())
