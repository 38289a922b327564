"""Prints the lists of headings for the page about the people file.

Use: ``PYTHONPATH=. python docs/make_headings.py``; a test fails when the page holds other ones.
"""

from __future__ import annotations

import sys

from hub.application.people_headings import COLUMNS, HEADINGS_BY_LANGUAGE

TITLES = {"fr": "French", "nl": "Dutch", "de": "German", "en": "English"}


def table(language: str) -> str:
    """Returns the table of one language: each column with the headings that mean it."""
    lines = [f"### {TITLES[language]}", "", "| column | headings |", "| --- | --- |"]
    for column in COLUMNS:
        names = ", ".join(HEADINGS_BY_LANGUAGE[column][language])
        lines.append(f"| {column} | {names} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write("\n\n".join(table(language) for language in TITLES) + "\n")
