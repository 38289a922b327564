"""The gate on the real broker, nats-server, with a login that may do nothing but its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from pathlib import Path

import pytest

from protocol import mqtt
from protocol.mac import broker_password
from protocol.topics import down_topic, parse_topic
from tests.firmware.hand_broker import HandHub
from tests.firmware.rig import KEY, SITE, TERMINAL, needs_vm, new_gate, roster, tool

pytestmark = [needs_vm, pytest.mark.micropython, pytest.mark.processes]

WAIT_S = 15.0
BADGE = "04a1b2c3d4e5f6"
HUB_PASSWORD = "of-the-hub"


def config(folder: Path, port: int) -> str:
    """What nats-server reads: MQTT on `port`, the gate may use its own topics only."""
    own = f"sitegate.1.{TERMINAL}"
    return f"""
server_name: test
listen: "127.0.0.1:-1"
jetstream {{store_dir: {json.dumps(str(folder / "store"))}, max_mem: 16MB, max_file: 64MB}}
mqtt {{host: "127.0.0.1", port: {port}}}
authorization {{
  users: [
    {{user: hub, password: {json.dumps(HUB_PASSWORD)}}}
    {{user: {json.dumps(TERMINAL)}, password: {json.dumps(broker_password(KEY))}, permissions: {{
      publish: [{json.dumps(own + ".up.>")}]
      subscribe: [{json.dumps(own + ".down.>")}, "$MQTT.sub.>"]
    }}}}
  ]
}}
"""


class NatsHub(HandHub):
    """The hub as a client of the broker, on the protocol's own codec."""

    def __init__(self) -> None:
        super().__init__(TERMINAL, KEY)
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._packet_id = 1

    async def connect(self, port: int) -> None:
        """Until the broker listens and has taken the subscription."""
        async with asyncio.timeout(WAIT_S):
            while self._writer is None:
                try:
                    self._reader, self._writer = await asyncio.open_connection("127.0.0.1", port)
                except ConnectionError:
                    await asyncio.sleep(0.05)
        self._writer.write(
            mqtt.connect("hub", "hub", HUB_PASSWORD, 60, "hub/status", b"gone")
            + mqtt.subscribe(1, ["sitegate/1/+/up/#"], 1)
        )

    async def publish(self, leaf: str, payload: bytes) -> None:
        assert self._writer is not None
        self._packet_id = self._packet_id % 65535 + 1
        topic = down_topic(TERMINAL, leaf)
        self._writer.write(mqtt.publish(topic, payload, 1, self._packet_id))
        await self._writer.drain()

    async def run(self) -> None:
        """Serves the gate until the broker is gone."""
        with contextlib.suppress(ConnectionError):
            await self._serve()

    async def _serve(self) -> None:
        assert self._reader is not None
        assert self._writer is not None
        packets = mqtt.PacketReader(4096)
        while data := await self._reader.read(4096):
            packets.feed(data)
            while (packet := packets.next_packet()) is not None:
                if packet[0] != "publish":
                    continue
                _name, topic, payload, qos, packet_id, _dup, retained = packet
                await self.hear(parse_topic(topic)[2], payload, retained)
                if qos:
                    self._writer.write(mqtt.puback(packet_id))
            await self.tell()

    def close(self) -> None:
        """Ends the connection."""
        if self._writer is not None:
            self._writer.close()


def test_a_tap_goes_through_the_real_broker_also_after_it_died(tmp_path: Path) -> None:
    program = tool("nats-server")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    path = tmp_path / "broker.conf"
    path.write_text(config(tmp_path, port))

    async def start() -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            program, "-c", str(path), "-l", str(tmp_path / "broker.log")
        )

    async def play() -> None:
        broker = await start()
        hub = NatsHub()
        hub.version, hub.table = 1, roster(BADGE)
        try:
            await hub.connect(port)
            serving = asyncio.create_task(hub.run())
            async with new_gate(tmp_path, port) as gate:
                await hub.wait(
                    lambda: any(r.kind == 8 and r.data[0] for r in list(hub.records.values())),
                    WAIT_S,
                )
                await gate.present(BADGE)
                await hub.wait(lambda: len(hub.taps()) == 1, WAIT_S)
                await gate.remove()
                assert (b"online", False) in hub.statuses
                broker.kill()
                await broker.wait()
                await serving
                hub.close()
                await gate.wait_panel(
                    lambda p: any(line.startswith("OFFLINE") for line in p["lines"]), WAIT_S
                )
                # The journal is the queue: what is tapped now is at the hub later.
                await gate.present("08aabbcc")
                await gate.wait_panel(lambda p: len(p["sounds"]) > 0, WAIT_S)
                broker = await start()
                again = NatsHub()
                again.records, again._receivers = hub.records, hub._receivers
                await again.connect(port)
                serving = asyncio.create_task(again.run())
                await again.wait(lambda: len(again.taps()) == 2, WAIT_S)
                await gate.wait_panel(lambda p: SITE in p["lines"], WAIT_S)
                serving.cancel()
                again.close()
        finally:
            if broker.returncode is None:
                broker.kill()
            await broker.wait()

    asyncio.run(play())
