"""What comes in and goes out, field by field; the OpenAPI document is made of these.

Numbers are text: a JSON number would lose the zeros in front. A field that is not named here is an
error, so that a slip of the pen is found at once. All numbers of the examples are invented.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from hub.domain.people import NAME_MAX, Kind

BULK_MAX: Final = 500
PAGE_MAX: Final = 500

# Words of hub.domain.people.Kind, hub.application.people.PersonProblem and hub.domain.badges.
Language = Literal["fr", "nl", "de", "en"]
BadgeState = Literal["active", "blocked", "lost"]
Problem = Literal[
    "no_number", "no_company", "no_badge", "badge_off", "limosa_ending", "limosa_over"
]
Name = Annotated[str, Field(min_length=1, max_length=NAME_MAX, pattern=r"^[^\x00-\x1f\x7f]*$")]
Number = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[^\x00-\x1f\x7f]*$")]
Note = Annotated[str, Field(max_length=200)]
Token = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    __str__ = __repr__


class PersonIn(_In):
    """A person to be added."""

    family_name: Name = Field(examples=["Aarts"])
    given_name: Name = Field(examples=["Milan"])
    kind: Kind = Field(default=Kind.EMPLOYEE, examples=["employee"])
    company_number: Number | None = Field(
        default=None, description="Employer; for an agency worker the agency.",
        examples=["0999000129"],
    )  # fmt: skip
    user_company_number: Number | None = Field(
        default=None, description="For whom an agency worker works.", examples=[None]
    )
    works_number: Number = Field(examples=["1Y19FAKE001AZ"])
    language: Language = Field(examples=["nl"])
    inss: Number | None = Field(
        default=None, description="INSS or BIS number.", examples=["85031299761"]
    )
    limosa: Number | None = Field(default=None, description="Limosa number.", examples=[None])
    limosa_from: date | None = Field(default=None, examples=[None])
    limosa_until: date | None = Field(default=None, examples=[None])
    foreign_vat: Number | None = Field(
        default=None, description="VAT number of a foreign employer.", examples=[None]
    )


class PersonPatch(_In):
    """What is to change of a person; a field that is left out stays as it is."""

    family_name: Name = Field(default="", examples=["Aarts"])
    given_name: Name = Field(default="", examples=["Milan"])
    kind: Kind = Field(default=Kind.EMPLOYEE, examples=["employee"])
    company_number: Number | None = Field(default=None, examples=["0999000129"])
    user_company_number: Number | None = Field(default=None, examples=[None])
    works_number: Number = Field(default="", examples=["1Y19FAKE001AZ"])
    language: Language = Field(default="nl", examples=["fr"])
    inss: Number | None = Field(
        default=None, description="null: the number that is known was wrong.", examples=[None]
    )
    limosa: Number | None = Field(default=None, examples=["24999000000000187"])
    limosa_from: date | None = Field(default=None, examples=["2026-11-01"])
    limosa_until: date | None = Field(default=None, examples=["2027-03-31"])
    foreign_vat: Number | None = Field(default=None, examples=[None])


class PeopleIn(_In):
    """People to be added in one call."""

    people: list[PersonIn] = Field(min_length=1, max_length=BULK_MAX)


class SearchIn(_In):
    """Which people are wanted; what is left out narrows nothing."""

    name: str = Field(default="", max_length=100, examples=["aarts"])
    inss: Number | None = Field(default=None, examples=["85031299761"])
    limosa: Number | None = Field(default=None, examples=[None])
    company_number: Number | None = Field(default=None, examples=[None])
    kind: Kind | None = Field(default=None, examples=[None])
    problem: Problem | None = Field(default=None, examples=[None])
    page: int = Field(default=1, ge=1, le=100_000)
    size: int = Field(default=50, ge=1, le=PAGE_MAX)


class BadgeIn(_In):
    """A badge to be linked to a person."""

    uid: Number = Field(
        description="Number of the card, as a reader gives it: hexadecimal.",
        examples=["04A1B2C3D4E501"],
    )
    valid_from: date | None = Field(default=None, examples=[None])
    valid_until: date | None = Field(default=None, examples=["2026-12-31"])


class NoteIn(_In):
    """Why; kept in the history of the badge. No person data."""

    note: Note = Field(default="", examples=["left in the canteen"])


class _Out(BaseModel):
    model_config = ConfigDict(frozen=True)

    def told(self) -> dict[str, Any]:
        """Returns it as JSON."""
        return self.model_dump(mode="json")


class PersonOut(_Out):
    """A person; numbers are masked."""

    token: Token = Field(description="Stands for the person in every address.")
    family_name: str = Field(examples=["Aarts"])
    given_name: str = Field(examples=["Milan"])
    kind: Kind
    company_number: str | None = Field(examples=["0999000129"])
    company_name: str | None = Field(examples=["Bouwwerken"])
    user_company_number: str | None
    user_company_name: str | None
    works_number: str = Field(examples=["1Y19FAKE001AZ"])
    site: str = Field(examples=["Werf Noord"])
    language: str = Field(examples=["nl"])
    inss: str | None = Field(examples=["85.03.12-***.**"])
    limosa: str | None
    limosa_from: date | None
    limosa_until: date | None
    limosa_state: str = Field(examples=["none"])
    foreign_vat: str | None
    changeable: bool = Field(description="Whether this token may change the person.")


class PersonLineOut(_Out):
    """A person on a list."""

    token: Token
    family_name: str = Field(examples=["Aarts"])
    given_name: str = Field(examples=["Milan"])
    kind: Kind
    company: str | None = Field(description="Name of the employer, or of the user.")
    agency: str | None = Field(description="Name of the agency.")
    works_number: str = Field(examples=["1Y19FAKE001AZ"])
    number: str | None = Field(description="Masked.", examples=["85.03.12-***.**"])
    badges: int = Field(description="Badges that open today.")
    problems: list[str]


class PeopleOut(_Out):
    """A page of people, by name."""

    page: int
    size: int
    total: int = Field(description="How many there are on all pages.")
    people: list[PersonLineOut]


class ErrorOut(_Out):
    """What is wrong at one place of a body."""

    pointer: str = Field(description="JSON pointer into the body.", examples=["/inss"])
    code: str = Field(examples=["IMP-3002"])
    reason: str
    next: str


class ItemOut(_Out):
    """What became of one person of a bulk."""

    index: int = Field(description="Place in the list that was sent, from 0.")
    token: Token | None = Field(description="null: not added.")
    errors: list[ErrorOut]


class BulkOut(_Out):
    """What became of a bulk."""

    added: int
    results: list[ItemOut]


class BadgeOut(_Out):
    """A badge. The number of the card is not kept and stands nowhere."""

    handle: Token = Field(description="Stands for the badge in every address.")
    label: str = Field(description="Tells the badges of a person apart.", examples=["9F3A"])
    person: Token
    state: BadgeState
    valid_from: date | None
    valid_until: date | None
    expired: bool
    linked_ms: int = Field(description="UTC milliseconds.")


class BadgesOut(_Out):
    """A page of badges, newest link first."""

    page: int
    size: int
    total: int
    badges: list[BadgeOut]


class LinkedOut(_Out):
    """What linking a badge came to."""

    badge: BadgeOut
    reissued: bool = Field(description="It was somebody else's until now.")
    adopted: int = Field(description="Taps of today, made before, that are this person's now.")
    registered: int = Field(description="Registrations that they made.")


class CompanyOut(_Out):
    """A company."""

    number: str = Field(examples=["0999000129"])
    name: str = Field(examples=["Bouwwerken"])
    agency: bool
    people: int = Field(description="People of it that this token sees.")
    works: list[str] = Field(description="Works declarations it takes part in.")


class CompaniesOut(_Out):
    """Companies, by name."""

    companies: list[CompanyOut]


class WorksOut(_Out):
    """A works declaration."""

    number: str = Field(examples=["1Y19FAKE001AZ"])
    site: str = Field(examples=["Werf Noord"])
    from_day: date | None
    until_day: date | None
    regime: str = Field(description="day or in_out, today.", examples=["day"])


class WorksListOut(_Out):
    """Works declarations."""

    works: list[WorksOut]


class RegistrationOut(_Out):
    """A registration of a presence."""

    person: Token
    number_masked: str | None = Field(description="Of the person.", examples=["85.03.12-***.**"])
    works_number: str | None = Field(description="null: nobody has said which yet.")
    day: date
    regime: str = Field(examples=["day"])
    direction: str | None = Field(description="in or out, in the in/out regime.")
    state: str = Field(
        description="held, due, sending, in_doubt, registered, validated, flagged, refused, "
        "lapsed, cancelling, cancelled or dropped; only with a number is it registered.",
        examples=["registered"],
    )
    cause: str = Field(description="Why it is in this state, a word.", examples=["answered"])
    number: int | None = Field(description="Of the authority.", examples=[900000000000001])
    act_ms: int = Field(description="Moment of the act or of the plan, UTC milliseconds.")
    changed_ms: int = Field(description="Of the last step, UTC milliseconds.")
    remarks: list[str] = Field(description="Of the authority, its words.")


class RegistrationsOut(_Out):
    """Registrations of a day or a person."""

    registrations: list[RegistrationOut]


class ProblemOut(_Out):
    """Problem details, RFC 9457."""

    type: str = Field(examples=["urn:sitegate:error:HUB-1702"])
    title: str
    status: int
    detail: str
    code: str = Field(examples=["HUB-1702"])
    errors: list[ErrorOut] | int | None = Field(
        default=None, description="Places of the body; for a plan, how many."
    )
    results: list[ItemOut] | None = None
