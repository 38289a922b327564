"""Gates on a USB cable with the real hub: from a badge at the chip to an empty journal."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from pathlib import Path
from typing import Any, Literal

import pytest

from protocol.record import KIND_TAP
from simulator.gate import GateError
from simulator.site import GatePlan, SimulatedSite
from tests.e2e.chain import (
    board,
    inbox_records,
    journal_empty,
    ready,
    registered,
    shows,
    tap_facts,
    until,
)

pytestmark = [pytest.mark.processes, pytest.mark.micropython]
GATE = "gate-1"
Link = Literal["serial", "both", "bridge"]


class CableSite:
    """A site with one gate, connected by `link`, that holds the roster."""

    def __init__(self, folder: Path, link: Link) -> None:
        plans = [GatePlan(GATE, "Poort 1", "in", link)]
        self.site = SimulatedSite(folder, gates=plans, validation_delay_s=0.5, settle_s=1.0)

    async def __aenter__(self) -> SimulatedSite:
        await self.site.start()
        try:
            await ready(self.site, GATE)
            await self.site.gates[GATE].wait_panel(lambda p: "SERVER OK" in p["lines"], 20)
        except BaseException:
            await self.site.stop()
            raise
        return self.site

    async def __aexit__(self, *_: object) -> None:
        await self.site.stop()


async def online(site: SimulatedSite, expected: bool) -> None:
    """Waits until the hub's page shows the gate so."""

    def as_expected(shown: dict[str, Any]) -> bool:
        return shown["gates"][0]["online"] is expected

    await until(lambda: board(site), as_expected, f"the gate online: {expected}")


async def stored(site: SimulatedSite, count: int) -> None:
    """Waits until the hub has stored this many taps, and checks that each came once."""

    async def taps() -> int:
        return len(tap_facts(site))

    await until(taps, lambda found: found >= count, f"{count} taps")
    records = inbox_records(site)
    assert sum(record.kind == KIND_TAP for record in records) == count
    assert [seq for seq, times in Counter(r.seq for r in records).items() if times > 1] == []
    assert sorted(r.seq for r in records) == list(range(1, len(records) + 1))


def test_a_badge_at_the_reader_becomes_a_number_over_the_cable(tmp_path: Path) -> None:
    async def play() -> None:
        async with CableSite(tmp_path, "serial") as site:
            assert site.wires[GATE].connections == 0
            await site.tap(GATE, site.badges[0].uid)
            await registered(site, 1)
            await journal_empty(site, GATE)
            await stored(site, 1)
            await online(site, True)
            assert site.wires[GATE].connections == 0

    asyncio.run(play())


def test_a_cable_pulled_in_the_middle_of_a_frame_loses_nothing(tmp_path: Path) -> None:
    async def play() -> None:
        async with CableSite(tmp_path, "serial") as site:
            cable, gate = site.cables[GATE], site.gates[GATE]
            cable.unplug_after(25)
            await site.tap(GATE, site.badges[0].uid)
            await online(site, False)
            await gate.wait_panel(lambda p: shows(p, "1") or "OFFLINE - OK 1" in p["lines"], 20)
            await site.tap(GATE, site.badges[1].uid)
            cable.plug()
            await stored(site, 2)
            await journal_empty(site, GATE)
            cable.noise_up(bytes(range(256)) * 3)
            cable.noise_down(bytes(range(255, -1, -1)) * 3)
            await site.tap(GATE, site.badges[2].uid)
            await stored(site, 3)
            await journal_empty(site, GATE)

    asyncio.run(play())


def test_a_hub_that_is_killed_and_comes_back_finds_its_port_again(tmp_path: Path) -> None:
    async def play() -> None:
        async with CableSite(tmp_path, "serial") as site:
            await site.hub.kill()
            await site.gates[GATE].wait_panel(lambda p: "SERVER OK" not in p["lines"], 20)
            await site.tap(GATE, site.badges[0].uid)
            await site.start_hub()
            await stored(site, 1)
            await journal_empty(site, GATE)

    asyncio.run(play())


def test_both_links_the_broker_dies_and_then_the_cable_is_pulled(tmp_path: Path) -> None:
    async def play() -> None:
        async with CableSite(tmp_path, "both") as site:
            pid = site.broker_pid
            assert pid is not None
            # No broker for as long as this process stands still.
            os.kill(pid, signal.SIGSTOP)
            try:
                await site.tap(GATE, site.badges[0].uid)
                await stored(site, 1)
                await journal_empty(site, GATE)
            finally:
                os.kill(pid, signal.SIGKILL)
            await site.tap(GATE, site.badges[1].uid)
            await stored(site, 2)
            await online(site, True)
            # The hub starts another broker; the gate is found there when its cable goes.
            site.cables[GATE].unplug_after(60)
            await site.tap(GATE, site.badges[2].uid)
            await stored(site, 3)
            await journal_empty(site, GATE)
            await online(site, True)
            assert site.wires[GATE].connections > 0
            await site.network(GATE, up=False)
            await online(site, False)
            await site.tap(GATE, site.badges[3].uid)
            site.cables[GATE].plug()
            await stored(site, 4)
            await journal_empty(site, GATE)

    asyncio.run(play())


def test_a_bridge_carries_a_cable_to_a_hub_elsewhere(tmp_path: Path) -> None:
    async def play() -> None:
        async with CableSite(tmp_path, "bridge") as site:
            gate, wire, cable = site.gates[GATE], site.wires[GATE], site.cables[GATE]
            await site.tap(GATE, site.badges[0].uid)
            await stored(site, 1)
            await journal_empty(site, GATE)
            await online(site, True)
            # The network between the two computers goes.
            await wire.cut()
            await gate.wait_panel(lambda p: "SERVER OK" not in p["lines"], 20)
            await online(site, False)
            await site.tap(GATE, site.badges[1].uid)
            await wire.restore()
            await stored(site, 2)
            await journal_empty(site, GATE)
            # The cable goes, in the middle of a frame.
            cable.unplug_after(30)
            await site.tap(GATE, site.badges[2].uid)
            await online(site, False)
            cable.plug()
            await stored(site, 3)
            await journal_empty(site, GATE)
            # The bridge itself is killed and started anew.
            await site.bridges[GATE].kill()
            await gate.wait_panel(lambda p: "SERVER OK" not in p["lines"], 20)
            await site.tap(GATE, site.badges[3].uid)
            await site.bridges[GATE].start(site.folder)
            await stored(site, 4)
            await journal_empty(site, GATE)
            assert "Traceback" not in site.bridges[GATE].last_words()

    asyncio.run(play())


def test_a_bridge_with_a_wrong_password_says_so_and_the_gate_keeps_its_taps(tmp_path: Path) -> None:
    async def play() -> None:
        site = SimulatedSite(tmp_path, gates=[GatePlan(GATE, "Poort 1", "in", "bridge")])
        try:
            await site.start()
            bridge = site.bridges[GATE]
            login = tmp_path / f"login-{GATE}.json"
            await bridge.stop()
            right = login.read_text()
            password = right.split('"password": "')[1][:32]
            login.write_text(right.replace(password, "0" * 32))
            await bridge.start(tmp_path)

            async def told() -> str:
                return bridge.last_words()

            await until(told, lambda words: "HUB-1234" in words, "the refusal")
            with pytest.raises(GateError):
                await site.gates[GATE].wait_panel(lambda p: "SERVER OK" in p["lines"], 1)
            await bridge.stop()
            login.write_text(right)
            await bridge.start(tmp_path)
            await ready(site, GATE)
        finally:
            await site.stop()

    asyncio.run(play())
