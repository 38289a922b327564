"""Keeps the projection up with the inbox: short jobs on the writer, one at a time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future

import structlog
from sqlalchemy import Connection

from hub.application.projection import Known
from hub.storage.projection import project_some
from hub.storage.writer import Writer

log = structlog.get_logger()


class Projector:
    """Projects what the inbox holds whenever it is woken.

    Args:
        writer: runs the jobs; it is also where `wake` is called from after each commit.
        projected: called in the writer's thread after something was projected.
    """

    def __init__(self, writer: Writer, projected: Callable[[], None]) -> None:
        self._writer = writer
        self._projected = projected
        self._owners: dict[bytes, Known | None] = {}
        self._queued = False

    def register_changed(self) -> None:
        """The owners of badges must be looked up anew."""
        self._owners = {}

    def wake(self) -> None:
        """Has the next piece projected; cheap, and does nothing when that is queued already."""
        if not self._queued:
            self._queued = True
            self._writer.call(self._job).add_done_callback(self._done)

    def _job(self, connection: Connection) -> int:
        # Cleared first: what is stored from here on needs another job.
        self._queued = False
        return project_some(connection, self._owners)

    def _done(self, future: Future[int]) -> None:
        error = future.exception()
        if error is not None:
            # The cursor did not move, so nothing is lost; the next wake tries the same piece.
            log.error("projection failed", error=type(error).__name__)
            return
        if future.result():
            self._projected()
            self.wake()
