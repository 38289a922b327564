"""The page of the balance says what is open and what to do, and shows no person."""

from __future__ import annotations

from collections.abc import Iterator
from html import unescape
from typing import TYPE_CHECKING

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, insert

from hub.i18n import LANGUAGES, text
from hub.storage.balance import Books
from hub.storage.engine import writing
from hub.storage.incidents import add_incident
from hub.storage.schema import gap, presence, reconcile_difference, reconcile_run, registration, tap
from hub.web.live import Changes
from tests.chromium import chromium, honest_page, needs_chromium
from tests.web.moments import DAY, NOW, YESTERDAY, at
from tests.web.reading import Outline, client_of, plain
from tests.web.sample import PEOPLE, PERSON_NUMBERS, WORKS
from tests.web.serving import World, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture
def morning(morning: Engine) -> Engine:
    """The sample morning: its taps were written by hand, so the books of the taps do not balance;
    one difference with the authority, one incident of the night."""
    with writing(morning) as connection:
        add_incident(connection, at("02:31:00"), "HUB-1361", None, "1 2026-11-22 lost=4")
        connection.execute(
            insert(gap).values(stream_id=1, first_seq=500, last_seq=503, noticed_ms=NOW)
        )
        connection.execute(
            insert(reconcile_run).values(
                id=1, at_ms=at("02:30:10"), works_number=WORKS, day=DAY, regime="day",
                actor="nightly", rows=25, failed="",
            )
        )  # fmt: skip
        for kind, explained in (("stranger", 1), ("double", 0)):
            connection.execute(
                insert(reconcile_difference).values(
                    run_id=1, kind=kind, explained=explained, detail=""
                )
            )
    return morning


def client(engine: Engine) -> TestClient:
    return client_of(engine, balance=Books(engine))


def page(engine: Engine, query: str = "?lang=en") -> str:
    answer = client(engine).get(f"/balance{query}")
    assert answer.status_code == 200
    return answer.text


def test_the_page_tells_what_is_open_and_every_column(morning: Engine) -> None:
    html = page(morning)
    Outline(html)
    read = unescape(plain(html))
    for part in (
        "Werf Zandvoorde-Kaai The books do not balance",
        "Taps that are not processed exactly once: 36.",
        "Records that exist at the gate no more: 4.",
        "People seen without a registration and without a reason: 1.",
        "Total 30 Registered 23 Registered, with remarks 1 On its way 3 Explained 2",
        "on hold: The person's INSS number (with the company) or Limosa number is missing. 1",
        "As of 23 November 2026 02:30:10",
        "The same person has two registrations for the same thing. Cancel this number",
        "23 November 2026 02:31:00 HUB-1361 The books of a day do not balance.",
    ):
        assert part in read, part


def test_books_that_balance_say_so(register: Engine) -> None:
    assert "So far the books balance; the day goes on" in page(register)
    assert "The books balance" in page(register, f"?lang=en&day={YESTERDAY}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_speaks_four_languages(morning: Engine, language: str) -> None:
    html = page(morning, f"?lang={language}")
    assert f'<html lang="{language}">' in html
    read = unescape(plain(html)).replace("\u00a0", " ")
    assert text("balance.no", language) in read
    assert text("balance.point.lost", language, count=4) in read


def test_it_shows_nobody(morning: Engine) -> None:
    answer = client(morning).get("/balance.json")
    for told in (page(morning), answer.text):
        for secret in (*PERSON_NUMBERS, *(family for _, family, *_ in PEOPLE)):
            assert secret not in told


def test_the_same_for_scripts(morning: Engine) -> None:
    told = client(morning).get(f"/balance.json?day={DAY}").json()
    assert (told["day"], told["balances"], told["as_of_ms"]) == (DAY, False, NOW)
    (books,) = told["sites"]
    assert books["presences"]["total"] == 30
    assert {point["point"] for point in books["open_points"]} == {
        "taps_missing",
        "lost",
        "presences_unexplained",
        "differences",
    }


def test_addresses_that_mean_nothing(morning: Engine) -> None:
    with client(morning) as browser:
        for path in ("/balance", "/balance.json"):
            for day in ("yesterday", "2026-02-30", "20261123", "1999-01-01", "2026-11-25"):
                assert browser.get(f"{path}?day={day}").status_code == 400
            assert browser.get(f"{path}?site=99").status_code == 404
            assert browser.get(f"{path}?site=1&day={YESTERDAY}").status_code == 200
        assert browser.get("/balance.json?site=99").json() == {"status": "failed", "code": 404}
        assert browser.head("/balance").status_code == 200


def test_the_dashboard_leads_there_and_says_when_it_should_be_looked_at(morning: Engine) -> None:
    board = client(morning).get("/?lang=en").text
    assert 'href="/balance"' in board
    assert "The books of a day do not balance." in unescape(board)
    assert client_of(morning).get("/balance").status_code == 404


def test_the_language_is_remembered(morning: Engine) -> None:
    with client(morning) as browser:
        browser.get("/balance?lang=de")
        assert '<html lang="de">' in browser.get("/balance").text


def test_a_hub_without_a_site(engine: Engine) -> None:
    assert "This hub knows no site yet." in page(engine)


def test_a_day_without_anything_left_has_no_list(register: Engine) -> None:
    html = page(register)
    assert 'class="points"' not in html
    with writing(register) as connection:
        for table in (tap, presence, registration):
            connection.execute(table.delete())
    assert 'class="points"' not in page(register)


# ---------------------------------------------------------------- in a browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def screen(browser: Browser) -> Iterator[Page]:
    with honest_page(browser, 1280, 900, ()) as page:
        yield page


class TestInABrowser:
    pytestmark = needs_chromium

    @pytest.mark.parametrize("width", [320, 360, 820, 1280])
    def test_nothing_is_wider_than_the_screen(
        self, morning: Engine, screen: Page, width: int
    ) -> None:
        screen.set_viewport_size({"width": width, "height": 844})
        with serving(morning, Changes(), World(balance=Books(morning))) as port:
            for language in LANGUAGES:
                screen.goto(f"http://127.0.0.1:{port}/balance?lang={language}")
                assert screen.evaluate("document.documentElement.scrollWidth") <= width

    def test_one_goes_from_the_dashboard_to_yesterday_and_back(
        self, morning: Engine, screen: Page
    ) -> None:
        with serving(morning, Changes(), World(balance=Books(morning))) as port:
            screen.goto(f"http://127.0.0.1:{port}/?lang=en")
            screen.get_by_role("link", name="Balance", exact=True).click()
            screen.get_by_role("link", name="Day before").click()
            assert screen.locator(".days h2").inner_text() == "Sunday 22 November 2026"
            screen.get_by_role("link", name="Today").click()
            assert screen.get_by_text("The books do not balance").is_visible()
            screen.get_by_role("link", name="Site", exact=True).click()
            assert screen.locator(".count-number").is_visible()
            screen.goto("about:blank")
