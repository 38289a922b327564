"""What a hub does by itself each night: compare with the authority, close yesterday's books, and
erase what has had its time.

The books are looked at when the night's runs are made, or `PATIENCE_MS` after its begin when the
authority does not answer: taps and presences can be counted without it. What was done is kept, so
a restart repeats nothing and forgets nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date, time, timedelta
from typing import Final

import structlog

from hub.application.reconcile import Reconciler, night_begin_ms
from hub.domain.legal_day import brussels_day

PATIENCE_MS: Final = 90 * 60 * 1000
LOOK_MS: Final = 60_000
"""The clock is looked at this often, since somebody may set it."""
DEFECT_MS: Final = 15 * 60 * 1000

Check = Callable[[date, int], None]
"""Looks at the books of a day that is over, once however often it is called; the second argument is
the moment, UTC milliseconds."""

Tidy = Callable[[int], None]
"""Erases what has had its time, once a day however often it is called; UTC milliseconds."""

log = structlog.get_logger()


class Nightly:
    """The work of the nights; one thread steps it.

    Args:
        reconciler: makes the runs.
        check: closes the books of a day.
        at: time of day in Brussels at which a night begins.
        tidy: called after the books were closed; None: nothing is erased.
    """

    def __init__(
        self,
        reconciler: Reconciler,
        check: Check,
        at: time = time(2, 30),
        tidy: Tidy | None = None,
    ) -> None:
        self._reconciler = reconciler
        self._check = check
        self._at = at
        self._tidy = tidy

    def step(self, now_ms: int) -> int:
        """Does the next piece; returns when to call again, UTC milliseconds."""
        wake_ms = self._reconciler.step(now_ms)
        if wake_ms <= now_ms:
            return now_ms
        begin_ms = night_begin_ms(now_ms, self._at)
        made = wake_ms >= night_begin_ms(now_ms, self._at, nights=1)
        if made or now_ms >= begin_ms + PATIENCE_MS:
            self._check(brussels_day(begin_ms) - timedelta(days=1), now_ms)
            if self._tidy is not None:
                self._tidy(now_ms)
            return wake_ms
        return min(wake_ms, begin_ms + PATIENCE_MS)


class NightThread:
    """Steps the nights until it is stopped; a defect ends a step and never the thread.

    Args:
        nightly: what is stepped, by this thread only.
        clock: UTC milliseconds.
    """

    def __init__(self, nightly: Nightly, clock: Callable[[], int]) -> None:
        self._nightly = nightly
        self._clock = clock
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="nightly", daemon=True)

    def start(self) -> None:
        """Starts the thread; a night that was missed is made up for at once."""
        self._thread.start()

    def stop(self, timeout_s: float | None = None) -> bool:
        """Ends the thread after the call that is under way; returns False when it still runs.

        Args:
            timeout_s: seconds to wait for it; None waits for ever.
        """
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        wake_ms = 0
        while not self._stopping.is_set():
            if self._clock() >= wake_ms:
                wake_ms = self._step()
            wait_ms = min(max(0, wake_ms - self._clock()), LOOK_MS)
            if wait_ms and self._stopping.wait(wait_ms / 1000):
                return

    def _step(self) -> int:
        now_ms = self._clock()
        try:
            return self._nightly.step(now_ms)
        except Exception as error:  # noqa: BLE001 - the next night must come
            # The text of an unexpected error may hold anything: only its kind is logged.
            log.error("night's work failed", error=type(error).__name__)
            return now_ms + DEFECT_MS
