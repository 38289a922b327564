"""The drawing shows exactly what the board reports."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware import texts
from simulator.console.drawing import (
    display_path,
    drawn,
    lamp_colour,
    lamps_word,
    unsent,
)
from simulator.gate import dark_panel

LANGUAGES = texts.LANGUAGES


def lit(path: str) -> set[tuple[int, int]]:
    """The pixels that a path of horizontal strokes covers."""
    covered: set[tuple[int, int]] = set()
    rest = path
    for found in re.finditer(r"M(\d+) (\d+)h(\d+)", path):
        x, y, length = map(int, found.groups())
        covered |= {(x + i, y) for i in range(length)}
        rest = rest.replace(found[0], "", 1)
    assert rest == ""
    return covered


@given(st.lists(st.tuples(st.integers(0, 127), st.integers(0, 63)), max_size=40))
def test_the_path_covers_the_lit_pixels_and_no_other(pixels: list[tuple[int, int]]) -> None:
    ram = bytearray(1024)
    for x, y in pixels:
        ram[y // 8 * 128 + x] |= 1 << y % 8
    assert lit(display_path(ram.hex())) == set(pixels)


def test_a_full_display_is_one_stroke_a_row() -> None:
    assert display_path("ff" * 1024).count("M") == 64
    assert display_path("00" * 1024) == ""


@pytest.mark.parametrize("pixels", ["", "00" * 1023, "zz" * 1024])
def test_what_is_no_display_is_refused(pixels: str) -> None:
    with pytest.raises(ValueError, match=r"expected|non-hexadecimal"):
        display_path(pixels)


def test_a_lamp_that_glows_faintly_can_be_told_from_one_that_is_off() -> None:
    off, faint, bright = (lamp_colour((0, light, 0)) for light in (0, 5, 160))
    assert off < faint < bright
    assert int(faint[3:5], 16) - int(off[3:5], 16) > 30
    assert lamp_colour((255, 255, 255)) == "#ffffff"


@pytest.mark.parametrize(
    ("light", "word"),
    [
        ((0, 0, 0), "off"),
        ((0, 5, 0), "green"),
        ((160, 0, 0), "red"),
        ((160, 70, 0), "amber"),
        ((5, 2, 0), "amber"),
        ((0, 0, 90), "other"),
    ],
)
def test_a_ring_has_the_name_people_give_it(light: tuple[int, int, int], word: str) -> None:
    assert lamps_word([light] * 12) == word
    assert lamps_word([light, *[(0, 0, 0)] * 11]) == word


def idle(language: str, count: int, online: bool = True, clock: str = "07:31") -> list[str]:
    """What the firmware writes on an idle display, as the glass reads it back."""
    line = texts.line
    state = line(texts.READY, language) if online else f"OFFLINE - OK {count}"
    return [
        "WERF 7",
        clock + " " * (15 - len(clock)) + "→",
        state,
        f"{line(texts.UNSENT, language)} {count}",
        line(texts.HUB_OK if online else texts.NO_WIFI, language),
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_unsent_count_is_read_in_each_language(language: str) -> None:
    assert unsent(idle(language, 0)) == 0
    assert unsent(idle(language, 37, online=False)) == 37
    assert unsent(idle(language, 4, clock=texts.line(texts.CLOCK, language))) == 4


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("text", range(texts.COUNT))
def test_an_answer_is_not_taken_for_a_count(language: str, text: int) -> None:
    assert unsent(list(texts.lines(text, language))) is None


def test_equal_panels_give_equal_drawings() -> None:
    dark = drawn(dark_panel())
    assert dark == drawn(dark_panel())
    assert (dark["lamps"], dark["display"]) == ("off", "")
