"""`sitegate demo` as a newcomer meets it: a page, a badge, a number, and nothing left behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chromium import chromium, honest_page, program

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_MS = 40_000
pytestmark = [pytest.mark.processes, pytest.mark.micropython]


def processes_of(folder: Path) -> set[int]:
    """Every process that runs in this folder or below."""
    found: set[int] = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if os.readlink(entry / "cwd").startswith(str(folder)):
                    found.add(int(entry.name))
            except OSError:
                continue
    return found


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any], Path]]:
    """A running demo, what it said, and its folder."""
    folder = tmp_path / "demo"
    process = subprocess.Popen(
        [sys.executable, "-m", "simulator.demo", "--no-browser", "--json", "--folder", str(folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process, json.loads(process.stdout.readline()), folder
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)
        if process.stdout is not None:
            process.stdout.close()


def test_ctrl_c_ends_every_process(
    demo: tuple[subprocess.Popen[str], dict[str, Any], Path],
) -> None:
    process, said, folder = demo
    assert set(said) >= {"page", "dashboard", "authority", "gates", "firmware_on", "login"}
    assert set(said["logins"]) >= {"administrator", "supervisor", "contractor", "guard"}
    assert said["login"] == said["logins"]["supervisor"]
    # Hub, broker, authority and two gates, each with the demo's folder as its own.
    assert len(processes_of(folder)) >= 4
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    assert processes_of(folder) == set()


@pytest.mark.browser
@pytest.mark.skipif(program() is None, reason="no Chromium that runs on this machine")
def test_a_badge_tapped_in_the_browser_is_registered_before_ones_eyes(
    demo: tuple[subprocess.Popen[str], dict[str, Any], Path],
) -> None:
    expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
    _, said, _ = demo
    with chromium() as browser, honest_page(browser, 1400, 900, ()) as page:
        page.goto(said["page"] + "?lang=en")
        gate = page.locator('[data-gate="gate-in"]')
        expect(gate).to_have_attribute("data-powered", "true", timeout=PATIENCE_MS)
        board = page.frame_locator("iframe").locator("body")
        expect(board).to_contain_text("Saskia Maes")
        board.get_by_role("button", name="Log in").click()
        expect(board).to_contain_text("online", timeout=PATIENCE_MS)
        card = page.locator("form.card", has_text="Milan Aarts")
        card.locator('button[value="gate-in"]').click()
        expect(gate).to_have_attribute("data-arm", "open", timeout=PATIENCE_MS)
        expect(board).to_contain_text(re.compile(r"9000\d{11}"), timeout=PATIENCE_MS)
        expect(board).to_contain_text("Aarts")
