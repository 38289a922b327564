"""Which file of the journal holds which sequence numbers; rebuilt from the file names at start.

| file | content |
| --- | --- |
| ``s0000000007`` | segment: up to 6 records, the first one has sequence number 7 |
| ``a0000000007`` | archive: 7 to 126 records of earlier segments, first one 7 |

A segment whose numbers also lie in an archive is left from a power cut between the archive's birth
and the segment's removal: it is `doomed`.
"""

import os

from firmware import files
from protocol.limits import RECORD_SIZE

SEGMENT_RECORDS = 6
"""The most that fit, with the bytes of LittleFS around them, into one 256-byte page per append."""

KIND_SEGMENT = "s"
KIND_ARCHIVE = "a"


class Extents:
    """The journal's files in order, oldest first: `firsts[i]` for `counts[i]` records.

    Args:
        folder: the journal's folder.

    Raises:
        OSError: the flash cannot be read.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self.firsts = []
        self.counts = []
        self.doomed = []
        self.unmovable = 0  # segments up to this first number never become an archive
        self.faults = 0
        found = []
        for name, size in files.entries(folder):
            if name[0] in (KIND_SEGMENT, KIND_ARCHIVE) and name[1:].isdigit():
                # Rounded up: a number that may have been given is never given again.
                count = (size + RECORD_SIZE - 1) // RECORD_SIZE
                found.append((int(name[1:]), 0 if name[0] == KIND_ARCHIVE else 1, count))
        found.sort()
        for first, segment, count in found:
            if self.firsts:
                if segment and first <= self.last():
                    self.doomed.append(first)
                    continue
                if not self.counts[-1]:
                    self.drop(len(self.firsts) - 1)  # empty and not the newest
            self.firsts.append(first)
            self.counts.append(count)

    def last(self) -> int:
        """The newest sequence number that a file has or had; 0 when there is no file."""
        return self.firsts[-1] + self.counts[-1] - 1 if self.firsts else 0

    def path(self, first: int, kind: str) -> str:
        """Path of the file of `kind` that starts with sequence number `first`."""
        return files.join(self._folder, "%s%010d" % (kind, first))

    def path_of(self, index: int) -> str:
        """Path of the file at `index`."""
        kind = KIND_ARCHIVE if self.counts[index] > SEGMENT_RECORDS else KIND_SEGMENT
        return self.path(self.firsts[index], kind)

    def find(self, sequence: int) -> int:
        """Index of the file that would hold `sequence`, or of the first one after it."""
        low = 0
        high = len(self.firsts)
        while low < high:
            middle = (low + high) // 2
            if self.firsts[middle] + self.counts[middle] <= sequence:
                low = middle + 1
            else:
                high = middle
        return low

    def begin(self, first: int) -> None:
        """A new, empty segment that starts with `first` is the newest file now."""
        if self.firsts and self.firsts[-1] == first:
            self.counts[-1] = 0  # the empty file that was prepared before the last start
        else:
            self.firsts.append(first)
            self.counts.append(0)

    def drop(self, index: int) -> None:
        """The file at `index` is removed and forgotten; a flash error is counted, not raised."""
        path = self.path_of(index)
        self.firsts.pop(index)
        self.counts.pop(index)
        self._remove(path)

    def drop_doomed(self) -> None:
        """One doomed segment is removed."""
        self._remove(self.path(self.doomed.pop(), KIND_SEGMENT))

    def archived(self, index: int, files_moved: int, count: int) -> None:
        """The records of `files_moved` segments from `index` on are one archive of `count` now."""
        for i in range(index + files_moved - 1, index - 1, -1):
            self.doomed.append(self.firsts[i])
        del self.firsts[index + 1 : index + files_moved]
        del self.counts[index + 1 : index + files_moved]
        self.counts[index] = count

    def _remove(self, path: str) -> None:
        try:
            os.remove(path)
        except OSError:
            self.faults += 1  # the next start sees it again
