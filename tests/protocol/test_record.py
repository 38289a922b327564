"""The record's 32 bytes, against a vector made by hand and a CRC written here."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import record
from protocol.errors import LocalProtocolError, MalformedError
from protocol.limits import RECORD_SIZE, SEQ_MAX, TICKS_MAX
from tests.protocol.pace import UNHURRIED

FIELDS = ("seq", "kind", "direction", "verdict", "reason", "quality")
FIELDS += ("utc_s", "utc_ms", "boot", "ticks_ms", "data")
GOOD = (0x01020304, 1, 1, 2, 3, 2, 0x6AE5B1F0, 999, 7, 0x12_3456789A, bytes(range(0xA0, 0xA8)))


def crc32(data: bytes) -> int:
    """CRC-32 of IEEE 802.3, bit by bit."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xEDB88320 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def packed(values: tuple[Any, ...] = GOOD) -> bytes:
    buffer = bytearray(RECORD_SIZE)
    record.pack_record_into(buffer, 0, *values)
    return bytes(buffer)


def test_every_byte_is_where_the_layout_says() -> None:
    body = b"".join(
        (
            bytes([0x04, 0x03, 0x02, 0x01]),  # sequence
            bytes([1]),  # kind: tap
            bytes([0b0010_10_01]),  # quality 2, verdict 2 (refused), direction 1 (in)
            bytes([3]),  # reason: expired
            bytes([0xF0, 0xB1, 0xE5, 0x6A]),  # UTC seconds
            bytes([0xE7, 0x03]),  # 999 ms
            bytes([0x07, 0x00]),  # boot 7
            bytes([0x9A, 0x78, 0x56, 0x34, 0x12]),  # ticks
            bytes([0xA0, 0xA1, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA7]),  # badge tag
        )
    )
    assert packed() == body + crc32(body).to_bytes(4, "little")
    assert len(packed()) == 32


def test_only_its_own_bytes_are_written() -> None:
    buffer = bytearray(b"\xee" * 70)
    record.pack_record_into(buffer, 20, *GOOD)
    assert buffer == b"\xee" * 20 + packed() + b"\xee" * 18


@UNHURRIED
@given(
    st.tuples(
        st.integers(1, SEQ_MAX),
        st.integers(1, 255),
        st.integers(0, 3),
        st.integers(0, 3),
        st.integers(0, 255),
        st.integers(0, 15),
        st.integers(0, 2**32 - 1),
        st.integers(0, 999),
        st.integers(0, 65535),
        st.integers(0, TICKS_MAX),
        st.binary(min_size=8, max_size=8),
    ),
    st.integers(0, 5),
)
def test_what_is_packed_is_read_back(values: tuple[Any, ...], offset: int) -> None:
    buffer = bytes(offset) + packed(values)
    got = record.unpack_record(buffer, offset)
    assert tuple(getattr(got, name) for name in FIELDS) == values
    assert record.record_seq(buffer, offset) == values[0]
    assert record.record_ok(buffer, offset)


@pytest.mark.parametrize("bit", range(RECORD_SIZE * 8))
def test_one_flipped_bit_is_found(bit: int) -> None:
    spoiled = bytearray(packed())
    spoiled[bit // 8] ^= 1 << bit % 8
    assert not record.record_ok(spoiled)
    with pytest.raises(MalformedError) as caught:
        record.unpack_record(spoiled)
    assert caught.value.code == "crc"


@pytest.mark.parametrize("length", range(RECORD_SIZE))
def test_a_short_buffer_is_no_record(length: int) -> None:
    short = packed()[:length]
    assert not record.record_ok(short)
    with pytest.raises(MalformedError) as caught:
        record.unpack_record(short)
    assert caught.value.code == "length"


@pytest.mark.parametrize("filling", [0x00, 0xFF])
def test_erased_flash_is_no_record(filling: int) -> None:
    assert not record.record_ok(bytes([filling]) * RECORD_SIZE)


def test_zeros_with_a_crc_that_fits_are_no_record() -> None:
    zeros = bytes(28)
    assert not record.record_ok(zeros + crc32(zeros).to_bytes(4, "little"))


def test_a_negative_offset_is_no_record() -> None:
    assert not record.record_ok(packed() + packed(), -32)
    for read in (record.unpack_record, record.record_seq):
        with pytest.raises(MalformedError):
            read(packed() + packed(), -32)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seq", 0),
        ("seq", SEQ_MAX + 1),
        ("kind", 0),
        ("kind", 256),
        ("direction", 4),
        ("direction", -1),
        ("verdict", 4),
        ("reason", 256),
        ("quality", 16),
        ("utc_s", -1),
        ("utc_s", 2**32),
        ("utc_ms", 1000),
        ("boot", 65536),
        ("ticks_ms", TICKS_MAX + 1),
        ("data", b"1234567"),
        ("data", b"123456789"),
    ],
)
def test_a_value_out_of_range_writes_nothing(name: str, value: object) -> None:
    values: list[Any] = list(GOOD)
    values[FIELDS.index(name)] = value
    buffer = bytearray(RECORD_SIZE)
    with pytest.raises(LocalProtocolError):
        record.pack_record_into(buffer, 0, *values)
    assert buffer == bytes(RECORD_SIZE)


@pytest.mark.parametrize("offset", [-1, 1, 32])
def test_a_record_is_not_written_beyond_the_buffer(offset: int) -> None:
    with pytest.raises(LocalProtocolError):
        record.pack_record_into(bytearray(RECORD_SIZE), offset, *GOOD)


def test_the_representation_shows_no_badge() -> None:
    shown = repr(record.unpack_record(packed()))
    assert shown == "Record(seq=16909060, kind=1)"
