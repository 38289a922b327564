"""What the page and the demo's terminal say, in French, Dutch, German and English."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Final, cast

LANGUAGES: Final = {"fr": "Français", "nl": "Nederlands", "de": "Deutsch", "en": "English"}
FALLBACK: Final = "en"

_FILE = Path(__file__).parent / "texts.toml"


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """Returns every text: key, then language."""
    return cast("dict[str, dict[str, str]]", tomllib.loads(_FILE.read_text(encoding="utf-8")))


def text(key: str, language: str, /, **values: object) -> str:
    """Returns the text in that language with its values filled in.

    Args:
        key: table of texts.toml.
        language: one of `LANGUAGES`.
        **values: what the placeholders stand for.

    Raises:
        KeyError: no such key, language or value: a mistake in the program.
    """
    return catalogue()[key][language].format_map(values)


def choose_language(asked: str | None, accepted: str) -> str:
    """Returns the language asked for, else the most wanted one we have, else English.

    Args:
        asked: value of `lang` in an address or a form, if any.
        accepted: the Accept-Language header (RFC 9110, 12.5.4), empty if absent.
    """
    if asked in LANGUAGES:
        return asked
    wanted: list[tuple[float, str]] = []
    for part in accepted.split(","):
        tag, _, parameter = part.partition(";")
        name, _, weight = parameter.strip().partition("=")
        try:
            quality = float(weight) if name.strip() == "q" else 1.0
        except ValueError:
            continue
        language = tag.strip().lower().partition("-")[0]
        if language in LANGUAGES and quality > 0:
            wanted.append((quality, language))
    # `max` keeps the first of equals, which is the one the browser prefers.
    return max(wanted, key=lambda pair: pair[0])[1] if wanted else FALLBACK
