"""The books of a site and day: taps = stored, presences = registered + explained, or an alarm.

Theory of operation. The balance believes no counter: it is computed each time from the facts and
from what was derived of them. Each tap and each presence falls into exactly one column, so every
line adds up by construction, and what fits no column lands in the one that must be 0:

    tap records the hub received     = taps stored + not projected yet + missing
    acts without a badge that it kept = had their effect + not projected yet + missing
    people present (day regime)      = registered + with remarks + explained + waiting + unexplained
    acts (in/out regime)             = the same

*Explained* is what cannot become a registration, with the reason that its page shows: held,
refused, lapsed, cancelled, made elsewhere. *Waiting* is on its way: right today, an open point once
the day is over, since nothing of a past day is on its way any more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, Final, Protocol

from hub.domain.causes import Cause
from hub.domain.registration import LIVE, State


class Column(StrEnum):
    """Where one presence or act stands."""

    REGISTERED = "registered"
    REMARKS = "remarks"
    WAITING = "waiting"
    EXPLAINED = "explained"
    UNEXPLAINED = "unexplained"


_COLUMNS: Final = {
    State.HELD: Column.EXPLAINED,
    State.REFUSED: Column.EXPLAINED,
    State.LAPSED: Column.EXPLAINED,
    State.CANCELLED: Column.EXPLAINED,
    State.DUE: Column.WAITING,
    State.SENDING: Column.WAITING,
    State.IN_DOUBT: Column.WAITING,
    State.FLAGGED: Column.REMARKS,
    State.REGISTERED: Column.REGISTERED,
    State.VALIDATED: Column.REGISTERED,
    State.CANCELLING: Column.REGISTERED,
    State.DROPPED: Column.UNEXPLAINED,
}
_ENDED_WELL: Final = (Cause.REGISTERED_ELSEWHERE, Cause.GIVEN_UP, Cause.NOT_A_WORKER)
"""Why one was dropped although the person was there."""
_URGENCY: Final = (Column.EXPLAINED, Column.WAITING, Column.REMARKS, Column.REGISTERED)
"""Of several registrations that count for one person, the first of these decides, as it does on the
dashboard."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Where one presence or act stands, and for what is explained why."""

    column: Column
    state: str = ""
    cause: str = ""


def entry_of(registrations: Iterable[tuple[State, str]]) -> Entry:
    """Returns where a presence or an act with these (state, cause) stands; without any: nowhere."""
    rows = list(registrations)
    living = [_entry(state, cause) for state, cause in rows if state in LIVE]
    if living:
        return min(living, key=lambda entry: _URGENCY.index(entry.column))
    ended = [_entry(state, cause) for state, cause in rows]
    explained = [entry for entry in ended if entry.column is Column.EXPLAINED]
    return (explained or ended or [Entry(Column.UNEXPLAINED)])[-1]


def _entry(state: State, cause: str) -> Entry:
    if state is State.DROPPED and cause in _ENDED_WELL:
        return Entry(Column.EXPLAINED, state, cause)
    column = _COLUMNS[state]
    return Entry(column, state, cause) if column is Column.EXPLAINED else Entry(column)


@dataclass(frozen=True, slots=True)
class Tally:
    """How many stand where; `total` is the sum of the columns.

    Args:
        explained: (state, cause, how many), the most frequent first.
    """

    total: int = 0
    registered: int = 0
    remarks: int = 0
    waiting: int = 0
    unexplained: int = 0
    explained: tuple[tuple[str, str, int], ...] = ()

    @property
    def exceptions(self) -> int:
        """How many are explained."""
        return sum(count for _, _, count in self.explained)


def tally(entries: Sequence[Entry]) -> Tally:
    """Counts where they stand."""
    columns = Counter(entry.column for entry in entries)
    reasons = Counter(
        (entry.state, entry.cause) for entry in entries if entry.column is Column.EXPLAINED
    )
    return Tally(
        total=len(entries),
        registered=columns[Column.REGISTERED],
        remarks=columns[Column.REMARKS],
        waiting=columns[Column.WAITING],
        unexplained=columns[Column.UNEXPLAINED],
        explained=tuple(
            (state, cause, count)
            for (state, cause), count in sorted(
                reasons.items(), key=lambda item: (-item[1], item[0])
            )
        ),
    )


@dataclass(frozen=True, slots=True)
class TapBooks:
    """The records of one site that the hub received on one day, whatever day they tell of.

    Args:
        received: tap records in the inbox.
        stored: taps made of them.
        ahead: of those received, how many are not projected yet.
        unreadable: records, of whatever kind, that came damaged.
        lost: records of which a gate said on this day that they exist nowhere any more.
        open: sequence numbers that no record has although later ones are here: at this moment.
        undated: of the taps, how many no clock evidence dates yet.
    """

    received: int = 0
    stored: int = 0
    ahead: int = 0
    unreadable: int = 0
    lost: int = 0
    open: int = 0
    undated: int = 0

    @property
    def missing(self) -> int:
        """Records of which no tap was made; negative: taps that no record has."""
        return self.received - self.stored - self.ahead


@dataclass(frozen=True, slots=True)
class UnbadgedBooks:
    """The acts without a badge that the hub took at one site on one day.

    Args:
        kept: acts in the store.
        counted: of them, how many had their effect.
        ahead: how many did not have it yet.
    """

    kept: int = 0
    counted: int = 0
    ahead: int = 0

    @property
    def missing(self) -> int:
        """Acts that were passed over; negative: effects that no act has."""
        return self.kept - self.counted - self.ahead


@dataclass(frozen=True, slots=True)
class Compared:
    """What the newest runs with the authority found for the works numbers of a site and a day.

    Args:
        at_ms: the oldest of those runs, UTC milliseconds; None when a works number had none yet.
        failed: code of what kept the newest search from being made; empty for nothing.
        differences: (kind, explained, how many).
    """

    at_ms: int | None = None
    failed: str = ""
    differences: tuple[tuple[str, bool, int], ...] = ()

    @property
    def unexplained(self) -> int:
        """How many differences somebody has to look into."""
        return sum(count for _, explained, count in self.differences if not explained)


class Point(StrEnum):
    """What keeps books open; the key of its text in the catalogue."""

    TAPS_MISSING = "taps_missing"
    TAPS_AHEAD = "taps_ahead"
    UNBADGED_MISSING = "unbadged_missing"
    UNBADGED_AHEAD = "unbadged_ahead"
    UNREADABLE = "unreadable"
    LOST = "lost"
    OPEN = "open"
    PRESENCES_UNEXPLAINED = "presences_unexplained"
    PRESENCES_WAITING = "presences_waiting"
    ACTS_UNEXPLAINED = "acts_unexplained"
    ACTS_WAITING = "acts_waiting"
    DIFFERENCES = "differences"


@dataclass(frozen=True, slots=True)
class SiteBooks:
    """The books of one site and Brussels day.

    Args:
        past: the day was over when they were made.
        planned: people planned here for the day.
        not_seen: of them, how many were not seen.
        registered_unseen: people with a number for the day who were not seen.
    """

    site_id: int
    site: str
    day: date
    past: bool
    taps: TapBooks = field(default_factory=TapBooks)
    unbadged: UnbadgedBooks = field(default_factory=UnbadgedBooks)
    presences: Tally = field(default_factory=Tally)
    acts: Tally = field(default_factory=Tally)
    planned: int = 0
    not_seen: int = 0
    registered_unseen: int = 0
    compared: Compared = field(default_factory=Compared)

    @property
    def points(self) -> tuple[tuple[Point, int], ...]:
        """What keeps the books open, with how many; empty when they balance."""
        late = int(self.past)
        found = (
            (Point.TAPS_MISSING, abs(self.taps.missing)),
            (Point.TAPS_AHEAD, self.taps.ahead * late),
            (Point.UNBADGED_MISSING, abs(self.unbadged.missing)),
            (Point.UNBADGED_AHEAD, self.unbadged.ahead * late),
            (Point.UNREADABLE, self.taps.unreadable),
            (Point.LOST, self.taps.lost),
            (Point.OPEN, self.taps.open * late),
            (Point.PRESENCES_UNEXPLAINED, self.presences.unexplained),
            (Point.PRESENCES_WAITING, self.presences.waiting * late),
            (Point.ACTS_UNEXPLAINED, self.acts.unexplained),
            (Point.ACTS_WAITING, self.acts.waiting * late),
            (Point.DIFFERENCES, self.compared.unexplained),
        )
        return tuple((point, count) for point, count in found if count)

    @property
    def balances(self) -> bool:
        """Nothing is left open."""
        return not self.points

    def as_json(self) -> dict[str, Any]:
        """Returns all of it for scripts; it holds numbers of things and no person."""
        return {
            "site": self.site,
            "site_id": self.site_id,
            "day": self.day.isoformat(),
            "past": self.past,
            "balances": self.balances,
            "open_points": [{"point": point, "count": count} for point, count in self.points],
            "taps": {
                "received": self.taps.received,
                "stored": self.taps.stored,
                "ahead": self.taps.ahead,
                "missing": self.taps.missing,
                "unreadable": self.taps.unreadable,
                "lost": self.taps.lost,
                "open": self.taps.open,
                "undated": self.taps.undated,
            },
            "unbadged": {
                "kept": self.unbadged.kept,
                "counted": self.unbadged.counted,
                "ahead": self.unbadged.ahead,
                "missing": self.unbadged.missing,
            },
            "presences": _tally_json(self.presences),
            "acts": _tally_json(self.acts),
            "plan": {
                "planned": self.planned,
                "not_seen": self.not_seen,
                "registered_unseen": self.registered_unseen,
            },
            "compared": {
                "at_ms": self.compared.at_ms,
                "failed": self.compared.failed,
                "unexplained": self.compared.unexplained,
                "differences": [
                    {"kind": kind, "explained": explained, "count": count}
                    for kind, explained, count in self.compared.differences
                ],
            },
        }


def _tally_json(made: Tally) -> dict[str, Any]:
    return {
        "total": made.total,
        "registered": made.registered,
        "remarks": made.remarks,
        "waiting": made.waiting,
        "explained": made.exceptions,
        "unexplained": made.unexplained,
        "reasons": [
            {"state": state, "cause": cause, "count": count}
            for state, cause, count in made.explained
        ],
    }


@dataclass(frozen=True, slots=True)
class OpenBooks:
    """An incident that somebody has to look into: when, its code and what it is about."""

    at_ms: int
    code: str
    detail: str


class BalancePort(Protocol):
    """Where the books come from. Only reads, from any thread."""

    def books(self, day: date, now_ms: int) -> tuple[SiteBooks, ...]:
        """Returns the books of every site for a Brussels day, by name of the site."""
        ...

    def alarms(self, since_ms: int) -> tuple[OpenBooks, ...]:
        """Returns the incidents about books, runs and evidence since then, newest first."""
        ...
