"""The board on a phone without JavaScript: a thumb settles what is red."""

from __future__ import annotations

from pathlib import Path

from hub.web.live import Changes
from tests.chromium import chromium, needs_chromium
from tests.hub.house import BASILE, MILAN
from tests.web.registration_world import NUMBER, morning_of
from tests.web.serving import served

pytestmark = needs_chromium
THUMB = 44
"""Least height of what a thumb must hit, CSS pixels."""


def test_a_thumb_sends_again_and_withdraws_without_javascript(tmp_path: Path) -> None:
    with morning_of(tmp_path) as morning:
        morning.tap(MILAN)
        morning.tap(BASILE)
        refused, registered = morning.reference("Aarts"), morning.reference("Gillard")
        morning.step(refused, "sending", "refused")
        morning.step(registered, "sending", "registered", number=NUMBER)
        with served(morning.app, Changes()) as port, chromium() as browser:
            context = browser.new_context(
                java_script_enabled=False, viewport={"width": 360, "height": 740}, locale="en-US"
            )
            page = context.new_page()
            page.goto(f"http://127.0.0.1:{port}/?site=1")
            for act in page.locator("#unregistered .act").all():
                box = act.bounding_box()
                assert box is not None
                assert box["height"] >= THUMB
                assert box["x"] >= 0
                assert box["x"] + box["width"] <= 360
            page.get_by_role("button", name="Send again now").click()
            assert page.url.endswith("/?site=1&said=retried")
            assert page.get_by_text("it leaves with the next call").is_visible()
            assert morning.leaving() == [refused]
            page.goto(f"http://127.0.0.1:{port}/registrations/{registered}")
            page.get_by_label("Reason").select_option("DISEASE")
            page.get_by_role("button", name="Withdraw the registration").click()
            assert page.url.endswith("said=cancelling")
            assert morning.withdrawing() == [(NUMBER, "DISEASE")]
