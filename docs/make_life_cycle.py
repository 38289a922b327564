"""Prints the table of the life cycle, made from the code, for the page of registrations.

Use: ``PYTHONPATH=. python docs/make_life_cycle.py``; with ``--write`` it is put into
docs/registration.md between its two marks. A test fails when page and code differ.
"""

from __future__ import annotations

import sys
from pathlib import Path

from hub.domain.registration import FINAL, LIVE, NUMBERED, TRANSITIONS, State

PAGE = Path(__file__).parent / "registration.md"
BEGIN, END = "<!-- life cycle: begin -->\n", "<!-- life cycle: end -->\n"


def table() -> str:
    """Returns the table as Markdown: from each state to those that may follow it."""
    states = list(State)
    lines = [
        "| from | to | counts as registered | one for each subject |",
        "| --- | --- | --- | --- |",
    ]
    for old in (None, *states):
        to = [f"`{new}`" for new in states if new in TRANSITIONS[old]]
        name = "(new)" if old is None else f"`{old}`"
        end = "nothing: the end" if old in FINAL else " ".join(to)
        numbered = "yes" if old in NUMBERED else ""
        live = "yes" if old in LIVE else ""
        lines.append(f"| {name} | {end} | {numbered} | {live} |")
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
