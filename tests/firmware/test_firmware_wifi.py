"""Wi-Fi of a real site: several networks, some of which carry nothing."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from firmware.connection import TROUBLE_NO_BROKER, TROUBLE_UNHEARD, TROUBLE_WIFI
from simulator.gate import Gate
from tests.firmware.hand_broker import HandBroker
from tests.firmware.rig import KEY, TELLING, TERMINAL, needs_vm, new_gate, told
from tests.firmware.visitor import BADGES, WAIT_S, at_rest, online

pytestmark = [needs_vm, pytest.mark.micropython, pytest.mark.processes]


class DeafPort:
    """A port whose machine seems to be away: connecting to it is neither taken nor refused.

    The kernel drops what comes for a full queue, and nobody takes from this one.
    """

    def __init__(self) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._socket.listen(0)
        self._fill = [socket.socket() for _ in range(3)]
        for each in self._fill:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", self.port))

    def __enter__(self) -> DeafPort:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Gives the port back."""
        for each in (*self._fill, self._socket):
            each.close()


def networked_gate(folder: Path, port: int, *networks: tuple[str, str]) -> Gate:
    """A gate that knows these networks and tells how its link is."""
    gate = new_gate(folder, port, TELLING)
    gate.settings["wifi"] = [{"ssid": ssid, "password": key} for ssid, key in networks]
    return gate


def test_the_next_network_is_taken_and_the_first_preferred(tmp_path: Path) -> None:
    async def play() -> None:
        first, second, third = ("first", "a", -50), ("second", "changed", -40), ("third", "c", -60)
        async with HandBroker(TERMINAL, KEY) as broker:
            networks = (("first", "a"), ("second", "b"), ("third", "c"))
            async with networked_gate(tmp_path, broker.port, *networks) as gate:
                await gate.access_points(second, third)
                await told(gate, r"link 0 sessions 1 .* rssi -60")
                assert (await gate.counters())["wifi_point"] == 1
                await gate.access_points(third, first)
                broker.drop()  # the broker, not the network: what works is kept
                line = await told(gate, r"link 0 sessions 2 ")
                assert (await gate.counters())["wifi_point"] == 0
                await gate.access_points(first)
                await told(gate, rf"link {TROUBLE_WIFI} ", line)
                await told(gate, r"link 0 sessions 3 ", line)
                assert (await gate.counters())["wifi_point"] == 0

    asyncio.run(play())


def test_a_network_that_carries_nothing_is_left_then_the_radio_started_anew_then_reset(
    tmp_path: Path,
) -> None:
    async def play() -> None:
        with DeafPort() as deaf:
            points = (("dead", "x", -50), ("dead too", "y", -50))
            networks = [point[:2] for point in points]
            async with networked_gate(tmp_path, deaf.port, *networks) as gate:
                await gate.access_points(*points)
                await told(gate, rf"link {TROUBLE_UNHEARD} sessions 0 refused 0 resets 0 rejoins 0")
                line = await told(gate, r"link . sessions 0 refused 0 resets 0 rejoins 1")
                await told(gate, rf"link {TROUBLE_UNHEARD} .*", line)
                await gate.present(BADGES[0])  # the tap path does not notice any of it
                await gate.wait_panel(lambda p: p["answered"] == 1, WAIT_S)
                await gate.remove()
                await told(gate, r"asked for a reset")
                await told(gate, r"link . sessions 0 refused 0 resets 1 rejoins 2 give-ups 1")
                counted = await gate.counters()
                assert counted["radio_starts"] >= 2
                assert counted["wifi_joins"] >= 3
                deaf.close()
                async with HandBroker(TERMINAL, KEY) as broker:
                    await broker.move(deaf.port)
                    await told(gate, r"link 0 sessions 1 .* give-ups 1")

    asyncio.run(play())


def test_a_hub_that_is_away_behind_its_broker_is_shown_and_the_radio_left_alone(
    tmp_path: Path,
) -> None:
    async def play() -> None:
        async with (
            HandBroker(TERMINAL, KEY) as broker,
            new_gate(tmp_path, broker.port, TELLING) as gate,
        ):
            await gate.wait_panel(online, WAIT_S)
            broker.awake = False  # nobody taps, so nothing waits for an answer
            await gate.wait_panel(lambda p: not online(p) and at_rest(p), WAIT_S)
            pings = broker.pings
            await broker.wait(lambda: broker.pings > pings + 5)
            assert "GEEN WIFI" not in gate.panel["lines"]
            assert broker.connections == 1
            assert "rejoins 1" not in gate.output
            broker.awake = True
            await gate.wait_panel(online, WAIT_S)
            assert broker.connections == 1

    asyncio.run(play())


def test_a_broker_that_refuses_says_that_the_radio_works(tmp_path: Path) -> None:
    async def play() -> None:
        async with HandBroker(TERMINAL, KEY) as broker:
            port = broker.port
        async with new_gate(tmp_path, port, TELLING) as gate:
            await told(gate, rf"link {TROUBLE_NO_BROKER} sessions 0 ")
            async with HandBroker(TERMINAL, KEY) as broker:
                await broker.move(port)
                await told(gate, r"link 0 sessions 1 refused 0 resets 0 rejoins 0 ")

    asyncio.run(play())


def test_a_signal_whose_reading_breaks_the_link_is_read_no_more(tmp_path: Path) -> None:
    async def play() -> None:
        async with HandBroker(TERMINAL, KEY) as broker:
            gate = new_gate(tmp_path, broker.port, TELLING)
            broker.connack = 5
            async with gate:
                await gate.fragile_radio(True)
                broker.connack = 0
                await told(gate, r"link 0 sessions [3-9] .* rssi 0")
                pings = broker.pings
                await broker.wait(lambda: broker.pings > pings + 10)
                assert (await gate.counters())["rssi_readings"] == 2

    asyncio.run(play())
