"""The store: what a transaction promises, and a file that is not ours."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from simulator.authority.presence import Sender, Submission
from simulator.authority.store import Store, StoreLayoutError
from tests.authority.rig import FIRST, OK, Rig, item

SENDER = Sender("SIM-0001", 999000129, "SIM")


def add(store: Store) -> int:
    return store.add(
        Submission("1Y19FAKE001AZ", inss=OK, company=999000129),
        day=date(2026, 11, 23),
        person=OK,
        sector=1,
        created_ms=0,
        channel="WEBSERVICE",
        sender=SENDER,
        due_ms=0,
    ).number


def test_it_is_a_write_ahead_log_synced_at_each_commit(tmp_path: Path) -> None:
    store = Store(tmp_path / "a.db")
    assert store._db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert store._db.execute("PRAGMA synchronous").fetchone()[0] == 2
    store.close()


def test_an_error_undoes_the_whole_transaction(tmp_path: Path) -> None:
    store = Store(tmp_path / "a.db")

    def fail_halfway() -> None:
        with store.transaction():
            add(store)
            add(store)
            raise KeyError("halfway")

    with pytest.raises(KeyError):
        fail_halfway()
    assert store.everything() == []
    with store.transaction():
        assert add(store) == FIRST
    store.close()


def test_another_layout_or_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    Store(path).close()
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(StoreLayoutError):
        Store(path)
    path.write_bytes(b"something else entirely" * 100)
    with pytest.raises(sqlite3.DatabaseError):
        Store(path)


def test_everything_is_there_after_a_restart(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    rig.validated(item(reference="one"), item(), item("99123199544"))
    rig.order("dimona", inss="99123199544", company="0999000129")
    rig.order("person", inss="85031299761", replaced_by="85031299563")
    before = rig.stored()
    rig.close()
    rig = make_rig()
    assert rig.stored() == before
    assert rig.register(item("85031299563")) == [FIRST + 3]
    rig.order("validate")
    assert [held["status"] for held in rig.stored()] == [
        "VALIDATED",
        "FAILED",
        "VALIDATED",
        "FAILED",
    ]


def test_what_waited_for_validation_is_validated_after_a_restart(
    make_rig: Callable[..., Rig],
) -> None:
    rig = make_rig()
    rig.register(item())
    rig.close()
    rig = make_rig("2026-11-23T06:41:27.312")
    assert rig.authority.validate_due() == 1
