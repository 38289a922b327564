"""The planner in time: a day ahead and never more, whatever the clock does; each thing once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.application.planner import POLL_MS, SETTLE_MS, Planner
from hub.domain.legal_day import brussels_day
from hub.domain.plan import submit_from_ms
from hub.storage.plans import by_writer
from hub.storage.writer import Writer
from tests.hub.plan_site import (
    ABSENT_AT,
    HOUR_MS,
    SUBMIT_AT,
    TODAY,
    TOMORROW,
    A,
    PlanSite,
    plan_site,
)


def utc_ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


MORNING_MS = utc_ms("2026-11-23T05:00")  # 06:00 in Brussels


class Memory:
    """`PlanPort` that remembers what it was asked, and refuses what would be too early."""

    def __init__(self, submit_at: time) -> None:
        self.submit_at = submit_at
        self.submitted: list[tuple[date, int]] = []
        self.absent: list[date] = []
        self.waiting = False

    def expand(self, first: date, last: date, now_ms: int) -> int:
        assert (first, (last - first).days) == (brussels_day(now_ms), 7)
        return 0

    def submit(self, day: date, now_ms: int) -> int:
        self.submitted.append((day, now_ms))
        return 0

    def settle(self, now_ms: int) -> int:
        return 0

    def absences_done(self, day: date) -> bool:
        return day in self.absent

    def withdraw_absent(self, day: date, reason: str, now_ms: int) -> int | None:
        assert reason == "HOLIDAY"
        if self.waiting:
            return None
        self.absent.append(day)
        return 0


TIMES = st.times().map(lambda at: at.replace(second=0, microsecond=0))
# Around both changes of the clock in 2026 and 2027, and an ordinary week.
MOMENTS = st.one_of(
    *(
        st.integers(utc_ms(day) - 48 * HOUR_MS, utc_ms(day) + 48 * HOUR_MS)
        for day in ("2026-03-29", "2026-10-25", "2027-03-28", "2026-11-23")
    )
)


@settings(deadline=None)
@given(st.lists(MOMENTS, min_size=1, max_size=20), TIMES, TIMES)
def test_a_clock_that_jumps_about_never_sends_more_than_a_day_ahead(
    moments: list[int], submit_at: time, absent_at: time
) -> None:
    port = Memory(submit_at)
    planner = Planner(port, absent_at, "HOLIDAY")
    for now_ms in moments:
        port.submitted.clear()
        wake_ms = planner.step(now_ms)
        assert now_ms < wake_ms <= now_ms + POLL_MS
        today = brussels_day(now_ms)
        days = [day for day, _ in port.submitted]
        assert days[0] == today
        assert set(days) <= {today, today + timedelta(days=1)}
        if len(days) == 2:
            assert now_ms >= submit_from_ms(days[1], submit_at)


def test_the_planner_wakes_when_the_evening_begins() -> None:
    planner = Planner(Memory(SUBMIT_AT), ABSENT_AT)
    opens = utc_ms("2026-11-23T15:00")
    assert planner.step(opens - 1000) == opens
    assert planner.step(opens) == opens + POLL_MS


class TestAbsences:
    def planner(self, port: Memory, **options: object) -> Planner:
        return Planner(port, ABSENT_AT, "HOLIDAY", **options)  # pyright: ignore[reportArgumentType]

    def test_once_after_the_hour(self) -> None:
        port = Memory(SUBMIT_AT)
        planner = self.planner(port)
        for now_ms in (MORNING_MS, MORNING_MS + 4 * HOUR_MS - 1):
            planner.step(now_ms)
        assert port.absent == []
        planner.step(MORNING_MS + 4 * HOUR_MS)
        planner.step(MORNING_MS + 5 * HOUR_MS)
        self.planner(port).step(MORNING_MS + 6 * HOUR_MS)
        assert port.absent == [TODAY]

    def test_not_right_after_a_start(self) -> None:
        port = Memory(SUBMIT_AT)
        planner = self.planner(port)
        start = MORNING_MS + 9 * HOUR_MS
        planner.step(start)
        planner.step(start + SETTLE_MS - 1)
        assert port.absent == []
        planner.step(start + SETTLE_MS)
        assert port.absent == [TODAY]

    def test_not_while_a_gate_is_away_or_taps_wait(self) -> None:
        port = Memory(SUBMIT_AT)
        heard = False
        planner = self.planner(port, may_judge=lambda: heard)
        planner.step(MORNING_MS)
        planner.step(MORNING_MS + 5 * HOUR_MS)
        assert port.absent == []
        heard = port.waiting = True
        planner.step(MORNING_MS + 6 * HOUR_MS)
        assert port.absent == []
        port.waiting = False
        planner.step(MORNING_MS + 7 * HOUR_MS)
        assert port.absent == [TODAY]

    def test_never_without_a_reason(self) -> None:
        port = Memory(SUBMIT_AT)
        planner = Planner(port, ABSENT_AT)
        planner.step(MORNING_MS)
        planner.step(MORNING_MS + 8 * HOUR_MS)
        assert port.absent == []


@pytest.fixture
def site(tmp_path: Path) -> Iterator[PlanSite]:
    with plan_site(tmp_path) as opened:
        opened.now_ms = MORNING_MS
        yield opened


class TestOnTheStore:
    def test_a_day_from_the_evening_before_to_the_absent(self, site: PlanSite) -> None:
        planner = Planner(site.plans, ABSENT_AT, "C32A")
        site.plan_all(TOMORROW)
        site.now_ms = planner.step(MORNING_MS)
        assert site.registrations() == []
        site.now_ms = MORNING_MS + 10 * HOUR_MS
        planner.step(site.now_ms)
        planner.step(site.now_ms + POLL_MS)
        assert [row[1:3] for row in site.registrations()] == [("2026-11-24", "due")] * 3
        for person_id in (1, 2, 3):
            site.register(person_id)
        site.now_ms = MORNING_MS + 27 * HOUR_MS
        site.seen(1, TOMORROW)
        for hours in (27, 28, 29):
            planner.step(MORNING_MS + hours * HOUR_MS)
        assert {row[0]: row[2] for row in site.registrations()} == {
            1: "registered",
            2: "cancelling",
            3: "cancelling",
        }
        # Planned again for the afternoon: the absent of that day are done.
        site.now_ms = MORNING_MS + 30 * HOUR_MS
        site.plan({"inss": "03072199766", "day": "today"}, again=True)
        Planner(site.plans, ABSENT_AT, "C32A").step(site.now_ms)
        planner.step(site.now_ms + HOUR_MS)
        assert len(site.entries(TOMORROW)) == 2

    def test_a_pattern_is_sent_like_any_planned_day(self, site: PlanSite) -> None:
        planner = Planner(site.plans, ABSENT_AT)
        site.plans.add_pattern(1, A, 0b0000011, TODAY, None, "test")
        for hours in (0, 10, 34, 58):
            site.now_ms = MORNING_MS + hours * HOUR_MS
            planner.step(site.now_ms)
        assert [row[:3] for row in site.registrations()] == [
            (1, "2026-11-23", "due"),
            (1, "2026-11-24", "due"),
        ]

    def test_it_works_through_the_writer(self, site: PlanSite) -> None:
        writer = Writer(site.engine)
        writer.start()
        try:
            site.plans._write = by_writer(writer)
            site.plan_all()
            before = site.changes
            Planner(site.plans, ABSENT_AT).step(site.now_ms)
        finally:
            writer.stop()
        assert len(site.registrations()) == 3
        assert site.changes == before + 1

    @settings(deadline=None, max_examples=15)
    @given(st.lists(st.integers(-40, 60), min_size=1, max_size=8), st.booleans())
    def test_no_registration_is_ever_made_two_days_ahead(
        self, tmp_path_factory: pytest.TempPathFactory, hours: list[int], evening: bool
    ) -> None:
        with plan_site(tmp_path_factory.mktemp("site")) as site:
            site.now_ms = MORNING_MS - 40 * HOUR_MS
            site.plan({"inss": "85031299761", "from": "2026-11-22", "until": "2026-11-28"})
            site.plans.submit_at = SUBMIT_AT if evening else time(2, 30)
            planner = Planner(site.plans, ABSENT_AT)
            for hour in hours:
                site.now_ms = MORNING_MS + hour * HOUR_MS
                known = {row[1] for row in site.registrations()}
                planner.step(site.now_ms)
                today = brussels_day(site.now_ms)
                made = {row[1] for row in site.registrations()} - known
                assert made <= {today.isoformat(), (today + timedelta(days=1)).isoformat()}
