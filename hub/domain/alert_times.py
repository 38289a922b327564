"""When an alert is told: quiet hours, what is collected, and who at which step.

Hours are those of Brussels. On the day on which summer time begins an hour is missing, on the one
on which it ends an hour comes twice: a quiet time ends at the first moment whose clock says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from hub.domain.alerts import Alert, Level
from hub.domain.legal_day import BRUSSELS, brussels_day, day_bounds_ms

MINUTE_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class Recipient:
    """One who is told.

    Args:
        channel: `mail`, `webhook` or `others`.
        to: mail address or name of a line; empty for the webhook.
        language: of what he is told.
        step: from which step on.
        sites: names of the sites he is told of; empty: of all.
        at_once: nothing is kept back for him.
    """

    channel: str
    to: str
    language: str
    step: int = 1
    sites: frozenset[str] = frozenset()
    at_once: bool = False

    def concerned_by(self, alert: Alert) -> bool:
        """Returns whether he is told of this one: what concerns all of the hub concerns all."""
        site = alert.details.get("site")
        return not self.sites or site is None or site in self.sites


@dataclass(frozen=True, slots=True)
class Timing:
    """When what is told.

    Args:
        quiet_from, quiet_until: times in Brussels; equal: there are no quiet hours.
        digest_minutes: for how long what can wait is collected, 0 to 1440.
        digest_at: it is told once a day at this time instead; None: not so.
    """

    quiet_from: time = time(20)
    quiet_until: time = time(6)
    digest_minutes: int = 15
    digest_at: time | None = None


def quiet_until_ms(now_ms: int, timing: Timing) -> int | None:
    """Returns when the quiet hours end that it is now, UTC milliseconds; None outside of them."""
    begin, end = timing.quiet_from, timing.quiet_until
    local = datetime.fromtimestamp(now_ms // 1000, BRUSSELS)
    now = local.time()
    over_night = begin > end
    if not ((now >= begin or now < end) if over_night else begin <= now < end):
        return None
    day = local.date() + timedelta(days=1) if over_night and now >= begin else local.date()
    return _next_ms(day, end, now_ms)


def due_ms(level: Level, now_ms: int, timing: Timing, at_once: bool = False) -> int:
    """Returns when an alert of this level that is made now is told, UTC milliseconds.

    Args:
        at_once: the recipient wants everything at once.
    """
    if at_once or level is Level.URGENT:
        return now_ms
    if level is Level.LATER and timing.digest_at is not None:
        return _daily_ms(now_ms, timing.digest_at)
    moment_ms = now_ms
    if level is Level.LATER and timing.digest_minutes:
        step_ms = timing.digest_minutes * MINUTE_MS
        begin_ms, _ = day_bounds_ms(brussels_day(now_ms))
        moment_ms = now_ms + -(now_ms - begin_ms) % step_ms
    return quiet_until_ms(moment_ms, timing) or moment_ms


def told_at(step: int, recipients: Sequence[Recipient], alert: Alert) -> list[Recipient]:
    """Returns who hears of an alert at this step and is concerned by it."""
    return [one for one in recipients if one.step == step and one.concerned_by(alert)]


def _daily_ms(now_ms: int, at: time) -> int:
    today = brussels_day(now_ms)
    moment_ms = _at_ms(today, at, 0)
    return moment_ms if moment_ms >= now_ms else _at_ms(today + timedelta(days=1), at, 0)


def _next_ms(day: date, at: time, now_ms: int) -> int:
    """The first moment after now at which a clock in Brussels says so on that day."""
    first_ms = _at_ms(day, at, 0)
    return first_ms if first_ms > now_ms else _at_ms(day, at, 1)


def _at_ms(day: date, at: time, fold: int) -> int:
    # A time that does not exist on that day is one hour later.
    return int(datetime.combine(day, at.replace(fold=fold), BRUSSELS).timestamp()) * 1000
