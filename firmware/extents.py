"""Which file of the journal holds which sequence numbers; rebuilt from the file names at start.

| file | content |
| --- | --- |
| ``s0000000007`` | segment: up to 6 records, the first one has sequence number 7 |
| ``a0000000007`` | archive: records of earlier segments, packed by `dense`; the first one is 7 |

How many records a segment has follows from its size. An archive ends where the next one begins;
only of one with something else behind it is a page read, the last.

A segment whose numbers also lie in an archive is left from a power cut between the archive's birth
and the segment's removal: it is `doomed`.
"""

import os

from firmware import files
from firmware.dense import RECORDS_MAX
from protocol.limits import RECORD_SIZE

ARCHIVE_RECORDS_MAX = 16 * RECORDS_MAX

KIND_SEGMENT = "s"
KIND_ARCHIVE = "a"


class Extents:
    """The journal's files in order, oldest first.

    Attributes: firsts (first sequence number of each file), counts (records in it), kinds
    (KIND_SEGMENT or KIND_ARCHIVE), doomed (first numbers of segments to remove), unmovable
    (segments up to this first number never become an archive), faults (flash errors).

    Args:
        folder: the journal's folder.
        reader: an `archive.Reader`.

    Raises:
        OSError: the flash cannot be read.
    """

    def __init__(self, folder: str, reader) -> None:
        self._folder = folder
        self.firsts = []
        self.counts = []
        self.kinds = []
        self.doomed = []
        self.unmovable = 0
        self.faults = 0
        found = []
        for name, size in files.entries(folder):
            if name[0] in (KIND_SEGMENT, KIND_ARCHIVE) and name[1:].isdigit():
                # Rounded up: a number that may have been given is never given again.
                count = (size + RECORD_SIZE - 1) // RECORD_SIZE
                found.append((int(name[1:]), name[0], count))
        found.sort()  # an archive before the segment with the same first number
        for i in range(len(found)):
            first, kind, count = found[i]
            if kind == KIND_ARCHIVE:
                count = self._archived_count(first, found, i, reader)
                if not count:
                    continue  # not readable now: its file stays, perhaps it is at the next start
            if not self._settle(first, kind, count):
                self.firsts.append(first)
                self.counts.append(count)
                self.kinds.append(kind)

    def _archived_count(self, first: int, found: list, index: int, reader) -> int:
        """Returns how many records an archive has.

        Where rotten flash hides that: when another file comes next, never more than it certainly
        has, or than there is place for before that file, so that no segment seems doomed by it;
        when it is the last, the most it may have, so that no number comes twice.
        """
        last = index + 1 == len(found)
        room = ARCHIVE_RECORDS_MAX if last else found[index + 1][0] - first
        if not last and found[index + 1][1] == KIND_ARCHIVE:
            return room
        try:
            count, unreadable = reader.last_page(self.path(first, KIND_ARCHIVE), first)
        except OSError:
            self.faults += 1
            return room
        if last:
            return count + unreadable * RECORDS_MAX
        return count or room

    def _settle(self, first: int, kind: str, count: int) -> bool:
        """Makes room for the next file; returns whether it is a segment that is not needed."""
        if not self.firsts:
            return False
        if first <= self.last():
            if kind == KIND_SEGMENT and first + count - 1 <= self.last():
                self.doomed.append(first)
                return True
            # Only rotten flash makes files overlap otherwise: the later one is better known.
            self.counts[-1] = max(0, first - self.firsts[-1])
        if not self.counts[-1]:
            self.drop(len(self.firsts) - 1)  # empty and not the newest
        return False

    def last(self) -> int:
        """The newest sequence number that a file has or had; 0 when there is no file."""
        return self.firsts[-1] + self.counts[-1] - 1 if self.firsts else 0

    def path(self, first: int, kind: str) -> str:
        """Path of the file of `kind` that starts with sequence number `first`."""
        return files.join(self._folder, "%s%010d" % (kind, first))

    def path_of(self, index: int) -> str:
        """Path of the file at `index`."""
        return self.path(self.firsts[index], self.kinds[index])

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
            self.kinds.append(KIND_SEGMENT)

    def drop(self, index: int) -> None:
        """The file at `index` is removed and forgotten; a flash error is counted, not raised."""
        path = self.path_of(index)
        self.firsts.pop(index)
        self.counts.pop(index)
        self.kinds.pop(index)
        self._remove(path)

    def drop_doomed(self) -> None:
        """One doomed segment is removed."""
        self._remove(self.path(self.doomed.pop(), KIND_SEGMENT))

    def archived(self, index: int, moved: int, grown: bool) -> None:
        """The records of `moved` segments from `index` on are in an archive now.

        Args:
            index: of the first of these segments.
            moved: how many, 1 or more.
            grown: they are in the archive before `index`; else in a new one.
        """
        count = 0
        for i in range(index + moved - 1, index - 1, -1):
            self.doomed.append(self.firsts[i])
            count += self.counts[i]
        if grown:
            self.counts[index - 1] += count
        else:
            self.counts[index] = count
            self.kinds[index] = KIND_ARCHIVE
            index += 1
            moved -= 1
        del self.firsts[index : index + moved]
        del self.counts[index : index + moved]
        del self.kinds[index : index + moved]

    def _remove(self, path: str) -> None:
        try:
            os.remove(path)
        except OSError:
            self.faults += 1  # the next start sees it again
