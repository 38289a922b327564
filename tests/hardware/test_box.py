"""The box: its parameters fit the parts, and it hangs where everybody reaches it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from hardware import box

PARAMETERS = box.parameters()

# Measures of the parts from their makers, in mm: the box must have room for them.
PARTS = {
    "reader_width": 60, "reader_height": 39.5, "ring_outside": 36.8, "display_board_width": 27.5,
    "display_board_height": 27.8, "piezo_diameter": 22, "clock_width": 38, "clock_height": 22,
    "button_hole": 16, "gland_hole": 16, "board_tallest": 18,
}  # fmt: skip


def test_everything_fits() -> None:
    assert box.objections(PARAMETERS) == []


def test_there_is_room_for_each_part() -> None:
    for name, least in PARTS.items():
        assert least <= PARAMETERS[name] <= least + 1, name


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("width", 100, "does not pass the rim"),
        ("depth", 40, "no room for cables"),
        ("coil_window", 4, "too much plastic"),
        ("reader_y", 100, "overlap"),
        ("antenna_y", 120, "too near to the antenna"),
        ("buttons_y", 12, "under the rim"),
        ("glands", 5, "too many glands"),
        ("board_y", 100, "touches the clock"),
        ("pane_height", 60, "the pane is short"),
        ("switch_x", 20, "hits the reader"),
    ],
)
def test_what_does_not_fit_is_found(name: str, value: float, what: str) -> None:
    assert name in PARAMETERS
    assert any(what in found for found in box.objections({**PARAMETERS, name: value}))


def test_every_parameter_is_used_by_the_model() -> None:
    text = box.SOURCE.read_text("utf-8")
    model = text[text.index("$fn") :]
    known = (Path(box.__file__)).read_text("utf-8")
    unused = [
        name
        for name in PARAMETERS
        if not re.search(rf"\b{name}\b", model) and f'"{name}"' not in known
    ]
    assert unused == []


def test_the_reader_hangs_within_reach() -> None:
    assert box.READER_HEIGHT_MM == (900, 1300)


@pytest.mark.skipif(shutil.which("openscad") is None, reason="no OpenSCAD on this machine")
@pytest.mark.parametrize("show", ["base", "lid", "hood", "all"])
def test_the_model_is_one_openscad_takes(tmp_path: Path, show: str) -> None:
    out = tmp_path / "box.csg"
    done = subprocess.run(
        ["openscad", "-D", f'show="{show}"', "-o", str(out), str(box.SOURCE)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    assert out.stat().st_size > 500
