"""A presence service in memory whose next calls can be scripted, and a clock that a test moves."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date

from hub.application.ports import BATCH_MAX, Cancel, PresenceItem, Refused, Registered, Seen
from hub.errors import InDoubtError, PermanentError, StoppedError, TransientError

CANCELLED = "SUCCESSFULLY CANCELLED"


class HandClock:
    """UTC milliseconds that only a test moves."""

    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms

    def __call__(self) -> int:
        return self.now_ms


Result = Registered | Refused
Script = Callable[["Service", Sequence[PresenceItem]], list[Result]]
CancelScript = Callable[["Service", Sequence[Cancel]], list[Result]]


class Service:
    """`AuthorityPort` that really stores; `script` decides the next calls, then all goes well."""

    def __init__(self, clock: HandClock) -> None:
        self.clock = clock
        self.script: deque[Script] = deque()
        self.cancel_script: deque[CancelScript] = deque()
        self.always: Script | None = None
        self.search_errors: dict[str, Exception] = {}
        self.calls: list[list[str]] = []
        self.called_ms: list[int] = []
        self.searches = 0
        self.cancels: list[list[str]] = []
        self.stored: list[tuple[PresenceItem, Registered]] = []
        self.later: list[tuple[int, PresenceItem]] = []
        self.channels: dict[int, str] = {}
        self._number = 900_000_000_000_000

    def register(self, items: Sequence[PresenceItem]) -> list[Result]:
        assert 1 <= len(items) <= BATCH_MAX
        self._catch_up()
        self.calls.append([item.reference for item in items])
        self.called_ms.append(self.clock())
        script = self.script.popleft() if self.script else self.always or stores
        return script(self, items)

    def search(self, works_number: str, day: date) -> list[Seen]:
        self._catch_up()
        self.searches += 1
        error = self.search_errors.get(works_number)
        if error is not None:
            raise error
        return [
            Seen(
                registered,
                item.works_number,
                item.day,
                inss=item.inss,
                limosa=item.limosa,
                company_number=item.company_number,
                foreign_vat=item.foreign_vat,
                act_ms=item.act_ms,
                direction=item.direction,
                channel=self.channels.get(registered.number, "WEBSERVICE"),
            )
            for item, registered in self.stored
            if (item.works_number, item.day) == (works_number, day)
        ]

    def get(self, number: int) -> Registered | None:
        return next((row for _, row in self.stored if row.number == number), None)

    def cancel(self, cancels: Sequence[Cancel]) -> list[Result]:
        assert 1 <= len(cancels) <= BATCH_MAX
        self.cancels.append([cancel.reference for cancel in cancels])
        script = self.cancel_script.popleft() if self.cancel_script else withdraws
        return script(self, cancels)

    def judge(self, reference: str, status: str, *remarks: str) -> None:
        """The authority judges a registration, or judges it again."""
        self.stored = [
            (item, replace(row, status=status, remarks=remarks))
            if item.reference == reference
            else (item, row)
            for item, row in self.stored
        ]

    def withdraw(self, cancel: Cancel) -> Result:
        for index, (item, registered) in enumerate(self.stored):
            if registered.number == cancel.number and registered.status != CANCELLED:
                # What the service echoes is its own; the adapter gives back our reference.
                self.stored[index] = (item, replace(registered, status=CANCELLED))
                return replace(registered, status=CANCELLED, reference=cancel.reference)
        return Refused(cancel.reference, (("SIM-CANCEL-UNKNOWN", "unknown"),))

    def store(self, item: PresenceItem) -> Registered:
        self._number += 1
        registered = Registered(item.reference, self._number, "", "SUCCESSFULLY REGISTERED")
        self.stored.append((item, registered))
        return registered

    def times_stored(self, reference: str) -> int:
        return sum(item.reference == reference for item, _ in self.stored)

    def _catch_up(self) -> None:
        """Stores what was accepted before and is only now written."""
        ripe = [item for at_ms, item in self.later if at_ms <= self.clock()]
        self.later = [(at_ms, item) for at_ms, item in self.later if at_ms > self.clock()]
        for item in ripe:
            self.store(item)


def withdraws(service: Service, cancels: Sequence[Cancel]) -> list[Result]:
    """Everything is withdrawn that can be; the answers come in another order."""
    return [service.withdraw(cancel) for cancel in reversed(cancels)]


def stores(service: Service, items: Sequence[PresenceItem]) -> list[Result]:
    """Everything goes well; the answers come in another order."""
    return [service.store(item) for item in reversed(items)]


def unreachable(service: Service, items: Sequence[PresenceItem]) -> list[Result]:
    raise TransientError("HUB-1301", cause="refused")


def no_access(service: Service, items: Sequence[PresenceItem]) -> list[Result]:
    raise StoppedError("HUB-1304", fault="SOA-01002")


def loses_the_request(service: Service, items: Sequence[PresenceItem]) -> list[Result]:
    """The connection breaks and nothing is stored."""
    raise InDoubtError("HUB-1302", cause="closed")


def loses_the_answer(service: Service, items: Sequence[PresenceItem]) -> list[Result]:
    """All is stored, then the connection breaks."""
    for item in items:
        service.store(item)
    raise InDoubtError("HUB-1302", cause="closed")


def stores_half_and_breaks(service: Service, items: Sequence[PresenceItem]) -> list[Result]:
    for item in items[::2]:
        service.store(item)
    raise InDoubtError("HUB-1302", cause="timeout")


def stores_late(after_ms: int) -> Script:
    """The connection breaks at once and all is stored some time later."""

    def script(service: Service, items: Sequence[PresenceItem]) -> list[Result]:
        service.later += [(service.clock() + after_ms, item) for item in items]
        raise InDoubtError("HUB-1302", cause="timeout")

    return script


def refuses_calls_with(*bad: str) -> Script:
    """One bad item faults the whole call, as the service does with what breaks its schema."""

    def script(service: Service, items: Sequence[PresenceItem]) -> list[Result]:
        if any(item.reference in bad for item in items):
            raise PermanentError("HUB-1303", fault="SOA-03006")
        return stores(service, items)

    return script


def refuses_items(*bad: str) -> Script:
    """Bad items come back with errors, the others with numbers."""

    def script(service: Service, items: Sequence[PresenceItem]) -> list[Result]:
        return [
            Refused(item.reference, (("SIM-PLACE", "unknown"),))
            if item.reference in bad
            else service.store(item)
            for item in items
        ]

    return script


def falls_over_with(*bad: str) -> Script:
    """A call that holds a bad item breaks and stores nothing."""

    def script(service: Service, items: Sequence[PresenceItem]) -> list[Result]:
        if any(item.reference in bad for item in items):
            raise InDoubtError("HUB-1302", cause="closed")
        return stores(service, items)

    return script


def has_a_defect(service: Service, items: Sequence[PresenceItem]) -> list[Result]:
    """Our own adapter fails in a way nobody foresaw, after the authority stored everything."""
    for item in items:
        service.store(item)
    raise RuntimeError("unforeseen")
