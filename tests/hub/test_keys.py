"""New keys: everything opens with them and nothing with the old ones, whenever it is cut off."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import LargeBinary, insert, select

from hub.domain.audit import Noted
from hub.errors import PermanentError, UsageError
from hub.storage.audit import note
from hub.storage.audit_reader import verify_audit
from hub.storage.chain import Fault
from hub.storage.engine import reading, writing
from hub.storage.evidence import EvidenceStore, exchanges_of, open_bodies
from hub.storage.evidence_chain import verify
from hub.storage.house import DATABASE, KEYS, House, open_house
from hub.storage.register import Register
from hub.storage.rotation import CHAINED, ENDED, INDEXED, SEALED, rotate_house
from hub.storage.schema import (
    account,
    audit,
    import_change,
    import_run,
    metadata,
    person,
)
from hub.storage.secrets import Vault, begin_replacing, open_vault
from hub.storage.writer import Writer
from tests.hub.command_line import Sitegate, explained
from tests.hub.house import MILAN, NOON_MS, people_house
from tests.hub.kept_evidence import REFERENCES, rest_register, soap_register

INSS = "85031299761"
LIMOSA = "24999000000000187"

NOT_SEALED = {
    ("api_token", "digest"), ("audit", "digest"),
    ("audit", "previous"), ("badge", "tag"), ("badge_event", "tag"), ("evidence", "digest"),
    ("evidence", "previous"), ("firmware", "pack"), ("inbox", "records"), ("kiosk", "digest"),
    ("link", "digest"),
    ("passkey", "credential"), ("passkey", "public_key"), ("person", "inss_index"),
    ("person", "limosa_index"), ("phone", "digest"), ("request_key", "request"),
    ("stream", "journal"), ("tap", "tag"), ("terminal", "flashed_sha256"),
    ("web_session", "digest"),
}  # fmt: skip
"""Columns of bytes that no key of the hub seals."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder with something sealed in every place."""
    with people_house(tmp_path / "house") as found:
        house = found.house
        writer = Writer(house.engine)
        writer.start()
        store = EvidenceStore(writer, house.vault)
        for exchange in (soap_register(), rest_register(), soap_register((1,))):
            store.keep(exchange)
        writer.stop()
        with writing(house.engine) as connection:
            connection.execute(
                insert(account).values(
                    login="ada", name="Ada", role="administrator", added_ms=1, added_by="command",
                    totp_sealed=house.vault.seal("totp", b"JBSWY3DPEHPK3PXP"),
                )
            )  # fmt: skip
            connection.execute(insert(import_run).values(id=101, at_ms=1, actor="command", rows=1))
            connection.execute(
                insert(import_change).values(run_id=101, place="person", row="1", after=b"sealed")
            )
            note(connection, house.vault, NOON_MS, "account:1", Noted.LOGIN)
    return tmp_path / "house"


@contextmanager
def opened(folder: Path) -> Iterator[House]:
    """The folder, open."""
    with closing(open_house(folder)) as house:
        yield house


def good(folder: Path) -> None:
    """Checks that everything opens and is found with the keys in the file."""
    with opened(folder) as house, reading(house.engine) as connection:
        people = connection.execute(select(person).order_by(person.c.id)).all()
        assert house.vault.open("inss", people[0].inss_sealed) == INSS.encode()
        assert house.vault.index("inss", INSS) == people[0].inss_index
        assert house.vault.open("limosa", people[2].limosa_sealed) == LIMOSA.encode()
        assert house.vault.index("limosa", LIMOSA) == people[2].limosa_index
        totp = connection.execute(select(account.c.totp_sealed)).scalar_one()
        assert house.vault.open("totp", totp) == b"JBSWY3DPEHPK3PXP"
        gates = Register(connection, house.vault).terminals()
        assert [gate.terminal for gate in gates] == ["gate-in", "gate-out"]
        for kept in exchanges_of(connection, REFERENCES, ()):
            request, _ = open_bodies(house.vault, kept.sealed)
            assert INSS.encode() in request or b"03072199766" in request
        assert verify(connection, house.vault).whole
        assert verify_audit(connection, house.vault).whole
        assert json.loads((folder / KEYS).read_text())["badge"] == house.vault.badge_key.hex()


def keys_of(folder: Path) -> dict[str, str]:
    """The key file."""
    return json.loads((folder / KEYS).read_text())


def test_every_column_that_is_sealed_is_known_to_the_rotation() -> None:
    sealed = {(table.name, column) for table, column, _ in SEALED}
    sealed |= {(table.name, column) for table, column in CHAINED}
    sealed |= {(table.name, column) for table, columns in ENDED for column in columns}
    bytes_ = {
        (table.name, column.name)
        for table in metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    }
    assert bytes_ - sealed == NOT_SEALED
    assert set(INDEXED) <= {column for _, column, _ in SEALED}


def test_all_opens_with_the_new_keys_and_nothing_with_the_old_ones(folder: Path) -> None:
    good(folder)
    before = keys_of(folder)
    with opened(folder) as house:
        tag = house.vault.tag(MILAN)
        done = rotate_house(house, NOON_MS, "command")
    assert (done.values, done.evidence) == (6, 3)
    assert done.ended >= 1
    good(folder)
    after = keys_of(folder)
    assert set(after) == set(before)
    assert after["badge"] == before["badge"]
    assert after["seal"] != before["seal"]
    assert after["index"] != before["index"]
    with opened(folder) as house:
        assert house.vault.tag(MILAN) == tag
    old = Vault({name: bytes.fromhex(value) for name, value in before.items()})
    connection = sqlite3.connect(folder / DATABASE)
    for table, column, kind in SEALED:
        for (value,) in connection.execute(
            f"SELECT {column} FROM {table.name} WHERE {column} IS NOT NULL"
        ):
            with pytest.raises(PermanentError):
                old.open(kind, value)
    connection.close()


def test_what_was_sealed_with_the_old_key_is_in_no_file_any_more(folder: Path) -> None:
    with opened(folder) as house, reading(house.engine) as connection:
        columns = select(person.c.inss_sealed, person.c.inss_index).where(person.c.id == 1)
        sealed, indexed = connection.execute(columns).one()
    old = keys_of(folder)["seal"]
    with opened(folder) as house:
        rotate_house(house, NOON_MS, "command")
    for file in folder.iterdir():
        content = file.read_bytes()
        for kept in (sealed, indexed, old.encode(), bytes.fromhex(old)):
            assert kept not in content, file.name


def test_the_ends_of_the_chain_stand_in_the_audit(folder: Path) -> None:
    with opened(folder) as house:
        with reading(house.engine) as connection:
            before = verify(connection, house.vault).head
            audit_before = verify_audit(connection, house.vault).head
        done = rotate_house(house, NOON_MS, "command")
    with opened(folder) as house, reading(house.engine) as connection:
        now = verify(connection, house.vault)
        assert (done.before, done.after) == (str(before), str(now.head))
        assert now.head.row == before.row
        # An end of the audit that was noted before is still one.
        assert verify_audit(connection, house.vault, audit_before).whole
        detail = json.loads(
            connection.execute(select(audit.c.detail).order_by(audit.c.id.desc())).scalars().first()
            or "{}"
        )
    assert (detail["evidence_before"], detail["evidence_after"]) == (done.before, done.after)


def test_a_chain_that_was_touched_is_not_made_whole_by_it(folder: Path) -> None:
    connection = sqlite3.connect(folder / DATABASE)
    connection.execute("DROP TRIGGER evidence_no_update")
    connection.execute("UPDATE evidence SET at_ms = 1 WHERE id = 2")
    connection.commit()
    connection.close()
    before = keys_of(folder)
    with opened(folder) as house, pytest.raises(PermanentError) as caught:
        rotate_house(house, NOON_MS, "command")
    assert caught.value.code == "HUB-1716"
    with opened(folder) as house, reading(house.engine) as connection:
        assert verify(connection, house.vault).faults == ((2, Fault.CHANGED),)
    assert keys_of(folder)["seal"] == before["seal"]


# ---------------------------------------------------------------- cut off

DIE = """
import os, signal, sys
from pathlib import Path
import hub.storage.rotation as rotation
from hub.storage.house import open_house

step = sys.argv[2]

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

def after(function):
    def run(*arguments, **more):
        result = function(*arguments, **more)
        die()
        return result
    return run

if step == "keys written":
    rotation.begin_replacing = after(rotation.begin_replacing)
elif step == "sealing":
    rotation._rechain = after(rotation._rechain)
elif step == "sealed":
    rotation.prove_keys = after(rotation.prove_keys)
elif step == "committed":
    rotation.end_replacing = die
elif step == "ended":
    rotation.end_replacing = after(rotation.end_replacing)
rotation.rotate_house(open_house(Path(sys.argv[1])), 1, "command")
"""


@pytest.mark.parametrize(
    ("step", "new"),
    [
        ("keys written", False),
        ("sealing", False),
        ("sealed", False),
        ("committed", True),
        ("ended", True),
    ],
)
def test_killed_at_any_step_one_set_of_keys_opens_everything(
    folder: Path, step: str, new: bool
) -> None:
    before = keys_of(folder)
    died = subprocess.run(
        [sys.executable, "-c", DIE, str(folder), step],
        cwd=Path(__file__).resolve().parents[2],
        timeout=60,
        check=False,
    )
    assert died.returncode == -signal.SIGKILL
    good(folder)
    assert (keys_of(folder)["seal"] != before["seal"]) is new
    # And it can be done again.
    with opened(folder) as house:
        rotate_house(house, NOON_MS, "command")
    good(folder)
    assert set(keys_of(folder)) == {"seal", "index", "badge"}


def test_new_keys_that_open_nothing_do_not_help(folder: Path) -> None:
    begin_replacing(folder / KEYS)
    stored = keys_of(folder)
    stored["seal"] = os.urandom(32).hex()
    (folder / KEYS).write_text(json.dumps(stored))
    with pytest.raises(PermanentError) as caught:
        open_house(folder)
    assert caught.value.code == "HUB-1011"


@pytest.mark.parametrize("following", ["null", "7", '{"seal": "00"}'])
def test_new_keys_that_cannot_be_read_are_told(folder: Path, following: str) -> None:
    stored = keys_of(folder)
    stored["seal"] = os.urandom(32).hex()
    stored["next"] = json.loads(following)
    (folder / KEYS).write_text(json.dumps(stored))
    with pytest.raises(PermanentError) as caught:
        open_house(folder)
    assert caught.value.code == "HUB-1007"


def test_the_key_file_is_for_its_owner_only_afterwards(folder: Path) -> None:
    with opened(folder) as house:
        rotate_house(house, NOON_MS, "command")
    assert (folder / KEYS).stat().st_mode & 0o777 == 0o600
    open_vault(folder / KEYS, create=False)
    assert not [one for one in folder.iterdir() if one.name not in _KNOWN]


_KNOWN = {DATABASE, DATABASE + "-wal", DATABASE + "-shm", KEYS, "keys.lock"}


# ---------------------------------------------------------------- who may, and when


def test_nothing_is_replaced_while_another_uses_the_folder(folder: Path) -> None:
    before = keys_of(folder)
    with opened(folder), opened(folder) as house, pytest.raises(UsageError) as caught:
        rotate_house(house, NOON_MS, "command")
    assert caught.value.code == "HUB-1714"
    assert keys_of(folder) == before
    good(folder)


def test_the_commands(people: Sitegate) -> None:
    folder = Path("sitegate-data")
    checked = people("keys", "check", "--json").json
    assert (checked["good"], checked["values"], checked["cut_off"]) == (True, 3, False)
    before = keys_of(folder)
    looked = people("keys", "rotate", "--dry-run", "--json").json
    assert (looked["dry_run"], looked["values"]) == (True, 3)
    assert keys_of(folder) == before
    with opened(folder):
        refused = people("keys", "rotate")
    assert refused.code == 2
    explained(refused, "HUB-1714", folder=str(folder))
    assert people("keys", "rotate", "--json").json["values"] == 3
    assert keys_of(folder)["seal"] != before["seal"]
    assert people("import", "people.csv").code == 0
    begin_replacing(folder / KEYS)
    assert "was cut off before" in people("keys", "check").out
    # Who was in the register is found again under the new index: nobody is there twice.
    with opened(folder) as house, reading(house.engine) as connection:
        assert len(connection.execute(select(person.c.id)).all()) == 3
