"""The life of one presence registration: a person on a day (day regime), or one act (in/out).

Theory of operation. *Seen* is not *registered*: until the authority has given a number, nothing
counts as registered, and each state says exactly what we know of the authority's side.

    held -------> due -------> sending ------> registered ----> validated <-> flagged
     |             |  ^          |    |            ^                 |           |
     |             |  +----------+    v            |                 +-----+-----+
     |             |  (not carried  in_doubt ------+                       v
     |             |   out)           |  searched: found         cancelling ---> cancelled
     |             |  <---------------+  searched: absent
     |             v
     +--------> lapsed     refused --(fixed)--> due         dropped: never needed

* `held`: something is missing (identity, clock); nothing was sent.
* `due`: may be sent now; nothing was sent, or what was sent certainly was not carried out.
* `sending`: claimed by a sender under a lease. A lease that ran out says nothing about what
  reached the authority, so it leads to `in_doubt`, never back to `due`.
* `in_doubt`: an answer was lost. The authority accepts duplicates, so it is searched first.
* `registered`: the authority gave its number. Its own later check makes that `validated` or
  `flagged` (registered with remarks), and may change its mind either way.
* `refused`: the authority answered with errors for this item and stored nothing.
* `lapsed`: its day is over without a registration; it is shown, explained and attested, and is
  never sent with another date.
* `cancelling`, `cancelled`: withdrawn with a reason. The authority may also report a cancel that
  was asked through another channel.
* `dropped`: it turned out not to be needed, and nothing was ever sent.

The table below is the whole truth; no other module compares states in order to allow a step.
"""

from __future__ import annotations

import hashlib
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from hub.errors import LocalProtocolError


class State(StrEnum):
    """Where a registration stands; the value is what the tables hold."""

    HELD = "held"
    DUE = "due"
    SENDING = "sending"
    IN_DOUBT = "in_doubt"
    REGISTERED = "registered"
    VALIDATED = "validated"
    FLAGGED = "flagged"
    REFUSED = "refused"
    LAPSED = "lapsed"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    DROPPED = "dropped"


_NUMBERED_STEPS: Final = {State.CANCELLING, State.CANCELLED}

_ELSEWHERE: Final = {State.REGISTERED}
"""A search showed that the authority holds it, through another channel or against expectation."""

TRANSITIONS: Final = MappingProxyType(
    {
        None: frozenset({State.HELD, State.DUE, State.LAPSED}),
        # Still held, for another reason.
        State.HELD: frozenset({State.HELD, State.DUE, State.LAPSED, State.DROPPED} | _ELSEWHERE),
        # Still due, and sooner: somebody asked.
        State.DUE: frozenset(
            {State.DUE, State.SENDING, State.HELD, State.LAPSED, State.DROPPED} | _ELSEWHERE
        ),
        State.SENDING: frozenset({State.REGISTERED, State.REFUSED, State.IN_DOUBT, State.DUE}),
        State.IN_DOUBT: frozenset({State.REGISTERED, State.DUE, State.LAPSED}),
        State.REGISTERED: frozenset({State.VALIDATED, State.FLAGGED} | _NUMBERED_STEPS),
        State.VALIDATED: frozenset({State.FLAGGED} | _NUMBERED_STEPS),
        # Still flagged, with other remarks.
        State.FLAGGED: frozenset({State.FLAGGED, State.VALIDATED} | _NUMBERED_STEPS),
        State.REFUSED: frozenset({State.DUE, State.LAPSED, State.DROPPED} | _ELSEWHERE),
        # Nothing is sent any more; but a correction may be attested, and the authority may turn out
        # to hold what we could not see there.
        State.LAPSED: frozenset({State.LAPSED} | _ELSEWHERE),
        # A cancel that was refused or not carried out leads back to what the authority holds.
        State.CANCELLING: frozenset(
            {State.CANCELLED, State.REGISTERED, State.VALIDATED, State.FLAGGED}
        ),
        State.CANCELLED: frozenset(),
        State.DROPPED: frozenset(),
    }
)
"""From each state (None = not there yet) to the states that may follow it directly."""

FINAL: Final = frozenset({State.CANCELLED, State.DROPPED})
"""Nothing leaves these."""

LIVE: Final = frozenset(State) - {State.CANCELLED, State.DROPPED}
"""At most one of these for a person, works number, day and act (unique index of the store)."""

UNSENT: Final = frozenset({State.HELD, State.DUE})
"""No call is under way and none left the authority with something: a plain wait at the hub."""

NUMBERED: Final = frozenset({State.REGISTERED, State.VALIDATED, State.FLAGGED, State.CANCELLING})
"""The authority holds it under a number: the only states that may be called registered."""


CANCEL_REASONS: Final = ("HOLIDAY", "DISEASE", "PLANNING", "C32A")
"""Why a registration may be withdrawn (documentation of `cancelPresences`)."""


class TransitionError(LocalProtocolError):
    """A step that the life cycle does not have: a bug of ours, nothing was changed."""


def check_transition(old: str | None, new: str) -> None:
    """Returns when `old` may become `new` in one step.

    Args:
        old: value of the present state; None for a registration that does not exist yet.
        new: value of the state wanted. Staying in a state is not a step.

    Raises:
        TransitionError: HUB-1401 with both states.
    """
    try:
        allowed = new in TRANSITIONS[None if old is None else State(old)]
    except ValueError:
        allowed = False
    if not allowed:
        raise TransitionError("HUB-1401", old=old or "none", new=new)


def client_reference(
    person_token: str, works_number: str, day: date, generation: int = 0, act: str = ""
) -> str:
    """Returns the client reference of a registration: 24 characters ``[0-9a-f]``, reproducible.

    It is the first 96 bits of SHA-256 over ``sitegate reference 1``, the token, the works number,
    the ISO date, the generation in decimal and the act if there is one, each followed by a zero
    byte. The authority echoes
    it (`ClientReferenceType`, at most 24 characters), so an answer or a search result finds its
    registration even after a rebuild; and since the token is random, it tells nobody who it is.

    Args:
        person_token: the person's random token; never a person number.
        works_number: number of the declaration of works.
        day: the Brussels day.
        generation: how many registrations of the same person, works number and day were
            cancelled or dropped before this one, 0 or more.
        act: the tap it is for, "stream.sequence", in the in/out regime; empty in the day regime.
    """
    parts = ("sitegate reference 1", person_token, works_number, day.isoformat(), str(generation))
    parts += (act,) if act else ()
    if generation < 0 or any("\0" in part for part in parts):
        raise ValueError("a part of a client reference is malformed")
    digest = hashlib.sha256("".join(part + "\0" for part in parts).encode())
    return digest.hexdigest()[:24]
