"""Whatever happens, in whatever order: each person is registered once and only once."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.hub.forward_world import MINUTE_MS, World
from tests.hub.outbox_contract import reference
from tests.hub.service import (
    Script,
    has_a_defect,
    loses_the_answer,
    loses_the_request,
    no_access,
    refuses_calls_with,
    stores,
    stores_half_and_breaks,
    stores_late,
    unreachable,
)

SCRIPTS: list[Script] = [
    stores,
    unreachable,
    loses_the_request,
    loses_the_answer,
    stores_half_and_breaks,
    stores_late(5_000),
    stores_late(50_000),
    no_access,
    has_a_defect,
    refuses_calls_with(reference(3)),
]
Event = Callable[[World], None]


def _dies(world: World) -> None:
    world.start()


def _dies_in_a_call(world: World) -> None:
    for claim in world.outbox.claim(world.clock(), 5)[::2]:
        world.service.store(claim.item)
    world.start()


def _gets_more(world: World) -> None:
    world.add(4)


def _waits(world: World) -> None:
    world.clock.now_ms += 20_000


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(SCRIPTS), st.sampled_from([_dies, _dies_in_a_call, _gets_more, _waits])
        ),
        max_size=30,
    ),
    st.integers(0, 1000),
)
def test_whatever_happens_each_person_is_registered_exactly_once(
    events: list[Script | Event], seed: int
) -> None:
    world = World(8, seed=seed)
    for event in events:
        if event in SCRIPTS:
            world.service.script.append(event)  # pyright: ignore[reportArgumentType]
        else:
            event(world)  # pyright: ignore[reportCallIssue]
        try:
            world.forwarder.step()
        except RuntimeError:
            world.forwarder.broke()
    world.service.script.clear()
    world.run(30 * MINUTE_MS)
    refused = [key for key, row in world.outbox.rows.items() if row.state == "refused"]
    # Only the item that a script refused may be refused, and it is stored once or not at all.
    assert refused in ([], [reference(3)])
    for key, row in world.outbox.rows.items():
        if key in refused:
            assert world.service.times_stored(key) == 0
        else:
            assert (key, row.state, world.service.times_stored(key)) == (key, "registered", 1)
