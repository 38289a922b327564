"""Every due registration gets a number or a reason, and never two numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from hub.application.forward import STOP_MS, Forwarder
from hub.application.ports import PresenceItem
from hub.domain.causes import Cause
from hub.errors import (
    LocalProtocolError,
    PermanentError,
    SitegateError,
    StoppedError,
    TransientError,
)
from tests.hub.forward_world import MINUTE_MS, World
from tests.hub.outbox_contract import DAY, reference
from tests.hub.service import (
    Result,
    Service,
    falls_over_with,
    has_a_defect,
    loses_the_answer,
    loses_the_request,
    no_access,
    refuses_calls_with,
    refuses_items,
    stores,
    stores_half_and_breaks,
    stores_late,
    unreachable,
)

OTHER_WORKS = "1Y19FAKE002BZ"


def test_everything_due_is_registered_in_calls_of_200_at_most() -> None:
    world = World(450)
    world.run(100)
    assert [len(call) for call in world.service.calls] == [200, 200, 50]
    assert world.all_registered_once()
    status = world.forwarder.status()
    assert (status.state, status.alarm, status.error_code) == ("ok", False, "")
    assert status.last_success_ms is not None


def test_several_works_numbers_and_days_go_in_one_call() -> None:
    world = World(2)
    world.add(2, works=OTHER_WORKS)
    world.add(2, day=DAY + timedelta(days=1))
    world.run(100)
    assert [len(call) for call in world.service.calls] == [6]
    assert world.all_registered_once()


def test_a_refused_item_keeps_the_errors_and_the_others_get_numbers() -> None:
    world = World(5)
    world.service.always = refuses_items(reference(3))
    world.run(MINUTE_MS)
    assert world.outbox.states() == ["registered"] * 3 + ["refused"] + ["registered"]
    assert world.outbox.rows[reference(3)].errors == (("SIM-PLACE", "unknown"),)
    assert len(world.service.calls) == 1


def test_an_outage_is_waited_out_with_growing_pauses() -> None:
    world = World(3)
    world.service.always = unreachable
    world.run(10 * MINUTE_MS)
    assert world.outbox.states() == ["due"] * 3
    assert {row.cause for row in world.outbox.rows.values()} == {Cause.NOT_CARRIED_OUT}
    status = world.forwarder.status()
    assert (status.state, status.alarm, status.error_code) == ("retrying", False, "HUB-1301")
    assert status.next_try_ms is not None
    pauses = [
        after - before
        for before, after in zip(world.service.called_ms, world.service.called_ms[1:], strict=False)
    ]
    assert all(1000 <= pause <= 60_001 for pause in pauses)
    assert pauses[0] <= 2001
    assert pauses[-1] >= 30_000
    world.service.always = None
    world.run(MINUTE_MS)
    assert world.all_registered_once()
    assert world.forwarder.status().state == "ok"


def test_new_taps_do_not_hammer_a_service_that_is_down() -> None:
    world = World(1)
    world.service.always = unreachable
    world.run(5 * MINUTE_MS)
    before = len(world.service.calls)
    world.add(50)
    for _ in range(50):
        world.forwarder.step()
    assert len(world.service.calls) - before <= 1


def test_an_answer_that_was_lost_is_searched_and_found_and_nothing_is_sent_again() -> None:
    world = World(200)
    world.service.script.append(loses_the_answer)
    world.run(5_000)
    assert world.all_registered_once()
    assert len(world.service.calls) == 1
    assert {tuple(steps) for steps in world.outbox.history.values()} == {
        ("due", "sending", "in_doubt", "registered")
    }
    assert world.forwarder.status().state == "ok"


def test_what_is_absent_is_sent_again_only_after_the_settling_time() -> None:
    world = World(3)
    world.service.script.append(loses_the_request)
    world.run(59_000)
    assert world.outbox.states() == ["in_doubt"] * 3
    assert len(world.service.calls) == 1
    assert world.service.searches == 1
    world.run(30_000)
    assert world.all_registered_once()
    assert world.service.searches == 2
    first_ms, second_ms = world.service.called_ms
    assert second_ms - first_ms >= 60_000


@pytest.mark.parametrize("after_ms", [100, 20_000, 59_000])
def test_what_the_authority_stores_late_is_not_sent_a_second_time(after_ms: int) -> None:
    world = World(3)
    world.service.script.append(stores_late(after_ms))
    world.run(5 * MINUTE_MS)
    assert world.all_registered_once()
    assert len(world.service.calls) == 1


def test_half_a_batch_stored_is_completed_and_not_doubled() -> None:
    world = World(7)
    world.service.script.append(stores_half_and_breaks)
    world.run(5 * MINUTE_MS)
    assert world.all_registered_once()
    assert [len(call) for call in world.service.calls] == [7, 3]


def test_a_hub_that_died_during_a_call_looks_first() -> None:
    world = World(4)
    for claim in world.outbox.claim(world.clock(), 200):
        world.service.store(claim.item)  # the call went out, then the power went
    world.start()
    world.run(5_000)
    assert world.all_registered_once()
    assert world.service.calls == []


def test_a_hub_that_died_before_its_call_sends_after_looking() -> None:
    world = World(4)
    world.outbox.claim(world.clock(), 200)
    world.start()
    world.run(2 * MINUTE_MS)
    assert world.all_registered_once()
    assert [len(call) for call in world.service.calls] == [4]


def test_a_defect_leaves_nothing_sending_and_nothing_is_sent_blindly() -> None:
    world = World(1)
    world.forwarder.step()
    world.add(4)
    world.service.script.append(has_a_defect)
    with pytest.raises(RuntimeError):
        world.forwarder.step()
    assert world.forwarder.broke() == world.clock() + 60_000
    status = world.forwarder.status()
    assert (status.alarm, status.error_code) == (True, "HUB-1319")
    world.run(2 * MINUTE_MS)
    assert world.all_registered_once()
    assert [len(call) for call in world.service.calls] == [1, 4]


def test_of_several_found_the_first_that_still_stands_counts() -> None:
    world = World(2)
    item = world.outbox.rows[reference(0)].item
    gone, kept, _ = (world.service.store(item) for _ in range(3))
    world.service.stored[0] = (item, replace(gone, status="SUCCESSFULLY CANCELLED"))
    only = world.outbox.rows[reference(1)].item
    world.service.stored.append((only, replace(gone, reference=reference(1), status="VALIDATED")))
    world.outbox.claim(world.clock(), 200)
    world.start()
    world.run(5_000)
    assert world.outbox.rows[reference(0)].number == kept.number
    assert world.outbox.states() == ["registered", "validated"]


def test_what_was_cancelled_elsewhere_meanwhile_is_not_registered_again() -> None:
    world = World(1)
    item = world.outbox.rows[reference(0)].item
    stored = world.service.store(item)
    world.service.stored[0] = (item, replace(stored, status="SUCCESSFULLY CANCELLED"))
    world.outbox.claim(world.clock(), 200)
    world.start()
    world.run(5 * MINUTE_MS)
    assert world.outbox.states() == ["cancelled"]
    assert world.service.calls == []


def test_people_whom_an_answer_leaves_out_are_looked_up() -> None:
    def leaves_out(service: Service, items: Sequence[PresenceItem]) -> list[Result]:
        return stores(service, items)[:-1]

    world = World(3)
    world.service.script.append(leaves_out)
    world.run(5_000)
    assert world.all_registered_once()
    assert len(world.service.calls) == 1


def test_a_defect_in_searching_does_not_keep_registrations_from_leaving() -> None:
    world = World(2)
    world.service.script.append(loses_the_answer)
    world.service.search_errors["1Y19FAKE001AZ"] = RuntimeError("unforeseen")
    for _ in range(3):
        with pytest.raises(RuntimeError):
            world.forwarder.step()
        world.clock.now_ms = world.forwarder.broke()
        world.add(1)
    assert world.outbox.states() == ["in_doubt"] * 2 + ["registered"] * 2 + ["due"]


def test_one_bad_item_among_200_is_refused_and_the_others_get_their_numbers() -> None:
    for position in (0, 99, 137, 199):
        world = World(200)
        bad = reference(position)
        world.service.always = refuses_calls_with(bad)
        world.run(5_000)
        assert world.outbox.states().count("registered") == 199
        assert world.outbox.rows[bad].state == "refused"
        assert world.outbox.rows[bad].errors == (("HUB-1303", "SOA-03006"),)
        assert len(world.service.calls) <= 1 + 10
        assert len(world.service.stored) == 199
        assert world.forwarder.status().state == "ok"


def test_a_lone_bad_item_costs_one_call() -> None:
    world = World(1)
    world.service.always = refuses_calls_with(reference(0))
    world.run(MINUTE_MS)
    assert world.outbox.states() == ["refused"]
    assert len(world.service.calls) == 1


def test_several_bad_items_are_all_found() -> None:
    world = World(200)
    bad = [reference(index) for index in (3, 4, 77, 150, 199)]
    world.service.always = refuses_calls_with(*bad)
    world.run(MINUTE_MS)
    refused = [key for key, row in world.outbox.rows.items() if row.state == "refused"]
    assert refused == bad
    assert world.outbox.states().count("registered") == 195
    assert len(world.service.stored) == 195


def test_an_authority_that_refuses_everything_blames_no_item() -> None:
    world = World(200)
    world.service.always = refuses_calls_with(*(reference(index) for index in range(200)))
    world.forwarder.step()
    assert set(world.outbox.states()) == {"due"}
    status = world.forwarder.status()
    assert (status.alarm, status.error_code) == (True, "HUB-1320")
    world.service.always = None
    world.run(STOP_MS + 1000)
    assert world.all_registered_once()


def test_an_outage_in_the_middle_of_isolating_keeps_every_item() -> None:
    world = World(200)
    world.service.script.extend(
        [refuses_calls_with(reference(150)), stores, unreachable, loses_the_request]
    )
    world.service.always = refuses_calls_with(reference(150))
    world.run(10 * MINUTE_MS)
    assert world.outbox.states().count("registered") == 199
    assert world.outbox.rows[reference(150)].state == "refused"
    assert len(world.service.stored) == 199


def test_refused_access_stops_all_calls_for_five_minutes_and_raises_an_alarm() -> None:
    world = World(2)
    world.service.always = no_access
    world.run(STOP_MS - 1000)
    assert len(world.service.calls) == 1
    status = world.forwarder.status()
    assert (status.state, status.alarm, status.error_code) == ("stopped", True, "HUB-1304")
    assert {row.cause for row in world.outbox.rows.values()} == {Cause.ACCESS_REFUSED}
    world.service.always = None
    world.run(2000)
    assert world.all_registered_once()
    assert not world.forwarder.status().alarm


@pytest.mark.parametrize(
    "error",
    [StoppedError("HUB-1304"), PermanentError("HUB-1312"), TransientError("HUB-1311")],
)
def test_a_search_that_fails_does_not_stop_registrations(error: Exception) -> None:
    world = World(2)
    world.service.script.append(loses_the_answer)
    world.service.search_errors["1Y19FAKE001AZ"] = error
    world.forwarder.step()
    world.add(3)
    world.run(10 * MINUTE_MS)
    assert world.outbox.states() == ["in_doubt"] * 2 + ["registered"] * 3
    assert world.forwarder.status().state != "ok"
    world.service.search_errors.clear()
    world.run(6 * MINUTE_MS)
    assert world.all_registered_once()


@pytest.mark.parametrize("error", [PermanentError("HUB-1312"), LocalProtocolError("HUB-1317")])
def test_a_search_that_fails_for_one_works_number_leaves_the_others_theirs(
    error: SitegateError,
) -> None:
    world = World(1)
    world.add(1, works=OTHER_WORKS)
    world.service.script.append(loses_the_answer)
    world.service.search_errors["1Y19FAKE001AZ"] = error
    world.run(5_000)
    assert world.outbox.states() == ["in_doubt", "registered"]
    world.run(MINUTE_MS)
    assert world.forwarder.status().error_code == error.code


def test_an_item_that_makes_the_service_fall_over_does_not_keep_the_others() -> None:
    world = World(200)
    world.service.always = falls_over_with(reference(42))
    world.run(15 * MINUTE_MS)
    assert world.outbox.states().count("registered") == 199
    assert len(world.service.stored) == 199
    world.add(30)
    world.run(10 * MINUTE_MS)
    assert world.outbox.states().count("registered") == 229


def test_a_halt_gives_back_what_was_claimed() -> None:
    world = World(3)
    world.forwarder.halt()
    world.forwarder.step()
    assert world.outbox.states() == ["due"] * 3
    assert world.service.calls == []


def test_a_clock_that_is_set_forward_ends_no_settling() -> None:
    world = World(2)
    waited_ms = 0
    world.forwarder = Forwarder(
        world.outbox, world.service, world.clock, world.random, monotonic=lambda: waited_ms
    )
    world.service.script.append(stores_late(3_600_000 + 15_000))
    world.forwarder.step()
    # Somebody sets the clock an hour forward; the authority is still busy with what it was sent.
    world.clock.now_ms += 3_600_000
    world.run(20_000)
    assert world.outbox.states() == ["in_doubt"] * 2
    waited_ms = 60_000
    world.run(2 * MINUTE_MS)
    assert world.all_registered_once()
    assert len(world.service.calls) == 1
