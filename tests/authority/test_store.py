"""The store: what a transaction promises, and a file that is not ours."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from simulator.authority.presence import Sender, Submission
from simulator.authority.store import Store, StoreLayoutError
from tests.authority.rig import FIRST, OK, Rig, cancel, item

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


def people(first: int, count: int) -> list[str]:
    """Invented person numbers, all different."""
    return [
        f"{body:09d}{97 - body % 97:02d}"
        for body in (
            int(f"{60 + n // 224:02d}01{1 + n // 8 % 28:02d}{990 + n % 8}")
            for n in range(first, first + count)
        )
    ]


def test_an_item_costs_the_same_however_many_are_stored(rig: Rig) -> None:
    def steps(first: int) -> int:
        taken = 0

        def count() -> int:
            nonlocal taken
            taken += 1
            return 0

        rig.store._db.set_progress_handler(count, 10)
        numbers = rig.register(*(item(inss) for inss in people(first, 20)))
        rig.clock.forward(20)
        assert rig.authority.validate_due() == 20
        assert rig.call(cancel((numbers[3], "PLANNING"))).codes == []
        assert rig.authority.validate_due() == 0
        rig.store._db.set_progress_handler(None, 10)
        return taken

    # What is measured are steps of the database, never seconds.
    at_first = steps(0)
    for first in range(20, 1620, 200):
        rig.register(*(item(inss) for inss in people(first, 200)))
    rig.clock.forward(20)
    rig.authority.validate_due()
    assert steps(1700) < 1.5 * at_first
