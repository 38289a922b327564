"""The emulated Pico W itself, with a hand-made image of a few instructions in place of MicroPython.

What is shown here needs no MicroPython: the flash image that the hub's builder makes is loaded and
dumped, the models are soldered on, power cuts and the watchdog do what they should, and a test that
waits in vain says why. Whether MicroPython and the firmware run on it is for `test_gate`.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from hub.terminals.firmware_build import flash_files
from tests.emulator import pico as module
from tests.emulator import registers
from tests.emulator.cable_hub import CableHub
from tests.emulator.flash_power import FlashPower
from tests.emulator.pico import IMAGE, PINS, Pico, flash_content, image_spec, write_flash
from tests.emulator.test_reset_and_radio import (
    ALL_BUT_OSCILLATORS,
    ENABLE,
    LOAD,
    PSM_WDSEL,
    WATCHDOG,
)
from tests.emulator.thumb import FLASH_POKE, Call, flash_calls, new_chip, write_uf2
from tests.firmware.hand_port import PING, PONG, framed, unframed
from tests.firmware.rig import TERMINAL, gate_settings

RELAY = PINS["relay"]
RELEASE: tuple[Call, ...] = (
    (FLASH_POKE, registers.IO_BANK0 + 4 + 8 * RELAY, registers.FUNCTION_SIO, 0, 0),
    (FLASH_POKE, registers.OE_SET, 1 << RELAY, 0, 0),
    (FLASH_POKE, registers.OUT_SET, 1 << RELAY, 0, 0),
)
LOCK: Call = (FLASH_POKE, registers.OUT_CLR, 1 << RELAY, 0, 0)
FILES_AT = 0x12C000
PAGE_AT = FILES_AT + 200 * 4096


@pytest.fixture
def flash(tmp_path: Path) -> Path:
    file = tmp_path / "flash.bin"
    write_flash(file, files())
    return file


def files() -> dict[str, bytes]:
    return flash_files(json.dumps(gate_settings(1883)).encode())


def given_image(folder: Path, monkeypatch: pytest.MonkeyPatch, *calls: Call) -> None:
    """The variable names an image that makes these calls and hangs."""
    file = folder / "hand-made.uf2"
    write_uf2(file, calls)
    monkeypatch.setenv(IMAGE, str(file))


def test_the_flash_is_what_the_hub_built_and_comes_back_as_it_was(
    flash: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def play() -> None:
        board = Pico(flash)
        assert board.dump() == written
        await board.power_on()
        await board.until(lambda: board.station.relay.line.driven, "relay")
        await board.power_off()
        content = flash_content(board.opened[0], tmp_path)
        assert content == files()
        assert 0 < board.untouched_stack() < module.STACK_BYTES

    written = flash.read_bytes()
    # The ROM's functions leave something on the stack.
    given_image(tmp_path, monkeypatch, *RELEASE, *flash_calls(new_chip(), [], []))
    asyncio.run(play())


@pytest.mark.parametrize("cut_at", [1, 2])
def test_the_power_goes_in_the_middle_and_nothing_happens_after(
    flash: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut_at: int
) -> None:
    async def play() -> None:
        board = Pico(flash, power=FlashPower(cut_at))
        await board.power_on()
        await board.died()
        assert board.power.operations == cut_at
        assert board.station.relay.history == [0, 1, 0][: cut_at + 1]
        await board.power_off()

    chip = new_chip()
    erase = flash_calls(chip, [PAGE_AT], [])
    given_image(tmp_path, monkeypatch, *RELEASE, *erase, LOCK, *erase, *RELEASE)
    asyncio.run(play())


def test_the_watchdog_resets_it_and_the_relay_rests_until_the_image_drives_it_again(
    flash: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def play() -> None:
        board = Pico(flash)
        await board.power_on()
        await board.until(lambda: board.station.resets >= 2, "two resets")
        await board.power_off()
        assert board.station.relay.history[:6] == [0, 1, None, 0, 1, None]
        assert board.dump() == written

    written = flash.read_bytes()
    dog = (
        (FLASH_POKE, PSM_WDSEL, ALL_BUT_OSCILLATORS, 0, 0),
        (FLASH_POKE, LOAD, 2 * 10_000, 0, 0),
        (FLASH_POKE, WATCHDOG, ENABLE, 0, 0),
    )
    given_image(tmp_path, monkeypatch, *dog, *RELEASE)
    asyncio.run(play())


def test_who_waits_in_vain_is_told_what_the_board_printed(
    flash: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def play() -> None:
        board = Pico(flash, power=FlashPower(1))
        await board.power_on()
        board._came(b"journal: unreadable\r\n")
        with pytest.raises(AssertionError, match=r"(?s)died before a badge.*journal: unreadable"):
            await board.until(lambda: False, "a badge")
        await board.power_off()
        monkeypatch.setattr(module, "WAIT_S", 0.2)
        patient = Pico(flash)
        await patient.power_on()
        with pytest.raises(AssertionError, match="no badge after"):
            await patient.until(lambda: False, "badge")
        await patient.power_off()

    given_image(tmp_path, monkeypatch, *flash_calls(new_chip(), [PAGE_AT], []))
    asyncio.run(play())


def test_the_cable_carries_pings_and_pongs(
    flash: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def play() -> None:
        async with CableHub() as hub:
            board = Pico(flash)
            hub.plug(board)
            ping = framed(PING, b"\x01" + (7).to_bytes(4, "little") + TERMINAL.encode())
            board._came(b"a line of text\r\n" + ping[:9])
            board._came(ping[9:])
            await hub.wait(lambda: hub.line.pings)
            assert (hub.line.pings, hub.line.dropped) == ([TERMINAL], 1)
            answer = unframed(bytes(board._to_send).strip(b"\0"))
            assert answer is not None
            assert answer[0] == PONG
            assert answer[1][1:5] == (7).to_bytes(4, "little")

    given_image(tmp_path, monkeypatch)
    asyncio.run(play())


def test_an_image_that_is_not_there_is_an_error_and_never_a_download(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(IMAGE, str(tmp_path / "1.28.0"))
    with pytest.raises(AssertionError, match="no file"):
        image_spec()
