"""A folder and a LittleFS image, to be written as a gate's flash; see `flashing`."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

from littlefs import LittleFS, LittleFSError

from hub.errors import PermanentError, UsageError
from hub.terminals.flashing import BLOCK

BOARDS = {"pico-w": 212, "pico": 352}
"""Blocks of 4,096 bytes that the stock MicroPython image leaves for files."""
DISK_VERSION = 0x0002_0000
"""LittleFS 2.0, what the stock image writes: it refuses to mount a newer one."""
NEWEST = 0
"""For an image that is newer all the same, the newest there is."""


class FolderPlace:
    """A folder that holds what the root of a flash holds.

    Args:
        folder: made if missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise _unusable(folder, error) from None

    def files(self) -> dict[str, int]:
        """Returns size in bytes by path of every file."""
        try:
            return {
                path.relative_to(self._folder).as_posix(): path.stat().st_size
                for path in sorted(self._folder.rglob("*"))
                if path.is_file()
            }
        except OSError as error:
            raise _unusable(self._folder, error) from None

    def read(self, path: str) -> bytes:
        """Returns the content of a file."""
        try:
            return (self._folder / path).read_bytes()
        except OSError as error:
            raise _unusable(self._folder / path, error) from None

    def sha256(self, path: str) -> bytes:
        """Returns the digest of a file."""
        return hashlib.sha256(self.read(path)).digest()

    def write(self, path: str, content: bytes) -> None:
        """Writes a file for its owner only, and on disk."""
        try:
            _write_secret(self._folder / path, content)
        except OSError as error:
            raise _unusable(self._folder / path, error) from None

    def rename(self, old: str, new: str) -> None:
        """Replaces `new` by `old` in one step."""
        try:
            (self._folder / old).replace(self._folder / new)
        except OSError as error:
            raise _unusable(self._folder / new, error) from None

    def remove(self, path: str) -> None:
        """Removes a file."""
        try:
            (self._folder / path).unlink()
        except OSError as error:
            raise _unusable(self._folder / path, error) from None

    def free(self) -> int:
        """Returns the bytes that are free on this computer's disk."""
        status = os.statvfs(self._folder)
        return status.f_bavail * status.f_frsize

    def finish(self) -> None:
        """Sees to it that the names are on disk too."""
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


class ImagePlace:
    """A file with the bytes of a flash's file system; changed in memory until `finish`.

    Args:
        file: the image. One that exists is opened and never formatted; a new one is made.
        blocks: size of a new one in blocks of 4,096 bytes.

    Raises:
        UsageError: HUB-1248 when what is there is no such image.
    """

    def __init__(self, file: Path, blocks: int) -> None:
        self._file = file
        try:
            content = bytearray(file.read_bytes()) if file.exists() else None
        except OSError as error:
            raise _unusable(file, error) from None
        if content is not None:
            blocks = len(content) // BLOCK
            if len(content) % BLOCK or blocks not in BOARDS.values():
                raise UsageError("HUB-1248", file=str(file), reason=f"{len(content)} bytes")
        try:
            if content is None:
                self._system = _system(blocks, DISK_VERSION)
                self._system.format()
                self._system.mount()
            else:
                self._system = _mounted(blocks, content)
        except LittleFSError as error:
            raise _unusable(file, error) from None

    def files(self) -> dict[str, int]:
        """Returns size in bytes by path of every file."""
        found = {}
        for folder, _, names in self._system.walk("/"):
            for name in names:
                path = f"{folder.rstrip('/')}/{name}".lstrip("/")
                found[path] = self._system.stat(path).size
        return found

    def read(self, path: str) -> bytes:
        """Returns the content of a file."""
        try:
            with self._system.open(path, "rb") as file:
                return file.read()
        except (LittleFSError, OSError) as error:
            raise _unusable(self._file, error) from None

    def sha256(self, path: str) -> bytes:
        """Returns the digest of a file."""
        return hashlib.sha256(self.read(path)).digest()

    def write(self, path: str, content: bytes) -> None:
        """Writes a file."""
        try:
            with self._system.open(path, "wb") as file:
                file.write(content)
        except (LittleFSError, OSError) as error:
            raise _unusable(self._file, error) from None

    def rename(self, old: str, new: str) -> None:
        """Replaces `new` by `old`."""
        self._system.rename(old, new)

    def remove(self, path: str) -> None:
        """Removes a file."""
        self._system.remove(path)

    def free(self) -> int:
        """Returns how many bytes are free."""
        return (self._system.block_count - self._system.used_block_count) * BLOCK

    def finish(self) -> None:
        """Puts the image in its place, whole and for its owner only."""
        temporary = self._file.with_name(self._file.name + ".new")
        try:
            temporary.unlink(missing_ok=True)
            _write_secret(temporary, bytes(self._system.context.buffer))
            temporary.replace(self._file)
        except OSError as error:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise _unusable(self._file, error) from None


def _system(blocks: int, version: int) -> LittleFS:
    # As the rp2 port of MicroPython mounts it.
    return LittleFS(
        block_size=BLOCK,
        block_count=blocks,
        prog_size=256,
        read_size=32,
        cache_size=1024,
        lookahead_size=32,
        disk_version=version,
        mount=False,
    )


def _mounted(blocks: int, content: bytearray) -> LittleFS:
    """Mounts an image in the format it has; an interpreter may have raised it to a newer one."""
    for version in (DISK_VERSION, NEWEST):
        system = _system(blocks, version)
        system.context.buffer = content
        try:
            system.mount()
        except LittleFSError:
            if version == NEWEST:
                raise
        else:
            break
    return system


def _write_secret(path: Path, content: bytes) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _unusable(path: Path, error: Exception) -> PermanentError:
    return PermanentError("HUB-1248", file=str(path), reason=type(error).__name__)
