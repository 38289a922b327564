"""Hub and gate judge a badge by the same rule."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from hub.domain.badges import ACTIVE, BLOCKED, LANGUAGE_CODES, badge_reason, roster_entry
from protocol.record import REASON_BLOCKED, REASON_EXPIRED, REASON_NONE
from protocol.roster import build_table, find_row, pack_row, row_fields

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
    assert roster_entry(ACTIVE, valid_until, "fr") == (True, days, "fr")


def test_a_language_no_gate_speaks_becomes_english() -> None:
    assert LANGUAGE_CODES[:4] == ("fr", "nl", "de", "en")
    for code in LANGUAGE_CODES:
        assert roster_entry(BLOCKED, None, code) == (False, 0xFFFF, code)
    assert roster_entry(ACTIVE, None, "xx") == (True, 0xFFFF, "en")


def test_a_row_comes_out_of_the_roster_as_it_went_in() -> None:
    tag = bytes(range(8))
    entry = roster_entry(ACTIVE, DAY, "de")
    table = build_table([pack_row(tag, *entry)])
    allowed, days, language = row_fields(table, find_row(table, tag))
    assert (bool(allowed), days, language) == entry
