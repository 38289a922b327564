"""What a broker may send and must not: pieces, repeats, floods, and everything malformed."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import pytest

from firmware.connection import TROUBLE_BROKEN, TROUBLE_SILENT
from firmware.mqtt_link import PACKET_MAX
from protocol.mac import Mac
from protocol.messages import encode_control, roster_offer
from tests.firmware.hand_broker import HandBroker, packet, text
from tests.firmware.rig import KEY, TELLING, TERMINAL, needs_vm, new_gate, roster, told
from tests.firmware.visitor import BADGES, WAIT_S, first_contact, online, tap

pytestmark = [needs_vm, pytest.mark.micropython, pytest.mark.processes]

CONTROL = text(b"sitegate/1/gate-1/down/control")
RUBBISH = {
    "reserved": packet(0x00, b""),
    "a client's CONNECT": packet(0x10, text(b"MQTT") + b"\4\2\0\x1e" + text(b"gate-1")),
    "a client's SUBSCRIBE": packet(0x82, b"\0\1" + CONTROL + b"\0"),
    "PUBREC of QoS 2": packet(0x50, b"\0\1"),
    "UNSUBACK not asked for": packet(0xB0, b"\0\1"),
    "DISCONNECT by a server": packet(0xE0, b""),
    "AUTH of MQTT 5": packet(0xF0, b""),
    "CONNACK again": packet(0x20, b"\0\0"),
    "QoS 3": packet(0x36, CONTROL + b"\0\1x"),
    "QoS 2": packet(0x34, CONTROL + b"\0\1x"),
    "DUP at QoS 0": packet(0x38, CONTROL + b"x"),
    "packet number 0": packet(0x32, CONTROL + b"\0\0x"),
    "no packet number": packet(0x32, CONTROL + b"\0"),
    "no topic": packet(0x30, text(b"") + b"x"),
    "no length of the topic": packet(0x30, b"\0"),
    "topic longer than the packet": packet(0x30, b"\1\0short"),
    "wildcard in a topic": packet(0x30, text(b"sitegate/1/+/down/control") + b"x"),
    "topic that is no text": packet(0x30, text(b"sitegate/1/gate-1/down/\xff\xfe") + b"x"),
    "topic with a zero": packet(0x30, text(b"sitegate/1/gate-1\0/down/control") + b"x"),
    "not our topic": packet(0x30, text(b"other/topic") + b"payload"),
    "topic of another version": packet(0x30, text(b"sitegate/2/gate-1/down/control") + b"x"),
    "PUBACK too short": packet(0x40, b"\1"),
    "PUBACK too long": packet(0x40, b"\0\1\0"),
    "PUBACK of 0": packet(0x40, b"\0\0"),
    "PUBACK with flags": packet(0x42, b"\0\1"),
    "SUBACK not asked for": packet(0x90, b"\0\1\1"),
    "PINGRESP with a body": packet(0xD0, b"x"),
    "endless length": b"\x30\xff\xff\xff\xff\x01",
    "2 MB announced": b"\x30\xff\xff\x7f" + b"x" * 64,
    "one byte too long": packet(0x30, CONTROL + b"x" * (PACKET_MAX + 1 - len(CONTROL))),
}


def test_rubbish_ends_the_session_and_nothing_else(tmp_path: Path) -> None:
    async def play() -> None:
        async with HandBroker(TERMINAL, KEY) as broker:
            broker.version, broker.table = 1, roster(*BADGES)
            async with new_gate(tmp_path, broker.port, TELLING) as gate:
                await first_contact(gate, broker)
                for name, rubbish in RUBBISH.items():
                    before, line = broker.connections, len(gate.output.splitlines())
                    await broker.send(rubbish)
                    try:
                        await broker.wait(lambda before=before: broker.connections > before)
                    except TimeoutError:
                        pytest.fail(f"{name} did not end the session")
                    await told(gate, r"link 0 ", line)
                await tap(gate, BADGES[0])
                await broker.wait(lambda: broker.taps())
                assert f"link {TROUBLE_BROKEN} " in gate.output
                assert "refused 1" not in gate.output
                assert "rejoins 1" not in gate.output
                assert "Traceback" not in gate.output

    asyncio.run(play())


@pytest.mark.parametrize(
    ("greeting", "subscribed"),
    [
        (packet(0x20, b"\2\0"), b""),
        (packet(0x20, b"\0"), b""),
        (packet(0x22, b"\0\0"), b""),
        (packet(0xD0, b""), b""),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", b""),
        (b"", packet(0x90, b"\0\x09\1\1\1\1")),
        (b"", packet(0x90, b"\0\1\1\1")),
        (b"", packet(0x90, b"\0\1\3\3\3\3")),
        (b"", packet(0x90, b"\0\1")),
    ],
    ids=[
        "CONNACK with flags", "CONNACK too short", "CONNACK of another kind", "no CONNACK",
        "a web server", "SUBACK of another", "SUBACK for fewer", "SUBACK of QoS 3", "empty SUBACK",
    ],
)  # fmt: skip
def test_a_handshake_that_breaks_the_standard_is_tried_again(
    tmp_path: Path, greeting: bytes, subscribed: bytes
) -> None:
    async def play() -> None:
        async with HandBroker(TERMINAL, KEY) as broker:
            broker.greeting, broker.subscribed = greeting, subscribed
            async with new_gate(tmp_path, broker.port, TELLING) as gate:
                await told(gate, rf"link ({TROUBLE_BROKEN}|{TROUBLE_SILENT}) sessions 0 ")
                await broker.wait(lambda: broker.connections >= 3)
                assert "sessions 1" not in gate.output
                assert "rejoins 1" not in gate.output  # somebody answers: not the radio's fault
                broker.greeting = broker.subscribed = b""
                await told(gate, r"link 0 sessions 1 ")

    asyncio.run(play())


def test_it_subscribes_to_all_that_is_for_it_and_minds_no_old_session(tmp_path: Path) -> None:
    async def play() -> None:
        async with HandBroker(TERMINAL, KEY) as broker:
            broker.session_present = 1
            async with new_gate(tmp_path, broker.port) as gate:
                await gate.wait_panel(online, WAIT_S)
            assert broker.topics == [
                b"sitegate/1/gate-1/down/" + leaf
                for leaf in (b"control", b"roster", b"changes", b"firmware")
            ]
            assert broker.connections == 1

    asyncio.run(play())


def test_a_message_that_comes_twice_is_taken_and_acked_twice(tmp_path: Path) -> None:
    async def play() -> None:
        async with HandBroker(TERMINAL, KEY) as broker:
            async with new_gate(tmp_path, broker.port) as gate:
                await gate.wait_panel(online, WAIT_S)
                await broker.wait(lambda: not broker.unacked)
                broker.version, broker.table = 1, roster(*BADGES)
                digest = hashlib.sha256(broker.table).hexdigest()
                offer = encode_control(
                    Mac(KEY), "down", TERMINAL, roster_offer(1, len(BADGES), digest)
                )
                for first in (0x32, 0x3A, 0x3A):  # the second and third with DUP
                    broker.unacked.add(777)
                    await broker.send(packet(first, CONTROL + b"\x03\x09" + offer))
                    await broker.wait(lambda: 777 not in broker.unacked)
                await first_contact(gate, broker)
                await tap(gate, BADGES[0])
                await broker.wait(lambda: broker.taps())
            assert broker.connections == 1

    asyncio.run(play())


def test_the_longest_packet_is_taken(tmp_path: Path) -> None:
    async def play() -> None:
        async with HandBroker(TERMINAL, KEY) as broker, new_gate(tmp_path, broker.port) as gate:
            await gate.wait_panel(online, WAIT_S)
            await broker.send(packet(0x30, CONTROL + b"x" * (PACKET_MAX - len(CONTROL))))
            pings = broker.pings
            await broker.wait(lambda: broker.pings > pings + 1)
            assert broker.connections == 1

    asyncio.run(play())


def test_a_flood_costs_neither_the_tap_nor_the_memory(tmp_path: Path) -> None:
    async def play() -> None:
        async with HandBroker(TERMINAL, KEY) as broker:
            broker.version, broker.table = 1, roster(*BADGES)
            async with new_gate(tmp_path, broker.port) as gate:
                await first_contact(gate, broker)
                heap = (await gate.counters())["heap_free"]
                flood = packet(0x30, CONTROL + bytes(64)) * 2_000
                sending = asyncio.create_task(broker.send(flood))
                await tap(gate, BADGES[0])
                assert (await gate.counters())["heap_free"] > heap - 20_000
                assert broker.connections == 1
                sending.cancel()
                broker.drop()
                await broker.wait(lambda: broker.taps())
                await gate.wait_panel(online, WAIT_S)
                assert "Traceback" not in gate.output

    asyncio.run(play())
