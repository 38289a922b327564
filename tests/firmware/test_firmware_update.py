"""A gate that boots as a board does, from the packs on its flash, and the updates it is ordered."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from hub.terminals.firmware_build import Firmware, build_firmware, flash_files
from protocol import faults
from protocol.record import (
    KIND_FAULT,
    KIND_ROSTER,
    UPDATE_CONFIRMED,
    UPDATE_ROLLED_BACK,
    UPDATE_STORED,
)
from protocol.slots import (
    SLOT_FILES,
    STATE_FILE,
    WHY_BUTTON,
    WHY_NONE,
    WHY_STARTS,
    WHY_TIME,
    BootState,
    decode_state,
)
from simulator.gate import Gate, Panel
from tests.firmware.flash_image import change_image, read_image, write_image
from tests.firmware.rig import KEY, TERMINAL, gate_settings, needs_vm, roster
from tests.firmware.update_hub import UpdateHub, changed

pytestmark = [needs_vm, pytest.mark.micropython, pytest.mark.processes]

WAIT_S = 40.0
BADGE = "04a1b2c3d4e5f6"
STORED = (UPDATE_STORED, WHY_NONE)
CONFIRMED = (UPDATE_CONFIRMED, WHY_NONE)
EARLY_CRASH = (
    "firmware/app.py",
    "self._crash_log = CrashLog(",
    "0 / 0; self._crash_log = CrashLog(",
)
CRASH_UNLESS_SAFE = (
    "firmware/app.py",
    "        link = links.fitted(",
    "        if not upkeep.safe_mode:\n            raise ValueError('04a1b2c3d4e5f6')\n"
    "        link = links.fitted(",
)
HANG = (
    "firmware/app.py",
    "self._crash_log = CrashLog(",
    "await asyncio.sleep(99); self._crash_log = CrashLog(",
)
NEVER_GOOD = (
    "firmware/selftest.py",
    "        return unpack_record",
    "        return 0 and unpack_record",
)
SHORT_TRIAL = ("firmware/update.py", "TRIAL_MS = 10 * 60 * 1000", "TRIAL_MS = 3000")
QUICK_GUARD = ("firmware/drivers/startup.py", "GUARD_MS = 8000", "GUARD_MS = 2000")
QUICK_HOLD = ("firmware/drivers/startup.py", "HOLD_MS = 3000", "HOLD_MS = 300")
QUICK_PAUSE = ("firmware/loader.py", "_PAUSE_MS = 2000", "_PAUSE_MS = 50")
LOADER = (QUICK_GUARD, QUICK_HOLD, QUICK_PAUSE)


def new_gate(folder: Path, port: int, firmware: Firmware | None = None) -> Gate:
    """A gate with a firmware in both slots, written as `sitegate terminal flash` does."""
    settings = json.dumps(gate_settings(port)).encode()
    firmware = firmware or changed("1.0.0", *LOADER)
    write_image(folder / "gate" / "flash.bin", flash_files(settings, firmware))
    return Gate(TERMINAL, folder / "gate", {}, "micropython", main=True)


def flash_of(gate: Gate) -> Path:
    return gate.folder / "flash.bin"


def state_of(gate: Gate) -> BootState:
    state = decode_state(read_image(flash_of(gate))[STATE_FILE])
    assert state is not None
    return state


def online(panel: Panel) -> bool:
    return "SERVER OK" in panel["lines"]


async def tap(gate: Gate, hub: UpdateHub) -> None:
    """A badge is let in and its record reaches the hub."""
    before = len(hub.taps())
    await gate.wait_panel(lambda p: p["ring"][0] != [0, 160, 0], WAIT_S)
    await gate.present(BADGE)
    await hub.wait(lambda: len(hub.taps()) > before, WAIT_S)
    await gate.remove()


async def roster_there(hub: UpdateHub) -> None:
    await hub.wait(
        lambda: any(r.kind == KIND_ROSTER and r.data[0] for r in hub.records.values()), WAIT_S
    )


def fault_codes(hub: UpdateHub) -> list[int]:
    kept = sorted(hub.records.items(), key=lambda item: item[0][1])
    return [faults.fields(r.data)[0] for _key, r in kept if r.kind == KIND_FAULT]


def runs(hub: UpdateHub, firmware: Firmware) -> bool:
    """Whether the gate last introduced itself with this firmware."""
    return bool(hub.hellos) and hub.hellos[-1] == f"{firmware.version}+{firmware.digest[:12]}"


def test_an_ordered_update_is_fetched_tried_and_confirmed(tmp_path: Path) -> None:
    async def play() -> None:
        async with UpdateHub(TERMINAL, KEY) as hub:
            hub.version, hub.table = 3, roster(BADGE)
            async with new_gate(tmp_path, hub.port, build_firmware()) as gate:
                await gate.wait_panel(online, WAIT_S)
                assert runs(hub, build_firmware())
                await roster_there(hub)
                await tap(gate, hub)
                new = changed("9.0.0")
                await hub.send_order(new, 7)
                await hub.wait(lambda: runs(hub, new), WAIT_S)
                await hub.wait(lambda: hub.outcomes() == [STORED, CONFIRMED], WAIT_S)
                await tap(gate, hub)
                state = state_of(gate)
                assert (state.active, state.trial, state.order) == (2, 0, 7)
                assert hub.asked == sorted(set(hub.asked)), "nothing was fetched twice"
                # An older order, as if somebody had recorded it: nothing happens.
                await hub.send_order(changed("8.0.0"), 6)
                await gate.power_off()
                await gate.power_on()
                await hub.wait(lambda: len(hub.hellos) > 2, WAIT_S)
                await tap(gate, hub)
                assert runs(hub, new)
                assert hub.outcomes() == [STORED, CONFIRMED]
                assert not {faults.CRASH, faults.WATCHDOG, faults.UPDATE} & set(fault_codes(hub))
            assert hub.gaps == []
            assert len({journal for journal, _seq in hub.records}) == 1

    asyncio.run(play())


def test_a_cut_on_the_way_goes_on_where_it_was(tmp_path: Path) -> None:
    async def play() -> None:
        async with UpdateHub(TERMINAL, KEY) as hub, new_gate(tmp_path, hub.port) as gate:
            await gate.wait_panel(online, WAIT_S)
            new = changed("9.0.0")
            hub.stop_at = 20 * 1024
            await hub.send_order(new, 7)
            await hub.wait(lambda: hub.asked and hub.asked[-1] == hub.stop_at, WAIT_S)
            await gate.power_off()
            hub.stop_at = -1
            kept = len(read_image(flash_of(gate))["update.part"])
            assert 16 * 1024 <= kept <= 20 * 1024
            seen = len(hub.asked)
            await gate.power_on()
            await hub.wait(lambda: len(hub.asked) > seen, WAIT_S)
            assert hub.asked[seen] == kept
            await hub.wait(lambda: hub.outcomes() == [STORED, CONFIRMED], WAIT_S)
            assert runs(hub, new)

    asyncio.run(play())


def test_firmware_that_crashes_is_taken_back_and_not_tried_again(tmp_path: Path) -> None:
    async def play() -> None:
        async with UpdateHub(TERMINAL, KEY) as hub:
            hub.version, hub.table = 3, roster(BADGE)
            async with new_gate(tmp_path, hub.port) as gate:
                await gate.wait_panel(online, WAIT_S)
                await hub.send_order(changed("9.0.0", EARLY_CRASH), 7)
                taken_back = [STORED, (UPDATE_ROLLED_BACK, WHY_STARTS)]
                await hub.wait(lambda: hub.outcomes() == taken_back, WAIT_S)
                assert runs(hub, changed("1.0.0", *LOADER))
                await hub.wait(lambda: hub.crashes, WAIT_S)
                log = "".join(hub.crashes.values())
                assert "ZeroDivisionError" in log
                assert " firmware/app.py:" in log
                # The hub orders it with each hello; only a new order would count.
                await tap(gate, hub)
                assert hub.outcomes() == taken_back
                assert faults.CRASH in fault_codes(hub)
                assert faults.SAFE_MODE not in fault_codes(hub)

    asyncio.run(play())


@pytest.mark.parametrize(
    ("changes", "why"),
    [((HANG,), WHY_STARTS), ((NEVER_GOOD, SHORT_TRIAL), WHY_TIME)],
    ids=["hangs", "no tap path"],
)
def test_firmware_that_does_not_prove_itself_is_taken_back(
    tmp_path: Path, changes: tuple[tuple[str, str, str], ...], why: int
) -> None:
    async def play() -> None:
        async with UpdateHub(TERMINAL, KEY) as hub, new_gate(tmp_path, hub.port) as gate:
            await gate.wait_panel(online, WAIT_S)
            await hub.send_order(changed("9.0.0", *changes), 7)
            taken_back = [STORED, (UPDATE_ROLLED_BACK, why)]
            await hub.wait(lambda: hub.outcomes() == taken_back, WAIT_S)
            assert runs(hub, changed("1.0.0", *LOADER))
            assert (faults.WATCHDOG in fault_codes(hub)) == (why == WHY_STARTS)

    asyncio.run(play())


def test_three_early_crashes_end_in_safe_mode_with_the_hub(tmp_path: Path) -> None:
    async def play() -> None:
        broken = changed("1.0.0", CRASH_UNLESS_SAFE, *LOADER)
        async with UpdateHub(TERMINAL, KEY) as hub, new_gate(tmp_path, hub.port, broken) as gate:
            await gate.wait_panel(online, WAIT_S)
            await hub.wait(lambda: faults.SAFE_MODE in fault_codes(hub), WAIT_S)
            await gate.wait_panel(lambda p: "VEILIGE MODUS" in p["lines"], WAIT_S)
            await hub.wait(lambda: hub.crashes, WAIT_S)
            log = "".join(hub.crashes.values())
            assert "ValueError" in log
            assert BADGE not in log
            await gate.present(BADGE)
            # What brings it back: an update, which is tried without safe mode.
            good = changed("2.0.0")
            await hub.send_order(good, 1)
            await hub.wait(lambda: hub.outcomes() == [STORED, CONFIRMED], WAIT_S)
            assert runs(hub, good)
            assert not hub.taps(), "no badge is read in safe mode"
            await gate.present(BADGE)
            await hub.wait(lambda: len(hub.taps()) == 1, WAIT_S)

    asyncio.run(play())


def test_the_recovery_button_keeps_the_journal_and_goes_back(tmp_path: Path) -> None:
    async def play() -> None:
        async with UpdateHub(TERMINAL, KEY) as hub:
            hub.version, hub.table = 3, roster(BADGE)
            async with new_gate(tmp_path, hub.port) as gate:
                await gate.wait_panel(online, WAIT_S)
                await roster_there(hub)
                await gate.network(False)
                await gate.wait_panel(lambda p: "GEEN WIFI" in p["lines"], WAIT_S)
                await gate.present(BADGE)
                await gate.wait_panel(lambda p: "BEWAARD" in p["lines"], WAIT_S)
                await gate.power_off()
                # Firmware on trial that nobody reaches, in a wall.
                state = state_of(gate)
                state.trial, state.digests[2] = 2, bytes.fromhex(changed("9.0.0", HANG).digest)
                change_image(flash_of(gate), SLOT_FILES[2], changed("9.0.0", HANG).pack)
                change_image(flash_of(gate), STATE_FILE, state.encode())
                await gate.input("button_recovery", 0)
                await gate.power_on()
                await hub.wait(lambda: len(hub.taps()) == 1, WAIT_S)
                await hub.wait(lambda: hub.outcomes() == [(UPDATE_ROLLED_BACK, WHY_BUTTON)], WAIT_S)
                assert faults.SAFE_MODE in fault_codes(hub)
                await gate.input("button_recovery", None)
                await gate.remove()
                await gate.power_off()
                await gate.power_on()
                await gate.wait_panel(online, WAIT_S)
                await tap(gate, hub)
            assert hub.gaps == []
            assert len({journal for journal, _seq in hub.records}) == 1

    asyncio.run(play())


def test_a_rotten_slot_is_passed_over(tmp_path: Path) -> None:
    async def play() -> None:
        async with UpdateHub(TERMINAL, KEY) as hub:
            gate = new_gate(tmp_path, hub.port)
            pack = bytearray(read_image(flash_of(gate))[SLOT_FILES[1]])
            pack[20000] ^= 4
            change_image(flash_of(gate), SLOT_FILES[1], bytes(pack))
            async with gate:
                await gate.wait_panel(online, WAIT_S)
                await hub.wait(lambda: faults.UPDATE in fault_codes(hub), WAIT_S)

    asyncio.run(play())
