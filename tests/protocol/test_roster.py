"""The roster table against a dict, and its chunks."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import roster
from protocol.errors import LocalProtocolError, MacError, MalformedError, RemoteProtocolError
from protocol.limits import ROSTER_CHUNK_MAX, ROSTER_CHUNK_ROWS, ROSTER_ROWS_MAX
from protocol.mac import Mac, context
from tests.protocol.pace import UNHURRIED

MAC = Mac(bytes(range(32)))
TAGS = st.binary(min_size=8, max_size=8)


def row(number: int) -> bytes:
    return roster.pack_row(struct.pack(">Q", number), True, roster.NO_END, "nl")


def test_every_byte_of_a_row_is_where_the_layout_says() -> None:
    packed = roster.pack_row(b"badgetag", True, 0x1234, "de")
    assert packed == b"badgetag" + bytes([1, 0x34, 0x12, 2])
    assert roster.pack_row(b"badgetag", False, roster.NO_END, "fr")[8:] == b"\x00\xff\xff\x00"


@UNHURRIED
@given(
    people=st.dictionaries(
        TAGS,
        st.tuples(st.booleans(), st.integers(0, 0xFFFF), st.sampled_from(roster.LANGUAGES)),
        max_size=60,
    ),
    strangers=st.lists(TAGS, max_size=10),
)
def test_a_table_answers_like_a_dict(
    people: dict[bytes, tuple[bool, int, str]], strangers: list[bytes]
) -> None:
    table = roster.build_table([roster.pack_row(tag, *rest) for tag, rest in people.items()])
    assert len(table) == 12 * len(people)
    for view in (table, bytearray(table), memoryview(table)):
        for tag, rest in people.items():
            assert roster.row_fields(view, roster.find_row(view, tag)) == rest
        for tag in strangers:
            if tag not in people:
                assert roster.find_row(view, tag) == -1


def test_a_tag_across_two_rows_is_not_found() -> None:
    table = roster.build_table([row(1), row(2)])
    assert roster.find_row(table, table[4:12]) == -1


def test_a_tag_comes_once() -> None:
    with pytest.raises(LocalProtocolError) as caught:
        roster.build_table([row(1), row(2), roster.pack_row(row(1)[:8], False, 5, "fr")])
    assert caught.value.code == "duplicate"


def test_a_tag_of_zeros_is_a_tag() -> None:
    assert roster.find_row(roster.build_table([row(0)]), bytes(8)) == 0
    with pytest.raises(LocalProtocolError):
        roster.build_table([row(0), row(0)])


def test_a_roster_has_a_largest_size() -> None:
    rows = [row(number) for number in range(ROSTER_ROWS_MAX + 1)]
    assert len(roster.build_table(rows[1:])) == 12 * ROSTER_ROWS_MAX
    with pytest.raises(LocalProtocolError):
        roster.build_table(rows)


@pytest.mark.parametrize(
    ("tag", "days", "language"),
    [
        (b"1234567", 0, "fr"),
        (b"12345678", -1, "fr"),
        (b"12345678", 65536, "fr"),
        (b"12345678", 0, "xx"),
    ],
)
def test_a_row_out_of_range_is_not_packed(tag: bytes, days: int, language: str) -> None:
    with pytest.raises(LocalProtocolError):
        roster.pack_row(tag, True, days, language)


def test_a_table_takes_only_whole_rows() -> None:
    with pytest.raises(LocalProtocolError):
        roster.build_table([row(1)[:11]])


def test_flags_and_languages_of_a_newer_hub_are_read_as_far_as_known() -> None:
    assert roster.row_fields(b"badgetag" + bytes([0x83, 1, 0, 200]), 0) == (True, 1, "en")
    assert roster.row_fields(b"badgetag" + bytes([0x82, 1, 0, 11]), 0) == (False, 1, "it")


@pytest.mark.parametrize("offset", [-12, -1, 1, 12])
def test_there_is_no_row_outside_the_table(offset: int) -> None:
    with pytest.raises(MalformedError):
        roster.row_fields(row(1), offset)


@pytest.mark.parametrize("count", [1, 2, ROSTER_CHUNK_ROWS])
def test_a_chunk_is_read_back(count: int) -> None:
    rows = b"".join(row(number) for number in range(count))
    payload = roster.encode_chunk(MAC, "gate-1", 7, 256, rows)
    assert payload[:10] == struct.pack("<IIH", 7, 256, count)
    assert payload[-16:] == MAC.sign(b"sitegate/1 down roster gate-1\0", payload[:-16])
    assert len(payload) <= ROSTER_CHUNK_MAX
    assert roster.decode_chunk(MAC, "gate-1", payload) == (7, 256, rows)


@pytest.mark.parametrize("length", [*range(60), 61, 63, 73, 75, ROSTER_CHUNK_MAX + 12, 10_000])
def test_a_chunk_of_another_length_is_refused(length: int) -> None:
    whole = roster.encode_chunk(MAC, "gate-1", 1, 0, row(1) * 3)
    payload = (whole + bytes(length))[:length]
    with pytest.raises(MalformedError):
        roster.decode_chunk(MAC, "gate-1", payload)


@pytest.mark.parametrize("position", range(38))
def test_every_byte_of_a_chunk_is_signed(position: int) -> None:
    payload = bytearray(roster.encode_chunk(MAC, "gate-1", 1, 0, row(1)))
    payload[position] ^= 0x40
    with pytest.raises(MalformedError if position in (8, 9) else MacError):
        roster.decode_chunk(MAC, "gate-1", bytes(payload))


def test_a_chunk_is_for_one_terminal() -> None:
    payload = roster.encode_chunk(MAC, "gate-1", 1, 0, row(1))
    with pytest.raises(MacError):
        roster.decode_chunk(MAC, "gate-2", payload)


@pytest.mark.parametrize(
    ("version", "first_row", "rows"),
    [
        (-1, 0, row(1)),
        (2**32, 0, row(1)),
        (1, -1, row(1)),
        (1, ROSTER_ROWS_MAX, row(1)),
        (1, 0, b""),
        (1, 0, row(1)[:-1]),
        (1, 0, row(1) * (ROSTER_CHUNK_ROWS + 1)),
    ],
)
def test_a_chunk_out_of_range_is_not_encoded(version: int, first_row: int, rows: bytes) -> None:
    with pytest.raises(LocalProtocolError):
        roster.encode_chunk(MAC, "gate-1", version, first_row, rows)


def test_rows_beyond_the_largest_roster_are_refused() -> None:
    body = struct.pack("<IIH", 1, ROSTER_ROWS_MAX, 1) + row(1)
    payload = body + MAC.sign(context("down", "roster", "gate-1"), body)
    with pytest.raises(MalformedError) as caught:
        roster.decode_chunk(MAC, "gate-1", payload)
    assert caught.value.code == "range"


@UNHURRIED
@given(body=st.binary(max_size=200))
def test_any_bytes_are_a_chunk_or_refused(body: bytes) -> None:
    payload = body + MAC.sign(context("down", "roster", "gate-1"), body)
    try:
        outcome = len(roster.decode_chunk(MAC, "gate-1", payload)[2]) % 12
    except RemoteProtocolError as error:
        outcome = error.code
    assert outcome in {0, "length", "range"}
