"""MQTT packets against bytes written from the standard, whole, byte by byte and broken."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import mqtt
from protocol.errors import LocalProtocolError, MalformedError
from tests.protocol.pace import UNHURRIED


def test_connect() -> None:
    packet = mqtt.connect("gate-1", "gate-1", "secret", 30, "s/up", b"offline")
    assert packet == b"".join(
        (
            bytes([0x10, 49]),
            b"\x00\x04MQTT\x04",
            bytes([0xEE, 0, 30]),  # user, password, will retained at QoS 1, clean session
            b"\x00\x06gate-1",
            b"\x00\x04s/up",
            b"\x00\x07offline",
            b"\x00\x06gate-1",
            b"\x00\x06secret",
        )
    )
    assert len(packet) == 51


def test_subscribe() -> None:
    packet = mqtt.subscribe(0x1234, ["a/b", "c"], 1)
    assert packet == b"\x82\x0c\x12\x34\x00\x03a/b\x01\x00\x01c\x01"


def test_publish() -> None:
    assert mqtt.publish("a/b", b"hi") == b"\x30\x07\x00\x03a/bhi"
    assert mqtt.publish("a/b", b"hi", 1, 7) == b"\x32\x09\x00\x03a/b\x00\x07hi"
    assert mqtt.publish("a/b", b"", 1, 65535, True, True) == b"\x3b\x07\x00\x03a/b\xff\xff"
    assert mqtt.publish("a", b"", 0, 0, False, True) == b"\x31\x03\x00\x01a"
    assert mqtt.publish("a/b", bytearray(b"hi"), qos=0, packet_id=9) == b"\x30\x07\x00\x03a/bhi"


def test_small_packets() -> None:
    assert mqtt.puback(0x0102) == b"\x40\x02\x01\x02"
    assert mqtt.pingreq() == b"\xc0\x00"
    assert mqtt.disconnect() == b"\xe0\x00"


@pytest.mark.parametrize(
    ("size", "header"),
    [
        (124, b"\x30\x7f"),
        (125, b"\x30\x80\x01"),
        (16_380, b"\x30\xff\x7f"),
        (16_381, b"\x30\x80\x80\x01"),
        (2_097_148, b"\x30\xff\xff\x7f"),
        (2_097_149, b"\x30\x80\x80\x80\x01"),
    ],
)
def test_remaining_length_at_its_borders(size: int, header: bytes) -> None:
    packet = mqtt.publish("a", bytes(size))
    assert packet[: len(header)] == header
    reader = mqtt.PacketReader(size + 3)
    reader.feed(packet)
    assert reader.next_packet() == ("publish", "a", bytes(size), 0, 0, False, False)
    reader = mqtt.PacketReader(size + 2)
    reader.feed(packet[: len(header)])
    with pytest.raises(MalformedError) as caught:
        reader.next_packet()
    assert caught.value.code == "length"


@pytest.mark.parametrize(
    "build",
    [
        lambda: mqtt.connect("c", "u", "p", 0, "t", b""),
        lambda: mqtt.connect("c", "u", "p", 65536, "t", b""),
        lambda: mqtt.connect("c", "u", "p" * 65536, 30, "t", b""),
        lambda: mqtt.connect("c", "u", "p", 30, "", b""),
        lambda: mqtt.connect("c", "u", "p", 30, "t", bytes(65536)),
        lambda: mqtt.subscribe(0, ["a"], 1),
        lambda: mqtt.subscribe(65536, ["a"], 1),
        lambda: mqtt.subscribe(1, [], 1),
        lambda: mqtt.subscribe(1, ["a"], 2),
        lambda: mqtt.publish("", b""),
        lambda: mqtt.publish("a/+", b""),
        lambda: mqtt.publish("a/#", b""),
        lambda: mqtt.publish("\n", b""),
        lambda: mqtt.publish("a", b"", 2, 1),
        lambda: mqtt.publish("a", b"", 1),
        lambda: mqtt.publish("a", b"", 0, 0, True),
        lambda: mqtt.puback(0),
    ],
)
def test_what_the_standard_forbids_is_not_built(build) -> None:
    with pytest.raises(LocalProtocolError):
        build()


STREAM = b"".join(
    (
        b"\x20\x02\x00\x00",
        b"\x20\x02\x01\x00",
        b"\x20\x02\x00\x05",
        b"\x90\x04\x00\x01\x01\x80",
        mqtt.publish("a/b", b"hello"),
        mqtt.publish("a/b", bytes(200), 1, 300, True, True),
        mqtt.publish("x", b""),
        mqtt.puback(9),
        b"\xd0\x00",
    )
)
PACKETS = [
    ("connack", False, 0),
    ("connack", True, 0),
    ("connack", False, 5),
    ("suback", 1, (1, 128)),
    ("publish", "a/b", b"hello", 0, 0, False, False),
    ("publish", "a/b", bytes(200), 1, 300, True, True),
    ("publish", "x", b"", 0, 0, False, False),
    ("puback", 9),
    ("pingresp",),
]


def read(pieces: list[bytes]) -> list[tuple]:
    reader = mqtt.PacketReader(300)
    found = []
    for piece in pieces:
        reader.feed(piece)
        while (packet := reader.next_packet()) is not None:
            found.append(packet)
    return found


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, len(STREAM)])
def test_the_cut_of_the_stream_does_not_matter(size: int) -> None:
    pieces = [STREAM[start : start + size] for start in range(0, len(STREAM), size)]
    assert read(pieces) == PACKETS


@UNHURRIED
@given(cuts=st.lists(st.integers(0, len(STREAM)), max_size=10))
def test_no_cut_of_the_stream_matters(cuts: list[int]) -> None:
    borders = [0, *sorted(cuts), len(STREAM)]
    assert read([STREAM[a:b] for a, b in itertools.pairwise(borders)]) == PACKETS


@pytest.mark.parametrize(
    ("stream", "code"),
    [
        (b"\x00\x00", "type"),
        (b"\x10\x00", "type"),
        (b"\x50\x02\x00\x01", "type"),
        (b"\x82\x00", "type"),
        (b"\xf0\x00", "type"),
        (b"\x30\xff\xff\xff\xff\x01", "length"),
        (b"\x30\xff\xff\xff\x7f", "length"),
        (b"\x30\x83\x80\x80\x80\x00\x00\x01a", "length"),  # 3 in five bytes
        (b"\x30\xad\x02", "length"),
        (b"\x21\x02\x00\x00", "connack"),
        (b"\x20\x03\x00\x00\x00", "connack"),
        (b"\x20\x02\x02\x00", "connack"),
        (b"\x20\x00", "connack"),
        (b"\x90\x02\x00\x01", "suback"),
        (b"\x90\x03\x00\x01\x03", "suback"),
        (b"\x91\x03\x00\x01\x01", "suback"),
        (b"\x90\x03\x00\x00\x01", "id"),
        (b"\x40\x02\x00\x00", "id"),
        (b"\x40\x03\x00\x01\x00", "puback"),
        (b"\x41\x02\x00\x01", "puback"),
        (b"\xd0\x01\x00", "pingresp"),
        (b"\xd1\x00", "pingresp"),
        (b"\x34\x05\x00\x01a\x00\x01", "qos"),
        (b"\x36\x05\x00\x01a\x00\x01", "qos"),
        (b"\x38\x03\x00\x01a", "qos"),
        (b"\x30\x00", "length"),
        (b"\x30\x01\x00", "length"),
        (b"\x30\x02\x00\x00", "length"),
        (b"\x30\x02\x00\x01", "length"),
        (b"\x32\x04\x00\x01a\x00", "length"),
        (b"\x32\x05\x00\x01a\x00\x00", "id"),
        (b"\x30\x03\x00\x01#", "topic"),
        (b"\x30\x03\x00\x01+", "topic"),
        (b"\x30\x03\x00\x01\x00", "topic"),
        (b"\x30\x04\x00\x02\xc3\xa9", "topic"),
    ],
)
def test_what_the_standard_or_the_limit_forbids_is_refused(stream: bytes, code: str) -> None:
    for pieces in ([stream], [bytes([byte]) for byte in stream]):
        with pytest.raises(MalformedError) as caught:
            read(pieces)
        assert caught.value.code == code


@UNHURRIED
@given(st.binary(max_size=80))
def test_any_bytes_are_packets_or_refused(stream: bytes) -> None:
    whole: list[tuple] | str
    single: list[tuple] | str
    try:
        whole = read([stream])
    except MalformedError as error:
        whole = error.code
    try:
        single = read([bytes([byte]) for byte in stream])
    except MalformedError as error:
        single = error.code
    assert whole == single
