"""The authority judges again, hours later: what has a number is read again until its day is closed.

Theory of operation. A registration that is *registered* is checked by the authority later, and may
be judged otherwise later still: a Dimona declaration that comes in at nine makes a remark of half
past six disappear. One search shows all registrations of a works number and day, so that is the
unit. The pause before the next look depends on what is still open:

    some have had no judgement yet     30 s, then twice as long each time, up to 5 minutes
    some stand with remarks            5 minutes
    all are validated                  an hour
    the legal day is closed            one last look, then never again

A legal day is closed some hours after its end (setting `authority.close_at`), so that what the
authority checks at night is still seen.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta

from hub.application.outbox import OutboxPort, Watched
from hub.application.pace import Pace, asked_wait_ms
from hub.application.ports import AuthorityPort
from hub.domain.legal_day import BRUSSELS, brussels_day
from hub.errors import LocalProtocolError, PermanentError, SitegateError, StoppedError

FIRST_MS = 30_000
OPEN_MS = 300_000
QUIET_MS = 3_600_000
STOP_MS = 300_000
IDLE_MS = 30_000
BACK_DAYS = 3
"""Days before today that are looked at: a hub that was off over a weekend closes Friday."""

_Group = tuple[str, date]


def closes_ms(day: date, close_at: time) -> int:
    """Returns when the legal day is closed: on the day after it, at `close_at` in Brussels."""
    moment = datetime.combine(day + timedelta(days=1), close_at, BRUSSELS)
    return int(moment.timestamp()) * 1000


class Watch:
    """Reads again what the authority holds; one thread steps it.

    Args:
        outbox: where registrations and their states are kept.
        authority: the service; its calls block.
        clock: UTC milliseconds.
        pace: how reading goes.
        close_at: local time of the next day at which a legal day is closed.
    """

    def __init__(
        self,
        outbox: OutboxPort,
        authority: AuthorityPort,
        clock: Callable[[], int],
        pace: Pace,
        close_at: time = time(6),
    ) -> None:
        self._outbox = outbox
        self._authority = authority
        self._clock = clock
        self._close_at = close_at
        self.pace = pace
        """How reading goes."""
        self._next_ms: dict[_Group, int] = {}
        self._pause_ms: dict[_Group, int] = {}
        self._unjudged: dict[_Group, int] = {}

    def step(self) -> int:
        """Makes the searches that are due; returns when the next one is, UTC milliseconds."""
        now_ms = self._clock()
        if not self.pace.ready(now_ms):
            return self.pace.next_try_ms
        since = brussels_day(now_ms) - timedelta(days=BACK_DAYS)
        groups = {(group.works_number, group.day): group for group in self._outbox.watched(since)}
        for gone in set(self._next_ms) - set(groups):
            self._forget(gone)
        wakes = [now_ms + IDLE_MS]
        for key, group in groups.items():
            at_ms = self._due_ms(key, group, now_ms)
            if at_ms is None:
                continue
            if at_ms <= now_ms:
                if not self._look(key, group):
                    return self.pace.next_try_ms
                at_ms = self._next_ms[key]
            wakes.append(at_ms)
        return min(wakes)

    def _due_ms(self, key: _Group, group: Watched, now_ms: int) -> int | None:
        """When this group is to be read; None when its day is closed and it was read after that."""
        closes = closes_ms(group.day, self._close_at)
        if now_ms >= closes:
            read_after = group.checked_ms is not None and group.checked_ms >= closes
            return None if read_after else now_ms
        if key not in self._next_ms:
            self._pause_ms[key] = FIRST_MS
            self._next_ms[key] = now_ms + (FIRST_MS if group.checked_ms is None else 0)
        elif group.unjudged > self._unjudged.get(key, 0):
            # Somebody was registered meanwhile: he is waited for as the first ones were.
            self._pause_ms[key] = FIRST_MS
            self._next_ms[key] = min(self._next_ms[key], now_ms + FIRST_MS)
        self._unjudged[key] = group.unjudged
        return min(self._next_ms[key], closes)

    def _look(self, key: _Group, group: Watched) -> bool:
        """Reads one group; returns whether the service can be reached."""
        works_number, day = key
        try:
            rows = self._authority.search(works_number, day)
        except StoppedError as error:
            self.pace.stopped(self._clock(), error.code, STOP_MS)
            return False
        except (PermanentError, LocalProtocolError):
            # Refused for this works number only: the others are read all the same.
            self._next_ms[key] = self._clock() + OPEN_MS
            return True
        except SitegateError as error:
            self.pace.failed(self._clock(), error.code, asked_wait_ms(error))
            return False
        now_ms = self._clock()
        self.pace.succeeded(now_ms)
        self._outbox.seen(works_number, day, rows, now_ms)
        if group.unjudged:
            pause_ms = self._pause_ms.get(key, FIRST_MS)
            self._pause_ms[key] = min(2 * pause_ms, OPEN_MS)
        elif group.flagged:
            pause_ms = OPEN_MS
        else:
            pause_ms = QUIET_MS
        self._next_ms[key] = now_ms + pause_ms
        return True

    def _forget(self, key: _Group) -> None:
        self._next_ms.pop(key, None)
        self._pause_ms.pop(key, None)
        self._unjudged.pop(key, None)
