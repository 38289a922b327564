"""Reads the text back from a display by matching 8x8 cells with framebuf's own font.

Rows of text are looked for at each page (8 pixel rows) and where the gate's five lines stand, every
13 rows from the third on. A row is cut into cells of 8 columns. Text may start at any column, so
each of the 8 alignments is tried and the one that explains most of the row wins. Letters drawn at
double size fill two pages and are halved first. What is not a letter is left out.

The ASCII letters are framebuf's: on MicroPython the built-in font, on CPython that of its stand-in.
The others are known from a table of this module. Accents are dropped: a mark above, below or across
a letter is not part of its cell, or is taken off it.
"""

from binascii import unhexlify

import framebuf

_ALIGNMENTS = (0, 4, 1, 2, 3, 5, 6, 7)
_LINES = (2, 15, 28, 41, 54)  # the first pixel row of the cells

_FIRST = 32
_LAST = 126

_OTHER = "БГДЖЗИЛПУФЦЧШЩЪЫЬЭЮЯЄҐ→←⇄ßıŒ¿¡œ"
_OTHER_CELLS = (
    "007f7f4949793100007f7f0101010100c0e07e5f41ffff0063771c7f7f1c776322634949497f3600"
    "007f7f180c7f7f0000407e3f017f7f00007f7f01017f7f0000276f48487f3f000c1e127f7f121e0c"
    "007f7f40407fffc000070f08087f7f007f7f407f7f407f7f7f7f407f7f40ffff017f7f4848783000"
    "7f7f487838007f7f007f7f484878300022634949497f3e007f7f083e7f417f3e00667f19097f7f00"
    "003e7f4949632200007e7e0202030300181818187e3c180000183c7e181818180222722222272220"
    "007e7f01497f36000000007c7c0000003e7f417f7f4949410030784d456020000000007979000000"
    "387c447c7c545c18"
)

# Capitals that Latin and Cyrillic share, as they look.
_LATIN = "ABCEHIKMOPTX"
_CYRILLIC = "АВСЕНІКМОРТХ"
_CYRILLIC_ONLY = "БГДЖЗИЛПУФЦЧШЩЪЫЬЭЮЯЄҐ"
_NOT_SHARED = "DFGJLNQRSUVWYZ"

# A cell that is no letter is looked up again without the last row, where marks below begin, without
# the first two, where marks above small letters end, and without both.
_MARKS_OFF = (0x7F, 0xFC, 0x7C)
_STROKE_MOST = 6  # dots of a stroke across a letter


def _draw_font():
    """The font as one string, 8 columns a letter from the space on; a dict would take 15 KB."""
    cells = bytearray(8 * (_LAST - _FIRST + 1))
    canvas = framebuf.FrameBuffer(cells, len(cells), 8, framebuf.MONO_VLSB)
    canvas.text("".join([chr(code) for code in range(_FIRST, _LAST + 1)]), 0, 0)
    return bytes(cells) + unhexlify("".join(_OTHER_CELLS))


_font = _draw_font()


def _exact(cell):
    at = _font.find(cell)
    while at & 7 and at >= 0:  # across two letters
        at = _font.find(cell, at + 1)
    if at < 0:
        return None
    code = _FIRST + at // 8
    return chr(code) if code <= _LAST else _OTHER[code - _LAST - 1]


def _without_marks(cell):
    """The letter of a cell that has parts of marks in it, None if there is none."""
    for mask in _MARKS_OFF:
        letter = _exact(bytes([column & mask for column in cell]))
        if letter is not None and letter != " ":
            return letter
    for letter in "LOlod":
        at = 8 * (ord(letter) - _FIRST)
        more = 0
        for x in range(8):
            if _font[at + x] & ~cell[x]:
                more = 99
            more += bin(cell[x] & ~_font[at + x]).count("1")
        if more <= _STROKE_MOST:
            return letter
    return None


def _cells(columns, start, read):
    """(text, cells that are letters, cells that are neither letter nor blank)."""
    text = ""
    letters = 0
    strange = 0
    for x in range(start, len(columns) - 7, 8):
        cell = bytes(columns[x : x + 8])
        letter = _exact(cell)
        if letter is None and read is not None:
            letter = read(cell)
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
    best = -1
    most = 0
    for start in _ALIGNMENTS:
        _text, letters, strange = _cells(columns, start, None)
        if 8 * letters - strange > most:
            most = 8 * letters - strange
            best = start
            if not strange:
                break
    if best < 0:
        return ""
    text, letters, strange = _cells(columns, best, _without_marks)
    if letters <= strange or not text.strip(" -_"):  # strokes alone belong to a drawing
        return ""
    return _in_one_script(text.strip())


def _in_one_script(text):
    """Letters that two scripts share become Cyrillic beside letters that only Cyrillic has."""
    if not any(letter in _CYRILLIC_ONLY for letter in text):
        return text
    words = []
    for word in text.split(" "):
        if all(letter in _CYRILLIC_ONLY or letter not in _NOT_SHARED for letter in word):
            for i in range(len(_LATIN)):
                word = word.replace(_LATIN[i], _CYRILLIC[i])
        words.append(word)
    return " ".join(words)


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


def _row_at(pixels, width, y):
    """The columns of the 8 pixel rows from `y` on."""
    page = y // 8 * width
    shift = y % 8
    if not shift:
        return pixels[page : page + width]
    below = page + width
    return bytes(
        [(pixels[page + x] | pixels[below + x] << 8) >> shift & 0xFF for x in range(width)]
    )


def read_lines(pixels, width=128):
    """All rows of text on a display, from the top, rows without text left out.

    Args:
        pixels: display RAM, pages of `width` columns, bit 0 on top.
        width: columns.

    Returns:
        List of str.
    """
    lines = []
    height = len(pixels) // width * 8
    free = 0  # the first pixel row that is not part of a line already read
    for y in sorted(list(range(0, height, 8)) + [y for y in _LINES if y % 8 and y + 8 <= height]):
        row = _row_at(pixels, width, y) if y >= free else b""
        if not any(row):
            continue
        text = read_row(row)
        if text:
            free = y + 8
        elif y % 8 == 0 and y + 16 <= height:
            half = _halved(row, _row_at(pixels, width, y + 8))
            text = "" if half is None else read_row(half)
            if text:
                free = y + 16
        if text:
            lines.append(text)
    return lines
