"""A day at one site with a hub put together from its real parts, under a clock that a test moves.

Real are storage, projection, plan, senders, adapters, HTTP and the authority, which is a process of
its own. Only the threads are missing: whoever would sleep until a moment is stepped when the clock
comes to it, so that two nights take seconds and the same day always goes the same way.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Final

from hub.application.forward import Forwarder
from hub.application.nightly import Nightly
from hub.application.pace import Pace
from hub.application.people_file import read_people_file
from hub.application.planner import Planner
from hub.application.planning import Written
from hub.application.ports import AuthorityPort
from hub.application.reconcile import Reconciler
from hub.application.windows import ActWindow, DayWindow, Window
from hub.authority.day import day_authority
from hub.authority.in_out import in_out_authority
from hub.domain.legal_day import brussels_day
from hub.settings import AuthoritySettings, InOutSettings
from hub.storage.balance import check_books
from hub.storage.engine import writing
from hub.storage.evidence import EvidenceStore
from hub.storage.house import open_house
from hub.storage.outbox import Outbox
from hub.storage.plans import Plans, by_writer
from hub.storage.reconcile import Reconciliations
from hub.storage.register import Register
from hub.storage.works import put_works, set_regime
from hub.storage.writer import Writer
from protocol.record import DIRECTION_IN, DIRECTION_OUT
from tests.e2e.scenario_cast import (
    DAY_WORKS,
    IN_OUT_WORKS,
    MINUTE_MS,
    SITE,
    Cast,
    Tap,
    local_ms,
)
from tests.hub.derived import Site
from tests.hub.house import TestHouse, record
from tests.hub.service import HandClock
from tests.soap.simulated import SimulatedAuthority

ABSENT_AT: Final = time(10)
SUBMIT_AT: Final = time(16)
NIGHT_AT: Final = time(2, 30)
SETTLE_MS: Final = MINUTE_MS
CLIENT: Final = "sim-client-1"
PLACE: Final = {"longitude": 4.3517, "latitude": 50.8503}
_TRANSIT_MS: Final = 400
"""From a gate to the hub, milliseconds."""
_STEPS_MAX: Final = 400


@dataclass(slots=True)
class Worker:
    """One of the hub's threads: what it does, and when it wants to do it again."""

    step: Callable[[], int]
    wake_ms: int = 0


class Hub:
    """The parts of a running hub, stepped by hand; see `open_day`.

    Args:
        house: an open data folder with the people of the cast.
        writer: its writer, running.
        authority: the process.
        certificate: PEM file of the channel of the in/out service, with its key.
        clock: moved by `run_until`.
        cast: who taps.
    """

    def __init__(
        self,
        house: TestHouse,
        writer: Writer,
        authority: SimulatedAuthority,
        certificate: Path,
        clock: HandClock,
        cast: Cast,
    ) -> None:
        self.house = house
        self.site = Site(house)
        self.writer = writer
        self.authority = authority
        self.clock = clock
        self._taps = iter(cast.taps)
        self._next_tap = next(self._taps, None)
        self._seq = {"gate-in": 0, "gate-out": 0}
        self._workers: list[Worker] = []
        self._senders: list[Worker] = []
        self._cares: list[Worker] = []
        evidence = EvidenceStore(writer, house.house.vault)
        makers = {
            "day": day_authority(
                AuthoritySettings(url=authority.soap, read_timeout_s=20), clock, evidence.keep
            ),
            "in_out": in_out_authority(
                InOutSettings(
                    url=authority.rest,
                    token_url=authority.token,
                    client_id=CLIENT,
                    certificate=str(certificate),
                    read_timeout_s=20,
                ),
                clock,
                evidence.keep,
            ),
        }
        self._lane("day", makers["day"], DayWindow(), cast.plot.senders)
        self._lane("in_out", makers["in_out"], ActWindow(), cast.plot.senders)
        vault = house.house.vault
        self.plans = Plans(
            house.house.engine, vault, clock, SUBMIT_AT, by_writer(writer), self._planned
        )
        planner = Planner(self.plans, ABSENT_AT, "DISEASE")
        self._work(lambda: planner.step(clock()), self._workers)
        reconciler = Reconciler(
            Reconciliations(house.house.engine, writer, vault),
            {regime: make() for regime, make in makers.items()},
            NIGHT_AT,
        )
        nightly = Nightly(reconciler, self._check_books, NIGHT_AT)
        self._work(lambda: nightly.step(clock()), self._workers)

    def _lane(
        self, regime: str, make: Callable[[], AuthorityPort], window: Window, senders: int
    ) -> None:
        """Some senders and one who takes care, as `hub.application.lane` puts them together."""
        random = Random(f"scenario {regime}")
        pace = Pace(random)
        mine: list[Worker] = []
        vault = self.house.house.vault
        for number in range(senders + 1):
            cares = number == senders
            forwarder = Forwarder(
                Outbox(self.writer, vault, regime=regime, worker=f"{regime}:{number}"),
                make(),
                self.clock,
                random,
                SETTLE_MS,
                window=window,
                sending=pace,
                sends=not cares,
                cares=cares,
                doubted=lambda: self._ring(self._cares),
                more=lambda: self._ring(mine),
            )
            worker = self._work(forwarder.step, self._cares if cares else self._senders)
            if not cares:
                mine.append(worker)

    def _work(self, step: Callable[[], int], kind: list[Worker]) -> Worker:
        worker = Worker(step)
        kind.append(worker)
        return worker

    def _check_books(self, day: date, now_ms: int) -> None:
        self.writer.call(lambda connection: check_books(connection, day, now_ms)).result()

    def _ring(self, workers: list[Worker]) -> None:
        for worker in workers:
            worker.wake_ms = self.clock()

    def _planned(self) -> None:
        self._ring(self._senders)
        self._ring(self._cares)

    # ------------------------------------------------------------ time

    def run_until(self, end_ms: int, tick_ms: int = 30 * MINUTE_MS) -> None:
        """Lets the time go on in ticks; a tap is looked at within three minutes.

        Args:
            end_ms: UTC milliseconds.
            tick_ms: longest time between two looks at who wants to be woken, milliseconds.
        """
        while self.clock() < end_ms:
            now_ms = min(end_ms, self.clock() + tick_ms)
            if self._next_tap is not None:
                tap_ms = self._next_tap.at_ms + _TRANSIT_MS
                now_ms = min(now_ms, max(tap_ms, self.clock() + 3 * MINUTE_MS))
            self.clock.now_ms = now_ms
            self._tell_the_time()
            if self._arrive(now_ms):
                self.site.project()
                self._ring(self._senders)
            self._settle()

    def _tell_the_time(self) -> None:
        now = datetime.fromtimestamp(self.clock() / 1000, UTC)
        self.authority.order("clock", now=now.isoformat())

    def _arrive(self, until_ms: int) -> int:
        """Stores what the gates brought until now; returns how many taps."""
        count = 0
        while self._next_tap is not None and self._next_tap.at_ms + _TRANSIT_MS <= until_ms:
            self._store(self._next_tap)
            self._next_tap = next(self._taps, None)
            count += 1
        return count

    def _store(self, tap: Tap) -> None:
        gate = f"gate-{tap.way}"
        self._seq[gate] += 1
        direction = DIRECTION_IN if tap.way == "in" else DIRECTION_OUT
        tag = self.house.tag(bytes.fromhex(tap.member.badge))
        piece = record(self._seq[gate], tag, tap.at_ms, direction=direction)
        self.site.arrive(gate, tap.at_ms + _TRANSIT_MS, piece)

    def _settle(self) -> None:
        """Steps whoever wants to be, until nobody does."""
        now_ms = self.clock()
        everybody = [*self._workers, *self._senders, *self._cares]
        for _ in range(_STEPS_MAX):
            wanted = [worker for worker in everybody if worker.wake_ms <= now_ms]
            if not wanted:
                return
            for worker in wanted:
                worker.wake_ms = worker.step()
        raise AssertionError("somebody wants to be stepped for ever")

    # ------------------------------------------------------------ plan

    def import_plan(self, data: bytes) -> Written:
        """Imports a plan file; rows with problems are left out."""
        return self.plans.take(self.plans.read(data), "file", "planner", good_rows_only=True)


@contextmanager
def open_day(folder: Path, cast: Cast, certificate: Path) -> Iterator[Hub]:
    """Opens the site of a cast at noon of the day before, with its authority.

    Args:
        folder: for the data of both.
        cast: the people.
        certificate: PEM file of the channel, with its key.
    """
    eve = cast.plot.day - timedelta(days=1)
    clock = HandClock(local_ms(eve, 12))
    world = folder / "world.toml"
    world.write_text(cast.world(), encoding="utf-8")
    with ExitStack() as stack:
        authority = stack.enter_context(
            SimulatedAuthority(folder, "--world", str(world), now=f"{eve}T12:00:00")
        )
        authority.order("clock", rate=0)
        # Tokens outlive a tick; how they are renewed is tested with the adapter.
        authority.order("tokens", lifetime_s=2 * 3600)
        authority.order(
            "client",
            id=CLIENT,
            sender="SIM-0001",
            certificate=certificate.read_text(encoding="ascii").partition("-----BEGIN PRIV")[0],
        )
        house = open_house(folder / "hub")
        stack.callback(house.close)
        rows = read_people_file(cast.people_file(), brussels_day(clock())).rows
        with writing(house.engine) as connection:
            register = Register(connection, house.vault)
            register.import_people(rows, clock())
            gates = [
                register.add_terminal(f"gate-{way}", way, SITE, way, clock())
                for way in ("in", "out")
            ]
            site_id = register.site_id(SITE)
            for works in (DAY_WORKS, IN_OUT_WORKS):
                put_works(connection, works, site_id, place=json.dumps(PLACE))
            set_regime(connection, IN_OUT_WORKS, date(2026, 1, 1), "in_out")
            if cast.plot.switches:
                set_regime(connection, DAY_WORKS, cast.plot.day, "in_out")
        writer = Writer(house.engine)
        writer.start()
        stack.callback(writer.stop)
        yield Hub(TestHouse(house, *gates), writer, authority, certificate, clock, cast)
