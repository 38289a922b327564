"""Who may import what from outside our own rooms; between rooms import-linter decides."""

from __future__ import annotations

from collections.abc import Callable, Set

import pytest

from tests.repository.tree import ROOMS, ROOT, imported, modules, name_of, used_names

PROTOCOL_MAY = {"protocol", "struct", "binascii", "hashlib", "json", ""}
BOARD_ONLY = {"machine", "network", "neopixel", "rp2"}
NOT_ON_THE_BOARD = {
    "__future__",
    "collections.abc",
    "contextlib",
    "dataclasses",
    "datetime",
    "enum",
    "functools",
    "hmac",
    "itertools",
    "logging",
    "pathlib",
    "secrets",
    "typing",
}
WALL_CLOCKS = {
    "datetime.date.today",
    "datetime.datetime.now",
    "datetime.datetime.today",
    "datetime.datetime.utcnow",
    "time.time",
    "time.time_ns",
}
# The clock chip of the simulated board knows the true time; the firmware asks only the chip.
CLOCK_MODULES = {"hub/clock.py", "simulator/authority/clock.py", "simulator/board/host_python.py"}


def roots(names: Set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def found(rooms: tuple[str, ...], wrong: Callable[[str], Set[str]]) -> dict[str, Set[str]]:
    """Returns, for each module of the rooms that has any, what is wrong in its source."""
    problems = {name_of(path): wrong(path.read_text("utf-8")) for path in modules(*rooms)}
    return {name: names for name, names in problems.items() if names}


def test_protocol_needs_four_modules_of_the_standard_library() -> None:
    assert found(("protocol",), lambda source: roots(imported(source)) - PROTOCOL_MAY) == {}


def test_code_for_the_board_imports_nothing_the_board_lacks() -> None:
    rooms = ("protocol", "firmware")
    assert found(rooms, lambda source: imported(source) & NOT_ON_THE_BOARD) == {}


def test_only_drivers_touch_the_board() -> None:
    touching = found(ROOMS, lambda source: roots(imported(source)) & BOARD_ONLY)
    drivers = ("firmware/drivers/", "simulator/board/")
    assert [name for name in touching if not name.startswith(drivers)] == []


def test_only_named_modules_read_the_wall_clock() -> None:
    reading = found(ROOMS, lambda source: used_names(source) & WALL_CLOCKS)
    assert {name: clocks for name, clocks in reading.items() if name not in CLOCK_MODULES} == {}


def test_every_named_clock_module_is_needed() -> None:
    unneeded = [
        name
        for name in sorted(CLOCK_MODULES)
        if not used_names((ROOT / name).read_text("utf-8")) & WALL_CLOCKS
    ]
    assert unneeded == []


@pytest.mark.parametrize(
    "source",
    [
        "import time\nx = time.time()",
        "import time as t\nx = t.time_ns()",
        "from time import time\nx = time()",
        "import datetime\nx = datetime.datetime.now(datetime.UTC)",
        "from datetime import datetime as dt\nx = dt.now()",
        "from datetime import date\ndef f(today=date.today): ...",
    ],
)
def test_a_clock_is_found_however_it_is_spelled(source: str) -> None:
    assert used_names(source) & WALL_CLOCKS


def test_an_import_is_found_inside_a_function() -> None:
    assert imported("def f():\n    import machine, os.path") == {"machine", "os.path"}
