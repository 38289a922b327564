"""What the use cases need from outside, as narrow protocols with typed failures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

BATCH_MAX = 200
"""Most registrations in one call (PresenceRegistration WSDL, `maxOccurs`)."""


@dataclass(frozen=True, slots=True, repr=False)
class PresenceItem:
    """One person, works number and Brussels day, ready to be sent.

    Either `inss` and `company_number` are set, or `limosa` alone (schema choice of the service).
    The `repr` shows the reference only, so that no person number can reach a log.
    """

    reference: str
    day: date
    works_number: str
    inss: str | None = None
    company_number: str | None = None
    limosa: str | None = None

    def __repr__(self) -> str:
        return f"PresenceItem({self.reference})"


@dataclass(frozen=True, slots=True)
class Registered:
    """The authority holds this registration and gave it a number; that number is the only proof.

    Args:
        reference: our client reference, echoed (empty when the authority echoed none).
        number: registration number of the authority, 1..10^15-1.
        created: creation moment as the authority wrote it (ISO 8601 with offset).
        status: `SUCCESSFULLY REGISTERED`, `VALIDATED`, `FAILED` or `SUCCESSFULLY CANCELLED`.
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


class AuthorityPort(Protocol):
    """A presence service. Every method is blocking and is called from one thread.

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

    def search(self, works_number: str, day: date) -> list[Registered]:
        """Returns every registration the authority shows us for this works number and day."""
        ...

    def get(self, number: int) -> Registered | None:
        """Returns the registration with its newest validation, or None when it is not visible."""
        ...

    def cancel(self, number: int, reason: str) -> Registered | Refused:
        """Withdraws one registration; `reason` is HOLIDAY, DISEASE, PLANNING or C32A."""
        ...
