"""May this badge pass? One table, no clock and no network.

| badge in the roster | allowed | last valid day | verdict | reason |
| --- | --- | --- | --- | --- |
| there is no roster | - | - | refused | REASON_NO_ROSTER |
| no | - | - | refused | REASON_UNKNOWN_BADGE |
| yes | no | - | refused | REASON_BLOCKED |
| yes | yes | before today | refused | REASON_EXPIRED |
| yes | yes | today, later or none | granted | REASON_NONE |
"""

from protocol.record import (
    REASON_BLOCKED,
    REASON_EXPIRED,
    REASON_NO_ROSTER,
    REASON_NONE,
    REASON_UNKNOWN_BADGE,
    VERDICT_GRANTED,
    VERDICT_REFUSED,
)
from protocol.roster import NO_END


def decide(has_roster: bool, row, today: int) -> tuple:
    """Returns (verdict, reason) by the table above.

    Args:
        has_roster: whether any roster has ever arrived and is readable.
        row: (allowed, last valid day or NO_END, language) of the badge, None when not listed.
        today: a Brussels day in days since 2000-01-01 that is not after the real one. Without a
            date (0) nothing has expired: the gate works alone after a power cut, its record says
            that the clock was unknown, and the hub judges again.
    """
    if not has_roster:
        return VERDICT_REFUSED, REASON_NO_ROSTER
    if row is None:
        return VERDICT_REFUSED, REASON_UNKNOWN_BADGE
    allowed, valid_until, _language = row
    if not allowed:
        return VERDICT_REFUSED, REASON_BLOCKED
    if valid_until != NO_END and valid_until < today:
        return VERDICT_REFUSED, REASON_EXPIRED
    return VERDICT_GRANTED, REASON_NONE
