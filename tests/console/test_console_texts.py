"""Every text exists in four languages, is used, and says the same in each."""

from __future__ import annotations

import re
from string import Formatter

import pytest

from simulator.console.availability import MODES
from simulator.console.texts import LANGUAGES, catalogue, choose_language, text
from tests.repository.tree import ROOT

CONSOLE = ROOT / "simulator/console"


def placeholders(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


@pytest.mark.parametrize("key", catalogue())
def test_a_text_is_complete(key: str) -> None:
    entry = catalogue()[key]
    assert set(entry) == set(LANGUAGES)
    assert all(template.strip() for template in entry.values())
    wanted = placeholders(entry["en"])
    assert {language: placeholders(entry[language]) for language in entry} == dict.fromkeys(
        entry, wanted
    )


def test_no_text_is_superfluous() -> None:
    sources = [*CONSOLE.glob("*.py"), *CONSOLE.glob("templates/*"), ROOT / "simulator/demo.py"]
    code = "\n".join(path.read_text("utf-8") for path in sources)
    whole = set(re.findall(r"""['"]([a-z][\w-]*)['"]""", code))
    beginnings = tuple(re.findall(r"""['"]([a-z_]+_)(?:['"]|\{)""", code))
    unused = [key for key in catalogue() if key not in whole and not key.startswith(beginnings)]
    assert beginnings
    assert unused == []


def test_each_mode_of_the_authority_is_explained() -> None:
    for mode in MODES:
        for key in (f"mode_{mode}", f"mode_{mode}_more", f"mode_{mode}_set"):
            assert key in catalogue()


def test_the_message_of_the_terminal_holds_every_address() -> None:
    values = {
        "page": "http://127.0.0.1:1/",
        "dashboard": "http://127.0.0.1:2/",
        "logins": "            supervisor http://127.0.0.1:2/link/x",
        "authority": "http://127.0.0.1:3/",
        "firmware": "micropython",
        "seconds": "9.5",
    }
    for language in LANGUAGES:
        message = text("ready", language, **values)
        assert all(value in message for value in values.values())
        assert max(len(line) for line in message.splitlines()) <= 90
        assert re.search(r"(Ctrl|Strg)-C", message)


def test_a_value_that_is_missing_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        text("power_off", "en")


@pytest.mark.parametrize(
    ("asked", "accepted", "language"),
    [
        ("de", "fr", "de"),
        ("xx", "nl-BE,fr;q=0.9", "nl"),
        (None, "pl,fr;q=0.4,de;q=0.6", "de"),
        (None, "fr,nl", "fr"),
        (None, "nl;q=0,*", "en"),
        (None, "de;q=high", "en"),
        (None, "", "en"),
    ],
)
def test_the_language_of_a_page(asked: str | None, accepted: str, language: str) -> None:
    assert choose_language(asked, accepted) == language
