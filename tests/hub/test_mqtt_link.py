"""The hub's own connection: everything that comes is delivered, and it always comes back."""

from __future__ import annotations

import os
import queue
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hub.terminals import mqtt
from hub.terminals.broker import Broker
from hub.terminals.mqtt import MqttLink
from tests.hub.patience import DEADLINE_S, until
from tests.hub.raw_client import RawClient, connected

pytestmark = pytest.mark.processes
GATE = ("gate-a", "password a")
BATCH = "sitegate/1/gate-a/up/batch"
CONTROL = "sitegate/1/gate-a/down/control"


class Line:
    """A link to a broker, with what it delivered."""

    def __init__(self, broker: Broker, password: str) -> None:
        self.came: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self.changes: queue.Queue[bool] = queue.Queue()
        self.link = MqttLink(
            "127.0.0.1",
            broker.port,
            "hub",
            password,
            self._take,
            self.changes.put,
        )

    def _take(self, topic: str, payload: bytes) -> None:
        # Last wills of the clients of earlier tests come in between.
        if not topic.endswith("/status"):
            self.came.put((topic, payload))

    def no_delay(self) -> bool | None:
        """Whether small packets leave at once; None while there is no connection."""
        found = self.link._client.socket()
        if found is None:
            return None
        with socket.fromfd(found.fileno(), socket.AF_INET, socket.SOCK_STREAM) as connection:
            return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1


@contextmanager
def running(folder: Path) -> Iterator[Broker]:
    """A broker with one terminal."""
    broker = Broker(folder, "127.0.0.1", 0, "password hub", lambda: None)
    broker.configure([GATE])
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One broker for the tests that leave it alone."""
    with running(tmp_path_factory.mktemp("broker")) as broker:
        yield broker


@contextmanager
def linked(broker: Broker) -> Iterator[Line]:
    """A link that is subscribed."""
    line = Line(broker, "password hub")
    line.link.start()
    try:
        assert line.changes.get(timeout=DEADLINE_S) is True
        yield line
    finally:
        line.link.stop()


@pytest.fixture
def line(shared: Broker) -> Iterator[Line]:
    """A link to the shared broker."""
    with linked(shared) as line:
        yield line


@pytest.fixture
def gate(shared: Broker) -> Iterator[RawClient]:
    """The terminal's end."""
    with RawClient(shared.port, *GATE) as client:
        assert client.subscribe(CONTROL)
        yield client


def test_what_a_terminal_says_is_delivered_as_it_was_said(line: Line, gate: RawClient) -> None:
    payload = bytes(range(256)) * 2
    gate.publish(BATCH, payload)
    assert line.came.get(timeout=DEADLINE_S) == (BATCH, payload)


def test_a_flood_is_delivered_whole_and_in_order(line: Line, gate: RawClient) -> None:
    for number in range(2_000):
        gate.publish(BATCH, b"%d" % number, qos=0)
    came = [line.came.get(timeout=DEADLINE_S) for _ in range(2_000)]
    assert came == [(BATCH, b"%d" % number) for number in range(2_000)]


def test_what_the_hub_says_leaves_at_once(line: Line, gate: RawClient) -> None:
    # Each would wait for the loop's next look, up to a second, if publishing did not wake it.
    begin = time.monotonic()
    for number in range(8):
        line.link.publish(CONTROL, b"%d" % number)
        assert gate.heard() == (CONTROL, b"%d" % number)
    assert time.monotonic() - begin < 4


def test_a_keep_alive_ping_holds_nothing_back(
    shared: Broker, gate: RawClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    # paho reports the first packet queued only: a ping in its queue once hid the acks behind it.
    monkeypatch.setattr(mqtt, "KEEPALIVE_S", 1)
    late = 0
    pause = threading.Event()
    with linked(shared) as line:
        for number in range(25):
            pause.wait(0.1)
            begin = time.monotonic()
            line.link.publish(CONTROL, b"%d" % number)
            assert gate.heard() == (CONTROL, b"%d" % number)
            late += time.monotonic() - begin > 0.5
    # With the fault some were late by most of a second; a busy machine may cost one.
    assert late <= 1


def test_many_threads_may_publish(line: Line, gate: RawClient) -> None:
    def say(name: int) -> None:
        for number in range(50):
            line.link.publish(CONTROL, b"%d %d" % (name, number))

    threads = [threading.Thread(target=say, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    heard = [gate.heard()[1] for _ in range(200)]
    for name in range(4):
        own = [payload for payload in heard if payload.startswith(b"%d " % name)]
        assert own == [b"%d %d" % (name, number) for number in range(50)]


def test_small_packets_are_not_held_back(line: Line) -> None:
    assert line.no_delay() is True


def test_the_link_comes_back_after_the_broker_was_killed(tmp_path: Path) -> None:
    with running(tmp_path) as broker, linked(broker) as line:
        assert broker.pid is not None
        os.kill(broker.pid, signal.SIGKILL)
        assert line.changes.get(timeout=DEADLINE_S) is False
        line.link.publish(CONTROL, b"lost")
        assert line.changes.get(timeout=DEADLINE_S) is True
        assert line.no_delay() is True
        with until(lambda: connected(broker.port, *GATE), "the gate's login") as gate:
            assert gate.subscribe(CONTROL)
            gate.publish(BATCH, b"again")
            assert line.came.get(timeout=DEADLINE_S) == (BATCH, b"again")
            line.link.publish(CONTROL, b"answer")
            assert gate.heard() == (CONTROL, b"answer")


def test_publishing_while_the_broker_is_away_raises_nothing(tmp_path: Path) -> None:
    with running(tmp_path) as broker:
        line = Line(broker, "password hub")
        line.link.publish(CONTROL, b"before the start")
        line.link.start()
        assert line.changes.get(timeout=DEADLINE_S) is True
    # The broker is gone for good, perhaps not noticed yet.
    line.link.publish(CONTROL, b"into a dead socket")
    assert line.changes.get(timeout=DEADLINE_S) is False
    line.link.publish(CONTROL, b"nobody there")
    line.link.stop()
    line.link.publish(CONTROL, b"after the end")


def test_a_link_with_a_wrong_password_is_never_up_and_ends_when_asked(shared: Broker) -> None:
    line = Line(shared, "wrong")
    line.link.start()
    # Refused, and tried again.
    for _ in range(2):
        assert line.changes.get(timeout=DEADLINE_S) is False
    stopper = threading.Thread(target=line.link.stop)
    stopper.start()
    stopper.join(DEADLINE_S)
    assert not stopper.is_alive()
    assert True not in list(line.changes.queue)


def test_a_stopped_link_leaves_nothing_open(shared: Broker) -> None:
    with linked(shared) as line:
        assert line.no_delay() is not None
    assert line.no_delay() is None
    assert not line.link._thread.is_alive()


def test_a_terminal_cannot_push_the_hub_off_the_broker(line: Line, shared: Broker) -> None:
    # A broker closes the older of two connections with the same client id, whatever the login.
    with RawClient(shared.port, *GATE, client_id="hub") as gate:
        assert gate.accepted
        gate.publish(BATCH, b"still heard")
        assert line.came.get(timeout=DEADLINE_S) == (BATCH, b"still heard")
        assert gate.alive()
    assert line.changes.empty()
