"""The four operations of the service, apart from SOAP: what is decided and what is kept."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, final

from simulator.authority import rules
from simulator.authority.clock import Clock, brussels_day
from simulator.authority.presence import (
    Cancellation,
    Criteria,
    Page,
    Refusal,
    Registration,
    Sender,
    Submission,
)
from simulator.authority.registers import Dimona, Registers, World
from simulator.authority.search import matching, order, visible_to
from simulator.authority.store import Store
from simulator.authority.validation import Validator

MS_PER_S: Final = 1000


@dataclass(frozen=True, slots=True)
class Settings:
    """What is not known of the real service, or differs between tests.

    Attributes:
        validation_delay_ms: from storing to the first validation; the real delay is unknown.
        channel: value of `Channel` in answers; the real values are unknown.
        cancel_grace_days: days after the registration day on which cancelling is still possible;
            the real deadline is unknown.
        nightly_hour: Belgian hour of the nightly validation, 3..23.
        window_days: registrations older than this are not validated again.
    """

    validation_delay_ms: int = 20_000
    channel: str = "WEBSERVICE"
    cancel_grace_days: int = 0
    nightly_hour: int = 4
    window_days: int = 31


@final
class Authority:
    """Holds registrations; every method is one transaction and may be called from any thread.

    Args:
        store: the memory; this object becomes its only user.
        world: the resolved world file.
        clock: UTC milliseconds.
        settings: see `Settings`.
    """

    def __init__(self, store: Store, world: World, clock: Clock, settings: Settings) -> None:
        self.clock = clock
        self.settings = settings
        self.registers = Registers(world)
        self._store = store
        self._lock = threading.RLock()
        self._validator = Validator(
            store,
            self.registers,
            started_ms=clock(),
            nightly_hour=settings.nightly_hour,
            window_days=settings.window_days,
        )
        for dimona in store.dimonas():
            self.registers.add_dimona(dimona)
        for inss, by in store.replacements():
            self.registers.replace_inss(inss, by)
        self._listener: Callable[[], None] = lambda: None

    def on_change(self, listener: Callable[[], None]) -> None:
        """Has `listener` called, from any thread, when the next due instant may have changed."""
        self._listener = listener

    def close(self) -> None:
        """Closes the store."""
        with self._lock:
            self._store.close()

    # the four operations

    def register(
        self, submissions: Sequence[Submission], sender: Sender
    ) -> list[Registration | Refusal]:
        """Stores what has no request-level error; one outcome for each submission, in order."""
        with self._lock, self._store.transaction():
            now_ms = self.clock()
            outcomes = [self._register(one, sender, now_ms) for one in submissions]
        self._listener()
        return outcomes

    def _register(
        self, submission: Submission, sender: Sender, now_ms: int
    ) -> Registration | Refusal:
        today = brussels_day(now_ms)
        errors = rules.register_errors(submission, today)
        day = rules.registration_day(submission, today)
        if errors or day is None:
            return Refusal(errors)
        person = submission.inss
        if submission.limosa is not None:
            limosa = self.registers.limosa(submission.limosa)
            person = limosa.inss if limosa is not None else None
        works = self.registers.works(submission.works)
        return self._store.add(
            submission,
            day=day,
            person=None if person is None else self.registers.latest_inss(person),
            sector=None if works is None else works.sector,
            created_ms=now_ms,
            channel=self.settings.channel,
            sender=sender,
            due_ms=now_ms + self.settings.validation_delay_ms,
        )

    def cancel(
        self, cancellations: Sequence[Cancellation], sender: Sender
    ) -> list[Registration | Refusal]:
        """Cancels what may be cancelled; one outcome for each request, in order."""
        with self._lock, self._store.transaction():
            now_ms = self.clock()
            outcomes = [self._cancel(one, sender, now_ms) for one in cancellations]
        self._listener()
        return outcomes

    def _cancel(
        self, cancellation: Cancellation, sender: Sender, now_ms: int
    ) -> Registration | Refusal:
        registration = self._store.get(cancellation.number)
        errors = rules.cancel_errors(
            cancellation,
            registration,
            sender,
            brussels_day(now_ms),
            self.settings.cancel_grace_days,
        )
        if errors:
            return Refusal(errors)
        self._store.cancel(cancellation.number, cancellation.reason.upper(), now_ms)
        cancelled = self._store.get(cancellation.number)
        return Refusal((rules.CANCEL_UNKNOWN,)) if cancelled is None else cancelled

    def search(self, criteria: Criteria, sender: Sender) -> Page | Refusal:
        """One page of what the sender may see, at most 500 rows."""
        errors = rules.search_errors(criteria)
        if errors:
            return Refusal(errors)
        registers = self.registers
        with self._lock:
            if not self._may_look(criteria, sender):
                return Refusal((rules.RIGHTS,))
            inss = [] if criteria.inss is None else sorted(registers.numbers_of(criteria.inss))
            sight = visible_to(sender, registers.declared_by(sender.company))
            return self._store.search(
                matching(sight, criteria, inss),
                order(criteria),
                criteria.first_row,
                min(criteria.fetch_size, rules.FETCH_MAX),
            )

    def _may_look(self, criteria: Criteria, sender: Sender) -> bool:
        company, works = criteria.company, criteria.works
        if company is None and works is None:
            return True
        if company is not None and self.registers.right_on_company(sender, company):
            return True
        if works is not None and self.registers.right_on_works(sender, works):
            return True
        return self._store.sent_any(sender, company, works)

    def get(self, number: int, sender: Sender) -> Registration | None:
        """The registration with its history; None if there is none or the sender may not see it."""
        with self._lock:
            found = self._store.get(number, history=True)
            if found is None:
                return None
            visible = (
                sender.id == found.sender.id
                or sender.company in (found.sender.company, found.submission.company)
                or found.submission.works in self.registers.declared_by(sender.company)
            )
            return found if visible else None

    # time, facts and what tests look at

    def validate_due(self) -> int:
        """Validates whatever is due by the clock; returns how many registrations."""
        with self._lock:
            return self._validator.run(self.clock())

    def validate_now(self) -> int:
        """Validates everything that waits, and everything validated before, without delay."""
        with self._lock:
            now_ms = self.clock()
            with self._store.transaction():
                self._store.expedite_pending(now_ms)
                self._validator.learned(now_ms)
            return self._validator.run(now_ms)

    def wait_ms(self) -> int:
        """Milliseconds until `validate_due` has something to do; 0 when it has already."""
        with self._lock:
            return max(0, self._validator.next_ms() - self.clock())

    def add_dimona(self, dimona: Dimona) -> None:
        """Makes a Dimona known from now on and has registrations validated again."""
        with self._lock:
            with self._store.transaction():
                self._store.add_dimona(dimona)
                self._validator.learned(self.clock())
            self.registers.add_dimona(dimona)
        self._listener()

    def replace_inss(self, inss: str, by: str) -> None:
        """Declares that a number was replaced; answers then carry the new one."""
        with self._lock:
            with self._store.transaction():
                self._store.replace_inss(inss, by)
                self._validator.learned(self.clock())
            self.registers.replace_inss(inss, by)
        self._listener()

    def move_clock(self, *, shift_ms: int | None = None, to_ms: int | None = None) -> None:
        """Shifts the clock, or sets it; what becomes due is validated soon after."""
        if shift_ms is not None:
            self.clock.shift(shift_ms)
        if to_ms is not None:
            self.clock.move_to(to_ms)
        self._listener()

    def everything(self) -> list[Registration]:
        """All registrations with their history, in order of their numbers."""
        with self._lock:
            return self._store.everything()

    def newest(self, limit: int, offset: int) -> list[Registration]:
        """Registrations, newest first."""
        with self._lock:
            return self._store.newest(limit, offset)

    def counts(self) -> dict[str, int]:
        """How many registrations are in each status."""
        with self._lock:
            return self._store.counts()
