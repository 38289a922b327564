"""Runs are kept, take their steps in one transaction, and are made every night, however often."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from hub.application import reconcile
from hub.application.reconcile import (
    LOOK_BACK_DAYS,
    RETRY_MS,
    Reconciler,
    RunReport,
    Subject,
    night_begin_ms,
)
from hub.domain.legal_day import BRUSSELS
from hub.errors import PermanentError, StoppedError, TransientError, UsageError
from hub.storage.engine import reading, writing
from hub.storage.reconcile import subjects_of_day
from hub.storage.schema import presence, registration, works_regime
from tests.hub.books import Books, books
from tests.hub.house import NOON_MS
from tests.hub.ledger import DAY, WORKS, Ledger, seen

N = 900_000_000_000_117
MILAN, BASILE, PIOTR = "85031299761", "03072199766", "24999000000000187"
SUBJECT = Subject(WORKS, DAY, "day")
AT = time(2, 30)


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Books]:
    with books(tmp_path / "house") as made:
        yield made


def run(kept: Books, ledger: Ledger, write: bool = True, now_ms: int = NOON_MS) -> RunReport:
    return Reconciler(kept.port, {"day": ledger}).run(SUBJECT, "test", now_ms, write)


def test_a_run_takes_its_steps_and_keeps_what_it_found(kept: Books) -> None:
    kept.registration("a" * 24, "registered", 1, N)
    kept.registration("b" * 24, "held", 2, cause="no_company")
    kept.registration("c" * 24, "in_doubt", 3)
    ledger = Ledger(
        [
            seen(N, "FAILED", "a" * 24, ("RELATED DIMONA NOT OK",), inss=MILAN),
            seen(N + 1, inss=BASILE),
            seen(N + 2, "VALIDATED", "c" * 24, limosa=PIOTR),
            seen(N + 3, inss="90110599843"),
        ]
    )
    report = run(kept, ledger)
    assert (report.rows, report.agreeing, report.unexplained) == (4, 0, ())
    states = kept.states()
    assert states["a" * 24] == ("flagged", "validation_remarks", N)
    assert states["b" * 24][1:] == ("registered_elsewhere", N + 1)
    assert states["c" * 24] == ("validated", "validation_passed", N + 2)
    assert kept.actors("c" * 24)[-2:] == [("registered", "reconcile"), ("validated", "reconcile")]
    assert kept.runs() == [(WORKS, "2026-11-23", "test", 4, "")]
    assert sorted(kept.differences(), key=str) == [
        ("number_found", 1, "c" * 24, N + 2, 3),
        ("registered_elsewhere", 1, "b" * 24, N + 1, 2),
        ("state_differs", 1, "a" * 24, N, 1),
        ("stranger", 1, None, N + 3, None),
    ]
    assert kept.incidents() == []
    with reading(kept.house.engine) as connection:
        query = select(registration.c.answer).where(registration.c.reference == "a" * 24)
        answer = json.loads(connection.execute(query).scalar_one())
    assert answer["remarks"] == ["RELATED DIMONA NOT OK"]
    # Once taken over, they agree.
    again = run(kept, ledger)
    assert [one.kind for one in again.differences] == ["stranger"]
    assert again.steps == 0


def test_no_number_of_a_person_is_kept_or_shown(kept: Books) -> None:
    run(kept, Ledger([seen(N, inss=MILAN), seen(N + 1, limosa=PIOTR), seen(N + 2, inss="1" * 11)]))
    text = repr(kept.differences()) + repr(kept.runs()) + repr(seen(N, inss=MILAN))
    assert not any(number in text for number in (MILAN, PIOTR, "1" * 11))


def test_a_dry_run_tells_the_same_and_writes_nothing(kept: Books) -> None:
    kept.registration("a" * 24, "registered", 1, N)
    ledger = Ledger([seen(N, "SUCCESSFULLY CANCELLED", inss=MILAN)])
    before = kept.states()
    dry = run(kept, ledger, write=False)
    assert (kept.states(), kept.runs(), kept.incidents()) == (before, [], [])
    assert run(kept, ledger) == dry
    assert kept.states()["a" * 24][:2] == ("cancelled", "cancelled_elsewhere")


def test_a_number_that_is_missing_is_asked_for_before_it_is_called_absent(kept: Books) -> None:
    kept.registration("a" * 24, "registered", 1, N)
    kept.registration("b" * 24, "registered", 2, N + 1)
    kept.registration("c" * 24, "cancelled", 3, N + 2)
    ledger = Ledger([], hidden=[seen(N, "VALIDATED", "a" * 24)])
    report = run(kept, ledger)
    assert ledger.got == [N, N + 1]
    assert [(str(one.kind), one.number) for one in report.differences] == [
        ("not_listed", N),
        ("state_differs", N),
        ("not_shown", N + 1),
    ]
    assert kept.states()["b" * 24][0] == "registered"


def test_a_search_that_lacks_everything_is_not_made_up_for_one_by_one(
    kept: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile, "GET_MAX", 1)
    kept.registration("a" * 24, "registered", 1, N)
    kept.registration("b" * 24, "registered", 2, N + 1)
    ledger = Ledger()
    assert [str(one.kind) for one in run(kept, ledger).differences] == ["not_shown"] * 2
    assert ledger.got == []


def test_an_unexplained_difference_is_one_incident_until_there_is_another(kept: Books) -> None:
    kept.registration("a" * 24, "registered", 1, N)
    ledger = Ledger()
    for hour in range(3):
        run(kept, ledger, now_ms=NOON_MS + hour)
    assert kept.incidents() == [(NOON_MS, "HUB-1362", f"{WORKS} 2026-11-23 1")]
    kept.registration("b" * 24, "registered", 2, N + 1)
    run(kept, ledger, now_ms=NOON_MS + 9)
    assert [at_ms for at_ms, _, _ in kept.incidents()] == [NOON_MS, NOON_MS + 9]


@pytest.mark.parametrize(
    "error",
    [
        TransientError("HUB-1301"),
        TransientError("HUB-1311", received=1, total=2),
        PermanentError("HUB-1312", errors="x"),
        StoppedError("HUB-1304"),
    ],
)
def test_a_search_that_failed_concludes_nothing(kept: Books, error: TransientError) -> None:
    kept.registration("a" * 24, "registered", 1, N)
    kept.registration("c" * 24, "in_doubt", 3)
    before = kept.states()
    ledger = Ledger()
    ledger.failure = error
    with pytest.raises(type(error), match=error.code):
        run(kept, ledger)
    assert kept.states() == before
    assert kept.differences() == []
    assert kept.runs() == [(WORKS, "2026-11-23", "test", 0, error.code)]
    assert kept.incidents() == [(NOON_MS, "HUB-1363", error.code)]
    with pytest.raises(type(error)):
        run(kept, ledger)
    assert len(kept.incidents()) == 1


def test_a_row_of_another_day_counts_only_for_its_own_registration(kept: Books) -> None:
    kept.registration("a" * 24, "registered", 1, N)
    kept.registration("b" * 24, "due", 2)
    tomorrow = DAY + timedelta(days=1)
    rows = [seen(N, inss=MILAN, day=tomorrow), seen(N + 1, inss=BASILE, day=tomorrow)]
    report = kept.port.settle(SUBJECT, rows, [], "test", NOON_MS, write=True)
    assert (report.agreeing, report.differences) == (1, ())


# ---------------------------------------------------------------- nights


def brussels(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=BRUSSELS).timestamp()) * 1000


class Night:
    """Steps a reconciler through the clock, each time a new one as after a restart."""

    def __init__(self, kept: Books, ledger: Ledger, regimes: tuple[str, ...] = ("day",)) -> None:
        self.kept = kept
        self.ledger = ledger
        self.regimes = regimes

    def step(self, now_ms: int) -> int:
        authorities = dict.fromkeys(self.regimes, self.ledger)
        return Reconciler(self.kept.port, authorities, AT).step(now_ms)

    def all_of(self, now_ms: int) -> list[tuple[str, date]]:
        """What is asked for until there is nothing left to do; each step takes a second."""
        before = len(self.ledger.asked)
        for _ in range(50):
            wake_ms = self.step(now_ms)
            if wake_ms > now_ms:
                return self.ledger.asked[before:]
            now_ms += 1000
        raise AssertionError("it never ends")


def test_the_night_takes_yesterday_today_and_what_changed(kept: Books) -> None:
    ledger = Ledger()
    night = Night(kept, ledger)
    days = [DAY - timedelta(days=back) for back in (0, 1, 2, 3, LOOK_BACK_DAYS + 1)]
    for place, day in enumerate(days):
        kept.registration(str(place) * 24, "validated", 1, N + place, day=day, at_ms=NOON_MS - 1)
        ledger.rows.append(seen(N + place, "VALIDATED", str(place) * 24, day=day))
    kept.registration("9" * 24, "due", 1, day=DAY + timedelta(days=2), at_ms=NOON_MS - 1)
    evening = brussels("2026-11-23T22:00")
    first = night.all_of(evening)
    assert [day for _, day in first] == []  # all of it came up after the last 02:30
    begin = brussels("2026-11-24T02:30")
    assert night.step(evening) == begin
    assert [day for _, day in night.all_of(begin)] == days[:4]
    # It is made once a night, whatever restarts.
    assert night.all_of(begin + 60_000) == []
    assert night.step(begin + 60_000) == brussels("2026-11-25T02:30")
    # In the next one: what has become today, and what was touched since.
    kept.registration("7" * 24, "validated", 2, N + 7, day=days[3], changed_ms=begin + 9_000_000)
    ledger.rows.append(seen(N + 7, "VALIDATED", "7" * 24, day=days[3]))
    following = night.all_of(brussels("2026-11-25T02:30"))
    assert [day for _, day in following] == [DAY + timedelta(days=2), days[3]]


def test_a_night_that_was_missed_is_made_up_for(kept: Books) -> None:
    kept.registration("a" * 24, "registered", 1, N)
    assert len(Night(kept, Ledger()).all_of(brussels("2026-11-24T09:15"))) == 1


def test_a_site_with_people_and_no_registration_is_asked_for_too(kept: Books) -> None:
    with writing(kept.house.engine) as connection:
        connection.execute(
            presence.insert().values(
                person_id=1, site_id=1, day="2026-11-23", last_ms=NOON_MS, inside=1, taps=1,
                received_ms=NOON_MS, terminal_id="gate-in",
            )
        )  # fmt: skip
        connection.execute(
            works_regime.insert().values(works_number=WORKS, from_day="2026-11-23", regime="in_out")
        )
    begin = brussels("2026-11-24T02:30")
    assert Night(kept, Ledger()).all_of(begin) == []  # no adapter for its regime
    assert Night(kept, Ledger(), ("day", "in_out")).all_of(begin) == [(WORKS, DAY)]


def test_a_failure_rests_the_regime_and_is_made_again(kept: Books) -> None:
    kept.registration("a" * 24, "registered", 1, N)
    kept.registration("b" * 24, "registered", 1, N + 1, day=DAY - timedelta(days=1))
    ledger = Ledger()
    ledger.failure = TransientError("HUB-1301")
    night = Night(kept, ledger)
    begin = brussels("2026-11-24T02:30")
    assert night.step(begin) == begin + RETRY_MS
    assert night.step(begin + 1000) == begin + RETRY_MS
    assert len(ledger.asked) == 1
    ledger.failure = None
    assert len(night.all_of(begin + RETRY_MS)) == 2
    assert [failed for *_, failed in kept.runs()] == ["HUB-1301", "", ""]


@pytest.mark.parametrize(
    ("now", "nights", "begin"),
    [
        ("2026-11-24T02:29:59", 0, "2026-11-23T02:30"),
        ("2026-11-24T02:30:00", 0, "2026-11-24T02:30"),
        ("2026-11-24T02:30:00", 1, "2026-11-25T02:30"),
        ("2026-11-24T00:10:00", 1, "2026-11-24T02:30"),
        # The night without 02:30, and the night with two of them.
        ("2027-03-28T12:00:00", 0, "2027-03-28T03:30"),
        ("2026-10-25T12:00:00", 0, "2026-10-25T02:30"),
    ],
)
def test_when_a_night_begins(now: str, nights: int, begin: str) -> None:
    assert night_begin_ms(brussels(now), AT, nights) == brussels(begin)


def test_what_there_is_to_ask_for_on_a_day(kept: Books) -> None:
    kept.registration("a" * 24, "registered", 1, N)
    with reading(kept.house.engine) as connection:
        assert subjects_of_day(connection, DAY) == [SUBJECT]
        other = DAY + timedelta(days=1)
        assert subjects_of_day(connection, other) == []
        assert subjects_of_day(connection, other, WORKS) == [Subject(WORKS, other, "day")]
        with pytest.raises(UsageError, match="HUB-1364"):
            subjects_of_day(connection, DAY, "1Y19FAKE002BZ")
