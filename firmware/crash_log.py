"""The crash log on its way to the hub, a piece at a time; freed only when the hub has it."""

from firmware.crash import crash_kept, crash_piece, note_crash

ASK_AGAIN_MS = 10000


class CrashLog:
    """What `firmware.crash` keeps, for the parts of a running gate.

    Args:
        root: folder of the flash.
        boot: number of this start.
    """

    def __init__(self, root: str, boot: int) -> None:
        self._root = root
        self._boot = boot
        self._piece = crash_piece(root)
        self._send_at = 0

    def note(self, title: str, error) -> None:
        """Keeps an error that ended a part of the gate; never raises an Exception."""
        note_crash(self._root, self._boot, title, error)
        self._piece = crash_piece(self._root)

    def next(self, now_ms: int):
        """Returns (boot, first, length, text) to send now, or None; again until it is kept."""
        if self._piece is None or now_ms < self._send_at:
            return None
        self._send_at = now_ms + ASK_AGAIN_MS
        return self._piece

    def kept(self, boot: int, upto: int) -> None:
        """The hub has the log of start `boot` up to character `upto`.

        Raises:
            OSError: the flash cannot be written; the piece is sent again.
        """
        piece = self._piece
        if piece is not None and boot == piece[0] and upto <= piece[1] + len(piece[3]):
            crash_kept(self._root, boot, upto)
            self._piece = crash_piece(self._root)
            self._send_at = 0
