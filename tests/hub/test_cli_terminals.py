"""`sitegate terminal`: a gate's settings file works, or there is no gate."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from firmware.settings import Settings as GateSettings
from hub.clock import now_ms
from hub.i18n import text
from hub.storage.engine import reading, writing
from hub.storage.house import open_house
from hub.storage.register import Register
from hub.terminals.certificates import Certificates
from protocol.record import DIRECTION_IN, DIRECTION_OUT
from tests.hub.command_line import Said, Sitegate, explained
from tests.hub.house import HEADER

WIFI = ("--wifi-ssid", "werf", "--wifi-password", "geheim123")
HOST = ("--broker-host", "192.0.2.10")


def add(sitegate: Sitegate, *more: str, out: str = "gate.json", name: str = "gate-1") -> Said:
    """`terminal add` with what every gate needs."""
    return sitegate(
        "terminal", "add", name, "--out", out, "--site", "Werf Noord", *HOST, *WIFI, *more
    )


def known() -> list[tuple[str, bytes]]:
    """(id, key) of every terminal in use."""
    house = open_house(Path("sitegate-data"))
    try:
        with reading(house.engine) as connection:
            found = Register(connection, house.vault).terminals()
            return [(key.terminal, key.key) for key in found]
    finally:
        house.close()


def test_a_gate_can_use_the_file_that_was_written_for_it(people: Sitegate, tmp_path: Path) -> None:
    said = add(people, "--name", "Poort 1", "--direction", "out", "--terminal-language", "fr")
    assert said.code == 0
    assert said.out == text("cli.terminal_added", "en", terminal="gate-1", file="gate.json") + "\n"
    file = tmp_path / "gate.json"
    assert file.stat().st_mode & 0o777 == 0o600
    gate = GateSettings(json.loads(file.read_text()))
    assert (gate.terminal, gate.site, gate.direction, gate.language) == (
        "gate-1", "Werf Noord", DIRECTION_OUT, "fr",
    )  # fmt: skip
    assert (gate.host, gate.port, *gate.networks[0]) == (
        "192.0.2.10", 1883, "werf", "geheim123",
    )  # fmt: skip
    assert known() == [("gate-1", gate.key)]
    house = open_house(Path("sitegate-data"))
    assert gate.badge_key == house.vault.badge_key
    house.close()


def test_what_is_not_said_of_a_gate_has_its_default(
    people: Sitegate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitegate.toml").write_text(
        'language = "de"\n[broker]\nhost = "192.0.2.77"\nport = 2883\n'
    )
    monkeypatch.setenv("WIFI_PASSWORD", "aus der Umgebung")
    said = people(
        "terminal", "add", "gate-1", "--out", "g.json", "--site", "Werf Noord", "--wifi-ssid", "w"
    )
    assert said.code == 0
    gate = GateSettings(json.loads((tmp_path / "g.json").read_text()))
    assert (gate.direction, gate.language, gate.host, gate.port, gate.networks[0][1]) == (
        DIRECTION_IN, "de", "192.0.2.77", 2883, "aus der Umgebung",
    )  # fmt: skip
    assert people("terminal", "list", "--json").json["terminals"] == [
        {
            "terminal": "gate-1",
            "name": "gate-1",
            "direction": "in",
            "site": "Werf Noord",
            "lane": "",
            "link": "wifi",
            "state": "new",
            "last_received_ms": None,
        }
    ]


def test_a_gate_of_a_hub_on_a_network_trusts_the_hubs_ca_and_finds_its_name_in_it(
    people: Sitegate, tmp_path: Path
) -> None:
    (tmp_path / "sitegate.toml").write_text('[broker]\nhost = "0.0.0.0"\n')
    said = add(people, "--broker-host", "Hub.Werf.Example")
    assert said.code == 0
    gate = GateSettings(json.loads((tmp_path / "gate.json").read_text()))
    assert (gate.host, gate.tls) == ("Hub.Werf.Example", True)
    certificates = Certificates(Path("sitegate-data"), "0.0.0.0", now_ms)
    assert gate.ca == certificates.ca_pem()
    assert "hub.werf.example" in certificates.names()
    add(people, out="second.json", name="gate-2")
    second = GateSettings(json.loads((tmp_path / "second.json").read_text()))
    assert (second.ca, second.host) == (gate.ca, "192.0.2.10")
    assert "192.0.2.10" in certificates.names()


@pytest.mark.parametrize(
    ("tls", "host", "encrypted"),
    [
        ("off", "192.0.2.10", False),
        ("auto", "127.0.0.1", False),
        # The hub does not listen on the network yet; when it does, it does so with TLS.
        ("auto", "192.0.2.10", True),
        ("on", "127.0.0.1", True),
    ],
)
def test_a_gate_is_told_whether_its_hub_encrypts(
    people: Sitegate, tmp_path: Path, tls: str, host: str, encrypted: bool
) -> None:
    (tmp_path / "sitegate.toml").write_text(f'[broker]\ntls = "{tls}"\n')
    assert add(people, "--broker-host", host).code == 0
    broker = json.loads((tmp_path / "gate.json").read_text())["broker"]
    assert (broker["tls"], bool(broker["ca"])) == (encrypted, encrypted)
    assert (tmp_path / "sitegate-data" / "certificates").exists() is encrypted


def test_a_gate_whose_ca_cannot_be_read_is_not_made(people: Sitegate, tmp_path: Path) -> None:
    (tmp_path / "sitegate.toml").write_text('[broker]\ntls = "on"\n')
    folder = tmp_path / "sitegate-data" / "certificates"
    folder.mkdir()
    (folder / "ca-key.pem").write_text("rubbish")
    said = add(people)
    assert said.code == 1
    explained(said, "HUB-1021", file=str(folder / "ca-key.pem"), reason="ValueError")
    assert known() == []
    assert not (tmp_path / "gate.json").exists()


def test_a_site_with_a_long_name_fits_the_gate(people: Sitegate, tmp_path: Path) -> None:
    name = "W" * 80
    (tmp_path / "long.csv").write_text(
        f"{HEADER}\n{name};1Y19FAKE002BZ;0999000129;B;Maes;An;90431599864;;04A1B2C3D4E50C;nl;\n"
    )
    people("import", "long.csv")
    said = people("terminal", "add", "g", "--out", "g.json", "--site", name, *HOST, *WIFI)
    assert said.code == 0
    assert GateSettings(json.loads((tmp_path / "g.json").read_text())).site == "W" * 64


def test_a_file_that_exists_is_not_overwritten_and_no_terminal_is_added(
    people: Sitegate, tmp_path: Path
) -> None:
    (tmp_path / "gate.json").write_text("the key of another gate")
    said = add(people)
    assert said.code == 2
    explained(said, "HUB-1015", file="gate.json")
    assert (tmp_path / "gate.json").read_text() == "the key of another gate"
    assert known() == []


def test_a_file_that_cannot_be_made_leaves_no_terminal(people: Sitegate) -> None:
    said = add(people, out="no/such/folder/gate.json")
    assert said.code == 2
    explained(said, "HUB-1013", file="no/such/folder/gate.json", reason="FileNotFoundError")
    assert known() == []
    # Its name is not used up.
    assert add(people).code == 0


def test_a_disk_that_is_full_leaves_neither_file_nor_terminal(
    people: Sitegate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "sitegate.toml").write_text('[broker]\ntls = "off"\n')

    with monkeypatch.context() as disk:
        disk.setattr("os.fsync", full)
        said = add(people)
    assert said.code == 2
    explained(said, "HUB-1013", file="gate.json", reason="OSError")
    assert not (tmp_path / "gate.json").exists()
    assert known() == []


def test_a_terminal_that_is_not_kept_leaves_no_file(people: Sitegate, tmp_path: Path) -> None:
    # The commit itself fails: a deferred constraint is checked only then.
    house = open_house(Path("sitegate-data"))
    with writing(house.engine) as connection:
        connection.exec_driver_sql(
            "CREATE TABLE late (id INTEGER PRIMARY KEY, site INTEGER"
            " REFERENCES site (id) DEFERRABLE INITIALLY DEFERRED)"
        )
        connection.exec_driver_sql(
            "CREATE TRIGGER spoil AFTER INSERT ON terminal"
            " BEGIN INSERT INTO late (site) VALUES (4711); END"
        )
    house.close()
    with pytest.raises(Exception, match="FOREIGN KEY"):
        add(people)
    assert not (tmp_path / "gate.json").exists()
    assert known() == []


@pytest.mark.parametrize(
    ("more", "code", "key"),
    [
        (("--direction", "up"), "HUB-1002", "--direction"),
        (("--terminal-language", "xx"), "HUB-1002", "--terminal-language"),
        (("--wifi-ssid", ""), "HUB-1002", "--wifi-ssid"),
        (("--wifi-ssid", "s" * 33), "HUB-1002", "--wifi-ssid"),
        (("--wifi-ssid", "b", "--wifi-password", "p" * 64), "HUB-1002", "--wifi-password"),
        (("--wifi-password", "one too many"), "HUB-1002", "--wifi-password"),
        (("--wifi-ssid", "b") * 4, "HUB-1002", "--wifi-ssid"),
        (("--name", ""), "HUB-1002", "--name"),
        (("--name", "n" * 65), "HUB-1002", "--name"),
        (("--lane", "l" * 25), "HUB-1002", "--lane"),
        (("--broker-host", "0.0.0.0"), "HUB-1002", "--broker-host"),
        (("--broker-host", "h" * 256), "HUB-1002", "--broker-host"),
        (("--broker-host", "hub..example"), "HUB-1002", "--broker-host"),
        (("--broker-host", "hub.example:8883"), "HUB-1002", "--broker-host"),
        # Nothing given: the hub listens on this machine only, where no gate will find it.
        (("--broker-host", ""), "HUB-1002", "--broker-host"),
        (("--broker-port", "65536"), "HUB-1002", "--broker-port"),
        (("--broker-port", "-1"), "HUB-1002", "--broker-port"),
        (("--site", "Nergens"), "HUB-1008", None),
    ],
)
def test_a_gate_that_could_not_work_is_not_made(
    people: Sitegate, tmp_path: Path, more: tuple[str, ...], code: str, key: str | None
) -> None:
    said = add(people, *more)
    assert said.code == 2
    assert said.err.startswith(code + ": ")
    assert key is None or key in said.err
    assert not (tmp_path / "gate.json").exists()
    assert known() == []


@pytest.mark.parametrize("name", ["Gate", "poort 1", "é", "a" * 25, "a/b", "+", ""])
def test_a_name_that_no_terminal_can_have_is_refused(people: Sitegate, name: str) -> None:
    said = add(people, name=name)
    assert said.code == 2
    explained(said, "HUB-1014", value=name[:40])


def test_a_free_port_tells_a_gate_nothing(people: Sitegate, tmp_path: Path) -> None:
    (tmp_path / "sitegate.toml").write_text("[broker]\nport = 0\n")
    said = add(people)
    assert (said.code, said.err.split()[0]) == (2, "HUB-1002:")
    assert "--broker-port" in said.err


def test_a_revoked_terminal_is_listed_no_more(people: Sitegate) -> None:
    assert add(people).code == 0
    assert "gate-1" in people("terminal", "list").out
    said = people("terminal", "revoke", "gate-1")
    assert (said.code, said.out) == (
        0,
        text("cli.terminal_revoked", "en", terminal="gate-1") + "\n",
    )
    assert people("terminal", "list").out == text("cli.no_terminals", "en") + "\n"
    assert people("terminal", "list", "--json").json == {"terminals": []}
    again = people("terminal", "revoke", "gate-1", "--json")
    assert again.code == 2
    explained(again, "HUB-1201", terminal="gate-1")
    twice = add(people, out="other.json")
    explained(twice, "HUB-1012", terminal="gate-1")


def test_revoking_is_one_json_object_too(people: Sitegate) -> None:
    added = add(people, "--json").json
    assert added == {"terminal": "gate-1", "settings": "gate.json"}
    found = people("terminal", "revoke", "gate-1", "--json").json
    assert found == {"terminal": "gate-1", "revoked": True}
