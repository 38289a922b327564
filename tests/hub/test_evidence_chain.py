"""Whatever somebody does to a kept row, the chain tells: any bit, any row, any order, its end."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from hub.storage.chain import EMPTY, ChainReport, Fault, Head, parse_head
from hub.storage.engine import reading, writing
from hub.storage.evidence_chain import verify
from hub.storage.house import DATABASE, open_house
from hub.storage.schema import evidence_item
from tests.hub.kept_evidence import archive, rest_register, soap_register, unanswered

TABLES = {
    "evidence": (
        "id",
        "at_ms",
        "regime",
        "operation",
        "outcome",
        "sealed",
        "previous",
        "digest",
    ),
    "evidence_item": ("evidence_id", "reference", "number"),
}
Change = Callable[[sqlite3.Connection], object]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with five exchanges."""
    folder = tmp_path_factory.mktemp("kept") / "house"
    with archive(folder) as made:
        made.store.keep(soap_register())
        made.store.keep(unanswered())
        made.store.keep(rest_register())
        made.store.keep(soap_register((1,)))
        made.store.keep(soap_register((2, 0)))
    return folder


def tampered(kept: Path, folder: Path, change: Change, noted: Head | None = None) -> ChainReport:
    """The report on a copy of the folder to which `change` was done with the triggers away."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(kept, folder)
    connection = sqlite3.connect(folder / DATABASE)
    for table in TABLES:
        for verb in ("update", "delete"):
            connection.execute(f"DROP TRIGGER {table}_no_{verb}")
    change(connection)
    connection.commit()
    connection.close()
    house = open_house(folder)
    try:
        with reading(house.engine) as reader:
            return verify(reader, house.vault, noted)
    finally:
        house.close()


def test_what_nobody_touched_is_whole(kept: Path, tmp_path: Path) -> None:
    report = tampered(kept, tmp_path / "copy", lambda connection: None)
    assert report.whole
    assert report.rows == report.head.row == 5
    assert parse_head(str(report.head)) == report.head


def test_a_house_without_evidence_is_whole(tmp_path: Path) -> None:
    with archive(tmp_path / "new") as made, reading(made.house.engine) as connection:
        report = verify(connection, made.house.vault)
    assert (report.whole, report.head) == (True, EMPTY)


def flip(value: Any, bit: int) -> Any:
    """The value with one bit turned, of the same type; None stays."""
    if isinstance(value, int):
        return value ^ (1 << bit % 50)
    raw = bytearray(value.encode() if isinstance(value, str) else value)
    raw[bit // 8 % len(raw)] ^= 1 << bit % 8
    return bytes(raw)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_single_bit_is_found(
    kept: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    table = data.draw(st.sampled_from(sorted(TABLES)))
    column = data.draw(st.sampled_from(TABLES[table]))
    bit = data.draw(st.integers(0, 20_000))

    def change(connection: sqlite3.Connection) -> None:
        connection.text_factory = bytes
        rows = connection.execute(
            f"SELECT rowid, {column} FROM {table} WHERE {column} IS NOT NULL"
        ).fetchall()
        rowid, value = data.draw(st.sampled_from(rows))
        text = column in ("regime", "operation", "outcome", "reference")
        place = "CAST(? AS TEXT)" if text else "?"
        connection.execute(
            f"UPDATE {table} SET {column} = {place} WHERE rowid = ?", (flip(value, bit), rowid)
        )

    try:
        report = tampered(kept, tmp_path_factory.getbasetemp() / "bit", change)
    except sqlite3.IntegrityError:
        return  # a key that is taken already: the engine refused it
    assert not report.whole


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_row_that_is_taken_out_is_found(
    kept: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    table = data.draw(st.sampled_from(sorted(TABLES)))

    def change(connection: sqlite3.Connection) -> None:
        rows = connection.execute(f"SELECT rowid FROM {table}").fetchall()
        gone = data.draw(st.sets(st.sampled_from(rows), min_size=1))
        for rowid in gone:
            connection.execute(f"DELETE FROM {table} WHERE rowid = ?", rowid)

    assert not tampered(kept, tmp_path_factory.getbasetemp() / "row", change).whole


def renumber(connection: sqlite3.Connection, old: int, new: int) -> None:
    connection.execute("UPDATE evidence SET id = ? WHERE id = ?", (new, old))
    connection.execute("UPDATE evidence_item SET evidence_id = ? WHERE evidence_id = ?", (new, old))


def swap(connection: sqlite3.Connection) -> None:
    for old, new in ((2, 99), (3, 2), (99, 3)):
        renumber(connection, old, new)


def cut(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM evidence_item WHERE evidence_id = 5")
    connection.execute("DELETE FROM evidence WHERE id = 5")


def close_ranks(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM evidence_item WHERE evidence_id = 3")
    connection.execute("DELETE FROM evidence WHERE id = 3")
    renumber(connection, 4, 3)
    renumber(connection, 5, 4)


def put_in(connection: sqlite3.Connection) -> None:
    connection.execute(
        "INSERT INTO evidence SELECT 6, at_ms, regime, operation, outcome, sealed, digest,"
        " zeroblob(32) FROM evidence WHERE id = 5"
    )


def forget_the_end(connection: sqlite3.Connection) -> None:
    cut(connection)
    connection.execute("DELETE FROM meta WHERE key = 'evidence_head'")


@pytest.mark.parametrize(
    ("change", "faults"),
    [
        (swap, {(2, Fault.UNLINKED), (3, Fault.UNLINKED), (4, Fault.UNLINKED)}),
        (cut, {(5, Fault.CUT)}),
        (close_ranks, {(3, Fault.UNLINKED), (5, Fault.CUT)}),
        (put_in, {(6, Fault.CHANGED), (5, Fault.CUT)}),
        (forget_the_end, {(4, Fault.UNNOTED)}),
    ],
)
def test_each_trick_is_named(
    kept: Path, tmp_path: Path, change: Change, faults: set[tuple[int, Fault]]
) -> None:
    report = tampered(kept, tmp_path / "copy", change)
    assert set(report.faults) == faults
    assert not report.sound(next(iter(faults))[0])


def test_an_end_noted_elsewhere_finds_who_rewrote_all(kept: Path, tmp_path: Path) -> None:
    whole = tampered(kept, tmp_path / "copy", lambda connection: None)

    def begin_again(connection: sqlite3.Connection) -> None:
        for table in ("evidence_item", "evidence"):
            connection.execute(f"DELETE FROM {table}")
        connection.execute("DELETE FROM meta WHERE key = 'evidence_head'")

    again = tmp_path / "again"
    assert tampered(kept, again, begin_again).whole
    assert tampered(kept, again, begin_again, whole.head).faults == ((5, Fault.OTHER),)
    assert tampered(kept, again, lambda connection: None, whole.head).whole


def test_the_chain_goes_on_after_a_break_and_the_break_stays_seen(
    kept: Path, tmp_path: Path
) -> None:
    for name, change in (("cut", cut), ("forgotten", forget_the_end), ("put in", put_in)):
        folder = tmp_path / name
        tampered(kept, folder, change)
        with archive(folder) as made:
            made.store.keep(soap_register((0,)))
            with reading(made.house.engine) as connection:
                assert not verify(connection, made.house.vault).whole, name


def test_the_engine_refuses_to_change_or_remove_what_is_kept(tmp_path: Path) -> None:
    with archive(tmp_path / "house") as made:
        made.store.keep(soap_register())
        for statement in (
            "UPDATE evidence SET at_ms = 0",
            "DELETE FROM evidence",
            "UPDATE evidence_item SET number = 1",
            "DELETE FROM evidence_item",
        ):
            with (
                pytest.raises(IntegrityError, match="never changed"),
                writing(made.house.engine) as connection,
            ):
                connection.exec_driver_sql(statement)


def test_items_of_no_row_are_found(kept: Path, tmp_path: Path) -> None:
    def stray(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO evidence_item VALUES (9, 'x', 7)")
        connection.execute("INSERT INTO evidence_item VALUES (0, 'x', 7)")

    report = tampered(kept, tmp_path / "copy", stray)
    assert set(report.faults) == {(0, Fault.STRAY), (9, Fault.STRAY)}


def test_an_item_put_to_a_row_is_found(kept: Path, tmp_path: Path) -> None:
    report = tampered(
        kept,
        tmp_path / "copy",
        lambda connection: connection.execute("INSERT INTO evidence_item VALUES (2, 'x', NULL)"),
    )
    assert report.faults == ((2, Fault.CHANGED),)


def test_the_triggers_leave_new_items_alone(tmp_path: Path) -> None:
    with archive(tmp_path / "house") as made:
        made.store.keep(soap_register())
        with writing(made.house.engine) as connection:
            connection.execute(
                insert(evidence_item).values(evidence_id=1, reference="new", number=None)
            )


@pytest.mark.parametrize("text", ["", "5", "5:zz", "-1:" + "00" * 32, "5:" + "00" * 31, "x:00"])
def test_what_is_no_end_of_a_chain_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse_head(text)
