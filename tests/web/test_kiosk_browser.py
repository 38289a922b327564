"""The screens of a kiosk in a real browser: large, without fault, and nobody's once he is gone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from hub.web.kiosk_device import COOKIE, TURN_MS
from tests.chromium import chromium, honest_page, needs_chromium
from tests.web.kiosk_world import MILAN, NOBODY, PIN, Gate, cookie_of, gate_world
from tests.web.serving import served
from tests.web.test_accessible import AXE, judge

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = needs_chromium
SIZES: Final = ((360, 740), (800, 1280), (1280, 800))
TOUCH: Final = 48
_SMALL: Final = """
(least) => [...document.querySelectorAll(
    "button, a[href], input:not([type=hidden]), select, summary")]
  .filter((one) => one.checkVisibility())
  .map((one) => [one, (one.closest("label") ?? one).getBoundingClientRect()])
  .filter(([one, box]) => box.height < least || box.width < least)
  .map(([one, box]) => `${one.outerHTML.slice(0, 80)} ${box.width}x${box.height}`)
"""


@dataclass
class Device:
    """A kiosk that is served, and the browser on it."""

    gate: Gate
    browser: Browser
    base: str

    def cookie(self, page: Page) -> None:
        """Makes this page the device."""
        page.context.add_cookies(
            [{"name": COOKIE, "value": cookie_of(self.gate), "domain": "127.0.0.1",
              "path": "/kiosk"}]
        )  # fmt: skip


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Device]:
    folder: Path = tmp_path_factory.mktemp("kiosk")
    with (
        gate_world(folder) as gate,
        served(gate.hub.app, gate.hub.changes) as port,
        chromium() as browser,
    ):
        yield Device(gate, browser, f"http://127.0.0.1:{port}")


def faults(page: Page, where: str) -> list[str]:
    """What axe finds, what is wider than a screen, and what is too small for a glove."""
    page.evaluate(AXE)
    found = judge(page)
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            found.append(f"wider than {width}")
        found += page.evaluate(_SMALL, TOUCH)
    return [f"{where}: {one}" for one in found]


def test_every_screen_is_large_and_without_fault(device: Device) -> None:
    found: list[str] = []
    with honest_page(device.browser, 800, 1280, ()) as page:
        device.cookie(page)

        def look(where: str) -> None:
            found.extend(faults(page, where))

        page.goto(f"{device.base}/kiosk")
        page.click("button[lang=de]")
        assert page.get_attribute("html", "lang") == "de"
        look("start")
        page.fill("#k-number", "85031299762")
        page.click("button[name=way][value=in]")
        page.wait_for_selector("[role=alert]")
        page.fill("#k-number", NOBODY)
        page.click("button[name=way][value=in]")
        page.wait_for_selector("#k-company")
        look("newcomer")
        for path in ("visit", "emergency", "card", "guard"):
            page.goto(f"{device.base}/kiosk/{path}")
            look(path)
        page.fill("#k-pin", PIN)
        page.click(".k-go >> nth=0")
        page.fill("#k-name", "a")
        page.click(".k-search .k-go")
        page.wait_for_selector(".k-people")
        look("guard's part")
        page.click(".k-people .k-quiet >> nth=0")
        page.click("form[data-next] button")
        page.fill("#k-number", MILAN)
        page.click("button[name=way][value=in]")
        page.wait_for_selector(".k-answer")
        look("answer")
    assert found == []


def test_nothing_of_the_one_before_is_left_in_the_browser(device: Device) -> None:
    device.gate.hub.now_ms += 3_600_000
    with honest_page(device.browser, 800, 1280, ()) as page:
        device.cookie(page)
        page.goto(f"{device.base}/kiosk")
        # The keys of the screen type as well, and the number is judged while it is typed.
        for digit in MILAN:
            page.click(f"[data-key='{digit}']")
        page.wait_for_selector("#k-checked[data-tone=good]")
        page.click("button[name=way][value=in]")
        page.wait_for_selector(".k-answer")
        assert "Milan" in page.inner_text("main")
        assert page.url == f"{device.base}/kiosk"
        page.click(".k-next")
        page.wait_for_selector("#k-number")
        for _ in range(4):
            page.go_back()
            assert page.url in (f"{device.base}/kiosk", "about:blank")
            text = page.content()
            assert "Milan" not in text
            assert MILAN not in text
            if page.url == "about:blank":
                break


def test_the_screen_goes_on_by_itself(device: Device) -> None:
    device.gate.hub.now_ms += 3_600_000
    with honest_page(device.browser, 800, 1280, ()) as page:
        device.cookie(page)
        page.clock.install()
        page.goto(f"{device.base}/kiosk")
        page.fill("#k-number", MILAN)
        # Somebody walks away with his number half typed.
        page.clock.run_for(TURN_MS + 1_000)
        page.wait_for_function("document.getElementById('k-number')?.value === ''")
        page.fill("#k-number", MILAN)
        page.click("button[name=way][value=in]")
        page.wait_for_selector(".k-answer")
        page.clock.run_for(TURN_MS + 1_000)
        page.wait_for_selector("#k-number")
        assert "Milan" not in page.content()
