"""The audit: kept with what it tells of, refused to be changed, and found when somebody did."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from hub.domain.audit import Noted
from hub.storage.audit import note
from hub.storage.audit_reader import PAGE, Subjects, Wanted, actors, read_page, verify_audit
from hub.storage.chain import EMPTY, Fault, Head
from hub.storage.engine import reading, writing
from hub.storage.house import DATABASE, House, open_house
from hub.storage.schema import audit, person
from tests.hub.command_line import Sitegate, explained
from tests.hub.house import NOON_MS, people_house

DAY_MS = 24 * 3600 * 1000
Change = Callable[[sqlite3.Connection], object]


@dataclass
class Bare:
    """A house without a site, whose audit is empty."""

    house: House


@contextmanager
def bare(folder: Path) -> Iterator[Bare]:
    """Opens a new house."""
    with closing(open_house(folder)) as house:
        yield Bare(house)


def noted(house: House, rows: int, at_ms: int = NOON_MS) -> None:
    """Notes so many looks at a number."""
    with writing(house.engine) as connection:
        for number in range(rows):
            note(
                connection,
                house.vault,
                at_ms + number,
                "account:1",
                Noted.PERSON_REVEALED,
                f"person:{number % 3 + 1}",
                reason="inspectie",
            )


def changed(folder: Path, change: Change) -> None:
    """Does to the table what the triggers refuse."""
    connection = sqlite3.connect(folder / DATABASE)
    for verb in ("update", "delete"):
        connection.execute(f"DROP TRIGGER audit_no_{verb}")
    change(connection)
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    "statement", ["UPDATE audit SET detail = '{}'", "DELETE FROM audit WHERE id = 2"]
)
def test_the_engine_refuses_to_change_or_remove_a_row(tmp_path: Path, statement: str) -> None:
    with bare(tmp_path) as here:
        noted(here.house, 3)
        with (
            pytest.raises(IntegrityError, match="never changed"),
            writing(here.house.engine) as connection,
        ):
            connection.exec_driver_sql(statement)
        with reading(here.house.engine) as connection:
            assert verify_audit(connection, here.house.vault).rows == 3


def test_a_row_is_kept_if_and_only_if_its_transaction_is(tmp_path: Path) -> None:
    with bare(tmp_path) as here:

        def fail() -> None:
            with writing(here.house.engine) as connection:
                note(connection, here.house.vault, NOON_MS, "command", Noted.LOGIN)
                raise RuntimeError

        with pytest.raises(RuntimeError):
            fail()
        noted(here.house, 2)
        with reading(here.house.engine) as connection:
            report = verify_audit(connection, here.house.vault)
        assert report.whole
        assert report.rows == report.head.row == 2


def test_two_writers_at_once_make_one_chain(tmp_path: Path) -> None:
    with bare(tmp_path) as here:
        ready = threading.Barrier(2)

        def write() -> None:
            ready.wait(10)
            for _ in range(25):
                noted(here.house, 1)

        with ThreadPoolExecutor(2) as pool:
            for task in [pool.submit(write) for _ in range(2)]:
                task.result(60)
        with reading(here.house.engine) as connection:
            report = verify_audit(connection, here.house.vault)
        assert (report.whole, report.rows) == (True, 50)


def test_an_untouched_audit_is_whole_and_so_is_an_empty_one(tmp_path: Path) -> None:
    with bare(tmp_path) as here:
        with reading(here.house.engine) as connection:
            assert verify_audit(connection, here.house.vault).head == EMPTY
        noted(here.house, 5)
        with reading(here.house.engine) as connection:
            first = verify_audit(connection, here.house.vault)
        noted(here.house, 5)
        with reading(here.house.engine) as connection:
            assert verify_audit(connection, here.house.vault, first.head).whole
            other = Head(3, first.head.digest)
            assert verify_audit(connection, here.house.vault, other).faults == ((3, Fault.OTHER),)


@pytest.mark.parametrize(
    ("statement", "faults"),
    [
        ("UPDATE audit SET actor = 'account:2' WHERE id = 2", {(2, Fault.CHANGED)}),
        ("UPDATE audit SET at_ms = at_ms + 1 WHERE id = 2", {(2, Fault.CHANGED)}),
        ("UPDATE audit SET company_id = 1 WHERE id = 2", {(2, Fault.CHANGED)}),
        ("DELETE FROM audit WHERE id = 2", {(3, Fault.MISSING), (3, Fault.UNLINKED)}),
        ("DELETE FROM audit WHERE id = 1", {(2, Fault.MISSING), (2, Fault.UNLINKED)}),
        ("DELETE FROM audit WHERE id = 4", {(4, Fault.CUT)}),
        ("DELETE FROM audit", {(4, Fault.CUT)}),
        ("DELETE FROM meta WHERE key = 'audit_head'", {(4, Fault.UNNOTED)}),
    ],
)
def test_what_somebody_did_is_found(
    tmp_path: Path, statement: str, faults: set[tuple[int, Fault]]
) -> None:
    with bare(tmp_path) as here:
        noted(here.house, 4)
    changed(tmp_path, lambda connection: connection.execute(statement))
    house = open_house(tmp_path)
    try:
        with reading(house.engine) as connection:
            assert set(verify_audit(connection, house.vault).faults) == faults
        # It goes on, and the break stays seen.
        noted(house, 1, NOON_MS + DAY_MS)
        with reading(house.engine) as connection:
            assert not verify_audit(connection, house.vault).whole
    finally:
        house.close()


def test_pages_and_what_is_asked_for(tmp_path: Path) -> None:
    with bare(tmp_path) as here:
        noted(here.house, PAGE + 4)
        noted(here.house, 3, NOON_MS + DAY_MS)
        with writing(here.house.engine) as connection:
            note(connection, here.house.vault, NOON_MS, "command", Noted.PEOPLE_IMPORTED, rows=3)
        with reading(here.house.engine) as connection:
            rows, total = read_page(connection, Wanted(), 1)
            assert (len(rows), total) == (PAGE, PAGE + 8)
            assert [row.number for row in rows] == sorted(
                (row.number for row in rows), reverse=True
            )
            assert rows[0].detail == {"rows": 3}
            assert len(read_page(connection, Wanted(), 2)[0]) == 8
            assert read_page(connection, Wanted(), 3)[0] == []
            assert read_page(connection, Wanted(action="people.imported"), 1)[1] == 1
            assert read_page(connection, Wanted(actor="account:1"), 1)[1] == PAGE + 7
            assert read_page(connection, Wanted(day=date(2026, 11, 24)), 1)[1] == 3
            about = read_page(connection, Wanted(subject="person:2"), 1)[0]
            assert {row.subject for row in about} == {"person:2"}
            assert actors(connection) == ["account:1", "command"]


def test_a_handle_leads_back_and_shows_no_number_of_a_row(tmp_path: Path) -> None:
    with people_house(tmp_path) as here, reading(here.house.engine) as connection:
        subjects = Subjects(connection, here.house.vault)
        token = connection.execute(select(person.c.token).where(person.c.id == 2)).scalar_one()
        assert str(subjects.of("person:2")) == f"person:{token}"
        for written in ("person:2", "company:1", "site:1", "works:1Y19FAKE001AZ", "command"):
            assert subjects.written(str(subjects.of(written))) == written
        for written in ("account:77", "person:99", "import:12", "badge:0011223344556677"):
            seen = str(subjects.of(written))
            assert written.partition(":")[2] != seen.partition(":")[2]
        assert subjects.written("person:nobody") is None


# ---------------------------------------------------------------- the commands


def test_list_tells_by_handles_only(people: Sitegate) -> None:
    house = open_house(Path("sitegate-data"))
    noted(house, 3)
    house.close()
    told = people("audit", "list", "--json", "--action", "person.revealed").json
    assert told["total"] == 3
    assert {row["subject"].partition(":")[0] for row in told["rows"]} == {"person"}
    assert told["rows"][0]["detail"] == {"reason": "inspectie"}
    one = told["rows"][0]["subject"]
    assert people("audit", "list", "--json", "--subject", one).json["total"] >= 1
    assert people("audit", "list", "--json", "--subject", "person:nobody").json["total"] == 0
    assert people("audit", "list", "--json", "--day", "2026-11-24").json["total"] == 0
    plain = people("audit", "list")
    assert "Number shown in clear" in plain.out
    for name in ("Aarts", "Milan", "Gillard", "Kowalik"):
        assert name not in plain.out
    assert people("audit", "list", "--action", "nothing").code == 2
    assert people("audit", "list", "--day", "tomorrow").code == 2


def test_check_says_whether_it_is_whole(people: Sitegate) -> None:
    house = open_house(Path("sitegate-data"))
    noted(house, 3)
    house.close()
    whole = people("audit", "check", "--json")
    assert (whole.code, whole.json["whole"]) == (0, True)
    assert whole.json["rows"] >= 3
    assert people("audit", "check", "--head", whole.json["head"]).code == 0
    assert people("audit", "check", "--head", "3:00").code == 2
    changed(Path("sitegate-data"), lambda c: c.execute("UPDATE audit SET at_ms = 1 WHERE id = 2"))
    broken = people("audit", "check")
    assert broken.code == 1
    assert "2: the row is not what was written." in broken.out
    explained(broken, "HUB-1710", faults=1, row=2)


def test_the_audit_holds_rows_of_every_word(tmp_path: Path) -> None:
    with bare(tmp_path) as here:
        with writing(here.house.engine) as connection:
            for word in Noted:
                note(connection, here.house.vault, NOON_MS, "hub", word)
        with reading(here.house.engine) as connection:
            assert connection.execute(select(audit.c.action)).scalars().all() == list(Noted)
