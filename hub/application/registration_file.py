"""One registration as its page shows it: who, where, when, every step, and what can be done.

Plain values without a person number in clear; a `repr` shows neither names nor numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from hub.application.attestation import Attestation
from hub.domain.causes import Cause
from hub.domain.registration import NUMBERED, State
from hub.domain.remedies import Cure, Remedy, others_of, remedy_of


@dataclass(frozen=True, slots=True)
class Step:
    """One step of its history.

    Args:
        at_ms: when, UTC milliseconds.
        number: of the authority, for the step that brought it.
        by: who took it: `tap`, `plan`, `hub`, `authority`, `command`, or a role of an account.
        name: what that account is called, for who may know; else empty.
        reason: why it was withdrawn, one of `CANCEL_REASONS`; None for another step.
        note: what was written to it; None for nothing.
    """

    at_ms: int
    state: str
    cause: str
    number: int | None
    by: str
    name: str
    reason: str | None
    note: str | None


@dataclass(frozen=True, slots=True, repr=False)
class RegistrationFile:
    """One registration.

    Args:
        reference: our client reference; stands for it in addresses.
        person: token of whom it is for; empty when his page is not to be seen.
        person_id: his row; never shown.
        masked: his number, masked; empty when none is known.
        works: works numbers of its site that it could fall under, when it has none.
        act_ms: moment of the act or of the plan, UTC milliseconds.
        planned: no tap is behind it.
        number: of the authority; None while it gave none.
        numbered_ms: when that came; None as `number`.
        until_ms: until when the authority takes it, UTC milliseconds.
        waits_ms: before this it is not sent; None: it does not wait for a moment.
        over: that time has passed.
        today: its day is today.
        remarks, errors: what the authority says, as it wrote it, long numbers masked.
        cancel_reason: why it is or was withdrawn; None: it is not.
        can_cancel: its service is known to withdraw.
        attestation: of one that lapsed; else None.
        may_change: the actor may decide about it.
        may_person, may_reveal: he may correct the person, and see his number.
    """

    reference: str
    person: str
    person_id: int
    given_name: str
    family_name: str
    masked: str
    company_id: int | None
    company: str
    company_number: str
    works_number: str
    works: tuple[str, ...]
    site_id: int
    site: str
    day: date
    regime: str
    direction: str | None
    state: State
    cause: str
    act_ms: int
    planned: bool
    number: int | None
    numbered_ms: int | None
    until_ms: int
    waits_ms: int | None
    over: bool
    today: bool
    remarks: tuple[str, ...]
    errors: tuple[tuple[str, str], ...]
    cancel_reason: str | None
    can_cancel: bool
    history: tuple[Step, ...]
    attestation: Attestation | None
    may_change: bool
    may_person: bool
    may_reveal: bool

    def __repr__(self) -> str:
        return f"RegistrationFile({self.reference}, {self.state})"

    @property
    def registered(self) -> bool:
        """Whether the authority holds it under a number."""
        return self.state in NUMBERED and self.number is not None

    @property
    def cure(self) -> Cure:
        """The one act that fits, whoever may do it."""
        return remedy_of(self.state, self._cause, over=self.over, today=self.today)

    @property
    def acts(self) -> tuple[Remedy, ...]:
        """What the actor may do about it here, the fitting act first."""
        found = [self.cure.remedy, *self._others()]
        return tuple(one for one in dict.fromkeys(found) if self._may(one))

    @property
    def may_drop(self) -> bool:
        """Whether it can be given up: nothing of it was ever stored."""
        unsent = self.state in (State.HELD, State.DUE, State.REFUSED)
        return unsent and self.may_change and not self.over

    def _others(self) -> tuple[Remedy, ...]:
        return others_of(self.state, self._cause, over=self.over, today=self.today)

    def _may(self, act: Remedy) -> bool:
        match act:
            case Remedy.NOTHING | Remedy.LINK_BADGE:
                return False
            case Remedy.FIX | Remedy.VISITOR:
                return self.may_person
            case Remedy.CANCEL:
                return self.may_change and self.can_cancel
            case Remedy.RETRY if self.state is State.DUE:
                return self.may_change and self.waits_ms is not None
            case Remedy.TAP_AGAIN:
                return True
            case _:
                return self.may_change

    @property
    def _cause(self) -> Cause | None:
        return Cause(self.cause) if self.cause in tuple(Cause) else None
