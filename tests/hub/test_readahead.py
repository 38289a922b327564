"""However a stream is cut, each message is handed over once and whole, in order."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.terminals.readahead import ReadAheadSocket
from protocol import mqtt

TOPIC = "sitegate/1/gate-a/up/batch"
SUBACK = b"\x90\x03\x00\x01\x00"
PINGRESP = b"\xd0\x00"


class Wire:
    """A socket that reads ahead, and its other end."""

    def __init__(self) -> None:
        self.far, near = socket.socketpair()
        near.setblocking(False)
        self.came: list[tuple[str, bytes]] = []
        # A pair of Unix sockets knows no TCP_NODELAY.
        self.near = ReadAheadSocket(_Local(near), lambda *message: self.came.append(message))

    def arrive(self, data: bytes) -> bool:
        """Bytes come in; returns whether paho is to read."""
        self.far.sendall(data)
        self.near.fill()
        return self.near.take_messages()

    def close(self) -> None:
        """Closes both ends."""
        self.far.close()
        self.near.close()


class _Local(socket.socket):
    def __init__(self, connection: socket.socket) -> None:
        super().__init__(connection.family, connection.type, fileno=connection.detach())
        self.setblocking(False)

    def setsockopt(self, *_: object) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Does nothing."""


@pytest.fixture
def wire() -> Iterator[Wire]:
    """A connection."""
    wire = Wire()
    yield wire
    wire.close()


def taken(near: ReadAheadSocket) -> bytes:
    """One packet as paho reads it: first byte, length, rest."""
    first = near.recv(1)
    length = near.recv(1)
    return first + length + (near.recv(length[0]) if length[0] else b"")


def test_a_message_is_handed_over_as_it_was_sent(wire: Wire) -> None:
    assert not wire.arrive(mqtt.publish(TOPIC, b"payload"))
    assert wire.came == [(TOPIC, b"payload")]
    assert wire.near.pending() == 0


@pytest.mark.parametrize("size", [0, 1, 98, 99, 127, 128, 129, 16_355, 16_356, 16_384, 60_000])
def test_a_message_of_any_length_is_whole(wire: Wire, size: int) -> None:
    payload = bytes(index % 251 for index in range(size))
    wire.arrive(mqtt.publish(TOPIC, payload))
    assert wire.came == [(TOPIC, payload)]


def test_a_retained_message_is_a_message(wire: Wire) -> None:
    wire.arrive(mqtt.publish(TOPIC, b"online", retain=True))
    assert wire.came == [(TOPIC, b"online")]


def test_a_message_that_came_in_part_waits_for_its_rest(wire: Wire) -> None:
    packet = mqtt.publish(TOPIC, b"x" * 300)
    for position in range(len(packet) - 1):
        assert not wire.arrive(packet[position : position + 1])
        assert wire.came == []
    wire.arrive(packet[-1:])
    assert wire.came == [(TOPIC, b"x" * 300)]


def test_other_packets_are_left_to_paho_one_by_one_and_in_order(wire: Wire) -> None:
    one, two = mqtt.publish(TOPIC, b"one"), mqtt.publish(TOPIC, b"two")
    assert wire.arrive(SUBACK + one + PINGRESP + two)
    # Nothing overtakes what paho has not read yet.
    assert wire.came == []
    assert taken(wire.near) == SUBACK
    assert wire.near.take_messages()
    assert wire.came == [(TOPIC, b"one")]
    assert taken(wire.near) == PINGRESP
    assert not wire.near.take_messages()
    assert wire.came == [(TOPIC, b"one"), (TOPIC, b"two")]


def test_a_message_at_qos_1_is_left_to_paho(wire: Wire) -> None:
    packet = mqtt.publish(TOPIC, b"one", 1, 7)
    assert wire.arrive(packet)
    assert taken(wire.near) == packet
    assert wire.came == []


def test_half_of_another_packet_is_not_shown_to_paho(wire: Wire) -> None:
    assert not wire.arrive(mqtt.publish(TOPIC, b"one") + SUBACK[:3])
    assert wire.came == [(TOPIC, b"one")]
    assert wire.arrive(SUBACK[3:])
    assert taken(wire.near) == SUBACK


def test_the_end_of_the_stream_is_told_after_all_messages(wire: Wire) -> None:
    wire.far.sendall(mqtt.publish(TOPIC, b"last"))
    wire.far.close()
    wire.near.fill()
    assert not wire.near.take_messages()
    assert wire.came == [(TOPIC, b"last")]
    wire.near.fill()
    assert wire.near.take_messages()
    assert wire.near.recv(1) == b""


def test_an_empty_connection_would_block(wire: Wire) -> None:
    wire.near.fill()
    assert not wire.near.take_messages()
    with pytest.raises(BlockingIOError):
        wire.near.recv(1)


@pytest.mark.parametrize("topic", [b"sitegate/1/gate-a/up/\xff\xfe", b"\xed\xa0\x80", b""])
def test_a_topic_that_is_no_text_ends_nothing(wire: Wire, topic: bytes) -> None:
    body = len(topic).to_bytes(2, "big") + topic + b"payload"
    wire.arrive(bytes([0x30, len(body)]) + body + mqtt.publish(TOPIC, b"next"))
    assert [payload for _, payload in wire.came] == [b"payload", b"next"]
    assert wire.came[0][0] != TOPIC


def test_what_is_sent_leaves_in_one_piece_and_again_when_the_kernel_is_full(wire: Wire) -> None:
    for number in range(3):
        assert wire.near.send(b"%d" % number) == 1
    assert wire.near.unsent()
    wire.near.flush()
    assert wire.far.recv(10) == b"012"
    assert not wire.near.unsent()
    big = bytes(4_000_000)
    wire.near.send(big)
    received = 0
    wire.near.flush()
    assert wire.near.unsent()
    while received < len(big):
        received += len(wire.far.recv(1 << 20))
        wire.near.flush()
    assert not wire.near.unsent()


packets = st.one_of(
    st.builds(lambda payload: mqtt.publish(TOPIC, payload), st.binary(max_size=300)),
    st.sampled_from([SUBACK, PINGRESP]),
)


@settings(max_examples=150, deadline=None)
@given(stream=st.lists(packets, max_size=12), cuts=st.lists(st.integers(1, 400), min_size=1))
def test_no_cut_of_the_stream_changes_what_comes_out(stream: list[bytes], cuts: list[int]) -> None:
    wire = Wire()
    data, position, number = b"".join(stream), 0, 0
    others: list[bytes] = []
    while position < len(data):
        size = cuts[number % len(cuts)]
        waits = wire.arrive(data[position : position + size])
        while waits:
            others.append(taken(wire.near))
            waits = wire.near.take_messages()
        position, number = position + size, number + 1
    reader = mqtt.PacketReader(1_000)
    reader.feed(data)
    expected = [packet for packet in iter(reader.next_packet, None) if packet[0] == "publish"]
    assert wire.came == [(topic, payload) for _, topic, payload, *_ in expected]
    assert others == [packet for packet in stream if packet in (SUBACK, PINGRESP)]
    wire.close()
