"""The day of a site from a real store: levels, agency workers, nights, registrations, rights."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import event

from hub.application.overview import Standing
from hub.application.site_day import Show, Totals, part_of
from hub.domain.rights import Role
from hub.errors import UsageError
from hub.i18n import clock_text, iso_text
from hub.storage.engine import reading, writing
from hub.storage.parties import Parties, PartyDraft
from hub.storage.schema import person
from hub.storage.site_day import site_days
from tests.hub.day_world import DAY, DayWorld, at, day_world, named, whole_day
from tests.hub.house import NOON_MS
from tests.hub.register_house import (
    ADMINISTRATOR,
    AGENCY,
    FOREIGN,
    LOWER,
    MAIN,
    NAMES,
    NORTH,
    SOUTH,
    STRANGER,
    SUB,
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[DayWorld]:
    with day_world(tmp_path) as opened:
        yield opened


# ---------------------------------------------------------------- companies


def test_companies_stand_in_the_order_of_the_chain_with_their_level(world: DayWorld) -> None:
    whole_day(world)
    found = [
        (one.number, one.level, one.above_name, one.lends, [p.row.family_name for p in one.people])
        for one in world.list().companies
    ]
    assert found == [
        (MAIN, 0, "", False, ["Aerts", "Hermans", "Ivens"]),
        (SUB, 1, NAMES[MAIN], False, ["Borms"]),
        (LOWER, 2, NAMES[SUB], False, ["Ceulemans"]),
        (AGENCY, 2, NAMES[SUB], True, ["Dubois"]),
        (STRANGER, 1, NAMES[MAIN], False, ["Evrard", "Fontaine"]),
        ("", None, "", False, ["Goossens"]),
    ]
    assert {one.works_number for one in world.list().companies} == {NORTH}


def test_who_is_lent_to_another_stands_below_that_one(world: DayWorld) -> None:
    world.at_work(world.person("Dubois", AGENCY, "agency", user=SUB), 1)
    world.at_work(world.person("Elsen", AGENCY, "agency", user=STRANGER), 2)
    found = [(one.number, one.level, one.above_name) for one in world.list().companies]
    assert found == [(AGENCY, 2, NAMES[SUB]), (AGENCY, 2, NAMES[STRANGER])]


def test_a_company_that_is_not_in_the_chain_comes_after_it_without_a_level(
    world: DayWorld,
) -> None:
    world.at_work(world.person("Zielinski", FOREIGN), 1)
    world.at_work(world.person("Aerts", MAIN), 2)
    found = [(one.number, one.level) for one in world.list().companies]
    assert found == [(MAIN, 0), (FOREIGN, None)]


# ---------------------------------------------------------------- people and counts


def test_the_counts_add_up_and_each_reason_is_told(world: DayWorld) -> None:
    whole_day(world)
    day = world.list(now="2026-11-23 12:00")
    assert day.totals == Totals(
        seen=8, here=7, registered=4, remarks=1, not_registered=3, waiting=1, not_seen=1,
        visitors=2,
    )  # fmt: skip
    reasons = {
        (row.state if (row := one.row.deciding) else None): count
        for one, count in day.unregistered()
    }
    assert reasons == {"refused": 1, None: 1, "held": 1, "due": 1}
    assert [one.row.family_name for one in day.visitors] == ["Jacobs", "Klaes"]
    assert len(list(day.everybody)) == 11


def test_a_person_is_told_with_kind_masked_number_times_and_registration(world: DayWorld) -> None:
    whole_day(world)
    day = world.list()
    aerts = named(day, "Aerts")
    assert (aerts.kind, aerts.masked) == ("employee", "85.03.12-***.**")
    assert named(day, "Ceulemans").masked == "*************0187"
    assert aerts.stay is not None
    assert (aerts.stay.in_ms, aerts.stay.out_ms) == (at("2026-11-23 07:00"), at("2026-11-23 16:00"))
    (row,) = aerts.registrations
    assert (row.state, row.number) == ("registered", 900_000_000_000_001)
    assert aerts.numbered_ms == {row.reference: at("2026-11-23 07:01")}
    assert named(day, "Borms").standing is Standing.REMARKS
    assert named(day, "Borms").registrations[0].remarks == ("RELATED DIMONA NOT OK",)
    assert named(day, "Hermans").standing is Standing.PLANNED
    assert named(day, "Hermans").stay is None
    assert named(day, "Evrard").standing is Standing.ACTION
    assert "Aerts" not in repr(aerts)


def test_who_came_although_his_registration_was_cancelled_is_not_registered(
    world: DayWorld,
) -> None:
    who = world.person("Aerts")
    world.registered(who, "2026-11-22 18:00", "cancelled", "cancel_confirmed", 7, day="2026-11-23")
    assert named(world.list(), "Aerts").standing is Standing.PLANNED
    world.tap(who, "2026-11-23 07:00")
    assert named(world.list(), "Aerts").standing is Standing.ACTION
    # And one that counts beside it decides.
    world.registered(who, "2026-11-23 07:00", number=8)
    found = named(world.list(), "Aerts")
    assert found.standing is Standing.REGISTERED
    assert [row.number for row in found.registrations] == [8, 7]


def test_acts_in_and_out_stand_in_their_order_with_their_way(world: DayWorld) -> None:
    who = world.person("Aerts")
    world.tap(who, "2026-11-23 07:00")
    world.tap(who, "2026-11-23 16:00", out=True)
    for moment, way, number in (("16:00", "out", 2), ("07:00", "in", 1)):
        world.registered(
            who, f"2026-11-23 {moment}", number=number, regime="in_out", direction=way, act=way
        )
    found = [(row.direction, row.number) for row in named(world.list(), "Aerts").registrations]
    assert found == [("in", 1), ("out", 2)]


def test_a_visitor_who_turned_out_to_work_is_none_on_the_day_itself(world: DayWorld) -> None:
    who = world.person("Jacobs", MAIN, "visitor")
    world.tap(who, "2026-11-23 09:00")
    world.registered(who, "2026-11-23 09:00", number=1)
    assert world.list().visitors == ()
    assert named(world.list(), "Jacobs").standing is Standing.REGISTERED


def test_only_some_of_the_people_are_shown_and_companies_without_any_are_left_out(
    world: DayWorld,
) -> None:
    whole_day(world)
    day = world.list(now="2026-11-23 12:00")
    for show, names in (
        (Show.NOT_REGISTERED, "Ivens Evrard Fontaine Goossens"),
        (Show.REGISTERED, "Aerts Borms Ceulemans Dubois"),
        (Show.NOT_SEEN, "Hermans"),
        (Show.VISITORS, "Jacobs Klaes"),
        (Show.HERE, "Ivens Borms Evrard Fontaine Goossens Jacobs Klaes"),
    ):
        assert [one.row.family_name for one in day.only(show).everybody] == names.split(), show
        assert all(one.people for one in day.only(show).companies)
    assert day.only(Show.ALL) is day


def test_parts_put_together_are_the_whole(world: DayWorld) -> None:
    whole_day(world)
    day = world.list()
    parts = [part_of([day], start, start + 4) for start in (0, 4, 8)]
    assert [len(list(part[0].everybody)) for part in parts] == [4, 4, 3]
    everybody = [one.name for part in parts for one in part[0].everybody]
    assert everybody == [one.name for one in day.everybody]


# ---------------------------------------------------------------- days


def test_a_night_shift_is_whole_on_both_days_and_registered_on_both(world: DayWorld) -> None:
    who = world.person("Nachtegaal")
    world.tap(who, "2026-11-23 21:55")
    world.registered(who, "2026-11-23 21:55", number=41)
    world.tap(who, "2026-11-24 05:50", out=True)
    for day in (DAY, date(2026, 11, 24)):
        found = named(world.list(day), "Nachtegaal")
        assert found.stay is not None
        assert (found.stay.in_ms, found.stay.out_ms) == (
            at("2026-11-23 21:55"), at("2026-11-24 05:50"),
        )  # fmt: skip
        assert found.standing is Standing.REGISTERED
        assert found.from_before is (day != DAY)
        assert [row.number for row in found.registrations] == [41]
    assert list(world.list(date(2026, 11, 22)).everybody) == []
    assert list(world.list(date(2026, 11, 25)).everybody) == []


def test_in_the_night_who_came_yesterday_is_on_todays_list(world: DayWorld) -> None:
    who = world.person("Nachtegaal")
    world.tap(who, "2026-11-23 21:55")
    world.registered(who, "2026-11-23 21:55", number=41)
    day = world.list(date(2026, 11, 24), "2026-11-24 02:00")
    assert (day.totals.here, day.totals.registered) == (1, 1)
    assert named(day, "Nachtegaal").here
    # At noon he is believed to have gone without a tap.
    assert list(world.list(date(2026, 11, 24), "2026-11-24 12:00").everybody) == []


def test_who_ends_a_night_and_begins_the_next_has_the_first_way_in(world: DayWorld) -> None:
    who = world.person("Nachtegaal")
    world.tap(who, "2026-11-22 22:00")
    world.tap(who, "2026-11-23 06:00", out=True)
    world.tap(who, "2026-11-23 22:00")
    world.registered(who, "2026-11-23 22:00", number=42)
    world.tap(who, "2026-11-24 06:05", out=True)
    found = named(world.list(), "Nachtegaal")
    assert found.stay is not None
    assert (found.stay.in_ms, found.stay.out_ms) == (at("2026-11-22 22:00"), at("2026-11-24 06:05"))
    assert [row.number for row in found.registrations] == [42]


def test_the_day_of_25_hours(world: DayWorld) -> None:
    """25 October 2026: the hour from two to three comes twice."""
    day = date(2026, 10, 25)
    who = world.person("Aerts")
    world.tap(who, "2026-10-25 02:30")
    world.tap(who, "2026-10-25 02:30", out=True, second=1)
    late = world.person("Borms")
    world.tap(late, "2026-10-25 23:59")
    stay = named(world.list(day), "Aerts").stay
    assert stay is not None
    in_ms, out_ms = stay.in_ms or 0, stay.out_ms or 0
    assert out_ms - in_ms == 3_600_000
    assert clock_text(in_ms, "fr", day) == "02:30 (UTC+2)"
    assert clock_text(out_ms, "fr", day) == "02:30 (UTC+1)"
    assert iso_text(out_ms) == "2026-10-25T02:30:00+01:00"
    assert named(world.list(day), "Borms").stay is not None
    assert list(world.list(date(2026, 10, 26)).everybody) == []


def test_the_day_of_23_hours(world: DayWorld) -> None:
    """28 March 2027: from two it is three at once."""
    day = date(2027, 3, 28)
    who = world.person("Aerts")
    world.tap(who, "2027-03-28 00:00")
    world.tap(who, "2027-03-28 03:00", out=True)
    (found,) = world.list(day, "2027-03-30 12:00").everybody
    assert found.stay is not None
    out_ms = found.stay.out_ms or 0
    assert out_ms == at("2027-03-28 00:00") + 2 * 3_600_000
    assert clock_text(out_ms, "de", day) == "03:00"
    assert clock_text(out_ms, "de", date(2027, 3, 27)) == "28.03. 03:00"
    assert clock_text(out_ms, "nl", date(2027, 3, 27)) == "28/03 03:00"
    assert list(world.list(date(2027, 3, 29), "2027-03-30 12:00").everybody) == []


def test_a_day_on_which_nobody_came_is_empty_and_no_error(world: DayWorld) -> None:
    day = world.list()
    assert (day.companies, day.visitors, day.totals) == ((), (), Totals())


@pytest.mark.parametrize(
    ("day", "code"), [(date(2014, 3, 31), "HUB-1750"), (date(2026, 12, 1), "HUB-1751")]
)
def test_a_day_that_can_have_no_list(world: DayWorld, day: date, code: str) -> None:
    with pytest.raises(UsageError, match=code):
        world.list(day)
    world.list(date(2014, 4, 1))
    world.list(date(2026, 11, 30))


# ---------------------------------------------------------------- who sees what


def test_who_has_another_site_finds_no_such_site(world: DayWorld) -> None:
    whole_day(world)
    elsewhere = world.register.at_site("Chantier Sud", Role.INSPECTOR)
    with pytest.raises(UsageError, match="HUB-1661"):
        world.list(actor=elsewhere)
    with reading(world.register.house.engine) as connection:
        vault = world.register.house.vault
        found = site_days(connection, vault, elsewhere, DAY, at("2026-11-30 12:00"))
    assert [(one.site, list(one.everybody)) for one in found] == [("Chantier Sud", [])]


def test_an_inspector_of_the_site_sees_what_the_administrator_sees(world: DayWorld) -> None:
    whole_day(world)
    inspector = world.register.at_site("Werf Noord", Role.INSPECTOR)
    assert world.list(actor=inspector) == world.list()


@pytest.mark.parametrize("role", [Role.GUARD, Role.WORKER])
def test_neither_a_guard_nor_a_worker_has_a_list(world: DayWorld, role: Role) -> None:
    whole_day(world)
    with pytest.raises(UsageError, match="HUB-1661"):
        world.list(actor=world.register.at_site("Werf Noord", role))


def test_a_contractor_sees_his_own_and_those_below_and_no_trace_of_others(
    world: DayWorld,
) -> None:
    whole_day(world)
    day = world.list(actor=world.register.contractor(SUB))
    found = [(one.number, one.level, [p.row.family_name for p in one.people])
             for one in day.companies]  # fmt: skip
    assert found == [
        (SUB, None, ["Borms"]), (LOWER, None, ["Ceulemans"]), (AGENCY, None, ["Dubois"]),
    ]  # fmt: skip
    assert day.visitors == ()
    assert (day.totals.seen, day.totals.not_registered) == (3, 0)
    # The declaring contractor sees the levels, since the chain is his.
    his = world.list(actor=world.register.contractor(MAIN)).companies
    assert [one.level for one in his][:2] == [0, 1]


def test_a_contractor_does_not_learn_where_else_those_below_him_work(world: DayWorld) -> None:
    """Who works for him on one site taps on another, where he takes part as well."""
    who = world.person("Ceulemans", LOWER)
    with writing(world.register.house.engine) as connection:
        parties = Parties(connection, world.register.house.vault, ADMINISTRATOR, NOON_MS)
        for number, above in ((SUB, STRANGER), (LOWER, SUB)):
            parties.put(SOUTH, PartyDraft(number, above))
        connection.execute(person.update().values(works_number=SOUTH))
    world.tap(who, "2026-11-23 07:00")

    def seen_by(number: str) -> list[str]:
        day = world.list(actor=world.register.contractor(number))
        return [f"{one.row.family_name} {one.standing}" for one in day.everybody]

    assert seen_by(SUB) == []
    # His own employer sees it; and a registration under works of his makes it his business.
    assert seen_by(LOWER) == ["Ceulemans action"]
    world.registered(who, "2026-11-23 07:00", number=5)
    assert seen_by(SUB) == ["Ceulemans registered"]


def test_many_people_take_as_many_queries_as_few(world: DayWorld) -> None:
    counted: list[str] = []
    event.listen(
        world.register.house.engine, "before_cursor_execute",
        lambda *given: counted.append(given[2]),
    )  # fmt: skip

    def queries() -> int:
        counted.clear()
        world.list(actor=ADMINISTRATOR)
        return len(counted)

    world.at_work(world.person("Aerts"), 1)
    few = queries()
    for number in range(2, 40):
        world.at_work(world.person(f"Aerts {number}"), number)
    assert queries() == few < 20
