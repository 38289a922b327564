"""Waiting for what another thread or process does: by looking, with a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
DEADLINE_S = 15.0
LOOK_S = 0.01


def until(look: Callable[[], T | None], what: str, deadline_s: float = DEADLINE_S) -> T:
    """Looks until it sees something true, and returns it; fails when the deadline is over."""
    end = time.monotonic() + deadline_s
    while not (seen := look()):
        assert time.monotonic() < end, f"waited {deadline_s} s for {what}"
        time.sleep(LOOK_S)
    return seen
