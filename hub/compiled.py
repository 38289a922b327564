"""What was made of a file of this package, kept beside Python's own compiled files.

Reading all texts takes 0.3 s of a core here and compiling the templates of the board as much,
several times that on a Raspberry Pi, at each start and for each command.
"""

from __future__ import annotations

import contextlib
import sys
from hashlib import blake2s
from importlib.util import cache_from_source
from pathlib import Path
from typing import Final

_DIGEST: Final = 32


class Compiled:
    """Files that can be made again at any time; what cannot be kept is done without.

    A file is given only if it is what was written, to the last bit: power may go while it is
    written.

    Args:
        folder: where to; None: where Python keeps what it compiled of this package, or nowhere if
            Python was told to keep nothing.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        if folder is None and not sys.dont_write_bytecode:
            self._folder = Path(cache_from_source(__file__)).parent

    def read(self, name: str) -> bytes | None:
        """Returns what was kept under a name; None: nothing, or not the whole of it."""
        if self._folder is None:
            return None
        try:
            content = (self._folder / name).read_bytes()
        except OSError:
            return None
        whole = digest(content[_DIGEST:]) == content[:_DIGEST]
        return content[_DIGEST:] if whole else None

    def keep(self, name: str, content: bytes) -> None:
        """Keeps something where the folder lets us."""
        if self._folder is not None:
            with contextlib.suppress(OSError):
                (self._folder / name).write_bytes(digest(content) + content)


def digest(content: bytes) -> bytes:
    """Returns 32 bytes that stand for a content."""
    return blake2s(content, digest_size=_DIGEST).digest()
