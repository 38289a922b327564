"""Reads the text back from a display by matching 8x8 cells with framebuf's own font.

A page (8 pixel rows) is cut into cells of 8 columns. Text may start at any column, so each of the
8 alignments is tried and the one that explains most of the page wins. Letters drawn at double
size fill two pages and are halved first. What is not a letter of the font is left out. On
MicroPython the font is the built-in one; the CPython stand-in for framebuf brings its own.
"""

import framebuf

_ALIGNMENTS = (0, 4, 1, 2, 3, 5, 6, 7)

_FIRST = 32
_LAST = 126


def _draw_font():
    """The font as one string, 8 columns a letter from the space on; a dict would take 15 KB."""
    cells = bytearray(8 * (_LAST - _FIRST + 1))
    canvas = framebuf.FrameBuffer(cells, len(cells), 8, framebuf.MONO_VLSB)
    canvas.text("".join([chr(code) for code in range(_FIRST, _LAST + 1)]), 0, 0)
    return bytes(cells)


_font = _draw_font()


def _letter(cell):
    at = _font.find(cell)
    while at & 7 and at >= 0:  # across two letters
        at = _font.find(cell, at + 1)
    return chr(_FIRST + at // 8) if at >= 0 else None


def _cells(columns, start):
    """(text, cells that are letters, cells that are neither letter nor blank)."""
    text = ""
    letters = 0
    strange = 0
    for x in range(start, len(columns) - 7, 8):
        letter = _letter(bytes(columns[x : x + 8]))
        if letter is None:
            strange += 1
            letter = " "
        elif letter != " ":
            letters += 1
        text += letter
    if start and any(columns[:start]):
        strange += 1
    return text, letters, strange


def read_row(columns):
    """The text of one row of cells, without blanks around it; "" when there is none."""
    best = ""
    most = 0
    for start in _ALIGNMENTS:
        text, letters, strange = _cells(columns, start)
        if letters - strange > most:
            most = letters - strange
            best = text
            if not strange:
                break
    return best.strip()


def _halved(upper, lower):
    """Two pages drawn at double size as one page of half the columns; None if they are not."""
    out = bytearray(len(upper) // 2)
    for x in range(len(out)):
        if upper[2 * x] != upper[2 * x + 1] or lower[2 * x] != lower[2 * x + 1]:
            return None
        tall = upper[2 * x] | lower[2 * x] << 8
        if (tall ^ tall >> 1) & 0x5555:
            return None
        value = 0
        for bit in range(8):
            value |= (tall >> 2 * bit & 1) << bit
        out[x] = value
    return out


def read_lines(pixels, width=128):
    """All rows of text on a display, from the top, rows without text left out.

    Args:
        pixels: display RAM, pages of `width` columns, bit 0 on top.
        width: columns.

    Returns:
        List of str.
    """
    lines = []
    pages = len(pixels) // width
    page = 0
    while page < pages:
        row = pixels[page * width : (page + 1) * width]
        page += 1
        if not any(row):
            continue
        text = read_row(row)
        if not text and page < pages:
            half = _halved(row, pixels[page * width : (page + 1) * width])
            if half is not None:
                text = read_row(half)
                if text:
                    page += 1
        if text:
            lines.append(text)
    return lines
