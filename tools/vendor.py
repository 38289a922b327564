"""Copies the files that pages load from installed npm packages to where they are served.

    .venv/bin/python -m tools.vendor node_modules

A file that is not the pinned one is refused, and its digest is said: who takes a newer version
writes it into hub/web/vendored.py.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from hub.web.vendored import FILES, FOLDER, PACKAGE, VERSION, digest_of


def bring(packages: Path, folder: Path = FOLDER) -> list[str]:
    """Copies every pinned file; returns what is wrong, empty when all are there.

    Args:
        packages: npm's folder `node_modules`.
        folder: where the files go; nothing is written when one of them is wrong.
    """
    contents: dict[str, bytes] = {}
    wrong: list[str] = []
    for one in FILES:
        path = packages / PACKAGE / one.origin
        content = path.read_bytes() if path.is_file() else b""
        contents[one.name] = content
        if digest_of(content) != one.digest:
            found = digest_of(content) if content else "missing"
            wrong.append(f"{PACKAGE}/{one.origin} is {found}, not {one.digest}")
    if wrong:
        return wrong
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        # A hub that runs from this checkout never serves half a file.
        unfinished = folder / f"{name}.new"
        unfinished.write_bytes(content)
        os.replace(unfinished, folder / name)
    return []


def main() -> int:
    """Copies from the folder that is named; returns 1 when a file is not the pinned one."""
    wrong = bring(Path(sys.argv[1]))
    for line in wrong:
        print(f"sitegate: {line}", file=sys.stderr)
    if not wrong:
        print(f"sitegate: {PACKAGE} {VERSION} is in {FOLDER.relative_to(Path.cwd())}")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
