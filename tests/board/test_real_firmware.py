"""The product's own firmware comes up on the board, on both interpreters, without any network."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from simulator.gate import Gate, Panel
from simulator.site import SimulatedSite

pytestmark = pytest.mark.processes
WAIT_S = 5.0
BADGE = "04a1b2c3d4e5f6"
SETTINGS = {
    "terminal": "gate-1",
    "site": "Werf Noord",
    "direction": "in",
    "language": "nl",
    "key": "11" * 32,
    "badge_key": "22" * 32,
    "broker": {"host": "127.0.0.1", "port": 9},  # the discard port: nobody there
    "wifi": {"ssid": "site", "password": "invented-1"},
}


def idle(panel: Panel) -> bool:
    return SETTINGS["site"] in panel["lines"] and panel["buzzer"] == 0


def refused(panel: Panel) -> bool:
    red, green, blue = panel["ring"][0]
    return panel["answered"] == 1 and red > 0 and green == blue == 0


def test_unknown_badge_is_refused_and_kept(tmp_path: Path, interpreter: str) -> None:
    async def play() -> None:
        wanted = "python" if interpreter == "python" else "micropython"
        async with Gate("gate-1", tmp_path / "gate", SETTINGS, wanted) as gate:
            await gate.wait_panel(idle, WAIT_S)
            await gate.present(BADGE)
            panel = await gate.wait_panel(refused, WAIT_S)
            assert panel["arm"] == "closed"
            await gate.remove()
            counters = await gate.counters()
            assert counters["violations"] == 0
            if interpreter == "micropython":
                assert counters["programs"] > 0
                assert counters["heap_free"] > 40_000
            await gate.power_off()
            await gate.power_on()
            await gate.wait_panel(idle, WAIT_S)
            assert BADGE not in gate.output

    asyncio.run(play())


def test_dead_reader_is_noticed_and_comes_back(tmp_path: Path, interpreter: str) -> None:
    async def play() -> None:
        wanted = "python" if interpreter == "python" else "micropython"
        async with Gate("gate-1", tmp_path / "gate", SETTINGS, wanted) as gate:
            await gate.wait_panel(idle, WAIT_S)
            await gate.chip("dead")
            await gate.present(BADGE)
            polls = (await gate.counters())["spi_transactions"]
            await gate.chip("ok")
            await gate.wait_panel(refused, WAIT_S)
            assert (await gate.counters())["spi_transactions"] > polls

    asyncio.run(play())


def test_an_alarm_is_no_answer_to_a_badge_that_is_not_read(
    tmp_path: Path, interpreter: str
) -> None:
    async def play() -> None:
        wanted = "python" if interpreter == "python" else "micropython"
        site = SimulatedSite(tmp_path / "site", gates=())
        async with Gate("gate-1", tmp_path / "gate", SETTINGS, wanted) as gate:
            site.gates["gate-1"] = gate
            await gate.wait_panel(idle, WAIT_S)
            await gate.chip("dead")
            tap = asyncio.create_task(site.tap("gate-1", BADGE))
            await gate.wait_panel(lambda panel: panel["taps"] == 1, WAIT_S)
            await gate.input("tamper", 1)
            await gate.wait_panel(lambda panel: 1800 in panel["sounds"], WAIT_S)
            assert gate.panel["answered"] == 0
            await gate.chip("ok")
            await tap
            assert gate.panel["answered"] == 1
            # What the gate plays to a badge that it does not know comes after the alarm.
            assert 220 in gate.panel["sounds"]

    asyncio.run(play())
