"""Erasing what has had its time, a little at a time, so that no tap ever waits for it.

Theory of operation. For each class that is due its sweeps look what there is, reading; then they
erase `AT_ONCE` rows in a job of the writer, and so on until nothing is left. Each job adds to the
row of the report that stands for this run and class in the same transaction, so that a run that is
cut off has told exactly what it did; the next one goes on. A run ends with a row of the audit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from sqlalchemy import Connection, Engine, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from hub.application.retention import DataClass, Due, due
from hub.domain.audit import Noted
from hub.domain.legal_day import brussels_day
from hub.settings import RetentionSettings
from hub.storage.audit import note
from hub.storage.engine import reading
from hub.storage.schema import erasure, meta
from hub.storage.secrets import Vault
from hub.storage.sweeps import SWEEPS, Sweep, Tools

T = TypeVar("T")
AT_ONCE: Final = 100
"""Rows of one job."""
FOUND_AT_ONCE: Final = 20_000
LAST_RUN: Final = "retention_run"
"""Row of `meta`: when the last run ended, UTC milliseconds."""


class Write(Protocol):
    """Carries out a change in a transaction of its own."""

    def __call__(self, change: Callable[[Connection], T], /) -> T:
        """Returns what `change` returned, once it is on disk; raises what it raised."""
        ...


@dataclass(frozen=True, slots=True)
class Erased:
    """What a run found due of a class, and erased unless it only looked."""

    due: Due
    rows: int


@dataclass(frozen=True, slots=True)
class Reported:
    """One row of the report."""

    at_ms: int
    data_class: str
    before_day: str | None
    rows: int
    actor: str


def days_of(settings: RetentionSettings) -> dict[DataClass, int]:
    """Returns how many days each class is kept."""
    return {one: getattr(settings, one.value) for one in DataClass}


class Retention:
    """Runs the rules on one data folder.

    Args:
        engine: to look what is due.
        write: carries out each small piece.
        vault: seals the anchors of the chains.
        folder: the data folder.
        days: how long each class is kept.
    """

    def __init__(
        self,
        engine: Engine,
        write: Write,
        vault: Vault,
        folder: Path,
        days: Mapping[DataClass, int],
    ) -> None:
        self._engine = engine
        self._write = write
        self._vault = vault
        self._folder = folder
        self._days = days

    def look(self, now_ms: int) -> list[Erased]:
        """Returns how many rows of each class are due; changes nothing."""
        found: list[Erased] = []
        with reading(self._engine) as connection:
            for one in due(self._days, brussels_day(now_ms)):
                rows = sum(sweep.count(connection, one) for sweep in SWEEPS[one.data_class])
                found.append(Erased(one, rows))
        return found

    def run(self, now_ms: int, actor: str) -> list[Erased]:
        """Erases everything that is due; returns how much of what."""
        tools = Tools(self._vault, self._folder, now_ms)
        done: list[Erased] = []
        for one in due(self._days, brussels_day(now_ms)):
            rows = sum(self._sweep(sweep, one, tools, actor) for sweep in SWEEPS[one.data_class])
            done.append(Erased(one, rows))
        self._write(lambda connection: self._end(connection, done, now_ms, actor))
        return done

    def run_once_a_day(self, now_ms: int) -> None:
        """Does the run of this Brussels day, unless it was made already."""
        with reading(self._engine) as connection:
            last_ms = last_run_ms(connection)
        if last_ms is None or brussels_day(last_ms) < brussels_day(now_ms):
            self.run(now_ms, "hub")

    def _sweep(self, sweep: Sweep, one: Due, tools: Tools, actor: str) -> int:
        total = 0
        while True:
            with reading(self._engine) as connection:
                keys = sweep.find(connection, one, FOUND_AT_ONCE)
            if not keys:
                return total
            erased = 0
            for place in range(0, len(keys), AT_ONCE):
                erased += self._write(
                    self._piece(sweep, keys[place : place + AT_ONCE], one, tools, actor)
                )
            if not erased:
                return total
            total += erased

    @staticmethod
    def _piece(
        sweep: Sweep, keys: list[tuple[Any, ...]], one: Due, tools: Tools, actor: str
    ) -> Callable[[Connection], int]:
        def job(connection: Connection) -> int:
            rows = sweep.erase(connection, keys, tools)
            _report(connection, one, rows, tools.now_ms, actor)
            return rows

        return job

    def _end(self, connection: Connection, done: list[Erased], now_ms: int, actor: str) -> None:
        for one in done:
            if one.rows:
                note(
                    connection,
                    self._vault,
                    now_ms,
                    actor,
                    Noted.ERASED,
                    f"class:{one.due.data_class}",
                    before=one.due.before.isoformat(),
                    rows=one.rows,
                )
        statement = upsert(meta).values(key=LAST_RUN, value=str(now_ms))
        connection.execute(
            statement.on_conflict_do_update(index_elements=["key"], set_={"value": str(now_ms)})
        )


def _report(connection: Connection, one: Due, rows: int, now_ms: int, actor: str) -> None:
    if not rows:
        return
    where = (erasure.c.at_ms == now_ms, erasure.c.data_class == one.data_class.value)
    added = connection.execute(update(erasure).where(*where).values(rows=erasure.c.rows + rows))
    if not added.rowcount:
        connection.execute(
            insert(erasure).values(
                at_ms=now_ms,
                data_class=one.data_class.value,
                before_day=one.before.isoformat(),
                rows=rows,
                actor=actor,
            )
        )


def last_run_ms(connection: Connection) -> int | None:
    """Returns when the last run ended, UTC milliseconds; None when there was none."""
    value = connection.execute(select(meta.c.value).where(meta.c.key == LAST_RUN)).scalar()
    return None if value is None else int(value)


def report(connection: Connection, most: int = 100) -> list[Reported]:
    """Returns the newest rows of the report, newest first."""
    columns = erasure.c
    query = (
        select(columns.at_ms, columns.data_class, columns.before_day, columns.rows, columns.actor)
        .order_by(columns.id.desc())
        .limit(most)
    )
    return [Reported(*row) for row in connection.execute(query)]
