"""A 128x64 OLED behind an SSD1306: commands and display RAM over I2C.

The first byte of a write is a control byte (data sheet 8.1.5.2): 0x00 means that commands follow,
0x40 that display data follow, 0x80 and 0xC0 that one command or data byte follows and then another
control byte. Addressing modes, windows, segment remap, scan direction, inversion and on/off are
modelled; scrolling and the display start line are not. Without the charge pump the module stays
dark, as the real one does at 3.3 V. Runs on CPython and on MicroPython.
"""

WIDTH = 128
PAGES = 8

# Commands followed by arguments: how many.
_ARGUMENTS = {
    0x20: 1,  # memory addressing mode
    0x21: 2,  # column window
    0x22: 2,  # page window
    0x81: 1,  # contrast
    0x8D: 1,  # charge pump
    0xA8: 1,  # multiplex ratio
    0xD3: 1,  # display offset
    0xD5: 1,  # clock
    0xD9: 1,  # precharge
    0xDA: 1,  # COM pins
    0xDB: 1,  # VCOMH
}


class Ssd1306:
    """The controller and its glass.

    Args:
        on_change: called after each write that changed the display.
    """

    def __init__(self, on_change):
        self.on_change = on_change
        self.ram = bytearray(WIDTH * PAGES)
        self.on = False
        self._pump = False
        self._inverted = False
        self._remapped = False
        self._com_down = False
        self._mode = 2  # page addressing after reset
        self._columns = [0, WIDTH - 1]
        self._pages = [0, PAGES - 1]
        self._column = 0
        self._page = 0
        self._command = 0
        self._pending = []
        self._wanted = 0

    def receive(self, data):
        """One I2C write."""
        i = 0
        while i < len(data):
            control = data[i]
            i += 1
            end = i + 1 if control & 0x80 else len(data)
            for k in range(i, min(end, len(data))):
                if control & 0x40:
                    self._store(data[k])
                else:
                    self._take(data[k])
            i = end
        self.on_change()

    def send(self, count):
        """One I2C read: the status byte, bit 6 set while the display is off."""
        return bytes([0x00 if self.on else 0x40]) * count

    def visible(self):
        """What is to be seen, as 1,024 bytes: 8 pages of 128 columns, bit 0 on top.

        The module is mounted so that segment remap (0xA1) and COM scan down (0xC8) show the RAM
        upright; without them the picture is mirrored.
        """
        if not (self.on and self._pump):
            return bytes(WIDTH * PAGES)
        ram = self.ram
        if not self._inverted and self._remapped and self._com_down:
            return bytes(ram)
        out = bytearray(WIDTH * PAGES)
        flip = 0xFF if self._inverted else 0
        for at in range(WIDTH * PAGES):
            column = at % WIDTH if self._remapped else WIDTH - 1 - at % WIDTH
            if self._com_down:
                value = ram[at // WIDTH * WIDTH + column]
            else:
                value = _reversed(ram[(PAGES - 1 - at // WIDTH) * WIDTH + column])
            out[at] = value ^ flip
        return bytes(out)

    def _take(self, byte):
        if self._wanted:
            self._pending.append(byte)
            self._wanted -= 1
            if not self._wanted:
                self._run(self._command, self._pending)
        elif byte in _ARGUMENTS:
            self._command = byte
            self._pending = []
            self._wanted = _ARGUMENTS[byte]
        else:
            self._run(byte, ())

    def _run(self, command, arguments):
        if command == 0x20:
            self._mode = arguments[0] & 0x03
        elif command == 0x21:
            self._columns = [arguments[0] & 0x7F, arguments[1] & 0x7F]
            self._column = self._columns[0]
        elif command == 0x22:
            self._pages = [arguments[0] & 0x07, arguments[1] & 0x07]
            self._page = self._pages[0]
        elif command == 0x8D:
            self._pump = bool(arguments[0] & 0x04)
        elif command in (0xA0, 0xA1):
            self._remapped = command == 0xA1
        elif command in (0xA6, 0xA7):
            self._inverted = command == 0xA7
        elif command in (0xAE, 0xAF):
            self.on = command == 0xAF
        elif command in (0xC0, 0xC8):
            self._com_down = command == 0xC8
        elif 0xB0 <= command <= 0xB7:
            self._page = command & 0x07
        elif command <= 0x0F:
            self._column = self._column & 0xF0 | command
        elif command <= 0x1F:
            self._column = self._column & 0x0F | (command & 0x07) << 4

    def _store(self, byte):
        self.ram[self._page * WIDTH + self._column] = byte
        if self._mode == 1:  # vertical
            if self._page == self._pages[1]:
                self._page = self._pages[0]
                self._column = self._next(self._column, self._columns)
            else:
                self._page = (self._page + 1) % PAGES
        elif self._mode == 0:  # horizontal
            if self._column == self._columns[1]:
                self._column = self._columns[0]
                self._page = self._next(self._page, self._pages)
            else:
                self._column = (self._column + 1) % WIDTH
        else:  # page: the column wraps, the page stays
            self._column = (self._column + 1) % WIDTH

    def _next(self, value, window):
        return window[0] if value == window[1] else value + 1


def _reversed(byte):
    out = 0
    for i in range(8):
        if byte >> i & 1:
            out |= 0x80 >> i
    return out
