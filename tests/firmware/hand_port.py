"""The hub at the other end of a USB cable, written by hand so that it can misbehave."""

from __future__ import annotations

import asyncio
import contextlib
import os
import struct
from binascii import crc32
from pathlib import Path

from tests.firmware.hand_broker import HandBroker, HandHub

UP = {66: "batch", 67: "control"}
DOWN = {"control": 99, "roster": 114, "changes": 100, "firmware": 102}
PING, PONG, CONSOLE = 80, 112, 120


def framed(code: int, payload: bytes) -> bytes:
    """One frame; written without the codec under test."""
    data = bytes((code,)) + payload
    data += struct.pack("<I", crc32(data))
    out = bytearray(b"\0")
    for run in data.split(b"\0"):
        while len(run) >= 254:
            out += b"\xff" + run[:254]
            run = run[254:]
        out += bytes((len(run) + 1,)) + run
    return bytes(out) + b"\0"


def unframed(stretch: bytes) -> tuple[int, bytes] | None:
    """Code and payload of what lay between two borders, or None when it is no frame."""
    data = bytearray()
    at = 0
    while at < len(stretch):
        length = stretch[at]
        data += stretch[at + 1 : at + length]
        at += length
        if length < 255 and at < len(stretch):
            data.append(0)
    if len(data) < 5 or crc32(data[:-4]) != struct.unpack("<I", data[-4:])[0]:
        return None
    return data[0], bytes(data[1:-4])


class Line:
    """The file of a serial port, opened when it is there and again when it comes back.

    Attributes: answering (pings get pongs), reached (what they say), session, pings (terminal ids
    as they came), dropped (stretches that were no frame), heard (batches and messages), opened
    (how often).

    Args:
        path: of the port.
        hub: `hear` gets what the gate sent, `tell` is called after each read.
    """

    def __init__(self, path: Path, hub: HandHub) -> None:
        self.path = path
        self.answering = True
        self.reached = True
        self.session = 1
        self.pings: list[str] = []
        self.dropped = 0
        self.heard = 0
        self.opened = 0
        self._hub = hub
        self._file = -1
        self._stretch = bytearray()
        self._task: asyncio.Task[None] | None = None
        self._came = asyncio.Event()

    @property
    def is_open(self) -> bool:
        """Whether the port is there and open."""
        return self._file >= 0

    async def __aenter__(self) -> Line:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._close()

    def write(self, data: bytes) -> None:
        """Writes to the gate; nothing when there is no port."""
        if self._file >= 0:
            with contextlib.suppress(OSError):
                os.write(self._file, data)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            while self._file < 0:
                # A port that is plugged in sends no event to a process without udev.
                with contextlib.suppress(OSError):
                    self._file = os.open(self.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
                    self._stretch.clear()
                    self.opened += 1
                    loop.add_reader(self._file, self._came.set)
                await asyncio.sleep(0.02)
            await self._came.wait()
            self._came.clear()
            try:
                data = os.read(self._file, 4096)
            except BlockingIOError:
                continue
            except OSError:
                data = b""
            if not data:
                self._close()
            for byte in data:
                if byte:
                    self._stretch.append(byte)
                elif self._stretch:
                    stretch = bytes(self._stretch)
                    self._stretch.clear()
                    await self._take(unframed(stretch))
            await self._hub.tell()

    def _close(self) -> None:
        if self._file >= 0:
            asyncio.get_running_loop().remove_reader(self._file)
            os.close(self._file)
            self._file = -1

    async def _take(self, frame: tuple[int, bytes] | None) -> None:
        if frame is None:
            self.dropped += 1
            return
        code, payload = frame
        if code == PING:
            self.pings.append(payload[5:].decode())
            if self.answering:
                answer = payload[:5] + struct.pack("<IB", self.session, self.reached)
                self.write(framed(PONG, answer))
        elif code in UP:
            self.heard += 1
            await self._hub.hear(UP[code], payload, False)


class HandPort(HandHub):
    """A hub with one gate at its port; see `HandHub` and `Line`."""

    def __init__(self, terminal: str, key: bytes, path: Path) -> None:
        super().__init__(terminal, key)
        self.line = Line(path, self)

    async def __aenter__(self) -> HandPort:
        await self.line.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.line.__aexit__()

    async def publish(self, leaf: str, payload: bytes) -> None:
        self.line.write(framed(DOWN[leaf], payload))


class TwoWays(HandBroker):
    """A hub that its gate reaches over MQTT and over a port; it answers on both, as ours does.

    Attributes: over_mqtt (batches and messages that came through the broker).
    """

    def __init__(self, terminal: str, key: bytes, path: Path) -> None:
        super().__init__(terminal, key)
        self.line = Line(path, self)
        self.over_mqtt = 0

    async def __aenter__(self) -> TwoWays:
        await super().__aenter__()
        await self.line.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.line.__aexit__()
        await super().__aexit__()

    async def publish(self, leaf: str, payload: bytes) -> None:
        self.line.write(framed(DOWN[leaf], payload))
        if self._writer is not None and not self._writer.is_closing():
            await super().publish(leaf, payload)

    async def _take(self, first: int, body: bytes) -> None:
        if first & 0xF0 == 0x30 and b"/up/status" not in body[:60]:
            self.over_mqtt += 1
        await super()._take(first, body)
