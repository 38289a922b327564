"""Relay that lets one person through; the fire path is wired to the arm and never passes here."""

from machine import Pin


class Turnstile:
    """Closed at the start, and closed again `pulse_ms` after the last `open`.

    Args:
        pin: GPIO of the relay; high releases the arm.
        pulse_ms: how long it stays released.
    """

    def __init__(self, pin: int, pulse_ms: int) -> None:
        self._relay = Pin(pin, Pin.OUT, value=0)
        self._pulse_ms = pulse_ms
        self._closes_at = -1

    def open(self, now_ms: int) -> None:
        """Releases the arm at once; `step` closes it."""
        self._closes_at = now_ms + self._pulse_ms
        self._relay(1)

    def step(self, now_ms: int) -> None:
        """Closes the arm when its time is over; call it at least ten times a second."""
        if 0 <= self._closes_at <= now_ms:
            self._closes_at = -1
            self._relay(0)
