"""Display of 128 x 64 dots with an SSD1306 on I2C: five lines of 16 characters, or a picture.

Line `row` stands with its 8 x 8 cells at dot row 13 x row + 2. Between two lines are five rows: two
for marks below the upper one, two for marks above the lower one, and one that keeps a mark off its
capital. A picture takes the place of the first two lines.

Command numbers are those of the SSD1306 data sheet, tables 9 and 10.
"""

import framebuf
from machine import I2C, Pin

from firmware import font, icons

ROWS = 5
WIDTH = 16
PAGES = 8
RETRY_FLUSHES = 200  # 10 s at 20 flushes a second
RENEW_FLUSHES = 1200  # a minute

_DOTS = 8 * WIDTH
_PITCH = 13
_FIRST = 2
_TIMEOUT_US = 10000  # a page takes 3 ms; a bus that hangs must not hold the gate for longer
_COMMANDS = b"\x00"  # control byte: what follows are commands (data sheet 8.1.5.2)
_DATA = 0x40

# Off, horizontal addressing, start line 0, columns and rows mirrored (module upright), 64 rows,
# offset 0, COM pins alternate, clock, precharge, VCOMH, contrast, from RAM, not inverted, charge
# pump on, on.
_SET_UP = (
    b"\xae\x20\x00\x40\xa1\xc8\xa8\x3f\xd3\x00\xda\x12\xd5\x80\xd9\xf1\xdb\x30\x81\xff\xa4\xa6"
    b"\x8d\x14\xaf"
)


class Oled:
    """Lines and a picture; a missing or broken display is left alone and tried again every 10 s.

    What is to be seen is drawn in memory at once and goes out page by page in `flush`. Once a
    minute all of it is sent again: a display that lost its supply for a moment comes back.

    Attributes: bus (the I2C, for what else is wired to it).

    Args:
        i2c: number of the I2C; it runs at 400 kHz.
        sda: GPIO of its data line.
        scl: GPIO of its clock line.
        address: 7-bit I2C address of the display.
    """

    def __init__(self, i2c: int, sda: int, scl: int, address: int) -> None:
        self.bus = I2C(i2c, sda=Pin(sda), scl=Pin(scl), freq=400_000, timeout=_TIMEOUT_US)
        self._address = address
        self._lines = [""] * ROWS
        self._centred = [False] * ROWS
        self._picture = icons.NONE
        self._dots = bytearray(_DOTS * PAGES)
        self._dots_view = memoryview(self._dots)
        self._canvas = framebuf.FrameBuffer(self._dots, _DOTS, 8 * PAGES, framebuf.MONO_VLSB)
        self._cell = bytearray(8)
        self._stamp = framebuf.FrameBuffer(self._cell, 8, 8, framebuf.MONO_VLSB)
        self._page = bytearray(1 + _DOTS)
        self._page[0] = _DATA
        # Columns 0..127, then one page alone: the window the 128 bytes fill.
        self._window = bytearray(b"\x00\x21\x00\x7f\x22\x00\x00")
        self._dirty = 0xFF
        self._present = False
        self._retry = 0
        self._renew = RENEW_FLUSHES

    def text(self, row: int, text: str, centred: bool = False) -> None:
        """Line `row` (0..4) is to say `text`, at most 16 characters; `flush` writes it."""
        if self._lines[row] == text and (not text or self._centred[row] == centred):
            return
        self._lines[row] = text
        self._centred[row] = centred
        cells = _PITCH * row + _FIRST
        top = max(0, cells - 3)
        self._clear(top, cells + 9)
        x = (_DOTS - 8 * len(text)) // 2 if centred else 0
        # What ASCII has goes out in one call; a letter at a time takes ten times as long.
        plain = text
        if len(text.encode()) != len(text):
            plain = "".join([char if ord(char) < 127 else " " for char in text])
            for i in range(len(text)):
                if plain[i] != text[i]:
                    self._put(text[i], x + 8 * i, cells)
        self._canvas.text(plain, x, cells)

    def picture(self, picture: bytes) -> None:
        """A picture of `icons` takes the place of lines 0 and 1; icons.NONE gives them back."""
        if self._picture == picture:
            return
        self._picture = picture
        self._lines[0] = self._lines[1] = ""
        self._clear(0, 2 * _PITCH - 2)
        icons.draw(self._canvas, picture, (_DOTS - icons.WIDTH) // 2)

    def flush(self) -> bool:
        """Writes one changed page (3 ms on the bus); returns whether it wrote one."""
        if not self._present and not self._begin():
            return False
        self._renew -= 1
        try:
            if self._renew <= 0:
                self._set_up()
            if not self._dirty:
                return False
            page = 0
            while not self._dirty >> page & 1:
                page += 1
            self._window[5] = self._window[6] = page
            self._page[1:] = self._dots_view[page * _DOTS : (page + 1) * _DOTS]
            self.bus.writeto(self._address, self._window)
            self.bus.writeto(self._address, self._page)
        except OSError:
            self._present = False
            self._retry = RETRY_FLUSHES
            return False
        self._dirty &= ~(1 << page)
        return True

    def _begin(self) -> bool:
        if self._retry:
            self._retry -= 1
            return False
        try:
            self._set_up()
        except OSError:
            self._retry = RETRY_FLUSHES
            return False
        self._present = True
        return True

    def _set_up(self) -> None:
        self.bus.writeto(self._address, _COMMANDS + _SET_UP)
        self._renew = RENEW_FLUSHES
        self._dirty = 0xFF

    def _clear(self, first: int, last: int) -> None:
        """Rows `first` to `last` go dark, and their pages are to be written."""
        self._canvas.fill_rect(0, first, _DOTS, last - first + 1, 0)
        for page in range(first // 8, last // 8 + 1):
            self._dirty |= 1 << page

    def _put(self, char: str, x: int, y: int) -> None:
        piece = font.piece(char)
        letter = piece & 0xFF
        if letter < 128:
            self._canvas.text(chr(letter), x, y)
        else:
            self._blit(font.CELLS, letter - 128, x, y)
        mark = piece // 256 % 32
        if not mark:
            return
        if mark <= font.ABOVE:
            y += -1 if piece & font.LOW else -3
        elif mark <= font.BELOW:
            y += 7
        elif letter == 108:  # the stem of ł stands further right than that of Ł
            x += 2
        self._blit(font.MARK_CELLS, mark - 1, x, max(0, y))

    def _blit(self, cells: bytes, number: int, x: int, y: int) -> None:
        self._cell[:] = cells[8 * number : 8 * number + 8]
        self._canvas.blit(self._stamp, x, y, 0)
