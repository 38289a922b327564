"""The only place in the hub that reads the wall clock; everything else is given one."""

from __future__ import annotations

import time
from collections.abc import Callable

Clock = Callable[[], int]
"""Returns UTC milliseconds since 1970."""


def now_ms() -> int:
    """Returns the machine's UTC time in whole milliseconds since 1970."""
    return time.time_ns() // 1_000_000
