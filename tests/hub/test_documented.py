"""Every setting, command, option and error code of the hub stands in the documents."""

from __future__ import annotations

import importlib
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from hub import errors
from hub.cli.app import app, exit_code
from hub.settings import Settings, setting_names

ROOT = Path(__file__).resolve().parents[2]
SETTING_ROW = re.compile(r"^\| `([a-z_.]+)` \| `([^`]+)` \| (.+) \|$", re.MULTILINE)
SECTION = re.compile(r"^## sitegate ([a-z -]+)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
OPTION = re.compile(r"(?<![\w-])(--[a-z][a-z-]+|-[a-z])(?![\w-])")
ERROR_CODE = re.compile(r"""["']((?:HUB|IMP)-\d{4})["']""")


def document(name: str) -> str:
    """The text of a document."""
    return (ROOT / "docs" / name).read_text("utf-8")


# ---------------------------------------------------------------- settings


def defaults() -> dict[str, Any]:
    """Every setting with its default."""
    found: dict[str, Any] = {}
    for name, _ in setting_names():
        table, _, key = name.rpartition(".")
        model: Any = Settings.model_fields[table].annotation if table else Settings
        found[name] = model.model_fields[key].default
    return found


def documented() -> dict[str, tuple[str, str]]:
    """(default, meaning) of every setting in the document."""
    return {
        name: (default, told)
        for name, default, told in SETTING_ROW.findall(document("settings.md"))
    }


def test_every_setting_is_documented_and_no_other() -> None:
    assert set(documented()) == set(defaults())


def test_each_default_is_the_one_that_is_documented() -> None:
    told = {
        name: tomllib.loads(f"x = {default}")["x"] for name, (default, _) in documented().items()
    }
    real = {
        name: str(value) if isinstance(value, Path) else value for name, value in defaults().items()
    }
    assert told == real
    assert {name: type(value) for name, value in told.items()} == {
        name: type(value) for name, value in real.items()
    }


def test_each_setting_is_explained() -> None:
    assert [name for name, (_, told) in documented().items() if len(told) < 25] == []


# ---------------------------------------------------------------- commands


@pytest.fixture(scope="module")
def commands() -> dict[str, Any]:
    """Every command by its words, for example "terminal add"."""
    for path in (ROOT / "hub" / "cli").glob("*.py"):
        importlib.import_module(f"hub.cli.{path.stem}" if path.stem != "__init__" else "hub.cli")
    return dict(leaves(typer.main.get_command(app), ""))


def leaves(command: Any, words: str) -> Iterator[tuple[str, Any]]:
    """Yields (words, command) of every command that does something."""
    if hasattr(command, "commands"):
        for name, inner in command.commands.items():
            yield from leaves(inner, f"{words} {name}".strip())
    else:
        yield words, command


def sections() -> dict[str, str]:
    """The text about each command."""
    return dict(SECTION.findall(document("cli.md")))


def options(command: Any) -> set[str]:
    """Every way to write an option of a command."""
    return {
        written
        for parameter in command.params
        if parameter.param_type_name == "option"
        for written in (*parameter.opts, *parameter.secondary_opts)
    } - {"--help"}


def test_every_command_is_documented_and_no_other(commands: dict[str, Any]) -> None:
    assert set(sections()) == set(commands)


def test_every_option_is_documented_and_no_other(commands: dict[str, Any]) -> None:
    for words, command in commands.items():
        rows = [line for line in sections()[words].splitlines() if line.startswith("| `")]
        written = {name for line in rows for name in OPTION.findall(line.split("|")[1])}
        assert written == options(command), words


def test_every_argument_is_in_the_usage_line(commands: dict[str, Any]) -> None:
    for words, command in commands.items():
        names = [p.name.upper() for p in command.params if p.param_type_name == "argument"]
        usage = f"    sitegate {' '.join([words, *names])}"
        lines = sections()[words].splitlines()
        assert [line for line in lines if line == usage or line.startswith(usage + " ")], words


def test_the_options_before_the_command_are_documented() -> None:
    head = document("cli.md").partition("\n## ")[0]
    rows = [line for line in head.splitlines() if line.startswith("| `-")]
    written = {name for line in rows for name in OPTION.findall(line.split("|")[1])}
    assert written - {"--help"} == options(typer.main.get_command(app))


def test_every_exit_code_is_documented() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    failed = [kind("HUB-0000") for kind in kinds if issubclass(kind, errors.SitegateError)]
    codes = {0, *(exit_code(error) for error in failed)}
    rows = set(re.findall(r"^\| (\d) \| .+ \|$", document("cli.md"), re.MULTILINE))
    assert rows == {str(code) for code in codes}


# ---------------------------------------------------------------- errors


def raised() -> dict[str, set[str]]:
    """Every error code in the hub, with the files that name it."""
    found: dict[str, set[str]] = {}
    for path in sorted((ROOT / "hub").rglob("*")):
        if path.suffix in (".py", ".toml") and path.parent.name != "catalogue":
            for code in ERROR_CODE.findall(path.read_text("utf-8")):
                found.setdefault(code, set()).add(path.relative_to(ROOT).as_posix())
    return found


def test_every_error_code_is_documented_with_its_anchor() -> None:
    page = document("errors.md")
    missing = {
        code: files
        for code, files in raised().items()
        if f"### {code}\n" not in page or f'<a id="{code.lower()}"></a>' not in page
    }
    assert missing == {}
    assert len(raised()) > 60


def test_links_to_error_codes_lead_somewhere() -> None:
    page = document("errors.md")
    for name in ("cli.md", "settings.md"):
        for anchor in re.findall(r"errors\.md#([\w-]+)", document(name)):
            assert f'<a id="{anchor}"></a>' in page, (name, anchor)
