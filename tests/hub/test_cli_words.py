"""A command imports the modules it is made of and no others, and none of its own is lacking."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer.main

import hub.cli
from hub.cli import WHERE, modules_for
from hub.cli.app import app

WHOLE = sorted({name for names in WHERE.values() for name in names})

_LOOK = """
import json, sys
import typer.main
import hub.cli
from hub.cli.app import app
for name in hub.cli.modules_for(["terminal", "list"]):
    __import__(f"hub.cli.{name}")
commands = typer.main.get_command(app).commands
print(json.dumps([sorted(commands), sorted(commands["terminal"].commands), sorted(sys.modules)]))
"""


@pytest.fixture(scope="module")
def tree() -> dict[str, Any]:
    """The commands by their first word, with every module of the folder imported."""
    for path in Path(vars(hub.cli)["__file__"]).parent.glob("[!_]*.py"):
        import_module(f"hub.cli.{path.stem}")
    return vars(typer.main.get_command(app))["commands"]


def modules_of(command: Any) -> Iterator[str]:
    """The module of each command at or below this one."""
    if hasattr(command, "commands"):
        for inner in command.commands.values():
            yield from modules_of(inner)
    else:
        yield command.callback.__module__


def test_each_word_names_the_modules_that_hold_its_commands(tree: dict[str, Any]) -> None:
    found = {word: {*modules_of(command)} for word, command in tree.items()}
    assert found == {word: {f"hub.cli.{name}" for name in WHERE[word]} for word in WHERE}


@pytest.mark.parametrize(
    "before",
    [
        [],
        ["--settings", "site.toml"],
        ["--settings=run"],
        ["--settings", "run", "-l", "nl"],
        ["--language", "fr"],
    ],
)
def test_the_word_is_found_behind_the_options(before: list[str]) -> None:
    assert modules_for([*before, "account", "list", "--json"]) == ["accounts"]


@pytest.mark.parametrize(
    "arguments",
    [[], ["--help"], ["--help", "account"], ["acount", "list"], ["--colour", "account"], ["-l"]],
)
def test_in_doubt_every_module_is_taken(arguments: list[str]) -> None:
    assert modules_for(arguments) == WHOLE


def test_a_command_about_gates_imports_neither_pages_nor_authority(tree: dict[str, Any]) -> None:
    done = subprocess.run([sys.executable, "-c", _LOOK], check=True, capture_output=True)
    words, below, imported = json.loads(done.stdout)
    assert words == ["terminal"]
    assert below == sorted(tree["terminal"].commands)
    assert {"fastapi", "uvicorn", "zeep", "xlsxwriter"}.isdisjoint(imported)
