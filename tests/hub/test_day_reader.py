"""What the database tells of new receipts: those of the day that is asked for, each once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from hub.domain.registration import State
from hub.storage.engine import reading, writing
from hub.storage.feedback import DayReader
from hub.storage.schema import badge, registration, registration_event
from tests.hub.house import NOON_MS, TestHouse, people_house

TODAY = date(2026, 11, 23)
YESTERDAY = TODAY - timedelta(days=1)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[TestHouse]:
    with people_house(tmp_path) as found:
        yield found


def registered(house: TestHouse, person_id: int, day: date, number: int | None) -> None:
    """One step of a registration; without a number it is on its way."""
    reference = f"{person_id}-{day:%m%d}".ljust(24, "0")
    with writing(house.house.engine) as connection:
        if not connection.execute(
            select(registration.c.reference).where(registration.c.reference == reference)
        ).first():
            statement = insert(registration).values(
                reference=reference, person_id=person_id, site_id=1, works_number="1Y19FAKE001AZ",
                day=day.isoformat(), state=State.SENDING, cause="first_tap", tap_ms=NOON_MS,
                due_ms=NOON_MS, changed_ms=NOON_MS,
            )  # fmt: skip
            connection.execute(statement)
        step = insert(registration_event).values(
            reference=reference, at_ms=NOON_MS, state=State.REGISTERED, cause="x", number=number
        )
        connection.execute(step)


def tag_of(house: TestHouse, person_id: int) -> bytes:
    with reading(house.house.engine) as connection:
        query = select(badge.c.tag).where(badge.c.person_id == person_id)
        return connection.execute(query).scalars().one()


def test_receipts_are_those_of_the_day_and_come_once(house: TestHouse) -> None:
    reader = DayReader(house.house.engine)
    registered(house, 1, YESTERDAY, 900000000000001)
    registered(house, 2, TODAY, 900000000000002)
    newest, found = reader.receipts_since(0, TODAY)
    assert found == [(1, tag_of(house, 2), "900000000000002")]
    assert reader.receipts_since(newest, TODAY) == (newest, [])
    # One of the day before that comes late is none of today.
    registered(house, 2, YESTERDAY, 900000000000003)
    registered(house, 1, TODAY, None)
    registered(house, 1, TODAY, 900000000000004)
    newer, found = reader.receipts_since(newest, TODAY)
    assert found == [(1, tag_of(house, 1), "900000000000004")]
    assert (newer, reader.newest()[0]) == (newest + 3, newest + 3)
