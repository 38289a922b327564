"""From a badge at the chip to a number on the page, every part a process of its own."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from protocol.record import KIND_TAP
from simulator.gate import find_interpreter
from simulator.site import Program, SimulatedSite
from tests.e2e.chain import (
    availability,
    board,
    command_line,
    fetch,
    held,
    inbox_records,
    journal_empty,
    people,
    ready,
    registered,
    shows,
    tap_facts,
    until,
)

pytestmark = [pytest.mark.processes, pytest.mark.micropython]
GATE = "gate-in"


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[SimulatedSite]:
    """A site whose gates hold the roster."""
    site = SimulatedSite(folder, validation_delay_s=0.5, settle_s=1.0)
    await site.start()
    try:
        for terminal in site.gates:
            await ready(site, terminal)
        await site.gates[GATE].wait_panel(lambda panel: "SERVER OK" in panel["lines"], 20)
        yield site
    finally:
        await site.stop()


def play(folder: Path, story: Callable[[SimulatedSite], Awaitable[None]]) -> None:
    """Runs a story on a fresh site."""

    async def whole() -> None:
        async with running(folder) as site:
            await story(site)

    asyncio.run(whole())


def test_a_badge_at_the_reader_becomes_a_number_on_the_page(tmp_path: Path) -> None:
    async def story(site: SimulatedSite) -> None:
        pids = {site.gates[GATE].pid, site.hub.pid, site.broker_pid, site.authority.pid}  # pyright: ignore[reportOptionalMemberAccess]
        assert None not in pids
        assert len(pids) == 4
        command = command_line(site.gates[GATE].pid)
        assert (b"heapsize=200wK" in command) == (find_interpreter()[0] == "micropython")
        await site.tap(GATE, site.badges[0].uid)
        assert site.gates[GATE].panel["arm"] == "open"
        (number,) = await registered(site, 1)
        page = await fetch(site.dashboard)
        assert str(number) in page
        assert "Aarts" in page
        assert "85031299761" not in page
        (entry,) = await held(site)
        assert entry["number"] == number
        assert entry["works"] == "1Y19FAKE001AZ"
        await journal_empty(site, GATE)
        await until(
            lambda: held(site), lambda rows: rows[0]["status"] == "VALIDATED", "the validation"
        )

    play(tmp_path, story)


def test_the_authority_down_and_the_broker_killed_give_one_record_and_one_registration(
    tmp_path: Path,
) -> None:
    async def story(site: SimulatedSite) -> None:
        await availability(site, "down")
        # The broker dies with the gate's record on its way; the hub starts another one.
        broker = site.broker_pid
        assert broker is not None
        os.kill(broker, signal.SIGKILL)
        await site.tap(GATE, site.badges[0].uid)
        shown = await until(
            lambda: board(site), lambda b: len(people(b)) == 1, "the person on the page"
        )
        (person,) = people(shown)
        assert person["standing"] == "waiting"
        await until(lambda: board(site), lambda b: b["authority"]["state"] == "retrying", "a retry")
        assert await held(site) == []
        await availability(site, "up")
        (number,) = await registered(site, 1)
        assert [row["number"] for row in await held(site)] == [number]
        await journal_empty(site, GATE)
        assert len(tap_facts(site)) == 1

    play(tmp_path, story)


def test_a_hub_killed_between_commit_and_ack_counts_the_tap_once(tmp_path: Path) -> None:
    async def story(site: SimulatedSite) -> None:
        proper = site.hub
        await proper.stop()
        script = str(Path(__file__).parent / "hub_that_dies.py")
        site.hub = Program(
            "dying hub",
            [script, "--settings", "site.toml", "run", "--json"],
            tmp_path / "dying.log",
        )
        await site.start_hub()
        await ready(site, GATE)
        await site.tap(GATE, site.badges[0].uid)
        await until(lambda: _running(site), lambda alive: not alive, "the hub's death")
        # The commit stands, the gate heard nothing and keeps its record.
        assert _stored(site) == 1
        await site.gates[GATE].wait_panel(lambda panel: shows(panel, "1"), 20)
        site.hub = proper
        await site.start_hub()
        await journal_empty(site, GATE)
        (number,) = await registered(site, 1)
        assert [row["number"] for row in await held(site)] == [number]
        assert _stored(site) == 1
        assert len(tap_facts(site)) == 1

    play(tmp_path, story)


async def _running(site: SimulatedSite) -> bool:
    return site.hub.pid is not None


def _stored(site: SimulatedSite) -> int:
    """How many tap records the inbox holds."""
    return sum(record.kind == KIND_TAP for record in inbox_records(site))


def test_an_answer_that_was_lost_is_looked_up_and_never_sent_twice(tmp_path: Path) -> None:
    async def story(site: SimulatedSite) -> None:
        await availability(site, "drop-after-commit")
        await site.tap(GATE, site.badges[0].uid)
        await until(lambda: held(site), lambda rows: len(rows) == 1, "the authority's row")
        await availability(site, "up")
        (number,) = await registered(site, 1)
        assert [row["number"] for row in await held(site)] == [number]

    play(tmp_path, story)


def test_taps_while_the_network_is_out_arrive_when_it_is_back(tmp_path: Path) -> None:
    async def story(site: SimulatedSite) -> None:
        await site.network(GATE, False)
        for badge in site.badges[:3]:
            await site.tap(GATE, badge.uid)
            assert site.gates[GATE].panel["arm"] == "open"
        # And the power goes too: what was green is in flash.
        await site.gates[GATE].power_off()
        await site.gates[GATE].power_on()
        await site.network(GATE, True)
        assert len(await registered(site, 3)) == 3
        await journal_empty(site, GATE)
        assert len(await held(site)) == 3

    play(tmp_path, story)


def test_an_unknown_badge_is_refused_with_its_own_sound_text_and_record(tmp_path: Path) -> None:
    async def story(site: SimulatedSite) -> None:
        gate = site.gates[GATE]
        await site.tap(GATE, site.badges[0].uid)
        welcome = gate.panel
        await gate.wait_panel(lambda panel: panel["arm"] == "closed", 20)
        await site.tap(GATE, "04ffeeddccbbaa")
        refusal = gate.panel
        assert refusal["arm"] == "closed"
        assert refusal["sounds"] != welcome["sounds"]
        assert refusal["lines"] != welcome["lines"]
        shown = await until(
            lambda: board(site), lambda b: len(b["board"]["turned_away"]) == 1, "the refusal"
        )
        assert shown["board"]["turned_away"][0]["reason"] == 1
        assert [verdict for _, _, verdict in tap_facts(site)] == [1, 2]
        await registered(site, 1)
        assert len(await held(site)) == 1

    play(tmp_path, story)
