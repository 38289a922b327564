"""The firmware on the real MicroPython image: badge, journal, clock chip, watchdog, power cuts.

Needs an image: SITEGATE_UF2 names MicroPython 1.28 or newer for the Pico W, else every test here is
skipped. The hub at the other end is the hand-written one of the firmware tests, on the USB cable;
`test_gate_network` has the radio. Nothing here could be run where no image is to be had, so what
carries these tests is shown without one in `test_wires`, `test_flash_power`, `test_pico` and
`test_reset_and_radio`.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from hub.terminals.firmware_build import build_firmware
from protocol.messages import RESET_POWER, RESET_WATCHDOG
from protocol.record import KIND_BOOT, KIND_STORAGE_RESET, KIND_UPDATE, QUALITY_RTC
from protocol.record import UPDATE_ROLLED_BACK as ROLLED_BACK
from protocol.slots import SLOT_FILES, STATE_FILE, WHY_STARTS, BootState
from tests.emulator.cable_hub import HEAP_FREE, RESET_CAUSE, CableHub
from tests.emulator.flash_power import FlashPower
from tests.emulator.gates import BADGES, journal_holds, new_flash, settings_file, tag_of
from tests.emulator.pico import PINS, Pico, needs_image, read_display
from tests.emulator.wires import Station
from tests.firmware.hand_broker import UTC_S
from tests.firmware.update_hub import changed

CUTS = (1, 2, 3, 5, 8, 12, 17, 23, 30, 38, 47, 57, 68)
"""Flash operations after which the power goes, counted from each power-on."""
HANG_ONCE = (
    "firmware/arm.py",
    "        self._relay.release(True)\n",
    "        self._relay.release(True)\n"
    "        import os, time\n"
    "        if 'hung' not in os.listdir('/'):\n"
    "            open('/hung', 'w').close()\n"
    "            time.sleep_ms(600000)\n",
)
EARLY_CRASH = (
    "firmware/app.py",
    "self._crash_log = CrashLog(",
    "0 / 0; self._crash_log = CrashLog(",
)
FACTS = """
import gc, sys, time, micropython
def deeper(n):
    global depth
    depth = n
    deeper(n + 1)
gc.collect()
print(sys.implementation.version[0] * 100 + sys.implementation.version[1])
print(sys.implementation._machine)
print(gc.mem_free())
try:
    deeper(1)
except RuntimeError:
    print(depth)
print(type(time.time()).__name__, time.ticks_add(0, -1) == (1 << 30) - 1)
import asyncio, binascii, deflate, errno, framebuf, hashlib, io, json, machine, neopixel, network
import os, select, socket, ssl, struct, vfs
print(all((hasattr(gc, "threshold"), hasattr(os, "ilistdir"), hasattr(os, "statvfs"),
    hasattr(os, "urandom"), hasattr(sys, "print_exception"), hasattr(sys.stdin, "buffer"),
    hasattr(micropython, "kbd_intr"), hasattr(network.WLAN, "PM_NONE"), hasattr(network, "country"),
    hasattr(machine, "reset_cause"), hasattr(errno, "ECONNRESET"), hasattr(asyncio, "Event"))))
"""
DEPTH_MIN = 30
"""Nested calls that the firmware may count on; `tests/firmware/test_firmware_stack` holds it."""
HEAP_MIN = 190 * 1024


@needs_image
def test_the_image_has_what_the_firmware_counts_on(tmp_path: Path) -> None:
    async def play() -> None:
        # The mark leaves the board at its prompt, as after a Ctrl-C.
        flash = new_flash(tmp_path / "flash.bin", settings_file(), more={"prompt": b"1"})
        async with Pico(flash) as board:
            lines = (await board.run(FACTS)).split("\r\n")
            version, machine, heap, depth, kinds, whole = lines[:6]
            print(f"{machine}: heap {heap} bytes free at boot, {depth} nested calls")
            assert int(version) >= 128
            assert "RP2040" in machine
            assert int(heap) >= HEAP_MIN
            assert int(depth) >= DEPTH_MIN
            assert (kinds, whole) == ("int True", "True")

    asyncio.run(play())


@needs_image
def test_it_boots_and_says_who_it_is(tmp_path: Path) -> None:
    async def play() -> None:
        async with CableHub() as hub:
            board = Pico(new_flash(tmp_path / "flash.bin", settings_file()))
            hub.plug(board)
            async with board:
                await hub.until_healthy(board)
                firmware = build_firmware()
                assert hub.hellos == [f"{firmware.version}+{firmware.digest[:12]}"]
                assert hub.health[-1][RESET_CAUSE] == RESET_POWER
                print(f"heap free with the firmware: {hub.health[-1][HEAP_FREE]} bytes")
                print(f"C stack never used: {board.untouched_stack()} bytes")
                assert board.station.reader.transactions > 0
                await board.until(lambda: any(board.station.display.visible()), "a picture")
                await board.until(
                    lambda: "SERVER OK" in read_display(board.station.display.visible()),
                    "SERVER OK on the display",
                )
                assert board.station.relay.history.count(1) == 0

    asyncio.run(play())


@needs_image
def test_a_badge_is_in_flash_before_the_arm_opens_and_its_record_comes_to_the_hub(
    tmp_path: Path,
) -> None:
    async def play() -> None:
        async with CableHub() as hub:
            board = Pico(new_flash(tmp_path / "flash.bin", settings_file()))
            hub.plug(board)
            async with board:
                await hub.until_healthy(board)
                for count, uid in enumerate(("deadbeef", *BADGES[:3])):
                    if count:
                        await board.tap(uid)
                        assert journal_holds(board.opened[-1], uid, tmp_path)
                    else:  # a stranger
                        board.station.field.present(bytes.fromhex(uid))
                        await hub.until_taps(board, 1)
                        board.station.field.remove()
                        assert board.station.relay.history.count(1) == 0
                    await hub.until_taps(board, count + 1)
                told = [bytes(tap.data) for tap in hub.taps()]
                assert told == [tag_of(uid) for uid in ("deadbeef", *BADGES[:3])]
                assert board.power.violations == 0

    asyncio.run(play())


@needs_image
def test_the_clock_chip_is_set_by_the_hub_and_believed_at_the_next_start(tmp_path: Path) -> None:
    async def play() -> None:
        flash = new_flash(tmp_path / "flash.bin", settings_file())
        battery = str(tmp_path / "battery")
        async with CableHub() as hub:
            board = Pico(flash, Station(PINS, battery=battery))
            hub.plug(board)
            async with board:
                await board.until(
                    lambda: 0 <= board.station.clock_chip.utc_s() - UTC_S < 600, "the hub's time"
                )
                await hub.until_healthy(board)
            board.save(flash)
            off_s = 3600
            again = Pico(flash, Station(PINS, board.station.true_s() + off_s, battery))
            boots = len([r for r in hub.records.values() if r.kind == KIND_BOOT])
            hub.plug(again)
            async with again:
                await again.until(
                    lambda: len([r for r in hub.records.values() if r.kind == KIND_BOOT]) > boots,
                    "the record of the second start",
                )
            newest = max(
                (r for r in hub.records.values() if r.kind == KIND_BOOT), key=lambda r: r.seq
            )
            assert newest.quality == QUALITY_RTC
            assert 0 <= newest.utc_s - UTC_S - off_s < 600

    asyncio.run(play())


@needs_image
def test_a_gate_that_hangs_is_reset_with_the_arm_locked_and_comes_back(tmp_path: Path) -> None:
    async def play() -> None:
        firmware = changed("9.1.0", HANG_ONCE)
        async with CableHub() as hub:
            board = Pico(new_flash(tmp_path / "flash.bin", settings_file(), firmware))
            hub.plug(board)
            async with board:
                await hub.until_healthy(board)
                board.station.field.present(bytes.fromhex(BADGES[0]))
                await board.until(lambda: board.station.relay.line.driven, "green")
                await board.until(lambda: board.station.resets, "a reset by the watchdog")
                assert not board.station.relay.line.driven
                assert board.station.relay.history[-2:] == [1, None]
                board.station.field.remove()
                hub.plug(board)
                await hub.until_healthy(board)
                assert hub.health[-1][RESET_CAUSE] == RESET_WATCHDOG
                await board.tap(BADGES[1])
                await hub.until_taps(board, 2)
                told = [bytes(tap.data) for tap in hub.taps()]
                assert told == [tag_of(uid) for uid in BADGES[:2]], "the first tap was kept"
                assert board.station.resets == 1

    asyncio.run(play())


@needs_image
def test_firmware_that_ends_at_once_is_tried_three_times_and_rolled_back(tmp_path: Path) -> None:
    async def play() -> None:
        good, bad = build_firmware(), changed("9.2.0", EARLY_CRASH)
        state = BootState()
        state.digests = [b"", bytes.fromhex(good.digest), bytes.fromhex(bad.digest)]
        state.trial = 2
        more = {SLOT_FILES[2]: bad.pack, STATE_FILE: state.encode()}
        async with CableHub() as hub:
            board = Pico(new_flash(tmp_path / "flash.bin", settings_file(), more=more))
            hub.plug(board)
            async with board:
                await hub.until_healthy(board)
                await board.until(
                    lambda: any(r.kind == KIND_UPDATE for r in hub.records.values()), "the outcome"
                )
                assert board.station.resets == 3
                assert hub.hellos[-1] == f"{good.version}+{good.digest[:12]}"
                outcome = next(r for r in hub.records.values() if r.kind == KIND_UPDATE)
                assert tuple(outcome.data[:2]) == (ROLLED_BACK, WHY_STARTS)
                await board.tap(BADGES[0])

    asyncio.run(play())


@needs_image
def test_the_power_goes_thirteen_times_and_nothing_shown_green_is_lost(tmp_path: Path) -> None:
    async def cut(flash: Path, number: int, badges: list[str]) -> list[str]:
        """Taps until the power goes; returns the badges that were let in."""
        board = Pico(flash, power=FlashPower(CUTS[number], seed=number))
        power, relay, shown = board.power, board.station.relay, []
        await board.power_on()
        while not power.gone:
            uid = badges.pop(0)
            before = relay.history.count(1)
            board.station.field.present(bytes.fromhex(uid))
            await board.until(
                lambda before=before: power.gone or relay.history.count(1) > before, "green"
            )
            if relay.history.count(1) > before:
                shown.append(uid)
            board.station.field.remove()
            await board.until(lambda: power.gone or not relay.line.driven, "the arm locked")
        await board.died()
        await board.power_off()
        assert power.violations == 0
        board.save(flash)
        print(f"cut at flash operation {CUTS[number]}: {len(shown)} shown green")
        return shown

    async def play() -> None:
        flash = new_flash(tmp_path / "flash.bin", settings_file())
        badges, shown = list(BADGES), []
        for number in range(len(CUTS)):
            shown += await cut(flash, number, badges)
        async with CableHub() as hub:
            board = Pico(flash)
            hub.plug(board)
            async with board:
                last = badges.pop(0)
                await hub.until_healthy(board)
                await board.tap(last)
                await board.until(
                    lambda: any(bytes(tap.data) == tag_of(last) for tap in hub.taps()),
                    "all records at the hub",
                )
            told = [bytes(tap.data) for tap in hub.taps()]
            wanted = [tag_of(uid) for uid in (*shown, last)]
            assert [tag for tag in told if tag in wanted] == wanted, "each once, in their order"
            assert len(told) - len(wanted) <= len(CUTS), "at most the tap of each cut besides"
            assert hub.gaps == []
            assert {journal for journal, _seq in hub.records} == {next(iter(hub.records))[0]}
            resets = [r for r in hub.records.values() if r.kind == KIND_STORAGE_RESET]
            assert len(resets) <= 1, "a new flash says so once, and never again"

    asyncio.run(play())
