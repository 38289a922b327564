"""Documents hang together: no decision is an orphan, no link leads nowhere."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

from tests.repository.tree import ROOT, files, name_of

LINK = re.compile(r"\[[^\]]*\]\(<?([^)\s>]+)")


def documents() -> list[Path]:
    return [path for path in files() if path.suffix == ".md"]


def targets(document: Path) -> list[Path]:
    """Returns the files of the checkout that `document` links to, existing or not."""
    found: list[Path] = []
    for link in LINK.findall(document.read_text("utf-8")):
        if "://" in link or link.startswith(("#", "mailto:")):
            continue
        found.append((document.parent / unquote(link.partition("#")[0])).resolve())
    return found


def test_no_link_leads_nowhere() -> None:
    broken = [
        f"{name_of(document)} -> {target}"
        for document in documents()
        for target in targets(document)
        if not target.exists()
    ]
    assert broken == []


def test_every_decision_is_linked() -> None:
    linked = {t for document in documents() for t in targets(document) if t != document}
    decisions = [p for p in documents() if p.parent == ROOT / "docs" / "decisions"]
    assert [name_of(page) for page in decisions if page not in linked] == []
