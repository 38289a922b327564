"""A running hub and what gates tell it of themselves, and what it tells them of each other."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from hub.application.terminals import TerminalKey
from hub.main import Hub
from hub.settings import BrokerSettings, Settings
from hub.storage.engine import reading, writing
from hub.storage.gate_news import stored_health
from hub.storage.incidents import incidents_since
from hub.storage.terminals import Terminals
from protocol.batch import encode_batch
from protocol.mac import Mac, broker_password
from protocol.messages import ALARM_TAMPER, decode_control, encode_control, health
from protocol.record import KIND_STORAGE_RESET
from protocol.topics import down_topic, up_topic
from tests.hub.house import JOURNAL, MILAN, NOON_MS, TestHouse, people_house, record
from tests.hub.patience import until
from tests.hub.raw_client import RawClient

pytestmark = pytest.mark.processes
KEPT = {"language": "nl", "wifi": [], "link": "serial"}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[TestHouse]:
    """A data folder with people and gates; open beside the hub as a command has it."""
    pace = sys.getswitchinterval()
    with people_house(tmp_path) as house:
        yield house
    sys.setswitchinterval(pace)


@pytest.fixture
def start(tmp_path: Path, house: TestHouse) -> Iterator[Callable[[], tuple[Hub, int]]]:
    """Starts a hub on that folder, ending the one before; returns it and its broker's port."""
    running: list[Hub] = []

    def begin() -> tuple[Hub, int]:
        while running:
            running.pop().stop()
        hub = Hub(Settings(data=tmp_path, broker=BrokerSettings(port=0)), lambda: NOON_MS)
        running.append(hub)
        return hub, hub.start().broker_port

    yield begin
    while running:
        running.pop().stop()


def gate(port: int, key: TerminalKey) -> RawClient:
    """A gate in contact."""
    client = RawClient(port, key.terminal, broker_password(key.key))
    assert client.subscribe(down_topic(key.terminal, "control"))
    return client


def send(
    client: RawClient, key: TerminalKey, piece: bytes, journal: bytes = JOURNAL
) -> Callable[[], bool]:
    """Returns what sends record 1 of a journal and says whether the ack came."""
    batch = encode_batch(Mac(key.key), key.terminal, journal, 1, piece)

    def acked() -> bool:
        # A gate says it again until it is acked: the hub may not listen yet.
        client.publish(up_topic(key.terminal, "batch"), batch, qos=0)
        return any(fields[:2] == ["ack", journal.hex()] for fields in told(client, key, 0.1))

    return acked


def told(client: RawClient, key: TerminalKey, wait_s: float) -> list[list[object]]:
    """What the hub said to a gate until nothing came for this long."""
    found: list[list[object]] = []
    while True:
        try:
            _, payload = client.heard(wait_s)
        except TimeoutError:
            return found
        found.append(decode_control(Mac(key.key), "down", key.terminal, payload))


@pytest.mark.parametrize(
    ("direction", "passback", "follows"),
    [
        ("out", "soft", True),
        ("out", "hard", True),
        ("toggle", "off", True),
        ("out", "off", False),
        ("buttons", None, False),
    ],
)
def test_who_passed_is_told_to_the_gates_whose_settings_ask_for_it(
    house: TestHouse,
    start: Callable[[], tuple[Hub, int]],
    direction: str,
    passback: str | None,
    follows: bool,
) -> None:
    settings = KEPT if passback is None else KEPT | {"passback": passback}
    with writing(house.house.engine) as connection:
        register = Terminals(connection, house.house.vault)
        register.keep_settings("gate-out", settings, NOON_MS)
        register.change_terminal("gate-out", NOON_MS, direction=direction)
        # Another gate that follows, so that passages are read at all; it hears the same.
        other = register.add_terminal("gate-yard", "Yard", "Werf Noord", "toggle", NOON_MS)
    _, port = start()
    tap = record(1, house.tag(MILAN), NOON_MS)
    passed = ["passed", NOON_MS // 1000, [[house.tag(MILAN).hex(), 1]]]
    with closing(gate(port, house.gate_in)) as here, closing(gate(port, house.gate_out)) as there:
        with closing(gate(port, other)) as yard:
            until(send(here, house.gate_in, tap), "the ack")
            until(lambda: passed in told(yard, other, 0.1), "what the other gate is told")
        if follows:
            until(lambda: passed in told(there, house.gate_out, 0.1), "what this gate is told")
        else:
            # One thread says it in the order of their names: it would have come before.
            assert passed not in told(there, house.gate_out, 0.2)
        assert passed not in told(here, house.gate_in, 0.1)


def test_a_gate_that_lost_its_memory_is_an_incident_of_this_hub(
    house: TestHouse, start: Callable[[], tuple[Hub, int]]
) -> None:
    hub, port = start()
    reset = record(1, bytes(8), NOON_MS, kind=KIND_STORAGE_RESET)
    with closing(gate(port, house.gate_in)) as client:
        until(send(client, house.gate_in, reset), "the first ack")
        until(send(client, house.gate_in, reset, b"journal2"), "the second ack")

        def noticed() -> bool:
            gates = {one.terminal_id: one for one in hub.watch.gates()}
            return gates["gate-in"].last_incident_code == "HUB-1206"

        until(noticed, "the incident on the board")
    with reading(house.house.engine) as connection:
        assert incidents_since(connection, 0) == [(NOON_MS, "HUB-1206", "gate-in", "")]
    (site_id,) = {site.id for site in hub.overview.sites()}
    gates = {
        one.terminal_id: one for one in hub.overview.board(site_id, "2026-11-23", NOON_MS).gates
    }
    assert {one.name: one.times for one in gates["gate-in"].news} == {
        "storage_reset.0": 1,
        "storage_reset.1": 1,
    }
    assert gates["gate-out"].news == ()


def test_what_a_gate_said_of_itself_is_known_after_a_restart(
    house: TestHouse, start: Callable[[], tuple[Hub, int]]
) -> None:
    hub, port = start()
    key = house.gate_in
    said = health({"alarms": ALARM_TAMPER, "reader_ok": 1, "rssi": -70, "roster_version": 5})
    message = encode_control(Mac(key.key), "up", "gate-in", said)
    with closing(gate(port, key)) as client:

        def stored() -> bool:
            client.publish(up_topic("gate-in", "control"), message)
            with reading(house.house.engine) as connection:
                return "gate-in" in stored_health(connection)

        until(stored, "the health")
    hub, _ = start()
    gates = {one.terminal_id: one for one in hub.watch.gates()}
    known = gates["gate-in"]
    assert known.last_seen_ms == NOON_MS
    assert known.health is not None
    assert (known.health["rssi"], known.health["alarms"]) == (-70, ALARM_TAMPER)
    assert [one.alarm for one in known.alarms(())] == ["lid"]
    assert gates["gate-out"].health is None
