"""Every text is there in four languages, says the same values, and every code is explained."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub import i18n
from hub.domain.causes import Cause
from hub.i18n import LANGUAGES, PARTS, catalogue, error_text, negotiate, placeholders, text

ROOT = Path(__file__).resolve().parents[2]
KEYS = sorted(catalogue())


def faults(entry: Mapping[str, str]) -> Iterator[str]:
    if set(entry) != set(LANGUAGES):
        yield f"languages {sorted(entry)}"
    for language, template in entry.items():
        if not template.strip() or template != template.strip():
            yield f"{language}: empty, or spaces around it"
        if placeholders(template) != placeholders(entry.get("en", "")):
            yield f"{language}: other values than in English"
        # What looks like a placeholder is one, so that no brace reaches a page.
        if "{" in re.sub(r"\{\w+\}", "", template):
            yield f"{language}: a brace that is no placeholder"


def test_every_text_is_complete_in_all_languages() -> None:
    found = {key: told for key in KEYS if (told := list(faults(catalogue()[key])))}
    assert found == {}


@pytest.mark.parametrize(
    ("entry", "count"),
    [
        ({"fr": "a {x}", "nl": "b {x}", "de": "c {x}", "en": "d {x}"}, 0),
        ({"fr": "a", "nl": "b", "en": "d"}, 1),
        ({"fr": "a", "nl": " b", "de": "", "en": "d"}, 2),
        ({"fr": "a {y}", "nl": "b", "de": "c {x}", "en": "d {x}"}, 2),
        ({"fr": "{", "nl": "b", "de": "c", "en": "d"}, 1),
    ],
)
def test_an_incomplete_text_would_be_found(entry: dict[str, str], count: int) -> None:
    assert len(list(faults(entry))) == count


def test_causes_and_their_texts_are_the_same_list() -> None:
    in_catalogue = {key.removeprefix("cause.") for key in KEYS if key.startswith("cause.")}
    assert in_catalogue == {str(cause) for cause in Cause}


def documented_codes() -> set[str]:
    return {key.split(".")[1] for key in KEYS if re.match(r"errors\.[A-Z]+-\d", key)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_error_says_what_happened_what_was_kept_and_what_to_do(language: str) -> None:
    for code in sorted(documented_codes()):
        values = {"code": code}
        for part in PARTS:
            entry = catalogue().get(f"errors.{code}.{part}", {}).get(language, "")
            values |= dict.fromkeys(placeholders(entry), "7")
        explained = error_text(code, language, **values)
        sentences = (explained.happened, explained.kept, explained.next)
        assert all(sentence.endswith(".") for sentence in sentences), code
        assert len(set(sentences)) == 3, code
        assert str(explained).startswith(f"{code}: ")


def test_every_code_the_hub_uses_is_explained_and_the_other_way_round() -> None:
    used: set[str] = set()
    for file in (ROOT / "hub").rglob("*.py"):
        used |= set(re.findall(r"\"((?:HUB|IMP)-\d{4})\"", file.read_text(encoding="utf-8")))
    assert used - documented_codes() == set()
    import_codes = {code for code in documented_codes() if code.startswith("IMP-")}
    assert import_codes - used == set()


def test_the_committed_page_of_errors_is_current() -> None:
    spec = importlib.util.spec_from_file_location("make_errors", ROOT / "docs" / "make_errors.py")
    assert spec is not None
    assert spec.loader is not None
    make_errors = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make_errors)
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    assert page == make_errors.page(), "run: python docs/make_errors.py > docs/errors.md"
    for code in documented_codes():
        assert page.count(f'<a id="{code.lower()}"></a>') == 1


def test_links_of_the_docs_into_the_page_of_errors_lead_somewhere() -> None:
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    anchors = set(re.findall(r'<a id="([^"]+)">', page))
    for name in ("identifiers.md", "people-file.md"):
        source = (ROOT / "docs" / name).read_text(encoding="utf-8")
        assert set(re.findall(r"errors\.md#([\w-]+)", source)) <= anchors


class TestText:
    def test_values_are_filled_in(self) -> None:
        assert text("import.more", "en", count=3).startswith("… and 3 more")
        assert text("import.more", "fr", count="{count}") == text(
            "import.more", "fr", count="{count}"
        )

    def test_strict_mode_raises_for_each_thing_missing(self) -> None:
        for call in (
            lambda: text("import.nothing", "en"),
            lambda: text("import.row", "es"),
            lambda: text("import.more", "en"),
            lambda: error_text("HUB-9999", "en"),
        ):
            with pytest.raises(i18n.TextError):
                call()

    def test_the_product_falls_back_and_never_raises(self) -> None:
        i18n.strict(False)
        assert text("import.nothing", "nl") == "import.nothing"
        assert text("import.row", "es") == "Row"
        assert text("import.more", "en") == text("import.more", "en", count="{count}")
        unknown = error_text("HUB-9999", "de", anything=1)
        assert unknown.code == "HUB-9999"
        assert "HUB-9999" in unknown.happened
        assert unknown.next

    def test_a_part_left_out_is_taken_from_the_family(self) -> None:
        assert error_text("IMP-2001", "de").kept == catalogue()["errors.IMP.kept"]["de"]
        assert error_text("IMP-3204", "de").kept != catalogue()["errors.IMP.kept"]["de"]

    def test_a_value_may_have_any_name(self) -> None:
        i18n.strict(False)
        assert text("import.row", "en", key=1, language=2, code=3) == "Row"
        assert error_text("HUB-1401", "en", old="due", new="gone", code="x").code == "HUB-1401"


class TestNegotiate:
    @pytest.mark.parametrize(
        ("header", "asked", "language"),
        [
            ("nl-BE,nl;q=0.9,en;q=0.8", None, "nl"),
            ("es-ES,es;q=0.9,de;q=0.5,fr;q=0.4", None, "de"),
            ("fr;q=0.2,de;q=0.8", None, "de"),
            ("FR-be", None, "fr"),
            ("nl;q=0,fr;q=0.1", None, "fr"),
            ("nl , de", None, "nl"),
            ("*", None, "en"),
            ("es", None, "en"),
            ("", None, "en"),
            (None, None, "en"),
            ("nl", "fr", "fr"),
            ("nl", "es", "nl"),
            ("nl", "", "nl"),
        ],
    )
    def test_the_best_language_we_speak(
        self, header: str | None, asked: str | None, language: str
    ) -> None:
        assert negotiate(header, asked) == language

    def test_the_default_is_the_callers(self) -> None:
        assert negotiate("es", default="nl") == "nl"

    @given(st.text(max_size=600), st.none() | st.text(max_size=10))
    def test_any_header_gives_a_language(self, header: str, asked: str | None) -> None:
        assert negotiate(header, asked) in LANGUAGES


class TestFormats:
    MOMENT = int(datetime.fromisoformat("2026-11-23T06:04:09.999+00:00").timestamp() * 1000)

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_times_have_one_shape(self, language: str) -> None:
        assert i18n.time_text(self.MOMENT, language) == "07:04:09"

    @pytest.mark.parametrize(
        ("language", "day", "moment"),
        [
            ("fr", "lundi 23 novembre 2026", "23 novembre 2026 07:04:09"),
            ("nl", "maandag 23 november 2026", "23 november 2026 07:04:09"),
            ("de", "Montag, 23. November 2026", "23. November 2026 07:04:09"),
            ("en", "Monday 23 November 2026", "23 November 2026 07:04:09"),
            ("es", "Monday 23 November 2026", "23 November 2026 07:04:09"),
        ],
    )
    def test_days_in_words(self, language: str, day: str, moment: str) -> None:
        assert i18n.day_text(date(2026, 11, 23), language) == day
        assert i18n.moment_text(self.MOMENT, language) == moment

    def test_both_passes_of_the_repeated_hour_say_which_they_are(self) -> None:
        first = int(datetime.fromisoformat("2026-10-25T00:30:00+00:00").timestamp() * 1000)
        hour = 3_600_000
        read = [i18n.time_text(first + add, "fr") for add in (-hour, 0, hour, 2 * hour)]
        assert read == ["01:30:00", "02:30:00 (UTC+2)", "02:30:00 (UTC+1)", "03:30:00"]
        day_before = i18n.moment_text(first - 24 * hour, "en", seconds=False)
        assert day_before == "24 October 2026 02:30"
        assert i18n.moment_text(first, "en", seconds=False) == "25 October 2026 02:30 (UTC+2)"
