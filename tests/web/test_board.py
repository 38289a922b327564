"""The board says of each person what the tables say, and its counts always add up."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, event, insert, select, text, update

from hub.application.overview import (
    Board,
    PersonRow,
    RegistrationRow,
    SiteName,
    Standing,
    assemble,
)
from hub.domain.registration import State
from hub.storage.engine import reading, writing
from hub.storage.overview import Overview
from hub.storage.schema import person, registration, site, terminal
from protocol.record import REASON_NONE, REASON_UNKNOWN_BADGE, VERDICT_GRANTED
from tests.web import sample
from tests.web.sample import DAY, NOW, SITE, YESTERDAY, add_presence, add_registration, add_tap, at


def board(engine: Engine, now_ms: int = NOW) -> Board:
    return Overview(engine).board(SITE, DAY, now_ms)


def person_of(board: Board, index: int) -> PersonRow:
    (found,) = [
        person
        for company in board.companies
        for person in company.people
        if person.person_id == index
    ]
    return found


def filled(engine: Engine, fill: Callable[[Connection], object]) -> Board:
    with writing(engine) as connection:
        fill(connection)
    return board(engine)


def seen(connection: Connection, index: int = 1) -> None:
    add_presence(connection, index, at("06:30:00"), at("06:30:01"))


def test_the_books_of_the_sample_balance(morning: Engine) -> None:
    picture = board(morning)
    assert picture.seen == 30
    assert picture.on_site == 28
    assert (picture.registered, len(picture.waiting), picture.to_settle) == (24, 3, 3)
    assert picture.with_remarks == 1
    assert sum(company.on_site for company in picture.companies) == picture.on_site
    assert sum(company.seen for company in picture.companies) == picture.seen
    assert sum(company.registered for company in picture.companies) == picture.registered
    assert [company.name for company in picture.companies] == [
        "Bouwbedrijf Hoogland",
        "Coffrages Meusins",
        "Elektro Noorderwijk",
        "Toitures Val-Clair",
        "",
    ]


def test_each_state_has_its_standing(morning: Engine) -> None:
    picture = board(morning)
    expected = {
        "registered": Standing.REGISTERED,
        "validated": Standing.REGISTERED,
        "cancelling": Standing.REGISTERED,
        "flagged": Standing.REMARKS,
        "due": Standing.WAITING,
        "sending": Standing.WAITING,
        "in_doubt": Standing.WAITING,
        "held": Standing.ACTION,
        "refused": Standing.ACTION,
        "none": Standing.ACTION,
    }
    for index, row in enumerate(sample.PEOPLE, start=1):
        assert person_of(picture, index).standing is expected[row[5]], row[5]


def test_every_state_of_the_life_cycle_is_placed() -> None:
    for state in State:
        row = RegistrationRow("r", "w", DAY, state, "", None, 1, 1)
        assert isinstance(row.standing, Standing)


def test_a_person_seen_without_a_registration_needs_action(register: Engine) -> None:
    picture = filled(register, seen)
    (person,) = picture.not_registered
    assert (person.person_id, person.registrations, person.deciding) == (1, (), None)


def test_a_registration_without_a_tap_is_planned_and_counts_as_nobody_seen(
    register: Engine,
) -> None:
    picture = filled(
        register,
        lambda connection: add_registration(
            connection, 1, "registered", "answered", at("17:00:00", YESTERDAY)
        ),
    )
    person = person_of(picture, 1)
    assert person.standing is Standing.PLANNED
    assert not person.seen
    assert (picture.seen, picture.on_site, picture.registered) == (0, 0, 0)
    assert [one.people for one in picture.expected] == [(person,)]


@pytest.mark.parametrize("come", ["seen", "cancelled"])
def test_who_came_or_was_cancelled_is_expected_no_more(register: Engine, come: str) -> None:
    def fill(connection: Connection) -> None:
        add_registration(connection, 1, "registered", "answered", at("17:00:00", YESTERDAY))
        add_registration(connection, 2, "registered", "answered", at("17:00:00", YESTERDAY))
        if come == "seen":
            seen(connection)
        else:
            connection.execute(
                registration.update()
                .where(registration.c.person_id == 1)
                .values(state="cancelled", cause="cancel_confirmed")
            )

    picture = filled(register, fill)
    assert [one.person_id for row in picture.expected for one in row.people] == [2]


def test_a_new_registration_counts_and_the_cancelled_one_is_kept_aside(register: Engine) -> None:
    def fill(connection: Connection) -> None:
        seen(connection)
        add_registration(connection, 1, "cancelled", "cancel_confirmed", at("06:00:00"))
        add_registration(connection, 1, "registered", "answered", at("06:30:00"), generation=1)

    person = person_of(filled(register, fill), 1)
    assert [row.state for row in person.registrations] == ["registered", "cancelled"]
    assert [row.state for row in person.counting] == ["registered"]
    assert person.standing is Standing.REGISTERED


def test_the_worse_of_two_registrations_decides(register: Engine) -> None:
    def fill(connection: Connection) -> None:
        seen(connection)
        add_registration(connection, 1, "validated", "validation_passed", at("06:30:00"))
        add_registration(
            connection,
            1,
            "refused",
            "refused_by_authority",
            at("06:30:00"),
            works_number=sample.SECOND_WORKS,
        )

    picture = filled(register, fill)
    (person,) = picture.not_registered
    assert person.deciding is not None
    assert person.deciding.state == "refused"
    assert len(person.counting) == 2
    assert picture.registered == 0


@pytest.mark.parametrize("state", ["cancelled", "dropped"])
def test_seen_with_only_an_ended_registration_needs_action(register: Engine, state: str) -> None:
    def fill(connection: Connection) -> None:
        seen(connection)
        add_registration(connection, 1, state, "cancel_confirmed", at("06:00:00"))

    picture = filled(register, fill)
    (person,) = picture.not_registered
    assert person.deciding is not None
    assert person.deciding.state == state


def test_a_day_that_begins_with_an_out_shows_that_tap(register: Engine) -> None:
    picture = filled(
        register,
        lambda connection: add_presence(
            connection, 1, None, at("06:10:01"), at("06:10:00"), inside=False
        ),
    )
    person = person_of(picture, 1)
    assert (person.first_ms, person.inside) == (at("06:10:00"), False)
    assert (picture.seen, picture.on_site) == (1, 0)


def test_what_lapsed_today_for_yesterday_stays_in_view_until_midnight(morning: Engine) -> None:
    *today, late = board(morning).not_registered
    assert {person.day for person in today} == {DAY}
    assert (late.day, late.person_id) == (YESTERDAY, 25)
    assert late.first_ms == at("16:58:31", YESTERDAY)
    tomorrow = Overview(morning).board(SITE, "2026-11-24", at("00:00:01", "2026-11-24"))
    assert [(p.person_id, p.day) for p in tomorrow.not_registered if p.day == YESTERDAY] == []


@pytest.mark.parametrize("state", ["held", "due", "sending", "in_doubt"])
def test_an_open_matter_of_an_earlier_day_is_never_lost_from_view(
    register: Engine, state: str
) -> None:
    picture = filled(
        register,
        lambda connection: add_registration(
            connection,
            1,
            state,
            "first_tap",
            at("16:00:00", YESTERDAY),
            YESTERDAY,
            changed_ms=at("16:00:00", YESTERDAY),
        ),
    )
    (person,) = picture.not_registered
    assert (person.day, person.seen) == (YESTERDAY, False)
    assert (picture.to_settle, picture.seen) == (0, 0)


def test_refused_taps_are_grouped_and_the_badge_stays_unknown(morning: Engine) -> None:
    rows = board(morning).turned_away
    assert [(row.gate, row.reason, row.family_name, row.taps) for row in rows] == [
        ("Poort Kaai", REASON_UNKNOWN_BADGE, "", 1),
        ("Poort Noord", REASON_UNKNOWN_BADGE, "", 3),
        ("Poort Kaai", 3, "Duivelaar", 1),
    ]
    assert rows[1].last_ms == at("06:52:10")


def test_a_badge_let_in_that_belongs_to_nobody_is_shown(register: Engine) -> None:
    picture = filled(
        register,
        lambda connection: add_tap(
            connection, 1, b"somebody", at("06:30:00"), VERDICT_GRANTED, REASON_NONE
        ),
    )
    assert [(row.reason, row.taps) for row in picture.turned_away] == [(REASON_NONE, 1)]


def test_taps_of_other_days_and_sites_are_not_counted(register: Engine) -> None:
    def fill(connection: Connection) -> None:
        connection.execute(insert(site).values(id=2, name="Chantier Sud"))
        connection.execute(
            insert(terminal).values(
                id="gate-south",
                site_id=2,
                name="Sud",
                direction="in",
                key_sealed=b"sealed",
                added_ms=1,
            )
        )
        add_tap(connection, 1, b"stranger", at("23:59:59", YESTERDAY))
        add_tap(connection, 2, b"stranger", at("00:00:00", "2026-11-24"))
        add_tap(connection, 3, b"stranger", at("12:00:00"), gate="gate-south")
        add_tap(connection, 4, b"stranger", None, gate="gate-south")

    picture = filled(register, fill)
    assert (picture.turned_away, picture.undated) == ((), 0)
    other = Overview(register).board(2, DAY, NOW)
    assert (len(other.turned_away), other.undated, other.people_known) == (1, 1, 0)
    assert Overview(register).sites() == (
        SiteName(2, "Chantier Sud"),
        SiteName(1, "Werf Zandvoorde-Kaai"),
    )


def test_undated_taps_are_counted(morning: Engine) -> None:
    assert board(morning).undated == 1


def test_a_revoked_gate_leaves_the_tiles_and_keeps_its_name(morning: Engine) -> None:
    with writing(morning) as connection:
        connection.execute(
            terminal.update().where(terminal.c.id == "gate-north").values(revoked_ms=NOW)
        )
    picture = board(morning)
    assert [gate.terminal_id for gate in picture.gates] == ["gate-quay", "gate-out"]
    assert person_of(picture, 1).gate == "Poort Noord"


@pytest.mark.parametrize(
    ("answer", "remarks", "errors"),
    [
        (None, (), ()),
        ("", (), ()),
        ("not json", (), ()),
        ("[]", (), ()),
        ('{"remarks": "one"}', (), ()),
        (
            '{"remarks": ["INSS 85.03.12-997.61 at 10:30:11", "24999000000000187", "see 12"]}',
            ("INSS ••• at 10:30:11", "•••", "see 12"),
            (),
        ),
        ('{"remarks": ["one"], "errors": [["A", "b"], ["short"], 7]}', ("one",), (("A", "b"),)),
    ],
)
def test_an_answer_of_any_shape_is_read(
    register: Engine,
    answer: str | None,
    remarks: tuple[str, ...],
    errors: tuple[tuple[str, str], ...],
) -> None:
    def fill(connection: Connection) -> None:
        seen(connection)
        add_registration(connection, 1, "refused", "refused_by_authority", at("06:30:00"))
        connection.execute(registration.update().values(answer=answer))

    (person,) = filled(register, fill).not_registered
    assert person.deciding is not None
    assert (person.deciding.remarks, person.deciding.errors) == (remarks, errors)


def test_an_unknown_site_is_an_error(register: Engine) -> None:
    with pytest.raises(LookupError):
        Overview(register).board(99, DAY, NOW)


def test_no_repr_shows_a_name(morning: Engine) -> None:
    shown = repr(board(morning))
    assert "PersonRow(" in shown
    for given_name, family_name, *_ in sample.PEOPLE:
        assert family_name not in shown
        assert f"'{given_name}'" not in shown


def test_a_board_takes_few_queries_and_all_use_an_index(morning: Engine) -> None:
    statements: list[tuple[str, object]] = []

    def note(_c: object, _cursor: object, sql: str, parameters: object, *_: object) -> None:
        if sql.startswith("SELECT"):
            statements.append((sql, parameters))

    event.listen(morning, "before_cursor_execute", note)
    board(morning)
    event.remove(morning, "before_cursor_execute", note)
    assert len(statements) <= 19
    with reading(morning) as connection:
        for sql, parameters in statements:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", parameters).all()  # pyright: ignore[reportArgumentType]
            for step in plan:
                # Tables that only grow must never be read whole.
                growing = ("registration", "presence", "tap", "gate_event", "passage_count")
                assert not step[3].startswith(tuple(f"SCAN {name}" for name in growing)), sql


def test_a_board_reads_and_never_writes(morning: Engine) -> None:
    with morning.connect() as connection:
        before = connection.execute(text("PRAGMA data_version")).scalar_one()
        board(morning)
        assert connection.execute(text("PRAGMA data_version")).scalar_one() == before
        assert connection.execute(select(registration.c.reference)).all()


_STATES = st.lists(st.sampled_from(State), max_size=3)


@given(st.lists(st.tuples(st.booleans(), st.booleans(), _STATES), max_size=40))
def test_nobody_is_ever_missing_from_the_books(
    people: list[tuple[bool, bool, list[State]]],
) -> None:
    rows = [
        PersonRow(
            person_id=index,
            given_name="A",
            family_name="B",
            company_id=index % 3 or None,
            company=("", "One", "Two")[index % 3],
            day=DAY,
            seen=seen,
            first_ms=NOW if seen else None,
            received_ms=NOW if seen else None,
            last_ms=NOW if seen else None,
            gate="gate" if seen else None,
            inside=seen and inside,
            registrations=tuple(
                RegistrationRow(f"r{index}{number}", "w", DAY, state, "", None, NOW, NOW)
                for number, state in enumerate(states)
            ),
        )
        for index, (seen, inside, states) in enumerate(people)
    ]
    picture = assemble(
        now_ms=NOW,
        site=SiteName(1, "s"),
        works=(),
        day=DAY,
        people=rows,
        earlier=[],
        turned_away=(),
        undated=0,
        gates=(),
        people_known=len(rows),
    )
    assert picture.to_settle + len(picture.waiting) + picture.registered == picture.seen
    assert sum(len(company.people) for company in picture.companies) == len(rows)
    assert sum(company.on_site for company in picture.companies) == picture.on_site


def test_a_person_of_whom_nothing_changed_is_the_same_row_again(morning: Engine) -> None:
    overview = Overview(morning)

    def rows() -> dict[int, PersonRow]:
        companies = overview.board(SITE, DAY, NOW).companies
        return {one.person_id: one for company in companies for one in company.people}

    before = rows()
    changed = next(one for one in before.values() if one.registrations and one.seen)
    with writing(morning) as connection:
        connection.execute(
            update(registration)
            .where(registration.c.reference == changed.registrations[0].reference)
            .values(state="refused", cause="answered")
        )
        others = person.c.id != changed.person_id
        connection.execute(update(person).where(others).values(family_name="Anders"))
    after = rows()
    assert after.keys() == before.keys()
    assert after[changed.person_id].registrations[0].state == "refused"
    named = {one.family_name for key, one in after.items() if key != changed.person_id}
    assert named == {"Anders"}
    again = rows()
    assert all(again[key] is one for key, one in after.items())
