"""How long what is kept: one rule for each class of data, and what is due on a day.

A rule counts whole Brussels days: what belongs to a day *before* `today - days` has had its time.
No law was found that fixes a period for the contractor's own copy, so each default follows from
what the data are for; `docs/privacy.md` gives the reasons. The authority itself keeps registrations
for seven years, and so does the hub with what proves them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum


class DataClass(StrEnum):
    """What is kept and erased together. The word is kept in the report for ever."""

    TAPS = "taps"
    """Taps as the gates sent them, presences, roll calls, who had which badge."""
    GATES = "gates"
    """What gates told of themselves, incidents, crash logs."""
    PLAN = "plan"
    REGISTRATIONS = "registrations"
    """Registrations, their steps, comparisons with the authority."""
    EVIDENCE = "evidence"
    """What was said to the authority and what it answered; it holds numbers, sealed."""
    VISITORS = "visitors"
    """Name and badge of a visitor or deliverer after his last day."""
    PEOPLE = "people"
    """Names and numbers of people of whom nothing else is left."""
    AUDIT = "audit"
    ACCESS = "access"
    """Sessions that are over, links that were used or have run out."""
    IMPORTS = "imports"
    """What an import changed, and the copy of the database made before it."""
    ANSWERS = "answers"
    """Answers kept for programs that ask again under the same key."""


@dataclass(frozen=True, slots=True)
class Due:
    """Everything of a class that belongs to a day before this Brussels day has had its time."""

    data_class: DataClass
    before: date


def due(days: Mapping[DataClass, int], today: date) -> list[Due]:
    """Returns what is due, in the order in which it is erased.

    What others refer to comes last: people after everything that names them.

    Args:
        days: of each class; one that is missing is kept.
        today: the Brussels day on which it is asked.
    """
    ordered = [one for one in DataClass if one is not DataClass.PEOPLE] + [DataClass.PEOPLE]
    return [Due(one, today - timedelta(days=days[one])) for one in ordered if one in days]
