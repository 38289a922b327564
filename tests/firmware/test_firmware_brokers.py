"""The gate on the brokers of real sites, nats-server and Mosquitto, with a login that may do
nothing but its own."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from firmware.connection import TROUBLE_LOGIN, TROUBLE_NO_BROKER, TROUBLE_SILENT
from protocol import mqtt
from protocol.mac import broker_password
from simulator.gate import Gate, Panel
from simulator.wire import Wire
from tests.firmware.real_broker import HUB_PASSWORD, KINDS, WAIT_S, ClientHub, Kind, RealBroker
from tests.firmware.rig import KEY, TELLING, TERMINAL, needs_vm, new_gate, roster, told

pytestmark = [needs_vm, pytest.mark.micropython, pytest.mark.processes]

BADGE = "04a1b2c3d4e5f6"
STATUS = f"sitegate/1/{TERMINAL}/up/status"
kinds = pytest.mark.parametrize("kind", KINDS)


def offline(panel: Panel) -> bool:
    return any(line.startswith("OFFLINE") for line in panel["lines"])


async def has_roster(hub: ClientHub) -> None:
    """Until the gate has told which roster decides."""
    await hub.wait(lambda: any(r.kind == 8 and r.data[0] for r in list(hub.records.values())), 15)


async def tap(gate: Gate, hub: ClientHub) -> None:
    """A tap that is at the hub before the badge is taken away."""
    before = len(hub.taps())
    await gate.present(BADGE)
    await hub.wait(lambda: len(hub.taps()) > before, WAIT_S)
    await gate.remove()


async def stranger(
    broker: RealBroker, user: str, password: str, client_id: str
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, tuple[object, ...] | None]:
    """Another client, and the broker's answer to it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", broker.port)
    writer.write(mqtt.connect(client_id, user, password, 60, STATUS, b"offline"))
    return reader, writer, await packet(reader)


async def packet(reader: asyncio.StreamReader) -> tuple[object, ...] | None:
    """The next packet; None when the broker ended the connection."""
    packets = mqtt.PacketReader(4096)
    async with asyncio.timeout(WAIT_S):
        while (found := packets.next_packet()) is None:
            data = await reader.read(1)
            if not data:
                return None
            packets.feed(data)
    return found


@kinds
def test_a_tap_goes_through_also_after_the_broker_died(tmp_path: Path, kind: Kind) -> None:
    async def play() -> None:
        async with RealBroker(kind, tmp_path) as broker:
            hub = ClientHub()
            hub.version, hub.table = 1, roster(BADGE)
            await hub.connect(broker)
            async with new_gate(tmp_path, broker.port) as gate:
                await has_roster(hub)
                await tap(gate, hub)
                assert (b"online", False) in hub.statuses
                await broker.kill()
                await hub.close()
                await gate.wait_panel(offline, WAIT_S)
                # The journal is the queue: what is tapped now is at the hub later.
                await gate.present("08aabbcc")
                await gate.wait_panel(lambda p: p["answered"] == 2, WAIT_S)
                await broker.start()
                again = ClientHub()
                again.records, again._receivers = hub.records, hub._receivers
                await again.connect(broker)
                await again.wait(lambda: len(again.taps()) == 2, WAIT_S)
                await gate.wait_panel(lambda p: "SERVER OK" in p["lines"], WAIT_S)
                await again.close()
            assert gate.output == ""

    asyncio.run(play())


@kinds
def test_the_last_will_is_kept_for_whoever_comes_later(tmp_path: Path, kind: Kind) -> None:
    async def play() -> None:
        async with RealBroker(kind, tmp_path) as broker:
            hub = ClientHub()
            await hub.connect(broker)
            async with new_gate(tmp_path, broker.port) as gate:
                await hub.wait(lambda: (b"online", False) in hub.statuses, WAIT_S)
                await gate.power_off()
                await hub.wait(lambda: (b"offline", False) in hub.statuses, WAIT_S)
            await hub.close()
            later = ClientHub()
            await later.connect(broker)
            await later.wait(lambda: (b"offline", True) in later.statuses, WAIT_S)
            await later.close()

    asyncio.run(play())


@kinds
def test_a_login_that_is_refused_is_tried_again_until_it_is_let_in(
    tmp_path: Path, kind: Kind
) -> None:
    async def play() -> None:
        async with (
            RealBroker(kind, tmp_path, passwords={TERMINAL: "another"}) as broker,
            new_gate(tmp_path, broker.port, TELLING) as gate,
        ):
            await told(gate, rf"link {TROUBLE_LOGIN} sessions 0 refused 2 resets 0 rejoins 0")
            await broker.kill()
            await told(gate, rf"link {TROUBLE_NO_BROKER} sessions 0")
            broker.configure({TERMINAL: broker_password(KEY)})
            await broker.start()
            await told(gate, r"link 0 sessions 1 ")

    asyncio.run(play())


@kinds
def test_a_gate_whose_connection_is_taken_over_comes_back(tmp_path: Path, kind: Kind) -> None:
    async def play() -> None:
        async with RealBroker(kind, tmp_path) as broker:
            hub = ClientHub()
            hub.version, hub.table = 1, roster(BADGE)
            await hub.connect(broker)
            async with new_gate(tmp_path, broker.port, TELLING) as gate:
                await has_roster(hub)
                password = broker_password(KEY)
                reader, writer, answer = await stranger(broker, TERMINAL, password, TERMINAL)
                assert answer == ("connack", False, 0)
                # The gate takes it back: the broker ends the stranger's connection.
                assert await packet(reader) is None
                writer.close()
                await tap(gate, hub)
                await told(gate, r"link 0 sessions [2-9] refused 0 resets 0 rejoins 0")
            await hub.close()

    asyncio.run(play())


@kinds
def test_no_other_login_can_push_the_gate_off(tmp_path: Path, kind: Kind) -> None:
    async def play() -> None:
        passwords = {TERMINAL: broker_password(KEY), "gate-2": "other"}
        async with RealBroker(kind, tmp_path, passwords=passwords) as broker:
            hub = ClientHub()
            hub.version, hub.table = 1, roster(BADGE)
            await hub.connect(broker)
            async with new_gate(tmp_path, broker.port, TELLING) as gate:
                await has_roster(hub)
                reader, writer = await asyncio.open_connection("127.0.0.1", broker.port)
                status = "sitegate/1/gate-2/up/status"
                writer.write(mqtt.connect(TERMINAL, "gate-2", "other", 60, status, b"offline"))
                await packet(reader)
                await tap(gate, hub)
                writer.close()
                if kind == "mosquitto":
                    assert "sessions 2" not in gate.output
            await hub.close()

    asyncio.run(play())


@kinds
def test_a_link_that_stalls_is_found_and_left(tmp_path: Path, kind: Kind) -> None:
    async def play() -> None:
        async with RealBroker(kind, tmp_path) as broker, Wire(broker.port) as wire:
            hub = ClientHub()
            hub.version, hub.table = 1, roster(BADGE)
            await hub.connect(broker)
            async with new_gate(tmp_path, wire.port, TELLING) as gate:
                await has_roster(hub)
                await wire.stall()
                await told(gate, rf"link {TROUBLE_SILENT} sessions 1 ")
                await gate.wait_panel(offline, WAIT_S)
                await gate.present(BADGE)  # the tap path does not notice
                await gate.wait_panel(lambda p: p["arm"] == "open", WAIT_S)
                await gate.remove()
                await wire.restore()
                await hub.wait(lambda: len(hub.taps()) == 1, WAIT_S)
                # Somebody took the connection each time: it is not the radio's fault.
                assert "rejoins 1" not in gate.output
                assert "resets 1" not in gate.output
            await hub.close()

    asyncio.run(play())


@kinds
def test_the_real_broker_holds_the_gate_to_its_own_topics(tmp_path: Path, kind: Kind) -> None:
    async def play() -> None:
        passwords = {TERMINAL: broker_password(KEY), "gate-2": "other"}
        async with RealBroker(kind, tmp_path, passwords=passwords) as broker:
            reader, writer, answer = await stranger(broker, "hub", HUB_PASSWORD, "hub")
            assert answer == ("connack", False, 0)
            writer.write(mqtt.subscribe(1, ["sitegate/1/+/up/+"], 0))
            assert await packet(reader) == ("suback", 1, (0,))
            _, other, answer = await stranger(broker, "gate-2", "other", "gate-2")
            assert answer == ("connack", False, 0)
            for topic in (f"sitegate/1/{TERMINAL}/up/batch", "sitegate/1/gate-2/down/control"):
                other.write(mqtt.publish(topic, b"forged"))
            other.write(mqtt.publish("sitegate/1/gate-2/up/batch", b"mine"))
            found = await packet(reader)
            assert found is not None
            assert found[:3] == ("publish", "sitegate/1/gate-2/up/batch", b"mine")
            writer.close()
            other.close()

    asyncio.run(play())
