"""The whole gate on a USB cable: a hub by hand at the other end, and everything that cables do."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from protocol.record import KIND_ROSTER
from simulator.cable import Cable
from simulator.gate import Gate, GateError
from tests.firmware.hand_broker import HandHub
from tests.firmware.hand_port import CONSOLE, PONG, HandPort, TwoWays, framed
from tests.firmware.rig import KEY, SITE, TERMINAL, gate_settings, needs_vm, roster
from tests.firmware.test_firmware_link import offline, online, tap

pytestmark = [needs_vm, pytest.mark.micropython, pytest.mark.processes]

WAIT_S = 20.0
# A badge that comes again within ten seconds is only greeted: each tap has its own.
BADGES = tuple(f"04a1b2c3d4e5{number:02x}" for number in range(12))
SCRIPTS = "tests.firmware.board_scripts."


def cable_gate(folder: Path, app: str = "quick_cable", port: int = 0) -> Gate:
    """The gate with a cable, and with Wi-Fi too when there is a broker's port."""
    settings: dict[str, Any] = gate_settings(port)
    settings["link"] = "both" if port else "serial"
    if not port:
        del settings["broker"], settings["wifi"]
    cable = Cable(folder / "port")
    return Gate(TERMINAL, folder / "gate", settings, "micropython", SCRIPTS + app, cable=cable)


def the_cable(gate: Gate) -> Cable:
    assert gate.cable is not None
    return gate.cable


def hub_at(folder: Path) -> HandPort:
    """A hub with a roster at the port of `cable_gate`."""
    hub = HandPort(TERMINAL, KEY, folder / "port")
    hub.version, hub.table = 3, roster(*BADGES)
    return hub


async def first_contact(gate: Gate, hub: HandHub) -> None:
    """Until the gate decides by the roster and the hub knows it."""
    await hub.wait(
        lambda: any(r.kind == KIND_ROSTER and r.data[0] for r in hub.records.values()), WAIT_S
    )
    await gate.wait_panel(online, WAIT_S)


def all_numbers_once(hub: HandHub) -> bool:
    """Whether the hub has every number of one journal up to the highest, and no gap was told."""
    journals = {journal for journal, _seq in hub.records}
    numbers = sorted(seq for _journal, seq in hub.records)
    return len(journals) == 1 and not hub.gaps and numbers == list(range(1, len(numbers) + 1))


def test_taps_reach_the_hub_over_the_cable(tmp_path: Path) -> None:
    async def play() -> None:
        async with hub_at(tmp_path) as hub, cable_gate(tmp_path) as gate:
            await first_contact(gate, hub)
            for uid in BADGES[:3]:
                await tap(gate, uid)
            await hub.wait(lambda: len(hub.taps()) == 3, WAIT_S)
            await gate.wait_panel(lambda p: "TE ZENDEN 0" in p["lines"], WAIT_S)
            assert gate.output == ""
            assert set(hub.line.pings) == {TERMINAL}
            assert hub.line.dropped == 0
            assert hub.health
            assert all_numbers_once(hub)

    asyncio.run(play())


def test_a_gate_without_a_host_decides_and_keeps(tmp_path: Path) -> None:
    async def play() -> None:
        async with cable_gate(tmp_path) as gate:
            async with hub_at(tmp_path) as hub:
                await first_contact(gate, hub)
            await gate.wait_panel(offline, WAIT_S)
            assert not any("WIFI" in line for line in gate.panel["lines"])
            await tap(gate, BADGES[0])
            await tap(gate, BADGES[1])
            async with hub_at(tmp_path) as hub:
                await hub.wait(lambda: len(hub.taps()) == 2, WAIT_S)
                await gate.wait_panel(online, WAIT_S)

    asyncio.run(play())


@pytest.mark.parametrize("count", [1, 30, 200])
def test_a_cable_pulled_in_the_middle_of_a_frame(tmp_path: Path, count: int) -> None:
    async def play() -> None:
        async with hub_at(tmp_path) as hub, cable_gate(tmp_path) as gate:
            await first_contact(gate, hub)
            cable = the_cable(gate)
            cable.unplug_after(count)
            await tap(gate, BADGES[0])
            await hub.wait(lambda: not hub.line.is_open, WAIT_S)
            await gate.wait_panel(offline, WAIT_S)
            await tap(gate, BADGES[1])
            cable.plug()
            await hub.wait(lambda: len(hub.taps()) == 2, WAIT_S)
            await gate.wait_panel(online, WAIT_S)
            assert hub.line.opened == 2
            assert all_numbers_once(hub)

    asyncio.run(play())


NOISE = (
    b"\0\0\0",
    b"noise without an end",
    bytes(range(1, 256)) * 40,
    framed(PONG, bytes(10))[:7],
    framed(67, b"x" * 500)[9:],
    framed(99, b"nothing that is signed"),
    framed(77, b"no such code"),
    b"\r\x03",
    b"\x03\x03\r\x03",
)


def test_noise_and_half_frames_are_survived_on_both_ends(tmp_path: Path) -> None:
    async def play() -> None:
        async with hub_at(tmp_path) as hub, cable_gate(tmp_path) as gate:
            await first_contact(gate, hub)
            cable = the_cable(gate)
            for number, noise in enumerate(NOISE):
                cable.noise_up(noise)
                cable.noise_down(noise)
                await tap(gate, BADGES[number])
                cable.noise_down(noise[::-1])
                cable.noise_up(noise[::-1])
                await hub.wait(lambda number=number: len(hub.taps()) == number + 1, WAIT_S)
            await gate.wait_panel(online, WAIT_S)
            assert hub.line.dropped > 0
            assert all_numbers_once(hub)
            assert gate.powered

    asyncio.run(play())


def test_what_the_firmware_prints_costs_no_record_and_can_be_read(tmp_path: Path) -> None:
    async def play() -> None:
        async with hub_at(tmp_path) as hub, cable_gate(tmp_path, "talking_cable") as gate:
            await first_contact(gate, hub)
            for uid in BADGES[:3]:
                await tap(gate, uid)
            await hub.wait(lambda: len(hub.taps()) == 3, WAIT_S)
            assert all_numbers_once(hub)
            await gate.wait_panel(lambda p: "ValueError: said on purpose" in gate.output, WAIT_S)
            assert "Traceback (most recent call last):" in gate.output

    asyncio.run(play())


def test_a_host_that_does_not_reach_the_hub_is_told_nothing(tmp_path: Path) -> None:
    async def play() -> None:
        async with hub_at(tmp_path) as hub, cable_gate(tmp_path) as gate:
            hub.line.reached = False
            await hub.wait(lambda: len(hub.line.pings) > 5, WAIT_S)
            assert hub.line.heard == 0
            await gate.wait_panel(offline, WAIT_S)
            hub.line.reached = True
            await first_contact(gate, hub)
            hub.line.reached = False
            await gate.wait_panel(offline, WAIT_S)
            assert hub.line.is_open

    asyncio.run(play())


def test_a_host_that_falls_silent_is_noticed(tmp_path: Path) -> None:
    async def play() -> None:
        async with hub_at(tmp_path) as hub, cable_gate(tmp_path) as gate:
            await first_contact(gate, hub)
            hub.line.answering = hub.awake = False
            await gate.wait_panel(offline, WAIT_S)
            hub.line.answering = hub.awake = True
            await gate.wait_panel(online, WAIT_S)

    asyncio.run(play())


def test_a_host_that_was_started_anew_is_greeted_at_once(tmp_path: Path) -> None:
    async def play() -> None:
        async with hub_at(tmp_path) as hub, cable_gate(tmp_path) as gate:
            await first_contact(gate, hub)
            hub.names.clear()
            hub.line.session += 1
            await hub.wait(lambda: "hello" in hub.names, 4)

    asyncio.run(play())


def test_an_echo_is_no_host(tmp_path: Path) -> None:
    async def play() -> None:
        async with hub_at(tmp_path) as hub, cable_gate(tmp_path) as gate:
            hub.line.answering = False
            cable = the_cable(gate)
            to_computer = cable._to_computer

            def echoing(data: bytes) -> None:
                to_computer(data)
                cable.noise_down(data)

            cable._to_computer = echoing  # pyright: ignore[reportAttributeAccessIssue]
            await hub.wait(lambda: len(hub.line.pings) > 8, WAIT_S)
            assert hub.line.heard == 0

    asyncio.run(play())


async def at_prompt(gate: Gate, pid: int | None) -> None:
    """Until the board was started anew and left at its prompt; the start after that is a gate."""
    await gate.wait_panel(
        lambda p: gate.pid not in (pid, None) and gate.board and not p["lines"], WAIT_S
    )
    assert gate.powered
    # Longer than a watchdog would wait: there is none.
    with pytest.raises(GateError):
        await gate.wait_panel(lambda p: p["lines"] or not gate.powered, 1)
    await gate.power_off()
    assert ">>> " in gate.output
    await gate.power_on()
    await gate.wait_panel(lambda p: SITE in p["lines"], WAIT_S)


def test_a_console_frame_gives_the_prompt_back_while_the_hub_is_there(tmp_path: Path) -> None:
    async def play() -> None:
        async with hub_at(tmp_path) as hub, cable_gate(tmp_path) as gate:
            await first_contact(gate, hub)
            hub.line.write(framed(CONSOLE, b"other words"))
            await tap(gate, BADGES[0])
            assert gate.powered
            pid = gate.pid
            hub.line.write(framed(CONSOLE, b"console"))
            await at_prompt(gate, pid)

    asyncio.run(play())


def test_a_typed_ctrl_c_counts_only_when_no_host_is_there(tmp_path: Path) -> None:
    async def play() -> None:
        async with cable_gate(tmp_path) as gate:
            async with hub_at(tmp_path) as hub:
                await first_contact(gate, hub)
                the_cable(gate).noise_down(b"\0\r\x03")
                await tap(gate, BADGES[0])
                await hub.wait(hub.taps, WAIT_S)
            assert gate.powered
            await gate.wait_panel(offline, WAIT_S)
            # What is not Ctrl-C as it is typed is noise, also now.
            the_cable(gate).noise_down(b"\0some text with \x03 inside\0")
            await tap(gate, BADGES[1])
            pid = gate.pid
            the_cable(gate).noise_down(b"\0\r\x03\r\x01")
            await at_prompt(gate, pid)

    asyncio.run(play())


def test_a_power_cut_with_the_cable_in(tmp_path: Path) -> None:
    async def play() -> None:
        async with hub_at(tmp_path) as hub, cable_gate(tmp_path) as gate:
            await first_contact(gate, hub)
            the_cable(gate).unplug()
            await tap(gate, BADGES[0])
            await gate.power_off()
            the_cable(gate).plug()
            assert not hub.line.path.exists()
            await gate.power_on()
            await hub.wait(lambda: len(hub.taps()) == 1, WAIT_S)
            assert all_numbers_once(hub)

    asyncio.run(play())


def test_both_links_and_each_of_them_cut(tmp_path: Path) -> None:
    async def play() -> None:
        async with TwoWays(TERMINAL, KEY, tmp_path / "port") as hub:
            hub.version, hub.table = 3, roster(*BADGES)
            async with cable_gate(tmp_path, port=hub.port) as gate:
                cable = the_cable(gate)
                await first_contact(gate, hub)
                await hub.wait(lambda: hub.connections and hub.line.heard, WAIT_S)
                # Both are there: the cable carries.
                heard, over_mqtt = hub.line.heard, hub.over_mqtt
                await tap(gate, BADGES[0])
                await hub.wait(lambda: len(hub.taps()) == 1, WAIT_S)
                assert hub.line.heard > heard
                assert hub.over_mqtt == over_mqtt
                # The broker goes: nothing changes.
                await gate.network(False)
                hub.drop()
                await tap(gate, BADGES[1])
                await hub.wait(lambda: len(hub.taps()) == 2, WAIT_S)
                # It comes back, and the cable is pulled in the middle of a frame.
                await gate.network(True)
                statuses = len(hub.statuses)
                await hub.wait(lambda: len(hub.statuses) > statuses, WAIT_S)
                cable.unplug_after(40)
                await tap(gate, BADGES[2])
                await hub.wait(lambda: len(hub.taps()) == 3, WAIT_S)
                assert hub.over_mqtt > over_mqtt
                await gate.wait_panel(online, WAIT_S)
                # Neither: the gate goes on alone.
                await gate.network(False)
                hub.drop()
                await gate.wait_panel(lambda p: "GEEN WIFI" in p["lines"], WAIT_S)
                await tap(gate, BADGES[3])
                # The cable again.
                cable.plug()
                await hub.wait(lambda: len(hub.taps()) == 4, WAIT_S)
                await gate.wait_panel(
                    lambda p: online(p) and "TE ZENDEN 0" in p["lines"] and SITE in p["lines"],
                    WAIT_S,
                )
            assert all_numbers_once(hub)

    asyncio.run(play())


def test_a_computer_that_only_answers_gives_way_to_wifi(tmp_path: Path) -> None:
    async def play() -> None:
        async with TwoWays(TERMINAL, KEY, tmp_path / "port") as hub:
            hub.version, hub.table = 3, roster(*BADGES)

            async def deaf(leaf: str, payload: bytes, retained: bool) -> None:
                del leaf, payload, retained

            deaf_hub = HandHub(TERMINAL, KEY)
            deaf_hub.hear = deaf  # pyright: ignore[reportAttributeAccessIssue]
            hub.line._hub = deaf_hub
            async with cable_gate(tmp_path, port=hub.port) as gate:
                await hub.wait(lambda: hub.records, WAIT_S)
                await gate.wait_panel(online, WAIT_S)
                assert hub.line.heard > 0

    asyncio.run(play())


def test_a_gate_that_does_not_boot_says_why_without_the_cable(tmp_path: Path) -> None:
    async def play() -> None:
        with pytest.raises(GateError, match="no module named"):
            async with cable_gate(tmp_path, "not_there"):
                raise AssertionError("it booted")

    asyncio.run(play())
