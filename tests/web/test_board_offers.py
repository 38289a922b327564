"""What the board offers for each cause, state, role and language; pure, without a database."""

from __future__ import annotations

import pytest

from hub.application.overview import PersonRow, RegistrationRow
from hub.domain.causes import Cause
from hub.domain.registration import State
from hub.domain.remedies import Remedy, remedy_of
from hub.domain.rights import Action
from hub.i18n import LANGUAGES, catalogue
from hub.web.board_acts import RIGHTS, BoardActs, Offer, act_key
from hub.web.words import Words

DAY, EVE = "2026-11-23", "2026-11-22"
ALL = frozenset(RIGHTS)
LOOKS = frozenset({Action.REGISTRATIONS_SEE, Action.PEOPLE_SEE})


def person(state: State | None, cause: Cause, day: str = DAY) -> PersonRow:
    """Somebody who came on a day, with one registration or none."""
    works = "1Y19FAKE001AZ"
    row = RegistrationRow("a" * 24, works, day, state, cause, None, 1, 1) if state else None
    return PersonRow(
        1, "Jo", "Aerts", None, "", day, True, 1, 1, 1, "In", True, (row,) if row else (),
        token="b" * 32,
    )  # fmt: skip


def offer(
    state: State | None,
    cause: Cause,
    may: frozenset[Action] = ALL,
    day: str = DAY,
    language: str = "en",
) -> Offer:
    return BoardActs(Words(language), may, 3, DAY).offer(person(state, cause, day))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_cause_in_every_state_has_words(language: str) -> None:
    for cause in Cause:
        for state in (None, *State):
            for day in (DAY, EVE):
                said = offer(state, cause, day=day, language=language)
                assert said.next
                assert "{" not in said.next
                assert all(one.label for one in (said.act, *said.others) if one)


def test_whoever_may_only_look_is_offered_pages_and_no_act() -> None:
    for cause in Cause:
        for state in (None, *State):
            said = offer(state, cause, LOOKS)
            assert said.more
            shown = [one for one in (said.act, *said.others) if one]
            assert all(not one.post for one in shown)
            # The attestation of what came too late is there to be read.
            assert all(one.href.endswith("#attest") for one in shown), (cause, state)


def test_every_act_that_the_table_decides_leads_somewhere() -> None:
    """For who may do everything there is no cause whose act has no button and no page."""
    for cause in Cause:
        for state in State:
            remedy = remedy_of(state, cause).remedy
            said = offer(state, cause)
            if remedy in (Remedy.NOTHING, Remedy.TAP_AGAIN, Remedy.LINK_BADGE):
                assert said.act is None
            else:
                assert said.act is not None, (cause, state)


def test_each_act_needs_its_own_right() -> None:
    fix = (State.HELD, Cause.NO_IDENTITY)
    assert offer(*fix, ALL - {Action.PEOPLE_CHANGE}).act is None
    assert offer(*fix, ALL - {Action.REGISTRATIONS_CHANGE}).act is not None
    assign = (State.HELD, Cause.WORKS_CONFLICT)
    assert offer(*assign, ALL - {Action.REGISTRATIONS_CHANGE}).act is None
    assert offer(*assign, ALL - {Action.PEOPLE_CHANGE}).act is not None
    assert offer(State.HELD, Cause.NO_PLACE, ALL - {Action.WORKS_CHANGE}).act is None


def test_what_is_over_is_attested_and_never_sent() -> None:
    for state in (State.HELD, State.REFUSED, State.LAPSED):
        said = offer(state, Cause.NO_IDENTITY, day=EVE)
        assert said.act is not None
        assert said.act.href == f"/registrations/{'a' * 24}?site=3#attest"
        assert "nothing is ever sent with another date" in said.next


def test_no_address_of_an_act_holds_a_name_or_a_row() -> None:
    for cause in Cause:
        for state in (None, *State):
            said = offer(state, cause)
            for one in (said.act, *said.others):
                if one is not None:
                    assert "Aerts" not in one.href + one.post
                    assert "/1/" not in one.href + one.post


def test_every_field_that_is_to_be_fixed_has_a_name() -> None:
    for cause in Cause:
        cure = remedy_of(State.HELD, cause)
        if cure.remedy is not Remedy.NOTHING:
            assert f"registrations.{act_key(cure)}" in catalogue()
