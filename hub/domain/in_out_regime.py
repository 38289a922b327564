"""The in/out regime: what becomes of a tap as the registration of an act.

Theory of operation. The service registers every act, in and out, breaks included, with its moment,
and refuses what reaches it more than ten minutes after it (setting `in_out.window_s`). So each act
is a registration of its own, due at once:

| tap                                          | becomes                                          |
| -------------------------------------------- | ------------------------------------------------ |
| refused at the gate, or badge unknown        | nothing (shown as a tap)                         |
| of a visitor or a delivery                   | presence only: who does not work is not told     |
| without a date, or dated after its receipt   | `held`: the clock must be repaired first         |
| older than the window when the hub got it    | `lapsed`: attested, never sent with another time |
| of a gate that does not tell in from out     | `held`: neither is guessed                       |
| person, employer, works or place missing     | `held`: a human completes it within the window   |
| on a day outside the Limosa declaration      | `held`: a human looks at the declaration         |
| the same way again within two minutes        | nothing: one act, tapped twice                   |
| any other                                    | `due` at once                                    |

An `out` is never made up: who leaves without a tap has no `out` here, whatever was seen of him
later, and the authority's own remark says so. A second `in` without an `out` between them is sent:
it happened. What lapses is kept with everything that shows when it happened and why it was late,
for the correction that an employer may ask for within 30 days.

Sources: ten minutes, in and out, breaks: the service's handbook as its clients read it; that the
worker acts himself and in real time, and the 30 days: the service's portal. Two minutes are ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

from hub.domain.causes import Cause
from hub.domain.day_regime import Decision, believed_ms
from hub.domain.legal_day import brussels_day
from hub.domain.registration import LIVE, State
from protocol.record import DIRECTION_IN, DIRECTION_OUT

WINDOW_MS: Final = 600_000
"""Default for how long after an act the service takes it."""
REPEAT_MS: Final = 120_000
"""The same person the same way within this time is one act: he was not sure that it had worked."""
CORRECTION_DAYS: Final = 30
"""Days after the act in which the employer may ask the authority for a correction."""

Way = Literal["in", "out"]


@dataclass(frozen=True, slots=True)
class ActFacts:
    """What the hub knows of a tap when it decides; no number and no name is among it.

    Args:
        at_ms: UTC milliseconds of the act by the gate's clock (repaired or not); None = undated.
        direction: one of `protocol.record.DIRECTION_*`.
        granted: whether the gate let the person pass.
        missing_works: why no works number is known; None when one is.
        has_inss: whether an INSS or BIS number is known.
        has_employer: whether the employer's enterprise or foreign VAT number is known.
        has_place: whether the place of the works is known.
        existing: state of the live registration of this very act; None when there is none.
        same_way_ms: moments (UTC milliseconds) of this person's other acts the same way, under this
            works number, around this one.
        works_here: whether the person works here at all; False for a visitor or a delivery.
        limosa_covers: False when the day lies outside the person's Limosa declaration.
    """

    at_ms: int | None
    direction: int
    granted: bool
    missing_works: Cause | None
    has_inss: bool
    has_employer: bool
    has_place: bool
    existing: str | None = None
    same_way_ms: tuple[int, ...] = ()
    works_here: bool = True
    limosa_covers: bool = True


def way_of(direction: int) -> Way | None:
    """Returns the service's word for the way of a tap; None when the gate does not tell."""
    if direction == DIRECTION_IN:
        return "in"
    return "out" if direction == DIRECTION_OUT else None


def decide_act(facts: ActFacts, now_ms: int, window_ms: int = WINDOW_MS) -> Decision:
    """Returns what becomes of a tap: at most one registration, for its own moment.

    Args:
        facts: the tap and what is known of the person.
        now_ms: UTC milliseconds at which the hub first held the tap.
        window_ms: milliseconds after the act in which the service takes it.
    """
    believed = believed_ms(facts.at_ms, now_ms)
    act_ms = now_ms if believed is None else believed
    day = brussels_day(act_ms)
    state, cause = _judge(facts, believed, now_ms, window_ms)
    return Decision(state, cause, day, act_ms, now_ms, facts.granted and believed is not None)


def _judge(
    facts: ActFacts, believed: int | None, now_ms: int, window_ms: int
) -> tuple[State | None, Cause]:
    if not facts.granted:
        return None, Cause.GATE_REFUSED
    if not facts.works_here:
        return None, Cause.NOT_A_WORKER
    held = facts.existing == State.HELD
    if facts.existing in LIVE and not held:
        return None, Cause.REPEATED_ACT
    if believed is None:
        unclear = Cause.CLOCK_UNKNOWN if facts.at_ms is None else Cause.CLOCK_WRONG
        return (None, unclear) if held else (State.HELD, unclear)
    if any(abs(believed - other) <= REPEAT_MS for other in facts.same_way_ms) and not held:
        return None, Cause.REPEATED_ACT
    if now_ms - believed > window_ms:
        return State.LAPSED, Cause.ACT_ARRIVED_LATE
    missing = _missing(facts)
    if missing is not None:
        return State.HELD, missing
    return State.DUE, Cause.ACT_IN if facts.direction == DIRECTION_IN else Cause.ACT_OUT


def _missing(facts: ActFacts) -> Cause | None:
    way = way_of(facts.direction)
    if way is not None and facts.missing_works is not None:
        return facts.missing_works
    return missing_of_act(
        way, facts.has_inss, facts.has_employer, facts.has_place, facts.limosa_covers
    )


def missing_of_act(
    way: str | None,
    has_inss: bool,
    has_employer: bool,
    has_place: bool,
    limosa_covers: bool = True,
) -> Cause | None:
    """Returns what the service lacks of an act under a known works number; None for nothing.

    Args:
        way: `in` or `out`; None when the gate does not tell.
        has_inss, has_employer, has_place, limosa_covers: see `ActFacts`.
    """
    if way is None:
        return Cause.NO_DIRECTION
    if not limosa_covers:
        return Cause.LIMOSA_PERIOD
    if not has_inss:
        return Cause.NO_INSS
    if not has_employer:
        return Cause.NO_COMPANY
    return None if has_place else Cause.NO_PLACE


def correction_until(day: date) -> date:
    """Returns the last day on which the employer may ask for a correction of that day."""
    return day + timedelta(days=CORRECTION_DAYS)
