"""When a report is due that goes out by itself, and which days it covers.

Theory of operation. A timing names a time of day in Brussels and the days on which it counts: each
day, certain weekdays, or the first of each month. Each such day has one due time. What a report
covers follows from it: the day before, the day itself until then, the week or the month before.

On the day on which summer time begins a time that is skipped is due an hour later; on the day on
which it ends a time that comes twice is due the first time. So each day has one due time, whichever
day it is, and a report is due once.

What is late by less than `KEEP_MS` is still wanted: yesterday's list in the afternoon is better
than none. What is later has missed its time: nobody waits for it any more, and the next one comes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Final

from hub.domain.legal_day import BRUSSELS, brussels_day

KEEP_MS: Final = 24 * 3_600_000
"""A report that is late by less than this is sent; one that is later is missed."""
LATE_MS: Final = 15 * 60_000
"""From so much on a mail says that it comes late."""
LOOK_BACK_DAYS: Final = 62
"""Due times of a hub that stood still for longer are not told one by one."""
_ONE_DAY: Final = timedelta(days=1)


class Kind(StrEnum):
    """The reports that can go out by themselves."""

    DAY = "day"
    HOURS = "hours"
    EXCEPTIONS = "exceptions"
    MONTHLY = "monthly"


class Rhythm(StrEnum):
    """On which days a report is due."""

    DAILY = "daily"
    WEEKDAYS = "weekdays"
    MONTHLY = "monthly"
    """On the first day of each month."""


class Cover(StrEnum):
    """Which days a report covers, seen from the day on which it is due."""

    YESTERDAY = "yesterday"
    TODAY = "today"
    """The day itself, until the moment at which it is made."""
    WEEK = "week"
    """Monday to Sunday of the week before."""
    MONTH = "month"
    """The month before."""


class Verdict(StrEnum):
    """What is to be done about a due time that has come."""

    ON_TIME = "on_time"
    LATE = "late"
    MISSED = "missed"


PATTERNS: Final = (
    (Rhythm.DAILY, Cover.YESTERDAY),
    (Rhythm.DAILY, Cover.TODAY),
    (Rhythm.WEEKDAYS, Cover.YESTERDAY),
    (Rhythm.WEEKDAYS, Cover.TODAY),
    (Rhythm.WEEKDAYS, Cover.WEEK),
    (Rhythm.MONTHLY, Cover.MONTH),
)
"""Which rhythm goes with which days: no report leaves a day out between two of its kind by mistake,
and none tells a week or a month twice."""


@dataclass(frozen=True, slots=True)
class Timing:
    """When a report is due, and what it covers.

    Args:
        at: time of day in Brussels, whole minutes.
        weekdays: ISO numbers, 1 for Monday to 7; only with `Rhythm.WEEKDAYS`.
    """

    rhythm: Rhythm
    cover: Cover
    at: time
    weekdays: frozenset[int] = frozenset()

    def counts(self, day: date) -> bool:
        """Returns whether a report is due on this day."""
        match self.rhythm:
            case Rhythm.DAILY:
                return True
            case Rhythm.WEEKDAYS:
                return day.isoweekday() in self.weekdays
            case Rhythm.MONTHLY:
                return day.day == 1


def fits(kind: Kind, timing: Timing) -> bool:
    """Returns whether this report can be made at these times.

    The list of a day is of one day, and months are whole; a week is told once, so on one weekday.
    """
    if (timing.rhythm, timing.cover) not in PATTERNS:
        return False
    if timing.rhythm is Rhythm.WEEKDAYS:
        days = timing.weekdays
        if not days or not days <= frozenset(range(1, 8)):
            return False
        if timing.cover is Cover.WEEK and len(days) > 1:
            return False
    elif timing.weekdays:
        return False
    match kind:
        case Kind.DAY:
            return timing.cover in (Cover.YESTERDAY, Cover.TODAY)
        case Kind.MONTHLY:
            return timing.cover is Cover.MONTH
        case Kind.HOURS | Kind.EXCEPTIONS:
            return True


def due_on(day: date, at: time) -> int:
    """Returns when a clock in Brussels says so on that day, UTC milliseconds: the first time when
    it does twice, an hour later when it never does."""
    return int(datetime.combine(day, at.replace(fold=0), BRUSSELS).timestamp()) * 1000


def due_times(timing: Timing, after_ms: int, until_ms: int) -> Iterator[int]:
    """Yields the due times after one moment and until another, oldest first, UTC milliseconds.

    Args:
        after_ms: itself not included; due times more than `LOOK_BACK_DAYS` before the end are left
            out.
        until_ms: itself included.
    """
    last = brussels_day(until_ms)
    day = max(brussels_day(max(after_ms, 0)), last - LOOK_BACK_DAYS * _ONE_DAY)
    while day <= last:
        if timing.counts(day):
            due_ms = due_on(day, timing.at)
            if after_ms < due_ms <= until_ms:
                yield due_ms
        day += _ONE_DAY


def next_due_ms(timing: Timing, after_ms: int) -> int:
    """Returns the first due time after a moment, UTC milliseconds; there always is one."""
    day = brussels_day(after_ms)
    while True:
        if timing.counts(day):
            due_ms = due_on(day, timing.at)
            if due_ms > after_ms:
                return due_ms
        day += _ONE_DAY


def verdict(due_ms: int, now_ms: int) -> Verdict:
    """Returns what is to be done now about a due time that has come."""
    late_ms = now_ms - due_ms
    if late_ms >= KEEP_MS:
        return Verdict.MISSED
    return Verdict.LATE if late_ms >= LATE_MS else Verdict.ON_TIME


def days_of(cover: Cover, due_ms: int) -> tuple[date, date]:
    """Returns the first and the last day that a report of this due time covers."""
    day = brussels_day(due_ms)
    match cover:
        case Cover.TODAY:
            return day, day
        case Cover.YESTERDAY:
            return day - _ONE_DAY, day - _ONE_DAY
        case Cover.WEEK:
            monday = day - timedelta(days=day.isoweekday() + 6)
            return monday, monday + timedelta(days=6)
        case Cover.MONTH:
            last = day.replace(day=1) - _ONE_DAY
            return last.replace(day=1), last
