"""The retention rules on a house of the tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Connection, Table, func, select

from hub.application.retention import DataClass
from hub.settings import RetentionSettings
from hub.storage.engine import reading, writing
from hub.storage.house import House
from hub.storage.retention import Erased, Retention, days_of

T = TypeVar("T")
DAY_MS = 24 * 3600 * 1000
DAYS = days_of(RetentionSettings())
"""How long each class is kept unless somebody says otherwise."""


@dataclass
class Writes:
    """Carries out changes one by one, and fails at the one it is told to."""

    house: House
    count: int = 0
    fail_at: int | None = None

    def __call__(self, change: Callable[[Connection], T], /) -> T:
        self.count += 1
        if self.count == self.fail_at:
            raise OSError("cut off")
        with writing(self.house.engine) as connection:
            return change(connection)


def retention(house: House, days: dict[DataClass, int] | None = None) -> Retention:
    """The rules with the default days."""
    return Retention(house.engine, Writes(house), house.vault, house.folder, days or DAYS)


def rows(house: House, table: Table) -> int:
    """How many rows a table has."""
    with reading(house.engine) as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def erased(done: Sequence[Erased]) -> dict[str, int]:
    """How much was erased of each class of which anything was."""
    return {str(one.due.data_class): one.rows for one in done if one.rows}
