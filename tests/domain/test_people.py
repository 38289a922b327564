"""Kinds of people, what each needs, and how long a Limosa declaration covers a day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.application.people import PersonDraft, check
from hub.domain.causes import Cause
from hub.domain.day_regime import missing_identity
from hub.domain.in_out_regime import missing_of_act
from hub.domain.people import (
    ENDING_DAYS,
    REGISTERED_KINDS,
    Kind,
    LimosaState,
    PersonFacts,
    is_registered,
    limosa_covers,
    limosa_state,
    problems_of,
)
from hub.domain.plan import EntryFacts, findings

DAY = date(2026, 11, 23)
WORKER = PersonFacts("Aarts", "Milan", Kind.EMPLOYEE, True, False, True, False, False, True)
days = st.dates(date(2020, 1, 1), date(2035, 1, 1))


def codes(facts: PersonFacts) -> list[str]:
    """What is wrong with somebody."""
    return [one.code for one in problems_of(facts)]


def test_everybody_is_registered_but_visitors_and_deliveries() -> None:
    assert set(Kind) - REGISTERED_KINDS == {Kind.VISITOR, Kind.DELIVERY}
    assert {kind for kind in Kind if is_registered(kind)} == REGISTERED_KINDS
    assert is_registered("a word of a newer version")


@pytest.mark.parametrize("kind", sorted(REGISTERED_KINDS - {Kind.AGENCY, Kind.FOREIGN}))
def test_a_worker_needs_a_number_and_with_an_inss_an_employer(kind: Kind) -> None:
    worker = replace(WORKER, kind=kind)
    assert codes(worker) == []
    assert codes(replace(worker, has_inss=False)) == ["HUB-1623"]
    assert codes(replace(worker, has_company=False)) == ["HUB-1624"]
    # By the Limosa number alone the authority finds the employer.
    assert codes(replace(worker, has_inss=False, has_limosa=True, has_company=False)) == []


def test_an_agency_lends_to_somebody_else() -> None:
    lent = replace(WORKER, kind=Kind.AGENCY, has_user_company=True)
    assert codes(lent) == []
    assert codes(replace(lent, has_user_company=False)) == ["HUB-1625"]
    assert codes(replace(lent, same_company=True)) == ["HUB-1625"]
    assert codes(replace(lent, has_company=False)) == ["HUB-1624"]


def test_who_is_sent_from_abroad_needs_the_limosa_number() -> None:
    assert codes(replace(WORKER, kind=Kind.FOREIGN)) == ["HUB-1626"]
    assert codes(replace(WORKER, kind=Kind.FOREIGN, has_limosa=True)) == []


@pytest.mark.parametrize("kind", [Kind.VISITOR, Kind.DELIVERY])
def test_no_number_is_taken_of_who_is_never_registered(kind: Kind) -> None:
    visitor = replace(WORKER, kind=kind, has_inss=False, has_company=False, new_number=False)
    assert codes(visitor) == []
    assert codes(replace(visitor, new_number=True)) == ["HUB-1636"]


@pytest.mark.parametrize("name", ["", "   ", "x" * 101])
def test_a_name_is_there_and_not_endless(name: str) -> None:
    assert codes(replace(WORKER, family_name=name)) == ["HUB-1620"]
    assert codes(replace(WORKER, given_name=name)) == ["HUB-1620"]


def test_a_change_counts_what_is_known_unless_it_is_dropped() -> None:
    draft = PersonDraft("Aarts", "Milan", Kind.EMPLOYEE, "0999000129", None, "1Y19FAKE001AZ", "nl")
    assert [one.code for one in check(draft, DAY)] == ["HUB-1623"]
    assert check(draft, DAY, known_inss=True) == []
    dropped = check(replace(draft, drop_inss=True), DAY, known_inss=True)
    assert [one.code for one in dropped] == ["HUB-1623"]
    assert "Aarts" not in repr(draft)


# ---------------------------------------------------------------- Limosa


@given(first=st.none() | days, last=st.none() | days, day=days)
def test_a_declaration_covers_a_day_exactly_unless_it_is_over_or_not_begun(
    first: date | None, last: date | None, day: date
) -> None:
    state = limosa_state(True, first, last, day)
    assert limosa_covers(day, first, last) == (state not in (LimosaState.OVER, LimosaState.NOT_YET))
    assert limosa_state(False, first, last, day) is LimosaState.NONE


@given(last=days)
def test_it_is_warned_of_for_fourteen_days_and_over_on_the_day_after_the_last(last: date) -> None:
    warned = [
        day
        for day in (last + timedelta(days=n) for n in range(-30, 5))
        if limosa_state(True, None, last, day) is LimosaState.ENDING
    ]
    assert len(warned) == ENDING_DAYS
    assert warned[-1] == last
    assert limosa_state(True, None, last, last + timedelta(days=1)) is LimosaState.OVER


@pytest.mark.parametrize("has_inss", [True, False])
def test_a_day_that_is_not_covered_is_held_in_both_regimes(has_inss: bool) -> None:
    assert missing_identity(has_inss, True, True, limosa_covers=False) is Cause.LIMOSA_PERIOD
    assert missing_identity(has_inss, True, True) is None
    held = missing_of_act("in", has_inss, True, True, limosa_covers=False)
    assert held is Cause.LIMOSA_PERIOD
    # Without a Limosa number there is nothing that could be over.
    assert missing_identity(True, True, False, limosa_covers=False) is None


def test_the_plan_says_so_before_the_day() -> None:
    facts = EntryFacts(has_limosa=True, limosa_until=DAY)
    assert findings(DAY, facts) == ()
    assert [one.code for one in findings(DAY + timedelta(days=1), facts)] == ["IMP-5026"]
    visitor = EntryFacts(works_here=False, has_inss=False, has_company=False)
    assert [one.code for one in findings(DAY, visitor)] == ["IMP-5030"]
