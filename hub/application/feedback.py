"""Brings back to the gates what became of their taps: receipts, and who went which way elsewhere.

Theory of operation. Both are hints for a display and for anti-passback; no promise rests on them.
So they are never stored as sent: a thread is woken after something was projected or registered,
reads what is new since its cursors, and says it to the gates that are connected. A gate that greets
is told the whole day again, since it forgets with its power.

| woken by | says | to |
| --- | --- | --- |
| a registration that got its number | receipt | every gate of the site |
| a tap that was projected, at most FRESH_MS old | passed | the site's other gates that follow |
| a gate that greets | today's receipts; who is where, if it follows | that gate |

A gate *follows* when its settings ask for anti-passback or toggle its direction.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import date
from typing import Protocol

import structlog

from hub.domain.legal_day import brussels_day, day_bounds_ms

FRESH_MS = 10 * 60_000
"""A backlog of yesterday says nothing of where people are now."""

Receipt = tuple[bytes, str]
"""Badge tag and number of the registration."""
Passage = tuple[bytes, int]
"""Badge tag and DIRECTION constant."""

log = structlog.get_logger()


class FeedbackSource(Protocol):
    """What is read, each time from the database."""

    def newest(self) -> tuple[int, int]:
        """Returns the cursors of now: newest registration event, newest inbox row."""
        ...

    def receipts_since(self, event: int, day: date) -> tuple[int, list[tuple[int, bytes, str]]]:
        """Returns the newest event and (site, tag, number) of what was registered since `event`."""
        ...

    def receipts_of(self, site_id: int, day: date) -> list[Receipt]:
        """Returns all receipts of a site's day."""
        ...

    def passed_since(
        self, inbox_id: int, not_before_ms: int
    ) -> tuple[int, list[tuple[int, str, bytes, int]]]:
        """Returns the newest row and (site, terminal, tag, direction) of granted taps since."""
        ...

    def directions_of(self, site_id: int, not_before_ms: int) -> list[Passage]:
        """Returns the last direction of each badge seen at the site since then."""
        ...


class FeedbackPort(Protocol):
    """The way to the gates; calls may lose what they say."""

    def receipts(self, terminal: str, day: date, news: Sequence[Receipt]) -> None:
        """Says receipts to one gate."""
        ...

    def passed(self, terminal: str, at_ms: int, passages: Sequence[Passage]) -> None:
        """Says to one gate who went which way."""
        ...

    def gates(self, site_id: int) -> list[tuple[str, bool]]:
        """Returns (terminal, whether it follows) of the site's gates."""
        ...

    def following(self) -> bool:
        """Returns whether any gate follows."""
        ...


class Feedback:
    """The thread that says it.

    Args:
        source: see `FeedbackSource`.
        port: see `FeedbackPort`.
        clock: UTC milliseconds.
    """

    def __init__(
        self, source: FeedbackSource, port: FeedbackPort, clock: Callable[[], int]
    ) -> None:
        self._source = source
        self._port = port
        self._clock = clock
        self._changed = threading.Condition()
        self._due = False
        self._greeted: dict[str, int] = {}
        self._stopping = False
        self._events, self._inbox = 0, 0
        # Gates that have greeted, and the day they were told of: what was planned the evening
        # before has its receipt before its day begins.
        self._sites: dict[str, int] = {}
        self._day = brussels_day(clock())
        self._thread = threading.Thread(target=self._run, name="feedback", daemon=True)

    def start(self) -> None:
        """Starts the thread; what happened before is told to gates as they greet."""
        self._events, self._inbox = self._source.newest()
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join()

    def wake(self) -> None:
        """Something was projected or registered; returns at once, any thread may call it."""
        with self._changed:
            self._due = True
            self._changed.notify()

    def greeted(self, terminal: str, site_id: int) -> None:
        """A gate has greeted; returns at once, any thread may call it."""
        with self._changed:
            self._greeted[terminal] = site_id
            self._sites[terminal] = site_id
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(
                    lambda: self._stopping or self._due or self._greeted, self._until_midnight_s()
                )
                if self._stopping:
                    return
                self._due = False
                greeted, self._greeted = self._greeted, {}
            try:
                self.step()
                self.turn_of_day()
                for terminal, site_id in greeted.items():
                    self.tell_day(terminal, site_id)
            except Exception as error:  # noqa: BLE001 - a hint that fails must not end the thread
                log.error("feedback failed", error=type(error).__name__)

    def step(self) -> None:
        """Says what is new since the last step."""
        now_ms = self._clock()
        today = brussels_day(now_ms)
        self._events, receipts = self._source.receipts_since(self._events, today)
        by_site: dict[int, list[Receipt]] = {}
        for site_id, tag, number in receipts:
            by_site.setdefault(site_id, []).append((tag, number))
        for site_id, found in by_site.items():
            for terminal, _ in self._port.gates(site_id):
                self._port.receipts(terminal, today, found)
        if not self._port.following():
            _, self._inbox = self._source.newest()
            return
        self._inbox, passages = self._source.passed_since(self._inbox, now_ms - FRESH_MS)
        heard: dict[str, list[Passage]] = {}
        for site_id, origin, tag, direction in passages:
            for terminal, follows in self._port.gates(site_id):
                if follows and terminal != origin:
                    heard.setdefault(terminal, []).append((tag, direction))
        for terminal, found in heard.items():
            self._port.passed(terminal, now_ms, found)

    def turn_of_day(self) -> None:
        """Says to every gate what the new day begins with, once it has begun."""
        today = brussels_day(self._clock())
        if today == self._day:
            return
        self._day = today
        with self._changed:
            known = dict(self._sites)
        for terminal, site_id in known.items():
            self.tell_day(terminal, site_id)

    def _until_midnight_s(self) -> float:
        now_ms = self._clock()
        wait_ms = day_bounds_ms(brussels_day(now_ms))[1] - now_ms
        # The clock may be set meanwhile: it is looked at every hour.
        return max(1.0, min(wait_ms / 1000, 3600.0))

    def tell_day(self, terminal: str, site_id: int) -> None:
        """Says to one gate what it has forgotten of today."""
        now_ms = self._clock()
        today = brussels_day(now_ms)
        receipts = self._source.receipts_of(site_id, today)
        if receipts:
            self._port.receipts(terminal, today, receipts)
        if dict(self._port.gates(site_id)).get(terminal):
            passages = self._source.directions_of(site_id, now_ms - 86_400_000)
            if passages:
                self._port.passed(terminal, now_ms, passages)
