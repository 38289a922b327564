"""A hub on a real database whose days are told step by step: taps, plans, faults, deaths, clocks.

Nothing here has a thread. Every transaction and every call to a service is a *step* before and
after which the hub may die (`die_after`): then everything in memory is gone, and another hub begins
on what is on the disk.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from datetime import date, time
from pathlib import Path
from random import Random
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Row, Table, event, select, update

from hub.application.access import COMMAND
from hub.application.forward import Forwarder
from hub.application.ingest import Arrival, Ingest, Run
from hub.application.nightly import Nightly
from hub.application.pace import Pace
from hub.application.people_file import read_people_file
from hub.application.planner import Planner
from hub.application.reconcile import Reconciler
from hub.application.windows import ActWindow, DayWindow, Window
from hub.domain.legal_day import brussels_day
from hub.storage.badges import Badges
from hub.storage.balance import check_books
from hub.storage.completing import Completion
from hub.storage.engine import reading, writing
from hub.storage.house import House, open_house
from hub.storage.inbox import Inbox, load_streams
from hub.storage.outbox import Outbox
from hub.storage.plans import Plans
from hub.storage.projection import RegisterView, project_some, rebuild
from hub.storage.reconcile import Reconciliations
from hub.storage.register import Register
from hub.storage.schema import person, registration
from hub.storage.works import assign, put_works, set_regime
from protocol.record import (
    DIRECTION_IN,
    DIRECTION_NONE,
    DIRECTION_OUT,
    KIND_TIME_SET,
    QUALITY_HUB,
    QUALITY_NONE,
    VERDICT_NONE,
    record_seq,
)
from tests.hub.house import HEADER, JOURNAL, record
from tests.hub.service import HandClock
from tests.hub.story_service import Died, StoryService

T = TypeVar("T")

MINUTE: Final = 60_000
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
PLACE: Final = '{"longitude": 4.35, "latitude": 50.85}'
SITES: Final = ("Werf Noord", "Werf Zuid", "Werf West")
WORKS: Final = ("1Y19FAKE001AZ", "1Y19FAKE005EZ", "1Y19FAKE002BZ")
"""One under each regime, and one that goes over from day to in/out at the first midnight."""
PEOPLE: Final = f"""{HEADER}
Werf Noord;{WORKS[0]};0999000129;Bouwwerken;Aarts;Milan;85031299761;;04A1B2C3D4E501;nl;
Werf Noord;{WORKS[0]};;;Kowalik;Piotr;;24999000000000187;04A1B2C3D4E502;en;
Werf Noord;{WORKS[0]};0999000129;Bouwwerken;Claes;Ward;82093099188;;04A1B2C3D4E503;nl;
Werf Zuid;{WORKS[1]};0999000228;Toitures;Gillard;Basile;03072199766;;04A1B2C3D4E504;fr;
Werf Zuid;{WORKS[1]};0999000228;Toitures;Hadji;Samir;00010199875;;04A1B2C3D4E505;fr;
Werf West;{WORKS[2]};0999000228;Toitures;Iliev;Stoyan;88060299559;;04A1B2C3D4E506;en;
"""
CARDS: Final = tuple(bytes.fromhex(f"04A1B2C3D4E50{n}") for n in range(1, 7))
IDENTITIES: Final[tuple[str, ...]] = (
    "85031299761", "24999000000000187", "82093099188", "03072199766", "00010199875", "88060299559",
)  # fmt: skip
WITHOUT_NUMBER: Final = 2
"""Ward's number is not known at first."""
WITHOUT_BADGE: Final = 4
"""Samir's badge is linked later."""


class Acks:
    """`AckPort` on which nobody listens."""

    def ack(self, terminal: str, journal: bytes, upto: int, ranges: list[Run]) -> None: ...
    def want(self, terminal: str, journal: bytes, ranges: list[Run]) -> None: ...
    def lost(self, terminal: str, count: int) -> None: ...


class Story:
    """The site, its hub, its gates and both services.

    Args:
        folder: of the hub.
        now_ms: true time at which it begins.
    """

    def __init__(self, folder: Path, now_ms: int) -> None:
        self.true = HandClock(now_ms)
        self.offset_ms = 0
        self.steps_left: int | None = None
        self.deaths = 0
        self.services = {
            regime: StoryService(regime, self.true, self.hub_ms) for regime in ("day", "in_out")
        }
        for service in self.services.values():
            service.before = service.after = self.step
        self.house: House = open_house(folder)
        event.listen(self.house.engine, "connect", _hasty)
        self.house.engine.dispose()
        self.gates = {
            (site, way): f"gate-{site}-{way}"
            for site in range(len(SITES))
            for way in (DIRECTION_IN, DIRECTION_OUT)
        }
        self._found(now_ms)
        self.seq = dict.fromkeys(self.gates.values(), 0)
        self.boot = dict.fromkeys(self.gates.values(), 1)
        self.sent: set[tuple[str, int]] = set()
        """Every record that reached the hub."""
        self.taps: set[tuple[str, int]] = set()
        """Those of them that are taps."""
        self.planned: set[tuple[int, date]] = set()
        """(person, day) of everybody ever planned."""
        self.others = False
        """Somebody used another channel."""
        self.kept: list[tuple[str, bytes]] = []
        """Records at gates without a network, with their gate."""
        self.start()

    def hub_ms(self) -> int:
        """The hub's idea of the time."""
        return self.true.now_ms + self.offset_ms

    # ------------------------------------------------------------ life and death

    def step(self) -> None:
        """One step of the hub; it may be the last."""
        if self.steps_left is not None:
            self.steps_left -= 1
            if self.steps_left < 0:
                self.steps_left = None
                raise Died

    def call(self, function: Callable[[Connection], T]) -> Future[T]:
        """`Transactions`, one at a time, between two steps."""
        future: Future[T] = Future()
        self.step()
        with writing(self.house.engine) as connection:
            result = function(connection)
        self.step()
        future.set_result(result)
        return future

    def start(self) -> None:
        """Another hub begins on what is on the disk."""
        vault = self.house.vault
        random = Random(5)
        self.register = RegisterView()
        with reading(self.house.engine) as connection:
            self.ingest = Ingest(load_streams(connection), Acks())
        self.plans = Plans(
            self.house.engine, vault, self.hub_ms, time(16), lambda job: self.call(job).result()
        )
        self.planner = Planner(self.plans, time(10), "PLANNING")
        windows: dict[str, Window] = {"day": DayWindow(), "in_out": ActWindow()}
        self.forwarders: list[Forwarder] = []
        for regime, service in self.services.items():
            pace = Pace(random)
            for cares in (False, True):
                outbox = Outbox(self, vault, regime=regime, worker=f"{regime}:{cares}")
                self.forwarders.append(
                    Forwarder(
                        outbox,
                        service,
                        self.hub_ms,
                        random,
                        window=windows[regime],
                        sending=pace,
                        sends=not cares,
                        cares=cares,
                    )
                )
        reconciliations = Reconciliations(self.house.engine, self, vault)  # pyright: ignore[reportArgumentType]
        reconciler = Reconciler(reconciliations, self.services)
        self.nightly = Nightly(
            reconciler,
            self._check_books,
        )

    def _check_books(self, day: date, now_ms: int) -> None:
        self.call(lambda connection: check_books(connection, day, now_ms)).result()

    def alive(self, work: Callable[[], object]) -> None:
        """Does a piece of work; when the hub dies of it, another one begins."""
        try:
            work()
        except Died:
            self.deaths += 1
            self.start()
        except RuntimeError as error:
            # A defect of ours ends a step, and never the thread.
            assert str(error) == "unforeseen"  # noqa: PT017

    def pass_time(self, for_ms: int, rounds: int = 6) -> None:
        """Lets the hub work while time goes by, in so many looks at the clock."""
        end_ms = self.true.now_ms + for_ms
        for number in range(1, rounds + 1):
            at_ms = end_ms - for_ms + for_ms * number // rounds
            self.true.now_ms = max(at_ms, self.true.now_ms)
            self.work()

    def off(self, for_ms: int) -> None:
        """The hub has no power for so long."""
        self.true.now_ms += for_ms
        self.start()

    def work(self) -> None:
        """Everything of the hub has a turn, until nothing wants another at once."""
        for _ in range(8):
            again: list[bool] = []

            def turn(again: list[bool] = again) -> None:
                self.planner.step(self.hub_ms())
                for forwarder in list(self.forwarders):
                    again.append(forwarder.step() <= self.hub_ms())
                again.append(self.nightly.step(self.hub_ms()) <= self.hub_ms())

            self.alive(turn)
            if not any(again):
                return

    # ------------------------------------------------------------ gates

    def tap(
        self,
        card: int,
        way: int,
        ago_ms: int | None = 0,
        at_site: int | None = None,
        keep: bool = False,
    ) -> None:
        """A card is held before a gate; None: the gate knows no time. `keep`: it has no network."""
        gate = self.gates[(HOME[card] if at_site is None else at_site, way)]
        self.seq[gate] += 1
        at_ms = 0 if ago_ms is None else self.hub_ms() - ago_ms
        piece = record(
            self.seq[gate], self.house.vault.tag(CARDS[card]), at_ms, direction=way,
            quality=QUALITY_NONE if ago_ms is None else QUALITY_HUB,
            boot=self.boot[gate], ticks_ms=self.true.now_ms % 1_000_000_000,
        )  # fmt: skip
        self.taps.add((gate, self.seq[gate]))
        self.kept.append((gate, piece))
        if not keep:
            self.deliver(gate)

    def time_set(self, gate: str) -> None:
        """The gate learns the time, which dates what it stored in this boot before."""
        self.seq[gate] += 1
        piece = record(
            self.seq[gate], bytes(8), self.hub_ms(), kind=KIND_TIME_SET, direction=DIRECTION_NONE,
            verdict=VERDICT_NONE, boot=self.boot[gate],
            ticks_ms=self.true.now_ms % 1_000_000_000,
        )  # fmt: skip
        self.kept.append((gate, piece))
        self.deliver(gate)

    def deliver(self, gate: str | None = None, backwards: bool = False, times: int = 1) -> None:
        """Gates bring what they kept; one of them only when it is named, the newest first, or more
        than once because they heard no ack."""
        wanted = [one for one in self.kept if gate in (None, one[0])]
        self.kept = [one for one in self.kept if one not in wanted]
        for _ in range(times):
            for name, piece in reversed(wanted) if backwards else wanted:
                self._arrive(name, piece)
        # Only what the hub has acknowledged leaves the journal of a gate.
        for name, piece in wanted:
            if (name, _seq(piece)) not in self.sent:
                self._arrive(name, piece)

    def _arrive(self, gate: str, piece: bytes) -> None:
        seq = _seq(piece)
        arrival = Arrival(gate, JOURNAL, "batch", seq, seq, piece)

        def store() -> None:
            now_ms = self.hub_ms()
            self.call(lambda c: self.ingest.stage(Inbox(c), [arrival], now_ms))
            self.ingest.committed()
            self.sent.add((gate, seq))
            self.project()

        self.alive(store)

    def project(self) -> None:
        """Everything stored has its effect."""
        while self.call(lambda c: project_some(c, self.register)).result()[0]:
            pass

    # ------------------------------------------------------------ register

    def _found(self, now_ms: int) -> None:
        today = brussels_day(now_ms)
        tomorrow = brussels_day(now_ms + DAY)
        with writing(self.house.engine) as connection:
            register = Register(connection, self.house.vault)
            register.import_people(read_people_file(PEOPLE.encode(), today).rows, now_ms)
            for (site, way), gate in self.gates.items():
                name = "in" if way == DIRECTION_IN else "out"
                register.add_terminal(gate, gate, SITES[site], name, now_ms)
            for site, number in enumerate(WORKS):
                put_works(connection, number, register.site_named(SITES[site]), place=PLACE)
            set_regime(connection, WORKS[1], date(2026, 1, 1), "in_out")
            set_regime(connection, WORKS[2], tomorrow, "in_out")
            ids = dict(connection.execute(select(person.c.given_name, person.c.id)).all())
            self.ids = [ids[n] for n in ("Milan", "Piotr", "Ward", "Basile", "Samir", "Stoyan")]
            ward = person.c.id == self.ids[WITHOUT_NUMBER]
            self._number = dict(
                connection.execute(select(person.c.inss_sealed, person.c.inss_index).where(ward))
                .mappings()
                .one()
            )
            connection.execute(update(person).where(ward).values(inss_sealed=None, inss_index=None))
            self._badges(connection).release(self.house.vault.tag(CARDS[WITHOUT_BADGE]))

    def _badges(self, connection: Connection) -> Badges:
        return Badges(connection, self.house.vault, COMMAND, self.hub_ms())

    def _register_changed(self, job: Callable[[Connection], object]) -> None:
        # A command of its own, which does not die with the hub.
        with writing(self.house.engine) as connection:
            job(connection)
        self.register = RegisterView()
        self.alive(lambda: Completion(self).complete(self.hub_ms()))

    def complete_identity(self) -> None:
        """Ward's number becomes known."""
        ward = self.ids[WITHOUT_NUMBER]

        def job(connection: Connection) -> None:
            connection.execute(update(person).where(person.c.id == ward).values(**self._number))
            corrected(connection, ward, self.hub_ms())

        self._register_changed(job)

    def assign_to(self, card: int, number: str) -> None:
        """A person is assigned to another declaration of works."""
        self._register_changed(
            lambda c: assign(c, number, self.hub_ms(), "test", person_id=self.ids[card])
        )

    def link_badge(self) -> None:
        """Samir's badge is linked: what it did today is his. Then everything is made again."""

        def job(connection: Connection) -> None:
            samir = person.c.id == self.ids[WITHOUT_BADGE]
            token = connection.execute(select(person.c.token).where(samir)).scalar_one()
            self._badges(connection).link(self.house.vault.tag(CARDS[WITHOUT_BADGE]), token)

        self._register_changed(job)
        self.rebuild()

    def touch(self, card: int) -> None:
        """Somebody corrects the data of a person."""
        self._register_changed(lambda c: corrected(c, self.ids[card], self.hub_ms()))

    def rebuild(self) -> None:
        """The hub is stopped, everything derived is made again, and another begins."""
        with writing(self.house.engine) as connection:
            rebuild(connection)
        self.start()

    # ------------------------------------------------------------ plan

    def plan(self, card: int, day: date) -> None:
        """Somebody is planned for a day."""
        kind = "limosa" if len(IDENTITIES[card]) > 11 else "inss"
        entry = {
            "works_number": WORKS[HOME[card]], kind: IDENTITIES[card], "day": day.isoformat(),
        }  # fmt: skip
        self.planned.add((self.ids[card], day))
        self.alive(lambda: self.plans.take(self.plans.read_list([entry]), "api", "test"))

    def unplan(self, card: int, day: date, reason: str, although_seen: bool) -> None:
        """Somebody planned is taken back."""
        entries = self.plans.entries_of(day, self.ids[card])
        self.alive(lambda: self.plans.withdraw(entries, reason, "test", although_seen))

    # ------------------------------------------------------------ looking

    def rows(self, table: Table) -> list[Row[Any]]:
        """The rows of a table."""
        with reading(self.house.engine) as connection:
            return list(connection.execute(select(table).order_by(*table.primary_key)).all())

    def registrations(self) -> list[Row[Any]]:
        """Every registration of the hub."""
        return self.rows(registration)

    def close(self) -> None:
        """Ends it."""
        self.house.close()


HOME: Final = (0, 0, 0, 1, 1, 2)
"""The site of each card's owner."""


def _seq(piece: bytes) -> int:
    return record_seq(piece)


def _hasty(connection: Any, _record: object) -> None:
    # No power fails here: a death is played by what was committed and what was not.
    connection.execute("PRAGMA synchronous=OFF")


def corrected(connection: Connection, person_id: int, now_ms: int) -> None:
    """Something that is sent of this person is noted as changed, as an import notes it."""
    connection.execute(update(person).where(person.c.id == person_id).values(changed_ms=now_ms))
