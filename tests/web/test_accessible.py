"""Every page for everybody: axe finds nothing, a keyboard is enough, a phone of 360 pixels too.

Each page that a browser can open is visited in each language, with what a small site has in it.
`axe` judges it in light and in dark, on a phone and on a desk; then somebody goes through it with
the Tab key alone, and hands its forms in empty.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from hub.application.access import Actor
from hub.domain.rights import Role
from hub.i18n import LANGUAGES
from hub.web.live import Changes
from tests.chromium import chromium, honest_page, needs_chromium
from tests.web.actors import CSRF
from tests.web.isolation import Asked, Switch, application, requests
from tests.web.serving import served
from tests.web.two_companies import World, two_companies

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = needs_chromium
PHONE: Final = {"width": 360, "height": 740}
DESK: Final = {"width": 1280, "height": 900}
SEEN_IN: Final = {
    "fr": ("light", PHONE),
    "en": ("dark", DESK),
    "nl": ("dark", PHONE),
    "de": ("light", DESK),
}
"""In which colours and at which width axe judges each language; all are measured at 360 pixels."""
JUDGED: Final = tuple(SEEN_IN)[: 4 if os.environ.get("SITEGATE_AXE") == "all" else 2]
"""The languages in which axe judges: a page has the same elements in each, and to judge takes half
a second. `SITEGATE_AXE=all` takes all four."""
KEYS: Final = "nl"
"""The language in which the pages are gone through by keys, on the same visit."""
AXE: Final = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
_JUDGE: Final = """
async () => {
  const found = await axe.run(document, {resultTypes: ["violations"], preload: false});
  return found.violations.flatMap((one) => one.nodes.map((node) =>
    `${one.id}: ${node.target.join(" ")}: ${node.html.slice(0, 160)}`));
}
"""
_WIDER: Final = """
() => [...document.querySelectorAll("body *")]
  .filter((one) => one.getBoundingClientRect().right > window.innerWidth + 1)
  .slice(0, 3).map((one) => one.outerHTML.slice(0, 120))
"""
_REACHABLE: Final = """
() => {
  const all = document.querySelectorAll(
    "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']");
  const shown = [...all].filter((one) => !one.disabled && one.checkVisibility());
  const radios = new Set();
  return shown.filter((one) => {
    // The keys of the arrows go on from one to the next of these.
    if (one.type !== "radio") return true;
    if (radios.has(one.name)) return false;
    radios.add(one.name);
    return true;
  }).map((one, index) => {
    one.dataset.place = String(index);
    return one.outerHTML.slice(0, 160);
  });
}
"""
_LISTEN: Final = """
() => {
  window.stops = {};
  document.addEventListener("focusin", () => {
    const one = document.activeElement;
    const style = getComputedStyle(one);
    const drawn = (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0)
      || style.boxShadow !== "none";
    const place = one.type === "radio"
      ? document.querySelector(`[type=radio][name="${one.name}"][data-place]`).dataset.place
      : one.dataset.place;
    // A date has a stop for each of its parts and shows one of them.
    if (place !== undefined) window.stops[place] = window.stops[place] || drawn;
  });
}
"""
FORM: Final = 'method="post"'
_REFUSED: Final = "main [aria-invalid=true], main .problem, main [role=alert]"
WALL: Final = {"width": 3840, "height": 2160}
"""A screen of 4K."""
LONGEST: Final = 95
"""Signs of a line of prose, the longest; the eye loses its way back beyond that."""
_LINES: Final = """
() => [...document.querySelectorAll("main p, footer p")].flatMap((one) => {
  const lines = new Map();
  const walk = document.createTreeWalker(one, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  while (walk.nextNode()) {
    for (const word of walk.currentNode.data.matchAll(/\\S+\\s*/g)) {
      range.setStart(walk.currentNode, word.index);
      range.setEnd(walk.currentNode, word.index + word[0].trimEnd().length);
      const box = range.getBoundingClientRect();
      const top = Math.round(box.bottom);
      if (box.width) lines.set(top, (lines.get(top) || "") + word[0]);
    }
  }
  return [...lines.values()].map((line) => line.trim());
})
"""
NO_PAGES: Final = (".json", ".xlsx", ".csv", ".pdf", "/live", "/api/", "/static", "/healthz")


@dataclass
class Place:
    """A hub that is served to a browser, and who looks at it."""

    world: World
    access: Switch
    app: FastAPI
    port: int
    given: dict[str, list[str]] = field(default_factory=dict)
    """The addresses of the pages that each of them is given."""
    forms: set[str] = field(default_factory=set)
    """The addresses at which the administrator is given a form."""

    def fresh(self, who: str) -> list[str]:
        """His pages that nobody named before him is given."""
        before = list(self.given)[: list(self.given).index(who)]
        seen = {path for one in before for path in self.given[one]}
        return [path for path in self.given[who] if path not in seen]

    def ask(self, asked: Iterable[Asked]) -> None:
        """Finds out which pages each of them is given."""
        paths = [
            path
            for path in dict.fromkeys(one.path for one in asked)
            if not any(part in path for part in NO_PAGES)
        ]
        # Entered, since it would begin a thread for each request.
        with TestClient(self.app, raise_server_exceptions=False, follow_redirects=False) as client:
            for who, actor in self.actors().items():
                self.access.current = actor
                answers = {path: client.get(path) for path in paths}
                self.given[who] = [
                    path
                    for path, answer in answers.items()
                    if answer.status_code == 200
                    and answer.headers.get("content-type", "").startswith("text/html")
                ]
                if who == "administrator":
                    shown = {path: answers[path].text for path in self.given[who]}
                    self.forms = {path for path, page in shown.items() if FORM in page}

    def actors(self) -> dict[str, Actor | None]:
        """One of each role that has pages of its own."""
        sites = frozenset({7})
        return {
            "administrator": Actor("account:1", Role.ADMINISTRATOR, "Ada", account_id=1, csrf=CSRF),
            "supervisor": Actor("account:2", Role.SUPERVISOR, "Sofie", sites=sites, account_id=2,
                                csrf=CSRF),
            "contractor": self.world.own,
            "guard": Actor("account:4", Role.GUARD, "Guy", sites=sites, account_id=4, csrf=CSRF),
            "inspector": Actor("account:5", Role.INSPECTOR, "Ine", sites=sites, account_id=5,
                               csrf=CSRF),
            "worker": self.world.worker,
            "nobody": None,
        }  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    changes = Changes()
    with two_companies(tmp_path_factory.mktemp("accessible"), True) as world:
        app, access = application(world, changes)
        with served(app, changes) as port:
            place = Place(world, access, app, port)
            asked = requests(app, world, changing=False)
            place.ask(one for one in asked if one.flavour == "own" and "?" not in one.path)
            yield place


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@contextmanager
def looking(browser: Browser, language: str) -> Iterator[Page]:
    """A page of a browser in that language; that something is refused is no fault of it."""
    scheme, size = SEEN_IN[language]
    expected = ("Failed to load resource",)
    with honest_page(browser, size["width"], size["height"], expected, language) as page:
        page.emulate_media(color_scheme=scheme)  # pyright: ignore[reportArgumentType]
        if language in JUDGED:
            page.add_init_script(AXE)
        yield page


def opened(place: Place, page: Page, who: str, paths: Iterable[str]) -> Iterator[str]:
    """Opens each of these pages as somebody, and yields its address while it is open."""
    place.access.current = place.actors()[who]
    for path in paths:
        page.goto(f"http://127.0.0.1:{place.port}{path}")
        yield path


def judge(page: Page) -> list[str]:
    """What axe finds on a page that holds it."""
    return page.evaluate(_JUDGE)


def faults_of(page: Page, language: str) -> list[str]:
    """What is wrong with the page that is open."""
    size = SEEN_IN[language][1]
    found: list[str] = []
    if page.get_attribute("html", "lang") != language:
        found.append("in another language")
    if language in JUDGED:
        if not page.evaluate("'axe' in window"):
            page.evaluate(AXE)
        found += judge(page)
    if size != PHONE:
        page.set_viewport_size(PHONE)  # pyright: ignore[reportArgumentType]
    if page.evaluate("document.documentElement.scrollWidth") > PHONE["width"]:
        found.append(f"wider than a phone: {page.evaluate(_WIDER)}")
    if size != PHONE:
        page.set_viewport_size(size)  # pyright: ignore[reportArgumentType]
    return found


@pytest.mark.parametrize("language", [one for one in LANGUAGES if one != KEYS])
def test_nothing_is_wrong_with_any_page(place: Place, browser: Browser, language: str) -> None:
    faults: dict[str, list[str]] = {}
    seen = 0
    with looking(browser, language) as page:
        for who in place.given:
            # A contractor's pages are others than the office's, with the same addresses.
            own = language == "fr" and who == "contractor"
            for path in opened(place, page, who, place.given[who] if own else place.fresh(who)):
                seen += 1
                found = faults_of(page, language)
                if found:
                    faults[f"{who} {path}"] = found
    _none(faults)
    assert seen > 30


def test_forms_that_come_back_are_as_good(place: Place, browser: Browser) -> None:
    """Handed in empty, a form says what is wrong, on a page that axe finds nothing wrong with."""
    faults: dict[str, list[str]] = {}
    back = 0
    with looking(browser, "fr") as page:
        paths = [path for path in place.given["administrator"] if path in place.forms]
        for path in opened(place, page, "administrator", paths):
            form = page.locator("main form[method=post]:has(input:not([type=hidden]):visible)")
            if form.count() == 0:
                continue
            with page.expect_navigation():
                form.first.evaluate("(form) => { form.noValidate = true; form.submit(); }")
            back += page.locator(_REFUSED).count() > 0
            found = faults_of(page, "fr")
            if found:
                faults[path] = found
    _none(faults)
    assert back > 3


def test_the_tab_key_reaches_everything_and_shows_where_it_is(
    place: Place, browser: Browser
) -> None:
    """Nor is anything else wrong with a page in the language that this is done in."""
    faults: dict[str, list[Any]] = {}
    with looking(browser, KEYS) as page:
        for who in place.given:
            paths = place.given[who] if who == "contractor" else place.fresh(who)
            for path in opened(place, page, who, paths):
                # The keys may open what was closed: what is seen before them is measured.
                found = [*faults_of(page, KEYS), *unreached(page)]
                if found:
                    faults[f"{who} {path}"] = found
    _none(faults)


def test_a_screen_at_a_wall_is_filled_and_read_from_afar(place: Place, browser: Browser) -> None:
    """At 4K: no line too long for the eye, nothing beyond the edge, the headcount large."""
    faults: dict[str, list[str]] = {}
    lines = 0
    with looking(browser, "fr") as page:
        page.set_viewport_size(WALL)  # pyright: ignore[reportArgumentType]
        for path in opened(place, page, "supervisor", ("/", "/plan", "/day", "/roll-call")):
            found: list[str] = []
            if page.evaluate("document.documentElement.scrollWidth") > WALL["width"]:
                found.append(f"wider than the screen: {page.evaluate(_WIDER)}")
            told: list[str] = page.evaluate(_LINES)
            lines += len(told)
            found += [f"{len(one)} signs: {one}" for one in told if len(one) > LONGEST]
            main = page.locator("main").bounding_box()
            assert main is not None
            if main["width"] < WALL["width"] * 0.6:
                found.append(f"only {main['width']} pixels wide")
            if path in ("/", "/roll-call"):
                count = page.locator(".count-number").first.bounding_box()
                assert count is not None
                if count["height"] < 80 or count["y"] + count["height"] > WALL["height"]:
                    found.append(f"the headcount is at {count}")
            if found:
                faults[path] = found
    _none(faults)
    assert lines > 10


def _none(faults: Mapping[str, Iterable[object]]) -> None:
    told = [f"{where}: {one}" for where, found in faults.items() for one in found]
    if told:
        pytest.fail("\n".join(told), pytrace=False)


def unreached(page: Page) -> list[Any]:
    """What the Tab key does not reach, or reaches without a sign."""
    wanted: list[str] = page.evaluate(_REACHABLE)
    page.evaluate(_LISTEN)
    signs: dict[str, bool] = {}
    # A field may have the focus from the start, and what stands above it comes after the last.
    for _ in range(3):
        for _ in range(len(wanted) + 4 * page.locator("[type=date]").count() + 1):
            page.keyboard.press("Tab")
        signs = page.evaluate("window.stops")
        if len(signs) == len(wanted) and all(signs.values()):
            break
    places = {str(index): html for index, html in enumerate(wanted)}
    return [f"not reached: {html}" for place, html in places.items() if place not in signs] + [
        f"no sign of the focus: {places[place]}" for place, drawn in signs.items() if not drawn
    ]
