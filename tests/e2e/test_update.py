"""A real hub orders a real gate to run other firmware, and hears how it went."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hub.clock import now_ms
from hub.main import Hub
from hub.settings import BrokerSettings, Settings
from hub.storage.engine import reading, writing
from hub.storage.firmware import crash_logs, firmware_versions, order_firmware, orders
from hub.storage.incidents import incidents_since
from hub.terminals.firmware_build import Firmware, build_firmware, flash_files
from simulator.gate import Gate
from tests.firmware.flash_image import write_image
from tests.firmware.rig import needs_vm
from tests.firmware.update_hub import changed
from tests.hub.house import TestHouse, people_house
from tests.hub.patience import until

pytestmark = [needs_vm, pytest.mark.micropython, pytest.mark.processes]

PATIENCE_S = 60.0
CRASHES = ("firmware/app.py", "self._crash_log = CrashLog(", "0 / 0; self._crash_log = CrashLog(")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[TestHouse]:
    with people_house(tmp_path / "data") as house:
        yield house


@pytest.fixture
def hub(house: TestHouse, tmp_path: Path) -> Iterator[Hub]:
    hub = Hub(Settings(data=tmp_path / "data", broker=BrokerSettings(port=0)))
    yield hub
    hub.stop()


def gate_of(house: TestHouse, port: int, folder: Path) -> Gate:
    """The gate in, with the installed firmware on its flash."""
    settings = {
        "terminal": house.gate_in.terminal,
        "site": "Werf Noord",
        "direction": "in",
        "language": "nl",
        "key": house.gate_in.key.hex(),
        "badge_key": house.house.vault.badge_key.hex(),
        "broker": {"host": "127.0.0.1", "port": port},
        "wifi": {"ssid": "werf", "password": "not-a-secret"},
    }
    write_image(folder / "flash.bin", flash_files(json.dumps(settings).encode()))
    return Gate(house.gate_in.terminal, folder, {}, "micropython", main=True)


def give_order(house: TestHouse, firmware: Firmware) -> None:
    with writing(house.house.engine) as connection:
        order_firmware(
            connection, ["gate-in"], firmware.version, firmware.digest, firmware.pack, now_ms()
        )


def state(house: TestHouse) -> str:
    with reading(house.house.engine) as connection:
        return orders(connection)[0].state


def runs(house: TestHouse) -> str:
    with reading(house.house.engine) as connection:
        return firmware_versions(connection).get("gate-in", "")


def build(firmware: Firmware) -> str:
    return f"{firmware.version}+{firmware.digest[:12]}"


def test_a_gate_is_updated_and_one_that_cannot_be_goes_back(
    hub: Hub, house: TestHouse, tmp_path: Path
) -> None:
    async def play() -> None:
        good, bad = changed("9.0.0"), changed("9.1.0", CRASHES)
        # Ordered before anybody runs: it is offered when the gate greets.
        give_order(house, good)
        began_ms = now_ms()
        port = await asyncio.to_thread(lambda: hub.start().broker_port)

        async def seen(look: Callable[[], bool], what: str) -> None:
            await asyncio.to_thread(until, look, what, PATIENCE_S)

        async with gate_of(house, port, tmp_path / "gate") as gate:
            await seen(lambda: runs(house) == build(build_firmware()), "the first greeting")
            await seen(lambda: runs(house) == build(good), "the new version")
            await seen(lambda: state(house) == "running", "its confirmation")
            # Ordered while hub and gate run.
            give_order(house, bad)
            await seen(lambda: state(house) == "rolled_back", "the way back")
            assert runs(house) == build(good)

            def log() -> str:
                with reading(house.house.engine) as connection:
                    return "".join(row.text for row in crash_logs(connection, "gate-in"))

            await seen(lambda: "ZeroDivisionError" in log(), "the crash log")

            def codes() -> set[str]:
                with reading(house.house.engine) as connection:
                    return {row[1] for row in incidents_since(connection, began_ms)}

            await seen(lambda: {"HUB-1224", "HUB-1226"} <= codes(), "both incidents")
            assert "HUB-1204" not in codes(), "no record was lost"
            assert gate.powered

    asyncio.run(play())
