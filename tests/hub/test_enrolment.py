"""Enrol modes: who waits where, which badge is taken, and when it is over."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hub.application.access import Actor
from hub.application.enrolment import (
    DESK_MS,
    FORM_MS,
    HELD_MS,
    LATE_MS,
    MODE_MS,
    PINS,
    SESSIONS_MAX,
    Enrolment,
    Kind,
    Place,
    SeenTap,
    Session,
    State,
)
from hub.domain.rights import Role
from hub.errors import UsageError
from protocol.record import (
    REASON_BLOCKED,
    REASON_NONE,
    REASON_OTHER_SITE,
    REASON_PASSBACK,
    REASON_UNKNOWN_BADGE,
)

START = 1_795_431_600_000
GATE = Place(Kind.GATE, "gate-in", "Poort 1", 1, "Werf Noord")
OTHER_GATE = replace(GATE, terminal="gate-out", name="Poort 2")
DESK = Place(Kind.DESK, "desk-1", "Bureau", 1, "Werf Noord")
OFFICE = Actor("account:1", Role.ADMINISTRATOR, "Ada")
HIS = Actor("account:2", Role.CONTRACTOR, "Bob", company_id=7)
COLLEAGUE = Actor("account:3", Role.CONTRACTOR, "Cem", company_id=7)
STRANGER = Actor("account:4", Role.CONTRACTOR, "Dirk", company_id=8)
CARD, SECOND = b"card-001", b"card-002"


class World:
    """An `Enrolment` with a clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = START
        self.news = 0
        self._made = 0
        self.modes = Enrolment(lambda: self.now, self._handle, self._changed)

    def _handle(self) -> str:
        self._made += 1
        return f"handle-{self._made}"

    def _changed(self) -> None:
        self.news += 1

    def tap(
        self,
        tag: bytes = CARD,
        *,
        terminal: str = "gate-in",
        owned: bool = False,
        reason: int = REASON_UNKNOWN_BADGE,
        desk: bool = False,
        at_ms: int | None = None,
        received_ms: int | None = None,
    ) -> None:
        """A tap was stored just now."""
        received = self.now if received_ms is None else received_ms
        self.modes.tapped([SeenTap(terminal, tag, owned, reason, desk, at_ms, received)])

    def session(self, begun: Session, actor: Actor = HIS) -> Session:
        """How a session stands now."""
        found = self.modes.look(begun.handle, actor)
        assert found is not None
        return found


@pytest.fixture
def world() -> World:
    return World()


# ---------------------------------------------------------------- at a gate


def test_the_next_unknown_badge_is_the_one(world: World) -> None:
    begun = world.modes.begin(GATE, HIS)
    assert (begun.state, begun.tag, begun.left_s(world.now)) == (State.WAITING, None, 120)
    world.now += 500
    world.tap()
    seen = world.session(begun)
    assert (seen.state, seen.tag, seen.seen_ms) == (State.SEEN, CARD, START + 500)
    world.tap(SECOND)
    assert world.session(begun).tag == CARD
    assert world.news == 2


def test_of_several_that_came_together_it_is_the_first(world: World) -> None:
    begun = world.modes.begin(GATE, HIS)
    taps = [
        SeenTap("gate-in", tag, False, REASON_UNKNOWN_BADGE, False, None, START)
        for tag in (CARD, SECOND)
    ]
    world.modes.tapped(taps)
    assert world.session(begun).tag == CARD


def test_another_gate_and_other_reasons_do_not_count(world: World) -> None:
    begun = world.modes.begin(GATE, HIS)
    world.tap(terminal="gate-out")
    world.tap(reason=REASON_PASSBACK)
    world.tap(reason=REASON_NONE)
    assert world.session(begun).state is State.WAITING


def test_what_came_before_the_start_does_not_count(world: World) -> None:
    world.tap()
    begun = world.modes.begin(GATE, HIS)
    world.tap(received_ms=START - 1)
    assert world.session(begun).state is State.WAITING


def test_what_a_gate_kept_for_long_does_not_count(world: World) -> None:
    begun = world.modes.begin(GATE, HIS)
    world.tap(at_ms=START - LATE_MS - 1)
    assert world.session(begun).state is State.WAITING
    # The clock of a gate may be behind a little.
    world.tap(at_ms=START - LATE_MS)
    assert world.session(begun).state is State.SEEN


@pytest.mark.parametrize(
    ("owned", "reason"),
    [(True, REASON_UNKNOWN_BADGE), (True, REASON_BLOCKED), (True, REASON_OTHER_SITE)],
)
def test_a_badge_of_somebody_is_told_and_the_mode_goes_on(
    world: World, owned: bool, reason: int
) -> None:
    begun = world.modes.begin(GATE, HIS)
    world.tap(SECOND, owned=owned, reason=reason)
    told = world.session(begun)
    assert (told.state, told.tag, told.refused) == (State.WAITING, None, SECOND)
    world.tap(CARD)
    seen = world.session(begun)
    assert (seen.state, seen.tag, seen.refused) == (State.SEEN, CARD, None)


def test_it_may_be_gone_on_with(world: World) -> None:
    begun = world.modes.begin(GATE, HIS)
    unchanged = world.modes.take_refused(begun.handle, HIS)
    assert unchanged is not None
    assert unchanged.state is State.WAITING
    world.tap(SECOND, owned=True, reason=REASON_BLOCKED)
    assert world.modes.take_refused(begun.handle, STRANGER) is None
    taken = world.modes.take_refused(begun.handle, HIS)
    assert taken is not None
    assert (taken.state, taken.tag) == (State.SEEN, SECOND)


def test_after_two_minutes_it_is_over(world: World) -> None:
    begun = world.modes.begin(GATE, HIS)
    world.now += MODE_MS - 1
    assert world.session(begun).left_s(world.now) == 1
    world.now += 1
    assert world.session(begun).state is State.OVER
    world.tap()
    assert world.session(begun).tag is None
    assert world.modes.begin(GATE, STRANGER).state is State.WAITING


def test_looking_does_not_make_it_longer(world: World) -> None:
    begun = world.modes.begin(GATE, HIS)
    for _ in range(3):
        world.now += MODE_MS // 4
        assert world.session(begun).state is State.WAITING
    world.now += MODE_MS // 4
    assert world.session(begun).state is State.OVER


def test_the_form_waits_longer_and_then_forgets_the_badge(world: World) -> None:
    begun = world.modes.begin(GATE, HIS)
    world.tap()
    world.now += FORM_MS - 1
    assert world.session(begun).state is State.SEEN
    world.now += 1
    over = world.session(begun)
    assert (over.state, over.tag) == (State.OVER, None)
    world.now += FORM_MS
    assert world.modes.look(begun.handle, HIS) is None


# ---------------------------------------------------------------- whose it is


def test_one_at_a_gate_at_a_time(world: World) -> None:
    world.modes.begin(GATE, HIS)
    with pytest.raises(UsageError) as refused:
        world.modes.begin(GATE, STRANGER)
    assert refused.value.code == "HUB-1683"
    assert "Bob" not in str(refused.value)
    assert world.modes.begin(OTHER_GATE, STRANGER).state is State.WAITING


def test_colleagues_see_the_same_and_others_nothing(world: World) -> None:
    begun = world.modes.begin(GATE, HIS)
    assert world.modes.begin(GATE, COLLEAGUE).handle == begun.handle
    world.tap()
    assert world.session(begun, COLLEAGUE).tag == CARD
    for actor in (STRANGER, OFFICE):
        assert world.modes.look(begun.handle, actor) is None
        assert world.modes.end(begun.handle, actor) is None
    assert world.session(begun).state is State.SEEN


def test_a_gate_is_free_as_soon_as_the_badge_was_seen(world: World) -> None:
    world.modes.begin(GATE, HIS)
    world.tap()
    assert world.modes.waits_at(GATE) is None
    second = world.modes.begin(GATE, STRANGER)
    world.tap(SECOND)
    assert world.session(second, STRANGER).tag == SECOND


def test_it_ends_by_hand(world: World) -> None:
    begun = world.modes.begin(GATE, HIS)
    assert world.modes.waits_at(GATE) == begun
    ended = world.modes.end(begun.handle, HIS)
    assert ended is not None
    assert ended.state is State.OVER
    assert world.modes.waits_at(GATE) is None
    world.tap()
    assert world.session(begun).state is State.OVER


def test_a_link_ends_it_and_the_badge_is_forgotten(world: World) -> None:
    begun = world.modes.begin(GATE, HIS)
    world.tap()
    world.modes.linked(begun.handle, "token-of-a-person", 2)
    done = world.session(begun)
    assert (done.state, done.tag, done.person, done.adopted) == (
        State.DONE,
        None,
        "token-of-a-person",
        2,
    )
    ended = world.modes.end(begun.handle, HIS)
    assert ended is not None
    assert ended.state is State.DONE


# ---------------------------------------------------------------- at a desk


def test_at_a_desk_every_badge_counts_and_time_is_no_matter(world: World) -> None:
    begun = world.modes.begin(DESK, HIS)
    for _ in range(5):
        world.now += DESK_MS - 1
        assert world.session(begun).state is State.WAITING
    world.tap(terminal="desk-1", owned=True, reason=REASON_NONE, desk=True)
    assert world.session(begun).tag == CARD


def test_a_desk_that_nobody_looks_at_is_free_again(world: World) -> None:
    begun = world.modes.begin(DESK, HIS)
    world.now += DESK_MS
    assert world.session(begun).state is State.OVER
    assert world.modes.begin(DESK, STRANGER).state is State.WAITING


def test_a_badge_that_was_there_first_is_taken(world: World) -> None:
    world.tap(terminal="desk-1", desk=True)
    world.tap(SECOND, terminal="desk-1", desk=True)
    world.now += HELD_MS
    assert world.modes.begin(DESK, HIS).tag == SECOND
    # Once: the next who opens it waits.
    assert world.modes.begin(DESK, STRANGER).tag is None


def test_but_not_one_that_was_there_long_ago(world: World) -> None:
    world.tap(terminal="desk-1", desk=True)
    world.now += HELD_MS + 1
    begun = world.modes.begin(DESK, HIS)
    assert begun.tag is None
    world.tap(terminal="desk-1", desk=True, at_ms=world.now - HELD_MS - 1)
    assert world.session(begun).state is State.WAITING


def test_a_gate_keeps_no_badge_for_later(world: World) -> None:
    world.tap()
    assert world.modes.begin(GATE, HIS).tag is None


def test_the_reader_on_the_pins_is_a_desk(world: World) -> None:
    begun = world.modes.begin(PINS, OFFICE)
    world.modes.read(PINS, CARD)
    assert world.session(begun, OFFICE).tag == CARD
    world.modes.read(PINS, SECOND)
    assert world.modes.begin(PINS, OFFICE).tag == SECOND


def test_a_typed_badge_is_there_at_once(world: World) -> None:
    one, two = world.modes.typed(CARD, HIS), world.modes.typed(SECOND, STRANGER)
    assert (one.state, one.tag, two.tag) == (State.SEEN, CARD, SECOND)
    assert world.modes.look(one.handle, STRANGER) is None


# ---------------------------------------------------------------- bounds


def test_one_account_keeps_so_many_sessions(world: World) -> None:
    first = world.modes.typed(CARD, HIS)
    others = world.modes.typed(CARD, STRANGER)
    last = first
    for _ in range(SESSIONS_MAX):
        world.now += 1
        last = world.modes.typed(CARD, HIS)
    assert world.modes.look(first.handle, HIS) is None
    assert world.session(last).state is State.SEEN
    assert world.session(others, STRANGER).state is State.SEEN


def test_nothing_printed_shows_a_tag(world: World) -> None:
    begun = world.modes.begin(GATE, HIS)
    world.tap()
    shown = f"{world.session(begun)!r} {SeenTap('g', CARD, False, 1, False, None, 1)!r}"
    assert repr(CARD) not in shown
    assert CARD.hex() not in shown
