"""Taps become registrations of the regime of their works declaration, on real tables."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from hub.domain.registration import State
from hub.errors import UsageError
from hub.storage import works as store
from hub.storage.completing import complete
from hub.storage.decisions import attest, choose, find, give_up, retry, withdraw
from hub.storage.engine import reading, writing
from hub.storage.history import RegistrationEvent, read_events, step
from hub.storage.projection import RegisterView, rebuild
from hub.storage.register import Register
from hub.storage.schema import person, plan_entry, registration
from hub.storage.schema import works as works_table
from protocol.record import DIRECTION_NONE, DIRECTION_OUT, QUALITY_NONE
from tests.hub.derived import Site
from tests.hub.house import BASILE, MILAN, NOON_MS, PIOTR, people_house, record
from tests.hub.test_projection import HOUR, MINUTE, TODAY, YESTERDAY, time_set

A, B = "1Y19FAKE001AZ", "1Y19FAKE002BZ"
PLACE = '{"longitude": 4.3517, "latitude": 50.8466}'
P_MILAN, P_BASILE, P_PIOTR = 1, 2, 3
DAY = date(2026, 11, 23)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A house with three people and two gates."""
    with people_house(tmp_path) as house:
        yield Site(house)


def change(
    site: Site, works_number: str = A, regime: str | None = "in_out", place: bool = True
) -> None:
    """The works declaration stands under that regime from today on."""
    with writing(site.engine) as connection:
        site_id = connection.execute(select(works_table.c.site_id)).scalars().first()
        assert site_id is not None
        store.put_works(connection, works_number, site_id, place=PLACE if place else None)
        if regime == "in_out":
            store.set_regime(connection, works_number, DAY, "in_out")
    site.register = RegisterView()


def told(site: Site) -> list[tuple[int, str, str, str | None, str, str]]:
    """(person, works, day, direction, state, cause) of every registration, in order of the act."""
    with reading(site.engine) as connection:
        rows = connection.execute(select(registration).order_by(registration.c.tap_ms)).all()
    return [(r.person_id, r.works_number, r.day, r.direction, r.state, r.cause) for r in rows]


def only(site: Site) -> str:
    """The reference of the one registration."""
    (row,) = site.rows(registration)
    return row.reference


# ---------------------------------------------------------------- in and out


def test_each_act_becomes_a_registration_of_its_own_breaks_included(site: Site) -> None:
    change(site)
    tag = site.house.tag(MILAN)
    moments = [NOON_MS, NOON_MS + HOUR, NOON_MS + 2 * HOUR, NOON_MS + 4 * HOUR]
    for number, moment in enumerate(moments):
        gate, way = (("gate-in", 1), ("gate-out", DIRECTION_OUT))[number % 2]
        site.arrive(gate, moment + 500, record(number // 2 + 1, tag, moment, direction=way))
        site.project()
    assert told(site) == [
        (P_MILAN, A, TODAY, way, "due", f"act_{way}") for way in ("in", "out", "in", "out")
    ]
    assert [row.act for row in site.rows(registration)] != ["", "", "", ""]
    assert len({row.reference for row in site.rows(registration)}) == 4
    assert site.presences() == [(P_MILAN, TODAY, NOON_MS, False, 4)]


def test_the_same_tap_projected_again_makes_nothing_new(site: Site) -> None:
    change(site)
    tag = site.house.tag(MILAN)
    site.arrive("gate-in", NOON_MS, record(1, tag, NOON_MS), record(2, tag, NOON_MS + 30_000))
    site.project()
    assert [row[4:] for row in told(site)] == [("due", "act_in")]
    before = site.everything()
    with writing(site.engine) as connection:
        rebuild(connection)
    assert site.everything() == before


def test_an_act_that_arrives_late_lapses_and_its_day_is_still_its_own(site: Site) -> None:
    change(site)
    site.arrive("gate-in", NOON_MS + HOUR, record(1, site.house.tag(MILAN), NOON_MS))
    site.project()
    assert told(site) == [(P_MILAN, A, TODAY, "in", "lapsed", "act_arrived_late")]


def test_a_works_declaration_that_changes_at_midnight_ends_a_night_shift_with_an_out(
    site: Site,
) -> None:
    change(site)
    tag = site.house.tag(MILAN)
    evening = NOON_MS - 14 * HOUR  # 22:00 in Brussels, the day before the change
    site.arrive("gate-in", evening, record(1, tag, evening))
    site.project()
    morning = evening + 8 * HOUR
    site.arrive("gate-out", morning, record(1, tag, morning, direction=DIRECTION_OUT))
    site.project()
    assert told(site) == [
        (P_MILAN, A, YESTERDAY, None, "due", "first_tap"),
        (P_MILAN, A, TODAY, "out", "due", "act_out"),
    ]


def test_a_gate_without_a_direction_makes_nothing_up(site: Site) -> None:
    change(site)
    tap = record(1, site.house.tag(MILAN), NOON_MS, direction=DIRECTION_NONE)
    site.arrive("gate-in", NOON_MS, tap)
    site.project()
    assert told(site) == [(P_MILAN, A, TODAY, None, "held", "no_direction")]


def test_without_a_place_it_is_held_and_goes_on_when_there_is_one(site: Site) -> None:
    change(site, place=False)
    site.arrive("gate-in", NOON_MS, record(1, site.house.tag(MILAN), NOON_MS))
    site.project()
    assert told(site) == [(P_MILAN, A, TODAY, "in", "held", "no_place")]
    with writing(site.engine) as connection:
        connection.execute(update(works_table).values(place=PLACE))
        assert complete(connection, NOON_MS + MINUTE) == 1
    assert told(site)[0][4:] == ("due", "completed")


def test_what_is_completed_after_its_window_is_not_sent(site: Site) -> None:
    change(site, place=False)
    site.arrive("gate-in", NOON_MS, record(1, site.house.tag(MILAN), NOON_MS))
    site.project()
    with writing(site.engine) as connection:
        connection.execute(update(works_table).values(place=PLACE))
        assert complete(connection, NOON_MS + 11 * MINUTE) == 0
    assert told(site)[0][4] == "held"


def test_who_has_only_a_limosa_number_is_held_for_the_in_out_service(site: Site) -> None:
    change(site)
    site.arrive("gate-in", NOON_MS, record(1, site.house.tag(PIOTR), NOON_MS))
    site.project()
    assert told(site) == [(P_PIOTR, A, TODAY, "in", "held", "no_inss")]


def test_an_undated_act_is_decided_when_its_gate_learns_the_time(site: Site) -> None:
    change(site)
    tag = site.house.tag(MILAN)
    tap = record(1, tag, 0, quality=QUALITY_NONE, ticks_ms=1_000)
    site.arrive("gate-in", NOON_MS, tap)
    site.project()
    assert told(site)[0][4:] == ("held", "clock_unknown")
    site.arrive("gate-in", NOON_MS + MINUTE, time_set(2, NOON_MS, 4_000))
    site.project()
    (row,) = site.rows(registration)
    assert (row.state, row.cause, row.tap_ms) == ("due", "act_in", NOON_MS - 3_000)


# ---------------------------------------------------------------- works numbers


def test_two_possible_works_numbers_are_a_conflict_that_a_human_settles(site: Site) -> None:
    change(site, B, regime=None)
    with writing(site.engine) as connection:
        store.assign(connection, B, NOON_MS, "command", person_id=P_MILAN)
    site.register = RegisterView()
    site.arrive("gate-in", NOON_MS, record(1, site.house.tag(MILAN), NOON_MS))
    site.project()
    assert told(site) == [(P_MILAN, "", TODAY, None, "held", "works_conflict")]
    with writing(site.engine) as connection:
        new = choose(connection, only(site), B, NOON_MS + MINUTE, "command")
        assert find(connection, new).works_number == B
    assert sorted(row[1:] for row in told(site)) == [
        ("", TODAY, None, "dropped", "assigned"),
        (B, TODAY, None, "due", "assigned"),
    ]
    # The next tap of the day adds nothing.
    site.arrive("gate-in", NOON_MS + HOUR, record(2, site.house.tag(MILAN), NOON_MS + HOUR))
    site.project()
    assert len(told(site)) == 2


def test_the_plan_settles_a_conflict_by_itself(site: Site) -> None:
    change(site, B, regime=None)
    with writing(site.engine) as connection:
        store.assign(connection, B, NOON_MS, "command", person_id=P_MILAN)
        connection.execute(
            insert(plan_entry).values(
                person_id=P_MILAN, works_number=B, day=TODAY, source="file",
                planned_ms=NOON_MS, actor="command",
            )
        )  # fmt: skip
    site.register = RegisterView()
    site.arrive("gate-in", NOON_MS, record(1, site.house.tag(MILAN), NOON_MS))
    site.project()
    assert told(site) == [(P_MILAN, B, TODAY, None, "due", "first_tap")]


def test_everyone_of_a_company_can_be_assigned_to_a_declaration_of_another_site(site: Site) -> None:
    with writing(site.engine) as connection:
        # A person whose own works number belongs to another site.
        connection.execute(insert(works_table).values(number=B, site_id=_other_site(connection)))
        connection.execute(update(person).where(person.c.id == P_MILAN).values(works_number=B))
    site.register = RegisterView()
    site.arrive("gate-in", NOON_MS, record(1, site.house.tag(MILAN), NOON_MS))
    site.project()
    assert told(site) == [(P_MILAN, "", TODAY, None, "held", "no_works_number")]
    with writing(site.engine) as connection:
        company_id = connection.execute(
            select(person.c.company_id).where(person.c.id == P_MILAN)
        ).scalar_one()
        store.assign(connection, A, NOON_MS, "command", company_id=company_id)
        assert complete(connection, NOON_MS + MINUTE) == 1
        assert store.assigned_sites(connection)[P_MILAN]
        badges = Register(connection, site.house.house.vault).badges()
    assert (P_MILAN, A, TODAY, None, "due", "assigned") in told(site)
    assert any(len(badge.also) == 1 for badge in badges)


def _other_site(connection: object) -> int:
    from hub.storage.schema import site as site_table

    result = connection.execute(insert(site_table).values(name="Werf Zuid"))  # pyright: ignore[reportAttributeAccessIssue]
    return int(result.inserted_primary_key[0])


def test_a_declaration_that_has_ended_gives_way_to_one_that_has_not(site: Site) -> None:
    change(site, B, regime=None)
    with writing(site.engine) as connection:
        store.put_works(connection, A, 1, until_day=YESTERDAY)
        store.assign(connection, B, NOON_MS, "command", person_id=P_BASILE)
    site.register = RegisterView()
    for seq, card in enumerate((MILAN, BASILE), 1):
        site.arrive("gate-in", NOON_MS, record(seq, site.house.tag(card), NOON_MS + seq))
    site.project()
    # The first has no other: he is registered under it, and the authority's remark will tell.
    assert [row[:2] for row in told(site)] == [(P_MILAN, A), (P_BASILE, B)]


# ---------------------------------------------------------------- decisions


def test_a_decision_is_a_step_with_its_actor_and_its_note(site: Site) -> None:
    site.arrive("gate-in", NOON_MS, record(1, site.house.tag(MILAN), NOON_MS))
    site.project()
    name = only(site)
    with writing(site.engine) as connection:
        give_up(connection, name, NOON_MS + 1, "command", "a visitor")
    with reading(site.engine) as connection:
        steps = [(e.state, e.cause, e.actor, e.note) for e in read_events(connection, name)]
    assert steps == [
        ("due", "first_tap", "projection", None),
        ("dropped", "given_up", "command", "a visitor"),
    ]


def test_decisions_that_a_state_does_not_allow_are_refused_and_change_nothing(site: Site) -> None:
    site.arrive("gate-in", NOON_MS, record(1, site.house.tag(MILAN), NOON_MS))
    site.project()
    name = only(site)
    before = site.everything()
    for decide in (
        lambda c: withdraw(c, name, "DISEASE", NOON_MS, "command"),
        lambda c: attest(c, name, NOON_MS, "command", None),
        lambda c: choose(c, name, A, NOON_MS, "command"),
        lambda c: find(c, "nobody"),
    ):
        with pytest.raises(UsageError), writing(site.engine) as connection:
            decide(connection)
    assert site.everything() == before
    # What is in the forwarder's hands is not to be tried beside it.
    with writing(site.engine) as connection:
        step(connection, RegistrationEvent(name, NOON_MS, State.SENDING, "claimed"))
    before = site.everything()
    with pytest.raises(UsageError), writing(site.engine) as connection:
        retry(connection, name, NOON_MS, "command")
    assert site.everything() == before


@pytest.mark.parametrize(
    ("regime", "can", "reason", "code"),
    [
        ("day", False, "SICKNESS", "HUB-1405"),
        ("in_out", False, "DISEASE", "HUB-1406"),
        ("in_out", True, "DISEASE", None),
        ("day", False, "C32A", None),
    ],
)
def test_withdrawing_wants_a_reason_and_a_service_that_can(
    site: Site, regime: str, can: bool, reason: str, code: str | None
) -> None:
    if regime == "in_out":
        change(site)
    site.arrive("gate-in", NOON_MS, record(1, site.house.tag(MILAN), NOON_MS))
    site.project()
    name = only(site)
    with writing(site.engine) as connection:
        for state in (State.SENDING, State.REGISTERED):
            number = 7 if state == State.REGISTERED else None
            step(connection, RegistrationEvent(name, NOON_MS, state, "claimed", number=number))
    if code is not None:
        with pytest.raises(UsageError) as caught, writing(site.engine) as connection:
            withdraw(connection, name, reason, NOON_MS, "command", can)
        assert caught.value.code == code
        return
    with writing(site.engine) as connection:
        assert withdraw(connection, "7", reason, NOON_MS, "command", can) == name
        found = find(connection, name)
    assert (found.state, found.cancel_reason) == ("cancelling", reason)
