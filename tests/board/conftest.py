"""Where the scripts that run on the board are, and the interpreters they run on."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from simulator.gate import HEAP, find_interpreter

SCRIPTS = Path(__file__).parent / "board_scripts"


def check_names(module: str) -> list[str]:
    """Names of the check functions of a script, in order."""
    tree = ast.parse((SCRIPTS / f"{module}.py").read_text(encoding="utf-8"))
    return [
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("check_")
    ]


class Verdicts:
    """Runs each script once per interpreter and keeps what it printed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._runs: dict[tuple[str, str], tuple[dict[str, str], str]] = {}

    def of(self, interpreter: str, module: str, check: str) -> tuple[str, str]:
        """(verdict, whole output) of one check."""
        key = (interpreter, module)
        if key not in self._runs:
            self._runs[key] = self._run(interpreter, module)
        verdicts, output = self._runs[key]
        return verdicts.get(f"{module}.{check}", "not run"), output

    def _run(self, interpreter: str, module: str) -> tuple[dict[str, str], str]:
        if interpreter == "micropython":
            command = [str(find_interpreter("micropython")[1]), "-X", f"heapsize={HEAP}"]
        else:
            command = [sys.executable]
        done = subprocess.run(
            [*command, str(SCRIPTS / "run.py"), str(SCRIPTS), module],
            cwd=self._folder,
            env=os.environ | {"MICROPYPATH": ".frozen"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
            check=False,
        )
        output = done.stdout.decode(errors="replace")
        rows = [json.loads(line) for line in output.splitlines() if line.startswith('{"')]
        return {row["check"]: row["verdict"] for row in rows}, output


@pytest.fixture(scope="session")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> Verdicts:
    """Results of the board scripts, run at first need."""
    return Verdicts(tmp_path_factory.mktemp("board"))


@pytest.fixture(params=[pytest.param("micropython", marks=pytest.mark.micropython), "python"])
def interpreter(request: pytest.FixtureRequest) -> str:
    """Both interpreters a board can run on; the VM's turn is skipped where no wheel exists."""
    if request.param == "micropython" and find_interpreter()[0] != "micropython":
        pytest.skip("no MicroPython VM for this platform")
    return request.param
