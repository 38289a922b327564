"""Hub and gate judge a badge by the same rule."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from firmware.decision import decide
from hub.domain.badges import (
    ACTIVE,
    BLOCKED,
    LANGUAGE_CODES,
    badge_reason,
    days_since_2000,
    roster_entry,
)
from protocol.record import (
    REASON_BLOCKED,
    REASON_EXPIRED,
    REASON_NONE,
    REASON_NOT_YET,
    REASON_OTHER_SITE,
)
from protocol.roster import (
    STANDING_ALLOWED,
    STANDING_BLOCKED,
    build_table,
    find_row,
    pack_row,
    row_fields,
)

DAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("state", "valid_until", "reason"),
    [
        (ACTIVE, None, REASON_NONE),
        (ACTIVE, DAY, REASON_NONE),
        (ACTIVE, DAY + timedelta(days=1), REASON_NONE),
        (ACTIVE, DAY - timedelta(days=1), REASON_EXPIRED),
        (BLOCKED, None, REASON_BLOCKED),
        (BLOCKED, DAY - timedelta(days=1), REASON_BLOCKED),
        ("lost", None, REASON_BLOCKED),
    ],
)
def test_why_a_badge_is_refused(state: str, valid_until: date | None, reason: int) -> None:
    assert badge_reason(state, valid_until, DAY) == reason


@pytest.mark.parametrize(
    ("valid_until", "days"),
    [
        (None, 0xFFFF),
        (date(2000, 1, 1), 0),
        (date(2000, 1, 2), 1),
        (DAY, 9823),
        (date(1999, 12, 31), 0),
        (date(2179, 6, 5), 0xFFFE),
        (date(2179, 6, 6), 0xFFFE),
        (date(9999, 12, 31), 0xFFFE),
    ],
)
def test_last_days_fit_the_row(valid_until: date | None, days: int) -> None:
    assert roster_entry(ACTIVE, valid_until, "fr") == (STANDING_ALLOWED, days, "fr", 0)


@pytest.mark.parametrize(
    ("valid_from", "days"),
    [
        (None, 0),
        (date(1999, 12, 31), 0),
        (date(2000, 1, 2), 1),
        (DAY, 9823),
        (date(9999, 12, 31), 0xFFFF),
    ],
)
def test_first_days_fit_the_row(valid_from: date | None, days: int) -> None:
    assert roster_entry(ACTIVE, None, "fr", valid_from) == (STANDING_ALLOWED, 0xFFFF, "fr", days)


@pytest.mark.parametrize("state", [ACTIVE, BLOCKED, "lost"])
@pytest.mark.parametrize("here", [True, False])
@pytest.mark.parametrize("first", [None, -1, 0, 1])
@pytest.mark.parametrize("last", [None, -1, 0, 1])
def test_the_gate_gives_the_reason_of_the_hub(
    state: str, here: bool, first: int | None, last: int | None
) -> None:
    valid_from = None if first is None else DAY + timedelta(days=first)
    valid_until = None if last is None else DAY + timedelta(days=last)
    row = pack_row(bytes(8), *roster_entry(state, valid_until, "nl", valid_from, here))
    _verdict, reason = decide(True, row_fields(row, 0), days_since_2000(DAY))
    assert reason == badge_reason(state, valid_until, DAY, valid_from, here)
    wanted = {
        (ACTIVE, True, None, None): REASON_NONE,
        (ACTIVE, True, 1, 1): REASON_NOT_YET,
        (ACTIVE, False, None, None): REASON_OTHER_SITE,
        (BLOCKED, False, None, None): REASON_BLOCKED,
    }.get((state, here, first, last), reason)
    assert reason == wanted


def test_a_language_no_gate_speaks_becomes_english() -> None:
    assert LANGUAGE_CODES[:4] == ("fr", "nl", "de", "en")
    for code in LANGUAGE_CODES:
        assert roster_entry(BLOCKED, None, code) == (STANDING_BLOCKED, 0xFFFF, code, 0)
    assert roster_entry(ACTIVE, None, "xx") == (STANDING_ALLOWED, 0xFFFF, "en", 0)


def test_a_row_comes_out_of_the_roster_as_it_went_in() -> None:
    tag = bytes(range(8))
    entry = roster_entry(ACTIVE, DAY, "de", DAY - timedelta(days=9))
    table = build_table([pack_row(tag, *entry)])
    assert row_fields(table, find_row(table, tag)) == entry
