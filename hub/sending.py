"""All of a hub that turns presences into registrations: the lanes, the plan and the nights.

Threads: for each regime some senders and one who takes care (`hub.application.lane`), the planner,
and the one of the nights. What they say to the authority is kept as evidence by all of them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import date
from random import SystemRandom

import structlog

from hub.application.forward import ForwardStatus, worst
from hub.application.lane import Lane
from hub.application.nightly import Nightly, NightThread
from hub.application.overview import AuthorityStatus
from hub.application.planner import Planner
from hub.application.ports import AuthorityPort, Seen
from hub.application.reconcile import Reconciler
from hub.application.windows import ActWindow, DayWindow, Window
from hub.authority.services import services
from hub.clock import Clock
from hub.errors import UsageError
from hub.settings import Settings
from hub.storage.balance import check_books
from hub.storage.completing import Completion
from hub.storage.engine import reading
from hub.storage.evidence import EvidenceStore
from hub.storage.history import newest_step
from hub.storage.house import House
from hub.storage.outbox import Outbox
from hub.storage.plans import Plans
from hub.storage.reconcile import Reconciliations
from hub.storage.retention import Retention, days_of
from hub.storage.waiting import waiting_registrations
from hub.storage.writer import Writer

STOP_S = 5.0
PLAN_DEFECT_S = 60.0

log = structlog.get_logger()


class Sending:
    """The way from the tables to the authority; `start` and `stop` once each.

    Args:
        settings: see `docs/settings.md`.
        house: database and keys.
        writer: carries out what is written.
        clock: UTC milliseconds.
        changed: called after each step that was kept, in any thread.
        may_judge: says whether every gate was heard lately, so that who was not seen was not there.
    """

    def __init__(
        self,
        settings: Settings,
        house: House,
        writer: Writer,
        clock: Clock,
        changed: Callable[[], None],
        may_judge: Callable[[], bool],
    ) -> None:
        self._settings = settings
        self._house = house
        self._writer = writer
        self._clock = clock
        self._changed = changed
        self.window_ms = settings.in_out.window_s * 1000
        self._completion = Completion(writer, changed, self.window_ms)
        self._evidence = EvidenceStore(writer, house.vault)
        self.plans = Plans(
            house.engine,
            house.vault,
            clock,
            settings.plan.submit_at,
            lambda job: writer.call(job).result(),
            self._planned,
        )
        self._planner = Planner(
            self.plans, settings.plan.absent_at, settings.plan.absent_reason, may_judge
        )
        self.retention = Retention(
            house.engine,
            lambda change: writer.call(change).result(),
            house.vault,
            house.folder,
            days_of(settings.retention),
        )
        self._lanes: list[Lane] = []
        self._services: dict[str, Callable[[], AuthorityPort]] = {}
        self._asking: dict[str, AuthorityPort] = {}
        self._ask_lock = threading.Lock()
        self._nights: NightThread | None = None
        self._stopping = threading.Event()
        self._plan_thread = threading.Thread(target=self._plan, name="planner", daemon=True)
        self._newest_step = 0

    # ------------------------------------------------------------ life

    def start(self) -> None:
        """Starts sending, to each service that has an address, and keeping the plan.

        Raises:
            UsageError: a setting of a service cannot be used.
        """
        made = services(self._settings, self._clock, self._evidence.keep)
        self._services = made
        windows: dict[str, Window] = {"day": DayWindow(), "in_out": ActWindow(self.window_ms)}
        for regime, service in made.items():
            self._lanes.append(self._lane(regime, service, windows[regime]))
        reconciler = Reconciler(
            Reconciliations(self._house.engine, self._writer, self._house.vault),
            {regime: service() for regime, service in made.items()},
            self._settings.authority.reconcile_at,
        )
        # Without a service too: the books can be looked at all the same.
        self._nights = NightThread(
            Nightly(
                reconciler,
                self._check_books,
                self._settings.authority.reconcile_at,
                self.retention.run_once_a_day,
            ),
            self._clock,
        )
        self._nights.start()
        for lane in self._lanes:
            lane.start()
        self._plan_thread.start()

    def stop(self) -> None:
        """Ends everything after the calls that are under way; what was being sent is looked up at
        the next start."""
        self._stopping.set()
        for lane in self._lanes:
            lane.stop(STOP_S)
        if self._nights is not None:
            self._nights.stop(STOP_S)
        if self._plan_thread.is_alive():
            self._plan_thread.join(STOP_S)

    def _lane(self, regime: str, service: Callable[[], AuthorityPort], window: Window) -> Lane:
        wanted = self._settings.authority

        def outbox(worker: str) -> Outbox:
            vault = self._house.vault
            return Outbox(self._writer, vault, self._changed, regime, worker, self.window_ms)

        return Lane(
            regime,
            outbox,
            service,
            self._clock,
            SystemRandom(),
            window,
            senders=wanted.connections,
            settle_ms=int(wanted.settle_s * 1000),
            close_at=wanted.close_at,
        )

    # ------------------------------------------------------------ news

    def wake(self) -> None:
        """Something may have become due; returns at once."""
        for lane in self._lanes:
            lane.wake()

    def register_changed(self) -> None:
        """Completes what waited for something that the register says by now."""
        if self._completion.complete(self._clock()):
            self.wake()

    def look_for_steps(self) -> bool:
        """Acts on what another process put down or took back; returns whether there was any."""
        with reading(self._house.engine) as connection:
            newest = newest_step(connection)
        if newest == self._newest_step:
            return False
        self._newest_step = newest
        self._planned()
        return True

    def _planned(self) -> None:
        for lane in self._lanes:
            lane.wake()
            lane.wake_care()
        self._changed()

    def search(self, regime: str, works_number: str, day: date) -> Sequence[Seen]:
        """Returns what the authority shows of a works number and day, now; one question at a time.

        Raises:
            UsageError: HUB-1844, that service is not set up.
            SitegateError: it could not be asked, as `AuthorityPort` says.
        """
        with self._ask_lock:
            if regime not in self._asking:
                if regime not in self._services:
                    raise UsageError("HUB-1844")
                self._asking[regime] = self._services[regime]()
            return self._asking[regime].search(works_number, day)

    # ------------------------------------------------------------ plan and nights

    def _plan(self) -> None:
        while not self._stopping.is_set():
            now_ms = self._clock()
            try:
                wait_s = max(0.0, (self._planner.step(now_ms) - self._clock()) / 1000)
            except Exception as error:  # noqa: BLE001 - tomorrow's plan must go on
                # The text of an unexpected error may hold anything: only its kind is logged.
                log.error("planning failed", error=type(error).__name__)
                wait_s = PLAN_DEFECT_S
            self._stopping.wait(min(wait_s, PLAN_DEFECT_S))

    def _check_books(self, day: date, now_ms: int) -> None:
        self._writer.call(lambda connection: check_books(connection, day, now_ms)).result()

    # ------------------------------------------------------------ how it stands

    def status(self) -> AuthorityStatus:
        """Returns how the way to the authority stands, for the pages; any thread may ask."""
        with reading(self._house.engine) as connection:
            waiting = waiting_registrations(connection, self.window_ms)
        if not self._lanes:
            return AuthorityStatus(
                "unknown", None, None, waiting.oldest_ms, waiting.unsent, 0, None, waiting.until_ms
            )
        status: ForwardStatus = worst([lane.status() for lane in self._lanes])
        return AuthorityStatus(
            state=status.state,
            last_success_ms=status.last_success_ms,
            next_try_ms=status.next_try_ms,
            oldest_unsent_ms=waiting.oldest_ms,
            unsent=waiting.unsent,
            in_doubt=waiting.in_doubt,
            error_code=status.error_code or None,
            until_ms=waiting.until_ms,
        )
