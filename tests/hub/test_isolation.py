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
        known = {item for item, _ in isolation.bad} | set(isolation.suspected)
        assert set(isolation.left()) | set(part) == set(items) - set(answered) - known
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
    found = [item for item, _ in isolation.bad] + isolation.suspected
    assert sorted(found) == sorted(bad)
    assert calls <= len(bad) * 8
    assert isolation.passed == bool(answered)


def calls_until_found(size: int, bad: int) -> int:
    """Calls after the refused one until one item is left and the service is known to work."""
    isolation = Isolation(list(range(size)), refusal_of(list(range(size))))
    calls = 0
    while not isolation.done and (part := isolation.next()):
        calls += 1
        if bad in part:
            isolation.refused(refusal_of(part))
        else:
            isolation.answered()
    assert [item for item, _ in isolation.bad] + isolation.suspected == [bad]
    return calls


def test_one_bad_item_among_200_is_found_with_eight_calls_at_most() -> None:
    assert max(calls_until_found(200, bad) for bad in range(200)) == 8  # log2(200) is 7.6
    assert max(run(200, {bad})[2] for bad in range(200)) == 9


def test_a_bad_item_carries_the_refusal_of_its_own_call() -> None:
    for bad in range(7):
        isolation, _, _ = run(7, {bad})
        assert all((item, error.extra["items"]) == (bad, 1) for item, error in isolation.bad)


def test_a_fault_that_went_away_blames_nobody() -> None:
    isolation = Isolation([1, 2, 3], refusal_of([1, 2, 3]))
    sent: list[int] = []
    while part := isolation.next():
        sent += part
        isolation.answered()
    assert (sent, isolation.suspected, isolation.bad) == ([1, 2], [3], [])


def test_a_lone_item_was_refused_by_its_own_call() -> None:
    isolation = Isolation(["a"], refusal_of([1]))
    assert isolation.next() == []
    assert [item for item, _ in isolation.bad] == ["a"]


def test_what_is_left_in_the_middle_of_a_call_is_without_its_items() -> None:
    isolation = Isolation([1, 2, 3, 4], refusal_of([1, 2, 3, 4]))
    assert isolation.next() == [1, 2]
    assert isolation.left() == [3, 4]
