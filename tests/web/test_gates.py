"""The tiles of the gates: alarms first, then what a supervisor asks for, and the rest folded."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import Engine

from hub.application.overview import GateStatus
from hub.i18n import LANGUAGES
from hub.storage.engine import writing
from protocol import faults
from protocol.messages import ALARM_JOURNAL, ALARM_UPDATE_TRIAL
from protocol.record import KIND_BOOT, KIND_FAULT, KIND_ROSTER, QUALITY_HUB
from tests.web.reading import Outline, client_of, page, plain
from tests.web.sample import NOW, YESTERDAY, at
from tests.web.sample_gates import FIRMWARE, add_event, add_trouble, health, troubled_gates


@pytest.fixture
def trouble(morning: Engine) -> Engine:
    """The sample morning on a bad day."""
    with writing(morning) as connection:
        add_trouble(connection)
    return morning


def tile_of(html: str, name: str) -> str:
    """The HTML of one gate's tile."""
    (found,) = [one for one in re.findall(r"<article.*?</article>", html, re.S) if name in one]
    return found


def one_gate(**more: object) -> list[GateStatus]:
    """A gate in contact, as it says it is."""
    return [
        GateStatus("gate-north", "Poort Noord", "in", True, NOW, 0, QUALITY_HUB, 41, True, **more)  # pyright: ignore[reportArgumentType]
    ]


def test_alarms_come_first_each_with_its_time_and_what_to_do(trouble: Engine) -> None:
    html = tile_of(page(trouble, gates=troubled_gates), "Poort Noord")
    text = plain(html)
    order = [
        text.index(words)
        for words in (
            "Box open 07:38:49 If it is not the installer, go and look at once.",
            "Forced passage 2 times, last at 07:14:02",
            "Find out who went through",
            "The display does not answer",
            "New firmware on trial",
            "The clock chip had stopped: its battery is empty or missing. 07:02:00",
            "last seen 07:42:08",
            "went through today 18",
            "Details and",
            "signal weak (-79 dBm)",
        )
    ]
    assert order == sorted(order)
    assert 'class="tile action"' in html


def test_gates_that_need_somebody_are_named_at_the_top_of_the_page(trouble: Engine) -> None:
    html = page(trouble, gates=troubled_gates)
    (headline,) = re.findall(r'<section id="headline".*?</section>', html, re.S)
    text = plain(headline)
    for words in (
        "Poort Kaai The reader does not answer +1",
        "Poort Noord Box open +3",
        "Uitgang Loods Memory was reset",
    ):
        assert words in text
    assert headline.count('href="#gates"') == 3


def test_no_alarm_is_told_by_colour_alone(trouble: Engine) -> None:
    html = tile_of(page(trouble, gates=troubled_gates), "Poort Noord")
    (alarms,) = re.findall(r'<ul class="alarms">(.*?)</ul>', html, re.S)
    shapes = re.findall(r'href="#(s-\w+)"', alarms)
    assert shapes == ["s-lid", "s-forced", "s-warning", "s-due"]
    assert alarms.count("<strong>") == len(shapes)


def test_a_wiped_memory_is_an_alarm_with_its_code(trouble: Engine) -> None:
    text = plain(tile_of(page(trouble, gates=troubled_gates), "Uitgang Loods"))
    assert "Memory was reset 06:05:00 Taps that were not sent yet may be gone (HUB-1206)." in text
    assert "incidents today 1 HUB-1206" in text
    assert "HUB-1206 The memory of a gate was reset and begun anew." in text
    assert "Fault no. 99 (5) of newer firmware." in text


def test_a_gate_that_lets_nobody_in_is_not_said_to_go_on_alone(trouble: Engine) -> None:
    html = page(trouble, gates=troubled_gates)
    kaai = plain(tile_of(html, "Poort Kaai"))
    assert "offline" in kaai
    assert "The reader does not answer 07:15:33" in kaai
    assert "Memory full: taps are refused" in kaai
    assert "It goes on alone" not in kaai
    # It has ended: among the events, and no alarm.
    assert "Supply too low, 4,31 V at the lowest" in kaai
    assert "Check plug, cable and power supply" not in kaai
    assert "turnstile.open_ms" in kaai
    # Gates that need somebody come before the others.
    names = re.findall(r"<h3>([^<]+) <span", html[html.index('id="gates"') :])
    assert names[:3] == ["Poort Kaai", "Poort Noord", "Uitgang Loods"]


def test_an_ordinary_day_shows_no_alarm_and_folds_the_rest(morning: Engine) -> None:
    html = tile_of(page(morning), "Poort Noord")
    assert 'class="tile calm"' in html
    assert "alarms" not in html
    assert "calls" not in page(morning)
    unfolded, folded = html.split("<details", 1)
    assert "<details" not in unfolded
    assert "open" not in folded.partition(">")[0]
    text = plain(folded)
    assert "Details and 3 events of today" in text
    assert "nobody went through in time. 2 times, last at 07:01:20" in text
    assert "Another list of badges decides: version 41. 05:58:40" in text
    assert "Started (no. 41). 05:58:12" in text
    for words in (
        "signal good (-61 dBm)", "supply 4,93 V", "temperature 21,4 °C", "firmware 0.9.1",
        "running for 1 h 43 min", "parts restarted 0", "memory for taps 3 % used",
        "flash free 597 kB", "state reported at 07:42:02",
    ):  # fmt: skip
        assert words in text, words


def test_what_is_not_urgent_does_not_make_a_tile_red(register: Engine) -> None:
    def look(alarms: int) -> str:
        gates = one_gate(health=health(alarms=alarms), firmware=FIRMWARE, health_ms=NOW)
        return tile_of(page(register, gates=lambda: gates), "Poort Noord")

    assert 'class="tile calm"' in look(0)
    assert 'class="tile calm"' in look(ALARM_UPDATE_TRIAL)
    nearly_full = look(ALARM_JOURNAL)
    assert 'class="tile waiting"' in nearly_full
    assert "tone-action" not in nearly_full


def test_a_gate_that_told_nothing_says_so(register: Engine) -> None:
    text = plain(tile_of(page(register, gates=one_gate), "Poort Noord"))
    assert "No event today." in text
    assert "The gate has not said yet how it is." in text
    silent = plain(tile_of(page(register, gates=list), "Poort Noord"))
    assert "not heard yet Nothing came from it since the hub runs." in silent


def test_events_of_the_night_are_dated_and_those_of_yesterday_are_gone(register: Engine) -> None:
    night = at("23:10:00", YESTERDAY)
    with writing(register) as connection:
        add_event(connection, 1, KIND_FAULT, faults.WATCHDOG, night, 7, received_ms=night)
        add_event(connection, 2, KIND_BOOT, 0, night, 8, received_ms=at("06:01:00"))
    text = plain(tile_of(page(register, gates=one_gate), "Poort Noord"))
    assert "Started (no. 8). Sunday 22 November 2026, 23:10:00" in text
    assert "was stuck" not in text


def test_a_flood_of_events_stays_short(register: Engine) -> None:
    with writing(register) as connection:
        for seq in range(1, 500):
            add_event(connection, seq, KIND_ROSTER, 0, at("06:00:00") + seq, seq)
        for code in range(100, 120):
            add_event(connection, 500 + code, KIND_FAULT, code, at("06:30:00"))
    html = tile_of(page(register, gates=one_gate), "Poort Noord")
    _, folded = html.split("<details", 1)
    assert folded.count("<li") == 13
    assert "and 9 more: “sitegate terminal show”" in plain(folded)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_bad_day_is_whole_in_each_language(trouble: Engine, language: str) -> None:
    html = page(trouble, language, gates=troubled_gates)
    outline = Outline(html)  # nested as it should be
    ids = outline.values("id")
    assert len(ids) == len(set(ids))
    assert {"gate-gate-north", "gate-gate-quay", "gate-gate-out"} <= set(ids)
    assert "{" not in plain(html)


def test_the_json_has_the_numbers_the_alarms_and_the_events(trouble: Engine) -> None:
    content = client_of(trouble, gates=troubled_gates).get("/api/board.json").json()
    gates = {gate["terminal_id"]: gate for gate in content["gates"]}
    north = gates["gate-north"]
    assert north["health"]["rssi"] == -79
    assert north["firmware"] == FIRMWARE
    assert [(one["alarm"], one["urgent"]) for one in north["alarms"]] == [
        ("lid", True), ("forced", True), ("display", False), ("trial", False),
    ]  # fmt: skip
    assert north["alarms"][1] == {
        "alarm": "forced", "urgent": True, "since_ms": at("07:14:02"), "times": 2,
    }  # fmt: skip
    assert gates["gate-out"]["health"] is None
    told = {gate["terminal_id"]: gate for gate in content["board"]["gates"]}
    assert told["gate-north"]["passed"] == 18
    assert told["gate-quay"]["passed"] is None
    events = [(one["name"], one["level"], one["over"]) for one in told["gate-quay"]["news"]]
    assert events == [
        ("fault.9", "look", False),
        ("fault.1", "alarm", False),
        ("fault.13", "note", False),
        ("fault.12", "look", True),
    ]
