"""How far the hub's acks reached, so that a power cut does not bring back what is behind them.

A file that is removed says by itself that its records were acked, and costs one page. An archive
holds hundreds of records and goes only when all of them are acked; how far it got is written down
in a file ``ack``: the number as u32, then the CRC-32 of these four bytes, begun with `_BEGIN`: the
plain one of four erased bytes is four erased bytes.

Writing it costs three pages, so it is batched: when UNMARKED_MAX acked records would come again
after a power cut, or when there was no ack for QUIET_MS and more than UNMARKED_QUIET of them would.
In the course of a normal day, with segments of 6 records that go at once, it is never written.
"""

import struct
from binascii import crc32

from firmware import files

UNMARKED_MAX = 64
UNMARKED_QUIET = 6
"""What the newest segment has, which stays."""
QUIET_MS = 10 * 1000

_SIZE = 8
_BEGIN = 0x6B6361


class AckMark:
    """The mark of one journal.

    Attributes: upto (in flash: all up to it is acked; 0 before there is one).

    Args:
        folder: the journal's folder.
    """

    def __init__(self, folder: str) -> None:
        self._path = files.join(folder, "ack")
        kept = files.read(self._path, _SIZE + 1)
        self.upto = 0
        if len(kept) == _SIZE:
            upto, expected = struct.unpack("<II", kept)
            if crc32(kept[:4], _BEGIN) == expected:
                self.upto = upto
        self._seen = self.upto
        self._changed_ms = -1

    def due(self, acked: int, floor: int, now_ms: int) -> bool:
        """Returns whether to `write` now.

        Args:
            acked: newest number up to which all is acked.
            floor: first number that a file holds.
            now_ms: monotonic milliseconds; negative when not known: only UNMARKED_MAX counts then.
        """
        unmarked = acked - max(self.upto, floor - 1)
        if acked != self._seen or self._changed_ms < 0:
            self._seen = acked
            self._changed_ms = now_ms
        if unmarked >= UNMARKED_MAX:
            return True
        quiet = now_ms >= 0 and now_ms - self._changed_ms >= QUIET_MS
        return quiet and unmarked > UNMARKED_QUIET

    def write(self, acked: int) -> None:
        """Nothing up to `acked` comes back when this returns; at a cut before, the old mark holds.

        Raises:
            OSError: the flash is full or broken; the old mark holds.
        """
        content = struct.pack("<I", acked)
        files.replace(self._path, content + struct.pack("<I", crc32(content, _BEGIN)))
        self.upto = acked
