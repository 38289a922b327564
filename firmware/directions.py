"""Which way a person goes: by the gate's place, by a button, or the other way than last time.

| settings | direction of a tap |
| --- | --- |
| in, out, none | always that |
| toggle | out when the badge was last seen coming in, else in |
| buttons | of the button pressed within CHOICE_MS before the badge; without one the gate asks |

When it asks, the button pressed within CHOICE_MS after the badge counts.

A press counts for one tap.
"""

from firmware.settings import DIRECTION_BUTTONS, DIRECTION_TOGGLE
from protocol.record import DIRECTION_IN, DIRECTION_OUT

CHOICE_MS = 10000
ASK = -1
"""Nobody has said which way."""


class Directions:
    """Answers which way; see the table above.

    Args:
        mode: `Settings.direction`.
        today: the `Today`.
    """

    def __init__(self, mode: int, today) -> None:
        self._mode = mode
        self._today = today
        self._pressed = ASK
        self._until_ms = -1

    @property
    def by_button(self) -> bool:
        """Whether a button says which way."""
        return self._mode == DIRECTION_BUTTONS

    @property
    def toggles(self) -> bool:
        """Whether each tap of a badge goes the other way than the one before."""
        return self._mode == DIRECTION_TOGGLE

    def pressed(self, direction: int, now_ms: int) -> None:
        """A button was pressed: DIRECTION_IN or DIRECTION_OUT for the next badge."""
        self._pressed = direction
        self._until_ms = now_ms + CHOICE_MS

    def of(self, tag: bytes, now_ms: int) -> int:
        """Returns the DIRECTION constant of a tap of this badge now, or ASK."""
        if self._mode == DIRECTION_TOGGLE:
            last = self._today.direction(tag)
            return DIRECTION_OUT if last == DIRECTION_IN else DIRECTION_IN
        if self._mode == DIRECTION_BUTTONS:
            return self._pressed if now_ms < self._until_ms else ASK
        return self._mode

    def used(self) -> None:
        """The press has had its tap."""
        self._until_ms = -1
