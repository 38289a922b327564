"""The fake registers: companies, people, Dimona, Limosa and works.

They answer the questions validation asks; where the facts come from is `world`'s concern.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import final

from simulator.authority.presence import Sender


@dataclass(frozen=True, slots=True)
class Period:
    """Days from `start` to `end`, both included; None is no limit."""

    start: date | None = None
    end: date | None = None

    def covers(self, day: date) -> bool:
        """True if `day` lies inside."""
        return (self.start is None or self.start <= day) and (self.end is None or day <= self.end)


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
    """An employment declaration; the register learns of it at `appears_after_s` after the start."""

    inss: str = field(repr=False)
    company: int
    period: Period
    appears_after_s: int = 0


@dataclass(frozen=True, slots=True)
class Limosa:
    """A Limosa declaration: a person, a foreign employer, a period."""

    id: str = field(repr=False)
    inss: str | None = field(repr=False)
    employer: str
    period: Period


@dataclass(frozen=True, slots=True)
class Party:
    """A contract of a company on works. A foreign company without Belgian number is a text."""

    company: int | str
    period: Period


@dataclass(frozen=True, slots=True)
class Works:
    """A declaration of works with its parties; `subject` is false under the threshold."""

    number: str
    sector: int
    declarant: int
    subject: bool
    period: Period
    parties: tuple[Party, ...]


@dataclass(frozen=True, slots=True)
class World:
    """A world file with its days resolved."""

    senders: tuple[Sender, ...]
    companies: tuple[Company, ...]
    people: tuple[Person, ...]
    dimonas: tuple[Dimona, ...]
    limosas: tuple[Limosa, ...]
    works: tuple[Works, ...]


@final
class Registers:
    """What the authority knows at this moment; grows while it runs, never shrinks.

    Args:
        world: the resolved world file. Dimonas that appear later are not known yet.
    """

    def __init__(self, world: World) -> None:
        self._senders = {sender.id: sender for sender in world.senders}
        self._default_sender = world.senders[0]
        self._companies = {company.number: company for company in world.companies}
        self._people = {person.inss: person for person in world.people}
        self._limosas = {limosa.id: limosa for limosa in world.limosas}
        self._limosas_of: dict[str, list[Limosa]] = {}
        for limosa in world.limosas:
            if limosa.inss is not None:
                self._limosas_of.setdefault(limosa.inss, []).append(limosa)
        self._works = {works.number: works for works in world.works}
        self._dimonas: dict[tuple[str, int], list[Period]] = {}
        self.announced = tuple(d for d in world.dimonas if d.appears_after_s > 0)
        self._replaced: dict[str, str] = {}
        for person in world.people:
            if person.replaced_by is not None:
                self.replace_inss(person.inss, person.replaced_by)
        for dimona in world.dimonas:
            if dimona.appears_after_s <= 0:
                self.add_dimona(dimona)

    def sender(self, sender_id: str | None) -> Sender | None:
        """The sender of that number; the first of the file when none is named."""
        return self._default_sender if sender_id is None else self._senders.get(sender_id)

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

    def replace_inss(self, inss: str, by: str) -> None:
        """Declares that `by` replaces `inss`; both go on standing for the same person."""
        self._replaced[inss] = by
        if by not in self._people:
            before = self._people.get(inss)
            self._people[by] = Person(by, before.self_employed if before else False)

    def add_dimona(self, dimona: Dimona) -> None:
        """Makes a Dimona known from now on."""
        self._dimonas.setdefault((dimona.inss, dimona.company), []).append(dimona.period)

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

    def right_on_company(self, sender: Sender, company: int) -> bool:
        """True for the own company, parties of own works, and numbers nobody owns."""
        if company == sender.company or company not in self._companies:
            return True
        declared = [self._works[number] for number in self.declared_by(sender.company)]
        return any(party.company == company for works in declared for party in works.parties)

    def right_on_works(self, sender: Sender, number: str) -> bool:
        """True for works the sender declared or takes part in, and numbers nobody declared."""
        works = self._works.get(number)
        if works is None or works.declarant == sender.company:
            return True
        return any(party.company == sender.company for party in works.parties)
