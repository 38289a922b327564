"""Files of people between looking at them and importing them: sealed, for an hour, for one actor.

A file holds national numbers in clear, so it lies on the disk only sealed with the hub's key, under
a random name, readable by its owner. It is erased when it was used, when its hour is over, and
when the hub starts; nobody but whom it was held for gets it back.
"""

from __future__ import annotations

import json
import os
import secrets
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hub.application.access import Actor
from hub.errors import UsageError
from hub.storage.secrets import Vault

FOLDER: Final = "uploads"
KEPT_MS: Final = 3_600_000
SEALED_AS: Final = "upload"
_ENDING: Final = ".sealed"


@dataclass(frozen=True, slots=True, repr=False)
class Held:
    """A file that is held.

    Args:
        name: what it was called; may tell whose it is, so it is never logged.
        data: its bytes.
        sheet: the sheet that was chosen; None: the first that holds something.
        columns: what was said of each column; None: what the headings say.
        until_ms: UTC milliseconds until which it is held.
    """

    name: str
    data: bytes
    sheet: str | None = None
    columns: tuple[str | None, ...] | None = None
    until_ms: int = 0


class HeldUploads:
    """The files that are held in a data folder; safe in every thread.

    Args:
        folder: the data folder.
        vault: seals them.
    """

    def __init__(self, folder: Path, vault: Vault) -> None:
        self._folder = folder / FOLDER
        self._vault = vault

    def hold(self, actor: Actor, held: Held, now_ms: int, handle: str | None = None) -> str:
        """Keeps a file, or another choice about one that is held, and returns its handle.

        Args:
            actor: for whom; only he gets it back.
            held: its `until_ms` is not looked at.
            handle: of a file that is held: it keeps its hour.
        """
        until_ms = now_ms + KEPT_MS
        if handle is None:
            handle = secrets.token_hex(16)
        else:
            until_ms = self.held(actor, handle, now_ms).until_ms
        head = json.dumps(
            {
                "name": held.name,
                "sheet": held.sheet,
                "columns": held.columns,
                "until_ms": until_ms,
                "owner": _owner(actor),
            }
        ).encode()
        content = len(head).to_bytes(4, "big") + head + held.data
        self._folder.mkdir(mode=0o700, exist_ok=True)
        path = self._path(handle)
        part = path.with_suffix(".part")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(self._vault.seal(f"{SEALED_AS}:{handle}", content))
        part.replace(path)
        # A hub that nobody visits again erases it too.
        timer = threading.Timer((until_ms - now_ms) / 1000, self.erase, (handle,))
        timer.daemon = True
        timer.start()
        return handle

    def held(self, actor: Actor, handle: str, now_ms: int) -> Held:
        """Returns a file that is held for this actor.

        Raises:
            UsageError: HUB-1670, there is none, or no longer, or it is somebody else's.
        """
        try:
            sealed = self._path(handle).read_bytes()
        except (OSError, ValueError):
            raise UsageError("HUB-1670") from None
        content = self._vault.open(f"{SEALED_AS}:{handle}", sealed)
        size = int.from_bytes(content[:4], "big")
        head = json.loads(content[4 : 4 + size])
        if now_ms >= head["until_ms"]:
            self.erase(handle)
            raise UsageError("HUB-1670")
        if head["owner"] != _owner(actor):
            raise UsageError("HUB-1670")
        columns = head["columns"]
        return Held(
            head["name"],
            content[4 + size :],
            head["sheet"],
            None if columns is None else tuple(columns),
            head["until_ms"],
        )

    def erase(self, handle: str) -> None:
        """Erases a file that is held, if it still is."""
        self._path(handle).unlink(missing_ok=True)

    def erase_all(self) -> None:
        """Erases every file that is held: a hub that starts holds none."""
        if self._folder.is_dir():
            for path in self._folder.iterdir():
                path.unlink(missing_ok=True)

    def _path(self, handle: str) -> Path:
        if len(handle) != 32 or not set(handle) <= set("0123456789abcdef"):
            raise ValueError("no handle")
        return self._folder / f"{handle}{_ENDING}"


def _owner(actor: Actor) -> str:
    return f"{actor.name} {actor.company_id}"
