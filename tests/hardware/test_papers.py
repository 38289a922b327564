"""What is written for people agrees with the sources: licence, page of the installer, lists."""

from __future__ import annotations

import re

import pytest

from hardware import draw_lamps, make_pins
from hardware.box import READER_HEIGHT_MM
from hardware.pinout import DRAWINGS, HARDWARE, ROOT
from hardware.power import figures

INSTALL = ROOT / "docs" / "install-gate.md"
RING_PIXELS = 12


def test_the_lamps_are_drawn_from_their_table() -> None:
    assert draw_lamps.LAMPS.read_text("utf-8") == draw_lamps.draw(), "run make drawings"


def test_every_frame_is_a_ring() -> None:
    for state in draw_lamps.states():
        assert len(state["frames"]) == len(state["at_ms"]), state
        for frame in state["frames"]:
            assert len(frame) == RING_PIXELS, state
            assert set(frame) <= set(draw_lamps.COLOURS), state


def test_no_two_states_look_and_sound_the_same() -> None:
    seen = [(tuple(state["frames"]), state["sound"]) for state in draw_lamps.states()]
    assert len(set(seen)) == len(seen)


def test_the_lamps_are_those_of_the_firmware() -> None:
    signals = pytest.importorskip("firmware.signals", reason="the firmware has no such table yet")
    texts = pytest.importorskip("firmware.texts")
    letters = {signals.RED: "R", signals.GREEN: "G", signals.AMBER: "A", signals.BLUE: "B",
               signals.WHITE: "W", signals.OFF: "."}  # fmt: skip
    told: set[str] = set()
    for state in draw_lamps.states():
        for event in state["events"]:
            told.add(event)
            pattern, colour, others = signals.EVENTS[getattr(texts, event)][:3]
            for at_ms, frame in zip(state["at_ms"], state["frames"], strict=True):
                lit = signals.lamps(pattern, at_ms)
                ring = "".join(
                    letters.get(colour if lit >> lamp & 1 else others, "a")
                    for lamp in range(RING_PIXELS)
                )
                assert ring == frame, (event, at_ms)
    assert len(told) == len(signals.EVENTS), "an event is missing in hardware/lamps.toml"


def test_the_installer_sees_every_picture_he_needs() -> None:
    text = INSTALL.read_text("utf-8")
    for name in ("front", "mounting", "harness-site", "harness-inside", "turnstile", "lamps"):
        assert f"](../hardware/drawings/{name}.svg)" in text
        assert (DRAWINGS / f"{name}.svg").exists()


def test_the_installer_is_told_the_heights_and_the_threshold() -> None:
    text = INSTALL.read_text("utf-8")
    for height in READER_HEIGHT_MM:
        assert f"{height / 1000:.2f} m" in text
    assert f"--supply-min-mv {figures()['sense']['write_stop_mv']}" in text
    assert "sitegate terminal add" in text
    assert "sitegate terminal flash gate-1 --port" in text


def test_the_installers_page_can_be_found() -> None:
    for page in (ROOT / "README.md", HARDWARE / "README.md"):
        assert "docs/install-gate.md)" in page.read_text("utf-8")


def test_the_hardware_says_its_licence_everywhere() -> None:
    licence = (HARDWARE / "LICENSE").read_text("utf-8")
    assert licence.startswith("SPDX-License-Identifier: CERN-OHL-S-2.0\n")
    for needed in (
        "This source describes Open Hardware and is licensed under the CERN-OHL-S v2.",
        "WITHOUT ANY EXPRESS OR IMPLIED WARRANTY",
        "Source location:",
    ):
        assert needed in licence
    for page in (ROOT / "README.md", HARDWARE / "README.md"):
        assert "CERN-OHL-S-2.0" in page.read_text("utf-8")


def test_the_bench_list_covers_what_no_emulator_proves() -> None:
    text = (HARDWARE / "bench.md").read_text("utf-8").lower()
    for needed in ("distance", "clone", "spi at", "supply cut", "flash: time", "roaming",
                   "wrong password", "current at", "i2c", "both cores", "start from power", "usb",
                   "asleep", "3.3 v"):  # fmt: skip
        assert needed in text, needed
    numbers = [int(n) for n in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1))


def test_errata_are_kept_by_revision() -> None:
    readme = (HARDWARE / "README.md").read_text("utf-8")
    revision = re.search(r"Revision (\d+\.\d+)", readme)
    assert revision is not None
    assert f"## Revision {revision[1]}" in (HARDWARE / "errata.md").read_text("utf-8")


def test_the_maker_of_pins_says_where_to_edit() -> None:
    assert "hardware/pinout.toml" in make_pins.PINS.read_text("utf-8")
