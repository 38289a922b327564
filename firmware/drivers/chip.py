"""The RP2040 itself: why it started, the watchdog, a restart."""

import machine

from protocol.messages import RESET_POWER, RESET_SOFTWARE, RESET_WATCHDOG

WATCHDOG_MS = 8000
"""The chip allows 8,388. The longest the gate stands still is an erase of 400 ms at worst (flash
data sheet), the start of the radio 800 ms, and a TLS handshake in slices of some hundred ms."""


class Watchdog:
    """Resets the chip when `feed` stays away; once begun it cannot be stopped."""

    def __init__(self) -> None:
        self._dog = machine.WDT(timeout=WATCHDOG_MS)

    def feed(self) -> None:
        """All is well for another WATCHDOG_MS."""
        self._dog.feed()


def restart() -> None:
    """Starts the board anew; does not return. Its outputs fall to their resting state."""
    machine.reset()


def reset_cause(by_us: bool) -> int:
    """Returns why this start happened: a RESET constant of the health message.

    Args:
        by_us: the start before ended by our own `restart`; the chip cannot tell it from the
            watchdog (measured: both read WDT_RESET).
    """
    if machine.reset_cause() == machine.PWRON_RESET:
        return RESET_POWER
    return RESET_SOFTWARE if by_us else RESET_WATCHDOG
