"""An invented gate and the programs the tests need beside this Python."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from protocol.mac import badge_tag
from protocol.roster import NO_END, build_table, pack_row
from simulator.gate import Gate, find_interpreter

TERMINAL = "gate-1"
SITE = "Werf Noord"
KEY = bytes.fromhex("11" * 32)
BADGE_KEY = bytes.fromhex("22" * 32)
QUICK = "tests.firmware.board_scripts.quick_gate"
TELLING = "tests.firmware.board_scripts.telling_gate"
OUTPUT_S = 20.0

needs_vm = pytest.mark.skipif(
    find_interpreter()[0] != "micropython", reason="no MicroPython VM for this platform"
)


def tool(name: str) -> Path:
    """Path of a program installed beside this Python; the test is skipped without it."""
    path = Path(sys.executable).parent / name
    if not os.access(path, os.X_OK):
        pytest.skip(f"no {name} beside {Path(sys.executable).name}")
    return path


def gate_settings(port: int) -> dict[str, Any]:
    """Settings of the gate when its broker listens on `port`."""
    return {
        "terminal": TERMINAL,
        "site": SITE,
        "direction": "in",
        "language": "nl",
        "key": KEY.hex(),
        "badge_key": BADGE_KEY.hex(),
        "broker": {"host": "127.0.0.1", "port": port},
        "wifi": {"ssid": "werf", "password": "not-a-secret"},
    }


def new_gate(folder: Path, port: int, app: str = QUICK) -> Gate:
    """The gate on the VM, without power yet."""
    return Gate(TERMINAL, folder / "gate", gate_settings(port), "micropython", app)


def secure_gate(folder: Path, port: int, ca: str, host: str = "127.0.0.1") -> Gate:
    """The gate that connects with TLS, trusts this CA and tells how its link is."""
    settings = gate_settings(port)
    settings["broker"] = {"host": host, "port": port, "tls": True, "ca": ca}
    return Gate(TERMINAL, folder / "gate", settings, "micropython", TELLING)


async def told(gate: Gate, pattern: str, after: int = 0) -> int:
    """Waits until the gate has printed a line that fits; returns how many lines it had printed.

    Args:
        gate: a `telling_gate`.
        pattern: regular expression for the start of a line.
        after: lines printed before this many do not count.
    """
    look = re.compile(pattern)
    loop = asyncio.get_running_loop()
    end = loop.time() + OUTPUT_S
    while True:
        lines = gate.output.splitlines()
        if any(look.match(line) for line in lines[after:]):
            return len(lines)
        assert loop.time() < end, f"no line {pattern!r} in:\n{gate.output}"
        await asyncio.sleep(0.02)


def roster(*uids: str) -> bytes:
    """A roster table that lets these badges in."""
    rows = [pack_row(badge_tag(BADGE_KEY, bytes.fromhex(uid)), True, NO_END, "nl") for uid in uids]
    return build_table(rows)
