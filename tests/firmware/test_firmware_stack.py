"""The gate on a C stack as small as a Pico's, and imports that fit on it.

A Pico's interpreter has 8 KB of C stack (PICO_STACK_SIZE of the rp2 port); 30 to 40 nested Python
calls fill it (measured), and one more raises RuntimeError. The interpreter of these tests has room
for two hundred. So here the firmware is started from the bottom of a pit: calls nested so deep that
30 more find room, no matter how large a frame is on this machine.

An import is not like a call: this interpreter keeps a path of 4,096 bytes on the stack for each one
that is under way, a Pico one of 128 (MICROPY_ALLOC_PATH_MAX), or about 600 bytes an import in all.
So all modules are imported before, and how deep imports are nested is counted in the sources.
"""

from __future__ import annotations

import ast
import asyncio
import json
from pathlib import Path

import pytest

from hub.terminals.firmware_build import LOADER, NOT_IN_A_PACK, flash_files, installed_sources
from simulator.gate import Gate, GateError
from tests.firmware.flash_image import write_image
from tests.firmware.hand_broker import HandBroker
from tests.firmware.rig import KEY, TERMINAL, gate_settings, needs_vm, roster

BADGE = "04a1b2c3d4e5f6"
CALLS = 30
WAIT_S = 25.0
IMPORTS_MAX = 6
"""At 600 bytes each, under the loader and with the pack's own reading above them: 6 of 8 KB."""
LATE_IMPORTS_MAX = 4
"""Of those within functions, which begin some calls deeper."""

PIT = """
import micropython, sys
import loader

loader.mount("/flash", 1)
for name in NAMES:
    __import__(name)
loader.unmount()
# What the interpreter itself imports when it is first used.
import asyncio.stream, asyncio.event, asyncio.funcs, asyncio.lock

uses = []
def measure(n):
    uses.append(micropython.stack_use())
    if n:
        measure(n - 1)
measure(2)
frame = uses[2] - uses[1]

def whole(n):
    uses[0] = micropython.stack_use()
    whole(n + 1)
try:
    whole(0)
except RuntimeError:
    bottom = uses[0] + frame

def deeper():
    if micropython.stack_use() + (CALLS + 1) * frame < bottom:
        deeper()
        return
    print("room for", (bottom - micropython.stack_use()) // frame, "calls")
    exec(MAIN, {"__name__": "__main__"})
deeper()
"""


def pit(main: str, calls: int) -> bytes:
    """A main.py that runs `main` where only so many nested calls find room."""
    names = [
        path[:-3].replace("/", ".")
        for path in installed_sources()
        if path not in NOT_IN_A_PACK and not path.endswith("__init__.py")
    ]
    return f"NAMES = {names!r}\nCALLS = {calls}\nMAIN = {main!r}\n{PIT}".encode()


async def played(folder: Path, calls: int) -> str:
    """A gate in the pit is started, meets its hub and lets somebody in; returns what it printed."""
    async with HandBroker(TERMINAL, KEY) as hub:
        hub.version, hub.table = 3, roster(BADGE)
        files = flash_files(json.dumps(gate_settings(hub.port)).encode())
        files["main.py"] = pit(files["main.py"].decode(), calls)
        write_image(folder / "gate" / "flash.bin", files)
        async with Gate(TERMINAL, folder / "gate", {}, "micropython", main=True) as gate:
            await gate.wait_panel(lambda p: "SERVER OK" in p["lines"], WAIT_S)
            await gate.present(BADGE)
            await hub.wait(lambda: len(hub.taps()) == 1, WAIT_S)
            await gate.wait_panel(lambda p: p["arm"] == "open" or bool(p["sounds"]), WAIT_S)
            return gate.output


@needs_vm
@pytest.mark.micropython
@pytest.mark.processes
def test_the_whole_gate_works_where_thirty_nested_calls_find_room(tmp_path: Path) -> None:
    output = asyncio.run(played(tmp_path, CALLS))
    assert f"room for {CALLS} calls" in output
    assert "recursion" not in output


@needs_vm
@pytest.mark.micropython
@pytest.mark.processes
def test_a_pit_that_is_too_deep_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.firmware.test_firmware_stack.WAIT_S", 5.0)
    with pytest.raises((TimeoutError, GateError)):
        asyncio.run(played(tmp_path, 10))


# --- imports --------------------------------------------------------------------------------------


def imports_of(body: list[ast.stmt], known: dict[str, str]) -> list[str]:
    """The modules of ours that these statements import, in their order."""
    found = []
    for statement in body:
        if isinstance(statement, ast.ImportFrom) and statement.module:
            inside = [f"{statement.module}.{alias.name}" for alias in statement.names]
            found += [name for name in (statement.module, *inside) if name in known]
        elif isinstance(statement, ast.Import):
            found += [alias.name for alias in statement.names if alias.name in known]
    return found


def depth(names: list[str], known: dict[str, str], done: set[str], above: list[str]) -> list[str]:
    """The longest chain of imports under way at once, when these are imported one by one."""
    longest = above
    for name in names:
        if name not in done:
            done.add(name)
            chain = [*above, name]
            below = depth(imports_of(ast.parse(known[name]).body, known), known, done, chain)
            longest = max(longest, below, key=len)
    return longest


def test_imports_are_not_nested_deeper_than_a_pico_has_room_for() -> None:
    known = {
        path[:-3].replace("/", ".").removesuffix(".__init__"): source
        for path, source in installed_sources().items()
        if path not in LOADER or path not in NOT_IN_A_PACK
    }
    done: set[str] = set()
    chain = depth(["firmware.app"], known, done, [])
    print(" -> ".join(chain))
    assert 2 < len(chain) <= IMPORTS_MAX
    late = [
        name
        for source in known.values()
        for function in ast.walk(ast.parse(source))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for name in imports_of(function.body, known)
    ]
    assert late
    for name in late:
        below = depth([name], known, set(done), [])
        print(" -> ".join(below))
        assert len(below) <= LATE_IMPORTS_MAX
