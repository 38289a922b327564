"""The roster of a site: exactly its badges, the same bytes for the same badges."""

from __future__ import annotations

import hashlib
import random
from datetime import date

import pytest

from hub.application import rosters
from hub.application.rosters import (
    VERSIONS_KEPT,
    BadgeRow,
    Roster,
    RosterHistory,
    build_roster,
    build_rosters,
)
from protocol.difference import merged
from protocol.errors import LocalProtocolError
from protocol.limits import CHANGES_ROWS_MAX, ROSTER_ROW_SIZE
from protocol.roster import (
    NO_END,
    STANDING_ALLOWED,
    STANDING_BLOCKED,
    STANDING_ELSEWHERE,
    find_row,
    row_fields,
)

BADGES = [
    BadgeRow(b"tag 0001", "active", None, "nl"),
    BadgeRow(b"tag 0002", "blocked", None, "fr"),
    BadgeRow(b"tag 0003", "active", date(2026, 12, 31), "pl"),
    BadgeRow(b"tag 0004", "active", date(1999, 1, 1), "de"),
    BadgeRow(b"tag 0005", "lost", date(2026, 12, 31), "xx"),
]


def fields(roster: Roster, tag: bytes) -> tuple[int, int, str, int]:
    """What a gate reads of a badge."""
    offset = find_row(roster.table, tag)
    assert offset >= 0
    return row_fields(roster.table, offset)


def test_a_gate_reads_of_each_badge_what_the_register_says() -> None:
    roster = build_roster(7, BADGES)
    days = (date(2026, 12, 31) - date(2000, 1, 1)).days
    assert [fields(roster, badge.tag) for badge in BADGES] == [
        (True, NO_END, "nl", 0),
        (False, NO_END, "fr", 0),
        (True, days, "pl", 0),
        (True, 0, "de", 0),
        # A state this program does not know lets nobody in; a language no gate speaks is English.
        (False, days, "en", 0),
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


def at(number: int, site_id: int, state: str = "active") -> BadgeRow:
    """A badge of somebody who works on that site."""
    return BadgeRow(b"tag %04d" % number, state, None, "nl", None, site_id)


def test_a_gate_knows_the_badges_of_the_other_sites_as_such() -> None:
    badges = [at(1, 1), at(2, 2), at(3, 2, "blocked")]
    built = build_rosters(4, badges, [1, 2, 3])
    standings = {
        site_id: [fields(roster, badge.tag)[0] for badge in badges]
        for site_id, roster in built.items()
    }
    assert standings == {
        1: [STANDING_ALLOWED, STANDING_ELSEWHERE, STANDING_BLOCKED],
        2: [STANDING_ELSEWHERE, STANDING_ALLOWED, STANDING_BLOCKED],
        3: [STANDING_ELSEWHERE, STANDING_ELSEWHERE, STANDING_BLOCKED],
    }
    assert {roster.version for roster in built.values()} == {4}


def test_first_days_reach_the_gate() -> None:
    first = BadgeRow(b"tag 0001", "active", None, "nl", date(2026, 12, 1))
    assert fields(build_roster(1, [first]), first.tag)[3] == 9831


def test_other_sites_are_left_out_of_what_a_gate_could_not_hold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rosters, "ROWS_COMFORTABLE", 5)
    badges = [at(number, 1) for number in range(3)] + [at(number, 2) for number in range(3, 6)]
    assert build_rosters(1, badges, [1])[1].rows == 3
    assert build_rosters(1, badges[:-1], [1])[1].rows == 5


def test_a_history_tells_what_changed_since_each_roster_it_knows() -> None:
    history = RosterHistory()
    assert (history.newest, history.changes(1)) == (None, None)
    badges: list[BadgeRow] = []
    known: list[Roster] = []
    for version in range(1, VERSIONS_KEPT + 5):
        badges = [*badges[version % 3 :], at(version, 1), at(version + 100, 1, "blocked")]
        known.append(build_roster(version, badges))
        history = history.followed_by(known[-1])
        assert history.newest == known[-1]
        for roster in known[-VERSIONS_KEPT:-1]:
            for _ in range(2):  # worked out, and remembered
                changes = history.changes(roster.version)
                assert changes is not None
                assert merged(roster.table, changes) == known[-1].table
        for roster in known[:-VERSIONS_KEPT]:
            assert history.changes(roster.version) is None
        assert history.changes(version) is None
        assert history.changes(version + 1) is None


def test_the_same_badges_under_a_new_version_are_no_change_and_one_table_in_memory() -> None:
    first = build_roster(1, BADGES)
    history = RosterHistory((first,)).followed_by(build_roster(2, BADGES))
    assert history.changes(1) == b""
    assert history.newest is not None
    assert history.newest.table is first.table
    assert history.followed_by(build_roster(2, BADGES)) is history


def test_a_version_that_comes_twice_or_backwards_begins_anew() -> None:
    history = RosterHistory((build_roster(1, BADGES), build_roster(5, BADGES)))
    for roster in (build_roster(5, BADGES[1:]), build_roster(4, BADGES)):
        other = history.followed_by(roster)
        assert other.newest == roster
        assert [other.changes(version) for version in (1, 4, 5)] == [None] * 3


def test_more_than_a_gate_takes_as_changes_is_none() -> None:
    many = [at(number, 1) for number in range(CHANGES_ROWS_MAX + 1)]
    empty = build_roster(1, [])
    assert RosterHistory((empty, build_roster(2, many))).changes(1) is None
    whole = RosterHistory((empty, build_roster(2, many[1:]))).changes(1)
    assert whole is not None
    assert len(whole) == CHANGES_ROWS_MAX * ROSTER_ROW_SIZE
