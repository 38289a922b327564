"""Runs against plain sets of numbers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from protocol import runs
from tests.protocol.pace import UNHURRIED

NUMBERS = st.sets(st.integers(1, 60))


def as_runs(numbers: set[int]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


@UNHURRIED
@given(numbers=NUMBERS, first=st.integers(1, 60), length=st.integers(1, 30))
def test_runs_are_sets_of_numbers(numbers: set[int], first: int, length: int) -> None:
    some = set(range(first, first + length))
    last = first + length - 1
    assert runs.without(as_runs(numbers), first, last) == as_runs(numbers - some)
    assert runs.holes(first, last, as_runs(numbers)) == as_runs(some - numbers)
    assert runs.total(as_runs(numbers)) == len(numbers)
    grown = as_runs(numbers)
    runs.add(grown, first, last)
    assert grown == as_runs(numbers | some)


def test_an_empty_run_has_no_holes() -> None:
    assert runs.holes(5, 4, []) == []
