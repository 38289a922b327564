"""Passkeys and a login elsewhere in a real Chromium: scripts, policies and cookies as they are."""

from __future__ import annotations

import socket
from pathlib import Path

from hub.domain.rights import Role
from hub.settings import AccessSettings, OidcSettings, Settings
from hub.storage.links import Purpose
from hub.web.live import Changes
from simulator.identity.app import identity_app
from simulator.identity.provider import Client, IdentityProvider
from tests.chromium import chromium, honest_page, needs_chromium
from tests.web.serving import served
from tests.web.whole_hub import NOON_MS, PASSWORD, whole_hub

pytestmark = needs_chromium
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def free_port() -> int:
    """A port that nobody listens on: the hub's address is a setting, and known before it runs."""
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def test_a_passkey_is_made_and_used_and_a_stranger_is_told_to_take_the_password(
    tmp_path: Path,
) -> None:
    port = free_port()
    base = f"http://localhost:{port}"
    settings = Settings(data=tmp_path / "hub", access=AccessSettings(public_url=base))
    with (
        whole_hub(tmp_path / "hub", settings) as hub,
        served(hub.app, hub.changes, port),
        chromium() as browser,
        honest_page(browser, 390, 844, (f"asked {base}/",)) as page,
    ):
        hub.add("ada", Role.ADMINISTRATOR)
        tools = page.context.new_cdp_session(page)
        tools.send("WebAuthn.enable")
        device = tools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
        page.goto(base + hub.link("ada") + "?lang=en")
        page.locator("button.main").click()
        page.goto(f"{base}/account")
        page.get_by_label("Name of the passkey").fill("my laptop")
        section = page.locator("section[aria-labelledby=passkeys]")
        section.get_by_label("Current password").fill(PASSWORD)
        section.get_by_role("button", name="Add a passkey").click()
        page.get_by_role("button", name="Make the passkey").click()
        page.get_by_text("Passkey added.").wait_for()
        page.get_by_text("my laptop").wait_for()
        page.get_by_role("button", name="Log out").click()
        page.goto(f"{base}/accounts")
        page.get_by_role("button", name="With a passkey").click()
        page.get_by_role("heading", name="Accounts").wait_for()
        assert page.url == f"{base}/accounts"
        # A device that has none: the browser says so, and the page what to do.
        page.get_by_role("button", name="Log out").click()
        tools.send("WebAuthn.clearCredentials", {"authenticatorId": device["authenticatorId"]})
        page.get_by_role("button", name="With a passkey").click()
        page.get_by_text("No passkey was used").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert page.evaluate("document.activeElement.hasAttribute('data-failed')")


def test_an_invitation_is_linked_at_the_provider_and_its_button_lets_in(tmp_path: Path) -> None:
    """The policy of the pages lets no form go elsewhere; the way there is a page's."""
    provider = IdentityProvider("", Client("hub"), lambda: NOON_MS)
    with served(identity_app(provider), Changes()) as port, chromium() as browser:
        provider.issuer = f"http://127.0.0.1:{port}"
        oidc = OidcSettings(issuer=provider.issuer, client_id="hub", label="Staf ID")
        with (
            whole_hub(tmp_path / "hub", Settings(data=tmp_path / "hub", oidc=oidc)) as hub,
            served(hub.app, hub.changes) as own,
            honest_page(browser, 1280, 900, ("favicon", "404", "400 (Bad Request)")) as page,
        ):
            base = f"http://127.0.0.1:{own}"
            hub.add("ada", Role.ADMINISTRATOR)
            page.goto(f"{base}{hub.link('ada', Purpose.INVITATION)}?lang=nl")
            page.get_by_role("button", name="Staf ID gebruiken").click()
            page.get_by_role("button", name="An Voorbeeld").click()
            page.get_by_text("Welkom.").wait_for()
            page.get_by_role("button", name="Afmelden").click()
            page.get_by_role("button", name="Met Staf ID").click()
            page.get_by_role("button", name="Refuse").click()
            page.get_by_text("HUB-1736").wait_for()
            page.get_by_role("button", name="Met Staf ID").click()
            page.get_by_role("button", name="An Voorbeeld").click()
            page.locator("nav.rooms, .rooms").first.wait_for()
            assert page.url == f"{base}/"
