"""Sends the reports that are due by themselves: each due time once, whatever ends in between.

Theory of operation. A schedule says which report goes to whom and when, and its owner's account
what may be in it. One thread steps this:

    due, less than a day late    the owner's rights are read, the file is made and put into the
                                 outbox as drafts; then one short transaction keeps "settled until
                                 here", what became of it, and that the drafts go: all, or nothing
    later than that              missed: kept as that, no mail
    owner disabled, right lost   not sent, kept as that with its code
    it cannot be made            not sent, kept with its code; what nobody foresaw is tried
                                 `TRIES` times first
    the schedule was changed     while the file was made: nothing is kept, it is made anew if it is
                                 still due

To make a file may take minutes; no transaction is open meanwhile but one that reads. A hub that is
killed before that transaction has sent nothing and begins anew; one that is killed after it finds
the due time settled and the mails in the outbox, which sends each once (`hub.application.posting`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Protocol

import structlog

from hub.application.access import Actor
from hub.application.mailing import Attachment
from hub.domain.report_times import (
    Kind,
    Timing,
    Verdict,
    days_of,
    due_times,
    next_due_ms,
    verdict,
)
from hub.domain.rights import Action
from hub.errors import SitegateError, UsageError
from hub.i18n import moment_text, number_text, text

LOOK_MS: Final = 30_000
"""How often it is looked whether somebody changed a schedule, or wants one now."""
TRIES: Final = 3
"""How often something unforeseen may keep a report from being made, `LOOK_MS` apart."""
SENT: Final = "sent"
EMPTY: Final = "empty"
LINKED: Final = "linked"
MISSED: Final = "missed"
FAILED: Final = "failed"
NO_MAIL: Final = "HUB-1800"
NOBODY: Final = "HUB-1865"
UNFORESEEN: Final = "HUB-1867"
TOO_LATE: Final = "HUB-1868"

log = structlog.get_logger()


def action_of(kind: Kind) -> Action:
    """Returns the right by which somebody sees this report."""
    return Action.DAY_SEE if kind is Kind.DAY else Action.REPORTS_SEE


@dataclass(frozen=True, slots=True, repr=False)
class Schedule:
    """A report that goes out by itself. The `repr` shows no recipient.

    Args:
        id: its row.
        account_id: whose rights decide what it holds; None: those of a command, which are all.
        sites: rows of the sites; empty: all that the owner sees when it is sent.
        company_id: only this company; None: all.
        form: `pdf`, `xlsx` or `csv`.
        language: of file and mail.
        recipients: mail addresses, each once.
        active: it is sent by itself; else only when somebody asks.
        settled_ms: every due time until here is settled, UTC milliseconds.
        asked_ms: since when somebody wants it now; None: nobody does.
        version: one more with each change.
    """

    id: int
    account_id: int | None
    kind: Kind
    sites: tuple[int, ...]
    company_id: int | None
    form: str
    language: str
    recipients: tuple[str, ...]
    timing: Timing
    active: bool = True
    settled_ms: int = 0
    asked_ms: int | None = None
    version: int = 0

    def __repr__(self) -> str:
        return f"Schedule({self.id}, {self.kind})"


@dataclass(frozen=True, slots=True, repr=False)
class Made:
    """A report that was made. The `repr` shows neither about whom nor what.

    Args:
        title: name of the report.
        about: site or sites, and the company if it is of one; no person.
        period: days in words.
        rows: how many rows it has.
        path: of the page that shows the same, from the slash on.
        attachment: the file; None: it is empty, or too large.
    """

    title: str
    about: str
    period: str
    rows: int
    path: str
    attachment: Attachment | None = None

    def __repr__(self) -> str:
        return f"Made({self.rows} rows)"


@dataclass(frozen=True, slots=True)
class Due:
    """A due time that has come, or somebody's wish.

    Args:
        at_ms: the due time, or when he asked, UTC milliseconds.
        asked: somebody asked.
        verdict: what is to be done about it.
    """

    at_ms: int
    asked: bool = False
    verdict: Verdict = Verdict.ON_TIME


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a due time.

    Args:
        state: `sent`, `empty`, `linked`, `missed` or `failed`.
        code: why not; empty when it was sent.
        rows: of the report.
    """

    state: str
    code: str = ""
    rows: int = 0


@dataclass(frozen=True, slots=True, repr=False)
class ReportMail:
    """What the recipients get.

    Args:
        key: of the catalogue, see `hub.application.mailing.Mailing.queue_mail`.
        values: of its placeholders.
        link: the page that shows the same.
    """

    key: str
    values: Mapping[str, object]
    attachments: tuple[Attachment, ...] = ()
    link: str = ""

    def __repr__(self) -> str:
        return f"ReportMail({self.key}, {len(self.attachments)} files)"


class SchedulePort(Protocol):
    """Where schedules are kept."""

    def waiting(self) -> list[Schedule]:
        """Returns those that are sent by themselves or asked for, in their order."""
        ...

    def owner(self, schedule: Schedule, /) -> Actor | None:
        """Returns who it belongs to with what he may see now; None: his account is disabled."""
        ...

    def settle(
        self,
        schedule: Schedule,
        due: Due,
        outcome: Outcome,
        mail: ReportMail | None,
        owner: Actor | None,
        now_ms: int,
        /,
    ) -> bool:
        """Keeps what became of a due time, and lets the mails go, in one transaction; False, and
        nothing is kept, when it was settled before, or schedule or rights have changed since.

        Args:
            mail: one goes to each recipient; None: none does.
            owner: with whose rights it was made; None when it was not.
            now_ms: UTC milliseconds.
        """
        ...


class Make(Protocol):
    """Makes the file of a report; takes as long as it takes, and no transaction is open."""

    def __call__(
        self, schedule: Schedule, owner: Actor, first: date, last: date, now_ms: int, /
    ) -> Made:
        """Returns it.

        Raises:
            SitegateError: it cannot be made; HUB-1866, a site or the company is not the owner's.
        """
        ...


def dues_of(schedule: Schedule, now_ms: int) -> Iterable[Due]:
    """Yields what is due of a schedule, what somebody asked for first."""
    if schedule.asked_ms is not None:
        yield Due(schedule.asked_ms, asked=True)
    if schedule.active:
        for due_ms in due_times(schedule.timing, schedule.settled_ms, now_ms):
            yield Due(due_ms, False, verdict(due_ms, now_ms))


@dataclass
class ReportSending:
    """Sends what is due; one thread steps it.

    Args:
        port: where schedules are kept.
        make: makes files.
        mail_is_set_up: whether there is a server.
        clock: UTC milliseconds.
        base_url: where the pages are, without the slash at its end.
        queued: called after mails were queued.
        changed: called after something a page shows has changed.
    """

    port: SchedulePort
    make: Make
    mail_is_set_up: bool
    clock: Callable[[], int]
    base_url: str
    queued: Callable[[], None] = lambda: None
    changed: Callable[[], None] = lambda: None
    _failures: dict[tuple[int, int], int] = field(default_factory=dict, init=False)

    def step(self) -> int:
        """Sends what is due; returns when to look again, UTC milliseconds."""
        wakes = [self.clock() + LOOK_MS]
        again: dict[tuple[int, int], int] = {}
        for schedule in self.port.waiting():
            for due in dues_of(schedule, self.clock()):
                failures = self._failures.get((schedule.id, due.at_ms), 0)
                if not self._send(schedule, due, failures):
                    again[schedule.id, due.at_ms] = failures + 1
                    # What is due after it waits for it: due times are settled in their order.
                    break
            if schedule.active:
                wakes.append(next_due_ms(schedule.timing, self.clock()))
        self._failures = again
        return min(wakes)

    def send_asked(self, schedule: Schedule) -> bool:
        """Sends one that somebody asked for, now and in this thread; False: another one did.

        Raises:
            SitegateError: it was not sent, and that is kept.
        """
        due = next(iter(dues_of(schedule, self.clock())))
        try:
            return self._make_and_queue(schedule, due)
        except SitegateError as error:
            self._settle(schedule, due, Outcome(FAILED, error.code))
            raise

    # ------------------------------------------------------------ one due time

    def _send(self, schedule: Schedule, due: Due, failures: int) -> bool:
        """Settles a due time; False: it is to be tried again."""
        if due.verdict is Verdict.MISSED:
            log.warning("report not sent", code=TOO_LATE, schedule=schedule.id)
            self._settle(schedule, due, Outcome(MISSED, TOO_LATE))
            return True
        try:
            self._make_and_queue(schedule, due)
        except SitegateError as error:
            log.warning("report not sent", code=error.code, schedule=schedule.id)
            self._settle(schedule, due, Outcome(FAILED, error.code))
        except Exception as error:  # noqa: BLE001 - one report must not hold up the others
            # The text of an unexpected error may hold anything: only its kind is logged.
            log.error("report not made", error=type(error).__name__, schedule=schedule.id)
            if failures + 1 < TRIES:
                return False
            self._settle(schedule, due, Outcome(FAILED, UNFORESEEN))
        return True

    def _make_and_queue(self, schedule: Schedule, due: Due) -> bool:
        if not self.mail_is_set_up:
            raise UsageError(NO_MAIL, channel="mail")
        owner = self.port.owner(schedule)
        if owner is None or not owner.may(Action.REPORTS_SCHEDULE):
            raise UsageError(NOBODY)
        first, last = days_of(schedule.timing.cover, due.at_ms)
        made = self.make(schedule, owner, first, last, self.clock())
        state = SENT if made.attachment is not None else LINKED if made.rows else EMPTY
        mail = self._mail(schedule, due, made, state)
        return self._settle(schedule, due, Outcome(state, rows=made.rows), mail, owner)

    def _mail(self, schedule: Schedule, due: Due, made: Made, state: str) -> ReportMail:
        language = schedule.language
        late = ""
        if due.verdict is Verdict.LATE:
            late = text(
                "schedule.mail.late", language, due=moment_text(due.at_ms, language, seconds=False)
            )
        values = {
            "title": made.title,
            "about": made.about,
            "period": made.period,
            "rows": text(
                f"schedule.rows_{'one' if made.rows == 1 else 'many'}",
                language,
                count=number_text(made.rows, language, 0),
            ),
            "nothing": text(f"schedule.nothing.{schedule.kind}", language),
            "late": late,
        }
        files = () if made.attachment is None else (made.attachment,)
        return ReportMail(f"schedule.mail.{state}", values, files, self.base_url + made.path)

    def _settle(
        self,
        schedule: Schedule,
        due: Due,
        outcome: Outcome,
        mail: ReportMail | None = None,
        owner: Actor | None = None,
    ) -> bool:
        done = self.port.settle(schedule, due, outcome, mail, owner, self.clock())
        if done:
            self.changed()
            if mail is not None:
                self.queued()
        return done
