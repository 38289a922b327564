"""Contacts and buttons to ground behind the Pico's pull-ups."""

from machine import Pin


class Contact:
    """One contact.

    Args:
        pin: its GPIO.
    """

    def __init__(self, pin: int) -> None:
        self._pin = Pin(pin, Pin.IN, Pin.PULL_UP)

    def closed(self) -> bool:
        """Whether the contact is closed to ground at this moment, bounces included."""
        return not self._pin()
