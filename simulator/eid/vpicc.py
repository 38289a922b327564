"""The plug of a virtual card: the card's side of the socket of the virtual reader `vpcd`.

`vpcd` (the package vsmartcard-vpcd) is a driver of the smart card service. It listens on a TCP
port; a card that connects is a card that was put in, and one that hangs up was taken out. Each
message is its length in two bytes, big-endian, and the content. What the reader sends is a control
word if it is one byte long, else a command for the card:

    0 power off    1 power on    2 reset    4 asks for the answer to reset

Only 4 and commands are answered. The service asks for the answer to reset again and again: that is
how it sees that the card is still there. (github.com/frankmorgner/vsmartcard: `vpcd.c`.)
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from types import TracebackType
from typing import Final

from simulator.eid.card import Card, Removed

POWER_OFF: Final = 0
POWER_ON: Final = 1
RESET: Final = 2
ATR_WANTED: Final = 4

_QUICK: Final = getattr(socket, "TCP_QUICKACK", socket.TCP_NODELAY)


class Inserted:
    """A card in the reader from `__enter__` until it is taken out, by `remove` or by a fault.

    Args:
        card: it.
        port: TCP port of the reader.
        host: where the reader is.
    """

    def __init__(self, card: Card, port: int, host: str = "127.0.0.1") -> None:
        self.card = card
        self._address = (host, port)
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self.gone = threading.Event()
        """Set when the card is out."""

    def __enter__(self) -> Inserted:
        self._socket = socket.create_connection(self._address, timeout=10)
        self._socket.settimeout(None)
        self._thread = threading.Thread(target=self._serve, name="virtual card", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.remove()

    def remove(self) -> None:
        """Takes the card out; nothing happens when it is out."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
        if self._thread is not None:
            self._thread.join()

    def _serve(self) -> None:
        line = self._socket
        assert line is not None
        try:
            while (message := _receive(line)) is not None:
                answer = self._answer(message)
                if answer is not None:
                    line.sendall(struct.pack(">H", len(answer)) + answer)
        except (Removed, OSError):
            pass  # out: by a fault of the card, or because the reader went away
        finally:
            line.close()
            self.gone.set()

    def _answer(self, message: bytes) -> bytes | None:
        if len(message) != 1:
            return self.card.answer(message)
        word = message[0]
        if word == ATR_WANTED:
            return self.card.atr
        if word in (POWER_OFF, POWER_ON, RESET):
            self.card.reset()
        return None


def _receive(line: socket.socket) -> bytes | None:
    """Returns the next message, None when the reader hung up."""
    head = _exactly(line, 2)
    return None if head is None else _exactly(line, int.from_bytes(head, "big"))


def _exactly(line: socket.socket, count: int) -> bytes | None:
    data = b""
    while len(data) < count:
        # The reader sends control words without waiting for an answer. Its system holds the next
        # one back until ours acknowledges the last, which ours is in no hurry to do.
        line.setsockopt(socket.IPPROTO_TCP, _QUICK, 1)
        part = line.recv(count - len(data))
        if not part:
            return None
        data += part
    return data
