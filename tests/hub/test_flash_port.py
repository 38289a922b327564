"""A gate is written over a serial port with mpremote's own code, onto the real MicroPython."""

from __future__ import annotations

import json
import os
import pty
import tty
from pathlib import Path

import pytest
import serial

from hub.i18n import LANGUAGES
from hub.storage.engine import writing
from hub.storage.house import open_house
from hub.storage.schema import stream
from hub.terminals import flash_serial
from hub.terminals.firmware_build import build_firmware
from hub.terminals.flash_places import ImagePlace
from protocol.pack import METHOD_STORED, encode_pack
from protocol.slots import SLOT_FILES, BootState, decode_state
from tests.hub.command_line import Said, Sitegate, explained
from tests.hub.pty_board import VM, PtyBoard

pytestmark = [
    pytest.mark.micropython,
    pytest.mark.skipif(not VM.exists(), reason="no MicroPython for this machine"),
]
GATE = ("--site", "Werf Noord", "--broker-host", "192.0.2.10", "--wifi-ssid", "werf")
ALL = ["loader.mpy", "main.py", "slot-a.pack", "slot-b.pack", "boot.bin", "settings.json"]
RESTART_S = 20
JOURNAL = {"journal/id": b"journal1", "journal/s0000000001": b"taps that were never sent"}
OLD_PACK = encode_pack("0.0.9", [("firmware/app.mpy", METHOD_STORED, b"an older version")])


@pytest.fixture
def gate(people: Sitegate) -> Sitegate:
    """A hub with one gate that was never written."""
    assert people("terminal", "add", "gate-1", *GATE).code == 0
    return people


def flashed(sitegate: Sitegate, board: PtyBoard, *more: str) -> Said:
    """Writes gate-1 to a board."""
    return sitegate("terminal", "flash", "gate-1", "--port", board.port, *more)


def on_flash(flash: Path) -> ImagePlace:
    """The content of a board's flash, read by another implementation."""
    return ImagePlace(flash, 212)


def held(flash: Path) -> dict[str, bytes]:
    """Every file on a board's flash, with its content."""
    place = on_flash(flash)
    return {path: place.read(path) for path in place.files()}


def used_board(flash: Path, terminal: str | None = "gate-1") -> None:
    """Makes the flash of a gate that worked before: an older version, a journal, a roster."""
    place = on_flash(flash)
    state = BootState()
    state.order = 7
    state.digests[1] = OLD_PACK[-32:]
    files = {
        "main.py": b"import loader",
        "slot-a.pack": OLD_PACK,
        "boot.bin": state.encode(),
        "roster": b"badges",
        **JOURNAL,
    }
    if terminal is not None:
        files["settings.json"] = json.dumps({"terminal": terminal}).encode()
    place._system.mkdir("journal")
    for path, content in files.items():
        place.write(path, content)
    place.finish()


def test_a_board_gets_firmware_settings_and_key(gate: Sitegate, tmp_path: Path) -> None:
    flash = tmp_path / "flash.bin"
    # A firmware is at work: it is stopped, and started anew at the end.
    with PtyBoard(flash, busy="firmware") as board:
        said = flashed(gate, board, "--json")
        assert said.code == 0, said.err
        assert board.restarted.wait(RESTART_S)
    assert said.json["written"] == ALL
    assert [step["step"] for step in said.json["steps"]] == [
        "firmware", "port", "board", *["writing"] * 6, "verified", "done",
    ]  # fmt: skip
    place = on_flash(flash)
    assert sorted(place.files()) == sorted(ALL)
    assert place.read("slot-a.pack") == build_firmware().pack
    assert place.read("settings.json").startswith(b'{\n "terminal": "gate-1"')
    (listed,) = gate("terminal", "list", "--json").json["terminals"]
    assert listed["state"] == "written"


def test_a_dry_run_writes_nothing_and_lets_the_gate_go_on(gate: Sitegate, tmp_path: Path) -> None:
    flash = tmp_path / "flash.bin"
    used_board(flash)
    with PtyBoard(flash, busy="firmware") as board:
        said = flashed(gate, board, "--dry-run", "--json")
        assert said.code == 0, said.err
        assert board.restarted.wait(RESTART_S)
    assert said.json["written"] == []
    assert said.json["would_write"] == [
        "loader.mpy", "main.py", "slot-b.pack", "boot.bin", "settings.json",
    ]  # fmt: skip
    place = on_flash(flash)
    assert place.read("settings.json") == b'{"terminal": "gate-1"}'
    assert place.read("slot-a.pack") == OLD_PACK
    (listed,) = gate("terminal", "list", "--json").json["terminals"]
    assert listed["state"] == "new"


def test_journal_and_roster_stay_and_only_what_changed_is_written(
    gate: Sitegate, tmp_path: Path
) -> None:
    flash = tmp_path / "flash.bin"
    used_board(flash)
    with PtyBoard(flash) as board:
        said = flashed(gate, board, "--json")
        assert said.code == 0, said.err
        assert board.restarted.wait(RESTART_S)
    place = on_flash(flash)
    assert {path: place.read(path) for path in JOURNAL} == JOURNAL
    assert place.read("roster") == b"badges"
    state = decode_state(place.read("boot.bin"))
    assert state is not None
    # The version that worked stays in its slot, and the newest order is not forgotten.
    assert (state.active, state.order, place.read("slot-a.pack")) == (2, 7, OLD_PACK)
    assert gate("terminal", "rekey", "gate-1").code == 0
    with PtyBoard(flash) as board:
        again = flashed(gate, board, "--json")
        assert again.json["written"] == ["settings.json"], again.err
        assert board.restarted.wait(RESTART_S)
    assert json.loads(on_flash(flash).read("settings.json"))["broker"]["user"] == "gate-1.2"
    assert {path: on_flash(flash).read(path) for path in JOURNAL} == JOURNAL


def test_the_journal_of_another_gate_is_not_touched(gate: Sitegate, tmp_path: Path) -> None:
    flash = tmp_path / "flash.bin"
    used_board(flash, "gate-9")
    before = held(flash)
    with PtyBoard(flash) as board:
        said = flashed(gate, board)
        explained(said, "HUB-1245", terminal="gate-9")
        assert said.code == 2
        assert board.restarted.wait(RESTART_S)
    assert held(flash) == before
    with PtyBoard(flash) as board:
        said = flashed(gate, board, "--take-over", "--json")
        assert said.code == 0, said.err
        assert board.restarted.wait(RESTART_S)
    place = on_flash(flash)
    assert not any(path.startswith(("journal", "roster")) for path in place.files())
    (kept,) = (tmp_path / "sitegate-data" / "set-aside").iterdir()
    assert kept.name.startswith("gate-9-")
    for path, content in JOURNAL.items():
        assert (kept / path).read_bytes() == content
        assert (kept / path).stat().st_mode & 0o777 == 0o600


def test_a_journal_without_settings_is_known_by_what_was_sent_of_it(
    gate: Sitegate, tmp_path: Path
) -> None:
    assert gate("terminal", "add", "gate-2", *GATE).code == 0
    house = open_house(tmp_path / "sitegate-data")
    with writing(house.engine) as connection:
        row = {"terminal_id": "gate-2", "journal": b"journal1", "first_seen_ms": 1}
        connection.execute(stream.insert().values(**row))
    house.close()
    flash = tmp_path / "flash.bin"
    used_board(flash, None)
    with PtyBoard(flash) as board:
        explained(flashed(gate, board), "HUB-1245", terminal="gate-2")
    with PtyBoard(flash) as board:
        said = gate("terminal", "flash", "gate-2", "--port", board.port)
        assert said.code == 0, said.err
    assert on_flash(flash).read("journal/s0000000001") == JOURNAL["journal/s0000000001"]


# ---------------------------------------------------------------- what goes wrong


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_port_that_is_not_there_is_told(gate: Sitegate, tmp_path: Path, language: str) -> None:
    port = str(tmp_path / "ttyACM7")
    said = gate("--language", language, "terminal", "flash", "gate-1", "--port", port)
    assert said.code == 3
    explained(said, "HUB-1240", language, port=port, reason="ENOENT")


def test_a_port_that_is_no_port_is_told(gate: Sitegate, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a port")
    said = gate("terminal", "flash", "gate-1", "--port", "file")
    assert (said.code, said.err.split(":")[0]) == (3, "HUB-1240")


def test_a_port_in_use_is_told(gate: Sitegate, tmp_path: Path) -> None:
    with PtyBoard(tmp_path / "flash.bin") as board:
        with serial.Serial(board.port, exclusive=True):
            said = flashed(gate, board)
        assert said.code == 3
        explained(said, "HUB-1241", port=board.port)
        assert board.received == 0
        # Free again, it is written.
        assert flashed(gate, board).code == 0


def test_a_firmware_that_speaks_over_the_cable_is_asked_to_end(
    gate: Sitegate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flash_serial, "RAW_REPL_S", 2)
    with PtyBoard(tmp_path / "flash.bin", busy="cable") as board:
        said = flashed(gate, board)
        assert said.code == 0, said.err
    assert sorted(on_flash(tmp_path / "flash.bin").files()) == sorted(ALL)


def test_a_firmware_that_does_not_listen_is_told(
    gate: Sitegate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flash_serial, "RAW_REPL_S", 1)
    with PtyBoard(tmp_path / "flash.bin", busy="deaf") as board:
        said = flashed(gate, board)
        assert said.code == 3
        explained(said, "HUB-1242", port=board.port)
        assert "Hold the recovery button" in said.err
        assert board.port not in said.out.replace(f"board on {board.port}", "")


def test_something_that_is_no_micropython_is_told(
    gate: Sitegate, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody answers, however long one waits.
    monkeypatch.setattr(flash_serial, "RAW_REPL_S", 1)
    monkeypatch.setattr(flash_serial, "ANSWER_S", 1.0)
    master, slave = pty.openpty()
    tty.setraw(slave)
    try:
        said = gate("terminal", "flash", "gate-1", "--port", os.ttyname(slave))
    finally:
        os.close(master)
        os.close(slave)
    assert said.code == 3
    assert said.err.startswith("HUB-1242: ")


@pytest.mark.parametrize(
    ("board", "found"),
    [
        ({"platform": "esp32"}, "micropython esp32"),
        ({"version": (1, 27)}, "MicroPython 1.27"),
        ({"wifi": False}, "no Wi-Fi"),
    ],
)
def test_a_board_that_the_firmware_does_not_run_on_is_refused(
    gate: Sitegate, tmp_path: Path, board: dict[str, object], found: str
) -> None:
    with PtyBoard(tmp_path / "flash.bin", **board) as there:  # pyright: ignore[reportArgumentType]
        said = flashed(gate, there)
        assert said.code == 1
        explained(said, "HUB-1243", found=found)
        assert there.restarted.wait(RESTART_S)
    assert on_flash(tmp_path / "flash.bin").files() == {}


def test_a_gate_on_a_cable_needs_no_radio(gate: Sitegate, tmp_path: Path) -> None:
    assert gate("terminal", "change", "gate-1", "--link", "serial").code == 0
    with PtyBoard(tmp_path / "flash.bin", wifi=False) as board:
        assert flashed(gate, board).code == 0


def test_too_little_space_is_told_before_anything_is_written(
    gate: Sitegate, tmp_path: Path
) -> None:
    flash = tmp_path / "flash.bin"
    used_board(flash)
    place = on_flash(flash)
    place.write("photo.jpg", bytes(place.free() - 80 * 1024))
    place.finish()
    before = held(flash)
    with PtyBoard(flash) as board:
        said = flashed(gate, board)
        assert (said.code, said.err.split(":")[0]) == (1, "HUB-1244")
        assert board.restarted.wait(RESTART_S)
    assert held(flash) == before


@pytest.fixture(scope="module")
def bytes_of_a_flash() -> list[int]:
    """How many bytes writing an older gate anew takes; measured once."""
    return []


@pytest.mark.parametrize("cut", [0.02, 0.1, 0.5, 0.9, 0.97, 0.99, 0.995])
def test_a_board_that_loses_its_plug_starts_one_version_or_the_other(
    gate: Sitegate, tmp_path: Path, bytes_of_a_flash: list[int], cut: float
) -> None:
    if not bytes_of_a_flash:
        used_board(tmp_path / "whole.bin")
        with PtyBoard(tmp_path / "whole.bin") as board:
            assert flashed(gate, board).code == 0
        bytes_of_a_flash.append(board.received)
    flash = tmp_path / "flash.bin"
    used_board(flash)
    with PtyBoard(flash, unplug_after=int(cut * bytes_of_a_flash[0])) as board:
        said = flashed(gate, board)
        assert said.code == 3
        explained(said, "HUB-1246", port=board.port)
        assert board.unplugged
    place = on_flash(flash)
    state = decode_state(place.read("boot.bin"))
    assert state is not None
    started = place.read(SLOT_FILES[state.active])
    assert started[-32:] == state.digests[state.active]
    assert started in (OLD_PACK, build_firmware().pack)
    settings = json.loads(place.read("settings.json"))
    assert settings["terminal"] == "gate-1"
    if "key" in settings:  # the new ones: all before them is in its place
        assert started == build_firmware().pack
    assert {path: place.read(path) for path in JOURNAL} == JOURNAL
    with PtyBoard(flash) as board:
        assert flashed(gate, board).code == 0
    place = on_flash(flash)
    assert [path for path in place.files() if path.endswith(".tmp")] == []
    assert json.loads(place.read("settings.json"))["site"] == "Werf Noord"
    assert {path: place.read(path) for path in JOURNAL} == JOURNAL
