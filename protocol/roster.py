"""The roster: which badge tags a terminal lets in, as one flat table sorted by tag.

Row: badge tag 8 | u8 (bits 0-3 index into LANGUAGES, bits 4-7 standing) | valid from u16 | valid
until u16; little-endian, no header. Both days are days since 2000-01-01 and included; from 0 is
always, until 0xFFFF has no end.

The table is looked up where it lies by bisection. On the Pico a 500-row table costs 6.5 KB of heap
this way and 18 to 52 KB as a dict or set, whose bytes keys also hash badly there (measured).

The table travels in chunks: version u32 | first row u32 | count u16 | count x row | MAC 16, in the
MAC context down, "roster", terminal. The whole is checked with the SHA-256 of the offer.

What changed between two versions is a table too, in which STANDING_GONE takes a row away. It
travels as from version u32 | to version u32 | first row u32 | rows in all u16 | count u16 |
count x row | MAC 16, context down, "changes", terminal. Rows in all is 0 when only the version
changed, and NO_CHANGES when the whole roster has to be fetched.
"""

import struct

from protocol.errors import LocalProtocolError, MacError, MalformedError
from protocol.limits import (
    CHANGES_CHUNK_MAX,
    CHANGES_ROWS_MAX,
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

STANDING_BLOCKED = 0
STANDING_ALLOWED = 1
STANDING_ELSEWHERE = 2
"""Known to the organisation, for another site of it."""
STANDING_GONE = 15
"""Only in changes: the badge is not in the roster any more."""

NO_CHANGES = 0xFFFF
"""Rows in all of a difference that the hub cannot give: fetch the whole."""

_ROW = "<8sBHH"
_CHUNK_HEADER = "<IIH"
_CHUNK_HEADER_SIZE = 10
_CHANGES_HEADER = "<IIIHH"
_CHANGES_HEADER_SIZE = 16
_STANDINGS = (STANDING_BLOCKED, STANDING_ALLOWED, STANDING_ELSEWHERE, STANDING_GONE)


def pack_row(
    tag: bytes, standing: int, valid_until_days: int, language: str, valid_from_days: int = 0
) -> bytes:
    """Returns the 13 bytes of one badge.

    Args:
        tag: 8-byte badge tag.
        standing: a STANDING constant.
        valid_until_days: last valid day in days since 2000-01-01, 0..65534, or NO_END.
        language: one of LANGUAGES, the worker's.
        valid_from_days: first valid day, 0..65535; 0 when it has always been valid.

    Raises:
        LocalProtocolError: a value is out of range.
    """
    if len(tag) != TAG_SIZE or language not in LANGUAGES or standing not in _STANDINGS:
        raise LocalProtocolError("range")
    if not 0 <= valid_until_days <= NO_END or not 0 <= valid_from_days <= NO_END:
        raise LocalProtocolError("range")
    kind = standing << 4 | LANGUAGES.index(language)
    return struct.pack(_ROW, tag, kind, valid_from_days, valid_until_days)


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


def row_place(table: bytes | bytearray | memoryview, tag: bytes) -> int:
    """Returns the offset of the first row whose tag is not below `tag`; the length when none is.

    Args:
        table: bytes, bytearray or memoryview from `build_table`.
        tag: 8-byte badge tag.
    """
    low = 0
    high = len(table) // ROSTER_ROW_SIZE
    while low < high:
        middle = (low + high) // 2
        offset = middle * ROSTER_ROW_SIZE
        if bytes(table[offset : offset + TAG_SIZE]) < tag:
            low = middle + 1
        else:
            high = middle
    return low * ROSTER_ROW_SIZE


def find_row(table: bytes | bytearray | memoryview, tag: bytes) -> int:
    """Returns the offset of the row of `tag`, or -1: at most 17 comparisons in any table.

    Args:
        table: bytes, bytearray or memoryview from `build_table`.
        tag: 8-byte badge tag.
    """
    offset = row_place(table, tag)
    return offset if bytes(table[offset : offset + TAG_SIZE]) == tag else -1


def row_fields(table: bytes | bytearray | memoryview, offset: int) -> tuple[int, int, str, int]:
    """Returns (standing, last valid day or NO_END, language, first valid day) of a row.

    What a newer hub writes and we do not know reads as safe: a language as English, since the gate
    has to say something, and a standing as blocked.

    Raises:
        MalformedError: no whole row there.
    """
    if offset < 0 or offset + ROSTER_ROW_SIZE > len(table):
        raise MalformedError("length")
    _tag, kind, valid_from_days, valid_until_days = struct.unpack_from(_ROW, table, offset)
    language = kind & 0x0F
    standing = kind >> 4
    return (
        standing if standing in _STANDINGS else STANDING_BLOCKED,
        valid_until_days,
        LANGUAGES[language] if language < len(LANGUAGES) else "en",
        valid_from_days,
    )


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


def encode_changes(
    mac: Mac,
    terminal: str,
    versions: tuple[int, int],
    first_row: int,
    total: int,
    rows_bytes: bytes | bytearray | memoryview,
) -> bytes:
    """Returns a signed chunk of what changed from one roster to a later one.

    Args:
        mac: the terminal's `Mac`.
        terminal: terminal id.
        versions: (the one the terminal has, the one it wants), the second being larger.
        first_row: row of the difference that `rows_bytes` starts with.
        total: rows of the whole difference, 0..CHANGES_ROWS_MAX, or NO_CHANGES.
        rows_bytes: 1..128 whole rows; none when `total` is 0 or NO_CHANGES.

    Raises:
        LocalProtocolError: a number or the length does not fit the others.
    """
    count = len(rows_bytes) // ROSTER_ROW_SIZE
    if count > ROSTER_CHUNK_ROWS or len(rows_bytes) != count * ROSTER_ROW_SIZE:
        raise LocalProtocolError("length")
    have, wanted = versions
    if not 0 <= have < wanted <= 0xFFFFFFFF or not _piece_fits(first_row, count, total):
        raise LocalProtocolError("range")
    body = struct.pack(_CHANGES_HEADER, have, wanted, first_row, total, count) + rows_bytes
    return body + mac.sign(context("down", "changes", terminal), body)


def decode_changes(
    mac: Mac, terminal: str, payload: bytes | bytearray
) -> tuple[int, int, int, int, bytes]:
    """Returns (version before, version after, first row, rows in all, rows) of a genuine chunk.

    Raises:
        MalformedError: a length or number is wrong.
        MacError: not signed for this terminal.
    """
    size = len(payload)
    if not _CHANGES_HEADER_SIZE + MAC_SIZE <= size <= CHANGES_CHUNK_MAX:
        raise MalformedError("length")
    have, wanted, first_row, total, count = struct.unpack_from(_CHANGES_HEADER, payload, 0)
    if size != _CHANGES_HEADER_SIZE + count * ROSTER_ROW_SIZE + MAC_SIZE:
        raise MalformedError("length")
    body = payload[:-MAC_SIZE]
    if not mac.verify(context("down", "changes", terminal), body, payload[-MAC_SIZE:]):
        raise MacError("mac")
    if have >= wanted or not _piece_fits(first_row, count, total):
        raise MalformedError("range")
    return have, wanted, first_row, total, bytes(payload[_CHANGES_HEADER_SIZE:-MAC_SIZE])


def _piece_fits(first_row: int, count: int, total: int) -> bool:
    if total in (0, NO_CHANGES):
        return first_row == 0 and count == 0
    return count >= 1 and first_row >= 0 and first_row + count <= total <= CHANGES_ROWS_MAX
