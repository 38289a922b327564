"""What becomes of taps comes back to the gates: receipts of today, and who went which way."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from hub.application.feedback import Feedback, Passage, Receipt
from hub.application.terminals import TerminalKey
from hub.terminals.session import TerminalDesk
from hub.terminals.watch import TerminalWatch
from protocol.limits import RECEIPTS_MAX
from protocol.mac import Mac
from protocol.messages import decode_control, encode_control, hello
from protocol.topics import down_topic, up_topic
from tests.hub.house import NOON_MS

TAG = bytes(range(8))
TODAY = date(2026, 11, 23)


class Source:
    """The database, by hand."""

    def __init__(self) -> None:
        self.events: list[tuple[int, bytes, str]] = []
        self.taps: list[tuple[int, str, bytes, int]] = []
        self.asked_for_taps = 0
        self.today = TODAY

    def newest(self) -> tuple[int, int]:
        return len(self.events), len(self.taps)

    def receipts_since(self, event: int, day: date) -> tuple[int, list[tuple[int, bytes, str]]]:
        assert day == self.today
        return len(self.events), self.events[event:]

    def receipts_of(self, site_id: int, day: date) -> list[Receipt]:
        assert day == self.today
        return [(tag, number) for site, tag, number in self.events if site == site_id]

    def passed_since(
        self, inbox_id: int, not_before_ms: int
    ) -> tuple[int, list[tuple[int, str, bytes, int]]]:
        self.asked_for_taps += 1
        return len(self.taps), self.taps[inbox_id:]

    def directions_of(self, site_id: int, not_before_ms: int) -> list[Passage]:
        return [(tag, way) for site, _, tag, way in self.taps if site == site_id]


class Bench:
    """A desk with three gates, and what was published."""

    def __init__(self, follows: bool) -> None:
        self.sent: list[tuple[str, bytes]] = []
        self.news = threading.Condition()
        self.keys = [
            TerminalKey("gate-in", 1, "Gate in", "in", b"a" * 32, follows),
            TerminalKey("gate-out", 1, "Gate out", "out", b"b" * 32, follows),
            TerminalKey("far", 2, "Far", "in", b"c" * 32, follows),
        ]
        watch = TerminalWatch(lambda *_: None, lambda: None, lambda: NOON_MS)
        self.source = Source()
        self.desk = TerminalDesk(lambda _: None, self._publish, watch, lambda: NOON_MS, self._hello)
        self.desk.replace(self.keys, {})
        self.now_ms = NOON_MS
        self.feedback = Feedback(self.source, self.desk, lambda: self.now_ms)

    def _hello(self, terminal: str, site_id: int) -> None:
        self.feedback.greeted(terminal, site_id)

    def _publish(self, topic: str, payload: bytes) -> None:
        with self.news:
            self.sent.append((topic, payload))
            self.news.notify()

    def heard(self, terminal: str) -> list[list[Any]]:
        """What a gate reads of what was published to it."""
        key = next(key for key in self.keys if key.terminal == terminal)
        topic = down_topic(terminal, "control")
        return [
            decode_control(Mac(key.key), "down", terminal, payload)
            for at, payload in self.sent
            if at == topic
        ]

    def wait(self, predicate: Callable[[], object]) -> None:
        with self.news:
            assert self.news.wait_for(predicate, 5)

    def greet(self, terminal: str) -> None:
        key = next(key for key in self.keys if key.terminal == terminal)
        fields = hello(b"journal1", 1, 0, 1, 0, "0.1.0")
        self.desk.deliver(
            up_topic(terminal, "control"), encode_control(Mac(key.key), "up", terminal, fields)
        )


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench(follows=True)
    yield made
    made.feedback.stop()


def test_a_receipt_is_told_to_every_gate_of_its_site_once(bench: Bench) -> None:
    bench.feedback.start()
    bench.source.events.append((1, TAG, "900000000000042"))
    bench.feedback.wake()
    bench.wait(lambda: len(bench.sent) == 2)
    said = ["receipts", 9823, [[TAG.hex(), "900000000000042"]]]
    assert bench.heard("gate-in") == [said]
    assert bench.heard("gate-out") == [said]
    assert bench.heard("far") == []
    bench.source.events.append((2, TAG, "900000000000043"))
    bench.feedback.wake()
    bench.wait(lambda: bench.heard("far"))
    assert len(bench.sent) == 3, "nothing is said twice"


def test_a_gate_that_greets_is_told_the_whole_day_in_messages_it_can_take(bench: Bench) -> None:
    count = 2 * RECEIPTS_MAX + 1
    bench.source.events += [(1, n.to_bytes(8, "big"), str(n)) for n in range(1, count + 1)]
    bench.source.taps += [(1, "gate-out", n.to_bytes(8, "big"), 1) for n in range(count)]
    bench.feedback.start()
    bench.greet("gate-in")
    bench.wait(lambda: len(bench.heard("gate-in")) == 6)
    said = bench.heard("gate-in")
    assert [len(fields[2]) for fields in said] == [16, 16, 1, 16, 16, 1]
    assert [pair for fields in said[:3] for pair in fields[2]] == [
        [n.to_bytes(8, "big").hex(), str(n)] for n in range(1, count + 1)
    ]
    assert bench.heard("gate-out") == []


def test_what_was_planned_for_a_day_is_told_to_the_gates_when_it_begins(bench: Bench) -> None:
    bench.feedback.start()
    bench.greet("gate-in")
    bench.source.events.append((1, TAG, "900000000000042"))
    bench.feedback.wake()
    bench.wait(lambda: bench.heard("gate-in"))
    bench.sent.clear()
    bench.source.today = TODAY + timedelta(days=1)
    bench.now_ms += 86_400_000
    bench.feedback.wake()
    bench.wait(lambda: bench.heard("gate-in"))
    assert bench.heard("gate-in") == [["receipts", 9824, [[TAG.hex(), "900000000000042"]]]]
    bench.sent.clear()
    bench.feedback.step()
    bench.feedback.turn_of_day()
    assert bench.sent == [], "said once"


def test_who_passed_is_told_to_the_other_gates_of_the_site_that_follow(bench: Bench) -> None:
    bench.feedback.start()
    bench.source.taps.append((1, "gate-in", TAG, 1))
    bench.feedback.wake()
    bench.wait(lambda: bench.sent)
    assert bench.heard("gate-out") == [["passed", NOON_MS // 1000, [[TAG.hex(), 1]]]]
    assert bench.heard("gate-in") == []
    assert bench.heard("far") == []


def test_where_no_gate_follows_no_tap_is_read_again() -> None:
    bench = Bench(follows=False)
    bench.source.taps.append((1, "gate-in", TAG, 1))
    bench.feedback.step()
    bench.feedback.tell_day("gate-out", 1)
    assert bench.source.asked_for_taps == 0
    assert bench.sent == []


def test_a_failing_database_does_not_end_the_thread(bench: Bench) -> None:
    working = bench.source.receipts_since
    failed = threading.Event()

    def fails(event: int, day: date) -> tuple[int, list[tuple[int, bytes, str]]]:
        bench.source.receipts_since = working  # pyright: ignore[reportAttributeAccessIssue]
        failed.set()
        raise OSError("disk")

    bench.source.receipts_since = fails  # pyright: ignore[reportAttributeAccessIssue]
    bench.feedback.start()
    bench.feedback.wake()
    assert failed.wait(5)
    bench.source.events.append((1, TAG, "7"))
    bench.feedback.wake()
    bench.wait(lambda: len(bench.sent) == 2)
