"""Alerts: what makes one rise and clear. Pure functions of readings, what stood before, and time.

Theory of operation. A *reading* says that something is so at this moment: that it is at the limit
where an alert rises, or that it holds, which is between the limits, or not known just now. What
nobody reads any more is calm. For each (kind, subject):

    reading      nothing known     waiting to rise                open
    at limit     waits to rise     open after `after_ms`: RISEN   stays; WORSE if much more
    holds        -                 forgotten                      stays
    calm         -                 forgotten                      over after `calm_ms`: CLEARED

So a gate that comes and goes every minute makes one alert and not sixty. An alert that nobody has
acknowledged goes one step further each so many minutes: ESCALATED. Acknowledging stops that; it
makes nothing right, except for what happened once and is over by itself (a forced passage), which
is settled by somebody having looked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

MINUTE_MS: Final = 60_000
LAST_STEP: Final = 3
WORSE_BY: Final = 5
"""An alert that counts is told again when it has doubled, and by so many at least."""


class Level(StrEnum):
    """When an alert is told."""

    URGENT = "urgent"
    """At once, at night too: somebody is at the gate, or unregistered, and nobody knows."""
    PROMPT = "prompt"
    """At once, but not in quiet hours."""
    LATER = "later"
    """With others, when what was collected is told."""


class Kind(StrEnum):
    """What an alert is about, the most urgent first. The word is kept for ever."""

    GATE = "gate"
    """A gate lets nobody in, or its lid or fire contact is open; subject: gate and alarm."""
    FORCED = "forced"
    """Somebody went through a gate that was closed."""
    RECEIPT = "receipt"
    """People on a site of whom the authority gave no number for long."""
    SILENT = "silent"
    AUTHORITY_STOPPED = "stopped"
    """Our access is refused: nothing is sent until a human has settled it."""
    AUTHORITY = "authority"
    """Nobody answers there."""
    CERTIFICATE_OVER = "cert_over"
    LOST_RECORDS = "lost_records"
    """A gate began a new journal: what it kept of the old one is gone."""
    PLAN = "plan"
    """Tomorrow's plan cannot be registered as it is; subject: site and day."""
    JOURNAL = "journal"
    CLOCK = "clock"
    REFUSALS = "refusals"
    READER = "reader"
    BALANCE = "balance"
    """The books of a day that is over are open; subject: site and day."""
    CERTIFICATE = "certificate"


@dataclass(frozen=True, slots=True)
class Rule:
    """How an alert of a kind behaves.

    Args:
        level: when it is told.
        after_ms: how long it must be so before it rises.
        calm_ms: how long it must not be so before it is over.
        settled: acknowledging ends it.
    """

    level: Level
    after_ms: int = 0
    calm_ms: int = 2 * MINUTE_MS
    settled: bool = False


RULES: Final[Mapping[Kind, Rule]] = {
    Kind.GATE: Rule(Level.URGENT, MINUTE_MS // 2),
    Kind.FORCED: Rule(Level.URGENT, settled=True),
    Kind.RECEIPT: Rule(Level.URGENT),
    Kind.SILENT: Rule(Level.URGENT),
    Kind.AUTHORITY_STOPPED: Rule(Level.URGENT, calm_ms=MINUTE_MS),
    Kind.AUTHORITY: Rule(Level.URGENT, calm_ms=MINUTE_MS),
    Kind.CERTIFICATE_OVER: Rule(Level.URGENT),
    Kind.LOST_RECORDS: Rule(Level.PROMPT, settled=True),
    Kind.PLAN: Rule(Level.PROMPT),
    Kind.JOURNAL: Rule(Level.PROMPT, MINUTE_MS),
    Kind.CLOCK: Rule(Level.PROMPT, 10 * MINUTE_MS),
    Kind.REFUSALS: Rule(Level.PROMPT, calm_ms=15 * MINUTE_MS),
    Kind.READER: Rule(Level.LATER, calm_ms=15 * MINUTE_MS),
    Kind.BALANCE: Rule(Level.LATER),
    Kind.CERTIFICATE: Rule(Level.LATER),
}

Key = tuple[Kind, str]


@dataclass(frozen=True, slots=True)
class Reading:
    """Something is so now.

    Args:
        subject: what it is about, among its kind: a gate, a site, a day.
        count: how many; 1 for what is not counted.
        holds: it keeps an alert open and makes none.
        since_ms: since when it is so, UTC milliseconds; None: as long as it is read.
        site_id: where; None: it concerns all of the hub.
        details: names of gates, sites and companies, and counts, for the texts; never of a person.
    """

    kind: Kind
    subject: str
    count: int = 1
    holds: bool = False
    since_ms: int | None = None
    site_id: int | None = None
    details: Mapping[str, str | int] = field(default_factory=dict)


class Event(StrEnum):
    """What is told of an alert."""

    RISEN = "risen"
    WORSE = "worse"
    ESCALATED = "escalated"
    CLEARED = "cleared"


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert, from the first moment until it is over.

    Args:
        count: how many it is about now.
        told_count: how many it was about when it was last told.
        first_ms: since when it is so, UTC milliseconds, as all moments here.
        risen_ms: when it became an alert; None: it waits to rise.
        calm_ms: since when it is not so any more; None: it is.
        cleared_ms: when it was over; None: it is open, or waits to rise.
        acked_ms: when somebody acknowledged it.
        acked_by: who, as in the audit.
        ack_note: what he wrote.
        step: how far it was escalated, 1 to LAST_STEP.
        step_ms: from when the next step is counted.
    """

    kind: Kind
    subject: str
    site_id: int | None
    details: Mapping[str, str | int]
    count: int
    told_count: int
    first_ms: int
    risen_ms: int | None = None
    calm_ms: int | None = None
    cleared_ms: int | None = None
    acked_ms: int | None = None
    acked_by: str = ""
    ack_note: str = ""
    step: int = 1
    step_ms: int | None = None

    @property
    def key(self) -> Key:
        """What it is known by while it is not over."""
        return self.kind, self.subject

    @property
    def rule(self) -> Rule:
        """How it behaves."""
        return RULES[self.kind]

    @property
    def open(self) -> bool:
        """It has risen and is not over."""
        return self.risen_ms is not None and self.cleared_ms is None


@dataclass(frozen=True, slots=True)
class Changed:
    """What became of one alert in a look.

    Args:
        alert: as it is now.
        events: what is to be told of it, in order.
        forgotten: it waited to rise and is no more.
    """

    alert: Alert
    events: tuple[Event, ...] = ()
    forgotten: bool = False


def decide(
    now_ms: int,
    readings: Iterable[Reading],
    standing: Iterable[Alert],
    after_ms: Mapping[Kind, int] | None = None,
) -> list[Changed]:
    """Returns what changes, given what is read now and what stood before; what stays is left out.

    Args:
        now_ms: UTC milliseconds.
        readings: at most one for each (kind, subject); of several, one at the limit counts.
        standing: the alerts that are not over.
        after_ms: how long it must be so, for kinds where a setting says it.
    """
    read: dict[Key, Reading] = {}
    for one in readings:
        key = (one.kind, one.subject)
        if key not in read or read[key].holds:
            read[key] = one
    known = {one.key: one for one in standing}
    changed: list[Changed] = []
    for key in (*known, *(key for key in read if key not in known)):
        before, reading = known.get(key), read.get(key)
        wanted = (after_ms or {}).get(key[0], RULES[key[0]].after_ms)
        made = _next(now_ms, reading, before, wanted)
        if made is not None and (made.forgotten or made.alert != before):
            changed.append(made)
    return changed


def _next(
    now_ms: int, reading: Reading | None, before: Alert | None, after_ms: int
) -> Changed | None:
    if before is None:
        if reading is None or reading.holds:
            return None
        first_ms = now_ms if reading.since_ms is None else min(reading.since_ms, now_ms)
        return _rise(now_ms, _read(_new(reading, first_ms), reading), after_ms)
    if before.risen_ms is None:
        if reading is None or reading.holds:
            return Changed(before, forgotten=True)
        # Somebody set the clock back: it is counted from here on.
        waiting = replace(before, first_ms=min(before.first_ms, now_ms))
        return _rise(now_ms, _read(waiting, reading), after_ms)
    if reading is None:
        return _calm(now_ms, before)
    if reading.holds:
        return Changed(replace(before, calm_ms=None))
    return _worse(now_ms, _read(replace(before, calm_ms=None), reading))


def _new(reading: Reading, first_ms: int) -> Alert:
    return Alert(
        reading.kind, reading.subject, reading.site_id, reading.details, reading.count, 0, first_ms
    )


def _read(alert: Alert, reading: Reading) -> Alert:
    return replace(
        alert, count=reading.count, details=dict(reading.details), site_id=reading.site_id
    )


def _rise(now_ms: int, alert: Alert, after_ms: int) -> Changed:
    if now_ms - alert.first_ms < after_ms:
        return Changed(alert)
    risen = replace(alert, risen_ms=now_ms, told_count=alert.count, step_ms=now_ms)
    return Changed(risen, (Event.RISEN,))


def _worse(now_ms: int, alert: Alert) -> Changed:
    if alert.count < max(2 * alert.told_count, alert.told_count + WORSE_BY):
        return Changed(alert)
    # Who acknowledged one person without a number has not acknowledged thirty.
    worse = replace(
        alert,
        told_count=alert.count,
        acked_ms=None,
        acked_by="",
        ack_note="",
        step=1,
        step_ms=now_ms,
    )
    return Changed(worse, (Event.WORSE,))


def _calm(now_ms: int, alert: Alert) -> Changed:
    since_ms = now_ms if alert.calm_ms is None else min(alert.calm_ms, now_ms)
    if now_ms - since_ms < alert.rule.calm_ms:
        return Changed(replace(alert, calm_ms=since_ms))
    return Changed(replace(alert, calm_ms=since_ms, cleared_ms=now_ms), (Event.CLEARED,))


def escalated(now_ms: int, alert: Alert, after_ms: int, last_step: int) -> Alert | None:
    """Returns the alert one step further; None when it is not due.

    Args:
        now_ms: UTC milliseconds.
        after_ms: how long a step has; 0: it has for ever.
        last_step: the highest step that somebody is told at.
    """
    if not alert.open or alert.acked_ms is not None or alert.calm_ms is not None:
        return None
    if not after_ms or alert.step >= last_step or alert.step_ms is None:
        return None
    if now_ms - alert.step_ms < after_ms:
        return None
    return replace(alert, step=alert.step + 1, step_ms=now_ms)


def acknowledged(now_ms: int, alert: Alert, by: str, note: str = "") -> Changed | None:
    """Returns the alert as acknowledged; None when it is not open, or was acknowledged before.

    Args:
        now_ms: UTC milliseconds.
        by: who, as in the audit: `account:7`, `command`.
        note: what he wrote, or nothing.
    """
    if not alert.open or alert.acked_ms is not None:
        return None
    acked = replace(alert, acked_ms=now_ms, acked_by=by, ack_note=note)
    if not alert.rule.settled:
        return Changed(acked)
    return Changed(replace(acked, cleared_ms=now_ms), (Event.CLEARED,))
