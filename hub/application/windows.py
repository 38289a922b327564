"""When the authority takes a registration: the legal window of an item, by regime.

Nothing is sent before its window opens or after it has closed, and trying ends with it and not
before: that is how long `retrying` goes on by itself.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

from hub.application.ports import PresenceItem
from hub.domain.causes import Cause
from hub.domain.in_out_regime import WINDOW_MS
from hub.domain.legal_day import day_bounds_ms


class Window(Protocol):
    """The legal window of the items of one regime."""

    lapsed: Cause
    """Why an item has lapsed whose window closed while it waited."""

    def opens_ms(self, item: PresenceItem) -> int:
        """Returns the first moment at which the service takes it, UTC milliseconds."""
        ...

    def closes_ms(self, item: PresenceItem) -> int:
        """Returns the first moment at which the service no longer takes it, UTC milliseconds."""
        ...


class DayWindow:
    """Day regime: today or tomorrow in Brussels, so from the midnight before the day to its end."""

    lapsed = Cause.DAY_OVER

    def opens_ms(self, item: PresenceItem) -> int:
        """See `Window`."""
        return day_bounds_ms(item.day - timedelta(days=1))[0]

    def closes_ms(self, item: PresenceItem) -> int:
        """See `Window`."""
        return day_bounds_ms(item.day)[1]


class ActWindow:
    """In/out regime: from the act until some minutes after it.

    Args:
        window_ms: milliseconds after the act in which the service takes it.
    """

    lapsed = Cause.WINDOW_OVER

    def __init__(self, window_ms: int = WINDOW_MS) -> None:
        self._window_ms = window_ms

    def opens_ms(self, item: PresenceItem) -> int:
        """See `Window`."""
        return item.act_ms or 0

    def closes_ms(self, item: PresenceItem) -> int:
        """See `Window`. The last moment still counts: refused is what comes later than that."""
        return (item.act_ms or 0) + self._window_ms + 1
