"""The forwarder's thread steps when something is due, survives defects, and ends when told."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from random import Random

import pytest
from structlog.testing import capture_logs

from hub.application.forward import Forwarder
from hub.application.forward_thread import ForwarderThread
from hub.application.outbox import Claim
from hub.application.ports import PresenceItem, Refused, Registered
from tests.hub.memory_outbox import MemoryOutbox
from tests.hub.outbox_contract import NOW_MS, limosa, posted, reference
from tests.hub.service import HandClock, Service, unreachable

PATIENCE_S = 5


class WatchedService(Service):
    """A service that tells when it was called, and waits inside a call when it should."""

    def __init__(self, clock: HandClock) -> None:
        super().__init__(clock)
        self.called = threading.Semaphore(0)
        self.may_answer = threading.Event()
        self.may_answer.set()

    def register(self, items: Sequence[PresenceItem]) -> list[Registered | Refused]:
        self.called.release()
        assert self.may_answer.wait(PATIENCE_S)
        return super().register(items)


class WatchedOutbox(MemoryOutbox):
    """An outbox that counts steps, and can hold one up near its end."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = 0
        self.ending = threading.Semaphore(0)
        self.may_end = threading.Event()
        self.may_end.set()

    def doubtful(self, now_ms: int, limit: int) -> list[Claim]:
        self.steps += 1
        self.ending.release()
        assert self.may_end.wait(PATIENCE_S)
        return super().doubtful(now_ms, limit)


class Rig:
    def __init__(self) -> None:
        self.clock = HandClock(NOW_MS)
        self.outbox = WatchedOutbox()
        self.service = WatchedService(self.clock)
        self.forwarder = Forwarder(self.outbox, self.service, self.clock, Random(1))
        self.thread = ForwarderThread(self.forwarder, self.clock)


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_it_sends_at_the_start_and_again_when_woken(rig: Rig) -> None:
    rig.outbox.add(posted(0), NOW_MS, NOW_MS)
    rig.thread.start()
    assert rig.service.called.acquire(timeout=PATIENCE_S)
    rig.outbox.add(posted(1), NOW_MS, NOW_MS)
    rig.thread.wake()
    assert rig.service.called.acquire(timeout=PATIENCE_S)
    assert rig.thread.stop(PATIENCE_S)
    assert rig.outbox.states() == ["registered", "registered"]


def test_a_wake_during_a_step_that_finds_nothing_is_not_lost(rig: Rig) -> None:
    rig.outbox.may_end.clear()
    rig.thread.start()
    # The step has claimed nothing and is about to sleep for half a minute.
    assert rig.outbox.ending.acquire(timeout=PATIENCE_S)
    rig.outbox.add(posted(0), NOW_MS, NOW_MS)
    rig.thread.wake()
    rig.outbox.may_end.set()
    assert rig.service.called.acquire(timeout=PATIENCE_S)
    assert rig.thread.stop(PATIENCE_S)


def test_it_sleeps_when_nothing_is_left_to_do(rig: Rig) -> None:
    rig.outbox.add(posted(0), NOW_MS, NOW_MS)
    rig.thread.start()
    rig.thread.wake()
    assert rig.service.called.acquire(timeout=PATIENCE_S)
    while rig.outbox.ending.acquire(timeout=0.1):
        assert rig.outbox.steps < 10
    assert rig.thread.stop(PATIENCE_S)


def test_a_stop_during_a_call_keeps_its_answer_and_gives_back_the_rest(rig: Rig) -> None:
    rig.service.may_answer.clear()
    for index in range(3):
        rig.outbox.add(posted(index), NOW_MS, NOW_MS)
    rig.thread.start()
    assert rig.service.called.acquire(timeout=PATIENCE_S)
    assert not rig.thread.stop(0)
    rig.service.may_answer.set()
    assert rig.thread.stop(PATIENCE_S)
    assert rig.outbox.states() == ["registered"] * 3


def test_a_defect_is_told_without_its_text_and_the_thread_goes_on(rig: Rig) -> None:
    def breaks(service: Service, items: Sequence[PresenceItem]) -> list[Registered | Refused]:
        raise RuntimeError(f"cannot handle {limosa(0)}")

    rig.service.script.append(breaks)
    rig.outbox.add(posted(0), NOW_MS, NOW_MS)
    with capture_logs() as logs:
        rig.thread.start()
        assert rig.service.called.acquire(timeout=PATIENCE_S)
        # The wait after a defect is over by the clock; a wake brings the next step.
        while rig.outbox.state(reference(0)) != "registered":
            rig.clock.now_ms += 60_000
            rig.thread.wake()
            rig.service.called.acquire(timeout=0.05)
        assert rig.thread.stop(PATIENCE_S)
    (entry,) = [entry for entry in logs if entry["log_level"] == "error"]
    assert (entry["code"], entry["error"]) == ("HUB-1319", "RuntimeError")
    assert limosa(0) not in repr(logs)
    assert rig.service.times_stored(reference(0)) == 1


def test_it_comes_back_by_itself_when_a_wait_is_over(rig: Rig) -> None:
    def clock() -> int:
        # Each look at the clock is most of a second later, so that a wait of seconds is short.
        rig.clock.now_ms += 900
        return rig.clock.now_ms

    rig.forwarder = Forwarder(rig.outbox, rig.service, clock, Random(1))
    rig.thread = ForwarderThread(rig.forwarder, clock)
    rig.service.script.append(unreachable)
    rig.outbox.add(posted(0), NOW_MS, NOW_MS)
    rig.thread.start()
    assert rig.service.called.acquire(timeout=PATIENCE_S)
    assert rig.service.called.acquire(timeout=PATIENCE_S)
    assert rig.thread.stop(PATIENCE_S)
    assert rig.outbox.states() == ["registered"]


def test_a_thread_that_never_started_can_be_stopped(rig: Rig) -> None:
    assert rig.thread.stop(0)
