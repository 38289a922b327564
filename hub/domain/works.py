"""Works declarations: which one a person works under, and under which regime it stands on a day.

A site may have several works numbers at the same time, one for each chain of contracts, and a works
number is a declaration and no point on the map. So who works under which number is said by people:
by assigning persons, or whole companies, to works declarations. The hub never guesses between two.

| known for this person, site and day                | answer                                      |
| -------------------------------------------------- | ------------------------------------------- |
| planned there under exactly one number             | that number                                 |
| assigned to exactly one number himself             | that number                                 |
| himself to none, his employer to exactly one       | that number                                 |
| to several                                         | none: a human says which (`works_conflict`) |
| to none                                            | none: a human assigns (`no_works_number`)   |
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from hub.domain.causes import Cause

Regime = Literal["day", "in_out"]
REGIMES: Final[tuple[Regime, ...]] = ("day", "in_out")


@dataclass(frozen=True, slots=True)
class WorksChoice:
    """Under which works number a presence falls.

    Args:
        number: the works number; empty when nobody has said which.
        missing: why there is none; None when there is one.
    """

    number: str
    missing: Cause | None = None


def choose_works(
    own: Collection[str], employer: Collection[str], planned: Collection[str] = ()
) -> WorksChoice:
    """Returns the one works number that was said, or why there is none; see the table above.

    Args:
        own: numbers of this site that the person is assigned to on the day.
        employer: numbers of this site that the person's employer is assigned to on the day.
        planned: numbers of this site under which the person is planned on the day.
    """
    if len(set(planned)) == 1:
        return WorksChoice(next(iter(planned)))
    candidates = set(own) or set(employer)
    if len(candidates) == 1:
        return WorksChoice(candidates.pop())
    return WorksChoice("", Cause.WORKS_CONFLICT if candidates else Cause.NO_WORKS_NUMBER)


def regime_of(changes: Sequence[tuple[date, str]], day: date) -> Regime:
    """Returns the regime of a works declaration on a Brussels day.

    A declaration can change at midnight, and its neighbour on the same site need not.

    Args:
        changes: (first day, regime) of each change, in any order; before the first: `day`.
        day: the Brussels day of the act, or the day that is planned.
    """
    newest = max((change for change in changes if change[0] <= day), default=None)
    return "in_out" if newest is not None and newest[1] == "in_out" else "day"
