"""The fake registers: companies, people, Dimona, Limosa and works.

They answer the questions validation asks; where the facts come from is `world`'s concern.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import final

from simulator.authority.clients import Client
from simulator.authority.presence import Sender
from simulator.authority.senders import Certificates, SenderRegister
from simulator.authority.thresholds import SECTORS, judge


@dataclass(frozen=True, slots=True)
class Period:
    """Days from `start` to `end`, both included; None is no limit."""

    start: date | None = None
    end: date | None = None

    def covers(self, day: date) -> bool:
        """True if `day` lies inside."""
        return (self.start is None or self.start <= day) and (self.end is None or day <= self.end)

    def meets(self, first: date, last: date) -> bool:
        """True if any day from `first` to `last` lies inside."""
        return (self.start is None or self.start <= last) and (
            self.end is None or first <= self.end
        )


@dataclass(frozen=True, slots=True)
class Company:
    """An enterprise, active in a period, with the people known as its founders."""

    number: int
    active: Period
    founders: frozenset[str] = field(default=frozenset(), repr=False)


@dataclass(frozen=True, slots=True)
class Person:
    """A person known to the national register or by a BIS number."""

    inss: str = field(repr=False)
    self_employed: bool = False
    replaced_by: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Dimona:
    """An employment declaration that the register may learn of late.

    Attributes:
        inss: the person.
        company: the employer.
        period: of the employment.
        appears_after_s: seconds after the start of the simulator at which it becomes known; 0 at
            once.
        appears_ms: the instant at which it becomes known; None leaves it to `appears_after_s`.
    """

    inss: str = field(repr=False)
    company: int
    period: Period
    appears_after_s: int = 0
    appears_ms: int | None = None

    @property
    def late(self) -> bool:
        """True if the register does not know it from the start."""
        return self.appears_after_s > 0 or self.appears_ms is not None


@dataclass(frozen=True, slots=True)
class Limosa:
    """A Limosa declaration: a person, a foreign employer, a period."""

    id: str = field(repr=False)
    inss: str | None = field(repr=False)
    employer: str
    period: Period


@dataclass(frozen=True, slots=True)
class Party:
    """A contract of a company on works. A foreign company without Belgian number is a text.

    `subcontractor_of` is the party it works for; None is the declaring contractor.
    """

    company: int | str
    period: Period
    subcontractor_of: int | str | None = None


@dataclass(frozen=True, slots=True)
class Works:
    """A declaration of works with its parties; `subject` is false under the threshold.

    From `in_out_from` on its people register each time they go in and out; before, and when it is
    None, they register days. `amount_eur` is that of the whole works without VAT, None unknown.
    `subject_given` keeps what was said about `subject`; None leaves it to amount and start.
    """

    number: str
    sector: int
    declarant: int
    subject: bool
    period: Period
    parties: tuple[Party, ...]
    in_out_from: date | None = None
    amount_eur: int | None = None
    subject_given: bool | None = None

    def in_out(self, day: date) -> bool:
        """True if going in and out is registered on that day, false if the day is."""
        return self.in_out_from is not None and self.in_out_from <= day

    def below(self, company: int) -> set[int | str]:
        """The parties that work for a company, directly or through others, itself not among them.

        Who works for nobody in particular works for the declaring contractor.
        """
        found: set[int | str] = set()
        above: set[int | str] = {company}
        while above:
            above = {
                party.company
                for party in self.parties
                if (self.declarant if party.subcontractor_of is None else party.subcontractor_of)
                in above
                and party.company not in found
                and party.company != company
            }
            found |= above
        return found


def subject_to_registration(
    sector: int, start: date | None, amount_eur: int | None, given: bool | None
) -> bool:
    """Whether presences on works must be registered.

    Args:
        sector: of the works.
        start: first day of the works; None is judged by the newest threshold.
        amount_eur: of the whole works without VAT; None is not known and counts as enough.
        given: what was said outright; it wins.
    """
    if given is not None:
        return given
    if amount_eur is None or sector not in SECTORS:
        return True
    return judge(sector, start or date.max, amount_eur).compulsory


@dataclass(frozen=True, slots=True)
class World:
    """A world file with its days resolved."""

    senders: tuple[Sender, ...]
    companies: tuple[Company, ...]
    people: tuple[Person, ...]
    dimonas: tuple[Dimona, ...]
    limosas: tuple[Limosa, ...]
    works: tuple[Works, ...]
    clients: tuple[Client, ...] = ()
    certificates: Mapping[str, Certificates] = field(default_factory=dict[str, Certificates])


@final
class Registers:
    """What the authority knows at this moment; it can be changed while it runs.

    Args:
        world: the resolved world file. Dimonas that appear later are not known yet.
    """

    def __init__(self, world: World) -> None:
        self.senders = SenderRegister(world.senders, world.certificates)
        self._companies = {company.number: company for company in world.companies}
        self._people = {person.inss: person for person in world.people}
        self._limosas: dict[str, Limosa] = {}
        self._limosas_of: dict[str, list[Limosa]] = {}
        for limosa in world.limosas:
            self.put_limosa(limosa)
        self._works = {works.number: works for works in world.works}
        self._dimonas: dict[tuple[str, int], list[Period]] = {}
        self.announced = tuple(dimona for dimona in world.dimonas if dimona.late)
        self._replaced: dict[str, str] = {}
        for person in world.people:
            if person.replaced_by is not None:
                self.replace_inss(person.inss, person.replaced_by)
        for dimona in world.dimonas:
            if not dimona.late:
                self.add_dimona(dimona)

    def sender(self, sender_id: str | None) -> Sender | None:
        """The sender of that number; the first of the file when none is named."""
        return self.senders.sender(sender_id)

    def company(self, number: int) -> Company | None:
        """The enterprise of that number, None if there is none."""
        return self._companies.get(number)

    def works(self, number: str) -> Works | None:
        """The declaration of works of that number, None if there is none."""
        return self._works.get(number)

    def limosa(self, limosa_id: str) -> Limosa | None:
        """The Limosa declaration of that number, None if there is none."""
        return self._limosas.get(limosa_id)

    def limosas_of(self, inss: str) -> list[Limosa]:
        """All Limosa declarations of a person, whichever of the person's numbers they carry."""
        return [
            limosa
            for number in self.numbers_of(inss)
            for limosa in self._limosas_of.get(number, [])
        ]

    def person(self, inss: str) -> Person | None:
        """The person of that number or of the number that replaced it."""
        return self._people.get(self.latest_inss(inss)) or self._people.get(inss)

    def latest_inss(self, inss: str) -> str:
        """The number that stands for the person today: the end of the chain of replacements."""
        seen = {inss}
        while (after := self._replaced.get(inss)) is not None and after not in seen:
            inss = after
            seen.add(inss)
        return inss

    def numbers_of(self, inss: str) -> set[str]:
        """Every number that stands for the same person, the given one included."""
        latest = self.latest_inss(inss)
        before = {number for number in self._replaced if self.latest_inss(number) == latest}
        return {latest, inss} | before

    def replaced_by(self, inss: str) -> str | None:
        """The number that replaced this one, None if it stands."""
        return self._replaced.get(inss)

    def replace_inss(self, inss: str, by: str) -> None:
        """Declares that `by` replaces `inss`; both go on standing for the same person."""
        self._replaced[inss] = by
        if by not in self._people:
            before = self._people.get(inss)
            self._people[by] = Person(by, before.self_employed if before else False)

    def add_dimona(self, dimona: Dimona) -> None:
        """Makes a Dimona known from now on."""
        self._dimonas.setdefault((dimona.inss, dimona.company), []).append(dimona.period)

    def set_dimona(self, dimona: Dimona) -> None:
        """Makes a Dimona known, in place of one of the same person, employer and first day."""
        self.drop_dimona(dimona.inss, dimona.company, dimona.period.start)
        self.add_dimona(dimona)

    def drop_dimona(self, inss: str, company: int, start: date | None) -> None:
        """Forgets a Dimona of that person, employer and first day, if there is one."""
        periods = self._dimonas.get((inss, company), [])
        periods[:] = [period for period in periods if period.start != start]

    def put_person(self, person: Person) -> None:
        """Makes a person known, or changes one."""
        self._people[person.inss] = person
        if person.replaced_by is not None:
            self.replace_inss(person.inss, person.replaced_by)

    def put_company(self, company: Company) -> None:
        """Makes a company known, or changes it."""
        self._companies[company.number] = company

    def put_limosa(self, limosa: Limosa) -> None:
        """Makes a Limosa declaration known, or changes it."""
        before = self._limosas.get(limosa.id)
        if before is not None and before.inss is not None:
            self._limosas_of[before.inss].remove(before)
        self._limosas[limosa.id] = limosa
        if limosa.inss is not None:
            self._limosas_of.setdefault(limosa.inss, []).append(limosa)

    def add_works(self, works: Works) -> None:
        """Makes a declaration of works known from now on."""
        self._works[works.number] = works

    def people(self) -> list[Person]:
        """Everybody, in the order in which they became known."""
        return list(self._people.values())

    def companies(self) -> list[Company]:
        """All companies."""
        return list(self._companies.values())

    def limosas(self) -> list[Limosa]:
        """All Limosa declarations."""
        return list(self._limosas.values())

    def all_works(self) -> list[Works]:
        """All declarations of works."""
        return list(self._works.values())

    def dimonas(self) -> list[Dimona]:
        """All Dimonas known at this moment."""
        return [
            Dimona(inss, company, period)
            for (inss, company), periods in self._dimonas.items()
            for period in periods
        ]

    def has_dimona(self, inss: str, company: int, day: date) -> bool:
        """True if a known Dimona links the person and the employer on that day."""
        return any(
            period.covers(day)
            for number in self.numbers_of(inss)
            for period in self._dimonas.get((number, company), [])
        )

    def is_founder(self, inss: str, company: Company) -> bool:
        """True if the person is known as founder of the company."""
        return not company.founders.isdisjoint(self.numbers_of(inss))

    def founds_any(self, inss: str) -> bool:
        """True if the person is known as founder of any company."""
        return any(self.is_founder(inss, company) for company in self._companies.values())

    def declared_by(self, company: int) -> list[str]:
        """The numbers of the works a company declared."""
        return [works.number for works in self._works.values() if works.declarant == company]

    def works_of(self, company: int) -> list[Works]:
        """The works a company declared or takes part in, declared ones first."""
        declared = [works for works in self._works.values() if works.declarant == company]
        joined = [
            works
            for works in self._works.values()
            if works.declarant != company and any(one.company == company for one in works.parties)
        ]
        return declared + joined

    def staff_of(self, company: int, first: date, last: date) -> list[str]:
        """Latest numbers of the founders and of those with a known Dimona in a period, sorted.

        Args:
            company: the employer.
            first, last: days; a Dimona that covers any of the days between counts.
        """
        found = {
            inss
            for (inss, employer), periods in self._dimonas.items()
            if employer == company and any(period.meets(first, last) for period in periods)
        }
        enterprise = self._companies.get(company)
        if enterprise is not None:
            found |= enterprise.founders
        return sorted({self.latest_inss(inss) for inss in found})

    def posted_by(self, employer: str, first: date, last: date) -> list[Limosa]:
        """The Limosa declarations of a foreign employer that run on any day of a period."""
        return [
            limosa
            for limosa in self._limosas.values()
            if limosa.employer == employer and limosa.period.meets(first, last)
        ]

    def chains(self, company: int) -> dict[str, set[int | str]]:
        """For each works on which somebody works for a company, who does: the chain below it."""
        found = {works.number: works.below(company) for works in self._works.values()}
        return {number: below for number, below in found.items() if below}

    def limosas_from(self, employers: set[int | str]) -> list[str]:
        """The numbers of the Limosa declarations of these foreign employers."""
        return [one.id for one in self._limosas.values() if one.employer in employers]

    def may_see(
        self,
        company: int,
        *,
        employer: int | str | None,
        limosa: str | None = None,
        works: str,
    ) -> bool:
        """True if a company may see a registration of somebody else's sending.

        The employer sees its own people, the declaring contractor everybody on its site, a
        contractor the chain below it on the same works (practice of the real service by secondary
        sources). Whoever sent a registration sees it as well; that is not decided here.

        Args:
            company: who looks.
            employer: of the person registered, a foreign one by name; None for a Limosa
                registration.
            limosa: the Limosa number registered, None for any other.
            works: the works.
        """
        found = self._works.get(works)
        if employer == company or (found is not None and found.declarant == company):
            return True
        if found is None:
            return False
        declared = None if limosa is None else self._limosas.get(limosa)
        party = employer if declared is None else declared.employer
        return party in found.below(company)

    def right_on_company(self, sender: Sender, company: int) -> bool:
        """True for the own company, parties of own works, the chain below, numbers nobody owns."""
        if company == sender.company or company not in self._companies:
            return True
        declared = [self._works[number] for number in self.declared_by(sender.company)]
        if any(party.company == company for works in declared for party in works.parties):
            return True
        return any(company in below for below in self.chains(sender.company).values())

    def right_on_works(self, sender: Sender, number: str) -> bool:
        """True for works the sender declared or takes part in, and numbers nobody declared."""
        works = self._works.get(number)
        if works is None or works.declarant == sender.company:
            return True
        return any(party.company == sender.company for party in works.parties)
