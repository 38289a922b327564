"""The flash of a gate as a file: written before its first start, and read after its last."""

from __future__ import annotations

from pathlib import Path

from littlefs import LittleFS

BLOCK = 4096
BLOCKS = 212


def _volume(mount: bool) -> LittleFS:
    return LittleFS(
        block_size=BLOCK,
        block_count=BLOCKS,
        read_size=32,
        prog_size=256,
        lookahead_size=32,
        cache_size=1024,
        mount=mount,
    )


def write_image(path: Path, files: dict[str, bytes]) -> None:
    """Makes a freshly formatted flash with these files at its root."""
    volume = _volume(mount=False)
    volume.format()
    volume.mount()
    for name, content in files.items():
        with volume.open(name, "wb") as file:
            file.write(content)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(volume.context.buffer)  # pyright: ignore[reportAttributeAccessIssue]


def change_image(path: Path, name: str, content: bytes) -> None:
    """Replaces one file at the root of the flash of a gate without power."""
    volume = _volume(mount=False)
    volume.context.buffer[:] = path.read_bytes()  # pyright: ignore[reportAttributeAccessIssue]
    volume.mount()
    with volume.open(name, "wb") as file:
        file.write(content)
    path.write_bytes(volume.context.buffer)  # pyright: ignore[reportAttributeAccessIssue]


def read_image(path: Path) -> dict[str, bytes]:
    """Returns the files at the root of the flash of a gate without power."""
    volume = _volume(mount=False)
    volume.context.buffer[:] = path.read_bytes()  # pyright: ignore[reportAttributeAccessIssue]
    volume.mount()
    files: dict[str, bytes] = {}
    for name in volume.listdir("/"):
        if volume.stat(name).type == 1:
            with volume.open(name, "rb") as file:
                files[name] = file.read()
    return files
