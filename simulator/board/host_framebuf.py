# type: ignore  (CPython only; the board's type check knows MicroPython's library)
"""`framebuf` for CPython: the calls of MicroPython's, with a font that only a machine can read.

Pixels, lines and rectangles are drawn as there (MONO_VLSB only). MicroPython's font is not
copied: a letter is drawn as a cell that encodes its code, which `glass` reads back, so texts on
the panel are right and their picture is not. A page shows the texts instead.
"""

MVLSB = MONO_VLSB = 0


def _cell(code):
    """8 columns for a character: a frame and the code twice, once inverted; blank for a space."""
    if code == 32:
        return bytes(8)
    return bytes([0x81, code, code ^ 0x7F, 0xBD, 0xA5, code ^ 0x7F, code, 0x81])


class FrameBuffer:
    """A monochrome canvas over a caller's buffer, 8 pixels high bytes, bit 0 on top."""

    def __init__(self, buffer, width, height, format, stride=None):
        if format != MONO_VLSB:
            raise ValueError("format")
        self._buffer = buffer
        self._width = width
        self._height = height
        self._stride = stride or width

    def pixel(self, x, y, c=None):
        if not (0 <= x < self._width and 0 <= y < self._height):
            return None
        at = (y >> 3) * self._stride + x
        bit = 1 << (y & 7)
        if c is None:
            return 1 if self._buffer[at] & bit else 0
        if c:
            self._buffer[at] |= bit
        else:
            self._buffer[at] &= ~bit & 0xFF
        return None

    def fill(self, c):
        self.fill_rect(0, 0, self._width, self._height, c)

    def fill_rect(self, x, y, w, h, c):
        for row in range(max(0, y), min(self._height, y + h)):
            for column in range(max(0, x), min(self._width, x + w)):
                self.pixel(column, row, c)

    def hline(self, x, y, w, c):
        self.fill_rect(x, y, w, 1, c)

    def vline(self, x, y, h, c):
        self.fill_rect(x, y, 1, h, c)

    def rect(self, x, y, w, h, c, f=False):
        if f:
            self.fill_rect(x, y, w, h, c)
            return
        self.hline(x, y, w, c)
        self.hline(x, y + h - 1, w, c)
        self.vline(x, y, h, c)
        self.vline(x + w - 1, y, h, c)

    def line(self, x1, y1, x2, y2, c):
        steps = max(abs(x2 - x1), abs(y2 - y1), 1)
        for i in range(steps + 1):
            x = x1 + (2 * (x2 - x1) * i + steps) // (2 * steps)
            self.pixel(x, y1 + (2 * (y2 - y1) * i + steps) // (2 * steps), c)

    def text(self, s, x, y, c=1):
        for k, letter in enumerate(s):
            code = ord(letter) if 32 <= ord(letter) < 127 else 127
            for column, value in enumerate(_cell(code)):
                for bit in range(8):
                    if value >> bit & 1:
                        self.pixel(x + 8 * k + column, y + bit, c)

    def blit(self, fbuf, x, y, key=-1, palette=None):
        for row in range(fbuf._height):
            for column in range(fbuf._width):
                value = fbuf.pixel(column, row)
                if value != key:
                    self.pixel(x + column, y + row, value)

    def scroll(self, xstep, ystep):
        before = FrameBuffer(bytearray(self._buffer), self._width, self._height, MONO_VLSB)
        for y in range(self._height):
            for x in range(self._width):
                value = before.pixel(x - xstep, y - ystep)
                if value is not None:
                    self.pixel(x, y, value)
