"""Small files that a power cut leaves whole: after it either the old content is there or the new.

Measured on LittleFS: `flush` and `close` commit, `rename` replaces in one step, and renaming a file
that is still open leaves an empty one and loses the old. So: temporary name, close, rename.
"""

import os

TEMPORARY = ".tmp"


def join(folder: str, name: str) -> str:
    """Returns the path of `name` in `folder`; the root folder is ``"/"``."""
    return folder + name if folder.endswith("/") else folder + "/" + name


def make_folder(path: str) -> None:
    """The folder exists afterwards; its parent must exist already.

    Raises:
        OSError: the flash cannot be written.
    """
    try:
        os.stat(path)
    except OSError:
        os.mkdir(path)


def entries(folder: str):
    """Yields (name, size in bytes) of the files in `folder`, in no order.

    One at a time: after a long outage there are hundreds, and a list of names would take 40 KB.
    """
    if hasattr(os, "ilistdir"):
        for entry in os.ilistdir(folder):
            if entry[1] == 0x8000:
                yield entry[0], entry[-1]  # LittleFS adds the size as a fourth element
    else:  # CPython
        for name in os.listdir(folder):
            yield name, os.stat(join(folder, name))[6]


def replace(path: str, content: bytes) -> None:
    """`path` holds `content` when this returns; at any cut before, its old content.

    Raises:
        OSError: the flash is full or broken; the old content is still there.
    """
    temporary = path + TEMPORARY
    with open(temporary, "wb") as file:
        file.write(content)
    rename(temporary, path)


def rename(closed: str, path: str) -> None:
    """Gives a closed file the name `path`, in place of what was there.

    Raises:
        OSError: the flash is full or broken; nothing changed.
    """
    # os.rename replaces on LittleFS and on POSIX alike (os.replace is not in MicroPython).
    os.rename(closed, path)


def read(path: str, most: int) -> bytes:
    """Returns at most `most` bytes from the start of `path`; nothing when it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read(most)
    except OSError:
        return b""


def remove_temporary(folder: str) -> None:
    """No half-written file of an earlier boot is left in `folder`.

    Raises:
        OSError: the flash cannot be written.
    """
    stray = [name for name, _size in entries(folder) if name.endswith(TEMPORARY)]
    for name in stray:
        os.remove(join(folder, name))
