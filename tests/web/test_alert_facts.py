"""What alerts look at on the sample morning, from the tables to the board."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert, update

from hub.application.access import COMMAND
from hub.application.alert_readings import Certificate, Limits, readings
from hub.application.overview import AuthorityStatus
from hub.application.planning import PlannedDay, PlannedPerson
from hub.domain.alerts import Alert, Kind
from hub.domain.legal_day import day_bounds_ms
from hub.domain.plan import Finding
from hub.storage.alert_facts import AlertFacts
from hub.storage.alerts import Book, acknowledge, handle_of
from hub.storage.engine import open_engine, writing
from hub.storage.overview import Overview
from hub.storage.schema import meta, tap
from hub.storage.secrets import Vault
from protocol import faults
from protocol.record import FORCED, KIND_FAULT, KIND_PASSAGE, VERDICT_GRANTED
from tests.web.moments import DAY, NOW, at
from tests.web.sample import add_morning, add_register, add_tap
from tests.web.sample_gates import add_event, add_trouble, gates, troubled_gates

LIMITS = Limits(receipt_minutes=30, refusals=2, reader_resets=2)
VAULT = Vault({name: bytes(32) for name in ("seal", "index", "badge")})
SEQ = count(5_000)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Engine]:
    engine = open_engine(tmp_path / "sitegate.db")
    with writing(engine) as connection:
        add_register(connection)
        add_morning(connection)
    yield engine
    engine.dispose()


def facts(engine: Engine, **more: object) -> AlertFacts:
    given: dict[str, object] = {
        "gates": gates,
        "planned": lambda _day: [],
        "certificates": lambda _now: [],
        **more,
    }
    return AlertFacts(
        engine, Overview(engine), authority=lambda: AuthorityStatus("ok"), limits=LIMITS,
        started_ms=NOW - 86_400_000, **given,  # pyright: ignore[reportArgumentType]
    )  # fmt: skip


def standing(found: AlertFacts, kind: Kind, now_ms: int = NOW) -> dict[str, int]:
    """Subject to count of what is at the limit."""
    told = readings(found.facts(now_ms), LIMITS)
    return {one.subject: one.count for one in told if one.kind is kind and not one.holds}


def test_people_without_a_number_are_counted_as_the_board_counts_them(site: Engine) -> None:
    board = Overview(site).board(1, DAY, NOW)
    waiting = [one for one in (*board.not_registered, *board.waiting) if one.day == DAY]
    early = [one for one in waiting if (one.first_ms or NOW) <= NOW - 30 * 60_000]
    assert 0 < len(early) < len(waiting)
    assert standing(facts(site), Kind.RECEIPT) == {f"1 {DAY}": len(early)}


def test_refused_taps_count_for_a_quarter_of_an_hour(site: Engine) -> None:
    with writing(site) as connection:
        connection.execute(
            update(tap).where(tap.c.at_ms > NOW - 60 * 60_000).values(verdict=VERDICT_GRANTED)
        )
        for at_ms in (NOW - 15 * 60_000, NOW - 15 * 60_000 + 1, NOW):
            add_tap(connection, next(SEQ), b"12345678", at_ms)
    assert standing(facts(site), Kind.REFUSALS) == {"gate-north": 2}
    assert standing(facts(site), Kind.REFUSALS, NOW + 1) == {}


def test_a_reader_is_counted_down_for_an_hour(site: Engine) -> None:
    with writing(site) as connection:
        for at_ms in (NOW - 3_600_000, NOW - 3_599_999, NOW):
            add_event(connection, next(SEQ), KIND_FAULT, faults.READER_DOWN, at_ms)
    assert standing(facts(site), Kind.READER) == {"gate-north": 1}
    # A later look forgets the older one.
    assert standing(facts(site), Kind.READER, NOW + 1) == {}


def test_a_forced_passage_is_red_until_somebody_has_seen_it_and_the_next_one_anew(
    site: Engine,
) -> None:
    with writing(site) as connection:
        add_trouble(connection)
    found = facts(site, gates=troubled_gates)

    def red() -> list[str]:
        board = Overview(site).board(1, DAY, NOW)
        return [
            str(one.alarm)
            for gate in board.gates
            for one in next(
                live for live in troubled_gates() if live.terminal_id == gate.terminal_id
            ).alarms(gate.news)
            if one.alarm in ("forced", "storage_reset")
        ]

    assert standing(found, Kind.FORCED) == {"gate-north": 2}
    assert sorted(red()) == ["forced", "storage_reset"]
    with writing(site) as connection:
        row = Book(connection, VAULT).add(
            Alert(Kind.FORCED, "gate-north", 1, {"site": "x", "gate": "y"}, 2, 2, NOW, NOW)
        )
        acknowledge(connection, VAULT, handle_of(VAULT, row), COMMAND, NOW)
    assert standing(found, Kind.FORCED) == {}
    assert red() == ["storage_reset"]
    with writing(site) as connection:
        add_event(connection, 901, KIND_PASSAGE, FORCED, NOW + 1_000)
    assert standing(found, Kind.FORCED, NOW + 2_000) == {"gate-north": 3}
    assert sorted(red()) == ["forced", "storage_reset"]


def entry(name: str, wrong: bool) -> PlannedDay:
    who = PlannedPerson(1, name, "Jo", "•••", "0999000129", "Toitures")
    findings = (Finding("IMP-5001", "inss"),) if wrong else ()
    return PlannedDay(
        1, who, "W", date.fromisoformat(DAY) + timedelta(days=1), "Werf Zandvoorde-Kaai", "file",
        "day", findings, (), None, None, False,
    )  # fmt: skip


def test_tomorrows_plan_is_asked_for_in_the_evening_and_not_at_each_look(site: Engine) -> None:
    asked: list[date] = []

    def planned(day: date) -> list[PlannedDay]:
        asked.append(day)
        return [entry("Aarts", True), entry("Baeyens", False), entry("Claes", True)]

    found = facts(site, planned=planned)
    assert standing(found, Kind.PLAN, at("16:59:59")) == {}
    assert asked == []
    tomorrow = date.fromisoformat(DAY) + timedelta(days=1)
    assert standing(found, Kind.PLAN, at("17:00:00")) == {f"1 {tomorrow}": 2}
    assert standing(found, Kind.PLAN, at("17:04:59")) == {f"1 {tomorrow}": 2}
    assert asked == [tomorrow]
    standing(found, Kind.PLAN, at("17:05:00"))
    assert asked == [tomorrow, tomorrow]


def test_no_alert_about_a_plan_names_anybody(site: Engine) -> None:
    found = facts(site, planned=lambda _day: [entry("Aarts", True)])
    told = readings(found.facts(at("18:00:00")), LIMITS)
    assert "Aarts" not in repr([one for one in told if one.kind is Kind.PLAN])


def test_books_are_looked_at_once_a_night_has_closed_them(site: Engine) -> None:
    tomorrow_ms = day_bounds_ms(date.fromisoformat(DAY))[1] + 6 * 3_600_000
    found = facts(site)
    # People of the sample are still on their way: right today, an open point once it is over.
    assert standing(found, Kind.BALANCE, tomorrow_ms) == {}
    with writing(site) as connection:
        connection.execute(insert(meta).values(key="books_checked", value=DAY))
    assert list(standing(found, Kind.BALANCE, tomorrow_ms)) == [f"1 {DAY}"]
    # Friday's are open on Monday too, and no longer than that.
    monday_ms = tomorrow_ms + 2 * 86_400_000
    assert list(standing(found, Kind.BALANCE, monday_ms)) == [f"1 {DAY}"]
    assert standing(found, Kind.BALANCE, monday_ms + 86_400_000) == {}


def test_certificates_are_looked_at_once_an_hour(site: Engine) -> None:
    asked: list[int] = []

    def certificates(now_ms: int) -> list[Certificate]:
        asked.append(now_ms)
        return [Certificate("broker", 12)]

    found = facts(site, certificates=certificates)
    assert standing(found, Kind.CERTIFICATE) == {"broker": 1}
    assert standing(found, Kind.CERTIFICATE, NOW + 3_599_999) == {"broker": 1}
    assert len(asked) == 1
    standing(found, Kind.CERTIFICATE, NOW + 3_600_000)
    assert len(asked) == 2


def test_a_gate_of_which_nothing_was_heard_is_looked_at_too(site: Engine) -> None:
    found = facts(site, gates=list).facts(NOW)
    assert {one.status.online for one in found.gates} == {None}
    assert {one.site for one in found.gates} == {"Werf Zandvoorde-Kaai"}
