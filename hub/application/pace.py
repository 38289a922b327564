"""When the next call to a service may be made: after a failure ever later, and never all at once.

Theory of operation.

    unknown --success--> ok <--success-- retrying <-+
       |                  |                 ^        | failure: wait twice as long, up to a minute
       +-----failure------+-----------------+--------+
    any state --refused for good--> stopped: wait minutes, and call a human
    stopped --time is over--> one more try decides

The wait is drawn at random from the upper half of its range, so that the hubs of a country do not
come back together after an outage. A clock that was set back ends a wait rather than prolonging it.
"""

from __future__ import annotations

from random import Random
from typing import Literal

FIRST_MS = 2_000
"""Longest first wait; it is drawn from half of it up."""
MOST_MS = 60_000
"""Longest wait between two tries while the service is only unreachable."""

PaceState = Literal["unknown", "ok", "retrying", "stopped"]


class Pace:
    """The state of the way to one service, as seen by one caller; not for several threads.

    Args:
        random: source of the jitter.
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self._failures = 0
        self._since_ms = 0
        self._wait_ms = 0
        self.state: PaceState = "unknown"
        self.error_code = ""
        self.last_success_ms: int | None = None

    def ready(self, now_ms: int) -> bool:
        """Says whether a call may be made now."""
        return not self._since_ms <= now_ms < self._since_ms + self._wait_ms

    @property
    def next_try_ms(self) -> int:
        """The moment from which a call may be made, UTC milliseconds; 0 when it always could."""
        return self._since_ms + self._wait_ms

    def retrying_since(self, moment_ms: int) -> bool:
        """Says whether calls fail and none was made after that moment."""
        return self.state == "retrying" and self._since_ms <= moment_ms

    def succeeded(self, now_ms: int) -> None:
        """A usable answer came."""
        self._failures = 0
        self._since_ms = self._wait_ms = 0
        self.state, self.error_code = "ok", ""
        self.last_success_ms = now_ms

    def failed(self, now_ms: int, code: str, at_least_ms: int = 0) -> None:
        """A call brought nothing: wait 1 s to 60 s.

        Args:
            code: stable code of the error.
            at_least_ms: what the service asked for; honoured up to a minute.
        """
        ceiling_ms = min(MOST_MS, FIRST_MS << min(self._failures, 16))
        self._failures += 1
        drawn_ms = self._random.randint(ceiling_ms // 2, ceiling_ms)
        self._wait(now_ms, max(drawn_ms, min(at_least_ms, MOST_MS)))
        self.state, self.error_code = "retrying", code

    def stopped(self, now_ms: int, code: str, wait_ms: int) -> None:
        """Calls are refused as such: no call for `wait_ms`, and the state says `stopped`."""
        self._failures += 1
        self._wait(now_ms, wait_ms)
        self.state, self.error_code = "stopped", code

    def _wait(self, now_ms: int, wait_ms: int) -> None:
        self._since_ms, self._wait_ms = now_ms, wait_ms
