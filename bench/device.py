"""The gate on a Pico W, by a cost model: from a badge in the field to green, wear, sizes, heap."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from bench.board import LIFE
from bench.figures import percentile, row, title
from bench.rig import scratch
from protocol.mac import badge_tag
from protocol.roster import NO_END, build_table, pack_row
from simulator.compiled import compiled
from simulator.gate import HEAP, find_interpreter

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = ROOT / "bench" / "board_scripts"
BADGE_KEY = b"\x22" * 32
BADGES = 20_000
TAPS = 1_000
BLOCKS = 212
CYCLES = 100_000
"""Erases a block of the flash takes, by its data sheet."""
TAPS_A_DAY = 2_000


def _vm(script: Path, heap: str, **variables: str) -> str:
    _, vm = find_interpreter("micropython")
    done = subprocess.run(
        [str(vm), "-X", f"heapsize={heap}", str(script)],
        env=os.environ
        | {"MICROPYPATH": f"{ROOT}:.frozen", "BOARD_COMPILED": str(compiled())}
        | variables,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    return done.stdout


def _table(badges: int) -> bytes:
    """A roster of invented badges, those of `uid_of` in the firmware's checks."""
    uids = (b"\x04" + number.to_bytes(4, "big") + b"\x5e\x1f" for number in range(badges))
    return build_table(pack_row(badge_tag(BADGE_KEY, uid), 1, NO_END, "nl") for uid in uids)


def tap_time(runs: int) -> None:
    """Prints the cost model's figures for a site of 20,000 badges."""
    if find_interpreter()[0] != "micropython":
        title("Device time: no MicroPython VM for this machine, not measured")
        return
    medians: list[float] = []
    tails: list[float] = []
    look_ups: list[float] = []
    parts: dict[str, list[float]] = {}
    years: list[float] = []
    heap: dict[str, int] = {}
    with scratch() as folder:
        table = folder / "table.bin"
        table.write_bytes(_table(BADGES))
        for run in range(runs):
            found = json.loads(
                _vm(
                    SCRIPTS / "tap_time.py",
                    "32M",
                    BENCH_ROSTER=str(table),
                    BENCH_TAPS=str(TAPS),
                    BENCH_BADGES=str(BADGES),
                    BENCH_SEED=str(run + 1),
                )
            )
            latencies = [us / 1000 for us in found["latencies_us"]]
            medians.append(percentile(latencies, 50))
            tails.append(percentile(latencies, 99))
            look_ups.append(found["look_up_us"] / 1000)
            for what, us in found["in_tap_us"].items():
                parts.setdefault(what, []).append(us / 1000)
            life = dict(
                line.split()
                for line in _vm(
                    LIFE, HEAP, BOARD_FLASH=str(folder / f"flash{run}.bin")
                ).splitlines()
            )
            per_tap = float(life["erases_per_1000"]) / 1000
            years.append(BLOCKS * CYCLES / (per_tap * TAPS_A_DAY * 365))
        _write_roster(folder, table.read_bytes())
        lines = _vm(SCRIPTS / "heap.py", HEAP, BENCH_FLASH=str(folder)).splitlines()
        heap = {name: int(value) for name, value in (line.split() for line in lines)}
    title(f"Gate on a Pico W by the cost model, {BADGES:,} badges, poll every 50 ms")
    row("badge in the field to green, median, aim <= 100", medians, "ms", 1)
    row("badge in the field to green, p99, aim <= 150", tails, "ms", 1)
    names = {
        "wait": "of it: waiting for the poll, field and radio",
        "spi": "of it: SPI",
        "hash": "of it: badge tag (HMAC)",
        "vm": "of it: interpreter and ring",
        "flash": "of it: flash",
    }
    for what, label in names.items():
        row(label + ", mean", parts[what], "ms", 1)
    row("look-up in the roster, aim <= 5", look_ups, "ms", 2)
    row(f"flash worn out at {TAPS_A_DAY:,} taps a day, after", years, "years")
    sizes = [path.stat().st_size for path in _of_the_gate()]
    print(f"  {len(sizes)} modules, {sum(sizes):,} bytes as .mpy")
    print(
        f"  heap on this VM: application {heap['application']:,} B,"
        f" roster of {heap['roster_rows']:,} rows {heap['roster']:,} B;"
        " one TLS connection 27,136 B (measured on the rp2 image)"
    )


def _of_the_gate() -> list[Path]:
    folder = compiled()
    return [path for room in ("protocol", "firmware") for path in (folder / room).rglob("*.mpy")]


def _write_roster(folder: Path, table: bytes) -> None:
    """Puts a roster file where the gate would have it."""
    from hashlib import sha256

    from firmware.roster import FILE
    from firmware.roster_base import trailer

    digest = sha256(table).digest()
    (folder / FILE).write_bytes(table + trailer(1, digest))
