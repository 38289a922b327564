"""What the loader needs of the board before any firmware is chosen. Part of ``loader.mpy``."""

import time

import machine
import neopixel

from firmware.pins import BUTTON_RECOVERY, RING, RING_PIXELS

HOLD_MS = 3000
GUARD_MS = 8000
"""The longest a watchdog of the RP2040 waits is 8,388 ms."""


class Startup:
    """The board at power-on."""

    def was_reset(self) -> bool:
        """Whether this start was made by the watchdog or by software and not by power."""
        return machine.reset_cause() == machine.WDT_RESET

    def recovery_held(self) -> bool:
        """Whether the recovery button is held down now and for the next 3 s; else it returns at
        once when it is let go."""
        button = machine.Pin(BUTTON_RECOVERY, machine.Pin.IN, machine.Pin.PULL_UP)
        began = time.ticks_ms()
        while not button.value():
            if time.ticks_diff(time.ticks_ms(), began) >= HOLD_MS:
                return True
            time.sleep_ms(20)
        return False

    def guard(self):
        """Starts the watchdog, which then has to be fed at least every 8 s, and returns it."""
        return machine.WDT(timeout=GUARD_MS)

    def no_firmware(self) -> None:
        """Shows that nothing can be started: four red lights, all else dark."""
        ring = neopixel.NeoPixel(machine.Pin(RING), RING_PIXELS)
        for place in range(0, RING_PIXELS, 3):
            ring[place] = (80, 0, 0)
        ring.write()

    def restart(self) -> None:
        """Starts the board anew; does not return."""
        machine.reset()
