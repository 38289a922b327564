"""A registration in the making on the desktop pages: works, people, days, and what came of it.

It stays on the server, because a person's number belongs neither in an address nor in a page that
goes back and forth: pages name people by keys that mean something only inside one draft.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from simulator.authority import numbers
from simulator.authority.numbers import masked
from simulator.authority.presence import Submission

_INSS, _LIMOSA, _COMPANY = 11, 17, 10
# What people put between digits, and the country of an enterprise number.
_LINE: Final = re.compile(r"(?:BE|[0-9 \t.,;:/()-])*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Someone:
    """Whoever is to be registered: a person at a company, or a Limosa number alone."""

    inss: str | None = field(default=None, repr=False)
    company: int | None = None
    limosa: str | None = field(default=None, repr=False)

    @property
    def shown(self) -> str:
        """How a page names the person: three characters of the number."""
        return f"L1 {masked(self.limosa)}" if self.limosa is not None else masked(self.inss or "")

    def submission(self, works: str, day: date) -> Submission:
        """The registration of this person at these works on that day."""
        return Submission(
            works, day.isoformat(), inss=self.inss, company=self.company, limosa=self.limosa
        )


@dataclass(frozen=True, slots=True)
class Message:
    """A text by its key, with what is filled in; no value is a person's number."""

    key: str
    values: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an outcome: who, when, and the number given or the reason there is none."""

    who: str
    company: int | None
    day: date
    number: int | None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an action, shown on the page after it."""

    message: Message
    lines: tuple[Line, ...] = ()
    problems: tuple[Message, ...] = ()


@dataclass(slots=True)
class Draft:
    """What was chosen so far.

    Attributes:
        works: works number.
        offered: people to choose from, by key; keys are given once and never change.
        chosen: the keys of those chosen.
        days: the days chosen.
    """

    works: str
    offered: dict[str, Someone] = field(default_factory=dict, repr=False)
    chosen: set[str] = field(default_factory=set)
    days: set[date] = field(default_factory=set)

    def offer(self, people: Iterable[Someone], *, choose: bool = False) -> None:
        """Adds people to choose from, each once; `choose` chooses them as well."""
        keys = {someone: key for key, someone in self.offered.items()}
        for someone in people:
            key = keys.get(someone)
            if key is None:
                key = keys[someone] = f"p{len(self.offered) + 1}"
                self.offered[key] = someone
            if choose:
                self.chosen.add(key)

    @property
    def people(self) -> list[Someone]:
        """Those chosen, in the order in which they were offered."""
        return [someone for key, someone in self.offered.items() if key in self.chosen]


def read_people(
    text: str, own_company: int, today: date
) -> tuple[list[Someone], Sequence[tuple[int, str]]]:
    """People typed one a line: 11 digits (INSS, BIS), 10 more for the employer, or 17 (Limosa).

    Args:
        text: as typed; dots, dashes and spaces between digits do not matter, nor does BE.
        own_company: the employer when a line names none.
        today: the Belgian day; nobody is born after it.

    Returns:
        The people, and (line number, name of the problem) for what is none; a problem never repeats
        what was typed.
    """
    people: list[Someone] = []
    problems: list[tuple[int, str]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        found = read_person(line, own_company, today)
        if isinstance(found, Someone):
            people.append(found)
        else:
            problems.append((number, found))
    return people, problems


def read_person(text: str, own_company: int | None, today: date) -> Someone | str:
    """One person as in `read_people`; the name of the problem when it is none."""
    digits = "".join(symbol for symbol in text if symbol in "0123456789")
    if not _LINE.fullmatch(text) or len(digits) not in (_INSS, _LIMOSA, _INSS + _COMPANY):
        return "person_form"
    if len(digits) == _LIMOSA:
        return Someone(limosa=digits) if numbers.limosa_ok(digits) else "limosa_check"
    if not numbers.inss_ok(digits[:_INSS], today):
        return "inss_check"
    company = int(digits[_INSS:]) if len(digits) > _INSS else own_company
    if company is not None and not numbers.company_ok(company):
        return "company_check"
    return Someone(inss=digits[:_INSS], company=company)
