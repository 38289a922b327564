"""Who was on the site on a day: the fold of one person's taps into one presence.

Theory of operation. Gates buffer, so taps arrive in any order. A presence therefore keeps only
values whose combination does not depend on the order of arrival: the smallest in-tap, the newest
tap (which alone decides whether the person is inside), a count, and the smallest receive time.
Folding the same set of taps in any order gives the same presence. A tap must be folded once:
`(terminal, journal, sequence)` is unique in the store, which sees to that.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.record import DIRECTION_OUT


@dataclass(frozen=True, slots=True)
class PresenceTap:
    """A granted, dated tap of one person at one site on one Brussels day.

    Args:
        at_ms: UTC milliseconds of the act.
        direction: one of `protocol.record.DIRECTION_*`.
        received_ms: UTC milliseconds at which the hub first held it.
        terminal_id: the gate.
    """

    at_ms: int
    direction: int
    received_ms: int
    terminal_id: str

    @property
    def inside(self) -> bool:
        """Whether this tap leaves the person on the site.

        A gate without a direction counts as one to come in by: for an evacuation list a person
        too many costs a search, a person too few costs a life.
        """
        return self.direction != DIRECTION_OUT


@dataclass(frozen=True, slots=True)
class Presence:
    """One person at one site on one Brussels day, as far as the taps held so far tell.

    Args:
        first_in_ms: UTC milliseconds of the earliest tap that came in; None while only
            out-taps are known.
        last_ms: UTC milliseconds of the newest tap.
        inside: whether that newest tap left the person on the site.
        taps: how many taps were folded, 1 or more.
        received_ms: when the hub first held any of them.
        terminal_id: gate of the newest tap.
    """

    first_in_ms: int | None
    last_ms: int
    inside: bool
    taps: int
    received_ms: int
    terminal_id: str


def fold(presence: Presence | None, tap: PresenceTap) -> Presence:
    """Returns the presence with this tap in it; the order of arrival makes no difference.

    Two taps in the same millisecond (two gates, clocks a little apart): the one that leaves the
    person inside counts as newer, for the reason given at `PresenceTap.inside`.

    Args:
        presence: the presence of the same person, site and day so far; None for the first tap.
        tap: a tap not folded before.
    """
    came_in = tap.at_ms if tap.inside else None
    if presence is None:
        return Presence(
            first_in_ms=came_in,
            last_ms=tap.at_ms,
            inside=tap.inside,
            taps=1,
            received_ms=tap.received_ms,
            terminal_id=tap.terminal_id,
        )
    newest = max(
        (presence.last_ms, presence.inside, presence.terminal_id),
        (tap.at_ms, tap.inside, tap.terminal_id),
    )
    if presence.first_in_ms is None:
        first_in_ms = came_in
    elif came_in is None:
        first_in_ms = presence.first_in_ms
    else:
        first_in_ms = min(presence.first_in_ms, came_in)
    return Presence(
        first_in_ms=first_in_ms,
        last_ms=newest[0],
        inside=newest[1],
        taps=presence.taps + 1,
        received_ms=min(presence.received_ms, tap.received_ms),
        terminal_id=newest[2],
    )
