"""A rule takes the beginning of what is only appended to; the rest stays guarded and proven."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from sqlalchemy import select

from hub.application.retention import DataClass
from hub.domain.audit import Noted
from hub.storage.audit import note
from hub.storage.audit_reader import verify_audit
from hub.storage.chain import EMPTY, Fault
from hub.storage.engine import reading, writing
from hub.storage.evidence_chain import verify
from hub.storage.schema import registration, registration_event
from tests.hub.books import Books
from tests.hub.books import books as opened_books
from tests.hub.house import NOON_MS, people_house
from tests.hub.kept_evidence import archive, rest_register, soap_register
from tests.hub.sweeping import DAY_MS, erased, retention

ROOT = Path(__file__).resolve().parents[2]


def test_registrations_go_with_their_steps_and_the_guards_are_back(tmp_path: Path) -> None:
    with opened_books(tmp_path / "house") as kept:
        old = date(2026, 11, 23) - timedelta(days=2741)
        kept.registration("a" * 24, "validated", 1, 900_000_000_000_117, day=old)
        kept.registration("b" * 24, "validated", 1, 900_000_000_000_118)
        _guarded(kept)
        done = retention(kept.house).run(NOON_MS, "hub")
        assert erased(done)["registrations"] == 1
        with reading(kept.house.engine) as connection:
            for table in (registration, registration_event):
                assert set(connection.execute(select(table.c.reference)).scalars()) == {"b" * 24}
        _guarded(kept)


def _guarded(kept: Books) -> None:
    for table in ("registration_event", "evidence", "evidence_item", "audit", "badge_event"):
        with reading(kept.house.engine) as connection:
            names = connection.exec_driver_sql(
                "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?", (table,)
            ).scalars()
            assert set(names) == {f"{table}_no_update", f"{table}_no_delete"}


def test_only_one_place_takes_the_guards_away() -> None:
    found = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "hub").rglob("*.py")
        if "DROP TRIGGER" in path.read_text("utf-8")
    }
    assert found == {"hub/storage/guards.py"}


def test_the_evidence_that_is_left_is_still_proven(tmp_path: Path) -> None:
    ancient = NOON_MS - 2741 * DAY_MS
    with archive(tmp_path / "house") as kept:
        for exchange in (
            soap_register(at_ms=ancient),
            rest_register(ancient + 1),
            soap_register((1,), NOON_MS),
            rest_register(NOON_MS + 1),
        ):
            kept.store.keep(exchange)
        with reading(kept.house.engine) as connection:
            whole = verify(connection, kept.house.vault)
        retention(kept.house).run(NOON_MS, "hub")
        with reading(kept.house.engine) as connection:
            left = verify(connection, kept.house.vault, whole.head)
        assert (left.whole, left.rows, left.anchor.row, left.head) == (True, 2, 2, whole.head)
        kept.store.keep(soap_register((0,), NOON_MS + 2))
        with reading(kept.house.engine) as connection:
            assert verify(connection, kept.house.vault).rows == 3
        # Somebody cuts off one more, as if a rule had done it.
        with kept.house.engine.connect() as connection:
            for table in ("evidence", "evidence_item"):
                connection.exec_driver_sql(f"DROP TRIGGER {table}_no_delete")
            connection.exec_driver_sql("DELETE FROM evidence_item WHERE evidence_id = 3")
            connection.exec_driver_sql("DELETE FROM evidence WHERE id = 3")
            connection.commit()
        with reading(kept.house.engine) as connection:
            found = verify(connection, kept.house.vault)
        assert set(found.faults) == {(4, Fault.MISSING), (4, Fault.UNLINKED)}


def test_the_audit_goes_on_when_all_of_it_was_erased(tmp_path: Path) -> None:
    with people_house(tmp_path) as found:
        house = found.house
        with writing(house.engine) as connection:
            for number in range(3):
                note(connection, house.vault, NOON_MS + number, "command", Noted.LOGIN)
        with reading(house.engine) as connection:
            early = verify_audit(connection, house.vault).head
        later = NOON_MS + 731 * DAY_MS
        retention(house, {DataClass.AUDIT: 730}).run(later, "hub")
        with reading(house.engine) as connection:
            report_ = verify_audit(connection, house.vault)
            assert (report_.whole, report_.rows, report_.anchor) == (True, 1, early)
            # The run itself stands in it.
            assert report_.head.row == early.row + 1
        # An end that was noted before the part that was erased proves nothing any more.
        retention(house, {DataClass.AUDIT: 730}).run(later + 731 * DAY_MS, "hub")
        with reading(house.engine) as connection:
            assert verify_audit(connection, house.vault, early).faults == (
                (early.row, Fault.ERASED),
            )
            assert verify_audit(connection, house.vault, EMPTY).whole
