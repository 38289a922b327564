"""A tap makes at most one registration: of the day, or of the act, as the regime of its works says.

Part of the projection, and like it without a clock: *now* is the moment the hub first held the tap.
The rules themselves are `hub.domain.day_regime` and `hub.domain.in_out_regime`; here the facts they
want are fetched, and what they say is written down.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Protocol

from hub.application.registrations import NewRegistration
from hub.domain.causes import Cause
from hub.domain.day_regime import Decision, TapFacts, believed_ms, decide, tap_day
from hub.domain.in_out_regime import WINDOW_MS, ActFacts, decide_act, way_of
from hub.domain.legal_day import brussels_day
from hub.domain.people import limosa_covers
from hub.domain.presence import Presence, PresenceTap, fold
from hub.domain.registration import LIVE, State, client_reference
from hub.domain.works import Regime
from protocol.record import DIRECTION_OUT, REASON_UNKNOWN_BADGE, VERDICT_GRANTED

_CLOCK = (Cause.CLOCK_UNKNOWN, Cause.CLOCK_WRONG)


@dataclass(frozen=True, slots=True)
class Known:
    """What the register says of the owner of a badge, without any number.

    Args:
        person_id: the person.
        token: stands for the person in client references.
        has_inss: an INSS or BIS number is known.
        has_company: the enterprise number of the employer is known.
        has_limosa: a Limosa number is known.
        has_vat: the VAT number of a foreign employer is known.
        works_here: he works here at all; False for a visitor or a delivery.
        works_from: he was a visitor or a delivery before this Brussels day; None: never.
        limosa_from, limosa_until: first and last day of his Limosa declaration; None = not known.
        linked_ms: since when the badge is his, UTC milliseconds.
    """

    person_id: int
    token: str
    has_inss: bool
    has_company: bool
    has_limosa: bool
    has_vat: bool = False
    works_here: bool = True
    works_from: date | None = None
    limosa_from: date | None = None
    limosa_until: date | None = None
    linked_ms: int = 0

    def works_on(self, day: date) -> bool:
        """Returns whether he worked here on that day, rather than being a visitor."""
        return self.works_here and (self.works_from is None or day >= self.works_from)

    def limosa_covers(self, day: date) -> bool:
        """Returns whether his Limosa declaration, if there is one, covers that day."""
        return not self.has_limosa or limosa_covers(day, self.limosa_from, self.limosa_until)


@dataclass(frozen=True, slots=True)
class WorksHere:
    """Under which works number a person is at a site on a day, and what that means.

    Args:
        number: empty when nobody has said which.
        missing: why there is none.
        regime: the regime of that works declaration on that day; without one, that of the site's
            works if they all stand under the same, else `day`.
        has_place: whether the place is known, for the in/out service.
    """

    number: str
    missing: Cause | None
    regime: Regime
    has_place: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """One registration of a person, site and day, as the store has it."""

    reference: str
    works_number: str
    state: str
    cause: str
    act: str
    direction: str | None
    tap_ms: int


@dataclass(slots=True)
class TapRow:
    """One tap as a row; `at_ms` is None while nothing dates it."""

    stream_id: int
    seq: int
    terminal_id: str
    direction: int
    verdict: int
    reason: int
    tag: bytes
    person_id: int | None
    boot: int
    ticks_ms: int
    quality: int
    at_ms: int | None
    received_ms: int

    @property
    def act(self) -> str:
        """Names this tap as the subject of a registration."""
        return f"{self.stream_id}.{self.seq}"

    def counts_for(self, known: Known) -> bool:
        """Returns whether its person showed up by it: the gate opened, or would have.

        A badge that was refused as unknown and linked later on the same day was its holder's: he
        stood at the gate with it. Refused after the link, the gate did not open for a badge that
        the hub knew: he came in by no tap of it.
        """
        if self.verdict == VERDICT_GRANTED:
            return True
        if self.reason != REASON_UNKNOWN_BADGE:
            return False
        believed = believed_ms(self.at_ms, self.received_ms)
        act_ms = self.received_ms if believed is None else believed
        return act_ms < known.linked_ms and brussels_day(act_ms) == brussels_day(known.linked_ms)


class RegisteringPort(Protocol):
    """What registering needs of the store, inside one transaction."""

    def owner(
        self, tag: bytes, stream_id: int, seq: int, at_ms: int | None, received_ms: int
    ) -> Known | None:
        """Returns whose tap this is: the owner of its badge, then and not later."""
        ...

    def person(self, person_id: int) -> Known | None:
        """Returns somebody who acted without a badge; None when there is no such row any more."""
        ...

    def works(self, person_id: int, site_id: int, day: date) -> WorksHere:
        """Returns the works number of a person at a site on a day."""
        ...

    def presence(self, person_id: int, site_id: int, day: date) -> Presence | None:
        """Returns the presence so far."""
        ...

    def put_presence(self, person_id: int, site_id: int, day: date, presence: Presence) -> None:
        """Writes it."""
        ...

    def inside_since(self, person_id: int, site_id: int, day: date) -> int | None:
        """Returns the open in-tap of the day before `day` (UTC ms), for a night shift."""
        ...

    def standing(self, person_id: int, site_id: int, day: date) -> list[Standing]:
        """Returns all registrations of a person at a site on a day."""
        ...

    def waits_undated(self, person_id: int, day: date) -> bool:
        """Returns whether a tap of this person that came in on this day has no date yet."""
        ...

    def add_registration(self, registration: NewRegistration) -> None:
        """Adds it, with its first step."""
        ...

    def change_registration(
        self, reference: str, state: State, cause: Cause, now_ms: int, tap_ms: int, due_ms: int
    ) -> None:
        """Takes a step; the life cycle is checked."""
        ...


class Registering:
    """Gives a tap its effect on presence and registration.

    Args:
        port: the store, inside one transaction.
        window_ms: milliseconds after an act in which the in/out service takes it.
    """

    def __init__(self, port: RegisteringPort, window_ms: int = WINDOW_MS) -> None:
        self._port = port
        self._window_ms = window_ms

    def happened(self, site_id: int, tap: TapRow, now_ms: int) -> None:
        """A tap that is stored has its effect; call it once for each tap, when it has its date.

        Args:
            site_id: site of the gate.
            tap: the tap.
            now_ms: UTC milliseconds at which the hub first held what decides: the tap itself, or
                the record that dates it.
        """
        known = self._owner(tap)
        if known is not None and tap.counts_for(known):
            self._counts(known, site_id, tap, now_ms)

    def acted(self, site_id: int, act: TapRow, now_ms: int) -> None:
        """An act without a badge that is stored has its effect; call it once for each act.

        Args:
            site_id: where.
            act: it, as a tap without a badge of a known person who was let pass.
            now_ms: UTC milliseconds at which the hub first held it.
        """
        known = None if act.person_id is None else self._port.person(act.person_id)
        if known is not None:
            self._counts(known, site_id, act, now_ms)

    def _counts(self, known: Known, site_id: int, tap: TapRow, now_ms: int) -> None:
        day = tap_day(tap.at_ms, now_ms)
        works = self._port.works(known.person_id, site_id, day)
        if works.regime == "in_out":
            self._act(known, works, site_id, tap, day, now_ms)
        else:
            self._day(known, works, site_id, tap, day, now_ms)

    def redated(self, site_id: int, tap: TapRow, now_ms: int) -> None:
        """Drops what an undated tap held on the day of its receipt, if it was of another day.

        What is held for another reason, or for another tap that still has no date, stays.
        """
        known = self._owner(tap)
        shown_on = tap_day(None, tap.received_ms)
        if known is None or tap_day(tap.at_ms, now_ms) == shown_on:
            return
        waits = self._port.waits_undated(known.person_id, shown_on)
        for row in self._port.standing(known.person_id, site_id, shown_on):
            if row.state != State.HELD or row.cause != Cause.CLOCK_UNKNOWN:
                continue
            if row.act == tap.act or (not row.act and not waits):
                self._port.change_registration(
                    row.reference, State.DROPPED, Cause.REDATED, now_ms, tap.received_ms, now_ms
                )

    def _owner(self, tap: TapRow) -> Known | None:
        return self._port.owner(tap.tag, tap.stream_id, tap.seq, tap.at_ms, tap.received_ms)

    # ------------------------------------------------------------ presence

    def _present(self, known: Known, site_id: int, tap: TapRow, decision: Decision) -> None:
        if decision.present:
            # The decision's moment: a stamp a little ahead of its receipt counts as the receipt.
            seen = PresenceTap(decision.tap_ms, tap.direction, tap.received_ms, tap.terminal_id)
            before = self._port.presence(known.person_id, site_id, decision.day)
            self._port.put_presence(known.person_id, site_id, decision.day, fold(before, seen))

    # ------------------------------------------------------------ day regime

    def _day(
        self, known: Known, works: WorksHere, site_id: int, tap: TapRow, day: date, now_ms: int
    ) -> None:
        inside_since = (
            self._port.inside_since(known.person_id, site_id, day)
            if tap.direction == DIRECTION_OUT
            else None
        )
        rows = [r for r in self._port.standing(known.person_id, site_id, day) if not r.act]
        living = [row for row in rows if row.state in LIVE]
        # One that is on its way or has its number covers the day, whatever else is held.
        existing = min(living, key=lambda row: row.state == State.HELD, default=None)
        facts = TapFacts(
            at_ms=tap.at_ms,
            direction=tap.direction,
            granted=True,
            person_known=True,
            has_works=bool(works.number),
            has_inss=known.has_inss,
            has_company=known.has_company,
            has_limosa=known.has_limosa,
            existing=existing.state if existing else None,
            inside_since_ms=inside_since,
            missing_works=works.missing or Cause.NO_WORKS_NUMBER,
            works_here=known.works_on(day),
            limosa_covers=known.limosa_covers(day),
        )
        decision = decide(facts, now_ms)
        self._present(known, site_id, tap, decision)
        if decision.state is None and existing and existing.cause in _CLOCK and decision.present:
            # The clock is no longer what is missing: say what is, as if this tap had come first.
            decision = decide(replace(facts, existing=None), now_ms)
        self._write(known, works, site_id, tap, decision, existing, rows, now_ms)

    # ------------------------------------------------------------ in/out regime

    def _act(
        self, known: Known, works: WorksHere, site_id: int, tap: TapRow, day: date, now_ms: int
    ) -> None:
        rows = self._port.standing(known.person_id, site_id, day)
        mine = [row for row in rows if row.act == tap.act]
        existing = next((row for row in mine if row.state in LIVE), None)
        way = way_of(tap.direction)
        same_way = tuple(
            row.tap_ms
            for row in rows
            if row.act
            and row.act != tap.act
            and row.state in LIVE
            and row.direction == way
            and row.cause not in _CLOCK
        )
        facts = ActFacts(
            at_ms=tap.at_ms,
            direction=tap.direction,
            granted=True,
            missing_works=works.missing,
            has_inss=known.has_inss,
            has_employer=known.has_company or known.has_vat,
            has_place=works.has_place,
            existing=existing.state if existing else None,
            same_way_ms=same_way,
            works_here=known.works_on(day),
            limosa_covers=known.limosa_covers(day),
        )
        decision = decide_act(facts, now_ms, self._window_ms)
        self._present(known, site_id, tap, decision)
        self._write(known, works, site_id, tap, decision, existing, mine, now_ms)

    # ------------------------------------------------------------ writing it down

    def _write(
        self,
        known: Known,
        works: WorksHere,
        site_id: int,
        tap: TapRow,
        decision: Decision,
        existing: Standing | None,
        rows: list[Standing],
        now_ms: int,
    ) -> None:
        """Makes the registration that was decided, or takes a step of the one that is there.

        Args:
            rows: what there is, or was, for the same subject.
        """
        if decision.state is None:
            return
        port = self._port
        if existing is not None:
            if works.number in (existing.works_number, ""):
                if (existing.state, existing.cause) != (decision.state, decision.cause):
                    port.change_registration(
                        existing.reference,
                        decision.state,
                        decision.cause,
                        now_ms,
                        decision.tap_ms,
                        decision.due_ms,
                    )
                return
            # Meanwhile somebody has said another works number than the one it was held under.
            port.change_registration(
                existing.reference,
                State.DROPPED,
                Cause.ASSIGNED,
                now_ms,
                decision.tap_ms,
                decision.due_ms,
            )
        in_out = works.regime == "in_out"
        act = tap.act if in_out else ""
        generation = sum(row.works_number == works.number and row.state not in LIVE for row in rows)
        port.add_registration(
            NewRegistration(
                reference=client_reference(
                    known.token, works.number, decision.day, generation, act
                ),
                person_id=known.person_id,
                site_id=site_id,
                works_number=works.number,
                day=decision.day,
                state=decision.state,
                cause=decision.cause,
                tap_ms=decision.tap_ms,
                due_ms=decision.due_ms,
                changed_ms=now_ms,
                regime=works.regime,
                act=act,
                direction=way_of(tap.direction) if in_out else None,
                stream_id=tap.stream_id,
                seq=tap.seq,
            )
        )
