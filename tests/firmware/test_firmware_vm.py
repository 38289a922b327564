"""Every check of `board_scripts` on the real VM; the ones without flash on CPython too."""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from simulator.compiled import compiled
from tests.firmware.rig import needs_vm, tool

SCRIPTS = Path(__file__).parent / "board_scripts"
ROOT = SCRIPTS.parents[2]
RUNNER = ROOT / "tests" / "board" / "board_scripts" / "run.py"

# Module -> heap. The sweeps keep whole flash images in memory; the soak has what a Pico W has.
MODULES = {
    "checks_archives": "8M",
    "checks_arm": "200wK",
    "checks_beginning": "8M",
    "checks_capacity": "16M",
    "checks_cards": "2M",
    "checks_care": "8M",
    "checks_carriers": "200wK",
    "checks_clock": "200wK",
    "checks_clock_chip": "2M",
    "checks_crash": "4M",
    "checks_decision": "200wK",
    "checks_dense": "2M",
    "checks_drivers": "2M",
    "checks_journal": "8M",
    "checks_link": "200wK",
    "checks_loader": "4M",
    "checks_panel": "200wK",
    "checks_reader_care": "8M",
    "checks_resolve": "200wK",
    "checks_roster": "8M",
    "checks_roster_cuts": "8M",
    "checks_roster_room": "200wK",
    "checks_roster_uplink": "8M",
    "checks_soak": "200wK",
    "checks_taps": "8M",
    "checks_texts": "2M",
    "checks_today": "200wK",
    "checks_update": "16M",
    "checks_uplink": "8M",
    "checks_ways": "8M",
    "checks_wear": "16M",
}
ON_CPYTHON = (
    "checks_arm",
    "checks_cards",
    "checks_clock",
    "checks_clock_chip",
    "checks_decision",
    "checks_dense",
    "checks_drivers",
    "checks_panel",
    "checks_resolve",
    "checks_texts",
    "checks_today",
)


def _checks(modules) -> list[tuple[str, str]]:
    found = []
    for module in modules:
        source = (SCRIPTS / f"{module}.py").read_text()
        found += [(module, name) for name in re.findall(r"^def (check_\w+)", source, re.MULTILINE)]
    return found


@functools.cache
def _verdicts(interpreter: str, module: str) -> tuple[dict[str, str], str]:
    """Runs one module; returns the verdict of each of its checks, and all that was printed."""
    with tempfile.TemporaryDirectory() as folder:
        command = [interpreter]
        variables = os.environ | {
            "MICROPYPATH": f"{ROOT}:.frozen",
            "BOARD_FLASH": f"{folder}/flash.bin",
        }
        if "micropython" in interpreter:
            command += ["-X", f"heapsize={MODULES[module]}"]
            variables["BOARD_COMPILED"] = str(compiled())
        done = subprocess.run(
            [*command, str(RUNNER), str(SCRIPTS), module],
            env=variables,
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=240,
            check=False,
        )
    verdicts = {}
    for line in done.stdout.splitlines():
        if line.startswith("{"):
            verdict = json.loads(line)
            verdicts[verdict["check"].partition(".")[2]] = verdict["verdict"]
    return verdicts, done.stdout


def _judge(interpreter: str, module: str, check: str) -> None:
    verdicts, printed = _verdicts(interpreter, module)
    verdict = verdicts.get(check, "not run")
    assert verdict not in ("failed", "not run"), printed
    print(f"{check}: {verdict}")


@needs_vm
@pytest.mark.micropython
@pytest.mark.parametrize(("module", "check"), _checks(MODULES))
def test_on_micropython(module: str, check: str) -> None:
    _judge(str(tool("micropython")), module, check)


@pytest.mark.parametrize(("module", "check"), _checks(ON_CPYTHON))
def test_on_cpython(module: str, check: str) -> None:
    _judge(sys.executable, module, check)
