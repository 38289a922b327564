# type: ignore  (CPython only; the board's type check knows MicroPython's library)
"""`framebuf` for CPython: the calls of MicroPython's that the firmware uses, MONO_VLSB only.

MicroPython's font is not copied: this one has letters of its own, 5 columns wide in the same cells
of 8 x 8. So a display looks a little thinner here than on the VM; what it says is the same.
"""

from math import isqrt

MVLSB = MONO_VLSB = 0

# The characters 32 to 126, 5 columns each, bit 0 on top.
_FONT = bytes.fromhex(
    "000000000000005f00000007000700147f147f14242a7f2a12631308646336495522500000030000"
    "001c2241000041221c002a1c3e1c2a08083e08080080602000080808080800006060002010080402"
    "3e5149453e44427f404062514949462141494d331814127f1027454545393c4a4949300161190503"
    "3649494936064949291e00006c6c0000806c2c000814224100141414141400412214080201510906"
    "3e415d551e7e0909097e7f494949363e414141227f4141221c7f494949417f090909013e4149497a"
    "7f0808087f00417f41002040413f017f081422417f404040407f020c027f7f020c107f3e4141413e"
    "7f090909063e4151215e7f09192946464949493101017f01013f4040403f0f3040300f7f2018207f"
    "631408146307087008076151494543007f41410002040810200041417f0004020102048080808080"
    "000102040020545454787f444444383844444428384444447f3854545418087e09090218a4a4a47c"
    "7f0804047800447d4000408080847d7f1028440000017f40007c041804787c040404783844444438"
    "fc2424241818242424fc7c080404084854545424043f4444203c4040207c1c2040201c3c4030403c"
    "44281028441ca0a0a07c4464544c4400083641410000ff000041413608000402040402"
)


def _cell(code):
    """The 8 columns of a character, a box for one that is not ASCII."""
    at = 5 * (code - 32)
    return b"\0" + (_FONT[at : at + 5] if 32 <= code < 127 else b"\x7f\x41\x41\x41\x7f") + b"\0\0"


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

    def ellipse(self, x, y, xr, yr, c, f=False):
        reach = [min(xr, isqrt(xr * xr * (yr * yr + yr - k * k)) // yr) for k in range(yr + 1)]
        reach.append(-1)
        for k in range(yr + 1):
            # Of an outline, what the next row further out does not cover.
            inner = 0 if f else min(reach[k], reach[k + 1] + 1)
            for row in (y - k, y + k):
                self.hline(x - reach[k], row, reach[k] - inner + 1, c)
                self.hline(x + inner, row, reach[k] - inner + 1, c)

    def text(self, s, x, y, c=1):
        for k, letter in enumerate(s):
            for column, value in enumerate(_cell(ord(letter))):
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
