"""Waits grow from a second to a minute, differ between hubs, and end with the first success."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from hub.application.pace import PROBE_MS, Pace

NOW_MS = 1_795_413_600_000


def test_a_new_pace_is_ready_and_says_that_nothing_is_known() -> None:
    pace = Pace(Random(1))
    assert pace.ready(NOW_MS)
    assert (pace.state, pace.error_code, pace.last_success_ms) == ("unknown", "", None)


@given(st.integers(0, 2**32))
def test_the_wait_doubles_from_a_second_to_a_minute(seed: int) -> None:
    pace = Pace(Random(seed))
    for ceiling_s in (2, 4, 8, 16, 32, 60, 60, 60):
        pace.failed(NOW_MS, "HUB-1301")
        wait_ms = pace.next_try_ms - NOW_MS
        assert ceiling_s * 500 <= wait_ms <= ceiling_s * 1000
        assert not pace.ready(NOW_MS)
        assert not pace.ready(NOW_MS + wait_ms - 1)
        assert pace.ready(NOW_MS + wait_ms)


def test_thousands_of_failures_still_wait_a_minute() -> None:
    pace = Pace(Random(1))
    for _ in range(5000):
        pace.failed(NOW_MS, "HUB-1301")
    assert 30_000 <= pace.next_try_ms - NOW_MS <= 60_000


def test_two_hubs_do_not_come_back_together() -> None:
    waits = set()
    for seed in range(20):
        pace = Pace(Random(seed))
        for _ in range(6):
            pace.failed(NOW_MS, "HUB-1301")
        waits.add(pace.next_try_ms)
    assert len(waits) > 15


def test_success_ends_the_waiting() -> None:
    pace = Pace(Random(1))
    pace.failed(NOW_MS, "HUB-1301")
    assert (pace.state, pace.error_code) == ("retrying", "HUB-1301")
    pace.succeeded(NOW_MS + 5)
    assert pace.ready(NOW_MS + 5)
    assert (pace.state, pace.error_code, pace.last_success_ms) == ("ok", "", NOW_MS + 5)
    pace.failed(NOW_MS + 6, "HUB-1301")
    assert pace.next_try_ms <= NOW_MS + 6 + 2000


def test_what_the_service_asks_for_is_honoured_up_to_ten_minutes() -> None:
    pace = Pace(Random(1))
    pace.failed(NOW_MS, "HUB-1310", at_least_ms=20_000)
    assert pace.next_try_ms == NOW_MS + 20_000
    pace.succeeded(NOW_MS)
    pace.failed(NOW_MS, "HUB-1310", at_least_ms=86_400_000)
    assert pace.next_try_ms == NOW_MS + 600_000


def test_a_stop_lasts_as_long_as_said() -> None:
    pace = Pace(Random(1))
    pace.stopped(NOW_MS, "HUB-1304", 300_000)
    assert (pace.state, pace.next_try_ms) == ("stopped", NOW_MS + 300_000)
    assert not pace.ready(NOW_MS + 299_999)
    assert pace.ready(NOW_MS + 300_000)


def test_a_clock_set_back_does_not_prolong_a_wait() -> None:
    pace = Pace(Random(1))
    pace.failed(NOW_MS, "HUB-1301")
    assert pace.ready(NOW_MS - 3_600_000)


def test_while_calls_fail_one_call_decides_and_the_others_wait_for_it() -> None:
    pace = Pace(Random(1))
    assert pace.admit(NOW_MS)
    assert pace.admit(NOW_MS), "while nothing is known everybody may call"
    pace.failed(NOW_MS, "HUB-1301")
    assert not pace.admit(NOW_MS)
    later = pace.next_try_ms
    assert pace.admit(later)
    assert not pace.admit(later)
    pace.not_called()
    assert pace.admit(later), "the one who was let through made no call"
    assert not pace.admit(later + PROBE_MS - 1)
    assert pace.admit(later + PROBE_MS), "he was never heard of again"
    pace.succeeded(later + PROBE_MS)
    assert pace.admit(later + PROBE_MS)
    assert pace.admit(later + PROBE_MS)
