"""The page in a real Chromium: live, honest when it is not, usable without JavaScript and small."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Engine

from hub.i18n import LANGUAGES
from hub.storage.engine import writing
from hub.web.live import Changes
from protocol import faults
from protocol.record import KIND_FAULT
from tests.chromium import chromium, honest_page, needs_chromium
from tests.web.sample import add_presence, add_registration, at
from tests.web.sample_gates import add_event, add_trouble, troubled_gates
from tests.web.serving import World, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    # A hub that is down is in the console too, twice, and is not what we look for.
    with honest_page(browser, 1280, 900, ("ERR_", "htmx:sse:error")) as page:
        yield page


def test_a_tap_appears_without_a_reload(register: Engine, page: Page) -> None:
    changes = Changes()
    with serving(register, changes) as port:
        page.goto(f"http://127.0.0.1:{port}/?lang=en")
        page.evaluate("window.untouched = true")
        with writing(register) as connection:
            for index in (1, 11):
                add_presence(connection, index, at("07:41:00"), at("07:41:01"))
                add_registration(connection, index, "registered", "answered", at("07:41:00"))
        changes.notify()
        page.get_by_text("registered no. 900000000000117").wait_for()
        assert page.locator(".count-number").inner_text() == "2"
        assert page.locator("#said").inner_text().startswith("2 people on site")
        # A company that its reader folded stays folded, and his place is kept.
        page.locator("#company-1 summary").focus()
        page.keyboard.press("Enter")
        with writing(register) as connection:
            add_presence(connection, 2, at("07:42:00"), at("07:42:01"))
        changes.notify()
        page.get_by_text("3 people on site").wait_for(state="attached")
        assert page.locator("#company-1[open]").count() == 0
        assert page.locator("#company-2[open]").count() == 1
        assert page.evaluate("document.activeElement.parentElement.id") == "company-1"
        assert page.evaluate("window.untouched") is True
        page.goto("about:blank")


def test_a_page_without_contact_says_since_when_and_recovers(register: Engine, page: Page) -> None:
    with serving(register, Changes()) as port:
        page.goto(f"http://127.0.0.1:{port}/?lang=en")
        page.locator("#said:not(:empty)").wait_for(state="attached")
        assert page.locator("#stale").is_hidden()
    banner = page.locator("#stale")
    banner.wait_for(state="visible")
    assert "this page shows the situation of 07:42:10" in banner.inner_text()
    with writing(register) as connection:
        add_presence(connection, 1, at("07:41:00"), at("07:41:01"))
    with serving(register, Changes(), port=port):
        banner.wait_for(state="hidden")
        page.get_by_text("Achterberg").first.wait_for()
        page.goto("about:blank")


def test_without_javascript_everything_is_there(morning: Engine, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    with serving(morning, Changes()) as port:
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{port}/?lang=en")
        assert page.locator(".person").count() == 30
        assert page.get_by_text("registered no. 900000000000117").is_visible()
        assert page.locator('meta[http-equiv="refresh"]').get_attribute("content") == "30"
        page.get_by_role("link", name="NL", exact=True).click()
        assert page.locator("html").get_attribute("lang") == "nl"
    context.close()


@pytest.mark.parametrize("width", [320, 390, 820, 1280])
def test_nothing_is_wider_than_the_screen(morning: Engine, page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    with writing(morning) as connection:
        add_trouble(connection)
    with serving(morning, Changes(), World(gates=troubled_gates)) as port:
        for language in LANGUAGES:
            page.goto(f"http://127.0.0.1:{port}/?lang={language}")
            page.evaluate(UNFOLD)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.goto("about:blank")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_enough_contrast(morning: Engine, page: Page, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    with writing(morning) as connection:
        add_trouble(connection)
    with serving(morning, Changes(), World(gates=troubled_gates)) as port:
        page.goto(f"http://127.0.0.1:{port}/?lang=nl")
        page.evaluate(UNFOLD)
        poor = page.evaluate(CONTRAST)
        page.goto("about:blank")
    assert poor == []


def test_the_details_of_a_gate_open_by_keyboard_without_javascript_and_stay_open_with_it(
    morning: Engine, page: Page, browser: Browser
) -> None:
    context = browser.new_context(java_script_enabled=False)
    changes = Changes()
    with serving(morning, changes) as port:
        bare = context.new_page()
        bare.goto(f"http://127.0.0.1:{port}/?lang=en")
        assert not bare.get_by_text("good (-61 dBm)").is_visible()
        bare.locator("#gate-gate-north summary").focus()
        bare.keyboard.press("Enter")
        bare.get_by_text("good (-61 dBm)").wait_for(state="visible")
        context.close()
        page.goto(f"http://127.0.0.1:{port}/?lang=en")
        page.locator("#gate-gate-north summary").click()
        with writing(morning) as connection:
            add_event(connection, 900, KIND_FAULT, faults.WATCHDOG, at("07:42:00"), 40)
        changes.notify()
        page.get_by_text("The gate was stuck and has restarted itself").first.wait_for()
        assert page.locator("#gate-gate-north[open]").count() == 1
        page.goto("about:blank")


UNFOLD = "document.querySelectorAll('details').forEach((one) => { one.open = true; })"

# WCAG 2.2, 1.4.3: 4.5 to 1, or 3 to 1 from 24 px, or 18.66 px bold.
CONTRAST = """() => {
  const parse = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (c) => {
    const [r, g, b] = c.slice(0, 3).map((v) => {
      const s = v / 255;
      return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const c = parse(getComputedStyle(at).backgroundColor);
      if (c.length === 3 || c[3] > 0) return c;
    }
    return [255, 255, 255];
  };
  const poor = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.textContent.trim() || element.closest("script, [hidden], .unseen")) continue;
    const style = getComputedStyle(element);
    const a = light(parse(style.color)), b = light(ground(element));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) {
      poor.push(`${ratio.toFixed(2)} ${node.textContent.trim().slice(0, 30)}`);
    }
  }
  return poor;
}"""
