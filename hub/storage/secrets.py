"""Person numbers and terminal keys at rest: sealed with a key that is not in the database.

Numbers are sealed with AES-256-GCM under a fresh nonce, bound to what they are by the associated
data, and found again by a keyed blind index (HMAC-SHA-256), so that a stolen database file holds
no number and cannot be searched for one. The keys live in one file that only its owner may read;
whoever has both files has everything, so they are backed up apart.

While keys are replaced (`hub.storage.rotation`) the file holds the new ones as well:

    {"seal": ..., "index": ..., "badge": ..., "next": {"seal": ..., "index": ...}}
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hub.errors import PermanentError
from protocol.limits import KEY_SIZE
from protocol.mac import badge_tag

NONCE = 12
_NAMES = ("seal", "index", "badge")
_REPLACED = ("seal", "index")
"""The badge key stays: every gate holds it."""


class Vault:
    """Seals, opens and indexes; made by `open_vault`. Its `repr` shows no key."""

    def __init__(self, keys: dict[str, bytes]) -> None:
        self._seal = AESGCM(keys["seal"])
        self._index = keys["index"]
        self.badge_key = keys["badge"]

    def __repr__(self) -> str:
        return "Vault()"

    def seal(self, kind: str, value: bytes) -> bytes:
        """Returns `value` sealed; only `open` with the same `kind` gives it back."""
        nonce = os.urandom(NONCE)
        return nonce + self._seal.encrypt(nonce, value, kind.encode())

    def open(self, kind: str, sealed: bytes) -> bytes:
        """Returns what was sealed.

        Raises:
            PermanentError: HUB-1011, the key file is not the one this database was sealed with.
        """
        try:
            return self._seal.decrypt(sealed[:NONCE], sealed[NONCE:], kind.encode())
        except InvalidTag:
            raise PermanentError("HUB-1011") from None

    def index(self, kind: str, value: str) -> bytes:
        """Returns 16 bytes that are equal for equal values and tell nothing without the key."""
        return hmac.digest(self._index, f"{kind}\0{value}".encode(), hashlib.sha256)[:16]

    def tag(self, uid: bytes) -> bytes:
        """Returns the badge tag of a card UID (4, 7 or 10 bytes): all that is ever kept of it."""
        return badge_tag(self.badge_key, uid)


def open_vault(path: Path, create: bool) -> Vault:
    """Opens the key file.

    Args:
        path: the key file.
        create: make it, readable by its owner only, when it does not exist. Pass True only for a
            new database: a lost key file must be restored from its backup, not replaced.

    Raises:
        PermanentError: HUB-1007 when it is missing or unreadable.
    """
    if create and not path.exists():
        try:
            _make(path)
        except OSError:
            raise PermanentError("HUB-1007", file=str(path)) from None
    return _vault(path, _read(path))


def open_next(path: Path) -> Vault | None:
    """Returns the keys of a replacement that was begun and not ended; None when there is none.

    Raises:
        PermanentError: HUB-1007 when the file is missing or unreadable.
    """
    stored = _read(path)
    if "next" not in stored:
        return None
    following = stored["next"]
    return _vault(path, {**stored, **following} if isinstance(following, dict) else {})


def begin_replacing(path: Path) -> Vault:
    """Puts new keys beside the old ones, on disk when this returns, and returns them.

    Those of a replacement that was cut off before are thrown away: nothing was sealed with them.
    """
    stored = {name: _read(path)[name] for name in _NAMES}
    following = {name: os.urandom(KEY_SIZE).hex() for name in _REPLACED}
    _write(path, {**stored, "next": following})
    return _vault(path, {**stored, **following})


def end_replacing(path: Path) -> None:
    """Makes the new keys the only ones; without effect when there are none."""
    stored = _read(path)
    if isinstance(stored.get("next"), dict):
        _write(path, {name: {**stored, **stored["next"]}[name] for name in _NAMES})


def _read(path: Path) -> dict[str, Any]:
    try:
        stored = json.loads(path.read_text())
    except (OSError, ValueError):
        raise PermanentError("HUB-1007", file=str(path)) from None
    if not isinstance(stored, dict):
        raise PermanentError("HUB-1007", file=str(path))
    return stored


def _vault(path: Path, stored: dict[str, Any]) -> Vault:
    try:
        keys = {name: bytes.fromhex(stored[name]) for name in _NAMES}
        if any(len(key) != KEY_SIZE for key in keys.values()):
            raise ValueError
    except (ValueError, KeyError, TypeError):
        raise PermanentError("HUB-1007", file=str(path)) from None
    return Vault(keys)


def _write(path: Path, stored: dict[str, Any]) -> None:
    """Replaces the key file: at every moment it is the old one or the new one, whole."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)  # mode 0600
    try:
        with os.fdopen(descriptor, "w") as file:
            json.dump(stored, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    _sync(path.parent)


def _make(path: Path) -> None:
    """Makes the key file, whole and on disk before anything can be sealed with it.

    It gets its name only when it is complete, and never takes the name of another: of two
    processes that start at the same moment, the second uses the keys of the first.
    """
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)  # mode 0600
    try:
        with os.fdopen(descriptor, "w") as file:
            json.dump({name: os.urandom(KEY_SIZE).hex() for name in _NAMES}, file)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        os.unlink(temporary)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    """Puts the names in a folder on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
