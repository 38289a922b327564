"""Display of 128 x 64 dots with an SSD1306 on I2C: 8 lines of 16 characters.

Command numbers are those of the SSD1306 data sheet, tables 9 and 10.
"""

import framebuf
from machine import I2C, Pin

ROWS = 8
WIDTH = 16
RETRY_FLUSHES = 200  # 10 s at 20 flushes a second

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
    """Lines of text; a missing or broken display is left alone and tried again every 10 s.

    Args:
        i2c: number of the I2C; it runs at 400 kHz.
        sda: GPIO of its data line.
        scl: GPIO of its clock line.
        address: 7-bit I2C address of the display.
    """

    def __init__(self, i2c: int, sda: int, scl: int, address: int) -> None:
        self._i2c = I2C(i2c, sda=Pin(sda), scl=Pin(scl), freq=400_000)
        self._address = address
        self._lines = [""] * ROWS
        self._dirty = [True] * ROWS
        self._buffer = bytearray(1 + 8 * WIDTH)
        self._buffer[0] = _DATA
        self._page = framebuf.FrameBuffer(
            memoryview(self._buffer)[1:], 8 * WIDTH, 8, framebuf.MONO_VLSB
        )
        self._present = False
        self._retry = 0

    def text(self, row: int, text: str) -> None:
        """Line `row` (0..7) is to say `text`, at most 16 characters; `flush` writes it."""
        if self._lines[row] != text:
            self._lines[row] = text
            self._dirty[row] = True

    def flush(self) -> bool:
        """Writes one changed line (3 ms on the bus); returns whether it wrote one."""
        if not self._present and not self._begin():
            return False
        for row in range(ROWS):
            if self._dirty[row]:
                try:
                    self._write(row)
                except OSError:
                    self._present = False
                    self._retry = RETRY_FLUSHES
                    return False
                self._dirty[row] = False
                return True
        return False

    def _begin(self) -> bool:
        if self._retry:
            self._retry -= 1
            return False
        try:
            self._i2c.writeto(self._address, _COMMANDS + _SET_UP)
        except OSError:
            self._retry = RETRY_FLUSHES
            return False
        self._present = True
        for row in range(ROWS):
            self._dirty[row] = True
        return True

    def _write(self, row: int) -> None:
        self._page.fill(0)
        self._page.text(self._lines[row], 0, 0)
        # Columns 0..127, then this page alone: the window the 128 bytes fill.
        self._i2c.writeto(self._address, bytes((0x00, 0x21, 0, 127, 0x22, row, row)))
        self._i2c.writeto(self._address, self._buffer)
