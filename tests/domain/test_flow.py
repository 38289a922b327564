"""The curve of a day is right over midnight and when the clock is put forward or back."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from hub.application.flow import Arrivals, Flow, arrivals_of, steps_of
from hub.domain.legal_day import BRUSSELS, day_bounds_ms
from hub.web.flow import HEIGHT, WIDTH, curve_of, heat_of


def at(text: str) -> int:
    """UTC milliseconds of a moment in Brussels."""
    return round(datetime.fromisoformat(text).replace(tzinfo=BRUSSELS).timestamp() * 1000)


def flow(day: str, steps: tuple[tuple[int, int], ...], until: str, expected: int = 0) -> Flow:
    start_ms, end_ms = day_bounds_ms(date.fromisoformat(day))
    return Flow(start_ms, end_ms, at(until), steps, expected, (Arrivals(day, (0,) * 24),))


def test_people_come_go_and_tap_twice() -> None:
    taps = [
        (30, 1, True),
        (10, 1, True),
        (20, 2, True),
        (40, 1, False),
        (40, 2, True),
        (50, 1, False),
    ]
    assert steps_of(taps, 0) == ((0, 0), (10, 1), (20, 2), (40, 1))


def test_who_leaves_first_came_before_midnight() -> None:
    taps = [(100, 1, False), (200, 1, True), (300, 2, True)]
    assert steps_of(taps, 5) == ((5, 1), (100, 0), (200, 1), (300, 2))


def test_who_came_the_day_before_and_has_not_left_counts_from_the_start() -> None:
    start = at("2026-11-23T00:00")
    taps = [(at("2026-11-23T05:00"), 1, False), (at("2026-11-23T07:00"), 3, True)]
    assert [count for _, count in steps_of(taps, start, [1, 2])] == [2, 1, 2]


def test_two_taps_in_one_millisecond_leave_him_inside() -> None:
    assert steps_of([(7, 1, True), (7, 1, False)], 0)[-1] == (7, 1)


def test_nobody_at_all() -> None:
    assert steps_of([], 5) == ((5, 0),)


@pytest.mark.parametrize(
    ("day", "hours", "marks"),
    [
        ("2026-11-23", 24, ["03", "06", "09", "12", "15", "18", "21"]),
        ("2026-10-25", 25, ["03", "06", "09", "12", "15", "18", "21"]),
        ("2027-03-28", 23, ["03", "06", "09", "12", "15", "18", "21"]),
    ],
)
def test_a_day_is_as_long_as_it_is(day: str, hours: int, marks: list[str]) -> None:
    start_ms, end_ms = day_bounds_ms(date.fromisoformat(day))
    noon = at(f"{day}T12:00")
    curve = curve_of(flow(day, ((start_ms, 0), (noon, 4)), f"{day}T18:00"))
    assert end_ms - start_ms == hours * 3_600_000
    assert [hour for _, hour in curve.marks] == marks
    where = {hour: x for x, hour in curve.marks}
    assert f"{where['12']},32.0" in curve.line.split()[-2]
    assert curve.now_x == where["18"]
    at_three = (at(f"{day}T03:00") - start_ms) / (end_ms - start_ms)
    assert curve.marks[0][0] == round(at_three * WIDTH, 1)


def test_the_scale_holds_whoever_is_expected() -> None:
    start_ms, _ = day_bounds_ms(date(2026, 11, 23))
    curve = curve_of(flow("2026-11-23", ((start_ms, 3),), "2026-11-23T06:50", expected=40))
    assert (curve.top, curve.expected_y) == (50, HEIGHT * 10 / 50)
    assert curve_of(flow("2026-11-23", ((start_ms, 3),), "2026-11-23T06:50")).expected_y is None


def test_the_hour_that_a_day_has_twice_counts_both() -> None:
    first, second = at("2026-10-25T02:30"), at("2026-10-25T02:30") + 3_600_000
    arrivals = arrivals_of("2026-10-25", [(first, 1), (second, 2), (at("2026-10-25T07:15"), 1)])
    assert (arrivals.hours[2], arrivals.hours[7], sum(arrivals.hours)) == (3, 1, 4)


def test_the_table_has_the_hours_in_which_somebody_came() -> None:
    early = tuple(int(hour == 4) * 10 + int(hour == 7) * 50 for hour in range(24))
    hours, rows = heat_of((Arrivals("2026-11-22", (0,) * 24), Arrivals("2026-11-23", early)), "fr")
    assert (hours[0], hours[-1]) == (4, 18)
    assert [row.day for row in rows] == ["dim. 22/11", "lun. 23/11"]
    assert rows[1].cells[0] == (10, 1)
    assert rows[1].cells[3] == (50, 5)
    assert set(rows[0].cells) == {(0, 0)}


def test_the_curve_of_a_crowd_has_no_more_points_than_columns() -> None:
    start_ms, _ = day_bounds_ms(date(2026, 11, 23))
    six = at("2026-11-23T06:00")
    steps = ((start_ms, 0), *((six + second * 1_000, second) for second in range(1, 3_001)))
    curve = curve_of(flow("2026-11-23", steps, "2026-11-23T08:00", expected=3_000))
    points = curve.line.split()
    assert len(points) < 100  # fifty minutes of a day, two points a column
    # It ends at the last of them, of a scale up to 5,000.
    assert float(points[-1].split(",")[1]) == HEIGHT * 2_000 / 5_000
