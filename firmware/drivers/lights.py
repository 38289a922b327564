"""Ring of WS2812 lamps."""

import neopixel
from machine import Pin


class Lights:
    """A ring of lamps, counted clockwise from the one on top.

    Args:
        pin: GPIO of the data line.
        count: lamps.
    """

    def __init__(self, pin: int, count: int) -> None:
        self._ring = neopixel.NeoPixel(Pin(pin), count)
        self._count = count

    def paint(self, lamps: int, colour: tuple, others: tuple) -> None:
        """Some lamps take one colour and the others another; sent when it returns (1 ms).

        Args:
            lamps: bit i stands for lamp i.
            colour: of those lamps, (red, green, blue), each 0..255.
            others: of all others.
        """
        for i in range(self._count):
            self._ring[i] = colour if lamps >> i & 1 else others
        self._ring.write()
