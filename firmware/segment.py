"""Reads a segment: a few records as they are on the wire, one after the other, each with a CRC."""

from protocol.limits import RECORD_SIZE
from protocol.record import record_ok, record_seq

SEGMENT_RECORDS = 6
"""The most that fit, with the bytes of LittleFS around them, into one 256-byte page per append."""


def read(path: str, skip: int, target) -> int:
    """Returns how many whole records from number `skip` of the file on are in `target` now.

    Args:
        path: of the segment.
        skip: records to leave out.
        target: memoryview; its length is the most that is read.

    Raises:
        OSError: the file cannot be read.
    """
    with open(path, "rb") as file:
        file.seek(skip * RECORD_SIZE)
        return file.readinto(target) // RECORD_SIZE


def good(records, sequence: int, count: int) -> int:
    """Returns how many of `count` records are what they should be, before the first that is not.

    Args:
        records: buffer of `count` records or more.
        sequence: number of the first one; the others follow.
        count: 0 or more.
    """
    for i in range(count):
        offset = i * RECORD_SIZE
        if not record_ok(records, offset) or record_seq(records, offset) != sequence + i:
            return i
    return count
