"""Hours of one person at one site: which way in belongs to which way out, and rounding.

Theory of operation. A span begins with a way in and ends with the next way out, when both are of
one Brussels day or lie within `NIGHT_SHIFT_MAX_MS` of each other, the rule of `hub.domain.stay`. It
belongs to the day on which it began. What has no other side stays without one: a way out that is
missing is shown as missing and is never made from when somebody was last seen. Two taps the same
way within `REPEAT_MS` are one act, the first of them, as the in/out regime has it.

A day of 23 or 25 hours needs no care: everything is UTC milliseconds, and what was worked is what
went by. Rounding makes another value and changes no time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import pairwise
from typing import Final

from hub.domain.day_regime import NIGHT_SHIFT_MAX_MS
from hub.domain.in_out_regime import REPEAT_MS
from hub.domain.legal_day import brussels_day

MINUTE_MS: Final = 60_000


class Favour(StrEnum):
    """In whose favour times are rounded."""

    WORKER = "worker"
    EMPLOYER = "employer"
    NEAREST = "nearest"


@dataclass(frozen=True, slots=True)
class Rounding:
    """How hours are rounded.

    Args:
        minutes: of a step, a divisor of 60; 0: not at all.
    """

    minutes: int = 0
    favour: Favour = Favour.NEAREST


@dataclass(frozen=True, slots=True)
class Span:
    """One stay from a way in to a way out.

    Args:
        in_ms: UTC milliseconds; None: there is no way in.
        out_ms: UTC milliseconds; None: none was seen.
        here: he is on the site at the moment of asking.
    """

    in_ms: int | None
    out_ms: int | None
    here: bool = False

    @property
    def whole(self) -> bool:
        """Both of its ends are known."""
        return self.in_ms is not None and self.out_ms is not None

    @property
    def worked_ms(self) -> int:
        """How long it was; 0 when that is not known."""
        if self.in_ms is None or self.out_ms is None:
            return 0
        return self.out_ms - self.in_ms

    @property
    def day(self) -> date:
        """The Brussels day that it belongs to."""
        return brussels_day(self.in_ms if self.in_ms is not None else self.out_ms or 0)


def spans_of(taps: Iterable[tuple[int, bool]], now_ms: int) -> list[Span]:
    """Returns the spans of one person at one site, oldest first.

    Args:
        taps: (UTC milliseconds, whether it went out), oldest first; at the same moment a way out
            comes before a way in.
        now_ms: moment of asking, UTC milliseconds.
    """
    found: list[Span] = []
    since: int | None = None
    last: tuple[int, bool] | None = None
    for at_ms, out in taps:
        repeated = last is not None and last[1] == out and at_ms - last[0] <= REPEAT_MS
        last = (at_ms, out)
        if repeated:
            continue
        if not out:
            if since is not None:
                found.append(Span(since, None))
            since = at_ms
        elif since is not None and _belongs(since, at_ms):
            found.append(Span(since, at_ms))
            since = None
        else:
            if since is not None:
                found.append(Span(since, None))
                since = None
            found.append(Span(None, at_ms))
    if since is not None:
        found.append(Span(since, None, here=since <= now_ms and _belongs(since, now_ms)))
    return found


def _belongs(in_ms: int, out_ms: int) -> bool:
    return out_ms - in_ms <= NIGHT_SHIFT_MAX_MS or brussels_day(in_ms) == brussels_day(out_ms)


def worked_ms(spans: Iterable[Span]) -> int:
    """Returns how long the spans were of which both ends are known, milliseconds."""
    return sum(one.worked_ms for one in spans)


def breaks_ms(spans: Sequence[Span]) -> int:
    """Returns how long he was away between two spans, where both ends of the break are known."""
    total = 0
    for before, after in pairwise(spans):
        if before.out_ms is not None and after.in_ms is not None:
            total += after.in_ms - before.out_ms
    return total


def rounded_ms(spans: Iterable[Span], rounding: Rounding) -> int | None:
    """Returns how long the whole spans are with their ends rounded, milliseconds; None: not asked.

    Ends that come to overlap by it are counted once, and no span becomes less than nothing.
    """
    if not rounding.minutes:
        return None
    step = rounding.minutes * MINUTE_MS
    total, until = 0, 0
    for one in spans:
        if one.in_ms is None or one.out_ms is None:
            continue
        begin = max(_rounded(one.in_ms, step, rounding.favour, up=False), until)
        end = _rounded(one.out_ms, step, rounding.favour, up=True)
        total += max(0, end - begin)
        until = max(until, end)
    return total


def _rounded(at_ms: int, step: int, favour: Favour, up: bool) -> int:
    """One end; `up`: the direction in which it helps the worker. Brussels is always a whole number
    of hours from UTC, so a step of the clock is one of UTC."""
    match favour:
        case Favour.NEAREST:
            return (at_ms + step // 2) // step * step
        case Favour.WORKER:
            return -(-at_ms // step) * step if up else at_ms // step * step
        case Favour.EMPLOYER:
            return at_ms // step * step if up else -(-at_ms // step) * step
