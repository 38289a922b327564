"""The page: four languages, nobody's number, no script, nothing from elsewhere."""

from __future__ import annotations

import re

import pytest

from simulator.authority.pages import LANGUAGES, choose_language, load_texts
from tests.authority.rig import FIRST, LIMOSA_OK, NO_DIMONA, OK, Rig, cancel, item

WARNINGS = {
    "fr": "Autorité simulée. Ce n’est pas un service public.",
    "nl": "Gesimuleerde overheid. Dit is geen overheidsdienst.",
    "de": "Simulierte Behörde. Dies ist kein amtlicher Dienst.",
    "en": "Simulated authority. Not a government service.",
}


def test_every_text_has_four_languages() -> None:
    for key, versions in load_texts().items():
        assert sorted(versions) == sorted(LANGUAGES), key
        assert all(text.strip() for text in versions.values()), key
        names = {tuple(re.findall(r"{\w+}", text)) for text in versions.values()}
        assert len(names) == 1, key


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_warning_and_the_language(spare_rig: Rig, language: str) -> None:
    answer = spare_rig.client.get("/", params={"lang": language})
    assert WARNINGS[language] in answer.text
    assert f'<html lang="{language}">' in answer.text


@pytest.mark.parametrize(("asked", "accepted", "chosen"), [
    ("nl", "fr", "nl"),
    ("NL", "", "nl"),
    ("xx", "fr-BE,fr;q=0.9", "fr"),
    (None, "pl, de-BE;q=0.8, fr;q=0.9", "fr"),
    (None, "pl;q=1, nl;q=0.1", "nl"),
    (None, "nl;q=0, de;q=0.5", "de"),
    (None, "nl;q=much", "en"),
    (None, "pl", "en"),
    (None, "", "en"),
])  # fmt: skip
def test_the_choice_of_a_language(asked: str | None, accepted: str, chosen: str) -> None:
    assert choose_language(asked, accepted) == chosen


def test_what_is_held_is_listed_masked(rig: Rig) -> None:
    rig.validated(item(reference="SITE7-20261123-000117"), item(NO_DIMONA), item(limosa=LIMOSA_OK))
    rig.call(cancel((FIRST, "OTHER")))
    page = rig.client.get("/").text
    for text in (
        str(FIRST),
        "2026-11-23",
        "1Y19FAKE001AZ",
        "0999.000.129",
        ">•••761<",
        ">L1 •••187<",
        "SUCCESSFULLY CANCELLED",
        "FAILED",
        "RELATED DIMONA NOT OK",
        "SITE7-20261123-000117",
    ):
        assert text in page
    for number in (OK, NO_DIMONA, LIMOSA_OK, "90431599864"):
        assert number not in page


def test_client_text_is_escaped(rig: Rig) -> None:
    rig.register(item(reference="<b>&\"'"))
    page = rig.client.get("/").text
    assert "<b>&" not in page
    assert "&lt;b&gt;&amp;" in page


def test_availability_is_shown(rig: Rig) -> None:
    for mode, text in (
        ("up", "available"),
        ("down", "down: answers HTTP 503"),
        ("refuse", "hangs up without an answer, nothing is stored"),
        ("unavailable", "SOA-02002"),
        ("drop-after-commit", "stores, then hangs up without an answer"),
        ("stall", "keeps callers waiting"),
    ):
        rig.order("availability", mode=mode, calls=3)
        page = rig.client.get("/").text
        assert text in page
        assert ("for 3 more call(s)" in page) == (mode != "up")
    rig.order("fault", code="SOA-01002")
    rig.order("latency", ms=250)
    page = rig.client.get("/").text
    assert "next call: fault SOA-01002" in page
    assert "answers delayed by 250 ms" in page


def test_it_refreshes_without_a_script_until_paused(spare_rig: Rig) -> None:
    answer = spare_rig.client.get("/?lang=fr")
    assert answer.headers["refresh"] == "5"
    assert 'href="?lang=fr&amp;refresh=0"' in answer.text
    paused = spare_rig.client.get("/?lang=fr&refresh=0")
    assert "refresh" not in paused.headers
    assert 'href="?lang=fr"' in paused.text


def test_pages_of_fifty(rig: Rig) -> None:
    rig.register(*[item()] * 101)
    first, last = rig.client.get("/").text, rig.client.get("/?page=3").text
    assert first.count('class="number"') == 50
    assert last.count('class="number"') == 1
    assert "1 / 3" in first
    assert 'href="?lang=en&amp;page=2"' in first
    assert f">{FIRST}<" in last
    assert rig.client.get("/?page=0").status_code == 422


def test_nothing_is_loaded_from_elsewhere(rig: Rig) -> None:
    rig.register(item())
    answer = rig.client.get("/")
    policy = answer.headers["content-security-policy"]
    assert policy == "default-src 'none'; style-src 'self'; img-src data:"
    assert "<script" not in answer.text
    assert "<style" not in answer.text
    assert " style=" not in answer.text
    loaded = re.findall(r'<(?:link|img|script)[^>]*(?:href|src)="([^"]*)"', answer.text)
    assert loaded == ["data:,", "/page.css"]
    style = rig.client.get("/page.css")
    assert style.headers["content-type"].startswith("text/css")
    assert "url(" not in style.text
    assert "@import" not in style.text
