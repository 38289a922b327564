"""Reminders as facts: nothing changes them, and each part of them has its time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Table, delete, func, select, update
from sqlalchemy.exc import IntegrityError

from hub.application.access import COMMAND
from hub.application.mailing import Attachment
from hub.application.reports import Period
from hub.errors import UsageError
from hub.storage.contacts import ADDRESS
from hub.storage.engine import reading, writing
from hub.storage.erase import blank_person
from hub.storage.export import export_person
from hub.storage.house import House, open_house
from hub.storage.reminders import Reminders
from hub.storage.reminding import Draft, Reminding, told_of
from hub.storage.reports import Narrowed
from hub.storage.rotation import rotate_house
from hub.storage.schema import (
    company_contact,
    notice,
    person,
    reminder,
    reminder_count,
    reminder_list,
    reminder_row,
    terminal,
)
from tests.hub.command_line import Sitegate
from tests.hub.day_world import DayWorld, day_world
from tests.hub.register_house import NAMES, STRANGER, SUB
from tests.hub.sweeping import DAY_MS, retention
from tests.web.reminder_world import NOW, open_presences

PERIOD = Period(date(2026, 11, 20), date(2026, 11, 30))
LIST = Attachment("list.pdf", "application/pdf", b"%PDF Borms Peeters Rooms")


@dataclass
class Reminded:
    """A world in which two companies were reminded."""

    world: DayWorld
    people: dict[str, int]

    @property
    def house(self) -> House:
        """The open data folder."""
        return self.world.register.house


@pytest.fixture
def sent(tmp_path: Path) -> Iterator[Reminded]:
    with day_world(tmp_path / "house") as world:
        people = open_presences(world)
        remind(world.register.house, SUB, STRANGER)
        yield Reminded(world, people)


def remind(house: House, *numbers: str) -> None:
    """Reminds these companies."""
    with writing(house.engine) as connection:
        reminding = Reminding(connection, house.vault, COMMAND, NOW)
        found, sites = reminding.candidates(Narrowed(PERIOD))
        drafts = [
            Draft(one, told_of(one, sites, PERIOD, COMMAND, "", NOW), "https://hub.example/c", LIST)
            for one in found
            if one.number in numbers
        ]
        assert reminding.send("act", drafts, ()) == len(numbers)


def counts(house: House) -> list[int]:
    """How many rows there are of each table."""
    with reading(house.engine) as connection:
        return [
            connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (reminder, reminder_count, reminder_row, reminder_list, notice)
        ]


@pytest.mark.parametrize("table", [reminder, reminder_count, reminder_row, reminder_list])
def test_the_engine_refuses_to_change_or_remove_what_was_sent(sent: Reminded, table: Table) -> None:
    column = "rows" if table in (reminder, reminder_count) else "at_ms"
    for statement in (delete(table), update(table).values({column: 1})):
        with (
            pytest.raises(IntegrityError, match="never changed"),
            writing(sent.house.engine) as connection,
        ):
            connection.execute(statement)


def test_an_address_stands_nowhere_in_clear_but_on_the_mail_that_waits(sent: Reminded) -> None:
    house = sent.house
    with reading(house.engine) as connection:
        for table in (company_contact, reminder):
            for row in connection.execute(select(table)):
                assert "gillard.example" not in str(dict(row._mapping))
        addresses = {
            house.vault.open(ADDRESS, sealed).decode()
            for sealed in connection.execute(select(reminder.c.address_sealed)).scalars()
        }
        assert addresses == set(connection.execute(select(notice.c.recipient)).scalars())
        (shown, _) = Reminders(connection, house.vault, COMMAND).rows()
    assert "gillard" not in f"{shown!r}"


def test_each_part_has_its_time(sent: Reminded) -> None:
    with writing(sent.house.engine) as connection:
        connection.execute(update(notice).values(state="sent", ended_ms=NOW, attachments=None))
    house = sent.house
    retention(house).run(NOW + 390 * DAY_MS, "hub")
    assert counts(house) == [2, 5, 7, 2, 2]
    # Whom it was about goes with what it was made of; the mail loses its address and its text.
    retention(house).run(NOW + 401 * DAY_MS, "hub")
    assert counts(house) == [2, 5, 0, 0, 2]
    with reading(house.engine) as connection:
        assert connection.execute(select(notice.c.recipient, notice.c.content)).all() == [
            ("", "{}"), ("", "{}"),
        ]  # fmt: skip
        seen = Reminders(connection, house.vault, COMMAND)
        (row, _) = seen.rows()
        assert (row.state, row.ended_ms, row.list_kept) == ("sent", NOW, False)
        with pytest.raises(UsageError) as caught:
            seen.list(row.handle)
    assert caught.value.code == "HUB-1859"
    # The proof stays as long as the registrations that were asked for.
    retention(house).run(NOW + 2740 * DAY_MS, "hub")
    assert counts(house) == [2, 5, 0, 0, 2]
    retention(house).run(NOW + 2741 * DAY_MS, "hub")
    retention(house).run(NOW + 2742 * DAY_MS, "hub")
    assert counts(house) == [0, 0, 0, 0, 0]


def test_who_is_erased_is_on_no_list_any_more(sent: Reminded) -> None:
    house, people = sent.house, sent.people
    with writing(house.engine) as connection:
        blank_person(connection, house.vault, people["Peeters"], NOW, "command")
    with reading(house.engine) as connection:
        kept = {
            row.company_number: row.list_kept
            for row in Reminders(connection, house.vault, COMMAND).rows()
        }
    assert kept == {SUB: False, STRANGER: True}


def test_an_export_tells_somebody_who_was_written_to_about_him(sent: Reminded) -> None:
    house, people = sent.house, sent.people
    with writing(house.engine) as connection:
        token = connection.execute(
            select(person.c.token).where(person.c.id == people["Rooms"])
        ).scalar_one()
        told = export_person(connection, house.vault, COMMAND, token, NOW, "asked for by himself")
    assert told["reminders"] == [
        {"at_ms": NOW, "company_number": SUB, "company": NAMES[SUB], "site": "Werf Noord",
         "day": day, "problem": "no_registration"}
        for day in ("2026-11-24", "2026-11-25")
    ]  # fmt: skip


def test_new_keys_open_addresses_and_lists(sent: Reminded) -> None:
    house = sent.house
    with writing(house.engine) as connection:
        key = house.vault.seal("terminal", b"key of a gate")
        connection.execute(update(terminal).values(key_sealed=key))
    rotate_house(house, NOW, "command")
    house.close()
    opened = open_house(house.folder)
    try:
        with reading(opened.engine) as connection:
            seen = Reminders(connection, opened.vault, COMMAND)
            rows = seen.rows()
            assert {row.masked for row in rows} == {
                "b***@gillard.example", "k***@vreemdeling.example",
            }  # fmt: skip
            assert seen.list(rows[0].handle) == LIST
        # And the guard is back where it was.
        with (
            pytest.raises(IntegrityError, match="never changed"),
            writing(opened.engine) as connection,
        ):
            connection.execute(update(reminder).values(rows=1))
    finally:
        opened.close()


def test_the_command_lists_them_and_writes_files(sitegate: Sitegate) -> None:
    with day_world(Path("sitegate-data")) as opened:
        open_presences(opened)
        remind(opened.register.house, SUB)
    said = sitegate("report", "reminders", "--json")
    assert said.code == 0, said.err
    (row,) = json.loads(said.out)["reminders"]
    assert (row["company_number"], row["presences"], row["state"]) == (SUB, 4, "waiting")
    said = sitegate("report", "reminders", "--company", STRANGER)
    assert "No reminder" in said.out
    said = sitegate("report", "reminders", "--csv", "r.csv", "--xlsx", "r.xlsx")
    assert said.code == 0, said.err
    assert b"b***@gillard.example" in Path("r.csv").read_bytes()
    assert NAMES[SUB] in sitegate("report", "reminders").out
