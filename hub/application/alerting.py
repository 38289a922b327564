"""Looks at the hub, decides what is an alert, and puts down what is to be told of it.

Theory of operation. A look reads the facts first, without holding anybody up. Then, in one
transaction: what changed is written, each event becomes a *telling* for each recipient whom it
concerns, due at once or when his quiet hours or what is collected for him end; and the tellings
that are due become one message for each recipient in the outbox. Nothing is decided outside of that
transaction, so that a hub that ends at any moment tells each event once.

An alert that is acknowledged before it was told is not told any more; one that is over before it
was told is told as that.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol, TypeVar

from hub.application.alert_readings import FactsPort, Limits, readings
from hub.application.alert_words import Told, content_of
from hub.application.mailing import Notice
from hub.domain.alert_times import Recipient, Timing, due_ms, told_at
from hub.domain.alerts import (
    LAST_STEP,
    Alert,
    Changed,
    Event,
    Kind,
    Level,
    Reading,
    decide,
    escalated,
)

T = TypeVar("T")
LOOK_MS: Final = 30_000


@dataclass(frozen=True, slots=True)
class Kept:
    """An alert as it is kept.

    Args:
        row: its row.
        handle: what its address holds instead.
    """

    row: int
    handle: str
    alert: Alert


@dataclass(frozen=True, slots=True)
class Telling:
    """One event of one alert that one recipient is to hear of, and has not yet.

    Args:
        row: its row.
        alert_row: of the alert.
        channel, to: whom.
        due_ms: not before this, UTC milliseconds.
    """

    row: int
    alert_row: int
    event: Event
    channel: str
    to: str
    due_ms: int


class AlertBook(Protocol):
    """Alerts and tellings in one write transaction."""

    def standing(self) -> list[Kept]:
        """Returns every alert that is not over, those that wait to rise as well."""
        ...

    def kept(self, rows: Iterable[int]) -> dict[int, Kept]:
        """Returns these alerts by row, whether they are over or not."""
        ...

    def add(self, alert: Alert, /) -> int:
        """Keeps a new alert; returns its row."""
        ...

    def save(self, row: int, alert: Alert, /) -> None:
        """Keeps what became of an alert."""
        ...

    def forget(self, row: int) -> None:
        """Takes away an alert that never rose."""
        ...

    def tell(self, row: int, event: Event, to: Recipient, now_ms: int, due_ms: int) -> None:
        """Keeps that somebody is to hear of an event."""
        ...

    def untold(self) -> list[Telling]:
        """Returns what nobody has been told yet, the oldest first."""
        ...

    def unwanted(self, tellings: Iterable[Telling]) -> None:
        """Takes away what is not told any more."""
        ...

    def was_told(self, row: int) -> set[tuple[str, str]]:
        """Returns (channel, to) of those who have heard of an alert, or are to."""
        ...

    def queue(self, notice: Notice, tellings: Sequence[Telling], /) -> None:
        """Puts a message into the outbox that tells all of this."""
        ...


class AlertPort(Protocol):
    """Where alerts are kept."""

    def change(self, change: Callable[[AlertBook], T], /) -> T:
        """Carries out a change in one transaction; returns what it returned, once it is kept."""
        ...


class Tells(Protocol):
    """What a running hub tells people by."""

    @property
    def wanted(self) -> Wanted:
        """What the settings say."""
        ...

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels that are set up."""
        ...

    def wake(self) -> None:
        """There may be a new message; returns at once."""
        ...

    def try_out(self, to: Recipient) -> None:
        """Sends a message that says that it is a test; returns once the other side has taken it.

        Raises:
            SitegateError: it was not taken, and why.
        """
        ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the settings say.

    Args:
        limits: from where on something is an alert.
        after_ms: how long it must be so, by kind.
        timing: quiet hours and what is collected.
        recipients: who is told.
        escalate_ms: how long a step has; 0: for ever.
        base_url: where the pages are, without the slash at its end.
    """

    limits: Limits
    after_ms: Mapping[Kind, int]
    timing: Timing
    recipients: tuple[Recipient, ...]
    escalate_ms: int
    base_url: str

    @property
    def last_step(self) -> int:
        """The highest step that somebody is told at."""
        return min(LAST_STEP, max((one.step for one in self.recipients), default=1))


class Alerting:
    """Looks, decides and puts down what is told; one thread steps it.

    Args:
        port: where alerts are kept.
        facts: what is looked at.
        wanted: what the settings say.
        clock: UTC milliseconds.
        handles: gives a fresh handle for a message each time.
        told: called after something new is in the outbox.
        changed: called after something a page shows has changed.
    """

    def __init__(
        self,
        port: AlertPort,
        facts: FactsPort,
        wanted: Wanted,
        clock: Callable[[], int],
        handles: Callable[[], str],
        told: Callable[[], None] = lambda: None,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._port = port
        self._facts = facts
        self._wanted = wanted
        self._clock = clock
        self._handles = handles
        self._told = told
        self._changed = changed
        self._looking = threading.Lock()

    def step(self) -> int:
        """Looks once; returns when to look again, UTC milliseconds."""
        now_ms = self._clock()
        self.look(now_ms)
        return now_ms + LOOK_MS

    def look(self, now_ms: int) -> None:
        """Does what a look does; of two at the same time, the second waits for the first."""
        with self._looking:
            found = readings(self._facts.facts(now_ms), self._wanted.limits)
            made = self._port.change(lambda book: self.take(book, found, now_ms))
        if made.changed:
            self._changed()
        if made.notices:
            self._told()

    def take(self, book: AlertBook, found: Iterable[Reading], now_ms: int) -> Made:
        """Decides in a transaction what these readings change, and what is told now."""
        standing = {kept.alert.key: kept for kept in book.standing()}
        changed = decide(
            now_ms, found, [kept.alert for kept in standing.values()], self._wanted.after_ms
        )
        for one in changed:
            known = standing.get(one.alert.key)
            self._keep(book, None if known is None else known.row, one, now_ms)
        steps = 0
        for kept in book.standing():
            steps += self._escalate(book, kept, now_ms)
        notices = send_due(book, self._wanted, now_ms, self._handles)
        return Made(len(changed) + steps, notices)

    def _keep(self, book: AlertBook, row: int | None, one: Changed, now_ms: int) -> None:
        if one.forgotten:
            if row is not None:
                book.forget(row)
            return
        alert = one.alert
        if Event.RISEN in one.events or Event.WORSE in one.events:
            # The next step is counted from when this one was told, not from a quiet night.
            alert = replace(alert, step_ms=self._due_ms(alert, now_ms))
        if row is None:
            row = book.add(alert)
        else:
            book.save(row, alert)
        for event in one.events:
            tell(book, self._wanted, row, alert, event, now_ms)

    def _escalate(self, book: AlertBook, kept: Kept, now_ms: int) -> int:
        wanted = self._wanted
        further = escalated(now_ms, kept.alert, wanted.escalate_ms, wanted.last_step)
        if further is None:
            return 0
        further = replace(further, step_ms=self._due_ms(further, now_ms))
        book.save(kept.row, further)
        tell(book, wanted, kept.row, further, Event.ESCALATED, now_ms)
        return 1

    def _due_ms(self, alert: Alert, now_ms: int) -> int:
        return due_ms(alert.rule.level, now_ms, self._wanted.timing)


@dataclass(frozen=True, slots=True)
class Made:
    """What a look made: alerts that changed, and messages."""

    changed: int
    notices: int


def tell(
    book: AlertBook, wanted: Wanted, row: int, alert: Alert, event: Event, now_ms: int
) -> None:
    """Puts down who is to hear of an event, and when."""
    if event is Event.CLEARED:
        heard = book.was_told(row)
        hearers = [one for one in wanted.recipients if (one.channel, one.to) in heard]
    elif event is Event.ESCALATED:
        hearers = told_at(alert.step, wanted.recipients, alert)
    else:
        hearers = told_at(1, wanted.recipients, alert)
    # That something is over wakes nobody.
    level = alert.rule.level
    if event is Event.CLEARED and level is Level.URGENT:
        level = Level.PROMPT
    for to in hearers:
        due = due_ms(level, now_ms, wanted.timing, to.at_once)
        book.tell(row, event, to, now_ms, due)


def send_due(book: AlertBook, wanted: Wanted, now_ms: int, handles: Callable[[], str]) -> int:
    """Makes one message for each recipient of what is due for him; returns how many."""
    known = {(one.channel, one.to): one for one in wanted.recipients}
    waiting: dict[tuple[str, str], list[Telling]] = {}
    unwanted: list[Telling] = []
    untold = book.untold()
    kept = book.kept({one.alert_row for one in untold})
    for one in untold:
        alert = kept[one.alert_row].alert
        acked = alert.acked_ms is not None and one.event is not Event.CLEARED
        # Who does not stand in the settings any more is not told.
        if (one.channel, one.to) not in known or (acked and not alert.rule.settled):
            unwanted.append(one)
        else:
            waiting.setdefault((one.channel, one.to), []).append(one)
    book.unwanted(unwanted)
    notices = 0
    for key, tellings in waiting.items():
        due = [one for one in tellings if one.due_ms <= now_ms]
        if not due:
            continue
        # All that is to be said of an alert is said at once: that it is over does not wait for
        # another message.
        rows = {one.alert_row for one in due}
        due = [one for one in tellings if one.alert_row in rows]
        told = [
            Told(
                kept[row].handle,
                kept[row].alert,
                tuple(one.event for one in due if one.alert_row == row),
            )
            for row in sorted(rows)
        ]
        to = known[key]
        content = content_of(told, to.language, wanted.base_url, now_ms)
        book.queue(Notice(handles(), to.channel, to.to, to.language, now_ms, content), due)
        notices += 1
    return notices
