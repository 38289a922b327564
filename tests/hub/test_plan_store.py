"""The plan in the store: kept once, checked, sent a day ahead and no more, and taken back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from hub.application.planning import NewEntry
from hub.domain.registration import State
from hub.errors import LocalProtocolError, UsageError
from hub.storage import plan_changes
from hub.storage.engine import reading, writing
from hub.storage.history import read_events
from hub.storage.schema import assignment, person, plan_entry, registration, works
from tests.hub.derived import Site
from tests.hub.house import MILAN as MILAN_CARD
from tests.hub.house import NOON_MS, record
from tests.hub.plan_site import (
    BASILE,
    HOUR_MS,
    MILAN,
    PIOTR,
    SUBMIT_AT,
    TODAY,
    TOMORROW,
    A,
    B,
    PlanSite,
    plan_site,
)

DAY_MS = 24 * HOUR_MS


@pytest.fixture
def site(tmp_path: Path) -> Iterator[PlanSite]:
    with plan_site(tmp_path) as opened:
        yield opened


def codes(written: object) -> list[tuple[int | None, str | None, str, str]]:
    return [
        (entry.row, entry.column, str(entry.severity), entry.code)
        for entry in written.check.problems  # pyright: ignore[reportAttributeAccessIssue]
    ]


def second_works(site: PlanSite) -> None:
    """Works B on the same site, to which Milan is assigned besides A."""
    with writing(site.engine) as connection:
        connection.execute(insert(works).values(number=B, site_id=1))
        for number in (A, B):
            connection.execute(
                insert(assignment).values(
                    works_number=number, person_id=1, added_ms=0, actor="test"
                )
            )


class TestImport:
    def test_the_same_plan_twice_changes_nothing(self, site: PlanSite) -> None:
        site.plan_all(TOMORROW)
        again = site.plan({"inss": MILAN, "day": TOMORROW.isoformat()})
        assert (again.added, again.check.unchanged, again.check.problems) == (0, 1, ())
        assert len(site.entries(TOMORROW)) == 3

    def test_a_standing_day_of_the_past_is_no_problem(self, site: PlanSite) -> None:
        site.plan_all(TODAY)
        site.now_ms += 2 * DAY_MS
        assert site.plan({"inss": MILAN, "day": TODAY.isoformat()}).check.problems == ()
        past = site.plan({"inss": MILAN, "day": "2026-11-22"})
        assert codes(past) == [(1, "day", "error", "IMP-5009")]

    def test_everything_the_register_objects_to_is_named(self, site: PlanSite) -> None:
        day = TOMORROW.isoformat()
        written = site.plan(
            {"inss": "90110599843", "day": day},
            {"badge_uid": "04AABBCCDDEE01", "day": day},
            {"inss": MILAN, "day": day, "works_number": B},
            {"inss": MILAN, "day": day, "company_number": "0999000228"},
            {"inss": BASILE, "day": day},
            {"inss": BASILE, "day": day},
            {"limosa": PIOTR, "from": day, "until": "2026-11-27", "works_number": ""},
        )
        assert codes(written) == [
            (1, None, "error", "IMP-5013"),
            (2, None, "error", "IMP-5014"),
            (3, "works_number", "error", "IMP-5015"),
            (4, "company_number", "error", "IMP-5021"),
            (6, None, "error", "IMP-5012"),
        ]
        assert (written.added, site.entries(TOMORROW)) == (0, [])
        assert (written.check.row_count, written.check.good_rows) == (7, 2)

    def test_good_rows_only(self, site: PlanSite) -> None:
        written = site.plan(
            {"inss": MILAN, "day": "tomorrow", "company_number": "0999000228"},
            {"inss": BASILE, "day": "tomorrow"},
            {"badge_uid": "04A1B2C3D4E50B", "from": "2026-11-24", "until": "2026-11-27"},
            good_rows_only=True,
        )
        assert written.added == 5
        assert len(site.entries(TOMORROW)) == 2

    def test_an_unreadable_plan_has_no_good_rows(self, site: PlanSite) -> None:
        data = b'inss;day\n85031299761;today\n03072199766;"today'
        plan = site.plans.read(data)
        assert len(plan.rows) == 1
        written = site.plans.take(plan, "file", "test", good_rows_only=True)
        assert written.added == 0
        assert site.entries() == []

    def test_a_dry_run_writes_nothing(self, site: PlanSite) -> None:
        written = site.plan({"inss": MILAN, "day": "today"}, dry=True)
        assert (len(written.check.entries), written.added, site.entries()) == (1, 0, [])

    def test_works_and_limosa_have_their_days(self, site: PlanSite) -> None:
        site.works_last(from_day="2026-11-24", until_day="2026-11-25")
        with writing(site.engine) as connection:
            connection.execute(
                update(person)
                .where(person.c.id == 3)
                .values(limosa_from="2026-11-25", limosa_until="2026-11-25")
            )
        written = site.plan(
            {"inss": MILAN, "day": "today"},
            {"inss": BASILE, "from": "2026-11-24", "until": "2026-11-30"},
            {"limosa": PIOTR, "day": "2026-11-24"},
            {"limosa": PIOTR, "day": "2026-11-26"},
            {"limosa": PIOTR, "day": "2026-11-25"},
        )
        assert codes(written) == [
            (1, "works_number", "error", "IMP-5016"),
            (2, "works_number", "error", "IMP-5017"),
            (3, "limosa", "error", "IMP-5025"),
            (4, "works_number", "error", "IMP-5017"),
            (4, "limosa", "error", "IMP-5026"),
        ]

    def test_who_is_assigned_where(self, site: PlanSite) -> None:
        second_works(site)
        written = site.plan(
            {"inss": MILAN, "day": "today", "works_number": ""},
            {"inss": BASILE, "day": "today", "works_number": B},
            {"inss": MILAN, "day": "today", "works_number": B},
        )
        assert codes(written) == [
            (1, "works_number", "error", "IMP-5019"),
            (2, "works_number", "error", "IMP-5018"),
        ]

    def test_what_was_withdrawn_comes_back_only_when_asked(self, site: PlanSite) -> None:
        site.plan_all()
        site.plans.withdraw(site.entries()[:1], "HOLIDAY", "test")
        again = site.plan({"inss": MILAN, "day": "today"})
        assert codes(again) == [(1, "day", "warning", "IMP-5027")]
        assert again.added == 0
        assert site.plan({"inss": MILAN, "day": "today"}, again=True).added == 1

    def test_a_copied_day(self, site: PlanSite) -> None:
        site.plan_all(TODAY)
        site.plan({"inss": MILAN, "day": "tomorrow"})
        copied = site.plans.copy(TODAY, TOMORROW, "test")
        assert (copied.added, copied.unchanged, copied.withdrawn_before) == (2, 1, 0)
        site.plans.withdraw(site.entries(TOMORROW)[:1], "HOLIDAY", "test")
        copied = site.plans.copy(TODAY, TOMORROW, "test")
        assert (copied.added, copied.unchanged, copied.withdrawn_before) == (0, 2, 1)
        for day in (TODAY, TODAY - timedelta(days=1)):
            with pytest.raises(UsageError):
                site.plans.copy(TODAY, day, "test")


class TestPatterns:
    def test_a_pattern_is_written_out_once(self, site: PlanSite) -> None:
        site.plans.add_pattern(1, None, 0b0010101, TODAY, None, "test")
        with reading(site.engine) as connection:
            days = list(
                connection.execute(select(plan_entry.c.day).order_by(plan_entry.c.day)).scalars()
            )
        assert days == ["2026-11-23", "2026-11-25", "2026-11-27", "2026-11-30"]
        site.plans.withdraw(site.entries(date(2026, 11, 25)), "HOLIDAY", "test")
        assert site.plans.expand(TODAY, TODAY + timedelta(days=7), NOON_MS) == 0
        assert site.entries(date(2026, 11, 25)) == []

    def test_a_day_withdrawn_in_the_meantime_is_not_written_out(self, site: PlanSite) -> None:
        site.plan({"inss": MILAN, "day": "tomorrow"})
        site.plans.withdraw(site.entries(TOMORROW), "HOLIDAY", "test")
        entry = NewEntry(1, A, TOMORROW)
        with writing(site.engine) as connection:
            assert plan_changes.add_missing(connection, [entry], "pattern:1", NOON_MS) == 0

    def test_the_same_pattern_is_kept_once(self, site: PlanSite) -> None:
        first = site.plans.add_pattern(1, A, 1, TODAY, None, "test")
        assert site.plans.add_pattern(1, A, 1, TODAY, None, "test") == first
        assert len(site.plans.patterns()) == 1

    def test_ending_a_pattern_takes_its_later_days_back(self, site: PlanSite) -> None:
        number = site.plans.add_pattern(1, A, 0b1111111, TODAY, None, "test")
        done = site.plans.remove_pattern(number, "test")
        assert len(done) == 7
        assert len(site.entries(TODAY)) == 1
        assert site.plans.patterns() == []
        assert site.plans.expand(TODAY, TODAY + timedelta(days=7), NOON_MS) == 0
        with pytest.raises(UsageError) as refused:
            site.plans.remove_pattern(number, "test")
        assert refused.value.code == "HUB-1508"

    @pytest.mark.parametrize(
        ("person_ref", "number", "until", "code"),
        [
            (99, A, None, "HUB-1505"),
            (1, B, None, "HUB-1506"),
            (1, A, date(2026, 11, 22), "HUB-1512"),
        ],
    )
    def test_patterns_that_make_no_sense(
        self, site: PlanSite, person_ref: int, number: str, until: date | None, code: str
    ) -> None:
        with pytest.raises(UsageError) as refused:
            site.plans.add_pattern(person_ref, number, 1, TODAY, until, "test")
        assert refused.value.code == code


class TestSubmit:
    def test_each_planned_day_becomes_one_registration(self, site: PlanSite) -> None:
        site.plan_all()
        assert site.plans.submit(TODAY, site.now_ms) == 3
        assert site.plans.submit(TODAY, site.now_ms) == 0
        assert site.registrations() == [
            (person_id, "2026-11-23", "due", "planned") for person_id in (1, 2, 3)
        ]
        with reading(site.engine) as connection:
            (event,) = read_events(connection, site.reference(1))
        assert (event.actor, event.cause, event.tap_ms) == ("plan", "planned", NOON_MS)

    def test_nothing_is_made_more_than_a_day_ahead_or_too_early(self, site: PlanSite) -> None:
        site.plan_all(TOMORROW)
        entries = site.entries(TOMORROW)
        for now_ms in (NOON_MS, NOON_MS + 4 * HOUR_MS - 1, NOON_MS - DAY_MS + 11 * HOUR_MS):
            with pytest.raises(LocalProtocolError), writing(site.engine) as connection:
                plan_changes.submit_entries(connection, TOMORROW, entries, now_ms, SUBMIT_AT)
        assert site.registrations() == []
        with writing(site.engine) as connection:
            done = plan_changes.submit_entries(
                connection, TOMORROW, entries, NOON_MS + 4 * HOUR_MS, SUBMIT_AT
            )
        assert done == 3

    def test_entries_with_a_problem_are_shown_and_not_sent(self, site: PlanSite) -> None:
        site.plan_all()
        with writing(site.engine) as connection:
            connection.execute(
                update(person).where(person.c.id == 3).values(limosa_until="2026-11-22")
            )
        assert site.plans.submit(TODAY, site.now_ms) == 2
        (piotr,) = [one for one in site.plans.days(TODAY) if one.findings]
        assert (piotr.person.ref, [f.code for f in piotr.findings]) == (3, ["IMP-5026"])
        assert (piotr.state, piotr.person.masked) == (None, "*************0187")
        ready, wrong = site.plans.unsubmitted(TODAY)
        assert (ready, [one.person.ref for one in wrong]) == ([], [3])

    def test_a_stored_number_that_is_wrong_is_a_problem(self, site: PlanSite) -> None:
        site.plan_all()
        sealed = site.house.house.vault.seal("inss", b"85031299762")
        with writing(site.engine) as connection:
            connection.execute(update(person).where(person.c.id == 1).values(inss_sealed=sealed))
        (milan,) = [one for one in site.plans.days(TODAY) if one.findings]
        assert [finding.code for finding in milan.findings] == ["IMP-5024"]
        assert "99762" not in repr(milan)

    def test_in_the_in_out_regime_the_plan_only_says_who_is_expected(self, site: PlanSite) -> None:
        site.in_out_from(TODAY)
        site.plan({"inss": MILAN, "day": "today"})
        assert site.plans.submit(TODAY, site.now_ms) == 0
        (milan,) = site.plans.days(TODAY)
        assert (milan.regime, milan.findings, milan.seen) == ("in_out", (), False)
        assert [one.entry_id for one in site.plans.absent(TODAY)] == [milan.entry_id]
        assert site.plans.withdraw_absent(TODAY, "PLANNING", site.now_ms) == 0

    def test_a_registration_of_another_origin_is_enough(self, site: PlanSite) -> None:
        derived = Site(site.house)
        derived.arrive("gate-in", NOON_MS, record(1, site.house.tag(MILAN_CARD), NOON_MS))
        derived.project()
        before = site.registrations()
        site.plan({"inss": MILAN, "day": "today"})
        assert site.plans.submit(TODAY, site.now_ms) == 0
        assert site.registrations() == before != []

    def test_a_planned_person_who_taps_adds_nothing(self, site: PlanSite) -> None:
        site.plan_all()
        site.plans.submit(TODAY, site.now_ms)
        site.register(1)
        derived = Site(site.house)
        for seq in (1, 2):
            tapped = record(seq, site.house.tag(MILAN_CARD), NOON_MS + seq * 60_000)
            derived.arrive("gate-in", NOON_MS + seq * 60_000, tapped)
        assert derived.project() == 2
        assert [row[2:] for row in site.registrations()] == [
            ("registered", "answered"),
            ("due", "planned"),
            ("due", "planned"),
        ]
        assert {one.person.ref for one in site.plans.days(TODAY) if one.seen} == {1}

    def test_what_a_human_cancelled_is_not_made_again(self, site: PlanSite) -> None:
        site.plan_all()
        site.plans.submit(TODAY, site.now_ms)
        site.register(1)
        site.step(1, State.CANCELLING, State.CANCELLED)
        site.now_ms += HOUR_MS
        assert site.plans.submit(TODAY, site.now_ms) == 0

    def test_a_day_planned_again_gets_a_registration_of_its_own(self, site: PlanSite) -> None:
        site.plan({"inss": MILAN, "day": "today"})
        for _ in range(3):
            site.plans.submit(TODAY, site.now_ms)
            site.plans.withdraw(site.entries(), "PLANNING", "test")
            site.plan({"inss": MILAN, "day": "today"}, again=True)
        assert site.plans.submit(TODAY, site.now_ms) == 1
        assert [row[2] for row in site.registrations()] == ["dropped"] * 3 + ["due"]
        with reading(site.engine) as connection:
            references = connection.execute(select(registration.c.reference)).scalars().all()
        assert len(set(references)) == 4

    def test_a_human_is_told_when_a_day_opens(self, site: PlanSite) -> None:
        site.plan_all(TOMORROW)
        for day, code in (
            (TOMORROW, "HUB-1509"),
            (date(2026, 11, 25), "HUB-1509"),
            (date(2026, 11, 22), "HUB-1510"),
        ):
            with pytest.raises(UsageError) as refused:
                site.plans.submit_asked(day)
            assert refused.value.code == code
        assert refused.value.extra == {"day": "2026-11-22"}
        site.now_ms += 4 * HOUR_MS
        assert site.plans.submit_asked(TOMORROW) == 3


class TestPreview:
    def test_two_numbers_at_one_site_are_remarked_on(self, site: PlanSite) -> None:
        second_works(site)
        site.plan(
            {"inss": MILAN, "day": "today"}, {"inss": MILAN, "day": "today", "works_number": B}
        )
        days = site.plans.days(TODAY)
        assert [[w.code for w in one.warnings] for one in days] == [["IMP-5029"], ["IMP-5029"]]
        assert site.plans.submit(TODAY, site.now_ms) == 2

    def test_who_is_not_planned(self, site: PlanSite) -> None:
        site.plan({"inss": MILAN, "day": "today"})
        assert [one.ref for one in site.plans.unplanned(TODAY)] == [2, 3]

    def test_no_number_is_in_what_is_shown(self, site: PlanSite) -> None:
        site.plan_all()
        shown = repr(site.plans.days(TODAY)) + repr(site.plans.read_list([{"inss": MILAN}]))
        assert MILAN not in shown
        assert PIOTR not in shown
        assert "Aarts" not in shown
