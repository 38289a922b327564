"""A house whose inbox is filled by hand, and what is derived from it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, Table, select

from hub.storage.engine import reading, writing
from hub.storage.inbox import Inbox, NewRun
from hub.storage.projection import RegisterView, project_some
from hub.storage.schema import (
    act_done,
    clock_mark,
    gate_event,
    metadata,
    passage_count,
    presence,
    projection,
    registration,
    stream,
    tap,
)
from protocol.limits import RECORD_SIZE
from protocol.record import record_seq
from tests.hub.house import JOURNAL, TestHouse

DERIVED = (tap, act_done, clock_mark, gate_event, passage_count, presence, registration, projection)
Tables = dict[str, list[tuple[Any, ...]]]


class Site:
    """The hub's storage without its threads: records in, tables out."""

    def __init__(self, house: TestHouse) -> None:
        self.house = house
        self.engine = house.house.engine
        self.register = RegisterView()

    def arrive(
        self, terminal: str, received_ms: int, *records: bytes, journal: bytes = JOURNAL
    ) -> None:
        """Stores records as one run each time their numbers follow each other."""
        runs: list[NewRun] = []
        with writing(self.engine) as connection:
            query = select(stream.c.id).where(
                stream.c.terminal_id == terminal, stream.c.journal == journal
            )
            stream_id = connection.execute(query).scalar()
            if stream_id is None:
                stream_id = Inbox(connection).add_stream(terminal, journal, received_ms)
            for piece in records:
                last = runs[-1] if runs else None
                if last and last.first + len(last.records) // RECORD_SIZE == record_seq(piece):
                    last.records += piece
                else:
                    runs.append(NewRun(stream_id, record_seq(piece), piece))
            Inbox(connection).append(runs, received_ms)

    def project(self) -> int:
        """Projects everything, a transaction for each piece; returns the number of records."""
        total = 0
        while True:
            with writing(self.engine) as connection:
                count, _ = project_some(connection, self.register)
            if not count:
                return total
            total += count

    def rows(self, table: Table) -> list[Row[Any]]:
        """The rows of a table, sorted by its key."""
        with reading(self.engine) as connection:
            return list(connection.execute(select(table).order_by(*table.primary_key)).all())

    def tables(self, *wanted: Table) -> Tables:
        """The rows of these tables; of everything derived, and the cursor, when none is named."""
        return {table.name: [tuple(row) for row in self.rows(table)] for table in wanted or DERIVED}

    def everything(self) -> Tables:
        """The rows of every table, facts and register too."""
        return self.tables(*metadata.sorted_tables)

    def registrations(self) -> list[tuple[str, str, str]]:
        """(day, state, cause) of every registration, by day."""
        return sorted((row.day, row.state, row.cause) for row in self.rows(registration))

    def live(self) -> list[tuple[int, str, str, str]]:
        """(person, day, state, cause) of those that count."""
        return sorted(
            (row.person_id, row.day, row.state, row.cause)
            for row in self.rows(registration)
            if row.state not in ("cancelled", "dropped")
        )

    def presences(self) -> list[tuple[int, str, int | None, bool, int]]:
        """(person, day, first in, inside, taps) of every presence."""
        return [
            (row.person_id, row.day, row.first_in_ms, bool(row.inside), row.taps)
            for row in self.rows(presence)
        ]
