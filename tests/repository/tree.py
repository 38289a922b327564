"""The files of this checkout as its tests see them: all that is ours, nothing installed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("protocol", "firmware", "hub", "simulator")
FOREIGN = frozenset(
    {"__pycache__", "build", "dist", "node_modules", "sitegate-data", "typings", "vendor"}
)
OWN_DOTTED = frozenset({".ci", ".editorconfig", ".gitattributes", ".gitignore", ".npmrc"})


def files(folder: Path = ROOT) -> Iterator[Path]:
    """Yields every file of ours below `folder`, sorted; not what `make` or a run put there."""
    for path in sorted(folder.iterdir()):
        name = path.name
        if name in FOREIGN or (name.startswith(".") and name not in OWN_DOTTED):
            continue
        if path.is_dir():
            yield from files(path)
        else:
            yield path


def modules(*folders: str) -> list[Path]:
    """Returns every Python file below the named folders of the checkout."""
    return [
        path
        for folder in folders
        if (ROOT / folder).is_dir()
        for path in files(ROOT / folder)
        if path.suffix == ".py"
    ]


def name_of(path: Path) -> str:
    """Returns the path below the checkout with forward slashes, as written in a report."""
    return path.relative_to(ROOT).as_posix()


@cache  # several tests look at every module
def imported(source: str) -> frozenset[str]:
    """Returns the dotted names of all modules imported anywhere in `source`, also inside functions.

    A relative import gives the empty string: it cannot leave its own package.
    """
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "" if node.level == 0 else "")
    return frozenset(names)


def used_names(source: str) -> set[str]:
    """Returns every dotted name read in `source`, import aliases undone.

    `from datetime import datetime as dt; dt.now(UTC)` gives `datetime.datetime.now` among others.
    """
    nodes = list(ast.walk(ast.parse(source)))
    meaning: dict[str, str] = {}
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                meaning[alias.asname or alias.name] = alias.name
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            for alias in node.names:
                meaning[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Attribute | ast.Name) and isinstance(node.ctx, ast.Load):
            after: list[str] = []
            first: ast.expr = node
            while isinstance(first, ast.Attribute):
                after.append(first.attr)
                first = first.value
            if isinstance(first, ast.Name):  # anything else is no name
                names.add(".".join([meaning.get(first.id, first.id), *reversed(after)]))
    return names
