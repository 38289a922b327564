"""Brings a new roster from the hub into flash, while the old one keeps deciding.

| state | asks for | left by |
| --- | --- | --- |
| idle | - | an offer of a newer version |
| changes | what changed since our version | all of it: merging; the hub has it no more: whole |
| whole | the table, chunk by chunk | all of it and the right SHA-256: in use |
| merging | - | the right SHA-256 of table and changes together: in use; else whole |
| packing | - | the table with its changes is one file again; an offer ends it too |

Only a version above ours is taken. A control message has no date, so an old one that somebody
recorded may come again; going back could let a blocked badge in. Nothing is used before the SHA-256
of the whole is the one in the offer. What was lost on the way is asked for again; a lost connection
goes on where it stopped; a restart begins anew.

A few changes are kept beside the table (`roster_changes`). When they get too many, or when nothing
else is to do and there are PACK_ROWS of them, table and changes are written as one new file. That
and a whole roster need room for a second table: without it the new one is refused, the old one
decides, and it is tried again. Room for taps comes first.

`step` does one slice of all this and is called by `run`; between two slices taps are decided.
"""

import asyncio
import os
from binascii import unhexlify
from hashlib import sha256

from firmware import files, roster_changes
from firmware.roster_base import TRAILER_SIZE, index_rows, new_index, trailer
from firmware.roster_merge import Merge
from protocol import messages
from protocol.limits import CHANGES_ROWS_MAX, ROSTER_ROW_SIZE
from protocol.roster import NO_CHANGES

ASK_AGAIN_MS = 5000
RETRY_MS = 60 * 1000
"""Pause after a roster was refused, doubling up to RETRY_MAX_MS: each try may cost 64 erases."""
RETRY_MAX_MS = 3600 * 1000
ROOM_LEFT = 128 * 1024
"""Bytes of flash that stay free beside a second table: 32 blocks, which the journal needs."""
ROOM_LEFT_FIRST = 32 * 1024
"""The same for a gate without a roster: it lets nobody in, so a roster is worth more than taps."""
PACK_ROWS = 64
PACK_AFTER_MS = 60 * 1000
STEP_CHANGES = 24
"""Changes sorted in one slice: about 10 ms on the board."""
PAUSE_MS = 10
IDLE_MS = 100

_IDLE = 0
_CHANGES = 1
_WHOLE = 2
_MERGING = 3
_PACKING = 4

_NO_OFFER = (0, 0, b"")


def _nothing() -> None:
    """Nobody wants to know."""


def _always() -> bool:
    """Nothing stands against it."""
    return True


class RosterIntake:
    """One roster on its way into flash.

    Attributes: refused (tables that were not what was offered), refused_version (the roster that
    could not be kept, 0 when none waits). To be set: changed (called when another roster decides),
    wake (called when there is a new question), writable (returns whether flash may be written now),
    idle (returns whether nobody is at the gate).

    Args:
        roster: the `Roster` it brings up to date.
    """

    def __init__(self, roster) -> None:
        self._roster = roster
        self._path = roster.path + files.TEMPORARY
        self._offer = _NO_OFFER
        self._floor = roster.version
        self._state = _IDLE
        self._file = None
        self._hash = None
        self._index = None
        self._changes = bytearray()
        self._pending = b""  # changes that arrived and are not sorted in yet
        self._total = 0
        self._have = 0
        self._merge = None
        self._ask_at = 0
        self._retry_ms = RETRY_MS
        self._pack_at = PACK_AFTER_MS
        self.refused = 0
        self.refused_version = 0
        self.changed = _nothing
        self.wake = _nothing
        self.writable = _always
        self.idle = _always
        self._remove_temporary()  # half of a roster, from before a power cut

    @property
    def pulling(self) -> bool:
        """Whether an offered roster is not in use yet."""
        return self._state not in (_IDLE, _PACKING)

    async def run(self, now_ms) -> None:
        """Works for ever.

        Args:
            now_ms: returns monotonic milliseconds.
        """
        while True:
            await asyncio.sleep_ms(PAUSE_MS if self.step(now_ms()) else IDLE_MS)

    # --- from the hub ----------------------------------------------------------------------------

    def offered(self, version: int, rows: int, digest_hex: str, now_ms: int) -> None:
        """Takes the hub's offer; an older one, or the one being pulled, adds nothing."""
        roster = self._roster
        if version < self._floor:
            return
        offer = (version, rows, unhexlify(digest_hex))
        if offer == self._offer and self.pulling:
            self._ask_at = now_ms
            return
        if offer != self._offer:
            self._retry_ms = RETRY_MS
        self._offer = offer
        if version <= roster.version:
            return
        self._abandon()
        self._ask_at = now_ms
        if self.writable():
            self._start(now_ms)

    def _start(self, now_ms: int) -> None:
        roster = self._roster
        if roster.version and self._offer[2] == roster.digest:
            self._keep_changes(roster.changes, now_ms)  # the same badges under a new number
        else:
            self._begin(_CHANGES if roster.version else _WHOLE, now_ms)

    def question(self, now_ms: int):
        """Returns the message to send now, or None; asks again after silence."""
        if now_ms < self._ask_at or self._pending or not self.writable():
            return None
        if self._state in (_IDLE, _PACKING) and self._roster.version < self._offer[0]:
            self._abandon()
            self._start(now_ms)
        if self._state == _CHANGES:
            self._ask_at = now_ms + ASK_AGAIN_MS
            return messages.changes_request(self._roster.version, self._offer[0], self._have)
        if self._state == _WHOLE:
            self._ask_at = now_ms + ASK_AGAIN_MS
            if self._file is None and not self._open(now_ms):
                return None
            return messages.roster_request(self._offer[0], self._have)
        return None

    def changes(
        self, have: int, wanted: int, first_row: int, total: int, rows: bytes, now_ms: int
    ) -> None:
        """Takes the next changes; any other chunk is an old answer and is dropped.

        Args:
            have, wanted, first_row, total, rows: of `protocol.roster.decode_changes`.
            now_ms: tick of now.
        """
        if self._state != _CHANGES or self._pending or first_row != self._have:
            return
        if have != self._roster.version or wanted != self._offer[0]:
            return
        if total in (0, NO_CHANGES) or total > CHANGES_ROWS_MAX:
            # Nothing changed cannot be: the SHA-256 of the offer is another one.
            self._begin(_WHOLE, now_ms)
            return
        if not first_row:
            self._total = total
            self._changes = bytearray(self._roster.changes)
        if total != self._total:
            return
        self._pending = rows
        self._ask_at = now_ms + ASK_AGAIN_MS

    def chunk(self, version: int, first_row: int, rows: bytes, now_ms: int) -> None:
        """Takes rows that are the next ones; any other chunk is an old answer and is dropped."""
        count = len(rows) // ROSTER_ROW_SIZE
        if self._state != _WHOLE or self._file is None or version != self._offer[0]:
            return
        if not self.writable():
            return
        if first_row != self._have or first_row + count > self._offer[1]:
            return
        try:
            self._file.write(rows)
        except OSError:
            self._refuse(now_ms)
            return
        self._hash.update(rows)
        index_rows(self._index, first_row, rows)
        self._have += count
        self._ask_at = now_ms
        if self._have == self._offer[1]:
            self._finish_whole(now_ms)

    # --- slices ----------------------------------------------------------------------------------

    def step(self, now_ms: int) -> bool:
        """Does one slice of work; returns whether the next one can follow at once."""
        if not self.writable() or (self._state == _PACKING and not self.idle()):
            return False
        try:
            if self._pending:
                self._sort_in(now_ms)
            elif self._merge is not None:
                if not self._merge.step():
                    self._finish_merge(now_ms)
            elif not self._roster.base.fill():
                return self._pack_if_due(now_ms)
        except OSError:
            if self._roster.version:
                self._refuse(now_ms)
            else:  # it was lost in between: there is nothing left to change
                self._abandon()
        return True

    def _sort_in(self, now_ms: int) -> None:
        size = STEP_CHANGES * ROSTER_ROW_SIZE
        rows = self._pending[:size]
        for offset in range(0, len(rows), ROSTER_ROW_SIZE):
            roster_changes.put(self._changes, rows[offset : offset + ROSTER_ROW_SIZE])
        self._pending = self._pending[size:]
        self._have += len(rows) // ROSTER_ROW_SIZE
        if self._pending:
            return
        if self._have < self._total:
            self._ask_at = now_ms
            self.wake()
            return
        self._state = _MERGING
        file = None
        if len(self._changes) > roster_changes.ROWS_MAX * ROSTER_ROW_SIZE:
            if not self._room():
                self._refuse(now_ms)
                return
            file = self._file = open(self._path, "wb")
        self._merge = Merge(self._roster.base, self._changes, self._offer[1], file)

    def _pack_if_due(self, now_ms: int) -> bool:
        roster = self._roster
        if self._state != _IDLE or now_ms < self._pack_at or not self.idle():
            return False
        self._pack_at = now_ms + PACK_AFTER_MS
        if len(roster.changes) < PACK_ROWS * ROSTER_ROW_SIZE or not self._room():
            return False  # nothing to gain, or taps need the room
        self._state = _PACKING
        self._file = open(self._path, "wb")
        self._merge = Merge(roster.base, roster.changes, roster.rows, self._file)
        return True

    def _finish_merge(self, now_ms: int) -> None:
        roster = self._roster
        merge = self._merge
        packing = self._state == _PACKING
        offer = (roster.version, roster.rows, roster.digest) if packing else self._offer
        if not merge.right(offer[2]):
            self._abandon()
            if packing:
                roster.lost()  # it was right when it was taken: flash has rotted
                return
            self.refused += 1
            self._begin(_WHOLE, now_ms)
        elif self._file is None:
            self._keep_changes(self._changes, now_ms)
        else:
            self._keep_base(offer, merge.index, now_ms)

    def _finish_whole(self, now_ms: int) -> None:
        if self._hash.digest() != self._offer[2]:
            self.refused += 1
            self._wait(now_ms)
            return
        try:
            self._keep_base(self._offer, self._index, now_ms)
        except OSError:
            self._refuse(now_ms)

    # --- results ---------------------------------------------------------------------------------

    def _keep_changes(self, changes: bytearray, now_ms: int) -> None:
        version, rows, digest = self._offer
        try:
            self._roster.replace_changes(version, rows, digest, changes)
        except OSError:
            self._refuse(now_ms)
            return
        self._done(now_ms)

    def _keep_base(self, offer: tuple, index, now_ms: int) -> None:
        version, rows, digest = offer
        file = self._file
        self._file = None
        with file:
            file.write(trailer(version, digest))
        before = self._roster.version
        self._roster.replace_base(self._path, version, rows, digest, index)
        if version == before:
            self._state = _IDLE  # packed: nothing changed for anybody
            self._merge = None
        else:
            self._done(now_ms)

    def _done(self, now_ms: int) -> None:
        self._abandon()
        self._floor = self._roster.version
        self._retry_ms = RETRY_MS
        self._pack_at = now_ms + PACK_AFTER_MS
        self.refused_version = 0
        self.changed()

    def _begin(self, state: int, now_ms: int) -> None:
        self._state = state
        self._have = 0
        self._pending = b""
        self._changes = bytearray()
        self._ask_at = now_ms
        self.wake()

    def _open(self, now_ms: int) -> bool:
        """Opens the file of a whole roster; a roster of no rows is complete at once."""
        try:
            self._roster.discard()
            if not self._room():
                self._refuse(now_ms)
                return False
            self._file = open(self._path, "wb")
        except OSError:
            self._refuse(now_ms)
            return False
        self._hash = sha256()
        self._index = new_index(self._offer[1])
        self._have = 0
        if not self._offer[1]:
            self._finish_whole(now_ms)
            return False
        return True

    def _room(self) -> bool:
        """Whether a second table fits beside what the journal needs."""
        flash = os.statvfs(self._roster.root)
        rows = self._roster.rows if self._state == _IDLE else self._offer[1]
        left = ROOM_LEFT if self._roster.version else ROOM_LEFT_FIRST
        return flash[1] * flash[3] >= rows * ROSTER_ROW_SIZE + TRAILER_SIZE + left

    def _refuse(self, now_ms: int) -> None:
        """The new roster cannot be kept now; the old one goes on."""
        if self._state != _PACKING:
            self.refused_version = self._offer[0]
        self._wait(now_ms)
        self._remove_temporary()

    def _wait(self, now_ms: int) -> None:
        self._abandon()
        self._ask_at = now_ms + self._retry_ms
        self._pack_at = now_ms + self._retry_ms
        self._retry_ms = min(2 * self._retry_ms, RETRY_MAX_MS)

    def _abandon(self) -> None:
        """Nothing is under way any more, and no half of a file is left."""
        file = self._file
        self._file = None
        self._state = _IDLE
        self._merge = None
        self._hash = None
        self._index = None
        self._changes = bytearray()
        self._pending = b""
        if file is not None:
            try:
                file.close()
            except OSError:
                self._file = None  # full or broken: what was written is removed anyway
            self._remove_temporary()

    def _remove_temporary(self) -> None:
        try:
            os.stat(self._path)
            os.remove(self._path)
        except OSError:
            return
