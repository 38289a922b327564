"""A house with registrations written by hand, for the reconcile and the balance."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import select

from hub.application.registrations import NewRegistration
from hub.domain.registration import State
from hub.storage.engine import reading, writing
from hub.storage.history import RegistrationEvent, create, steps
from hub.storage.house import House
from hub.storage.reconcile import Reconciliations
from hub.storage.schema import (
    incident,
    reconcile_difference,
    reconcile_run,
    registration,
    registration_event,
)
from hub.storage.writer import Writer
from tests.hub.house import NOON_MS, people_house
from tests.hub.ledger import DAY, WORKS

WAYS: dict[str, tuple[str, ...]] = {
    "held": (),
    "due": (),
    "lapsed": (),
    "sending": ("sending",),
    "in_doubt": ("sending", "in_doubt"),
    "refused": ("sending", "refused"),
    "registered": ("sending", "registered"),
    "validated": ("sending", "registered", "validated"),
    "flagged": ("sending", "registered", "flagged"),
    "cancelling": ("sending", "registered", "cancelling"),
    "cancelled": ("sending", "registered", "cancelling", "cancelled"),
    "dropped": ("dropped",),
}
"""Steps after the first state."""


@dataclass
class Books:
    """An open house and what a reconcile needs of it."""

    house: House
    writer: Writer

    @property
    def port(self) -> Reconciliations:
        """The runs of this house."""
        return Reconciliations(self.house.engine, self.writer, self.house.vault)

    def registration(
        self,
        reference: str,
        state: str,
        person_id: int = 1,
        number: int | None = None,
        *,
        cause: str = "answered",
        day: date = DAY,
        works_number: str = WORKS,
        at_ms: int = NOON_MS - 4 * 3_600_000,
        act: str = "",
        direction: str | None = None,
        site_id: int = 1,
        changed_ms: int | None = None,
        **more: Any,
    ) -> str:
        """Writes a registration that took the usual steps to this state."""
        first = state if not WAYS[state] and state != "due" else "due"
        moment = changed_ms or at_ms
        with writing(self.house.engine) as connection:
            create(
                connection,
                NewRegistration(
                    reference=reference,
                    person_id=person_id,
                    site_id=site_id,
                    works_number=works_number,
                    day=day,
                    state=State(first),
                    cause=cause if not WAYS[state] else "first_tap",
                    tap_ms=at_ms,
                    due_ms=at_ms,
                    changed_ms=moment,
                    regime="in_out" if act else "day",
                    act=act,
                    direction=direction,
                    **more,
                ),
            )
            events = [
                RegistrationEvent(
                    reference, moment, one, cause, number if one == "registered" else None
                )
                for one in WAYS[state]
            ]
            steps(connection, events)
        return reference

    def states(self) -> dict[str, tuple[str, str, int | None]]:
        """(state, cause, number) of every registration."""
        with reading(self.house.engine) as connection:
            rows = connection.execute(select(registration)).all()
        return {row.reference: (row.state, row.cause, row.number) for row in rows}

    def actors(self, reference: str) -> list[tuple[str, str]]:
        """(state, actor) of each step of a registration."""
        with reading(self.house.engine) as connection:
            query = select(registration_event).where(registration_event.c.reference == reference)
            return [(row.state, row.actor) for row in connection.execute(query)]

    def runs(self) -> list[tuple[str, str, str, int, str]]:
        """(works number, day, actor, rows, failed) of every run."""
        with reading(self.house.engine) as connection:
            return [
                (row.works_number, row.day, row.actor, row.rows, row.failed)
                for row in connection.execute(select(reconcile_run))
            ]

    def differences(self) -> list[tuple[str, int, str | None, int | None, int | None]]:
        """(kind, explained, reference, number, person) of every difference kept."""
        with reading(self.house.engine) as connection:
            return [
                (row.kind, row.explained, row.reference, row.number, row.person_id)
                for row in connection.execute(select(reconcile_difference))
            ]

    def incidents(self) -> list[tuple[int, str, str]]:
        """(moment, code, detail) of every incident."""
        with reading(self.house.engine) as connection:
            return [
                (row.at_ms, row.code, row.detail) for row in connection.execute(select(incident))
            ]


@contextmanager
def books(folder: Path) -> Iterator[Books]:
    """Opens a house with three people and a running writer."""
    with people_house(folder) as made:
        writer = Writer(made.house.engine)
        writer.start()
        try:
            yield Books(made.house, writer)
        finally:
            writer.stop()
