"""`neopixel` as frozen into the rp2 image: a buffer of colours and `write`."""

from simulator.board import registry


class NeoPixel:
    ORDER = (1, 0, 2, 3)  # WS2812 take green first

    def __init__(self, pin, n, bpp=3, timing=1):
        self.pin = pin
        self.n = n
        self.bpp = bpp
        self.buf = bytearray(n * bpp)
        pin.init(pin.OUT)

    def __len__(self):
        return self.n

    def __setitem__(self, i, v):
        offset = i * self.bpp
        for k in range(self.bpp):
            self.buf[offset + self.ORDER[k]] = v[k]

    def __getitem__(self, i):
        offset = i * self.bpp
        return tuple([self.buf[offset + self.ORDER[k]] for k in range(self.bpp)])

    def fill(self, v):
        for i in range(self.n):
            self[i] = v

    def write(self):
        """Send the buffer down the strip; only now does anything change colour."""
        strip = registry.led_strips.get(self.pin.id)
        if strip is not None:
            strip([tuple(self[i][:3]) for i in range(self.n)])
