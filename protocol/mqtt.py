"""MQTT 3.1.1 as a terminal needs it: packets to bytes and back, without a socket.

Section numbers are those of the OASIS standard "MQTT Version 3.1.1". A terminal connects with a
clean session, publishes and receives at QoS 0 or 1, and trusts nothing the broker stores: its own
journal is the session. So QoS 2, session resumption and server-side packets are absent here.

Topics are printable ASCII, as all topics of this protocol are.
"""

import struct

from protocol.errors import LocalProtocolError, MalformedError

_CONNECT = 0x10
_CONNACK = 0x20
_PUBLISH = 0x30
_PUBACK = 0x40
_SUBSCRIBE = 0x82  # section 3.8.1: flags are 0010
_SUBACK = 0x90
_PINGREQ = 0xC0
_PINGRESP = 0xD0
_DISCONNECT = 0xE0

# Section 3.1.2.3: user name, password, will retained, will QoS 1, will, clean session.
_CONNECT_FLAGS = 0x80 | 0x40 | 0x20 | 0x08 | 0x04 | 0x02
_REMAINING_MAX = 268435455  # section 2.2.3: four bytes of seven bits


def _text(value: str) -> bytes:
    data = value.encode()
    return _data(data)


def _data(data: bytes) -> bytes:
    if len(data) > 0xFFFF:
        raise LocalProtocolError("length")
    return struct.pack(">H", len(data)) + data


def _topic(topic: str) -> bytes:
    if not topic or not _printable(topic.encode()):
        raise LocalProtocolError("topic")
    return _text(topic)


def _printable(data: bytes) -> bool:
    return all(0x20 <= byte <= 0x7E for byte in data)


def _packet(first: int, body: bytes) -> bytes:
    size = len(body)
    if size > _REMAINING_MAX:
        raise LocalProtocolError("length")
    header = bytearray((first,))
    while size > 0x7F:
        header.append(size & 0x7F | 0x80)
        size >>= 7
    header.append(size)
    return bytes(header) + body


def _packet_id(packet_id: int) -> bytes:
    if not 1 <= packet_id <= 0xFFFF:
        raise LocalProtocolError("id")
    return struct.pack(">H", packet_id)


def _check_qos(qos: int) -> None:
    if qos not in (0, 1):
        raise LocalProtocolError("qos")


def connect(
    client_id: str,
    user: str,
    password: str,
    keepalive_s: int,
    will_topic: str,
    will_payload: bytes,
) -> bytes:
    """Returns CONNECT with a clean session and a retained last will at QoS 1 (section 3.1).

    Args:
        client_id: the terminal id.
        user: MQTT user name.
        password: MQTT password.
        keepalive_s: seconds, 1..65535; the broker cuts after one and a half times of silence.
        will_topic: topic the broker publishes on when we vanish.
        will_payload: what it publishes there.

    Raises:
        LocalProtocolError: a value is out of range.
    """
    if not 1 <= keepalive_s <= 0xFFFF:
        raise LocalProtocolError("range")
    body = b"".join(
        (
            b"\x00\x04MQTT\x04",
            struct.pack(">BH", _CONNECT_FLAGS, keepalive_s),
            _text(client_id),
            _topic(will_topic),
            _data(will_payload),
            _text(user),
            _text(password),
        )
    )
    return _packet(_CONNECT, body)


def subscribe(packet_id: int, topics, qos: int) -> bytes:
    """Returns SUBSCRIBE to one or more topics at `qos` 0 or 1 (section 3.8).

    Raises:
        LocalProtocolError: no topic, or a value is out of range.
    """
    _check_qos(qos)
    body = _packet_id(packet_id)
    for topic in topics:
        body += _topic(topic) + bytes((qos,))
    if len(body) == 2:
        raise LocalProtocolError("topic")
    return _packet(_SUBSCRIBE, body)


def publish(
    topic: str,
    payload: bytes | bytearray,
    qos: int = 0,
    packet_id: int = 0,
    dup: bool = False,
    retain: bool = False,
) -> bytes:
    """Returns PUBLISH (section 3.3); `packet_id` 1..65535 is used at QoS 1 and ignored at QoS 0.

    Raises:
        LocalProtocolError: a value is out of range, a wildcard in the topic, or `dup` at QoS 0.
    """
    _check_qos(qos)
    if "+" in topic or "#" in topic:
        raise LocalProtocolError("topic")
    if dup and not qos:
        raise LocalProtocolError("dup")
    first = _PUBLISH | (8 if dup else 0) | qos << 1 | (1 if retain else 0)
    body = _topic(topic) + (_packet_id(packet_id) if qos else b"") + payload
    return _packet(first, body)


def puback(packet_id: int) -> bytes:
    """Returns PUBACK for a received QoS 1 packet (section 3.4)."""
    return _packet(_PUBACK, _packet_id(packet_id))


def pingreq() -> bytes:
    """Returns PINGREQ (section 3.12)."""
    return _packet(_PINGREQ, b"")


def disconnect() -> bytes:
    """Returns DISCONNECT (section 3.14): the broker then drops the last will."""
    return _packet(_DISCONNECT, b"")


def _numbered(body: bytes) -> int:
    packet_id = struct.unpack_from(">H", body, 0)[0]
    if packet_id == 0:
        raise MalformedError("id")
    return packet_id


def _read_connack(flags: int, body: bytes) -> tuple:
    if flags or len(body) != 2 or body[0] > 1:
        raise MalformedError("connack")
    return "connack", body[0] == 1, body[1]


def _read_suback(flags: int, body: bytes) -> tuple:
    if flags or len(body) < 3:
        raise MalformedError("suback")
    codes = tuple(body[2:])
    for code in codes:
        if code > 2 and code != 0x80:
            raise MalformedError("suback")
    return "suback", _numbered(body), codes


def _read_publish(flags: int, body: bytes) -> tuple:
    qos = flags >> 1 & 3
    dup = bool(flags & 8)
    if qos > 1 or (dup and not qos):
        raise MalformedError("qos")
    if len(body) < 2:
        raise MalformedError("length")
    start = 2 + struct.unpack_from(">H", body, 0)[0]
    end = start + 2 * qos  # at QoS 1 a packet id follows the topic
    if start == 2 or end > len(body):
        raise MalformedError("length")
    topic = body[2:start]
    if not _printable(topic) or b"+" in topic or b"#" in topic:
        raise MalformedError("topic")
    packet_id = _numbered(body[start:end]) if qos else 0
    return "publish", topic.decode(), body[end:], qos, packet_id, dup, bool(flags & 1)


def _read_puback(flags: int, body: bytes) -> tuple:
    if flags or len(body) != 2:
        raise MalformedError("puback")
    return "puback", _numbered(body)


def _read_pingresp(flags: int, body: bytes) -> tuple:
    if flags or body:
        raise MalformedError("pingresp")
    return ("pingresp",)


_READERS = {
    _CONNACK: _read_connack,
    _PUBLISH: _read_publish,
    _PUBACK: _read_puback,
    _SUBACK: _read_suback,
    _PINGRESP: _read_pingresp,
}


class PacketReader:
    """Cuts a byte stream into packets; the cut of the stream into pieces never matters.

    After an error the stream has no meaning any more: close the connection and start a new reader.

    Args:
        limit: most bytes of one packet after its fixed header; a longer one is refused as soon as
            its length is read, before its content is kept.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._buffer = bytearray()

    def feed(self, data: bytes | bytearray | memoryview) -> None:
        """Takes what arrived; call `next_packet` until it returns None before feeding more."""
        self._buffer.extend(data)

    def next_packet(self) -> tuple | None:
        """Returns the next whole packet, or None until more bytes are fed.

        Returns:
            ("connack", session present, return code), ("suback", id, codes),
            ("publish", topic, payload, qos, id, dup, retain) with id 0 at QoS 0,
            ("puback", id) or ("pingresp",).

        Raises:
            MalformedError: too long, of a kind no client receives, or against the standard.
        """
        buffer = self._buffer
        if not buffer:
            return None
        read = _READERS.get(buffer[0] & 0xF0)
        if read is None:
            raise MalformedError("type")
        size = 0
        position = 1
        while True:
            if position > 4:
                raise MalformedError("length")
            if position >= len(buffer):
                return None
            byte = buffer[position]
            size |= (byte & 0x7F) << 7 * (position - 1)
            position += 1
            if byte < 0x80:
                break
        if size > self._limit:
            raise MalformedError("length")
        end = position + size
        if end > len(buffer):
            return None
        packet = read(buffer[0] & 0x0F, bytes(buffer[position:end]))
        self._buffer = buffer[end:]
        return packet
