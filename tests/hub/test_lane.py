"""Several senders share an outbox: all leaves once, and one call decides after an outage."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import pytest

from hub.application.lane import Lane
from hub.application.ports import PresenceItem
from hub.application.windows import DayWindow
from hub.errors import TransientError
from hub.storage.outbox import Outbox
from tests.hub.outbox_contract import NOW_MS, posted, reference
from tests.hub.service import HandClock, Result, Service
from tests.hub.test_outbox_sql import SqlBench

PATIENCE_S = 20


class Gathering(Service):
    """A service that lets calls in only when so many have come, and counts those under way."""

    def __init__(self, clock: HandClock, together: int) -> None:
        super().__init__(clock)
        self.gather = threading.Barrier(together)
        self.lock = threading.Lock()
        self.away = False

    def register(self, items: Sequence[PresenceItem]) -> list[Result]:
        if self.away:
            with self.lock:
                self.calls.append([item.reference for item in items])
            raise TransientError("HUB-1301", cause="refused")
        self.gather.wait(PATIENCE_S)
        with self.lock:
            return super().register(items)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[SqlBench]:
    bench = SqlBench(tmp_path)
    yield bench
    bench.close()


def lane_of(bench: SqlBench, service: Service, senders: int, changed: threading.Event) -> Lane:
    return Lane(
        "day",
        lambda worker: Outbox(bench.writer, bench.house.vault, changed.set, "day", worker),
        lambda: service,
        service.clock,
        Random(1),
        DayWindow(),
        senders=senders,
    )


def wait_for(changed: threading.Event, done: object) -> None:
    """Waits until `done()` holds, looking after each change."""
    assert callable(done)
    while not done():
        assert changed.wait(PATIENCE_S)
        changed.clear()


def test_a_backlog_leaves_over_several_connections_at_once_and_nothing_twice(
    bench: SqlBench,
) -> None:
    for index in range(600):
        bench.add(posted(index), NOW_MS, NOW_MS)
    # No call is answered before three are under way: one sender alone would wait for ever.
    service = Gathering(HandClock(NOW_MS), together=3)
    changed = threading.Event()
    lane = lane_of(bench, service, 3, changed)
    lane.start()
    try:
        wait_for(changed, lambda: len(service.stored) == 600)
    finally:
        assert lane.stop(PATIENCE_S)
    assert sorted(len(call) for call in service.calls) == [200] * 3
    assert sorted(item.reference for item, _ in service.stored) == sorted(
        reference(index) for index in range(600)
    )
    assert {bench.state(reference(index)) for index in range(600)} == {"registered"}


def test_after_an_outage_one_call_decides_and_the_others_wait_for_it(bench: SqlBench) -> None:
    clock = HandClock(NOW_MS)
    service = Gathering(clock, together=1)
    service.away = True
    changed = threading.Event()
    lane = lane_of(bench, service, 4, changed)
    bench.add(posted(0), NOW_MS, NOW_MS)
    lane.start()
    try:
        wait_for(changed, lambda: len(service.calls) == 1 and lane.status().state == "retrying")
        for index in range(1, 700):
            bench.add(posted(index), NOW_MS, NOW_MS)
        for _ in range(20):
            lane.wake()
        assert len(service.calls) == 1
        service.away = False
        clock.now_ms += 120_000
        lane.wake()
        wait_for(changed, lambda: len(service.stored) == 700)
    finally:
        assert lane.stop(PATIENCE_S)
    assert lane.status().state == "ok"
    assert len({item.reference for item, _ in service.stored}) == 700


def test_a_lone_registration_does_not_wait_for_others(bench: SqlBench) -> None:
    service = Gathering(HandClock(NOW_MS), together=1)
    changed = threading.Event()
    lane = lane_of(bench, service, 2, changed)
    lane.start()
    try:
        bench.add(posted(7), NOW_MS, NOW_MS)
        lane.wake()
        # The clock stands still, so nothing that waits for time to pass could have sent it.
        wait_for(changed, lambda: bench.state(reference(7)) == "registered")
    finally:
        assert lane.stop(PATIENCE_S)
    assert service.calls == [[reference(7)]]
