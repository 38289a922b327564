"""What changed since the table in flash was written: a few rows in a small file, looked up first.

Blocking one badge of 20,000 costs this file and not 260 KB: it is replaced whole, by one rename.

    "SGC1" | version and SHA-256 of the table it belongs to | version, number of rows and SHA-256 of
    both together | count u16 | count x row (`protocol.roster`, STANDING_GONE takes a row away),
    sorted | CRC-32 of all before

A file that belongs to another table is what a power cut left when that table was replaced: it means
nothing any more. One with a wrong CRC means that nobody knows who is blocked.
"""

import struct
from binascii import crc32

from firmware import files
from protocol.limits import ROSTER_ROW_SIZE, ROSTER_ROWS_MAX, TAG_SIZE
from protocol.roster import row_place

ROWS_MAX = 256
"""Rows kept this way: with its header the file then fits one block of flash, 4,096 bytes."""

_MAGIC = b"SGC1"
_HEADER = "<4sI32sII32sH"
_HEADER_SIZE = 82
_FILE_MAX = _HEADER_SIZE + ROWS_MAX * ROSTER_ROW_SIZE + 4


def pack(base, version: int, rows: int, digest: bytes, changes) -> bytes:
    """Returns the content of the file.

    Args:
        base: the `Base` these changes belong to.
        version, rows, digest: of the roster that both make.
        changes: at most ROWS_MAX sorted rows.
    """
    count = len(changes) // ROSTER_ROW_SIZE
    content = bytearray(
        struct.pack(_HEADER, _MAGIC, base.version, base.digest, version, rows, digest, count)
    )
    content += changes
    return bytes(content + struct.pack("<I", crc32(content)))


def read(path: str, base):
    """Returns (version, rows, digest, changes) of the file, or None when there is none for `base`.

    Args:
        path: of the file.
        base: the `Base` that is in use.

    Raises:
        ValueError: the file is not whole.
    """
    content = files.read(path, _FILE_MAX + 1)
    if not content:
        return None
    size = len(content)
    if size < _HEADER_SIZE + 4 or size > _FILE_MAX:
        raise ValueError("length")
    magic, base_version, base_digest, version, rows, digest, count = struct.unpack_from(
        _HEADER, content, 0
    )
    if magic != _MAGIC or size != _HEADER_SIZE + count * ROSTER_ROW_SIZE + 4:
        raise ValueError("length")
    if crc32(memoryview(content)[:-4]) != struct.unpack_from("<I", content, size - 4)[0]:
        raise ValueError("crc")
    if base_version != base.version or base_digest != base.digest:
        return None
    if rows > ROSTER_ROWS_MAX or version < base.version:
        raise ValueError("range")
    return version, rows, digest, bytearray(memoryview(content)[_HEADER_SIZE:-4])


def put(changes: bytearray, row) -> None:
    """Takes one row into sorted changes, in place of the one with its tag.

    Args:
        changes: grows by a row at most.
        row: 13 bytes.
    """
    tag = bytes(row[:TAG_SIZE])
    place = row_place(changes, tag)
    end = place
    if changes[place : place + TAG_SIZE] == tag:
        end += ROSTER_ROW_SIZE
    changes[place:end] = row
