"""Who is on a list of a site, and in which group: taps, midnights, long days, plans, visitors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from hub.application.roll_call import (
    NIGHT_MS,
    Closed,
    Group,
    Joined,
    Known,
    Mark,
    RollCall,
    SiteList,
    Ticked,
    Undated,
    by_company,
    make_list,
    sheet_of,
)
from hub.domain.legal_day import brussels_day
from hub.storage.engine import reading, writing
from hub.storage.house import House, open_house
from hub.storage.roll_call import keep_acts, read_calls, read_list, read_sites
from hub.storage.schema import (
    audit,
    plan_entry,
    registration,
    roll_call_person,
    roll_call_tick,
    stream,
    tap,
)
from protocol.record import DIRECTION_IN, DIRECTION_OUT, VERDICT_GRANTED, VERDICT_REFUSED
from tests.hub.roll_call_site import (
    HOUR_MS,
    MINUTE_MS,
    WORKS,
    add_person,
    add_site,
    add_tap,
    family,
    known,
    listed,
    opened,
    tapped,
)
from tests.web.moments import DAY, NOW, at


def groups(people: SiteList) -> dict[int, str]:
    """The group of each person by row."""
    return {one.key: str(one.group) for one in people.entries}


# ---------------------------------------------------------------- the rule


def test_the_newest_tap_decides() -> None:
    people = listed(
        known(1, tapped(at("06:31:00"))),
        known(2, tapped(at("07:10:00"), inside=False)),
        known(3, None, expected=True),
        known(4, None),
    )
    assert groups(people) == {1: "here", 2: "left", 3: "not_come"}


def test_midnight_empties_no_site() -> None:
    came, midnight = at("21:55:00", "2026-11-22"), at("00:00:00")
    for now_ms in (midnight - 1, midnight, midnight + HOUR_MS, came + NIGHT_MS):
        assert groups(listed(known(1, tapped(came)), now_ms=now_ms)) == {1: "here"}, now_ms
    # After a night shift and its overtime nobody is believed to be here still; he is not forgotten.
    people = listed(known(1, tapped(came)), now_ms=came + NIGHT_MS + 1)
    assert groups(people) == {1: "left"}
    assert people.entries[0].unsure
    expected = listed(known(1, tapped(came), expected=True), now_ms=came + NIGHT_MS + 1)
    assert groups(expected) == {1: "not_come"}
    assert expected.entries[0].unsure


def test_who_left_before_midnight_is_gone_and_after_it_has_left() -> None:
    before = listed(known(1, tapped(at("23:50:00", "2026-11-22"), False)), now_ms=at("00:30:00"))
    assert groups(before) == {}
    after = listed(known(1, tapped(at("00:10:00"), False)), now_ms=at("00:30:00"))
    assert groups(after) == {1: "left"}


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-10-25", 25), ("2026-03-29", 23), ("2026-11-23", 24)]
)
def test_a_day_is_as_long_as_the_calendar_says(day: str, hours: int) -> None:
    """Who tapped in just after midnight is here until the day is over, 23 to 25 hours later."""
    begin = int(datetime.fromisoformat(f"{day}T00:00:00").replace(tzinfo=UTC).timestamp()) * 1000
    begin -= HOUR_MS if hours != 25 else 2 * HOUR_MS  # Brussels is ahead of UTC
    assert brussels_day(begin).isoformat() == day
    assert brussels_day(begin - 1).isoformat() < day
    first, last = tapped(begin + MINUTE_MS), begin + hours * HOUR_MS - 1
    assert brussels_day(last).isoformat() == day
    assert groups(listed(known(1, first), now_ms=last)) == {1: "here"}
    assert groups(listed(known(1, first), now_ms=last + 1)) == {1: "left"}


def test_a_tap_without_a_date_puts_somebody_on_the_list() -> None:
    now_ms = NOW
    in_ms, out_ms = at("07:00:00"), at("07:05:00")
    undated = Undated(at("07:20:00"), True, "Poort Kaai")
    people = listed(
        known(1, None, undated=undated),
        known(2, tapped(out_ms, inside=False), undated=undated),
        # This one came out after the undated tap had arrived.
        known(3, tapped(at("07:30:00"), inside=False), undated=undated),
        known(4, tapped(in_ms), undated=Undated(at("07:20:00"), False, "Poort Kaai")),
        now_ms=now_ms,
    )
    assert groups(people) == {1: "here", 2: "here", 3: "left", 4: "here"}
    first = people.entries[0]
    assert (first.gate, first.at_ms) == ("Poort Kaai", None)


def test_nobody_is_on_a_list_twice_and_it_is_in_the_order_of_the_sheet() -> None:
    people = make_list(
        1, "Werf", (), NOW,
        [
            Known(1, "a", "Wim", "Zeeman", "beton", False, tapped(NOW)),
            Known(2, "b", "An", "Abels", "", False, tapped(NOW)),
            Known(3, "c", "An", "Abels", "Beton", True, tapped(NOW)),
            Known(1, "a", "Wim", "Zeeman", "beton", False, tapped(NOW)),
            Known(4, "d", "Jo", "Kok", "Asfalt", False, tapped(NOW)),
        ],
    )  # fmt: skip
    assert [one.key for one in people.entries] == [4, 3, 1, 2]
    assert [name for name, _ in by_company(sheet_of(people, None).here)][-1] == ""
    assert sheet_of(people, None).visitors == 1


def test_nothing_of_a_person_is_in_a_repr() -> None:
    people = listed(known(1, tapped(NOW)))
    shown = f"{people!r} {people.entries[0]!r} {known(1, None)!r} {sheet_of(people, None).here!r}"
    assert family(1) not in shown
    assert SiteList.from_json(people.as_json()) == people


# ---------------------------------------------------------------- a roll call


def test_a_roll_call_keeps_who_was_here_and_takes_in_who_turns_out_to_be() -> None:
    call = RollCall("call", 1, NOW, "account:7", {1, 2})
    call.apply(Joined("call", NOW, (3,)))
    call.apply(Ticked("call", 1, 1, Mark.PRESENT, NOW, "account:7"))
    call.apply(Ticked("call", 2, 2, Mark.MISSING, NOW, "account:8"))
    people = listed(
        known(1, tapped(NOW)),
        known(2, tapped(NOW, inside=False)),
        known(3, tapped(NOW)),
        known(4, tapped(NOW, inside=False)),
        known(5, None, expected=True),
    )
    sheet = sheet_of(people, call)
    assert [row.entry.key for row in sheet.remaining] == [2, 3]
    assert [row.entry.key for row in sheet.found] == [1]
    assert [row.entry.key for row in sheet.left] == [4]
    assert [row.entry.key for row in sheet.not_come] == [5]
    assert (sheet.missing, sheet.remaining[0].out, call.remaining) == (1, True, 2)
    counts = sheet.as_json()["counts"]
    assert (counts["here"], counts["remaining"], counts["found"]) == (3, 2, 1)
    # A tick that arrives late does not undo a later one.
    call.apply(Ticked("call", 4, 2, Mark.PRESENT, NOW, "account:8"))
    call.apply(Ticked("call", 3, 2, Mark.UNDONE, NOW, "account:7"))
    assert call.mark_of(2) is Mark.PRESENT
    call.apply(Closed("call", NOW, "account:7"))
    assert [row.entry.key for row in sheet_of(people, call).remaining] == [1, 3]


# ---------------------------------------------------------------- the tables


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with closing(open_house(tmp_path)) as house:
        with writing(house.engine) as connection:
            add_site(connection, people=8)
        yield house


def read(house: House, now_ms: int = NOW, site_id: int = 1) -> SiteList:
    """The list of a site from the tables."""
    with reading(house.engine) as connection:
        return read_list(connection, site_id, now_ms)


def test_who_left_and_came_back_who_tapped_twice_and_who_is_elsewhere(house: House) -> None:
    with writing(house.engine) as connection:
        add_tap(connection, 1, at("23:10:00", "2026-11-22"), inside=False)
        add_tap(connection, 1, at("07:00:00"))  # left yesterday, back today
        add_tap(connection, 2, at("22:10:00", "2026-11-22"))
        add_tap(connection, 2, at("00:30:00"), inside=False)  # out after midnight
        add_tap(connection, 3, at("22:10:00", "2026-11-22"))  # still at it
        add_tap(connection, 4, at("07:00:00"), site_id=2)
        add_tap(connection, 5, at("07:00:00"), inside=False)
        add_tap(connection, 5, at("07:01:00"), site_id=2)
    assert groups(read(house)) == {1: "here", 2: "left", 3: "here", 5: "left"}
    assert groups(read(house, site_id=2)) == {4: "here", 5: "here"}
    assert {one.gate for one in read(house, site_id=2).entries} == {"Poort 2"}
    with reading(house.engine) as connection:
        assert read_sites(connection) == [(2, "Chantier Sud"), (1, "Werf Noord")]
        with pytest.raises(LookupError):
            read_list(connection, 77, NOW)


def test_who_is_planned_or_registered_is_expected_once(house: House) -> None:
    def plan(key: int, **values: object) -> dict[str, object]:
        return {
            "person_id": key, "works_number": WORKS, "day": DAY, "source": "file",
            "planned_ms": 1, "actor": "command", **values,
        }  # fmt: skip

    def registered(key: int, state: str) -> dict[str, object]:
        return {
            "reference": f"r{key}", "person_id": key, "site_id": 1, "works_number": WORKS,
            "day": DAY, "state": state, "cause": "planned", "tap_ms": 1, "due_ms": 1,
            "changed_ms": 1,
        }  # fmt: skip

    with writing(house.engine) as connection:
        connection.execute(insert(plan_entry), plan(1))
        connection.execute(insert(plan_entry), plan(2, withdrawn_ms=5))
        connection.execute(insert(plan_entry), plan(3, day="2026-11-24"))
        connection.execute(insert(registration), registered(1, "registered"))
        connection.execute(insert(registration), registered(4, "due"))
        connection.execute(insert(registration), registered(5, "cancelled"))
        add_tap(connection, 4, NOW)
    assert groups(read(house)) == {1: "not_come", 4: "here"}


def test_visitors_and_deliveries_are_counted(house: House) -> None:
    with writing(house.engine) as connection:
        for key, kind in ((21, "visitor"), (22, "delivery"), (23, "foreign")):
            add_person(connection, key, kind=kind, company_id=None)
            add_tap(connection, key, NOW)
    people = read(house)
    assert {one.key: one.visitor for one in people.entries} == {21: True, 22: True, 23: False}
    assert sheet_of(people, None).as_json()["counts"]["visitors"] == 2


def test_a_tap_that_nothing_dates_is_found(house: House) -> None:
    def add(seq: int, key: int, direction: int, **values: object) -> dict[str, object]:
        return {
            "stream_id": 1, "seq": seq, "terminal_id": "gate-1", "direction": direction,
            "verdict": VERDICT_GRANTED, "reason": 0, "tag": bytes(8), "person_id": key, "boot": 1,
            "ticks_ms": seq, "quality": 0, "at_ms": None, "received_ms": NOW - MINUTE_MS, **values,
        }  # fmt: skip

    with writing(house.engine) as connection:
        connection.execute(
            insert(stream).values(id=1, terminal_id="gate-1", journal=bytes(8), first_seen_ms=1)
        )
        for row in (
            add(1, 1, DIRECTION_IN),
            add(2, 2, DIRECTION_IN),
            add(3, 2, DIRECTION_OUT),
            add(4, 3, DIRECTION_IN, verdict=VERDICT_REFUSED),
            add(5, 4, DIRECTION_IN, received_ms=NOW - NIGHT_MS - 1),
        ):
            connection.execute(insert(tap), row)
    people = read(house)
    assert groups(people) == {1: "here"}
    assert (people.entries[0].gate, people.entries[0].at_ms) == ("Poort 1", None)


def test_what_happened_is_written_once_however_often_it_is_told(house: House) -> None:
    acts = [
        opened(),
        Joined("call", NOW, (3,)),
        Ticked("call", 1, 1, Mark.PRESENT, NOW, "account:7"),
        Ticked("call", 2, 9, Mark.PRESENT, NOW, "account:8"),
        Ticked("call", 3, 1, Mark.UNDONE, NOW + 1, "account:8"),
        Closed("call", NOW + 9, "account:7"),
    ]
    for _ in range(2):
        with writing(house.engine) as connection:
            keep_acts(connection, house.vault, acts)
    with reading(house.engine) as connection:
        [call] = read_calls(connection)
        assert call.people == {1, 2, 3, 9}
        assert (call.found, call.remaining, call.ticks) == (1, 3, 3)
        assert call.closed_ms == NOW + 9
        assert len(connection.execute(select(roll_call_tick)).all()) == 3
        assert len(connection.execute(select(roll_call_person)).all()) == 4
        noted = connection.execute(select(audit.c.action, audit.c.site_id)).all()
        assert [tuple(row) for row in noted] == [
            ("roll_call.opened", 1),
            ("roll_call.closed", 1),
        ]


def test_the_newest_roll_call_of_a_site_is_the_one_that_counts(house: House) -> None:
    with writing(house.engine) as connection:
        keep_acts(connection, house.vault, [opened("old", NOW - 9), opened("new", NOW)])
        assert [call.handle for call in read_calls(connection)] == ["new"]


def test_groups_have_the_order_of_the_sheet() -> None:
    assert [str(one) for one in Group] == ["here", "left", "not_come"]
