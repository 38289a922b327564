"""The import contracts of pyproject.toml refuse what they are there to refuse.

Each case builds a small tree with the rooms of the project, plants one import and runs the
contracts on it. That the project itself keeps them is part of `make lint`.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.repository.tree import ROOT

MODULES = (
    "protocol/__init__.py",
    "protocol/sync.py",
    "firmware/__init__.py",
    "firmware/link.py",
    "simulator/__init__.py",
    "simulator/gate.py",
    "hub/__init__.py",
    "hub/clock.py",
    "hub/compiled.py",
    "hub/errors.py",
    "hub/main.py",
    "hub/settings.py",
    *(
        f"hub/{room}/__init__.py"
        for room in (
            "application",
            "authority",
            "cli",
            "domain",
            "i18n",
            "notices",
            "reports",
            "storage",
            "terminals",
            "web",
        )
    ),
)


def contracts() -> str:
    """Returns the import-linter part of pyproject.toml, verbatim."""
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    start = text.index("[tool.importlinter]")
    part = text[start:]
    assert set(tomllib.loads(part)["tool"]) == {"importlinter"}, "keep these contracts last"
    return part


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()",
         "--no-cache"],
        cwd=folder, capture_output=True, text=True, timeout=60, check=False,
        env={"PYTHONPATH": str(folder), "COLUMNS": "120"},
    )  # fmt: skip


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in MODULES:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("", "utf-8")
    (tmp_path / "pyproject.toml").write_text(contracts(), "utf-8")
    return tmp_path


def test_the_allowed_imports_pass(tree: Path) -> None:
    (tree / "firmware/link.py").write_text("import protocol.sync\n", "utf-8")
    (tree / "simulator/gate.py").write_text("import protocol.sync\n", "utf-8")
    (tree / "hub/cli/__init__.py").write_text("import hub.main\nimport hub.web\n", "utf-8")
    (tree / "hub/main.py").write_text("import hub.web\nimport hub.terminals\n", "utf-8")
    (tree / "hub/web/__init__.py").write_text("import hub.storage\nimport hub.i18n\n", "utf-8")
    (tree / "hub/storage/__init__.py").write_text("import hub.application\n", "utf-8")
    (tree / "hub/domain/__init__.py").write_text("import hub.errors\nimport protocol\n", "utf-8")
    result = lint_imports(tree)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("importer", "target"),
    [
        ("protocol/sync.py", "firmware.link"),
        ("protocol/sync.py", "hub.domain"),
        ("firmware/link.py", "hub.domain"),
        ("firmware/link.py", "simulator.gate"),
        ("simulator/gate.py", "hub.domain"),
        ("simulator/gate.py", "firmware.link"),
        ("hub/cli/__init__.py", "simulator.gate"),
        ("hub/terminals/__init__.py", "firmware.link"),
        ("hub/web/__init__.py", "hub.terminals"),
        ("hub/authority/__init__.py", "hub.reports"),
        ("hub/web/__init__.py", "hub.notices"),
        ("hub/storage/__init__.py", "hub.notices"),
        ("hub/web/__init__.py", "hub.cli"),
        ("hub/storage/__init__.py", "hub.web"),
        ("hub/application/__init__.py", "hub.storage"),
        ("hub/domain/__init__.py", "hub.application"),
        ("hub/errors.py", "hub.domain"),
    ],
)
def test_a_forbidden_import_fails(tree: Path, importer: str, target: str) -> None:
    (tree / importer).write_text(f"import {target}\n", "utf-8")
    result = lint_imports(tree)
    assert result.returncode == 1, result.stdout + result.stderr
    assert target in result.stdout


def test_a_new_room_of_the_hub_must_be_given_a_place(tree: Path) -> None:
    (tree / "hub/cellar.py").write_text("", "utf-8")
    result = lint_imports(tree)
    assert result.returncode == 1
    assert "cellar" in result.stdout
