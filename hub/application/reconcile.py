"""Reconcile: the authority is asked what it holds, and each difference is kept with its reason.

Theory of operation. A *run* is one search for one works number and day. Only a search that came
back whole counts: a page that is missing would make registrations look absent, so a run whose
search failed is kept as failed and concludes nothing. Numbers of ours that the search does not
show are asked for one by one before they are called absent. What follows is one transaction:
compare, steps, differences, incident.

At night each works number and day that had a registration, a presence or a change since its last
good run is taken, yesterday and today always. What is still to do is read from the runs that are
kept, so it does not matter when the hub was restarted; a failed run is made again after
`RETRY_MS`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final, Protocol

import structlog

from hub.application.differences import Difference
from hub.application.ports import AuthorityPort, Seen
from hub.domain.legal_day import BRUSSELS, brussels_day
from hub.errors import SitegateError

RETRY_MS: Final = 15 * 60 * 1000
"""After a run that failed, none of its regime for so long."""

LOOK_BACK_DAYS: Final = 30
"""Older days are not asked for at night: an employer may have registrations of the in/out regime
corrected within 30 days, and 31 days are what one search of the day service may span."""

GET_MAX: Final = 50
"""Numbers asked for one by one in a run. More than that missing in a search is a fault of the
search or of our rights, and 300 single calls do not explain it."""

NIGHTLY: Final = "nightly"
"""Actor of the runs of the night; those on demand say who asked."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Subject:
    """What one search asks for."""

    works_number: str
    day: date
    regime: str


@dataclass(frozen=True, slots=True)
class RunReport:
    """What came of one run.

    Args:
        rows: rows the authority showed.
        agreeing: registrations that both hold alike.
        steps: steps that registrations of ours took; with a dry run, would have taken.
        failed: code of what kept the search from being made; empty when it was made.
    """

    subject: Subject
    rows: int = 0
    agreeing: int = 0
    steps: int = 0
    differences: tuple[Difference, ...] = ()
    failed: str = ""

    @property
    def unexplained(self) -> tuple[Difference, ...]:
        """The differences that somebody has to look into."""
        return tuple(one for one in self.differences if not one.explained)


@dataclass(frozen=True, slots=True)
class Todo:
    """The next run of a night.

    Args:
        subject: what to ask for; None when nothing is to be done now.
        wake_ms: without a subject, when there may be something again; None: not this night.
    """

    subject: Subject | None
    wake_ms: int | None = None


class ReconcilePort(Protocol):
    """What is kept of registrations and runs."""

    def todo(self, begin_ms: int, now_ms: int, regimes: Sequence[str]) -> Todo:
        """Returns the next run of the night that began at `begin_ms`."""
        ...

    def missing(self, subject: Subject, seen: Sequence[Seen]) -> list[int]:
        """Returns the numbers that we hold as registered and that `seen` does not show."""
        ...

    def settle(
        self,
        subject: Subject,
        seen: Sequence[Seen],
        got: Sequence[Seen],
        actor: str,
        now_ms: int,
        write: bool,
    ) -> RunReport:
        """Compares, and with `write` keeps the run and takes its steps, in one transaction.

        Args:
            got: rows that the search did not show and that their number led to.
        """
        ...

    def failed(self, subject: Subject, actor: str, now_ms: int, code: str) -> None:
        """Keeps that the search could not be made."""
        ...


class Reconciler:
    """Makes runs; one thread uses it.

    Args:
        port: what is kept.
        authorities: the adapter of each regime that is set up.
        at: time of day in Brussels from which the night's runs are made.
    """

    def __init__(
        self,
        port: ReconcilePort,
        authorities: Mapping[str, AuthorityPort],
        at: time = time(2, 30),
    ) -> None:
        self._port = port
        self._authorities = authorities
        self._at = at

    def step(self, now_ms: int) -> int:
        """Makes at most one run of the night; returns when to call again, UTC milliseconds."""
        begin_ms = night_begin_ms(now_ms, self._at)
        todo = self._port.todo(begin_ms, now_ms, tuple(self._authorities))
        if todo.subject is None:
            next_ms = night_begin_ms(now_ms, self._at, nights=1)
            return next_ms if todo.wake_ms is None else min(next_ms, todo.wake_ms)
        try:
            report = self.run(todo.subject, NIGHTLY, now_ms)
        except SitegateError as error:
            log.warning("not reconciled", works=todo.subject.works_number, code=error.code)
            return now_ms + RETRY_MS
        log.info(
            "reconciled",
            works=todo.subject.works_number,
            day=todo.subject.day.isoformat(),
            rows=report.rows,
            differences=len(report.differences),
            unexplained=len(report.unexplained),
        )
        return now_ms

    def run(self, subject: Subject, actor: str, now_ms: int, write: bool = True) -> RunReport:
        """Makes one run.

        Args:
            actor: who asked.
            write: False only looks: nothing is kept and no step is taken.

        Raises:
            SitegateError: the search could not be made; kept as a failed run, nothing concluded.
        """
        authority = self._authorities[subject.regime]
        try:
            seen = authority.search(subject.works_number, subject.day)
            missing = self._port.missing(subject, seen)
            got = [] if len(missing) > GET_MAX else self._get(authority, subject, missing)
        except SitegateError as error:
            if write:
                self._port.failed(subject, actor, now_ms, error.code)
            raise
        return self._port.settle(subject, seen, got, actor, now_ms, write)

    def _get(
        self, authority: AuthorityPort, subject: Subject, numbers: Sequence[int]
    ) -> list[Seen]:
        found = [authority.get(number) for number in numbers]
        return [Seen(one, subject.works_number, subject.day) for one in found if one is not None]


def night_begin_ms(now_ms: int, at: time, nights: int = 0) -> int:
    """Returns the newest moment not after `now_ms` at which it was `at` in Brussels.

    Args:
        nights: so many days later.
    """
    today = brussels_day(now_ms)
    for back in (0, 1):
        begin = _moment_ms(today - timedelta(days=back), at)
        if begin <= now_ms:
            return _moment_ms(today + timedelta(days=nights - back), at)
    return _moment_ms(today + timedelta(days=nights - 1), at)


def _moment_ms(day: date, at: time) -> int:
    # A time that a day of 23 hours does not have is taken an hour later (PEP 495), which suits us.
    return int(datetime.combine(day, at, BRUSSELS).timestamp()) * 1000
