"""Prints the page of errors, made from the message catalogue.

Use: ``PYTHONPATH=. python docs/make_errors.py > docs/errors.md``.

A test fails when the committed page differs from what this prints.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from hub.i18n import LANGUAGES, catalogue, error_text, placeholders

GROUPS = {
    "HUB-10": "Starting the hub",
    "HUB-12": "Terminals",
    "HUB-13": "The authority",
    "HUB-14": "Inside the hub",
    "HUB-152": "Tokens and the API",
    "HUB-15": "The plan",
    "HUB-165": "Companies, works and sites",
    "HUB-166": "Companies, works and sites",
    "HUB-169": "Identity cards",
    "IMP-1": "People file: the file",
    "IMP-2": "People file: a cell",
    "IMP-3": "People file: a number",
    "IMP-4": "People file: rows together",
    "IMP-5": "Plan: a row",
}
LABELS = {
    "fr": ("Ce qui s'est passé", "Ce qui est conservé", "Que faire"),
    "nl": ("Wat er gebeurde", "Wat bewaard is", "Wat te doen"),
    "de": ("Was geschah", "Was erhalten bleibt", "Was zu tun ist"),
    "en": ("What happened", "What was kept", "What to do"),
}
ORDER = ("en", *(language for language in LANGUAGES if language != "en"))


def codes() -> list[str]:
    """Returns every documented error code, sorted."""
    found = {key.split(".")[1] for key in catalogue() if key.startswith("errors.")}
    return sorted(code for code in found if "-" in code)


def page() -> str:
    """Returns the page: one anchor for each code, four languages under it."""
    return "\n".join(_lines()) + "\n"


def _names_for_values() -> dict[str, str]:
    """Each placeholder stands for itself on the page."""
    templates = (template for entry in catalogue().values() for template in entry.values())
    return {name: f"{{{name}}}" for template in templates for name in placeholders(template)}


def _lines() -> Iterator[str]:
    yield "# Errors, and what to do"
    yield ""
    yield "<!-- Made by docs/make_errors.py from hub/i18n/catalogue/errors.toml. -->"
    yield ""
    values = _names_for_values()
    yield "Every error of Sitegate has a code. Its text says what happened, what was kept and what"
    yield "to do next. `{...}` stands for a value that the program fills in; no text ever holds a"
    yield "person number, a name or a card UID."
    group = ""
    for code in codes():
        heading = next(
            (title for prefix, title in GROUPS.items() if code.startswith(prefix)), "Other"
        )
        if heading != group:
            group = heading
            yield f"\n## {heading}"
        yield f'\n<a id="{code.lower()}"></a>\n\n### {code}'
        for language in ORDER:
            explained = error_text(code, language, **{**values, "code": code})
            parts = (explained.happened, explained.kept, explained.next)
            yield f"\n**{language.upper()}**\n"
            for label, sentence in zip(LABELS[language], parts, strict=True):
                yield f"* *{label}.* {sentence}"


if __name__ == "__main__":
    sys.stdout.write(page())
