"""Reports over a period as plain values, which page, PDF, workbook, CSV and JSON all show.

`hub.storage.reports` fills them within what somebody may see. They carry names and masked numbers,
never a number in clear, and a `repr` shows neither. The list of a day is elsewhere.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from hub.application.overview import PersonRow, RegistrationRow
from hub.domain.hours import Rounding, Span, breaks_ms, rounded_ms, worked_ms
from hub.errors import UsageError

MONTHS_MAX: Final = 3
"""Longest period of one report."""


class Report(StrEnum):
    """The reports over a period; the word is part of their address."""

    HOURS = "hours"
    EXCEPTIONS = "exceptions"
    MONTHLY = "monthly"


class Problem(StrEnum):
    """What is not in order with a presence; the most urgent first."""

    NO_REGISTRATION = "no_registration"
    REFUSED = "refused"
    LAPSED = "lapsed"
    IN_DOUBT = "in_doubt"
    HELD = "held"
    WAITING = "waiting"
    REMARKS = "remarks"
    LATE = "late"


@dataclass(frozen=True, slots=True)
class Period:
    """Brussels days from `first` to `last`, both included."""

    first: date
    last: date


def period_of(first: date, last: date, today: date, begin: date) -> Period:
    """Returns a period of a report.

    Args:
        today: the last day that may be asked for.
        begin: the first one.

    Raises:
        UsageError: HUB-1850, it ends before it begins, or is no period of the past; HUB-1851, it is
            longer than three months.
    """
    if not begin <= first <= last <= today:
        raise UsageError("HUB-1850")
    month = first.month - 1 + MONTHS_MAX
    year, month = first.year + month // 12, month % 12 + 1
    limit = date(year, month, min(first.day, monthrange(year, month)[1]))
    # From the 23rd to the 22nd three months later are three months; one day more is too long.
    if last >= limit:
        raise UsageError("HUB-1851")
    return Period(first, last)


@dataclass(frozen=True, slots=True, repr=False)
class Who:
    """Somebody on a report.

    Args:
        person_id: his row.
        masked: his number, masked; empty when none is known.
        company_number, company: his employer; empty without one.
    """

    person_id: int
    family_name: str
    given_name: str
    masked: str
    company_number: str
    company: str

    def __repr__(self) -> str:
        return "Who()"


@dataclass(frozen=True, slots=True, repr=False)
class HoursDay:
    """The hours of one person at one site on one day.

    Args:
        spans: those that began on that day, oldest first.
    """

    who: Who
    site: str
    day: date
    spans: tuple[Span, ...]

    def __repr__(self) -> str:
        return f"HoursDay({self.day})"

    @property
    def worked_ms(self) -> int:
        """How long he was there, without what is not known."""
        return worked_ms(self.spans)

    @property
    def breaks_ms(self) -> int:
        """How long he was away between."""
        return breaks_ms(self.spans)

    @property
    def missing(self) -> int:
        """How many ways in or out are missing; who is still here misses none."""
        return sum(not one.whole and not one.here for one in self.spans)

    @property
    def here(self) -> bool:
        """He is on the site at the moment of the report."""
        return any(one.here for one in self.spans)

    def rounded_ms(self, rounding: Rounding) -> int | None:
        """Returns the same rounded; None when nothing is rounded."""
        return rounded_ms(self.spans, rounding)


@dataclass(frozen=True, slots=True, repr=False)
class ExceptionRow:
    """A presence that is not in order.

    Args:
        problem: the most urgent thing about it.
        row: what was seen and what was registered.
        late_ms: how long after he came his number was there; None when it was not late.
        attested: an attestation of one of its registrations was made.
    """

    who: Who
    site: str
    problem: Problem
    row: PersonRow
    late_ms: int | None = None
    attested: bool = False

    def __repr__(self) -> str:
        return f"ExceptionRow({self.problem}, {self.row.day})"

    @property
    def day(self) -> date:
        """Its Brussels day."""
        return date.fromisoformat(self.row.day)

    @property
    def registration(self) -> RegistrationRow | None:
        """The registration that decides about it."""
        return self.row.deciding


@dataclass(frozen=True, slots=True)
class MonthRow:
    """One site in one month.

    Args:
        month: its first day.
        presences: people and days who were there to work; visits do not count.
        registered: of these, with a number and without remarks.
        remarks: with a number and remarks.
        explained: without a number, with the reason.
        lapsed: of these, that lapsed.
        waiting: on their way.
        unexplained: without a number and without a reason: must be 0.
        people, companies: how many different ones.
        busiest: the day with the most presences; None without any.
        busiest_presences: how many.
        open_days: days whose books do not balance; None for who may not see the books.
    """

    site: str
    month: date
    presences: int
    registered: int
    remarks: int
    explained: int
    lapsed: int
    waiting: int
    unexplained: int
    people: int
    companies: int
    busiest: date | None
    busiest_presences: int
    open_days: tuple[date, ...] | None = None


Row = HoursDay | ExceptionRow | MonthRow


def totals_of(rows: Iterable[HoursDay]) -> tuple[int, int, int]:
    """Returns (days, milliseconds worked, ways missing) of some hours."""
    days = worked = missing = 0
    for one in rows:
        days += 1
        worked += one.worked_ms
        missing += one.missing
    return days, worked, missing


def of_problem(rows: Sequence[ExceptionRow]) -> list[tuple[Problem, int]]:
    """Returns how many there are of each problem, in their order."""
    counted = dict.fromkeys(Problem, 0)
    for one in rows:
        counted[one.problem] += 1
    return [(problem, count) for problem, count in counted.items() if count]
