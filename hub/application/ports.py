"""What the use cases need from outside, as narrow protocols with typed failures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

BATCH_MAX = 200
"""Most registrations in one call (PresenceRegistration WSDL, `maxOccurs`)."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the work is done, as the in/out service wants it: coordinates or an address.

    Args:
        longitude: degrees, WGS84; set together with `latitude`.
        latitude: degrees, WGS84.
        address: `postCode`, `municipalityName`, `streetName`, `houseNumber`, `boxNumber`; those
            that are known.
    """

    longitude: float | None = None
    latitude: float | None = None
    address: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, repr=False)
class PresenceItem:
    """One presence ready to be sent. The `repr` shows the reference only: no number in a log.

    In the day regime it is one person, works number and Brussels day: either `inss` and
    `company_number` are set, or `limosa` alone (schema choice of the service). In the in/out
    regime it is one act: `inss`, `act_ms`, `direction` and `place` are set, and `company_number`
    or `foreign_vat`.

    Args:
        act_ms: moment of the act, UTC milliseconds.
        direction: `in` or `out`.
    """

    reference: str
    day: date
    works_number: str
    inss: str | None = None
    company_number: str | None = None
    limosa: str | None = None
    foreign_vat: str | None = None
    act_ms: int | None = None
    direction: str | None = None
    place: Place | None = None

    def __repr__(self) -> str:
        return f"PresenceItem({self.reference})"


@dataclass(frozen=True, slots=True)
class Registered:
    """The authority holds this registration and gave it a number; that number is the only proof.

    Args:
        reference: our client reference, echoed (empty when the authority echoed none).
        number: registration number of the authority, 1..10^15-1.
        created: creation moment as the authority wrote it (ISO 8601 with offset).
        status: `SUCCESSFULLY REGISTERED`, `VALIDATED`, `FAILED` or `SUCCESSFULLY CANCELLED`, the
            words of the day service; what the in/out service says is translated into them.
        remarks: remarks of the last validation, verbatim.
    """

    reference: str
    number: int
    created: str
    status: str
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """The authority stored nothing for this item; `errors` are its (code, description) pairs."""

    reference: str
    errors: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, repr=False)
class Seen:
    """One row of a search: what the authority holds, whoever sent it and by whichever channel.

    The numbers are there to find the person; the `repr` shows the authority's number only.

    Args:
        inss: newest INSS the authority knows of this person; None when it shows none.
        act_ms: moment of the act, UTC milliseconds (in/out regime).
        direction: `in` or `out` (in/out regime).
        channel: the authority's word for the way it came.
    """

    registered: Registered
    works_number: str
    day: date
    inss: str | None = None
    limosa: str | None = None
    company_number: str | None = None
    foreign_vat: str | None = None
    act_ms: int | None = None
    direction: str | None = None
    channel: str = ""

    def __repr__(self) -> str:
        return f"Seen({self.registered.number})"


@dataclass(frozen=True, slots=True)
class Cancel:
    """A registration to withdraw.

    Args:
        reference: our client reference.
        number: number of the authority.
        reason: HOLIDAY, DISEASE, PLANNING or C32A.
    """

    reference: str
    number: int
    reason: str


class AuthorityPort(Protocol):
    """A presence service. Every method blocks; each thread that calls has an object of its own.

    Raises, for every method:
        TransientError: certainly not carried out; try again later.
        InDoubtError: no usable answer after the request left; only from `register` and `cancel`.
        PermanentError: the whole call was refused because of its content (one schema error faults
            all items): bisect.
        StoppedError: our certificate, token or rights are refused: stop and alarm.
    """

    def register(self, items: Sequence[PresenceItem]) -> list[Registered | Refused]:
        """Sends 1..200 items in one call; returns one entry for each item, in any order."""
        ...

    def search(self, works_number: str, day: date) -> list[Seen]:
        """Returns every registration the authority shows us for this works number and day."""
        ...

    def get(self, number: int) -> Registered | None:
        """Returns the registration with its newest validation, or None when it is not visible."""
        ...

    def cancel(self, cancels: Sequence[Cancel]) -> list[Registered | Refused]:
        """Withdraws 1..200 registrations; each result carries the reference that was given."""
        ...
