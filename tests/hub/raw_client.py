"""An MQTT client made of a socket and our own packet codec, so that a test sees every packet."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections import deque
from types import TracebackType

from protocol import mqtt
from protocol.errors import MalformedError

ANSWER_S = 10.0
PACKET_MAX = 20_000


class RawClient:
    """One connection; `accepted` says whether the broker took the login.

    Args:
        port: of the broker on loopback.
        user: login, and client id unless another is given.
        password: of the login.
        client_id: MQTT client id.
        context: for TLS.
    """

    def __init__(
        self,
        port: int,
        user: str,
        password: str,
        client_id: str = "",
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), ANSWER_S)
        if context is not None:
            self._socket = context.wrap_socket(self._socket, server_hostname="127.0.0.1")
        self._reader = mqtt.PacketReader(PACKET_MAX)
        self._packet_id = 0
        self._early: deque[tuple[object, ...]] = deque()
        will = f"sitegate/1/{user}/up/status"
        self.send(mqtt.connect(client_id or user, user, password, 60, will, b"offline"))
        self.answer = self.next()
        self.accepted = self.answer == ("connack", False, 0)

    def __enter__(self) -> RawClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Takes leave and waits until the broker has noticed: one that comes again under the same
        client id while the old connection stands may be turned away."""
        with contextlib.suppress(OSError, MalformedError):
            self.send(mqtt.disconnect())
            while self.next(1.0) is not None:
                pass
        self._socket.close()

    def vanish(self) -> None:
        """Is gone without a word, as in a power cut."""
        self._socket.close()

    def send(self, packet: bytes) -> None:
        """Sends bytes as they are."""
        self._socket.sendall(packet)

    def next(self, wait_s: float = ANSWER_S) -> tuple[object, ...] | None:
        """Returns the next packet; None when the broker closed the connection.

        Raises:
            TimeoutError: nothing came in this time.
        """
        self._socket.settimeout(wait_s)
        while True:
            packet = self._reader.next_packet()
            if packet is not None:
                return packet
            try:
                data = self._socket.recv(4096)
            except ConnectionResetError:
                return None
            if not data:
                return None
            self._reader.feed(data)

    def _reply(self) -> tuple[object, ...] | None:
        """The next packet that is no message; messages may come before it (section 3.8.4)."""
        while (packet := self.next()) is not None and packet[0] == "publish":
            self._early.append(packet)
        return packet

    def publish(self, topic: str, payload: bytes, qos: int = 1) -> None:
        """Publishes and waits for the broker's receipt, which says nothing of a permission."""
        self._packet_id += 1
        self.send(mqtt.publish(topic, payload, qos, self._packet_id))
        if qos:
            assert self._reply() == ("puback", self._packet_id)

    def subscribe(self, topic: str, qos: int = 1) -> bool:
        """Subscribes; returns whether the broker allowed it."""
        self._packet_id += 1
        self.send(mqtt.subscribe(self._packet_id, [topic], qos))
        answer = self._reply()
        assert answer is not None
        assert answer[:2] == ("suback", self._packet_id)
        return answer[2] == (qos,)

    def heard(self, wait_s: float = ANSWER_S) -> tuple[str, bytes]:
        """Returns topic and payload of the next message; see `next`."""
        packet = self._early.popleft() if self._early else self.next(wait_s)
        assert packet is not None
        assert packet[0] == "publish"
        _, topic, payload, _, packet_id, *_ = packet
        if packet_id:
            self.send(mqtt.puback(packet_id))  # pyright: ignore[reportArgumentType]
        return topic, payload  # pyright: ignore[reportReturnType]

    def alive(self) -> bool:
        """Returns whether this very connection still stands."""
        with contextlib.suppress(OSError):
            self.send(mqtt.pingreq())
            return self._reply() == ("pingresp",)
        return False


def connected(port: int, user: str, password: str) -> RawClient | None:
    """Returns a client that was let in, or None."""
    try:
        client = RawClient(port, user, password)
    except OSError:
        return None
    if client.accepted:
        return client
    client.close()
    return None
