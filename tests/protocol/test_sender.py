"""Sender: what it gives, in which order, and what it refuses."""

from __future__ import annotations

import pytest

from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.sender import ACKED_MAX, LOST_MAX
from protocol.sync import Sender


def given(sender: Sender, now_ms: int) -> list[tuple]:
    """Returns all the Sender gives at once."""
    found = []
    while (step := sender.next(now_ms)) is not None:
        found.append(step)
        assert len(found) < 100
    return found


def opened(floor: int, head: int, now_ms: int = 0) -> Sender:
    """Returns a Sender whose hello was answered by a hub that has nothing."""
    sender = Sender(floor, head)
    sender.connected(now_ms)
    sender.next(now_ms)
    sender.acked(floor - 1, (), now_ms)
    return sender


def test_nothing_is_given_without_a_connection() -> None:
    sender = Sender(1, 100)
    assert sender.next(0) is None
    assert sender.wait_ms(0) is None
    assert sender.unsent == 100


def test_hello_comes_first_and_alone_until_an_ack() -> None:
    sender = Sender(7, 100)
    sender.connected(1000)
    assert sender.wait_ms(1000) == 0
    assert given(sender, 1000) == [("hello", 7, 100)]
    assert sender.wait_ms(1000) == 5000
    assert given(sender, 5999) == []
    assert given(sender, 6000) == [("hello", 7, 100)]
    sender.acked(50, (), 6100)
    assert sender.next(6100) == ("batch", 51, 16)


def test_an_ack_from_before_the_hello_opens_nothing() -> None:
    sender = Sender(1, 100)
    sender.connected(0)
    assert sender.acked(10, (), 0) == 11
    assert given(sender, 0) == [("hello", 11, 100)]


def test_the_backlog_fills_the_window_but_for_the_live_slot() -> None:
    sender = opened(1, 100)
    assert given(sender, 0) == [("batch", 1, 16), ("batch", 17, 16), ("batch", 33, 16)]
    sender.appended(101)
    sender.appended(102)
    assert given(sender, 0) == [("batch", 101, 2)]
    sender.appended(103)
    assert given(sender, 0) == []
    sender.acked(0, [(101, 102)], 10)
    assert given(sender, 10) == [("batch", 103, 1)]


def test_the_live_lane_has_one_slot_while_backlog_waits() -> None:
    sender = opened(1, 100)
    given(sender, 0)
    sender.appended(101)
    given(sender, 0)
    sender.appended(102)
    sender.acked(16, (), 1)
    assert given(sender, 1) == [("batch", 49, 16)]


def test_without_backlog_live_records_use_the_whole_window() -> None:
    sender = opened(1, 0)
    for seq in range(1, 7):
        sender.appended(seq)
        sender.next(0)
    assert given(sender, 0) == []
    sender.acked(1, (), 1)
    assert given(sender, 1) == [("batch", 5, 2)]


def test_an_ack_moves_the_floor_once() -> None:
    sender = opened(1, 40)
    given(sender, 0)
    assert sender.acked(16, (), 1) == 17
    assert sender.acked(16, (), 2) is None
    assert sender.acked(3, (), 3) is None
    assert sender.floor == 17
    assert sender.unsent == 24


def test_the_floor_also_passes_ranges_that_touch_it() -> None:
    sender = opened(1, 40)
    assert sender.acked(0, [(5, 8)], 1) is None
    assert sender.unsent == 36
    assert sender.acked(4, (), 2) == 9


def test_ranges_acked_are_not_sent_on_this_connection() -> None:
    sender = opened(1, 60)
    sender.acked(0, [(3, 10), (20, 60)], 0)
    assert given(sender, 0) == [("batch", 1, 2), ("batch", 11, 9)]


def test_ranges_acked_are_forgotten_on_the_next_connection() -> None:
    sender = opened(1, 20)
    sender.acked(0, [(3, 20)], 0)
    sender.disconnected()
    assert sender.unsent == 2
    sender.connected(5)
    sender.next(5)
    sender.acked(0, (), 6)
    assert given(sender, 6) == [("batch", 1, 16), ("batch", 17, 4)]


def test_an_ack_above_head_changes_nothing() -> None:
    sender = opened(1, 20)
    for upto, ranges in ((21, ()), (5, [(18, 21)])):
        with pytest.raises(RemoteProtocolError) as caught:
            sender.acked(upto, ranges, 1)
        assert caught.value.code == "ack"
    with pytest.raises(RemoteProtocolError) as caught:
        sender.wanted([(20, 21)])
    assert caught.value.code == "want"
    assert (sender.floor, sender.unsent) == (1, 20)


def test_one_batch_without_ack_is_sent_again_alone_while_others_are_acked() -> None:
    sender = opened(1, 100)
    assert given(sender, 0)[0] == ("batch", 1, 16)
    sender.acked(0, [(17, 48)], 4000)
    assert given(sender, 4000) == [("batch", 49, 16), ("batch", 65, 16)]
    assert sender.wait_ms(4000) == 1000
    assert given(sender, 5000) == [("batch", 1, 16)]


def test_silence_is_answered_by_a_hello_not_by_batches() -> None:
    sender = opened(1, 100)
    given(sender, 0)
    assert given(sender, 5000) == [("hello", 1, 100)]
    sender.acked(48, (), 5010)
    assert sender.next(5010) == ("batch", 49, 16)


def test_want_sends_again_what_is_in_flight_or_was_acked() -> None:
    sender = opened(1, 32)
    given(sender, 0)
    sender.acked(0, [(17, 32)], 1)
    sender.wanted([(1, 4), (20, 21)])
    assert given(sender, 2) == [("batch", 1, 16), ("batch", 20, 2)]


def test_want_below_the_floor_is_answered_by_a_hello() -> None:
    sender = opened(1, 40)
    sender.acked(16, (), 1)
    sender.wanted([(2, 3)])
    assert given(sender, 2) == [("hello", 17, 40)]


def test_unreadable_records_are_reported_and_the_rest_is_sent() -> None:
    sender = opened(1, 20)
    assert sender.next(0) == ("batch", 1, 16)
    sender.missing(4, 5)
    sender.missing(6, 6)
    assert given(sender, 0) == [
        ("lost", 4, 6),
        ("batch", 1, 3),
        ("batch", 7, 14),
    ]
    sender.acked(3, (), 1)
    assert sender.wait_ms(1) == 4999
    assert given(sender, 5000) == [("lost", 4, 6), ("batch", 7, 14)]
    assert sender.acked(20, (), 5001) == 21
    assert sender.wait_ms(5001) is None


def test_a_lost_report_alone_is_repeated_until_it_is_acked() -> None:
    sender = opened(1, 1)
    sender.missing(1, 1)
    assert given(sender, 10) == [("lost", 1, 1)]
    assert sender.wait_ms(10) == 5000
    sender.acked(0, (), 4000)
    assert given(sender, 5010) == [("lost", 1, 1)]


def test_what_was_acked_before_its_lost_report_is_not_reported() -> None:
    sender = opened(1, 20)
    sender.missing(4, 5)
    sender.missing(8, 8)
    sender.acked(6, (), 0)
    assert sender.next(0) == ("lost", 8, 8)


def test_what_is_acked_is_not_reported_as_missing() -> None:
    sender = opened(1, 20)
    sender.acked(5, [(8, 10)], 0)
    sender.missing(1, 12)
    assert given(sender, 0)[:2] == [("lost", 6, 7), ("lost", 11, 12)]


def test_too_many_lost_runs_leave_only_the_lowest_batch() -> None:
    sender = opened(1, 100)
    for seq in range(40, 40 + 2 * LOST_MAX, 2):
        sender.missing(seq, seq)
    steps = given(sender, 0)
    assert steps[:LOST_MAX] == [("lost", s, s) for s in range(40, 40 + 2 * LOST_MAX, 2)]
    assert steps[LOST_MAX:] == [("batch", 1, 16)]
    sender.acked(0, [(40, 40)], 1)
    assert given(sender, 1) == [("batch", 17, 16), ("batch", 33, 7)]


def test_acked_runs_are_bounded() -> None:
    sender = opened(1, 10_000)
    for first in range(10, 10_000, 10):
        sender.acked(0, [(first, first)], 0)
    assert 10_000 - sender.unsent <= ACKED_MAX


def test_a_record_comes_after_head() -> None:
    sender = Sender(1, 5)
    for seq in (5, 7, 0):
        with pytest.raises(LocalProtocolError):
            sender.appended(seq)
    sender.appended(6)
    assert sender.head == 6


def test_the_last_sequence_number_is_the_end() -> None:
    sender = Sender(2**32 - 1, 2**32 - 1)
    with pytest.raises(LocalProtocolError):
        sender.appended(2**32)
    sender.connected(0)
    sender.next(0)
    assert sender.acked(2**32 - 1, (), 0) == 2**32
    sender.connected(1)
    assert sender.next(1) == ("hello", 2**32, 2**32 - 1)


@pytest.mark.parametrize(
    ("floor", "head", "window", "batch", "resend_ms"),
    [
        (0, 5, 4, 16, 5000),
        (7, 5, 4, 16, 5000),
        (1, -1, 4, 16, 5000),
        (1, 2**32, 4, 16, 5000),
        (1, 5, 1, 16, 5000),
        (1, 5, 4, 0, 5000),
        (1, 5, 4, 17, 5000),
        (1, 5, 4, 16, 0),
    ],
)
def test_impossible_settings_are_refused(
    floor: int, head: int, window: int, batch: int, resend_ms: int
) -> None:
    with pytest.raises(LocalProtocolError):
        Sender(floor, head, window, batch, resend_ms)


@pytest.mark.parametrize(("first", "last"), [(0, 3), (4, 3), (1, 6)])
def test_missing_takes_only_runs_up_to_head(first: int, last: int) -> None:
    with pytest.raises(LocalProtocolError):
        Sender(1, 5).missing(first, last)
