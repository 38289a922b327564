"""The table from cause to act: every cause is decided, and no act goes against the law."""

from __future__ import annotations

from itertools import product

import pytest

from hub.domain.causes import Cause
from hub.domain.registration import LIVE, NUMBERED, TRANSITIONS, State
from hub.domain.remedies import CURES, Cure, Remedy, others_of, remedy_of

EVERYTHING = list(product(State, Cause, (False, True), (False, True)))
FIX_NUMBER = Cure(Remedy.FIX, "inss")


def test_every_cause_is_decided() -> None:
    assert set(CURES) == set(Cause)


@pytest.mark.parametrize(
    ("state", "cause", "cure"),
    [
        (State.HELD, Cause.NO_IDENTITY, FIX_NUMBER),
        (State.HELD, Cause.NO_INSS, FIX_NUMBER),
        (State.HELD, Cause.NO_COMPANY, Cure(Remedy.FIX, "company")),
        (State.HELD, Cause.LIMOSA_PERIOD, Cure(Remedy.FIX, "limosa_until")),
        (State.HELD, Cause.WORKS_CONFLICT, Cure(Remedy.ASSIGN)),
        (State.HELD, Cause.NO_WORKS_NUMBER, Cure(Remedy.ASSIGN)),
        (State.HELD, Cause.NO_PLACE, Cure(Remedy.PLACE)),
        (State.HELD, Cause.CLOCK_UNKNOWN, Cure(Remedy.TAP_AGAIN)),
        (State.HELD, Cause.NO_DIRECTION, Cure(Remedy.TAP_AGAIN)),
        (State.REFUSED, Cause.REFUSED_BY_AUTHORITY, FIX_NUMBER),
        (State.DUE, Cause.NOT_CARRIED_OUT, Cure(Remedy.RETRY)),
        (State.DUE, Cause.ACCESS_REFUSED, Cure(Remedy.RETRY)),
        (State.SENDING, Cause.CLAIMED, Cure(Remedy.NOTHING)),
        (State.IN_DOUBT, Cause.ANSWER_LOST, Cure(Remedy.NOTHING)),
        (State.LAPSED, Cause.ARRIVED_LATE, Cure(Remedy.ATTEST)),
        (State.LAPSED, Cause.ATTESTED, Cure(Remedy.NOTHING)),
        (State.REGISTERED, Cause.ANSWERED, Cure(Remedy.CANCEL)),
        (State.FLAGGED, Cause.VALIDATION_REMARKS, Cure(Remedy.CANCEL)),
        (State.CANCELLING, Cause.CANCEL_ASKED, Cure(Remedy.NOTHING)),
        (State.CANCELLED, Cause.CANCEL_CONFIRMED, Cure(Remedy.REGISTER)),
        (State.DROPPED, Cause.GIVEN_UP, Cure(Remedy.REGISTER)),
        (State.DROPPED, Cause.ASSIGNED, Cure(Remedy.NOTHING)),
    ],
)
def test_the_act_fits_the_reason(state: State, cause: Cause, cure: Cure) -> None:
    assert remedy_of(state, cause) == cure


def test_somebody_without_a_registration_is_decided_again_today_and_on_no_other_day() -> None:
    assert remedy_of(None, None) == Cure(Remedy.REGISTER)
    assert remedy_of(None, None, today=False) == Cure(Remedy.NOTHING)


def test_nothing_is_ever_sent_back_dated() -> None:
    """What is over, lapsed, or of another day and ended is offered no way to be sent."""
    sends = {Remedy.RETRY, Remedy.REGISTER, Remedy.ASSIGN, Remedy.FIX, Remedy.PLACE}
    for state, cause, over, today in EVERYTHING:
        late = over or state is State.LAPSED or (state not in LIVE and not today)
        if late and state not in NUMBERED:
            acts = {
                remedy_of(state, cause, over=over, today=today).remedy,
                *others_of(state, cause, over=over, today=today),
            }
            if state in LIVE or not today:
                assert not acts & sends, (state, cause, over, today)


def test_what_may_be_at_the_authority_is_never_sent_again() -> None:
    for state, cause, over, today in EVERYTHING:
        if state in (State.SENDING, State.IN_DOUBT):
            cure = remedy_of(state, cause, over=over, today=today)
            assert cure.remedy in (Remedy.NOTHING, Remedy.ATTEST)
            assert others_of(state, cause, over=over, today=today) == ()


def test_only_what_has_a_number_is_withdrawn() -> None:
    for state, cause, over, today in EVERYTHING:
        if remedy_of(state, cause, over=over, today=today).remedy is Remedy.CANCEL:
            assert State.CANCELLING in TRANSITIONS[state], (state, cause)


def test_only_what_may_become_due_is_retried() -> None:
    for state, cause, over, today in EVERYTHING:
        acts = (
            remedy_of(state, cause, over=over, today=today).remedy,
            *others_of(state, cause, over=over, today=today),
        )
        if Remedy.RETRY in acts:
            assert state in (State.REFUSED, State.DUE)
            assert State.DUE in TRANSITIONS[state], (state, cause)
