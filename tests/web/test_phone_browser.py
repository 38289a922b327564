"""A phone in a real Chromium: the network goes, somebody comes in, the network comes back."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from hub.storage.engine import reading
from hub.storage.phones import make_code
from hub.storage.schema import unbadged_act
from tests.chromium import chromium, honest_page, needs_chromium
from tests.web.phone_world import MILAN, NUMBER, phone_world, registered, site_handle
from tests.web.serving import served
from tests.web.test_accessible import faults_of
from tests.web.whole_hub import WholeHub

pytestmark = needs_chromium
OFFLINE = ("ERR_INTERNET_DISCONNECTED", "ERR_FAILED", "Failed to load resource")


def acts(hub: WholeHub) -> list[str]:
    """The names of the acts that the hub holds."""
    with reading(hub.engine) as connection:
        return list(connection.execute(select(unbadged_act.c.reference)).scalars())


def test_an_act_without_a_network_is_kept_and_arrives_once(tmp_path: Path) -> None:
    with (
        phone_world(tmp_path) as hub,
        served(hub.app, hub.changes) as port,
        chromium() as browser,
        honest_page(browser, 360, 740, OFFLINE, "fr") as page,
    ):
        here = f"http://127.0.0.1:{port}/phone/{site_handle(hub)}"
        hub.now_ms = page.evaluate("Date.now()")
        code = hub.write(
            lambda connection: make_code(connection, hub.office.vault, MILAN, "command", hub.now_ms)
        )
        page.goto(f"{here}?lang=fr")
        page.get_by_label("Code personnel").fill(code.lower())
        page.get_by_role("button", name="Continuer").click()
        page.locator("html[data-ready]").wait_for()
        assert faults_of(page, "fr") == []
        page.wait_for_function("navigator.serviceWorker.controller !== null")

        page.context.set_offline(True)
        page.get_by_role("button", name="J'entre").click()
        kept = page.locator("#p-kept li")
        kept.get_by_text("Gardé sur ce téléphone").wait_for()
        assert not page.locator("#p-act").is_visible()
        assert acts(hub) == []
        # Opened again without a network it is still there, on a page that holds nothing of anybody.
        page.reload()
        page.locator("#p-offline").wait_for()
        kept.get_by_text("Gardé sur ce téléphone").wait_for()
        assert "Milan" not in page.content()
        assert faults_of(page, "fr") == []
        stored = page.evaluate("phoneStore.all()")
        assert [sorted(one) for one in stored] == [["at", "reference", "site", "way"]]

        hub.now_ms = page.evaluate("Date.now()")
        page.context.set_offline(False)
        page.locator("#p-act").get_by_text("Gardé au hub").wait_for()
        assert not kept.first.is_visible()
        assert acts(hub) == [stored[0]["reference"]]
        assert page.evaluate("phoneStore.all()") == []
        registered(hub)
        page.get_by_text(f"Enregistré, numéro {NUMBER}").first.wait_for()
        assert not page.get_by_text("Gardé au hub").is_visible()
        page.reload()
        page.get_by_text(f"Enregistré, numéro {NUMBER}").first.wait_for()
        assert acts(hub) == [stored[0]["reference"]]
