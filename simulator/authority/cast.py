"""Who works in an invented world: what is wished for, and the people that fulfil it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, time
from typing import Final

from simulator.authority.invented import Invented

PEOPLE_MAX: Final = 20_000
COMPANIES_MAX: Final = 200
# Not one of them is anybody's.
COMPANY_NAMES: Final = (
    "Bouwwerken Voorbeeld",
    "Toitures Exemple",
    "Elektro Muster",
    "Dakwerken Test",
)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a scenario needs; counts of people are among `people`, each person in one count at most.

    Attributes:
        people: everybody, 1..20,000.
        companies: Belgian employers; the first declares the works, each later one works for it or
            for the one before.
        seed: decides everything else.
        day: the day of the plan and of Dimonas that come late; None is written as `tomorrow`, and
            late Dimonas then come on the day on which the authority starts.
        late_dimona: until when so many have no Dimona.
        no_dimona: never have one.
        limosa: posted workers with a running Limosa declaration.
        limosa_expired: posted workers whose Limosa declaration is over.
        self_employed: founders of their company.
        replaced: people whose BIS number is replaced by a national number.
        unknown_works: people under a works number of their own that no register knows.
        absent: planned, and do not come.
        unplanned: come, and are not planned.
        in_out_from: day from which the works register in and out; None never.
        amount_eur: of the works without VAT; None is not known.
    """

    people: int
    companies: int = 4
    seed: int = 0
    day: date | None = None
    late_dimona: tuple[tuple[time, int], ...] = ()
    no_dimona: int = 0
    limosa: int = 0
    limosa_expired: int = 0
    self_employed: int = 0
    replaced: int = 0
    unknown_works: int = 0
    absent: int = 0
    unplanned: int = 0
    in_out_from: date | None = None
    amount_eur: int | None = 1_000_000

    def problem(self) -> str | None:
        """Why this cannot be had, None if it can."""
        counts = [count for _, count in self.late_dimona]
        counts += [self.no_dimona, self.limosa, self.limosa_expired]
        counts += [self.self_employed, self.replaced, self.unknown_works]
        if not 1 <= self.people <= PEOPLE_MAX:
            return f"people: 1 to {PEOPLE_MAX} expected"
        if not 1 <= self.companies <= COMPANIES_MAX:
            return f"companies: 1 to {COMPANIES_MAX} expected"
        if min([*counts, self.absent, self.unplanned]) < 0:
            return "no count can be negative"
        if sum(counts) > self.people:
            return "more people with something special than people"
        if self.absent + self.unplanned > self.people:
            return "more people absent or unplanned than people"
        return None


@dataclass(frozen=True, slots=True, repr=False)
class Member:
    """One person of the cast; `trouble` and `role` are words of `cast.csv`."""

    family_name: str
    given_name: str
    badge: str
    language: str
    works: str
    company: str
    company_name: str
    inss: str
    limosa: str = ""
    trouble: str = "none"
    role: str = "present"
    appears: time | None = None
    replaced_by: str = ""


def members_of(
    wish: Wish, invented: Invented, dice: random.Random, companies: Sequence[str], works: str
) -> list[Member]:
    """The people of a wish, in the order of the files.

    Args:
        wish: can be had.
        invented: where their numbers come from.
        dice: decides who has what.
        companies: enterprise numbers, taken in turn.
        works: the number of the works.
    """
    troubles: list[tuple[str, time | None]] = []
    for until, count in wish.late_dimona:
        troubles += [("late-dimona", until)] * count
    for trouble, count in (
        ("no-dimona", wish.no_dimona),
        ("limosa", wish.limosa),
        ("limosa-expired", wish.limosa_expired),
        ("self-employed", wish.self_employed),
        ("replaced", wish.replaced),
        ("works-unknown", wish.unknown_works),
    ):
        troubles += [(trouble, None)] * count
    troubles += [("none", None)] * (wish.people - len(troubles))
    dice.shuffle(troubles)
    members: list[Member] = []
    for position, (trouble, until) in enumerate(troubles):
        family_name, given_name = invented.name()
        index = position % len(companies)
        posted = trouble.startswith("limosa")
        members.append(
            Member(
                family_name,
                given_name,
                invented.badge(),
                invented.language(),
                invented.works() if trouble == "works-unknown" else works,
                "" if posted else companies[index],
                "" if posted else _company_name(index),
                invented.bis() if posted or trouble == "replaced" else invented.inss(),
                invented.limosa() if posted else "",
                trouble,
                appears=until,
                replaced_by=invented.inss() if trouble == "replaced" else "",
            )
        )
    chosen = dice.sample(range(len(members)), wish.absent + wish.unplanned)
    for order, position in enumerate(chosen):
        role = "absent" if order < wish.absent else "unplanned"
        members[position] = replace(members[position], role=role)
    return members


def _company_name(index: int) -> str:
    return f"{COMPANY_NAMES[index % len(COMPANY_NAMES)]} {index + 1}"
