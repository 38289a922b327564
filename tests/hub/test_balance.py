"""The books balance when each tap is stored and each presence registered or explained, else not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.application.balance import (
    Column,
    Compared,
    Point,
    SiteBooks,
    Tally,
    TapBooks,
    UnbadgedBooks,
    entry_of,
    tally,
)
from hub.application.reconcile import Subject
from hub.domain.in_out_regime import REPEAT_MS
from hub.domain.registration import NUMBERED, State
from hub.i18n import LANGUAGES, text
from hub.storage.balance import Books as Balance
from hub.storage.balance import check_books
from hub.storage.engine import writing
from hub.storage.schema import (
    gap,
    inbox,
    person,
    plan_entry,
    presence,
    registration,
    site,
    tap,
    works,
    works_regime,
)
from protocol.record import DIRECTION_OUT, QUALITY_NONE, VERDICT_REFUSED
from tests.hub.books import WAYS, Books, books
from tests.hub.derived import Site
from tests.hub.house import BASILE, MILAN, NOON_MS, PIOTR, TestHouse, people_house, record
from tests.hub.ledger import DAY, WORKS, Ledger, seen

N = 900_000_000_000_117
NEXT_MS = NOON_MS + 86_400_000
"""The day after; the day of the taps is over."""


# ---------------------------------------------------------------- where one stands


@pytest.mark.parametrize(
    ("rows", "column"),
    [
        ([], Column.UNEXPLAINED),
        ([("registered", "answered")], Column.REGISTERED),
        ([("validated", "validation_passed")], Column.REGISTERED),
        ([("cancelling", "cancel_asked")], Column.REGISTERED),
        ([("flagged", "validation_remarks")], Column.REMARKS),
        ([("due", "first_tap")], Column.WAITING),
        ([("sending", "claimed")], Column.WAITING),
        ([("in_doubt", "answer_lost")], Column.WAITING),
        ([("held", "no_identity")], Column.EXPLAINED),
        ([("refused", "refused_by_authority")], Column.EXPLAINED),
        ([("lapsed", "day_over")], Column.EXPLAINED),
        ([("cancelled", "cancel_confirmed")], Column.EXPLAINED),
        ([("dropped", "registered_elsewhere")], Column.EXPLAINED),
        ([("dropped", "given_up")], Column.EXPLAINED),
        ([("dropped", "redated")], Column.UNEXPLAINED),
        ([("cancelled", "cancel_confirmed"), ("registered", "answered")], Column.REGISTERED),
        ([("registered", "answered"), ("due", "first_tap")], Column.WAITING),
        ([("registered", "answered"), ("held", "works_conflict")], Column.EXPLAINED),
        ([("dropped", "redated"), ("cancelled", "cancel_confirmed")], Column.EXPLAINED),
    ],
)
def test_where_a_presence_stands(rows: list[tuple[str, str]], column: Column) -> None:
    assert entry_of([(State(state), cause) for state, cause in rows]).column is column


@settings(deadline=None)
@given(
    st.lists(
        st.lists(
            st.tuples(st.sampled_from(sorted(State)), st.sampled_from(["given_up", "answered"])),
            max_size=3,
        )
    )
)
def test_each_presence_is_in_exactly_one_column(people: list[list[tuple[State, str]]]) -> None:
    made = tally([entry_of(rows) for rows in people])
    columns = made.registered + made.remarks + made.waiting + made.exceptions + made.unexplained
    assert made.total == columns == len(people)


BALANCED = SiteBooks(1, "Werf", DAY, past=False)
OPEN = {
    Point.TAPS_MISSING: replace(BALANCED, taps=TapBooks(received=3, stored=2)),
    Point.UNBADGED_MISSING: replace(BALANCED, unbadged=UnbadgedBooks(kept=3, counted=2)),
    Point.UNREADABLE: replace(BALANCED, taps=TapBooks(unreadable=1)),
    Point.LOST: replace(BALANCED, taps=TapBooks(lost=1)),
    Point.PRESENCES_UNEXPLAINED: replace(BALANCED, presences=Tally(1, unexplained=1)),
    Point.ACTS_UNEXPLAINED: replace(BALANCED, acts=Tally(1, unexplained=1)),
    Point.DIFFERENCES: replace(BALANCED, compared=Compared(1, "", (("double", False, 1),))),
}
LATE = {
    Point.TAPS_AHEAD: replace(BALANCED, taps=TapBooks(received=1, ahead=1)),
    Point.UNBADGED_AHEAD: replace(BALANCED, unbadged=UnbadgedBooks(kept=1, ahead=1)),
    Point.OPEN: replace(BALANCED, taps=TapBooks(open=1)),
    Point.PRESENCES_WAITING: replace(BALANCED, presences=Tally(1, waiting=1)),
    Point.ACTS_WAITING: replace(BALANCED, acts=Tally(1, waiting=1)),
}


def test_what_keeps_books_open_at_once_and_what_only_when_the_day_is_over() -> None:
    assert set(OPEN) | set(LATE) == set(Point)
    for point, made in OPEN.items():
        for past in (False, True):
            assert replace(made, past=past).points == ((point, 1),)
    for point, made in LATE.items():
        assert made.balances
        assert replace(made, past=True).points == ((point, 1),)
    explained = Compared(1, "", (("stranger", True, 4),))
    assert replace(BALANCED, past=True, compared=explained).balances
    # A tap that no record has is as wrong as a record without a tap.
    assert not replace(BALANCED, taps=TapBooks(received=1, stored=2)).balances


def test_every_point_says_in_four_languages_what_to_do() -> None:
    for point in Point:
        for language in LANGUAGES:
            assert "7" in text(f"balance.point.{point}", language, count=7)


# ---------------------------------------------------------------- taps


@pytest.fixture
def house(tmp_path: Path) -> Iterator[TestHouse]:
    with people_house(tmp_path / "house") as made:
        yield made


def books_of(made: TestHouse | Books, now_ms: int = NOON_MS, day: date = DAY) -> SiteBooks:
    (found,) = Balance(made.house.engine).books(day, now_ms)
    return found


def change(made: TestHouse | Books, *statements: object) -> None:
    with writing(made.house.engine) as connection:
        for statement in statements:
            connection.execute(statement)  # type: ignore[call-overload]


def test_a_morning_of_taps(house: TestHouse) -> None:
    hub = Site(house)
    hub.arrive(
        "gate-in",
        NOON_MS,
        record(1, house.tag(MILAN), NOON_MS - 5_000),
        record(2, house.tag(BASILE), NOON_MS - 4_000),
        record(3, b"stranger", NOON_MS - 3_000, verdict=VERDICT_REFUSED, reason=1),
        record(4, house.tag(MILAN), NOON_MS - 2_000),
        record(5, bytes(8), NOON_MS - 1_000, kind=3),
    )
    assert books_of(house).taps == TapBooks(received=4, ahead=4)
    assert not books_of(house, NEXT_MS).balances
    hub.project()
    today = books_of(house)
    assert today.taps == TapBooks(received=4, stored=4)
    assert today.presences == Tally(total=2, waiting=2)
    assert today.balances
    assert books_of(house, NEXT_MS).points == ((Point.PRESENCES_WAITING, 2),)


def test_a_tap_that_is_gone_and_one_that_nobody_sent(house: TestHouse) -> None:
    hub = Site(house)
    hub.arrive("gate-in", NOON_MS, record(1, house.tag(MILAN), NOON_MS))
    hub.project()
    change(house, tap.update().values(received_ms=NOON_MS - 86_400_000))
    assert books_of(house).points == ((Point.TAPS_MISSING, 1),)
    change(house, tap.update().values(received_ms=NOON_MS), inbox.delete())
    assert books_of(house).points[0] == (Point.TAPS_MISSING, 1)


def test_records_count_for_the_day_on_which_they_came(house: TestHouse) -> None:
    hub = Site(house)
    yesterday = NOON_MS - 86_400_000
    hub.arrive("gate-in", NOON_MS, record(1, house.tag(MILAN), yesterday))
    hub.project()
    assert books_of(house).taps.received == 1
    assert books_of(house).presences.total == 0
    before = books_of(house, day=DAY - timedelta(days=1))
    assert before.taps.received == 0
    assert before.presences == Tally(1, explained=(("lapsed", "arrived_late", 1),))
    assert before.balances


def test_damaged_lost_open_and_undated_records(house: TestHouse) -> None:
    hub = Site(house)
    broken = bytearray(record(2, house.tag(MILAN), NOON_MS))
    broken[10] ^= 1
    hub.arrive("gate-in", NOON_MS, record(1, house.tag(MILAN), 0, quality=QUALITY_NONE))
    hub.arrive("gate-in", NOON_MS, bytes(broken))
    hub.arrive("gate-in", NOON_MS, record(9, house.tag(PIOTR), NOON_MS))
    change(house, gap.insert().values(stream_id=1, first_seq=4, last_seq=5, noticed_ms=NOON_MS))
    hub.project()
    made = books_of(house)
    assert made.taps == TapBooks(received=2, stored=2, unreadable=1, lost=2, open=4, undated=1)
    assert made.points == ((Point.UNREADABLE, 1), (Point.LOST, 2))
    assert books_of(house, NEXT_MS).taps.lost == 2
    assert books_of(house, NEXT_MS, DAY + timedelta(days=1)).taps.lost == 0
    assert (Point.OPEN, 4) in books_of(house, NEXT_MS).points


def test_each_site_has_books_of_its_own(house: TestHouse) -> None:
    change(house, site.insert().values(id=9, name="A second site"))
    hub = Site(house)
    hub.arrive("gate-in", NOON_MS, record(1, house.tag(MILAN), NOON_MS))
    hub.project()
    second, first = Balance(house.house.engine).books(DAY, NOON_MS)
    assert (second.site, second.taps.received, second.presences.total) == ("A second site", 0, 0)
    assert (first.site, first.taps.received, first.presences.total) == ("Werf Noord", 1, 1)


# ---------------------------------------------------------------- presences


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Books]:
    with books(tmp_path / "house") as made:
        yield made


def present(
    kept: Books, person_id: int, first_in_ms: int | None = NOON_MS, day: date = DAY
) -> None:
    values = {
        "person_id": person_id, "site_id": 1, "day": day.isoformat(), "first_in_ms": first_in_ms,
        "last_ms": NOON_MS, "inside": 1, "taps": 1, "received_ms": NOON_MS,
        "terminal_id": "gate-in",
    }  # fmt: skip
    change(kept, presence.insert().values(values))


@pytest.mark.parametrize("state", WAYS)
def test_every_state_of_a_registration_has_its_column(kept: Books, state: str) -> None:
    numbered = State(state) in NUMBERED | {State.CANCELLED}
    kept.registration("a" * 24, state, 1, N if numbered else None, cause="given_up")
    present(kept, 1)
    made = books_of(kept)
    assert made.presences.total == 1
    assert made.presences.unexplained == 0
    assert made.balances
    assert books_of(kept, NEXT_MS).balances == (state not in ("due", "sending", "in_doubt"))


def test_a_presence_without_registration_is_unexplained(kept: Books) -> None:
    present(kept, 1)
    assert books_of(kept).points == ((Point.PRESENCES_UNEXPLAINED, 1),)


def test_the_end_of_a_night_shift_is_explained(kept: Books) -> None:
    kept.registration("a" * 24, "validated", 1, N, day=DAY - timedelta(days=1))
    present(kept, 1, first_in_ms=None)
    present(kept, 2, first_in_ms=None)
    made = books_of(kept).presences
    assert made == Tally(2, unexplained=1, explained=(("", "night_shift", 1),))


def test_what_another_channel_registered_is_explained(kept: Books) -> None:
    kept.registration("a" * 24, "held", 1, cause="no_company")
    present(kept, 1)
    row = seen(N, inss="85031299761")
    subject = Subject(WORKS, DAY, "day")
    kept.port.settle(subject, Ledger([row]).search(WORKS, DAY), [], "test", NOON_MS, write=True)
    made = books_of(kept, NEXT_MS)
    assert made.balances
    assert made.presences.registered + made.presences.exceptions == 1


# ---------------------------------------------------------------- in/out regime


@pytest.fixture
def in_out(house: TestHouse) -> TestHouse:
    place = json.dumps({"longitude": 4.35, "latitude": 50.84})
    change(
        house,
        works_regime.insert().values(works_number=WORKS, from_day="2026-11-01", regime="in_out"),
        works.update().values(place=place),
    )
    return house


def test_every_act_is_a_registration_or_has_a_reason(in_out: TestHouse) -> None:
    hub = Site(in_out)
    milan, piotr = in_out.tag(MILAN), in_out.tag(PIOTR)
    hub.arrive(
        "gate-in",
        NOON_MS,
        record(1, milan, NOON_MS - 4 * 3_600_000),  # too late: lapsed
        record(2, milan, NOON_MS - 1_000),
        record(3, milan, NOON_MS - 500),  # the same act again
        record(4, piotr, NOON_MS - 400),  # by Limosa alone: held
        record(5, b"stranger", NOON_MS, verdict=VERDICT_REFUSED),
        record(6, milan, NOON_MS - 300, verdict=VERDICT_REFUSED),
    )
    hub.arrive("gate-out", NOON_MS, record(1, milan, NOON_MS - 100, direction=DIRECTION_OUT))
    hub.project()
    made = books_of(in_out)
    assert made.presences == Tally()
    assert made.acts == Tally(
        5,
        waiting=2,
        explained=(
            ("", "repeated_act", 1),
            ("held", "no_inss", 1),
            ("lapsed", "act_arrived_late", 1),
        ),
    )
    assert made.balances
    assert books_of(in_out, NEXT_MS).points == ((Point.ACTS_WAITING, 2),)
    # An act whose registration went missing is noticed.
    change(in_out, registration.delete().where(registration.c.direction == "out"))
    assert books_of(in_out).points == ((Point.ACTS_UNEXPLAINED, 1),)


def test_an_act_that_is_not_near_another_is_no_repetition(in_out: TestHouse) -> None:
    hub = Site(in_out)
    milan = in_out.tag(MILAN)
    hub.arrive("gate-in", NOON_MS, record(1, milan, NOON_MS - REPEAT_MS - 1))
    hub.arrive("gate-in", NOON_MS, record(2, milan, NOON_MS))
    hub.project()
    change(in_out, registration.delete().where(registration.c.act == "1.2"))
    assert books_of(in_out).acts == Tally(2, waiting=1, unexplained=1)


def test_both_regimes_side_by_side_on_one_site(in_out: TestHouse) -> None:
    other = "1Y19FAKE003CZ"
    change(
        in_out,
        works.insert().values(number=other, site_id=1),
        person.update().where(person.c.id == 2).values(works_number=other),
    )
    hub = Site(in_out)
    for seq, uid in ((1, MILAN), (2, BASILE)):
        hub.arrive("gate-in", NOON_MS, record(seq, in_out.tag(uid), NOON_MS))
    hub.project()
    made = books_of(in_out)
    assert (made.presences, made.acts) == (Tally(1, waiting=1), Tally(1, waiting=1))


# ---------------------------------------------------------------- plan and authority


def test_who_was_planned_and_not_seen(kept: Books) -> None:
    for person_id in (1, 2, 3):
        planned = {
            "person_id": person_id, "works_number": WORKS, "day": DAY.isoformat(),
            "source": "file", "planned_ms": 0, "actor": "test",
            "withdrawn_ms": 1 if person_id == 3 else None,
        }  # fmt: skip
        change(kept, plan_entry.insert().values(planned))
        kept.registration(str(person_id) * 24, "validated", person_id, N + person_id)
    present(kept, 1)
    made = books_of(kept)
    assert (made.planned, made.not_seen, made.registered_unseen) == (2, 1, 2)
    assert made.balances


def test_the_newest_run_says_what_differs(kept: Books) -> None:
    kept.registration("a" * 24, "registered", 1, N)
    subject = Subject(WORKS, DAY, "day")
    assert books_of(kept).compared == Compared()
    kept.port.settle(subject, [], [], "test", NOON_MS, write=True)
    made = books_of(kept)
    assert made.compared == Compared(NOON_MS, "", (("not_shown", False, 1),))
    assert made.points == ((Point.DIFFERENCES, 1),)
    row = seen(N, reference="a" * 24)
    kept.port.settle(subject, [row], [], "test", NOON_MS + 1, write=True)
    assert books_of(kept).compared == Compared(NOON_MS + 1)
    # A search that failed says nothing against what the one before it showed.
    kept.port.failed(subject, "test", NOON_MS + 2, "HUB-1301")
    assert books_of(kept).compared == Compared(NOON_MS + 1, "HUB-1301")
    assert books_of(kept).balances
    # Another works number of the day that nobody has asked for yet.
    change(kept, works.insert().values(number="1Y19FAKE003CZ", site_id=1))
    kept.registration("b" * 24, "due", 2, works_number="1Y19FAKE003CZ")
    assert books_of(kept).compared.at_ms is None


# ---------------------------------------------------------------- once a night


def test_open_books_are_an_incident_once(kept: Books) -> None:
    kept.registration("a" * 24, "due", 1)
    present(kept, 1)
    change(kept, site.insert().values(id=9, name="Quiet"))
    for moment in (NEXT_MS, NEXT_MS + 1):
        with writing(kept.house.engine) as connection:
            count = check_books(connection, DAY, moment)
        assert count == (moment == NEXT_MS)
    assert kept.incidents() == [(NEXT_MS, "HUB-1361", "1 2026-11-23 presences_waiting=1")]
    (alarm,) = Balance(kept.house.engine).alarms(NEXT_MS)
    assert (alarm.code, alarm.at_ms) == ("HUB-1361", NEXT_MS)
    assert Balance(kept.house.engine).alarms(NEXT_MS + 1) == ()
    with writing(kept.house.engine) as connection:
        assert check_books(connection, DAY + timedelta(days=1), NEXT_MS + 86_400_000) == 0


def test_the_books_hold_no_person(kept: Books) -> None:
    kept.registration("a" * 24, "flagged", 1, N)
    present(kept, 1)
    kept.port.settle(
        Subject(WORKS, DAY, "day"), [seen(N, inss="85031299761")], [], "x", NOON_MS, write=True
    )
    told = json.dumps(books_of(kept).as_json())
    for secret in ("85031299761", "Aarts", "Milan", "a" * 24, str(N)):
        assert secret not in told
