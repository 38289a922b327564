"""A site's own Mosquitto: the files written for it work in the real program, as does the hub."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hub.clock import now_ms
from hub.errors import UsageError
from hub.main import Hub
from hub.settings import BrokerSettings, Settings, parse_broker_url
from hub.storage.house import open_house
from hub.terminals.broker import free_port
from hub.terminals.certificates import Certificates, client_context
from hub.terminals.external import ExternalBroker, external_password
from hub.terminals.mosquitto import (
    ACL,
    CA,
    CONFIG,
    PASSWORDS,
    SERVER,
    Login,
    config_text,
    password_line,
    write_config,
)
from protocol.mac import broker_password
from tests.hub.command_line import Sitegate
from tests.hub.house import people_house
from tests.hub.patience import until
from tests.hub.raw_client import RawClient, connected

pytestmark = pytest.mark.processes
A, B = Login("gate-a", "password a"), Login("gate-b", 'pass"word\\ b:$7$')
HUB = Login("hub", "password hub")
REFUSED = ("connack", False, 5)


@contextmanager
def mosquitto(folder: Path) -> Iterator[None]:
    """The real program on these files, for as long as the context."""
    program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        pytest.skip("no mosquitto on this machine: apt-get install mosquitto")
    config = folder / CONFIG
    if os.geteuid() == 0:
        # It would become the user `mosquitto`, who may not look into this test's folder.
        config.write_text(config.read_text() + "user root\n")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, "-c", str(config)], stdout=log, stderr=log)
    try:
        yield
        assert process.poll() is None, (folder / "log").read_text()
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A Mosquitto for two gates and the hub, without TLS."""
    folder = tmp_path_factory.mktemp("mosquitto")
    port = free_port("127.0.0.1")
    write_config(folder, "127.0.0.1", port, HUB, [A, B], None, "")
    with mosquitto(folder):
        until(lambda: answers(port), "mosquitto")
        yield port


def answers(port: int) -> bool:
    """Whether a broker answers there."""
    client = connected(port, HUB.name, HUB.password)
    if client is not None:
        client.close()
    return client is not None


def client(port: int, login: Login) -> RawClient:
    """A client with this login."""
    client = RawClient(port, login.name, login.password)
    assert client.accepted
    return client


# ---------------------------------------------------------------- the files


@pytest.mark.parametrize(
    ("user", "password"),
    [("gate-a", B.password), ("gate-a", ""), ("hub", A.password), ("gate-c", A.password)],
)
def test_a_wrong_login_is_refused(port: int, user: str, password: str) -> None:
    with RawClient(port, user, password) as client:
        assert client.answer == REFUSED


def test_nobody_comes_in_without_a_login(port: int) -> None:
    with RawClient(port, "", "") as client:
        assert client.answer is None or client.answer == REFUSED


@pytest.mark.parametrize(
    "topic",
    [
        "sitegate/1/gate-b/up/batch",
        "sitegate/1/gate-b/down/control",
        "sitegate/1/gate-a/down/control",
        "sitegate/1/gate-a/up/other",
        "sitegate/1/hub/up/batch",
        "elsewhere",
        "$SYS/broker/x",
    ],
)
def test_a_gate_may_write_its_own_topics_only(port: int, topic: str) -> None:
    with client(port, A) as gate, client(port, HUB) as hub, client(port, B) as other:
        assert hub.subscribe("sitegate/1/+/up/+", 0)
        for each in (gate, other):
            assert each.subscribe("#", 0)
        gate.publish(topic, b"forged")
        for leaf in ("batch", "control", "status"):
            gate.publish(f"sitegate/1/gate-a/up/{leaf}", b"mine")
            assert hub.heard() == (f"sitegate/1/gate-a/up/{leaf}", b"mine")
        # The broker keeps the order: what it had passed on would have come before this.
        for name, each in (("gate-a", gate), ("gate-b", other)):
            hub.publish(f"sitegate/1/{name}/down/control", b"genuine")
            assert each.heard() == (f"sitegate/1/{name}/down/control", b"genuine")


@pytest.mark.parametrize("topic", ["#", "sitegate/1/#", "sitegate/1/gate-b/down/control", "$SYS/#"])
def test_a_gate_hears_what_is_for_it_only(port: int, topic: str) -> None:
    with client(port, A) as gate, client(port, HUB) as hub, client(port, B) as other:
        gate.subscribe(topic, 0)
        assert gate.subscribe("sitegate/1/gate-a/down/roster", 0)
        other.publish("sitegate/1/gate-b/up/batch", b"of another")
        hub.publish("sitegate/1/gate-b/down/control", b"for another")
        hub.publish("sitegate/1/gate-a/down/roster", b"for me")
        assert gate.heard() == ("sitegate/1/gate-a/down/roster", b"for me")


def test_a_gate_cannot_push_another_off_by_its_client_id(port: int) -> None:
    with (
        client(port, A) as gate,
        RawClient(port, B.name, B.password, client_id="gate-a") as other,
    ):
        assert other.accepted
        assert gate.alive()


def test_a_password_line_is_what_mosquitto_passwd_writes() -> None:
    # Made with `mosquitto_passwd -b FILE gate-1 secret` of Mosquitto 2.0.11.
    line = (
        "gate-1:$7$101$LuS7tlacrb2ZXQ4Q$"
        "k85WtAz7FIHE9L0yZK1MfIEE4yN3JTExFMrMFWhvOcMFKC+O1ZJNWSt0qFnvu6L3EBXvPogMP8mJIE9Cr+swgA=="
    )
    salt = base64.b64decode("LuS7tlacrb2ZXQ4Q")
    assert password_line(Login("gate-1", "secret"), salt) == line
    assert password_line(A) != password_line(A)


def test_files_are_for_their_owner_only_and_hold_no_password(tmp_path: Path) -> None:
    write_config(tmp_path / "x", "", 8883, HUB, [A], b"server", "ca")
    files = write_config(tmp_path / "x", "", 8883, HUB, [A, B], b"server", "ca")
    assert [path.name for path in files] == [CONFIG, ACL, PASSWORDS, SERVER, CA]
    for path in files:
        assert path.stat().st_mode & 0o777 == 0o600
        assert A.password not in path.read_text()
    assert {path.name for path in (tmp_path / "x").iterdir()} == {path.name for path in files}


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError) as caught:
        write_config(tmp_path / "file" / "x", "", 8883, HUB, [], None, "")
    assert caught.value.code == "HUB-1013"


def test_an_address_that_means_all_names_none() -> None:
    assert "\nlistener 8883\n" in config_text(Path("/x"), "0.0.0.0", 8883, True)
    assert "\nlistener 1883 192.0.2.7\n" in config_text(Path("/x"), "192.0.2.7", 1883, False)


# ---------------------------------------------------------------- the hub on it


def test_a_hub_works_on_the_broker_it_wrote_the_files_for(people: Sitegate, tmp_path: Path) -> None:
    broker_port = free_port("127.0.0.1")
    (tmp_path / "sitegate.toml").write_text(
        f'[broker]\nexternal = "mqtts://127.0.0.1:{broker_port}"\n[web]\nport = 0\n'
    )
    said = people(
        "terminal", "add", "gate-1", "--out", "gate.json", "--site", "Werf Noord",
        "--wifi-ssid", "werf", "--json",
    )  # fmt: skip
    assert said.code == 0
    gate = json.loads((tmp_path / "gate.json").read_text())
    assert (gate["broker"]["host"], gate["broker"]["port"]) == ("127.0.0.1", broker_port)
    assert gate["broker"]["tls"] is True
    said = people("broker", "config", "--mosquitto", "--folder", "mosquitto", "--json")
    assert said.json["terminals"] == 1
    assert [Path(file).name for file in said.json["files"]] == [CONFIG, ACL, PASSWORDS, SERVER, CA]
    settings = Settings(
        data=Path("sitegate-data"),
        broker=BrokerSettings(external=f"mqtts://127.0.0.1:{broker_port}"),
    )
    context = client_context(gate["broker"]["ca"])
    password = broker_password(bytes.fromhex(gate["key"]))
    with mosquitto(tmp_path / "mosquitto"):
        hub = Hub(settings)
        try:
            addresses = hub.start()
            assert addresses == type(addresses)("127.0.0.1", broker_port, None)
            link = hub._link
            assert link is not None
            until(link._client.is_connected, "the hub's link")
            with RawClient(broker_port, "gate-1", password, context=context) as client:
                assert client.accepted
                until(
                    lambda: (
                        client.publish("sitegate/1/gate-1/up/status", b"online"),
                        any(gate.online for gate in hub.watch.gates()),
                    )[1],
                    "the gate at the hub",
                )
        finally:
            hub.stop()
        found = {f["subject"]: f for f in people("doctor", "--json").json["findings"]}
        assert found["broker"]["code"] == "doctor.broker_external"
    found = {f["subject"]: f for f in people("doctor", "--json").json["findings"]}
    assert (found["broker"]["state"], found["broker"]["code"]) == ("fault", "HUB-1022")
    assert found["broker"]["values"]["reason"] == "ConnectionRefusedError"


def test_a_broker_that_shows_a_foreign_certificate_is_told(
    people: Sitegate, tmp_path: Path
) -> None:
    broker_port = free_port("127.0.0.1")
    other = Certificates(tmp_path / "other", "127.0.0.1", now_ms)
    other.ensure()
    folder = tmp_path / "mosquitto"
    server = other.server_file.read_bytes()
    write_config(folder, "127.0.0.1", broker_port, HUB, [], server, other.ca_pem())
    (tmp_path / "sitegate.toml").write_text(
        f'[broker]\nexternal = "mqtts://127.0.0.1:{broker_port}"\n'
    )

    def finding() -> tuple[str, str]:
        findings = {f["subject"]: f for f in people("doctor", "--json").json["findings"]}
        return findings["broker"]["code"], findings["broker"]["values"].get("reason", "")

    with mosquitto(folder):
        until(lambda: finding()[1] != "ConnectionRefusedError", "mosquitto")
        code, reason = finding()
        assert code == "HUB-1022"
        assert "certificate" in reason
        (tmp_path / "sitegate.toml").write_text(
            f'[broker]\nexternal = "mqtts://127.0.0.1:{broker_port}"\n'
            f'external_ca = "{folder / CA}"\n'
        )
        assert finding()[0] == "doctor.broker_external"


def test_who_asks_for_no_kind_of_broker_is_told(people: Sitegate) -> None:
    said = people("broker", "config", "--folder", "x")
    assert said.code == 2
    assert said.err.startswith("HUB-1002: ")
    assert not Path("x").exists()
    assert people("broker", "config", "--mosquitto", "--folder", "x").out.count("x") >= 1
    # On this machine alone there is nothing to encrypt.
    assert not Path("x", SERVER).exists()


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("mqtt://192.0.2.5", ("192.0.2.5", 1883, False)),
        ("mqtts://broker.example", ("broker.example", 8883, True)),
        ("mqtts://[2001:db8::5]:9000/", ("2001:db8::5", 9000, True)),
        ("http://broker.example", None),
        ("broker.example", None),
        ("mqtt://", None),
        ("mqtt://hub:secret@broker.example", None),
        ("mqtt://broker.example:99999", None),
        ("mqtt://broker.example:0", None),
        ("mqtt://broker.example/path", None),
        ("mqtt://broker.example?x=1", None),
    ],
)
def test_addresses_of_brokers(url: str, found: tuple[str, int, bool] | None) -> None:
    address = parse_broker_url(url)
    assert (address and (address.host, address.port, address.tls)) == found


def test_an_existing_broker_is_asked_with_the_login_of_the_settings(tmp_path: Path) -> None:
    certificates = Certificates(tmp_path, "", now_ms)
    (tmp_path / "password").write_text("from a file\n")
    settings = BrokerSettings(
        external="mqtt://192.0.2.5",
        external_user="sitegate",
        external_password_file=str(tmp_path / "password"),
    )
    broker = ExternalBroker(settings, certificates, "made")
    assert (broker.hub_user, broker.hub_password) == ("sitegate", "from a file")
    assert broker.context() is None
    for key in ("external_password_file", "external_ca"):
        wrong = BrokerSettings(
            **{"external": "mqtts://192.0.2.5", key: str(tmp_path / "missing")}  # pyright: ignore[reportArgumentType]
        )
        with pytest.raises(UsageError) as caught:
            ExternalBroker(wrong, certificates, "made").context()
        assert caught.value.extra["key"] == f"broker.{key}"
    wrong = BrokerSettings(external="mqtts://x", external_ca=str(tmp_path / "password"))
    with pytest.raises(UsageError) as caught:
        ExternalBroker(wrong, certificates, "made").context()
    assert caught.value.extra["key"] == "broker.external_ca"


def test_the_hubs_password_there_stays_the_same_and_is_its_own(tmp_path: Path) -> None:
    with people_house(tmp_path) as house:
        first = external_password(house.house.vault)
    again = open_house(tmp_path)
    assert external_password(again.vault) == first
    again.close()
    assert len(first) == 32
