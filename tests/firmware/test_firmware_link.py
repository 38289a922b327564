"""The whole gate on its board against a broker and hub written by hand that misbehave on demand."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from protocol.faults import READER_BACK, READER_DOWN
from protocol.mac import badge_tag, broker_password
from protocol.record import KIND_BOOT, KIND_FAULT, KIND_STORAGE_RESET, KIND_TIME_SET
from tests.firmware.hand_broker import HandBroker, text
from tests.firmware.rig import BADGE_KEY, KEY, TERMINAL, needs_vm, new_gate, roster
from tests.firmware.visitor import (
    BADGES,
    WAIT_S,
    at_rest,
    first_contact,
    offline,
    online,
    records,
    tap,
)

pytestmark = [needs_vm, pytest.mark.micropython, pytest.mark.processes]


def test_taps_reach_the_hub_in_order(tmp_path: Path) -> None:
    async def play() -> None:
        async with HandBroker(TERMINAL, KEY) as broker:
            broker.version, broker.table = 3, roster(*BADGES)
            async with new_gate(tmp_path, broker.port) as gate:
                await first_contact(gate, broker)
                for uid in BADGES:
                    panel = await tap(gate, uid)
                    assert panel["sounds"][0] == 880
                await broker.wait(lambda: len(broker.taps()) == 3)
                await broker.wait(lambda: not broker.unacked)
                await gate.wait_panel(lambda p: "TE ZENDEN 0" in p["lines"], WAIT_S)
                assert gate.output == ""
            tags = [record.data for record in broker.taps()]
            assert tags == [badge_tag(BADGE_KEY, bytes.fromhex(uid)) for uid in BADGES]
            assert all(r.direction == 1 and r.verdict == 1 for r in broker.taps())
            assert all(r.utc_s and r.quality == 2 for r in broker.taps())
            kinds = [r.kind for _k, r in sorted(broker.records.items(), key=lambda i: i[0][1])]
            assert kinds[:2] == [KIND_STORAGE_RESET, KIND_BOOT]
            assert KIND_TIME_SET in kinds[:6]
            assert broker.names[0] == "hello"
            assert broker.health

    asyncio.run(play())


def test_how_the_gate_introduces_itself(tmp_path: Path) -> None:
    async def play() -> None:
        async with HandBroker(TERMINAL, KEY) as broker, new_gate(tmp_path, broker.port):
            await broker.wait(lambda: broker.statuses)
            body = broker.connects[0]
            assert body[:8] == text(b"MQTT") + bytes((4, 0b11101110))
            assert body[8:10] == b"\x00\x1e"
            status = text(b"sitegate/1/gate-1/up/status")
            password = broker_password(KEY).encode()
            assert body[10:] == text(b"gate-1") + status + text(b"offline") + text(
                b"gate-1"
            ) + text(password)
            assert broker.statuses == [(b"online", True)]

    asyncio.run(play())


def test_a_stream_in_single_bytes(tmp_path: Path) -> None:
    async def play() -> None:
        async with HandBroker(TERMINAL, KEY) as broker:
            broker.fragment = True
            broker.version, broker.table = 1, roster(*BADGES)
            async with new_gate(tmp_path, broker.port) as gate:
                await first_contact(gate, broker)
                await tap(gate, BADGES[0])
                await broker.wait(lambda: broker.taps())
            assert broker.connections == 1

    asyncio.run(play())


def test_forged_control_changes_nothing(tmp_path: Path) -> None:
    async def play() -> None:
        async with HandBroker(TERMINAL, KEY) as broker:
            broker.version, broker.table = 1, roster(*BADGES)
            async with new_gate(tmp_path, broker.port) as gate:
                await first_contact(gate, broker)
                await broker.publish("control", b'["roster",9,0,"' + b"0" * 64 + b'"]' + bytes(16))
                await broker.publish("roster", bytes(26))
                await tap(gate, BADGES[0])
                await broker.wait(lambda: broker.taps())
            assert broker.connections == 1

    asyncio.run(play())


@pytest.mark.parametrize("refusal", ["login", "subscription"])
def test_a_refusal_is_tried_again_for_ever(tmp_path: Path, refusal: str) -> None:
    async def play() -> None:
        async with HandBroker(TERMINAL, KEY) as broker:
            if refusal == "login":
                broker.connack = 5
            else:
                broker.suback = 0x80
            async with new_gate(tmp_path, broker.port) as gate:
                await broker.wait(lambda: broker.connections >= 4)
                broker.connack, broker.suback = 0, 1
                await gate.wait_panel(online, WAIT_S)

    asyncio.run(play())


@pytest.mark.parametrize("silence", ["everything", "puback"])
def test_a_half_open_link_is_found_and_left(tmp_path: Path, silence: str) -> None:
    async def play() -> None:
        async with HandBroker(TERMINAL, KEY) as broker:
            broker.version, broker.table = 1, roster(*BADGES)
            async with new_gate(tmp_path, broker.port) as gate:
                await first_contact(gate, broker)
                before = broker.connections
                if silence == "everything":
                    broker.answering = False
                else:
                    broker.pubacks = False
                await tap(gate, BADGES[0])  # the tap path does not notice
                await broker.wait(lambda: broker.connections > before + 1)
                if silence == "everything":
                    await gate.wait_panel(offline, WAIT_S)
                broker.answering = broker.pubacks = True
                await gate.wait_panel(online, WAIT_S)
                await broker.wait(lambda: broker.taps())
            assert len(broker.taps()) == 1

    asyncio.run(play())


def test_a_half_open_link_is_found_without_anything_to_send(tmp_path: Path) -> None:
    async def play() -> None:
        async with HandBroker(TERMINAL, KEY) as broker, new_gate(tmp_path, broker.port) as gate:
            await gate.wait_panel(online, WAIT_S)
            await broker.wait(lambda: not broker.unacked)
            broker.answering = False
            await broker.wait(lambda: broker.connections > 1)
            await gate.wait_panel(offline, WAIT_S)
            broker.answering = True
            await gate.wait_panel(online, WAIT_S)

    asyncio.run(play())


def test_a_quiet_link_is_pinged(tmp_path: Path) -> None:
    async def play() -> None:
        async with HandBroker(TERMINAL, KEY) as broker, new_gate(tmp_path, broker.port) as gate:
            await gate.wait_panel(online, WAIT_S)
            await broker.wait(lambda: broker.pings >= 3)
            assert broker.connections == 1

    asyncio.run(play())


def test_a_hub_that_sleeps_behind_a_working_broker_is_offline(tmp_path: Path) -> None:
    async def play() -> None:
        async with HandBroker(TERMINAL, KEY) as broker:
            broker.version, broker.table = 1, roster(*BADGES)
            async with new_gate(tmp_path, broker.port) as gate:
                await first_contact(gate, broker)
                broker.awake = False
                await tap(gate, BADGES[0])
                await gate.wait_panel(lambda p: "OFFLINE - OK 1" in p["lines"], WAIT_S)
                assert broker.connections == 1
                broker.awake = True
                broker.drop()
                await gate.wait_panel(online, WAIT_S)
                await broker.wait(lambda: broker.taps())

    asyncio.run(play())


def test_a_dead_reader_is_reported_and_the_rest_lives_on(tmp_path: Path) -> None:
    async def play() -> None:
        async with HandBroker(TERMINAL, KEY) as broker:
            broker.version, broker.table = 1, roster(*BADGES)
            async with new_gate(tmp_path, broker.port) as gate:
                await first_contact(gate, broker)
                await gate.chip("stuck")
                await gate.wait_panel(lambda p: "LEZER DEFECT" in p["lines"], WAIT_S)
                await broker.wait(lambda: faults(broker) == [READER_DOWN])
                await gate.chip("ok")
                await gate.wait_panel(online, WAIT_S)
                await broker.wait(lambda: faults(broker) == [READER_DOWN, READER_BACK])
                await tap(gate, BADGES[0])
                await gate.chip("reset")  # a brown-out: registers are gone, the next poll sees it
                await tap(gate, BADGES[1])
                await broker.wait(lambda: len(broker.taps()) == 2)
            assert faults(broker) == [READER_DOWN, READER_BACK]

    asyncio.run(play())


def faults(broker: HandBroker) -> list[int]:
    """Codes of the reader's fault records at the hub, in order."""
    kept = sorted(broker.records.items(), key=lambda item: item[0][1])
    codes = [record.data[0] for _key, record in kept if record.kind == KIND_FAULT]
    return [code for code in codes if code in (READER_DOWN, READER_BACK)]


def test_power_and_network_come_and_go(tmp_path: Path) -> None:
    async def play() -> None:
        async with HandBroker(TERMINAL, KEY) as broker:
            broker.version, broker.table = 1, roster(*BADGES)
            async with new_gate(tmp_path, broker.port) as gate:
                await first_contact(gate, broker)
                await gate.network(False)
                await gate.wait_panel(lambda p: "GEEN WIFI" in p["lines"], WAIT_S)
                await tap(gate, BADGES[0])
                await tap(gate, BADGES[1])
                await gate.power_off()
                await gate.power_on()
                await gate.wait_panel(at_rest, WAIT_S)
                await broker.wait(lambda: len(broker.taps()) == 2)
                await gate.wait_panel(online, WAIT_S)
            assert broker.gaps == []
            journals = {journal for journal, _seq in broker.records}
            assert len(journals) == 1
            numbers = sorted(seq for _journal, seq in broker.records)
            assert numbers == list(range(1, len(numbers) + 1))
            assert {r.boot for r in broker.taps()} == {1}
            assert max(r.boot for r in records(broker)) == 2

    asyncio.run(play())
