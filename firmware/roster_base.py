"""The whole table in one file, found in with one short read; see `roster` for what is built on it.

    rows of 13 bytes, sorted by badge tag (`protocol.roster`) | "SGR2" | version u32 | SHA-256 32

One file, so that one rename replaces table and version together.

In memory are the first two bytes of the tag of every 16th row: 2,500 bytes for 20,000 badges. Tags
are HMACs, so evenly spread that one bisection there leaves 16 rows, or 32 in one look-up of fifty.
They are read at once and bisected in turn. With tags that are not spread at all the file is
bisected first, to the same answer.

Up to RAM_ROWS rows are in memory as well, when the heap has a piece that long and enough beside it:
then nothing is read. The file is hashed once, when it is opened at the start: about 2 us a byte on
the board, half a second for 20,000 badges, before the reader loop begins. Later files are hashed on
their way into flash.
"""

import errno
import gc
import struct
from array import array
from hashlib import sha256

from firmware import files
from protocol.limits import ROSTER_ROW_SIZE, ROSTER_ROWS_MAX, TAG_SIZE
from protocol.roster import row_place

RAM_ROWS = 5000
"""65 KB of the 200 KB heap of a Pico W."""
RAM_SPARE = 48 * 1024
"""Bytes of heap that stay free beside them: a TLS handshake takes 27 KB (measured)."""
GROUP_ROWS = 16
"""Rows for each entry of the index."""
PIECE_ROWS = 64
"""Rows that are read and hashed at once: 832 bytes, about 2 ms on the board."""
FILL_PIECES = 4

_MAGIC = b"SGR2"
_TRAILER = "<4sI32s"
TRAILER_SIZE = 40
_PIECE = PIECE_ROWS * ROSTER_ROW_SIZE
_WINDOW_ROWS = 2 * GROUP_ROWS


def trailer(version: int, digest: bytes) -> bytes:
    """Returns what follows the rows in the file.

    Args:
        version: 1..2**32 - 1.
        digest: SHA-256 of the rows, 32 bytes.
    """
    return struct.pack(_TRAILER, _MAGIC, version, digest)


def new_index(rows: int):
    """Returns an empty index for so many rows, to be filled by `index_rows`."""
    return array("H", bytes(2 * ((rows + GROUP_ROWS - 1) // GROUP_ROWS)))


def index_rows(index, first_row: int, rows) -> None:
    """Takes the rows from number `first_row` on into the index."""
    count = len(rows) // ROSTER_ROW_SIZE
    at = -first_row % GROUP_ROWS
    while at < count:
        offset = at * ROSTER_ROW_SIZE
        index[(first_row + at) // GROUP_ROWS] = rows[offset] << 8 | rows[offset + 1]
        at += GROUP_ROWS


class Base:
    """One table in flash; `version` is 0 and `find` finds nothing until one is there.

    Attributes: version, rows, digest (SHA-256 of the table); reads, read_bytes and comparisons,
    counted since the start over all look-ups.

    Args:
        path: of the file.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._file = None
        self._window = bytearray(_WINDOW_ROWS * ROSTER_ROW_SIZE)
        self.reads = 0
        self.read_bytes = 0
        self.comparisons = 0
        self.forget()

    def forget(self) -> None:
        """There is no table any more."""
        self._shut()
        self._index = new_index(0)
        self._table = None
        self._filled = 0  # rows of the table in memory so far
        self.version = 0
        self.rows = 0
        self.digest = bytes(32)

    def _shut(self) -> None:
        file = self._file
        self._file = None
        if file is not None:
            file.close()

    @property
    def in_memory(self) -> bool:
        """Whether look-ups are made in memory."""
        return self._table is not None and self._filled == self.rows

    # --- start -----------------------------------------------------------------------------------

    def load(self, size: int) -> bool:
        """Takes over the file; returns whether it is whole. Nothing gives way in between.

        Args:
            size: of the file, in bytes.

        Raises:
            OSError: the flash cannot be read.
        """
        self.forget()
        size -= TRAILER_SIZE
        rows = size // ROSTER_ROW_SIZE
        if size < 0 or rows * ROSTER_ROW_SIZE != size or rows > ROSTER_ROWS_MAX:
            return False
        self._file = open(self.path, "rb")
        self.rows = rows
        self._index = new_index(rows)
        self._make_table()
        digest = sha256()
        piece = memoryview(bytearray(min(size, _PIECE)))
        first = 0
        while first < rows:
            target = piece[: min(_PIECE, size - first * ROSTER_ROW_SIZE)]
            if self._file.readinto(target) != len(target):
                break
            digest.update(target)
            index_rows(self._index, first, target)
            if self._table is not None:
                start = first * ROSTER_ROW_SIZE
                self._table[start : start + len(target)] = target
            first += len(target) // ROSTER_ROW_SIZE
        end = self._file.read(TRAILER_SIZE)
        if first == rows and len(end) == TRAILER_SIZE:
            magic, version, expected = struct.unpack(_TRAILER, end)
            if magic == _MAGIC and version and digest.digest() == expected:
                self.version = version
                self.digest = expected
                self._filled = rows
                return True
        self.forget()
        return False

    def _make_table(self) -> None:
        """Takes the memory for a table that is short enough, if there is a piece so long."""
        self._table = None
        self._filled = 0
        if self.rows > RAM_ROWS:
            return
        gc.collect()
        size = self.rows * ROSTER_ROW_SIZE
        if hasattr(gc, "mem_free") and gc.mem_free() < size + RAM_SPARE:
            return
        try:
            self._table = bytearray(size)
        except MemoryError:
            self._table = None  # the free memory lies in shorter pieces

    # --- look-up ---------------------------------------------------------------------------------

    def find(self, tag: bytes):
        """Returns the row of `tag` (valid until the next call), or None.

        Args:
            tag: 8-byte badge tag.

        Raises:
            OSError: the flash cannot be read.
        """
        begin, end = self._narrowed(tag[0] << 8 | tag[1])
        if not self.in_memory:
            # Beyond two groups only when many tags begin with the same two bytes.
            while end - begin > _WINDOW_ROWS:
                middle = (begin + end) // 2
                self.comparisons += 1
                if bytes(self._rows_at(middle, 1)[:TAG_SIZE]) <= tag:
                    begin = middle
                else:
                    end = middle
        if begin == end:
            return None
        rows = self._rows_at(begin, end - begin)
        offset = row_place(rows, tag)
        while end > begin:
            self.comparisons += 1
            end = (begin + end) // 2
        row = rows[offset : offset + ROSTER_ROW_SIZE]
        return row if bytes(row[:TAG_SIZE]) == tag else None

    def _narrowed(self, key: int) -> tuple:
        """Returns the (first, end) of the rows among which a tag with these two bytes can be."""
        index = self._index
        groups = len(index)
        low = 0
        high = groups
        while low < high:
            middle = (low + high) >> 1
            self.comparisons += 1
            if index[middle] < key:
                low = middle + 1
            else:
                high = middle
        # The group before begins below the key and may go on with it; those from here on may begin
        # with it.
        end = low
        while end < groups and index[end] == key:
            end += 1
        begin = low - 1 if low else 0
        return begin * GROUP_ROWS, min(end * GROUP_ROWS, self.rows)

    def _rows_at(self, first: int, count: int):
        table = self._table
        if table is not None and self._filled == self.rows:
            start = first * ROSTER_ROW_SIZE
            return memoryview(table)[start : start + count * ROSTER_ROW_SIZE]
        target = memoryview(self._window)[: count * ROSTER_ROW_SIZE]
        self.reads += 1
        self.read_bytes += len(target)
        self.read(first, target)
        return target

    def read(self, first: int, target) -> None:
        """Fills `target` with rows from number `first` on.

        Args:
            first: 0 or more.
            target: a memoryview; so many rows are there.

        Raises:
            OSError: they cannot be read.
        """
        if self._file is None:
            raise OSError(errno.EIO)
        self._file.seek(first * ROSTER_ROW_SIZE)
        if self._file.readinto(target) != len(target):
            raise OSError(errno.EIO)

    # --- replacement -----------------------------------------------------------------------------

    def replace(self, temporary: str, version: int, rows: int, digest: bytes, index) -> None:
        """Makes a complete, closed file the table; decisions go on in it at once.

        Args:
            temporary: its path.
            version, rows, digest: of its trailer; the hash has been checked.
            index: of its rows.

        Raises:
            OSError: the flash refused; the table before it is still the table.
        """
        self._shut()  # a file that is open must not lose its name
        renamed = False
        try:
            files.rename(temporary, self.path)
            renamed = True
        finally:
            if not renamed:
                self._file = open(self.path, "rb")
        self.version = version
        self.rows = rows
        self.digest = digest
        self._index = index
        self._table = None
        self._filled = 0
        self._file = open(self.path, "rb")
        self._make_table()

    def fill(self) -> bool:
        """Brings one slice of a new table into memory; returns whether there is more to bring.

        A table that cannot be read is left to be looked up in the file, which will say so.
        """
        if self._table is None or self._filled == self.rows:
            return False
        count = min(FILL_PIECES * PIECE_ROWS, self.rows - self._filled)
        start = self._filled * ROSTER_ROW_SIZE
        target = memoryview(self._table)[start : start + count * ROSTER_ROW_SIZE]
        try:
            self.read(self._filled, target)
        except OSError:
            self._table = None
            return False
        self._filled += count
        return self._filled < self.rows
