"""The hub's serial ports: who is there, what passes, and cables that come and go."""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hub.main import Hub
from hub.settings import BrokerSettings, SerialSettings, Settings
from hub.terminals import serial as serial_link
from hub.terminals.serial import SerialDesk, SerialLink, port_names
from protocol.batch import encode_batch
from protocol.mac import Mac
from protocol.messages import decode_control
from tests.firmware.hand_port import framed
from tests.hub.command_line import Sitegate
from tests.hub.house import JOURNAL, MILAN, NOON_MS, people_house, record
from tests.hub.patience import until
from tests.hub.serial_gate import SerialGate

BATCH, UP_CONTROL, DOWN_CONTROL, ROSTER = 66, 67, 99, 114
CONTROL = "sitegate/1/gate-1/down/control"


class Heard:
    """A link with what it delivered and told."""

    def __init__(self, *ports: str) -> None:
        self.came: list[tuple[str, bytes]] = []
        self.changes: list[tuple[str, bool]] = []
        self.reached = True
        self.link = SerialLink(
            ports,
            lambda topic, payload: self.came.append((topic, payload)),
            lambda terminal, here: self.changes.append((terminal, here)),
            lambda _terminal: self.reached,
        )


@contextmanager
def listening(*ports: Path | str) -> Iterator[Heard]:
    """A link at these ports."""
    heard = Heard(*(str(port) for port in ports))
    heard.link.start()
    try:
        yield heard
    finally:
        heard.link.stop()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gate that is silent is missed sooner, and ports are looked for more often."""
    monkeypatch.setattr(serial_link, "SILENT_S", 1.0)
    monkeypatch.setattr(serial_link, "SCAN_S", 0.05)
    monkeypatch.setattr(serial_link, "WAIT_S", 0.05)


def test_a_gate_says_who_it_is_and_is_heard(tmp_path: Path) -> None:
    with SerialGate("gate-1", tmp_path / "port") as gate, listening(gate.path) as heard:
        number, _session, reached = gate.answered()
        assert (number, reached) == (gate.number, 1)
        assert heard.changes == [("gate-1", True)]
        gate.send(BATCH, b"records")
        gate.send(UP_CONTROL, b"message")
        until(lambda: len(heard.came) == 2, "both")
        assert heard.came == [
            ("sitegate/1/gate-1/up/batch", b"records"),
            ("sitegate/1/gate-1/up/control", b"message"),
        ]
        heard.link.publish(CONTROL, b"answer")
        heard.link.publish("sitegate/1/gate-1/down/roster", bytes(1690))
        heard.link.publish("sitegate/1/gate-2/down/control", b"somebody else's")
        heard.reached = False
        assert gate.frame() == (DOWN_CONTROL, b"answer")
        assert gate.frame() == (ROSTER, bytes(1690))
        assert gate.answered()[2] == 0


def test_frames_before_the_first_ping_are_nobodys(tmp_path: Path) -> None:
    with SerialGate("gate-1", tmp_path / "port") as gate, listening(gate.path) as heard:
        gate.send(BATCH, b"records")
        gate.answered()
        gate.send(BATCH, b"more")
        until(lambda: heard.came, "the second")
        assert heard.came == [("sitegate/1/gate-1/up/batch", b"more")]


NOISE = [
    b"\0\0\0",
    b"Traceback (most recent call last):\r\n",
    bytes(range(1, 256)) * 12,
    framed(BATCH, b"x" * 300)[:77],
    framed(BATCH, b"x" * 300)[77:],
    framed(80, b"\x02\0\0\0\0gate-1"),
    framed(80, b"\x01\0\0\0\0NOT A GATE"),
    framed(DOWN_CONTROL, b"an echo"),
    framed(200, b"no such code"),
]


def test_noise_and_half_frames_between_frames_are_dropped(tmp_path: Path) -> None:
    with SerialGate("gate-1", tmp_path / "port") as gate, listening(gate.path) as heard:
        gate.answered()
        for number, noise in enumerate(NOISE):
            gate.write(noise)
            gate.send(BATCH, bytes((number,)))
            until(lambda number=number: len(heard.came) == number + 1, "the frame behind it")
        assert [payload for _topic, payload in heard.came] == [bytes((n,)) for n in range(9)]
        assert heard.changes == [("gate-1", True)]
        gate.answered()


def test_a_port_that_comes_goes_and_comes_back_under_another_name(tmp_path: Path) -> None:
    first = SerialGate("gate-1", tmp_path / "usb-Board_1-if00")
    with listening(tmp_path / "usb-Board_*") as heard:
        with first:
            _number, session, _ = first.answered()
            first.write(framed(BATCH, b"x" * 100)[:50])
        until(lambda: heard.changes == [("gate-1", True), ("gate-1", False)], "its end")
        assert heard.link.terminals() == []
        second = SerialGate("gate-1", tmp_path / "usb-Board_2-if00")
        with second:
            assert second.answered()[1] != session
            assert heard.link.terminals() == ["gate-1"]
            second.send(BATCH, b"whole")
            until(lambda: heard.came, "the frame")
            heard.link.publish(CONTROL, b"here")
            assert second.frame() == (DOWN_CONTROL, b"here")
        with first:
            first.answered()
    assert [payload for _topic, payload in heard.came] == [b"whole"]


def test_a_gate_that_falls_silent_has_gone(tmp_path: Path) -> None:
    with SerialGate("gate-1", tmp_path / "port") as gate, listening(gate.path) as heard:
        gate.answered()
        until(lambda: heard.changes[-1] == ("gate-1", False), "its end")
        gate.answered()
        assert heard.changes[-1] == ("gate-1", True)


def test_another_gate_at_the_same_port(tmp_path: Path) -> None:
    with SerialGate("gate-1", tmp_path / "port") as gate, listening(gate.path) as heard:
        gate.answered()
        gate.terminal = "gate-2"
        gate.answered()
        assert heard.changes == [("gate-1", True), ("gate-1", False), ("gate-2", True)]
        assert heard.link.present("gate-2")
        assert not heard.link.present("gate-1")


def test_a_gate_that_reads_nothing_holds_up_nobody(tmp_path: Path) -> None:
    with (
        SerialGate("gate-1", tmp_path / "one") as deaf,
        SerialGate("gate-2", tmp_path / "two") as other,
        listening(tmp_path / "*") as heard,
    ):
        deaf.answered()
        other.answered()
        started = time.monotonic()
        for _ in range(2000):
            heard.link.publish("sitegate/1/gate-1/down/roster", b"\1" * 1690)
        assert time.monotonic() - started < 5  # each would have waited for ever
        (port,) = [p for p in heard.link._ports.values() if p.terminal == "gate-1"]
        assert port._queued <= serial_link.QUEUE_BYTES
        other.answered()
        # What it says is still heard, and when it reads again it gets whole frames.
        deaf.ping()
        deaf.send(BATCH, b"records")
        until(lambda: heard.came, "its records")
        assert deaf.frame() == (ROSTER, b"\1" * 1690)


def test_a_device_with_two_names_is_opened_once(tmp_path: Path) -> None:
    with SerialGate("gate-1", tmp_path / "by-id") as gate:
        also = tmp_path / "also"
        also.symlink_to(gate.path)
        gone = tmp_path / "gone"
        gone.symlink_to(tmp_path / "nothing")
        wanted = [str(gate.path), str(tmp_path / "*"), "socket://192.0.2.1:4001"]
        assert port_names(wanted) == [str(gate.path), "socket://192.0.2.1:4001"]


def test_a_port_in_use_is_taken_when_it_is_free(tmp_path: Path) -> None:
    with SerialGate("gate-1", tmp_path / "port") as gate:
        other = os.open(gate.path, os.O_RDWR | os.O_NOCTTY)
        fcntl.flock(other, fcntl.LOCK_EX)
        with listening(gate.path) as heard:
            until(lambda: heard.link._told, "the refusal")
            gate.ping()
            assert gate.frame(0.3) is None
            os.close(other)
            gate.answered()
            assert heard.link._told == {}


def test_a_serial_server_in_the_network(tmp_path: Path) -> None:
    del tmp_path
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        address = f"socket://127.0.0.1:{server.getsockname()[1]}"
        with listening(address) as heard:
            for _ in range(2):  # it comes back after a cut
                connection, _ = server.accept()
                with connection:
                    connection.settimeout(10)
                    ping = framed(80, struct.pack("<BI", 1, 7) + b"gate-1")

                    def here(connection=connection, ping=ping) -> bool:
                        # What comes before pyserial has opened it is dropped, as on a real port.
                        connection.sendall(ping)
                        return heard.link.present("gate-1")

                    until(here, "the gate")
                    assert connection.recv(100).startswith(b"\0")
                until(lambda: not heard.link.present("gate-1"), "its end")


def test_an_address_of_no_known_kind_is_only_reported() -> None:
    with listening("telnet://127.0.0.1:1", "/dev/does-not-exist") as heard:
        until(lambda: heard.link._told, "the report")
        assert list(heard.link._told) == ["telnet://127.0.0.1:1"]


# ---------------------------------------------------------------- with MQTT beside it


class Desk:
    """What a `SerialDesk` passed on."""

    def __init__(self, path: Path) -> None:
        self.told: list[tuple[str, bytes]] = []
        self.desk = SerialDesk(
            [str(path)], lambda topic, payload: self.told.append((topic, payload))
        )


STATUS = "sitegate/1/gate-1/up/status"


def test_a_gate_is_online_while_it_is_on_one_of_its_links(tmp_path: Path) -> None:
    with SerialGate("gate-1", tmp_path / "port") as gate:
        heard = Desk(gate.path)
        heard.desk.start()
        try:
            heard.desk.deliver_mqtt(STATUS, b"online")
            gate.answered()
            assert heard.told == [(STATUS, b"online"), (STATUS, b"online")]
            # Its Wi-Fi goes: it is still there.
            heard.desk.deliver_mqtt(STATUS, b"offline")
            assert len(heard.told) == 2
            # The broker took the statuses of all gates along.
            heard.desk.broker_lost()
            assert heard.told[2:] == [(STATUS, b"online")]
            until(lambda: heard.told[3:] == [(STATUS, b"offline")], "its end")
            # With Wi-Fi back, the end of the cable is not the end of the gate.
            gate.answered()
            heard.desk.deliver_mqtt(STATUS, b"online")
            count = len(heard.told)
            gate.unplug()
            until(lambda: not heard.desk._link.terminals(), "the end of the cable")
            heard.desk.deliver_mqtt("sitegate/1/gate-1/up/batch", b"records")
            assert heard.told[count:] == [("sitegate/1/gate-1/up/batch", b"records")]
            heard.desk.deliver_mqtt(STATUS, b"offline")
            assert heard.told[-1] == (STATUS, b"offline")
        finally:
            heard.desk.stop()


@pytest.mark.processes
def test_a_tap_over_the_cable_is_kept_and_acked(tmp_path: Path) -> None:
    with (
        people_house(tmp_path / "hub") as house,
        SerialGate("gate-in", tmp_path / "port") as gate,
    ):
        settings = Settings(
            data=tmp_path / "hub",
            broker=BrokerSettings(port=0),
            serial=SerialSettings(ports=[str(gate.path)]),
        )
        hub = Hub(settings, lambda: NOON_MS)
        try:
            hub.start()
            gate.answered()
            mac = Mac(house.gate_in.key)
            until(lambda: hub.watch.gates()[0].online, "the gate online")
            batch = encode_batch(mac, "gate-in", JOURNAL, 1, record(1, house.tag(MILAN), NOON_MS))
            forged = encode_batch(
                Mac(bytes(32)), "gate-in", JOURNAL, 1, record(1, house.tag(MILAN), NOON_MS)
            )
            gate.send(BATCH, forged)
            gate.send(BATCH, batch)
            names = []
            while not names or names[-1] != "ack":
                frame = gate.frame()
                assert frame is not None
                if frame[0] == DOWN_CONTROL:
                    names.append(decode_control(mac, "down", "gate-in", frame[1])[0])
            gate_in = next(g for g in hub.watch.gates() if g.terminal_id == "gate-in")
            assert gate_in.last_incident_code == "HUB-1202"
            gate.unplug()
            until(
                lambda: (
                    [g.online for g in hub.watch.gates() if g.terminal_id == "gate-in"] == [False]
                ),
                "the gate offline",
            )
        finally:
            hub.stop()


# ---------------------------------------------------------------- commands


def test_doctor_looks_at_each_port(sitegate: Sitegate, tmp_path: Path) -> None:
    with SerialGate("gate-1", tmp_path / "there") as gate:
        ports = [str(gate.path), str(tmp_path / "missing"), "socket://127.0.0.1:4001"]
        listed = ", ".join(f'"{port}"' for port in ports)
        (tmp_path / "sitegate.toml").write_text(f"[serial]\nports = [{listed}]\n")
        said = sitegate("doctor", "--json")
        found = [
            (f["state"], f["code"], f["values"]["port"])
            for f in said.json["findings"]
            if f["subject"] == "serial"
        ]
        assert found == [
            ("ok", "doctor.serial", ports[0]),
            ("warning", "HUB-1232", ports[1]),
            ("ok", "doctor.serial", ports[2]),
        ]
        assert "HUB-1232" in sitegate("doctor").out
