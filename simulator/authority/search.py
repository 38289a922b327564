"""Turns search criteria and the caller's rights into one SQL condition and one order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal, final

from simulator.authority.clock import instant_ms
from simulator.authority.presence import Criteria, Sender

_SORT: Final = {
    "ID": "number",
    "REGISTRATION DATE": "day",
    "CREATION DATE": "created_ms",
    "STATUS": "status",
    "PLACE OF WORK": "works",
    "COMPANY ID": "company",
    "CHANNEL": "channel",
    "SENDER ID": "sender_id",
}


@final
class Condition:
    """Conditions that must all hold, with their values; values are never part of the SQL text."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self.values: list[object] = []

    @property
    def sql(self) -> str:
        """The condition as SQL; true when there is none."""
        return " AND ".join(f"({part})" for part in self._parts) or "1"

    def add(self, part: str, *values: object) -> None:
        """Adds one condition with a question mark for each value."""
        self._parts.append(part)
        self.values.extend(values)

    def among(self, column: str, wanted: Sequence[object]) -> None:
        """The column has one of the wanted values; no wanted value means no condition."""
        if wanted:
            self.add(f"{column} IN ({','.join('?' * len(wanted))})", *wanted)


def visible_to(
    sender: Sender,
    declared: Sequence[str],
    chains: Mapping[str, tuple[Sequence[int], Sequence[str]]] | None = None,
    foreign: Literal["limosa", "foreign_vat"] = "limosa",
) -> Condition:
    """A caller sees what it sent, its own people, those on its works and the chains below it.

    Args:
        sender: who asks.
        declared: the numbers of the works the sender's company declared.
        chains: for other works, the companies below the sender's and what stands for the foreign
            ones among them.
        foreign: the column in which that is.
    """
    marks = ",".join("?" * len(declared))
    parts = [f"sender_id = ? OR sender_company = ? OR company = ? OR works IN ({marks})"]
    values: list[object] = [sender.id, sender.company, sender.company, *declared]
    for works, (companies, foreigners) in (chains or {}).items():
        parts.append(
            f"works = ? AND (company IN ({','.join('?' * len(companies))})"
            f" OR {foreign} IN ({','.join('?' * len(foreigners))}))"
        )
        values += [works, *companies, *foreigners]
    condition = Condition()
    condition.add(" OR ".join(f"({part})" for part in parts), *values)
    return condition


def matching(condition: Condition, criteria: Criteria, inss: Sequence[str]) -> Condition:
    """Narrows a condition to the criteria.

    Args:
        condition: what the caller may see; changed and returned.
        criteria: with valid periods and instants (`rules.search_errors` is empty).
        inss: every number of the person looked for; empty when no INSS was given.
    """
    condition.among("person", inss)
    condition.among("status", criteria.statuses)
    for column, value in (
        ("company", criteria.company),
        ("works", criteria.works),
        ("sector", criteria.sector),
    ):
        if value is not None:
            condition.among(column, (value,))
    if criteria.remarks:
        marks = ",".join("?" * len(criteria.remarks))
        condition.add(
            f"EXISTS (SELECT 1 FROM json_each(remarks) WHERE value IN ({marks}))",
            *criteria.remarks,
        )
    days = [text.strip()[:10] for period in criteria.periods for text in period]
    condition.add(" OR ".join(["day BETWEEN ? AND ?"] * len(criteria.periods)), *days)
    if criteria.created_from is not None:
        condition.add("created_ms >= ?", instant_ms(criteria.created_from))
    if criteria.created_until is not None:
        condition.add("created_ms <= ?", instant_ms(criteria.created_until))
    return condition


def order(criteria: Criteria) -> str:
    """The ORDER BY terms; the number breaks ties, so that pages neither repeat nor skip a row."""
    direction = "DESC" if criteria.descending else "ASC"
    return f"{_SORT[criteria.sort]} {direction}, number {direction}"
