"""Acts by a worker's own phone: when they count as done, and what opens a phone.

Theory of operation. A phone names each act before it leaves it, and sends it until the hub has it;
so an act may arrive long after it was done. Each time it is sent, the phone tells the moment of the
act and what its own clock says at that moment. The difference to the hub's clock shows how good the
phone's is:

| the phone's clock                | the act counts as done                                        |
| -------------------------------- | ------------------------------------------------------------- |
| within two minutes of the hub's  | when the phone says, never after its receipt                  |
| further off, sent at once        | when the hub got it                                           |
| further off, kept on the phone   | when the hub got it, less the time for which the phone kept it|
| says nothing (no script)         | when the hub got it                                           |

So a wrong clock alone never dates an act back, and never makes one that came too late seem fresh.
What the regimes make of the moment (the same Brussels day; ten minutes) is decided where it is
decided for taps. The hub keeps the moment that the phone told, and how far off it was, beside it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

CLOCK_LIMIT_MS: Final = 2 * 60_000
"""How far a phone's clock may be off; the same time is *at once*."""
OLDEST_MS: Final = 7 * 24 * 3_600_000
"""An act that was kept longer is nobody's presence any more, and the worker is told."""
CODE_LETTERS: Final = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""No 0 and O, no 1, I and L: a code is read from paper and said aloud."""
CODE_LENGTH: Final = 8
DECIMALS: Final = 4
"""Of a location: about ten metres."""


class Location(StrEnum):
    """What a site asks of phones at an act; the value is what the table holds."""

    OFF = "off"
    ASK = "ask"
    """Asked for; an act counts without it too."""
    MUST = "must"
    """An act without it is not taken, unless the phone had kept it."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When an act counts as done.

    Args:
        at_ms: UTC milliseconds, never after the receipt.
        ahead_ms: how far the phone's clock was ahead of the hub's; None: it said nothing.
    """

    at_ms: int
    ahead_ms: int | None

    @property
    def clock_is_off(self) -> bool:
        """Whether the phone's clock was not believed."""
        return self.ahead_ms is not None and abs(self.ahead_ms) > CLOCK_LIMIT_MS


def moment_of(at_ms: int | None, sent_ms: int | None, now_ms: int) -> Moment:
    """Returns when an act counts as done; see the theory of operation.

    Args:
        at_ms: moment of the act, UTC milliseconds by the phone's clock; None: it said nothing.
        sent_ms: the phone's clock when it sent the act; None: it said nothing.
        now_ms: UTC milliseconds at which the hub got it.
    """
    if at_ms is None or sent_ms is None:
        return Moment(now_ms, None)
    ahead_ms = sent_ms - now_ms
    kept_ms = max(0, sent_ms - at_ms)
    if abs(ahead_ms) <= CLOCK_LIMIT_MS:
        return Moment(min(at_ms, now_ms), ahead_ms)
    return Moment(now_ms if kept_ms <= CLOCK_LIMIT_MS else now_ms - kept_ms, ahead_ms)


def new_code() -> str:
    """Returns a personal code: 8 letters and digits of which none looks like another."""
    return "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))


def shown(code: str) -> str:
    """Returns a code as it is shown: in two groups."""
    half = CODE_LENGTH // 2
    return f"{code[:half]} {code[half:]}".strip()


def clean_code(typed: str) -> str:
    """Returns what was typed as a code is kept: capitals, without blanks and hyphens."""
    return "".join(typed.split()).replace("-", "").upper()[: CODE_LENGTH * 2]


def rounded(degrees: float | None, most: int) -> float | None:
    """Returns a latitude (`most` 90) or longitude (180) as it is kept; None for what is none."""
    if degrees is None or not -most <= degrees <= most:
        return None
    return round(degrees, DECIMALS)
