"""Fails when a Python module is longer than 500 lines: it holds more than one idea by then."""

from __future__ import annotations

import sys
from pathlib import Path

LINES_MAX = 500
ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("bench", "firmware", "hardware", "hub", "protocol", "simulator", "tests", "tools")


def long_modules(root: Path, folders: tuple[str, ...] = FOLDERS) -> list[tuple[Path, int]]:
    """Returns (path below `root`, lines) of every module over the limit, longest first.

    Args:
        root: the checkout.
        folders: which of its folders to look into; one that does not exist holds no module.
    """
    lengths = [
        (path.relative_to(root), len(path.read_bytes().splitlines()))
        for folder in folders
        for path in (root / folder).rglob("*.py")
    ]
    return sorted((item for item in lengths if item[1] > LINES_MAX), key=lambda item: -item[1])


def main() -> int:
    """Prints every module over the limit; returns 1 if there is one, else 0."""
    found = long_modules(ROOT)
    for path, lines in found:
        print(f"{path}: {lines} lines, at most {LINES_MAX}: find the second idea and move it out")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
