"""Batches: the exact bytes, every length, and who signed them."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.batch import MAGIC, decode_batch, encode_batch
from protocol.errors import LocalProtocolError, MacError, MalformedError, RemoteProtocolError
from protocol.limits import BATCH_MAX, BATCH_RECORDS_MAX, RECORD_SIZE, SEQ_MAX
from protocol.mac import Mac, context
from protocol.record import pack_record_into
from tests.protocol.pace import UNHURRIED

MAC = Mac(bytes(range(32)))
JOURNAL = bytes(range(1, 9))


def records(first: int, count: int) -> bytes:
    buffer = bytearray(count * RECORD_SIZE)
    for number in range(count):
        pack_record_into(
            buffer, number * RECORD_SIZE, first + number, 1, 1, 1, 0, 2, 9, 0, 1, 5, b"badgetag"
        )
    return bytes(buffer)


def signed(body: bytes, terminal: str = "gate-1") -> bytes:
    return body + MAC.sign(context("up", "batch", terminal), body)


def refusal(payload: bytes, terminal: str = "gate-1") -> str:
    with pytest.raises(RemoteProtocolError) as caught:
        decode_batch(MAC, terminal, payload)
    return caught.value.code


def test_every_byte_is_where_the_layout_says() -> None:
    payload = encode_batch(MAC, "gate-1", JOURNAL, 0x0201, records(0x0202, 2))
    assert payload[:14] == bytes([0xB1, 2, 1, 2, 3, 4, 5, 6, 7, 8, 0x01, 0x02, 0, 0])
    assert payload[14:78] == records(0x0202, 2)
    assert payload[78:] == MAC.sign(b"sitegate/1 up batch gate-1\0", payload[:78])


@pytest.mark.parametrize("count", range(1, BATCH_RECORDS_MAX + 1))
def test_what_is_encoded_is_decoded(count: int) -> None:
    payload = encode_batch(MAC, "gate-1", JOURNAL, 3, records(5, count))
    assert len(payload) == 30 + 32 * count <= BATCH_MAX
    batch = decode_batch(MAC, "gate-1", payload)
    assert (batch.journal, batch.floor, batch.first, batch.count) == (JOURNAL, 3, 5, count)
    assert batch.records == records(5, count)
    assert decode_batch(MAC, "gate-1", bytearray(payload)).records == records(5, count)


def test_the_last_sequence_numbers_fit() -> None:
    payload = encode_batch(MAC, "gate-1", JOURNAL, 1, records(SEQ_MAX - 1, 2))
    assert decode_batch(MAC, "gate-1", payload).first == SEQ_MAX - 1


@pytest.mark.parametrize("length", range(BATCH_MAX + 40))
def test_only_whole_batches_have_a_good_length(length: int) -> None:
    payload = encode_batch(MAC, "gate-1", JOURNAL, 1, records(1, 16)) + bytes(40)
    cut = bytearray(payload[:length])
    if length > 1:
        cut[1] = max(0, min((length - 30) // 32, 255))  # the count that fits best
    whole = 62 <= length <= BATCH_MAX and (length - 30) % 32 == 0
    # Of a whole length only the full batch also has the right MAC.
    if length != BATCH_MAX:
        assert refusal(bytes(cut)) == ("mac" if whole else "length")
    else:
        assert decode_batch(MAC, "gate-1", bytes(cut)).count == 16


@pytest.mark.parametrize("count", [0, 2, 15, 17, 255])
def test_a_count_that_does_not_fit_the_length_is_refused(count: int) -> None:
    payload = bytearray(encode_batch(MAC, "gate-1", JOURNAL, 1, records(1, 1)))
    payload[1] = count
    assert refusal(signed(bytes(payload[:-16]))) == "length"


@pytest.mark.parametrize("position", range(62))
def test_every_byte_is_signed(position: int) -> None:
    payload = bytearray(encode_batch(MAC, "gate-1", JOURNAL, 1, records(1, 1)))
    payload[position] ^= 0x80
    expected = {0: "magic", 1: "length"}.get(position, "mac")
    assert refusal(bytes(payload)) == expected


def test_another_terminal_or_key_did_not_sign_it() -> None:
    payload = encode_batch(MAC, "gate-1", JOURNAL, 1, records(1, 1))
    assert refusal(payload, "gate-2") == "mac"
    with pytest.raises(MacError):
        decode_batch(Mac(bytes(32)), "gate-1", payload)


@pytest.mark.parametrize("position", range(1, 16))
def test_sequence_numbers_are_consecutive(position: int) -> None:
    body = bytearray(encode_batch(MAC, "gate-1", JOURNAL, 1, records(1, 16))[:-16])
    struct.pack_into("<I", body, 14 + 32 * position, position + 2)
    assert refusal(signed(bytes(body))) == "sequence"
    with pytest.raises(LocalProtocolError):
        encode_batch(MAC, "gate-1", JOURNAL, 1, bytes(body[14:]))


def test_sequence_numbers_neither_wrap_nor_start_at_zero() -> None:
    body = bytearray(encode_batch(MAC, "gate-1", JOURNAL, 1, records(1, 2))[:-16])
    struct.pack_into("<I", body, 14, SEQ_MAX)
    struct.pack_into("<I", body, 46, 0)
    assert refusal(signed(bytes(body))) == "sequence"
    struct.pack_into("<I", body, 14, 0)
    struct.pack_into("<I", body, 46, 1)
    assert refusal(signed(bytes(body))) == "sequence"


@pytest.mark.parametrize("floor", [0, 6, SEQ_MAX])
def test_the_floor_is_at_most_the_first_record(floor: int) -> None:
    body = bytearray(encode_batch(MAC, "gate-1", JOURNAL, 5, records(5, 1))[:-16])
    struct.pack_into("<I", body, 10, floor)
    assert refusal(signed(bytes(body))) == "floor"
    with pytest.raises(LocalProtocolError):
        encode_batch(MAC, "gate-1", JOURNAL, floor, records(5, 1))


@pytest.mark.parametrize(
    ("journal", "floor", "content"),
    [
        (JOURNAL[:7], 1, records(1, 1)),
        (JOURNAL + b"9", 1, records(1, 1)),
        (JOURNAL, 1, b""),
        (JOURNAL, 1, records(1, 1)[:-1]),
        (JOURNAL, 1, records(1, 1) + b"\0"),
        (JOURNAL, 1, records(1, 17)),
        (JOURNAL, -1, records(1, 1)),
        (JOURNAL, SEQ_MAX + 1, records(1, 1)),
    ],
)
def test_what_could_not_be_decoded_is_not_encoded(
    journal: bytes, floor: int, content: bytes
) -> None:
    with pytest.raises(LocalProtocolError):
        encode_batch(MAC, "gate-1", journal, floor, content)


@UNHURRIED
@given(body=st.binary(max_size=600), sign=st.booleans(), magic=st.booleans())
def test_any_bytes_are_decoded_or_refused(body: bytes, sign: bool, magic: bool) -> None:
    if magic and len(body) > 62:
        body = bytes([MAGIC, (len(body) - 14) // 32]) + body[2:]
        body = body[: 14 + 32 * body[1]]
    payload = signed(body) if sign else body
    try:
        outcome = decode_batch(MAC, "gate-1", payload).count
    except (MalformedError, MacError) as error:
        outcome = error.code
    assert outcome in {*range(1, 17), "length", "magic", "mac", "sequence", "floor"}


def test_the_representation_shows_no_record() -> None:
    batch = decode_batch(MAC, "gate-1", encode_batch(MAC, "gate-1", JOURNAL, 1, records(1, 1)))
    assert repr(batch) == "Batch(floor=1, first=1, count=1)"
