"""The threads that step forwarders: on a word that something became due, and by the clock."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from hub.application.forward import IDLE_MS, Forwarder

log = structlog.get_logger()


class Bell:
    """Wakes one of the threads that wait; a ring that nobody waited for is heard by the next."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._rings = 0

    def ring(self) -> None:
        """Wakes one; returns at once, any thread may call it."""
        with self._changed:
            self._rings += 1
            self._changed.notify()

    def ring_all(self) -> None:
        """Wakes everybody."""
        with self._changed:
            self._rings += 1
            self._changed.notify_all()

    def heard(self) -> int:
        """Returns how often it has rung."""
        with self._changed:
            return self._rings

    def wait(self, heard: int, timeout_s: float) -> None:
        """Returns when it has rung since `heard`, or after `timeout_s` seconds."""
        with self._changed:
            if self._rings == heard:
                self._changed.wait(timeout_s)


class ForwarderThread:
    """Runs one forwarder until it is stopped; a defect stops a step and never the thread.

    Args:
        forwarder: what is stepped, by this thread only.
        clock: UTC milliseconds.
        bell: what wakes it, shared by threads of which any will do; None: its own.
        name: of the thread.
    """

    def __init__(
        self,
        forwarder: Forwarder,
        clock: Callable[[], int],
        bell: Bell | None = None,
        name: str = "forwarder",
    ) -> None:
        self._forwarder = forwarder
        self._clock = clock
        self._bell = bell or Bell()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Starts the thread; its first step comes at once."""
        self._thread.start()

    def wake(self) -> None:
        """Says that something may have become due; returns at once, any thread may call it."""
        self._bell.ring()

    def end(self) -> None:
        """Has the thread end after the call that is under way; returns at once."""
        self._stopping.set()
        self._forwarder.halt()
        self._bell.ring_all()

    def stop(self, timeout_s: float | None = None) -> bool:
        """Ends the thread after the call that is under way; returns False when it still runs.

        Args:
            timeout_s: seconds to wait for it; None waits for ever.
        """
        self.end()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping.is_set():
            heard = self._bell.heard()
            wake_ms = self._step()
            wait_ms = min(max(0, wake_ms - self._clock()), IDLE_MS)
            if wait_ms and not self._stopping.is_set():
                self._bell.wait(heard, wait_ms / 1000)

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
