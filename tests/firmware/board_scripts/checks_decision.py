"""The decision table, row by row, over a real roster table."""

from standins import equal

from firmware.decision import decide
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
from protocol.roster import (
    NO_END,
    STANDING_ELSEWHERE,
    STANDING_GONE,
    build_table,
    find_row,
    pack_row,
    row_fields,
)

TODAY = 9823
NOBODY = b"\0" * 8
TAGS = {
    "no end": (b"AAAAAAAA", True, NO_END),
    "today": (b"BBBBBBBB", True, TODAY),
    "yesterday": (b"CCCCCCCC", True, TODAY - 1),
    "blocked": (b"DDDDDDDD", False, NO_END),
    "blocked and over": (b"EEEEEEEE", False, TODAY - 1),
    "elsewhere": (b"FFFFFFFF", STANDING_ELSEWHERE, NO_END),
    "from today": (b"GGGGGGGG", True, NO_END, TODAY),
    "from tomorrow": (b"HHHHHHHH", True, NO_END, TODAY + 1),
    "gone": (b"IIIIIIII", STANDING_GONE, NO_END),
}


def check_every_row_of_the_table():
    table = build_table([pack_row(row[0], row[1], row[2], "nl", *row[3:]) for row in TAGS.values()])

    def verdict(tag, today=TODAY, has_roster=True):
        offset = find_row(table, tag)
        row = None if offset < 0 else row_fields(table, offset)
        return decide(has_roster, row, today)

    granted = (VERDICT_GRANTED, REASON_NONE)
    equal(verdict(TAGS["no end"][0]), granted)
    equal(verdict(TAGS["today"][0]), granted, "the last day counts")
    equal(verdict(TAGS["yesterday"][0]), (VERDICT_REFUSED, REASON_EXPIRED))
    equal(verdict(TAGS["yesterday"][0], today=0), granted, "no date, nothing has expired")
    equal(verdict(TAGS["blocked"][0]), (VERDICT_REFUSED, REASON_BLOCKED))
    equal(verdict(TAGS["blocked and over"][0]), (VERDICT_REFUSED, REASON_BLOCKED))
    equal(verdict(TAGS["elsewhere"][0]), (VERDICT_REFUSED, REASON_OTHER_SITE))
    equal(verdict(TAGS["from today"][0]), granted, "the first day counts")
    equal(verdict(TAGS["from tomorrow"][0]), (VERDICT_REFUSED, REASON_NOT_YET))
    equal(verdict(TAGS["from tomorrow"][0], today=0), granted, "no date, nothing is too early")
    equal(verdict(TAGS["gone"][0]), (VERDICT_REFUSED, REASON_BLOCKED), "never let in by mistake")
    equal(verdict(NOBODY), (VERDICT_REFUSED, REASON_UNKNOWN_BADGE))
    equal(verdict(TAGS["no end"][0], has_roster=False), (VERDICT_REFUSED, REASON_NO_ROSTER))
