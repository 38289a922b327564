"""Taps in any order make the same presence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.presence import Presence, PresenceTap, fold
from protocol.record import DIRECTION_IN, DIRECTION_NONE, DIRECTION_OUT

TAPS = st.builds(
    PresenceTap,
    at_ms=st.integers(0, 5),
    direction=st.sampled_from([DIRECTION_NONE, DIRECTION_IN, DIRECTION_OUT]),
    received_ms=st.integers(100, 105),
    terminal_id=st.sampled_from(["gate-1", "gate-2"]),
)


def folded(taps: list[PresenceTap]) -> Presence | None:
    presence = None
    for tap in taps:
        presence = fold(presence, tap)
    return presence


def came(at_ms: int, terminal: str = "gate-1") -> PresenceTap:
    return PresenceTap(at_ms, DIRECTION_IN, at_ms + 10, terminal)


def left(at_ms: int, terminal: str = "gate-2") -> PresenceTap:
    return PresenceTap(at_ms, DIRECTION_OUT, at_ms + 10, terminal)


def test_a_day_at_work() -> None:
    assert folded([came(700), left(1200), came(1230), left(1600)]) == Presence(
        first_in_ms=700, last_ms=1600, inside=False, taps=4, received_ms=710, terminal_id="gate-2"
    )


def test_an_older_tap_that_arrives_late_does_not_bring_a_person_back() -> None:
    presence = folded([left(1600), came(700)])
    assert presence == Presence(700, 1600, False, 2, 710, "gate-2")


def test_only_an_out_tap_leaves_the_first_in_unknown() -> None:
    assert folded([left(1600)]) == Presence(None, 1600, False, 1, 1610, "gate-2")


def test_a_gate_without_direction_counts_as_coming_in() -> None:
    presence = fold(None, PresenceTap(5, DIRECTION_NONE, 6, "gate-1"))
    assert presence.inside
    assert presence.first_in_ms == 5


def test_two_taps_in_one_millisecond_leave_the_person_inside() -> None:
    for taps in ([came(5), left(5)], [left(5), came(5)]):
        presence = folded(taps)
        assert presence is not None
        assert presence.inside


@given(st.lists(TAPS, min_size=1, max_size=7), st.randoms())
def test_the_order_of_arrival_makes_no_difference(taps: list[PresenceTap], random: object) -> None:
    shuffled = taps[:]
    random.shuffle(shuffled)  # pyright: ignore[reportAttributeAccessIssue]
    presence = folded(taps)
    assert presence is not None
    assert folded(shuffled) == presence
    assert presence.taps == len(taps)
    assert presence.last_ms == max(tap.at_ms for tap in taps)
    assert presence.received_ms == min(tap.received_ms for tap in taps)
    ins = [tap.at_ms for tap in taps if tap.direction != DIRECTION_OUT]
    assert presence.first_in_ms == min(ins, default=None)


def test_a_presence_is_a_value() -> None:
    with pytest.raises(AttributeError):
        fold(None, came(1)).taps = 2  # pyright: ignore[reportAttributeAccessIssue]
