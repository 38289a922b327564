"""A chip and a field with a clock that only the checks move."""

from simulator.board.mfrc522 import Mfrc522
from simulator.board.tags import TagField

BYTE_US = 8  # one byte at 1 MHz


class Rig:
    """Registers of one chip by number; every access takes the time of two SPI bytes."""

    def __init__(self, started=True):
        self.us = 0
        self.field = TagField(self.now)
        self.chip = Mfrc522(self.field, self.now)
        self.chip.select(1)
        if started:
            self.chip.reset_pin(1)
            self.us += 2000

    def now(self):
        return self.us

    def bytes(self, *out):
        """One chip select with these bytes; what came back."""
        self.chip.select(0)
        back = []
        for b in out:
            self.us += BYTE_US
            back.append(self.chip.exchange(b))
        self.chip.select(1)
        return back

    def read(self, reg):
        return self.bytes(0x80 | reg << 1, 0)[1]

    def write(self, reg, *values):
        self.bytes(reg << 1, *values)

    def fifo(self):
        return bytes([self.read(0x09) for _ in range(self.read(0x0A))])

    def field_on(self):
        """As a driver leaves it before the first request: field on long enough, receiver on."""
        self.write(0x15, 0x40)
        self.write(0x14, 0x83)
        self.write(0x01, 0x00)
        self.us += 6000
        return self

    def send(self, data, last_bits=0, align=0, wait_us=5000):
        """Transceive and let time pass; True if an answer is in the FIFO."""
        self.write(0x01, 0x00)
        self.write(0x04, 0x7F)
        self.write(0x0A, 0x80)
        self.write(0x09, *data)
        self.write(0x0D, align << 4 | last_bits)
        self.write(0x01, 0x0C)
        self.write(0x0D, 0x80 | align << 4 | last_bits)
        self.us += wait_us
        return bool(self.read(0x04) & 0x20)


def equal(got, wanted):
    assert got == wanted, "{} is not {}".format(got, wanted)
