"""A terminal on somebody else's MQTT client: docs/protocol.md is enough to talk to a hub."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import aiomqtt
import pytest

from hub.application.ingest import Ingest
from hub.clock import now_ms
from hub.storage.inbox import InboxGroup
from hub.storage.writer import Writer
from hub.terminals.broker import Broker
from hub.terminals.mqtt import MqttLink
from hub.terminals.session import TerminalDesk
from hub.terminals.watch import TerminalWatch
from protocol.batch import encode_batch
from protocol.limits import MAC_SIZE
from protocol.mac import Mac, broker_password, context
from tests.hub.house import JOURNAL, MILAN, NOON_MS, TestHouse, people_house, record

PATIENCE_S = 20


@pytest.fixture
def intake(tmp_path: Path) -> Iterator[tuple[TestHouse, Broker, list[str]]]:
    """Broker, link, desk and writer of a hub; and the codes of its incidents."""
    with ExitStack() as stack:
        house = stack.enter_context(people_house(tmp_path / "hub"))
        incidents: list[str] = []
        writer = Writer(house.house.engine)
        links: list[MqttLink] = []

        def publish(topic: str, payload: bytes) -> None:
            links[0].publish(topic, payload)

        watch = TerminalWatch(
            lambda _at, code, _terminal, _detail: incidents.append(code), lambda: None, now_ms
        )
        desk = TerminalDesk(writer.put, publish, watch, now_ms)
        writer.start(InboxGroup(Ingest([], desk), now_ms, lambda: None))
        stack.callback(writer.stop)
        broker = Broker(tmp_path / "broker", "127.0.0.1", 0, "hub-password", died=lambda: None)
        keys = [house.gate_in, house.gate_out]
        broker.configure((key.terminal, broker_password(key.key)) for key in keys)
        broker.start()
        stack.callback(broker.stop)
        watch.replace([(key.terminal, key.name, key.direction) for key in keys])
        desk.replace(keys, {})
        subscribed = threading.Event()
        link = MqttLink(
            "127.0.0.1", broker.port, "hub", "hub-password", desk.deliver,
            lambda up: subscribed.set() if up else None,
        )  # fmt: skip
        links.append(link)
        link.start()
        stack.callback(link.stop)
        assert subscribed.wait(PATIENCE_S)
        yield house, broker, incidents


def client(house: TestHouse, broker: Broker) -> aiomqtt.Client:
    """The other client, with the gate's login."""
    return aiomqtt.Client(
        "127.0.0.1",
        broker.port,
        identifier="gate-in",
        username="gate-in",
        password=broker_password(house.gate_in.key),
    )


def test_a_batch_published_by_aiomqtt_is_kept_and_acked_under_the_key(
    intake: tuple[TestHouse, Broker, list[str]],
) -> None:
    house, broker, incidents = intake
    mac = Mac(house.gate_in.key)
    records = b"".join(record(seq, house.tag(MILAN), NOON_MS) for seq in (1, 2, 3))
    payload = encode_batch(mac, "gate-in", JOURNAL, 1, records)

    async def exchange() -> bytes:
        async with asyncio.timeout(PATIENCE_S), client(house, broker) as gate:
            await gate.subscribe("sitegate/1/gate-in/down/control", qos=1)
            await gate.publish("sitegate/1/gate-in/up/batch", payload, qos=1)
            async for message in gate.messages:
                if json.loads(bytes(message.payload)[:-MAC_SIZE])[0] == "ack":
                    return bytes(message.payload)
        raise AssertionError("no ack")

    answer = asyncio.run(exchange())
    assert json.loads(answer[:-MAC_SIZE]) == ["ack", JOURNAL.hex(), 3, []]
    assert mac.verify(context("down", "control", "gate-in"), answer[:-MAC_SIZE], answer[-MAC_SIZE:])
    assert incidents == []


def test_the_wrong_password_is_refused(intake: tuple[TestHouse, Broker, list[str]]) -> None:
    house, broker, _ = intake

    async def enter() -> None:
        stranger = aiomqtt.Client(
            "127.0.0.1", broker.port, identifier="x", username="gate-in", password="guess"
        )
        async with asyncio.timeout(PATIENCE_S), stranger:
            raise AssertionError("it was let in")

    del house
    with pytest.raises(aiomqtt.MqttError):
        asyncio.run(enter())
