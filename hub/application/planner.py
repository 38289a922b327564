"""What the plan does by itself as time goes on: patterns, sending, withdrawals, absences.

Theory of operation. `step` may be called at any time and any number of times; it does what is to be
done now and says when it wants to be called again. Everything it does is kept in the transaction
that does it, so it may die between any two and goes on where it was:

1. weekly patterns are written out for today and the seven days after it, each day once: a day that
   somebody withdrew does not come back;
2. planned days become registrations: today's at once, tomorrow's from `submit_at` on, those of a
   later day never;
3. what was withdrawn while it was under way is cancelled once the authority gave it a number, or
   dropped once it is sure that it has none; who came in while his was being cancelled is registered
   anew;
4. after `absent_at`, once a day and only if a reason for it is set, who was planned and not seen is
   withdrawn. A gate may have been away with its taps: nobody is called absent before this hub has
   been up for a while, while taps wait to be looked at, or while `may_judge` says no.

Nobody who was seen on the site that day is ever cancelled here.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, time, timedelta
from typing import Final, Protocol

from hub.domain.legal_day import brussels_day
from hub.domain.plan import PATTERN_DAYS, absent_from_ms, may_submit, next_moment_ms

POLL_MS: Final = 30_000
"""How soon a plan that another process imported is seen."""
SETTLE_MS: Final = 15 * 60 * 1000
"""How long this hub must be up before it calls anybody absent: gates bring what they kept within
seconds of their reconnection, which may take minutes. Our choice."""


class PlanPort(Protocol):
    """The store of the plan; each method is one or several short transactions."""

    @property
    def submit_at(self) -> time:
        """Brussels time of the day before from which a planned day is sent."""
        ...

    def expand(self, first: date, last: date, now_ms: int) -> int:
        """Writes weekly patterns out for these days; returns how many planned days are new."""
        ...

    def submit(self, day: date, now_ms: int) -> int:
        """Makes the registrations of a day that may be sent; returns how many are new.

        Raises:
            LocalProtocolError: HUB-1515, the day may not be sent yet; none was made.
        """
        ...

    def settle(self, now_ms: int) -> int:
        """Cancels or drops what was withdrawn while it was under way; returns how many it changed.

        Who came in while his registration was being cancelled is registered anew.
        """
        ...

    def absences_done(self, day: date) -> bool:
        """Returns whether the absent of this day were withdrawn already."""
        ...

    def withdraw_absent(self, day: date, reason: str, now_ms: int) -> int | None:
        """Withdraws who was planned and not seen; None, and nothing done, while taps wait."""
        ...


class Planner:
    """The plan in time; used by one thread.

    Args:
        port: the store.
        absent_at: Brussels time from which who was not seen counts as absent.
        absent_reason: HOLIDAY, DISEASE, PLANNING or C32A; empty: the absent are only listed.
        may_judge: whether every gate was heard lately, so that who was not seen was not there.
    """

    def __init__(
        self,
        port: PlanPort,
        absent_at: time,
        absent_reason: str = "",
        may_judge: Callable[[], bool] = lambda: True,
    ) -> None:
        self._port = port
        self._submit_at = port.submit_at
        self._absent_at = absent_at
        self._absent_reason = absent_reason
        self._may_judge = may_judge
        self._since_ms: int | None = None

    def step(self, now_ms: int) -> int:
        """Does what is to be done; returns when to call again, UTC milliseconds after `now_ms`."""
        if self._since_ms is None:
            self._since_ms = now_ms
        today = brussels_day(now_ms)
        self._port.expand(today, today + timedelta(days=PATTERN_DAYS), now_ms)
        self._port.settle(now_ms)
        for day in (today, today + timedelta(days=1)):
            if may_submit(day, now_ms, self._submit_at):
                self._port.submit(day, now_ms)
        self._absences(today, now_ms)
        return min(now_ms + POLL_MS, next_moment_ms(now_ms, self._submit_at, self._absent_at))

    def _absences(self, today: date, now_ms: int) -> None:
        if not self._absent_reason or self._since_ms is None:
            return
        if now_ms < absent_from_ms(today, self._absent_at) or now_ms < self._since_ms + SETTLE_MS:
            return
        if self._port.absences_done(today) or not self._may_judge():
            return
        self._port.withdraw_absent(today, self._absent_reason, now_ms)
