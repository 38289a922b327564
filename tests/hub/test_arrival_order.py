"""Gates buffer, so records come in any order; what is derived does not depend on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select, update

from hub.application.projection import Projection
from hub.storage.engine import writing
from hub.storage.inbox import Inbox, NewRun
from hub.storage.projection import Derived, RegisterView
from hub.storage.schema import person, presence, registration
from protocol.record import (
    DIRECTION_IN,
    DIRECTION_NONE,
    DIRECTION_OUT,
    KIND_TIME_SET,
    QUALITY_NONE,
    VERDICT_NONE,
)
from tests.hub.house import BASILE, JOURNAL, MILAN, NOON_MS, PIOTR, TestHouse, people_house, record

MINUTE = 60_000
CARDS = (MILAN, BASILE, PIOTR)
GATES = ("gate-in", "gate-out")


@dataclass(frozen=True)
class Boot:
    """What a gate records from one start to the next.

    Args:
        before: (card, direction, seconds since the start) of taps while it knew no time.
        set_s: seconds after all these at which it learned the time; None: never.
        ago: minutes before the receipt at which it learned the time.
        after: (card, direction, minutes before the receipt) of taps with a date.
    """

    before: list[tuple[int, int, int]]
    set_s: int | None
    ago: int
    after: list[tuple[int, int, int]]


cards = st.integers(0, len(CARDS) - 1)
ways = st.sampled_from([DIRECTION_IN, DIRECTION_OUT])
minutes = st.integers(0, 40 * 60)


def boots(ways: st.SearchStrategy[int]) -> st.SearchStrategy[list[Boot]]:
    """Some starts of one gate."""
    boot = st.builds(
        Boot,
        before=st.lists(st.tuples(cards, ways, st.integers(0, 200_000)), max_size=3),
        set_s=st.one_of(st.none(), st.integers(0, 200_000)),
        ago=minutes,
        after=st.lists(st.tuples(cards, ways, minutes), max_size=3),
    )
    return st.lists(boot, min_size=1, max_size=2)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestHouse]:
    """A house in which the employer of one person is not known."""
    with people_house(tmp_path_factory.mktemp("house")) as house:
        with writing(house.house.engine) as connection:
            connection.execute(update(person).where(person.c.id == 1).values(company_id=None))
        yield house


def records(house: TestHouse, story: list[Boot]) -> list[bytes]:
    """The journal of a gate that lived through this."""
    pieces: list[bytes] = []
    for boot, part in enumerate(story, 1):
        for card, way, since_s in part.before:
            tag = house.tag(CARDS[card])
            pieces.append(
                record(
                    len(pieces) + 1, tag, 0, direction=way, quality=QUALITY_NONE, boot=boot,
                    ticks_ms=since_s * 1000,
                )
            )  # fmt: skip
        if part.set_s is None:
            continue
        learned_s = max((since_s for *_, since_s in part.before), default=0) + part.set_s
        pieces.append(
            record(
                len(pieces) + 1, bytes(8), NOON_MS - part.ago * MINUTE, kind=KIND_TIME_SET,
                direction=DIRECTION_NONE, verdict=VERDICT_NONE, boot=boot,
                ticks_ms=learned_s * 1000,
            )
        )  # fmt: skip
        for card, way, ago in part.after:
            tag = house.tag(CARDS[card])
            at_ms = NOON_MS - ago * MINUTE
            pieces.append(record(len(pieces) + 1, tag, at_ms, direction=way, boot=boot))
    return pieces


Run = tuple[str, int, bytes]
"""Gate, first sequence number, records."""


class _NotKept(Exception):
    pass


def derived(house: TestHouse, runs: list[Run]) -> tuple[list[object], list[object]]:
    """Presences and live registrations after these runs came in this order; keeps nothing."""

    def derive(connection: Connection) -> tuple[list[object], list[object]]:
        streams = {gate: Inbox(connection).add_stream(gate, JOURNAL, NOON_MS) for gate in GATES}
        port = Derived(connection, RegisterView())
        for gate, first, pieces in runs:
            Inbox(connection).append([NewRun(streams[gate], first, pieces)], NOON_MS)
            while Projection().step(port):
                pass
        seen = connection.execute(select(presence).order_by(*presence.primary_key)).all()
        columns = registration.c
        live = connection.execute(
            select(columns.person_id, columns.day, columns.state, columns.cause)
            .where(columns.state.not_in(("dropped", "cancelled")))
            .order_by(columns.person_id, columns.day)
        ).all()
        return [tuple(row) for row in seen], [tuple(row) for row in live]

    found: list[tuple[list[object], list[object]]] = []

    def and_take_it_back() -> None:
        with writing(house.house.engine) as connection:
            found.append(derive(connection))
            raise _NotKept

    with pytest.raises(_NotKept):
        and_take_it_back()
    return found[0]


def in_order(house: TestHouse, stories: list[list[Boot]], cuts: list[int]) -> list[Run]:
    """The journals of both gates, cut into runs of 1 to 3 records."""
    runs: list[Run] = []
    sizes = iter(cuts * 40)
    for gate, story in zip(GATES, stories, strict=True):
        pieces = records(house, story)
        first = 0
        while first < len(pieces):
            size = next(sizes)
            runs.append((gate, first + 1, b"".join(pieces[first : first + size])))
            first += size
    return runs


@settings(max_examples=60, deadline=None)
@given(data=st.data(), cuts=st.lists(st.integers(1, 3), min_size=1, max_size=4))
def test_the_same_records_in_any_order_give_the_same_presence(
    house: TestHouse, data: st.DataObject, cuts: list[int]
) -> None:
    runs = in_order(house, [data.draw(boots(ways)) for _ in GATES], cuts)
    mixed = data.draw(st.permutations(runs))
    assert derived(house, mixed)[0] == derived(house, runs)[0]


@settings(max_examples=60, deadline=None)
@given(data=st.data(), cuts=st.lists(st.integers(1, 3), min_size=1, max_size=4))
def test_the_same_arrivals_in_any_order_make_the_same_registrations(
    house: TestHouse, data: st.DataObject, cuts: list[int]
) -> None:
    # Taps to go out are left out: whether one ends a night shift depends on what is known then.
    only_in = st.just(DIRECTION_IN)
    runs = in_order(house, [data.draw(boots(only_in)) for _ in GATES], cuts)
    mixed = data.draw(st.permutations(runs))
    assert derived(house, mixed) == derived(house, runs)
