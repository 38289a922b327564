"""May this badge pass? One table, no clock and no network.

| badge in the roster | standing | valid days | verdict | reason |
| --- | --- | --- | --- | --- |
| there is no roster | - | - | refused | REASON_NO_ROSTER |
| no | - | - | refused | REASON_UNKNOWN_BADGE |
| yes | blocked | - | refused | REASON_BLOCKED |
| yes | elsewhere | - | refused | REASON_OTHER_SITE |
| yes | allowed | last day before today | refused | REASON_EXPIRED |
| yes | allowed | first day after today | refused | REASON_NOT_YET |
| yes | allowed | today lies between them | granted | REASON_NONE |
"""

from protocol.record import (
    REASON_BLOCKED,
    REASON_EXPIRED,
    REASON_NO_ROSTER,
    REASON_NONE,
    REASON_NOT_YET,
    REASON_OTHER_SITE,
    REASON_UNKNOWN_BADGE,
    VERDICT_GRANTED,
    VERDICT_REFUSED,
)
from protocol.roster import NO_END, STANDING_ALLOWED, STANDING_ELSEWHERE


def decide(has_roster: bool, row, today: int) -> tuple:
    """Returns (verdict, reason) by the table above.

    Args:
        has_roster: whether any roster has ever arrived and is readable.
        row: of `protocol.roster.row_fields`, None when the badge is not listed.
        today: a Brussels day in days since 2000-01-01 that is not after the real one. Without a
            date (0) nothing has expired: the gate works alone after a power cut, its record says
            that the clock was unknown, and the hub judges again. For the same reason nothing is
            too early then.
    """
    if not has_roster:
        return VERDICT_REFUSED, REASON_NO_ROSTER
    if row is None:
        return VERDICT_REFUSED, REASON_UNKNOWN_BADGE
    standing, valid_until, _language, valid_from = row
    if standing == STANDING_ELSEWHERE:
        return VERDICT_REFUSED, REASON_OTHER_SITE
    if standing != STANDING_ALLOWED:
        return VERDICT_REFUSED, REASON_BLOCKED
    if today and valid_from > today:
        return VERDICT_REFUSED, REASON_NOT_YET
    if valid_until != NO_END and valid_until < today:
        return VERDICT_REFUSED, REASON_EXPIRED
    return VERDICT_GRANTED, REASON_NONE
