"""A socket for paho that talks to the kernel in large pieces.

paho reads a packet in three calls (first byte, length, rest) and writes each packet in one. Each
call gives up the interpreter lock and has to win it back from the writer's thread, which costs more
than the call. Behind this socket those calls are slices of a buffer: one `recv` brings hundreds of
packets and one `send` takes all acks of a commit.

It offers what paho asks of its own websocket wrapper; `LinkClient` puts it in place by overriding
`_create_socket`, which is private to paho: a test fails when it is no longer asked for.
"""

from __future__ import annotations

import socket
from typing import Any

import paho.mqtt.client as paho

CHUNK = 1 << 16


class ReadAheadSocket:
    """Buffers both directions of a connected socket; for one thread.

    Args:
        connection: a connected TCP socket, blocking or not.
    """

    def __init__(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connection = connection
        self._buffer = b""
        self._position = 0
        self._out = bytearray()

    def recv(self, length: int) -> bytes:
        """Returns 1..length bytes, b"" at the end of the stream.

        Raises:
            BlockingIOError: nothing is there.
        """
        position = self._position
        if position >= len(self._buffer):
            self._buffer = self._connection.recv(CHUNK)
            position = 0
        part = self._buffer[position : position + length]
        self._position = position + len(part)
        return part

    def send(self, data: bytes | bytearray) -> int:
        """Takes all of `data` for the next `flush`."""
        self._out += data
        return len(data)

    read = recv
    write = send

    def flush(self) -> bool:
        """Sends what was taken, as far as the kernel takes it; returns whether nothing is left.

        Raises:
            OSError: the connection is broken.
        """
        if self._out:
            try:
                sent = self._connection.send(self._out)
            except BlockingIOError:
                return False
            del self._out[:sent]
        return not self._out

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


class LinkClient(paho.Client):
    """paho's client on a `ReadAheadSocket`."""

    def _create_socket(self) -> Any:
        return ReadAheadSocket(super()._create_socket())  # pyright: ignore[reportArgumentType]
