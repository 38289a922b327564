"""The roll call in a real Chromium: by keyboard, on a phone, without script, without network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fastapi import FastAPI

from hub.i18n import LANGUAGES
from tests.chromium import chromium, honest_page, needs_chromium
from tests.hub.roll_call_site import token
from tests.web.serving import served
from tests.web.test_accessible import faults_of, unreached
from tests.web.test_roll_call import PEOPLE, Room, room_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = needs_chromium
UNFOLD = 'document.querySelectorAll("details").forEach((one) => { one.open = true; })'


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    with room_of(tmp_path) as room:
        yield room


def app_of(room: Room) -> FastAPI:
    """What is served."""
    assert isinstance(room.client.app, FastAPI)
    return room.client.app


def test_nothing_is_in_the_way_of_anybody_while_people_are_ticked(
    room: Room, browser: Browser
) -> None:
    handle = room.start()
    for key in (1, 4):
        room.post("tick", call=handle, present=token(key))
    room.post("tick", call=handle, missing=token(2))
    room.store.now_ms += 5_000  # ticks wait: the warning is there too
    faults: list[str] = []
    with served(app_of(room), room.changes) as port:
        for language in LANGUAGES:
            with honest_page(browser, 360, 740, (), language) as page:
                page.goto(f"http://127.0.0.1:{port}/roll-call?site=1")
                page.evaluate(UNFOLD)
                if page.evaluate("document.documentElement.scrollWidth") > 360:
                    faults.append(f"{language}: wider than a phone")
                if language in ("nl", "en"):  # dark on a phone, light on a desk
                    faults += [f"{language} {one}" for one in faults_of(page, language)]
                if language == "nl":
                    faults += [str(one) for one in unreached(page)]
    assert faults == []


def test_a_tick_stays_on_a_phone_that_lost_the_network_until_it_is_back(
    room: Room, browser: Browser
) -> None:
    room.start()
    with (
        served(app_of(room), room.changes) as port,
        honest_page(browser, 360, 740, ("Failed to load resource",)) as page,
    ):
        page.goto(f"http://127.0.0.1:{port}/roll-call?site=1&lang=en")
        page.route("**/roll-call/tick", lambda route: route.abort())
        box = page.locator(f"#p-{token(1)} button.box")
        box.click()
        page.get_by_text("this phone does not reach the hub").wait_for()
        assert "going" in (box.get_attribute("class") or "")
        assert page.locator(".count-number").inner_text() == str(PEOPLE)
        # What is ticked meanwhile comes after it.
        page.locator(f"#p-{token(2)} button.box").click()
        page.locator(f"#p-{token(3)} button.box").click()
        page.unroute("**/roll-call/tick")
        page.locator(".count-number", has_text=str(PEOPLE - 3)).wait_for()
        assert page.locator("#unsent").is_hidden()
        assert page.locator(f"#p-{token(1)}").count() == 1
        page.goto("about:blank")


def test_another_phone_is_told_at_once_and_a_new_roll_call_is_a_new_page(
    room: Room, browser: Browser
) -> None:
    handle = room.start()
    with (
        served(app_of(room), room.changes) as port,
        honest_page(browser, 1280, 900, ()) as page,
    ):
        page.goto(f"http://127.0.0.1:{port}/roll-call?site=1&lang=en")
        page.locator("#said:not(:empty)").wait_for(state="attached")
        room.post("tick", call=handle, present=token(3))
        room.changes.notify()
        page.get_by_text(f"1 of {PEOPLE} found").wait_for()
        assert page.locator("#said").inner_text() == f"{PEOPLE - 1} still to find, 1 found"
        room.post("end", call=handle)
        room.changes.notify()
        page.get_by_role("button", name="Start a roll call").wait_for()
        assert page.locator("button.box").count() == 0
        page.goto("about:blank")


def test_without_a_script_each_tick_is_a_form(room: Room, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False, locale="nl-BE")
    with served(app_of(room), room.changes) as port:
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{port}/roll-call?site=1")
        page.get_by_role("button", name="Appel beginnen").click()
        for key in (1, 2):
            page.locator(f"#p-{token(key)} button.box").click()
        assert page.locator(".count-number").inner_text() == str(PEOPLE - 2)
        page.locator(f"#p-{token(3)} button.aside").click()
        assert page.get_by_text("vermist gemeld door Gus").is_visible()
        page.locator("details.ending summary").click()
        page.get_by_role("button", name="Appel beëindigen").click()
        assert page.get_by_text("Laatste appel").is_visible()
    context.close()
