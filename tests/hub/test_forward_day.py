"""The legal day: nothing is sent for a day that is over, or before the service takes it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest

from hub.application.forward import Forwarder
from hub.application.outbox import Claim
from hub.application.ports import PresenceItem
from hub.domain.legal_day import day_bounds_ms
from tests.hub.forward_world import MINUTE_MS, World
from tests.hub.memory_outbox import MemoryOutbox
from tests.hub.outbox_contract import DAY, posted, reference
from tests.hub.service import (
    HandClock,
    Result,
    Service,
    loses_the_request,
    refuses_calls_with,
    stores_late,
    unreachable,
)

MIDNIGHT_MS = day_bounds_ms(DAY)[1]


def test_what_is_due_for_a_day_that_is_over_is_never_sent() -> None:
    world = World(0, now_ms=MIDNIGHT_MS)
    world.add(2, day=DAY)
    world.add(1, day=DAY + timedelta(days=1))
    world.run(MINUTE_MS)
    assert world.outbox.states() == ["lapsed", "lapsed", "registered"]
    assert world.service.calls == [[reference(2)]]


def test_an_outage_over_midnight_ends_in_lapsed_even_while_it_lasts() -> None:
    world = World(2, now_ms=MIDNIGHT_MS - 5 * MINUTE_MS)
    world.service.always = unreachable
    world.run(5 * MINUTE_MS - 1)
    assert world.outbox.states() == ["due", "due"]
    world.run(MINUTE_MS)
    assert world.outbox.states() == ["lapsed", "lapsed"]
    assert max(world.service.called_ms) < MIDNIGHT_MS


def test_what_was_claimed_before_midnight_is_not_sent_after_it() -> None:
    class SlowOutbox(MemoryOutbox):
        def claim(self, now_ms: int, limit: int) -> list[Claim]:
            return super().claim(now_ms, limit)

        def lapse_over(self, now_ms: int) -> int:
            lapsed = super().lapse_over(now_ms)
            clock.now_ms = MIDNIGHT_MS
            return lapsed

    clock = HandClock(MIDNIGHT_MS - 1)
    service = Service(clock)
    outbox = SlowOutbox()
    outbox.add(posted(0), clock(), clock())
    Forwarder(outbox, service, clock, Random(1)).step()
    assert service.calls == []
    assert outbox.states() == ["lapsed"]
    assert outbox.history[reference(0)] == ["due", "sending", "due", "lapsed"]


def test_calls_that_last_until_after_midnight_end_there() -> None:
    def slowly_refuses(service: Service, items: Sequence[PresenceItem]) -> list[Result]:
        service.clock.now_ms += 4_000
        return refuses_calls_with(reference(7))(service, items)

    world = World(10, now_ms=MIDNIGHT_MS - 10_000)
    world.add(1, day=DAY + timedelta(days=1))
    world.service.always = slowly_refuses
    world.run(MINUTE_MS)
    assert all(
        item.day > DAY or called_ms < MIDNIGHT_MS
        for call, called_ms in zip(world.service.calls, world.service.called_ms, strict=True)
        for item in (world.outbox.rows[key].item for key in call)
    )
    assert "lapsed" in world.outbox.states()
    assert world.outbox.states()[-1] == "registered"
    assert "sending" not in world.outbox.states()


def test_a_registration_in_doubt_over_midnight_is_still_found() -> None:
    world = World(2, now_ms=MIDNIGHT_MS - 10_000)
    world.service.script.append(stores_late(30_000))
    world.run(5 * MINUTE_MS)
    assert world.all_registered_once()


def test_a_registration_in_doubt_over_midnight_lapses_when_it_is_absent() -> None:
    world = World(2, now_ms=MIDNIGHT_MS - 10_000)
    world.service.script.append(loses_the_request)
    world.run(5 * MINUTE_MS)
    assert list(world.outbox.history.values()) == [["due", "sending", "in_doubt", "lapsed"]] * 2
    assert len(world.service.calls) == 1


def test_what_is_for_the_day_after_tomorrow_waits_for_its_time() -> None:
    world = World(0)
    world.add(1, day=DAY + timedelta(days=2))
    world.run(MINUTE_MS)
    assert world.outbox.states() == ["due"]
    assert world.service.calls == []
    world.clock.now_ms = MIDNIGHT_MS - 1
    world.forwarder.step()
    assert world.service.calls == []
    world.clock.now_ms = MIDNIGHT_MS
    world.forwarder.step()
    assert world.all_registered_once()


@pytest.mark.parametrize(
    ("day", "midnight"),
    [
        (date(2026, 10, 25), datetime(2026, 10, 25, 23, tzinfo=UTC)),
        (date(2027, 3, 28), datetime(2027, 3, 28, 22, tzinfo=UTC)),
    ],
)
def test_the_day_ends_at_midnight_in_brussels_also_when_clocks_change(
    day: date, midnight: datetime
) -> None:
    midnight_ms = int(midnight.timestamp()) * 1000
    world = World(0, now_ms=midnight_ms - 1)
    world.add(1, day=day)
    world.forwarder.step()
    world.clock.now_ms = midnight_ms
    world.add(1, day=day)
    world.forwarder.step()
    assert world.outbox.states() == ["registered", "lapsed"]
