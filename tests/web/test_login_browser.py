"""The first minutes of a hub in a real Chromium: link, password, second factor, login."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from pyotp.totp import TOTP

from hub.domain.rights import Role
from hub.storage.accounts import set_up_link
from hub.storage.links import Purpose
from tests.chromium import chromium, honest_page, needs_chromium
from tests.web.serving import served
from tests.web.whole_hub import HOUR_MS, PASSWORD, WholeHub

pytestmark = needs_chromium


def test_from_the_set_up_link_to_a_login_with_a_code(hub: WholeHub) -> None:
    vault, until = hub.office.vault, hub.now_ms + HOUR_MS
    secret = hub.write(lambda connection: set_up_link(connection, vault, hub.now_ms, until))
    with (
        served(hub.app, hub.changes) as port,
        chromium() as browser,
        honest_page(browser, 1280, 900, ()) as page,
    ):
        base = f"http://127.0.0.1:{port}"
        page.goto(f"{base}/link/{secret}?lang=en")
        page.get_by_label("Login").fill("ada")
        page.get_by_label("Your name").fill("Ada Claes")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_label("Once more").fill(PASSWORD)
        page.get_by_role("button", name="Make the account").click()
        page.get_by_role("link", name="Turn on").click()
        assert page.locator("svg.qr").bounding_box()["width"] > 150  # pyright: ignore
        address = page.get_by_role("link", name="The app is on this device").get_attribute("href")
        assert address is not None
        totp = TOTP(parse_qs(urlsplit(address).query)["secret"][0])
        step = hub.now_ms // 30_000
        page.get_by_label("Six-digit code").fill(totp.generate_otp(step))
        page.get_by_role("button", name="Turn on").click()
        page.get_by_text("The second check is on.").wait_for()
        page.get_by_role("button", name="Log out").click()
        page.get_by_text("You are logged out.").wait_for()
        page.goto(f"{base}/accounts")
        page.get_by_label("Login").fill("ada")
        page.get_by_label("Password").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.get_by_label("Six-digit code").fill(totp.generate_otp(step + 1))
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Accounts").wait_for()
        assert page.url == f"{base}/accounts"


@pytest.mark.parametrize("width", [360, 1280])
def test_no_page_of_accounts_is_wider_than_the_screen(hub: WholeHub, width: int) -> None:
    hub.add("ada", Role.ADMINISTRATOR)
    hub.add("a.rather.long.login.of.somebody@a-rather-long-company.example", Role.CONTRACTOR)
    invitation = hub.link(
        "a.rather.long.login.of.somebody@a-rather-long-company.example", Purpose.INVITATION
    )
    with (
        served(hub.app, hub.changes) as port,
        chromium() as browser,
        honest_page(browser, width, 844, ()) as page,
    ):
        base = f"http://127.0.0.1:{port}"
        for path in ("/login", invitation):
            for language in ("fr", "de"):
                page.goto(f"{base}{path}?lang={language}")
                assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        page.goto(base + hub.link("ada"))
        page.locator("button.main").click()
        for path in ("/account", "/account/second", "/accounts", "/accounts/new"):
            for language in ("fr", "de"):
                page.goto(f"{base}{path}?lang={language}")
                assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        page.goto(f"{base}/accounts")
        page.locator("table a").first.click()
        page.locator("form[action$='/link'] button").click()
        page.locator(".message").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
