"""The real nats-server: who may say and hear what, and that it is always there."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hub.errors import PermanentError, UsageError
from hub.terminals.broker import Broker, free_port
from tests.hub.patience import DEADLINE_S, until
from tests.hub.raw_client import RawClient, connected

pytestmark = pytest.mark.processes
A, B = ("gate-a", "password a"), ("gate-b", 'pass"word\\ b')
HUB = ("hub", "password hub")
REFUSED = ("connack", False, 5)  # MQTT 3.1.1, table 3.1: not authorized


def make_broker(folder: Path, port: int = 0, died: Callable[[], None] = lambda: None) -> Broker:
    """A broker for two terminals that was not started yet."""
    broker = Broker(folder, "127.0.0.1", port, HUB[1], died)
    broker.configure([A, B])
    return broker


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One broker for all tests that only talk to it."""
    broker = make_broker(tmp_path_factory.mktemp("broker"))
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker of its own for a test that does something to it."""
    broker = make_broker(tmp_path)
    yield broker
    broker.stop()


@pytest.fixture
def gate(shared: Broker) -> Iterator[RawClient]:
    """gate-a, connected."""
    with RawClient(shared.port, *A) as client:
        assert client.accepted
        yield client


@pytest.fixture
def hub(shared: Broker) -> Iterator[RawClient]:
    """The hub's login, hearing all that terminals say."""
    with RawClient(shared.port, *HUB) as client:
        assert client.accepted
        assert client.subscribe("sitegate/1/+/up/batch", 0)
        yield client


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended and waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


# ---------------------------------------------------------------- who may what


def test_a_terminal_may_say_what_is_its_own(gate: RawClient, hub: RawClient) -> None:
    assert hub.subscribe("sitegate/1/+/up/control", 0)
    for leaf in ("batch", "control"):
        gate.publish(f"sitegate/1/gate-a/up/{leaf}", b"mine")
        assert hub.heard() == (f"sitegate/1/gate-a/up/{leaf}", b"mine")


def test_a_terminal_that_vanishes_leaves_its_last_will(tmp_path: Path) -> None:
    broker = make_broker(tmp_path)
    broker.start()
    try:
        with RawClient(broker.port, *HUB) as hub:
            assert hub.subscribe("sitegate/1/+/up/status", 0)
            gate = RawClient(broker.port, *A)
            gate.publish("sitegate/1/gate-a/up/status", b"online")
            assert hub.heard() == ("sitegate/1/gate-a/up/status", b"online")
            gate.vanish()
            assert hub.heard() == ("sitegate/1/gate-a/up/status", b"offline")
    finally:
        broker.stop()


@pytest.mark.parametrize("terminal", ["gate-b", "gate", "hub"])
def test_what_a_terminal_says_as_another_is_dropped(
    gate: RawClient, hub: RawClient, terminal: str
) -> None:
    gate.publish(f"sitegate/1/{terminal}/up/batch", b"forged")
    # The broker keeps the order of one connection: had it passed, it would have come first.
    gate.publish("sitegate/1/gate-a/up/batch", b"mine")
    assert hub.heard() == ("sitegate/1/gate-a/up/batch", b"mine")


def test_a_terminal_cannot_speak_as_the_hub(
    gate: RawClient, hub: RawClient, shared: Broker
) -> None:
    with RawClient(shared.port, *B) as other:
        assert other.subscribe("sitegate/1/gate-b/down/control")
        gate.publish("sitegate/1/gate-b/down/control", b"forged")
        hub.publish("sitegate/1/gate-b/down/control", b"genuine")
        assert other.heard() == ("sitegate/1/gate-b/down/control", b"genuine")


@pytest.mark.parametrize(
    "topic",
    [
        "sitegate/1/gate-b/down/control",
        "sitegate/1/gate-b/up/batch",
        "sitegate/1/+/down/control",
        "sitegate/1/#",
        "sitegate/1/gate-a/up/batch",
        "#",
        "+/+/+/+/+",
        "$MQTT/sub/#",
        "$MQTT/#",
        "$SYS/#",
    ],
)
def test_a_terminal_may_not_hear_what_is_not_for_it(
    gate: RawClient, hub: RawClient, topic: str
) -> None:
    assert not gate.subscribe(topic)
    hub.publish("sitegate/1/gate-b/down/control", b"for the other")
    assert gate.subscribe("sitegate/1/gate-a/down/control")
    hub.publish("sitegate/1/gate-a/down/control", b"for me")
    assert gate.heard() == ("sitegate/1/gate-a/down/control", b"for me")


@pytest.mark.parametrize("leaf", ["control", "roster"])
def test_a_terminal_hears_what_is_for_it(gate: RawClient, hub: RawClient, leaf: str) -> None:
    assert gate.subscribe(f"sitegate/1/gate-a/down/{leaf}")
    payload = bytes(range(256)) * 6
    hub.publish(f"sitegate/1/gate-a/down/{leaf}", payload)
    assert gate.heard() == (f"sitegate/1/gate-a/down/{leaf}", payload)


@pytest.mark.parametrize(
    ("user", "password"),
    [
        ("gate-a", "password b"),
        ("gate-a", ""),
        ("gate-b", A[1]),
        ("hub", A[1]),
        ("gate-c", A[1]),
    ],
)
def test_a_wrong_login_is_refused(shared: Broker, user: str, password: str) -> None:
    with RawClient(shared.port, user, password) as client:
        assert client.answer == REFUSED
        assert client.next() is None


def test_a_password_with_any_character_is_taken(shared: Broker) -> None:
    with RawClient(shared.port, *B) as client:
        assert client.accepted


# ---------------------------------------------------------------- files


def test_passwords_are_in_one_file_for_its_owner_only(shared: Broker) -> None:
    folder = shared._config.parent
    assert shared._config.stat().st_mode & 0o777 == 0o600
    assert A[1] in shared._config.read_text()
    for path in folder.iterdir():
        if path.is_file() and path != shared._config:
            assert A[1].encode() not in path.read_bytes()
    command = Path(f"/proc/{shared.pid}/cmdline").read_bytes()
    assert A[1].encode() not in command
    assert HUB[1].encode() not in command


def test_a_new_configuration_is_for_its_owner_only_too(tmp_path: Path) -> None:
    broker = make_broker(tmp_path)
    # What a start that was cut off left behind.
    (tmp_path / "broker.new").write_text("half")
    broker.configure([A])
    assert (tmp_path / "broker.conf").stat().st_mode & 0o777 == 0o600
    assert B[0] not in (tmp_path / "broker.conf").read_text()
    assert not (tmp_path / "broker.new").exists()


# ---------------------------------------------------------------- a changed register


def test_a_new_terminal_is_let_in_and_nobody_is_dropped(broker: Broker) -> None:
    broker.start()
    with RawClient(broker.port, *A) as gate, RawClient(broker.port, *HUB) as hub:
        assert connected(broker.port, "gate-c", "new") is None
        pid = broker.pid
        broker.configure([A, B, ("gate-c", "new")])
        with until(lambda: connected(broker.port, "gate-c", "new"), "the new terminal"):
            assert gate.alive()
            assert hub.alive()
        assert broker.pid == pid


def test_a_terminal_that_is_taken_out_is_dropped_at_once_and_not_let_in_again(
    broker: Broker,
) -> None:
    broker.start()
    with RawClient(broker.port, *A) as gone, RawClient(broker.port, *B) as stays:
        broker.configure([B])
        assert gone.next() is None
        assert stays.alive()
    with RawClient(broker.port, *A) as again:
        assert again.answer == REFUSED


# ---------------------------------------------------------------- life and death


def test_a_broker_that_was_killed_comes_back_on_the_same_port(tmp_path: Path) -> None:
    died = threading.Event()
    broker = make_broker(tmp_path, died=died.set)
    broker.start()
    try:
        port, pid = broker.port, broker.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        assert died.wait(DEADLINE_S)
        with until(lambda: connected(port, *A), "the broker on its port"):
            assert broker.pid != pid
            assert (tmp_path / "broker.pid").read_text() == str(broker.pid)
    finally:
        broker.stop()


def test_a_broker_that_was_stopped_stays_away(tmp_path: Path) -> None:
    died = threading.Event()
    broker = make_broker(tmp_path, died=died.set)
    broker.start()
    pid = broker.pid
    assert pid is not None
    broker.stop()
    assert not alive(pid)
    assert not died.is_set()
    assert not (tmp_path / "broker.pid").exists()


def test_a_stop_in_the_moment_of_a_restart_leaves_no_broker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.terminals.broker.RESTART_PAUSE_S", 0)
    broker = make_broker(tmp_path)
    broker.start()
    stopper = threading.Thread(target=broker.stop, daemon=True)
    spawn = broker._spawn
    pids: list[int | None] = []

    def spawn_late() -> None:
        # The watcher has decided to start it again, and only now does `stop` come.
        stopper.start()
        assert broker._stopping.wait(DEADLINE_S)
        spawn()
        pids.append(broker.pid)

    monkeypatch.setattr(broker, "_spawn", spawn_late)
    first = broker.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    until(lambda: pids, "the restart")
    stopper.join(5)
    left = [pid for pid in pids if pid is not None and alive(pid)]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert not stopper.is_alive()
    assert left == []


HUB_THAT_IS_KILLED = """
import os, signal, sys
from pathlib import Path
from hub.terminals.broker import Broker
broker = Broker(Path(sys.argv[1]), "127.0.0.1", int(sys.argv[2]), "password hub", lambda: None)
broker.configure([])
broker.start()
print(broker.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_broker_of_a_hub_that_was_killed_is_ended_at_the_next_start(tmp_path: Path) -> None:
    port = free_port("127.0.0.1")
    # It may have named its folder in another way.
    killed = subprocess.run(
        [sys.executable, "-c", HUB_THAT_IS_KILLED, ".", str(port)],
        capture_output=True, text=True, timeout=60, check=False,
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    orphan = int(killed.stdout)
    broker = make_broker(tmp_path, port)
    try:
        assert alive(orphan)
        broker.start()
        assert not alive(orphan)
        with RawClient(port, *A) as client:
            assert client.accepted
    finally:
        broker.stop()
        if alive(orphan):
            os.kill(orphan, signal.SIGKILL)


def test_a_process_that_is_not_our_broker_is_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        (tmp_path / "broker.pid").write_text(str(stranger.pid))
        broker = make_broker(tmp_path)
        broker.start()
        broker.stop()
        assert stranger.poll() is None
        assert stranger.stdin is not None
        stranger.communicate(b"\n", DEADLINE_S)
        assert stranger.returncode == 0


@pytest.mark.parametrize("content", ["", "not a number", "999999999", "-1", "0"])
def test_a_spoiled_process_number_is_no_obstacle(tmp_path: Path, content: str) -> None:
    (tmp_path / "broker.pid").write_text(content)
    broker = make_broker(tmp_path)
    broker.start()
    broker.stop()


def test_a_port_that_is_taken_is_told_and_nothing_is_started(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        broker = make_broker(tmp_path, port)
        with pytest.raises(PermanentError) as caught:
            broker.start()
        assert (caught.value.code, caught.value.extra) == ("HUB-1005", {"port": port})
        assert broker.pid is None
    broker.stop()


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host"])
def test_an_address_that_is_not_ours_is_not_called_a_taken_port(tmp_path: Path, host: str) -> None:
    broker = Broker(tmp_path, host, 45_000, HUB[1], lambda: None)
    broker.configure([])
    with pytest.raises(UsageError) as caught:
        broker.start()
    assert caught.value.code == "HUB-1002"
    assert caught.value.extra["key"] == "broker.host"
    broker.stop()


def test_a_broker_that_does_not_come_up_says_why(tmp_path: Path) -> None:
    broker = make_broker(tmp_path)
    (tmp_path / "broker.conf").write_text("mqtt {port: no}\n")
    with pytest.raises(PermanentError) as caught:
        broker.start()
    assert caught.value.code == "HUB-1006"
    assert "broker.conf:1" in str(caught.value.extra["reason"])
    broker.stop()


def test_a_machine_without_nats_server_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PermanentError) as caught:
        make_broker(tmp_path)
    assert caught.value.code == "HUB-1006"


def test_ctrl_c_at_the_terminal_is_not_for_the_broker(shared: Broker) -> None:
    assert shared.pid is not None
    assert os.getsid(shared.pid) != os.getsid(0)
