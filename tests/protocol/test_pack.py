"""A pack is what was packed, in every byte, and its pieces come from the hub or not at all."""

from __future__ import annotations

import struct
from hashlib import sha256
from io import BytesIO

import pytest

from protocol import limits, pack
from protocol.errors import LocalProtocolError, MacError, MalformedError
from protocol.mac import Mac, context
from protocol.pack import METHOD_DEFLATE, METHOD_STORED, encode_pack, pack_digest, read_content
from protocol.pieces import decode_piece, encode_piece
from protocol.slots import BootState, decode_state

MAC = Mac(bytes(range(32)))
FILES = [
    ("firmware/__init__.mpy", METHOD_STORED, b""),
    ("firmware/app.mpy", METHOD_DEFLATE, b"content of app"),
    ("protocol/mac.mpy", METHOD_STORED, b"m" * 3000),
]
PACK = encode_pack("0.1.0", FILES)
DIGEST = PACK[-32:]


def read(content: bytes) -> list[tuple[str, int, bytes]]:
    """What the pack holds."""
    stream = BytesIO(content)
    head = pack.read_head(stream)
    return [(name, entry[2], read_content(stream, entry)) for name, entry in head.files.items()]


def resigned(content: bytes) -> bytes:
    """The pack with a digest that fits its bytes."""
    body = content[:-32]
    return body + sha256(body).digest()


def test_what_was_packed_is_read_again() -> None:
    assert read(PACK) == FILES
    assert pack_digest(BytesIO(PACK)) == DIGEST == sha256(PACK[:-32]).digest()
    assert encode_pack("0.1.0", FILES) == PACK


def test_every_byte_of_the_head_is_where_the_layout_says() -> None:
    name = b"firmware/__init__.mpy"
    table = 16 + 5 + 3 * 10 + sum(len(entry[0]) for entry in FILES)
    assert PACK[:16] == b"SGPK" + struct.pack("<BBIIH", 1, 5, len(PACK), table, 3)
    assert PACK[16:21] == b"0.1.0"
    first = struct.pack("<BBII", METHOD_STORED, len(name), table + 32, 0) + name
    assert PACK[21 : 21 + len(first)] == first
    assert PACK[table : table + 32] == sha256(b"").digest()


def test_a_pack_with_a_wrong_byte_or_length_is_none() -> None:
    for at in range(len(PACK)):
        spoiled = bytearray(PACK)
        spoiled[at] ^= 0x10
        with pytest.raises(MalformedError):
            pack_digest(BytesIO(bytes(spoiled)))
    for size in (0, 3, 15, 16, 40, len(PACK) - 32, len(PACK) - 1):
        with pytest.raises(MalformedError):
            pack_digest(BytesIO(PACK[:size]))
    with pytest.raises(MalformedError, match="digest"):
        pack_digest(BytesIO(PACK + b"\0"))


def test_a_table_that_lies_is_refused_before_memory_is_taken() -> None:
    seen = set()
    for at in range(21 + 10 + len(FILES[0][0]) + 10):
        for value in (0, 1, 0x7F, 0xFF):
            spoiled = bytearray(PACK)
            spoiled[at] = value
            if bytes(spoiled) == PACK:
                continue
            try:
                found = read(resigned(bytes(spoiled)))
            except MalformedError as error:
                seen.add(error.code)
            else:  # another version or name: a text like any other
                assert [entry[2] for entry in found] == [entry[2] for entry in FILES]
    assert seen >= {"format", "size", "table", "text", "length"}


def test_a_content_that_rots_is_found_when_it_is_read() -> None:
    spoiled = bytearray(PACK)
    spoiled[-40] ^= 1
    head = pack.read_head(BytesIO(PACK))
    with pytest.raises(MalformedError, match="content"):
        read_content(BytesIO(bytes(spoiled)), head.files["protocol/mac.mpy"])
    read_content(BytesIO(bytes(spoiled)), head.files["firmware/app.mpy"])


@pytest.mark.parametrize(
    ("version", "files"),
    [
        ("", FILES),
        ("1" * 33, FILES),
        ("1 0", FILES),
        ("1", []),
        ("1", [("", 0, b"")]),
        ("1", [("/a", 0, b"")]),
        ("1", [("a" * 65, 0, b"")]),
        ("1", [("a", 0, b""), ("a", 0, b"")]),
        ("1", [("a", 0, bytes(pack.PACK_MAX))]),
        ("1", [(f"{n}", 0, b"") for n in range(pack.PACK_FILES_MAX + 1)]),
    ],
)
def test_what_is_no_pack_is_not_made(version: str, files: list[tuple[str, int, bytes]]) -> None:
    with pytest.raises(LocalProtocolError):
        encode_pack(version, files)


def test_the_largest_pack_is_that_of_the_protocol() -> None:
    assert pack.PACK_MAX == limits.FIRMWARE_PACK_MAX
    assert len(encode_pack("1", [("a", 0, bytes(pack.PACK_MAX - 92))])) == pack.PACK_MAX


def test_a_piece_comes_whole_and_from_the_hub() -> None:
    payload = encode_piece(MAC, "gate-1", DIGEST, 1024, PACK[1024:2048])
    assert decode_piece(MAC, "gate-1", payload) == (DIGEST[:8], 1024, PACK[1024:2048])
    assert payload[:14] == DIGEST[:8] + struct.pack("<IH", 1024, 1024)
    assert len(payload) == limits.FIRMWARE_PIECE_MAX
    for at in range(len(payload)):
        spoiled = bytearray(payload)
        spoiled[at] ^= 1
        with pytest.raises(MacError):
            decode_piece(MAC, "gate-1", spoiled)
    for other in (Mac(bytes(32)), MAC):
        with pytest.raises(MacError):
            decode_piece(other, "gate-2" if other is MAC else "gate-1", payload)


@pytest.mark.parametrize(
    "body",
    [
        DIGEST[:8] + struct.pack("<IH", 0, 2) + b"x",
        DIGEST[:8] + struct.pack("<IH", 0, 1) + b"xy",
        DIGEST[:8] + struct.pack("<IH", limits.FIRMWARE_PACK_MAX + 1, 1) + b"x",
        DIGEST[:8] + struct.pack("<IH", 0, 0),
        DIGEST[:8] + struct.pack("<IH", 0, 1025) + bytes(1025),
    ],
)
def test_a_signed_piece_that_does_not_fit_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedError):
        decode_piece(MAC, "gate-1", body + MAC.sign(context("down", "firmware", "gate-1"), body))


@pytest.mark.parametrize(
    ("digest", "offset", "data"),
    [
        (DIGEST[:7], 0, b"x"),
        (DIGEST, -1, b"x"),
        (DIGEST, limits.FIRMWARE_PACK_MAX + 1, b"x"),
        (DIGEST, 0, b""),
        (DIGEST, 0, bytes(1025)),
    ],
)
def test_a_piece_out_of_range_is_not_made(digest: bytes, offset: int, data: bytes) -> None:
    with pytest.raises(LocalProtocolError):
        encode_piece(MAC, "gate-1", digest, offset, data)


def test_the_state_of_the_slots_is_whole_or_nothing() -> None:
    state = BootState()
    state.active, state.trial, state.attempts, state.early = 2, 1, 3, 200
    state.outcome, state.why, state.ended, state.order = 3, 4, 2, 2**32 - 1
    state.digests = [b"", DIGEST, bytes(32)]
    state.outcome_digest = DIGEST[:6]
    content = state.encode()
    found = decode_state(content)
    assert found is not None
    for name in BootState.__slots__:
        assert getattr(found, name) == getattr(state, name), name
    assert len(content) <= 512, "LittleFS keeps it in the directory"
    for at in range(len(content)):
        spoiled = bytearray(content)
        spoiled[at] ^= 0x80
        assert decode_state(bytes(spoiled)) is None
    assert decode_state(content[:-1]) is None
    assert decode_state(content + b"\0") is None


@pytest.mark.parametrize(("active", "trial"), [(0, 0), (3, 0), (1, 3)])
def test_a_state_that_names_no_slot_is_none(active: int, trial: int) -> None:
    state = BootState()
    state.active, state.trial = active, trial
    assert decode_state(state.encode()) is None
