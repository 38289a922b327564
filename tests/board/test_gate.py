"""A gate process with a stand-in firmware: power, badges, panel, counters, resets, its end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from simulator.gate import Gate, GateError, Panel, dark_panel, find_interpreter

from .conftest import SCRIPTS

pytestmark = pytest.mark.processes
BADGE = "04a1b2c3d4e5f6"
WAIT_S = 5.0


def shows(text: str) -> Callable[[Panel], bool]:
    return lambda panel: text in panel["lines"]


def run(tmp_path: Path, interpreter: str, story: Callable[[Gate], Awaitable[None]]) -> Gate:
    """Play one story on a gate with the stand-in firmware."""

    async def play() -> Gate:
        gate = Gate(
            "gate-1",
            tmp_path / "gate-1",
            {"terminal": "gate-1"},
            "python" if interpreter == "python" else "micropython",
            app="standin",
            app_folder=SCRIPTS,
        )
        async with gate:
            await gate.wait_panel(shows("ready 0"), WAIT_S)
            await story(gate)
        assert not gate.powered
        return gate

    return asyncio.run(play())


def test_a_badge_from_field_to_panel(tmp_path: Path, interpreter: str) -> None:
    async def story(gate: Gate) -> None:
        assert gate.interpreter == interpreter
        assert gate.board["interpreter"] == ("cpython" if interpreter == "python" else interpreter)
        seen: list[Panel] = []
        forget = gate.on_panel(seen.append)
        await gate.present(BADGE)
        panel = await gate.wait_panel(shows(BADGE), WAIT_S)
        assert panel["ring"] == [[0, 60, 0]] * 12
        assert (panel["arm"], panel["sounds"]) == ("open", [880])
        assert len(panel["pixels"]) == 2048
        assert panel["pixels"].strip("0")
        await gate.remove(BADGE)
        panel = await gate.wait_panel(shows("ready 1"), WAIT_S)
        assert (panel["arm"], panel["buzzer"], panel["ring"][0]) == ("closed", 0, [0, 0, 0])
        assert any(p["buzzer"] == 880 for p in seen)
        forget()
        counters = await gate.counters()
        assert counters["taps"] == 1
        assert counters["spi_transactions"] > 50
        assert counters["rf_frames"] > 5
        if interpreter == "micropython":
            assert counters["programs"] > 2
            assert counters["bytes_programmed"] == 256 * counters["programs"]
            assert counters["violations"] == 0
            assert counters["heap_free"] > 200_000

    run(tmp_path, interpreter, story)


def test_power_cut_keeps_the_flash_only(tmp_path: Path, interpreter: str) -> None:
    async def story(gate: Gate) -> None:
        await gate.present(BADGE)
        await gate.wait_panel(shows(BADGE), WAIT_S)
        pid = gate.pid
        assert pid is not None
        await gate.power_off()
        assert gate.panel == dark_panel()
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
        with pytest.raises(GateError, match="no power"):
            await gate.present(BADGE)
        await gate.power_on()
        await gate.wait_panel(shows("ready 1"), WAIT_S)  # the badge is not in the new field
        settings = gate.folder / "flash.bin.files" / "settings.json"
        if interpreter == "python":
            assert json.loads(settings.read_text())["terminal"] == "gate-1"

    run(tmp_path, interpreter, story)


def test_network_contacts_and_chip(tmp_path: Path, interpreter: str) -> None:
    async def story(gate: Gate) -> None:
        await gate.wait_panel(shows("wifi"), WAIT_S)
        await gate.network(False)
        await gate.wait_panel(shows("no wifi"), WAIT_S)
        await gate.input("tamper", 1)
        await gate.wait_panel(shows("lid open"), WAIT_S)
        await gate.input("tamper", 0)
        await gate.chip("dead")
        await gate.wait_panel(shows("chip 00"), WAIT_S)
        await gate.chip("ok")
        await gate.wait_panel(shows("chip 92"), WAIT_S)
        await gate.chip("reset")  # the firmware finds the field off and starts the chip again
        await gate.present(BADGE)
        await gate.wait_panel(shows(BADGE), WAIT_S)
        await gate.fire(True)
        await gate.wait_panel(lambda panel: panel["arm"] == "open", WAIT_S)
        # 2021-01-01: a board without a clock chip knows no better.
        await gate.wait_panel(shows("2021 18628"), WAIT_S)

    run(tmp_path, interpreter, story)


@pytest.mark.parametrize(("badge", "how"), [("ffffffff", "reset"), ("eeeeeeee", "watchdog")])
def test_board_that_resets_itself_comes_back(
    tmp_path: Path, interpreter: str, badge: str, how: str
) -> None:
    async def story(gate: Gate) -> None:
        await gate.present(badge)
        await gate.wait_panel(shows("uid"), WAIT_S)
        pid = gate.pid
        await gate.wait_panel(lambda panel: gate.board["reset_cause"] == 3, WAIT_S)
        await gate.wait_panel(shows("ready 1"), WAIT_S)
        assert gate.powered
        assert gate.pid != pid
        assert "reset cause 3" in gate.output

    run(tmp_path, interpreter, story)


def test_firmware_that_fails_is_reported(tmp_path: Path, interpreter: str) -> None:
    async def story(gate: Gate) -> None:
        await gate.present("dddddddd")
        await gate.wait_panel(shows("uid"), WAIT_S)
        await gate.wait_panel(lambda panel: panel == dark_panel(), WAIT_S)
        assert not gate.powered
        with pytest.raises(GateError, match="stand-in asked to fail"):
            await gate.present(BADGE)
        assert "stand-in asked to fail" in gate.output

    run(tmp_path, interpreter, story)


def test_a_killed_board_goes_dark(tmp_path: Path, interpreter: str) -> None:
    async def story(gate: Gate) -> None:
        assert gate.pid is not None
        os.kill(gate.pid, signal.SIGKILL)
        await gate.wait_panel(lambda panel: panel == dark_panel(), WAIT_S)
        await gate.power_on()
        await gate.wait_panel(shows("ready 0"), WAIT_S)

    run(tmp_path, interpreter, story)


def test_board_leaves_with_its_channel(tmp_path: Path, interpreter: str) -> None:
    async def play() -> None:
        connected: asyncio.Future[asyncio.StreamWriter] = asyncio.Future()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readline()
            connected.set_result(writer)

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        gate = Gate(
            "gate-2",
            tmp_path,
            {},
            "python" if interpreter == "python" else "micropython",
            app="standin",
            app_folder=SCRIPTS,
        )
        port = server.sockets[0].getsockname()[1]
        board = await asyncio.create_subprocess_exec(
            *gate.command(port), env=gate.environment(), cwd=tmp_path
        )
        try:
            writer = await asyncio.wait_for(connected, WAIT_S)
            writer.close()
            await writer.wait_closed()
            assert await asyncio.wait_for(board.wait(), WAIT_S) == 0
        finally:
            if board.returncode is None:
                board.kill()
                await board.wait()
            server.close()

    asyncio.run(play())


def test_impossible_requests(tmp_path: Path, interpreter: str) -> None:
    async def story(gate: Gate) -> None:
        with pytest.raises(ValueError, match="4, 7 or 10"):
            await gate.present("0102030405")
        await gate.chip("fried")  # the board refuses, and goes on
        with pytest.raises(GateError, match="not as expected"):
            await gate.wait_panel(shows("never"), 0.05)
        assert (await gate.counters())["taps"] == 0

    run(tmp_path, interpreter, story)


def test_interpreter_is_chosen_by_what_is_installed() -> None:
    assert find_interpreter("python")[0] == "python"
    name, executable = find_interpreter()
    assert executable.exists()
    if name == "python":
        with pytest.raises(GateError):
            find_interpreter("micropython")


def test_app_that_does_not_exist(tmp_path: Path, interpreter: str) -> None:
    async def play() -> None:
        gate = Gate(
            "gate-3",
            tmp_path,
            {},
            "python" if interpreter == "python" else "micropython",
            app="no_such_firmware",
        )
        with pytest.raises(GateError, match=r"did not start(?s:.*)no_such_firmware"):
            async with gate:
                pass
        assert not gate.powered

    asyncio.run(play())
