"""What a badge may do on a day, and how it stands in a gate's roster.

The hub judges a badge by the same rule as the gate, so that both give the same reason. A roster row
carries no name: a tag, a standing, first and last day, and the language in which the gate speaks to
that person.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from protocol.record import (
    REASON_BLOCKED,
    REASON_EXPIRED,
    REASON_NONE,
    REASON_NOT_YET,
    REASON_OTHER_SITE,
)
from protocol.roster import (
    LANGUAGES,
    NO_END,
    STANDING_ALLOWED,
    STANDING_BLOCKED,
    STANDING_ELSEWHERE,
)

ACTIVE: Final = "active"
BLOCKED: Final = "blocked"
LOST: Final = "lost"
"""As good as blocked at a gate; found again, it is active again."""
STATES: Final = (ACTIVE, BLOCKED)
"""What a people file may say of a badge; lost it becomes where its history is kept."""

_DAY_ZERO: Final = date(2000, 1, 1)

LANGUAGE_CODES: Final[tuple[str, ...]] = tuple(LANGUAGES)
"""Languages a gate can speak, as codes of two letters."""


def badge_reason(
    state: str,
    valid_until: date | None,
    day: date,
    valid_from: date | None = None,
    here: bool = True,
) -> int:
    """Returns why a badge is refused on that Brussels day; `REASON_NONE` when it may pass.

    Args:
        state: ``active``, ``blocked`` or ``lost``; anything but active is refused as blocked.
        valid_until: last day on which it may pass, that day included; None = no end.
        day: the Brussels day of the tap.
        valid_from: first day on which it may pass, that day included; None = always.
        here: whether its person works on the site of the gate.
    """
    if state != ACTIVE:
        return REASON_BLOCKED
    if not here:
        return REASON_OTHER_SITE
    if valid_from is not None and day < valid_from:
        return REASON_NOT_YET
    if valid_until is not None and day > valid_until:
        return REASON_EXPIRED
    return REASON_NONE


def days_since_2000(day: date) -> int:
    """Returns a Brussels day as the gates count days."""
    return (day - _DAY_ZERO).days


def roster_entry(
    state: str,
    valid_until: date | None,
    language: str,
    valid_from: date | None = None,
    here: bool = True,
) -> tuple[int, int, str, int]:
    """Returns (standing, last day, language, first day) as `pack_row` takes them.

    Days are counted from 2000-01-01. Every date fits: a last day before 2000 becomes 0 (long over),
    one after June 2179 the last number below the mark for "no end"; a first day before 2000 becomes
    0 (always). A language no gate speaks becomes English.
    """
    if valid_until is None:
        last_day = NO_END
    else:
        last_day = min(max(days_since_2000(valid_until), 0), NO_END - 1)
    first_day = 0
    if valid_from is not None:
        first_day = min(max(days_since_2000(valid_from), 0), 0xFFFF)
    standing = STANDING_BLOCKED
    if state == ACTIVE:
        standing = STANDING_ALLOWED if here else STANDING_ELSEWHERE
    return standing, last_day, language if language in LANGUAGE_CODES else "en", first_day
