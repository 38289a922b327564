"""Terminals that cost next to nothing, so that what is measured is the other side.

Every message is made before the clock starts: the same bytes a gate would send, with its key's MAC.
Each terminal keeps at most `window` messages without an ack and counts what the acks cover.
"""

from __future__ import annotations

import json
import selectors
import socket as sockets
import time
from dataclasses import dataclass, field

from protocol import mqtt
from protocol.batch import encode_batch
from protocol.limits import MAC_SIZE, RECORD_SIZE
from protocol.mac import Mac, broker_password
from protocol.record import (
    DIRECTION_IN,
    KIND_TAP,
    QUALITY_HUB,
    REASON_NONE,
    VERDICT_GRANTED,
    pack_record_into,
)
from protocol.topics import down_topic, up_topic

READ = 1 << 16


def tap_records(first: int, count: int, utc_ms: int, tags: list[bytes]) -> bytes:
    """Returns `count` tap records from sequence number `first` on, one millisecond apart."""
    buffer = bytearray(count * RECORD_SIZE)
    for index in range(count):
        seq = first + index
        at = utc_ms + index
        pack_record_into(
            buffer, index * RECORD_SIZE, seq, KIND_TAP, DIRECTION_IN, VERDICT_GRANTED, REASON_NONE,
            QUALITY_HUB, at // 1000, at % 1000, 1, seq, tags[seq % len(tags)],
        )  # fmt: skip
    return bytes(buffer)


@dataclass
class Terminal:
    """One connected terminal with its messages made ahead."""

    name: str
    key: bytes
    journal: bytes
    per_message: int
    messages: list[bytes] = field(default_factory=list)
    sent: int = 0
    acked: int = 0
    moments: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    reader: mqtt.PacketReader = field(default_factory=lambda: mqtt.PacketReader(READ))
    socket: sockets.socket = field(default_factory=sockets.socket)

    def prepare(self, count: int, utc_ms: int, tags: list[bytes], first: int = 1) -> None:
        """Makes `count` messages of `per_message` taps."""
        mac = Mac(self.key)
        topic = up_topic(self.name, "batch")
        for number in range(count):
            seq = first + number * self.per_message
            records = tap_records(seq, self.per_message, utc_ms, tags)
            payload = encode_batch(mac, self.name, self.journal, 1, records)
            self.messages.append(mqtt.publish(topic, payload, 1, number % 65535 + 1, False, False))

    def connect(self, host: str, port: int) -> None:
        """Logs in and subscribes to the way back; returns when both are confirmed."""
        self.socket = sockets.create_connection((host, port), 10)
        self.socket.setsockopt(sockets.IPPROTO_TCP, sockets.TCP_NODELAY, 1)
        self.socket.sendall(
            mqtt.connect(
                self.name, self.name, broker_password(self.key), 60,
                up_topic(self.name, "status"), b"offline",
            )
        )  # fmt: skip
        self._expect("connack")
        self.socket.sendall(mqtt.subscribe(1, [down_topic(self.name, "control")], 0))
        self._expect("suback")

    def _expect(self, kind: str) -> None:
        while (packet := self.reader.next_packet()) is None:
            data = self.socket.recv(READ)
            if not data:
                raise ConnectionError(f"{self.name}: closed while waiting for {kind}")
            self.reader.feed(data)
        if packet[0] != kind or (kind == "connack" and packet[2] != 0):
            raise ConnectionError(f"{self.name}: {packet[0]} instead of {kind}")

    def send(self, count: int) -> None:
        """Sends the next `count` messages in one go."""
        ready = self.messages[self.sent : self.sent + count]
        if ready:
            now = time.perf_counter()
            self.moments += [now] * len(ready)
            self.sent += len(ready)
            self.socket.sendall(b"".join(ready))

    def receive(self) -> int:
        """Takes what arrived; returns how many more messages the acks cover."""
        data = self.socket.recv(READ)
        if not data:
            raise ConnectionError(f"{self.name}: broker closed the connection")
        self.reader.feed(data)
        before = self.acked
        while (packet := self.reader.next_packet()) is not None:
            if packet[0] == "publish":
                fields = json.loads(packet[2][:-MAC_SIZE])
                if fields[0] == "ack":
                    self.acked = max(self.acked, fields[2] // self.per_message)
        if self.acked > before:
            now = time.perf_counter()
            self.latencies += [now - moment for moment in self.moments[before : self.acked]]
        return self.acked - before


def closed_loop(terminals: list[Terminal], window: int, limit_s: float) -> float:
    """Sends everything with `window` messages in flight per terminal; returns seconds until the
    last ack.

    Raises:
        TimeoutError: not everything was acked in `limit_s`.
    """
    with selectors.DefaultSelector() as selector:
        for terminal in terminals:
            selector.register(terminal.socket, selectors.EVENT_READ, terminal)
        missing = sum(len(terminal.messages) for terminal in terminals)
        start = time.perf_counter()
        for terminal in terminals:
            terminal.send(window)
        while missing > 0:
            if time.perf_counter() - start > limit_s:
                raise TimeoutError(f"{missing} messages without an ack after {limit_s} s")
            for key, _ in selector.select(1):
                terminal = key.data
                got = terminal.receive()
                missing -= got
                terminal.send(got)
        return time.perf_counter() - start


def paced(terminals: list[Terminal], rate: float, seconds: float) -> list[float]:
    """Sends `rate` messages a second in all, one after the other; returns every ack's latency."""
    with selectors.DefaultSelector() as selector:
        for terminal in terminals:
            selector.register(terminal.socket, selectors.EVENT_READ, terminal)
        total = int(rate * seconds)
        start = time.perf_counter()
        sent = 0
        while any(terminal.acked < terminal.sent for terminal in terminals) or sent < total:
            now = time.perf_counter()
            if now - start > seconds + 20:
                raise TimeoutError("acks are missing 20 s after the last tap")
            if sent < total and now >= start + sent / rate:
                terminals[sent % len(terminals)].send(1)
                sent += 1
                continue
            wait = start + sent / rate - now if sent < total else 0.2
            for key, _ in selector.select(max(0.0, wait)):
                key.data.receive()
    return [latency for terminal in terminals for latency in terminal.latencies]
