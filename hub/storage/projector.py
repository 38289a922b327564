"""Keeps the projection up with the inbox: short jobs on the writer, one at a time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future

import structlog
from sqlalchemy import Connection

from hub.application.enrolment import SeenTap
from hub.domain.in_out_regime import WINDOW_MS
from hub.storage.projection import RegisterView, project_some
from hub.storage.writer import Writer

log = structlog.get_logger()
_Projected = tuple[int, list[tuple[str, str]], list[SeenTap]]


class Projector:
    """Projects what the inbox holds whenever it is woken.

    Args:
        writer: runs the jobs; it is also where `wake` is called from after each commit.
        projected: called in the writer's thread after something was projected.
        reported: called there with code and terminal of each incident that was found and kept.
        window_ms: milliseconds after an act in which the in/out service takes it.
        tapped: called there, before `projected`, with the badges that were refused or held at a
            desk.
    """

    def __init__(
        self,
        writer: Writer,
        projected: Callable[[], None],
        reported: Callable[[str, str], None] = lambda _code, _terminal: None,
        window_ms: int = WINDOW_MS,
        tapped: Callable[[list[SeenTap]], None] = lambda _taps: None,
    ) -> None:
        self._writer = writer
        self._projected = projected
        self._reported = reported
        self._window_ms = window_ms
        self._tapped = tapped
        self._register = RegisterView()
        self._queued = False

    def register_changed(self) -> None:
        """The owners of badges must be looked up anew."""
        self._register = RegisterView()

    def wake(self) -> None:
        """Has the next piece projected; cheap, and does nothing when that is queued already."""
        if not self._queued:
            self._queued = True
            self._writer.call(self._job).add_done_callback(self._done)

    def _job(self, connection: Connection) -> _Projected:
        # Cleared first: what is stored from here on needs another job.
        self._queued = False
        seen: list[SeenTap] = []
        count, reported = project_some(connection, self._register, self._window_ms, seen)
        return count, reported, seen

    def _done(self, future: Future[_Projected]) -> None:
        error = future.exception()
        if error is not None:
            # The cursor did not move, so nothing is lost; the next wake tries the same piece.
            log.error("projection failed", error=type(error).__name__)
            return
        count, reported, seen = future.result()
        for code, terminal in reported:
            self._reported(code, terminal)
        if seen:
            self._tapped(seen)
        if count:
            self._projected()
            self.wake()
