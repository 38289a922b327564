"""A real Chromium for tests that look at pages, and a page that tells when something is wrong."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@cache
def program() -> str | None:
    """Path of a Chromium that runs; on Ubuntu the name alone may be a stub that does not."""
    for name in NAMES:
        found = shutil.which(name)
        if found and subprocess.run([found, "--version"], capture_output=True).returncode == 0:
            return found
    return None


needs_chromium = [
    pytest.mark.browser,
    pytest.mark.skipif(program() is None, reason="no Chromium that runs on this machine"),
]


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser for the length of the block."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program(), args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def honest_page(
    browser: Browser, width: int, height: int, expected: tuple[str, ...], locale: str = "en-US"
) -> Iterator[Page]:
    """A page that fails the test when it complains or asks anybody but this machine.

    Args:
        browser: see `chromium`.
        width, height: of the window.
        expected: parts of complaints that are no fault of the page.
        locale: the language that the browser asks for.
    """
    complaints: list[str] = []
    page = browser.new_page(viewport={"width": width, "height": height}, locale=locale)
    page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith(("http://127.0.0.1:", "data:"))
            else complaints.append(f"asked {request.url}")
        ),
    )
    yield page
    page.close()
    complaints = [one for one in complaints if not any(part in one for part in expected)]
    assert complaints == [], complaints
