"""Which way in belongs to which way out, at the limits; and rounding, which changes no time."""

from __future__ import annotations

from datetime import date

import pytest

from hub.domain.day_regime import NIGHT_SHIFT_MAX_MS
from hub.domain.hours import (
    Favour,
    Rounding,
    Span,
    breaks_ms,
    rounded_ms,
    spans_of,
    worked_ms,
)
from hub.domain.in_out_regime import REPEAT_MS
from tests.hub.day_world import at

LATER = at("2026-12-31 12:00")
HOUR = 3_600_000
IN, OUT = False, True


def taps(*said: tuple[str, bool]) -> list[tuple[int, bool]]:
    """Taps at Brussels times."""
    return [(at(moment), out) for moment, out in said]


def test_pairs_with_a_break_between() -> None:
    found = spans_of(
        taps(
            ("2026-11-23 07:00", IN), ("2026-11-23 12:00", OUT),
            ("2026-11-23 12:30", IN), ("2026-11-23 16:00", OUT),
        ),
        LATER,
    )  # fmt: skip
    assert [one.whole for one in found] == [True, True]
    assert (worked_ms(found), breaks_ms(found)) == (int(8.5 * HOUR), HOUR // 2)


def test_a_missing_way_out_is_missing_and_counts_nothing() -> None:
    came, again, left = at("2026-11-23 07:00"), at("2026-11-23 13:00"), at("2026-11-23 16:00")
    found = spans_of([(came, IN), (again, IN), (left, OUT)], LATER)
    assert found == [Span(came, None), Span(again, left)]
    # How long he was away in between is not known either.
    assert (worked_ms(found), breaks_ms(found)) == (3 * HOUR, 0)
    assert spans_of([(came, IN)], LATER) == [Span(came, None)]


def test_a_way_out_without_a_way_in_stays_alone() -> None:
    left = at("2026-11-23 16:00")
    assert spans_of([(left, OUT)], LATER) == [Span(None, left)]
    assert spans_of([(left, OUT)], LATER)[0].day == date(2026, 11, 23)


@pytest.mark.parametrize(("beyond", "whole"), [(0, True), (1, False)])
def test_a_night_shift_has_a_limit(beyond: int, whole: bool) -> None:
    came = at("2026-11-23 20:00")
    left = came + NIGHT_SHIFT_MAX_MS + beyond
    found = spans_of([(came, IN), (left, OUT)], LATER)
    assert found == ([Span(came, left)] if whole else [Span(came, None), Span(None, left)])
    assert found[0].day == date(2026, 11, 23)


def test_a_long_day_is_one_span_as_long_as_it_is_one_day() -> None:
    came, left = at("2026-11-23 05:00"), at("2026-11-23 23:00")
    assert spans_of([(came, IN), (left, OUT)], LATER) == [Span(came, left)]


@pytest.mark.parametrize(("apart", "spans"), [(REPEAT_MS, 1), (REPEAT_MS + 1, 2)])
def test_two_taps_within_two_minutes_are_one_act(apart: int, spans: int) -> None:
    came = at("2026-11-23 07:00")
    found = spans_of([(came, IN), (came + apart, IN), (came + HOUR, OUT)], LATER)
    assert len(found) == spans
    assert found[0].in_ms == came
    # Out at the gate and at once in again is a break of that length, not a repetition.
    quick = spans_of([(came, IN), (came + 1000, OUT), (came + 2000, IN)], came + 3000)
    assert quick == [Span(came, came + 1000), Span(came + 2000, None, here=True)]


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-29", 7), ("2026-10-25", 9), ("2026-10-26", 8)]
)
def test_what_went_by_is_counted_when_clocks_change(day: str, hours: int) -> None:
    found = spans_of(taps((f"{day} 00:00", IN), (f"{day} 08:00", OUT)), LATER)
    assert worked_ms(found) == hours * HOUR


def test_who_is_here_misses_nothing_yet() -> None:
    came = at("2026-11-23 20:00")
    assert spans_of([(came, IN)], came + NIGHT_SHIFT_MAX_MS) == [Span(came, None, here=True)]
    assert spans_of([(came, IN)], came + NIGHT_SHIFT_MAX_MS + 1) == [Span(came, None)]


@pytest.mark.parametrize(
    ("favour", "minutes", "expected"),
    [
        # 07:07:30 to 16:07:29
        (Favour.WORKER, 15, "9:15"), (Favour.EMPLOYER, 15, "8:45"), (Favour.NEAREST, 15, "8:45"),
        (Favour.WORKER, 5, "9:05"), (Favour.EMPLOYER, 5, "8:55"), (Favour.NEAREST, 5, "8:55"),
    ],
)  # fmt: skip
def test_rounding_in_whose_favour(favour: Favour, minutes: int, expected: str) -> None:
    span = Span(at("2026-11-23 07:07") + 30_000, at("2026-11-23 16:07") + 29_000)
    found = rounded_ms([span], Rounding(minutes, favour))
    assert found is not None
    hours, rest = expected.split(":")
    assert found == int(hours) * HOUR + int(rest) * 60_000
    assert worked_ms([span]) == 9 * HOUR - 1000


def test_what_is_on_the_quarter_stays_there() -> None:
    span = Span(at("2026-11-23 07:00"), at("2026-11-23 16:00"))
    for favour in Favour:
        assert rounded_ms([span], Rounding(15, favour)) == 9 * HOUR


def test_rounded_ends_that_meet_are_counted_once() -> None:
    spans = [
        Span(at("2026-11-23 07:00"), at("2026-11-23 12:02")),
        Span(at("2026-11-23 12:10"), at("2026-11-23 16:00")),
    ]
    assert rounded_ms(spans, Rounding(15, Favour.WORKER)) == 9 * HOUR
    short = Span(at("2026-11-23 07:01"), at("2026-11-23 07:02"))
    assert rounded_ms([short], Rounding(15, Favour.EMPLOYER)) == 0
    assert rounded_ms(spans, Rounding()) is None
