"""The channel pages in a real Chromium, wide and on a telephone, without JavaScript."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.authority.rig import FIRST, NO_DIMONA, WORKS_A, Rig
from tests.chromium import chromium, honest_page, needs_chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = needs_chromium

PLACE = {
    "place_street": "Verzonnen straat",
    "place_house": "7",
    "place_post": "9999",
    "place_town": "Valshoven",
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(params=[("fr", 360), ("fr", 1280), ("nl", 360), ("nl", 1280)], ids=str)
def visit(request: pytest.FixtureRequest, browser: Browser, base: str) -> Iterator[Visit]:
    language, width = request.param
    # An error page has an error status, and Chromium says so in its console.
    with honest_page(browser, width, 800, ("status of 4",)) as page:
        yield Visit(page, base, language, width)
        page.goto("about:blank")


class Visit:
    """One person with one screen in one language."""

    def __init__(self, page: Page, base: str, language: str, width: int) -> None:
        self.page = page
        self.base = base
        self.language = language
        self.width = width

    def goto(self, path: str) -> None:
        self.page.goto(f"{self.base}{path}?lang={self.language}")
        self.fits()

    def press(self, selector: str) -> None:
        with self.page.expect_navigation():
            self.page.locator(selector).first.click()
        self.fits()

    def fits(self) -> None:
        """Nothing is wider than the screen, and the language is the one asked for."""
        self.page.wait_for_load_state()
        assert self.page.evaluate("document.documentElement.scrollWidth") <= self.width
        assert self.page.locator("html").get_attribute("lang") == self.language

    def log_in(self) -> None:
        self.goto("/desktop/login")
        self.page.get_by_label("0999.000.129").check()
        self.press("main button")


def test_the_office_registers_consults_and_cancels(visit: Visit, rig: Rig) -> None:
    visit.log_in()
    visit.press("a[href='/desktop/register']")
    visit.page.locator(f"input[value='{WORKS_A}']").check()
    visit.press(".actions button")
    visit.page.get_by_label("•••761").check()
    visit.page.locator("textarea").fill("1234")
    visit.press(".actions button")
    assert visit.page.get_by_role("alert").is_visible()
    assert visit.page.get_by_label("•••761").is_checked()
    visit.page.locator("textarea").fill(NO_DIMONA)
    visit.press(".actions button")
    for at in range(3):
        visit.page.locator("input[name=day]").nth(at).check()
    visit.press(".actions button")
    visit.press(".actions button")
    assert visit.page.locator("a.number").count() == 6
    rig.clock.forward(30)
    rig.authority.validate_due()
    visit.press("a[href='/desktop/consult']")
    assert visit.page.get_by_text("RELATED DIMONA NOT OK").last.is_visible()
    visit.page.get_by_label(str(FIRST)).check()
    visit.page.locator("select[name=reason]").select_option("DISEASE")
    visit.press("button.danger")
    assert visit.page.locator("tr.cancelled").count() == 1
    visit.press(f"a[href='/desktop/registration/{FIRST}']")
    assert rig.stored()[0]["cancel_reason"] == "DISEASE"
    assert poor(visit.page) == []


def test_works_are_declared_and_opened_by_their_poster(visit: Visit, rig: Rig) -> None:
    visit.log_in()
    visit.goto("/works/new")
    page = visit.page
    page.locator("[name=customer]").fill("Stad Valshoven")
    page.locator("[name=start]").fill("2026-11-01")
    page.locator("[name=amount]").fill("650 000")
    for name, value in PLACE.items():
        page.locator(f"[name={name}]").fill(value)
    # Return in a field declares; it does not ask for more rows.
    with page.expect_navigation():
        page.locator("[name=party_company]").first.press("Enter")
    visit.fits()
    assert page.get_by_role("status").is_visible()
    assert poor(page) == []
    visit.press("a.button")
    square = page.locator("svg.qr").bounding_box()
    assert square is not None
    assert square["width"] == pytest.approx(square["height"], abs=1)
    assert square["width"] > 150
    page.emulate_media(media="print")
    assert not page.locator("header").is_visible()
    assert page.locator("svg.qr").is_visible()
    address = page.locator(".address").inner_text()
    page.emulate_media(media="screen")
    page.goto(address)
    visit.fits()
    page.locator("[name=person]").fill("85.03.12-997.62")
    visit.press("button.big")
    assert page.get_by_role("alert").is_visible()
    page.locator("[name=person]").fill("85.03.12-997.61")
    visit.press("button.big")
    assert page.locator(".receipt .number").inner_text() == str(FIRST)
    assert poor(page) == []
    # A thumb hits the button.
    button = page.locator("button.big").bounding_box()
    assert button is not None
    assert button["height"] >= 44
    visit.goto("/mobile")
    assert page.locator(".doors a").count() == 1
    assert len(rig.stored()) == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_readable_by_day_and_by_night(browser: Browser, base: str, scheme: str) -> None:
    context = browser.new_context(
        java_script_enabled=True, color_scheme="dark" if scheme == "dark" else "light"
    )
    page = context.new_page()
    for path in ("/desktop/login", "/mobile", f"/mobile/{WORKS_A}", f"/works/{WORKS_A}/poster"):
        page.goto(f"{base}{path}?lang=de")
        assert poor(page) == []
    context.close()


def test_without_javascript_everything_is_there(browser: Browser, base: str, rig: Rig) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{base}/mobile/{WORKS_A}?lang=nl")
    page.locator("[name=person]").fill("85031299761")
    page.locator("button.big").click()
    page.get_by_text(str(FIRST)).wait_for()
    page.locator("[name=person]").fill(NO_DIMONA)
    page.locator("button.big").click()
    page.get_by_role("alert").wait_for()
    page.locator("summary").click()
    page.locator("select").select_option("0999000129")
    page.locator("button.big").click()
    page.get_by_text(str(FIRST + 1)).wait_for()
    context.close()
    assert len(rig.stored()) == 2


def poor(page: Page) -> list[str]:
    """Texts whose contrast is under 4.5 to 1 (WCAG 2.2, 1.4.3)."""
    return page.evaluate(CONTRAST)


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
    if (!node.textContent.trim() || element.closest("option, .unseen")) continue;
    const a = light(parse(getComputedStyle(element).color)), b = light(ground(element));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.push(`${ratio.toFixed(2)} ${node.textContent.trim().slice(0, 30)}`);
  }
  return poor;
}"""
