"""The roster: which badge tags a terminal lets in, as one flat table sorted by tag.

Row: badge tag 8 | flags u8 (bit 0 allowed, else blocked) | valid until u16 (last valid day, days
since 2000-01-01, 0xFFFF = no end) | language u8 (index into LANGUAGES); little-endian, no header.

The table is looked up where it lies by bisection. On the Pico a 500-row table costs 6 KB of heap
this way and 18 to 52 KB as a dict or set, whose bytes keys also hash badly there (measured).

The table travels in chunks: version u32 | first row u32 | count u16 | count x row | MAC 16, in the
MAC context down, "roster", terminal. The whole is checked with the SHA-256 of the offer.
"""

import struct

from protocol.errors import LocalProtocolError, MacError, MalformedError
from protocol.limits import (
    MAC_SIZE,
    ROSTER_CHUNK_MAX,
    ROSTER_CHUNK_ROWS,
    ROSTER_ROW_SIZE,
    ROSTER_ROWS_MAX,
    TAG_SIZE,
)
from protocol.mac import Mac, context

LANGUAGES = ("fr", "nl", "de", "en", "pl", "pt", "ro", "bg", "uk", "tr", "es", "it")

NO_END = 0xFFFF
"""Value of `valid_until_days` for a badge without an end date."""

_ROW = "<8sBHB"
_CHUNK_HEADER = "<IIH"
_CHUNK_HEADER_SIZE = 10
_FLAG_ALLOWED = 1


def pack_row(tag: bytes, allowed: bool, valid_until_days: int, language: str) -> bytes:
    """Returns the 12 bytes of one badge.

    Args:
        tag: 8-byte badge tag.
        allowed: False for a blocked badge.
        valid_until_days: last valid day in days since 2000-01-01, 0..65534, or NO_END.
        language: one of LANGUAGES, the worker's.

    Raises:
        LocalProtocolError: a value is out of range.
    """
    if len(tag) != TAG_SIZE or not 0 <= valid_until_days <= NO_END or language not in LANGUAGES:
        raise LocalProtocolError("range")
    flags = _FLAG_ALLOWED if allowed else 0
    return struct.pack(_ROW, tag, flags, valid_until_days, LANGUAGES.index(language))


def build_table(rows) -> bytes:
    """Returns the table of `rows` (from `pack_row`, any order), sorted by tag, each tag once.

    Raises:
        LocalProtocolError: a row has another length, a tag comes twice, or there are more than
            ROSTER_ROWS_MAX rows.
    """
    ordered = sorted(rows)
    if len(ordered) > ROSTER_ROWS_MAX:
        raise LocalProtocolError("rows")
    before = b""
    for row in ordered:
        if len(row) != ROSTER_ROW_SIZE:
            raise LocalProtocolError("length")
        if row[:TAG_SIZE] == before:
            raise LocalProtocolError("duplicate")
        before = row[:TAG_SIZE]
    return b"".join(ordered)


def find_row(table: bytes | bytearray | memoryview, tag: bytes) -> int:
    """Returns the offset of the row of `tag`, or -1: at most 17 comparisons in any table.

    Args:
        table: bytes, bytearray or memoryview from `build_table`.
        tag: 8-byte badge tag.
    """
    low = 0
    high = len(table) // ROSTER_ROW_SIZE
    while low < high:
        middle = (low + high) // 2
        offset = middle * ROSTER_ROW_SIZE
        found = bytes(table[offset : offset + TAG_SIZE])
        if found == tag:
            return offset
        if found < tag:
            low = middle + 1
        else:
            high = middle
    return -1


def row_fields(table: bytes | bytearray | memoryview, offset: int) -> tuple[bool, int, str]:
    """Returns (allowed, last valid day or NO_END, language) of the row at `offset`.

    A language index of a newer hub reads as English: the gate still has to say something.

    Raises:
        MalformedError: no whole row there.
    """
    if offset < 0 or offset + ROSTER_ROW_SIZE > len(table):
        raise MalformedError("length")
    _tag, flags, valid_until_days, language = struct.unpack_from(_ROW, table, offset)
    known = LANGUAGES[language] if language < len(LANGUAGES) else "en"
    return bool(flags & _FLAG_ALLOWED), valid_until_days, known


def encode_chunk(
    mac: Mac,
    terminal: str,
    version: int,
    first_row: int,
    rows_bytes: bytes | bytearray | memoryview,
) -> bytes:
    """Returns the signed chunk of 1..128 rows of roster `version` that starts at `first_row`.

    Raises:
        LocalProtocolError: not 1..128 whole rows, or a number is out of range.
    """
    count = len(rows_bytes) // ROSTER_ROW_SIZE
    if not 1 <= count <= ROSTER_CHUNK_ROWS or len(rows_bytes) != count * ROSTER_ROW_SIZE:
        raise LocalProtocolError("length")
    if not 0 <= version <= 0xFFFFFFFF or not 0 <= first_row <= ROSTER_ROWS_MAX - count:
        raise LocalProtocolError("range")
    body = struct.pack(_CHUNK_HEADER, version, first_row, count) + rows_bytes
    return body + mac.sign(context("down", "roster", terminal), body)


def decode_chunk(mac: Mac, terminal: str, payload: bytes | bytearray) -> tuple[int, int, bytes]:
    """Returns (version, first row, rows) of a genuine chunk.

    Raises:
        MalformedError: a length or number is wrong.
        MacError: not signed for this terminal.
    """
    size = len(payload)
    if not _CHUNK_HEADER_SIZE + ROSTER_ROW_SIZE + MAC_SIZE <= size <= ROSTER_CHUNK_MAX:
        raise MalformedError("length")
    version, first_row, count = struct.unpack_from(_CHUNK_HEADER, payload, 0)
    if size != _CHUNK_HEADER_SIZE + count * ROSTER_ROW_SIZE + MAC_SIZE:
        raise MalformedError("length")
    body = payload[:-MAC_SIZE]
    if not mac.verify(context("down", "roster", terminal), body, payload[-MAC_SIZE:]):
        raise MacError("mac")
    if first_row > ROSTER_ROWS_MAX - count:
        raise MalformedError("range")
    return version, first_row, bytes(payload[_CHUNK_HEADER_SIZE:-MAC_SIZE])
