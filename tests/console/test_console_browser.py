"""The page in a real Chromium: live, audible, without script, and clear at first sight."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from simulator.console.cards import TONES
from simulator.console.texts import LANGUAGES, text
from tests.authority.rig import Rig
from tests.chromium import chromium, honest_page, needs_chromium
from tests.console.gates import GatesOnly
from tests.console.serving import Served, served
from tests.console.standin import StandInSite
from tests.repository.tree import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

# Tells afterwards which tones were played.
LISTEN = """
window.tones = [];
const make = AudioContext.prototype.createOscillator;
AudioContext.prototype.createOscillator = function () {
  const oscillator = make.call(this);
  const start = oscillator.start;
  oscillator.start = function (...when) {
    window.tones.push(Math.round(oscillator.frequency.value));
    document.body.dataset.heard = window.tones.join(" ");
    return start.apply(oscillator, when);
  };
  return oscillator;
};
"""
pytestmark = needs_chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    # An answer that says no is in the console too, and is not what we look for.
    with honest_page(browser, 1400, 900, ("ERR_", "status of 4", "Note that 'script-src'")) as page:
        yield page


@pytest.fixture
def site(quick_people: None, authority: tuple[Rig, str]) -> Iterator[Served[StandInSite]]:
    """A stand-in site that frames a page that is there."""

    async def make() -> StandInSite:
        return StandInSite(authority_url=authority[1], dashboard=authority[1])

    with served(make) as page:
        yield page


def url(site: Served[StandInSite], language: str = "en") -> str:
    return f"http://127.0.0.1:{site.port}/?lang={language}"


@pytest.mark.processes
def test_a_tap_at_a_real_gate_is_seen_and_heard(
    tmp_path: Path, authority: tuple[Rig, str], page: Page
) -> None:
    async def make() -> GatesOnly:
        return await GatesOnly(tmp_path / "gates", authority[1], "auto").start()

    with served(make) as console:
        page.add_init_script(LISTEN)
        page.goto(f"http://127.0.0.1:{console.port}/?lang=en")
        page.evaluate("window.untouched = true")
        page.get_by_role("button", name="Sound off").click()
        page.get_by_role("button", name="Tap Milan Aarts at Poort 1 (in)").click()
        page.locator("#said[data-tone=red]").wait_for()
        assert "NO LIST YET" in page.locator("#said").inner_text()
        gate = page.locator("[data-gate=gate-in]")
        page.locator('body[data-heard="1320 220 440 220 440 220 440"]').wait_for()
        assert "NO LIST YET" in gate.locator("[data-part=spoken]").inner_text()
        assert len(gate.locator("[data-part=display]").get_attribute("d") or "") > 500
        assert page.evaluate("window.untouched") is True
        assert page.frame(name="view") is not None
        page.goto("about:blank")


def test_a_tone_too_short_to_be_seen_is_heard(site: Served[StandInSite], page: Page) -> None:
    page.add_init_script(LISTEN)
    page.goto(url(site))
    page.get_by_role("button", name="Sound off").click()
    page.locator("body[data-heard='1320']").wait_for()
    gate = site.site.gates["gate-in"]
    site.run(gate.show(gate.panel | {"sounds": [2000]}))
    page.locator("body[data-heard='1320 2000']").wait_for()
    page.get_by_role("button", name="Sound on").click()
    site.run(gate.show(gate.panel | {"sounds": [2000, 880], "arm": "open"}))
    page.locator("[data-gate=gate-in][data-arm=open]").wait_for()
    assert page.evaluate("window.tones") == [1320, 2000]
    page.goto("about:blank")


def test_every_part_of_a_gate_is_live(site: Served[StandInSite], page: Page) -> None:
    page.goto(url(site))
    gate = page.locator("[data-gate=gate-in]")
    gate.locator("button[name=on][data-part=power]").click()
    page.get_by_text("Poort 1 has no power any more").wait_for()
    assert (
        gate.get_by_role("switch", name="Power of Poort 1").get_attribute("aria-checked") == "false"
    )
    page.get_by_role("button", name="Tap Milan Aarts at Poort 1 (in)").click()
    page.locator("#said[data-tone=failed]").wait_for()
    assert "Switch its power on and tap again" in page.locator("#said").inner_text()
    gate.get_by_role("switch", name="Power of Poort 1").click()
    page.locator("[data-gate=gate-in][data-powered=true]").wait_for()
    gate.get_by_role("switch", name="Network of Poort 1").click()
    page.locator("[data-gate=gate-in] [data-part=network][aria-checked=false]").wait_for()
    page.get_by_role("button", name="Tap Milan Aarts at Poort 1 (in)").click()
    page.locator("[data-gate=gate-in][data-arm=open]").wait_for()
    page.get_by_role("button", name="registers, answer is lost").click()
    page.locator(".modes [value=drop-after-commit][aria-pressed=true]").wait_for()
    assert text("mode_drop-after-commit_more", "en") in page.locator(".authority").inner_text()
    page.goto("about:blank")


def test_the_page_works_without_script(site: Served[StandInSite], browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(url(site, "nl"))
    page.get_by_role("button", name="Milan Aarts badgen aan Poort 1 (in)").click()
    assert (
        "Poort 1 antwoordt op “Milan Aarts”: WELCOME · KEPT" in page.locator("#said").inner_text()
    )
    page.get_by_role("switch", name="Netwerk van Poort 1").click()
    assert page.url.startswith(f"http://127.0.0.1:{site.port}/?lang=nl&said=")
    assert site.site.wires["gate-in"].state == "cut"
    context.close()


def test_the_first_sight_holds_gates_and_badges(site: Served[StandInSite], page: Page) -> None:
    sizes = ((1400, 900), (1024, 768), (768, 1024), (390, 844))
    for language, (width, height) in itertools.product(LANGUAGES, sizes):
        if (width, height) == sizes[0]:
            page.goto(url(site, language))
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        bar = page.locator("#said").bounding_box()
        assert bar is not None
        for selector in ("[data-gate=gate-in]", "[data-gate=gate-out]", ".press >> nth=0"):
            box = page.locator(selector).bounding_box()
            assert box is not None
            where = f"{selector} in {language} at {width} x {height}"
            assert 0 <= box["x"] <= width - box["width"], where
            assert box["y"] + box["height"] <= bar["y"], where
    page.goto("about:blank")


def test_a_phone_has_the_pages_below(site: Served[StandInSite], page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(url(site))
    assert page.locator("iframe").is_hidden()
    page.locator("#below [data-view=authority]").click()
    page.locator("iframe").wait_for(state="visible")
    assert page.locator(".modes").is_visible()
    assert page.locator(".near").is_hidden()
    box = page.locator("iframe").bounding_box()
    assert box is not None
    assert box["height"] > 400
    page.locator("#below [data-view=gates]").click()
    page.locator(".near").wait_for(state="visible")
    page.goto("about:blank")


def test_a_demo_that_ended_is_said_and_one_that_is_back_is_taken(
    quick_people: None, authority: tuple[Rig, str], page: Page
) -> None:
    async def make() -> StandInSite:
        return StandInSite(authority_url=authority[1], dashboard=authority[1])

    with served(make) as console:
        port = console.port
        page.goto(f"http://127.0.0.1:{port}/?lang=en")
        assert page.locator("#lost").is_hidden()
    page.locator("#lost").wait_for(state="visible")
    page.locator(".press button").first.click()
    page.locator("#said[data-tone=failed]").wait_for()
    with served(make, port):
        page.locator("#lost").wait_for(state="hidden")
        page.locator(".press button").first.click()
        page.locator("#said[data-tone=green]").wait_for()
        page.goto("about:blank")


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


PAIRS = [
    *((ink, ground) for ink in ("ink", "quiet", "link") for ground in ("paper", "ground")),
    ("link", "press"), ("paper", "link"), ("bar-ink", "bar"), ("bar-quiet", "bar"),
    ("number", "number-ground"), ("action", "action-ground"), ("action", "paper"),
    ("ink", "number-ground"), ("ink", "action-ground"), ("ink", "wait-ground"),
    ("wait", "wait-ground"), ("wait", "paper"), ("go", "hole"), ("stop", "hole"),
]  # fmt: skip


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_can_be_read(browser: Browser, scheme: Literal["light", "dark"]) -> None:
    """WCAG 2.2, 1.4.3: 4.5 to 1."""
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    style = (ROOT / "simulator/console/static/console.css").read_text("utf-8")
    page.set_content(f"<style>{style}</style><body></body>")

    def colour(name: str, of: str = "") -> str:
        found = page.evaluate(
            """([name, of]) => {
              const one = document.createElement("div");
              one.className = of;
              document.body.append(one);
              return getComputedStyle(one).getPropertyValue("--" + name);
            }""",
            [name, of],
        )
        assert re.fullmatch(r"#[0-9a-f]{6}", found), name
        return found

    pairs = [(f"{ink} on {ground}", colour(ink), colour(ground)) for ink, ground in PAIRS]
    for number in range(1, TONES + 1):
        pairs.append((f"white on tone {number}", "#ffffff", colour("tone", f"card tone-{number}")))
    weak: list[str] = []
    for name, *both in pairs:
        light, dark = sorted(map(luminance, both), reverse=True)
        contrast = (light + 0.05) / (dark + 0.05)
        if contrast < 4.5:
            weak.append(f"{name}: {contrast:.2f}")
    assert weak == []
    context.close()
