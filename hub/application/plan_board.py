"""The plan of one site on one day, by company: what stands in the way first, then who is planned.

An entry of the plan stands in exactly one way:

| standing   | what it means                                                       |
| ---------- | ------------------------------------------------------------------- |
| problem    | something is to be put right first; nothing is sent before          |
| refused    | the authority took it not, or its day went by without a number      |
| planned    | nothing is in the way; it is sent when its time has come            |
| waiting    | handed over to be sent; no number yet                               |
| registered | the authority gave a number                                         |
| remarks    | it gave a number, and later a remark                                |
| ended      | it was cancelled or dropped since; the plan does not make another   |
| expected   | in/out regime: nothing can be sent ahead, the plan only expects him |
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Final

from hub.application.planning import PlannedDay, PlannedPerson
from hub.domain.plan import Finding
from hub.domain.registration import FINAL, NUMBERED, State


class Standing(StrEnum):
    """How an entry of the plan stands; see the table above."""

    PROBLEM = "problem"
    REFUSED = "refused"
    PLANNED = "planned"
    WAITING = "waiting"
    REGISTERED = "registered"
    REMARKS = "remarks"
    ENDED = "ended"
    EXPECTED = "expected"


IN_THE_WAY: Final = frozenset({Standing.PROBLEM, Standing.REFUSED})
"""What somebody has to put right."""
_BY_STATE: Final = {
    State.HELD: Standing.PROBLEM,
    State.REFUSED: Standing.REFUSED,
    State.LAPSED: Standing.REFUSED,
    State.FLAGGED: Standing.REMARKS,
}


def standing_of(one: PlannedDay) -> Standing:
    """Returns how an entry stands."""
    if one.regime == "in_out":
        return Standing.PROBLEM if one.findings else Standing.EXPECTED
    if one.state is None:
        return Standing.PROBLEM if one.findings else Standing.PLANNED
    state = State(one.state)
    if state in _BY_STATE:
        return _BY_STATE[state]
    if state in NUMBERED:
        return Standing.REGISTERED
    return Standing.ENDED if state in FINAL else Standing.WAITING


@dataclass(frozen=True, slots=True)
class Counts:
    """How many entries stand how.

    Args:
        planned: all of them.
        submitted: those with a registration, with or without a number.
        registered: those with a number, remarks or not.
        refused: those that the authority refused or that came too late.
        problems: those that somebody has to put right, the refused among them.
        ready: those that may be sent as soon as their time has come.
    """

    planned: int = 0
    submitted: int = 0
    registered: int = 0
    refused: int = 0
    problems: int = 0
    ready: int = 0


def counts_of(entries: Iterable[PlannedDay]) -> Counts:
    """Returns how many of these entries stand how."""
    stand = [standing_of(one) for one in entries]
    registered = sum(one in (Standing.REGISTERED, Standing.REMARKS) for one in stand)
    refused = stand.count(Standing.REFUSED)
    return Counts(
        planned=len(stand),
        submitted=registered + refused + stand.count(Standing.WAITING),
        registered=registered,
        refused=refused,
        problems=sum(one in IN_THE_WAY for one in stand),
        ready=stand.count(Standing.PLANNED),
    )


def sum_of(counts: Iterable[Counts]) -> Counts:
    """Returns the counts of all of these together."""
    listed = list(counts)
    names = (one.name for one in fields(Counts))
    return Counts(**{name: sum(getattr(one, name) for one in listed) for name in names})


@dataclass(frozen=True, slots=True)
class Members:
    """A company of a site as whoever looks may see it.

    Args:
        number: of the company; empty for people whose employer is not known.
        people: how many of its people can be planned here.
        own: how many of them whoever looks may plan.
        level: in the chain, 0 for the declaring contractor; None when not known to him.
    """

    number: str
    name: str
    people: int = 0
    own: int = 0
    level: int | None = None


@dataclass(frozen=True, slots=True)
class CompanyPlan:
    """What is planned of one company.

    Args:
        problems: the entries that somebody has to put right.
    """

    company: Members
    counts: Counts
    problems: tuple[PlannedDay, ...]


def by_company(
    entries: Iterable[PlannedDay], companies: Mapping[str, Members]
) -> list[CompanyPlan]:
    """Returns the plan by company: those with problems first, the most first, then by level.

    Args:
        entries: of one site and day.
        companies: those of the site by number; one of an entry that is not among them is added.
    """
    found: dict[str, list[PlannedDay]] = {number: [] for number in companies}
    named = dict(companies)
    for one in entries:
        number = one.person.company_number
        found.setdefault(number, []).append(one)
        if number not in named:
            named[number] = Members(number, one.person.company_name)
    plans = [
        CompanyPlan(
            named[number],
            counts_of(listed),
            tuple(one for one in listed if standing_of(one) in IN_THE_WAY),
        )
        for number, listed in found.items()
    ]
    return sorted(
        plans,
        key=lambda one: (
            -one.counts.problems,
            99 if one.company.level is None else one.company.level,
            one.company.name.casefold(),
            one.company.number,
        ),
    )


# ---------------------------------------------------------------- one company


@dataclass(frozen=True, slots=True)
class BoardRow:
    """One person of a company on a day, planned or not.

    Args:
        entry: his entry; None: he is not planned.
        choices: the works numbers under which he can be planned, each with what is in the way.
        own: whether whoever looks may plan him.
    """

    person: PlannedPerson
    entry: PlannedDay | None
    choices: tuple[tuple[str, tuple[Finding, ...]], ...] = ()
    own: bool = False

    @property
    def standing(self) -> Standing | None:
        """How his entry stands; None: he is not planned."""
        return None if self.entry is None else standing_of(self.entry)

    @property
    def may_be_planned(self) -> bool:
        """Whether there is a number under which nothing is in the way."""
        return any(not found for _, found in self.choices)


def in_order(rows: Iterable[BoardRow]) -> list[BoardRow]:
    """Returns what somebody has to put right first, then everybody by name."""
    return sorted(
        rows,
        key=lambda row: (
            row.standing not in IN_THE_WAY,
            row.person.family_name.casefold(),
            row.person.given_name.casefold(),
            row.person.token,
        ),
    )


# ---------------------------------------------------------------- what an action came to


class Skipped(StrEnum):
    """Why somebody was not planned."""

    BLOCKED = "blocked"
    """His badge is blocked, and he has no other."""
    ERASED = "erased"
    VISITOR = "visitor"
    """Visitors and deliveries are never registered."""
    NUMBER = "number"
    """A number that is needed is missing or wrong: his own, or his employer's."""
    LIMOSA = "limosa"
    """The day lies outside of his Limosa declaration."""
    WORKS = "works"
    """He does not work under this number on that day, or nobody knows under which one."""
    WITHDRAWN = "withdrawn"
    """Somebody took him out of the plan of that day."""


_FINDINGS: Final = {
    "IMP-5030": Skipped.VISITOR,
    "IMP-5022": Skipped.NUMBER,
    "IMP-5023": Skipped.NUMBER,
    "IMP-5024": Skipped.NUMBER,
    "IMP-5025": Skipped.LIMOSA,
    "IMP-5026": Skipped.LIMOSA,
}


def skipped_for(found: Sequence[Finding]) -> Skipped | None:
    """Returns why somebody with these findings is not planned; None: nothing is in the way."""
    reasons = [_FINDINGS.get(one.code, Skipped.WORKS) for one in found]
    for reason in Skipped:
        if reason in reasons:
            return reason
    return None


@dataclass(slots=True)
class Outcome:
    """What an action on the board came to; counts only.

    Args:
        done: how many were planned, submitted or withdrawn by it.
        unchanged: how many were so already.
        others: how many went another way, by the word for it: a `Skipped`, or what withdrawing
            came to (`hub.application.planning.Outcome`).
    """

    done: int = 0
    unchanged: int = 0
    others: dict[str, int] = field(default_factory=dict)

    def count(self, word: str) -> None:
        """Counts one that went another way."""
        self.others[str(word)] = self.others.get(str(word), 0) + 1
