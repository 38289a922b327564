"""The curve of the day and the table of arrivals, as coordinates and words for the board."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from hub.application.flow import Arrivals, Flow
from hub.domain.legal_day import BRUSSELS
from hub.i18n import weekday_text

WIDTH: Final = 720
HEIGHT: Final = 160
HOUR_MS: Final = 3_600_000
_EVERY_H: Final = 3
"""Hours between two marks of the time."""
_SHADES: Final = 5
_FIRST_HOUR, _LAST_HOUR = 6, 18
"""Hours that the table has in any case; more when somebody came outside of them."""


@dataclass(frozen=True, slots=True)
class Curve:
    """The picture of a day, in units of its view box, `WIDTH` by `HEIGHT`.

    Args:
        line: points of the curve, `x,y x,y`.
        area: the same closed along the bottom.
        marks: (x, hour of the clock) of the time.
        top: how many people the upper edge stands for.
        expected_y: height of the line of those expected; None when nobody is.
        now_x: where the curve ends.
    """

    line: str
    area: str
    marks: tuple[tuple[float, str], ...]
    top: int
    expected_y: float | None
    now_x: float


def curve_of(flow: Flow) -> Curve:
    """Returns the picture of a day; a 25-hour day has 25 hours."""
    top = _rounded(max(flow.highest[1], flow.expected, 1))
    span = flow.end_ms - flow.start_ms

    def x(at_ms: int) -> float:
        return round((at_ms - flow.start_ms) * WIDTH / span, 1)

    def y(people: int) -> float:
        return round(HEIGHT - people * HEIGHT / top, 1)

    points: list[tuple[float, float]] = []
    for at_ms, people in _drawn(flow, span // WIDTH):
        if points:
            points.append((x(at_ms), points[-1][1]))
        points.append((x(at_ms), y(people)))
    points.append((x(flow.until_ms), points[-1][1]))
    line = " ".join(f"{across},{down}" for across, down in points)
    return Curve(
        line=line,
        area=f"0,{HEIGHT} {line} {points[-1][0]},{HEIGHT}",
        marks=tuple(
            (x(at_ms), clock)
            for at_ms in range(flow.start_ms + HOUR_MS, flow.end_ms, HOUR_MS)
            if int(clock := _hour(at_ms)) % _EVERY_H == 0 and clock != _hour(at_ms - HOUR_MS)
        ),
        top=top,
        expected_y=y(flow.expected) if flow.expected else None,
        now_x=points[-1][0],
    )


def _drawn(flow: Flow, column_ms: int) -> Iterable[tuple[int, int]]:
    """Returns the steps to draw: of a crowd the last one in each column of the picture."""
    if len(flow.steps) <= WIDTH:
        return flow.steps
    return {(step[0] - flow.start_ms) // column_ms: step for step in flow.steps}.values()


@dataclass(frozen=True, slots=True)
class Row:
    """One day of the table of arrivals.

    Args:
        cells: (people who came, shade 0 to 5) for each hour of the table.
    """

    day: str
    cells: tuple[tuple[int, int], ...]


def heat_of(arrivals: tuple[Arrivals, ...], language: str) -> tuple[list[int], list[Row]]:
    """Returns the hours of the table and its rows, the newest day last."""
    busy = [hour for one in arrivals for hour, people in enumerate(one.hours) if people]
    first, last = min([_FIRST_HOUR, *busy]), max([_LAST_HOUR, *busy])
    most = max((people for one in arrivals for people in one.hours), default=0)
    rows = [
        Row(
            weekday_text(date.fromisoformat(one.day), language),
            tuple(
                (people, -(-people * _SHADES // most) if people else 0)
                for people in one.hours[first : last + 1]
            ),
        )
        for one in arrivals
    ]
    return list(range(first, last + 1)), rows


def _hour(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(BRUSSELS):%H}"


def _rounded(people: int) -> int:
    """The next figure that reads well: 1, 2, 5, 10, 20, 50 and so on."""
    step = 1
    while True:
        for one in (step, 2 * step, 5 * step):
            if people <= one:
                return one
        step *= 10
