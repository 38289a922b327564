"""How many were on a site through a day, and when people came in the week before, as plain values.

The curve is drawn from the same taps that make presences, so that its last figure is the headcount
of the board. Who leaves without having come in today came before midnight: he counts from the start
of the day, as does who came the day before and is still there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from hub.domain.legal_day import BRUSSELS

DAYS: Final = 7
"""Days of the table of arrivals, the shown one among them."""
HOURS: Final = 24
HOUR_MS: Final = 3_600_000


@dataclass(frozen=True, slots=True)
class Arrivals:
    """When people came on one day.

    Args:
        day: Brussels day, ISO.
        hours: for each hour of the clock, 0 to 23, how many came in it for the first time that
            day. The hour that a 25-hour day has twice counts both times; the one that a 23-hour
            day lacks counts nobody.
    """

    day: str
    hours: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Flow:
    """A site through one day.

    Args:
        start_ms, end_ms: bounds of the Brussels day, UTC milliseconds: 23 to 25 hours.
        until_ms: up to when it is known: now, or the end of a day that is over.
        steps: (UTC milliseconds, people inside from then on), the first at `start_ms`.
        expected: people with a registration for the day that counts.
        arrivals: the newest day last.
    """

    start_ms: int
    end_ms: int
    until_ms: int
    steps: tuple[tuple[int, int], ...]
    expected: int
    arrivals: tuple[Arrivals, ...]
    highest: tuple[int, int] = field(init=False, compare=False)
    """The first moment with most people inside, and how many."""

    def __post_init__(self) -> None:
        highest = max(self.steps, key=lambda step: (step[1], -step[0]))
        object.__setattr__(self, "highest", highest)

    @property
    def empty(self) -> bool:
        """Whether nobody came on any of these days."""
        return not any(any(one.hours) for one in self.arrivals) and self.highest[1] == 0


def steps_of(
    taps: Iterable[tuple[int, int, bool]], start_ms: int, staying: Iterable[int] = ()
) -> tuple[tuple[int, int], ...]:
    """Returns how many were inside from which moment on.

    Args:
        taps: (UTC milliseconds, person, whether it left him inside) of one day, in any order. Of
            two in the same millisecond the one that leaves him inside counts as the newer, as in
            `hub.domain.presence`.
        start_ms: beginning of the day.
        staying: people who came the day before and are still there; who tapped since is known
            better by that.
    """
    ordered = sorted(taps, key=lambda tap: (tap[0], tap[2]))
    inside: dict[int, bool] = {}
    for _, person, stays in ordered:
        inside.setdefault(person, not stays)
    # Who came in first was outside before; who went out first came before midnight.
    count = sum(inside.values()) + len({*staying} - inside.keys())
    steps: dict[int, int] = {start_ms: count}
    for at_ms, person, stays in ordered:
        if inside[person] != stays:
            inside[person] = stays
            count += 1 if stays else -1
            steps[at_ms] = count
    return tuple(steps.items())


def arrivals_of(day: str, came: Iterable[tuple[int, int]]) -> Arrivals:
    """Returns in which hours of the clock in Brussels people came.

    Args:
        day: Brussels day, ISO.
        came: (a moment in an hour of UTC, how many came first in that hour); UTC milliseconds. An
            hour in Brussels is one in UTC, since their difference is whole hours.
    """
    hours = [0] * HOURS
    for moment, people in came:
        hours[datetime.fromtimestamp(moment / 1000, UTC).astimezone(BRUSSELS).hour] += people
    return Arrivals(day, tuple(hours))
