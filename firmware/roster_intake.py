"""Pulls a new roster from the hub, chunk by chunk, while the old one keeps deciding.

| state | left by |
| --- | --- |
| idle | an offer of a newer version: pulling |
| pulling | each chunk in order, until all rows are there: verified, or thrown away |
| verified | the rename: the new table is in use, idle |

Only a version above ours is pulled. A control message has no date, so an old one that somebody
recorded may come again; going back could let a blocked badge in. A chunk that was lost is asked for
again; a lost connection goes on where it stopped; a restart begins anew.
"""

import os
from binascii import unhexlify
from hashlib import sha256

from firmware import files
from firmware.roster import trailer
from protocol.limits import ROSTER_ROW_SIZE

ASK_AGAIN_MS = 5000


class RosterIntake:
    """One roster on its way into flash.

    Args:
        roster: the `Roster` it will replace.
    """

    def __init__(self, roster) -> None:
        self._roster = roster
        self._path = roster.path + files.TEMPORARY
        self._file = None
        self._version = 0
        self._rows = 0
        self._digest = b""
        self._have = 0
        self._hash = None
        self._ask_at = 0
        self.refused = 0
        try:
            os.stat(self._path)
            os.remove(self._path)  # half of a roster, from before a power cut
        except OSError:
            self._have = 0

    @property
    def pulling(self) -> bool:
        """Whether an offered roster is not complete yet."""
        return self._version != 0

    def offered(self, version: int, rows: int, digest_hex: str, now_ms: int) -> None:
        """Takes the hub's offer; an older or equal version, or the one being pulled, adds nothing.

        Raises:
            OSError: the flash cannot be written.
        """
        digest = unhexlify(digest_hex)
        if version <= self._roster.version:
            return
        if version == self._version and rows == self._rows and digest == self._digest:
            self._ask_at = now_ms
            return
        self._abandon()
        self._file = open(self._path, "wb")
        self._version = version
        self._rows = rows
        self._digest = digest
        self._have = 0
        self._hash = sha256()
        self._ask_at = now_ms

    def question(self, now_ms: int):
        """Returns (version, first row) to ask for now, or None; asks again after silence."""
        if not self._version or self._have >= self._rows or now_ms < self._ask_at:
            return None
        self._ask_at = now_ms + ASK_AGAIN_MS
        return self._version, self._have

    def chunk(self, version: int, first_row: int, rows: bytes, now_ms: int) -> None:
        """Takes rows that are the next ones; any other chunk is an old answer and is dropped.

        Raises:
            OSError: the flash is full or broken; the intake starts anew at the next offer.
        """
        count = len(rows) // ROSTER_ROW_SIZE
        if version != self._version or first_row != self._have or first_row + count > self._rows:
            return
        try:
            self._file.write(rows)
        except OSError:
            self._abandon()
            raise
        self._hash.update(rows)
        self._have += count
        self._ask_at = now_ms

    def finish(self) -> bool:
        """Puts a complete roster in use; returns whether the roster changed.

        A table that is not the one that was offered is thrown away.

        Raises:
            OSError: the flash is full or broken; the roster before it is still in use.
        """
        if not self._version or self._have < self._rows:
            return False
        if self._hash.digest() != self._digest:
            self.refused += 1
            self._abandon()
            return False
        file = self._file
        version = self._version
        self._file = None
        self._version = 0
        with file:
            file.write(trailer(version, self._digest))
        return self._roster.replaced(self._path)

    def _abandon(self) -> None:
        file = self._file
        self._file = None
        self._version = 0
        if file is not None:
            file.close()
            os.remove(self._path)
