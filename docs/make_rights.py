"""Prints the table of rights, made from the code, for the page of access.

Use: ``PYTHONPATH=. python docs/make_rights.py``; with ``--write`` it is put into docs/access.md
between its two marks. A test fails when page and code differ.
"""

from __future__ import annotations

import sys
from pathlib import Path

from hub.domain.rights import Action, Reach, Role, reach

PAGE = Path(__file__).parent / "access.md"
BEGIN, END = "<!-- rights: begin -->\n", "<!-- rights: end -->\n"
WORDS = {
    Reach.NOTHING: "",
    Reach.SELF: "himself",
    Reach.COMPANY: "own company",
    Reach.CHAIN: "own company and below",
    Reach.SITE: "own sites",
    Reach.ALL: "all",
}


def table() -> str:
    """Returns the table as Markdown: how far each right of each role goes."""
    lines = [
        "| right | " + " | ".join(Role) + " |",
        "| --- |" + " --- |" * len(Role),
    ]
    for action in Action:
        cells = [WORDS[reach(role, action)] for role in Role]
        lines.append(f"| `{action}` | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def page_with(text: str) -> str:
    """Returns the page with the table of today in it."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}{table()}{END}{after}"


if __name__ == "__main__":
    if "--write" in sys.argv[1:]:
        PAGE.write_text(page_with(PAGE.read_text("utf-8")), "utf-8")
    else:
        sys.stdout.write(table())
