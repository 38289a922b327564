"""The entries of the registers as JSON: how they are posted, shown, and kept, read strictly.

One shape for all three. Numbers pass their check rules, days are ISO dates, unknown keys and wrong
types are refused, and no error repeats a value.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Mapping
from datetime import date
from typing import Annotated, ClassVar, Final, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from simulator.authority import numbers
from simulator.authority.presence import REMARKS_MAX
from simulator.authority.registers import (
    Company,
    Dimona,
    Limosa,
    Party,
    Period,
    Person,
    Registers,
    Works,
    subject_to_registration,
)
from simulator.authority.validation import REMARKS, Validator


class EntryError(Exception):
    """The entry is not accepted; `problems` name places and reasons, never a value."""

    def __init__(self, problems: list[dict[str, object]]) -> None:
        super().__init__("entry refused")
        self.problems = problems


def _inss(text: str, info: ValidationInfo) -> str:
    today = cast("Mapping[str, date]", info.context)["today"]
    if not numbers.inss_ok(text, today):
        raise ValueError("INSS or BIS number expected")
    return text


def _company(text: str) -> str:
    if not numbers.digits_only(text, 10) or not numbers.company_ok(int(text)):
        raise ValueError("enterprise number of ten digits expected")
    return text


def _party(text: str) -> str:
    return _company(text) if text.isdigit() else text


def _limosa(text: str) -> str:
    if not numbers.limosa_ok(text):
        raise ValueError("Limosa number of 17 digits expected")
    return text


def _works(text: str) -> str:
    if not numbers.works_number_ok(text):
        raise ValueError("works number of 13 characters expected")
    return text


def _remark(text: str) -> str:
    if text not in REMARKS:
        raise ValueError("one of the official remarks expected")
    return text


InssText = Annotated[str, AfterValidator(_inss)]
CompanyText = Annotated[str, AfterValidator(_company)]
PartyText = Annotated[str, Field(min_length=1, max_length=80), AfterValidator(_party)]
LimosaText = Annotated[str, AfterValidator(_limosa)]
WorksText = Annotated[str, AfterValidator(_works)]
RemarkText = Annotated[str, AfterValidator(_remark)]


def party_number(text: str) -> int | str:
    """A party as the registers hold it: an enterprise number, or the name of a foreign company."""
    return int(text) if text.isdigit() else text


def party_text(party: int | str) -> str:
    """The opposite of `party_number`."""
    return numbers.company_text(party) if isinstance(party, int) else party


class Entry(BaseModel):
    """Base of an entry."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True, frozen=True)
    kind: ClassVar[str]

    @property
    @abstractmethod
    def key(self) -> str:
        """What tells it from the others of its register."""

    @abstractmethod
    def enter(self, registers: Registers, validator: Validator) -> None:
        """Makes it count."""

    def leave(self, registers: Registers, validator: Validator) -> None:
        """Makes it count no longer.

        Raises:
            NotImplementedError: entries of this register end, they are not removed.
        """
        raise NotImplementedError(self.kind)


class Span(Entry):
    """Base of what has a first and a last day, both included; null is no limit."""

    start: date | None = None
    until: date | None = None

    @model_validator(mode="after")
    def _forwards(self) -> Span:
        if self.start is not None and self.until is not None and self.until < self.start:
            raise ValueError("until is before start")
        return self

    @property
    def period(self) -> Period:
        """The days."""
        return Period(self.start, self.until)


class PersonEntry(Entry):
    """A person, and the number that replaced this one."""

    kind: ClassVar[str] = "persons"
    inss: InssText
    self_employed: bool = False
    replaced_by: InssText | None = None

    @property
    def key(self) -> str:
        return self.inss

    def enter(self, registers: Registers, validator: Validator) -> None:
        registers.put_person(Person(self.inss, self.self_employed, self.replaced_by))


class DimonaEntry(Span):
    """An employment; `appears_ms` is the instant at which the register learns of it."""

    kind: ClassVar[str] = "dimona"
    inss: InssText
    company: CompanyText
    appears_ms: Annotated[int, Field(ge=0)] | None = None

    @property
    def key(self) -> str:
        return f"{self.inss} {self.company} {self.start}"

    def enter(self, registers: Registers, validator: Validator) -> None:
        dimona = Dimona(self.inss, int(self.company), self.period)
        if self.appears_ms is None:
            validator.forget(self.inss, dimona.company, self.start)
            registers.set_dimona(dimona)
        else:
            registers.drop_dimona(self.inss, dimona.company, self.start)
            validator.announce(dimona, self.appears_ms)

    def leave(self, registers: Registers, validator: Validator) -> None:
        validator.forget(self.inss, int(self.company), self.start)
        registers.drop_dimona(self.inss, int(self.company), self.start)


class LimosaEntry(Span):
    """A Limosa declaration."""

    kind: ClassVar[str] = "limosa"
    id: LimosaText
    employer: PartyText
    inss: InssText | None = None

    @property
    def key(self) -> str:
        return self.id

    def enter(self, registers: Registers, validator: Validator) -> None:
        registers.put_limosa(Limosa(self.id, self.inss, self.employer, self.period))


class CompanyEntry(Span):
    """A company, active in a period, with its founders."""

    kind: ClassVar[str] = "companies"
    number: CompanyText
    founders: list[InssText] = []

    @property
    def key(self) -> str:
        return self.number

    def enter(self, registers: Registers, validator: Validator) -> None:
        registers.put_company(Company(int(self.number), self.period, frozenset(self.founders)))


class PartyEntry(BaseModel):
    """A contract on works."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)
    company: PartyText
    start: date | None = None
    until: date | None = None
    subcontractor_of: PartyText | None = None


class WorksEntry(Span):
    """A declaration of works; `subject` null leaves it to the amount and the first day."""

    kind: ClassVar[str] = "works"
    number: WorksText
    sector: Annotated[int, Field(ge=1, le=9)]
    declarant: CompanyText
    amount_eur: Annotated[int, Field(ge=0)] | None = None
    subject: bool | None = None
    in_out_from: date | None = None
    parties: list[PartyEntry] = []

    @property
    def key(self) -> str:
        return self.number

    def enter(self, registers: Registers, validator: Validator) -> None:
        registers.add_works(
            Works(
                self.number,
                self.sector,
                int(self.declarant),
                subject_to_registration(self.sector, self.start, self.amount_eur, self.subject),
                self.period,
                tuple(
                    Party(
                        party_number(one.company),
                        Period(one.start, one.until),
                        None
                        if one.subcontractor_of is None
                        else party_number(one.subcontractor_of),
                    )
                    for one in self.parties
                ),
                self.in_out_from,
                self.amount_eur,
                self.subject,
            )
        )


class VerdictEntry(Entry):
    """What validation is to say about one registration, whatever the registers hold."""

    kind: ClassVar[str] = "verdicts"
    number: Annotated[int, Field(ge=1, le=999_999_999_999_999)]
    remarks: Annotated[list[RemarkText], Field(max_length=REMARKS_MAX)] = []

    @property
    def key(self) -> str:
        return str(self.number)

    def enter(self, registers: Registers, validator: Validator) -> None:
        validator.verdicts[self.number] = tuple(self.remarks)

    def leave(self, registers: Registers, validator: Validator) -> None:
        validator.verdicts.pop(self.number, None)


KINDS: Final[dict[str, type[Entry]]] = {
    entry.kind: entry
    for entry in (PersonEntry, DimonaEntry, LimosaEntry, CompanyEntry, WorksEntry, VerdictEntry)
}


# What tells the entries of a register apart.
KEYS: Final[dict[str, tuple[str, ...]]] = {
    "persons": ("inss",),
    "dimona": ("inss", "company", "start"),
    "limosa": ("id",),
    "companies": ("number",),
    "works": ("number",),
    "verdicts": ("number",),
}


def read_entry(kind: str, content: Mapping[str, object], today: date) -> Entry:
    """One entry of a register.

    Args:
        kind: one of `KINDS`.
        content: as JSON holds it.
        today: the Belgian day; nobody is born after it.

    Raises:
        EntryError: not an entry of that register.
    """
    try:
        return KINDS[kind].model_validate_json(json.dumps(content), context={"today": today})
    except ValidationError as problem:
        raise EntryError(
            [{"where": list(one["loc"]), "problem": one["msg"]} for one in problem.errors()]
        ) from None


def written(entry: Entry) -> dict[str, object]:
    """The entry as JSON holds it."""
    return cast("dict[str, object]", entry.model_dump(mode="json"))


def shown(kind: str, registers: Registers, validator: Validator) -> list[dict[str, object]]:
    """All entries of a register as they stand; Dimonas to come are among them.

    Args:
        kind: one of `KINDS`.
        registers: where they stand.
        validator: knows what is announced and dictated.
    """
    match kind:
        case "persons":
            return [
                {
                    "inss": one.inss,
                    "self_employed": one.self_employed,
                    "replaced_by": registers.replaced_by(one.inss),
                }
                for one in registers.people()
            ]
        case "dimona":
            known = [(None, one) for one in registers.dimonas()]
            return [
                {
                    **_days(one.period),
                    "inss": one.inss,
                    "company": numbers.company_text(one.company),
                    "appears_ms": at_ms,
                }
                for at_ms, one in [*known, *validator.announced()]
            ]
        case "limosa":
            return [
                {**_days(one.period), "id": one.id, "employer": one.employer, "inss": one.inss}
                for one in registers.limosas()
            ]
        case "companies":
            return [
                {
                    **_days(one.active),
                    "number": numbers.company_text(one.number),
                    "founders": sorted(one.founders),
                }
                for one in registers.companies()
            ]
        case "works":
            return [_works_json(one) for one in registers.all_works()]
        case _:
            return [
                {"number": number, "remarks": list(remarks)}
                for number, remarks in validator.verdicts.items()
            ]


def _days(period: Period) -> dict[str, object]:
    return {"start": _iso(period.start), "until": _iso(period.end)}


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _works_json(works: Works) -> dict[str, object]:
    return {
        **_days(works.period),
        "number": works.number,
        "sector": works.sector,
        "declarant": numbers.company_text(works.declarant),
        "amount_eur": works.amount_eur,
        "subject": works.subject_given,
        "in_out_from": _iso(works.in_out_from),
        "parties": [
            {
                "company": party_text(one.company),
                **_days(one.period),
                "subcontractor_of": None
                if one.subcontractor_of is None
                else party_text(one.subcontractor_of),
            }
            for one in works.parties
        ],
    }
