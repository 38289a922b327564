"""What has had its time is erased, a little at a time; what is left is whole, and nothing comes
back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from hub.application.retention import DataClass, Due, due
from hub.domain.legal_day import brussels_day
from hub.errors import UsageError
from hub.settings import load_settings
from hub.storage.audit_reader import Wanted, read_page
from hub.storage.balance import Books as DayBooks
from hub.storage.engine import reading, writing
from hub.storage.house import open_house
from hub.storage.inbox import load_streams
from hub.storage.incidents import add_incident
from hub.storage.projection import rebuild
from hub.storage.retention import AT_ONCE, Retention, last_run_ms, report
from hub.storage.schema import (
    badge,
    badge_event,
    clock_mark,
    erased_run,
    erasure,
    gate_event,
    import_change,
    import_run,
    inbox,
    incident,
    meta,
    person,
    plan_entry,
    presence,
    tap,
)
from protocol.limits import RECORD_SIZE
from protocol.record import KIND_TIME_SET, QUALITY_NONE
from tests.hub.command_line import Sitegate
from tests.hub.derived import Site
from tests.hub.house import BASILE, MILAN, NOON_MS, PIOTR, people_house, record
from tests.hub.sweeping import DAY_MS, DAYS, Writes, erased, retention, rows

OLD_MS = NOON_MS - 401 * DAY_MS
"""One day longer ago than taps are kept."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A site whose gates sent three old taps and three new ones."""
    with people_house(tmp_path / "house") as found:
        with writing(found.house.engine) as connection:
            # The register is older than everything that happened.
            connection.execute(update(badge).values(linked_ms=OLD_MS - DAY_MS))
            connection.execute(update(person).values(added_ms=OLD_MS - DAY_MS))
        here = Site(found)
        for start, at_ms in ((1, OLD_MS), (4, NOON_MS)):
            cards = [found.tag(uid) for uid in (MILAN, BASILE, PIOTR)]
            here.arrive(
                "gate-in",
                at_ms,
                *(record(start + place, tag, at_ms - 1000) for place, tag in enumerate(cards)),
            )
        here.arrive("gate-out", OLD_MS, record(1, cards[0], OLD_MS - 500, direction=2))
        here.project()
        yield here


# ---------------------------------------------------------------- the rules


def test_a_day_is_due_when_it_lies_further_back_than_the_rule() -> None:
    today = date(2026, 11, 23)
    assert due({DataClass.VISITORS: 30}, today) == [Due(DataClass.VISITORS, date(2026, 10, 24))]
    everything = due(DAYS, today)
    assert {one.data_class for one in everything} == set(DataClass)
    # Who is named by something that is erased in the same run goes after it.
    assert everything[-1].data_class is DataClass.PEOPLE


@pytest.mark.parametrize("key", ["taps", "plan"])
def test_registrations_are_kept_longest(key: str, tmp_path: Path) -> None:
    file = tmp_path / "sitegate.toml"
    file.write_text(f"[retention]\n{key} = 2000\nregistrations = 1999\n")
    with pytest.raises(UsageError) as caught:
        load_settings(file)
    assert caught.value.code == "HUB-1002"
    file.write_text(f"[retention]\n{key} = 2000\nregistrations = 2000\n")
    assert load_settings(file).retention.registrations == 2000


# ---------------------------------------------------------------- taps


def test_old_taps_go_with_the_records_they_came_in(site: Site) -> None:
    house = site.house.house
    assert rows(house, tap) == 7
    done = retention(house).run(NOON_MS, "hub")
    assert erased(done)["taps"] > 0
    with reading(house.engine) as connection:
        assert set(connection.execute(select(tap.c.received_ms)).scalars()) == {NOON_MS}
        held = connection.execute(select(inbox.c.received_ms).where(inbox.c.records != b""))
        assert set(held.scalars()) == {NOON_MS}
        assert set(connection.execute(select(presence.c.day)).scalars()) == {"2026-11-23"}
    # The registrations that were made of them have a longer time.
    assert {day for day, *_ in site.registrations()} >= {brussels_day(OLD_MS).isoformat()}


def test_a_record_that_was_erased_is_never_taken_again(site: Site) -> None:
    house = site.house.house
    with reading(house.engine) as connection:
        before = {(one.terminal, one.receiver.ack()[0]) for one in load_streams(connection)}
    retention(house).run(NOON_MS, "hub")
    with reading(house.engine) as connection:
        streams = load_streams(connection)
        stretches = connection.execute(select(erased_run)).all()
    # What a gate is told of what is here is what it was told before.
    assert {(one.terminal, one.receiver.ack()[0]) for one in streams} == before
    assert before == {("gate-in", 6), ("gate-out", 1)}
    for one in streams:
        assert one.receiver.offer(1, 1) == []
    assert [(row.first_seq, row.last_seq) for row in stretches] == [(1, 3), (1, 1)]
    # And the engine refuses it, whoever tries.
    with pytest.raises(IntegrityError, match="erased already"):
        site.arrive("gate-in", NOON_MS, record(2, site.house.tag(MILAN), NOON_MS))
    site.arrive("gate-in", NOON_MS, record(7, site.house.tag(MILAN), NOON_MS))
    site.project()
    assert rows(house, tap) == 4


def test_no_number_is_missing_from_the_books(site: Site) -> None:
    house = site.house.house
    retention(house).run(NOON_MS, "hub")
    (books,) = DayBooks(house.engine).books(date(2026, 11, 23), NOON_MS)
    assert (books.taps.open, books.taps.received, books.taps.stored) == (0, 3, 3)


def test_a_rebuild_afterwards_changes_nothing(site: Site) -> None:
    house = site.house.house
    retention(house).run(NOON_MS, "hub")
    before = site.everything()
    with writing(house.engine) as connection:
        rebuild(connection)
    assert site.everything() == before


def test_a_rebuild_still_knows_the_clock_of_a_gate_that_was_never_switched_off(
    tmp_path: Path,
) -> None:
    with people_house(tmp_path / "house") as found:
        site = Site(found)
        house = found.house
        site.arrive("gate-in", OLD_MS, record(1, bytes(8), OLD_MS, kind=KIND_TIME_SET))
        undated = record(2, found.tag(MILAN), 0, quality=QUALITY_NONE, ticks_ms=401 * DAY_MS)
        site.arrive("gate-in", NOON_MS, undated)
        site.arrive("gate-in", NOON_MS, record(3, found.tag(MILAN), NOON_MS))
        site.project()
        retention(house).run(NOON_MS, "hub")
        before = site.tables(tap, presence, clock_mark)
        with writing(house.engine) as connection:
            rebuild(connection)
        assert site.tables(tap, presence, clock_mark) == before
        assert [row.at_ms for row in site.rows(tap)] == [NOON_MS, NOON_MS]


def test_events_of_gates_outlive_their_records_when_they_are_kept_longer(site: Site) -> None:
    house = site.house.house
    with writing(house.engine) as connection:
        connection.execute(
            insert(gate_event).values(
                stream_id=1, seq=1, terminal_id="gate-in", kind=1, code=1, detail=0, boot=1,
                ticks_ms=0, at_ms=OLD_MS, received_ms=OLD_MS,
            )
        )  # fmt: skip
    retention(house, {**DAYS, DataClass.GATES: 800}).run(NOON_MS, "hub")
    with writing(house.engine) as connection:
        rebuild(connection)
    assert rows(house, gate_event) == 1
    retention(house).run(NOON_MS, "hub")
    assert rows(house, gate_event) == 0


def test_an_inbox_that_was_emptied_goes_on(site: Site) -> None:
    house = site.house.house
    later = NOON_MS + 500 * DAY_MS
    retention(house).run(later, "hub")
    assert rows(house, tap) == 0
    with reading(house.engine) as connection:
        (mark,) = connection.execute(select(inbox)).all()
        assert (mark.id, mark.count, mark.records) == (3, 0, b"")
        assert {one.receiver.ack()[0] for one in load_streams(connection)} == {1, 6}
    assert erased(retention(house).run(later + DAY_MS, "hub")) == {}
    site.arrive("gate-in", later, record(7, site.house.tag(MILAN), later))
    assert site.project() == 1
    retention(house).run(later + DAY_MS, "hub")
    assert rows(house, inbox) == 1
    before = site.everything()
    with writing(house.engine) as connection:
        rebuild(connection)
    assert site.everything() == before


def test_what_was_not_projected_yet_is_not_erased(site: Site) -> None:
    house = site.house.house
    site.arrive("gate-out", OLD_MS, record(2, site.house.tag(MILAN), OLD_MS))
    site.arrive("gate-out", NOON_MS, record(3, site.house.tag(MILAN), NOON_MS))
    retention(house).run(NOON_MS, "hub")
    with reading(house.engine) as connection:
        held = connection.execute(select(inbox.c.first_seq).where(inbox.c.stream_id == 2))
        assert list(held.scalars()) == [2, 3]


def test_who_has_a_badge_is_known_however_long_ago_he_got_it(site: Site) -> None:
    house = site.house.house
    tag = site.house.tag(MILAN)
    with writing(house.engine) as connection:
        for at_ms, event, whose in (
            (OLD_MS - 3, "linked", 2),
            (OLD_MS - 2, "released", 2),
            (OLD_MS - 1, "linked", 1),
        ):
            connection.execute(
                insert(badge_event).values(
                    at_ms=at_ms, tag=tag, event=event, person_id=whose, actor="command"
                )
            )
    retention(house).run(NOON_MS, "hub")
    with reading(house.engine) as connection:
        history = connection.execute(
            select(badge_event.c.event, badge_event.c.person_id).where(
                badge_event.c.tag == tag, badge_event.c.at_ms < NOON_MS - DAY_MS
            )
        ).all()
    assert [tuple(row) for row in history] == [("linked", 1)]


# ---------------------------------------------------------------- people


def test_a_visitor_is_nobody_a_month_after_his_last_day(site: Site) -> None:
    house = site.house.house
    with writing(house.engine) as connection:
        connection.execute(update(person).where(person.c.id == 1).values(kind="visitor"))
        connection.execute(update(person).where(person.c.id == 2).values(kind="delivery"))
    assert "visitors" not in erased(retention(house).run(NOON_MS + 30 * DAY_MS, "hub"))
    done = retention(house).run(NOON_MS + 31 * DAY_MS, "hub")
    assert erased(done)["visitors"] == 2
    with reading(house.engine) as connection:
        people = connection.execute(select(person).order_by(person.c.id)).all()
        left = connection.execute(select(badge.c.person_id)).scalars().all()
    assert [row.family_name for row in people] == ["", "", "Kowalik"]
    assert [row.inss_sealed is None for row in people[:2]] == [True, True]
    assert left == [3]
    assert rows(house, presence) == 3


def test_a_worker_is_forgotten_when_nothing_else_is_kept_of_him(site: Site) -> None:
    house = site.house.house
    later = NOON_MS + 3000 * DAY_MS
    done = retention(house).run(later, "hub")
    assert "people" not in erased(done)
    with writing(house.engine) as connection:
        connection.exec_driver_sql("DELETE FROM badge WHERE person_id = 1")
    assert erased(retention(house).run(later, "hub"))["people"] == 1
    with reading(house.engine) as connection:
        people = connection.execute(select(person.c.family_name).order_by(person.c.id))
        assert list(people.scalars()) == ["", "Gillard", "Kowalik"]


# ---------------------------------------------------------------- the rest


def test_old_plan_incidents_and_imports_go(site: Site) -> None:
    house = site.house.house
    folder = house.folder / "backups"
    folder.mkdir()
    (folder / "before-1.db").write_bytes(b"a copy")
    (house.folder / "outside.db").write_bytes(b"not a copy")
    with writing(house.engine) as connection:
        add_incident(connection, OLD_MS, "HUB-1205", None, "")
        add_incident(connection, NOON_MS, "HUB-1205", None, "")
        for day in ("2025-10-01", "2026-11-24"):
            connection.execute(
                insert(plan_entry).values(
                    person_id=1, works_number="1Y19FAKE001AZ", day=day, source="file",
                    planned_ms=OLD_MS, actor="command",
                )
            )  # fmt: skip
        for number, (at_ms, name) in enumerate(
            ((OLD_MS, "before-1.db"), (OLD_MS, "../outside.db"), (NOON_MS, "before-2.db")), 101
        ):
            connection.execute(
                insert(import_run).values(
                    id=number, at_ms=at_ms, actor="command", rows=1, backup=name
                )
            )
            connection.execute(
                insert(import_change).values(
                    run_id=number, place="person", row="1", after=b"sealed"
                )
            )
    done = erased(retention(house).run(NOON_MS, "hub"))
    assert (done["gates"], done["plan"], done["imports"]) == (1, 1, 4)
    assert (rows(house, incident), rows(house, plan_entry)) == (1, 1)
    with reading(house.engine) as connection:
        images = select(import_change.c.run_id).where(import_change.c.run_id > 100)
        assert connection.execute(images).scalars().all() == [103]
    assert list(folder.iterdir()) == []
    assert (house.folder / "outside.db").exists()


def test_each_piece_is_small_and_the_report_says_what_was_done(site: Site) -> None:
    house = site.house.house
    with writing(house.engine) as connection:
        for number in range(3 * AT_ONCE):
            add_incident(connection, OLD_MS + number, "HUB-1205", None, "")
    only = {DataClass.GATES: 400}
    writes = Writes(house)
    rules = Retention(house.engine, writes, house.vault, house.folder, only)
    looked = rules.look(NOON_MS)
    assert writes.count == 0
    assert rules.run(NOON_MS, "account:1") == looked
    assert writes.count == 3 + 1
    with reading(house.engine) as connection:
        (row,) = report(connection)
        assert last_run_ms(connection) == NOON_MS
        assert read_page(connection, Wanted(action="retention.erased"), 1)[1] == 1
    assert (row.data_class, row.rows, row.actor) == ("gates", 3 * AT_ONCE, "account:1")
    assert row.before_day == "2025-10-19"


def test_a_run_that_was_cut_off_has_told_what_it_did_and_goes_on(site: Site) -> None:
    house = site.house.house
    with writing(house.engine) as connection:
        for number in range(3 * AT_ONCE):
            add_incident(connection, OLD_MS + number, "HUB-1205", None, "")
    only = {DataClass.GATES: 400}
    writes = Writes(house, fail_at=3)
    rules = Retention(house.engine, writes, house.vault, house.folder, only)
    with pytest.raises(OSError, match="cut off"):
        rules.run(NOON_MS, "hub")
    assert rows(house, incident) == AT_ONCE
    rules.run_once_a_day(NOON_MS + 60_000)
    rules.run_once_a_day(NOON_MS + 120_000)
    with reading(house.engine) as connection:
        assert [row.rows for row in report(connection)] == [AT_ONCE, 2 * AT_ONCE]
        assert last_run_ms(connection) == NOON_MS + 60_000


def test_what_is_erased_is_not_in_the_file_any_more(site: Site) -> None:
    house = site.house.house
    with writing(house.engine) as connection:
        connection.execute(
            update(person).where(person.c.id == 1).values(kind="visitor", family_name="Zonderspoor")
        )
    database = house.folder / "sitegate.db"

    def written() -> bytes:
        with house.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        return database.read_bytes()

    assert b"Zonderspoor" in written()
    retention(house).run(NOON_MS + 31 * DAY_MS, "hub")
    assert b"Zonderspoor" not in written()


# ---------------------------------------------------------------- the commands


def test_the_commands_show_look_and_erase(people: Sitegate) -> None:
    with closing(open_house(Path("sitegate-data"))) as house, writing(house.engine) as connection:
        add_incident(connection, 1, "HUB-1205", None, "")
    shown = people("retention", "show", "--json").json
    assert {rule["class"] for rule in shown["rules"]} == set(DataClass)
    assert [rule["due"] for rule in shown["rules"] if rule["class"] == "gates"] == [1]
    assert shown["last_run_ms"] is None
    looked = people("retention", "run", "--dry-run", "--json").json
    assert looked["dry_run"] is True
    assert people("retention", "show", "--json").json["report"] == []
    did = people("retention", "run", "--json").json
    assert did["erased"] == looked["erased"]
    assert people("retention", "show", "--json").json["report"][0]["rows"] == 1
    assert "Events of gates, incidents" in people("retention", "show").out
    assert people("retention", "run").code == 0


def test_the_report_is_never_of_somebody(site: Site) -> None:
    retention(site.house.house).run(NOON_MS + 3000 * DAY_MS, "hub")
    assert {column.name for column in erasure.columns} == {
        "id", "at_ms", "data_class", "before_day", "rows", "actor",
    }  # fmt: skip
    assert RECORD_SIZE == 32
    with reading(site.engine) as connection:
        assert connection.execute(select(meta.c.value).where(meta.c.key == "retention_run")).first()
