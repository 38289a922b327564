"""Enrol modes: a badge is held somewhere, and the page that waits for it knows which it is.

Theory of operation. Somebody opens a place: a gate, a desk (a terminal of its own that lets nobody
in) or the reader on the hub's own pins. One session at a time waits at a place; whoever belongs to
the same company, or as he to the site office, sees the same session from any browser, and everybody
else only that the place is taken. What the projection stored is told with `tapped`, after the
commit.

    waiting --unknown badge--> seen --link--> done
       |                        |
       +--end, time, --> over <-+--end, time

| place | which badge | how long it waits |
| --- | --- | --- |
| gate | the first that nobody has, tapped after the start | MODE_MS |
| desk, pins | the next, whosesoever, or one of up to HELD_MS before | DESK_MS after the last look |
| typed | it is there from the beginning | - |

At a gate a badge that is somebody's goes on through as ever; one that is somebody's and was refused
is told beside (`refused`), and the session goes on waiting. Once a badge was seen the place is free
for the next session, and the form may be filled in within FORM_MS.

All of this is in memory: a restart of the hub ends it, and nothing of it needs to be kept. What a
session holds of a card is its tag; a page knows the session by a random handle only.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from hub.application.access import Actor
from hub.errors import UsageError
from protocol.record import (
    REASON_BLOCKED,
    REASON_EXPIRED,
    REASON_NOT_YET,
    REASON_OTHER_SITE,
    REASON_UNKNOWN_BADGE,
)

MODE_MS: Final = 2 * 60_000
DESK_MS: Final = 10 * 60_000
FORM_MS: Final = 15 * 60_000
HELD_MS: Final = 60_000
LATE_MS: Final = 60_000
"""A tap that was made so long before the start was kept at the gate meanwhile: its holder left."""
SESSIONS_MAX: Final = 32
"""Sessions of one account; the oldest ends when there is one more."""

_KNOWN: Final = (REASON_BLOCKED, REASON_EXPIRED, REASON_NOT_YET, REASON_OTHER_SITE)


class Kind(StrEnum):
    """What reads the badge."""

    GATE = "gate"
    DESK = "desk"
    PINS = "pins"
    TYPED = "typed"


class State(StrEnum):
    """How far a session is; see the module."""

    WAITING = "waiting"
    SEEN = "seen"
    DONE = "done"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a badge is held.

    Args:
        kind: what reads it.
        terminal: id of the gate or desk; empty for the others.
        name: what people call it; empty for the others.
        site_id: of the terminal.
        site: name of that site.
    """

    kind: Kind
    terminal: str = ""
    name: str = ""
    site_id: int | None = None
    site: str = ""

    @property
    def key(self) -> str:
        """Says which place it is, whatever it is called."""
        return f"{self.kind}:{self.terminal}"


PINS: Final = Place(Kind.PINS)
TYPED: Final = Place(Kind.TYPED)


@dataclass(frozen=True, slots=True, repr=False)
class SeenTap:
    """A tap that was stored, as far as enrolling looks at it.

    Args:
        terminal: id.
        tag: of the badge.
        owned: whether the hub knew whose it is.
        reason: why the terminal refused it, `protocol.record.REASON_...`.
        desk: the terminal is a desk.
        at_ms: when it was made, UTC; None: not known.
        received_ms: when the hub had it.
    """

    terminal: str
    tag: bytes
    owned: bool
    reason: int
    desk: bool
    at_ms: int | None
    received_ms: int


@dataclass(frozen=True, slots=True)
class Session:
    """One badge on its way to a person.

    Args:
        handle: what a page knows it by.
        place: where it is.
        owner: `Actor.name` of who opened it.
        label: what he is called, for those who may know.
        company_id: his company; None: he is of the site office.
        started_ms, until_ms: UTC.
        state: how far it is.
        tag: of the badge that is to be linked; None: none came yet.
        refused: of the last badge that was refused at the gate though somebody has it.
        seen_ms: when the badge was seen.
        meant: token of the person whose page it began at; empty: none.
        person: token of the person it was linked to.
        adopted: taps of today that became his.
    """

    handle: str
    place: Place
    owner: str
    label: str
    company_id: int | None
    started_ms: int
    until_ms: int
    state: State
    tag: bytes | None = field(default=None, repr=False)
    refused: bytes | None = field(default=None, repr=False)
    seen_ms: int | None = None
    meant: str = ""
    person: str = ""
    adopted: int = 0

    def left_s(self, now_ms: int) -> int:
        """Returns the seconds it still waits, rounded up."""
        return max(0, -((now_ms - self.until_ms) // 1000))


def same_party(session: Session, actor: Actor) -> bool:
    """Returns whether this is his session, or one of his company or of the site office he is of."""
    if session.owner == actor.name:
        return True
    return session.company_id == actor.company_id


class Enrolment:
    """The enrol modes of a running hub. Safe from every thread; it never waits.

    Args:
        clock: UTC milliseconds.
        new_handle: makes a handle that nobody can guess.
        changed: called after something a page shows has changed.
    """

    def __init__(
        self,
        clock: Callable[[], int],
        new_handle: Callable[[], str],
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._clock = clock
        self._new_handle = new_handle
        self._changed = changed
        self._lock = threading.Lock()
        self._sessions: dict[str, Session] = {}
        # The newest badge at a desk that nobody looked at, and when it came.
        self._held: dict[str, tuple[bytes, int]] = {}

    # ------------------------------------------------------------ pages

    def begin(self, place: Place, actor: Actor, meant: str = "") -> Session:
        """Waits for a badge at this place; the session that waits there already, if it is his.

        Args:
            meant: token of the person who is to have it, if that is known.

        Raises:
            UsageError: HUB-1683, somebody else waits there.
        """
        with self._lock:
            now = self._tidy()
            standing = self._waiting(place.key)
            if standing is not None:
                if same_party(standing, actor):
                    return self._put(replace(standing, meant=meant)) if meant else standing
                raise UsageError("HUB-1683", gate=place.name or place.kind)
            length = MODE_MS if place.kind is Kind.GATE else DESK_MS
            session = self._add(place, actor, now, now + length, meant)
            held = self._held.pop(place.key, None)
            if held is not None and now - held[1] <= HELD_MS:
                session = self._see(session, held[0], now)
        self._changed()
        return session

    def typed(self, tag: bytes, actor: Actor, meant: str = "") -> Session:
        """Returns a session with a badge that was read by a reader that types."""
        with self._lock:
            now = self._tidy()
            session = self._add(TYPED, actor, now, now + FORM_MS, meant)
            return self._see(session, tag, now)

    def waits_at(self, place: Place) -> Session | None:
        """Returns the session that waits at this place, whosesoever."""
        with self._lock:
            self._tidy()
            return self._waiting(place.key)

    def look(self, handle: str, actor: Actor) -> Session | None:
        """Returns a session of his; None: there is none, it is somebody else's, or long over.

        Looking keeps a session at a desk waiting.
        """
        with self._lock:
            now = self._tidy()
            session = self._sessions.get(handle)
            if session is None or not same_party(session, actor):
                return None
            if session.state is State.WAITING and session.place.kind is not Kind.GATE:
                session = self._put(replace(session, until_ms=now + DESK_MS))
            return session

    def take_refused(self, handle: str, actor: Actor) -> Session | None:
        """Goes on with the badge that was refused instead of waiting for another."""
        with self._lock:
            now = self._tidy()
            session = self._sessions.get(handle)
            if session is None or not same_party(session, actor):
                return None
            if session.state is State.WAITING and session.refused is not None:
                session = self._see(session, session.refused, now)
        self._changed()
        return session

    def end(self, handle: str, actor: Actor) -> Session | None:
        """Ends a session of his; returns it, None when there is none."""
        with self._lock:
            self._tidy()
            session = self._sessions.get(handle)
            if session is None or not same_party(session, actor):
                return None
            if session.state in (State.WAITING, State.SEEN):
                session = self._put(replace(session, state=State.OVER, tag=None, refused=None))
        self._changed()
        return session

    def linked(self, handle: str, person: str, adopted: int) -> None:
        """The badge is this person's now; the session forgets it."""
        with self._lock:
            session = self._sessions.get(handle)
            if session is not None:
                self._put(
                    replace(
                        session,
                        state=State.DONE,
                        tag=None,
                        refused=None,
                        person=person,
                        adopted=adopted,
                    )
                )
        self._changed()

    # ------------------------------------------------------------ readers

    def tapped(self, taps: Iterable[SeenTap]) -> None:
        """Takes what was stored, in its order; cheap while nobody waits."""
        news = False
        with self._lock:
            for tap in taps:
                if tap.desk:
                    at_ms = tap.received_ms if tap.at_ms is None else tap.at_ms
                    news |= self._held_at(f"{Kind.DESK}:{tap.terminal}", tap.tag, at_ms)
                else:
                    news |= self._tapped_at_gate(tap)
        if news:
            self._changed()

    def read(self, place: Place, tag: bytes) -> None:
        """A reader of the hub's own has read a badge."""
        with self._lock:
            news = self._held_at(place.key, tag, self._clock())
        if news:
            self._changed()

    def _held_at(self, key: str, tag: bytes, at_ms: int) -> bool:
        now = self._tidy()
        if now - at_ms > HELD_MS:
            return False  # a desk kept it while it had no hub
        session = self._waiting(key)
        if session is None:
            self._held[key] = (tag, at_ms)
            return False
        self._see(session, tag, now)
        return True

    def _tapped_at_gate(self, tap: SeenTap) -> bool:
        if tap.reason != REASON_UNKNOWN_BADGE and tap.reason not in _KNOWN:
            return False
        now = self._tidy()
        session = self._waiting(f"{Kind.GATE}:{tap.terminal}")
        if session is None or tap.received_ms < session.started_ms:
            return False
        if tap.at_ms is not None and tap.at_ms < session.started_ms - LATE_MS:
            return False
        if tap.owned or tap.reason in _KNOWN:
            self._put(replace(session, refused=tap.tag))
        else:
            self._see(session, tap.tag, now)
        return True

    # ------------------------------------------------------------ inside the lock

    def _waiting(self, key: str) -> Session | None:
        for session in self._sessions.values():
            if session.place.key == key and session.state is State.WAITING:
                return session
        return None

    def _add(self, place: Place, actor: Actor, now: int, until_ms: int, meant: str) -> Session:
        own = [one for one in self._sessions.values() if one.owner == actor.name]
        if len(own) >= SESSIONS_MAX:
            del self._sessions[min(own, key=lambda one: one.started_ms).handle]
        return self._put(
            Session(
                self._new_handle(),
                place,
                actor.name,
                actor.label or actor.name,
                actor.company_id,
                now,
                until_ms,
                State.WAITING,
                meant=meant,
            )
        )

    def _see(self, session: Session, tag: bytes, now: int) -> Session:
        return self._put(
            replace(
                session,
                state=State.SEEN,
                tag=tag,
                refused=None,
                seen_ms=now,
                until_ms=now + FORM_MS,
            )
        )

    def _put(self, session: Session) -> Session:
        self._sessions[session.handle] = session
        return session

    def _tidy(self) -> int:
        """Ends what waited too long and forgets what is long over; returns the time."""
        now = self._clock()
        for session in list(self._sessions.values()):
            if now >= session.until_ms and session.state in (State.WAITING, State.SEEN):
                self._put(replace(session, state=State.OVER, tag=None, refused=None))
            if now >= session.until_ms + FORM_MS:
                del self._sessions[session.handle]
        self._held = {k: held for k, held in self._held.items() if now - held[1] <= HELD_MS}
        return now
