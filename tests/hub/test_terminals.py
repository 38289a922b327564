"""How a gate is set up is kept sealed, and a new key takes the place of the old one once heard."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from hub.application.terminals import TerminalKey, broker_user, terminal_of_user
from hub.errors import UsageError
from hub.storage.engine import reading, writing
from hub.storage.house import House, open_house
from hub.storage.schema import stream
from hub.storage.terminals import Terminals
from hub.terminals.broker import broker_config
from hub.terminals.mosquitto import acl_text
from tests.hub.house import JOURNAL, NOON_MS, TestHouse, people_house

SETTINGS = {"language": "nl", "wifi": [["werf", "geheim-van-de-werf"]], "host": "h", "port": 1883}


@pytest.fixture
def there(tmp_path: Path) -> Iterator[TestHouse]:
    """A house with the gates gate-in and gate-out."""
    with people_house(tmp_path / "data") as house:
        yield house


def gate(house: House, terminal: str = "gate-in") -> TerminalKey:
    """What the register says of a gate."""
    with reading(house.engine) as connection:
        return Terminals(connection, house.vault).terminal(terminal)


def version(house: House) -> int:
    """The version of the register."""
    with reading(house.engine) as connection:
        return Terminals(connection, house.vault).version()


def test_settings_come_back_and_are_not_in_the_database(there: TestHouse, tmp_path: Path) -> None:
    with writing(there.house.engine) as connection:
        register = Terminals(connection, there.house.vault)
        assert register.settings("gate-in") is None
        before = register.version()
        register.keep_settings("gate-in", SETTINGS, NOON_MS)
        assert register.version() > before
    with reading(there.house.engine) as connection:
        register = Terminals(connection, there.house.vault)
        assert register.settings("gate-in") == SETTINGS
        assert register.settings("gate-out") is None
    there.house.close()
    for file in (tmp_path / "data").glob("sitegate.db*"):
        assert b"geheim" not in file.read_bytes()
    with closing(sqlite3.connect(tmp_path / "data" / "sitegate.db")) as connection:
        (sealed,) = connection.execute(
            "SELECT settings_sealed FROM terminal WHERE id = 'gate-in'"
        ).fetchone()
    assert len(sealed) > 12
    again = open_house(tmp_path / "data")
    assert b"geheim-van-de-werf" in again.vault.open("terminal-settings", sealed)
    again.close()


def test_a_new_key_stands_beside_the_old_one_until_it_is_heard(there: TestHouse) -> None:
    old = gate(there.house)
    with writing(there.house.engine) as connection:
        renewed = Terminals(connection, there.house.vault).renew_key("gate-in", NOON_MS)
    assert renewed.key == old.key
    assert renewed.next_key is not None
    assert renewed.next_key != old.key
    assert renewed.newest() == (2, renewed.next_key)
    assert renewed.logins() == [("gate-in", old.key), ("gate-in.2", renewed.next_key)]
    before = version(there.house)
    with writing(there.house.engine) as connection:
        register = Terminals(connection, there.house.vault)
        # Not by the old one, nor by one that was never made.
        assert not register.heard_with_next_key("gate-in", old.key, NOON_MS)
        assert not register.heard_with_next_key("gate-out", renewed.next_key, NOON_MS)
        assert register.heard_with_next_key("gate-in", renewed.next_key, NOON_MS)
        assert not register.heard_with_next_key("gate-in", renewed.next_key, NOON_MS)
    now = gate(there.house)
    assert (now.key, now.next_key, now.key_number) == (renewed.next_key, None, 2)
    assert now.logins() == [("gate-in.2", renewed.next_key)]
    assert version(there.house) > before
    # The other gate has nothing to do with it.
    assert gate(there.house, "gate-out") == there.gate_out


def test_a_key_that_was_lost_before_it_was_heard_is_forgotten(there: TestHouse) -> None:
    with writing(there.house.engine) as connection:
        register = Terminals(connection, there.house.vault)
        lost = register.renew_key("gate-in", NOON_MS).next_key
        again = register.renew_key("gate-in", NOON_MS)
        assert lost is not None
        assert again.next_key != lost
        assert again.key_number == 1
        assert not register.heard_with_next_key("gate-in", lost, NOON_MS)


def test_at_once_the_old_key_is_good_for_nothing(there: TestHouse) -> None:
    old = gate(there.house)
    with writing(there.house.engine) as connection:
        now = Terminals(connection, there.house.vault).renew_key("gate-in", NOON_MS, at_once=True)
    assert (now.key_number, now.next_key) == (2, None)
    assert now.key != old.key
    assert now.logins() == [("gate-in.2", now.key)]


def test_a_revoked_gate_has_no_new_key_left(there: TestHouse) -> None:
    with writing(there.house.engine) as connection:
        register = Terminals(connection, there.house.vault)
        new = register.renew_key("gate-in", NOON_MS).next_key
        register.revoke_terminal("gate-in", NOON_MS)
        assert new is not None
        assert not register.heard_with_next_key("gate-in", new, NOON_MS)
        with pytest.raises(UsageError, match="HUB-1201"):
            register.renew_key("gate-in", NOON_MS)
        with pytest.raises(UsageError, match="HUB-1201"):
            register.change_terminal("gate-in", NOON_MS, name="x")


def test_a_gate_is_renamed_and_moved(there: TestHouse, tmp_path: Path) -> None:
    old = gate(there.house)
    with writing(there.house.engine) as connection:
        register = Terminals(connection, there.house.vault)
        named = register.change_terminal("gate-in", NOON_MS, name="Poort 7", lane="2")
        assert (named.name, named.lane, named.direction) == ("Poort 7", "2", "in")
        assert register.change_terminal("gate-in", NOON_MS, lane="").lane == ""
        turned = register.change_terminal("gate-in", NOON_MS, direction="toggle")
        assert (turned.direction, turned.follows, turned.key) == ("toggle", True, old.key)


def test_a_gate_with_passback_wants_to_hear_of_the_others(there: TestHouse) -> None:
    for passback, wanted in (("soft", True), ("hard", True), ("off", False)):
        with writing(there.house.engine) as connection:
            register = Terminals(connection, there.house.vault)
            register.keep_settings("gate-in", {**SETTINGS, "passback": passback}, NOON_MS)
            assert register.terminal("gate-in").follows is wanted


def test_a_journal_has_the_owner_that_sent_of_it(there: TestHouse) -> None:
    with writing(there.house.engine) as connection:
        register = Terminals(connection, there.house.vault)
        assert register.journal_owner(JOURNAL) is None
        row = {"terminal_id": "gate-out", "journal": JOURNAL, "first_seen_ms": 1}
        connection.execute(stream.insert().values(**row))
        assert register.journal_owner(JOURNAL) == "gate-out"


def test_a_second_login_may_say_what_the_first_may(tmp_path: Path) -> None:
    logins = [("gate-1", "old"), ("gate-1.2", "new")]
    nats = broker_config(
        store=tmp_path, host="127.0.0.1", port=1, hub_password="h", terminals=logins
    )
    lines = [line for line in nats.splitlines() if 'user: "gate-1' in line]
    assert len(lines) == 2
    assert {line.partition("permissions")[2] for line in lines} == {
        ': {publish: ["sitegate.1.gate-1.up.>"], '
        'subscribe: ["sitegate.1.gate-1.down.>", "$MQTT.sub.>"]}}'
    }
    topics = acl_text("hub", [user for user, _ in logins]).split("user ")
    assert topics[2].split("\n")[0] == "gate-1"
    assert topics[3].split("\n")[0] == "gate-1.2"
    assert topics[2].strip().splitlines()[1:] == topics[3].strip().splitlines()[1:]


def test_every_user_name_is_one_gates() -> None:
    assert [broker_user("gate-1", number) for number in (1, 2, 12)] == [
        "gate-1", "gate-1.2", "gate-1.12",
    ]  # fmt: skip
    for user in ("gate-1", "gate-1.2", "gate-1.12"):
        assert terminal_of_user(user) == "gate-1"
