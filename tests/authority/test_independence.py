"""The simulator shares nothing with the hub, and only one of its modules knows lxml."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.authority.rig import FOLDER


def imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


def test_no_module_imports_the_hub() -> None:
    modules = sorted(FOLDER.glob("*.py"))
    assert len(modules) > 15
    rooms = {name.partition(".")[0] for module in modules for name in imported(module)}
    assert rooms.isdisjoint({"hub", "firmware", "zeep", "stdnum"})


def test_lxml_stays_behind_one_module() -> None:
    users = [path.name for path in FOLDER.glob("*.py") if "lxml.etree" in imported(path)]
    assert users == ["tree.py"]
