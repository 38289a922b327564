"""No command says a person number, a card or a name to who did not ask for people."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.leaks import Haystack, Needle, Search, told
from tests.hub.command_line import Sitegate
from tests.hub.house import HEADER

WRONG = f"""{HEADER}
Werf Noord;1Y19FAKE001AZ;0999000129;B;Foutenmakerius;An;85031299762;;04DEADBEEF77C1;nl;
Werf Noord;1Y19FAKE001AZ;;;Foutenmakerius;Bo;;24999000000000188;04DEADBEEF77C2;nl;
Werf Noord;1Y19FAKE001AZ;0999000129;B;Foutenmakerius;Cy;8.5031299761E10;;;nl;
"""
PLAN = """day;works_number;inss;limosa
2026-11-24;1Y19FAKE001AZ;85031299762;
2026-11-24;1Y19FAKE001AZ;;24999000000000188
2026-11-24;1Y19FAKE001AZ;03072199766;
"""
NUMBERS = ("85031299761", "03072199766", "24999000000000187", "85031299762", "24999000000000188")
CARDS = ("04A1B2C3D4E501", "04A1B2C3D4E507", "04A1B2C3D4E50B", "04DEADBEEF77C1", "04DEADBEEF77C2")
NAMES = ("Foutenmakerius", "Gillard", "Kowalik")
NOBODY = Search(
    [
        *(Needle("number", f"number {one}", value) for one, value in enumerate(NUMBERS)),
        *(Needle("card", f"card {one}", value) for one, value in enumerate(CARDS)),
        *(Needle("name", f"name {one}", value) for one, value in enumerate(NAMES)),
    ]
)


@pytest.mark.parametrize(
    "arguments",
    [
        ("import", "wrong.csv"),
        ("import", "wrong.csv", "--json"),
        ("import", "people.csv", "--dry-run", "--json"),
        ("plan", "import", "plan.csv", "--json"),
        ("plan", "import", "people.csv"),
        ("import", "85031299761.csv", "--json"),
        ("audit", "list", "--json"),
        ("audit", "check", "--json"),
        ("retention", "show", "--json"),
        ("retention", "run"),
        ("keys", "check", "--json"),
        ("keys", "rotate"),
        ("terminal", "list", "--json"),
        ("token", "list", "--json"),
        ("works", "list", "--json"),
        ("evidence", "check"),
        ("reconcile", "--json"),
        ("rebuild", "--json"),
        ("balance", "--json"),
        ("settings", "--json"),
    ],
    ids=lambda words: " ".join(words) if "8503" not in str(words) else "a file named by a number",
)
def test_a_command_names_nobody(people: Sitegate, arguments: tuple[str, ...]) -> None:
    Path("wrong.csv").write_text(WRONG)
    Path("plan.csv").write_text(PLAN)
    said = people(*arguments)
    # A path is what was typed, and is told again as it was.
    words = (said.out + said.err).replace(arguments[1], "") if len(arguments) > 1 else said.out
    hits = NOBODY.found(Haystack(" ".join(arguments[:1]), words.encode()))
    assert not hits, told(hits)
