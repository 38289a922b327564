"""Each difference between the authority and us has its word, its reason and its step."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.application.differences import (
    EXPLAINED,
    SAME_ACT_MS,
    WAY_TO_REGISTERED,
    Comparison,
    Kind,
    Ours,
    There,
    compare,
)
from hub.domain.registration import LIVE, NUMBERED, TRANSITIONS, State, check_transition
from hub.i18n import LANGUAGES, text

N = 900_000_000_000_117
REGISTERED, VALID, FLAWED, GONE = (
    "SUCCESSFULLY REGISTERED",
    "VALIDATED",
    "FAILED",
    "SUCCESSFULLY CANCELLED",
)
ADOPTED = {
    state: State.REGISTERED if State.REGISTERED in TRANSITIONS[state] else State.DROPPED
    for state in (State.HELD, State.DUE, State.REFUSED, State.LAPSED)
}


def ours(state: str, number: int | None = None, cause: str = "answered", **more: object) -> Ours:
    values = {"reference": "r1", "person_id": 1, "tap_ms": 0} | more
    return Ours(state=State(state), cause=cause, number=number, **values)  # type: ignore[arg-type]


def there(number: int = N, status: str = REGISTERED, **more: object) -> There:
    values = {"reference": "", "person_id": 1} | more
    return There(number=number, status=status, **values)  # type: ignore[arg-type]


def kinds(found: Comparison) -> list[str]:
    return [str(one.kind) for one in found.differences]


def taken(found: Comparison) -> list[tuple[str, str]]:
    return [(str(one.state), str(one.cause)) for one in found.effects]


CASES = {
    "both hold it": (ours("registered", N), there(), [], []),
    "validated on both sides": (ours("validated", N), there(status=VALID), [], []),
    "being checked again": (ours("flagged", N), there(), [], []),
    "being withdrawn": (ours("cancelling", N), there(status=VALID), [], []),
    "cancelled on both sides": (ours("cancelled", N), there(status=GONE), [], []),
    "cancelled, not shown": (ours("cancelled", N), None, [], []),
    "not sent, not there": (ours("due"), None, [], []),
    "in doubt, not there": (ours("in_doubt"), None, [], []),
    "not shown": (ours("validated", N), None, ["not_shown"], []),
    "shown by number only": (ours("registered", N), there(listed=False), ["not_listed"], []),
    "cancelled there": (
        ours("flagged", N),
        there(status=GONE),
        ["cancelled_there"],
        [("cancelled", "cancelled_elsewhere")],
    ),
    "cancelled there as we asked": (ours("cancelling", N), there(status=GONE), ["in_hand"], []),
    "live there": (ours("cancelled", N), there(status=VALID), ["live_there"], []),
    "dropped, and sent all the same": (
        ours("dropped", cause="redated"),
        there(reference="r1"),
        ["live_there"],
        [],
    ),
    "validated there": (
        ours("registered", N),
        there(status=VALID),
        ["state_differs"],
        [("validated", "validation_passed")],
    ),
    "flagged there": (
        ours("validated", N),
        there(status=FLAWED, remarks=("RELATED DIMONA NOT OK",)),
        ["state_differs"],
        [("flagged", "validation_remarks")],
    ),
    "other remarks there": (
        ours("flagged", N, remarks=("RELATED DIMONA NOT OK",)),
        there(status=FLAWED, remarks=("EMPLOYER NOT ACTIVE",)),
        ["remarks_differ"],
        [("flagged", "validation_remarks")],
    ),
    "answer lost, validated there": (
        ours("in_doubt"),
        there(status=VALID, reference="r1"),
        ["number_found"],
        [("registered", "found"), ("validated", "validation_passed")],
    ),
    "answer lost, cancelled there": (
        ours("in_doubt"),
        there(status=GONE, reference="r1"),
        ["number_found"],
        [("registered", "found"), ("cancelled", "cancelled_elsewhere")],
    ),
    "lapsed, and there under our reference": (
        ours("lapsed"),
        there(reference="r1"),
        ["number_found"],
        [("registered", "found")],
    ),
    "due, and there under our reference": (
        ours("due"),
        there(reference="r1"),
        ["number_found"],
        [("sending", "claimed"), ("registered", "found")],
    ),
    "due, and cancelled there under our reference": (
        ours("due"),
        there(status=GONE, reference="r1"),
        [],
        [],
    ),
    "being sent": (ours("sending"), there(reference="r1"), ["in_hand"], []),
    "somebody else registered him": (
        ours("held"),
        there(),
        ["registered_elsewhere"],
        [(ADOPTED[State.HELD], "registered_elsewhere")],
    ),
    "somebody else registered who was refused": (
        ours("refused"),
        there(),
        ["registered_elsewhere"],
        [(ADOPTED[State.REFUSED], "registered_elsewhere")],
    ),
    "somebody else registered who lapsed": (
        ours("lapsed"),
        there(),
        ["registered_elsewhere"],
        [(ADOPTED[State.LAPSED], "registered_elsewhere")],
    ),
    "somebody else's is cancelled": (ours("due"), there(status=GONE), [], []),
    "relied on somebody else": (
        ours("dropped", N, "registered_elsewhere"),
        there(status=VALID),
        [],
        [],
    ),
    "relied on somebody else who cancelled": (
        ours("dropped", N, "registered_elsewhere"),
        there(status=GONE),
        ["elsewhere_cancelled"],
        [],
    ),
    "relied on somebody else, not shown": (
        ours("dropped", N, "registered_elsewhere"),
        None,
        ["not_shown"],
        [],
    ),
    "known person, nothing of ours": (None, there(), ["elsewhere"], []),
    "known person, ours was cancelled": (
        ours("cancelled", N),
        there(N + 1),
        ["elsewhere"],
        [],
    ),
    "known person, ours is in doubt": (ours("in_doubt"), there(), ["elsewhere"], []),
    "a second one": (ours("registered", N + 1), there(N), ["not_shown", "elsewhere"], []),
    "unknown person": (None, there(person_id=None), ["stranger"], []),
    "unknown person, cancelled": (None, there(status=GONE, person_id=None), [], []),
    "replaced number": (
        ours("registered", N),
        there(person_id=None),
        ["identity_differs"],
        [],
    ),
    "names nobody": (ours("registered", N), there(named=False, person_id=None), [], []),
    "cancelled, another number under our reference": (
        ours("cancelled", N),
        there(N + 1, reference="r1"),
        ["live_there"],
        [],
    ),
    "another number under our reference": (
        ours("registered", N),
        there(N + 1, reference="r1"),
        ["not_shown", "double"],
        [],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_difference_is_named_and_takes_its_step(name: str) -> None:
    one, row, expected, steps = CASES[name]
    found = compare([] if one is None else [one], [] if row is None else [row])
    assert kinds(found) == expected
    assert taken(found) == steps
    agrees = one is not None and one.state in NUMBERED and not expected
    assert found.agreeing == agrees


def test_every_kind_is_met_in_a_case_and_has_its_texts() -> None:
    met = {kind for _, _, expected, _ in CASES.values() for kind in expected}
    assert met == set(Kind) == set(EXPLAINED)
    for kind in Kind:
        for language in LANGUAGES:
            meaning = text(f"reconcile.{kind}.meaning", language)
            assert meaning != text(f"reconcile.{kind}.action", language)


@pytest.mark.parametrize(
    "rows",
    [
        [there(N), there(N + 1)],
        [there(N + 1, reference="r1"), there(N)],
        [there(N, reference="r1"), there(N + 1, reference="r1")],
    ],
)
def test_two_for_one_person_are_a_double(rows: list[There]) -> None:
    found = compare([ours("registered", N)], rows)
    doubles = [one for one in found.differences if one.kind is Kind.DOUBLE]
    assert [one.number for one in doubles] == [N + 1]
    assert not doubles[0].explained


def test_two_of_another_channel_are_a_double_of_each_other() -> None:
    found = compare([ours("held")], [there(N + 1), there(N)])
    assert kinds(found) == ["registered_elsewhere", "double"]
    assert [one.number for one in found.differences] == [N, N + 1]
    assert len(found.effects) == 1


def test_one_of_ours_takes_one_row_and_two_take_two() -> None:
    mine = [ours("held"), ours("held", reference="r2", person_id=2)]
    found = compare(mine, [there(N), there(N + 1, person_id=2)])
    assert [one.reference for one in found.effects] == ["r1", "r2"]


class TestInOut:
    def test_an_act_of_another_channel_at_the_same_time_is_the_same_act(self) -> None:
        mine = ours("lapsed", tap_ms=1_000_000, direction="in")
        near = there(act_ms=1_000_000 + SAME_ACT_MS, direction="in")
        far = there(act_ms=1_000_001 + SAME_ACT_MS, direction="in")
        out = there(act_ms=1_000_000, direction="out")
        assert kinds(compare([mine], [near])) == ["registered_elsewhere"]
        assert kinds(compare([mine], [far])) == ["elsewhere"]
        assert kinds(compare([mine], [out])) == ["elsewhere"]

    def test_acts_of_a_day_are_no_doubles(self) -> None:
        rows = [
            there(N + hour, act_ms=hour * 3_600_000, direction=way)
            for hour, way in ((7, "in"), (12, "out"), (13, "in"), (16, "out"))
        ]
        assert kinds(compare([], rows)) == ["elsewhere"] * 4
        again = there(N + 20, act_ms=7 * 3_600_000 + 5_000, direction="in")
        assert kinds(compare([], [*rows, again])) == ["elsewhere"] * 4 + ["double"]


def test_the_steps_to_registered_are_steps_of_the_life_cycle() -> None:
    for state, way in WAY_TO_REGISTERED.items():
        at = state
        for following in (*way, State.REGISTERED):
            check_transition(at, following)
            at = following
    assert set(WAY_TO_REGISTERED) == LIVE - NUMBERED - {State.SENDING}


PEOPLE = st.integers(1, 3)
STATUSES = st.sampled_from((REGISTERED, VALID, FLAWED, GONE))
WAYS = st.sampled_from((None, "in", "out"))


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(sorted(State)), PEOPLE, st.booleans(), WAYS), max_size=5),
    st.lists(
        st.tuples(
            STATUSES,
            st.none() | PEOPLE,
            st.integers(0, 6),
            st.integers(0, 6),
            st.booleans(),
            WAYS,
            st.integers(0, 2_000_000),
        ),
        max_size=6,
    ),
)
def test_whatever_is_shown_each_step_is_allowed_and_each_row_is_told_once(
    mine: list[tuple[str, int, bool, str | None]],
    rows: list[tuple[str, int | None, int, int, bool, str | None, int]],
) -> None:
    held = [
        Ours(
            f"r{place}",
            person,
            State(state),
            "registered_elsewhere" if elsewhere else "answered",
            N + place if State(state) in NUMBERED | {State.CANCELLED} or elsewhere else None,
            place * 700_000,
            way,
        )
        for place, (state, person, elsewhere, way) in enumerate(mine)
    ]
    shown = [
        There(
            f"r{reference}" if reference < 6 else "",
            N + number + (place * 100 if number == 6 else 0),
            status,
            person_id=person,
            named=named or person is not None,
            act_ms=act_ms,
            direction=way,
        )
        for place, (status, person, reference, number, named, way, act_ms) in enumerate(rows)
    ]
    shown = list({row.number: row for row in shown}.values())
    found = compare(held, shown)
    states = {one.reference: str(one.state) for one in held}
    for effect in found.effects:
        check_transition(states[effect.reference], effect.state)
        states[effect.reference] = str(effect.state)
    # A row that stands and that nothing of ours agrees with is never passed over.
    matched = {one.number for one in held} | {one.number for one in found.differences}
    references = {one.reference for one in held}
    for row in shown:
        assert not row.live or row.number in matched or row.reference in references
    assert compare(held, shown) == found


def test_the_document_lists_every_kind_as_it_is() -> None:
    page = (Path(__file__).parents[2] / "docs" / "balance.md").read_text("utf-8")
    for kind, explained in EXPLAINED.items():
        meaning, action = (text(f"reconcile.{kind}.{part}", "en") for part in ("meaning", "action"))
        assert f"| `{kind}` | {'yes' if explained else '**no**'} | {meaning} | {action} |" in page
