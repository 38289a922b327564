"""What a live page promises in a real Chromium: it resumes, rests, leaves, needs no htmx."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine

from hub.storage.engine import writing
from hub.storage.schema import company
from hub.web import drawing
from hub.web.live import Changes
from tests.chromium import chromium, honest_page, needs_chromium
from tests.web.reading import page as html_of
from tests.web.sample import add_presence, add_registration, at
from tests.web.serving import serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Request, Route

pytestmark = needs_chromium
LIVE = "**/live?**"
_LOOK_AWAY = """(hidden) => {
  Object.defineProperty(document, "hidden", {configurable: true, get: () => hidden});
  document.dispatchEvent(new Event("visibilitychange"));
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    # That the hub is away, or refuses, is said in the console too.
    with honest_page(browser, 1280, 900, ("ERR_", "htmx:", "Failed to load")) as page:
        yield page


def of_stream(request: Request) -> bool:
    """Whether it asks for a stream."""
    return "/live?" in request.url


def arrive(engine: Engine, index: int) -> None:
    """Somebody comes in."""
    with writing(engine) as connection:
        add_presence(connection, index, at("07:41:00"), at("07:41:01"))


def opened(page: Page, port: int) -> None:
    """Opens the board and waits until its stream has brought something."""
    page.goto(f"http://127.0.0.1:{port}/?lang=en")
    page.locator("#said:not(:empty)").wait_for(state="attached")


def test_a_tab_that_nobody_sees_gives_its_connection_back_and_goes_on_where_it_was(
    register: Engine, page: Page
) -> None:
    changes = Changes()
    with serving(register, changes) as port:
        opened(page, port)
        with page.expect_event("requestfailed", of_stream):
            page.evaluate(_LOOK_AWAY, True)
        arrive(register, 1)
        changes.notify()
        with page.expect_request(of_stream) as again:
            page.evaluate(_LOOK_AWAY, False)
        page.get_by_text("Achterberg").first.wait_for()
        # It says what it shows, so that the hub sends what differs.
        assert again.value.headers["last-event-id"].count(".") == len(drawing.SECTIONS) - 1
        assert page.locator("#stale").is_hidden()
        page.goto("about:blank")


def test_a_tab_that_is_hidden_while_the_hub_is_away_holds_no_connection_afterwards(
    register: Engine, page: Page
) -> None:
    with serving(register, Changes()) as port:
        opened(page, port)
    page.locator("#stale").wait_for(state="visible")
    with serving(register, Changes(), port=port):
        # Hidden as it waits to ask once more: it asks, and gives back what it got.
        with page.expect_event("requestfailed", of_stream):
            page.evaluate(_LOOK_AWAY, True)
        page.evaluate(_LOOK_AWAY, False)
        page.locator("#stale").wait_for(state="hidden")
        page.goto("about:blank")


def test_a_page_whose_first_connection_fails_tries_again(register: Engine, page: Page) -> None:
    changes = Changes()
    failing = [True, True]

    def refuse(route: Route) -> None:
        if failing:
            failing.pop()
            route.fulfill(status=503) if failing else route.abort()
        else:
            route.continue_()

    with serving(register, changes) as port:
        page.route(LIVE, refuse)
        page.goto(f"http://127.0.0.1:{port}/?lang=en")
        page.locator("#stale").wait_for(state="visible")
        page.locator("#stale").wait_for(state="hidden")
        assert failing == []
        arrive(register, 1)
        changes.notify()
        page.get_by_text("Achterberg").first.wait_for()
        page.goto("about:blank")


def test_a_silent_connection_is_called_stale_and_replaced(
    register: Engine, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawing, "BEAT_S", 0.4)  # what the page believes; the hub keeps its own
    with serving(register, Changes()) as port:
        asked: list[Request] = []
        page.on("request", lambda one: asked.append(one) if of_stream(one) else None)
        opened(page, port)
        page.locator("#stale").wait_for(state="visible")
        page.locator("#stale").wait_for(state="hidden")
        assert "last-event-id" not in asked[0].headers
        assert "last-event-id" in asked[1].headers
        page.goto("about:blank")


def test_names_stay_on_no_screen_whose_session_is_over(register: Engine, page: Page) -> None:
    with serving(register, Changes()) as port:
        opened(page, port)
        arrive(register, 1)

        def log_out(route: Route) -> None:
            if of_stream(route.request):
                route.fulfill(status=401)
            else:
                route.fulfill(status=200, content_type="text/html", body="<p>log in</p>")

        page.route(f"http://127.0.0.1:{port}/**", log_out)
        page.evaluate(_LOOK_AWAY, True)
        page.evaluate(_LOOK_AWAY, False)
        page.get_by_text("log in").wait_for()
        assert page.locator("#companies").count() == 0
        page.goto("about:blank")


def test_focus_selection_and_folds_outlive_a_section_that_changes(
    register: Engine, page: Page
) -> None:
    changes = Changes()
    for index in (1, 11):
        arrive(register, index)
    with serving(register, changes) as port:
        opened(page, port)
        page.locator("#company-1").evaluate("one => { one.open = false; window.same = one; }")
        page.evaluate("getSelection().selectAllChildren(document.querySelector('#company-1 h3'))")
        arrive(register, 2)
        changes.notify()
        page.get_by_text("3 people on site").wait_for(state="attached")
        marked = page.locator("#company-1 h3").inner_text()
        assert page.evaluate("getSelection().toString()") == marked != ""
        # Now the two change places, in a browser that forgets the focus of what it moves.
        page.evaluate("delete Element.prototype.moveBefore")
        page.locator("#company-1 summary").focus()
        with writing(register) as connection:
            connection.execute(
                company.update().where(company.c.id == 2).values(name="A name that comes first")
            )
        changes.notify()
        page.locator("#company-2 + #company-1").wait_for(state="attached")
        assert page.evaluate("document.activeElement.parentElement.id") == "company-1"
        assert page.evaluate("document.getElementById('company-1') === window.same")
        assert page.locator("#company-1[open]").count() == 0
        page.goto("about:blank")


def test_no_button_under_a_finger_becomes_that_of_somebody_else(
    register: Engine, page: Page
) -> None:
    changes = Changes()
    for index in (1, 2, 3):
        arrive(register, index)
    with serving(register, changes) as port:
        opened(page, port)
        page.evaluate(
            """() => {
              const does = (one) => one.formAction || one.href;
              window.acts = [...document.querySelectorAll(".matters button, .matters a")];
              window.meant = window.acts.map(does);
              window.changed = () => window.acts.filter((one, index) =>
                one.isConnected && does(one) !== window.meant[index]).length;
              window.gone = () => window.acts.filter((one) => !one.isConnected).length;
            }"""
        )
        before = page.locator(".matters > li").count()
        with writing(register) as connection:
            add_registration(connection, 1, "registered", "answered", at("07:41:00"))
            # The rows that stay change too: a row that looks as before is known again anyway.
            connection.execute(company.update().values(name="Renamed"))
        changes.notify()
        page.locator(".matters > li").nth(before - 1).wait_for(state="detached")
        assert page.locator(".matters button").count() == before - 1 > 0
        assert page.evaluate("window.changed()") == 0
        assert page.evaluate("window.gone()") > 0
        page.goto("about:blank")


def test_without_htmx_a_page_loads_itself_again(
    register: Engine, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = Changes()
    without: dict[str, Any] = {"vendored": lambda _name: None}
    monkeypatch.setattr(
        drawing._environment, "globals", {**drawing._environment.globals, **without}
    )
    drawing._environment.cache.clear()  # pyright: ignore[reportOptionalMemberAccess]
    try:
        with serving(register, changes) as port:
            page.clock.install()
            page.goto(f"http://127.0.0.1:{port}/?lang=en")
            assert page.locator('script[src*="vendor"]').count() == 0
            arrive(register, 1)
            changes.notify()
            with page.expect_navigation():
                page.clock.fast_forward(30_000)
            page.get_by_text("Achterberg").first.wait_for()
            page.goto("about:blank")
    finally:
        drawing._environment.cache.clear()  # pyright: ignore[reportOptionalMemberAccess]


def test_a_file_of_others_is_loaded_by_its_digest_only(register: Engine) -> None:
    html = html_of(register)
    for name in ("htmx.min.js", "hx-sse.min.js"):
        found = drawing.vendored(name)
        assert found is not None
        assert (
            f'<script src="{drawing.asset(f"vendor/{name}")}" integrity="{found.digest}">' in html
        )
