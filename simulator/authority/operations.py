"""The four operations of the service, apart from SOAP: what is decided and what is kept."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, final

from simulator.authority import rules
from simulator.authority.clients import (
    KEPT_CLIENTS,
    Client,
    Clients,
    kept_clients,
    packed_clients,
)
from simulator.authority.clock import Clock, brussels_day
from simulator.authority.declarations import Declaration, Declarations
from simulator.authority.event_validation import EventValidator
from simulator.authority.in_out import InOut, Terms
from simulator.authority.presence import (
    Cancellation,
    Criteria,
    Page,
    Refusal,
    Registration,
    Sender,
    Submission,
)
from simulator.authority.register_book import RegisterBook
from simulator.authority.registers import Dimona, Registers, Works, World
from simulator.authority.search import Condition, matching, order, visible_to
from simulator.authority.senders import Certificates, pack, unpack
from simulator.authority.store import Entry, Store
from simulator.authority.validation import Validator

MS_PER_S: Final = 1000
SENDER_PREFIX: Final = "sender:"


@dataclass(frozen=True, slots=True)
class Settings:
    """What is not known of the real service, or differs between tests.

    Attributes:
        validation_delay_ms: from storing to the first validation; the real delay is unknown.
        channel: value of `Channel` in answers; the real values are unknown.
        desktop_channel: the same for registrations of the desktop pages.
        mobile_channel: the same for registrations of the mobile page.
        desktop_days_ahead: how many days ahead the desktop pages register; 35 in the real service
            by most accounts, one says 36.
        cancel_grace_days: days after the registration day on which cancelling is still possible;
            the real deadline is unknown.
        nightly_hour: Belgian hour of the nightly validation, 3..23.
        window_days: registrations older than this are not validated again.
        validation_delay_to_ms: with this, each registration draws its delay from here to there.
        seed: of these draws.
        repeat_ms: time after which what was validated is validated again; 0 for never.
        act_late_ms: an act that arrives later than this after it happened is refused.
        act_early_ms: an act further than this in the future is refused; the real tolerance is
            unknown.
    """

    validation_delay_ms: int = 20_000
    channel: str = "WEBSERVICE"
    desktop_channel: str = "DESKTOP"
    mobile_channel: str = "MOBILE"
    desktop_days_ahead: int = 35
    cancel_grace_days: int = 0
    nightly_hour: int = 4
    window_days: int = 31
    validation_delay_to_ms: int | None = None
    seed: int = 0
    repeat_ms: int = 0
    act_late_ms: int = 600_000
    act_early_ms: int = 120_000


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
            repeat_ms=settings.repeat_ms,
        )
        self._dice = random.Random(settings.seed)
        for dimona in store.dimonas():
            self.registers.add_dimona(dimona)
        for inss, by in store.replacements():
            self.registers.replace_inss(inss, by)
        for sender_id, kept in store.settings(SENDER_PREFIX).items():
            company, user_type, certificates = unpack(kept)
            self.registers.senders.put(Sender(sender_id, company, user_type), certificates)
        self._declarations = Declarations(store.connection)
        for works in self._declarations.works():
            self.registers.add_works(works)
        self.book = RegisterBook(
            store,
            self.registers,
            self._validator,
            clock,
            lock=self._lock,
            changed=lambda: self._listener(),
        )
        self._listener: Callable[[], None] = lambda: None
        # A client that was added or changed while running stays so after a restart.
        self.clients = Clients(
            (*world.clients, *kept_clients(store.setting(KEPT_CLIENTS))),
            self.registers.senders.certificates,
        )
        self._event_validator = EventValidator(store, self.registers, late_ms=settings.act_late_ms)
        self.in_out = InOut(
            store,
            self.registers,
            clock,
            Terms(
                late_ms=settings.act_late_ms,
                early_ms=settings.act_early_ms,
                validation_delay_ms=settings.validation_delay_ms,
                channel=settings.channel,
                cancel_grace_days=settings.cancel_grace_days,
            ),
            lock=self._lock,
            changed=lambda: self._listener(),
        )

    def on_change(self, listener: Callable[[], None]) -> None:
        """Has `listener` called, from any thread, when the next due instant may have changed."""
        self._listener = listener

    def close(self) -> None:
        """Closes the store."""
        with self._lock:
            self._store.close()

    # the four operations

    def register(
        self,
        submissions: Sequence[Submission],
        sender: Sender,
        *,
        channel: str | None = None,
        days_ahead: int = 1,
    ) -> list[Registration | Refusal]:
        """Stores what has no request-level error; one outcome for each submission, in order.

        Args:
            submissions: what was sent.
            sender: who sends it.
            channel: value of `Channel`; that of the web service if left out.
            days_ahead: how far ahead the channel may register.
        """
        channel = channel or self.settings.channel
        with self._lock, self._store.transaction():
            now_ms = self.clock()
            today = brussels_day(now_ms)
            judged = [
                self._judge(one, today, now_ms + self._delay_ms(), days_ahead)
                for one in submissions
            ]
            stored = iter(
                self._store.add_all(
                    [one for one in judged if isinstance(one, Entry)],
                    created_ms=now_ms,
                    channel=channel,
                    sender=sender,
                )
            )
            outcomes = [one if isinstance(one, Refusal) else next(stored) for one in judged]
        self._listener()
        return outcomes

    def _judge(
        self, submission: Submission, today: date, due_ms: int, days_ahead: int
    ) -> Entry | Refusal:
        errors = rules.register_errors(submission, today, days_ahead)
        day = rules.registration_day(submission, today, days_ahead)
        if errors or day is None:
            return Refusal(errors)
        person = submission.inss
        if submission.limosa is not None:
            limosa = self.registers.limosa(submission.limosa)
            person = limosa.inss if limosa is not None else None
        works = self.registers.works(submission.works)
        return Entry(
            submission,
            day,
            None if person is None else self.registers.latest_inss(person),
            None if works is None else works.sector,
            due_ms,
        )

    def _delay_ms(self) -> int:
        """Milliseconds until a first validation."""
        shortest, longest = self.settings.validation_delay_ms, self.settings.validation_delay_to_ms
        return shortest if longest is None else self._dice.randint(shortest, longest)

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
            sight = self._sight(sender)
            return self._store.search(
                matching(sight, criteria, inss),
                order(criteria),
                criteria.first_row,
                min(criteria.fetch_size, rules.FETCH_MAX),
            )

    def _sight(self, sender: Sender) -> Condition:
        """What the sender may see, as a condition on registrations."""
        registers = self.registers
        chains = {
            works: (
                [one for one in below if isinstance(one, int)],
                registers.limosas_from(below),
            )
            for works, below in registers.chains(sender.company).items()
        }
        return visible_to(sender, registers.declared_by(sender.company), chains)

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
            submission = found.submission
            visible = (
                sender.id == found.sender.id
                or sender.company == found.sender.company
                or self.registers.may_see(
                    sender.company,
                    employer=submission.company,
                    limosa=submission.limosa,
                    works=submission.works,
                )
            )
            return found if visible else None

    # time, facts and what tests look at

    def validate_due(self) -> int:
        """Validates whatever is due by the clock; returns how many registrations."""
        return self._validate(self.clock())

    def validate_now(self) -> int:
        """Validates everything that waits, and everything validated before, without delay."""
        with self._lock, self._store.transaction():
            now_ms = self.clock()
            self._store.expedite_pending(now_ms)
            self._validator.learned(now_ms)
        return self._validate(now_ms)

    def _validate(self, now_ms: int) -> int:
        done = 0
        while True:
            # Between two shares, calls get their turn.
            with self._lock:
                share = self._validator.run(now_ms)
                share += self._event_validator.run(now_ms)
            if not share:
                return done
            done += share

    def wait_ms(self) -> int:
        """Milliseconds until `validate_due` has something to do; 0 when it has already."""
        with self._lock:
            next_ms = self._validator.next_ms()
            event_ms = self._store.events.next_due_ms()
            return max(0, min(next_ms, event_ms or next_ms) - self.clock())

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

    def put_client(self, client: Client) -> None:
        """Registers a REST channel, or changes it.

        Raises:
            KeyMaterialError: its certificate is none; nothing is changed.
        """
        with self._lock:
            self.clients.put(client)
            with self._store.transaction():
                kept = {one.id: one for one in kept_clients(self._store.setting(KEPT_CLIENTS))}
                kept[client.id] = client
                self._store.set_setting(KEPT_CLIENTS, packed_clients(kept.values()))

    def put_sender(self, sender: Sender, certificates: Certificates) -> None:
        """Makes a sender known, or changes it, with the certificates registered for it."""
        with self._lock:
            kept = pack(sender.company, sender.user_type, certificates)
            with self._store.transaction():
                self._store.set_setting(f"{SENDER_PREFIX}{sender.id}", kept)
            self.registers.senders.put(sender, certificates)

    def declare_works(self, declaration: Declaration) -> Works:
        """Gives a declaration of works its number, keeps it, and has validation use it at once."""
        with self._lock:
            with self._store.transaction():
                works = self._declarations.add(declaration, taken=self.registers.works)
                self._validator.learned(self.clock())
            self.registers.add_works(works)
        self._listener()
        return works

    def today(self) -> date:
        """The Belgian day."""
        return brussels_day(self.clock())

    def declaration(self, number: str) -> Declaration | None:
        """What was declared on the pages under that number, if anything was."""
        with self._lock:
            return self._declarations.get(number)

    def move_clock(self, *, shift_ms: int | None = None, to_ms: int | None = None) -> None:
        """Shifts the clock, or sets it; what becomes due is validated soon after."""
        if shift_ms is not None:
            self.clock.shift(shift_ms)
        if to_ms is not None:
            self.clock.move_to(to_ms)
        self._listener()

    def run_clock_at(self, rate: float) -> None:
        """Lets the clock run at another pace; 0 stands still."""
        self.clock.run_at(rate)
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
