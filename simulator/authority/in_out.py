"""What the in/out face decides and keeps: register, get, search, and cancel where it is allowed.

Refused at once, item by item (everything else becomes a remark later):

    code            condition                                            status of the rule
    SIM-TOO-LATE    more than ten minutes between act and arrival        read in public clients
    SIM-TOO-EARLY   further in the future than the tolerance             ours, two minutes
    SIM-INSS        check digits or date of birth of the person          official check rule
    SIM-COMPANY     check digits of the enterprise number                official check rule
    SIM-PLACE       check character of the works number                  inferred from examples

The codes are ours: those of the real service are not public.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, final

from simulator.authority import numbers, rules
from simulator.authority.clock import Clock, brussels_day
from simulator.authority.event_store import EventEntry
from simulator.authority.events import CANCELLED, Act, Event, EventCriteria, EventPage
from simulator.authority.presence import Refusal, RequestError, Sender
from simulator.authority.refdata import catalogues
from simulator.authority.registers import Registers
from simulator.authority.search import Condition, visible_to
from simulator.authority.store import Store

TOO_LATE: Final = RequestError(
    "SIM-TOO-LATE", "Simulator: more than ten minutes between the act and its arrival"
)
TOO_EARLY: Final = RequestError("SIM-TOO-EARLY", "Simulator: the act lies in the future")


@dataclass(frozen=True, slots=True)
class Terms:
    """What the face needs of the authority's settings; see `operations.Settings`."""

    late_ms: int
    early_ms: int
    validation_delay_ms: int
    channel: str
    cancel_grace_days: int


@final
class InOut:
    """Holds in/out registrations; every method is one transaction, from any thread.

    Args:
        store: the memory, shared with day presences.
        registers: the facts, shared as well.
        clock: UTC milliseconds.
        terms: see `Terms`.
        lock: the authority's own.
        changed: called when the next due instant may have changed.
    """

    def __init__(
        self,
        store: Store,
        registers: Registers,
        clock: Clock,
        terms: Terms,
        *,
        lock: threading.RLock,
        changed: Callable[[], None],
    ) -> None:
        self._store = store
        self._events = store.events
        self._registers = registers
        self._clock = clock
        self._terms = terms
        self._lock = lock
        self._changed = changed

    def register(self, acts: Sequence[Act], sender: Sender) -> list[Event | Refusal]:
        """Stores what is not refused at once; one outcome for each act, in order."""
        with self._lock, self._store.transaction():
            now_ms = self._clock()
            judged = [self._judge(act, now_ms) for act in acts]
            entries = [one for one in judged if isinstance(one, EventEntry)]
            stored = iter(
                self._events.add_all(
                    entries,
                    created_ms=now_ms,
                    channel=self._terms.channel,
                    sender=sender,
                    due_ms=now_ms + self._terms.validation_delay_ms,
                )
            )
            self._events.left([one for one in entries if one.act.direction == "out"], now_ms)
            outcomes = [one if isinstance(one, Refusal) else next(stored) for one in judged]
        self._changed()
        return outcomes

    def _judge(self, act: Act, now_ms: int) -> EventEntry | Refusal:
        errors = self._errors(act, now_ms)
        if errors:
            return Refusal(errors)
        works = self._registers.works(act.works)
        return EventEntry(
            act,
            brussels_day(act.at_ms),
            self._registers.latest_inss(act.ssin),
            catalogues().activity(None if works is None else works.sector),
        )

    def _errors(self, act: Act, now_ms: int) -> tuple[RequestError, ...]:
        """Every reason to refuse an act; empty when it is to be stored."""
        errors: list[RequestError] = []
        if now_ms - act.at_ms > self._terms.late_ms:
            errors.append(TOO_LATE)
        if act.at_ms - now_ms > self._terms.early_ms:
            errors.append(TOO_EARLY)
        if not numbers.inss_ok(act.ssin, brussels_day(now_ms)):
            errors.append(rules.INSS)
        if act.company is not None and not numbers.company_ok(act.company):
            errors.append(rules.COMPANY)
        if not numbers.works_number_ok(act.works):
            errors.append(rules.PLACE)
        return tuple(errors)

    def get(self, number: int, sender: Sender) -> Event | None:
        """The registration; None if there is none or the sender may not see it."""
        with self._lock:
            found = self._events.get(number)
            return found if found is not None and self._visible(found, sender) else None

    def _visible(self, event: Event, sender: Sender) -> bool:
        act = event.act
        return (
            sender.id == event.sender.id
            or sender.company == event.sender.company
            or self._registers.may_see(
                sender.company,
                employer=act.foreign_vat if act.company is None else act.company,
                works=act.works,
            )
        )

    def search(self, criteria: EventCriteria, sender: Sender) -> EventPage | None:
        """One page of what the sender may see; None if it may not look there at all.

        Like the day service: naming an employer or works on which one has no right is refused,
        everything else shows what one may see and no more.
        """
        with self._lock:
            company, works = criteria.equals("company"), criteria.equals("works")
            if not self._may_look(company, works, sender):
                return None
            declared = self._registers.declared_by(sender.company)
            chains = {
                works: (
                    [one for one in below if isinstance(one, int)],
                    [one for one in below if isinstance(one, str)],
                )
                for works, below in self._registers.chains(sender.company).items()
            }
            sight = visible_to(sender, declared, chains, foreign="foreign_vat")
            condition = self._matching(sight, criteria)
            direction = "DESC" if criteria.descending else "ASC"
            return self._events.search(
                condition,
                f"{criteria.sort} {direction}, number {direction}",
                (criteria.page - 1) * criteria.page_size,
                criteria.page_size,
            )

    def _may_look(self, company: object, works: object, sender: Sender) -> bool:
        if company is None and works is None:
            return True
        if isinstance(company, int) and self._registers.right_on_company(sender, company):
            return True
        if isinstance(works, str) and self._registers.right_on_works(sender, works):
            return True
        return self._events.sent_any(sender, company, works)

    def _matching(self, condition: Condition, criteria: EventCriteria) -> Condition:
        condition.add("act_ms BETWEEN ? AND ?", criteria.from_ms, criteria.until_ms)
        for column, value in criteria.equal:
            condition.among(column, (value,))
        for path, value in criteria.place:
            condition.add("json_extract(place, ?) = ?", f"$.{path}", value)
        if criteria.ssin is not None:
            condition.among("person", sorted(self._registers.numbers_of(criteria.ssin)))
        if criteria.remarks:
            marks = ",".join("?" * len(criteria.remarks))
            condition.add(
                f"EXISTS (SELECT 1 FROM json_each(remarks) WHERE value IN ({marks}))",
                *criteria.remarks,
            )
        return condition

    def cancel(self, number: int, reason: str, sender: Sender) -> Event | Refusal:
        """Ends a registration, by the rules of the day service: sender or employer, in time.

        Whether the real service can do this at all is not known.
        """
        with self._lock, self._store.transaction():
            now_ms = self._clock()
            event = self._events.get(number)
            if event is None or not self._visible(event, sender):
                return Refusal((rules.CANCEL_UNKNOWN,))
            errors = self._cancel_errors(event, reason, sender, now_ms)
            if errors:
                return Refusal(errors)
            self._events.cancel(event, reason.upper(), now_ms)
            cancelled = self._events.get(number)
        self._changed()
        return event if cancelled is None else cancelled

    def _cancel_errors(
        self, event: Event, reason: str, sender: Sender, now_ms: int
    ) -> tuple[RequestError, ...]:
        errors: list[RequestError] = []
        last_day = event.day + timedelta(days=self._terms.cancel_grace_days)
        own = sender.company in (event.sender.company, event.act.company)
        if sender.id != event.sender.id and not own:
            errors.append(rules.RIGHTS)
        elif event.status == CANCELLED:
            errors.append(rules.CANCEL_TWICE)
        elif brussels_day(now_ms) > last_day:
            errors.append(rules.CANCEL_LATE)
        if reason.upper() not in rules.CANCEL_REASONS:
            errors.append(rules.CANCEL_REASON)
        return tuple(errors)

    # what tests and pages look at

    def name(self, event: Event) -> tuple[str, str] | None:
        """Given and family name of the person; None for somebody no register knows."""
        known = self._registers.person(event.act.ssin) is not None
        return catalogues().name(event.person) if known else None

    def everything(self) -> list[Event]:
        """All registrations in order of their numbers."""
        with self._lock:
            return self._events.everything()

    def newest(self, limit: int, offset: int) -> list[Event]:
        """Registrations, newest first."""
        with self._lock:
            return self._events.newest(limit, offset)

    def counts(self) -> dict[str, int]:
        """How many registrations are in each validity, cancelled ones apart."""
        with self._lock:
            return self._events.counts()
