"""The two brokers a gate meets, as processes, with the configuration the hub writes for them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
from pathlib import Path
from typing import Literal

import pytest

from hub.terminals.broker import broker_config, broker_program
from hub.terminals.certificates import Certificates, client_context
from hub.terminals.mosquitto import CONFIG, Login, write_config
from protocol import mqtt
from protocol.mac import broker_password
from protocol.topics import down_topic, parse_topic
from tests.firmware.hand_broker import HandHub
from tests.firmware.rig import KEY, TERMINAL

Kind = Literal["nats", "mosquitto"]
KINDS: tuple[Kind, ...] = ("nats", "mosquitto")
WAIT_S = 15.0
HUB_PASSWORD = "of-the-hub"


def free_port() -> int:
    """A loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def mosquitto_program() -> str:
    """Path of Mosquitto, which Debian keeps where only root looks; the test is skipped without."""
    found = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        pytest.skip("no mosquitto on this machine: apt-get install mosquitto")
    return found


class RealBroker:
    """One broker process on one port; ends with the context.

    Args:
        kind: which.
        folder: for its files.
        certificates: for TLS; `ensure` was called. None for plain MQTT.
        passwords: of the terminals; one gate with its own by default.
    """

    def __init__(
        self,
        kind: Kind,
        folder: Path,
        certificates: Certificates | None = None,
        passwords: dict[str, str] | None = None,
    ) -> None:
        self.kind: Kind = kind
        self.port = free_port()
        self.certificates = certificates
        self._folder = folder
        self._passwords = passwords or {TERMINAL: broker_password(KEY)}
        self._process: asyncio.subprocess.Process | None = None
        self._program = mosquitto_program() if kind == "mosquitto" else broker_program()

    async def __aenter__(self) -> RealBroker:
        self.configure(self._passwords)
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()

    def configure(self, passwords: dict[str, str]) -> None:
        """Writes the files for these terminals; taken over at the next start."""
        server = self.certificates.server_file if self.certificates else None
        if self.kind == "nats":
            text = broker_config(
                store=self._folder / "store", host="0.0.0.0", port=self.port,
                hub_password=HUB_PASSWORD, terminals=passwords.items(), server_file=server,
            )  # fmt: skip
            (self._folder / "nats.conf").write_text(text)
            return
        logins = [Login(*login) for login in passwords.items()]
        write_config(
            self._folder / "mosquitto", "0.0.0.0", self.port, Login("hub", HUB_PASSWORD), logins,
            server.read_bytes() if server else None, "",
        )  # fmt: skip
        if os.geteuid() == 0:
            # It would become the user `mosquitto`, who may not look into this test's folder.
            with (self._folder / "mosquitto" / CONFIG).open("a") as file:
                file.write("user root\n")

    async def start(self) -> None:
        """Starts it and returns when it listens."""
        config = "nats.conf" if self.kind == "nats" else f"mosquitto/{CONFIG}"
        with (self._folder / f"{self.kind}.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                self._program, "-c", str(self._folder / config), stdout=log, stderr=log
            )
        async with asyncio.timeout(WAIT_S):
            while self._process.returncode is None:
                with contextlib.suppress(OSError):
                    _reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                    writer.close()
                    return
                await asyncio.sleep(0.02)
        raise AssertionError((self._folder / f"{self.kind}.log").read_text(errors="replace"))

    async def kill(self) -> None:
        """Ends it at once, as a power cut would."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


class ClientHub(HandHub):
    """The hub as a client of a real broker, on the protocol's own codec."""

    def __init__(self) -> None:
        super().__init__(TERMINAL, KEY)
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._serving: asyncio.Task[None] | None = None
        self._packet_id = 1

    async def connect(self, broker: RealBroker) -> None:
        """Connects, subscribes and serves the gate until the broker is gone or `close`."""
        context = None
        if broker.certificates is not None:
            context = client_context(broker.certificates.ca_pem())
        self._reader, self._writer = await asyncio.open_connection(
            "127.0.0.1", broker.port, ssl=context
        )
        self._writer.write(
            mqtt.connect("hub", "hub", HUB_PASSWORD, 60, "hub/status", b"gone")
            + mqtt.subscribe(1, ["sitegate/1/+/up/+"], 1)
        )
        self._serving = asyncio.create_task(self._run())

    async def publish(self, leaf: str, payload: bytes) -> None:
        assert self._writer is not None
        self._packet_id = self._packet_id % 65535 + 1
        topic = down_topic(TERMINAL, leaf)
        self._writer.write(mqtt.publish(topic, payload, 1, self._packet_id))
        await self._writer.drain()

    async def close(self) -> None:
        """Ends the connection."""
        if self._writer is not None:
            self._writer.transport.abort()
        if self._serving is not None:
            self._serving.cancel()
            await asyncio.gather(self._serving, return_exceptions=True)

    async def _run(self) -> None:
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
