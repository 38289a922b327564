"""The things the in/out face deals in: an act at a gate, its registration, a search.

An act is one person going in or out at an instant; unlike a day presence it has a time and a place.
None of these shows a person number in its `repr`: objects end up in logs and tracebacks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal

from simulator.authority.presence import Sender

Direction = Literal["in", "out"]

REGISTERED: Final = "registered"
EDITED: Final = "edited"
CANCELLED: Final = "cancelled"
EVENT_STATUSES: Final = (REGISTERED, EDITED, CANCELLED)
PENDING: Final = "pending"
VALID: Final = "valid"
INVALID: Final = "invalid"
VALIDITIES: Final = (PENDING, VALID, INVALID)


@dataclass(frozen=True, slots=True)
class Act:
    """One item of `registerInBulk` as it was sent; the schema guarantees its form.

    Attributes:
        at_ms: the instant of the act, UTC milliseconds.
        ssin: 11 digits.
        direction: `in` or `out`, whatever case it was sent in.
        works: 13 characters.
        place: the object `placeOfWork`, either coordinates or an address.
        company: enterprise number of the employer; None with a foreign one.
        foreign_vat: VAT number of a foreign employer; None with a Belgian one.
        reference: the client's own, if any.
    """

    at_ms: int
    ssin: str = field(repr=False)
    direction: Direction
    works: str
    place: Mapping[str, object] = field(repr=False)
    company: int | None = None
    foreign_vat: str | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One stored in/out registration.

    `day` is the Belgian day of the act; `person` is the latest known number of the person, which
    can differ from the one sent; `remarks` are codes of the catalogue.
    """

    number: int
    act: Act
    day: date
    person: str = field(repr=False)
    created_ms: int
    channel: str
    activity: str
    sender: Sender
    status: str
    status_ms: int
    validity: str
    remarks: tuple[str, ...] = ()
    due_ms: int | None = None
    cancel_reason: str | None = None


@dataclass(frozen=True, slots=True)
class EventCriteria:
    """What a search looks for: a window of acts, both ends included, and what must be equal.

    Attributes:
        from_ms: first instant, UTC milliseconds.
        until_ms: last instant.
        equal: column of the store and its value.
        place: path inside `placeOfWork`, such as `address.postCode`, and its value.
        ssin: any number of the person looked for.
        remarks: at least one of these codes.
        sort: column of the store.
        descending: largest first.
        page: from 1.
        page_size: most entries of a page.
    """

    from_ms: int
    until_ms: int
    equal: tuple[tuple[str, object], ...] = field(default=(), repr=False)
    place: tuple[tuple[str, object], ...] = field(default=(), repr=False)
    ssin: str | None = field(default=None, repr=False)
    remarks: tuple[str, ...] = ()
    sort: str = "number"
    descending: bool = False
    page: int = 1
    page_size: int = 50

    def equals(self, column: str) -> object | None:
        """The value a column must have, None when any will do."""
        return dict(self.equal).get(column)


@dataclass(frozen=True, slots=True)
class EventPage:
    """One page of search results; `total` is the number of all matches."""

    total: int
    events: tuple[Event, ...]
