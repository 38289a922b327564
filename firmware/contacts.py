"""Contacts that must be believed only when they hold still: buttons, lid, copy of the fire contact.

A contact counts when it read the same at STILL_STEPS steps in a row. Fire and lid are closed in
rest, so a cut wire is an alarm as well.
"""

STILL_STEPS = 2
"""At 50 ms a step: longer than any bounce, shorter than any press."""


class Steady:
    """One contact without its bounces.

    Attributes: closed (what is believed).

    Args:
        contact: driver with `closed()`.
        rest: what is believed before the first steps.
    """

    def __init__(self, contact, rest: bool) -> None:
        self._contact = contact
        self._steps = 0
        self.closed = rest

    def step(self) -> bool:
        """Reads the contact; returns whether what is believed has just changed."""
        if self._contact.closed() == self.closed:
            self._steps = 0
            return False
        self._steps += 1
        if self._steps < STILL_STEPS:
            return False
        self._steps = 0
        self.closed = not self.closed
        return True


class Buttons:
    """The two buttons that say which way: a press is told once, when it begins.

    Args:
        into: `Steady` of the button IN.
        out: `Steady` of the button OUT.
    """

    def __init__(self, into: Steady, out: Steady) -> None:
        self._into = into
        self._out = out

    def step(self) -> tuple:
        """Returns (IN was pressed just now, OUT was pressed just now)."""
        return (
            self._into.step() and self._into.closed,
            self._out.step() and self._out.closed,
        )


def _nobody(lid: bool, alarm: bool) -> None:
    """Nobody wants to know."""
    del lid, alarm


class Alarms:
    """Lid and fire contact: each change is a record, and the state stands on the panel.

    Args:
        lid: `Steady` of the lid switch.
        fire: `Steady` of the copy of the fire contact.

    Attributes: keep (called with (lid, else fire; alarm, else normal again); set it before `step`).
    """

    def __init__(self, lid: Steady, fire: Steady) -> None:
        self._lid = lid
        self._fire = fire
        self.keep = _nobody

    @property
    def lid_open(self) -> bool:
        """Whether somebody opened the box."""
        return not self._lid.closed

    @property
    def fire(self) -> bool:
        """Whether the fire panel has freed the arm."""
        return not self._fire.closed

    def step(self) -> None:
        """Looks at both; tells what changed."""
        if self._lid.step():
            self.keep(True, self.lid_open)
        if self._fire.step():
            self.keep(False, self.fire)
