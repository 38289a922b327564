"""Reads a QR code back from its modules: versions 1 to 6 at level M, bytes, no error correction.

Written from the standard (ISO/IEC 18004), independent of what drew the code. It corrects nothing:
one wrong module of the data spoils the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

# Version: blocks, data codewords of each block (error level M).
_BLOCKS = {1: (1, 16), 2: (1, 28), 3: (1, 44), 4: (2, 32), 5: (2, 43), 6: (4, 27)}
_TOTAL = {1: 26, 2: 44, 3: 70, 4: 100, 5: 134, 6: 172}
_FORMAT_MASK = 0b101010000010010
_LEVEL_M = 0b00

_MASKS: list[Callable[[int, int], bool]] = [
    lambda y, x: (y + x) % 2 == 0,
    lambda y, x: y % 2 == 0,
    lambda y, x: x % 3 == 0,
    lambda y, x: (y + x) % 3 == 0,
    lambda y, x: (y // 2 + x // 3) % 2 == 0,
    lambda y, x: y * x % 2 + y * x % 3 == 0,
    lambda y, x: (y * x % 2 + y * x % 3) % 2 == 0,
    lambda y, x: ((y + x) % 2 + y * x % 3) % 2 == 0,
]

Modules = list[list[int]]


def modules_of(path: str, side: int, quiet_zone: int = 4) -> Modules:
    """The modules an SVG path of `Mx yhwv1h-wz` pieces draws, without the quiet zone."""
    grid = [[0] * side for _ in range(side)]
    pieces = re.findall(r"M(\d+) (\d+)h(\d+)v1h-(\d+)z", path)
    assert "".join(f"M{x} {y}h{w}v1h-{v}z" for x, y, w, v in pieces) == path
    for x, y, width, back in pieces:
        assert width == back
        for at in range(int(x), int(x) + int(width)):
            grid[int(y)][at] = 1
    inside = grid[quiet_zone : side - quiet_zone]
    cut = [row[quiet_zone : side - quiet_zone] for row in inside]
    # Nothing may be drawn in the quiet zone.
    assert sum(map(sum, cut)) == sum(map(sum, grid))
    return cut


def read(modules: Modules) -> str:
    """The text of a code."""
    size = len(modules)
    version = (size - 17) // 4
    assert size == 17 + 4 * version
    for top, left in ((0, 0), (0, size - 7), (size - 7, 0)):
        _finder(modules, top, left)
    for at in range(8, size - 8):
        assert modules[6][at] == modules[at][6] == (at + 1) % 2
    level, mask = _format(modules)
    assert level == _LEVEL_M
    bits = [
        modules[y][x] ^ _MASKS[mask](y, x)
        for y, x in _zigzag(size)
        if not _reserved(y, x, size, version)
    ]
    words = [
        int("".join(map(str, map(int, bits[at : at + 8]))), 2)
        for at in range(0, 8 * _TOTAL[version], 8)
    ]
    count, length = _BLOCKS[version]
    data = [words[at * count + block] for block in range(count) for at in range(length)]
    stream = "".join(f"{word:08b}" for word in data)
    assert stream[:4] == "0100"
    size_of_text = int(stream[4:12], 2)
    text = stream[12 : 12 + 8 * size_of_text]
    return bytes(int(text[at : at + 8], 2) for at in range(0, len(text), 8)).decode("ascii")


def _finder(modules: Modules, top: int, left: int) -> None:
    for y in range(7):
        for x in range(7):
            ring = max(abs(y - 3), abs(x - 3))
            assert modules[top + y][left + x] == (ring != 2)


def _format(modules: Modules) -> tuple[int, int]:
    places = [(8, x) for x in (0, 1, 2, 3, 4, 5, 7, 8)] + [(y, 8) for y in (7, 5, 4, 3, 2, 1, 0)]
    size = len(modules)
    twin = [(y, 8) for y in range(size - 1, size - 8, -1)] + [(8, x) for x in range(size - 8, size)]
    first = int("".join(str(modules[y][x]) for y, x in places), 2)
    second = int("".join(str(modules[y][x]) for y, x in twin), 2)
    assert first == second
    value = (first ^ _FORMAT_MASK) >> 10
    return value >> 3, value & 0b111


def _reserved(y: int, x: int, size: int, version: int) -> bool:
    if 6 in (y, x):
        return True
    if (y < 9 and x < 9) or (y < 9 and x >= size - 8) or (y >= size - 8 and x < 9):
        return True
    centre = size - 7
    return version > 1 and abs(y - centre) <= 2 and abs(x - centre) <= 2


def _zigzag(size: int) -> Iterator[tuple[int, int]]:
    upwards = True
    right = size - 1
    while right > 0:
        if right == 6:
            right -= 1
        for step in range(size):
            y = size - 1 - step if upwards else step
            yield y, right
            yield y, right - 1
        upwards = not upwards
        right -= 2
