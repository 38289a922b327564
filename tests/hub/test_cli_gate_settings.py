"""Whatever a gate can be set up with is asked for and kept at the hub, and read by the gate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from sqlalchemy import insert

from firmware import settings as firmware
from hub.application import gate_settings
from hub.application.terminals import DESK, DIRECTIONS, TerminalKey
from hub.cli import terminals
from hub.errors import UsageError
from hub.i18n import LANGUAGES, text
from hub.storage.engine import reading, writing
from hub.storage.firmware import keep_firmware_seen, order_firmware
from hub.storage.gate_news import keep_health
from hub.storage.house import open_house
from hub.storage.inbox import Inbox, NewRun
from hub.storage.projection import RegisterView, project_some
from hub.storage.schema import crash_log
from hub.storage.terminals import Terminals
from protocol import faults, record, slots
from protocol.roster import LANGUAGES as PANEL_LANGUAGES
from tests.hub.command_line import Said, Sitegate, explained
from tests.hub.house import JOURNAL, NOON_MS
from tests.hub.house import record as packed

PASSWORD = "geheim-van-de-werf"


def add(sitegate: Sitegate, *more: str, name: str = "gate-1") -> Said:
    """`terminal add` with what every gate needs."""
    return sitegate(
        "terminal", "add", name, "--site", "Werf Noord", "--broker-host", "192.0.2.10",
        "--wifi-ssid", "werf", "--wifi-password", PASSWORD, *more,
    )  # fmt: skip


def written(sitegate: Sitegate, folder: Path, name: str = "gate-1") -> firmware.Settings:
    """What the gate's own reader makes of the file that is written for it."""
    said = sitegate("terminal", "flash", name, "--folder", str(folder / f"flash-{name}"))
    assert said.code == 0, said.err
    read = firmware.load(str(folder / f"flash-{name}"))
    assert read.doubtful == []
    return read


def test_every_setting_can_be_given(people: Sitegate, tmp_path: Path) -> None:
    said = add(
        people, "--lane", "2", "--direction", "buttons", "--link", "both", "--repeat-s", "20",
        "--passback", "hard", "--passback-reset-h", "4", "--relay", "level", "--open-ms", "500",
        "--passage", "--passage-s", "12", "--sound", "30", "--supply-min-mv", "4500",
        "--terminal-language", "uk", "--broker-port", "8883",
        "--wifi-ssid", "keet", "--wifi-password", "",
    )  # fmt: skip
    assert said.code == 0, said.err
    gate = written(people, tmp_path)
    assert gate.direction == firmware.DIRECTION_BUTTONS
    assert (gate.link, gate.repeat_ms) == (firmware.LINK_BOTH, 20_000)
    assert (gate.passback, gate.passback_reset_h) == (firmware.PASSBACK_HARD, 4)
    assert (gate.relay_mode, gate.open_ms) == (firmware.RELAY_LEVEL, 500)
    assert (gate.passage, gate.passage_ms) == (True, 12_000)
    assert (gate.sound, gate.supply_min_mv, gate.language) == (30, 4500, "uk")
    assert gate.networks == (("werf", PASSWORD), ("keet", ""))
    assert (gate.host, gate.port, gate.user) == ("192.0.2.10", 8883, "gate-1")


def test_what_is_not_given_has_the_firmwares_own_default(people: Sitegate, tmp_path: Path) -> None:
    assert add(people).code == 0
    gate = written(people, tmp_path)
    plain = firmware.Settings(
        {
            "terminal": "x",
            "site": "x",
            "direction": "in",
            "language": "en",
            "key": "00" * 32,
            "badge_key": "00" * 32,
            "broker": {"host": "h", "port": 1},
            "wifi": {"ssid": "w", "password": ""},
        }
    )
    for name in (
        "link", "repeat_ms", "passback", "passback_reset_h", "relay_mode", "open_ms", "passage",
        "passage_ms", "sound", "supply_min_mv",
    ):  # fmt: skip
        assert getattr(gate, name) == getattr(plain, name), name


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_every_direction_is_one_the_gate_knows(
    people: Sitegate, tmp_path: Path, direction: str
) -> None:
    assert add(people, "--direction", direction).code == 0
    # A desk is a terminal at which nobody goes either way.
    shown = "none" if direction == DESK else direction
    assert written(people, tmp_path).direction == firmware._DIRECTIONS[shown]
    assert set(DIRECTIONS) - {DESK} == set(firmware._DIRECTIONS)
    for language in LANGUAGES:
        assert text(f"dashboard.gate.{direction}", language)


def test_every_language_of_the_panel_can_be_the_gates_own() -> None:
    for language in PANEL_LANGUAGES:
        kept = gate_settings.merged({}, {**MINIMAL, "language": language})
        assert kept["language"] == language


MINIMAL = {"language": "nl", "wifi": [("werf", "")], "host": "192.0.2.10", "port": 1883}


def as_the_gate_reads(kept: dict[str, Any]) -> firmware.Settings:
    """The file that is made of kept settings, read by the firmware."""
    gate = TerminalKey("gate-1", 1, "Poort", "in", bytes(32))
    file = gate_settings.gate_file(gate, "Werf Noord", kept, bytes(32), {"tls": False, "ca": ""})
    return firmware.Settings(json.loads(json.dumps(file)))


@pytest.mark.parametrize("entry", gate_settings.NUMBERS)
def test_the_limits_of_a_number_are_those_of_the_firmware(entry: str) -> None:
    for value in gate_settings.NUMBERS[entry]:
        assert as_the_gate_reads(gate_settings.merged({}, MINIMAL | {entry: value})).doubtful == []
    least, most = gate_settings.NUMBERS[entry]
    for value in (least - 1, most + 1):
        with pytest.raises(UsageError, match="HUB-1002") as refused:
            gate_settings.merged({}, MINIMAL | {entry: value})
        assert refused.value.extra["key"] == gate_settings.OPTIONS[entry]
    kept = gate_settings.merged({}, MINIMAL)
    assert as_the_gate_reads(kept | {entry: most + 1}).doubtful == [entry.rpartition(".")[2]]


def test_a_supply_of_0_is_one_that_is_not_watched() -> None:
    kept = gate_settings.merged({}, MINIMAL | {"supply_min_mv": 0})
    assert as_the_gate_reads(kept).supply_min_mv == 0


@pytest.mark.parametrize("entry", gate_settings.CHOICES)
def test_the_choices_are_those_of_the_firmware(entry: str) -> None:
    for value in gate_settings.CHOICES[entry]:
        assert as_the_gate_reads(gate_settings.merged({}, MINIMAL | {entry: value})).doubtful == []
    with pytest.raises(UsageError, match="HUB-1002"):
        gate_settings.merged({}, MINIMAL | {entry: "perhaps"})


def test_every_entry_with_a_default_can_be_given() -> None:
    assert {entry.rpartition(".")[2] for entry in gate_settings.OPTIONS} == set(firmware.OPTIONS)


# ---------------------------------------------------------------- Wi-Fi passwords


def test_passwords_come_from_the_environment_by_place(
    people: Sitegate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WIFI_PASSWORD", "with two  spaces")
    monkeypatch.setenv("WIFI_PASSWORD_3", "third")
    said = people(
        "terminal", "add", "gate-1", "--site", "Werf Noord", "--broker-host", "192.0.2.10",
        "--wifi-ssid", "a", "--wifi-ssid", "b", "--wifi-ssid", "c",
    )  # fmt: skip
    assert said.code == 0, said.err
    assert written(people, tmp_path).networks == (
        ("a", "with two  spaces"), ("b", ""), ("c", "third"),
    )  # fmt: skip


def test_a_password_is_asked_for_at_a_keyboard(
    people: Sitegate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, bool]] = []

    def prompt(question: str, *, hide_input: bool, **_: object) -> str:
        asked.append((question, hide_input))
        return "typed"

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(typer, "prompt", prompt)
    said = people(
        "terminal", "add", "gate-1", "--site", "Werf Noord", "--broker-host", "192.0.2.10",
        "--wifi-ssid", "werf",
    )  # fmt: skip
    assert said.code == 0, said.err
    assert asked == [(text("cli.wifi_password", "en", network="werf"), True)]
    assert written(people, tmp_path).networks == (("werf", "typed"),)


def test_a_gate_on_a_cable_needs_neither_network_nor_address(
    people: Sitegate, tmp_path: Path
) -> None:
    said = people("terminal", "add", "gate-1", "--site", "Werf Noord", "--link", "serial")
    assert said.code == 0, said.err
    gate = written(people, tmp_path)
    assert (gate.link, gate.networks) == (firmware.LINK_SERIAL, ())
    refused = people("terminal", "change", "gate-1", "--link", "both")
    assert refused.code == 2
    assert "--wifi-ssid" in refused.err


# ---------------------------------------------------------------- list, show


def test_neither_key_nor_password_is_shown(people: Sitegate, tmp_path: Path) -> None:
    assert add(people, "--name", "Poort 1", "--lane", "links", "--sound", "30").code == 0
    gate = written(people, tmp_path)
    for arguments in (
        ("list",),
        ("list", "--json"),
        ("show", "gate-1"),
        ("show", "gate-1", "--json"),
    ):
        said = people("terminal", *arguments)
        assert said.code == 0, said.err
        for secret in (PASSWORD, gate.key.hex(), gate.badge_key.hex()):
            assert secret not in said.out + said.err
    shown = people("terminal", "show", "gate-1", "--json").json
    assert shown.pop("added_ms") > 0
    assert shown == {
        "terminal": "gate-1",
        "name": "Poort 1",
        "site": "Werf Noord",
        "lane": "links",
        "direction": "in",
        "link": "wifi",
        "state": "written",
        "last_received_ms": None,
        "records": 0,
        "firmware": None,
        "update": None,
        "crashes": [],
        "health": None,
        "events": [],
        "settings": {
            "language": "nl",
            "host": "192.0.2.10",
            "port": 1883,
            "sound": 30,
            "wifi": [{"ssid": "werf", "password": "********"}],
        },
    }
    assert "sound                    30" in people("terminal", "show", "gate-1").out
    listed = people("terminal", "list").out
    assert "Poort 1" in listed
    assert "links" in listed


def test_what_a_gate_told_of_itself_is_shown(people: Sitegate) -> None:
    assert add(people).code == 0
    house = open_house(Path("sitegate-data"))
    with writing(house.engine) as connection:
        keep_firmware_seen(connection, "gate-1", "0.1.0+0123456789ab", 1)
        connection.execute(
            insert(crash_log).values(
                terminal_id="gate-1", boot=17, start=0, text="KeyError\n", first_ms=1, last_ms=2
            )
        )
        order_firmware(connection, ["gate-1"], "0.2.0", "ab" * 32, b"pack", 1)
    house.close()
    shown = people("terminal", "show", "gate-1", "--json").json
    assert (shown["update"]["version"], shown["update"]["outcome"]) == ("0.2.0", 0)
    assert "0.2.0: under way: 0 of 4 bytes" in people("terminal", "show", "gate-1").out
    assert shown["firmware"] == "0.1.0+0123456789ab"
    (crash,) = shown["crashes"]
    assert (crash["boot"], crash["text"]) == (17, "KeyError\n")
    told = people("terminal", "show", "gate-1").out
    assert "0.1.0+0123456789ab" in told
    assert told.endswith("boot 17\nKeyError\n")


OUTCOMES = (record.UPDATE_STORED, record.UPDATE_CONFIRMED, record.UPDATE_ROLLED_BACK,
            record.UPDATE_REFUSED)  # fmt: skip
WHYS = [value for name, value in vars(slots).items() if name.startswith("WHY_")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_outcome_of_an_update_has_its_words(language: str) -> None:
    for outcome in (0, *OUTCOMES):
        assert text(f"cli.update.{outcome}", language, fetched=1, size=2)
    for why in WHYS:
        assert text(f"gate.why.{why}", language)
    order = {"version": "0.2.0", "outcome": 3, "why": slots.WHY_TIME, "fetched": 4, "size": 4}
    assert "(" in terminals._update(order, language)


def test_the_newest_events_and_the_last_health_of_a_gate_are_shown(people: Sitegate) -> None:
    assert add(people).code == 0
    assert "No event is known." in people("terminal", "show", "gate-1").out
    house = open_house(Path("sitegate-data"))
    with writing(house.engine) as connection:
        keep_health(connection, "gate-1", NOON_MS, {"rssi": -61, "supply_mv": 4_930})
        stream_id = Inbox(connection).add_stream("gate-1", JOURNAL, NOON_MS)
        pieces = b"".join(
            packed(seq, faults.data(code, 0, 7), at_ms, kind=record.KIND_FAULT)
            for seq, (code, at_ms) in enumerate(
                [(faults.TASK, NOON_MS)] * 30 + [(faults.WATCHDOG, 0)], 1
            )
        )
        Inbox(connection).append([NewRun(stream_id, 1, pieces)], NOON_MS + 60_000)
        assert project_some(connection, RegisterView())[0] == 31
    house.close()
    shown = people("terminal", "show", "gate-1", "--json").json
    assert shown["health"] == {
        "said_ms": NOON_MS,
        "numbers": {"rssi": -61, "supply_mv": 4_930},
    }
    assert len(shown["events"]) == 20
    assert shown["events"][0] == {
        "name": f"fault.{faults.WATCHDOG}",
        "level": "look",
        "kind": record.KIND_FAULT,
        "code": faults.WATCHDOG,
        "detail": 7,
        "at_ms": None,
        "received_ms": NOON_MS + 60_000,
    }
    told = people("--language", "nl", "terminal", "show", "gate-1").out
    assert "Toestand, gemeld op 23 november 2026 12:00:00:" in told
    assert "goed (-61 dBm)" in told
    assert "23 november 2026 12:01:00    De poort hing vast" in told
    assert told.count("Een deel van het programma (nr. 7) stopte") == 19


def test_a_gate_that_is_not_there_is_told(people: Sitegate) -> None:
    for arguments in (
        ("show", "gate-7"),
        ("rename", "gate-7", "--name", "x"),
        ("change", "gate-7", "--sound", "1"),
        ("rekey", "gate-7"),
        ("flash", "gate-7", "--folder", "f"),
        ("revoke", "gate-7"),
    ):
        said = people("terminal", *arguments)
        assert said.code == 2
        explained(said, "HUB-1201", terminal="gate-7")
    assert not Path("f").exists()


# ---------------------------------------------------------------- changes


def state(sitegate: Sitegate) -> str:
    """The state of the only gate in the list."""
    (listed,) = sitegate("terminal", "list", "--json").json["terminals"]
    return listed["state"]


def test_what_a_rename_changes_and_whether_the_gate_must_know(
    people: Sitegate, tmp_path: Path
) -> None:
    assert add(people).code == 0
    written(people, tmp_path)
    named = people("terminal", "rename", "gate-1", "--name", "Poort 9", "--lane", "3", "--json")
    assert named.json == {
        "terminal": "gate-1",
        "name": "Poort 9",
        "lane": "3",
        "direction": "in",
        "flash": False,
    }
    assert state(people) == "written"
    turned = people("terminal", "rename", "gate-1", "--direction", "out")
    assert text("cli.terminal_flash_needed", "en", terminal="gate-1") in turned.out
    assert state(people) == "changed"
    assert written(people, tmp_path).direction == firmware._DIRECTIONS["out"]
    assert state(people) == "written"
    for more in ((), ("--name", ""), ("--direction", "up"), ("--lane", "l" * 25)):
        assert people("terminal", "rename", "gate-1", *more).code == 2


def test_a_gate_is_set_up_differently_without_its_old_file(
    people: Sitegate, tmp_path: Path
) -> None:
    assert add(people, "--sound", "30").code == 0
    before = written(people, tmp_path)
    changed = people(
        "terminal", "change", "gate-1", "--wifi-ssid", "nieuw", "--wifi-password", "ander",
        "--passback", "soft", "--json",
    )  # fmt: skip
    assert changed.json == {"terminal": "gate-1", "flash": True}
    assert state(people) == "changed"
    after = written(people, tmp_path)
    assert after.networks == (("nieuw", "ander"),)
    assert (after.sound, after.passback, after.key) == (30, "soft", before.key)
    same = people("terminal", "change", "gate-1", "--sound", "30", "--json")
    assert same.json == {"terminal": "gate-1", "flash": False}
    refused = people("terminal", "change", "gate-1", "--sound", "101")
    assert (refused.code, "--sound" in refused.err) == (2, True)
    assert written(people, tmp_path).sound == 30


def keys() -> tuple[bytes, bytes | None]:
    """Key and next key of the only gate."""
    house = open_house(Path("sitegate-data"))
    try:
        with reading(house.engine) as connection:
            (gate,) = Terminals(connection, house.vault).terminals()
            return gate.key, gate.next_key
    finally:
        house.close()


def test_a_new_key_is_in_the_next_file_and_the_old_one_stays_good(
    people: Sitegate, tmp_path: Path
) -> None:
    assert add(people).code == 0
    old = written(people, tmp_path)
    said = people("terminal", "rekey", "gate-1", "--json")
    assert said.json == {"terminal": "gate-1", "key": 2, "old_key_good": True}
    assert state(people) == "changed"
    new = written(people, tmp_path)
    assert keys() == (old.key, new.key)
    assert (new.user, old.user) == ("gate-1.2", "gate-1")
    assert state(people) == "rekeying"
    told = people("terminal", "rekey", "gate-1")
    assert told.out == text("cli.terminal_rekeyed", "en", terminal="gate-1") + "\n"
    assert new.key.hex() not in told.out


def test_at_once_the_old_key_is_gone(people: Sitegate, tmp_path: Path) -> None:
    assert add(people).code == 0
    old = written(people, tmp_path)
    said = people("terminal", "rekey", "gate-1", "--now")
    assert said.out == text("cli.terminal_rekeyed_now", "en", terminal="gate-1") + "\n"
    key, following = keys()
    assert (following, key == old.key) == (None, False)
    assert written(people, tmp_path).key == key


def test_no_secret_is_logged(people: Sitegate, tmp_path: Path) -> None:
    (tmp_path / "sitegate.toml").write_text('log_level = "debug"\n')
    said = add(people)
    gate = written(people, tmp_path)
    flashed = people("terminal", "flash", "gate-1", "--image", "gate.img")
    for told in (said, flashed):
        for secret in (PASSWORD, gate.key.hex(), gate.badge_key.hex()):
            assert secret not in told.out + told.err
    for file in (tmp_path / "gate.img", *(tmp_path / "flash-gate-1").iterdir()):
        assert file.stat().st_mode & 0o777 == 0o600, file
