"""A small MFRC522 driver for the tests of the chip model, over machine.SPI.

Written from the data sheet and ISO/IEC 14443-3 for these tests alone; the product has its own.
"""

import time

REQA = 0x26
WUPA = 0x52
OK = 0
TIMEOUT = 1
COLLISION = 2
BROKEN = 3


class Reader:
    """Polls a chip; all calls block until the chip's timer has run out."""

    def __init__(self, spi, ss, rst):
        self._spi = spi
        self._ss = ss
        self._rst = rst
        self._out = bytearray(2)
        self._in = bytearray(2)
        ss.init(ss.OUT, value=1)
        rst.init(rst.OUT, value=0)

    def read(self, reg):
        self._out[0] = 0x80 | reg << 1
        self._out[1] = 0
        self._ss(0)
        self._spi.write_readinto(self._out, self._in)
        self._ss(1)
        return self._in[1]

    def write(self, reg, value):
        self._out[0] = reg << 1
        self._out[1] = value
        self._ss(0)
        self._spi.write(self._out)
        self._ss(1)

    def start(self):
        """Reset by pin, field on, wait until tags have woken; returns VersionReg."""
        self._rst(0)
        self._rst(1)
        time.sleep_ms(2)
        self.write(0x2A, 0x80)  # TAuto
        self.write(0x2B, 0xA9)  # 25 us a count
        self.write(0x2C, 0)
        self.write(0x2D, 60)  # 1.5 ms
        self.write(0x15, 0x40)  # 100 % ASK
        self.write(0x14, 0x83)  # field on
        self.write(0x01, 0x00)  # receiver on
        time.sleep_ms(6)
        return self.read(0x37)

    def exchange(self, data, last_bits=0, align=0):
        """Send a frame; (status, answer)."""
        self.write(0x01, 0x00)
        self.write(0x04, 0x7F)
        self.write(0x0A, 0x80)
        self.write(0x0E, 0x00)
        for b in data:
            self.write(0x09, b)
        self.write(0x0D, align << 4 | last_bits)
        self.write(0x01, 0x0C)
        self.write(0x0D, 0x80 | align << 4 | last_bits)
        for _ in range(5000):
            irq = self.read(0x04)
            if irq & 0x21:
                break
        else:
            return BROKEN, b""
        if not irq & 0x20:
            return TIMEOUT, b""
        answer = bytes([self.read(0x09) for _ in range(self.read(0x0A))])
        error = self.read(0x06)
        if error & 0x08:
            return COLLISION, answer
        return (BROKEN if error & 0x17 else OK), answer

    def with_crc(self, on):
        self.write(0x12, 0x80 if on else 0)
        self.write(0x13, 0x80 if on else 0)

    def request(self, code=REQA):
        self.with_crc(False)
        status, _ = self.exchange(bytes([code]), last_bits=7)
        return status in (OK, COLLISION)

    def halt(self):
        self.with_crc(True)
        self.exchange(b"\x50\x00")

    def uid(self, code=REQA):
        """UID of one tag, settling collisions in favour of the bit 1; None without a tag."""
        if not self.request(code):
            return None
        uid = b""
        for select in b"\x93\x95\x97":
            block = self._level(select)
            if block is None or block[0] ^ block[1] ^ block[2] ^ block[3] != block[4]:
                return None
            self.with_crc(True)
            status, sak = self.exchange(bytes([select, 0x70]) + block)
            if status != OK or len(sak) != 1:
                return None
            if not sak[0] & 0x04:
                return uid + block[:4]
            uid += block[1:4]
        return None

    def _level(self, select):
        block = bytearray(5)
        known = 0
        self.with_crc(False)
        for _ in range(33):
            whole, part = known >> 3, known & 7
            frame = bytes([select, (2 + whole) << 4 | part]) + block[: whole + (part > 0)]
            status, answer = self.exchange(frame, part, part)
            if status not in (OK, COLLISION):
                return None
            for i in range(len(answer)):
                block[whole + i] |= answer[i]
            if status == OK:
                return bytes(block)
            known += self.read(0x0E) & 0x1F or 32
            block[(known - 1) >> 3] |= 1 << ((known - 1) & 7)
        return None
