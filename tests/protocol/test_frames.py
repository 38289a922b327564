"""Frames: the paper's bytes, whole, in pieces, between noise and broken; both interpreters."""

from __future__ import annotations

from binascii import crc32
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from protocol import frames
from protocol.errors import LocalProtocolError, MalformedError
from protocol.limits import BATCH_MAX, CONTROL_MAX, ROSTER_CHUNK_MAX
from protocol.topics import DOWN_LEAVES, UP_LEAVES
from tests.protocol.interpreters import on_both
from tests.protocol.pace import UNHURRIED

CODES = st.sampled_from([frames.FRAME_BATCH, frames.FRAME_ROSTER, frames.FRAME_PING])
PAYLOADS = st.one_of(
    st.binary(max_size=300),
    st.integers(0, frames.FRAME_PAYLOAD_MAX).map(lambda size: b"\0" * size),
    st.integers(250, 520).map(lambda size: b"\x01" * size),
    st.lists(st.sampled_from([b"\0", b"\x01" * 253, b"\xff" * 254, b"\x03" * 255]), max_size=7).map(
        b"".join
    ),
)
FRAMES = st.lists(st.tuples(CODES, PAYLOADS), max_size=5)
TEXT = st.binary(max_size=200).map(lambda data: data.replace(b"\0", b"\n"))


def read(reader: frames.FrameReader) -> list[tuple[int, bytes]]:
    """Everything the reader has ready."""
    found = []
    while (frame := reader.next_frame()) is not None:
        found.append(frame)
    return found


def stuffed(data: bytes) -> bytes:
    """COBS as its paper tells it, byte by byte; written apart from the code under test."""
    out, run = bytearray(), bytearray()
    full = False
    for byte in data:
        full = False
        if byte:
            run.append(byte)
            if len(run) == 254:
                out += b"\xff" + run
                run.clear()
                full = True
        else:
            out += bytes((len(run) + 1,)) + run
            run.clear()
    if not full:
        out += bytes((len(run) + 1,)) + run
    return bytes(out)


@UNHURRIED
@given(CODES, PAYLOADS)
def test_a_frame_is_code_payload_and_check_without_a_zero(code: int, payload: bytes) -> None:
    frame = frames.encode_frame(code, payload)
    body = bytes((code,)) + payload
    assert frame == b"\0" + stuffed(body + crc32(body).to_bytes(4, "little")) + b"\0"
    assert 0 not in frame[1:-1]
    assert len(frame) - 2 <= frames.FRAME_MAX


@UNHURRIED
@given(FRAMES, st.lists(st.integers(1, 60), min_size=1, max_size=200), st.lists(TEXT, min_size=6))
def test_frames_in_any_pieces_between_any_text_come_out_whole(
    sent: list[tuple[int, bytes]], sizes: list[int], texts: list[bytes]
) -> None:
    stream = texts[0]
    for (code, payload), text in zip(sent, texts[1:], strict=False):
        stream += frames.encode_frame(code, payload) + text
    stream += b"\0"
    reader = frames.FrameReader()
    found, at, turn = [], 0, 0
    while at < len(stream):
        size = sizes[turn % len(sizes)]
        reader.feed(stream[at : at + size])
        found += read(reader)
        at, turn = at + size, turn + 1
    # Text may by chance be a frame; none is in what was drawn here unless it has a true CRC.
    assert found == sent


@UNHURRIED
@given(FRAMES, st.data())
def test_a_hit_loses_the_frames_it_hit_and_no_other(
    sent: list[tuple[int, bytes]], data: st.DataObject
) -> None:
    assume(sent)
    stream, borders = bytearray(), [0]
    for code, payload in sent:
        stream += frames.encode_frame(code, payload)
        borders.append(len(stream))
    at = data.draw(st.integers(0, len(stream) - 1))
    kind = data.draw(st.sampled_from(["flip", "cut", "insert"]))
    if kind == "flip":
        stream[at] ^= data.draw(st.integers(1, 255))
    elif kind == "cut":
        del stream[at : at + data.draw(st.integers(1, 20))]
    else:
        stream[at:at] = data.draw(st.binary(min_size=1, max_size=20))
    reader = frames.FrameReader()
    reader.feed(bytes(stream) + b"\0")
    found = read(reader)
    for number, (low, high) in enumerate(pairwise(borders)):
        # A cut of 20 bytes and a lost border concern what lies on both sides.
        if high <= at or low > at + 20:
            assert sent[number] in found
    for frame in found:
        assert frame in sent


@pytest.mark.parametrize("size", [frames.FRAME_MAX + 1, 50_000])
def test_a_stretch_that_is_too_long_is_not_kept_and_the_next_frame_is_read(size: int) -> None:
    reader = frames.FrameReader()
    for _ in range(size // 100 + 1):
        reader.feed(b"\x55" * 100)
        assert len(reader._held) <= frames.FRAME_MAX
    reader.feed(b"\0")
    assert reader.dropped == 1
    reader.feed(frames.encode_frame(frames.FRAME_BATCH, b"x"))
    assert read(reader) == [(frames.FRAME_BATCH, b"x")]


def test_a_half_frame_that_is_forgotten_does_not_spoil_the_next() -> None:
    reader = frames.FrameReader()
    whole = frames.encode_frame(frames.FRAME_BATCH, b"one")
    reader.feed(whole[:5])
    reader.forget()
    reader.feed(whole[1:])
    assert read(reader) == [(frames.FRAME_BATCH, b"one")]
    assert reader.dropped == 1
    reader.forget()
    assert reader.dropped == 1


@UNHURRIED
@given(CODES, PAYLOADS)
def test_no_frame_looks_like_a_typed_ctrl_c(code: int, payload: bytes) -> None:
    reader = frames.FrameReader()
    reader.feed(frames.encode_frame(code, payload))
    assert not reader.typed


@pytest.mark.parametrize("typed", [b"\r\x03", b"\x03\x03", b"\r\x03\r\x01"])
@pytest.mark.parametrize("pieces", ["at once", "one by one"])
def test_a_typed_ctrl_c_is_seen(typed: bytes, pieces: str) -> None:
    reader = frames.FrameReader()
    reader.feed(frames.encode_frame(frames.FRAME_BATCH, b""))
    for piece in [typed] if pieces == "at once" else [bytes((byte,)) for byte in typed]:
        reader.feed(piece)
    assert reader.typed


@pytest.mark.parametrize("other", [b"\x03", b"\x03\r", b"ab\r\x03", b"\r\r\x03"])
def test_other_bytes_are_no_typed_ctrl_c(other: bytes) -> None:
    reader = frames.FrameReader()
    reader.feed(other)
    assert not reader.typed


def test_what_is_too_long_or_has_no_code_is_not_sent() -> None:
    for code, payload in ((66, bytes(frames.FRAME_PAYLOAD_MAX + 1)), (3, b""), (256, b"")):
        with pytest.raises(LocalProtocolError):
            frames.encode_frame(code, payload)
    for leaf in ("status", "roster"):
        with pytest.raises(LocalProtocolError):
            frames.up_frame(leaf)
    with pytest.raises(LocalProtocolError):
        frames.down_frame("batch")


def test_every_topic_but_status_has_a_frame_that_fits_it() -> None:
    for leaf in UP_LEAVES:
        if leaf != "status":
            assert frames.up_leaf(frames.up_frame(leaf)) == leaf
    for leaf in DOWN_LEAVES:
        assert frames.down_leaf(frames.down_frame(leaf)) == leaf
    assert frames.up_leaf(frames.FRAME_ROSTER) is None
    assert frames.down_leaf(frames.FRAME_BATCH) is None
    assert max(BATCH_MAX, CONTROL_MAX, ROSTER_CHUNK_MAX) <= frames.FRAME_PAYLOAD_MAX
    codes = [value for name, value in vars(frames).items() if name.startswith("FRAME_")]
    assert len(codes) == len(set(codes))


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.booleans())
def test_pings_and_pongs_say_what_they_were_given(number: int, session: int, hub: bool) -> None:
    reader = frames.FrameReader()
    reader.feed(frames.encode_ping(number, "gate-1") + frames.encode_pong(number, session, hub))
    ping, pong = read(reader)
    assert ping[0] == frames.FRAME_PING
    assert frames.decode_ping(ping[1]) == (number, "gate-1")
    assert pong[0] == frames.FRAME_PONG
    assert frames.decode_pong(pong[1]) == (number, session, hub)


@pytest.mark.parametrize(
    "payload",
    [b"", b"\x01\0\0\0\0", b"\x02\0\0\0\0gate", b"\x01\0\0\0\0Gate", b"\x01\0\0\0\0g\xc3\xa9",
     b"\x01\0\0\0\0" + b"g" * 25],
    ids=["nothing", "no name", "version", "capital", "not ASCII", "long"],
)  # fmt: skip
def test_a_ping_that_is_none_is_refused(payload: bytes) -> None:
    with pytest.raises(MalformedError):
        frames.decode_ping(payload)


@pytest.mark.parametrize("payload", [b"", bytes(10), b"\x01" + bytes(10)])
def test_a_pong_that_is_none_is_refused(payload: bytes) -> None:
    with pytest.raises(MalformedError):
        frames.decode_pong(payload)


@pytest.mark.micropython
def test_both_interpreters_make_and_read_the_same_bytes() -> None:
    ours, board = on_both("framing.py", [str(seed) for seed in range(1, 13)])
    assert ours == board
    assert sum(line.startswith("frame ") for line in ours) >= 100
