"""Declarations of works made on the pages: what they hold, their numbers, and where they are kept.

The works of the world file are not in here; they have no customer and no address. A number given
here is of the invented series `1Y19DT...`; real serials seen so far begin with 0 where this has 9.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, final

from simulator.authority import numbers
from simulator.authority.registers import Party, Period, Works
from simulator.authority.thresholds import Verdict, judge

_SERIAL: Final = "9DT"

_TABLE = """
CREATE TABLE IF NOT EXISTS declaration (
    number  TEXT PRIMARY KEY,
    content TEXT NOT NULL
) STRICT
"""


@dataclass(frozen=True, slots=True)
class Site:
    """An address where works are carried out."""

    street: str
    house: str
    post: str
    town: str

    def __str__(self) -> str:
        street, town = f"{self.street} {self.house}", f"{self.post} {self.town}"
        return f"{street.strip()}, {town.strip()}"


@dataclass(frozen=True, slots=True)
class Contract:
    """A party's contract: who works for whom, when, for how much (euro, without VAT; 0 unknown)."""

    company: int | str
    subcontractor_of: int | str
    start: date | None
    end: date | None
    amount_eur: int


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a declaration of works says; the declaring contractor is always a party.

    Attributes:
        customer: the client the works are for, as typed.
        declarant: enterprise number of the declaring contractor.
        sector: see `thresholds`.
        places: of work, at least one.
        start, end: first and last day, both included; no end is not known yet.
        amount_eur: the whole works, all contracts, VAT excluded.
        contracts: the subcontractors.
        in_out_from: from this day on people register each time they go in and out; None: never.
    """

    customer: str = field(repr=False)
    declarant: int
    sector: int
    places: tuple[Site, ...]
    start: date
    end: date | None
    amount_eur: int
    contracts: tuple[Contract, ...] = ()
    in_out_from: date | None = None

    @property
    def verdict(self) -> Verdict:
        """Whether presence registration is compulsory on these works, and why."""
        return judge(self.sector, self.start, self.amount_eur)

    def works(self, number: str) -> Works:
        """What validation needs to know of it."""
        parties = [Party(self.declarant, Period(self.start, self.end))]
        parties += [
            Party(one.company, Period(one.start or self.start, one.end or self.end))
            for one in self.contracts
        ]
        return Works(
            number,
            self.sector,
            self.declarant,
            self.verdict.compulsory,
            Period(self.start, self.end),
            tuple(parties),
            self.in_out_from,
        )


@final
class Declarations:
    """The declarations in the authority's file, under the lock of `Authority`.

    Args:
        connection: of the store.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._db.execute(_TABLE)

    def add(self, declaration: Declaration, taken: Callable[[str], object | None]) -> Works:
        """Keeps a declaration under the next free number. Call inside a transaction.

        Args:
            declaration: what was declared.
            taken: gives something for a number that is in use already.
        """
        serial = int(self._db.execute("SELECT 1 + count(*) FROM declaration").fetchone()[0])
        while taken(number := numbers.works_number(f"{_SERIAL}{serial:05d}")) is not None:
            serial += 1
        self._db.execute(
            "INSERT INTO declaration VALUES (?, ?)", (number, json.dumps(_written(declaration)))
        )
        return declaration.works(number)

    def get(self, number: str) -> Declaration | None:
        """The declaration of that number; None if there is none or it is of the world file."""
        row = self._db.execute(
            "SELECT content FROM declaration WHERE number = ?", (number,)
        ).fetchone()
        return None if row is None else _read(json.loads(row[0]))

    def works(self) -> list[Works]:
        """What validation needs to know of all of them."""
        rows = self._db.execute("SELECT number, content FROM declaration ORDER BY number")
        return [_read(json.loads(content)).works(number) for number, content in rows]


def _written(declaration: Declaration) -> dict[str, object]:
    return {
        "customer": declaration.customer,
        "declarant": declaration.declarant,
        "sector": declaration.sector,
        "places": [(one.street, one.house, one.post, one.town) for one in declaration.places],
        "start": declaration.start.isoformat(),
        "end": _iso(declaration.end),
        "amount_eur": declaration.amount_eur,
        "in_out_from": _iso(declaration.in_out_from),
        "contracts": [
            {
                "company": one.company,
                "subcontractor_of": one.subcontractor_of,
                "start": _iso(one.start),
                "end": _iso(one.end),
                "amount_eur": one.amount_eur,
            }
            for one in declaration.contracts
        ],
    }


def _read(content: dict[str, Any]) -> Declaration:
    return Declaration(
        customer=content["customer"],
        declarant=content["declarant"],
        sector=content["sector"],
        places=tuple(Site(*one) for one in content["places"]),
        start=date.fromisoformat(content["start"]),
        end=_day(content["end"]),
        amount_eur=content["amount_eur"],
        in_out_from=_day(content["in_out_from"]),
        contracts=tuple(
            Contract(
                one["company"],
                one["subcontractor_of"],
                _day(one["start"]),
                _day(one["end"]),
                one["amount_eur"],
            )
            for one in content["contracts"]
        ),
    )


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
