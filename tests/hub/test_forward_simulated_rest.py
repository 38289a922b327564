"""The forwarder with the real REST adapter against the simulated authority, fault by fault."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from hub.application.ports import PresenceItem
from hub.application.windows import ActWindow
from hub.authority.in_out import in_out_authority
from hub.settings import InOutSettings
from tests.hub.outbox_contract import NOW_MS
from tests.hub.simulated_faults import (
    FAULTS,
    FAULTS_OF_CANCELLING,
    MINUTE_MS,
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
from tests.rest.acts import act
from tests.rest.conftest import certified, pem
from tests.soap.simulated import SimulatedAuthority

WORKS = "1Y19FAKE005EZ"
CANCEL_PATH = "/sim-only/presenceRegistrations/{number}/cancel"
pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def channel(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[SimulatedAuthority, InOutSettings]]:
    folder = tmp_path_factory.mktemp("authority")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    key_file = folder / "channel.pem"
    key_file.write_bytes(pem(key))
    with SimulatedAuthority(folder) as running:
        certificate = certified(key).public_bytes(Encoding.PEM).decode()
        running.order("client", id="sim-client-1", certificate=certificate)
        running.order("rest", can_cancel=True)
        yield (
            running,
            InOutSettings(
                url=running.rest,
                token_url=running.token,
                client_id="sim-client-1",
                certificate=str(Path(key_file)),
                read_timeout_s=READ_TIMEOUT_S,
                can_cancel=True,
                cancel_path=CANCEL_PATH,
            ),
        )


@pytest.fixture
def authority(channel: tuple[SimulatedAuthority, InOutSettings]) -> Iterator[SimulatedAuthority]:
    with calm(channel[0]) as running:
        running.order("clock", now="2026-11-23T07:00:00")
        yield running


@pytest.fixture
def make(authority: SimulatedAuthority, channel: tuple[SimulatedAuthority, InOutSettings]) -> Make:
    def item(index: int) -> PresenceItem:
        return act(index, works_number=WORKS, act_ms=NOW_MS - 1000 - index % 1000)

    def way(people: int = 5) -> FaultyWay:
        made: FaultyWay

        def now_ms() -> int:
            return made.clock()

        port = in_out_authority(channel[1], lambda: now_ms())()
        made = FaultyWay(authority, port, ActWindow(), item, "events", people)
        return made

    return way


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_of_one_call(make: Make, name: str) -> None:
    passes(make(), FAULTS[name])


def test_nobody_listens(make: Make) -> None:
    away(make())


def test_a_maintenance_window(make: Make) -> None:
    maintained(make())


def test_looking_up_fails_too(make: Make) -> None:
    looking_fails_too(make())


@pytest.mark.parametrize("mode", FAULTS_OF_CANCELLING)
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


def test_an_expired_token_is_renewed_and_nobody_notices(make: Make) -> None:
    way = make()
    way.authority.order("availability", mode="expired-token", calls=1, operations=["register"])
    way.forwarder.step()
    assert way.states() == {"registered"}
    assert way.held() == way.known()


def test_a_token_that_is_refused_again_stops_and_calls_somebody(make: Make) -> None:
    way = make()
    way.authority.order("availability", mode="expired-token", calls=2, operations=["register"])
    way.run(MINUTE_MS)
    assert way.states() == {"due"}
    assert way.forwarder.status().alarm
    way.ends_well(8 * MINUTE_MS)


def test_no_token_for_a_while(make: Make) -> None:
    way = make()
    way.authority.order("availability", mode="down", calls=2, operations=["token"])
    way.run(1000)
    assert way.states() == {"due"}
    way.ends_well()


def test_a_service_whose_clock_is_past_the_window_refuses_and_nothing_is_sent_again(
    make: Make,
) -> None:
    way = make()
    way.run(1)  # its token is fetched before the clocks part
    assert way.states() == {"registered"}
    late = make()
    late.authority.order("skew", ms=11 * MINUTE_MS)
    late.run(5 * MINUTE_MS)
    assert late.states() <= {"refused", "due", "lapsed"}
    assert late.held() == []
