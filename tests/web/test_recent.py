"""What was read a moment ago serves again, until something changed or time went by."""

from __future__ import annotations

import threading

import pytest

from hub.web.live import Changes
from hub.web.recent import IDLE_MS, KEPT_MS, Recent
from tests.web.moments import NOW


class Moment:
    """A clock that a test moves."""

    now_ms = NOW

    def __call__(self) -> int:
        return self.now_ms


class Reading:
    """Counts how often it was read."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> int:
        self.times += 1
        return self.times


@pytest.fixture
def clock() -> Moment:
    return Moment()


@pytest.fixture
def changes() -> Changes:
    return Changes()


@pytest.fixture
def recent(changes: Changes, clock: Moment) -> Recent[int]:
    return Recent(changes, clock)


def test_it_serves_again_while_nothing_changed(recent: Recent[int], clock: Moment) -> None:
    read = Reading()
    assert recent.get("day", read) == 1
    clock.now_ms += KEPT_MS - 1
    assert recent.get("day", read) == 1
    clock.now_ms += 1
    assert recent.get("day", read) == 2
    clock.now_ms -= 1  # a clock that was set back tells nothing
    assert recent.get("day", read) == 3


def test_it_serves_longer_while_nobody_wrote_anything(clock: Moment) -> None:
    written = [7]
    recent: Recent[int] = Recent(Changes(lambda: written[0]), clock)
    read = Reading()
    assert recent.get("day", read) == 1
    clock.now_ms += IDLE_MS - 1
    assert recent.get("day", read) == 1
    written[0] = 8  # by another process: nobody tells of it
    assert recent.get("day", read) == 2
    clock.now_ms += IDLE_MS
    assert recent.get("day", read) == 3


def test_what_others_write_makes_nothing_old_at_once(clock: Moment) -> None:
    """A session that is used writes too; a page changes by what is told of."""
    written = [7]
    recent: Recent[int] = Recent(Changes(lambda: written[0]), clock)
    read = Reading()
    assert recent.get("day", read) == 1
    written[0] = 8
    clock.now_ms += KEPT_MS - 1
    assert recent.get("day", read) == 1
    clock.now_ms += 1
    assert recent.get("day", read) == 2


def test_who_shows_what_came_before_is_served_with_what_is_there(
    recent: Recent[int], changes: Changes
) -> None:
    read = Reading()
    changes.notify()
    assert recent.holding("day", read, 1) == (1, 1)
    changes.notify()
    assert recent.holding("day", read, 1) == (1, 1)
    assert recent.holding("day", read, 2) == (2, 2)
    assert recent.holding("day", read, 1) == (2, 2)
    assert recent.holding("day", read, None) == (2, 3)


def test_a_change_is_looked_at_at_once(recent: Recent[int], changes: Changes) -> None:
    read = Reading()
    recent.get("day", read)
    changes.notify()
    assert recent.get("day", read) == 2


def test_a_change_while_it_is_read_is_not_missed(recent: Recent[int], changes: Changes) -> None:
    def read() -> int:
        changes.notify()  # committed after this reading began
        return 7

    assert recent.get("day", read) == 7
    assert recent.get("day", Reading()) == 1


def test_who_has_just_changed_something_gets_a_fresh_one(recent: Recent[int]) -> None:
    read = Reading()
    recent.get("day", read)
    assert recent.get("day", read, fresh=True) == 2
    assert recent.get("day", read) == 2


def test_one_reading_is_never_anothers(recent: Recent[int]) -> None:
    assert recent.get(("account:1", "day"), lambda: 1) == 1
    assert recent.get(("account:2", "day"), lambda: 2) == 2


def test_who_asks_meanwhile_waits_for_that_reading(recent: Recent[int]) -> None:
    begun, go, found = threading.Event(), threading.Event(), list[int]()
    read = Reading()

    def slow() -> int:
        begun.set()
        assert go.wait(10)
        return read()

    threads = [threading.Thread(target=lambda: found.append(recent.get("day", slow)))]
    threads[0].start()
    assert begun.wait(10)
    threads += [threading.Thread(target=lambda: found.append(recent.get("day", read)))]
    threads[1].start()
    go.set()
    for thread in threads:
        thread.join(10)
    assert found == [1, 1]


def test_a_reading_that_fails_is_tried_again(recent: Recent[int]) -> None:
    def fails() -> int:
        raise LookupError

    with pytest.raises(LookupError):
        recent.get("day", fails)
    assert recent.get("day", lambda: 4) == 4


def test_it_keeps_few(recent: Recent[int]) -> None:
    for number in range(100):
        recent.get(number, lambda: 0)
    read = Reading()
    assert recent.get(99, read) == 0
    assert recent.get(0, read) == 1
