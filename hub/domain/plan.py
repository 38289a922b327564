"""The plan: who is expected where, what stands in the way, and from when on it may be sent.

Theory of operation. A planned day is an intention. In the day regime it becomes a registration,
because the service takes one for today and for tomorrow; in the in/out regime, where every act is
told within minutes, it only says who is expected. Three moments count, all in Brussels local time:

| moment                                  | what begins                                          |
| --------------------------------------- | ---------------------------------------------------- |
| `submit_at` on the day before           | the planned day may be sent                          |
| midnight at which the day begins        | it may be sent whatever `submit_at` says             |
| `absent_at` on the day itself           | who was planned and not seen counts as absent        |

Each is turned into UTC once and compared there, so that the hour a clock repeats in autumn never
closes what it has opened, and the hour it skips in spring is not waited for.

Nothing is ever sent more than one day ahead (the service faults it), however far the plan goes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Final

from hub.domain.legal_day import BRUSSELS, brussels_day, day_bounds_ms
from hub.domain.registration import State
from hub.errors import UsageError

DAYS_AHEAD_MAX: Final = 366
"""A planned day further away than this is taken for a slip of the pen. Our choice."""

PATTERN_DAYS: Final = 7
"""Weekly patterns are written out for today and so many days after it."""

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that stands between a planned day and its registration.

    Args:
        code: entry of the error catalogue.
        column: heading of the plan file that it is about.
        values: what the texts mention; never a person number.
    """

    code: str
    column: str
    values: tuple[tuple[str, object], ...] = ()


@dataclass(frozen=True, slots=True)
class EntryFacts:
    """What the register says of one person under one works number on one day; no number in it.

    Args:
        works_from, works_until: first and last day of the works; None = no limit known.
        assigned: whether the person, or the company, works under this number on that day.
        has_inss, has_company, has_limosa, has_foreign_vat: which numbers are known.
        numbers_valid: whether the numbers that are known can be read and pass their checks.
        limosa_from, limosa_until: first and last day of the Limosa declaration; None = not known.
        regime: regime of the works on that day.
        works_here: whether the person works here at all; False for a visitor or a delivery.
    """

    works_from: date | None = None
    works_until: date | None = None
    assigned: bool = True
    has_inss: bool = True
    has_company: bool = True
    has_limosa: bool = False
    has_foreign_vat: bool = False
    numbers_valid: bool = True
    limosa_from: date | None = None
    limosa_until: date | None = None
    regime: str = "day"
    works_here: bool = True


def findings(day: date, facts: EntryFacts) -> tuple[Finding, ...]:
    """Returns everything that keeps this planned day from being registered; empty: nothing does.

    A person without a badge is no finding: a planned day needs none.
    """
    found: list[Finding] = []
    if facts.works_from is not None and day < facts.works_from:
        found.append(_on("IMP-5016", "works_number", facts.works_from))
    if facts.works_until is not None and day > facts.works_until:
        found.append(_on("IMP-5017", "works_number", facts.works_until))
    if not facts.assigned:
        found.append(_on("IMP-5018", "works_number", day))
    if not facts.works_here:
        found.append(Finding("IMP-5030", "inss"))
        return tuple(found)
    found.extend(_identity(facts))
    if facts.has_limosa:
        if facts.limosa_from is not None and day < facts.limosa_from:
            found.append(_on("IMP-5025", "limosa", facts.limosa_from))
        if facts.limosa_until is not None and day > facts.limosa_until:
            found.append(_on("IMP-5026", "limosa", facts.limosa_until))
    return tuple(found)


def _on(code: str, column: str, day: date) -> Finding:
    return Finding(code, column, (("day", day.isoformat()),))


def _identity(facts: EntryFacts) -> Iterator[Finding]:
    in_out = facts.regime == "in_out"
    # By the Limosa number alone in the day regime (choice in `PresenceRegistrationSubmitType`).
    if not facts.has_inss and (in_out or not facts.has_limosa):
        yield Finding("IMP-5022", "inss")
    elif in_out or not facts.has_limosa:
        if not facts.has_company and not (in_out and facts.has_foreign_vat):
            yield Finding("IMP-5023", "company_number")
    if not facts.numbers_valid:
        yield Finding("IMP-5024", "limosa" if facts.has_limosa else "inss")


# ---------------------------------------------------------------- when


def local_moment_ms(day: date, at: time) -> int:
    """Returns that time of the day in Brussels as UTC milliseconds.

    A time that the day has twice is the first of the two; one that it skips is the moment that
    the clock, not put forward, would have shown it.
    """
    return int(datetime.combine(day, at, BRUSSELS).timestamp()) * 1000


def submit_from_ms(day: date, submit_at: time) -> int:
    """Returns the UTC milliseconds from which a planned day may be sent: the evening before."""
    return local_moment_ms(day - _ONE_DAY, submit_at)


def may_submit(day: date, now_ms: int, submit_at: time) -> bool:
    """Returns whether a planned day may become a registration now.

    Today always; tomorrow from `submit_at` on; any other day never, whatever the clock does.

    Args:
        day: the Brussels day planned.
        now_ms: UTC milliseconds.
        submit_at: Brussels local time of the day before.
    """
    today = brussels_day(now_ms)
    if day == today:
        return True
    return day == today + _ONE_DAY and now_ms >= submit_from_ms(day, submit_at)


def absent_from_ms(day: date, absent_at: time) -> int:
    """Returns the UTC milliseconds from which who was planned and not seen counts as absent."""
    return local_moment_ms(day, absent_at)


def next_moment_ms(now_ms: int, submit_at: time, absent_at: time) -> int:
    """Returns the next UTC millisecond at which the clock alone opens something, after now."""
    today = brussels_day(now_ms)
    midnight = day_bounds_ms(today)[1]
    moments = (local_moment_ms(today, submit_at), absent_from_ms(today, absent_at), midnight)
    return min(moment for moment in moments if moment > now_ms)


# ---------------------------------------------------------------- weekly patterns


def parse_weekdays(text: str) -> int:
    """Returns the mask of `mon-fri`, `mon,wed,fri` or `1-5,7` (ISO: 1 is Monday); bit 0 is Monday.

    Raises:
        UsageError: HUB-1507, it cannot be read or names no day.
    """
    mask = 0
    for part in text.casefold().replace(" ", "").split(","):
        first, dash, last = part.partition("-")
        begin, end = _weekday(first), _weekday(last if dash else first)
        place = begin
        while True:
            mask |= 1 << place
            if place == end:
                break
            place = (place + 1) % 7
    return mask


def _weekday(name: str) -> int:
    if name in WEEKDAYS:
        return WEEKDAYS.index(name)
    if len(name) == 1 and name in "1234567":
        return int(name) - 1
    raise UsageError("HUB-1507")


def weekdays_text(mask: int) -> str:
    """Returns `mon,tue,...` for a mask; `parse_weekdays` reads it back."""
    return ",".join(name for place, name in enumerate(WEEKDAYS) if mask >> place & 1)


def pattern_days(
    weekdays: int, from_day: date, until_day: date | None, first: date, last: date
) -> Iterator[date]:
    """Yields the days of a weekly pattern between `first` and `last`, both included.

    Args:
        weekdays: mask, bit 0 is Monday.
        from_day, until_day: first and last day of the pattern; None = no end.
    """
    day = max(first, from_day)
    end = last if until_day is None else min(last, until_day)
    while day <= end:
        if weekdays >> day.weekday() & 1:
            yield day
        day += _ONE_DAY


# ---------------------------------------------------------------- withdrawing


class Withdrawal(StrEnum):
    """What withdrawing a planned day means for its registration."""

    NOTHING = "nothing"  # there is none, or it is over
    DROP = "drop"  # nothing was sent: it is not needed any more
    CANCEL = "cancel"  # the authority has it under a number
    WAIT = "wait"  # under way: nobody knows yet whether the authority has it


_WITHDRAWALS: Final = {
    State.DUE: Withdrawal.DROP,
    State.HELD: Withdrawal.DROP,
    State.REFUSED: Withdrawal.DROP,
    State.SENDING: Withdrawal.WAIT,
    State.IN_DOUBT: Withdrawal.WAIT,
    State.REGISTERED: Withdrawal.CANCEL,
    State.VALIDATED: Withdrawal.CANCEL,
    State.FLAGGED: Withdrawal.CANCEL,
}


def withdrawal(state: str | None) -> Withdrawal:
    """Returns what is to be done with the live registration of a planned day that is withdrawn.

    Args:
        state: its state; None when there is no live one.
    """
    return (
        Withdrawal.NOTHING if state is None else _WITHDRAWALS.get(State(state), Withdrawal.NOTHING)
    )


def parse_day(text: str, today: date) -> date:
    """Returns the day that a person typed: `today`, `tomorrow` or `2026-11-24`.

    Raises:
        UsageError: HUB-1500, it is none of them. The text itself is not repeated.
    """
    word = text.strip().casefold()
    if word == "today":
        return today
    if word == "tomorrow":
        return today + _ONE_DAY
    try:
        if len(word) != 10:
            raise ValueError
        return date.fromisoformat(word)
    except ValueError:
        raise UsageError("HUB-1500") from None
