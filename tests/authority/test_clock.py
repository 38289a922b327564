"""The virtual clock: moved, paced, stopped, wrong on purpose, and shared through a file."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from simulator.authority.clock import (
    Clock,
    ClockFileError,
    Reading,
    SharedClock,
    instant_ms,
    moment_ms,
    read_clock_file,
)
from tests.authority.rig import NOW, HandClock, Rig

START_MS = instant_ms(NOW)


def test_a_rate_and_standing_still() -> None:
    base = HandClock(NOW)
    clock = Clock(base)
    clock.run_at(60)
    base.forward(2)
    assert clock() == START_MS + 120_000
    clock.run_at(0)
    base.forward(1000)
    assert clock() == START_MS + 120_000
    clock.shift(5)
    clock.run_at(1)
    base.forward(1)
    assert clock() == START_MS + 121_005
    assert clock.shift_ms == clock() - base()


def test_a_move_keeps_the_rate() -> None:
    base = HandClock(NOW)
    clock = Clock(base)
    clock.run_at(10)
    clock.move_to(START_MS + 1_000_000)
    base.forward(1)
    assert clock() == START_MS + 1_010_000
    assert clock.rate == 10


def test_skew_is_the_services_error_and_not_the_worlds() -> None:
    clock = Clock(HandClock(NOW))
    clock.scripted_skew(500)
    assert (clock(), clock.world()) == (START_MS + 500, START_MS)
    clock.skew(-90_000)
    assert (clock(), clock.world()) == (START_MS - 90_000, START_MS)


def test_a_reading() -> None:
    reading = Reading(1000, 5_000_000_000, 2.0)
    assert reading.now_ms(5_000_000_000) == 1000
    assert reading.now_ms(5_250_000_000) == 1500
    assert Reading(1000, 5_000_000_000, 0).now_ms(9_000_000_000) == 1000


def test_two_clocks_share_one_file(tmp_path: Path) -> None:
    path = tmp_path / "clock.json"
    one = Clock(SharedClock(path, START_MS))
    one.run_at(0)
    two = Clock(SharedClock(path, 0))
    frozen = one()
    assert two() == frozen
    two.shift(86_400_000)
    assert one() == two() == frozen + 86_400_000
    two.move_to(START_MS)
    assert (one(), one.rate, one.shift_ms) == (START_MS, 0, 0)
    one.run_at(1000)
    assert two.rate == 1000
    began_ns, began_ms = time.monotonic_ns(), two()
    while (now_ms := two()) == began_ms:
        pass
    # A second for each millisecond that went by, give or take the one that is rounded.
    assert 0 < now_ms - began_ms <= (time.monotonic_ns() - began_ns) / 1000 + 1


def test_the_file_is_the_one_that_is_documented(tmp_path: Path) -> None:
    path = tmp_path / "clock.json"
    SharedClock(path, START_MS)
    values = json.loads(path.read_text(encoding="utf-8"))
    assert set(values) == {"utc_ms", "at_monotonic_ns", "rate"}
    assert (values["utc_ms"], values["rate"]) == (START_MS, 1.0)
    assert values["at_monotonic_ns"] <= time.monotonic_ns()
    # Nothing is left beside it.
    assert [one.name for one in tmp_path.iterdir()] == ["clock.json"]


def test_a_file_written_by_somebody_else_is_followed_at_once(tmp_path: Path) -> None:
    path = tmp_path / "clock.json"
    clock = Clock(SharedClock(path, START_MS))
    path.write_text('{"utc_ms": 5, "at_monotonic_ns": 1, "rate": 0}', encoding="utf-8")
    assert clock() == 5


def test_a_file_that_goes_away_does_not_stop_the_time(tmp_path: Path) -> None:
    path = tmp_path / "clock.json"
    clock = Clock(SharedClock(path, START_MS))
    clock.run_at(0)
    frozen = clock()
    path.unlink()
    assert clock() == frozen


@pytest.mark.parametrize("text", [
    "", "[]", "{}", '{"utc_ms": 1}', '{"utc_ms": "1", "at_monotonic_ns": 1, "rate": 1}',
    '{"utc_ms": 1, "at_monotonic_ns": 1, "rate": null}',
])  # fmt: skip
def test_what_is_no_clock_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "clock.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ClockFileError):
        read_clock_file(path)
    with pytest.raises(ClockFileError):
        SharedClock(path, START_MS)


@pytest.mark.parametrize(("text", "at"), [
    ("06:50", "2026-11-23T06:50:00"),
    ("23:59:59.5", "2026-11-23T23:59:59.500"),
    ("2026-11-24T06:50:00", "2026-11-24T06:50:00"),
    ("2026-11-24T05:50:00Z", "2026-11-24T06:50:00"),
])  # fmt: skip
def test_a_time_of_day_is_of_the_belgian_day(text: str, at: str) -> None:
    assert moment_ms(text, START_MS) == instant_ms(at)


@pytest.mark.parametrize("text", ["", "noon", "25:00", "06:50Z", "2026-13-01T00:00:00"])
def test_no_time(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        moment_ms(text, START_MS)


def test_the_pace_is_set_over_the_control_endpoint(rig: Rig) -> None:
    assert rig.order("clock", rate=0, now="2026-11-23T08:00:00")["rate"] == 0
    rig.clock.forward(100)
    assert rig.client.get("/sim/state").json()["now"] == "2026-11-23T08:00:00.000+01:00"
