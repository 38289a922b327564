"""The hub put together: a terminal's word is kept and answered, a changed register noticed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, update

from hub.application.acts import keep
from hub.errors import PermanentError
from hub.main import Hub
from hub.settings import BrokerSettings, Settings
from hub.storage.acts import Acts
from hub.storage.engine import reading, writing
from hub.storage.house import open_house
from hub.storage.incidents import incidents_since
from hub.storage.register import Register
from hub.storage.schema import company, person, registration
from protocol.batch import encode_batch
from protocol.mac import Mac, broker_password
from protocol.messages import decode_control
from tests.hub.act_world import P_BASILE, P_MILAN, act
from tests.hub.derived import Site
from tests.hub.house import JOURNAL, MILAN, NOON_MS, TestHouse, people_house, record
from tests.hub.patience import until
from tests.hub.raw_client import RawClient, connected

pytestmark = pytest.mark.processes


@pytest.fixture
def house(tmp_path: Path) -> Iterator[TestHouse]:
    """A data folder with people and gates; open beside the hub as a command has it."""
    pace = sys.getswitchinterval()
    with people_house(tmp_path) as house:
        yield house
    sys.setswitchinterval(pace)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a hub on that folder that sends nothing."""
    return Settings(data=tmp_path, broker=BrokerSettings(port=0))


@pytest.fixture
def hub(house: TestHouse, settings: Settings) -> Iterator[Hub]:
    """A hub that was not started yet; its clock stands still."""
    hub = Hub(settings, lambda: NOON_MS)
    yield hub
    hub.stop()


def states(house: TestHouse) -> list[str]:
    """The state of every registration."""
    with reading(house.house.engine) as connection:
        return list(connection.execute(select(registration.c.state)).scalars())


def test_a_tap_is_kept_acked_and_due(hub: Hub, house: TestHouse) -> None:
    port = hub.start().broker_port
    key = house.gate_in
    with RawClient(port, "gate-in", broker_password(key.key)) as gate:
        assert gate.subscribe("sitegate/1/gate-in/down/control")
        batch = encode_batch(
            Mac(key.key), "gate-in", JOURNAL, 1, record(1, house.tag(MILAN), NOON_MS)
        )

        def answered() -> list[object] | None:
            # A gate says it again until it is acked: the hub may not listen yet.
            gate.publish("sitegate/1/gate-in/up/batch", batch, qos=0)
            try:
                topic, payload = gate.heard(0.1)
            except TimeoutError:
                return None
            assert topic == "sitegate/1/gate-in/down/control"
            answer = decode_control(Mac(key.key), "down", "gate-in", payload)
            return answer if answer[0] == "ack" else None

        assert until(answered, "the ack") == ["ack", JOURNAL.hex(), 1, []]
    until(lambda: states(house) == ["due"], "the registration")


def test_an_act_without_a_badge_is_due_as_soon_as_a_tap_and_after_a_kill_too(
    hub: Hub, house: TestHouse
) -> None:
    with writing(house.house.engine) as connection:
        # It was kept, and the hub was killed before it had its effect.
        keep(Acts(connection), act(P_MILAN), NOON_MS)
    hub.start()
    until(lambda: states(house) == ["due"], "the registration of what was kept")
    hub.office.write(lambda connection: keep(Acts(connection), act(P_BASILE), NOON_MS))
    hub.acted()
    until(lambda: states(house) == ["due", "due"], "the registration")


def test_a_forged_batch_becomes_an_incident_in_the_database(hub: Hub, house: TestHouse) -> None:
    port = hub.start().broker_port
    with RawClient(port, "gate-in", broker_password(house.gate_in.key)) as gate:
        forged = encode_batch(
            Mac(house.gate_out.key), "gate-in", JOURNAL, 1, record(1, house.tag(MILAN), NOON_MS)
        )

        def reported() -> list[tuple[int, str, str | None, str]]:
            gate.publish("sitegate/1/gate-in/up/batch", forged)
            with reading(house.house.engine) as connection:
                return incidents_since(connection, 0)

        assert until(reported, "the incident") == [(NOON_MS, "HUB-1202", "gate-in", "")]
    assert states(house) == []


def test_a_terminal_added_by_a_command_is_let_in_without_a_restart(
    hub: Hub, house: TestHouse
) -> None:
    port = hub.start().broker_port
    with writing(house.house.engine) as connection:
        register = Register(connection, house.house.vault)
        key = register.add_terminal("gate-new", "New", "Werf Noord", "in", NOON_MS)
    client = until(
        lambda: connected(port, "gate-new", broker_password(key.key)), "the new terminal"
    )
    with client:
        until(lambda: "gate-new" in {gate.terminal_id for gate in hub.watch.gates()}, "its gate")


def test_what_an_import_completed_while_the_hub_was_stopped_is_due_when_it_starts(
    hub: Hub, house: TestHouse
) -> None:
    with writing(house.house.engine) as connection:
        connection.execute(update(person).where(person.c.id == 1).values(company_id=None))
    site = Site(house)
    site.arrive("gate-in", NOON_MS, record(1, house.tag(MILAN), NOON_MS))
    site.project()
    assert states(house) == ["held"]
    with writing(house.house.engine) as connection:
        number = connection.execute(select(company.c.id)).scalars().first()
        connection.execute(update(person).where(person.c.id == 1).values(company_id=number))
    hub.start()
    until(lambda: states(house) == ["due"], "the registration")


def test_what_was_stored_and_not_projected_is_projected_at_the_start(
    hub: Hub, house: TestHouse
) -> None:
    Site(house).arrive("gate-in", NOON_MS, record(1, house.tag(MILAN), NOON_MS))
    hub.start()
    until(lambda: states(house) == ["due"], "the projection")


def test_a_second_hub_is_refused_and_the_first_goes_on(hub: Hub, settings: Settings) -> None:
    port = hub.start().broker_port
    with pytest.raises(PermanentError) as caught:
        Hub(settings)
    assert caught.value.code == "HUB-1009"
    with RawClient(port, "gate-in", "wrong") as client:
        assert client.answer == ("connack", False, 5)


def test_a_hub_that_stopped_leaves_no_process_and_no_lock(
    house: TestHouse, settings: Settings
) -> None:
    first = Hub(settings, lambda: NOON_MS)
    pid = first.start().broker_pid
    first.stop()
    assert not Path(f"/proc/{pid}").exists()
    again = Hub(settings, lambda: NOON_MS)
    again.start()
    again.stop()
    open_house(settings.data).close()
