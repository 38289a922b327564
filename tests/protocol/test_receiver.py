"""Receiver: what is new, what is acked, and how much it remembers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import RemoteProtocolError
from protocol.receiver import RUNS_MAX
from protocol.sync import Receiver
from tests.protocol.pace import UNHURRIED


def commit(receiver: Receiver, runs: list[tuple[int, int]]) -> None:
    for first, last in runs:
        receiver.committed(first, last)


def test_an_offer_is_new_once() -> None:
    receiver = Receiver()
    assert receiver.offer(1, 16) == [(1, 16)]
    assert receiver.offer(1, 16) == []
    assert receiver.offer(10, 16) == [(17, 25)]


def test_only_what_is_committed_is_acked() -> None:
    receiver = Receiver()
    receiver.offer(1, 4)
    receiver.offer(9, 2)
    assert receiver.ack() == (0, [])
    receiver.committed(9, 10)
    assert receiver.ack() == (0, [(9, 10)])
    receiver.committed(1, 4)
    assert receiver.ack() == (4, [(9, 10)])
    commit(receiver, receiver.offer(5, 4))
    assert receiver.ack() == (10, [])
    assert receiver.upto == 10


def test_what_was_abandoned_is_new_again() -> None:
    receiver = Receiver(3)
    receiver.offer(4, 4)
    receiver.committed(4, 5)
    receiver.abandoned()
    assert receiver.offer(4, 4) == [(6, 7)]


def test_it_is_rebuilt_from_what_is_committed() -> None:
    receiver = Receiver(5, [(20, 22), (9, 9), (6, 7), (2, 3)])
    assert receiver.ack() == (7, [(9, 9), (20, 22)])
    assert receiver.offer(1, 22) == [(8, 8), (10, 19)]
    assert Receiver(0, [(5, 6), (21, 30), (1, 10)]).ack() == (10, [(21, 30)])


def test_hello_tells_what_is_lost_for_ever() -> None:
    receiver = Receiver(5, [(9, 9)])
    receiver.offer(12, 1)
    assert receiver.hello(15, 40) == [(6, 8), (10, 11), (13, 14)]
    assert receiver.hello(15, 40) == []
    commit(receiver, [(6, 8), (10, 11), (13, 14)])
    assert receiver.upto == 11
    receiver.committed(12, 12)
    assert receiver.upto == 14


def test_a_late_hello_changes_nothing() -> None:
    receiver = Receiver(30)
    assert receiver.hello(2, 10) == []
    assert receiver.hello(31, 30) == []
    assert receiver.upto == 30


def test_offers_abandoned_below_the_floor_are_lost_at_the_next_hello() -> None:
    receiver = Receiver()
    receiver.offer(1, 4)
    assert receiver.hello(5, 9) == []
    receiver.abandoned()
    assert receiver.hello(5, 9) == [(1, 4)]


def test_want_names_the_holes_below_something_known() -> None:
    receiver = Receiver(2, [(10, 12)])
    receiver.offer(5, 1)
    receiver.offer(20, 1)
    assert receiver.want() == [(3, 4), (6, 9), (13, 19)]
    assert Receiver(7).want() == []


def test_ack_and_want_name_eight_runs_at_most_and_both_ends() -> None:
    receiver = Receiver(0, [(seq, seq) for seq in range(2, 42, 2)])
    upto, ranges = receiver.ack()
    assert upto == 0
    assert [first for first, _last in ranges] == [2, 4, 6, 8, 34, 36, 38, 40]
    assert receiver.want() == [(seq, seq) for seq in range(1, 17, 2)]


def test_lost_runs_follow_the_rules_of_offers() -> None:
    receiver = Receiver(3)
    assert receiver.lost(2, 6) == [(4, 6)]
    assert receiver.offer(5, 4) == [(7, 8)]
    commit(receiver, [(4, 6), (7, 8)])
    assert receiver.upto == 8


def test_an_offer_that_would_make_too_many_runs_is_refused() -> None:
    receiver = Receiver()
    far = range(10, 10 + 2 * RUNS_MAX, 2)
    for seq in far:
        assert receiver.offer(seq, 1) == [(seq, seq)]
    assert receiver.offer(5000, 1) == []
    assert receiver.offer(far[-1] + 1, 1) == [(far[-1] + 1, far[-1] + 1)]  # touches a run
    assert receiver.offer(1, 1) == [(1, 1)]  # next to upto
    assert receiver.lost(4000, 4001) == []
    commit(receiver, [(1, 1)])
    assert receiver.ack() == (1, [])


@UNHURRIED
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(1, 100_000), st.integers(1, 16)), max_size=400
    )
)
def test_a_hostile_sender_cannot_make_it_grow(steps: list[tuple[int, int, int]]) -> None:
    receiver = Receiver()
    for kind, first, count in steps:
        last = first + count - 1
        new = receiver.lost(first, last) if kind == 0 else receiver.offer(first, count)
        if kind < 2:
            commit(receiver, new)
        assert len(receiver._committed) + len(receiver._offered) <= RUNS_MAX + 1


def test_lone_records_in_order_of_spite_cannot_make_it_grow() -> None:
    receiver = Receiver()
    for seq in range(2, 100_000, 2):
        commit(receiver, receiver.offer(seq, 1))
    assert len(receiver._committed) == RUNS_MAX
    assert receiver.hello(90_000, 90_000)[-1] == (2 * RUNS_MAX + 1, 89_999)
    assert len(receiver._committed) + len(receiver._offered) <= 2 * RUNS_MAX + 1


@pytest.mark.parametrize(("first", "count"), [(0, 1), (1, 0), (2**32 - 1, 2), (5, -1)])
def test_an_offer_out_of_range_changes_nothing(first: int, count: int) -> None:
    receiver = Receiver()
    with pytest.raises(RemoteProtocolError):
        receiver.offer(first, count)
    assert receiver.want() == []


@pytest.mark.parametrize(("floor", "head"), [(0, 5), (7, 5), (1, 2**32)])
def test_an_impossible_hello_changes_nothing(floor: int, head: int) -> None:
    receiver = Receiver()
    with pytest.raises(RemoteProtocolError):
        receiver.hello(floor, head)
    assert receiver.want() == []
