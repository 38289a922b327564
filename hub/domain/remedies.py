"""What one person can do about a presence that is not registered: one table, cause by cause.

Whoever looks at the board wants one act that fits the reason, and the certainty that there is none
when there is none. The table says for every cause which act that is while the matter stands still;
`remedy_of` adds what the state alone decides: what goes on by itself needs nobody, what has a
number can only be withdrawn, and what came too late is attested and never sent with another date.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from hub.domain.causes import Cause
from hub.domain.registration import LIVE, NUMBERED, State


class Remedy(StrEnum):
    """One act. The value is the key of its texts."""

    NOTHING = "nothing"
    """The hub goes on by itself, or all is well, or nothing can be done."""
    RETRY = "retry"
    """Send it again, or send it now."""
    REGISTER = "register"
    """Decide again about the taps of today: somebody came who has no registration that counts."""
    FIX = "fix"
    """Correct the person: `Cure.field` says what."""
    ASSIGN = "assign"
    """Say under which works declaration it falls."""
    PLACE = "place"
    """Say where the works are."""
    TAP_AGAIN = "tap_again"
    """Have the person tap once more at a gate that knows the time and tells in from out."""
    ATTEST = "attest"
    """Too late to be sent: ask the authority for a correction, with the attestation."""
    CANCEL = "cancel"
    """Withdraw what the authority holds, with a reason."""
    LINK_BADGE = "link_badge"
    """Link the badge that was tapped to its holder."""
    VISITOR = "visitor"
    """Say that the person visits or delivers, and does not work here."""


@dataclass(frozen=True, slots=True)
class Cure:
    """One act and what it is about.

    Args:
        remedy: the act.
        field: of the person's form, for `Remedy.FIX`; else empty.
    """

    remedy: Remedy
    field: str = ""


_NOTHING: Final = Cure(Remedy.NOTHING)
_REGISTER: Final = Cure(Remedy.REGISTER)
_RETRY: Final = Cure(Remedy.RETRY)
_ATTEST: Final = Cure(Remedy.ATTEST)
_ASSIGN: Final = Cure(Remedy.ASSIGN)
_TAP_AGAIN: Final = Cure(Remedy.TAP_AGAIN)
_CANCEL: Final = Cure(Remedy.CANCEL)

CURES: Final[Mapping[Cause, Cure]] = MappingProxyType(
    {
        # How it began: it waits for its turn, and may be told to go now.
        Cause.FIRST_TAP: _RETRY,
        Cause.FIRST_TAP_OUT: _RETRY,
        Cause.PLANNED: _RETRY,
        Cause.ACT_IN: _RETRY,
        Cause.ACT_OUT: _RETRY,
        # Taps that make none.
        Cause.SECOND_TAP: _NOTHING,
        Cause.NIGHT_SHIFT: _NOTHING,
        Cause.REPEATED_ACT: _NOTHING,
        Cause.GATE_REFUSED: _NOTHING,
        Cause.UNKNOWN_BADGE: Cure(Remedy.LINK_BADGE),
        Cause.LET_IN_UNKNOWN: Cure(Remedy.LINK_BADGE),
        # He counts as a visitor; who works all the same is made a worker on his own page.
        Cause.NOT_A_WORKER: Cure(Remedy.FIX, "kind"),
        # Held.
        Cause.NO_IDENTITY: Cure(Remedy.FIX, "inss"),
        Cause.NO_INSS: Cure(Remedy.FIX, "inss"),
        Cause.NO_COMPANY: Cure(Remedy.FIX, "company"),
        # He announced himself; whoever runs the site says whose he is and under which works.
        Cause.NEWCOMER: Cure(Remedy.FIX, "company"),
        Cause.LIMOSA_PERIOD: Cure(Remedy.FIX, "limosa_until"),
        Cause.NO_WORKS_NUMBER: _ASSIGN,
        Cause.WORKS_CONFLICT: _ASSIGN,
        Cause.NO_PLACE: Cure(Remedy.PLACE),
        Cause.NO_DIRECTION: _TAP_AGAIN,
        Cause.CLOCK_WRONG: _TAP_AGAIN,
        Cause.CLOCK_UNKNOWN: _TAP_AGAIN,
        # The authority takes it tomorrow, by itself.
        Cause.TOO_EARLY: _NOTHING,
        # Too late.
        Cause.ARRIVED_LATE: _ATTEST,
        Cause.DAY_OVER: _ATTEST,
        Cause.ACT_ARRIVED_LATE: _ATTEST,
        Cause.WINDOW_OVER: _ATTEST,
        Cause.ATTESTED: _NOTHING,
        # Due again.
        Cause.COMPLETED: _RETRY,
        Cause.CORRECTED: _RETRY,
        Cause.ASSIGNED: _RETRY,
        Cause.RETRIED: _RETRY,
        # Taken back without being sent, although the person came.
        Cause.REDATED: _REGISTER,
        Cause.GIVEN_UP: _REGISTER,
        Cause.WITHDRAWN: _REGISTER,
        # Sending.
        Cause.CLAIMED: _NOTHING,
        Cause.NOT_CARRIED_OUT: _RETRY,
        # It may be there: it is looked up by itself, and never sent before that.
        Cause.ANSWER_LOST: _NOTHING,
        Cause.LEASE_OVER: _NOTHING,
        Cause.ANSWERED: _CANCEL,
        Cause.FOUND: _CANCEL,
        Cause.NOT_FOUND: _RETRY,
        Cause.REFUSED_BY_AUTHORITY: Cure(Remedy.FIX, "inss"),
        Cause.ACCESS_REFUSED: _RETRY,
        # The authority holds it.
        Cause.VALIDATION_PASSED: _CANCEL,
        Cause.VALIDATION_REMARKS: _CANCEL,
        Cause.CANCEL_ASKED: _NOTHING,
        Cause.CANCEL_REFUSED: _CANCEL,
        Cause.REGISTERED_ELSEWHERE: _CANCEL,
        # Withdrawn, although the person came.
        Cause.CANCEL_CONFIRMED: _REGISTER,
        Cause.CANCELLED_ELSEWHERE: _REGISTER,
    }
)
"""The act that fits each cause while the matter stands still."""

_MAY_BE_VISITOR: Final = frozenset(
    {
        Cause.NO_IDENTITY,
        Cause.NO_INSS,
        Cause.NO_COMPANY,
        Cause.NO_WORKS_NUMBER,
        Cause.NEWCOMER,
        Cause.REFUSED_BY_AUTHORITY,
    }
)
"""Of whom so little is known that he may be no worker at all."""


def remedy_of(
    state: State | None, cause: Cause | None, *, over: bool = False, today: bool = True
) -> Cure:
    """Returns the one act that fits; `Remedy.NOTHING` when there is none, or none is needed.

    Args:
        state: of the registration that decides about the person; None: there is none.
        cause: why it stands there; None: none, or not known.
        over: the time in which the authority takes it has passed.
        today: its day is today: what has ended can be decided again.
    """
    if state is None:
        return _REGISTER if today else _NOTHING
    if state is State.LAPSED:
        return _NOTHING if cause is Cause.ATTESTED else _ATTEST
    if state in NUMBERED:
        return _NOTHING if state is State.CANCELLING else _CANCEL
    if state not in LIVE:
        again = cause is None or CURES[cause].remedy in (Remedy.REGISTER, Remedy.FIX)
        return (_REGISTER if cause is None else CURES[cause]) if again and today else _NOTHING
    if over:
        # It is filed as too late at once; then there is an attestation to send.
        return _ATTEST
    if state in (State.SENDING, State.IN_DOUBT):
        return _NOTHING
    cure = _RETRY if cause is None else CURES[cause]
    # A cause that does not belong to this state promises nothing that the life cycle lacks.
    fits = cure.remedy is not Remedy.CANCEL and (cure != _RETRY or state is not State.HELD)
    return cure if fits else _NOTHING


def others_of(
    state: State | None, cause: Cause | None, *, over: bool = False, today: bool = True
) -> tuple[Remedy, ...]:
    """Returns what else can be done beside `remedy_of`, the likelier first."""
    if state is None:
        return (Remedy.VISITOR,)
    if state not in LIVE or state in NUMBERED:
        return ()
    found: list[Remedy] = []
    if state is State.REFUSED and not over:
        found.append(Remedy.RETRY)
    unsent = state in (State.HELD, State.DUE, State.REFUSED)
    if unsent and today and (cause is None or cause in _MAY_BE_VISITOR):
        found.append(Remedy.VISITOR)
    return tuple(found)
