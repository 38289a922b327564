"""How fast registrations get their numbers, with how few calls, and how long a lone one takes.

The hub's own parts, put together as in the running hub, against the simulated authority in a
process of its own, which carries out each call 50 ms late. Held against the plain way: zeep on the
contract that the authority hands out, one call for each person, one after the other.
"""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import func, select

from bench import crowd
from bench.figures import percentile, ratio, row, title
from bench.load import tap_records
from bench.rig import running_authority, scratch
from hub.application.ingest import Arrival, Ingest
from hub.application.lane import Lane
from hub.application.ports import (
    BATCH_MAX,
    AuthorityPort,
    Cancel,
    PresenceItem,
    Refused,
    Registered,
    Seen,
)
from hub.application.windows import DayWindow
from hub.authority.day import day_authority
from hub.clock import now_ms
from hub.domain.legal_day import brussels_day
from hub.errors import PermanentError
from hub.main import SWITCH_INTERVAL_S
from hub.settings import AuthoritySettings
from hub.storage.engine import reading
from hub.storage.evidence import EvidenceStore
from hub.storage.house import House, open_house
from hub.storage.inbox import InboxGroup, load_streams
from hub.storage.outbox import Outbox
from hub.storage.projector import Projector
from hub.storage.schema import evidence, registration
from hub.storage.writer import Writer

LATENCY_MS = 50
BACKLOG = 10_000
PLAIN = 200
TAPS = 60
LIMIT_S = 300.0


class Chain:
    """From the inbox to the receipt: writer, projection and lane of one hub; `close` ends it.

    Args:
        house: its data; not closed here.
        url: address of the service.
        between: what stands between lane and adapter.
    """

    def __init__(
        self,
        house: House,
        url: str,
        between: Callable[[AuthorityPort], AuthorityPort] = lambda adapter: adapter,
    ) -> None:
        # As the running hub sets it.
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        self._house = house
        self._writer = Writer(house.engine)
        settings = AuthoritySettings(url=url)
        adapter = day_authority(settings, now_ms, EvidenceStore(self._writer, house.vault).keep)
        self._lane = Lane(
            "day",
            lambda worker: Outbox(self._writer, house.vault, self._step, "day", worker),
            lambda: between(adapter()),
            now_ms,
            Random(1),
            DayWindow(),
            senders=settings.connections,
        )
        self._projector = Projector(self._writer, self._lane.wake)
        with reading(house.engine) as connection:
            ingest = Ingest(load_streams(connection), self)
        self._group = InboxGroup(ingest, now_ms, self._projector.wake)
        self._kept = threading.Semaphore(0)

    def start(self) -> None:
        """Starts all threads."""
        self._writer.start(self._group)
        self._lane.start()

    def tap(self, seq: int, tags: list[bytes]) -> None:
        """Hands in one tap, as from a gate; returns at once."""
        records = tap_records(seq, 1, now_ms(), tags)
        self._writer.put(Arrival(crowd.GATE, b"journal1", "batch", seq, seq, records))

    def await_receipts(self, count: int) -> float:
        """Returns the `perf_counter` at which that many registrations were seen to have numbers.

        Raises:
            TimeoutError: they have not after `LIMIT_S`.
        """
        end = time.perf_counter() + LIMIT_S
        while self._held() < count:
            if not self._kept.acquire(timeout=max(0.0, end - time.perf_counter())):
                raise TimeoutError(f"{self._held()} of {count} receipts after {LIMIT_S} s")
        return time.perf_counter()

    def close(self) -> None:
        """Ends all threads."""
        self._lane.stop(30)
        self._writer.stop()

    def _step(self) -> None:
        self._kept.release()

    def _held(self) -> int:
        query = select(func.count()).where(registration.c.number.is_not(None))
        with reading(self._house.engine) as connection:
            return connection.execute(query).scalar_one()

    # Acks: no gate waits for them here.

    def ack(self, terminal: str, journal: bytes, upto: int, ranges: list[tuple[int, int]]) -> None:
        """See `AckPort`."""

    def want(self, terminal: str, journal: bytes, ranges: list[tuple[int, int]]) -> None:
        """See `AckPort`."""

    def lost(self, terminal: str, count: int) -> None:
        """See `AckPort`."""


class RefusesOne:
    """An authority that refuses each whole call that holds one person, for a rule not in its
    schema; else the one behind it."""

    def __init__(self, behind: AuthorityPort, bad_inss: str) -> None:
        self._behind = behind
        self._bad_inss = bad_inss
        self._searching = False
        self.refused = 0
        self.finding = 0
        """Calls after the first refused one and before the next full one."""

    def register(self, items: Sequence[PresenceItem]) -> list[Registered | Refused]:
        """See `AuthorityPort`."""
        self._searching = self._searching and len(items) < BATCH_MAX
        self.finding += self._searching
        if any(item.inss == self._bad_inss for item in items):
            self._searching = self._searching or not self.refused
            self.refused += 1
            raise PermanentError("HUB-1303", items=len(items), fault="SOA-03001")
        return self._behind.register(items)

    def search(self, works_number: str, day: date) -> list[Seen]:
        """See `AuthorityPort`."""
        return self._behind.search(works_number, day)

    def get(self, number: int) -> Registered | None:
        """See `AuthorityPort`."""
        return self._behind.get(number)

    def cancel(self, cancels: Sequence[Cancel]) -> list[Registered | Refused]:
        """See `AuthorityPort`."""
        return self._behind.cancel(cancels)


def plain_rate(addresses: dict[str, str], people: int) -> float:
    """Returns registrations a second of zeep alone, one call for each of `people`."""
    import zeep

    client: Any = zeep.Client(addresses["wsdl"])
    today = brussels_day(now_ms())
    with closing(client.transport.session):
        begin = time.perf_counter()
        for number in range(people):
            [answer] = client.service.registerPresences(
                PresenceRegistrationRequest=[
                    {
                        "RegistrationDate": today,
                        "INSS": crowd.inss(number),
                        "CompanyID": int(crowd.COMPANY),
                        "WorkPlaceId": crowd.WORKS,
                        "ClientPresenceRegistrationReference": f"plain{number}",
                    }
                ]
            )
            if answer.PresenceRegistration is None:
                raise RuntimeError("the authority refused a registration of the plain way")
        return people / (time.perf_counter() - begin)


def _backlog(folder: Path, people: int) -> Path:
    """Returns a data folder in which that many registrations are due."""
    house, tags = crowd.settle(folder, people)
    with closing(house):
        crowd.store_taps(house, tags, people, now_ms() - 1000)
        crowd.project_all(house)
    return folder


def _hub_rate(backlog: Path, folder: Path, url: str, people: int) -> tuple[float, int]:
    """Returns registrations a second, from the start of the lane to the last receipt on disk, and
    the calls it took."""
    shutil.copytree(backlog, folder)
    with closing(open_house(folder)) as house:
        chain = Chain(house, url)
        begin = time.perf_counter()
        chain.start()
        try:
            end = chain.await_receipts(people)
        finally:
            chain.close()
        return people / (end - begin), _calls(house)


def _calls_with_one_bad(backlog: Path, folder: Path, url: str, people: int) -> tuple[int, int]:
    """Returns the calls for everybody, one of whom makes the service refuse a whole call, and how
    many of them it took to find whom."""
    shutil.copytree(backlog, folder)
    fronts: list[RefusesOne] = []

    def front(adapter: AuthorityPort) -> AuthorityPort:
        fronts.append(RefusesOne(adapter, crowd.inss(people // 2)))
        return fronts[-1]

    with closing(open_house(folder)) as house:
        chain = Chain(house, url, front)
        chain.start()
        try:
            chain.await_receipts(people - 1)
        finally:
            chain.close()
        refused = sum(one.refused for one in fronts)
        return _calls(house) + refused, sum(one.finding for one in fronts)


def _calls(house: House) -> int:
    query = select(func.count()).where(evidence.c.operation == "register")
    with reading(house.engine) as connection:
        return connection.execute(query).scalar_one()


def throughput(runs: int, people: int = BACKLOG, plain_people: int = PLAIN) -> None:
    """A backlog against the plain way, and the calls it takes, one bad item among them or none."""
    ours: list[float] = []
    plain: list[float] = []
    calls: list[float] = []
    finding: list[float] = []
    more: list[float] = []
    with scratch() as folder:
        backlog = _backlog(folder / "backlog", people)
        for run in range(runs):
            with running_authority(LATENCY_MS) as addresses:
                plain.append(plain_rate(addresses, plain_people))
            with running_authority(LATENCY_MS) as addresses:
                rate, made = _hub_rate(backlog, folder / f"hub{run}", addresses["soap"], people)
                ours.append(rate)
                calls.append(made / people)
            with running_authority(0) as addresses:
                bad = folder / f"bad{run}"
                with_bad, to_find = _calls_with_one_bad(backlog, bad, addresses["soap"], people)
                finding.append(to_find)
                more.append(with_bad - made)
    title(f"A backlog of {people:,} registrations, each call {LATENCY_MS} ms late")
    row("plain way, one zeep call for each person", plain, "/s", 1)
    row("hub", ours, "/s")
    ratio("hub / plain way", ours, plain, ">= 100")
    row("calls for each registration (1/200 is 0.005)", calls, "calls", 4)
    row("calls to find one that makes a call be refused, aim <= 8", finding, "calls")
    row("more calls in all because of it", more, "calls")


def receipts(runs: int, taps: int = TAPS, rate: float = 1.0) -> None:
    """From a tap handed in to its receipt on disk."""
    p50: list[float] = []
    p99: list[float] = []
    for _ in range(runs):
        with scratch() as folder, running_authority(LATENCY_MS) as addresses:
            house, tags = crowd.settle(folder / "hub", taps + 1)
            with closing(house):
                found = _paced(Chain(house, addresses["soap"]), tags, taps, rate)
        p50.append(percentile(found, 50) * 1000)
        p99.append(percentile(found, 99) * 1000)
    title(f"Tap to receipt, {rate:g} a second, each call {LATENCY_MS} ms late")
    row("p50", p50, "ms", 1)
    row(f"p99, aim <= {LATENCY_MS + 250}", p99, "ms", 1)


def _paced(chain: Chain, tags: list[bytes], taps: int, rate: float) -> list[float]:
    """Returns the seconds from each tap to its receipt, without the first of all, at which the
    libraries are loaded."""
    found: list[float] = []
    chain.start()
    try:
        chain.tap(1, tags)
        chain.await_receipts(1)
        start = time.perf_counter()
        for number in range(taps):
            time.sleep(max(0.0, start + number / rate - time.perf_counter()))
            begin = time.perf_counter()
            chain.tap(number + 2, tags)
            found.append(chain.await_receipts(number + 2) - begin)
    finally:
        chain.close()
    return found
