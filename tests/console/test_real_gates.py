"""The page in front of the real firmware, on both interpreters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from simulator.gate import Interpreter, find_interpreter
from tests.console.gates import GatesOnly
from tests.console.serving import Events, served

pytestmark = pytest.mark.processes
NO_LIST = "NO LIST YET · CALL THE OFFICE"


@pytest.mark.parametrize(
    "interpreter", [pytest.param("micropython", marks=pytest.mark.micropython), "python"]
)
def test_badges_power_and_network(tmp_path: Path, interpreter: Interpreter) -> None:
    if interpreter == "micropython" and find_interpreter()[0] != "micropython":
        pytest.skip("no MicroPython VM for this platform")

    async def make() -> GatesOnly:
        return await GatesOnly(tmp_path, "http://127.0.0.1:9/", interpreter).start()

    with served(make) as page:
        with Events(page.port) as events:
            # The same gate answers one badge after another; without a list each is turned away.
            for card in ("1", "2"):
                reply = page.post("/tap", gate="gate-in", card=card).json()
                assert (reply["tone"], NO_LIST in reply["text"]) == ("red", True), reply
            shown: dict[str, Any] = {}

            def answered(name: str, data: dict[str, Any]) -> bool:
                """Ring and text come in one event or in two."""
                if data.get("terminal") == "gate-in":
                    shown.update(data)
                return shown.get("lamps") == "red" and "CALL THE OFFICE" in shown["lines"]

            events.until(answered)
            assert shown["ring"] == ["#fa3742"] * 12
            assert 220 in shown["sounds"]
            assert shown["display"]
        reply = page.post("/tap", gate="gate-out", card="two").json()
        assert (reply["tone"], "ONE BADGE" in reply["text"]) == ("amber", True), reply

        page.post("/network", gate="gate-in", on="0")
        with Events(page.port) as events:
            events.until(lambda _, data: "NO WIFI" in data.get("lines", ()))
        page.post("/power", gate="gate-in", on="0")
        state = page.get("/state").json()["gates"][0]
        assert (state["powered"], state["lamps"], state["display"]) == (False, "off", "")
        assert page.post("/tap", gate="gate-in", card="1").status == 409
        page.post("/power", gate="gate-in", on="1")
        with Events(page.port) as events:
            data = events.until(
                lambda _, data: data.get("terminal") == "gate-in" and (data.get("unsent") or 0) > 3
            )
            assert "kept in flash" in data["hint"]
            # The plug is still out, though the board started anew.
            assert not page.get("/state").json()["gates"][0]["network"]
            assert "NO WIFI" in page.get("/state").json()["gates"][0]["lines"]
