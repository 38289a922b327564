"""Each night is worked through once, in pieces, whatever happens to the hub or the authority."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest

from hub.application.nightly import PATIENCE_MS, Nightly, NightThread
from hub.application.reconcile import RETRY_MS, Reconciler
from hub.domain.legal_day import BRUSSELS
from hub.errors import TransientError
from tests.hub.books import Books, books
from tests.hub.ledger import DAY, Ledger

AT = time(2, 30)
N = 900_000_000_000_117
DEADLINE_S = 15


def brussels(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=BRUSSELS).timestamp()) * 1000


BEGIN = brussels("2026-11-24T02:30")


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Books]:
    with books(tmp_path / "house") as made:
        made.registration("a" * 24, "registered", 1, N)
        made.registration("b" * 24, "registered", 1, N + 1, day=DAY - timedelta(days=1))
        yield made


def nightly(kept: Books, ledger: Ledger, checked: list[tuple[date, int]]) -> Nightly:
    reconciler = Reconciler(kept.port, {"day": ledger}, AT)
    return Nightly(reconciler, lambda day, now_ms: checked.append((day, now_ms)), AT)


def test_the_books_are_closed_when_the_runs_are_made(kept: Books) -> None:
    checked: list[tuple[date, int]] = []
    night = nightly(kept, Ledger(), checked)
    assert [night.step(BEGIN), night.step(BEGIN)] == [BEGIN, BEGIN]
    assert checked == []
    assert night.step(BEGIN + 1) == brussels("2026-11-25T02:30")
    assert checked == [(DAY, BEGIN + 1)]


def test_the_books_do_not_wait_for_ever_for_the_authority(kept: Books) -> None:
    checked: list[tuple[date, int]] = []
    ledger = Ledger()
    ledger.failure = TransientError("HUB-1301")
    night = nightly(kept, ledger, checked)
    assert night.step(BEGIN) == BEGIN + RETRY_MS
    late = BEGIN + PATIENCE_MS - 1
    assert night.step(late) == late + 1
    assert checked == []
    night.step(late + 1)
    assert [day for day, _ in checked] == [DAY]


def test_what_has_had_its_time_goes_after_the_books_were_closed(kept: Books) -> None:
    done: list[str] = []
    night = Nightly(
        Reconciler(kept.port, {"day": Ledger()}, AT),
        lambda day, now_ms: done.append(f"books {day}"),
        AT,
        lambda now_ms: done.append(f"tidy {now_ms}"),
    )
    assert [night.step(BEGIN), night.step(BEGIN)] == [BEGIN, BEGIN]
    assert done == []
    night.step(BEGIN + 1)
    assert done == [f"books {DAY}", f"tidy {BEGIN + 1}"]


class Clock:
    """A clock that a test sets."""

    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms

    def __call__(self) -> int:
        return self.now_ms


def test_the_thread_makes_up_for_the_night_and_stops(kept: Books) -> None:
    done = threading.Event()
    days: list[date] = []

    def check(day: date, now_ms: int) -> None:
        days.append(day)
        done.set()

    reconciler = Reconciler(kept.port, {"day": Ledger()}, AT)
    thread = NightThread(Nightly(reconciler, check, AT), Clock(brussels("2026-11-24T11:00")))
    thread.start()
    assert done.wait(DEADLINE_S)
    assert thread.stop(DEADLINE_S)
    assert days == [DAY]
    assert len(kept.runs()) == 2


def test_a_defect_does_not_end_the_thread(kept: Books) -> None:
    clock = Clock(BEGIN)
    seen = threading.Event()
    again = threading.Event()

    def check(day: date, now_ms: int) -> None:
        if seen.is_set():
            again.set()
            return
        # The next look is due at once.
        clock.now_ms += 3_600_000
        seen.set()
        raise RuntimeError("a defect")

    reconciler = Reconciler(kept.port, {}, AT)
    thread = NightThread(Nightly(reconciler, check, AT), clock)
    thread.start()
    assert again.wait(DEADLINE_S)
    assert thread.stop(DEADLINE_S)


def test_a_thread_that_was_never_started_is_stopped(kept: Books) -> None:
    assert NightThread(nightly(kept, Ledger(), []), Clock(0)).stop()
