"""After a long outage, old records move from many small files into one that fills a flash block.

A segment of 6 records inside a directory's log takes 260 bytes of a log that LittleFS fills by half
at most, on two blocks: about 15 records per block were measured, 3,000 records in the 848 KB of a
Pico W. An archive of 126 records is one block. It costs one erase for its data, and removing the 21
segments costs one page each; so it is only done when the backlog is long.

Cut-proof: the archive gets its name only when it is complete and closed, and until the segments are
removed the records exist twice, which `extents` sees by the numbers.
"""

from firmware import files
from firmware.extents import KIND_ARCHIVE, SEGMENT_RECORDS
from protocol.limits import RECORD_SIZE
from protocol.record import record_ok, record_seq

ARCHIVE_RECORDS = 126
"""21 full segments; 126 x 32 = 4,032 bytes, one block of 4,096."""
ARCHIVE_MIN = 64
"""Fewer would take more room in a block of their own than in the log."""
SEGMENTS_KEPT = 48
"""So many of the newest segments stay as they are: a backlog of 288 taps costs nothing extra."""

_NAME = "archive" + files.TEMPORARY


def step(folder: str, extents) -> bool:
    """Moves one archive's worth of the oldest segments; returns whether it did.

    Args:
        folder: the journal's folder.
        extents: its `Extents`; changed only when the archive has its name.

    Raises:
        OSError: the flash is full or broken; the records are still where they were.
    """
    index = 0
    most = len(extents.firsts) - SEGMENTS_KEPT
    while index < most and (
        extents.counts[index] > SEGMENT_RECORDS or extents.firsts[index] <= extents.unmovable
    ):
        index += 1
    end, count = _run(extents, index, most)
    if end >= most:
        return False  # more will come
    if count < ARCHIVE_MIN:
        extents.unmovable = extents.firsts[end - 1]
        return False
    temporary = files.join(folder, _NAME)
    buffer = bytearray(SEGMENT_RECORDS * RECORD_SIZE)
    with open(temporary, "wb") as target:
        for i in range(index, end):
            records = _whole_segment(extents, i, buffer)
            if records is None:
                # A rotten record stays in its small file, where it hides nobody else. What comes
                # before it stays too: rare enough.
                extents.unmovable = extents.firsts[i]
                return False
            target.write(records)
    files.rename(temporary, extents.path(extents.firsts[index], KIND_ARCHIVE))
    extents.archived(index, end - index, count)
    return True


def _run(extents, index: int, most: int) -> tuple:
    """Returns (end, records): the segments from `index` to `end` have consecutive numbers."""
    count = 0
    end = index
    while end < most:
        if end > index and extents.firsts[end] != extents.firsts[end - 1] + extents.counts[end - 1]:
            break
        if count + extents.counts[end] > ARCHIVE_RECORDS:
            break
        count += extents.counts[end]
        end += 1
    return end, count


def _whole_segment(extents, index: int, buffer: bytearray):
    """Returns the segment's records, or None when one of them is not whole."""
    records = memoryview(buffer)[: extents.counts[index] * RECORD_SIZE]
    with open(extents.path_of(index), "rb") as file:
        if file.readinto(records) != len(records):
            return None
    for i in range(extents.counts[index]):
        offset = i * RECORD_SIZE
        if not record_ok(buffer, offset) or record_seq(buffer, offset) != extents.firsts[index] + i:
            return None
    return records
