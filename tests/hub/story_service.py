"""Both presence services in memory, as strict as the real ones about time, with every fault."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Final

from hub.application.ports import Cancel, PresenceItem, Refused, Registered, Seen
from hub.domain.legal_day import brussels_day
from hub.errors import InDoubtError, PermanentError, StoppedError, TransientError
from tests.hub.service import (
    CANCELLED,
    HandClock,
    Result,
    Script,
    Service,
    has_a_defect,
    loses_the_answer,
    loses_the_request,
    no_access,
    stores_half_and_breaks,
    stores_late,
    unreachable,
)

WINDOW_MS: Final = 600_000
LATE_MS: Final = 40_000
"""How long what was accepted may take to be written: shorter than the hub waits (`SETTLE_MS`)."""


class Died(BaseException):
    """The hub was killed; nothing catches it but the one who starts the next hub."""


class StoryService(Service):
    """One regime's service; it keeps what no hub may ever do in `broken`.

    Args:
        clock: the true time.
        hub_ms: the hub's own idea of it: what the hub must respect, knowing nothing better.
    """

    def __init__(self, regime: str, clock: HandClock, hub_ms: Callable[[], int]) -> None:
        super().__init__(clock)
        self.regime = regime
        self._hub_ms = hub_ms
        self._number += 0 if regime == "day" else 50_000_000_000_000
        self.broken: list[str] = []
        self.spoils: set[str] = set()
        """Persons whose item faults the whole call."""
        self.unwelcome: set[str] = set()
        """Persons whose item comes back with errors."""
        self.search_script: deque[Exception] = deque()
        self.latency_ms = 0
        self.always = answers
        self.before: Callable[[], None] = lambda: None
        self.after: Callable[[], None] = lambda: None

    def register(self, items: Sequence[PresenceItem]) -> list[Result]:
        for item in items:
            if not self.takes(item, self._hub_ms()):
                self.broken.append(f"{item.reference} outside its window")
        self.before()
        try:
            return super().register(items)
        finally:
            self.clock.now_ms += self.latency_ms
            self.after()

    def search(self, works_number: str, day: date) -> list[Seen]:
        self.before()
        if self.search_script:
            raise self.search_script.popleft()
        found = super().search(works_number, day)
        self.clock.now_ms += self.latency_ms
        self.after()
        return found

    def get(self, number: int) -> Registered | None:
        self.before()
        return super().get(number)

    def cancel(self, cancels: Sequence[Cancel]) -> list[Result]:
        self.before()
        try:
            return super().cancel(cancels)
        finally:
            self.after()

    def store(self, item: PresenceItem) -> Registered:
        if self.times_stored(item.reference):
            self.broken.append(f"{item.reference} stored twice")
        standing = [other for other, row in self.stored if row.status != CANCELLED]
        if any(subject(other) == subject(item) for other in standing if ours(other)):
            self.broken.append(f"{item.reference} beside another of the same subject")
        return super().store(item)

    def store_elsewhere(self, item: PresenceItem) -> None:
        """Somebody registers the same by another channel."""
        registered = super().store(item)
        self.channels[registered.number] = "WEB"

    def catch_up(self) -> None:
        """Writes all that was accepted, however late."""
        ripe, self.later = self.later, []
        for _, item in ripe:
            self.store(item)

    def takes(self, item: PresenceItem, now_ms: int) -> bool:
        """Says whether the law lets this be registered at that moment."""
        if self.regime == "day":
            today = brussels_day(now_ms)
            return item.day in (today, today + timedelta(days=1)) and item.act_ms is None
        return item.act_ms is not None and item.act_ms <= now_ms <= item.act_ms + WINDOW_MS


def ours(item: PresenceItem) -> bool:
    """Says whether the hub made it."""
    return not item.reference.startswith("web")


def who(item: PresenceItem) -> str:
    """The number a person is known by."""
    return item.limosa or item.inss or ""


def subject(item: PresenceItem) -> tuple[object, ...]:
    """What there may be one registration of."""
    return (who(item), item.works_number, item.day, item.act_ms, item.direction)


def answers(service: Service, items: Sequence[PresenceItem]) -> list[Result]:
    """As the authority answers on a good day, by its own clock and registers."""
    assert isinstance(service, StoryService)
    if any(who(item) in service.spoils for item in items):
        raise PermanentError("HUB-1303", fault="SOA-03006")
    results: list[Result] = []
    for item in reversed(items):
        if not service.takes(item, service.clock()):
            results.append(Refused(item.reference, (("SIM-DATE", "outside"),)))
        elif who(item) in service.unwelcome:
            results.append(Refused(item.reference, (("SIM-PLACE", "unknown"),)))
        else:
            results.append(service.store(item))
    return results


def busy(service: Service, items: Sequence[PresenceItem]) -> list[Result]:
    raise TransientError("HUB-1301", cause="429", retry_after_s=90)


def killed_before(service: Service, items: Sequence[PresenceItem]) -> list[Result]:
    """The hub is killed before its request is out."""
    raise Died


def killed_after(service: Service, items: Sequence[PresenceItem]) -> list[Result]:
    """All is stored, and the hub is killed before it can write that down."""
    for item in items:
        service.store(item)
    raise Died


def killed_cancelling(service: Service, cancels: Sequence[Cancel]) -> list[Result]:
    """All is withdrawn, and the hub is killed before it can write that down."""
    for cancel in cancels:
        service.withdraw(cancel)
    raise Died


def cancels_and_breaks(service: Service, cancels: Sequence[Cancel]) -> list[Result]:
    """All is withdrawn, then the connection breaks."""
    for cancel in cancels:
        service.withdraw(cancel)
    raise InDoubtError("HUB-1302", cause="closed")


def breaks(service: Service, cancels: Sequence[Cancel]) -> list[Result]:
    raise InDoubtError("HUB-1302", cause="closed")


def cancel_unreachable(service: Service, cancels: Sequence[Cancel]) -> list[Result]:
    raise TransientError("HUB-1301", cause="refused")


def refuses_to_cancel(service: Service, cancels: Sequence[Cancel]) -> list[Result]:
    return [Refused(cancel.reference, (("SIM-CANCEL-LATE", "late"),)) for cancel in cancels]


FAULTS: Final[dict[str, Script]] = {
    "unreachable": unreachable,
    "no access": no_access,
    "busy": busy,
    "lost before": loses_the_request,
    "lost after": loses_the_answer,
    "half": stores_half_and_breaks,
    "late": stores_late(LATE_MS),
    "defect": has_a_defect,
    "killed before": killed_before,
    "killed after": killed_after,
}
CANCEL_FAULTS: Final = {
    "lost before": breaks,
    "lost after": cancels_and_breaks,
    "unreachable": cancel_unreachable,
    "refused": refuses_to_cancel,
    "killed after": killed_cancelling,
}
SEARCH_FAULTS: Final[dict[str, Exception]] = {
    "unreachable": TransientError("HUB-1301", cause="refused"),
    "no access": StoppedError("HUB-1304", fault="SOA-01002"),
    "refused": PermanentError("HUB-1303", fault="SOA-03006"),
}
