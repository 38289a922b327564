"""Whatever items are bad, every other one is answered once, and the calls stay few."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hub.application.isolation import Isolation
from hub.errors import PermanentError


def refusal_of(items: list[int]) -> PermanentError:
    return PermanentError("HUB-1303", items=len(items))


def run(size: int, bad: set[int]) -> tuple[Isolation[int], list[int], int]:
    """Returns the finished isolation, the items answered, and the calls made."""
    items = list(range(size))
    isolation = Isolation(items, refusal_of(items))
    answered: list[int] = []
    calls = 0
    while part := isolation.next():
        calls += 1
        assert set(isolation.left()) | set(part) == (
            set(items) - set(answered) - {item for item, _ in isolation.bad}
        )
        if bad & set(part):
            isolation.refused(refusal_of(part))
        else:
            answered += part
            isolation.answered()
    assert isolation.left() == []
    return isolation, answered, calls


@given(st.data())
def test_all_good_items_pass_once_and_all_bad_ones_are_found(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 60))
    bad = data.draw(st.sets(st.integers(0, size - 1), min_size=1))
    isolation, answered, calls = run(size, bad)
    assert sorted(answered) == sorted(set(range(size)) - bad)
    assert {item for item, _ in isolation.bad} == bad
    assert len(isolation.bad) == len(bad)
    assert calls <= len(bad) * 8
    assert isolation.passed == bool(answered)


def test_one_bad_item_among_200_costs_ten_calls_at_most() -> None:
    costs = [run(200, {bad})[2] for bad in range(200)]
    assert max(costs) == 10


def test_a_bad_item_carries_the_refusal_of_its_own_call() -> None:
    for bad in range(7):
        isolation, _, _ = run(7, {bad})
        assert [(item, error.extra["items"]) for item, error in isolation.bad] == [(bad, 1)]


def test_a_fault_that_went_away_blames_nobody() -> None:
    isolation = Isolation([1, 2, 3], refusal_of([1, 2, 3]))
    sent: list[int] = []
    while part := isolation.next():
        sent += part
        isolation.answered()
    assert sent == [1, 2, 3]
    assert isolation.bad == []


def test_a_lone_item_was_refused_by_its_own_call() -> None:
    isolation = Isolation(["a"], refusal_of([1]))
    assert isolation.next() == []
    assert [item for item, _ in isolation.bad] == ["a"]


def test_what_is_left_in_the_middle_of_a_call_is_without_its_items() -> None:
    isolation = Isolation([1, 2, 3, 4], refusal_of([1, 2, 3, 4]))
    assert isolation.next() == [1, 2]
    assert isolation.left() == [3, 4]
