"""The forwarder with the real SOAP adapter against the simulated authority, over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from hub.application.forward import Forwarder
from hub.application.windows import DayWindow
from hub.authority import messages
from hub.authority.soap import SoapAuthority
from hub.domain.causes import Cause
from tests.hub.memory_outbox import MemoryOutbox
from tests.hub.outbox_contract import DAY, NOW_MS, WORKS, employee, posted, reference
from tests.hub.service import HandClock
from tests.hub.simulated_faults import (
    FAULTS,
    FAULTS_OF_CANCELLING,
    READ_TIMEOUT_S,
    FaultyWay,
    Make,
    away,
    calm,
    cancelling,
    looking_fails_too,
    maintained,
    passes,
)
from tests.soap.simulated import SimulatedAuthority

pytestmark = pytest.mark.processes


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[SimulatedAuthority]:
    with SimulatedAuthority(tmp_path) as running:
        yield running


class Hub:
    """A forwarder whose clock jumps from wake to wake, so that minutes take no time."""

    def __init__(self, authority: SimulatedAuthority, count: int) -> None:
        self.clock = HandClock(NOW_MS)
        self.outbox = MemoryOutbox()
        port = SoapAuthority(authority.soap, connect_timeout_s=5, read_timeout_s=10)
        self.forwarder = Forwarder(self.outbox, port, self.clock, Random(7))
        for index in range(count):
            self.outbox.add(posted(index), NOW_MS - 1000, NOW_MS)

    def run(self, for_ms: int) -> None:
        end_ms = self.clock() + for_ms
        while self.clock() <= end_ms:
            self.clock.now_ms = max(self.forwarder.step(), self.clock() + 1)
        self.clock.now_ms = end_ms

    def numbers(self) -> dict[str, int | None]:
        return {
            key: row.number for key, row in self.outbox.rows.items() if row.state == "registered"
        }


def held(authority: SimulatedAuthority) -> dict[str, int]:
    """Returns the number by reference, after making sure that none is there twice."""
    rows = authority.registrations()
    numbers = {row["reference"]: row["number"] for row in rows}
    assert len(numbers) == len(rows)
    return numbers


def test_an_authority_that_is_down_for_a_while(authority: SimulatedAuthority) -> None:
    hub = Hub(authority, 3)
    hub.outbox.add(employee(), NOW_MS - 1000, NOW_MS)
    authority.order("availability", mode="down")
    hub.run(60_000)
    assert hub.outbox.states() == ["due"] * 4
    status = hub.forwarder.status()
    assert (status.state, status.error_code) == ("retrying", "HUB-1310")
    authority.order("availability", mode="up")
    hub.run(60_000)
    assert hub.numbers() == held(authority)
    assert len(hub.numbers()) == 4


def test_a_connection_that_drops_after_the_commit_makes_no_duplicate(
    authority: SimulatedAuthority,
) -> None:
    hub = Hub(authority, 200)
    authority.order("availability", mode="drop-after-commit", calls=1)
    hub.run(120_000)
    assert hub.numbers() == held(authority)
    assert len(hub.numbers()) == 200
    assert {row.cause for row in hub.outbox.rows.values()} == {Cause.FOUND}


def test_a_connection_that_drops_before_anything_is_stored_loses_nothing(
    authority: SimulatedAuthority,
) -> None:
    hub = Hub(authority, 5)
    authority.order("availability", mode="refuse", calls=1)
    hub.run(30_000)
    assert hub.outbox.states() == ["in_doubt"] * 5
    hub.run(60_000)
    assert hub.numbers() == held(authority)
    assert len(hub.numbers()) == 5


def test_one_bad_item_among_200_does_not_keep_the_others(
    authority: SimulatedAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    class NoCheck:
        """An older contract than the authority's: it sees nothing wrong."""

        def egress(self, envelope: object, headers: object, *rest: object) -> object:
            return envelope, headers

    monkeypatch.setattr(messages, "ContractCheck", NoCheck)
    hub = Hub(authority, 200)
    bad = hub.outbox.rows[reference(123)]
    bad.item = type(bad.item)(
        reference(123), DAY, WORKS, inss="8503129976", company_number="0999000129"
    )
    hub.run(5_000)
    assert bad.state == "refused"
    assert bad.errors == (("HUB-1303", "SOA-03006"),)
    assert hub.numbers() == held(authority)
    assert len(hub.numbers()) == 199


def test_an_item_that_our_own_check_stops_costs_no_call(authority: SimulatedAuthority) -> None:
    hub = Hub(authority, 200)
    bad = hub.outbox.rows[reference(5)]
    bad.item = type(bad.item)(
        reference(5), DAY, WORKS, inss="8503129976", company_number="0999000129"
    )
    hub.forwarder.step()
    assert bad.errors == (("HUB-1316", "INSS: pattern"),)
    assert hub.numbers() == held(authority)
    assert len(hub.numbers()) == 199


def test_a_refused_item_keeps_the_authoritys_reason(authority: SimulatedAuthority) -> None:
    hub = Hub(authority, 2)
    wrong = hub.outbox.rows[reference(1)]
    wrong.item = type(wrong.item)(
        reference(1), DAY, WORKS, inss="85031299762", company_number="0999000129"
    )
    hub.run(5_000)
    assert hub.outbox.states() == ["registered", "refused"]
    assert wrong.errors[0][0] == "SIM-INSS"
    assert "85031299762" not in repr(wrong.errors)


# ---------------------------------------------------------------- fault by fault


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedAuthority]:
    with SimulatedAuthority(tmp_path_factory.mktemp("authority")) as running:
        yield running


@pytest.fixture(scope="module")
def port(running: SimulatedAuthority) -> SoapAuthority:
    return SoapAuthority(running.soap, 5, READ_TIMEOUT_S)


@pytest.fixture
def make(running: SimulatedAuthority, port: SoapAuthority) -> Iterator[Make]:
    with calm(running) as authority:

        def way(people: int = 5) -> FaultyWay:
            return FaultyWay(authority, port, DayWindow(), posted, "registrations", people)

        yield way


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_of_one_call(make: Make, name: str) -> None:
    passes(make(), FAULTS[name])


def test_nobody_listens(make: Make) -> None:
    away(make())


def test_a_maintenance_window(make: Make) -> None:
    maintained(make())


def test_looking_up_fails_too(make: Make) -> None:
    looking_fails_too(make())


@pytest.mark.parametrize("mode", [*FAULTS_OF_CANCELLING, "missing-entry", "twice-entry"])
def test_a_fault_of_cancelling(make: Make, mode: str) -> None:
    cancelling(make(), mode)


@pytest.mark.parametrize("status", [500, 502, 504])
def test_an_error_of_the_server_that_may_have_stored_something(make: Make, status: int) -> None:
    way = make()
    way.authority.order(
        "availability", mode="down", status=status, calls=1, operations=["register"]
    )
    way.run(30_000)
    way.ends_well()


@pytest.mark.parametrize(
    ("code", "then"),
    [
        ("SOA-01001", "due"),
        ("SOA-01002", "due"),
        ("SOA-02001", "registered"),
        ("SOA-02002", "registered"),
    ],
)
def test_a_fault_that_the_service_names(make: Make, code: str, then: str) -> None:
    way = make()
    way.authority.order("fault", code=code, calls=1, operations=["register"])
    way.run(30_000)
    assert way.states() == {then}
    assert way.forwarder.status().alarm == (then == "due")
    way.ends_well()


def test_a_service_whose_day_is_another_refuses_and_nothing_is_sent_again(make: Make) -> None:
    way = make()
    way.authority.order("skew", ms=24 * 3_600_000)
    way.run(5 * 60_000)
    assert way.states() == {"refused"}
    assert way.held() == []
