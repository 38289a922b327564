"""Relay that releases the arm, and the contact that closes when the arm turns.

The fire path is wired to the arm itself and never passes here.
"""

import time

from machine import Pin

BOUNCE_MS = 50
"""A dry contact closes several times within some milliseconds; an arm turns at most twice a
second."""


class Turnstile:
    """Locked at the start.

    Args:
        relay: GPIO of the relay; high releases the arm.
        passage: GPIO of the passage contact: closed to ground while the arm turns.
    """

    def __init__(self, relay: int, passage: int) -> None:
        self._relay = Pin(relay, Pin.OUT, value=0)
        self._passage = Pin(passage, Pin.IN, Pin.PULL_UP)
        self._turns = 0
        self._last_ms = time.ticks_ms()
        # The contact may close for a tenth of a second while the gate writes to flash.
        self._passage.irq(self._closed, Pin.IRQ_FALLING)

    def release(self, on: bool) -> None:
        """The arm is released, or locked, when this returns."""
        self._relay(1 if on else 0)

    def turned(self) -> int:
        """Returns how often the arm turned since the last call."""
        turns = self._turns
        self._turns -= turns
        return turns

    def _closed(self, _pin) -> None:
        now_ms = time.ticks_ms()
        if time.ticks_diff(now_ms, self._last_ms) >= BOUNCE_MS:
            self._turns += 1
        self._last_ms = now_ms
