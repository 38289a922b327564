"""docs/protocol.md tells what the code does: its example bytes, sizes and names."""

from __future__ import annotations

import re
import sys

from protocol import frames, limits, record, roster, topics
from tests.protocol.interpreters import ROOT, run

DOCUMENT = (ROOT / "docs" / "protocol.md").read_text("utf-8")


def test_every_example_is_what_the_code_makes() -> None:
    block = re.search(r"```vectors\n(.*?)```", DOCUMENT, re.DOTALL)
    assert block is not None
    documented = [line for line in block.group(1).splitlines() if line]
    assert documented == run([sys.executable], "vectors.py", [])


def test_every_constant_has_its_number() -> None:
    rows = dict(re.findall(r"^\| `([A-Z0-9_]+)` \| (\d+) \|", DOCUMENT, re.MULTILINE))
    expected: dict[str, str] = {}
    for module, prefixes in (
        (limits, ("",)),
        (record, ("KIND_", "DIRECTION_", "VERDICT_", "QUALITY_", "REASON_")),
        (roster, ("NO_",)),
        (frames, ("FRAME_", "PING_", "SILENT_")),
    ):
        for name, value in vars(module).items():
            if name.isupper() and isinstance(value, int) and name.startswith(prefixes):
                expected[name] = str(value)
    assert rows == expected


def test_every_topic_and_language_is_named() -> None:
    for leaf in topics.UP_LEAVES:
        assert f"up/{leaf}" in DOCUMENT
    for leaf in topics.DOWN_LEAVES:
        assert f"down/{leaf}" in DOCUMENT
    numbered = [f"{number} {language}" for number, language in enumerate(roster.LANGUAGES)]
    assert ", ".join(numbered) in DOCUMENT
