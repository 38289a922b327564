"""Taps made before their badge was linked: kept, adopted the same day, and rebuilt as they were."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from hub.application.access import COMMAND
from hub.domain.people import Kind
from hub.errors import UsageError
from hub.storage.completing import complete
from hub.storage.engine import reading, writing
from hub.storage.import_desk import Choice, ImportDesk
from hub.storage.overview import Overview
from hub.storage.people import described
from hub.storage.projection import RegisterView, rebuild
from hub.storage.schema import registration, registration_event, tap
from protocol.record import (
    DIRECTION_OUT,
    QUALITY_NONE,
    REASON_BLOCKED,
    REASON_NONE,
    REASON_UNKNOWN_BADGE,
    VERDICT_GRANTED,
    VERDICT_REFUSED,
)
from tests.hub.derived import Tables
from tests.hub.house import NOON_MS, record
from tests.hub.register_world import CARD, DAY, DRAFT, SPARE, World, limosa, world
from tests.hub.test_registering import change
from tests.people_files import WORKS, csv_file

MINUTE, HOUR, DAY_MS = 60_000, 3_600_000, 86_400_000
TODAY = DAY.isoformat()
VISITOR = replace(DRAFT, kind=Kind.VISITOR, inss=None)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[World]:
    """Two companies on one site."""
    with world(tmp_path) as opened:
        yield opened


class Gate:
    """Taps of one card at the gate in, each a record later than the last."""

    def __init__(self, site: World, card: bytes = CARD) -> None:
        self.site = site
        self.card = card

    def tap(
        self,
        at_ms: int | None,
        *,
        received_ms: int | None = None,
        reason: int = REASON_UNKNOWN_BADGE,
        way: int | None = None,
    ) -> None:
        """One tap comes in and is projected."""
        with reading(self.site.site.engine) as connection:
            seq = len(connection.execute(select(tap.c.seq)).all()) + 1
        verdict = VERDICT_GRANTED if reason == REASON_NONE else VERDICT_REFUSED
        piece = record(
            seq, self.site.house.tag(self.card), at_ms or 0, verdict=verdict, reason=reason,
            direction=way or 1, quality=QUALITY_NONE if at_ms is None else 2,
        )  # fmt: skip
        self.site.site.register = RegisterView()
        self.site.site.arrive("gate-in", received_ms or at_ms or NOON_MS, piece)
        self.site.site.project()


def link(site: World, token: str, now_ms: int = NOON_MS, card: bytes = CARD) -> tuple[int, int]:
    """Links the card and returns (taps adopted, registrations made)."""
    with writing(site.site.engine) as connection:
        done = site.badges(connection, now_ms=now_ms).link(site.house.tag(card), token)
    return done.adopted, done.registered


def told(site: World, token: str) -> list[tuple[str, str, str]]:
    """(day, state, cause) of every registration of a person."""
    number = site.number(token)
    rows = site.site.rows(registration)
    return sorted((row.day, row.state, row.cause) for row in rows if row.person_id == number)


def presences(site: World, token: str) -> list[tuple[str, bool, int]]:
    """(day, inside, taps) of every presence of a person."""
    number = site.number(token)
    return [(row[1], row[3], row[4]) for row in site.site.presences() if row[0] == number]


def rebuilt_alike(site: World) -> None:
    """A rebuild gives what is there, and takes no step."""
    before: Tables = site.site.tables()
    steps = site.site.rows(registration_event)
    with writing(site.site.engine) as connection:
        rebuild(connection)
    assert site.site.tables() == before
    assert site.site.rows(registration_event) == steps


def test_a_badge_refused_as_unknown_and_linked_the_same_day_registers_its_holder(
    site: World,
) -> None:
    token = site.add()
    gate = Gate(site)
    gate.tap(NOON_MS - 5 * HOUR)
    gate.tap(NOON_MS - 4 * HOUR)
    assert (told(site, token), presences(site, token)) == ([], [])
    assert link(site, token) == (2, 1)
    assert told(site, token) == [(TODAY, "due", "first_tap")]
    assert presences(site, token) == [(TODAY, True, 2)]
    rebuilt_alike(site)


def test_taps_of_days_before_stay_nobodys(site: World) -> None:
    token = site.add()
    Gate(site).tap(NOON_MS - DAY_MS)
    assert link(site, token) == (0, 0)
    rebuilt_alike(site)
    assert (told(site, token), presences(site, token)) == ([], [])


def test_a_tap_refused_for_another_reason_is_his_and_counts_for_nothing(site: World) -> None:
    token = site.add()
    Gate(site).tap(NOON_MS - HOUR, reason=REASON_BLOCKED)
    assert link(site, token) == (1, 0)
    rebuilt_alike(site)
    assert (told(site, token), presences(site, token)) == ([], [])


def test_a_gate_that_let_an_unknown_badge_in_counts(site: World) -> None:
    token = site.add()
    Gate(site).tap(NOON_MS - HOUR, reason=REASON_NONE)
    assert link(site, token) == (1, 1)
    rebuilt_alike(site)


def test_a_tap_made_before_the_link_that_comes_in_after_it_counts(site: World) -> None:
    token = site.add()
    link(site, token, NOON_MS)
    gate = Gate(site)
    # Refused by a gate that had not heard of the link yet, before and after the link was made.
    gate.tap(NOON_MS + MINUTE, received_ms=NOON_MS + 2 * MINUTE)
    assert told(site, token) == []
    gate.tap(NOON_MS - MINUTE, received_ms=NOON_MS + 3 * MINUTE)
    assert told(site, token) == [(TODAY, "due", "first_tap")]
    assert presences(site, token) == [(TODAY, True, 1)]
    rebuilt_alike(site)


def test_an_undated_tap_is_held_for_its_clock(site: World) -> None:
    token = site.add()
    Gate(site).tap(None, received_ms=NOON_MS - HOUR)
    assert link(site, token) == (1, 1)
    assert told(site, token) == [(TODAY, "held", "clock_unknown")]
    rebuilt_alike(site)


def test_in_and_out_is_lawful_within_the_window_only(site: World) -> None:
    change(site.site)
    token = site.add()
    gate = Gate(site)
    gate.tap(NOON_MS - HOUR)
    gate.tap(NOON_MS - 30 * MINUTE, way=DIRECTION_OUT)
    gate.tap(NOON_MS - 5 * MINUTE)
    assert link(site, token) == (3, 3)
    assert told(site, token) == [
        (TODAY, "due", "act_in"),
        (TODAY, "lapsed", "act_arrived_late"),
        (TODAY, "lapsed", "act_arrived_late"),
    ]
    rebuilt_alike(site)


def test_a_badge_that_moves_takes_only_what_was_nobodys(site: World) -> None:
    first, second = site.add(), site.token("Aarts")
    gate = Gate(site)
    gate.tap(NOON_MS - 5 * HOUR)
    link(site, first, NOON_MS - 4 * HOUR)
    gate.tap(NOON_MS - 3 * HOUR, reason=REASON_NONE)
    assert link(site, second, NOON_MS - 2 * HOUR) == (0, 0)
    gate.tap(NOON_MS - HOUR, reason=REASON_NONE)
    assert presences(site, first) == [(TODAY, True, 2)]
    assert presences(site, second) == [(TODAY, True, 1)]
    rebuilt_alike(site)


def test_a_rebuild_from_nothing_derived_takes_holders_from_the_history(site: World) -> None:
    first, second = site.add(), site.token("Aarts")
    gate = Gate(site)
    gate.tap(NOON_MS - 5 * HOUR)
    link(site, first, NOON_MS - 4 * HOUR)
    gate.tap(NOON_MS - 3 * HOUR, reason=REASON_NONE)
    link(site, second, NOON_MS - 2 * HOUR)
    before = site.site.tables()
    with writing(site.site.engine) as connection:
        connection.exec_driver_sql("UPDATE tap SET person_id = NULL")
        rebuild(connection)
    assert site.site.tables() == before


# ---------------------------------------------------------------- visitors


def test_a_visitor_is_counted_and_never_registered(site: World) -> None:
    token = site.add(VISITOR)
    link(site, token, NOON_MS - HOUR)
    Gate(site).tap(NOON_MS, reason=REASON_NONE)
    assert presences(site, token) == [(TODAY, True, 1)]
    assert told(site, token) == []
    rebuilt_alike(site)


@pytest.mark.parametrize("regime", ["day", "in_out"])
def test_a_visitor_who_works_here_after_all_is_registered_if_still_lawful(
    site: World, regime: str
) -> None:
    if regime == "in_out":
        change(site.site)
    token = site.add(VISITOR)
    link(site, token, NOON_MS - 2 * DAY_MS)
    gate = Gate(site)
    gate.tap(NOON_MS - DAY_MS, reason=REASON_NONE)
    gate.tap(NOON_MS - HOUR, reason=REASON_NONE)
    with writing(site.site.engine) as connection:
        people = site.people(connection)
        worker = replace(described(people.row(token)), kind=Kind.EMPLOYEE, inss=DRAFT.inss)
        assert people.change(token, worker).made == 1
    expected = {
        "day": (TODAY, "due", "first_tap"),
        "in_out": (TODAY, "lapsed", "act_arrived_late"),
    }
    assert told(site, token) == [expected[regime]]
    assert len(presences(site, token)) == 2  # yesterday a visitor, and that stays
    rebuilt_alike(site)


def test_a_worker_who_is_none_has_the_unsent_dropped_and_the_sent_stays(site: World) -> None:
    unsent, sent = site.add(), site.token("Aarts")
    link(site, unsent, NOON_MS - 2 * HOUR)
    link(site, sent, NOON_MS - 2 * HOUR, SPARE)
    Gate(site).tap(NOON_MS - HOUR, reason=REASON_NONE)
    Gate(site, SPARE).tap(NOON_MS - HOUR, reason=REASON_NONE)
    with writing(site.site.engine) as connection:
        connection.exec_driver_sql(
            "UPDATE registration SET state = 'registered', number = 7 WHERE person_id = ?",
            (1,),
        )
        people = site.people(connection)
        for token, expected in ((unsent, (1, 0)), (sent, (0, 1))):
            done = people.change(token, replace(described(people.row(token)), kind=Kind.VISITOR))
            assert (done.dropped, done.staying) == expected
    assert told(site, unsent) == [(TODAY, "dropped", "not_a_worker")]
    assert told(site, sent) == [(TODAY, "registered", "first_tap")]


def test_a_list_that_changes_what_somebody_is_decides_about_today_too(site: World) -> None:
    token = site.token("Aarts")
    link(site, token, NOON_MS - 2 * HOUR)
    Gate(site).tap(NOON_MS - HOUR, reason=REASON_NONE)
    assert told(site, token) == [(TODAY, "due", "first_tap")]
    row = {
        "site": "Werf Noord",
        "works_number": WORKS,
        "company_number": "0999000129",
        "family_name": "Aarts",
        "given_name": "Milan",
        "inss": "85031299761",
        "language": "nl",
    }
    for kind, expected in (
        ("visitor", [(TODAY, "dropped", "not_a_worker")]),
        ("employee", [(TODAY, "dropped", "not_a_worker"), (TODAY, "due", "first_tap")]),
    ):
        desk = ImportDesk(site.house.house.vault, COMMAND, NOON_MS, "nl")
        with writing(site.site.engine) as connection:
            looked = desk.look(connection, csv_file([{**row, "kind": kind}]), None, None)
            desk.write(connection, looked.sheet, looked.columns, Choice.EVERYTHING, "")
        assert told(site, token) == expected
    rebuilt_alike(site)


# ---------------------------------------------------------------- the curve of the day


def test_the_curve_of_a_day_ends_at_the_headcount(site: World) -> None:
    """One came before midnight and leaves in the morning; another's badge is linked afterwards."""
    link(site, site.token("Aarts"), NOON_MS - DAY_MS)
    night, day = Gate(site), Gate(site, SPARE)
    night.tap(NOON_MS - 13 * HOUR, reason=REASON_NONE)  # 23:00
    night.tap(NOON_MS - 6 * HOUR, reason=REASON_NONE, way=DIRECTION_OUT)
    day.tap(NOON_MS - 5 * HOUR)
    link(site, site.token("Gillard"), NOON_MS - HOUR, SPARE)
    overview = Overview(site.site.engine)
    flow = overview.flow(1, TODAY, NOON_MS)
    assert flow.steps == (
        (NOON_MS - 12 * HOUR, 1),
        (NOON_MS - 6 * HOUR, 0),
        (NOON_MS - 5 * HOUR, 1),
    )
    assert flow.steps[-1][1] == overview.board(1, TODAY, NOON_MS).on_site
    assert [one.hours.index(1) for one in flow.arrivals[-2:]] == [23, 7]
    assert flow.expected == 1


# ---------------------------------------------------------------- Limosa


@pytest.mark.parametrize("regime", ["day", "in_out"])
def test_a_day_outside_the_limosa_declaration_is_held_until_it_is_put_right(
    site: World, regime: str
) -> None:
    if regime == "in_out":
        change(site.site)
    yesterday = DAY - timedelta(days=1)
    token = site.add(replace(DRAFT, kind=Kind.FOREIGN, limosa=limosa(), limosa_until=yesterday))
    link(site, token, NOON_MS - HOUR)
    Gate(site).tap(NOON_MS, reason=REASON_NONE)
    assert told(site, token) == [(TODAY, "held", "limosa_period")]
    rebuilt_alike(site)
    with writing(site.site.engine) as connection:
        assert complete(connection, NOON_MS + MINUTE) == 0
        people = site.people(connection)
        people.change(token, replace(described(people.row(token)), limosa_until=DAY))
        assert complete(connection, NOON_MS + MINUTE) == 1
    assert told(site, token) == [(TODAY, "due", "completed")]


def test_a_badge_of_nobody_is_linked_to_nobody(site: World) -> None:
    with pytest.raises(UsageError, match="HUB-1621"):
        link(site, "0" * 32)
