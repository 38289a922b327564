"""What the program imports it declares: nothing works only because a library brought it along."""

from __future__ import annotations

import sys
import tomllib
from importlib.metadata import packages_distributions

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.repository.tree import ROOMS, ROOT, imported, modules, name_of


def declared(*extras: str) -> set[str]:
    """Returns the names of the distributions that pyproject.toml asks for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lines = list(project["dependencies"])
    for extra in extras:
        lines += project["optional-dependencies"][extra]
    return {canonicalize_name(Requirement(line).name) for line in lines}


def third_party(source: str) -> set[str]:
    """Returns the top-level names that `source` imports and that are neither ours nor Python's."""
    names = {name.partition(".")[0] for name in imported(source)} - {""}
    ours = {*ROOMS, "bench", "hardware", "tests", "tools"}
    return names - ours - sys.stdlib_module_names


@pytest.mark.parametrize(
    ("room", "extras"),
    [
        ("hub", ()),
        ("simulator", ("demo",)),
        ("bench", ("demo", "dev")),
        ("hardware", ("demo", "dev")),
    ],
)
def test_every_import_is_declared(room: str, extras: tuple[str, ...]) -> None:
    known = declared(*extras)
    provided_by = packages_distributions()
    missing: dict[str, list[str]] = {}
    for path in modules(room):
        if name_of(path).startswith("simulator/board/") or "/board_scripts/" in name_of(path):
            continue  # runs on MicroPython, which has modules of its own and nothing installed
        for name in third_party(path.read_text("utf-8")):
            distributions = {canonicalize_name(found) for found in provided_by.get(name, [])}
            if not distributions & known:
                missing.setdefault(name, []).append(name_of(path))
    assert missing == {}
