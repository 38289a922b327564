"""When a caller may make its next call: growing pauses after failures, long ones after a refusal.

Theory of operation, a circuit breaker:

    unknown -+
             +-success-> ok -failure-> retrying: wait 1 s to 2 s, then twice as long, up to a minute
       +-----failure------+-----------------+--------+
    any state --refused for good--> stopped: wait minutes, and call a human
    retrying or stopped, and the wait is over --> one call of one worker decides

The wait is drawn at random from the upper half of its range, so that the hubs of a country do not
come back together after an outage. A clock that was set back ends a wait rather than prolonging it.
"""

from __future__ import annotations

import threading
from random import Random
from typing import Literal

from hub.errors import SitegateError

FIRST_MS = 2_000
"""Longest first wait; it is drawn from half of it up."""
MOST_MS = 60_000
"""Longest wait between two tries while the service is only unreachable."""
ASKED_MOST_MS = 600_000
"""Longest wait that the service may ask for: who asks for hours may be well again in minutes, and
an act in the in/out regime has ten minutes in all."""
PROBE_MS = 180_000
"""Longest time for which one call keeps the others from trying."""

PaceState = Literal["unknown", "ok", "retrying", "stopped"]


def asked_wait_ms(error: SitegateError) -> int:
    """Returns how long the service asked to wait, milliseconds; 0 when it did not."""
    wait_s = error.extra.get("retry_after_s")
    return wait_s * 1000 if isinstance(wait_s, int) else 0


class Pace:
    """The state of the way to one service, shared by the workers that call it; thread-safe.

    Args:
        random: source of the jitter.
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self._lock = threading.Lock()
        self._failures = 0
        self._since_ms = 0
        self._wait_ms = 0
        self._probe_ms: int | None = None
        self.state: PaceState = "unknown"
        self.error_code = ""
        self.last_success_ms: int | None = None

    def ready(self, now_ms: int) -> bool:
        """Says whether a call may be made now, as far as waiting goes."""
        return not self._since_ms <= now_ms < self._since_ms + self._wait_ms

    def admit(self, now_ms: int) -> bool:
        """Says whether this worker may make a call now; then he must tell what came of it.

        While the service is well everybody may. After a failure one call decides, and the others
        wait for what it brings.
        """
        with self._lock:
            if not self.ready(now_ms):
                return False
            if self.state in ("unknown", "ok"):
                return True
            since_ms = self._probe_ms
            if since_ms is not None and since_ms <= now_ms < since_ms + PROBE_MS:
                return False
            self._probe_ms = now_ms
            return True

    def not_called(self) -> None:
        """The call that was admitted was not made after all."""
        with self._lock:
            self._probe_ms = None

    @property
    def next_try_ms(self) -> int:
        """The moment from which a call may be made, UTC milliseconds; 0 when it always could."""
        return self._since_ms + self._wait_ms

    def retrying_since(self, moment_ms: int) -> bool:
        """Says whether calls fail and none was made after that moment."""
        return self.state == "retrying" and self._since_ms <= moment_ms

    def succeeded(self, now_ms: int) -> None:
        """A usable answer came."""
        with self._lock:
            self._probe_ms = None
            self._failures = 0
            self._since_ms = self._wait_ms = 0
            self.state, self.error_code = "ok", ""
            self.last_success_ms = now_ms

    def failed(self, now_ms: int, code: str, at_least_ms: int = 0) -> None:
        """A call brought nothing: wait 1 s to 60 s, or as long as the service asks.

        Args:
            code: stable code of the error.
            at_least_ms: what the service asked for; honoured up to ten minutes.
        """
        with self._lock:
            self._probe_ms = None
            ceiling_ms = min(MOST_MS, FIRST_MS << min(self._failures, 16))
            self._failures += 1
            drawn_ms = self._random.randint(ceiling_ms // 2, ceiling_ms)
            self._wait(now_ms, max(drawn_ms, min(at_least_ms, ASKED_MOST_MS)))
            self.state, self.error_code = "retrying", code

    def stopped(self, now_ms: int, code: str, wait_ms: int) -> None:
        """Calls are refused as such: no call for `wait_ms`, and the state says `stopped`."""
        with self._lock:
            self._probe_ms = None
            self._failures += 1
            self._wait(now_ms, wait_ms)
            self.state, self.error_code = "stopped", code

    def _wait(self, now_ms: int, wait_ms: int) -> None:
        self._since_ms, self._wait_ms = now_ms, wait_ms
