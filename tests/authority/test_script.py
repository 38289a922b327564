"""The script: what is met is decided by its seed and the order of calls, and switches win."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from simulator.authority.orders import ScriptFileError, ScriptOrder, load_script
from simulator.authority.script import Effect, Script
from tests.authority.rig import Rig, envelope, item, register, search

NOW_MS = 1_795_498_867_312  # 2026-11-23T06:41:07.312 in Belgium


def scripted(*entries: dict[str, Any], seed: int = 7) -> Script:
    """A script as it would be posted."""
    return ScriptOrder.model_validate({"seed": seed, "entry": list(entries)}).script(NOW_MS)


def modes(script: Script, calls: int, operation: str = "register", at_s: float = 0) -> list[str]:
    """What so many calls meet, one after the other."""
    found: list[str] = []
    for _ in range(calls):
        found.append(script.meet(operation, NOW_MS + round(at_s * 1000)).mode or "up")
    return found


def test_calls_from_the_nth_on_for_so_many_calls() -> None:
    script = scripted({"mode": "down", "from_call": 3, "calls": 2})
    assert modes(script, 6) == ["up", "up", "down", "down", "up", "up"]


def test_a_window_of_the_worlds_time() -> None:
    script = scripted({"mode": "reset", "at": "06:50", "until": "07:00:30"})
    at = {6.5: "up", 532.6: "up", 532.7: "reset", 1163: "up"}
    assert {s: modes(script, 1, at_s=s)[0] for s in at} == at


def test_seconds_after_the_start_and_for_how_long() -> None:
    script = scripted({"mode": "reset", "after_s": 10, "for_s": 5})
    assert [modes(script, 1, at_s=s)[0] for s in (9.999, 10, 14.999, 15)] == [
        "up", "reset", "reset", "up",
    ]  # fmt: skip


def test_only_its_operations_are_met_and_counted() -> None:
    script = scripted({"mode": "down", "operations": ["search"], "from_call": 2})
    assert modes(script, 3) == ["up"] * 3
    assert modes(script, 2, "search") == ["up", "down"]
    assert script.meet(None, NOW_MS).mode is None


def test_the_same_seed_and_calls_meet_the_same() -> None:
    entries = ({"mode": "down", "probability": 0.5}, {"latency_ms": [10, 500]})
    first = [scripted(*entries).meet("register", NOW_MS) for _ in range(1)]

    def met(seed: int) -> list[Effect]:
        script = scripted(*entries, seed=seed)
        return [script.meet("register", NOW_MS) for _ in range(60)]

    assert met(7) == met(7)
    assert met(7)[0] == first[0]
    assert met(7) != met(8)
    downs = sum(effect.mode == "down" for effect in met(7))
    assert 15 < downs < 45
    latencies = [effect.latency_ms for effect in met(7)]
    assert all(10 <= ms <= 500 for ms in latencies)
    assert len(set(latencies)) > 30


def test_another_entry_does_not_change_what_an_entry_draws() -> None:
    entry = {"mode": "down", "probability": 0.3}
    alone = modes(scripted(entry), 40)
    assert modes(scripted(entry, {"fault": "SOA-00001", "probability": 0.9}), 40) == alone


def test_the_first_entry_that_says_something_decides_it() -> None:
    script = scripted({"mode": "down", "status": 502}, {"mode": "reset", "latency_ms": 5})
    assert script.meet("get", NOW_MS) == Effect(
        mode="down", status=502, latency_ms=5, chance=script_chance()
    )


def script_chance() -> float:
    """What the first call draws inside itself for the first entry of the seed."""
    chance = scripted({"mode": "down"}).meet("get", NOW_MS).chance
    assert chance is not None
    return chance


def test_a_skew_lasts_as_long_as_its_window_whoever_calls() -> None:
    script = scripted({"skew_ms": 90_000, "for_s": 10, "operations": ["get"]})
    assert script.meet("register", NOW_MS + 9_999).skew_ms == 90_000
    assert script.meet("get", NOW_MS + 10_000).skew_ms == 0


def test_what_is_left_and_what_fired() -> None:
    script = scripted(
        {"mode": "down", "calls": 3, "operations": ["get"]},
        {"fault": "SOA-00001", "at": "08:00"},
        {"mode": "reset", "calls": 1},
    )
    script.meet("get", NOW_MS)
    assert script.as_json(NOW_MS) == {
        "seed": 7,
        "calls": 1,
        "entries": [
            {"state": "awake", "left": 2, "seen": 1, "met": 1},
            {"state": "waiting", "left": None, "seen": 0, "met": 0},
            {"state": "over", "left": 0, "seen": 1, "met": 1},
        ],
        "fired": [
            {"call": 1, "entry": 0, "operation": "get", "at_ms": NOW_MS},
            {"call": 1, "entry": 2, "operation": "get", "at_ms": NOW_MS},
        ],
    }


def test_a_script_that_is_posted_is_met_by_calls_and_shown(rig: Rig) -> None:
    rig.order("script", seed=3, entry=[{"fault": "SOA-02001", "calls": 2}])
    assert [rig.call(register(item())).fault for _ in range(3)] == [
        "SOA-02001", "SOA-02001", None,
    ]  # fmt: skip
    shown = rig.client.get("/sim/script").json()
    assert (shown["calls"], [one["call"] for one in shown["fired"]]) == (3, [1, 2])
    rig.order("script", entry=[])
    assert rig.client.get("/sim/script").json()["entries"] == []


def test_a_switch_wins_over_the_script(rig: Rig) -> None:
    rig.order("script", entry=[{"fault": "SOA-02001", "latency_ms": 600_000, "calls": 2}])
    rig.order("fault", code="SOA-01002", calls=1)
    rig.order("latency", ms=1, calls=2)
    assert [rig.call(search()).fault for _ in range(3)] == ["SOA-01002", "SOA-02001", None]


def test_a_mode_that_is_set_wins_over_that_of_the_script(rig: Rig) -> None:
    rig.order("script", entry=[{"mode": "down"}])
    rig.order("availability", mode="twice-entry", calls=1)
    assert len(rig.call(register(item())).entries) == 2
    rig.order("availability", mode="unavailable", calls=1)
    assert rig.call(search()).fault == "SOA-02002"
    met = rig.client.post("/PresenceRegistration/v1", content=envelope(search()))
    assert met.status_code == 503


def test_the_clock_is_wrong_while_the_script_says_so(rig: Rig) -> None:
    rig.order("script", entry=[{"skew_ms": 3_600_000, "calls": 1}])
    assert rig.call(register(item())).texts("CreationDate") == ["2026-11-23T07:41:07.312+01:00"]
    assert rig.call(register(item())).texts("CreationDate") == ["2026-11-23T06:41:07.312+01:00"]


def test_a_shut_door_without_a_server_is_passed_over(rig: Rig) -> None:
    rig.order("script", entry=[{"shut_s": 5}])
    assert rig.client.post(
        "/PresenceRegistration/v1", content=envelope(search()), headers={"Content-Type": "text/xml"}
    ).status_code == 200  # fmt: skip


def test_a_script_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "script.toml"
    path.write_text(
        'seed = 9\n[[entry]]\nmode = "drop-after-commit"\nat = "06:40"\nfor_s = 600\n'
        'operations = ["register"]\nprobability = 0.5\n[[entry]]\nlatency_ms = [20, 80]\n',
        encoding="utf-8",
    )
    script = load_script(path, NOW_MS)
    assert script.seed == 9
    assert script.entries[0].operations == {"register"}
    assert (script.entries[1].effect.latency_ms, script.entries[1].latency_to_ms) == (20, 80)


@pytest.mark.parametrize(("text", "where"), [
    ("seed = 1", "entry: Field required"),
    ('[[entry]]\nmode = "asleep"', "entry 0 mode"),
    ('[[entry]]\nmode = "down"\nwhen = 1', "entry 0 when: Extra inputs"),
    ('[[entry]]\nmode = "down"\nat = "25:00"', "ValueError"),
    ("[[entry]", "TOMLDecodeError"),
])  # fmt: skip
def test_a_mistake_in_a_file_is_named(tmp_path: Path, text: str, where: str) -> None:
    path = tmp_path / "script.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ScriptFileError, match=where):
        load_script(path, NOW_MS)
