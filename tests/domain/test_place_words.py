"""A place is called what its gate or kiosk is called, and a phone what it is in each language."""

from __future__ import annotations

import pytest

from hub.application.acts import PHONE_PLACE
from hub.application.place_words import place_text
from hub.application.roll_call import Entry, Group, Row
from hub.i18n import LANGUAGES
from hub.reports.roll_call import where_of
from hub.web.words import Words


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_gate_keeps_its_name(language: str) -> None:
    assert place_text("Poort 1", language) == "Poort 1"
    assert Words(language).place("Poort 1") == "Poort 1"


def test_a_phone_is_a_phone_in_each_language() -> None:
    told = {language: place_text(PHONE_PLACE, language) for language in LANGUAGES}
    assert told == {"fr": "téléphone", "nl": "telefoon", "de": "Telefon", "en": "phone"}
    assert Words("nl").place(PHONE_PLACE) == "telefoon"


def test_a_roll_call_says_so_on_paper() -> None:
    entry = Entry(1, "t", "Milan", "Aarts", "", False, Group.HERE, PHONE_PLACE, 1_795_431_600_000)
    assert where_of(Row(entry), "fr") == "téléphone, 12:00"
    assert where_of(Row(entry, out=True), "nl") == "intussen buiten: telefoon, 12:00"
