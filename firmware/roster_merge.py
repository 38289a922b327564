"""A table and its changes become one table, slice by slice, while the gate goes on deciding.

The result is hashed, and written when it is to become a file of its own. Rows between two changes
pass through as they are, 64 at a time, so that the interpreter works once a piece and not once a
row.

One `step` takes STEP_PIECES pieces or STEP_CHANGES changes, whichever comes first: about 9 ms of
hashing on the board, as much again of programming pages when the result is written, and then one
erase of a block (45 ms, in which no code can run) in one step of two.
"""

from hashlib import sha256

from firmware.roster_base import PIECE_ROWS, index_rows, new_index
from protocol.limits import ROSTER_ROW_SIZE, TAG_SIZE
from protocol.roster import STANDING_GONE, row_place

STEP_PIECES = 4
STEP_CHANGES = 12


class Merge:
    """One run over a table.

    Attributes: rows (of the result so far), index (of the result, when it is written).

    Args:
        base: the `Base`; it must not be replaced before the end.
        changes: sorted rows; they must not change before the end.
        rows: how many rows the result will have, if it is the right one.
        file: where the result goes, open for writing; None to hash it only.
    """

    def __init__(self, base, changes, rows: int, file=None) -> None:
        self._base = base
        self._changes = memoryview(changes)
        self._expected = rows
        self._file = file
        self._hash = sha256()
        self._buffer = memoryview(bytearray(PIECE_ROWS * ROSTER_ROW_SIZE))
        self._piece = self._buffer[:0]
        self._at = 0  # offset in the piece of what is not in the result yet
        self._read = 0  # rows read from the base
        self._taken = 0  # offset in the changes of the next one
        self.rows = 0
        self.index = new_index(0 if file is None else rows)

    def step(self) -> bool:
        """Does one slice; returns whether there is more to do.

        Raises:
            OSError: the table cannot be read, or the result not written.
        """
        pieces = 0
        changes = 0
        while pieces < STEP_PIECES and changes < STEP_CHANGES:
            if self._next_change_is_here():
                self._take_change()
                changes += 1
                continue
            self._emit(self._piece[self._at :])
            self._at = len(self._piece)
            if self.rows > self._expected:
                return False  # not the right one, and no room in its index
            if self._read == self._base.rows:
                return self._taken < len(self._changes)
            self._read_piece()
            pieces += 1
        return True

    def right(self, digest: bytes) -> bool:
        """Whether the finished result is the table with this SHA-256."""
        return self.rows == self._expected and self._hash.digest() == digest

    def _read_piece(self) -> None:
        count = min(PIECE_ROWS, self._base.rows - self._read)
        self._piece = self._buffer[: count * ROSTER_ROW_SIZE]
        self._base.read(self._read, self._piece)
        self._read += count
        self._at = 0

    def _next_change_is_here(self) -> bool:
        """Whether the next change comes before the first row after this piece."""
        if self._taken == len(self._changes):
            return False
        if self._read == self._base.rows:
            return True
        if not self._piece:
            return False
        tag = self._changes[self._taken : self._taken + TAG_SIZE]
        last = len(self._piece) - ROSTER_ROW_SIZE
        return bytes(tag) <= bytes(self._piece[last : last + TAG_SIZE])

    def _take_change(self) -> None:
        row = self._changes[self._taken : self._taken + ROSTER_ROW_SIZE]
        self._taken += ROSTER_ROW_SIZE
        tag = bytes(row[:TAG_SIZE])
        place = self._at + row_place(self._piece[self._at :], tag)
        self._emit(self._piece[self._at : place])
        self._at = place
        if bytes(self._piece[place : place + TAG_SIZE]) == tag:
            self._at += ROSTER_ROW_SIZE
        if row[TAG_SIZE] >> 4 != STANDING_GONE:
            self._emit(row)

    def _emit(self, rows) -> None:
        count = len(rows) // ROSTER_ROW_SIZE
        if not count:
            return
        first = self.rows
        self.rows += count
        if self.rows > self._expected:
            return
        self._hash.update(rows)
        if self._file is not None:
            index_rows(self.index, first, rows)
            self._file.write(rows)
