"""The life cycle: the table allows what may happen and nothing that would break a promise."""

from __future__ import annotations

import importlib.util
import re
from datetime import date
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.registration import (
    FINAL,
    LIVE,
    NUMBERED,
    TRANSITIONS,
    UNSENT,
    State,
    TransitionError,
    check_transition,
    client_reference,
)
from hub.errors import LocalProtocolError
from hub.storage.schema import registration as registration_table

DAY = date(2026, 11, 23)


def reachable(start: State | None, without: frozenset[State] = frozenset()) -> set[State]:
    found: set[State] = set()
    waiting = [start]
    while waiting:
        for state in TRANSITIONS[waiting.pop()] - without - found:
            found.add(state)
            waiting.append(state)
    return found


def test_every_state_can_be_reached() -> None:
    assert reachable(None) == set(State)
    assert set(TRANSITIONS) == {None, *State}


@pytest.mark.parametrize(
    "path",
    [
        "due sending registered validated",
        "due sending registered flagged validated flagged",
        "held due sending in_doubt registered",
        "due sending in_doubt due sending registered",
        "due sending in_doubt lapsed",
        "due sending refused due sending registered",
        "due sending due sending registered cancelling cancelled",
        "due sending registered validated cancelling validated",
        "due sending registered cancelled",
        "held lapsed",
        "lapsed",
        "due held dropped",
    ],
)
def test_lives_that_happen(path: str) -> None:
    old = None
    for new in path.split():
        check_transition(old, new)
        old = new


def test_what_is_not_in_the_table_is_refused() -> None:
    for old, new in product([None, *State], State):
        if new in TRANSITIONS[old]:
            check_transition(old, new)
        else:
            with pytest.raises(TransitionError) as caught:
                check_transition(old, new)
            assert caught.value.code == "HUB-1401"
            assert isinstance(caught.value, LocalProtocolError)


@pytest.mark.parametrize(("old", "new"), [("due", "gone"), ("gone", "due"), ("sending", "sending")])
def test_a_word_that_is_no_state_is_refused(old: str, new: str) -> None:
    with pytest.raises(TransitionError):
        check_transition(old, new)


def test_a_write_in_doubt_is_never_sent_again_without_a_search() -> None:
    # From sending, the only ways back to a new call lead over "not carried out" (due) or a search.
    assert State.SENDING not in TRANSITIONS[State.IN_DOUBT]
    assert State.SENDING not in TRANSITIONS[State.SENDING]
    assert {old for old in State if State.SENDING in TRANSITIONS[old]} == {State.DUE}


def test_a_lapsed_day_stays_lapsed() -> None:
    assert all(TRANSITIONS[state] == frozenset() for state in FINAL)
    assert all(TRANSITIONS[state] for state in frozenset(State) - FINAL)


def test_a_number_is_only_ever_given_by_the_authority() -> None:
    # Beside an answer to what was sent, a search may show what another channel registered.
    shown = {State.HELD, State.DUE, State.REFUSED, State.LAPSED}
    for old in frozenset(State) - NUMBERED - {State.SENDING, State.IN_DOUBT} - shown:
        assert not TRANSITIONS[old] & NUMBERED
    assert all(TRANSITIONS[old] & NUMBERED == {State.REGISTERED} for old in shown)
    assert not TRANSITIONS[None] & NUMBERED


def test_what_the_authority_holds_is_never_dropped_or_lapsed() -> None:
    for old in NUMBERED:
        assert reachable(old) <= NUMBERED | {State.CANCELLED}


def test_the_sets_fit_together_and_match_the_store() -> None:
    assert not NUMBERED & UNSENT
    assert not UNSENT & FINAL
    index = next(entry for entry in registration_table.indexes if entry.unique)
    where = str(
        index.dialect_options["sqlite"]["where"].compile(compile_kwargs={"literal_binds": True})
    )
    assert set(re.findall(r"'(\w+)'", where)) == {str(state) for state in set(State) - LIVE}


class TestClientReference:
    def test_it_is_reproducible(self) -> None:
        # Fixed for ever: registrations at the authority carry it.
        reference = client_reference("b6f2", "1Y19FAKE001AZ", DAY)
        assert reference == "ff79d774e2e94d1e47f168cc"
        assert client_reference("b6f2", "1Y19FAKE001AZ", DAY, 0) == reference

    @given(st.text(max_size=40).filter(lambda text: "\0" not in text), st.integers(0, 50))
    def test_it_fits_the_field(self, token: str, generation: int) -> None:
        reference = client_reference(token, "1Y19FAKE001AZ", DAY, generation)
        assert re.fullmatch(r"[0-9a-f]{24}", reference)

    def test_each_part_counts(self) -> None:
        references = {
            client_reference("a", "1Y19FAKE001AZ", DAY),
            client_reference("b", "1Y19FAKE001AZ", DAY),
            client_reference("a", "1Y19FAKE002BZ", DAY),
            client_reference("a", "1Y19FAKE001AZ", date(2026, 11, 24)),
            client_reference("a", "1Y19FAKE001AZ", DAY, 1),
            client_reference("a1", "Y19FAKE001AZ", DAY),
        }
        assert len(references) == 6

    @pytest.mark.parametrize(("token", "generation"), [("a\0b", 0), ("a", -1)])
    def test_malformed_parts_are_refused(self, token: str, generation: int) -> None:
        with pytest.raises(ValueError, match="malformed"):
            client_reference(token, "1Y19FAKE001AZ", DAY, generation)


def test_the_page_of_registrations_shows_the_table_of_the_code() -> None:
    path = Path(__file__).resolve().parents[2] / "docs" / "make_life_cycle.py"
    spec = importlib.util.spec_from_file_location("make_life_cycle", path)
    assert spec is not None
    assert spec.loader is not None
    make = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make)
    page = make.PAGE.read_text("utf-8")
    assert page == make.page_with(page), "run: python docs/make_life_cycle.py --write"
    assert page.count("| `sending` | `due`") == 1
