"""Sender and Receiver over a wire that loses, repeats, delays, reorders, and with crashing ends.

`Line` checks after every step that nothing is acked or freed before its commit and that no record
becomes two rows; these tests choose the steps and look at the end.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.protocol.board_scripts.line import RESEND_MS, Line, step
from tests.protocol.pace import EXHAUSTIVE, UNHURRIED

STEPS = st.lists(st.tuples(st.integers(0, 19), st.integers(0, 999)), max_size=80)


@EXHAUSTIVE
@given(steps=STEPS, lose=st.booleans())
def test_every_record_arrives_once_whatever_happens(
    steps: list[tuple[int, int]], lose: bool
) -> None:
    line = Line()
    line.connect()
    for number, argument in steps:
        step(line, number, argument)
    line.heal(lose)
    line.check_rest()


@UNHURRIED
@given(steps=STEPS)
def test_the_sender_gives_nothing_before_the_time_it_names(steps: list[tuple[int, int]]) -> None:
    line = Line()
    line.connect()
    for number, argument in steps:
        step(line, number, argument)
    sender = line.terminal.sender
    wait_ms = sender.wait_ms(line.now_ms)
    if wait_ms is None:
        assert sender.next(line.now_ms + 100 * RESEND_MS) is None
    else:
        assert sender.next(line.now_ms + wait_ms - 1) is None
        assert sender.wait_ms(line.now_ms + wait_ms) == 0


@UNHURRIED
@given(steps=STEPS, kept=st.integers(0, 400))
def test_a_hub_restored_from_a_backup_asks_for_what_is_still_there(
    steps: list[tuple[int, int]], kept: int
) -> None:
    line = Line()
    line.connect()
    for number, argument in steps:
        step(line, number, argument)
    line.heal(lose=True)
    line.disconnect()
    for _ in range(40):
        line.terminal.tap()
    floor = line.terminal.floor
    line.hub.rows = {seq: kind for seq, kind in line.hub.rows.items() if seq <= kept}
    line.hub.crash()
    line.heal(lose=False)
    assert sorted(line.hub.rows) == list(range(1, line.terminal.head + 1))
    for seq, kind in line.hub.rows.items():
        if seq > kept and seq not in line.terminal.unreadable:
            assert kind == ("gap" if seq < floor else "record")
    assert line.terminal.sender.unsent == 0


def one_round_trip(line: Line) -> None:
    """Everything on its way arrives, and what arrived is committed and acked."""
    for _ in range(len(line.up)):
        line.arrive_up(0, False)
    while line.hub.queue:
        line.commit()
    for _ in range(len(line.down)):
        line.arrive_down(0, False)


def test_a_tap_made_now_is_not_stuck_behind_the_backlog() -> None:
    line = Line()
    for _ in range(5000):
        line.terminal.tap()
    line.connect()
    one_round_trip(line)
    for _ in range(20):
        line.tap()
        seq = line.terminal.head
        one_round_trip(line)
        assert seq in line.hub.rows
        assert line.hub.receiver.upto < 5000
    line.heal(lose=False)
    line.check_rest()


def test_a_live_record_lost_on_the_wire_does_not_hold_up_the_backlog() -> None:
    line = Line()
    for _ in range(5000):
        line.terminal.tap()
    line.connect()
    one_round_trip(line)
    line.tap()
    lost = line.up.pop()
    assert lost[2:] == (5001, [5001])
    before = line.hub.receiver.upto
    one_round_trip(line)
    one_round_trip(line)
    assert line.hub.receiver.upto == before + 2 * 3 * 16
    line.pass_time(RESEND_MS // 2)
    one_round_trip(line)
    line.pass_time(RESEND_MS // 2)
    one_round_trip(line)
    assert 5001 in line.hub.rows
    line.heal(lose=False)
    line.check_rest()


def test_a_storm_of_reconnects_repeats_nothing_the_hub_holds() -> None:
    line = Line()
    for _ in range(1000):
        line.terminal.tap()
    arrived = 0
    while line.terminal.sender.unsent:
        for _ in range(5):
            line.disconnect()
            line.up = []
            line.down = []
            line.connect()
            assert [message[0] for message in line.up] == ["hello"]
        one_round_trip(line)
        arrived += sum(len(message[3]) for message in line.up)
        one_round_trip(line)
    line.check_rest()
    assert arrived == 1000


def test_an_absent_hub_costs_one_hello_for_each_resend_time() -> None:
    line = Line()
    line.connect()
    one_round_trip(line)
    for _ in range(200):
        line.tap()
    line.up = []
    for _ in range(10):
        line.pass_time(RESEND_MS)
    assert [message[0] for message in line.up] == ["hello"] * 10
    line.heal(lose=True)
    line.check_rest()


def test_a_hub_that_crashes_at_every_commit_still_gets_everything() -> None:
    line = Line()
    for _ in range(300):
        line.terminal.tap()
    line.connect()
    while line.terminal.sender.unsent:
        for _ in range(len(line.up)):
            line.arrive_up(0, False)
        if line.hub.queue:
            line.hub.commit()  # committed, and the ack is never sent
        line.crash_hub()
        for _ in range(len(line.down)):
            line.arrive_down(0, False)
        line.pass_time(RESEND_MS)
    line.check_rest()


def test_many_unreadable_records_do_not_stop_the_readable_ones() -> None:
    line = Line()
    for _ in range(600):
        line.terminal.tap()
    for seq in range(1, 601, 2):
        line.terminal.spoil(seq)
    line.connect()
    line.heal(lose=False)
    line.check_rest()
    assert sum(1 for kind in line.hub.rows.values() if kind == "record") == 300
