"""The firmware on the real MicroPython image, over its emulated Wi-Fi, with a real broker.

Needs an image, see `test_gate`. Mosquitto runs on the loopback; the radio hands every connection to
it. The memory of a Pico can be read nowhere else: on the interpreter of the other tests, words have
64 bits and TLS takes its buffers from elsewhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from hub.clock import now_ms
from hub.terminals.certificates import Certificates
from protocol.record import VERDICT_GRANTED
from tests.emulator.cable_hub import HEAP_FREE, READER_OK
from tests.emulator.gates import (
    BADGES,
    journal_holds,
    new_flash,
    roster_file,
    settings_file,
    tag_of,
)
from tests.emulator.pico import Pico, needs_image
from tests.emulator.radio import HUB_ADDRESS
from tests.firmware.real_broker import ClientHub, RealBroker

TAPS = 9
"""A segment of the journal has 6 records: the first one is then acked as a whole, and goes."""
HEAP_MIN = 16 * 1024
STACK_MIN = 256
MANY = 20_000 - len(BADGES)


@asynccontextmanager
async def hub_behind(broker: RealBroker) -> AsyncIterator[ClientHub]:
    """A hub connected to a broker."""
    hub = ClientHub()
    await hub.connect(broker)
    try:
        yield hub
    finally:
        await hub.close()


async def taps_reach_the_hub(board: Pico, hub: ClientHub, folder: Path) -> None:
    """Badge, flash, arm, radio, broker, hub, ack: and the room in the flash is free again."""
    await board.until(lambda: any(numbers[READER_OK] for numbers in hub.health), "the hub reached")
    for count, uid in enumerate(BADGES[:TAPS], 1):
        await board.tap(uid)
        assert journal_holds(board.opened[-1], uid, folder), "kept before green"
        await board.until(lambda count=count: len(hub.taps()) >= count, f"{count} taps at the hub")
    assert [bytes(tap.data) for tap in hub.taps()] == [tag_of(uid) for uid in BADGES[:TAPS]]
    await board.until(
        lambda: not journal_holds(board.dump(), BADGES[0], folder), "the journal freed"
    )


@needs_image
def test_a_tap_goes_over_the_radio_to_a_broker_and_is_acked(tmp_path: Path) -> None:
    async def play() -> None:
        async with RealBroker("mosquitto", tmp_path) as broker:
            flash = new_flash(tmp_path / "flash.bin", settings_file(broker.port))
            async with hub_behind(broker) as hub, Pico(flash) as board:
                await taps_reach_the_hub(board, hub, tmp_path)
                assert set(board.radio.bridge.asked) == {(HUB_ADDRESS, broker.port)}
                print(f"heap free with Wi-Fi: {min(n[HEAP_FREE] for n in hub.health)} bytes")
                assert board.station.resets == 0

    asyncio.run(play())


@needs_image
@pytest.mark.parametrize("strangers", [0, MANY], ids=["few badges", "20,000 badges"])
def test_encrypted_with_a_clock_that_stands_in_2021(tmp_path: Path, strangers: int) -> None:
    async def play() -> None:
        certificates = Certificates(tmp_path, HUB_ADDRESS, now_ms)
        certificates.ensure()
        async with RealBroker("mosquitto", tmp_path, certificates) as broker:
            settings = settings_file(broker.port, certificates.ca_pem())
            more = {"roster": roster_file(strangers)}
            flash = new_flash(tmp_path / "flash.bin", settings, more=more)
            # A new clock chip: its oscillator has stopped, and nobody has told it the time.
            async with hub_behind(broker) as hub, Pico(flash) as board:
                await taps_reach_the_hub(board, hub, tmp_path)
                least = min(numbers[HEAP_FREE] for numbers in hub.health)
                stack = board.untouched_stack()
                print(f"{len(BADGES) + strangers} badges, TLS: heap free {least} bytes,")
                print(f"C stack never used {stack} bytes")
                assert least >= HEAP_MIN
                assert stack >= STACK_MIN
                assert board.station.resets == 0
                assert all(tap.verdict == VERDICT_GRANTED for tap in hub.taps())

    asyncio.run(play())
