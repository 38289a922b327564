"""A board serves again while nothing is known to have changed, and never longer than said."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import Engine

from hub.application.access import Scope
from hub.application.overview import AuthorityStatus, Board
from hub.storage.overview import Overview
from hub.web.live import Changes
from hub.web.recent import KEPT_MS
from hub.web.scene import FLOW_MS, Scenes
from tests.web.sample import NOW


class CountedOverview(Overview):
    """Counts how often a board is read."""

    boards = 0

    def board(self, site_id: int, day: str, now_ms: int) -> Board:
        self.boards += 1
        return super().board(site_id, day, now_ms)


class Moment:
    """A clock that a test moves."""

    now_ms = NOW

    def __call__(self) -> int:
        return self.now_ms


@pytest.fixture
def clock() -> Moment:
    return Moment()


@pytest.fixture
def overview(morning: Engine) -> CountedOverview:
    return CountedOverview(morning)


@pytest.fixture
def changes() -> Changes:
    found = Changes()
    for _ in range(7):
        found.notify()
    return found


@pytest.fixture
def scenes(overview: CountedOverview, clock: Moment, changes: Changes) -> Scenes:
    return Scenes(overview, list, AuthorityStatus, clock, changes)


def test_a_board_of_which_nothing_changed_serves_again(
    scenes: Scenes, overview: CountedOverview, clock: Moment
) -> None:
    first = scenes.take(1, holding=7)
    clock.now_ms += KEPT_MS - 1
    again = scenes.take(1, holding=7)
    assert overview.boards == 1
    assert again.board is first.board
    # It says of which moment it is.
    assert again.as_of_ms == NOW


def test_a_change_is_looked_at_at_once(
    scenes: Scenes, overview: CountedOverview, changes: Changes
) -> None:
    scenes.take(1, holding=7)
    changes.notify()
    assert scenes.take(1, holding=8).version == 8
    assert overview.boards == 2
    # Whoever shows what came before is served with the same one.
    assert scenes.take(1, holding=7).version == 8
    assert overview.boards == 2


def test_gates_fall_silent_without_a_change(
    scenes: Scenes, overview: CountedOverview, clock: Moment
) -> None:
    scenes.take(1, holding=7)
    clock.now_ms += KEPT_MS
    assert scenes.take(1, holding=7).as_of_ms == clock.now_ms
    assert overview.boards == 2


def test_who_asks_for_a_fresh_one_gets_it(scenes: Scenes, overview: CountedOverview) -> None:
    scenes.take(1, holding=7)
    scenes.take(1)
    assert overview.boards == 2


def test_midnight_begins_another_board(
    scenes: Scenes, overview: CountedOverview, clock: Moment
) -> None:
    clock.now_ms = 1_795_474_799_000  # 23 November 2026, 23:59:59 in Brussels
    before = scenes.take(1, holding=7)
    clock.now_ms += 1_000
    after = scenes.take(1, holding=7)
    assert (before.today, after.today) == ("2026-11-23", "2026-11-24")
    assert after.board is not None
    assert after.board.day == "2026-11-24"
    assert overview.boards == 2


def test_the_pulse_reads_no_board(scenes: Scenes, overview: CountedOverview) -> None:
    assert scenes.pulse() == (NOW, AuthorityStatus())
    assert overview.boards == 0


def test_what_scripts_are_told_is_of_the_board_that_they_asked_for(
    scenes: Scenes, overview: CountedOverview, changes: Changes, clock: Moment
) -> None:
    first = scenes.written(scenes.take(1, holding=7))
    assert scenes.written(scenes.take(1, holding=7)) == first
    assert json.loads(first)["board"]["as_of_ms"] == json.loads(first)["as_of_ms"] == NOW
    clock.now_ms += FLOW_MS
    changes.notify()
    told = json.loads(scenes.written(scenes.take(1, holding=8)))
    assert overview.boards == 2
    assert told["board"]["as_of_ms"] == told["as_of_ms"] == clock.now_ms
    assert told["flow"]["until_ms"] == clock.now_ms
    assert told["board"]["companies"]


def test_scripts_are_told_when_there_is_no_site(scenes: Scenes, clock: Moment) -> None:
    nowhere = Scope(sites=frozenset())
    told = json.loads(scenes.written(scenes.take(None, nowhere)))
    assert (told["board"], told["flow"], told["as_of_ms"]) == (None, None, clock.now_ms)
