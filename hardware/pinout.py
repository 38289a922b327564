"""hardware/pinout.toml as values: signals on the Pico's pins and constants of the wiring."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

HARDWARE = Path(__file__).resolve().parent
ROOT = HARDWARE.parent
DRAWINGS = HARDWARE / "drawings"


@dataclass(frozen=True)
class Signal:
    """One signal on one pin.

    Attributes:
        name: of the table in the file, lower case.
        gpio: GP number, 0..28.
        function: of the RP2040 on this pin.
        direction: "in", "out" or "both", seen from the Pico.
        rest: "low", "high" or "analogue": the level when nothing happens.
        net: name in the schematic.
        constant: name in firmware/pins.py.
        note: what it is connected to, and what to mind.
    """

    name: str
    gpio: int
    function: str
    direction: str
    rest: str
    net: str
    constant: str
    note: str


@dataclass(frozen=True)
class Constant:
    """A number that the wiring fixes, under its name in firmware/pins.py."""

    name: str
    value: int
    note: str


@dataclass(frozen=True)
class Pinout:
    """All of the file, in its order."""

    signals: tuple[Signal, ...]
    constants: tuple[Constant, ...]

    def constant(self, name: str) -> int:
        """Returns the value of a constant.

        Raises:
            KeyError: there is none of this name.
        """
        return {constant.name: constant.value for constant in self.constants}[name]


def read(path: Path = HARDWARE / "pinout.toml") -> Pinout:
    """Returns the pin table.

    Raises:
        TypeError: an entry lacks a field or has one too many.
    """
    tables = tomllib.loads(path.read_text("utf-8"))
    return Pinout(
        tuple(Signal(name=name, **fields) for name, fields in tables["signal"].items()),
        tuple(Constant(name=name, **fields) for name, fields in tables["constant"].items()),
    )
