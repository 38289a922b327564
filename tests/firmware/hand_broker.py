"""A hub and a broker, written by hand so that each can misbehave in a chosen way.

The hub speaks protocol version 1 and commits into a dictionary; the broker knows MQTT 3.1.1 only as
far as one gate uses it.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import struct
from collections.abc import Callable

from protocol import messages
from protocol.batch import decode_batch
from protocol.limits import ROSTER_CHUNK_ROWS, ROSTER_ROW_SIZE
from protocol.mac import Mac
from protocol.messages import decode_control, encode_control
from protocol.record import Record, unpack_record
from protocol.roster import NO_CHANGES, encode_changes, encode_chunk
from protocol.sync import Receiver
from protocol.topics import down_topic, parse_topic

UTC_S = 1_795_450_000


def packet(first: int, body: bytes) -> bytes:
    """One MQTT packet; written without the codec under test."""
    size = len(body)
    length = b""
    while True:
        length += bytes((size % 128 | (128 if size > 127 else 0),))
        size //= 128
        if not size:
            return bytes((first,)) + length + body


def text(data: bytes) -> bytes:
    """A length and the bytes."""
    return struct.pack(">H", len(data)) + data


def topics_of(body: bytes) -> list[bytes]:
    """The topics in the body of a SUBSCRIBE."""
    topics, position = [], 2
    while position < len(body):
        end = position + 2 + struct.unpack_from(">H", body, position)[0]
        topics.append(body[position + 2 : end])
        position = end + 1
    return topics


class HandHub:
    """The hub of one gate; `hear` takes what the gate published, `publish` is the carrier's.

    Attributes: version and table (roster to offer), awake (False: nobody listens); what was seen:
    names (control messages and "batch" in order), health, records, gaps, statuses.

    Args:
        terminal: id of the gate.
        key: its 32-byte key.
    """

    def __init__(self, terminal: str, key: bytes) -> None:
        self.table = b""
        self.version = 0
        self.awake = True
        self.statuses: list[tuple[bytes, bool]] = []
        self.names: list[str] = []
        self.health: list[list[int]] = []
        self.records: dict[tuple[str, int], Record] = {}
        self.gaps: list[tuple[int, int]] = []
        self.changed = asyncio.Condition()
        self._terminal = terminal
        self._mac = Mac(key)
        self._receivers: dict[str, Receiver] = {}

    async def publish(self, leaf: str, payload: bytes) -> None:
        """Publishes on one of the gate's topics at QoS 1."""
        raise NotImplementedError

    async def wait(self, predicate: Callable[[], object], timeout_s: float = 8) -> None:
        """Waits until `predicate` holds; it is looked at after each packet and connection."""
        async with asyncio.timeout(timeout_s), self.changed:
            await self.changed.wait_for(predicate)

    async def tell(self) -> None:
        """Something happened: those who wait look again."""
        async with self.changed:
            self.changed.notify_all()

    def taps(self) -> list[Record]:
        """The taps committed, in the order of their numbers."""
        kept = sorted(self.records.items(), key=lambda item: item[0][1])
        return [record for _key, record in kept if record.kind == 1]

    async def control(self, fields: list) -> None:
        """Publishes a signed control message."""
        payload = encode_control(self._mac, "down", self._terminal, fields)
        await self.publish("control", payload)

    async def offer(self, version: int, table: bytes) -> None:
        """Offers a roster."""
        self.version, self.table = version, table
        rows = len(table) // ROSTER_ROW_SIZE
        await self.control(messages.roster_offer(version, rows, hashlib.sha256(table).hexdigest()))

    async def hear(self, leaf: str, payload: bytes, retained: bool) -> None:
        """Takes one message of the gate and answers it."""
        if leaf == "status":
            self.statuses.append((payload, retained))
        elif not self.awake:
            return
        elif leaf == "batch":
            await self._take_batch(payload)
        else:
            await self._take_control(payload)

    async def _take_batch(self, payload: bytes) -> None:
        self.names.append("batch")
        batch = decode_batch(self._mac, self._terminal, payload)
        journal = batch.journal.hex()
        receiver = self._receivers.setdefault(journal, Receiver())
        for low, high in receiver.offer(batch.first, batch.count):
            for seq in range(low, high + 1):
                record = unpack_record(batch.records, (seq - batch.first) * 32)
                self.records[journal, seq] = record
            receiver.committed(low, high)
        await self._ack(journal)

    async def _take_control(self, payload: bytes) -> None:
        fields = decode_control(self._mac, "up", self._terminal, payload)
        self.names.append(fields[0])
        if fields[0] == "hello":
            receiver = self._receivers.setdefault(fields[2], Receiver())
            for low, high in receiver.hello(fields[3], fields[4]):
                self.gaps.append((low, high))
                receiver.committed(low, high)
            await self._ack(fields[2])
            if self.version > fields[6]:
                await self.offer(self.version, self.table)
        elif fields[0] == "time":
            await self.control(messages.time_answer(fields[1], fields[2], UTC_S, 0))
        elif fields[0] == "health":
            self.health.append(fields[1:])
        elif fields[0] == "roster":
            start = fields[2] * ROSTER_ROW_SIZE
            rows = self.table[start : start + ROSTER_CHUNK_ROWS * ROSTER_ROW_SIZE]
            chunk = encode_chunk(self._mac, self._terminal, fields[1], fields[2], rows)
            await self.publish("roster", chunk)
        elif fields[0] == "changes":
            versions = (fields[1], fields[2])
            none = encode_changes(self._mac, self._terminal, versions, 0, NO_CHANGES, b"")
            await self.publish("changes", none)

    async def _ack(self, journal: str) -> None:
        upto, ranges = self._receivers[journal].ack()
        await self.control(messages.ack(bytes.fromhex(journal), upto, ranges))


class HandBroker(HandHub):
    """A broker with the hub inside it, for one gate.

    Attributes: connack (return code), session_present (flag beside it), suback (code for each
    topic), greeting (bytes in place of CONNACK), subscribed (bytes in place of SUBACK), fragment
    (one byte at a time), answering (False: reads and says nothing), pubacks (False: keeps them
    back); what was seen: connects (bodies of CONNECT), topics (subscribed to), connections, pings,
    unacked (packet ids without PUBACK).
    """

    def __init__(self, terminal: str, key: bytes) -> None:
        super().__init__(terminal, key)
        self.connack = 0
        self.session_present = 0
        self.suback = 1
        self.greeting = b""
        self.subscribed = b""
        self.topics: list[bytes] = []
        self.fragment = False
        self.answering = True
        self.pubacks = True
        self.connects: list[bytes] = []
        self.pings = 0
        self.unacked: set[int] = set()
        self.connections = 0
        self.port = 0
        self._writer: asyncio.StreamWriter | None = None
        self._server: asyncio.Server | None = None
        self._packet_id = 0

    async def __aenter__(self) -> HandBroker:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        self.drop()

    async def move(self, port: int) -> None:
        """Listens on this port from now on."""
        if self._server is not None:
            self._server.close()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self.port = port

    def drop(self) -> None:
        """Closes the gate's connection."""
        if self._writer is not None:
            self._writer.close()

    async def send(self, data: bytes) -> None:
        """Sends raw bytes to the gate."""
        writer = self._writer
        assert writer is not None
        if not self.fragment:
            writer.write(data)
            await writer.drain()
            return
        for byte in data:
            writer.write(bytes((byte,)))
            await writer.drain()
            await asyncio.sleep(0)

    async def publish(self, leaf: str, payload: bytes) -> None:
        self._packet_id = self._packet_id % 65535 + 1
        body = text(down_topic(self._terminal, leaf).encode())
        self.unacked.add(self._packet_id)
        await self.send(packet(0x32, body + struct.pack(">H", self._packet_id) + payload))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self.connections += 1
        await self.tell()
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                first = (await reader.readexactly(1))[0]
                size = shift = 0
                while True:
                    byte = (await reader.readexactly(1))[0]
                    size |= (byte & 127) << shift
                    shift += 7
                    if byte < 128:
                        break
                body = await reader.readexactly(size)
                if self.answering:
                    await self._take(first, body)
                await self.tell()
        writer.close()

    async def _take(self, first: int, body: bytes) -> None:
        kind = first & 0xF0
        if kind == 0x10:
            self.connects.append(body)
            answer = packet(0x20, bytes((self.session_present, self.connack)))
            await self.send(self.greeting or answer)
        elif kind == 0x80:
            self.topics = topics_of(body)
            codes = bytes((self.suback,) * len(self.topics))
            await self.send(self.subscribed or packet(0x90, body[:2] + codes))
        elif kind == 0x40:
            self.unacked.discard(struct.unpack(">H", body)[0])
        elif kind == 0xC0:
            self.pings += 1
            await self.send(packet(0xD0, b""))
        elif kind == 0x30:
            end = 2 + struct.unpack_from(">H", body)[0]
            topic, packet_id, payload = body[2:end], body[end : end + 2], body[end + 2 :]
            if self.pubacks:
                await self.send(packet(0x40, packet_id))
            await self.hear(parse_topic(topic.decode())[2], payload, bool(first & 1))
