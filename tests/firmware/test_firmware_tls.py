"""TLS between the real firmware and both brokers, with certificates as the hub makes them."""

from __future__ import annotations

import asyncio
import struct
from datetime import UTC, datetime
from pathlib import Path

import pytest

from firmware.connection import (
    TROUBLE_CERTIFICATE,
    TROUBLE_CLOSED,
    TROUBLE_NAME,
    TROUBLE_SILENT,
    TROUBLE_TLS,
)
from hub.clock import now_ms
from hub.terminals.certificates import Certificates, _issue
from simulator.wire import Wire
from tests.firmware.real_broker import KINDS, WAIT_S, ClientHub, Kind, RealBroker
from tests.firmware.rig import needs_vm, new_gate, roster, secure_gate, told

pytestmark = [needs_vm, pytest.mark.micropython, pytest.mark.processes]

BADGE = "04a1b2c3d4e5f6"
LONG_AGO = datetime(2022, 1, 1, tzinfo=UTC)
kinds = pytest.mark.parametrize("kind", KINDS)


def issued(folder: Path) -> Certificates:
    """A CA and a certificate for 127.0.0.1, as a hub makes them."""
    certificates = Certificates(folder, "127.0.0.1", now_ms)
    certificates.ensure()
    return certificates


def expire(certificates: Certificates) -> None:
    """Puts in place of the broker's certificate one that was good for some time after LONG_AGO."""
    key, authority = certificates._open_ca()
    old = _issue(key, authority, certificates.names(), LONG_AGO)
    certificates.server_file.write_bytes(old)


@kinds
def test_taps_go_through_encrypted_and_the_gate_comes_back(tmp_path: Path, kind: Kind) -> None:
    async def play() -> None:
        certificates = issued(tmp_path)
        async with RealBroker(kind, tmp_path, certificates) as broker, Wire(broker.port) as wire:
            hub = ClientHub()
            hub.version, hub.table = 1, roster(BADGE)
            await hub.connect(broker)
            async with secure_gate(tmp_path, wire.port, certificates.ca_pem()) as gate:
                for taps in (1, 2):
                    await told(gate, rf"link 0 sessions [{taps}-9] ")
                    await hub.wait(
                        lambda: any(r.kind == 8 and r.data[0] for r in list(hub.records.values())),
                        WAIT_S,
                    )
                    await gate.present(BADGE if taps == 1 else "08aabbcc")
                    await hub.wait(lambda taps=taps: len(hub.taps()) == taps, WAIT_S)
                    await gate.remove()
                    await gate.wait_panel(lambda p: "SERVER OK" in p["lines"], WAIT_S)
                    if taps == 1:
                        await wire.cut()
                        await gate.wait_panel(lambda p: "SERVER OK" not in p["lines"], WAIT_S)
                        await wire.restore()
                assert "Traceback" not in gate.output
            await hub.close()

    asyncio.run(play())


@kinds
@pytest.mark.parametrize("fault", ["another CA", "expired", "another name"])
def test_a_certificate_that_is_not_the_hubs_is_refused(
    tmp_path: Path, kind: Kind, fault: str
) -> None:
    async def play() -> None:
        certificates = issued(tmp_path / "hub")
        if fault == "expired":
            expire(certificates)
        trusted = issued(tmp_path / "other") if fault == "another CA" else certificates
        host = "127.0.0.2" if fault == "another name" else "127.0.0.1"
        async with (
            RealBroker(kind, tmp_path, certificates) as broker,
            secure_gate(tmp_path, broker.port, trusted.ca_pem(), host) as gate,
        ):
            await told(gate, rf"link {TROUBLE_CERTIFICATE} sessions 0 ")
            # It works without the hub, tries on, and leaves the radio alone.
            await gate.present(BADGE)
            await gate.wait_panel(lambda p: p["answered"] == 1, WAIT_S)
            await gate.remove()
            assert "sessions 1" not in gate.output
            assert "rejoins 1" not in gate.output
            if fault != "expired":
                return
            # What a hub does by itself before it comes to that.
            assert certificates.ensure()
            await broker.kill()
            broker.configure({})
            await broker.start()
            await told(gate, r"link 7 sessions 0 ")  # TROUBLE_LOGIN: TLS stands

    asyncio.run(play())


@kinds
def test_a_gate_that_knows_the_hub_by_name_asks_for_its_address_and_checks_the_name(
    tmp_path: Path, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def play() -> None:
        certificates = issued(tmp_path)
        certificates.remember("Hub.Werf.Example")
        assert certificates.ensure()
        async with RealBroker(kind, tmp_path, certificates) as broker:
            loop = asyncio.get_running_loop()
            names, server = await loop.create_datagram_endpoint(NameServer, ("127.0.0.1", 0))
            port = names.get_extra_info("sockname")[1]
            monkeypatch.setenv("NAME_SERVER_PORT", str(port))
            ca = certificates.ca_pem()
            async with secure_gate(tmp_path, broker.port, ca, "hub.werf.example") as gate:
                await told(gate, rf"link {TROUBLE_NAME} sessions 0 ")
                server.answering = True
                line = await told(gate, r"link 0 sessions 1 ")
                server.answering = False
                # Without a name server the address of the last time is good enough.
                await broker.kill()
                await told(gate, r"link [^0]", line)
                await broker.start()
                await told(gate, r"link 0 sessions [2-9] ", line)
            names.close()
            assert server.asked == {"hub.werf.example"}

    asyncio.run(play())


class NameServer(asyncio.DatagramProtocol):
    """Knows one address for every name: 127.0.0.1; behind an alias, as name servers answer."""

    def __init__(self) -> None:
        self.answering = False
        self.asked: set[str] = set()
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        labels, position = [], 12
        while size := data[position]:
            labels.append(data[position + 1 : position + 1 + size].decode())
            position += size + 1
        self.asked.add(".".join(labels))
        if not self.answering or self._transport is None:
            return
        question = data[12 : position + 5]
        alias = b"\xc0\x0c" + struct.pack(">HHIH", 5, 1, 60, 6) + b"\x03www\xc0\x0c"
        address = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + bytes((127, 0, 0, 1))
        header = data[:2] + struct.pack(">HHHHH", 0x8180, 1, 2, 0, 0)
        self._transport.sendto(header + question + alias + address, addr)


def test_a_handshake_that_never_ends_is_given_up_and_is_not_the_radios_fault(
    tmp_path: Path,
) -> None:
    async def play() -> None:
        certificates = issued(tmp_path)
        async with (
            RealBroker("nats", tmp_path, certificates) as broker,
            Wire(broker.port) as wire,
        ):
            await wire.stall()
            async with secure_gate(tmp_path, wire.port, certificates.ca_pem()) as gate:
                await told(gate, rf"link {TROUBLE_SILENT} sessions 0 ")
                await wire.restore()
                await told(gate, r"link 0 sessions 1 ")
                assert "rejoins 1" not in gate.output

    asyncio.run(play())


@kinds
def test_a_gate_never_falls_back_to_plain_text(tmp_path: Path, kind: Kind) -> None:
    async def play() -> None:
        certificates = issued(tmp_path)
        async with (
            RealBroker(kind, tmp_path) as broker,
            secure_gate(tmp_path, broker.port, certificates.ca_pem()) as gate,
        ):
            await told(gate, rf"link ({TROUBLE_TLS}|{TROUBLE_CLOSED}) sessions 0 ")
            assert "sessions 1" not in gate.output

    asyncio.run(play())


@kinds
def test_a_gate_without_encryption_gets_no_session_from_an_encrypted_broker(
    tmp_path: Path, kind: Kind
) -> None:
    async def play() -> None:
        async with RealBroker(kind, tmp_path, issued(tmp_path)) as broker:
            app = "tests.firmware.board_scripts.telling_gate"
            async with new_gate(tmp_path, broker.port, app) as gate:
                # A TLS alert is no MQTT; or the broker just hangs up.
                await told(gate, r"link (8|9|10) sessions 0 ")
                assert "sessions 1" not in gate.output

    asyncio.run(play())


def test_a_ca_that_is_none_keeps_the_gate_off_and_alive(tmp_path: Path) -> None:
    async def play() -> None:
        async with RealBroker("nats", tmp_path, issued(tmp_path)) as broker:
            for number, ca in enumerate(("rubbish", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END")):
                async with secure_gate(tmp_path / str(number), broker.port, ca) as gate:
                    await told(gate, rf"link ({TROUBLE_CERTIFICATE}|{TROUBLE_TLS}) sessions 0 ")
                    await gate.present(BADGE)
                    await gate.wait_panel(lambda p: p["answered"] == 1, WAIT_S)

    asyncio.run(play())
