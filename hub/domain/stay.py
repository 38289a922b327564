"""When somebody was on the site on a Brussels day: from when, until when, and whether he still is.

Theory of operation. A presence holds the taps of one day. A shift over midnight is two of them: the
first ends inside, the second begins with the way out. Each day then shows the whole shift: the
first one the way out of the next day, the second one the way in of the day before. Longer than
`NIGHT_SHIFT_MAX_MS` is no shift: a way out was forgotten, and no way out is shown for it.

A day of 23 or 25 hours needs no care here: everything is UTC milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from hub.domain.day_regime import NIGHT_SHIFT_MAX_MS
from hub.domain.legal_day import brussels_day


@dataclass(frozen=True, slots=True)
class DayTaps:
    """The taps of one person at one site on one day.

    Args:
        first_in_ms: the first that came in, UTC milliseconds; None for none.
        first_out_ms: the first that went out; None for none, or not known.
        last_ms: the newest.
        inside: whether that one left him on the site.
    """

    first_in_ms: int | None
    first_out_ms: int | None
    last_ms: int
    inside: bool

    @property
    def out_first_ms(self) -> int | None:
        """The way out with which the day begins; None when it begins with a way in."""
        first = self.first_out_ms
        if self.first_in_ms is None:
            return self.last_ms if first is None else first
        return first if first is not None and first < self.first_in_ms else None


@dataclass(frozen=True, slots=True)
class Stay:
    """How long somebody was on the site on one day.

    Args:
        in_ms: first way in, UTC milliseconds, perhaps of the day before; None: only ways out.
        out_ms: last way out, perhaps of the next day; None: he is still here, or none was seen.
        here: he is on the site at the moment of asking.
    """

    in_ms: int | None
    out_ms: int | None
    here: bool


def stay_of(
    day: date, now_ms: int, before: DayTaps | None, on_day: DayTaps | None, after: DayTaps | None
) -> Stay | None:
    """Returns the stay of a day; None when he was not there.

    Args:
        day: Brussels day, not in the future.
        now_ms: moment of asking, UTC milliseconds.
        before, on_day, after: his taps of the day before, of this day and of the next day.
    """
    today = brussels_day(now_ms)
    since = before.last_ms if before is not None and before.inside else None
    if on_day is None:
        goes_on = day == today and since is not None and now_ms - since <= NIGHT_SHIFT_MAX_MS
        return Stay(since, None, here=True) if goes_on else None
    in_ms = on_day.first_in_ms
    out_first = on_day.out_first_ms
    if since is not None and out_first is not None and out_first - since <= NIGHT_SHIFT_MAX_MS:
        in_ms = since
    if not on_day.inside:
        return Stay(in_ms, on_day.last_ms, here=False)
    out_ms = after.out_first_ms if after is not None else None
    if out_ms is not None and out_ms - on_day.last_ms > NIGHT_SHIFT_MAX_MS:
        out_ms = None
    awake = day == today - timedelta(days=1) and now_ms - on_day.last_ms <= NIGHT_SHIFT_MAX_MS
    return Stay(in_ms, out_ms, here=after is None and (day == today or awake))


def began_before(stay: Stay, day: date) -> bool:
    """Returns whether this is the second day of a shift, which was registered on its first."""
    return stay.in_ms is not None and brussels_day(stay.in_ms) < day
