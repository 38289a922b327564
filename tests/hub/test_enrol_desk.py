"""A terminal that is a desk: what is held to it is told to whoever enrols, and makes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.application.enrolment import SeenTap
from hub.domain.legal_day import brussels_day
from hub.errors import UsageError
from hub.storage.balance import Books
from hub.storage.engine import reading, writing
from hub.storage.overview import Overview
from hub.storage.projection import RegisterView, project_some, rebuild
from hub.storage.register import Register
from hub.storage.schema import presence, registration, tap
from hub.storage.terminals import Terminals
from protocol.record import (
    DIRECTION_NONE,
    REASON_EXPIRED,
    REASON_NONE,
    REASON_UNKNOWN_BADGE,
    VERDICT_REFUSED,
)
from tests.hub.derived import Site
from tests.hub.house import MILAN, NOON_MS, people_house, record

STRANGER = b"stranger"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with people_house(tmp_path) as house:
        with writing(house.house.engine) as connection:
            register = Register(connection, house.house.vault)
            register.add_terminal("desk-1", "Bureau", "Werf Noord", "desk", NOON_MS)
        yield Site(house)


def refused(seq: int, tag: bytes, reason: int) -> bytes:
    """A tap that was refused."""
    return record(
        seq, tag, NOON_MS, direction=DIRECTION_NONE, verdict=VERDICT_REFUSED, reason=reason
    )


def projected(site: Site) -> list[SeenTap]:
    """Projects everything; returns what enrolling is told."""
    seen: list[SeenTap] = []
    with writing(site.engine) as connection:
        while project_some(connection, RegisterView(), seen=seen)[0]:
            continue
    return seen


def told(seen: list[SeenTap]) -> list[tuple[str, bytes, bool, int, bool]]:
    """What counts in it."""
    return [(one.terminal, one.tag, one.owned, one.reason, one.desk) for one in seen]


def test_a_badge_at_a_desk_makes_nothing_and_is_told(site: Site) -> None:
    milan = site.house.tag(MILAN)
    site.arrive(
        "desk-1",
        NOON_MS,
        record(1, milan, NOON_MS, direction=DIRECTION_NONE),
        refused(2, STRANGER, REASON_UNKNOWN_BADGE),
    )
    assert told(projected(site)) == [
        ("desk-1", milan, True, REASON_NONE, True),
        ("desk-1", STRANGER, False, REASON_UNKNOWN_BADGE, True),
    ]
    assert site.tables(tap, presence, registration) == {
        "tap": [],
        "presence": [],
        "registration": [],
    }
    with writing(site.engine) as connection:
        assert rebuild(connection) == 2
    assert site.rows(tap) == []


def test_of_a_gate_only_refusals_are_told_and_all_are_kept(site: Site) -> None:
    milan = site.house.tag(MILAN)
    site.arrive(
        "gate-in",
        NOON_MS,
        record(1, milan, NOON_MS),
        refused(2, STRANGER, REASON_UNKNOWN_BADGE),
        refused(3, milan, REASON_EXPIRED),
    )
    assert told(projected(site)) == [
        ("gate-in", STRANGER, False, REASON_UNKNOWN_BADGE, False),
        ("gate-in", milan, True, REASON_EXPIRED, False),
    ]
    assert len(site.rows(tap)) == 3


def test_the_books_balance_and_the_board_does_not_know_it(site: Site) -> None:
    site.arrive("gate-in", NOON_MS, record(1, site.house.tag(MILAN), NOON_MS))
    site.arrive("desk-1", NOON_MS, refused(1, STRANGER, REASON_UNKNOWN_BADGE))
    projected(site)
    day = brussels_day(NOON_MS)
    taps = Books(site.engine).books(day, NOON_MS)[0].taps
    assert (taps.received, taps.stored, taps.open) == (1, 1, 0)
    board = Overview(site.engine).board(1, day.isoformat(), NOON_MS)
    assert [gate.terminal_id for gate in board.gates] == ["gate-in", "gate-out"]


def test_a_desk_stays_a_desk_and_a_gate_a_gate(site: Site) -> None:
    with writing(site.engine) as connection:
        terminals = Terminals(connection, site.house.house.vault)
        for terminal, direction in (("desk-1", "none"), ("gate-in", "desk")):
            with pytest.raises(UsageError) as refusal:
                terminals.change_terminal(terminal, NOON_MS, direction=direction)
            assert refusal.value.code == "HUB-1684"
        assert terminals.change_terminal("gate-in", NOON_MS, direction="out").direction == "out"
        assert terminals.change_terminal("desk-1", NOON_MS, direction="desk", name="B").name == "B"
    with reading(site.engine) as connection:
        register = Register(connection, site.house.house.vault)
        kept = {key.terminal: key.direction for key in register.terminals()}
    assert kept["desk-1"] == "desk"
