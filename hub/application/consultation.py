"""Consulting registrations: what is asked for, and a row as whoever asks may see it.

Our own store answers for any period that it still holds. The authority is asked for one site and a
few days: one search holds one works number and one day, in pages of the most rows it gives.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from hub.application.ports import Seen
from hub.domain.registration import NUMBERED, State
from hub.errors import UsageError

PAGE: Final = 50
"""Rows of one page."""
DAYS_MAX: Final = 366
"""Longest period that is consulted at once. Our choice."""
FILE_ROWS_MAX: Final = 20_000
"""Most rows of one file."""
SEARCHES_MAX: Final = 14
"""Most searches that one question makes at the authority: two works numbers for a week."""

Search = Callable[[str, str, date], Sequence[Seen]]
"""Asks the authority: regime, works number, Brussels day. Blocks; raises as `AuthorityPort` does,
and UsageError HUB-1844 when that service is not set up."""


class Group(StrEnum):
    """States as people look for them."""

    REGISTERED = "registered"
    WAITING = "waiting"
    ACTION = "action"
    """Refused, held or too late: somebody has to do something."""
    ENDED = "ended"


GROUPS: Final = {
    Group.REGISTERED: tuple(sorted(str(one) for one in NUMBERED - {State.CANCELLING})),
    Group.WAITING: ("due", "in_doubt", "sending"),
    Group.ACTION: ("held", "lapsed", "refused"),
    Group.ENDED: ("cancelled", "cancelling", "dropped"),
}


@dataclass(frozen=True, slots=True, repr=False)
class Wanted:
    """What is asked for; empty texts ask for anything.

    Args:
        first, last: Brussels days, both included.
        site: its handle.
        company: number of the employer, or of the user of an agency's worker.
        group: one of `Group`.
        remark: `any`, or a key of the remarks in the catalogue.
        name: part of a name; never in an address.
    """

    first: date
    last: date
    site: str = ""
    company: str = ""
    group: str = ""
    remark: str = ""
    name: str = ""

    def __repr__(self) -> str:
        return f"Wanted({self.first}, {self.last})"

    def check(self) -> None:
        """Refuses a period that cannot be consulted.

        Raises:
            UsageError: HUB-1841, it ends before it begins; HUB-1842, it is too long.
        """
        if self.last < self.first:
            raise UsageError("HUB-1841")
        if (self.last - self.first).days >= DAYS_MAX:
            raise UsageError("HUB-1842", limit=DAYS_MAX)


@dataclass(frozen=True, slots=True, repr=False)
class Line:
    """One registration of our own store.

    Args:
        reference: ours; stands for it in addresses.
        person: token of whom it is for.
        masked: his number, masked; empty when there is none.
        number: of the authority; None while it gave none.
        act_ms: moment of the act or of the decision to plan, UTC milliseconds.
        numbered_ms: when it got its number, UTC milliseconds; None without one.
        remarks: of the authority, verbatim.
    """

    reference: str
    person: str
    family_name: str
    given_name: str
    masked: str
    company_number: str
    company: str
    site: str
    works_number: str
    day: date
    direction: str | None
    state: str
    cause: str
    number: int | None
    act_ms: int
    numbered_ms: int | None
    remarks: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Line({self.reference})"


@dataclass(frozen=True, slots=True, repr=False)
class There:
    """One row of the authority, as far as whoever asks may see it.

    Args:
        number: of the authority.
        day: Brussels day.
        status: the authority's word.
        name: of the person; empty when the register does not know him.
        masked: his number, masked; empty when the authority shows none.
        company: name or number of the employer; empty when not shown.
        channel: the authority's word for the way it came.
        reference: of our own registration with that number; empty: our books do not have it.
    """

    number: int
    day: date
    works_number: str
    status: str
    remarks: tuple[str, ...]
    name: str
    masked: str
    company: str
    channel: str
    reference: str

    def __repr__(self) -> str:
        return f"There({self.number})"


def searches(works: Sequence[str], wanted: Wanted) -> list[tuple[str, date]]:
    """Returns the searches that a question at the authority takes: works number and day of each.

    Raises:
        UsageError: HUB-1843, these are too many for one question.
    """
    days = (wanted.last - wanted.first).days + 1
    if days * len(works) > SEARCHES_MAX:
        raise UsageError("HUB-1843", limit=SEARCHES_MAX, searches=days * len(works))
    return [(number, wanted.first + timedelta(days=n)) for n in range(days) for number in works]
