"""After a long outage, old records move from many small files into archives of one flash block.

A segment of 6 records inside a directory's log takes 260 bytes of a log that LittleFS fills by half
at most, on two blocks: about 15 records per block were measured. An archive is one block with up to
16 pages of `dense`: over 300 taps. It costs an erase for its data, and removing the segments costs
one page each; so it is only done when the backlog is long.

The newest archive grows, so that few segments wait to be moved: it is written anew, with more
records behind the old ones, under the same name. Cut-proof: an archive gets its name only when it
is complete and closed, in place of the one before it, and until the segments are removed the
records exist twice, which `extents` sees by the numbers.

All of it goes in small steps (`build`), one piece of work each: a file opened, a segment read and
packed, some pages written. Between two steps the tap path may append.
"""

import os

from firmware import dense, files, segment
from firmware.extents import KIND_ARCHIVE
from protocol.limits import RECORD_SIZE

PAGES = 16
"""16 x 256 = 4,096 bytes: one block."""
MOVED_MIN = 14
"""Segments that move at once, so that an archive is written anew four times until it is full."""
SEGMENTS_KEPT = 48
"""So many of the newest segments stay as they are: a backlog of 288 taps costs nothing extra."""
SEGMENTS_KEPT_LONG = 6
"""The same once there is an archive: then the outage is long, and room counts."""
RECORDS_MIN = 24
"""Fewer take more room in a block of their own than in the log."""
COPIED_PAGES = 4

_EIO = 5
_NAME = "archive" + files.TEMPORARY


class Reader:
    """Reads archives page by page and keeps the page it read last.

    A record never changes under its number, so what is kept stays right when its file is gone.

    Attributes: records (bytearray of the page's records), first (number of the first one), count.
    """

    def __init__(self) -> None:
        self.records = bytearray(dense.RECORDS_MAX * RECORD_SIZE)
        self.page = bytearray(dense.BUFFER)
        self._view = memoryview(self.page)[: dense.PAGE]
        self.forget()

    def forget(self) -> None:
        """Nothing is kept: the buffers were used for something else."""
        self.first = 0
        self.count = 0
        self._archive = 0
        self._number = 0

    def find(self, path: str, archive: int, sequence: int) -> int:
        """Returns the first readable number from `sequence` on in one archive, 0 for none.

        The page that holds it is in `records` then. Going on from the page before costs one page;
        anything else up to PAGES of them.

        Args:
            path: of the archive.
            archive: sequence number of its first record.
            sequence: not below `archive`.

        Raises:
            OSError: the file cannot be read.
        """
        if self.first <= sequence < self.first + self.count:
            return sequence
        number = 0
        if self._archive == archive and self.count and sequence >= self.first + self.count:
            number = self._number + 1
        with open(path, "rb") as file:
            file.seek(number * dense.PAGE)
            while file.readinto(self._view) == dense.PAGE:
                before, count = dense.span(self.page, archive)
                if archive + before + count > sequence:
                    self.forget()  # while the buffer changes
                    count = dense.unpack(self.page, archive, self.records)
                    if count:
                        self._archive = archive
                        self._number = number
                        self.first = archive + before
                        self.count = count
                        return max(sequence, self.first)
                number += 1
        return 0

    def read(self, path: str, archive: int, sequence: int, target) -> int:
        """Returns how many records from `sequence` on are in `target` now.

        Args:
            path: of the archive.
            archive: sequence number of its first record.
            sequence: not below `archive`.
            target: memoryview; its length is the most that is read.

        Raises:
            OSError: the file cannot be read.
        """
        done = 0
        wanted = len(target) // RECORD_SIZE
        while done < wanted and self.find(path, archive, sequence + done) == sequence + done:
            skip = sequence + done - self.first
            part = min(wanted - done, self.count - skip)
            target[done * RECORD_SIZE : (done + part) * RECORD_SIZE] = memoryview(self.records)[
                skip * RECORD_SIZE : (skip + part) * RECORD_SIZE
            ]
            done += part
        return done

    def last_page(self, path: str, archive: int) -> tuple:
        """Returns (records of an archive up to its last readable page, pages unreadable after it).

        Raises:
            OSError: the file cannot be read.
        """
        pages = os.stat(path)[6] // dense.PAGE
        with open(path, "rb") as file:
            for number in range(pages - 1, -1, -1):
                file.seek(number * dense.PAGE)
                if file.readinto(self._view) == dense.PAGE:
                    before, count = dense.span(self.page, archive)
                    if count:
                        return before + count, pages - 1 - number
        return 0, pages


def due(extents) -> int:
    """Returns the index of the first segment to move now, or -1."""
    index = 0
    most = _most(extents)
    while index < most and (
        extents.kinds[index] == KIND_ARCHIVE or extents.firsts[index] <= extents.unmovable
    ):
        index += 1
    if index >= most or (_run(extents, index, most) == most and most - index < MOVED_MIN):
        return -1  # more will come
    return index


def _most(extents) -> int:
    """Returns the end of the files that may move."""
    kept = SEGMENTS_KEPT_LONG if KIND_ARCHIVE in extents.kinds else SEGMENTS_KEPT
    return len(extents.firsts) - kept


def _run(extents, index: int, most: int) -> int:
    """Returns the end of the segments from `index` on that have consecutive numbers."""
    end = index + 1
    while (
        end < most
        and extents.kinds[end] != KIND_ARCHIVE
        and extents.firsts[end] == extents.firsts[end - 1] + extents.counts[end - 1]
    ):
        end += 1
    return end


def build(folder: str, extents, index: int, packer, reader):
    """Moves segments from `index` on into the archive before them, or into a new one.

    A generator: each `next` is one step. The caller leaves the files before `index` where they are
    until it ends. `extents` changes in the last step, when the archive has its name.

    Args:
        folder: the journal's folder.
        extents: its `Extents`.
        index: what `due` returned.
        packer: a `dense.Packer`.
        reader: a `Reader`; its memory is used.

    Raises:
        OSError: the flash is full or broken; the records are still where they were.
    """
    end = _run(extents, index, _most(extents))
    first = extents.firsts[index]
    packer.begin()
    old = _growing(extents, index, packer, reader) if index else 0
    if old:
        first = extents.firsts[index - 1]
    yield
    temporary = files.join(folder, _NAME)
    moved = 0
    before = 0
    with open(temporary, "wb") as target:
        yield
        if old:
            before = extents.counts[index - 1] - packer.count
            for _ in _copy(extents.path_of(index - 1), target, old - 1, reader):
                yield
        pages = max(old - 1, 0)
        records = bytearray(segment.SEGMENT_RECORDS * RECORD_SIZE)
        full = False
        while index + moved < end and not full:
            count = extents.counts[index + moved]
            part = memoryview(records)[: count * RECORD_SIZE]
            whole = segment.read(extents.path_of(index + moved), 0, part)
            if segment.good(records, extents.firsts[index + moved], whole) != count:
                # A rotten record stays in its small file, where it hides nobody else.
                extents.unmovable = extents.firsts[index + moved]
                break
            start = packer.mark()
            offset = 0
            while offset < count * RECORD_SIZE:
                if packer.add(records, offset):
                    offset += RECORD_SIZE
                    continue
                full = pages == PAGES - 1
                if full:
                    packer.back_to(start)
                    break
                before = _put(packer, target, first, before, reader)
                pages += 1
                packer.begin()
            if not full:
                moved += 1
            yield
        if not moved or before + packer.count < RECORDS_MIN:
            extents.unmovable = max(extents.unmovable, extents.firsts[index + moved - 1])
            return
        _put(packer, target, first, before, reader)
        yield
    yield
    files.rename(temporary, extents.path(first, KIND_ARCHIVE))
    extents.archived(index, moved, bool(old))


def _growing(extents, index: int, packer, reader) -> int:
    """Returns how many pages the archive before `index` has if it can grow, else 0.

    The records of its last page are in `packer` then.
    """
    tail = index - 1
    first = extents.firsts[tail]
    count = extents.counts[tail]
    if extents.kinds[tail] != KIND_ARCHIVE or first + count != extents.firsts[index]:
        return 0
    path = extents.path_of(tail)
    pages = os.stat(path)[6] // dense.PAGE
    if pages >= PAGES or reader.last_page(path, first) != (count, 0):
        return 0
    reader.forget()
    unpacked = dense.unpack(reader.page, first, reader.records)
    for i in range(unpacked):
        if not packer.add(reader.records, i * RECORD_SIZE):
            unpacked = 0
            break
    if not unpacked:
        packer.begin()
        return 0
    return pages


def _copy(path: str, target, pages: int, reader):
    """Copies the first `pages` pages of an archive as they are, some with each step."""
    piece = memoryview(reader.records)[: COPIED_PAGES * dense.PAGE]
    with open(path, "rb") as file:
        left = pages * dense.PAGE
        while left:
            reader.forget()
            part = piece[: min(left, len(piece))]
            if file.readinto(part) != len(part):
                raise OSError(_EIO)
            target.write(part)
            left -= len(part)
            yield


def _put(packer, target, first: int, before: int, reader) -> int:
    """Writes the packer's page; returns how many records come before the next one."""
    reader.forget()
    if not packer.seal(first, before, reader.records):
        raise OSError(_EIO)  # memory that forgets: the segments are still there
    target.write(memoryview(packer.page)[: dense.PAGE])
    return before + packer.count
