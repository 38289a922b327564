"""Numbers and keys at rest: sealed, found again only with the key file, and never shown."""

from __future__ import annotations

import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hub.errors import PermanentError
from hub.storage.house import open_house
from hub.storage.secrets import Vault, open_vault
from protocol.mac import badge_tag

NUMBER = "85031299761"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the keys are."""
    return tmp_path / "keys.json"


@pytest.fixture
def vault(file: Path) -> Vault:
    """A new vault."""
    return open_vault(file, create=True)


def test_what_is_sealed_opens_again_and_shows_nothing(vault: Vault) -> None:
    sealed = vault.seal("inss", NUMBER.encode())
    assert vault.open("inss", sealed) == NUMBER.encode()
    for form in (NUMBER.encode(), NUMBER[:6].encode(), int(NUMBER).to_bytes(5, "big")):
        assert form not in sealed


def test_equal_numbers_are_sealed_unequally_and_indexed_equally(vault: Vault) -> None:
    assert vault.seal("inss", NUMBER.encode()) != vault.seal("inss", NUMBER.encode())
    assert vault.index("inss", NUMBER) == vault.index("inss", NUMBER)
    assert vault.index("inss", NUMBER) != vault.index("limosa", NUMBER)
    assert vault.index("inss", NUMBER) != vault.index("inss", "03072199766")
    assert NUMBER.encode() not in vault.index("inss", NUMBER)


def test_an_index_and_a_tag_say_nothing_without_the_key(vault: Vault, tmp_path: Path) -> None:
    other = open_vault(tmp_path / "other.json", create=True)
    assert vault.index("inss", NUMBER) != other.index("inss", NUMBER)
    uid = bytes.fromhex("04A1B2C3D4E501")
    assert vault.tag(uid) != other.tag(uid)
    assert vault.tag(uid) == badge_tag(vault.badge_key, uid)


def test_what_was_sealed_as_one_thing_does_not_open_as_another(vault: Vault) -> None:
    sealed = vault.seal("terminal", bytes(32))
    with pytest.raises(PermanentError) as caught:
        vault.open("inss", sealed)
    assert caught.value.code == "HUB-1011"


@pytest.mark.parametrize("position", [0, 12, -1])
def test_one_changed_byte_does_not_open(vault: Vault, position: int) -> None:
    sealed = bytearray(vault.seal("inss", NUMBER.encode()))
    sealed[position] ^= 1
    with pytest.raises(PermanentError) as caught:
        vault.open("inss", bytes(sealed))
    assert caught.value.code == "HUB-1011"
    assert NUMBER not in str(caught.value)


def test_another_key_file_is_told(vault: Vault, tmp_path: Path) -> None:
    other = open_vault(tmp_path / "other.json", create=True)
    with pytest.raises(PermanentError) as caught:
        other.open("inss", vault.seal("inss", NUMBER.encode()))
    assert caught.value.code == "HUB-1011"


@pytest.mark.parametrize("name", ["seal", "index", "badge"])
def test_a_database_does_not_open_with_a_key_that_is_not_its_own(tmp_path: Path, name: str) -> None:
    open_house(tmp_path).close()
    keys = json.loads((tmp_path / "keys.json").read_text())
    keys[name] = os.urandom(32).hex()
    (tmp_path / "keys.json").write_text(json.dumps(keys))
    # Found out here, before an import writes people under two different keys.
    with pytest.raises(PermanentError) as caught:
        open_house(tmp_path)
    assert caught.value.code == "HUB-1011"


def test_a_lost_key_file_is_not_replaced(tmp_path: Path) -> None:
    open_house(tmp_path).close()
    (tmp_path / "keys.json").unlink()
    with pytest.raises(PermanentError) as caught:
        open_house(tmp_path)
    assert caught.value.code == "HUB-1007"
    assert not (tmp_path / "keys.json").exists()


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", "null", '{"seal": 1}', '{"seal": "zz", "index": "", "badge": ""}',
                '{"seal": "00", "index": "00", "badge": "00"}']
)  # fmt: skip
def test_a_key_file_that_cannot_be_used_is_told(file: Path, content: str) -> None:
    file.write_text(content)
    with pytest.raises(PermanentError) as caught:
        open_vault(file, create=True)
    assert caught.value.code == "HUB-1007"
    assert file.read_text() == content


def test_a_key_file_that_is_not_text_is_told(file: Path) -> None:
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PermanentError) as caught:
        open_vault(file, create=True)
    assert caught.value.code == "HUB-1007"


def test_the_key_file_is_for_its_owner_only(vault: Vault, file: Path) -> None:
    del vault
    assert file.stat().st_mode & 0o777 == 0o600
    keys = json.loads(file.read_text())
    assert {len(bytes.fromhex(key)) for key in keys.values()} == {32}
    assert len(set(keys.values())) == 3


def test_a_second_opening_takes_the_same_keys(vault: Vault, file: Path) -> None:
    again = open_vault(file, create=True)
    assert again.open("inss", vault.seal("inss", b"x")) == b"x"


def test_a_first_start_that_was_cut_off_is_no_obstacle(file: Path) -> None:
    for leftover in ("keys.new", "keys.jsonabcd1234"):
        (file.parent / leftover).write_text('{"seal": "12')
    vault = open_vault(file, create=True)
    assert open_vault(file, create=False).open("inss", vault.seal("inss", b"x")) == b"x"


def test_of_two_first_starts_both_take_the_same_keys(tmp_path: Path) -> None:
    for number in range(20):
        file = tmp_path / f"{number}.json"
        ready = threading.Barrier(2)

        def start(file: Path = file, ready: threading.Barrier = ready) -> Vault:
            ready.wait(10)
            return open_vault(file, create=True)

        with ThreadPoolExecutor(2) as pool:
            first, second = (task.result(10) for task in [pool.submit(start) for _ in range(2)])
        assert second.open("inss", first.seal("inss", b"x")) == b"x"
        file.unlink()
    assert list(tmp_path.iterdir()) == []


def test_a_vault_shows_no_key(vault: Vault, file: Path) -> None:
    shown = f"{vault!r} {vault}"
    for key in json.loads(file.read_text()).values():
        assert key not in shown
        assert repr(bytes.fromhex(key)) not in shown
