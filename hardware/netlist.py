"""Circuits in SKiDL: parts from templates of our own, nets by name, and the electrical rule check.

SKiDL is made for a script in a folder of its own: at import it writes two log files there, makes a
folder in the home directory and complains that no KiCad is installed. None of that is wanted here,
so it is imported in a temporary folder, its log files are closed, and what its rule check says is
returned instead of printed.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import io
import logging
import os
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

PASSIVE = "PASSIVE"
INPUT = "INPUT"
OUTPUT = "OUTPUT"
TRISTATE = "TRISTATE"
BOTH = "BIDIR"
POWER_IN = "PWRIN"
POWER_OUT = "PWROUT"

NOT_CONNECTED = "NC"
"""Stands for a net where a pin is left open on purpose."""


@dataclass(frozen=True)
class Kind:
    """A kind of part.

    Attributes:
        prefix: of its references, such as "R".
        pins: (number, name, function) of each pin; names are unique.
    """

    prefix: str
    pins: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Placed:
    """One part of a circuit.

    Attributes:
        ref: reference, such as "R5".
        kind: what it is.
        value: as printed beside it.
        nets: pin name to net name; an open pin has NOT_CONNECTED.
    """

    ref: str
    kind: Kind
    value: str
    nets: Mapping[str, str]


class Circuit:
    """Parts and the nets between them, in the order they were placed."""

    def __init__(self) -> None:
        self.parts: dict[str, Placed] = {}
        self.driven: set[str] = set()

    def place(self, kind: Kind, ref: str, value: str, nets: Mapping[str, str]) -> None:
        """Adds a part.

        Args:
            kind: what it is.
            ref: its reference, new and with the prefix of the kind.
            value: as printed beside it.
            nets: pin name to net name, every pin of the kind once.

        Raises:
            ValueError: the reference is taken, or pins are missing or unknown.
        """
        if ref in self.parts or not ref.startswith(kind.prefix):
            raise ValueError(f"reference {ref}")
        wrong = {name for _, name, _ in kind.pins} ^ set(nets)
        if wrong:
            raise ValueError(f"pins of {ref}: {sorted(wrong)}")
        self.parts[ref] = Placed(ref, kind, value, dict(nets))

    def carries_power(self, *nets: str) -> None:
        """The nets are fed through a fuse, a diode or a contact, which a rule check cannot see."""
        self.driven.update(nets)

    def nets(self) -> dict[str, set[tuple[str, str]]]:
        """Returns net name to its pins, each (reference, pin name)."""
        found: dict[str, set[tuple[str, str]]] = {}
        for part in self.parts.values():
            for pin, net in part.nets.items():
                if net != NOT_CONNECTED:
                    found.setdefault(net, set()).add((part.ref, pin))
        return found

    def rule_check(self) -> list[str]:
        """Returns all objections, errors and warnings, sorted.

        They are those of SKiDL's electrical rule check, and one more: an input or a supply pin
        that is left open. SKiDL takes any pin to be open on purpose when it is told so.
        """
        skidl = _skidl()
        with _messages() as messages, contextlib.redirect_stderr(io.StringIO()):
            circuit = skidl.Circuit()
            nets = {name: skidl.Net(name, circuit=circuit) for name in self.nets()}
            for name in self.driven:
                nets[name].drive = skidl.POWER
            for part in self.parts.values():
                made = _template(part.kind)(ref=part.ref, value=part.value, circuit=circuit)
                for pin, net in part.nets.items():
                    # Not `+=`: on a subscript that would assign the result to the part.
                    (circuit.NC if net == NOT_CONNECTED else nets[net]).connect(made[pin])
            circuit.ERC()
        messages += [
            f"error: {part.ref}.{name} is left open"
            for part in self.parts.values()
            for _, name, function in part.kind.pins
            if function in (INPUT, POWER_IN) and part.nets[name] == NOT_CONNECTED
        ]
        return sorted(messages)


_TRACES = ("skidl.circuit", "skidl.logger", "skidl.node")
"""These note with the whole stack where each part and net was made: of us, always the same line, at
six sevenths of the time of a check (measured)."""


@functools.cache
def _skidl() -> Any:
    home = os.environ.get("XDG_DATA_HOME")
    before = logging.getLoggerClass()
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.chdir(folder),
        contextlib.redirect_stderr(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")  # its docstrings hold backslashes
        os.environ["XDG_DATA_HOME"] = folder
        try:
            skidl = importlib.import_module("skidl")
            importlib.import_module("skidl.logger").stop_log_file_output()
            for user in _TRACES:
                vars(importlib.import_module(user))["get_skidl_trace"] = list
        finally:
            logging.setLoggerClass(before)
            if home is None:
                del os.environ["XDG_DATA_HOME"]
            else:
                os.environ["XDG_DATA_HOME"] = home
    return skidl


@functools.cache
def _template(kind: Kind) -> Any:
    skidl = _skidl()
    pins = [
        skidl.Pin(num=number, name=name, func=getattr(skidl.Pin.types, function))
        for number, name, function in kind.pins
    ]
    return skidl.Part(
        name=kind.prefix, ref_prefix=kind.prefix, dest=skidl.TEMPLATE, tool="skidl", pins=pins
    )


class _Collector(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(f"{record.levelname.lower()}: {record.getMessage()}")


@contextlib.contextmanager
def _messages() -> Iterator[list[str]]:
    """Collects what both loggers of SKiDL say, in the place of their own handlers."""
    loggers = [logging.getLogger("skidl"), logging.getLogger("ERC_Logger")]
    kept = [(logger, list(logger.handlers)) for logger in loggers]
    collector = _Collector()
    for logger in loggers:
        logger.handlers[:] = [collector]
    try:
        yield collector.messages
    finally:
        for logger, handlers in kept:
            logger.handlers[:] = handlers
