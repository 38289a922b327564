"""One thread writes; nobody else ever waits for a lock or for somebody else's transaction.

Theory of operation. Two kinds of work reach the writer through one queue. *Arrivals* (what
terminals sent) are committed in groups: the writer takes whatever has come while the last commit
ran, at most `GROUP` of them, so a lone tap is committed at once and a flood at the disk's speed;
there is no timer. *Jobs* are functions that get a connection inside a transaction of their own.
Arrivals go first, since a terminal waits for its ack; a job waits at most `JOB_PATIENCE_S` behind
a flood. In a flood the writer is often idle for an instant; a job begun then would take the
interpreter from the thread that brings the next arrivals, so a job also waits until nothing has
come for `QUIET_S`. A job is short (a few milliseconds) or it delays taps: long work is cut into
several jobs.

What a job or a group raises is handed to its caller; the thread itself goes on.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol, TypeVar

import structlog
from sqlalchemy import Connection, Engine

from hub.storage.engine import writing

T = TypeVar("T")
GROUP = 1_000
"""Most arrivals in one commit; beyond some hundred the sync no longer counts (measured)."""
JOB_PATIENCE_S = 0.25
QUIET_S = 0.003

log = structlog.get_logger()


class Group(Protocol):
    """What is done with a group of arrivals; called in the writer's thread only."""

    def stage(self, connection: Connection, arrivals: list[Any]) -> None:
        """Writes the group inside the transaction."""
        ...

    def committed(self) -> None:
        """The group is on disk: acks may go out."""
        ...

    def abandoned(self, error: Exception) -> None:
        """Nothing of the group was kept: forget it, ack nothing."""
        ...


class _Job:
    __slots__ = ("function", "future", "since")

    def __init__(self, function: Callable[[Connection], object], since: float) -> None:
        self.function = function
        self.future: Future[object] = Future()
        self.since = since


class Writer:
    """The writing thread of one database.

    Args:
        engine: the database.
        monotonic: seconds, never going back; only used to age jobs.
    """

    def __init__(self, engine: Engine, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._monotonic = monotonic
        self._queue: queue.SimpleQueue[object] = queue.SimpleQueue()
        self._group: Group | None = None
        self._jobs: deque[_Job] = deque()
        self._stopping = False
        self._quiet_from = 0.0
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)

    def start(self, group: Group | None = None) -> None:
        """Starts the thread; `group` receives the arrivals."""
        self._group = group
        self._thread.start()

    def put(self, arrival: object) -> None:
        """Queues one arrival for the next group commit; returns at once."""
        self._queue.put(arrival)

    def call(self, function: Callable[[Connection], T]) -> Future[T]:
        """Queues `function` for a transaction of its own; the future gives its result after the
        commit, or what it raised after the roll-back."""
        job = _Job(function, self._monotonic())
        self._queue.put(job)
        return job.future  # pyright: ignore[reportReturnType]

    def stop(self) -> None:
        """Ends the thread after everything queued before this call is written."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()

    def waiting(self) -> int:
        """Returns how many arrivals and jobs are queued, about."""
        return self._queue.qsize()

    def _run(self) -> None:
        while True:
            arrivals = self._take(self._idle_s())
            if arrivals:
                self._commit_group(arrivals)
                self._quiet_from = self._monotonic() + QUIET_S
            if self._jobs and not arrivals and self._job_may_run():
                self._run_job(self._jobs.popleft())
            elif self._jobs and self._monotonic() - self._jobs[0].since > JOB_PATIENCE_S:
                self._run_job(self._jobs.popleft())
            if self._stopping and not arrivals and not self._jobs:
                return

    def _job_may_run(self) -> bool:
        return self._stopping or self._monotonic() >= self._quiet_from

    def _idle_s(self) -> float | None:
        """How long to wait for something to come; None for as long as it takes."""
        if self._stopping:
            return 0.0
        if not self._jobs:
            return None
        return max(0.0, self._quiet_from - self._monotonic())

    def _take(self, wait_s: float | None) -> list[object]:
        """Returns the arrivals that are queued; waits for the first, others only if they are there.

        Jobs and the order to stop are put aside on the way.
        """
        arrivals: list[object] = []
        get = self._queue.get
        try:
            item = get(True, wait_s) if wait_s is None or wait_s > 0 else get(False)
            while True:
                if item is None:
                    self._stopping = True
                elif isinstance(item, _Job):
                    self._jobs.append(item)
                else:
                    arrivals.append(item)
                    if len(arrivals) >= GROUP:
                        break
                item = get(False)
        except queue.Empty:
            pass
        return arrivals

    def _commit_group(self, arrivals: list[Any]) -> None:
        group = self._group
        if group is None:
            raise RuntimeError("arrivals were queued on a writer that was started without a group")
        try:
            with writing(self._engine) as connection:
                group.stage(connection, arrivals)
        except Exception as error:  # noqa: BLE001 - whatever it is, the terminals send again
            log.error("group not committed", error=type(error).__name__, arrivals=len(arrivals))
            group.abandoned(error)
        else:
            self._confirm(group)

    def _confirm(self, group: Group) -> None:
        try:
            group.committed()
        except Exception as error:  # noqa: BLE001 - it is on disk; who was not told asks again
            log.error("acks not sent", error=type(error).__name__)

    def _run_job(self, job: _Job) -> None:
        if not job.future.set_running_or_notify_cancel():
            return
        try:
            with writing(self._engine) as connection:
                result = job.function(connection)
        except Exception as error:  # noqa: BLE001 - handed to who asked
            job.future.set_exception(error)
        else:
            job.future.set_result(result)
