"""The roster table against a dict, and its chunks."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import roster
from protocol.difference import difference, merged
from protocol.errors import LocalProtocolError, MacError, MalformedError, RemoteProtocolError
from protocol.limits import (
    CHANGES_CHUNK_MAX,
    CHANGES_ROWS_MAX,
    ROSTER_CHUNK_MAX,
    ROSTER_CHUNK_ROWS,
    ROSTER_ROW_SIZE,
    ROSTER_ROWS_MAX,
)
from protocol.mac import Mac, context
from tests.protocol.pace import UNHURRIED

MAC = Mac(bytes(range(32)))
TAGS = st.binary(min_size=8, max_size=8)


def row(number: int) -> bytes:
    return roster.pack_row(struct.pack(">Q", number), True, roster.NO_END, "nl")


def test_every_byte_of_a_row_is_where_the_layout_says() -> None:
    packed = roster.pack_row(b"badgetag", True, 0x1234, "de")
    assert packed == b"badgetag" + bytes([0x12, 0, 0, 0x34, 0x12])
    blocked = roster.pack_row(b"badgetag", roster.STANDING_BLOCKED, roster.NO_END, "fr", 0x0203)
    assert blocked[8:] == b"\x00\x03\x02\xff\xff"


@UNHURRIED
@given(
    people=st.dictionaries(
        TAGS,
        st.tuples(
            st.integers(0, 2),
            st.integers(0, 0xFFFF),
            st.sampled_from(roster.LANGUAGES),
            st.integers(0, 0xFFFF),
        ),
        max_size=60,
    ),
    strangers=st.lists(TAGS, max_size=10),
)
def test_a_table_answers_like_a_dict(
    people: dict[bytes, tuple[int, int, str, int]], strangers: list[bytes]
) -> None:
    table = roster.build_table([roster.pack_row(tag, *rest) for tag, rest in people.items()])
    assert len(table) == ROSTER_ROW_SIZE * len(people)
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
    assert len(roster.build_table(rows[1:])) == ROSTER_ROW_SIZE * ROSTER_ROWS_MAX
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
        roster.build_table([row(1)[:12]])


def test_flags_and_languages_of_a_newer_hub_are_read_as_far_as_known() -> None:
    def fields(kind: int) -> tuple[int, int, str, int]:
        return roster.row_fields(b"badgetag" + bytes([kind, 2, 0, 1, 0]), 0)

    assert fields(0x1F) == (roster.STANDING_ALLOWED, 1, "en", 2)
    assert fields(0x7B) == (roster.STANDING_BLOCKED, 1, "it", 2)
    assert fields(0x2B) == (roster.STANDING_ELSEWHERE, 1, "it", 2)


@pytest.mark.parametrize("offset", [-13, -1, 1, 13])
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


GONE = roster.pack_row(row(1)[:8], roster.STANDING_GONE, 0, "fr")


@pytest.mark.parametrize(
    ("first_row", "total", "rows"),
    [
        (0, 1, GONE),
        (0, 200, row(1) * 128),
        (128, 200, row(1) * 72),
        (384, CHANGES_ROWS_MAX, row(1) * 128),
        (0, 0, b""),
        (0, roster.NO_CHANGES, b""),
    ],
)
def test_changes_are_read_back(first_row: int, total: int, rows: bytes) -> None:
    payload = roster.encode_changes(MAC, "gate-1", (7, 9), first_row, total, rows)
    assert payload[:16] == struct.pack("<IIIHH", 7, 9, first_row, total, len(rows) // 13)
    assert payload[-16:] == MAC.sign(b"sitegate/1 down changes gate-1\0", payload[:-16])
    assert len(payload) <= CHANGES_CHUNK_MAX
    assert roster.decode_changes(MAC, "gate-1", payload) == (7, 9, first_row, total, rows)
    with pytest.raises(MacError):
        roster.decode_changes(MAC, "gate-2", payload)


@pytest.mark.parametrize(
    ("versions", "first_row", "total", "rows"),
    [
        ((9, 9), 0, 1, row(1)),
        ((9, 8), 0, 1, row(1)),
        ((-1, 8), 0, 1, row(1)),
        ((1, 2**32), 0, 1, row(1)),
        ((1, 2), 1, 1, row(1)),
        ((1, 2), -1, 1, row(1)),
        ((1, 2), 0, 1, row(1) * 2),
        ((1, 2), 0, 1, b""),
        ((1, 2), 0, 0, row(1)),
        ((1, 2), 0, roster.NO_CHANGES, row(1)),
        ((1, 2), 1, roster.NO_CHANGES, b""),
        ((1, 2), 0, CHANGES_ROWS_MAX + 1, row(1)),
        ((1, 2), 0, 1, row(1)[:-1]),
        ((1, 2), 0, 400, row(1) * (ROSTER_CHUNK_ROWS + 1)),
    ],
)
def test_changes_that_do_not_fit_together_are_neither_encoded_nor_read(
    versions: tuple[int, int], first_row: int, total: int, rows: bytes
) -> None:
    with pytest.raises(LocalProtocolError):
        roster.encode_changes(MAC, "gate-1", versions, first_row, total, rows)
    if min(versions) < 0 or max(versions) >= 2**32 or first_row < 0:
        return
    body = struct.pack("<IIIHH", *versions, first_row, total, len(rows) // 13) + rows
    payload = body + MAC.sign(context("down", "changes", "gate-1"), body)
    with pytest.raises(MalformedError):
        roster.decode_changes(MAC, "gate-1", payload)


@pytest.mark.parametrize("position", range(45))
def test_every_byte_of_changes_is_signed(position: int) -> None:
    payload = bytearray(roster.encode_changes(MAC, "gate-1", (7, 9), 0, 1, row(1)))
    payload[position] ^= 0x40
    with pytest.raises(MalformedError if position in (14, 15) else MacError):
        roster.decode_changes(MAC, "gate-1", bytes(payload))


@pytest.mark.parametrize("length", [*range(32), 33, 44, 46, CHANGES_CHUNK_MAX + 13, 10_000])
def test_changes_of_another_length_are_refused(length: int) -> None:
    whole = roster.encode_changes(MAC, "gate-1", (1, 2), 0, 3, row(1) * 3)
    with pytest.raises(MalformedError):
        roster.decode_changes(MAC, "gate-1", (whole + bytes(length))[:length])


TABLES = st.dictionaries(
    st.integers(0, 40).map(lambda number: struct.pack(">Q", number)),
    st.tuples(st.integers(0, 2), st.integers(0, 2), st.sampled_from(("fr", "nl"))),
    max_size=40,
).map(lambda rows: roster.build_table([roster.pack_row(tag, *rest) for tag, rest in rows.items()]))


@UNHURRIED
@given(before=TABLES, after=TABLES)
def test_the_difference_of_any_two_rosters_leads_from_one_to_the_other(
    before: bytes, after: bytes
) -> None:
    changes = difference(before, after)
    assert merged(before, changes) == after
    # No row for what stayed as it was, and each tag once, sorted.
    kept = {before[at : at + 13] for at in range(0, len(before), 13)}
    rows = [changes[at : at + 13] for at in range(0, len(changes), 13)]
    assert not kept & set(rows)
    assert [r[:8] for r in rows] == sorted({r[:8] for r in rows})
