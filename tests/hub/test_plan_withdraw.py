"""Taking a planned day back does to its registration what its state allows, and never too much."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from hub.domain.registration import State
from hub.errors import UsageError
from hub.storage.engine import reading, writing
from hub.storage.history import read_events
from hub.storage.schema import assignment, inbox, plan_entry, registration, works
from tests.hub.derived import Site
from tests.hub.house import MILAN as MILAN_CARD
from tests.hub.house import NOON_MS, record
from tests.hub.plan_site import HOUR_MS, MILAN, TODAY, A, PlanSite, plan_site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[PlanSite]:
    """Three people, planned today and submitted."""
    with plan_site(tmp_path) as opened:
        opened.plan_all()
        assert opened.plans.submit(TODAY, opened.now_ms) == 3
        opened.now_ms += 60_000
        yield opened


def outcome(site: PlanSite, person_id: int, reason: str = "DISEASE", **options: bool) -> str:
    """Withdraws a person's day of today; returns what it came to."""
    (entry,) = site.plans.entries_of(TODAY, person_id)
    (done,) = site.plans.withdraw([entry], reason, "test", **options)
    return done.outcome


def states(site: PlanSite) -> dict[int, str]:
    return {person_id: state for person_id, _, state, _ in site.registrations()}


class TestByHand:
    def test_what_was_not_sent_is_dropped(self, site: PlanSite) -> None:
        assert outcome(site, 1) == "dropped"
        assert site.registrations()[0] == (1, "2026-11-23", "dropped", "withdrawn")

    @pytest.mark.parametrize("after", [(), (State.VALIDATED,), (State.FLAGGED,)])
    def test_what_has_a_number_is_cancelled_with_its_reason(
        self, site: PlanSite, after: tuple[State, ...]
    ) -> None:
        site.register(1)
        site.step(1, *after)
        assert outcome(site, 1, "C32A") == "cancelling"
        with reading(site.engine) as connection:
            *_, event = read_events(connection, site.reference(1))
            row = connection.execute(
                select(registration).where(registration.c.person_id == 1)
            ).one()
        assert (event.state, event.cause, event.reason) == ("cancelling", "cancel_asked", "C32A")
        assert event.actor == "test"
        assert (row.cancel_reason, row.state) == ("C32A", "cancelling")

    def test_what_is_refused_is_dropped(self, site: PlanSite) -> None:
        site.step(1, State.SENDING, State.REFUSED)
        assert outcome(site, 1) == "dropped"

    def test_a_day_without_a_registration_is_only_taken_back(self, site: PlanSite) -> None:
        site.plan({"inss": MILAN, "day": "2026-12-01"})
        day = TODAY + timedelta(days=8)
        (done,) = site.plans.withdraw(site.entries(day), "HOLIDAY", "test")
        assert done.outcome == "withdrawn"
        assert site.entries(day) == []

    def test_a_second_time_changes_nothing(self, site: PlanSite) -> None:
        (entry,) = site.plans.entries_of(TODAY, 1)
        site.plans.withdraw([entry], "HOLIDAY", "first")
        (done,) = site.plans.withdraw([entry], "DISEASE", "second")
        assert done.outcome == "before"
        with reading(site.engine) as connection:
            row = connection.execute(select(plan_entry).where(plan_entry.c.id == entry)).one()
        assert (row.withdrawn_reason, row.withdrawn_actor) == ("HOLIDAY", "first")

    def test_one_unknown_entry_leaves_all_as_they_were(self, site: PlanSite) -> None:
        with pytest.raises(UsageError) as refused:
            site.plans.withdraw([*site.entries(), 99], "HOLIDAY", "test")
        assert refused.value.code == "HUB-1501"
        assert len(site.entries()) == 3
        assert set(states(site).values()) == {"due"}

    def test_who_was_seen_is_cancelled_only_although_he_was(self, site: PlanSite) -> None:
        site.register(1)
        site.seen(1)
        assert outcome(site, 1) == "seen"
        assert (states(site)[1], len(site.entries())) == ("registered", 3)
        assert outcome(site, 1, although_seen=True) == "cancelling"

    def test_who_was_seen_and_is_under_way_waits_for_the_human(self, site: PlanSite) -> None:
        site.seen(1)
        site.step(1, State.SENDING)
        assert outcome(site, 1, although_seen=True) == "in_hand"
        assert len(site.entries()) == 3

    def test_a_tap_without_a_date_counts_as_seen(self, site: PlanSite) -> None:
        site.register(1)
        derived = Site(site.house)
        derived.arrive("gate-in", NOON_MS, record(1, site.house.tag(MILAN_CARD), 0, quality=0))
        derived.project()
        assert outcome(site, 1) == "seen"
        assert site.plans.absent(TODAY)[0].person.ref != 1

    def test_what_a_tap_made_is_not_the_plans(self, site: PlanSite) -> None:
        outcome(site, 1)
        with writing(site.engine) as connection:
            row = connection.execute(
                select(registration).where(registration.c.person_id == 1)
            ).one()
            values = {**row._mapping, "reference": "f" * 24, "state": "held", "tap_ms": NOON_MS}
            connection.execute(insert(registration).values(values))
        site.plan({"inss": MILAN, "day": "today"}, again=True)
        assert outcome(site, 1) == "seen"
        assert states(site)[1] in ("held", "dropped")
        assert [row[2] for row in site.registrations() if row[0] == 1].count("held") == 1


class TestUnderWay:
    @pytest.mark.parametrize("first", [State.SENDING, State.IN_DOUBT])
    def test_it_is_cancelled_once_it_has_a_number(self, site: PlanSite, first: State) -> None:
        site.step(1, State.SENDING)
        if first == State.IN_DOUBT:
            site.step(1, State.IN_DOUBT)
        assert outcome(site, 1) == "waiting"
        assert site.plans.settle(site.now_ms + 1) == 0
        site.step(1, State.REGISTERED, number=7)
        site.now_ms += 60_000
        assert site.plans.settle(site.now_ms) == 1
        assert states(site)[1] == "cancelling"
        assert site.plans.settle(site.now_ms) == 0

    def test_it_is_dropped_once_it_is_known_not_to_be_there(self, site: PlanSite) -> None:
        site.step(1, State.SENDING, State.IN_DOUBT)
        outcome(site, 1)
        site.step(1, State.DUE)
        assert site.plans.settle(site.now_ms) == 1
        assert states(site)[1] == "dropped"

    def test_who_comes_in_the_meantime_stays_registered(self, site: PlanSite) -> None:
        site.step(1, State.SENDING)
        outcome(site, 1)
        site.seen(1)
        site.step(1, State.REGISTERED, number=7)
        assert site.plans.settle(site.now_ms) == 0
        assert states(site)[1] == "registered"

    def test_who_is_planned_again_stays_registered(self, site: PlanSite) -> None:
        site.step(1, State.SENDING)
        outcome(site, 1)
        site.now_ms += 1
        site.plan({"inss": MILAN, "day": "today"}, again=True)
        site.step(1, State.REGISTERED, number=7)
        assert site.plans.settle(site.now_ms) == 0
        assert states(site)[1] == "registered"

    def test_a_cancel_that_is_refused_is_not_asked_for_again(self, site: PlanSite) -> None:
        site.register(1)
        outcome(site, 1)
        site.step(1, State.REGISTERED, number=7)
        assert site.plans.settle(site.now_ms + HOUR_MS) == 0
        assert states(site)[1] == "registered"

    def test_what_was_withdrawn_before_is_not_settled(self, site: PlanSite) -> None:
        assert outcome(site, 2) == "dropped"
        assert site.plans.settle(site.now_ms + HOUR_MS) == 0


class TestComingAllTheSame:
    """A tap finds a registration that is being cancelled: it stands, until it is gone."""

    def test_who_came_in_meanwhile_is_registered_anew(self, site: PlanSite) -> None:
        site.register(1)
        outcome(site, 1)
        site.now_ms += 1000
        derived = Site(site.house)
        tapped = record(1, site.house.tag(MILAN_CARD), site.now_ms)
        derived.arrive("gate-in", site.now_ms, tapped)
        derived.project()
        assert [row[2] for row in site.registrations() if row[0] == 1] == ["cancelling"]
        assert site.plans.settle(site.now_ms) == 0
        site.step(1, State.CANCELLED)
        assert site.plans.settle(site.now_ms + 1000) == 1
        assert site.plans.settle(site.now_ms + 2000) == 0
        assert [row[2:] for row in site.registrations() if row[0] == 1] == [
            ("cancelled", "answered"),
            ("due", "first_tap"),
        ]

    def test_a_cancel_of_somebody_seen_before_was_meant(self, site: PlanSite) -> None:
        site.register(1)
        site.seen(1)
        site.now_ms += 1000
        outcome(site, 1, although_seen=True)
        site.step(1, State.CANCELLED)
        assert site.plans.settle(site.now_ms + 1000) == 0

    def test_who_does_not_come_is_not(self, site: PlanSite) -> None:
        site.register(1)
        outcome(site, 1)
        site.step(1, State.CANCELLED)
        assert site.plans.settle(site.now_ms + 1000) == 0


class TestAbsent:
    def test_only_who_was_not_seen_and_has_something_to_take_back(self, site: PlanSite) -> None:
        site.register(1)
        site.seen(1)
        site.register(2)
        assert [one.person.ref for one in site.plans.absent(TODAY)] == [3, 2]
        assert site.plans.withdraw_absent(TODAY, "PLANNING", site.now_ms) == 2
        assert states(site) == {1: "registered", 2: "cancelling", 3: "dropped"}
        assert site.plans.absences_done(TODAY)
        assert site.plans.absences_done(TODAY - timedelta(days=1))
        assert not site.plans.absences_done(TODAY + timedelta(days=1))

    def test_nobody_is_absent_while_taps_wait(self, site: PlanSite) -> None:
        derived = Site(site.house)
        derived.arrive("gate-in", NOON_MS, record(1, site.house.tag(MILAN_CARD), NOON_MS))
        assert site.plans.withdraw_absent(TODAY, "PLANNING", site.now_ms) is None
        assert not site.plans.absences_done(TODAY)
        assert set(states(site).values()) == {"due"}
        derived.project()
        with reading(site.engine) as connection:
            assert connection.execute(select(inbox.c.id)).scalars().all() == [1]
        assert site.plans.withdraw_absent(TODAY, "PLANNING", site.now_ms) == 2
        assert states(site)[1] == "due"

    def test_a_move_to_other_works_is_a_withdrawal_and_a_new_day(self, site: PlanSite) -> None:
        other = "1Y19FAKE003CZ"
        with writing(site.engine) as connection:
            connection.execute(insert(works).values(number=other, site_id=1))
            for number in (A, other):
                connection.execute(
                    insert(assignment).values(
                        works_number=number, person_id=1, added_ms=0, actor="test"
                    )
                )
        site.register(1)
        assert outcome(site, 1, "PLANNING") == "cancelling"
        site.plan({"inss": MILAN, "day": "today", "works_number": other})
        assert site.plans.submit(TODAY, site.now_ms) == 1
        assert sorted(row[2] for row in site.registrations() if row[0] == 1) == [
            "cancelling",
            "due",
        ]
