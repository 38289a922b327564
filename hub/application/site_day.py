"""One day of a site: who was there, for which company and on which level, and what registered him.

This is what page, PDF, workbook, CSV and JSON all show, as plain values; `hub.storage.site_day`
fills them within what somebody may see. They carry names and masked numbers, never a number in
clear, and a `repr` shows neither.

Everybody stands on the list once: under the works of the registration that decides about him, with
his employer; who is lent by an agency under that agency, below the company that uses him. Whoever
visits or delivers is a class of its own and in no company's count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from itertools import count

from hub.application.overview import PersonRow, RegistrationRow, Standing
from hub.domain.stay import Stay, began_before


class Show(StrEnum):
    """Which of the people of a day are asked for."""

    ALL = "all"
    HERE = "here"
    NOT_REGISTERED = "not_registered"
    REGISTERED = "registered"
    NOT_SEEN = "not_seen"
    VISITORS = "visitors"


@dataclass(frozen=True, slots=True, repr=False)
class DayPerson:
    """One person on the list.

    Args:
        row: what was seen of him and what was registered.
        standing: where that puts him.
        kind: a word of `hub.domain.people.Kind`.
        masked: his number, masked; empty when none is known.
        stay: when he was there; None: he was not seen.
        numbered_ms: when each registration got its number, by reference, UTC milliseconds.
        company_number, company: his employer; empty without one.
        user_number, user: to whom an agency lends him; else empty.
        works_number: under which he is listed; empty when none is known or may be shown.
    """

    row: PersonRow
    standing: Standing
    kind: str
    masked: str
    stay: Stay | None
    numbered_ms: dict[str, int] = field(default_factory=dict[str, int])
    company_number: str = ""
    company: str = ""
    user_number: str = ""
    user: str = ""
    works_number: str = ""

    def __repr__(self) -> str:
        return f"DayPerson({self.standing})"

    @property
    def name(self) -> str:
        """Family name, given name."""
        return f"{self.row.family_name} {self.row.given_name}".strip()

    @property
    def registrations(self) -> tuple[RegistrationRow, ...]:
        """Those that count first, then the cancelled and dropped ones."""
        return self.row.registrations

    @property
    def here(self) -> bool:
        """He is on the site at the moment of the list."""
        return self.stay is not None and self.stay.here

    @property
    def from_before(self) -> bool:
        """His shift began the day before, which is the day it was registered for."""
        return self.stay is not None and began_before(self.stay, date.fromisoformat(self.row.day))

    def shown(self, show: Show) -> bool:
        """Returns whether he is among those asked for."""
        match show:
            case Show.ALL:
                return True
            case Show.HERE:
                return self.here
            case Show.NOT_REGISTERED:
                return self.standing in (Standing.ACTION, Standing.WAITING)
            case Show.REGISTERED:
                return self.standing in (Standing.REGISTERED, Standing.REMARKS)
            case Show.NOT_SEEN:
                return self.standing is Standing.PLANNED
            case Show.VISITORS:
                return self.standing is Standing.VISITOR


@dataclass(frozen=True, slots=True)
class Place:
    """A company's place in the chain of a works declaration, as whoever asks may know it.

    Args:
        level: 0 for the declaring contractor; None for who does not see the whole chain.
        above: number of the company it works for; empty on top, or not to be known.
        above_name: its name.
    """

    number: str
    name: str
    level: int | None
    above: str = ""
    above_name: str = ""


@dataclass(frozen=True, slots=True)
class DayCompany:
    """One company under one works declaration, with its people by name.

    Args:
        works_number: empty for people whose works are not known.
        number, name: empty for people without an employer.
        level: see `Place`; also None for a company that is not in the chain.
        above_name: for whom it works; of an agency, to whom these people are lent.
        lends: these people are lent by this company, an agency.
    """

    works_number: str
    number: str
    name: str
    level: int | None
    above_name: str
    lends: bool
    people: tuple[DayPerson, ...]

    @property
    def key(self) -> tuple[str, str, str]:
        """Which of the companies of a list it is: works, employer, and to whom it lends."""
        return self.works_number, self.number, self.above_name if self.lends else ""

    @property
    def totals(self) -> Totals:
        """The counts of this company."""
        return totals_of(self.people)


@dataclass(frozen=True, slots=True)
class Totals:
    """How many. `registered`, `not_registered` and `waiting` add up to `seen`.

    Args:
        seen: people who were there, without visitors and deliveries.
        here: people on the site at the moment of the list, visitors and deliveries too.
        registered: seen, with a number.
        remarks: of these, with remarks of the authority.
        not_registered: seen, without a number, and somebody has to do something.
        waiting: seen, without a number yet; the hub goes on by itself.
        not_seen: with a registration, and not seen.
        visitors: visitors and deliveries who were there.
    """

    seen: int = 0
    here: int = 0
    registered: int = 0
    remarks: int = 0
    not_registered: int = 0
    waiting: int = 0
    not_seen: int = 0
    visitors: int = 0


@dataclass(frozen=True, slots=True)
class SiteDay:
    """One site on one day.

    Args:
        handle: stands for the site in addresses.
        works: numbers of the works declarations of the site that may be known.
        as_of_ms: moment of the list, UTC milliseconds.
        companies: by works number, then in the order of the chain; those that are not in it, and
            people without a company, come last.
        visitors: visitors and deliveries by name.
    """

    handle: str
    site: str
    address: str
    works: tuple[str, ...]
    day: date
    as_of_ms: int
    companies: tuple[DayCompany, ...]
    visitors: tuple[DayPerson, ...]

    @property
    def everybody(self) -> Iterator[DayPerson]:
        """Everybody on the list, each once, in its order."""
        for one in self.companies:
            yield from one.people
        yield from self.visitors

    @property
    def totals(self) -> Totals:
        """The counts of the site."""
        return totals_of(self.everybody)

    def unregistered(self) -> list[tuple[DayPerson, int]]:
        """Returns each reason why somebody has no number, as the first person with it and how many.

        The most frequent one first.
        """
        first: dict[tuple[str, str], DayPerson] = {}
        counted: Counter[tuple[str, str]] = Counter()
        for one in self.everybody:
            if one.shown(Show.NOT_REGISTERED):
                row = one.row.deciding
                key = ("", "") if row is None else (row.state, row.cause)
                first.setdefault(key, one)
                counted[key] += 1
        return [(first[key], many) for key, many in counted.most_common()]

    def only(self, show: Show) -> SiteDay:
        """Returns the same with those people only; companies without any are left out."""
        return self if show is Show.ALL else self._kept(lambda one: one.shown(show))

    def of_company(self, number: str) -> SiteDay:
        """Returns the same with the people of one company only: those it employs or uses."""
        return self._kept(lambda one: number in (one.company_number, one.user_number))

    def _kept(self, wanted: Callable[[DayPerson], bool]) -> SiteDay:
        companies = (
            replace(one, people=tuple(person for person in one.people if wanted(person)))
            for one in self.companies
        )
        return replace(
            self,
            companies=tuple(one for one in companies if one.people),
            visitors=tuple(one for one in self.visitors if wanted(one)),
        )


def part_of(days: Iterable[SiteDay], start: int, end: int) -> list[SiteDay]:
    """Returns the people from number `start` to before `end`, over all the sites in their order."""
    numbers = count()

    def wanted(_: DayPerson) -> bool:
        return start <= next(numbers) < end

    return [one._kept(wanted) for one in days]  # pyright: ignore[reportPrivateUsage]


def totals_of(people: Iterable[DayPerson]) -> Totals:
    """Returns the counts of these people."""
    counted: Counter[Standing] = Counter()
    here = 0
    for one in people:
        counted[one.standing] += 1
        here += one.here
    registered = counted[Standing.REGISTERED] + counted[Standing.REMARKS]
    return Totals(
        seen=registered + counted[Standing.ACTION] + counted[Standing.WAITING],
        here=here,
        registered=registered,
        remarks=counted[Standing.REMARKS],
        not_registered=counted[Standing.ACTION],
        waiting=counted[Standing.WAITING],
        not_seen=counted[Standing.PLANNED],
        visitors=counted[Standing.VISITOR],
    )


def by_company(
    people: Iterable[DayPerson], chains: dict[str, Sequence[Place]]
) -> tuple[tuple[DayCompany, ...], tuple[DayPerson, ...]]:
    """Returns the companies in their order, and the visitors and deliveries.

    Args:
        people: everybody of the day, once each.
        chains: the places of each works declaration in the order of the chain.
    """
    visitors: list[DayPerson] = []
    groups: dict[str, dict[tuple[str, str], list[DayPerson]]] = {}
    for one in sorted(people, key=_by_name):
        if one.standing is Standing.VISITOR:
            visitors.append(one)
        else:
            works = groups.setdefault(one.works_number, {})
            works.setdefault((one.company_number, one.user_number), []).append(one)
    companies = [
        one
        for number in sorted(groups, key=lambda number: (not number, number))
        for one in _in_order(number, groups[number], chains.get(number, ()))
    ]
    return tuple(companies), tuple(visitors)


def _in_order(
    works: str, groups: dict[tuple[str, str], list[DayPerson]], chain: Sequence[Place]
) -> Iterator[DayCompany]:
    places = {one.number: one for one in chain}
    left = dict(groups)

    def made(key: tuple[str, str], level: int | None, above: str) -> DayCompany:
        people = left.pop(key)
        first = people[0]
        return DayCompany(
            works,
            key[0],
            first.company,
            level,
            first.user if key[1] else above,
            bool(key[1]),
            tuple(people),
        )

    for place in chain:
        # Its own people; of an agency those who are lent to the company that it stands below.
        for key in [key for key in left if key[0] == place.number]:
            if not key[1] or key[1] == place.above or key[1] not in places:
                yield made(key, place.level, place.above_name)
        # Those who are lent to it by an agency that does not stand below it.
        for key in [key for key in left if key[1] == place.number]:
            if key[0] not in places or places[key[0]].above != place.number:
                level = None if place.level is None else place.level + 1
                yield made(key, level, "")
    # Whoever is not in the chain, by name; people without an employer last.
    for key in sorted(left, key=lambda key: (not key[0], left[key][0].company.casefold(), key)):
        yield made(key, None, "")


def _by_name(one: DayPerson) -> tuple[str, str, int]:
    return one.row.family_name.casefold(), one.row.given_name.casefold(), one.row.person_id
