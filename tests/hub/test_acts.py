"""An act without a badge is a fact like a tap: kept first, made once, registered by the rules."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from hub.application.acts import Case, Channel, Means, Stage, Standing, keep
from hub.application.ports import Registered
from hub.application.retention import DataClass
from hub.application.roll_call import Group
from hub.domain.people import Kind
from hub.errors import UsageError
from hub.settings import RetentionSettings
from hub.storage.acts import Acts, acts_wait
from hub.storage.adoption import register_today
from hub.storage.attestations import attestation_of
from hub.storage.balance import books_of_day
from hub.storage.completing import complete
from hub.storage.decisions import find
from hub.storage.engine import reading, writing
from hub.storage.flow import flow_of
from hub.storage.outbox import Outbox
from hub.storage.plan_withdrawals import taps_wait
from hub.storage.projection import RegisterView, project_some, rebuild
from hub.storage.retention import Retention, days_of
from hub.storage.roll_call import read_list
from hub.storage.schema import (
    act_done,
    newcomer,
    person,
    presence,
    registration,
    unbadged_act,
    visit,
)
from hub.storage.schema import works as works_table
from hub.storage.writer import Writer
from protocol.record import DIRECTION_IN, DIRECTION_OUT
from tests.hub.act_world import (
    DAY,
    HOUR,
    MINUTE,
    P_BASILE,
    P_MILAN,
    P_PIOTR,
    TODAY,
    WORKS,
    Gate,
    act,
    brussels,
    gate_on,
)
from tests.hub.house import MILAN, NOON_MS, record


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    """A site with three people and two gates."""
    with gate_on(tmp_path) as site:
        yield site


# ---------------------------------------------------------------- kept, once


def test_an_act_is_kept_and_says_no_more_until_it_had_its_effect(gate: Gate) -> None:
    kept = gate.act(act(), project=False)
    assert (kept.number, kept.again) == (1, False)
    assert gate.standing(act().reference) == Standing(Stage.KEPT)
    with reading(gate.engine) as connection:
        # Nobody is called absent while it waits.
        assert acts_wait(connection)
        assert taps_wait(connection)
    assert gate.project() == 1
    assert gate.standing(act().reference) == Standing(Stage.WAITING)
    assert gate.registrations() == [(TODAY, "due", "first_tap")]
    assert gate.presences() == [(P_MILAN, TODAY, NOON_MS, True, 1)]
    with reading(gate.engine) as connection:
        assert not acts_wait(connection)
        assert not taps_wait(connection)
    assert gate.standing("nothing-of-this-name") is None


def test_what_was_rolled_back_was_never_kept(gate: Gate) -> None:
    def cut_off() -> None:
        with writing(gate.engine) as connection:
            keep(Acts(connection), act(), NOON_MS)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cut_off()
    assert gate.rows(unbadged_act) == []
    assert gate.act(act()).again is False


def test_an_act_that_is_sent_again_is_made_once(gate: Gate) -> None:
    first = gate.act(act())
    # The answer was lost; meanwhile it had its effect, and the clock went on.
    again = gate.act(act(), received_ms=NOON_MS + 5 * MINUTE)
    assert (again.number, again.received_ms, again.again) == (first.number, NOON_MS, True)
    assert gate.presences() == [(P_MILAN, TODAY, NOON_MS, True, 1)]
    assert len(gate.rows(registration)) == 1
    for other in (
        act(P_BASILE, name=act().reference),
        act(direction=DIRECTION_OUT),
        act(channel=Channel.PHONE),
        act(case=Case.VISIT),
    ):
        with pytest.raises(UsageError) as refused:
            gate.act(other)
        assert refused.value.code == "HUB-1781"
    assert len(gate.rows(unbadged_act)) == 1


def test_what_cannot_be_an_act_is_refused(gate: Gate) -> None:
    for wrong in (
        act(name="short"),
        act(name="with a space in its name"),
        act(name="x" * 65),
        act(direction=0),
        act(at_ms=0, name="reference-of-nothing"),
        act(place=""),
        act(place="x" * 25),
        act(reason="x" * 25),
        act(replaces=P_BASILE),
    ):
        with pytest.raises(UsageError) as refused:
            gate.act(wrong, received_ms=NOON_MS)
        assert refused.value.code == "HUB-1780"
    assert gate.rows(unbadged_act) == []


def test_the_engine_refuses_to_change_or_remove_an_act(gate: Gate) -> None:
    gate.act(act())
    for change in (update(unbadged_act).values(at_ms=1), delete(unbadged_act)):
        with pytest.raises(IntegrityError), writing(gate.engine) as connection:
            connection.execute(change)


# ---------------------------------------------------------------- both regimes


def test_in_the_day_regime_one_registration_covers_badge_and_kiosk(gate: Gate) -> None:
    gate.act(act())
    gate.arrive("gate-out", NOON_MS + HOUR, record(1, gate.house.tag(MILAN), NOON_MS + HOUR,
                direction=DIRECTION_OUT))  # fmt: skip
    gate.project()
    gate.act(act(at_ms=NOON_MS + 2 * HOUR))
    assert gate.registrations() == [(TODAY, "due", "first_tap")]
    assert gate.presences() == [(P_MILAN, TODAY, NOON_MS, True, 3)]
    assert gate.standing(act(at_ms=NOON_MS + 2 * HOUR).reference) == Standing(Stage.WAITING)


def test_a_number_is_shown_as_soon_as_there_is_one_and_not_before(gate: Gate) -> None:
    gate.act(act())
    writer = Writer(gate.engine)
    writer.start()
    try:
        outbox = Outbox(writer, gate.house.house.vault)
        (claim,) = outbox.claim(NOON_MS + 1, 10)
        assert gate.standing(act().reference) == Standing(Stage.WAITING)
        outbox.in_doubt([claim.reference], NOON_MS + 2)
        assert gate.standing(act().reference) == Standing(Stage.WAITING)
        answer = Registered(claim.reference, 900_000_000_000_117, "2026-11-23T12:00:00+01:00",
                            "SUCCESSFULLY REGISTERED", ())  # fmt: skip
        outbox.found([answer], NOON_MS + 3)
    finally:
        writer.stop()
    assert gate.standing(act().reference) == Standing(Stage.REGISTERED, 900_000_000_000_117)


def test_each_act_of_the_in_out_regime_is_registered_for_itself(gate: Gate) -> None:
    gate.in_out()
    gate.act(act())
    gate.act(act(at_ms=NOON_MS + HOUR, direction=DIRECTION_OUT))
    # He was not sure and did it again: one act.
    gate.act(act(at_ms=NOON_MS + HOUR + MINUTE, direction=DIRECTION_OUT))
    rows = [(row.direction, row.tap_ms, row.state, row.act) for row in gate.rows(registration)]
    assert sorted(rows) == [
        ("in", NOON_MS, "due", "0.1"),
        ("out", NOON_MS + HOUR, "due", "0.2"),
    ]
    assert gate.presences() == [(P_MILAN, TODAY, NOON_MS, False, 3)]
    for at_ms in (NOON_MS, NOON_MS + HOUR, NOON_MS + HOUR + MINUTE):
        assert gate.standing(act(at_ms=at_ms).reference) == Standing(Stage.WAITING)


def test_an_act_that_waited_in_a_telephone_is_never_sent_with_another_time(gate: Gate) -> None:
    gate.in_out()
    gate.act(act(channel=Channel.PHONE), received_ms=NOON_MS + 11 * MINUTE)
    (row,) = gate.rows(registration)
    assert (row.state, row.cause, row.tap_ms) == ("lapsed", "act_arrived_late", NOON_MS)
    assert gate.standing(act().reference) == Standing(Stage.NOT_MADE)
    with reading(gate.engine) as connection:
        found = find(connection, row.reference)
        assert found is not None
        attested = attestation_of(connection, found)
    # For a correction: when it was done, by what, and when the hub got it; not who.
    assert attested.tap is not None
    assert (attested.tap.journal, attested.late_ms) == ("phone", 11 * MINUTE)
    assert b"person" not in attested.tap.record
    assert attested.tap.record.startswith(b'{"at_ms":1795431600000,')


def test_a_kiosk_whose_clock_is_ahead_does_not_act_in_the_future(gate: Gate) -> None:
    gate.in_out()
    gate.act(act(at_ms=NOON_MS + HOUR), received_ms=NOON_MS)
    (row,) = gate.rows(registration)
    assert (row.state, row.tap_ms) == ("due", NOON_MS)


# ---------------------------------------------------------------- midnight and the clock change


def test_an_act_of_yesterday_is_not_registered_for_today(gate: Gate) -> None:
    late = brussels("2026-11-23T23:59:30")
    gate.act(act(at_ms=late, channel=Channel.PHONE), received_ms=late + MINUTE)
    assert gate.registrations() == [("2026-11-23", "lapsed", "arrived_late")]
    gate.act(act(at_ms=late + 2 * MINUTE), received_ms=late + 2 * MINUTE)
    assert [row[:2] for row in gate.registrations()] == [
        ("2026-11-23", "lapsed"),
        ("2026-11-24", "due"),
    ]


def test_who_leaves_after_a_night_is_not_registered_again(gate: Gate) -> None:
    gate.act(act(at_ms=brussels("2026-11-23T21:00:00")))
    out = act(at_ms=brussels("2026-11-24T05:00:00"), direction=DIRECTION_OUT)
    gate.act(out)
    assert gate.registrations() == [("2026-11-23", "due", "first_tap")]
    assert gate.standing(out.reference) == Standing(Stage.COUNTED)


def test_days_of_23_and_25_hours_end_at_midnight(gate: Gate) -> None:
    for moment in (
        "2026-10-25T00:00:00",
        "2026-10-25T02:30:00",
        "2026-10-25T02:30:00 fold=1",
        "2026-10-25T23:59:59",
        "2027-03-28T00:00:00",
        "2027-03-28T03:00:00",
        "2027-03-28T23:59:59",
    ):
        gate.act(act(at_ms=brussels(moment)))
    days = [(row[1], row[4]) for row in gate.presences()]
    assert days == [("2026-10-25", 4), ("2027-03-28", 3)]
    assert [row[0] for row in gate.registrations()] == ["2026-10-25", "2027-03-28"]


def test_the_hour_that_comes_twice_is_two_hours(gate: Gate) -> None:
    gate.in_out()
    gate.act(act(at_ms=brussels("2026-10-25T02:30:00")))
    gate.act(act(at_ms=brussels("2026-10-25T02:30:00 fold=1"), direction=DIRECTION_OUT))
    first, second = sorted(row.tap_ms for row in gate.rows(registration))
    assert second - first == HOUR


# ---------------------------------------------------------------- one order of facts


def test_acts_and_taps_have_their_effect_in_the_order_in_which_they_came(gate: Gate) -> None:
    """The night began at the kiosk, and ended at a gate: the tap must not be looked at first."""
    night, morning = brussels("2026-11-23T21:00:00"), brussels("2026-11-24T05:00:00")
    gate.act(act(at_ms=night), project=False)
    out = record(1, gate.house.tag(MILAN), morning, direction=DIRECTION_OUT)
    gate.arrive("gate-out", morning, out)
    assert gate.project() == 2
    lived = gate.everything()
    assert gate.registrations() == [("2026-11-23", "due", "first_tap")]
    with writing(gate.engine) as connection:
        assert rebuild(connection) == 2
    assert gate.everything() == lived
    # And the other way round: what came first ended no night that was told of only later.
    gate.act(act(P_BASILE, brussels("2026-11-25T05:00:00"), direction=DIRECTION_OUT))
    earlier = act(P_BASILE, brussels("2026-11-24T21:00:00"), channel=Channel.PHONE)
    gate.act(earlier, received_ms=brussels("2026-11-25T05:01:00"))
    assert [row[1:] for row in gate.registrations()[1:]] == [
        ("lapsed", "arrived_late"),
        ("due", "first_tap_out"),
    ]


_EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["tap", "act", "wait"]),
        st.sampled_from([P_MILAN, P_BASILE, P_PIOTR]),
        st.sampled_from([DIRECTION_IN, DIRECTION_OUT]),
        st.integers(0, 9 * HOUR),
    ),
    max_size=14,
)


@pytest.mark.parametrize("regime", ["day", "in_out"])
@given(events=_EVENTS)
@settings(max_examples=6, deadline=None)
def test_a_rebuild_is_equal_and_the_books_balance(
    tmp_path_factory: pytest.TempPathFactory, regime: str, events: list[tuple[str, int, int, int]]
) -> None:
    with gate_on(tmp_path_factory.mktemp("acts")) as gate:
        if regime == "in_out":
            gate.in_out()
        now_ms, seq = NOON_MS, {"gate-in": 0, "gate-out": 0}
        cards = gate.rows(person)
        assert len(cards) == 3
        for number, (what, who, way, ago) in enumerate(events):
            now_ms += 7 * HOUR // 2
            if what == "act":
                gate.act(
                    act(who, now_ms - ago, f"reference-number-{number}", direction=way),
                    received_ms=now_ms,
                    project=bool(number % 2),
                )
            elif what == "tap":
                terminal = "gate-in" if way == DIRECTION_IN else "gate-out"
                seq[terminal] += 1
                card = gate.house.tag(MILAN)
                piece = record(seq[terminal], card, now_ms - ago, direction=way)
                gate.arrive(terminal, now_ms, piece)
        gate.project()
        lived = gate.everything()
        with writing(gate.engine) as connection:
            rebuild(connection)
            days = {date.fromisoformat(row[1]) for row in gate.presences()}
        assert gate.everything() == lived
        with reading(gate.engine) as connection:
            for day in days:
                for book in books_of_day(connection, day, now_ms):
                    assert (book.presences.unexplained, book.acts.unexplained) == (0, 0)
                    assert (book.unbadged.missing, book.unbadged.ahead) == (0, 0)


def test_the_books_find_an_act_that_was_passed_over(gate: Gate) -> None:
    gate.act(act())
    gate.act(act(P_BASILE))
    with writing(gate.engine) as connection:
        connection.execute(delete(act_done).where(act_done.c.act_id == 1))
    with reading(gate.engine) as connection:
        (book,) = books_of_day(connection, date(2026, 11, 23), NOON_MS)
    assert (book.unbadged.kept, book.unbadged.missing, book.balances) == (2, 1, False)
    assert dict(book.points) == {"unbadged_missing": 1}


def test_the_books_find_an_act_that_became_no_registration(gate: Gate) -> None:
    gate.in_out()
    gate.act(act())
    with writing(gate.engine) as connection:
        connection.execute(delete(registration))
    with reading(gate.engine) as connection:
        (book,) = books_of_day(connection, date(2026, 11, 23), NOON_MS)
    assert dict(book.points) == {"acts_unexplained": 1}


# ---------------------------------------------------------------- where it is shown


def test_a_roll_call_counts_who_came_without_a_badge(gate: Gate) -> None:
    with writing(gate.engine) as connection:
        connection.execute(
            insert(person).values(
                id=9, token="v" * 32, given_name="Vic", family_name="Visser",
                works_number=WORKS, language="nl", kind=Kind.VISITOR,
            )
        )  # fmt: skip
        connection.execute(insert(visit).values(person_id=9, company="Studiebureau Zuid"))
    gate.act(act(9, case=Case.VISIT, means=Means.TOLD, place="gate-in"))
    gate.act(act(P_MILAN))
    assert gate.standing(act(9).reference) == Standing(Stage.COUNTED)
    assert [row.person_id for row in gate.rows(registration)] == [P_MILAN]
    with reading(gate.engine) as connection:
        here = read_list(connection, 1, NOON_MS + MINUTE).of(Group.HERE)
        flow = flow_of(connection, 1, date(2026, 11, 23), NOON_MS + MINUTE)
    assert [(one.family_name, one.company, one.visitor, one.gate) for one in here] == [
        ("Aarts", "Bouwwerken", False, "kiosk-00000001"),
        ("Visser", "Studiebureau Zuid", True, "In"),
    ]
    assert flow.steps[-1][1] == 2


def test_a_visitor_who_turns_out_to_work_here_is_registered_for_his_act(gate: Gate) -> None:
    with writing(gate.engine) as connection:
        connection.execute(update(person).where(person.c.id == P_MILAN).values(kind=Kind.VISITOR))
    gate.act(act(case=Case.VISIT, means=Means.TOLD))
    assert gate.rows(registration) == []
    with writing(gate.engine) as connection:
        connection.execute(update(person).where(person.c.id == P_MILAN).values(kind=Kind.EMPLOYEE))
        assert register_today(connection, P_MILAN, NOON_MS + HOUR) == 1
    assert gate.registrations() == [(TODAY, "due", "first_tap")]
    assert gate.presences() == [(P_MILAN, TODAY, NOON_MS, True, 1)]


# ---------------------------------------------------------------- who is not known yet


def add_newcomer(gate: Gate) -> None:
    """Milan is somebody who told the hub himself who he is."""
    with writing(gate.engine) as connection:
        values = {"person_id": P_MILAN, "site_id": 1, "added_ms": NOON_MS, "added_by": "kiosk"}
        connection.execute(insert(newcomer).values(**values))


def settle(gate: Gate, now_ms: int) -> int:
    """The supervisor confirms him; returns how many registrations that made due."""
    with writing(gate.engine) as connection:
        connection.execute(update(newcomer).values(settled_ms=now_ms, settled_by="account:1"))
        return complete(connection, now_ms)


def test_who_is_not_known_is_counted_and_registered_once_he_is_complete(gate: Gate) -> None:
    add_newcomer(gate)
    gate.act(act())
    assert gate.registrations() == [(TODAY, "held", "newcomer")]
    assert gate.standing(act().reference) == Standing(Stage.HELD)
    assert len(gate.rows(presence)) == 1
    with writing(gate.engine) as connection:
        assert complete(connection, NOON_MS + MINUTE) == 0
    assert settle(gate, NOON_MS + HOUR) == 1
    assert [row[1:] for row in gate.live()] == [(TODAY, "due", "assigned")]
    assert gate.standing(act().reference) == Standing(Stage.WAITING)
    lived = gate.everything()
    with writing(gate.engine) as connection:
        rebuild(connection)
    assert gate.everything() == lived


def test_who_is_completed_too_late_is_not_registered_for_another_day(gate: Gate) -> None:
    add_newcomer(gate)
    gate.act(act())
    assert settle(gate, NOON_MS + DAY) == 0
    assert gate.registrations() == [(TODAY, "held", "newcomer")]


def test_who_is_completed_after_ten_minutes_misses_the_in_out_window(gate: Gate) -> None:
    gate.in_out()
    add_newcomer(gate)
    gate.act(act())
    gate.act(act(at_ms=NOON_MS + 10 * MINUTE, direction=DIRECTION_OUT))
    assert settle(gate, NOON_MS + 11 * MINUTE) == 1
    found = {row.act: row.state for row in gate.rows(registration) if row.state != "dropped"}
    assert found == {"0.1": "held", "0.2": "due"}


# ---------------------------------------------------------------- its time is over


def test_acts_go_with_the_taps_and_their_numbers_are_not_used_again(gate: Gate) -> None:
    gate.act(act())
    gate.act(act(P_BASILE, NOON_MS + 1))
    later = NOON_MS + 4000 * DAY

    def write(change):
        with writing(gate.engine) as connection:
            return change(connection)

    rules = days_of(RetentionSettings())
    keeper = Retention(
        gate.engine,
        write,
        gate.house.house.vault,
        Path(),
        {DataClass.TAPS: rules[DataClass.TAPS]},
    )
    keeper.run(later, "command")
    # The newest stays, as the mark of how far the projection is.
    assert [row.id for row in gate.rows(unbadged_act)] == [2]
    assert gate.project() == 0
    kept = gate.act(act(P_PIOTR, later))
    assert kept.number == 3
    assert [row.act_id for row in gate.rows(act_done)] == [2, 3]
    with writing(gate.engine) as connection:
        count, _ = project_some(connection, RegisterView())
    assert count == 0
    with reading(gate.engine) as connection:
        assert connection.execute(select(works_table.c.number)).scalar() == WORKS
