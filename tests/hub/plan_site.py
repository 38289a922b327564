"""A site with people, a plan and a clock that a test moves; no threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, time
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select, update

from hub.application.planning import Written
from hub.domain.registration import State
from hub.storage.engine import reading, writing
from hub.storage.history import RegistrationEvent, steps
from hub.storage.plans import Plans, by_itself
from hub.storage.schema import plan_entry, presence, registration, works, works_regime
from tests.hub.house import NOON_MS, TestHouse, people_house

SUBMIT_AT = time(16, 0)
ABSENT_AT = time(10, 0)
TODAY = date(2026, 11, 23)
TOMORROW = date(2026, 11, 24)
HOUR_MS = 3600 * 1000
A, B = "1Y19FAKE001AZ", "1Y19FAKE002BZ"
MILAN, BASILE, PIOTR = "85031299761", "03072199766", "24999000000000187"


class PlanSite:
    """A house with a plan."""

    def __init__(self, house: TestHouse) -> None:
        self.house = house
        self.engine = house.house.engine
        self.now_ms = NOON_MS
        self.changes = 0
        self.plans = Plans(
            self.engine,
            house.house.vault,
            lambda: self.now_ms,
            SUBMIT_AT,
            by_itself(self.engine),
            self._changed,
        )

    def _changed(self) -> None:
        self.changes += 1

    def plan(self, *entries: dict[str, Any], **options: Any) -> Written:
        """Plans these entries as the API would; works A unless they say otherwise."""
        listed = [{"works_number": A, **entry} for entry in entries]
        return self.plans.take(self.plans.read_list(listed), "api", "test", **options)

    def plan_all(self, day: date = TODAY) -> None:
        """Plans the three people of the house."""
        written = self.plan(
            {"inss": MILAN, "day": day.isoformat()},
            {"inss": BASILE, "day": day.isoformat()},
            {"limosa": PIOTR, "day": day.isoformat()},
        )
        assert written.check.problems == ()
        assert written.added == 3

    def entries(self, day: date = TODAY) -> list[int]:
        """The numbers of the standing entries, in the order in which they were planned."""
        query = select(plan_entry.c.id).where(
            plan_entry.c.day == day.isoformat(), plan_entry.c.withdrawn_ms.is_(None)
        )
        with reading(self.engine) as connection:
            return list(connection.execute(query.order_by(plan_entry.c.id)).scalars())

    def registrations(self) -> list[tuple[int, str, str, str]]:
        """(person, day, state, cause), by person and age."""
        columns = registration.c
        query = select(columns.person_id, columns.day, columns.state, columns.cause)
        query = query.order_by(columns.person_id, columns.day, columns.tap_ms)
        with reading(self.engine) as connection:
            return [tuple(row) for row in connection.execute(query)]

    def reference(self, person_id: int) -> str:
        """The reference of the newest registration of a person."""
        query = select(registration.c.reference).where(registration.c.person_id == person_id)
        query = query.order_by(registration.c.tap_ms.desc()).limit(1)
        with reading(self.engine) as connection:
            return connection.execute(query).scalar_one()

    def step(self, person_id: int, *states: State, number: int | None = None) -> None:
        """Takes the newest registration of a person through these states."""
        reference = self.reference(person_id)
        with writing(self.engine) as connection:
            for state in states:
                event = RegistrationEvent(
                    reference,
                    self.now_ms,
                    state,
                    "answered",
                    number=number if state == State.REGISTERED else None,
                )
                steps(connection, [event])

    def register(self, person_id: int, number: int = 900_000_000_000_001) -> None:
        """The authority gives the newest registration of a person its number."""
        self.step(person_id, State.SENDING, State.REGISTERED, number=number + person_id)

    def seen(self, person_id: int, day: date = TODAY) -> None:
        """The person was on the site."""
        with writing(self.engine) as connection:
            connection.execute(
                insert(presence).values(
                    person_id=person_id,
                    site_id=1,
                    day=day.isoformat(),
                    first_in_ms=self.now_ms,
                    last_ms=self.now_ms,
                    inside=1,
                    taps=1,
                    received_ms=self.now_ms,
                    terminal_id="gate-in",
                )
            )

    def in_out_from(self, day: date, works_number: str = A) -> None:
        """The works go over to the in/out regime."""
        with writing(self.engine) as connection:
            connection.execute(
                insert(works_regime).values(
                    works_number=works_number, from_day=day.isoformat(), regime="in_out"
                )
            )

    def works_last(self, **values: object) -> None:
        """Changes the works of the house."""
        with writing(self.engine) as connection:
            connection.execute(update(works).where(works.c.number == A).values(**values))


@contextmanager
def plan_site(folder: Path) -> Iterator[PlanSite]:
    """Opens a site of three people: 1 Milan, 2 Basile (INSS), 3 Piotr (Limosa)."""
    with people_house(folder) as house:
        yield PlanSite(house)
