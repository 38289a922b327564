"""What a badge may do on a day, and how it stands in a gate's roster.

The hub judges a badge by the same rule as the gate, so that both give the same reason. A roster row
carries no name: a tag, a flag, a last day and the language in which the gate speaks to that person.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from protocol.record import REASON_BLOCKED, REASON_EXPIRED, REASON_NONE
from protocol.roster import LANGUAGES, NO_END

ACTIVE: Final = "active"
BLOCKED: Final = "blocked"

_DAY_ZERO: Final = date(2000, 1, 1)

LANGUAGE_CODES: Final[tuple[str, ...]] = tuple(LANGUAGES)
"""Languages a gate can speak, as codes of two letters."""


def badge_reason(state: str, valid_until: date | None, day: date) -> int:
    """Returns why a badge is refused on that Brussels day; `REASON_NONE` when it may pass.

    Args:
        state: ``active`` or ``blocked``; anything else is refused as blocked, never let in.
        valid_until: last day on which it may pass, that day included; None = no end.
        day: the Brussels day of the tap.
    """
    if state != ACTIVE:
        return REASON_BLOCKED
    if valid_until is not None and day > valid_until:
        return REASON_EXPIRED
    return REASON_NONE


def roster_entry(state: str, valid_until: date | None, language: str) -> tuple[bool, int, str]:
    """Returns (allowed, last day in days since 2000-01-01, language) as `pack_row` takes them.

    Every date fits: a last day before 2000 becomes 0 (long over), one after June 2179 the last
    number below the mark for "no end". A language no gate speaks becomes English.
    """
    if valid_until is None:
        last_day = NO_END
    else:
        last_day = min(max((valid_until - _DAY_ZERO).days, 0), NO_END - 1)
    return state == ACTIVE, last_day, language if language in LANGUAGE_CODES else "en"
