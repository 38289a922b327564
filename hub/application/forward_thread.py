"""The thread that steps the forwarder: on a word that something became due, and by the clock."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from hub.application.forward import IDLE_MS, Forwarder

log = structlog.get_logger()


class ForwarderThread:
    """Runs one forwarder until it is stopped; a defect stops a step and never the thread.

    Args:
        forwarder: what is stepped, by this thread only.
        clock: UTC milliseconds.
    """

    def __init__(self, forwarder: Forwarder, clock: Callable[[], int]) -> None:
        self._forwarder = forwarder
        self._clock = clock
        self._changed = threading.Condition()
        self._due = False
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="forwarder", daemon=True)

    def start(self) -> None:
        """Starts the thread; its first step comes at once."""
        self._thread.start()

    def wake(self) -> None:
        """Says that something may have become due; returns at once, any thread may call it."""
        with self._changed:
            self._due = True
            self._changed.notify()

    def stop(self, timeout_s: float | None = None) -> bool:
        """Ends the thread after the call that is under way; returns False when it still runs.

        Args:
            timeout_s: seconds to wait for it; None waits for ever.
        """
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._forwarder.halt()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while True:
            with self._changed:
                if self._stopping:
                    return
                self._due = False
            wake_ms = self._step()
            with self._changed:
                wait_ms = min(max(0, wake_ms - self._clock()), IDLE_MS)
                if not self._due and not self._stopping:
                    self._changed.wait(wait_ms / 1000)

    def _step(self) -> int:
        try:
            return self._forwarder.step()
        except Exception as error:  # noqa: BLE001 - registrations must go on
            # The text of an unexpected error may hold anything, also a person number: only its
            # kind and place are logged.
            place = error.__traceback__
            while place is not None and place.tb_next is not None:
                place = place.tb_next
            log.error(
                "forwarding step failed",
                code="HUB-1319",
                error=type(error).__name__,
                file=place.tb_frame.f_code.co_filename if place else "",
                line=place.tb_lineno if place else 0,
            )
            return self._forwarder.broke()
