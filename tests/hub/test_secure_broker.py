"""The hub's own broker with TLS: who may connect, and how a new certificate gets into it."""

from __future__ import annotations

import queue
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.clock import now_ms
from hub.main import Hub
from hub.settings import BrokerSettings, Settings
from hub.terminals import mqtt
from hub.terminals.broker import Broker
from hub.terminals.certificates import Certificates, client_context
from hub.terminals.mqtt import MqttLink
from tests.hub.house import NOON_MS, people_house
from tests.hub.patience import DEADLINE_S, until
from tests.hub.raw_client import RawClient

pytestmark = pytest.mark.processes
A = ("gate-a", "password a")
BATCH = "sitegate/1/gate-a/up/batch"
CONTROL = "sitegate/1/gate-a/down/control"


class Secure:
    """A broker with TLS, its certificates and how often it died unasked."""

    def __init__(self, folder: Path) -> None:
        self.died = 0
        self.certificates = Certificates(folder, "127.0.0.1", now_ms)
        self.broker = Broker(
            folder / "broker", "127.0.0.1", 0, "password hub", self._count, self.certificates
        )
        self.broker.configure([A])

    def _count(self) -> None:
        self.died += 1

    def client(self, user: str, password: str) -> RawClient:
        """A client that trusts the hub's CA."""
        context = client_context(self.certificates.ca_pem())
        return RawClient(self.broker.port, user, password, context=context)


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[Secure]:
    """A running broker with TLS."""
    secure = Secure(tmp_path)
    secure.broker.start()
    yield secure
    secure.broker.stop()


def test_who_trusts_the_hub_connects_and_who_does_not_encrypt_cannot(secure: Secure) -> None:
    with secure.client(*A) as gate:
        assert gate.accepted
        assert gate.subscribe(CONTROL)
    with RawClient(secure.broker.port, *A) as plain:
        assert plain.answer is None  # hung up
    stranger = ssl.create_default_context()
    with pytest.raises(ssl.SSLCertVerificationError):
        RawClient(secure.broker.port, *A, context=stranger)


def test_a_name_given_to_a_gate_gets_into_the_certificate_and_nobody_is_dropped(
    secure: Secure,
) -> None:
    broker = secure.broker
    pid, config = broker.pid, (broker._folder / "broker.conf").read_text()
    with secure.client("hub", broker.hub_password) as stays:
        assert stays.accepted
        broker.configure([A])
        secure.certificates.remember("hub.werf.example")
        broker.configure([A])
        with until(lambda: connected(secure), "the broker with its new certificate"):
            standing = secure.certificates.standing()
            assert standing is not None
            assert standing.missing == ()
        assert stays.alive()
    assert (broker._folder / "broker.conf").read_text() == config
    assert (broker.pid, secure.died) == (pid, 0)


def connected(secure: Secure) -> RawClient | None:
    """A client that was shown the certificate of the file, or None."""
    context = client_context(secure.certificates.ca_pem())
    context.check_hostname = False
    try:
        client = RawClient(secure.broker.port, *A, context=context)
    except OSError:
        return None
    wrapped = client._socket
    assert isinstance(wrapped, ssl.SSLSocket)
    shown = wrapped.getpeercert() or {}
    if "hub.werf.example" in str(shown.get("subjectAltName")):
        return client
    client.close()
    return None


def test_the_hubs_own_link_is_encrypted_and_loses_nothing_of_a_flood(secure: Secure) -> None:
    came: queue.Queue[tuple[str, bytes]] = queue.Queue()
    changes: queue.Queue[bool] = queue.Queue()

    def take(topic: str, payload: bytes) -> None:
        if not topic.endswith("/status"):
            came.put((topic, payload))

    broker = secure.broker
    link = MqttLink(
        broker.connect_host, broker.port, broker.hub_user, broker.hub_password, take, changes.put,
        broker.context(),
    )  # fmt: skip
    link.start()
    try:
        assert changes.get(timeout=DEADLINE_S) is True
        with secure.client(*A) as gate:
            assert gate.subscribe(CONTROL)
            payload = bytes(range(256)) * 40  # more than one TLS record in a few messages
            for number in range(300):
                gate.publish(BATCH, b"%d " % number + payload, qos=0)
            for number in range(300):
                assert came.get(timeout=DEADLINE_S) == (BATCH, b"%d " % number + payload)
            for number in range(50):
                link.publish(CONTROL, b"%d" % number)
            assert [gate.heard()[1] for _ in range(50)] == [b"%d" % n for n in range(50)]
    finally:
        link.stop()


def test_the_hubs_own_link_refuses_another_ca(
    secure: Secure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes: queue.Queue[bool] = queue.Queue()
    other = Certificates(tmp_path / "other", "127.0.0.1", now_ms)
    broker = secure.broker
    link = MqttLink(
        broker.connect_host, broker.port, "hub", broker.hub_password, lambda *_: None, changes.put,
        client_context(other.ca_pem()),
    )  # fmt: skip
    with pytest.raises(ssl.SSLCertVerificationError):
        link._client.connect(broker.connect_host, broker.port)
    # In its own thread that is an error like any other: it tries on, and ends when asked.
    refused = queue.Queue[str]()
    monkeypatch.setattr(mqtt.log, "error", lambda event, **_: refused.put(event), raising=False)
    link.start()
    for _ in range(2):
        assert refused.get(timeout=DEADLINE_S) == "broker's certificate is refused"
    link.stop()
    assert changes.empty()


@pytest.mark.parametrize(
    ("tls", "host", "encrypted"),
    [
        ("auto", "127.0.0.1", False),
        ("auto", "localhost", False),
        ("auto", "0.0.0.0", True),
        ("auto", "192.0.2.10", True),
        ("on", "127.0.0.1", True),
        ("off", "0.0.0.0", False),
    ],
)
def test_what_is_encrypted_without_being_asked(tls: str, host: str, encrypted: bool) -> None:
    assert BrokerSettings(host=host, tls=tls).encrypted is encrypted


def test_a_whole_hub_with_tls_hears_its_gates(tmp_path: Path) -> None:
    with people_house(tmp_path):
        hub = Hub(
            Settings(data=tmp_path, broker=BrokerSettings(host="0.0.0.0", port=0)), lambda: NOON_MS
        )
        try:
            port = hub.start().broker_port
            context = client_context(Certificates(tmp_path, "0.0.0.0", now_ms).ca_pem())
            with RawClient(port, "gate-in", "wrong", context=context) as client:
                assert client.answer == ("connack", False, 5)
            assert hub._link is not None
            until(hub._link._client.is_connected, "the hub's own link")
        finally:
            hub.stop()
