"""The threshold meter as a bar: what has begun, what begins later, and where the threshold lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hub.domain.threshold import Meter

WIDTH: Final = 1000
"""Width of the drawing in its own units."""


@dataclass(frozen=True, slots=True)
class MeterBar:
    """Parts of the bar, from the left, in units of `WIDTH`.

    Args:
        now: the contracts that have begun.
        total: with those that begin later.
        limit: where the threshold lies.
    """

    now: int
    total: int
    limit: int


def meter_bar(meter: Meter) -> MeterBar | None:
    """Returns the bar of a meter; None where there is no threshold to measure against.

    The threshold lies at two thirds until the contracts go well beyond it, so that two bars of a
    list are read alike.
    """
    if meter.limit_cents is None:
        return None
    most = max(meter.limit_cents * 3 / 2, meter.total_cents)
    now, total, limit = (
        round(cents / most * WIDTH)
        for cents in (meter.now_cents, meter.total_cents, meter.limit_cents)
    )
    return MeterBar(now, total, limit)
