"""The limit: a hub that stores nothing, checks nothing and answers each read with one ack.

What is left is the broker, one event loop and the load maker. Run as
`python -m bench.subjects.echo HOST PORT PASSWORD`; prints a line when subscribed.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import sys

from protocol import mqtt
from protocol.limits import MAC_SIZE

SUBSCRIPTION = "sitegate/1/+/up/batch"
HEADER = struct.Struct(">BB")


class Echo(asyncio.Protocol):
    """Finds terminal, journal and last sequence number of each batch and acks it."""

    def __init__(self, password: str) -> None:
        self._password = password
        self._buffer = b""
        self._upto: dict[bytes, tuple[bytes, int]] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Logs in and subscribes in one write."""
        self._transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connect = mqtt.connect("hub", "hub", self._password, 60, "sitegate/1/x/down/x", b"")
        transport.write(connect + mqtt.subscribe(1, [SUBSCRIPTION], 0))  # pyright: ignore

    def data_received(self, data: bytes) -> None:
        """Takes every whole packet of what has arrived, then writes one ack per terminal."""
        buffer = self._buffer + data if self._buffer else data
        position, end = 0, len(buffer)
        latest: dict[bytes, tuple[bytes, int]] = {}
        while end - position >= 2:
            length, start = buffer[position + 1], position + 2
            if length > 127:
                if end - position < 3:
                    break
                length, start = (length & 127) | buffer[position + 2] << 7, position + 3
            if end - start < length:
                break
            kind = buffer[position] & 0xF0
            if kind == 0x30:
                topic_end = start + 2 + (buffer[start] << 8 | buffer[start + 1])
                payload = topic_end
                last = int.from_bytes(
                    buffer[start + length - MAC_SIZE - 32 : start + length - MAC_SIZE - 28],
                    "little",
                )
                latest[buffer[start + 2 : topic_end]] = (buffer[payload + 2 : payload + 10], last)
            elif kind == 0x90:
                print("ready", flush=True)
            position = start + length
        self._buffer = buffer[position:]
        out = []
        for topic, (journal, last) in latest.items():
            terminal = topic.split(b"/")[2].decode()
            fields = json.dumps(["ack", journal.hex(), last, []]).encode() + bytes(MAC_SIZE)
            down = f"sitegate/1/{terminal}/down/control"
            out.append(mqtt.publish(down, fields, 0, 0, False, False))
        if out:
            self._transport.write(b"".join(out))  # pyright: ignore[reportAttributeAccessIssue]


async def main(host: str, port: int, password: str) -> None:
    """Runs until the process is ended."""
    await asyncio.get_running_loop().create_connection(lambda: Echo(password), host, port)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
