"""The live stream: everything at first, then only what differs, and an end when the page ends."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from simulator.console import server, watch
from simulator.console.drawing import lamp_colour
from simulator.console.texts import text
from simulator.gate import dark_panel
from tests.console.serving import Events, Served
from tests.console.standin import IDLE, StandInSite


def test_a_browser_gets_everything_and_then_what_differs(standin: Served[StandInSite]) -> None:
    with Events(standin.port) as events:
        first = [events.next() for _ in range(3)]
        assert [name for name, _ in first] == ["gate", "gate", "authority"]
        assert [data["terminal"] for _, data in first[:2]] == ["gate-in", "gate-out"]
        whole = first[0][1]
        assert {"ring", "display", "lines", "arm", "powered", "hint", "spoken"} <= set(whole)
        gate = standin.site.gates["gate-out"]
        standin.run(gate.show(gate.panel | {"arm": "open"}))
        name, news = events.next()
        assert (name, news["terminal"], news["arm"]) == ("gate", "gate-out", "open")
        assert set(news) == {"terminal", "arm", "spoken"}


def test_changes_that_come_together_are_one_event(standin: Served[StandInSite]) -> None:
    gate = standin.site.gates["gate-in"]

    async def breathe() -> None:
        for level in range(200):
            await gate.show(gate.panel | {"ring": [[0, level, 0]] * 12})
            await asyncio.sleep(0)  # the stream has its chance each time

    with Events(standin.port) as events:
        for _ in range(3):
            events.next()
        standin.run(breathe())
        seen = 1
        while events.next()[1]["ring"][0] != lamp_colour(gate.panel["ring"][0]):
            seen += 1
        assert seen < 20


def test_the_stream_follows_taps_switches_and_the_authority(standin: Served[StandInSite]) -> None:
    with Events(standin.port, "nl") as events:
        standin.post("/tap", gate="gate-in", card="1")
        events.until(lambda _, data: data.get("arm") == "open")
        standin.post("/power", gate="gate-out", on="0")
        data = events.until(lambda _, data: data.get("powered") is False)
        assert data["hint"] == text("hint_off", "nl")
        standin.post("/network", gate="gate-in", on="0")
        events.until(lambda _, data: data.get("network") is False)


def test_a_gate_that_ends_by_itself_is_seen_at_the_next_beat(
    standin: Served[StandInSite], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "BEAT_S", 0.05)
    with Events(standin.port) as events:
        events.until(lambda name, _: name == "beat")
        standin.site.gates["gate-in"].powered = False  # and nobody calls back
        events.until(lambda _, data: data.get("powered") is False)


def test_the_hint_never_says_more_than_the_display(standin: Served[StandInSite]) -> None:
    def hint() -> str:
        return standin.get("/state?lang=en").json()["gates"][0]["hint"]

    gate = standin.site.gates["gate-in"]
    assert hint() == text("hint_sent", "en")
    standin.run(gate.show(dark_panel() | {"lines": [*IDLE[:2], "OFFLINE - OK 3", "TE ZENDEN 3"]}))
    assert hint() == text("hint_unsent", "en", count=3)
    # While the gate shows an answer, nobody can say where that tap is.
    standin.run(gate.show(dark_panel() | {"lines": ["GOEDEDAG", "BEWAARD", "> IN"]}))
    assert hint() == text("hint_see", "en")


def test_too_many_browsers_are_sent_away_and_a_place_comes_free(
    standin: Served[StandInSite], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "STREAMS_MAX", 1)
    with Events(standin.port) as events:
        events.next()
        assert standin.get("/events").status == 503
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        with Events(standin.port) as events:
            if events.response.status == 200:
                break
    assert events.response.status == 200


def end(standin: Served[StandInSite]) -> float:
    """Stops the page, twice; returns how many seconds it took."""

    async def stop() -> float:
        clock = asyncio.get_running_loop().time
        began = clock()
        await standin.server.stop()
        await standin.server.stop()
        return clock() - began

    return standin.run(stop())


def test_the_end_of_the_page_ends_its_streams(standin: Served[StandInSite]) -> None:
    with Events(standin.port) as events:
        events.next()
        assert end(standin) < 2 < server.GRACE_S
        while events.response.readline():
            continue
    assert standin.site.gates["gate-in"].callbacks == []


def test_the_end_of_the_page_waits_for_who_stands_at_a_gate(
    standin: Served[StandInSite],
) -> None:
    gate = standin.site.gates["gate-in"]
    gate.held.clear()
    replies: list[int] = []

    def tap() -> None:
        replies.append(standin.post("/tap", gate="gate-in", card="1").status)

    person = threading.Thread(target=tap)
    person.start()
    standin.run(asyncio.wait_for(gate.presented.wait(), 5))
    assert end(standin) < server.GRACE_S
    person.join(5)
    assert replies == [409]
    assert standin.site.diary[-1] == "gate-in - 04a1b2c3d4e501"
