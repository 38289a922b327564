"""Taps become presence and due registrations: once, for their own day, in any order of arrival."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import insert, update

from hub.application.projection import CHUNK, Projection
from hub.domain.legal_day import brussels_day
from hub.domain.registration import client_reference
from hub.storage.engine import reading, writing
from hub.storage.projection import Derived, RegisterView
from hub.storage.register import Register
from hub.storage.schema import badge, person, registration, tap, works
from protocol.record import (
    DIRECTION_NONE,
    DIRECTION_OUT,
    KIND_BOOT,
    KIND_PASSAGE,
    KIND_TAP,
    KIND_TIME_SET,
    QUALITY_NONE,
    REASON_BLOCKED,
    REASON_UNKNOWN_BADGE,
    VERDICT_NONE,
    VERDICT_REFUSED,
)
from tests.hub.derived import Site
from tests.hub.house import BASILE, MILAN, NOON_MS, PIOTR, people_house, record

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
TODAY, YESTERDAY = "2026-11-23", "2026-11-22"
P_MILAN, P_BASILE, P_PIOTR = 1, 2, 3


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A house with three people and two gates."""
    with people_house(tmp_path) as house:
        yield Site(house)


def at(text: str) -> int:
    """UTC milliseconds of an ISO moment in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def time_set(seq: int, at_ms: int, ticks_ms: int, boot: int = 1) -> bytes:
    """The gate learns what time it is."""
    return record(
        seq, bytes(8), at_ms, kind=KIND_TIME_SET, direction=DIRECTION_NONE, verdict=VERDICT_NONE,
        boot=boot, ticks_ms=ticks_ms,
    )  # fmt: skip


def undated(seq: int, tag: bytes, ticks_ms: int, boot: int = 1) -> bytes:
    """A tap of a gate that does not know the time yet."""
    return record(seq, tag, 0, quality=QUALITY_NONE, boot=boot, ticks_ms=ticks_ms)


# ---------------------------------------------------------------- what a tap makes


def test_the_first_tap_in_makes_one_registration_that_is_due(site: Site) -> None:
    tapped = NOON_MS + 123
    site.arrive("gate-in", NOON_MS + 900, record(1, site.house.tag(MILAN), tapped))
    assert site.project() == 1
    (row,) = site.rows(registration)
    (who,) = [row for row in site.rows(person) if row.id == P_MILAN]
    (place,) = site.rows(works)
    assert dict(row._mapping) == {
        "reference": client_reference(who.token, "1Y19FAKE001AZ", brussels_day(NOON_MS)),
        "person_id": P_MILAN,
        "site_id": place.site_id,
        "works_number": "1Y19FAKE001AZ",
        "day": TODAY,
        "state": "due",
        "cause": "first_tap",
        "tap_ms": tapped,
        "due_ms": NOON_MS + 900,
        "number": None,
        "answer": None,
        "changed_ms": NOON_MS + 900,
        "regime": "day",
        "act": "",
        "direction": None,
        "stream_id": 1,
        "seq": 1,
        "lease_by": None,
        "lease_until_ms": None,
        "cancel_reason": None,
        "checked_ms": None,
    }
    assert site.presences() == [(P_MILAN, TODAY, tapped, True, 1)]
    (fact,) = site.rows(tap)
    assert (fact.person_id, fact.at_ms, fact.terminal_id) == (P_MILAN, tapped, "gate-in")


def test_further_taps_of_the_day_make_nothing_new(site: Site) -> None:
    tag = site.house.tag(MILAN)
    site.arrive("gate-in", NOON_MS, record(1, tag, NOON_MS))
    site.project()
    before = site.rows(registration)
    out = record(1, tag, NOON_MS + HOUR, direction=DIRECTION_OUT)
    site.arrive("gate-out", NOON_MS + HOUR, out)
    site.arrive("gate-in", NOON_MS + 2 * HOUR, record(2, tag, NOON_MS + 2 * HOUR))
    site.project()
    assert site.rows(registration) == before
    assert site.presences() == [(P_MILAN, TODAY, NOON_MS, True, 3)]


def test_each_person_has_a_registration_of_his_own(site: Site) -> None:
    for seq, uid in enumerate((MILAN, BASILE, PIOTR), 1):
        site.arrive("gate-in", NOON_MS, record(seq, site.house.tag(uid), NOON_MS))
    site.project()
    due = [(who, TODAY, "due", "first_tap") for who in (P_MILAN, P_BASILE, P_PIOTR)]
    # The third has a Limosa number and nothing else.
    assert site.live() == due


def test_who_was_not_let_in_is_shown_as_a_tap_and_nowhere_else(site: Site) -> None:
    site.arrive(
        "gate-in",
        NOON_MS,
        record(1, site.house.tag(MILAN), NOON_MS, verdict=VERDICT_REFUSED, reason=REASON_BLOCKED),
        record(2, b"stranger", NOON_MS, verdict=VERDICT_REFUSED, reason=REASON_UNKNOWN_BADGE),
        record(3, b"stranger", NOON_MS),
    )
    assert site.project() == 3
    assert site.rows(registration) == []
    assert site.presences() == []
    shown = [(row.person_id, row.verdict, row.reason) for row in site.rows(tap)]
    assert shown == [(P_MILAN, 2, 2), (None, 2, 1), (None, 1, 0)]


def test_records_that_are_no_taps_touch_nobody(site: Site) -> None:
    tag = site.house.tag(MILAN)
    kinds = (KIND_PASSAGE, KIND_BOOT, 200)
    pieces = [record(seq, tag, NOON_MS, kind=kind) for seq, kind in enumerate(kinds, 1)]
    site.arrive("gate-in", NOON_MS, *pieces)
    assert site.project() == 3
    tables = site.tables()
    assert [name for name, rows in tables.items() if rows] == ["gate_event", "projection"]


def test_who_only_goes_out_has_been_there_and_is_due(site: Site) -> None:
    out = record(1, site.house.tag(MILAN), NOON_MS, direction=DIRECTION_OUT)
    site.arrive("gate-out", NOON_MS, out)
    site.project()
    assert site.registrations() == [(TODAY, "due", "first_tap_out")]
    assert site.presences() == [(P_MILAN, TODAY, None, False, 1)]


def test_a_person_of_another_site_is_held_and_seen(site: Site) -> None:
    with writing(site.engine) as connection:
        elsewhere = Register(connection, site.house.house.vault)._site("Chantier Sud")
        connection.execute(insert(works).values(number="1Y19FAKE002BZ", site_id=elsewhere))
        connection.execute(
            update(person).where(person.c.id == P_MILAN).values(works_number="1Y19FAKE002BZ")
        )
    site.arrive("gate-in", NOON_MS, record(1, site.house.tag(MILAN), NOON_MS))
    site.project()
    assert site.registrations() == [(TODAY, "held", "no_works_number")]
    assert [who for who, *_ in site.presences()] == [P_MILAN]


def without_company(site: Site) -> None:
    """Milan's employer is not known."""
    with writing(site.engine) as connection:
        connection.execute(update(person).where(person.c.id == P_MILAN).values(company_id=None))


def test_a_person_who_cannot_be_named_is_held_and_seen(site: Site) -> None:
    without_company(site)
    site.arrive("gate-in", NOON_MS, record(1, site.house.tag(MILAN), NOON_MS))
    site.project()
    assert site.registrations() == [(TODAY, "held", "no_company")]
    assert site.presences() == [(P_MILAN, TODAY, NOON_MS, True, 1)]


def test_taps_of_a_badge_that_moved_belong_to_its_new_owner(site: Site) -> None:
    tag = site.house.tag(MILAN)
    site.arrive("gate-in", NOON_MS, record(1, tag, NOON_MS))
    site.project()
    with writing(site.engine) as connection:
        connection.execute(update(badge).where(badge.c.tag == tag).values(person_id=P_BASILE))
    site.register = RegisterView()
    site.arrive("gate-in", NOON_MS + HOUR, record(2, tag, NOON_MS + HOUR))
    site.project()
    assert [who for who, *_ in site.live()] == [P_MILAN, P_BASILE]


# ---------------------------------------------------------------- whose day


def test_midnight_in_brussels_parts_the_days(site: Site) -> None:
    midnight = at("2026-11-22T23:00:00")
    tag = site.house.tag(MILAN)
    for seq, moment in enumerate((midnight - 1, midnight), 1):
        site.arrive("gate-in", moment, record(seq, tag, moment))
    site.project()
    due = ("due", "first_tap")
    assert site.registrations() == [(YESTERDAY, *due), (TODAY, *due)]


@pytest.mark.parametrize(
    ("day", "first", "end"),
    [
        ("2026-03-29", "2026-03-28T23:00:00", "2026-03-29T22:00:00"),  # 23 hours
        ("2026-10-25", "2026-10-24T22:00:00", "2026-10-25T23:00:00"),  # 25 hours
    ],
)
def test_the_days_on_which_clocks_move_are_one_day_each(
    site: Site, day: str, first: str, end: str
) -> None:
    tag = site.house.tag(MILAN)
    inside = (at(first), at(first) + 2 * HOUR, at(end) - 1)
    for seq, moment in enumerate(inside, 1):
        site.arrive("gate-in", moment, record(seq, tag, moment))
    site.project()
    assert site.registrations() == [(day, "due", "first_tap")]
    assert site.presences() == [(P_MILAN, day, at(first), True, 3)]
    for seq, moment in enumerate((at(first) - 1, at(end)), 10):
        site.arrive("gate-in", moment, record(seq, tag, moment))
    site.project()
    assert len(site.registrations()) == 3


def test_a_tap_that_comes_a_day_late_is_lapsed_and_never_due(site: Site) -> None:
    tapped = at("2026-11-22T22:59:59")
    received = at("2026-11-22T23:00:01")
    site.arrive("gate-in", received, record(1, site.house.tag(MILAN), tapped))
    site.project()
    assert site.registrations() == [(YESTERDAY, "lapsed", "arrived_late")]
    assert site.presences() == [(P_MILAN, YESTERDAY, tapped, True, 1)]


def test_a_night_shift_is_registered_on_the_day_it_began(site: Site) -> None:
    tag = site.house.tag(MILAN)
    begin, end = at("2026-11-22T21:00:00"), at("2026-11-23T05:00:00")
    site.arrive("gate-in", begin, record(1, tag, begin))
    site.arrive("gate-out", end, record(1, tag, end, direction=DIRECTION_OUT))
    site.project()
    assert site.registrations() == [(YESTERDAY, "due", "first_tap")]
    assert site.presences() == [
        (P_MILAN, YESTERDAY, begin, True, 1),
        (P_MILAN, TODAY, None, False, 1),
    ]


@pytest.mark.parametrize(
    ("ahead_ms", "expected", "counted_ms"),
    [
        (10 * MINUTE, (TODAY, "due", "first_tap"), NOON_MS),
        (10 * MINUTE + 1, (TODAY, "held", "clock_wrong"), None),
    ],
)
def test_a_tap_from_the_future_counts_as_its_receipt_or_not_at_all(
    site: Site, ahead_ms: int, expected: tuple[str, str, str], counted_ms: int | None
) -> None:
    site.arrive("gate-in", NOON_MS, record(1, site.house.tag(MILAN), NOON_MS + ahead_ms))
    site.project()
    assert site.registrations() == [expected]
    assert [first for _, _, first, *_ in site.presences()] == ([counted_ms] if counted_ms else [])


# ---------------------------------------------------------------- taps without a date


def test_a_tap_without_a_date_is_held_until_the_time_is_known(site: Site) -> None:
    site.arrive("gate-in", NOON_MS, undated(1, site.house.tag(MILAN), 5_000))
    site.project()
    assert site.registrations() == [(TODAY, "held", "clock_unknown")]
    assert site.presences() == []
    assert [row.at_ms for row in site.rows(tap)] == [None]
    # 65 seconds after its start the gate learns the time: the tap was a minute before.
    later = NOON_MS + MINUTE
    site.arrive("gate-in", later, time_set(2, later, 65_000))
    site.project()
    assert [row.at_ms for row in site.rows(tap)] == [NOON_MS]
    assert site.registrations() == [(TODAY, "due", "first_tap")]
    (row,) = site.rows(registration)
    assert (row.tap_ms, row.due_ms, row.changed_ms) == (NOON_MS, later, later)
    assert site.presences() == [(P_MILAN, TODAY, NOON_MS, True, 1)]


def test_the_time_of_another_boot_or_gate_dates_nothing(site: Site) -> None:
    site.arrive("gate-in", NOON_MS, undated(1, site.house.tag(MILAN), 5_000, boot=1))
    site.arrive("gate-in", NOON_MS, time_set(2, NOON_MS, 9_000, boot=2))
    site.arrive("gate-out", NOON_MS, time_set(1, NOON_MS, 9_000, boot=1))
    site.arrive("gate-in", NOON_MS, time_set(1, NOON_MS, 9_000, boot=1), journal=b"journal2")
    site.project()
    assert [row.at_ms for row in site.rows(tap)] == [None]
    assert site.registrations() == [(TODAY, "held", "clock_unknown")]


@pytest.mark.parametrize("complete", [True, False])
@pytest.mark.parametrize("days_ago", [0, 1])
def test_tap_and_time_give_the_same_in_either_order(
    tmp_path: Path, complete: bool, days_ago: int
) -> None:
    found = []
    for name, tap_first in (("tap first", True), ("time first", False)):
        with people_house(tmp_path / name) as house:
            site = Site(house)
            if not complete:
                without_company(site)
            # The gate made the tap before it knew the time, perhaps a day before it came in.
            pieces = [
                undated(1, house.tag(MILAN), 5_000),
                time_set(2, NOON_MS - days_ago * DAY, 65_000),
            ]
            for piece in pieces if tap_first else reversed(pieces):
                site.arrive("gate-in", NOON_MS, piece)
                site.project()
            found.append((site.live(), site.presences(), [row.at_ms for row in site.rows(tap)]))
    assert found[0] == found[1]
    ((_, _, state, cause),) = found[0][0]
    expected = {
        (True, 0): ("due", "first_tap"),
        (False, 0): ("held", "no_company"),
        (True, 1): ("lapsed", "arrived_late"),
        (False, 1): ("lapsed", "arrived_late"),
    }
    assert (state, cause) == expected[(complete, days_ago)]


def test_a_tap_that_was_of_yesterday_is_taken_off_today(site: Site) -> None:
    site.arrive("gate-in", NOON_MS, undated(1, site.house.tag(MILAN), 5_000))
    site.arrive("gate-in", NOON_MS, time_set(2, NOON_MS - DAY, 65_000))
    site.project()
    assert site.registrations() == [
        (YESTERDAY, "lapsed", "arrived_late"),
        (TODAY, "dropped", "redated"),
    ]
    # A tap of today still makes today's registration, under another reference.
    site.arrive("gate-in", NOON_MS, record(3, site.house.tag(MILAN), NOON_MS))
    site.project()
    assert (TODAY, "due", "first_tap") in site.registrations()
    assert len({row.reference for row in site.rows(registration)}) == 3


def test_another_undated_tap_keeps_today_open(site: Site) -> None:
    tag = site.house.tag(MILAN)
    site.arrive("gate-in", NOON_MS, undated(1, tag, 5_000))
    site.arrive("gate-out", NOON_MS, undated(1, tag, 5_000))
    site.arrive("gate-in", NOON_MS, time_set(2, NOON_MS - DAY, 65_000))
    site.project()
    # Nothing is known yet of the other one: somebody has to look at it.
    assert site.live() == [
        (P_MILAN, YESTERDAY, "lapsed", "arrived_late"),
        (P_MILAN, TODAY, "held", "clock_unknown"),
    ]


def test_a_dated_tap_of_today_keeps_today_open(site: Site) -> None:
    without_company(site)
    tag = site.house.tag(MILAN)
    site.arrive("gate-in", NOON_MS, undated(1, tag, 5_000))
    site.arrive("gate-out", NOON_MS, record(1, tag, NOON_MS))
    site.arrive("gate-in", NOON_MS, time_set(2, NOON_MS - DAY, 65_000))
    site.project()
    assert site.live() == [
        (P_MILAN, YESTERDAY, "lapsed", "arrived_late"),
        (P_MILAN, TODAY, "held", "no_company"),
    ]


def test_the_first_time_of_a_boot_counts(site: Site) -> None:
    site.arrive(
        "gate-in",
        NOON_MS,
        undated(1, site.house.tag(MILAN), 5_000),
        time_set(2, NOON_MS, 65_000),
        time_set(3, NOON_MS + 10_000, 65_000),
        undated(4, site.house.tag(BASILE), 66_000),
    )
    site.project()
    assert [row.at_ms for row in site.rows(tap)] == [NOON_MS - MINUTE, NOON_MS + 1_000]


# ---------------------------------------------------------------- whatever goes wrong


class DiesBeforeTheCursor(Derived):
    """The power goes after the rows are written and before the cursor moves."""

    def advance(self, inbox_id: int) -> None:
        raise KeyboardInterrupt


class DiesAfterTheCursor(Derived):
    """The power goes after the cursor moved and before the commit."""

    def advance(self, inbox_id: int) -> None:
        super().advance(inbox_id)
        raise KeyboardInterrupt


@pytest.mark.parametrize("dying", [DiesBeforeTheCursor, DiesAfterTheCursor])
def test_rows_and_cursor_are_kept_together_or_not_at_all(site: Site, dying: type[Derived]) -> None:
    tag = site.house.tag(MILAN)
    site.arrive("gate-in", NOON_MS, record(1, tag, NOON_MS), record(2, tag, NOON_MS + 1))
    site.arrive("gate-in", NOON_MS, undated(3, tag, 7), time_set(4, NOON_MS + 9, 8))

    def die() -> None:
        with writing(site.engine) as connection:
            Projection().step(dying(connection, RegisterView()))

    with pytest.raises(KeyboardInterrupt):
        die()
    assert [name for name, rows in site.tables().items() if rows] == []
    assert site.project() == 4
    assert site.presences() == [(P_MILAN, TODAY, NOON_MS, True, 3)]
    assert len(site.registrations()) == 1
    assert site.project() == 0


def test_a_record_that_rotted_is_skipped_and_the_rest_is_projected(site: Site) -> None:
    tags = [site.house.tag(uid) for uid in (MILAN, BASILE, PIOTR)]
    good = [record(seq, tag, NOON_MS) for seq, tag in enumerate(tags, 1)]
    rotten = bytearray(good[1])
    rotten[21] ^= 1
    site.arrive("gate-in", NOON_MS, good[0], bytes(rotten), good[2])
    assert site.project() == 3
    assert [who for who, *_ in site.live()] == [P_MILAN, P_PIOTR]
    assert [row.seq for row in site.rows(tap)] == [1, 3]
    assert site.project() == 0


def test_a_piece_ends_at_about_its_limit_and_the_next_goes_on(site: Site) -> None:
    tag = site.house.tag(MILAN)
    for begin in range(1, 161, 16):
        pieces = [record(seq, tag, NOON_MS - 1_000 + seq) for seq in range(begin, begin + 16)]
        site.arrive("gate-in", NOON_MS, *pieces)
    counts: list[int] = []
    while not counts or counts[-1]:
        with writing(site.engine) as connection:
            counts.append(Projection().step(Derived(connection, RegisterView())))
    assert counts == [CHUNK, CHUNK, 160 - 2 * CHUNK, 0]
    assert site.presences() == [(P_MILAN, TODAY, NOON_MS - 999, True, 160)]


def test_a_run_longer_than_a_piece_is_not_cut(site: Site) -> None:
    tag = site.house.tag(MILAN)
    pieces = [record(seq, tag, NOON_MS) for seq in range(1, CHUNK + 10)]
    site.arrive("gate-in", NOON_MS, *pieces)
    with writing(site.engine) as connection:
        assert Projection().step(Derived(connection, RegisterView())) == CHUNK + 9


def test_nothing_is_decided_by_the_clock_of_this_machine(site: Site) -> None:
    # Both records are of days long gone or far away; only their own receipt counts.
    for seq, moment in enumerate((at("2020-02-29T10:00:00"), at("2044-02-29T10:00:00")), 1):
        site.arrive("gate-in", moment, record(seq, site.house.tag(MILAN), moment))
    site.project()
    assert site.registrations() == [
        ("2020-02-29", "due", "first_tap"),
        ("2044-02-29", "due", "first_tap"),
    ]


def test_kind_and_direction_of_a_newer_gate_are_no_error(site: Site) -> None:
    odd = record(1, site.house.tag(MILAN), NOON_MS, direction=DIRECTION_NONE, kind=KIND_TAP)
    site.arrive("gate-in", NOON_MS, odd, record(2, bytes(8), NOON_MS, kind=255))
    assert site.project() == 2
    # A gate without a direction counts as one to come in by.
    assert site.presences() == [(P_MILAN, TODAY, NOON_MS, True, 1)]
    with reading(site.engine) as connection:
        assert Derived(connection, RegisterView()).cursor() == 1
