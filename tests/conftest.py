"""For all tests: a text that lacks something is an error, and the longest tests go first."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Generator
from typing import Final

import pytest

# Hundreds of processes are started here. Where nothing may be written beside the sources, each of
# them would compile all of ours anew: two of the three seconds that a command then takes. Under a
# folder of its own all libraries would have to be compiled once more as well, by each worker.
if sys.dont_write_bytecode:
    sys.dont_write_bytecode = False
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

from hub.i18n import strict
from tests import copies, one_loop, readings, rewriting

strict(True)

_LONG: Final = (
    "e2e/test_scenario_day",
    "e2e/test_provisioning",
    "firmware/test_firmware_endurance",
)
_LONG_ROOMS: Final = ("tests/e2e/", "tests/firmware/", "tests/console/", "tests/web/")


def pytest_configure() -> None:
    """New databases are copies from here on, and what is the same in all applications is shared."""
    copies.begin()
    readings.begin()
    one_loop.begin()


def pytest_unconfigure() -> None:
    """Nothing stays behind."""
    one_loop.end()
    copies.end()


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Forgets nothing while collecting: what is loaded and found stays."""
    gc.disable()
    try:
        rewriting.share(session.config)
        return (yield)
    finally:
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begins with what takes longest: else one of the workers has it alone at the end."""
    items.sort(key=_turn)


def pytest_collection_finish() -> None:
    """Does not look through all that was collected, test after test, for what may be forgotten."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def _turn(item: pytest.Item) -> int:
    for turn, part in enumerate((*_LONG, *_LONG_ROOMS)):
        if part in item.nodeid:
            return turn
    return len(_LONG) + len(_LONG_ROOMS)
