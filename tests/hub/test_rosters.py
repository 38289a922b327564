"""The roster of a site: exactly its badges, the same bytes for the same badges."""

from __future__ import annotations

import hashlib
import random
from datetime import date

import pytest

from hub.application.rosters import BadgeRow, Roster, build_roster
from protocol.errors import LocalProtocolError
from protocol.limits import ROSTER_ROW_SIZE
from protocol.roster import NO_END, find_row, row_fields

BADGES = [
    BadgeRow(b"tag 0001", "active", None, "nl"),
    BadgeRow(b"tag 0002", "blocked", None, "fr"),
    BadgeRow(b"tag 0003", "active", date(2026, 12, 31), "pl"),
    BadgeRow(b"tag 0004", "active", date(1999, 1, 1), "de"),
    BadgeRow(b"tag 0005", "lost", date(2026, 12, 31), "xx"),
]


def fields(roster: Roster, tag: bytes) -> tuple[bool, int, str]:
    """What a gate reads of a badge."""
    offset = find_row(roster.table, tag)
    assert offset >= 0
    return row_fields(roster.table, offset)


def test_a_gate_reads_of_each_badge_what_the_register_says() -> None:
    roster = build_roster(7, BADGES)
    days = (date(2026, 12, 31) - date(2000, 1, 1)).days
    assert [fields(roster, badge.tag) for badge in BADGES] == [
        (True, NO_END, "nl"),
        (False, NO_END, "fr"),
        (True, days, "pl"),
        (True, 0, "de"),
        # A state this program does not know lets nobody in; a language no gate speaks is English.
        (False, days, "en"),
    ]
    assert (roster.version, roster.rows) == (7, 5)
    assert find_row(roster.table, b"tag 0006") == -1


def test_the_same_badges_in_any_order_are_the_same_bytes() -> None:
    mixed = BADGES.copy()
    random.Random(1).shuffle(mixed)
    assert mixed != BADGES
    assert build_roster(1, mixed).table == build_roster(1, BADGES).table


@pytest.mark.parametrize(
    "other",
    [
        BADGES[:-1],
        [BadgeRow(b"tag 0001", "blocked", None, "nl"), *BADGES[1:]],
        [BadgeRow(b"tag 0001", "active", None, "fr"), *BADGES[1:]],
        [BadgeRow(b"tag 0001", "active", date(2027, 1, 1), "nl"), *BADGES[1:]],
    ],
)
def test_any_difference_shows_in_the_hash(other: list[BadgeRow]) -> None:
    assert build_roster(1, other).sha256 != build_roster(1, BADGES).sha256


def test_the_hash_is_that_of_the_table_alone() -> None:
    roster = build_roster(1, BADGES)
    assert roster.sha256 == hashlib.sha256(roster.table).hexdigest()
    assert roster.sha256 == build_roster(2, BADGES).sha256
    assert len(roster.table) == ROSTER_ROW_SIZE * len(BADGES)


def test_a_site_without_badges_has_an_empty_roster() -> None:
    roster = build_roster(3, [])
    assert (roster.rows, roster.table) == (0, b"")
    assert roster.sha256 == hashlib.sha256(b"").hexdigest()


def test_one_badge_twice_is_a_defect_of_ours() -> None:
    with pytest.raises(LocalProtocolError):
        build_roster(1, [BADGES[0], BadgeRow(b"tag 0001", "blocked", None, "nl")])


def test_a_roster_shows_no_tags() -> None:
    assert "tag 0001" not in repr(build_roster(1, BADGES))
