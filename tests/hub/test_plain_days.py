"""Reports leave out what is simply in order, and nothing else."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from sqlalchemy import Connection, insert

from hub.application.access import COMMAND
from hub.application.reports import ExceptionRow, Period, Report
from hub.domain.in_out_regime import WINDOW_MS
from hub.domain.legal_day import day_bounds_ms
from hub.domain.registration import State
from hub.storage import reports
from hub.storage.engine import reading, writing
from hub.storage.report_rows import report_rows
from hub.storage.reports import Narrowed, Reports
from hub.storage.schema import presence, registration, registration_event
from tests.hub.house import TestHouse, people_house

FIRST, LAST = date(2026, 11, 2), date(2026, 11, 20)
PERIOD = Period(FIRST, LAST)
NOW_MS = day_bounds_ms(date(2026, 11, 23))[0]
WORKS = "1Y19FAKE001AZ"
STATES = [*State, *([State.REGISTERED, State.VALIDATED] * 8)]


def presences(seed: int, connection: Connection) -> None:
    """Three people on each day, registered in any way there is, some of them at night."""
    dice = random.Random(seed)
    day = FIRST - timedelta(days=1)
    while day <= LAST:
        for person_id in (1, 2, 3):
            seven_ms = day_bounds_ms(day)[0] + 7 * 3_600_000
            came_ms = dice.choice([seven_ms, seven_ms, seven_ms, None])
            connection.execute(
                insert(presence).values(
                    person_id=person_id,
                    site_id=1,
                    day=day.isoformat(),
                    first_in_ms=came_ms,
                    last_ms=seven_ms + dice.choice([0, 8 * 3_600_000]),
                    inside=dice.random() < 0.2,
                    taps=1,
                    received_ms=seven_ms,
                    terminal_id="gate-in",
                )
            )
            for number in range(dice.choice([0, 1, 1, 1, 1, 2, 3])):
                register(dice, connection, person_id, day, seven_ms, number)
        day += timedelta(days=1)


def register(
    dice: random.Random, connection: Connection, person_id: int, day: date, at_ms: int, number: int
) -> None:
    """One registration, and when its number came."""
    reference = f"{person_id}-{day:%m%d}-{number}".ljust(24, "0")
    act = dice.random() < 0.3
    state = dice.choice(STATES)
    connection.execute(
        insert(registration).values(
            reference=reference,
            person_id=person_id,
            site_id=1,
            works_number=WORKS,
            day=day.isoformat(),
            state=state,
            cause="no_company",
            tap_ms=at_ms + dice.choice([0, 3_600_000]),
            due_ms=at_ms,
            changed_ms=at_ms,
            regime="in_out" if act else "day",
            act=f"1.{number}",
            direction=dice.choice(["in", "out"]) if act else None,
        )
    )
    for _ in range(dice.choice([0, 1, 1, 2])):
        late_ms = dice.choice([0, WINDOW_MS - 1, WINDOW_MS, WINDOW_MS + 1, 5 * WINDOW_MS])
        connection.execute(
            insert(registration_event).values(
                reference=reference, at_ms=at_ms + late_ms, state=State.REGISTERED, cause="sent"
            )
        )


@pytest.fixture(scope="module", params=range(6))
def house(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TestHouse]:
    with people_house(tmp_path_factory.mktemp("plain")) as made:
        with writing(made.house.engine) as connection:
            presences(request.param, connection)
        yield made


def told(house: TestHouse, report: Report) -> list[object]:
    with reading(house.house.engine) as connection:
        asked = Narrowed(PERIOD)
        rows = report_rows(connection, house.house.vault, COMMAND, report, asked, NOW_MS)
        # A `repr` shows nobody.
        return [(one.who.person_id, one) if isinstance(one, ExceptionRow) else one for one in rows]


@pytest.mark.parametrize("report", [Report.EXCEPTIONS, Report.MONTHLY])
def test_a_report_is_what_a_look_at_every_day_gives(
    house: TestHouse, report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = told(house, report)
    days = [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1)]
    every = {(person_id, 1, day.isoformat()) for person_id in (1, 2, 3) for day in days}
    with reading(house.house.engine) as connection:
        closer = Reports(
            connection, house.house.vault, COMMAND, Narrowed(PERIOD), NOW_MS
        ).days_to_look_at()
    assert set() < closer < every
    monkeypatch.setattr(reports, "days_to_look_at", lambda *_: every)
    assert told(house, report) == found
    assert found
