"""Everything derived can be thrown away and made again, equal to the last row."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from hub.application.gate_events import STORAGE_RESET_CODE
from hub.application.ports import Refused, Registered
from hub.domain.causes import Cause
from hub.errors import LocalProtocolError
from hub.storage.completing import Completion
from hub.storage.engine import writing
from hub.storage.house import lock_house
from hub.storage.outbox import Outbox
from hub.storage.projection import RegisterView, rebuild
from hub.storage.schema import (
    badge,
    company,
    gate_event,
    incident,
    passage_count,
    person,
    registration,
)
from hub.storage.writer import Writer
from protocol import faults
from protocol.record import (
    CONTACT_DATA,
    DIRECTION_IN,
    DIRECTION_NONE,
    DIRECTION_OUT,
    FORCED,
    KIND_FAULT,
    KIND_PASSAGE,
    KIND_STORAGE_RESET,
    KIND_TAMPER,
    KIND_TIME_SET,
    NOT_PASSED,
    PASSAGE_DATA,
    PASSED,
    QUALITY_NONE,
    VERDICT_NONE,
)
from tests.hub.derived import DERIVED, Site, Tables
from tests.hub.house import BASILE, MILAN, NOON_MS, PIOTR, people_house, record

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
CARDS = (MILAN, BASILE, PIOTR)
GATES = {DIRECTION_IN: "gate-in", DIRECTION_OUT: "gate-out"}


class Hub:
    """A hub without its wires: taps in, the authority's answers in, time as it is told."""

    def __init__(self, site: Site, writer: Writer) -> None:
        self.site = site
        self.writer = writer
        self.outbox = Outbox(writer, site.house.house.vault)
        self.now_ms = NOON_MS
        self._seq = dict.fromkeys(GATES.values(), 0)
        self._number = 900_000_000_000_000
        self._wiped = 0

    def _next(self, gate: str) -> int:
        self._seq[gate] += 1
        return self._seq[gate]

    def tap(
        self,
        card: bytes,
        way: int = DIRECTION_IN,
        ago_ms: int | None = 0,
        ticks_ms: int = 0,
        boot: int = 1,
    ) -> None:
        """A tap comes in, made so long ago; None: its gate knew no time."""
        gate = GATES[way]
        at_ms = 0 if ago_ms is None else self.now_ms - ago_ms
        quality = QUALITY_NONE if ago_ms is None else 2
        piece = record(
            self._next(gate), self.site.house.tag(card), at_ms,
            direction=way, quality=quality, boot=boot, ticks_ms=ticks_ms,
        )  # fmt: skip
        self.site.arrive(gate, self.now_ms, piece)
        self.site.project()

    def time_set(self, way: int, ticks_ms: int, ago_ms: int = 0) -> None:
        """The gate tells when it learned the time."""
        gate = GATES[way]
        piece = record(
            self._next(gate), bytes(8), self.now_ms - ago_ms, kind=KIND_TIME_SET,
            direction=DIRECTION_NONE, verdict=VERDICT_NONE, ticks_ms=ticks_ms,
        )  # fmt: skip
        self.site.arrive(gate, self.now_ms, piece)
        self.site.project()

    def tell(self, way: int, kind: int, data: bytes, ticks_ms: int | None = None) -> None:
        """A gate tells something of itself; with ticks when it knows no time."""
        gate = GATES[way]
        piece = record(
            self._next(gate), data, self.now_ms if ticks_ms is None else 0, kind=kind,
            direction=DIRECTION_NONE, verdict=VERDICT_NONE, ticks_ms=ticks_ms or 0,
        )  # fmt: skip
        self.site.arrive(gate, self.now_ms, piece)
        self.site.project()

    def wipe(self, way: int) -> None:
        """The gate begins a new journal."""
        gate = GATES[way]
        self._wiped += 1
        piece = record(1, bytes(8), self.now_ms, kind=KIND_STORAGE_RESET)
        self.site.arrive(gate, self.now_ms, piece, journal=b"wiped%03d" % self._wiped)
        self.site.project()

    def claim(self) -> list[str]:
        """The forwarder takes what is due."""
        return [claim.reference for claim in self.outbox.claim(self.now_ms, 200)]

    def who(self, reference: str) -> int:
        """The person of a registration."""
        rows = self.site.rows(registration)
        return next(row.person_id for row in rows if row.reference == reference)

    def registered(self, reference: str, status: str = "SUCCESSFULLY REGISTERED") -> Registered:
        """An answer with the next number."""
        self._number += 1
        return Registered(reference, self._number, "2026-11-23T12:00:00+01:00", status, ("9",))

    def rebuilt(self) -> tuple[Tables, int]:
        """What a rebuild makes, and of how many records."""
        with writing(self.site.engine) as connection:
            records = rebuild(connection)
        return self.site.everything(), records


@contextmanager
def running(folder: Path) -> Iterator[Hub]:
    """A hub on a folder with three people and two gates."""
    with people_house(folder) as house:
        writer = Writer(house.house.engine)
        writer.start()
        try:
            yield Hub(Site(house), writer)
        finally:
            writer.stop()


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """A hub on its first day."""
    with running(tmp_path) as hub:
        yield hub


def complete_register(hub: Hub, who: int = 1) -> None:
    """The employer of a person becomes known, or another."""
    with writing(hub.site.engine) as connection:
        number = connection.execute(select(company.c.id)).scalars().first()
        connection.execute(
            update(person)
            .where(person.c.id == who)
            .values(company_id=number, changed_ms=hub.now_ms)
        )
    hub.site.register = RegisterView()


def live_a_few_days(hub: Hub) -> None:
    """Every kind of step that a registration can take so far."""
    # Monday: one registered, one refused, one whose answer was lost and then found validated.
    for card in CARDS:
        hub.tap(card)
    hub.now_ms += 1_000
    references = hub.claim()
    assert len(references) == 3
    hub.outbox.answered(
        [hub.registered(references[0]), Refused(references[1], (("SIM-PLACE", "unknown"),))],
        hub.now_ms + 700,
    )
    hub.outbox.in_doubt([references[2]], hub.now_ms + 900)
    hub.now_ms += 5_000
    hub.outbox.found([hub.registered(references[2], "VALIDATED")], hub.now_ms)
    hub.tap(MILAN, DIRECTION_OUT)
    # An import puts right what was refused; it is refused again.
    hub.now_ms += MINUTE
    complete_register(hub, hub.who(references[1]))
    assert Completion(hub.writer).complete(hub.now_ms) == 1
    hub.now_ms += MINUTE
    assert hub.claim() == [references[1]]
    hub.outbox.answered([Refused(references[1], (("SIM-PLACE", "unknown"),))], hub.now_ms)
    # Tuesday: a claim that was not carried out, then a crash while it is sent, then too late.
    hub.now_ms += DAY
    hub.tap(MILAN)
    hub.tap(BASILE)
    hub.now_ms += 10
    hub.outbox.back_to_due(hub.claim(), Cause.NOT_CARRIED_OUT, hub.now_ms + MINUTE, hub.now_ms)
    hub.now_ms += 2 * MINUTE
    first, _ = hub.claim()
    assert hub.outbox.recover(hub.now_ms + 5) == 2
    hub.now_ms += MINUTE
    hub.outbox.found([hub.registered(first, "SUCCESSFULLY CANCELLED")], hub.now_ms)
    # It was cancelled through another channel, and the person comes again.
    hub.now_ms += MINUTE
    hub.tap(MILAN)
    hub.tap(BASILE)
    hub.tap(PIOTR)
    # Wednesday: what was in doubt turns out absent, what was due was not sent.
    hub.now_ms += DAY
    doubtful = [claim.reference for claim in hub.outbox.doubtful(hub.now_ms, 200)]
    hub.outbox.lapse(doubtful, hub.now_ms)
    hub.now_ms += 1
    assert hub.outbox.lapse_over(hub.now_ms) == 3
    # Thursday: gates without a clock, people without a company.
    hub.now_ms += DAY
    with writing(hub.site.engine) as connection:
        connection.execute(update(person).where(person.c.id == 1).values(company_id=None))
    hub.site.register = RegisterView()
    hub.tap(MILAN)
    hub.tap(BASILE, ago_ms=None, ticks_ms=5_000)
    hub.tap(PIOTR, DIRECTION_OUT, ago_ms=None, ticks_ms=5_000)
    hub.tell(DIRECTION_IN, KIND_FAULT, faults.data(faults.READER_DOWN, 1, 0), ticks_ms=6_000)
    hub.tell(DIRECTION_OUT, KIND_TAMPER, struct.pack(CONTACT_DATA, 1), ticks_ms=6_000)
    for outcome in (PASSED, PASSED, NOT_PASSED, FORCED):
        hub.tell(DIRECTION_IN, KIND_PASSAGE, struct.pack(PASSAGE_DATA, 1, 90, outcome, 0))
    hub.now_ms += MINUTE
    hub.time_set(DIRECTION_IN, 70_000)
    hub.time_set(DIRECTION_OUT, 90_000, ago_ms=DAY)
    hub.now_ms += MINUTE
    complete_register(hub)
    assert Completion(hub.writer).complete(hub.now_ms) == 1
    hub.now_ms += MINUTE
    assert len(hub.claim()) == 2
    # And a tap that comes days late.
    hub.tap(PIOTR, ago_ms=2 * DAY)
    hub.wipe(DIRECTION_OUT)
    # Friday: this is how far it came.
    hub.now_ms += DAY
    hub.tap(MILAN)
    hub.now_ms += MINUTE
    hub.outbox.in_doubt(hub.claim(), hub.now_ms)
    hub.outbox.found(
        [hub.registered(hub.outbox.doubtful(hub.now_ms, 1)[0].reference, "FAILED")], hub.now_ms
    )
    hub.tap(BASILE)
    hub.now_ms += MINUTE
    hub.outbox.in_doubt(hub.claim(), hub.now_ms)
    hub.tap(PIOTR, ago_ms=None, boot=2)
    hub.now_ms += DAY
    hub.tap(MILAN)


def test_a_rebuild_gives_what_there_was(hub: Hub) -> None:
    live_a_few_days(hub)
    before = hub.site.everything()
    states = {row.state for row in hub.site.rows(registration)}
    assert states == {
        "registered", "validated", "flagged", "cancelled", "lapsed", "dropped",
        "sending", "in_doubt", "due", "held",
    }  # fmt: skip
    assert {row.kind for row in hub.site.rows(gate_event)} == {
        KIND_FAULT, KIND_TAMPER, KIND_PASSAGE, KIND_TIME_SET, KIND_STORAGE_RESET,
    }  # fmt: skip
    assert [row.passed for row in hub.site.rows(passage_count)] == [2]
    assert [row.code for row in hub.site.rows(incident)] == [STORAGE_RESET_CODE]
    after, records = hub.rebuilt()
    assert after == before
    assert records == sum(hub._seq.values()) + 1
    # And what a second one makes is no different.
    assert hub.rebuilt() == (before, records)


def test_lost_tables_come_back(hub: Hub) -> None:
    live_a_few_days(hub)
    before = hub.site.everything()
    with writing(hub.site.engine) as connection:
        for table in DERIVED:
            if table is not registration:
                connection.execute(delete(table))
        connection.execute(update(registration).values(cause="lost", number=None, answer=None))
    assert hub.site.everything() != before
    assert hub.rebuilt()[0] == before


def test_life_goes_on_after_a_rebuild(hub: Hub) -> None:
    hub.tap(MILAN)
    hub.rebuilt()
    hub.now_ms += 1_000
    hub.tap(BASILE)
    references = hub.claim()
    assert len(references) == 2
    hub.outbox.answered([hub.registered(reference) for reference in references], hub.now_ms)
    before = hub.site.everything()
    assert hub.rebuilt()[0] == before


def test_a_clock_of_the_hub_that_was_set_back_confuses_no_rebuild(hub: Hub) -> None:
    hub.tap(MILAN)
    # The tap was received by a clock an hour ahead; what followed is dated before it.
    hub.now_ms -= HOUR
    with writing(hub.site.engine) as connection:
        connection.execute(update(registration).values(due_ms=hub.now_ms))
    reference = hub.claim()
    hub.outbox.answered([hub.registered(reference[0])], hub.now_ms + 500)
    (row,) = hub.site.rows(registration)
    hub.rebuilt()
    (again,) = hub.site.rows(registration)
    assert (again.state, again.number) == (row.state, row.number) == ("registered", row.number)
    assert again.answer == row.answer


def test_a_rebuild_that_is_cut_off_changes_nothing(hub: Hub) -> None:
    live_a_few_days(hub)
    before = hub.site.everything()

    def cut_off() -> None:
        with writing(hub.site.engine) as connection:
            rebuild(connection)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cut_off()
    assert hub.site.everything() == before


def test_a_rebuild_gives_people_to_badges_that_were_unknown(hub: Hub) -> None:
    with writing(hub.site.engine) as connection:
        tag = hub.site.house.tag(MILAN)
        connection.exec_driver_sql("DELETE FROM badge WHERE tag = ?", (tag,))
    hub.tap(MILAN)
    assert hub.site.presences() == []
    with writing(hub.site.engine) as connection:
        connection.exec_driver_sql(
            "INSERT INTO badge (tag, person_id, state, linked_ms) VALUES (?, 1, 'active', 0)",
            (tag,),
        )
    hub.rebuilt()
    assert [who for who, *_ in hub.site.presences()] == [1]
    assert hub.site.registrations() == [("2026-11-23", "due", "first_tap")]


def test_taps_and_numbers_stay_with_whom_they_were_when_a_badge_has_moved(hub: Hub) -> None:
    hub.tap(MILAN)
    hub.outbox.answered([hub.registered(reference) for reference in hub.claim()], hub.now_ms)
    with writing(hub.site.engine) as connection:
        connection.execute(update(badge).where(badge.c.person_id == 1).values(person_id=2))
    before = hub.site.everything()
    hub.rebuilt()
    assert hub.site.everything() == before


def test_a_rebuild_that_would_lose_a_registration_changes_nothing(hub: Hub) -> None:
    hub.tap(MILAN)
    with writing(hub.site.engine) as connection:
        connection.execute(delete(registration))
    before = hub.site.everything()
    with pytest.raises(LocalProtocolError) as caught:
        hub.rebuilt()
    assert caught.value.code == "HUB-1402"
    assert hub.site.everything() == before


def test_an_empty_house_is_rebuilt_too(hub: Hub) -> None:
    before = hub.site.everything()
    assert hub.rebuilt() == (before, 0)
    assert not [name for name, rows in hub.site.tables().items() if rows]


def test_only_one_can_have_the_folder(tmp_path: Path) -> None:
    lock = lock_house(tmp_path)
    with pytest.raises(Exception, match="HUB-1009"):
        lock_house(tmp_path)
    lock.close()
    lock_house(tmp_path).close()


# ---------------------------------------------------------------- any story


def play(hub: Hub, choice: int, dice: random.Random) -> None:
    """One thing that may happen, if it can happen now."""
    hub.now_ms += dice.choice((1, 200, 30_000, 20 * MINUTE, 7 * HOUR))
    now, outbox = hub.now_ms, hub.outbox
    way = dice.choice((DIRECTION_IN, DIRECTION_IN, DIRECTION_OUT))
    if choice <= 3:
        hub.tap(dice.choice(CARDS), way, ago_ms=dice.choice((0, 0, 5_000, 9 * HOUR, 2 * DAY)))
    elif choice == 4:
        hub.tap(dice.choice(CARDS), way, ago_ms=None, ticks_ms=dice.randrange(60_000))
    elif choice == 5:
        hub.time_set(way, 60_000, ago_ms=dice.choice((0, DAY)))
    elif choice == 10:
        data = struct.pack(PASSAGE_DATA, 1, 90, dice.choice((PASSED, NOT_PASSED, FORCED)), 0)
        hub.tell(way, KIND_PASSAGE, data, dice.choice((None, dice.randrange(60_000))))
    elif choice == 11:
        hub.wipe(way)
    elif choice == 6:
        for reference in hub.claim():
            answer = dice.randrange(4)
            if answer == 0:
                outbox.answered([hub.registered(reference)], now)
            elif answer == 1:
                outbox.answered([Refused(reference, (("SIM", "no"),))], now)
            elif answer == 2:
                outbox.back_to_due([reference], Cause.NOT_CARRIED_OUT, now + MINUTE, now)
    elif choice == 7:
        outbox.recover(now)
    elif choice == 8:
        for claim in outbox.doubtful(now, 200):
            status = dice.choice(("", "VALIDATED", "FAILED", "SUCCESSFULLY CANCELLED"))
            if status:
                outbox.found([hub.registered(claim.reference, status)], now)
            else:
                outbox.back_to_due([claim.reference], Cause.NOT_FOUND, now, now)
    else:
        outbox.lapse_over(now)


@settings(max_examples=25, deadline=None)
@given(choices=st.lists(st.integers(0, 11), min_size=5, max_size=40), seed=st.integers(0, 2**32))
def test_after_any_story_a_rebuild_gives_what_there_was(
    tmp_path_factory: pytest.TempPathFactory, choices: list[int], seed: int
) -> None:
    dice = random.Random(seed)
    with running(tmp_path_factory.mktemp("story")) as hub:
        # Nobody ever knows this person's employer: a rebuild takes the register as it is now.
        with writing(hub.site.engine) as connection:
            connection.execute(update(person).where(person.c.id == 1).values(company_id=None))
        for choice in choices:
            play(hub, choice, dice)
        before = hub.site.everything()
        assert hub.rebuilt()[0] == before
