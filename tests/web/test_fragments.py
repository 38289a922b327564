"""Lists in a real Chromium: pages and choices come in place, and leave when something hinders."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Connection, insert, select

from hub.domain.rights import Role
from hub.storage.schema import company, person
from tests.chromium import chromium, honest_page, needs_chromium
from tests.web.serving import served
from tests.web.whole_hub import FIRST_COMPANY, WholeHub, whole_hub

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = needs_chromium
CROWD = 60
"""A list shows fifty on a page."""


def crowd(connection: Connection) -> None:
    """Sixty people, called Aa00 to Aa59, so that they come first."""
    first = select(company.c.id).where(company.c.number == FIRST_COMPANY)
    key = connection.execute(first).scalar_one()
    connection.execute(
        insert(person),
        [
            {
                "token": f"crowd{number}", "family_name": f"Aa{number:02}", "given_name": "Wim",
                "company_id": key, "works_number": "1Y19FAKE001AZ", "language": "nl",
            }
            for number in range(CROWD)
        ],
    )  # fmt: skip


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeHub]:
    with whole_hub(tmp_path_factory.mktemp("fragments") / "hub") as hub:
        hub.write(crowd)
        hub.add("ada", Role.ADMINISTRATOR)
        yield hub


@pytest.fixture(scope="module")
def port(hub: WholeHub) -> Iterator[int]:
    with served(hub.app, hub.changes) as port:
        yield port


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(hub: WholeHub, port: int, browser: Browser) -> Iterator[Page]:
    """The list of people, marked so that a page that was left is known."""
    with honest_page(browser, 1280, 900, ("Failed to load", "htmx:error")) as page:
        cookie = hub.logged_in("ada").cookies["sitegate_session"]
        url = f"http://127.0.0.1:{port}"
        page.context.add_cookies([{"name": "sitegate_session", "value": cookie, "url": url}])
        page.goto(f"{url}/people")
        page.evaluate("window.untouched = true")
        yield page


def untouched(page: Page) -> bool:
    """Whether it is still the document that was opened."""
    return page.evaluate("window.untouched === true")


def test_a_further_page_comes_in_place_and_back_is_the_one_before(page: Page) -> None:
    page.get_by_role("link", name="Next").click()
    page.get_by_text("Aa59").wait_for()
    assert untouched(page)
    assert page.get_by_text("Aa00").count() == 0
    assert page.url.endswith("/people?page=2")
    # Where reading goes on, by eye and by ear, and what changes the language of this very page.
    assert page.evaluate("document.activeElement.className") == "scroll"
    assert "page=2" in (page.locator("#languages a").first.get_attribute("href") or "")
    page.go_back()
    page.get_by_text("Aa00").wait_for()
    assert page.url.endswith("/people")


def test_a_search_comes_in_place_and_stands_in_no_address(page: Page) -> None:
    page.get_by_role("searchbox").fill("Aa42")
    page.get_by_role("button", name="Show").click()
    page.get_by_text("Aa00").wait_for(state="detached")
    assert page.get_by_text("Aa42").is_visible()
    assert untouched(page)
    assert "42" not in page.url.partition("/people")[2]
    assert page.locator('input[name="search"]').first.input_value() == "Aa42"


def test_who_is_logged_out_is_led_to_the_login_and_not_into_the_list(page: Page) -> None:
    page.context.clear_cookies()
    page.get_by_role("link", name="Next").click()
    page.wait_for_url("**/login**")
    assert page.get_by_text("Aa00").count() == 0
    assert not untouched(page)


def test_what_cannot_be_put_in_place_is_opened(page: Page) -> None:
    page.route("**/people?page=2", lambda route: route.abort(), times=1)
    page.get_by_role("link", name="Next").click()
    page.get_by_text("Aa59").wait_for()
    assert not untouched(page)
    page.evaluate("window.untouched = true")
    body = "<!doctype html><title>no</title><p>Nothing here</p>"
    page.route(
        "**/people?page=1",
        lambda route: route.fulfill(status=404, content_type="text/html", body=body),
    )
    page.get_by_role("link", name="Previous").click()
    page.get_by_text("Nothing here").wait_for()
    assert not untouched(page)
    # A form that the network swallows is sent by the browser itself, with what was typed.
    page.go_back()
    page.get_by_text("Aa59").wait_for()
    page.route("**/people", lambda route: route.abort(), times=1)
    page.get_by_role("searchbox").fill("Aa41")
    page.get_by_role("button", name="Show").click()
    page.get_by_text("Aa41").wait_for()
    assert page.get_by_text("Aa59").count() == 0
