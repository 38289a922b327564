"""Whatever happens in whatever order: one tap one fact, no registration twice, none out of time.

Each story is a list of things that happen to a site over some days. Afterwards all faults end, the
days are closed, and what the hub says, what the services hold and what the books count must agree.
The same stories are told every time; `SITEGATE_STORIES=500` tells so many new ones from each
morning (then give pytest `-o faulthandler_timeout=0`).
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from hub.application.balance import Point
from hub.application.ports import PresenceItem
from hub.domain.causes import Cause
from hub.domain.legal_day import BRUSSELS, brussels_day
from hub.storage.balance import books_of_day
from hub.storage.engine import reading
from hub.storage.schema import presence, registration, tap
from protocol.record import DIRECTION_IN, DIRECTION_OUT
from tests.hub.derived import DERIVED
from tests.hub.service import CANCELLED
from tests.hub.story import CARDS, DAY, HOME, HOUR, IDENTITIES, MINUTE, WORKS, Story
from tests.hub.story_service import CANCEL_FAULTS, FAULTS, SEARCH_FAULTS, ours, who

Happening = tuple[Any, ...]

STORIES: Final = int(os.environ.get("SITEGATE_STORIES", "0"))
MORNINGS: Final = {
    "plain": datetime(2026, 11, 23, 6, 30, tzinfo=BRUSSELS),
    "before midnight": datetime(2026, 11, 23, 23, 50, tzinfo=BRUSSELS),
    "before an hour more": datetime(2026, 10, 25, 1, 50, tzinfo=BRUSSELS),
    "before an hour less": datetime(2027, 3, 28, 1, 50, tzinfo=BRUSSELS),
}
_STATES: Final = {
    "SUCCESSFULLY REGISTERED": "registered",
    "VALIDATED": "validated",
    "FAILED": "flagged",
    CANCELLED: "cancelled",
}
_REASONS: Final = ("HOLIDAY", "DISEASE", "PLANNING", "C32A")

card = st.integers(0, len(CARDS) - 1)
way = st.sampled_from((DIRECTION_IN, DIRECTION_OUT))
regime = st.sampled_from(("day", "in_out"))
# Late by more and less than the window, before midnight, ahead a little and beyond belief.
ago = st.sampled_from(
    (0, 0, 0, 0, MINUTE, 9 * MINUTE, 12 * MINUTE, 3 * HOUR, 25 * HOUR, -5 * MINUTE, -20 * MINUTE)
)
happening: st.SearchStrategy[Happening] = st.one_of(
    st.tuples(st.just("tap"), card, way, ago),
    st.tuples(st.just("tap"), card, way, st.just(0)),
    st.tuples(st.just("tap kept"), card, way, ago),
    st.tuples(st.just("tap elsewhere"), card, way),
    st.tuples(st.just("tap undated"), card, way),
    st.tuples(st.just("gates know the time")),
    st.tuples(st.just("gates deliver"), st.booleans(), st.integers(1, 2)),
    st.tuples(st.just("time"), st.sampled_from((1000, MINUTE, 2 * MINUTE, 15 * MINUTE, 3 * HOUR))),
    st.tuples(st.just("time"), st.sampled_from((1000, MINUTE, 90_000, 11 * MINUTE, 14 * HOUR))),
    st.tuples(st.just("fault"), regime, st.sampled_from(sorted(FAULTS))),
    st.tuples(st.just("cancel fault"), regime, st.sampled_from(sorted(CANCEL_FAULTS))),
    st.tuples(st.just("search fault"), regime, st.sampled_from(sorted(SEARCH_FAULTS))),
    st.tuples(st.just("slow"), regime, st.sampled_from((0, 50, 20_000))),
    st.tuples(st.just("spoils calls"), card, st.booleans()),
    st.tuples(st.just("unwelcome"), card, st.booleans()),
    st.tuples(st.just("judged"), st.integers(0, 5), st.sampled_from(("VALIDATED", "FAILED"))),
    st.tuples(st.just("cancelled elsewhere"), st.integers(0, 5)),
    st.tuples(st.just("registered elsewhere"), card),
    st.tuples(st.just("planned"), card, st.integers(0, 2)),
    st.tuples(st.just("plan withdrawn"), card, st.integers(0, 2), st.sampled_from(_REASONS)),
    st.tuples(st.just("dies"), st.integers(0, 30)),
    st.tuples(st.just("restarted")),
    st.tuples(st.just("off"), st.sampled_from((MINUTE, 12 * MINUTE, 3 * HOUR))),
    st.tuples(st.just("rebuilt")),
    st.tuples(st.just("identity completed")),
    st.tuples(st.just("assigned"), card, st.sampled_from(WORKS)),
    st.tuples(st.just("badge linked")),
    st.tuples(st.just("corrected"), card),
    st.tuples(st.just("hub clock"), st.sampled_from((0, -HOUR, HOUR, -20 * MINUTE, DAY))),
)


def happens(story: Story, what: Happening) -> None:
    """One thing happens."""
    name, *more = what
    today = brussels_day(story.true.now_ms)
    plain: dict[str, Callable[..., object]] = {
        "tap": lambda c, w, a: story.tap(c, w, a),
        "tap kept": lambda c, w, a: story.tap(c, w, a, keep=True),
        "tap elsewhere": lambda c, w: story.tap(c, w, at_site=(HOME[c] + 1) % 3),
        "tap undated": lambda c, w: story.tap(c, w, None),
        "gates know the time": lambda: [story.time_set(gate) for gate in story.seq],
        "gates deliver": lambda backwards, times: story.deliver(None, backwards, times),
        "time": story.pass_time,
        "fault": lambda r, kind: story.services[r].script.append(FAULTS[kind]),
        "cancel fault": lambda r, kind: story.services[r].cancel_script.append(CANCEL_FAULTS[kind]),
        "search fault": lambda r, kind: story.services[r].search_script.append(SEARCH_FAULTS[kind]),
        "slow": lambda r, ms: setattr(story.services[r], "latency_ms", ms),
        "spoils calls": lambda c, on: _mark(story, "spoils", c, on),
        "unwelcome": lambda c, on: _mark(story, "unwelcome", c, on),
        "judged": lambda index, status: _judged(story, index, status, today),
        "cancelled elsewhere": lambda index: _judged(story, index, CANCELLED, today),
        "registered elsewhere": lambda c: _registered_elsewhere(story, c, today),
        "planned": lambda c, ahead: story.plan(c, today + timedelta(days=ahead)),
        "plan withdrawn": lambda c, ahead, reason: story.unplan(
            c, today + timedelta(days=ahead), reason, although_seen=False
        ),
        "dies": lambda steps: setattr(story, "steps_left", steps),
        "restarted": story.start,
        "off": story.off,
        "rebuilt": story.rebuild,
        "identity completed": story.complete_identity,
        "assigned": story.assign_to,
        "badge linked": story.link_badge,
        "corrected": story.touch,
        "hub clock": lambda ms: _set_clock(story, ms),
    }
    plain[name](*more)


def _mark(story: Story, what: str, index: int, on: bool) -> None:
    for service in story.services.values():
        marked: set[str] = getattr(service, what)
        (marked.add if on else marked.discard)(IDENTITIES[index])


def _registered_elsewhere(story: Story, index: int, day: date) -> None:
    story.others = True
    number = IDENTITIES[index]
    limosa = number if len(number) > 11 else None
    item = PresenceItem(
        f"web{index}", day, WORKS[HOME[index]],
        inss=None if limosa else number, company_number=None if limosa else "0999000129",
        limosa=limosa,
    )  # fmt: skip
    story.services["day"].store_elsewhere(item)


def _judged(story: Story, index: int, status: str, today: date) -> None:
    """The authority judges one of the registrations whose day is not over."""
    for service in story.services.values():
        standing = [
            row.reference
            for item, row in service.stored
            if item.day >= today and row.status != CANCELLED and ours(item)
        ]
        if index < len(standing):
            remarks = ("DIMONA_REMARK",) if status == "FAILED" else ()
            service.judge(standing[index], status, *remarks)


def _set_clock(story: Story, offset_ms: int) -> None:
    """Somebody sets the hub's clock."""
    if offset_ms > story.offset_ms:
        # An absence is believed after a minute by the hub's clock, which now jumps over it.
        for service in story.services.values():
            service.catch_up()
    story.offset_ms = offset_ms


def ends(story: Story) -> None:
    """All faults end, everything is delivered, and the days are closed."""
    story.steps_left = None
    _set_clock(story, 0)
    for service in story.services.values():
        service.script.clear()
        service.cancel_script.clear()
        service.search_script.clear()
        service.spoils.clear()
        service.unwelcome.clear()
        service.latency_ms = 50
    story.deliver(backwards=True)
    story.pass_time(12 * MINUTE, rounds=8)
    story.pass_time(2 * DAY + 8 * HOUR, rounds=14)
    story.pass_time(20 * MINUTE, rounds=4)


def check(story: Story, begin: date) -> None:
    """What must hold however the story went."""
    for service in story.services.values():
        assert service.broken == []
    # One tap, one fact.
    assert {(row.terminal_id, row.seq) for row in story.rows(tap)} <= story.sent
    assert len(story.rows(tap)) == len(story.taps)
    _same_as_the_services(story)
    _in_their_own_time(story)
    _books(story, begin)
    _same_when_made_again(story)


def _same_as_the_services(story: Story) -> None:
    """What the hub holds under a number stands there as the hub says, and the other way round."""
    rows = {row.number: row for row in story.registrations() if row.number is not None}
    for service in story.services.values():
        for item, there in service.stored:
            # What another channel registered may have been taken over under its number.
            here = rows.pop(there.number, None)
            if ours(item):
                assert here is not None, "nobody here knows of it"
                assert here.reference == there.reference
            assert here is None or here.state == _STATES[there.status]
    assert not rows, "the authority does not have it"


def _in_their_own_time(story: Story) -> None:
    """Nothing is registered for a day or a moment at which nobody was there or planned."""
    acts = {
        (row.person_id, moment)
        for row in story.rows(tap)
        for moment in (row.at_ms, row.received_ms)
        if moment is not None
    }
    days = {(person_id, brussels_day(moment)) for person_id, moment in acts} | story.planned
    ids = dict(zip(IDENTITIES, story.ids, strict=True))
    for service in story.services.values():
        for item, _ in service.stored:
            if not ours(item):
                continue
            person_id = ids[who(item)]
            assert (person_id, item.day) in days
            if service.regime == "in_out":
                assert (person_id, item.act_ms) in acts


def _books(story: Story, begin: date) -> None:
    """Every presence is registered or explained, and the books of every day balance."""
    last = brussels_day(story.hub_ms())
    first = begin - timedelta(days=3)
    with reading(story.house.engine) as connection:
        for ago_days in range(1, (last - first).days + 1):
            day = last - timedelta(days=ago_days)
            for site in books_of_day(connection, day, story.hub_ms()):
                points = dict(site.points)
                if story.others:
                    points.pop(Point.DIFFERENCES, None)
                assert not points, (site.site, day, points)
    for row in story.registrations():
        if date.fromisoformat(row.day) < last:
            assert row.state not in ("due", "sending", "in_doubt", "cancelling"), row.state
            # What lacks more than a date has had its chance.
            waits = row.state in ("held", "refused")
            assert not waits or row.cause in (Cause.CLOCK_UNKNOWN, Cause.CLOCK_WRONG)
    explained = {(row.person_id, row.site_id, row.day) for row in story.rows(registration)}
    for row in story.rows(presence):
        yesterday = (date.fromisoformat(row.day) - timedelta(days=1)).isoformat()
        assert {(row.person_id, row.site_id, day) for day in (row.day, yesterday)} & explained


def _same_when_made_again(story: Story) -> None:
    before = {table.name: story.rows(table) for table in DERIVED}
    story.rebuild()
    assert {table.name: story.rows(table) for table in DERIVED} == before


@contextmanager
def a_story(begin: datetime) -> Iterator[Story]:
    """Opens a house of its own for one story."""
    folder = Path(tempfile.mkdtemp(prefix="sitegate-story-"))
    story = Story(folder / "hub", int(begin.timestamp()) * 1000)
    try:
        yield story
    finally:
        story.close()
        shutil.rmtree(folder)


def tell(morning: str, happenings: list[Happening]) -> Story:
    """Lets it all happen, closes the days, and checks."""
    begin = MORNINGS[morning]
    with a_story(begin) as story:
        for one in happenings:
            happens(story, one)
        ends(story)
        check(story, begin.date())
        return story


TOLD: Final[dict[str, tuple[str, list[Happening]]]] = {
    "the hub is killed between what is stored and what it writes down": (
        "plain",
        [
            ("tap", 0, DIRECTION_IN, 0),
            ("tap", 3, DIRECTION_IN, 0),
            ("fault", "day", "killed after"),
            ("fault", "in_out", "killed after"),
            ("fault", "in_out", "killed before"),
            ("time", 2 * MINUTE),
            ("planned", 1, 0),
            ("time", 1000),
            ("cancel fault", "day", "killed after"),
            ("plan withdrawn", 1, 0, "DISEASE"),
            ("time", 2 * MINUTE),
        ],
    ),
    "the hub is off while windows close": (
        "before midnight",
        [
            ("tap", 0, DIRECTION_IN, 0),
            ("tap", 2, DIRECTION_IN, 0),
            ("tap", 3, DIRECTION_IN, 0),
            ("off", 12 * MINUTE),
            ("time", 1000),
        ],
    ),
    "an answer is lost, and the hub dies looking": (
        "plain",
        [
            ("tap", 0, DIRECTION_IN, 0),
            ("fault", "day", "lost after"),
            ("time", 1000),
            ("dies", 3),
            ("time", 3 * HOUR),
        ],
    ),
    "half a batch is stored while the hub dies, on both lanes": (
        "plain",
        [
            ("tap", 0, DIRECTION_IN, 0),
            ("tap", 1, DIRECTION_IN, 0),
            ("tap", 3, DIRECTION_IN, 0),
            ("fault", "day", "half"),
            ("fault", "in_out", "late"),
            ("dies", 12),
            ("time", 2 * MINUTE),
            ("tap", 3, DIRECTION_OUT, 0),
            ("fault", "in_out", "lost before"),
            ("time", 15 * MINUTE),
        ],
    ),
    "a call takes until after midnight": (
        "before midnight",
        [
            ("slow", "day", 20_000),
            ("tap kept", 0, DIRECTION_IN, 0),
            ("tap", 5, DIRECTION_IN, 0),
            ("fault", "day", "unreachable"),
            ("time", 9 * MINUTE),
            ("tap", 5, DIRECTION_OUT, 0),
            ("gates deliver", True, 2),
            ("time", 90_000),
            ("tap", 5, DIRECTION_OUT, 0),
            ("time", 15 * MINUTE),
        ],
    ),
    "planned, withdrawn with a lost answer, and there all the same": (
        "plain",
        [
            ("planned", 0, 0),
            ("time", 1000),
            ("cancel fault", "day", "lost after"),
            ("plan withdrawn", 0, 0, "PLANNING"),
            ("dies", 17),
            ("time", 2 * MINUTE),
            ("tap", 0, DIRECTION_IN, 0),
            ("time", 3 * HOUR),
        ],
    ),
}
"""Stories told every time, each for what it once showed or is there to show."""


@pytest.mark.parametrize("title", TOLD)
def test_a_story_told_before(title: str) -> None:
    tell(*TOLD[title])


@pytest.mark.parametrize("morning", MORNINGS)
@settings(
    max_examples=STORIES or 3,
    deadline=None,
    derandomize=not STORIES,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    phases=(Phase.generate, Phase.shrink),
)
@given(happenings=st.lists(happening, min_size=4, max_size=24))
def test_a_story_of_some_days(morning: str, happenings: list[Happening]) -> None:
    tell(morning, happenings)
