"""The things the authority deals in: a submission, a registration, its validations, a search.

None of these shows a person number in its `repr`: objects end up in logs and tracebacks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Final

REGISTERED: Final = "SUCCESSFULLY REGISTERED"
CANCELLED: Final = "SUCCESSFULLY CANCELLED"
VALIDATED: Final = "VALIDATED"
FAILED: Final = "FAILED"
STATUSES: Final = (REGISTERED, VALIDATED, FAILED, CANCELLED)
LIVE: Final = (REGISTERED, VALIDATED, FAILED)

ERRORS_MAX: Final = 10
REMARKS_MAX: Final = 10


@dataclass(frozen=True, slots=True)
class RequestError:
    """One reason why an item was not carried out; both texts go into the answer."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Submission:
    """One item of `registerPresences` as it was sent.

    Either `inss` and `company`, or `limosa` alone: the schema guarantees it. `foreign_vat` stands
    for the company of an in/out event only.
    """

    works: str
    date_text: str | None = None
    inss: str | None = field(default=None, repr=False)
    company: int | None = None
    limosa: str | None = field(default=None, repr=False)
    reference: str | None = None
    foreign_vat: str | None = None


@dataclass(frozen=True, slots=True)
class Sender:
    """Who calls: sender number, enterprise number as on the wire, kind of user."""

    id: str
    company: int
    user_type: str


@dataclass(frozen=True, slots=True)
class Validation:
    """One state of a registration; `at_ms` is absent until the registration has been treated."""

    status: str
    at_ms: int | None = None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Registration:
    """One stored presence registration.

    `day` is the resolved Belgian day; `person` is the latest known INSS, which can differ from the
    submitted one; `history` is oldest first and only filled when it was asked for.
    """

    number: int
    day: date
    submission: Submission
    person: str | None = field(repr=False)
    sector: int | None
    created_ms: int
    channel: str
    sender: Sender
    last: Validation
    due_ms: int | None
    cancel_reason: str | None = None
    history: tuple[Validation, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """An item that was not carried out; nothing of it is stored."""

    errors: tuple[RequestError, ...]


@dataclass(frozen=True, slots=True)
class Cancellation:
    """One item of `cancelPresences` as it was sent."""

    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class Criteria:
    """What `searchPresences` looks for; an empty criterion matches everything.

    `periods` holds the texts of first and last day, both included; `created_from` and
    `created_until` are `xs:dateTime` texts.
    """

    inss: str | None = field(default=None, repr=False)
    company: int | None = None
    works: str | None = None
    statuses: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    periods: tuple[tuple[str, str], ...] = ()
    created_from: str | None = None
    created_until: str | None = None
    sector: int | None = None
    first_row: int = 0
    fetch_size: int = 50
    descending: bool = False
    sort: str = "ID"


@dataclass(frozen=True, slots=True)
class Page:
    """One page of search results; `count` is the number of all matches."""

    count: int
    registrations: tuple[Registration, ...]
