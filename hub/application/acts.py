"""Acts without a badge: somebody comes in or leaves, and says so at a kiosk or on his telephone.

Theory of operation. Such an act is a fact like a tap. It is appended to the store and committed
before anybody is told that it is kept; the projection then gives it its effect on presence and
registration in the order in which acts and taps arrived, by the rules of the regime that taps fall
under. So it is registered for its own moment and no other, it waits in the outbox while the
authority is away, and a rebuild makes the same of it.

Who sends an act names it himself, before it leaves him. The same act sent again, because an answer
was lost, finds the one that is kept: it is made once, however often it comes.

What somebody is told about his act is read from what became of it, and in this order only:

    KEPT          the hub has it; nothing more is known
    COUNTED       he is no worker here: on the list of who is on the site, and nobody else is told
    HELD          something is missing; the supervisor sees what
    WAITING       on its way to the authority
    REGISTERED    the authority answered with a number
    NOT_MADE      it cannot be registered any more, or was refused; the supervisor sees why
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal, Protocol

from hub.domain.registration import NUMBERED, State
from hub.errors import UsageError
from protocol.record import DIRECTION_IN, DIRECTION_OUT

ACTS_STREAM: Final = 0
"""Stands where a tap has its stream; streams of gates are numbered from 1. The sequence number of
an act is its row, which is never used again."""
PLACE_MAX: Final = 24
PHONE_PLACE: Final = "phone"
"""The place of an act that somebody made with his own phone."""
REASON_MAX: Final = 24
_REFERENCE: Final = re.compile(r"[A-Za-z0-9_-]{16,64}", re.ASCII)


class Channel(StrEnum):
    """Through what an act came; the value is what the tables hold."""

    KIOSK = "kiosk"
    PHONE = "phone"


class Means(StrEnum):
    """How it was known who acted; the value is what the tables hold."""

    CARD = "card"
    """His identity card was read."""
    INSS = "inss"
    LIMOSA = "limosa"
    """He typed his number."""
    NAME = "name"
    """A guard who had unlocked the kiosk looked him up."""
    OWN_LINK = "own_link"
    """He was logged in by what he was given for himself."""
    TOLD = "told"
    """Nothing was shown: a visitor or an emergency service."""


class Case(StrEnum):
    """What kind of act it is; the value is what the tables hold."""

    USUAL = "usual"
    REPLACEMENT = "replacement"
    """He takes the place of somebody who was planned."""
    VISIT = "visit"
    EMERGENCY = "emergency"


@dataclass(frozen=True, slots=True)
class NewAct:
    """What somebody did, as it is handed in. No number and no name is among it.

    Args:
        reference: chosen by who sends it, `[A-Za-z0-9_-]{16,64}`; the same one when it is repeated.
        at_ms: moment of the act, UTC milliseconds, by the clock of the kiosk or telephone.
        site_id: where.
        direction: `DIRECTION_IN` or `DIRECTION_OUT` of `protocol.record`.
        person_id: who.
        place: the gate that he went by, else the kiosk; as a presence shows it, 1..24 characters.
        reason: one word that a page explains; free text would hold names. Empty for none.
        replaces: whose place he takes, for a replacement.
        by: as in the audit: `kiosk-1f2e3d4c`, `account:7`.
    """

    reference: str
    at_ms: int
    site_id: int
    direction: int
    person_id: int
    channel: Channel
    means: Means
    place: str
    by: str
    case: Case = Case.USUAL
    reason: str = ""
    replaces: int | None = None


@dataclass(frozen=True, slots=True)
class KeptAct:
    """An act that is in the store.

    Args:
        number: its row.
        received_ms: when the hub first held it, UTC milliseconds.
        again: it was there already when it was handed in.
    """

    number: int
    received_ms: int
    act: NewAct
    again: bool = False


class Stage(StrEnum):
    """How far an act has come; see the theory of operation."""

    KEPT = "kept"
    COUNTED = "counted"
    HELD = "held"
    WAITING = "waiting"
    REGISTERED = "registered"
    NOT_MADE = "not_made"


@dataclass(frozen=True, slots=True)
class Standing:
    """What became of an act.

    Args:
        number: the authority's, when it is registered.
    """

    stage: Stage
    number: int | None = None

    @property
    def settled(self) -> bool:
        """Whether nothing more is to be waited for."""
        return self.stage not in (Stage.KEPT, Stage.WAITING)


_STAGES: Final = {
    State.HELD: Stage.HELD,
    State.DUE: Stage.WAITING,
    State.SENDING: Stage.WAITING,
    State.IN_DOUBT: Stage.WAITING,
    State.REFUSED: Stage.NOT_MADE,
    State.LAPSED: Stage.NOT_MADE,
    State.CANCELLED: Stage.NOT_MADE,
    State.DROPPED: Stage.NOT_MADE,
}


def standing(
    projected: bool, works_here: bool, registration: tuple[State, int | None] | None
) -> Standing:
    """Returns how far an act has come.

    Args:
        projected: it has had its effect.
        works_here: its person is registered at all.
        registration: (state, number) of the one that stands for it; None: there is none.
    """
    if registration is not None:
        state, number = registration
        if state in NUMBERED and number is not None:
            return Standing(Stage.REGISTERED, number)
        return Standing(_STAGES.get(state, Stage.WAITING))
    if not works_here:
        return Standing(Stage.COUNTED)
    # One that ended a night shift needs no registration: it was made the day before.
    return Standing(Stage.COUNTED if projected else Stage.KEPT)


class ActsPort(Protocol):
    """Where acts are kept, inside one write transaction."""

    def find(self, reference: str) -> KeptAct | None:
        """Returns the act of this name; None when there is none."""
        ...

    def append(self, act: NewAct, received_ms: int) -> KeptAct:
        """Keeps an act; its row is numbered after every other act."""
        ...


Way = Literal["in", "out"]
DIRECTIONS: Final[dict[str, int]] = {"in": DIRECTION_IN, "out": DIRECTION_OUT}


def keep(port: ActsPort, act: NewAct, now_ms: int) -> KeptAct:
    """Keeps an act, or finds it kept; whoever is told so may be told once this has been committed.

    Args:
        act: what was handed in.
        now_ms: UTC milliseconds at which the hub holds it.

    Raises:
        UsageError: HUB-1780 the act cannot be one: its name, way, place or reason; HUB-1781 another
            act has this name. Nothing was kept.
    """
    if not _well_made(act):
        raise UsageError("HUB-1780")
    before = port.find(act.reference)
    if before is None:
        return port.append(act, now_ms)
    same = (act.person_id, act.site_id, act.direction, act.channel, act.case)
    kept = before.act
    if same != (kept.person_id, kept.site_id, kept.direction, kept.channel, kept.case):
        raise UsageError("HUB-1781")
    return before


def _well_made(act: NewAct) -> bool:
    return (
        _REFERENCE.fullmatch(act.reference) is not None
        and act.at_ms > 0
        and act.direction in (DIRECTION_IN, DIRECTION_OUT)
        and 0 < len(act.place) <= PLACE_MAX
        and len(act.reason) <= REASON_MAX
        and (act.replaces is None or act.case is Case.REPLACEMENT)
    )
