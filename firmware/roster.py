"""Who may pass: the roster the hub sent last, complete and verified, or the one before it.

| file | content |
| --- | --- |
| ``roster`` | a whole table, see `roster_base` |
| ``changes`` | what changed since, see `roster_changes`; looked up first |

Both are replaced by one rename each, so at any power cut either the old roster decides or the new.
A file that is not whole is not used, nor the other one without it: no roster is safer than half of
one, and the hub sends it again because the version then is 0. `roster_intake` brings new ones.
"""

import os

from firmware import files, roster_changes
from firmware.roster_base import Base
from protocol.limits import TAG_SIZE
from protocol.roster import STANDING_GONE, find_row, row_fields

FILE = "roster"
CHANGES_FILE = "changes"


class Roster:
    """The roster of this gate; `version` is 0 and every look-up None until one is there.

    Attributes: version, rows (how many badges), digest (SHA-256 of the whole), damaged (files are
    there and were not usable), base (the `Base`; it counts reads and comparisons), changes (sorted
    rows that come before those of the base), path (of the base), root (folder of the flash).

    Args:
        root: folder of the flash.
    """

    def __init__(self, root: str) -> None:
        self.root = root
        self.path = files.join(root, FILE)
        self._changes_path = files.join(root, CHANGES_FILE)
        self.base = Base(self.path)
        self._forget()
        self.damaged = False
        self.load()

    def _forget(self) -> None:
        self.base.forget()
        self.changes = bytearray()
        self.version = 0
        self.rows = 0
        self.digest = bytes(32)

    def load(self) -> bool:
        """Takes over the files; returns whether they are usable. Nothing gives way in between."""
        self._forget()
        try:
            size = os.stat(self.path)[6]
        except OSError:
            self._remove_changes()  # changes to nothing
            return False
        self.damaged = True
        try:
            whole = self.base.load(size)
            found = roster_changes.read(self._changes_path, self.base) if whole else None
        except (OSError, ValueError):
            whole = False
            found = None
        if not whole:
            self._forget()
            return False
        if found is None:
            self._remove_changes()  # what a power cut left, if anything
            self._is_base()
        else:
            self.version, self.rows, self.digest, self.changes = found
        self.damaged = False
        return True

    def _is_base(self) -> None:
        self.changes = bytearray()
        self.version = self.base.version
        self.rows = self.base.rows
        self.digest = self.base.digest

    def row(self, tag: bytes):
        """Returns (standing, last valid day, language, first valid day) of a badge, or None.

        See `protocol.roster.row_fields`. A roster in flash that cannot be read any more is none:
        `version` is 0 afterwards.

        Args:
            tag: 8-byte badge tag.
        """
        offset = find_row(self.changes, tag)
        if offset >= 0:
            if self.changes[offset + TAG_SIZE] >> 4 == STANDING_GONE:
                return None
            return row_fields(self.changes, offset)
        try:
            row = self.base.find(tag)
        except OSError:
            self.lost()
            return None
        return None if row is None else row_fields(row, 0)

    def lost(self) -> None:
        """The roster turned out not to be what was verified: there is none any more."""
        self._forget()
        self.damaged = True

    # --- replacement -----------------------------------------------------------------------------

    def discard(self) -> None:
        """Frees the room of files that are not usable; a roster in use stays.

        Raises:
            OSError: the flash cannot be written.
        """
        if self.version == 0:
            self._remove_changes()
            try:
                os.stat(self.path)
            except OSError:
                return
            os.remove(self.path)

    def replace_base(self, temporary: str, version: int, rows: int, digest: bytes, index) -> None:
        """Makes a complete, closed file the whole roster, without changes; it decides at once.

        Args:
            temporary: its path.
            version, rows, digest: of its trailer; the hash has been checked.
            index: of its rows, see `roster_base.index_rows`.

        Raises:
            OSError: the flash refused; the roster before it is still the roster.
        """
        self.base.replace(temporary, version, rows, digest, index)
        self._is_base()
        self.damaged = False
        self._remove_changes()

    def replace_changes(self, version: int, rows: int, digest: bytes, changes: bytearray) -> None:
        """Makes the base with these changes the roster; it decides at once.

        Args:
            version, rows, digest: of both together; the hash has been checked.
            changes: at most `roster_changes.ROWS_MAX` sorted rows; kept, not copied.

        Raises:
            OSError: the flash refused; the roster before it is still the roster.
        """
        content = roster_changes.pack(self.base, version, rows, digest, changes)
        files.replace(self._changes_path, content)
        self.version = version
        self.rows = rows
        self.digest = digest
        self.changes = changes

    def _remove_changes(self) -> None:
        """Changes to another table go; if the flash refuses they mean nothing all the same."""
        try:
            os.stat(self._changes_path)
            os.remove(self._changes_path)
        except OSError:
            return
