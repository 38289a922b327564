"""The outbox on a real database keeps the contract and every step, and completes what was held."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from hub.application.ports import PresenceItem
from hub.domain.causes import Cause
from hub.domain.in_out_regime import WINDOW_MS
from hub.domain.legal_day import day_bounds_ms
from hub.domain.registration import State
from hub.errors import LocalProtocolError
from hub.storage.completing import Completion
from hub.storage.engine import reading, writing
from hub.storage.history import read_events
from hub.storage.house import open_house
from hub.storage.outbox import Outbox
from hub.storage.schema import company, person, registration, registration_event, site, works
from hub.storage.waiting import Waiting, waiting_registrations
from hub.storage.writer import Writer
from tests.hub.outbox_contract import (
    DAY,
    NOW_MS,
    WORKS,
    OutboxContract,
    employee,
    limosa,
    posted,
    reference,
    refused,
    registered,
)

END_MS = day_bounds_ms(DAY)[1]


class SqlBench:
    """`OutboxBench` on a data folder, with its writer."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.changes = 0
        self._open()
        with writing(self.house.engine) as connection:
            connection.execute(insert(site).values(id=1, name="Werf Noord"))
            connection.execute(insert(works).values(number=WORKS, site_id=1))
            connection.execute(insert(company).values(id=1, number="0999000129", name="Bouw"))

    def _open(self) -> None:
        self.house = open_house(self._folder)
        self.writer = Writer(self.house.engine)
        self.writer.start()
        self._outbox = Outbox(self.writer, self.house.vault, self._changed)

    def _changed(self) -> None:
        self.changes += 1

    def complete(self, now_ms: int) -> int:
        """The register changed."""
        return Completion(self.writer, self._changed).complete(now_ms)

    @property
    def outbox(self) -> Outbox:
        """See `OutboxBench`."""
        return self._outbox

    def close(self) -> None:
        """Ends the writer and closes the database."""
        self.writer.stop()
        self.house.close()

    def reopen(self) -> Outbox:
        """See `OutboxBench`."""
        self.close()
        self._open()
        return self._outbox

    def add_person(
        self, token: str, inss: str = "", limosa: str = "", employed: bool = True
    ) -> int:
        """A person with these numbers; returns the id."""
        values: dict[str, object] = {"company_id": 1 if employed else None}
        for kind, number in (("inss", inss), ("limosa", limosa)):
            if number:
                values[f"{kind}_sealed"] = self.house.vault.seal(kind, number.encode())
                values[f"{kind}_index"] = self.house.vault.index(kind, number)
        with writing(self.house.engine) as connection:
            result = connection.execute(
                insert(person).values(
                    token=token, family_name="F", given_name="G", works_number=WORKS,
                    language="nl", changed_ms=NOW_MS - 1_000_000, **values,
                )
            )  # fmt: skip
            return result.inserted_primary_key[0]  # pyright: ignore[reportOptionalSubscript]

    def add_row(
        self,
        who: int,
        name: str,
        state: State = State.DUE,
        cause: Cause = Cause.FIRST_TAP,
        day: date = DAY,
        tap_ms: int = NOW_MS,
        due_ms: int = NOW_MS,
    ) -> None:
        """A registration as the projection would have left it."""
        with writing(self.house.engine) as connection:
            connection.execute(
                insert(registration).values(
                    reference=name, person_id=who, site_id=1, works_number=WORKS,
                    day=day.isoformat(), state=str(state), cause=str(cause), tap_ms=tap_ms,
                    due_ms=due_ms, changed_ms=tap_ms,
                )
            )  # fmt: skip

    def add(self, item: PresenceItem, tap_ms: int, due_ms: int) -> None:
        """See `OutboxBench`."""
        who = self.add_person(item.reference, item.inss or "", item.limosa or "")
        self.add_row(who, item.reference, day=item.day, tap_ms=tap_ms, due_ms=due_ms)

    def row(self, name: str) -> dict[str, object]:
        """The registration with this reference."""
        query = select(registration).where(registration.c.reference == name)
        with reading(self.house.engine) as connection:
            return dict(connection.execute(query).one()._mapping)

    def state(self, reference: str) -> str:
        """See `OutboxBench`."""
        return str(self.row(reference)["state"])

    def number(self, reference: str) -> int | None:
        """See `OutboxBench`."""
        return self.row(reference)["number"]  # pyright: ignore[reportReturnType]

    def history(self, name: str) -> list[tuple[str, str]]:
        """(state, cause) of every step of a registration."""
        with reading(self.house.engine) as connection:
            return [
                (event.state, event.cause)
                for event in read_events(connection)
                if event.reference == name
            ]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[SqlBench]:
    """An outbox on a fresh database."""
    bench = SqlBench(tmp_path)
    yield bench
    bench.close()


class TestOutboxSql(OutboxContract):
    """The contract."""


# ---------------------------------------------------------------- history


def test_every_step_is_kept_with_its_cause(bench: SqlBench) -> None:
    bench.add(posted(0), NOW_MS, NOW_MS)
    outbox, name = bench.outbox, reference(0)
    outbox.claim(NOW_MS, 1)
    outbox.back_to_due([name], Cause.NOT_CARRIED_OUT, NOW_MS + 5, NOW_MS + 1)
    outbox.claim(NOW_MS + 5, 1)
    outbox.recover(NOW_MS + 6)
    outbox.found([registered(0, 77, "FAILED")], NOW_MS + 7)
    assert bench.history(name) == [
        ("sending", "claimed"),
        ("due", "not_carried_out"),
        ("sending", "claimed"),
        ("in_doubt", "lease_over"),
        ("registered", "found"),
        ("flagged", "validation_remarks"),
    ]
    row = bench.row(name)
    assert (row["state"], row["cause"], row["number"]) == ("flagged", "validation_remarks", 77)
    assert (row["changed_ms"], row["due_ms"], row["tap_ms"]) == (NOW_MS + 7, NOW_MS + 5, NOW_MS)


def test_the_answer_is_kept_as_it_was_given(bench: SqlBench) -> None:
    for index in (0, 1):
        bench.add(posted(index), NOW_MS, NOW_MS)
    bench.outbox.claim(NOW_MS, 2)
    bench.outbox.answered([registered(0), refused(1)], NOW_MS + 1)
    answers = [json.loads(str(bench.row(reference(index))["answer"])) for index in (0, 1)]
    assert answers == [
        {
            "created": "2026-11-23T07:00:01+01:00",
            "status": "SUCCESSFULLY REGISTERED",
            "remarks": [],
        },
        {"errors": [["SIM-PLACE", "works number unknown"]]},
    ]
    for name in (reference(0), reference(1)):
        assert limosa(0) not in str(bench.row(name))


def test_a_step_that_fails_leaves_no_fact_of_the_others_either(bench: SqlBench) -> None:
    for index in (0, 1):
        bench.add(posted(index), NOW_MS, NOW_MS)
    bench.outbox.claim(NOW_MS, 1)
    with pytest.raises(LocalProtocolError) as caught:
        bench.outbox.answered([registered(0), refused(1)], NOW_MS)
    assert caught.value.code == "HUB-1401"
    with pytest.raises(LocalProtocolError) as caught:
        bench.outbox.answered([registered(0), registered(99)], NOW_MS)
    assert caught.value.code == "HUB-1402"
    assert bench.history(reference(0)) == [("sending", "claimed")]
    assert bench.history(reference(1)) == []


def test_pages_are_told_of_each_step_that_was_kept(bench: SqlBench) -> None:
    bench.add(posted(0), NOW_MS, NOW_MS)
    outbox = bench.outbox
    seen = [bench.changes]
    for act in (
        lambda: outbox.claim(NOW_MS, 1),
        lambda: outbox.claim(NOW_MS, 1),
        lambda: outbox.in_doubt([reference(0)], NOW_MS),
        lambda: outbox.doubtful(NOW_MS, 5),
        lambda: outbox.in_doubt([], NOW_MS),
        lambda: outbox.recover(NOW_MS),
        lambda: outbox.lapse_over(NOW_MS),
        lambda: outbox.back_to_due([reference(0)], Cause.NOT_FOUND, NOW_MS, NOW_MS),
        lambda: outbox.lapse_over(NOW_MS + 86_400_000),
    ):
        act()
        seen.append(bench.changes)
    assert seen == [0, 1, 1, 2, 2, 2, 2, 2, 3, 4]


def test_who_has_both_numbers_goes_by_the_limosa_number_alone(bench: SqlBench) -> None:
    who = bench.add_person("both", "90431599864", limosa(5))
    bench.add_row(who, reference(5))
    (claim,) = bench.outbox.claim(NOW_MS, 1)
    assert claim.item == posted(5)
    assert (claim.item.inss, claim.item.company_number) == (None, None)


def test_no_number_is_in_the_rows_of_the_outbox(bench: SqlBench) -> None:
    bench.add(employee(), NOW_MS, NOW_MS)
    bench.outbox.claim(NOW_MS, 1)
    bench.outbox.in_doubt([reference(10_000)], NOW_MS)
    with reading(bench.house.engine) as connection:
        stored = [
            str(tuple(row))
            for table in (registration, registration_event)
            for row in connection.execute(select(table))
        ]
    assert len(stored) == 3
    assert not [row for row in stored if "85031299761" in row]


# ---------------------------------------------------------------- complete


@pytest.mark.parametrize("cause", [Cause.NO_IDENTITY, Cause.NO_COMPANY])
def test_what_was_held_for_want_of_an_identity_is_due_when_there_is_one(
    bench: SqlBench, cause: Cause
) -> None:
    complete = bench.add_person("a", inss="85031299761")
    by_limosa = bench.add_person("b", limosa=limosa(1), employed=False)
    without_company = bench.add_person("c", inss="03072199766", employed=False)
    nobody = bench.add_person("d")
    for index, who in enumerate((complete, by_limosa, without_company, nobody)):
        bench.add_row(who, reference(index), State.HELD, cause)
    assert bench.complete(NOW_MS + 9) == 2
    states = [bench.state(reference(index)) for index in range(4)]
    assert states == ["due", "due", "held", "held"]
    row = bench.row(reference(0))
    assert (row["cause"], row["due_ms"], row["changed_ms"]) == (
        "completed", NOW_MS + 9, NOW_MS + 9,
    )  # fmt: skip
    assert bench.history(reference(0)) == [("due", "completed")]
    assert bench.changes == 1
    assert len(bench.outbox.claim(NOW_MS + 9, 9)) == 2
    assert bench.complete(NOW_MS + 10) == 0


@pytest.mark.parametrize(
    "cause", [Cause.CLOCK_UNKNOWN, Cause.CLOCK_WRONG, Cause.NO_WORKS_NUMBER, Cause.TOO_EARLY]
)
def test_what_is_held_for_another_reason_stays_held(bench: SqlBench, cause: Cause) -> None:
    bench.add_row(bench.add_person("a", limosa=limosa(0)), reference(0), State.HELD, cause)
    assert bench.complete(NOW_MS) == 0
    assert bench.state(reference(0)) == "held"


def test_a_day_that_is_over_is_not_made_due_any_more(bench: SqlBench) -> None:
    who = bench.add_person("a", limosa=limosa(0))
    for index, days in enumerate((-1, 0, 1)):
        day = DAY + timedelta(days=days)
        bench.add_row(who, reference(index), State.HELD, Cause.NO_IDENTITY, day)
    assert bench.complete(NOW_MS) == 2
    assert [bench.state(reference(index)) for index in range(3)] == ["held", "due", "due"]


def test_what_was_refused_is_tried_again_when_the_person_was_corrected(bench: SqlBench) -> None:
    corrected, unchanged = (bench.add_person(f"{n}", limosa=limosa(n)) for n in range(2))
    for index, who in enumerate((corrected, unchanged)):
        bench.add_row(who, reference(index))
    bench.outbox.claim(NOW_MS, 2)
    bench.outbox.answered([refused(0), refused(1)], NOW_MS + 1)
    assert bench.complete(NOW_MS + 2) == 0
    with writing(bench.house.engine) as connection:
        connection.execute(
            update(person).where(person.c.id == corrected).values(changed_ms=NOW_MS + 3)
        )
    assert bench.complete(NOW_MS + 4) == 1
    assert [bench.state(reference(index)) for index in range(2)] == ["due", "refused"]
    assert bench.history(reference(0))[-1] == ("due", "corrected")
    # The next day nothing of it is tried again.
    bench.outbox.claim(NOW_MS + 4, 2)
    bench.outbox.answered([refused(0)], NOW_MS + 5)
    with writing(bench.house.engine) as connection:
        connection.execute(update(person).values(changed_ms=NOW_MS + 6))
    assert bench.complete(NOW_MS + 86_400_000) == 0


def test_nothing_else_is_touched_by_completing(bench: SqlBench) -> None:
    others = [state for state in State if state not in (State.HELD, State.REFUSED)]
    for index, state in enumerate(others):
        who = bench.add_person(str(index), limosa=limosa(index))
        bench.add_row(who, reference(index), state, Cause.NO_IDENTITY)
    with writing(bench.house.engine) as connection:
        connection.execute(update(person).values(changed_ms=NOW_MS + 6))
    assert bench.complete(NOW_MS + 7) == 0
    assert [bench.state(reference(index)) for index in range(len(others))] == others


# ---------------------------------------------------------------- what waits


def test_what_waits_is_counted_with_its_oldest_tap(bench: SqlBench) -> None:
    def waiting() -> Waiting:
        with reading(bench.house.engine) as connection:
            return waiting_registrations(connection)

    assert waiting() == Waiting(unsent=0, in_doubt=0, oldest_ms=None)
    for index in range(4):
        bench.add(posted(index), NOW_MS - 100 + index, NOW_MS)
    assert waiting() == Waiting(unsent=4, in_doubt=0, oldest_ms=NOW_MS - 100, until_ms=END_MS)
    bench.outbox.claim(NOW_MS, 3)
    assert waiting() == Waiting(unsent=4, in_doubt=0, oldest_ms=NOW_MS - 100, until_ms=END_MS)
    bench.outbox.in_doubt([reference(1)], NOW_MS)
    bench.outbox.answered([registered(0), refused(2)], NOW_MS)
    assert waiting() == Waiting(unsent=1, in_doubt=1, oldest_ms=NOW_MS - 99, until_ms=END_MS)


@pytest.mark.parametrize("state", sorted(State))
def test_an_act_that_waits_lapses_after_its_window_and_nothing_else_does(
    bench: SqlBench, state: State
) -> None:
    who = bench.add_person("a", inss="85031299761")
    bench.add_row(who, reference(0), state, tap_ms=NOW_MS)
    with writing(bench.house.engine) as connection:
        connection.execute(update(registration).values(regime="in_out", act="1.1"))
    outbox = Outbox(bench.writer, bench.house.vault, regime="in_out")
    assert outbox.lapse_over(NOW_MS + WINDOW_MS) == 0
    waits = state in (State.HELD, State.DUE, State.REFUSED)
    assert outbox.lapse_over(NOW_MS + WINDOW_MS + 1) == int(waits)
    assert bench.state(reference(0)) == ("lapsed" if waits else state)


def test_what_has_no_date_yet_does_not_lapse(bench: SqlBench) -> None:
    who = bench.add_person("a", inss="85031299761")
    bench.add_row(who, reference(0), State.HELD, Cause.CLOCK_UNKNOWN)
    assert bench.outbox.lapse_over(NOW_MS + 86_400_000) == 0
    assert bench.state(reference(0)) == "held"
