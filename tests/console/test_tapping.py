"""People at gates: one at a time at each gate, all gates at once, and what can go wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from simulator.console import tapping
from simulator.console.tapping import Hands, Refusal
from tests.console.standin import StandInSite

pytestmark = pytest.mark.usefixtures("quick_people")
DEADLINE_S = 5
FIRST, SECOND, THIRD = "04a1b2c3d4e501", "5a1b2c3d", "0102030405060708090a"
Story = Callable[[StandInSite, Hands], Awaitable[None]]


def play(story: Story) -> StandInSite:
    async def run() -> StandInSite:
        site = StandInSite()
        async with asyncio.timeout(DEADLINE_S):
            await story(site, Hands(site))
        return site

    return asyncio.run(run())


def test_a_tap_brings_back_what_the_gate_showed() -> None:
    async def story(site: StandInSite, hands: Hands) -> None:
        answer = await hands.tap("gate-in", [FIRST])
        assert (answer.gate, answer.lamps, answer.lines) == (
            "Poort 1",
            "green",
            ("WELCOME", "KEPT"),
        )
        site.gates["gate-in"].granted = False
        answer = await hands.tap("gate-in", [SECOND])
        assert (answer.lamps, answer.lines) == ("red", ("UNKNOWN BADGE",))

    site = play(story)
    assert site.diary == [
        f"gate-in + {FIRST}", f"gate-in - {FIRST}", f"gate-in + {SECOND}", f"gate-in - {SECOND}",
    ]  # fmt: skip


def test_the_sounds_of_the_tap_before_are_no_answer() -> None:
    async def story(site: StandInSite, hands: Hands) -> None:
        await hands.tap("gate-in", [FIRST])
        gate = site.gates["gate-in"]
        assert gate.panel["sounds"]
        gate.held.clear()
        gate.presented.clear()
        waiting = asyncio.create_task(hands.tap("gate-in", [SECOND]))
        await gate.presented.wait()
        await gate.show(gate.panel | {"ring": [[0, 20, 0]] * 12})  # the idle ring breathes on
        for _ in range(20):  # whatever is ready to run has run
            await asyncio.sleep(0)
        assert f"gate-in - {SECOND}" not in site.diary
        gate.held.set()
        assert (await waiting).lamps == "green"

    play(story)


def test_what_sounds_before_the_card_is_read_is_no_answer() -> None:
    async def story(site: StandInSite, hands: Hands) -> None:
        gate = site.gates["gate-in"]
        gate.near.clear()
        waiting = asyncio.create_task(hands.tap("gate-in", [FIRST]))
        await gate.wait_panel(lambda panel: panel["taps"] == 1, DEADLINE_S)
        for hertz in (1047, 1319, 1568):  # the receipt of somebody who was here before
            heard = [*gate.panel["sounds"], hertz]
            await gate.show(gate.panel | {"sounds": heard, "buzzer": hertz})
        await gate.show(gate.panel | {"buzzer": 0})
        for _ in range(20):  # whatever is ready to run has run
            await asyncio.sleep(0)
        assert site.diary == [f"gate-in + {FIRST}"]
        gate.near.set()
        assert (await waiting).lines == ("WELCOME", "KEPT")

    play(story)


def test_people_queue_up_at_one_gate_in_order() -> None:
    async def story(site: StandInSite, hands: Hands) -> None:
        await asyncio.gather(*(hands.tap("gate-in", [uid]) for uid in (FIRST, SECOND, THIRD)))

    site = play(story)
    assert site.diary == [
        f"gate-in {sign} {uid}" for uid in (FIRST, SECOND, THIRD) for sign in ("+", "-")
    ]


def test_one_gate_does_not_wait_for_another() -> None:
    async def story(site: StandInSite, hands: Hands) -> None:
        site.gates["gate-in"].held.clear()
        slow = asyncio.create_task(hands.tap("gate-in", [FIRST]))
        await site.gates["gate-in"].presented.wait()
        assert (await hands.tap("gate-out", [SECOND])).gate == "Poort 2"
        assert not slow.done()
        site.gates["gate-in"].held.set()
        await slow

    play(story)


def test_two_cards_are_in_the_field_together() -> None:
    async def story(site: StandInSite, hands: Hands) -> None:
        await hands.tap("gate-in", [FIRST, SECOND])

    site = play(story)
    assert [entry[8:9] for entry in site.diary] == ["+", "+", "-", "-"]


def test_a_silent_gate_is_left_with_the_card_taken_away() -> None:
    async def story(site: StandInSite, hands: Hands) -> None:
        site.gates["gate-in"].granted = None
        with pytest.raises(Refusal) as caught:
            await hands.tap("gate-in", [FIRST])
        assert caught.value.key == "failed_silent"
        site.gates["gate-in"].granted = True
        await hands.tap("gate-in", [SECOND])

    site = play(story)
    assert site.diary[1] == f"gate-in - {FIRST}"


def test_a_gate_without_power_is_named() -> None:
    async def story(site: StandInSite, hands: Hands) -> None:
        await hands.power("gate-in", False)
        with pytest.raises(Refusal) as caught:
            await hands.tap("gate-in", [FIRST])
        assert (caught.value.key, caught.value.values["gate"]) == ("failed_no_power", "Poort 1")

    play(story)


def test_power_that_goes_off_under_the_card_is_noticed_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tapping, "PATIENCE_S", 60.0)

    async def story(site: StandInSite, hands: Hands) -> None:
        gate = site.gates["gate-in"]
        gate.granted = None
        waiting = asyncio.create_task(hands.tap("gate-in", [FIRST]))
        await site.gates["gate-in"].presented.wait()
        await gate.power_off()
        with pytest.raises(Refusal) as caught:
            await waiting
        assert caught.value.key == "failed_no_power"

    play(story)


def test_a_queue_has_an_end() -> None:
    async def story(site: StandInSite, hands: Hands) -> None:
        site.gates["gate-in"].held.clear()
        people = [
            asyncio.create_task(hands.tap("gate-in", [FIRST])) for _ in range(tapping.QUEUE_MAX)
        ]
        await site.gates["gate-in"].presented.wait()
        with pytest.raises(Refusal) as caught:
            await hands.tap("gate-in", [SECOND])
        assert (caught.value.key, caught.value.status) == ("failed_queue", 429)
        site.gates["gate-in"].held.set()
        await asyncio.gather(*people)
        await hands.tap("gate-in", [SECOND])

    play(story)


def test_a_plug_that_is_out_stays_out_over_a_power_cut() -> None:
    async def story(site: StandInSite, hands: Hands) -> None:
        await hands.network("gate-in", False)
        await hands.power("gate-in", False)
        await hands.power("gate-in", True)
        assert site.wires["gate-in"].state == "cut"

    assert play(story).diary == ["gate-in network off", "gate-in network off"]


def test_a_gate_that_does_not_start_and_one_that_is_none() -> None:
    async def story(site: StandInSite, hands: Hands) -> None:
        site.gates["gate-in"].broken = True
        await hands.power("gate-in", False)
        with pytest.raises(Refusal) as caught:
            await hands.power("gate-in", True)
        assert caught.value.key == "failed_start"
        with pytest.raises(Refusal) as caught:
            await hands.tap("gate-9", [FIRST])
        assert caught.value.status == 404

    play(story)
