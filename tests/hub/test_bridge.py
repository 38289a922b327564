"""The bridge's command line, and that it serves the gate it was made for only."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.cli import bridge as command
from hub.clock import now_ms
from hub.errors import UsageError
from hub.terminals.bridge import (
    CAME,
    LOST,
    OTHER,
    REACHED,
    UNREACHABLE,
    UNTRUSTED,
    WENT,
    Bridge,
    BrokerLogin,
)
from hub.terminals.broker import Broker
from hub.terminals.certificates import Certificates
from protocol.mac import broker_password
from tests.hub.command_line import Sitegate, explained
from tests.hub.patience import until
from tests.hub.raw_client import RawClient
from tests.hub.serial_gate import SerialGate

KEY = bytes(range(32))
PASSWORD = broker_password(KEY)
BATCH, DOWN_CONTROL = 66, 99


def gate_file(folder: Path, **changes: object) -> Path:
    """A gate's settings file as far as a bridge reads it."""
    values: dict[str, object] = {
        "terminal": "gate-1",
        "key": KEY.hex(),
        "broker": {"host": "192.0.2.10", "port": 2883},
    }
    values |= changes
    path = folder / "gate-1.json"
    path.write_text(json.dumps({k: v for k, v in values.items() if v is not None}))
    return path


# ---------------------------------------------------------------- command line


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"key": "not hex"}, "ValueError"),
        ({"key": "11"}, "terminal, key"),
        ({"key": None}, "KeyError"),
        ({"terminal": "Not an id"}, "terminal, key"),
        ({"terminal": None}, "KeyError"),
        ({"broker": {"host": "h", "port": "x"}}, "ValueError"),
        ({"broker": "h"}, "AttributeError"),
    ],
)
def test_a_file_that_is_none_is_refused(
    sitegate: Sitegate, tmp_path: Path, changes: dict[str, object], reason: str
) -> None:
    file = gate_file(tmp_path, **changes)
    said = sitegate("bridge", "--port", "/dev/none", "--gate", str(file))
    assert said.code == 2
    explained(said, "HUB-1231", file=str(file), reason=reason)
    assert KEY.hex() not in said.err


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ([], "--broker"),
        (["--broker", "192.0.2.10:1883"], "--password"),
        (["--password", "p"], "--broker"),
        (["--password", "p", "--broker", "192.0.2.10"], "--broker"),
        (["--password", "p", "--broker", "192.0.2.10:0"], "--broker"),
        (["--password", "p", "--broker", ":1883"], "--broker"),
    ],
)
def test_what_is_missing_or_wrong_is_named(
    sitegate: Sitegate, options: list[str], key: str
) -> None:
    said = sitegate("bridge", "--port", "/dev/none", *options)
    assert said.code == 2
    assert said.err.startswith("HUB-1002")
    assert key in said.err


def test_a_missing_file_and_a_certificate_that_is_none(sitegate: Sitegate, tmp_path: Path) -> None:
    missing = tmp_path / "missing.json"
    said = sitegate("bridge", "--port", "/dev/none", "--gate", str(missing))
    explained(said, "HUB-1231", file=str(missing), reason="FileNotFoundError")
    no_certificate = tmp_path / "ca.pem"
    no_certificate.write_text("no certificate")
    said = sitegate(
        "bridge", "--port", "/dev/none", "--gate", str(gate_file(tmp_path)),
        "--ca", str(no_certificate),
    )  # fmt: skip
    assert said.err.startswith("HUB-1002")


def test_key_or_password_give_the_same_login(tmp_path: Path) -> None:
    by_key = command._read_gate(gate_file(tmp_path))
    by_password = command._read_gate(gate_file(tmp_path, key=None, password=PASSWORD))
    assert by_key == by_password
    assert (by_key.terminal, by_key.password) == ("gate-1", PASSWORD)
    assert (by_key.host, by_key.port, by_key.tls) == ("192.0.2.10", 2883, False)
    assert command._address("[2001:db8::1]:1883") == ("2001:db8::1", 1883)


def test_only_the_hubs_authority_is_believed(tmp_path: Path) -> None:
    given = command._Given(tls=True, ca="")
    with pytest.raises(UsageError):
        command._context(given)
    assert command._context(command._Given()) is None
    del tmp_path


# ---------------------------------------------------------------- carrying


class Story:
    """What a bridge told, in order."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []
        self.lock = threading.Lock()

    def __call__(self, event: str, terminal: str) -> None:
        with self.lock:
            self.told.append((event, terminal))


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A hub's broker that knows two gates."""
    broker = Broker(tmp_path / "broker", "127.0.0.1", 0, "password hub", lambda: None)
    broker.configure([("gate-1", PASSWORD), ("gate-2", "other")])
    broker.start()
    yield broker
    broker.stop()


def login(broker: Broker, terminal: str, context: ssl.SSLContext | None = None) -> BrokerLogin:
    return BrokerLogin(terminal, PASSWORD, "127.0.0.1", broker.port, context)


@pytest.mark.processes
@pytest.mark.parametrize("terminal", ["gate-1", ""], ids=["one gate", "whichever"])
def test_it_carries_both_ways_and_says_goodbye(
    tmp_path: Path, broker: Broker, terminal: str
) -> None:
    story = Story()
    with (
        SerialGate("gate-1", tmp_path / "port") as gate,
        RawClient(broker.port, "hub", "password hub") as hub,
    ):
        assert hub.subscribe("sitegate/1/gate-1/up/+")
        bridge = Bridge([str(gate.path)], login(broker, terminal), story)
        bridge.start()
        try:
            until(lambda: gate.answered()[2] == 1, "the hub reached")
            assert hub.heard() == ("sitegate/1/gate-1/up/status", b"online")
            gate.send(BATCH, b"records")
            assert hub.heard() == ("sitegate/1/gate-1/up/batch", b"records")
            hub.publish("sitegate/1/gate-1/down/control", b"answer")
            hub.publish("sitegate/1/gate-2/down/control", b"not for it")
            until(lambda: gate.frame(0.1) == (DOWN_CONTROL, b"answer"), "the answer")
        finally:
            bridge.stop()
        assert hub.heard() == ("sitegate/1/gate-1/up/status", b"offline")
    assert story.told == [(CAME, "gate-1"), (REACHED, "gate-1"), (WENT, "gate-1")]


@pytest.mark.processes
def test_while_the_broker_is_away_the_gate_is_told_so(tmp_path: Path, broker: Broker) -> None:
    story = Story()
    with SerialGate("gate-1", tmp_path / "port") as gate:
        bridge = Bridge([str(gate.path)], login(broker, "gate-1"), story)
        bridge.start()
        try:
            until(lambda: gate.answered()[2] == 1, "the hub reached")
            broker.stop()
            until(lambda: gate.answered()[2] == 0, "the hub lost")
            gate.send(BATCH, b"into nothing")
            gate.answered()
            until(lambda: (UNREACHABLE, "gate-1") in story.told, "the reason")
        finally:
            bridge.stop()
    assert (LOST, "gate-1") in story.told


@pytest.mark.processes
def test_another_gate_at_the_port_is_not_served(tmp_path: Path, broker: Broker) -> None:
    story = Story()
    with SerialGate("gate-2", tmp_path / "port") as gate:
        bridge = Bridge([str(gate.path)], login(broker, "gate-1"), story)
        bridge.start()
        try:
            assert gate.answered()[2] == 0
            gate.send(BATCH, b"records")
            assert gate.answered()[2] == 0
            gate.terminal = "gate-1"
            until(lambda: gate.answered()[2] == 1, "the right gate")
        finally:
            bridge.stop()
    assert story.told[:2] == [(OTHER, "gate-2"), (CAME, "gate-1")]


@pytest.mark.processes
def test_with_tls_only_the_hubs_own_authority_will_do(tmp_path: Path) -> None:
    certificates = Certificates(tmp_path / "hub", "127.0.0.1", now_ms)
    stranger = Certificates(tmp_path / "other", "127.0.0.1", now_ms)
    stranger.ensure()
    broker = Broker(tmp_path / "broker", "127.0.0.1", 0, "password hub", lambda: None, certificates)
    broker.configure([("gate-1", PASSWORD)])
    broker.start()
    try:
        with SerialGate("gate-1", tmp_path / "port") as gate:
            for authority, reached in ((stranger, 0), (certificates, 1)):
                given = command._Given(tls=True, ca=authority.ca_pem())
                context = command._context(given)
                story = Story()
                bridge = Bridge([str(gate.path)], login(broker, "gate-1", context), story)
                bridge.start()
                try:
                    until(lambda r=reached: gate.answered()[2] == r, "the answer")
                    if not reached:
                        until(lambda s=story: (UNTRUSTED, "gate-1") in s.told, "the refusal")
                        assert gate.answered()[2] == 0
                finally:
                    bridge.stop()
                assert ((REACHED, "gate-1") in story.told) == bool(reached)
    finally:
        broker.stop()
