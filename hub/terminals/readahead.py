"""A socket for paho that reads ahead and hands over messages itself.

paho takes a packet in three reads and spends much of its time on a message on things that a QoS 0
message to one handler does not need. Behind this socket one `recv` brings hundreds of packets; a
whole QoS 0 PUBLISH at the front of the buffer goes straight to the handler, and paho sees all other
packets, one whole packet at a time. So connecting, keep-alive, subscriptions, publishing and
reconnecting are paho's, and the intake is cheap (measured in docs/decisions/hub-mqtt-client.md).

It offers what paho asks of its own websocket wrapper; `LinkClient` puts it in place by overriding
`_create_socket`, which is private to paho: a test fails when it is no longer asked for.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from typing import Any

import paho.mqtt.client as paho

CHUNK = 1 << 16
PUBLISH_QOS_0 = 0x30
RETAIN = 0x01
LENGTH_BYTES_MAX = 4
HANDSHAKE_S = 10.0
WOULD_BLOCK = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
"""TLS has words of its own for "not now"; a session ticket, for one, is a record without data."""


class ReadAheadSocket:
    """Buffers both directions of a connected socket; for one thread.

    Args:
        connection: a connected TCP socket, blocking or not; with TLS after the handshake.
        deliver: called with topic and payload of each QoS 0 message.
    """

    def __init__(self, connection: socket.socket, deliver: Callable[[str, bytes], None]) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connection = connection
        self._deliver = deliver
        self._buffer = b""
        self._position = 0
        self._ended = False
        self._out = bytearray()

    def fill(self) -> None:
        """Reads what has arrived, at most 64 KiB (with TLS one record); notes the end.

        A TLS record is taken whole, so that `select` tells of the next one.

        Raises:
            OSError: the connection is broken.
        """
        try:
            data = self._connection.recv(CHUNK)
        except WOULD_BLOCK:
            return
        self._ended = not data
        self._buffer = self._buffer[self._position :] + data
        self._position = 0

    def take_messages(self) -> bool:
        """Hands over every whole QoS 0 message up to the next packet of another kind.

        Returns:
            True when such a packet is there as a whole, or the stream has ended: let paho read.
        """
        buffer, end, deliver = self._buffer, len(self._buffer), self._deliver
        position = self._position
        while end - position >= 2:
            length, start = buffer[position + 1], position + 2
            if length > 127:
                length, start = _long_length(buffer, position + 1, end)
            body_end = start + length
            if length < 0 or body_end > end:
                break
            if buffer[position] & ~RETAIN != PUBLISH_QOS_0:
                self._position = position
                return True
            topic_end = start + 2 + (buffer[start] << 8 | buffer[start + 1])
            # A broker should refuse a topic that is no UTF-8; one that does not must not end us.
            topic = buffer[start + 2 : topic_end].decode("utf-8", "replace")
            deliver(topic, buffer[topic_end:body_end])
            position = body_end
        self._position = position
        return self._ended

    def recv(self, length: int) -> bytes:
        """Returns 1..length bytes of the packet at the front, b"" at the end of the stream.

        Raises:
            BlockingIOError: nothing is there.
        """
        position = self._position
        part = self._buffer[position : position + length]
        if not part and not self._ended:
            raise BlockingIOError
        self._position = position + len(part)
        return part

    def send(self, data: bytes | bytearray) -> int:
        """Takes all of `data` for the next `flush`."""
        self._out += data
        return len(data)

    read = recv
    write = send

    def flush(self) -> None:
        """Sends what was taken, as far as the kernel takes it.

        Raises:
            OSError: the connection is broken.
        """
        if self._out:
            try:
                sent = self._connection.send(self._out)
            except WOULD_BLOCK:
                return
            del self._out[:sent]

    def pending(self) -> int:
        """Returns how many bytes `recv` has without asking the kernel."""
        return len(self._buffer) - self._position

    def unsent(self) -> bool:
        """Returns whether `flush` has something to send."""
        return bool(self._out)

    def fileno(self) -> int:
        """Returns the number of the socket, for `select`."""
        return self._connection.fileno()

    def setblocking(self, flag: bool) -> None:
        """As for a socket."""
        self._connection.setblocking(flag)

    def close(self) -> None:
        """Closes the connection; what was not flushed is lost."""
        self._connection.close()


def _long_length(buffer: bytes, position: int, end: int) -> tuple[int, int]:
    """Returns (remaining length, start of the body); length -1 when its bytes are not all there."""
    length = shift = 0
    for index in range(position, min(end, position + LENGTH_BYTES_MAX)):
        length |= (buffer[index] & 127) << shift
        if buffer[index] < 128:
            return length, index + 1
        shift += 7
    return -1, end


class LinkClient(paho.Client):
    """paho's client on a `ReadAheadSocket`.

    Args:
        deliver: called with topic and payload of each QoS 0 message.
        context: for TLS with the name checked; None for plain MQTT. paho's own way leaves the
            socket open when a certificate is refused.
        **options: those of paho's client.
    """

    def __init__(
        self,
        deliver: Callable[[str, bytes], None],
        context: ssl.SSLContext | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._take_message = deliver
        self._context = context

    def _create_socket(self) -> Any:
        connection: Any = super()._create_socket()
        if self._context is not None:
            connection = _encrypted(connection, self._context, self.host)
        return ReadAheadSocket(connection, self._take_message)


def _encrypted(connection: socket.socket, context: ssl.SSLContext, name: str) -> ssl.SSLSocket:
    connection.settimeout(HANDSHAKE_S)
    wrapped = context.wrap_socket(connection, server_hostname=name, do_handshake_on_connect=False)
    try:
        wrapped.do_handshake()
    except BaseException:
        wrapped.close()
        raise
    return wrapped
