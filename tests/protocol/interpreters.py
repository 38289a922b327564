"""Runs a script of `board_scripts` on this Python or on the MicroPython VM."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = Path(__file__).resolve().parent / "board_scripts"
PICO_W_HEAP = "200wK"  # objects that fit on a Pico W, whatever the word size here


def micropython() -> str:
    """Returns the VM beside this Python or on the path; skips the test where there is none."""
    beside = shutil.which("micropython", path=str(Path(sys.executable).parent))
    found = beside or shutil.which("micropython")
    if found is None:
        pytest.skip("no MicroPython here: its wheel exists for x86-64 Linux and arm64 macOS only")
    return found


def run(command: list[str], script: str, arguments: list[str]) -> list[str]:
    """Returns the lines a script prints; a script that fails fails the test with its last lines."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MICROPYPATH": str(ROOT)}
    result = subprocess.run(
        [*command, str(SCRIPTS / script), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, (result.stdout + result.stderr)[-2000:]
    return result.stdout.splitlines()


def on_both(script: str, arguments: list[str]) -> tuple[list[str], list[str]]:
    """Returns what a script prints on this Python and on MicroPython."""
    board = run([micropython(), "-X", f"heapsize={PICO_W_HEAP}"], script, arguments)
    return run([sys.executable], script, arguments), board
