"""What is withdrawn is withdrawn once, and never reported as withdrawn on a guess."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from hub.application.ports import Cancel, Refused
from hub.errors import InDoubtError, SitegateError, StoppedError, TransientError
from tests.hub.forward_world import MINUTE_MS, World
from tests.hub.outbox_contract import reference
from tests.hub.service import CANCELLED, Result, Service, withdraws


def registered_world(count: int) -> World:
    """A world in which everybody has a number."""
    world = World(count)
    world.run(1_000)
    assert world.outbox.states() == ["registered"] * count
    return world


def withdraw(world: World, *indexes: int) -> None:
    for index in indexes:
        world.outbox.withdraw(reference(index), "DISEASE", world.clock())


def still_there(world: World) -> list[str]:
    """References that the authority holds and has not cancelled."""
    return [item.reference for item, row in world.service.stored if row.status != CANCELLED]


def test_what_is_to_be_withdrawn_is_cancelled_in_one_call() -> None:
    world = registered_world(5)
    withdraw(world, 1, 3)
    world.run(MINUTE_MS)
    assert world.outbox.states() == ["registered", "cancelled"] * 2 + ["registered"]
    assert len(world.service.cancels) == 1
    assert still_there(world) == [reference(index) for index in (4, 2, 0)]


def test_an_outage_is_waited_out_and_the_cancel_then_asked_once_more() -> None:
    def away(service: Service, cancels: Sequence[Cancel]) -> list[Result]:
        raise TransientError("HUB-1301", cause="refused")

    world = registered_world(1)
    world.service.cancel_script.extend([away, away])
    withdraw(world, 0)
    world.run(MINUTE_MS)
    assert world.outbox.states() == ["cancelled"]
    assert len(world.service.cancels) == 3


def test_a_cancel_whose_answer_was_lost_is_read_and_not_asked_again() -> None:
    def loses_the_answer(service: Service, cancels: Sequence[Cancel]) -> list[Result]:
        withdraws(service, cancels)
        raise InDoubtError("HUB-1302", cause="closed")

    world = registered_world(2)
    world.service.cancel_script.append(loses_the_answer)
    withdraw(world, 0, 1)
    world.run(30_000)
    assert world.outbox.states() == ["cancelling"] * 2
    world.run(2 * MINUTE_MS)
    assert world.outbox.states() == ["cancelled"] * 2
    assert len(world.service.cancels) == 1


def test_a_cancel_that_never_arrived_is_asked_again_after_it_was_looked_up() -> None:
    def loses_the_request(service: Service, cancels: Sequence[Cancel]) -> list[Result]:
        raise InDoubtError("HUB-1302", cause="timeout")

    world = registered_world(1)
    world.service.cancel_script.append(loses_the_request)
    withdraw(world, 0)
    world.run(3 * MINUTE_MS)
    assert world.outbox.states() == ["cancelled"]
    assert len(world.service.cancels) == 2


def test_a_hub_that_died_while_it_cancelled_looks_first() -> None:
    world = registered_world(2)
    withdraw(world, 0, 1)
    claims = world.outbox.cancels(world.clock(), 200)
    world.service.withdraw(Cancel(claims[0].reference, claims[0].number, "DISEASE"))
    world.start()
    world.run(MINUTE_MS)
    assert world.outbox.states() == ["cancelled"] * 2
    assert [call for call in world.service.cancels if claims[0].reference in call] == []


def test_a_refused_cancel_leaves_the_registration_standing() -> None:
    def too_late(service: Service, cancels: Sequence[Cancel]) -> list[Result]:
        return [Refused(one.reference, (("SIM-CANCEL-LATE", "over"),)) for one in cancels]

    world = registered_world(1)
    world.service.cancel_script.append(too_late)
    withdraw(world, 0)
    world.run(MINUTE_MS)
    assert world.outbox.states() == ["registered"]
    assert still_there(world) == [reference(0)]
    assert len(world.service.cancels) == 1


def test_what_was_cancelled_through_another_channel_meanwhile_is_cancelled() -> None:
    world = registered_world(1)
    world.service.judge(reference(0), CANCELLED)
    withdraw(world, 0)
    world.run(MINUTE_MS)
    assert world.outbox.states() == ["cancelled"]


@pytest.mark.parametrize(
    "error", [StoppedError("HUB-1304"), TransientError("HUB-1311"), InDoubtError("HUB-1302")]
)
def test_a_cancel_that_fails_keeps_no_registration_from_leaving(error: SitegateError) -> None:
    def fails(service: Service, cancels: Sequence[Cancel]) -> list[Result]:
        raise error

    world = registered_world(1)
    world.service.cancel_script.extend([fails] * 3)
    withdraw(world, 0)
    world.forwarder.step()
    world.add(3)
    world.run(1_000)
    assert world.outbox.states()[1:] == ["registered"] * 3
    world.run(30 * MINUTE_MS)
    assert world.outbox.states()[0] == "cancelled"


def test_people_whom_an_answer_leaves_out_are_looked_up() -> None:
    def leaves_out(service: Service, cancels: Sequence[Cancel]) -> list[Result]:
        return withdraws(service, cancels)[:-1]

    world = registered_world(3)
    world.service.cancel_script.append(leaves_out)
    withdraw(world, 0, 1, 2)
    world.run(3 * MINUTE_MS)
    assert world.outbox.states() == ["cancelled"] * 3
    assert len(world.service.cancels) == 1


def test_a_cancel_that_is_confirmed_with_another_status_is_no_cancel() -> None:
    def shrugs(service: Service, cancels: Sequence[Cancel]) -> list[Result]:
        (one,) = cancels
        found = service.get(one.number)
        assert found is not None
        return [replace(found, reference=one.reference, status="VALIDATED")]

    world = registered_world(1)
    world.service.cancel_script.append(shrugs)
    withdraw(world, 0)
    world.run(MINUTE_MS)
    assert world.outbox.states() != ["cancelled"]
