"""The product's own firmware comes up on the board, on both interpreters, without any network."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from simulator.gate import Gate, Panel

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
    return bool(panel["sounds"]) and red > 0 and green == blue == 0


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
