"""A gate made with `sitegate terminal` alone: its image boots, it logs in, and its taps arrive.

Also when its key is replaced: what it kept meanwhile arrives, and the old key opens nothing.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from protocol.record import KIND_TAP
from simulator.gate import Gate
from simulator.site import SimulatedSite
from simulator.wire import Wire
from tests.e2e.chain import inbox_records, ready, until

pytestmark = [pytest.mark.processes, pytest.mark.micropython]
GATE = "gate-1"


async def add(site: SimulatedSite) -> None:
    """Adds the gate to a running hub; no settings file leaves it."""
    wire = Wire(site._broker_port)
    await wire.start()
    site.wires[GATE] = wire
    await site.command(
        "terminal", "add", GATE, "--site", "Werf Noord", "--name", "Poort 1",
        "--broker-host", "127.0.0.1", "--broker-port", str(wire.port), "--wifi-ssid", "werf",
    )  # fmt: skip
    folder = site.folder / GATE
    folder.mkdir()
    site.gates[GATE] = Gate(GATE, folder, {}, "micropython", main=True)


async def flash(site: SimulatedSite) -> list[str]:
    """Writes the gate's flash, with its power off; returns what was written."""
    image = site.folder / GATE / "flash.bin"
    said = await site.command("terminal", "flash", GATE, "--image", str(image), "--json")
    return json.loads(said)["written"]


async def shown(site: SimulatedSite) -> dict[str, Any]:
    """What the hub says of the gate."""
    return json.loads(await site.command("terminal", "show", GATE, "--json"))


async def let_in(site: SimulatedSite, badge: int) -> None:
    """Holds a badge to the gate until the arm opens: the tap is in the journal then."""
    gate = site.gates[GATE]
    await gate.wait_panel(lambda panel: panel["arm"] == "closed", 20)
    await gate.present(site.badges[badge].uid)
    await gate.wait_panel(lambda panel: panel["arm"] == "open", 20)
    await gate.remove()


def taps(site: SimulatedSite) -> int:
    """How many taps are in the hub's inbox."""
    return len([record for record in inbox_records(site) if record.kind == KIND_TAP])


async def arrived(site: SimulatedSite, count: int) -> None:
    """Waits until the hub holds so many taps."""

    async def look() -> int:
        return await asyncio.to_thread(taps, site)

    await until(look, lambda found: found >= count, f"{count} taps at the hub")


def on_a_site(folder: Path, story: Callable[[SimulatedSite], Any]) -> None:
    """Runs a story with authority and hub, and no gate yet."""

    async def whole() -> None:
        site = SimulatedSite(folder, gates=())
        await site.start()
        try:
            await story(site)
        finally:
            await site.stop()

    asyncio.run(whole())


def test_an_image_boots_logs_in_and_sends_its_taps(tmp_path: Path) -> None:
    async def story(site: SimulatedSite) -> None:
        await add(site)
        assert "settings.json" in await flash(site)
        gate = site.gates[GATE]
        await gate.start()
        await ready(site, GATE)
        await gate.wait_panel(lambda panel: "SERVER OK" in panel["lines"], 20)
        await let_in(site, 0)
        await arrived(site, 1)
        told = await shown(site)
        assert told["state"] == "written"
        assert told["records"] >= 1
        assert told["last_received_ms"] > told["added_ms"]
        # What runs is the pack of the image, and nothing of this checkout.
        assert told["firmware"].startswith("0.1.0+")

    on_a_site(tmp_path, story)


def test_a_new_key_loses_no_tap_and_ends_the_old_one(tmp_path: Path) -> None:
    async def story(site: SimulatedSite) -> None:
        await add(site)
        await flash(site)
        gate = site.gates[GATE]
        await gate.start()
        await ready(site, GATE)
        await gate.wait_panel(lambda panel: "SERVER OK" in panel["lines"], 20)
        await site.command("terminal", "rekey", GATE)
        # The old key is good as long as nothing came under the new one.
        await let_in(site, 0)
        await arrived(site, 1)
        # A tap that is still in the journal when the board gets its new key.
        await site.network(GATE, up=False)
        await let_in(site, 1)
        await gate.power_off()
        old = (site.folder / GATE / "flash.bin").read_bytes()
        # The firmware is there already; what the loader is told is that the restart was meant.
        assert await flash(site) == ["boot.bin", "settings.json"]
        assert (await shown(site))["state"] == "rekeying"
        await site.network(GATE, up=True)
        await gate.power_on()
        await arrived(site, 2)

        async def look() -> str:
            return (await shown(site))["state"]

        await until(look, lambda state: state == "written", "the new key in use")
        # Who still has the old flash with the old key gets in no more.
        await gate.power_off()
        (site.folder / GATE / "flash.bin").write_bytes(old)
        held = taps(site)
        await gate.power_on()
        await gate.wait_panel(lambda panel: "GEEN SERVER" in panel["lines"], 20)
        await let_in(site, 2)
        assert taps(site) == held

    on_a_site(tmp_path, story)
