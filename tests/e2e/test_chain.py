"""From a badge at the chip to a number on the page, every part a process of its own."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from protocol.record import KIND_ROSTER, KIND_TAP, REASON_BLOCKED
from simulator.gate import find_interpreter
from simulator.site import PEOPLE, Program, SimulatedSite
from tests.e2e.chain import (
    availability,
    board,
    command_line,
    held,
    inbox_records,
    journal_empty,
    let_in,
    numbers,
    page,
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


Story = Callable[[SimulatedSite], Awaitable[None]]


@pytest.fixture(scope="module")
def tell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Story], None]]:
    """Runs stories in which no process is killed, on one site: each with badges of its own."""
    with asyncio.Runner() as runner:
        life = running(tmp_path_factory.mktemp("site"))
        site = runner.run(life.__aenter__())

        def run(story: Story) -> None:
            async def whole() -> None:
                await story(site)

            runner.run(whole())

        try:
            yield run
        finally:
            runner.run(life.__aexit__(None, None, None))


async def one_more(site: SimulatedSite, before: list[int]) -> int:
    """Waits for one registration number more than these; returns it."""
    (number,) = set(await registered(site, len(before) + 1)) - set(before)
    return number


async def registered_now(site: SimulatedSite) -> list[int]:
    """The numbers the page shows."""
    return numbers(await board(site))


async def held_now(site: SimulatedSite) -> list[int]:
    """The numbers the authority holds."""
    return sorted(row["number"] for row in await held(site))


def test_a_badge_at_the_reader_becomes_a_number_on_the_page(
    tell: Callable[[Story], None],
) -> None:
    async def story(site: SimulatedSite) -> None:
        pids = {site.gates[GATE].pid, site.hub.pid, site.broker_pid, site.authority.pid}  # pyright: ignore[reportOptionalMemberAccess]
        assert None not in pids
        assert len(pids) == 4
        command = command_line(site.gates[GATE].pid)
        assert (b"heapsize=360wK" in command) == (find_interpreter()[0] == "micropython")
        await let_in(site, GATE, site.badges[0].uid)
        number = await one_more(site, [])
        shown = await page(site)
        assert str(number) in shown
        assert "Aarts" in shown
        assert "85031299761" not in shown
        (entry,) = await held(site)
        assert entry["number"] == number
        assert entry["works"] == "1Y19FAKE001AZ"
        await journal_empty(site, GATE)
        await until(
            lambda: held(site), lambda rows: rows[0]["status"] == "VALIDATED", "the validation"
        )

    tell(story)


def test_an_answer_that_was_lost_is_looked_up_and_never_sent_twice(
    tell: Callable[[Story], None],
) -> None:
    async def story(site: SimulatedSite) -> None:
        before = await registered_now(site)
        await availability(site, "drop-after-commit")
        await let_in(site, GATE, site.badges[1].uid)
        await until(
            lambda: held(site), lambda rows: len(rows) == len(before) + 1, "the authority's row"
        )
        await availability(site, "up")
        number = await one_more(site, before)
        assert await held_now(site) == sorted([*before, number])

    tell(story)


def test_taps_while_the_network_is_out_arrive_when_it_is_back(
    tell: Callable[[Story], None],
) -> None:
    async def story(site: SimulatedSite) -> None:
        before = await registered_now(site)
        await site.network(GATE, False)
        for badge in site.badges[2:5]:
            await let_in(site, GATE, badge.uid)
        # And the power goes too: what was green is in flash.
        await site.gates[GATE].power_off()
        await site.gates[GATE].power_on()
        await site.network(GATE, True)
        assert len(await registered(site, len(before) + 3)) == len(before) + 3
        await journal_empty(site, GATE)
        assert len(await held_now(site)) == len(before) + 3

    tell(story)


def test_an_unknown_badge_is_refused_with_its_own_sound_text_and_record(
    tell: Callable[[Story], None],
) -> None:
    async def story(site: SimulatedSite) -> None:
        gate = site.gates[GATE]
        before, taps = await registered_now(site), len(tap_facts(site))
        await let_in(site, GATE, site.badges[5].uid)
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
        assert [verdict for _, _, verdict in tap_facts(site)[taps:]] == [1, 2]
        number = await one_more(site, before)
        assert await held_now(site) == sorted([*before, number])

    tell(story)


def test_a_badge_that_an_import_blocks_is_refused_at_the_gate(
    tell: Callable[[Story], None], tmp_path: Path
) -> None:
    async def story(site: SimulatedSite) -> None:
        badge = site.badges[9].uid
        await let_in(site, GATE, badge)
        before = max(await _rosters(site))
        heading, *rows = PEOPLE.read_text("utf-8").splitlines()
        (row,) = (row for row in rows if badge.upper() in row)
        blocking = tmp_path / "blocked.csv"
        blocking.write_text(f"{heading};badge_state\n{row};blocked\n", "utf-8")
        await site.command("import", str(blocking))
        # Each gate keeps a record of the roster of the import, before anybody is refused with it.
        await until(
            lambda: _rosters(site),
            lambda noted: max(noted) > before and noted.count(max(noted)) == len(site.gates),
            "the new roster at every gate",
        )
        await site.tap(GATE, badge)
        assert "GEBLOKKEERD" in site.gates[GATE].panel["lines"]
        await until(
            lambda: _reasons(site), lambda found: found[-1:] == [REASON_BLOCKED], "the refusal"
        )

    tell(story)


async def _rosters(site: SimulatedSite) -> list[int]:
    """The versions of which gates said that they decide, in the order of the inbox."""
    noted = [record.data for record in inbox_records(site) if record.kind == KIND_ROSTER]
    return [int.from_bytes(data[:4], "little") for data in noted]


async def _reasons(site: SimulatedSite) -> list[int]:
    """Why taps were refused, in the order of the inbox."""
    return [record.reason for record in inbox_records(site) if record.kind == KIND_TAP]


# Here processes are killed: each has a site of its own, and the one above stands still meanwhile.


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
