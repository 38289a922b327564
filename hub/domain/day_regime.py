"""The day regime: what becomes of a tap, or of a planned day, as a presence registration.

Theory of operation. The service registers one person, works number and Brussels day, without a
time and without a direction, and takes only today and tomorrow. A tap is an act of the past, so it
can make a registration for today and for no other day:

| tap                                       | becomes                                           |
| ----------------------------------------- | ------------------------------------------------- |
| refused at the gate, or badge unknown     | nothing (shown as a tap)                          |
| of a visitor or a delivery                | presence only: who does not work is not registered|
| without a date, or dated after its receipt| `held`: the clock must be repaired first          |
| of an earlier day                         | `lapsed`: never sent with another date            |
| person, company or works number missing   | `held`: a human completes it the same day         |
| on a day outside the Limosa declaration   | `held`: a human looks at the declaration          |
| first of its day                          | `due` at once                                     |
| out-tap that ends a night shift           | nothing: the shift was registered on its first day|
| any further tap of that day               | nothing new                                       |

A first tap that goes out is due as well: who leaves the site has been on it that day, whatever way
he came in (a gate out of order, a lorry), and a registration too many is a remark while one too
few is an offence per person (social penal code, art. 131).

A gate's clock may run ahead of the hub's. An act cannot follow its receipt, so a tap stamped up to
ten minutes after the moment the hub held it counts as of that moment; beyond that the stamp is not
believed at all, and the day of receipt is only where the tap is shown.

Give the stored receive time as `now_ms`: then a rebuild from the stored taps decides the same.
Whether a registration may still be sent when its turn comes is asked again, with the time of
then, by `hub.application.windows`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from hub.domain.causes import Cause
from hub.domain.legal_day import brussels_day
from hub.domain.registration import LIVE, State
from protocol.record import DIRECTION_OUT

FUTURE_LIMIT_MS: Final = 10 * 60 * 1000
"""How far a tap may be dated after its receipt before its clock is called wrong."""

NIGHT_SHIFT_MAX_MS: Final = 12 * 3600 * 1000
"""Longest stay over midnight that counts as one shift. Longer, the out-tap of the day before is
taken as forgotten, and the new day is registered: the safer of the two mistakes."""

IdentityForm = Literal["inss", "limosa"]


@dataclass(frozen=True, slots=True)
class TapFacts:
    """What the hub knows of a tap when it decides; no number and no name is among it.

    Args:
        at_ms: UTC milliseconds of the act by the gate's clock (repaired or not); None = undated.
        direction: one of `protocol.record.DIRECTION_*`.
        granted: whether the gate let the person pass.
        person_known: whether the badge is linked to a person.
        has_works: whether it is known under which works number the person works here.
        has_inss: whether an INSS or BIS number is known.
        has_company: whether the employer's enterprise number is known.
        has_limosa: whether a Limosa number is known.
        existing: state of the live registration of this person, site and
            `tap_day(at_ms, now_ms)`; None when there is none.
        inside_since_ms: UTC milliseconds of the in-tap, on an earlier day at this site, after
            which no out-tap of this person is known; None when there is none.
        missing_works: why no works number is known, if none is.
        works_here: whether the person works here at all; False for a visitor or a delivery.
        limosa_covers: False when the day lies outside the person's Limosa declaration.
    """

    at_ms: int | None
    direction: int
    granted: bool
    person_known: bool
    has_works: bool
    has_inss: bool
    has_company: bool
    has_limosa: bool
    existing: str | None = None
    inside_since_ms: int | None = None
    missing_works: Cause = Cause.NO_WORKS_NUMBER
    works_here: bool = True
    limosa_covers: bool = True


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do with a tap or a planned day.

    Args:
        state: state the registration takes now; None = no step.
        cause: why; key of the catalogue.
        day: Brussels day it belongs to. While the clock is in question (causes `clock_wrong`,
            `clock_unknown`): the day of receipt, under which it is shown and never sent.
        tap_ms: moment of the act in UTC milliseconds as far as believed, else of the receipt.
        due_ms: UTC milliseconds from which it may be sent.
        present: whether the tap belongs into the presence of `day`.
    """

    state: State | None
    cause: Cause
    day: date
    tap_ms: int
    due_ms: int
    present: bool


def identity_form(has_inss: bool, has_company: bool, has_limosa: bool) -> IdentityForm | None:
    """Returns how a person is named to the service: by Limosa number alone, or INSS and company.

    A person with both goes by the Limosa number: that file already tells the service person,
    employer and Belgian client (choice in `PresenceRegistrationSubmitType`). None = neither.
    """
    if has_limosa:
        return "limosa"
    return "inss" if has_inss and has_company else None


def tap_day(at_ms: int | None, now_ms: int) -> date:
    """Returns the Brussels day under which a tap is kept and looked up; see `Decision.day`."""
    believed = believed_ms(at_ms, now_ms)
    return brussels_day(now_ms if believed is None else believed)


def decide(facts: TapFacts, now_ms: int) -> Decision:
    """Returns what becomes of a tap: at most one registration, for its own day, never another.

    Args:
        facts: the tap and what is known of the person.
        now_ms: UTC milliseconds at which the hub first held the tap.
    """
    believed = believed_ms(facts.at_ms, now_ms)
    act_ms = now_ms if believed is None else believed
    day = brussels_day(act_ms)
    passed = facts.granted and facts.person_known
    state, cause = _judge(facts, day, believed, now_ms)
    return Decision(state, cause, day, act_ms, now_ms, passed and believed is not None)


def believed_ms(at_ms: int | None, now_ms: int) -> int | None:
    """Returns the moment of an act, never after its receipt; None when its stamp is not believed.

    Args:
        at_ms: UTC milliseconds by the gate's clock; None = undated.
        now_ms: UTC milliseconds at which the hub first held the tap.
    """
    if at_ms is None or at_ms > now_ms + FUTURE_LIMIT_MS:
        return None
    return min(at_ms, now_ms)


def _judge(
    facts: TapFacts, day: date, believed: int | None, now_ms: int
) -> tuple[State | None, Cause]:
    if not facts.person_known:
        return None, Cause.LET_IN_UNKNOWN if facts.granted else Cause.UNKNOWN_BADGE
    if not facts.granted:
        return None, Cause.GATE_REFUSED
    if not facts.works_here:
        return None, Cause.NOT_A_WORKER
    if facts.existing in LIVE and facts.existing != State.HELD:
        return None, Cause.SECOND_TAP
    if believed is None:
        unclear = Cause.CLOCK_UNKNOWN if facts.at_ms is None else Cause.CLOCK_WRONG
        return _held_or_due(unclear, facts.existing, Cause.FIRST_TAP)
    if day < brussels_day(now_ms):
        return State.LAPSED, Cause.ARRIVED_LATE
    # A held one shows an act of this day of its own; the out-tap then completes it.
    if facts.existing != State.HELD and _ends_night_shift(facts, day, believed):
        return None, Cause.NIGHT_SHIFT
    missing = (
        missing_identity(facts.has_inss, facts.has_company, facts.has_limosa, facts.limosa_covers)
        if facts.has_works
        else facts.missing_works
    )
    first = Cause.FIRST_TAP_OUT if facts.direction == DIRECTION_OUT else Cause.FIRST_TAP
    return _held_or_due(missing, facts.existing, first)


def _ends_night_shift(facts: TapFacts, day: date, believed: int) -> bool:
    since = facts.inside_since_ms
    return (
        facts.direction == DIRECTION_OUT
        and since is not None
        and brussels_day(since) < day
        and believed - since <= NIGHT_SHIFT_MAX_MS
    )


def missing_identity(
    has_inss: bool, has_company: bool, has_limosa: bool, limosa_covers: bool = True
) -> Cause | None:
    """Returns what keeps a person from being named to the service; None when nothing does.

    Args:
        limosa_covers: see `TapFacts`; a declaration that does not cover the day is not used, and
            that another form of identity would do is for a human to say.
    """
    if has_limosa and not limosa_covers:
        return Cause.LIMOSA_PERIOD
    if identity_form(has_inss, has_company, has_limosa) is not None:
        return None
    return Cause.NO_COMPANY if has_inss else Cause.NO_IDENTITY


def _held_or_due(
    missing: Cause | None, existing: str | None, first: Cause
) -> tuple[State | None, Cause]:
    """Held for what is missing, due when nothing is; a held one stays held without a new step."""
    if missing is None:
        return State.DUE, first
    return (None, Cause.SECOND_TAP) if existing == State.HELD else (State.HELD, missing)
