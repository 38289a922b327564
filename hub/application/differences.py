"""What the authority holds against what we hold, for one works number and day: each difference.

Theory of operation. A row of the authority is ours when it carries a number we know, else when it
carries a client reference of ours. Every other row is somebody's who used another channel (the
portal, a telephone, the software of a subcontractor), and is put to a person of the register by his
INSS or Limosa number. Each row and each registration of ours then either agrees or is a difference
of one of the kinds below: what it means, whether that explains it, and the one thing to do are one
table here and in the catalogue (`reconcile.<kind>`). A difference that is explained needs nobody;
one that is not is an incident.

Where the authority knows better, our registration takes the step: an answer that was lost is found,
a cancellation or a validation is taken over. A registration that is not sent yet and that somebody
made elsewhere is not sent any more. Every step is one that the life cycle has; where it has none,
the difference is told and nothing is changed. Pure functions: nothing here looks anything up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from hub.application.judgement import CANCELLED, JUDGED, same_remarks
from hub.domain.causes import Cause
from hub.domain.registration import NUMBERED, TRANSITIONS, State

SAME_ACT_MS: Final = 10 * 60 * 1000
"""In/out regime: an event of another channel within this time of a tap that goes the same way is
the same act. Our choice: whoever helps himself with a telephone does so while he stands there."""


class Kind(StrEnum):
    """What kind of difference it is; the key of its texts in the catalogue."""

    NOT_SHOWN = "not_shown"
    NOT_LISTED = "not_listed"
    CANCELLED_THERE = "cancelled_there"
    LIVE_THERE = "live_there"
    STATE_DIFFERS = "state_differs"
    REMARKS_DIFFER = "remarks_differ"
    NUMBER_FOUND = "number_found"
    REGISTERED_ELSEWHERE = "registered_elsewhere"
    ELSEWHERE = "elsewhere"
    ELSEWHERE_CANCELLED = "elsewhere_cancelled"
    DOUBLE = "double"
    IDENTITY_DIFFERS = "identity_differs"
    STRANGER = "stranger"
    IN_HAND = "in_hand"


EXPLAINED: Final = {
    Kind.NOT_SHOWN: False,
    Kind.NOT_LISTED: True,
    Kind.CANCELLED_THERE: True,
    Kind.LIVE_THERE: False,
    Kind.STATE_DIFFERS: True,
    Kind.REMARKS_DIFFER: True,
    Kind.NUMBER_FOUND: True,
    Kind.REGISTERED_ELSEWHERE: True,
    Kind.ELSEWHERE: True,
    Kind.ELSEWHERE_CANCELLED: False,
    Kind.DOUBLE: False,
    Kind.IDENTITY_DIFFERS: True,
    Kind.STRANGER: True,
    Kind.IN_HAND: True,
}
"""Whether the kind says why the two differ, so that nobody has to look into it."""

WAY_TO_REGISTERED: Final = {
    State.IN_DOUBT: (),
    State.LAPSED: (),
    State.DUE: (State.SENDING,),
    State.REFUSED: (State.DUE, State.SENDING),
    State.HELD: (State.DUE, State.SENDING),
}
"""Steps before `registered` for one whose reference the authority shows: it was sent, whatever
became of what we knew of it (a backup put back, for one)."""


@dataclass(frozen=True, slots=True)
class Ours:
    """A registration of ours for this works number and day.

    Args:
        number: number of the authority that we know; None without one.
        tap_ms: moment of the act, UTC milliseconds.
        direction: `in` or `out` in the in/out regime; else None.
        remarks: of the authority's check, as we last heard them.
    """

    reference: str
    person_id: int
    state: State
    cause: str
    number: int | None
    tap_ms: int
    direction: str | None = None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class There:
    """A row of the authority, its person already looked up.

    Args:
        reference: client reference it shows; empty when none.
        number: of the authority.
        status: one of the four words of the day service.
        created: creation moment as the authority wrote it.
        named: the row says whom it is for.
        person_id: that person in our register; None when he is not in it or the row names nobody.
        listed: found by the search; False when only its number led to it.
        act_ms, direction: in the in/out regime.
    """

    reference: str
    number: int
    status: str
    created: str = ""
    remarks: tuple[str, ...] = ()
    named: bool = True
    person_id: int | None = None
    listed: bool = True
    act_ms: int | None = None
    direction: str | None = None
    channel: str = ""

    @property
    def live(self) -> bool:
        """It was not cancelled."""
        return self.status != CANCELLED


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference; `detail` holds words of ours and of the authority, no person number."""

    kind: Kind
    reference: str | None = None
    number: int | None = None
    person_id: int | None = None
    detail: str = ""

    @property
    def explained(self) -> bool:
        """See `EXPLAINED`."""
        return EXPLAINED[self.kind]


@dataclass(frozen=True, slots=True)
class Effect:
    """One step that a registration of ours takes because of what the authority shows.

    Args:
        row: what the authority shows; kept with the step when it brings number or answer.
    """

    reference: str
    state: State
    cause: Cause
    row: There | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that one search showed.

    Args:
        agreeing: registrations of ours that the authority holds as we do.
        effects: steps in the order in which they are taken.
    """

    agreeing: int
    differences: tuple[Difference, ...]
    effects: tuple[Effect, ...]


def compare(ours: Sequence[Ours], there: Sequence[There]) -> Comparison:
    """Returns how the two differ, and what of it our registrations take over.

    Args:
        ours: every registration of ours for the works number and day, ended ones too.
        there: every row the authority shows for them, and those got by their number.
    """
    books = _Books(ours)
    foreign: list[There] = []
    for row in sorted(there, key=lambda one: one.number):
        if not books.take(row):
            foreign.append(row)
    books.look_at_ours()
    for row in foreign:
        books.look_at_foreign(row)
    return Comparison(books.agreeing, tuple(books.differences), tuple(books.effects))


class _Books:
    """The comparison under way."""

    def __init__(self, ours: Sequence[Ours]) -> None:
        self._ours = list(ours)
        self._by_reference = {one.reference: one for one in ours}
        self._by_number = {one.number: one for one in ours if one.number is not None}
        self._rows: dict[str, list[There]] = {}
        # Live rows of the authority by person, to see a second one for the same thing.
        self._standing: list[tuple[int, There]] = []
        self._adopted: set[str] = set()
        self.agreeing = 0
        self.differences: list[Difference] = []
        self.effects: list[Effect] = []

    def take(self, row: There) -> bool:
        """Puts the row to a registration of ours; returns False when it is not ours."""
        one = self._by_number.get(row.number) or self._by_reference.get(row.reference)
        if one is None:
            return False
        self._rows.setdefault(one.reference, []).append(row)
        return True

    def look_at_ours(self) -> None:
        """Compares each registration of ours with its row, or says that it has none."""
        for one in self._ours:
            rows = self._rows.get(one.reference, [])
            main = _main(one, rows)
            before = len(self.differences)
            if main is None:
                self._without_row(one)
            else:
                self._with_row(one, main)
            ended = one.state in (State.CANCELLED, State.DROPPED)
            for row in rows:
                if row is not main and row.live:
                    self._found(Kind.LIVE_THERE if ended else Kind.DOUBLE, one, row)
            if main is not None and main.live:
                self._standing.append((one.person_id, _dated(main, one)))
            self.agreeing += len(self.differences) == before and one.state in NUMBERED

    def look_at_foreign(self, row: There) -> None:
        """Explains a row that came through another channel."""
        if not row.live:
            return
        if row.person_id is None:
            self._found(Kind.STRANGER, None, row)
            return
        person_id = row.person_id
        if any(who == person_id and _same_act(row, other) for who, other in self._standing):
            self._found(Kind.DOUBLE, self._waiting_for(row), row)
            return
        self._standing.append((person_id, row))
        one = self._waiting_for(row)
        if one is None:
            self._found(Kind.ELSEWHERE, None, row)
        else:
            self._found(Kind.REGISTERED_ELSEWHERE, one, row)
            self._adopted.add(one.reference)
            may = State.REGISTERED in TRANSITIONS[one.state]
            state = State.REGISTERED if may else State.DROPPED
            self._step(one, state, Cause.REGISTERED_ELSEWHERE, row)

    # ------------------------------------------------------------ one of ours

    def _without_row(self, one: Ours) -> None:
        relied_on = one.state is State.DROPPED and one.cause == Cause.REGISTERED_ELSEWHERE
        if one.number is not None and (one.state in NUMBERED or relied_on):
            self._add(Difference(Kind.NOT_SHOWN, one.reference, one.number, one.person_id))

    def _with_row(self, one: Ours, row: There) -> None:
        if one.state in NUMBERED:
            self._numbered(one, row)
        elif one.state is State.SENDING:
            self._found(Kind.IN_HAND, one, row)
        elif one.state in (State.CANCELLED, State.DROPPED):
            self._ended(one, row)
        elif row.live or one.state is State.IN_DOUBT:
            self._number_found(one, row)
        if row.named and row.person_id != one.person_id:
            self._found(Kind.IDENTITY_DIFFERS, one, row)

    def _numbered(self, one: Ours, row: There) -> None:
        if not row.live:
            in_hand = one.state is State.CANCELLING
            self._found(Kind.IN_HAND if in_hand else Kind.CANCELLED_THERE, one, row)
            if not in_hand:
                self._step(one, State.CANCELLED, Cause.CANCELLED_ELSEWHERE)
            return
        if not row.listed:
            self._found(Kind.NOT_LISTED, one, row)
        checked, cause = JUDGED.get(row.status, (None, None))
        # One that is being withdrawn is in the forwarder's hand; the authority's check of it is
        # of no account any more.
        if checked is None or cause is None or one.state is State.CANCELLING:
            return
        if checked is not one.state:
            self._found(Kind.STATE_DIFFERS, one, row)
            self._step(one, checked, cause, row)
        elif checked is State.FLAGGED and not same_remarks(row.remarks, one.remarks):
            self._found(Kind.REMARKS_DIFFER, one, row)
            self._step(one, checked, cause, row)

    def _ended(self, one: Ours, row: There) -> None:
        if one.state is State.DROPPED and one.cause == Cause.REGISTERED_ELSEWHERE:
            if not row.live:
                self._found(Kind.ELSEWHERE_CANCELLED, one, row)
        elif row.live:
            self._found(Kind.LIVE_THERE, one, row)

    def _number_found(self, one: Ours, row: There) -> None:
        """The authority holds what we sent, and we did not know."""
        self._found(Kind.NUMBER_FOUND, one, row)
        for state in WAY_TO_REGISTERED[one.state]:
            self._step(one, state, Cause.CLAIMED if state is State.SENDING else Cause.FOUND)
        self._step(one, State.REGISTERED, Cause.FOUND, row)
        if row.status in JUDGED:
            checked, cause = JUDGED[row.status]
            self._step(one, checked, cause, row if row.live else None)

    # ------------------------------------------------------------ small questions

    def _waiting_for(self, row: There) -> Ours | None:
        """Our registration that a row of another channel does the work of."""
        for one in self._ours:
            if (
                one.person_id == row.person_id
                and one.reference not in self._adopted
                and one.state in (State.HELD, State.DUE, State.REFUSED, State.LAPSED)
                and one.reference not in self._rows
                and _same_act(row, _dated(row, one))
            ):
                return one
        return None

    def _found(self, kind: Kind, one: Ours | None, row: There) -> None:
        person_id = row.person_id if one is None else one.person_id
        ours = "-" if one is None else str(one.state)
        said = " ".join(part for part in (row.channel, *row.remarks) if part)
        detail = f"{ours} / {row.status}" + (f" ({said})" if said else "")
        reference = None if one is None else one.reference
        self._add(Difference(kind, reference, row.number, person_id, detail))

    def _add(self, difference: Difference) -> None:
        self.differences.append(difference)

    def _step(self, one: Ours, state: State, cause: Cause, row: There | None = None) -> None:
        self.effects.append(Effect(one.reference, state, cause, row))


def _main(one: Ours, rows: Sequence[There]) -> There | None:
    """The row that is ours; without a number, the live one of our reference that came first."""
    if one.number is not None:
        return next((row for row in rows if row.number == one.number), None)
    return next((row for row in rows if row.live), rows[0] if rows else None)


def _dated(row: There, one: Ours) -> There:
    """The row as far as the act counts: that of our registration, which is known to the ms."""
    return There(row.reference, row.number, row.status, act_ms=one.tap_ms, direction=one.direction)


def _same_act(row: There, other: There) -> bool:
    """Day regime: the person is enough. In/out regime: the same way at about the same time."""
    if row.direction is None or other.direction is None:
        return True
    if row.act_ms is None or other.act_ms is None:
        return row.direction == other.direction
    return row.direction == other.direction and abs(row.act_ms - other.act_ms) <= SAME_ACT_MS
