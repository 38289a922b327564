"""A whole day of a site in both regimes, with all that goes wrong on it, told by the authority.

What is right is worked out from the taps alone; the authority is asked what it holds, and only then
the hub. Whoever was at work is registered there once, or the hub explains why not.
"""

from __future__ import annotations

import logging
from collections import Counter
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from sqlalchemy import select
from structlog.testing import capture_logs

from hub.storage.attestations import attestation_of
from hub.storage.balance import books_of_day
from hub.storage.decisions import find
from hub.storage.engine import reading
from hub.storage.evidence_chain import verify
from hub.storage.schema import registration, registration_event
from simulator.authority.cast import Member
from tests.e2e.scenario_cast import DAY_WORKS, MINUTE_MS, Cast, Plot, Tap, local_ms
from tests.e2e.scenario_day import Hub, open_day
from tests.rest.conftest import pem

pytestmark = pytest.mark.processes

CANCELLED = "SUCCESSFULLY CANCELLED"
HELD_AS = {"validated": "VALIDATED", "flagged": "FAILED", "cancelled": CANCELLED}
WINDOW_MS = 10 * MINUTE_MS
PLOTS = {
    "a working day": Plot(date(2026, 11, 24), 300, 20, 15, late=5, expired=3, senders=2),
    "a day of 23 hours": Plot(date(2026, 3, 29), 40, 4, 3, late=2, expired=2, lossy_eve=True),
    "a day of 25 hours": Plot(date(2026, 10, 25), 40, 4, 3, late=2, expired=2, lossy_eve=True),
    "the works change regime": Plot(date(2027, 4, 1), 40, 4, 3, late=2, expired=2, switches=True),
}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The PEM file of the channel."""
    file = tmp_path_factory.mktemp("channel") / "channel.pem"
    file.write_bytes(pem(rsa.generate_private_key(public_exponent=65537, key_size=2048)))
    return file


class Day:
    """What should have come of a cast's day, and what did."""

    def __init__(self, cast: Cast, hub: Hub) -> None:
        self.cast = cast
        self.hub = hub
        self.day = cast.plot.day
        self.eve = self.day - timedelta(days=1)
        self.taps = cast.taps

    # ------------------------------------------------------------ what should be

    def day_of(self, tap: Tap) -> date:
        """The Brussels day of a tap."""
        return self.eve if tap.at_ms < local_ms(self.day, 0) else self.day

    def acts(self) -> list[Tap]:
        """Every tap that is an act to be registered by itself."""
        return [tap for tap in self.taps if self.cast.in_out(tap.member.works, self.day_of(tap))]

    def presences(self) -> set[tuple[str, str, str]]:
        """(person, works, day) of everybody who came in where the day regime holds, but for those
        who are held since their Limosa declaration is over."""
        return {
            (name(tap.member), tap.member.works, self.day_of(tap).isoformat())
            for tap in self.taps
            if tap.way == "in"
            and tap.member.trouble != "limosa-expired"
            and not self.cast.in_out(tap.member.works, self.day_of(tap))
        }

    def kept_back(self) -> set[str]:
        """References of what waited for another Limosa declaration until the day was over."""
        waited = {step.reference for step in self.steps() if step.cause == "limosa_period"}
        return {row.reference for row in self.rows() if row.reference in waited and not row.act}

    def planned_ahead(self) -> list[Member]:
        """Whose planned day goes to the authority the evening before."""
        return [
            one
            for one in self.cast.planned()
            if not self.cast.in_out(one.works, self.day) and one.trouble != "limosa-expired"
        ]

    def who(self, trouble: str) -> set[str]:
        """Who came and has this trouble, in the day regime."""
        return {
            name(one)
            for one in self.cast.people
            if one.trouble == trouble
            and one.role != "absent"
            and not self.cast.in_out(one.works, self.day)
        }

    # ------------------------------------------------------------ what is

    def rows(self) -> list[Any]:
        """The registrations of the hub."""
        with reading(self.hub.house.house.engine) as connection:
            return list(connection.execute(select(registration)).all())

    def steps(self) -> list[Any]:
        """Every step that one of them took."""
        with reading(self.hub.house.house.engine) as connection:
            return list(connection.execute(select(registration_event)).all())

    def statuses(self, people: set[str]) -> Counter[str]:
        """The authority's words for these people of the day."""
        return Counter(
            row["status"]
            for row in self.hub.authority.registrations()
            if person_of(row) in people and row["day"] == self.day.isoformat()
        )

    def states(self, people: set[str]) -> Counter[str]:
        """The hub's words for the same."""
        numbers = {
            row["number"]
            for row in self.hub.authority.registrations()
            if person_of(row) in people and row["day"] == self.day.isoformat()
        }
        return Counter(row.state for row in self.rows() if row.number in numbers)


def name(one: Member) -> str:
    return one.limosa or one.inss


def person_of(row: dict[str, Any]) -> str:
    return row["limosa_id"] or row["inss"]


def at(day: date, clock: str) -> str:
    return f"{day}T{clock}:00"


def lossy(day: date, begins: str, ends: str) -> dict[str, object]:
    """The authority does what it is asked, and its answer is lost; tokens are given, since without
    one nothing would be asked at all."""
    return {
        "at": at(day, begins),
        "until": at(day, ends),
        "mode": "drop-after-commit",
        "operations": ["register", "cancel", "search", "get"],
    }


def play(day: Day) -> None:
    """The day from noon of the one before to the morning after, looked at where it matters."""
    hub, cast = day.hub, day.cast
    hub.run_until(local_ms(day.eve, 15, 30))

    written = hub.import_plan(cast.plan_file())
    left_out = [one for one in cast.planned() if one.trouble == "limosa-expired"]
    codes = {problem.code for problem in written.check.problems}
    assert {problem.row for problem in written.check.problems} == {
        2 + cast.planned().index(one) for one in left_out
    }
    # Where in and out are registered, a Limosa number alone is not enough either.
    assert codes == ({"IMP-5026", "IMP-5022"} if cast.plot.switches else {"IMP-5026"})
    assert written.added == len(cast.planned()) - len(left_out)
    assert hub.authority.registrations() == []

    if cast.plot.lossy_eve:
        hub.authority.order("script", entry=[lossy(day.eve, "16:00", "16:10")])
    hub.run_until(local_ms(day.eve, 16, 20), tick_ms=2 * MINUTE_MS)
    ahead = Counter(map(person_of, hub.authority.registrations()))
    assert ahead == Counter(map(name, day.planned_ahead()))

    hub.run_until(local_ms(day.day, 5, 20))
    away = [
        {"at": at(day.day, "06:40"), "until": at(day.day, "07:00"), "mode": "down"},
        {"at": at(day.day, "07:00"), "until": at(day.day, "07:20"), "mode": "refuse"},
        lossy(day.day, "07:20", "07:30"),
    ]
    hub.authority.order("script", entry=away)
    hub.run_until(local_ms(day.day, 6, 40) - 1000)
    hub.run_until(local_ms(day.day, 7, 45), tick_ms=2 * MINUTE_MS)
    hub.run_until(local_ms(day.day, 8, 57))
    late = day.who("late-dimona")
    assert day.statuses(late) == ({"FAILED": len(late)} if late else {})
    assert day.states(late) == ({"flagged": len(late)} if late else {})
    hub.run_until(local_ms(day.day, 9, 15), tick_ms=5 * MINUTE_MS)
    assert day.statuses(late) == ({"VALIDATED": len(late)} if late else {})
    assert day.states(late) == ({"validated": len(late)} if late else {})
    hub.run_until(local_ms(day.day + timedelta(days=1), 6, 30))


@pytest.mark.parametrize("plot", PLOTS.values(), ids=PLOTS)
def test_everybody_at_work_is_registered_once_or_explained(
    plot: Plot, tmp_path: Path, certificate: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    cast = Cast(plot)
    roles = Counter(one.role for one in cast.people)
    assert (roles["absent"], roles["unplanned"]) == (plot.absent, plot.unplanned)
    assert sum(roles.values()) == plot.people
    with capture_logs() as entries, open_day(tmp_path, cast, certificate) as hub:
        day = Day(cast, hub)
        play(day)
        check_day_service(day)
        check_in_out_service(day)
        check_lost_answers(day)
        check_numbers(day)
        check_explained(day)
        check_books(day)
    said = [*map(repr, entries), *(f"{one.getMessage()} {one.args}" for one in caplog.records)]
    for one in cast.everybody:
        for number in (one.inss, one.limosa, one.badge):
            assert not number or not any(number in line for line in said)


def check_day_service(day: Day) -> None:
    """Everybody who came has one registration that stands, and nobody else has any."""
    held = day.hub.authority.registrations()
    assert len({row["reference"] for row in held}) == len(held)
    remarks = {remark for row in held for one in row["history"] for remark in one["remarks"]}
    assert not [remark for remark in remarks if "14" in remark]
    standing = Counter(
        (person_of(row), row["works"], row["day"]) for row in held if row["status"] != CANCELLED
    )
    assert standing == Counter(day.presences())
    cancelled = Counter(
        (person_of(row), row["day"], row["cancel_reason"])
        for row in held
        if row["status"] == CANCELLED
    )
    absent = [one for one in day.planned_ahead() if one.role == "absent"]
    assert cancelled == Counter((name(one), day.day.isoformat(), "DISEASE") for one in absent)
    people = day.who("works-unknown")
    assert day.statuses(people) == ({"FAILED": len(people)} if people else {})
    # What would fail at the authority does not leave: the hub knows the last day.
    assert day.statuses(day.who("limosa-expired")) == {}
    assert len(day.kept_back()) == len(day.who("limosa-expired"))


def moment(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


# What leaves for the in/out service is dated to the second.
def act_of(event: dict[str, Any]) -> tuple[str, str, str, int]:
    return event["ssin"], event["works"], event["type"], moment(event["act"]) // 1000


def subject(tap: Tap) -> tuple[str, str, str, int]:
    return tap.member.inss, tap.member.works, tap.way, tap.at_ms // 1000


def lapsable(day: Day, tap: Tap) -> bool:
    """Whether the authority was away from the act to the end of its window, or as good as away."""
    away_ms, back_ms = local_ms(day.day, 6, 40), local_ms(day.day, 7, 30)
    return away_ms - MINUTE_MS <= tap.at_ms < back_ms - WINDOW_MS + MINUTE_MS


def check_in_out_service(day: Day) -> None:
    """Every act is an event, once, but for those whose ten minutes ran out without an authority."""
    events = Counter(map(act_of, day.hub.authority.events()))
    acts = {subject(tap): tap for tap in day.acts()}
    assert not [event for event, count in events.items() if count > 1]
    assert set(events) <= set(acts)
    missing = [tap for act, tap in acts.items() if act not in events]
    assert not [tap for tap in missing if not tap.member.limosa and not lapsable(day, tap)]
    gone_ms = local_ms(day.day, 7, 20) - WINDOW_MS
    gone = [t for t in acts.values() if local_ms(day.day, 6, 40) <= t.at_ms < gone_ms]
    assert gone
    assert set(gone) <= set(missing)


def check_lost_answers(day: Day) -> None:
    """Answers were lost, and what they would have said was found at the authority."""
    assert any(row.cause == "found" for row in day.steps())


def check_numbers(day: Day) -> None:
    """Hub and authority hold the same numbers, and say the same of them."""
    held = {row["number"]: row["status"] for row in day.hub.authority.registrations()}
    ours = {
        row.number: HELD_AS[row.state]
        for row in day.rows()
        if row.number is not None and not row.act
    }
    assert ours == held
    events = {event["number"] for event in day.hub.authority.events()}
    acts = [row for row in day.rows() if row.act]
    assert {row.number for row in acts if row.number is not None} == events
    assert Counter(row.state in HELD_AS for row in acts)[True] == len(events)


def check_explained(day: Day) -> None:
    """What was not registered has lapsed, and an attestation tells of the tap behind it."""
    with reading(day.hub.house.house.engine) as connection:
        left = [row for row in day.rows() if row.number is None]
        assert {row.state for row in left} <= {"lapsed", "dropped"}
        told: Counter[tuple[int, str]] = Counter()
        for row in left:
            attested = attestation_of(connection, find(connection, row.reference))
            assert attested.tap is not None
            assert attested.tap.at_ms == row.tap_ms
            assert attested.correct_until == day.day + timedelta(days=30)
            if row.act:
                told[row.tap_ms, row.direction] += 1
    events = set(map(act_of, day.hub.authority.events()))
    missing = [tap for tap in day.acts() if subject(tap) not in events]
    assert told == Counter((tap.at_ms, tap.way) for tap in missing)


def check_books(day: Day) -> None:
    """Both days balance, were compared with the authority, and the evidence is whole."""
    now_ms = day.hub.clock()
    people = len({name(tap.member) for tap in day.taps})
    with reading(day.hub.house.house.engine) as connection:
        for one in (day.eve, day.day):
            (books,) = books_of_day(connection, one, now_ms)
            assert books.points == ()
            assert books.balances
            assert books.compared.at_ms is not None
            assert books.compared.differences == ()
        assert books.taps.stored + len([t for t in day.taps if day.day_of(t) == day.eve]) == len(
            day.taps
        )
        assert books.presences.total + books.acts.total >= people - day.cast.plot.night
        chain = verify(connection, day.hub.house.house.vault)
    assert chain.whole
    assert chain.rows > 0
    assert DAY_WORKS in {row.works_number for row in day.rows()}
