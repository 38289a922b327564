"""Which works number and which regime: what was said decides, and nothing is guessed."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.causes import Cause
from hub.domain.works import WorksChoice, choose_works, regime_of

A, B, C = "1Y19FAKE001AZ", "1Y19FAKE002BZ", "1Y19FAKE003CZ"
CONFLICT = WorksChoice("", Cause.WORKS_CONFLICT)
NONE = WorksChoice("", Cause.NO_WORKS_NUMBER)


@pytest.mark.parametrize(
    ("own", "employer", "planned", "choice"),
    [
        ([], [], [], NONE),
        ([A], [], [], WorksChoice(A)),
        ([], [A], [], WorksChoice(A)),
        ([A], [B], [], WorksChoice(A)),
        ([A], [B, C], [], WorksChoice(A)),
        ([A, B], [], [], CONFLICT),
        ([], [A, B], [], CONFLICT),
        ([A, B], [C], [], CONFLICT),
        ([A, B], [], [B], WorksChoice(B)),
        ([], [], [C], WorksChoice(C)),
        ([A], [], [B], WorksChoice(B)),
        ([A, B], [], [A, B], CONFLICT),
        ([A], [], [A, B], WorksChoice(A)),
    ],
)
def test_what_was_said_decides(
    own: list[str], employer: list[str], planned: list[str], choice: WorksChoice
) -> None:
    assert choose_works(own, employer, planned) == choice


def test_a_declaration_changes_its_regime_at_midnight() -> None:
    changes = [(date(2027, 4, 1), "in_out")]
    assert regime_of(changes, date(2027, 3, 31)) == "day"
    assert regime_of(changes, date(2027, 4, 1)) == "in_out"
    assert regime_of([], date(2030, 1, 1)) == "day"


def test_it_may_change_back() -> None:
    changes = [(date(2027, 6, 1), "day"), (date(2027, 4, 1), "in_out")]
    assert regime_of(changes, date(2027, 5, 31)) == "in_out"
    assert regime_of(changes, date(2027, 6, 1)) == "day"


@given(
    st.dictionaries(
        st.dates(date(2027, 1, 1), date(2027, 12, 31)),
        st.sampled_from(["day", "in_out"]),
        max_size=5,
    ),
    st.integers(0, 400),
)
def test_the_newest_change_that_has_begun_holds(changes: dict[date, str], offset: int) -> None:
    day = date(2026, 12, 15) + timedelta(days=offset)
    begun = [first for first in changes if first <= day]
    expected = changes[max(begun)] if begun else "day"
    assert regime_of(list(changes.items()), day) == expected
