"""Who may pass: the table the hub sent last, complete and verified, or the one before it.

One file, so that one rename replaces table and version together:

    rows of 12 bytes, sorted by badge tag (`protocol.roster`) | "SGR1" | version u32 | SHA-256 32

Up to RAM_ROWS rows are kept in memory as they lie in the file; a longer table is searched in the
file, 17 reads at most. A file whose SHA-256 does not fit is not used: no roster is safer than half
of one, and the hub sends it again because the version then is 0.
"""

import gc
import os
import struct
from hashlib import sha256

from firmware import files
from protocol.limits import ROSTER_ROW_SIZE, ROSTER_ROWS_MAX, TAG_SIZE
from protocol.roster import find_row, row_fields

FILE = "roster"
RAM_ROWS = 5000
"""60 KB of the 200 KB heap of a Pico W."""

_MAGIC = b"SGR1"
_TRAILER = "<4sI32s"
TRAILER_SIZE = 40
_PIECE = 40 * ROSTER_ROW_SIZE


def trailer(version: int, digest: bytes) -> bytes:
    """Returns what follows the rows in the file.

    Args:
        version: 1..2**32 - 1.
        digest: SHA-256 of the rows, 32 bytes.
    """
    return struct.pack(_TRAILER, _MAGIC, version, digest)


class Roster:
    """The roster of this gate; `version` is 0 and every lookup None until one is loaded.

    Attributes: version, rows (how many), digest (SHA-256 of the table), damaged (a file is there
    and was not usable).

    Args:
        root: folder of the flash.
    """

    def __init__(self, root: str) -> None:
        self.path = files.join(root, FILE)
        self._table = None
        self._file = None
        self._forget()
        self.damaged = False
        self.load()

    def _forget(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file = None
        self._table = None
        self.version = 0
        self.rows = 0
        self.digest = bytes(32)

    def load(self) -> bool:
        """Takes over the file; returns whether it is usable. Nothing gives way in between.

        The table in memory is dropped first: two of them may not fit.
        """
        self._forget()
        gc.collect()
        try:
            size = os.stat(self.path)[6] - TRAILER_SIZE
        except OSError:
            return False
        rows = size // ROSTER_ROW_SIZE
        self.damaged = True
        if size < 0 or rows * ROSTER_ROW_SIZE != size or rows > ROSTER_ROWS_MAX:
            return False
        try:
            loaded = self._verify(size)
        except OSError:
            loaded = None
        if loaded is None:
            self._forget()
            return False
        self.version, self.digest = loaded
        self.rows = rows
        self.damaged = False
        return True

    def _verify(self, size: int):
        """Reads the file; returns (version, digest) or None. `_table` or `_file` is set then."""
        if size <= RAM_ROWS * ROSTER_ROW_SIZE:
            try:
                self._table = bytearray(size)
            except MemoryError:
                self._table = None  # no piece of memory is long enough: search in the file
        file = open(self.path, "rb")
        digest = sha256()
        piece = bytearray(min(size, _PIECE))
        position = 0
        while position < size:
            target = memoryview(piece)[: min(_PIECE, size - position)]
            if file.readinto(target) != len(target):
                break
            digest.update(target)
            if self._table is not None:
                self._table[position : position + len(target)] = target
            position += len(target)
        end = file.read(TRAILER_SIZE)
        if self._table is None:
            self._file = file
        else:
            file.close()
        if position != size or len(end) != TRAILER_SIZE:
            return None
        magic, version, expected = struct.unpack(_TRAILER, end)
        if magic != _MAGIC or version == 0 or digest.digest() != expected:
            return None
        return version, expected

    def row(self, tag: bytes):
        """Returns (allowed, last valid day or NO_END, language) of a badge, or None.

        A table in flash that cannot be read any more is no roster: `version` is 0 afterwards.

        Args:
            tag: 8-byte badge tag.
        """
        if self._table is not None:
            offset = find_row(self._table, tag)
            return None if offset < 0 else row_fields(self._table, offset)
        if self._file is None:
            return None
        try:
            row = self._row_in_file(tag)
        except OSError:
            self._forget()
            self.damaged = True
            return None
        return None if row is None else row_fields(row, 0)

    def _row_in_file(self, tag: bytes):
        low = 0
        high = self.rows
        while low < high:
            middle = (low + high) // 2
            self._file.seek(middle * ROSTER_ROW_SIZE)
            row = self._file.read(ROSTER_ROW_SIZE)
            found = row[:TAG_SIZE]
            if found == tag:
                return row
            if found < tag:
                low = middle + 1
            else:
                high = middle
        return None

    def replaced(self, temporary: str) -> bool:
        """Makes a complete, closed file the roster; returns whether it is in use now.

        Args:
            temporary: its path.

        Raises:
            OSError: the flash refused; the roster before it is still the roster.
        """
        self._forget()  # the old file must not be open when its name goes
        try:
            files.rename(temporary, self.path)
        finally:
            usable = self.load()
        return usable
