"""Where these tests can run at all, and how long they may take."""

from __future__ import annotations

import faulthandler
import importlib.util
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from _pytest.faulthandler import fault_handler_stderr_fd_key

IMAGE_TEST_S = 3600


class Elsewhere(pytest.Module):
    """A module of tests where there is no emulator: skipped, and said to be."""

    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        """Never returns."""
        pytest.skip("no rp2040py for this platform", allow_module_level=True)


def pytest_pycollect_makemodule(
    module_path: Path, parent: pytest.Collector
) -> pytest.Module | None:
    """rp2040py is built for Linux on x86-64 and aarch64."""
    if importlib.util.find_spec("rp2040py") is not None:
        return None
    return Elsewhere.from_parent(parent, path=module_path)


@pytest.fixture(autouse=True)
def patience(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test with an image gets an hour before all stacks are printed, not three minutes."""
    if request.node.get_closest_marker("emulator") is None:
        yield
        return
    stderr = request.config.stash[fault_handler_stderr_fd_key]  # not the captured one
    faulthandler.cancel_dump_traceback_later()
    faulthandler.dump_traceback_later(IMAGE_TEST_S, exit=True, file=stderr)
    yield
    faulthandler.cancel_dump_traceback_later()
