"""What docs/terminal.md says of failures in the field is shown by checks that exist."""

from __future__ import annotations

import re

from tests.repository.tree import ROOT

PAGE = (ROOT / "docs" / "terminal.md").read_text("utf-8")
TABLE = PAGE.partition("## What breaks in the field")[2].partition("\n## ")[0]


def test_every_failure_names_checks_that_are_there() -> None:
    rows = [line for line in TABLE.splitlines() if line.startswith("| ")][2:]
    assert len(rows) >= 20
    tests = "\n".join(path.read_text("utf-8") for path in sorted((ROOT / "tests").rglob("*.py")))
    known = set(re.findall(r"^(?:async )?def ((?:check|test)_\w+)", tests, re.MULTILINE))
    for row in rows:
        named = re.findall(r"`((?:check|test)_\w+)`", row)
        assert named, row
        assert set(named) <= known, row
