"""A badge is held to a gate once it has said all of its former answer, and not between two tones.
It stays there until the gate has answered it, whatever else the gate has to say meanwhile.

The loop of these tests has a clock of its own: it jumps to the next appointment when nothing else
is to be done, so that every moment below is exact and no test waits.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from firmware.signals import EVENTS
from simulator import gate as gates
from simulator.gate import Gate, GateError
from simulator.site import SimulatedSite

BADGE = "04a1b2c3d4e5f6"
TONE = (880, 120)
"""Hertz and milliseconds; 0 Hz is a pause."""
RECEIPT = ((1047, 80), (1319, 80), (1568, 160))
ANSWER = (TONE, (0, 100), (1320, 120), (0, 100), (880, 120))
PATIENCE_S = 2.0
READ_AFTER_S = 1.0


class _Jumping(selectors.DefaultSelector):
    """Does not wait for the next appointment of the loop but moves its clock there."""

    now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0)
        if not found and timeout is not None:
            self.now_s += timeout
        return found


def played(story: Callable[[], Awaitable[None]]) -> float:
    """Plays a story on such a clock; returns the seconds that it took there."""
    selector = _Jumping()
    loop = asyncio.SelectorEventLoop(selector)
    loop.time = lambda: selector.now_s
    with asyncio.Runner(loop_factory=lambda: loop) as runner:

        async def play() -> None:
            await story()

        runner.run(play())
    return selector.now_s


class Sounding(Gate):
    """A gate without a board: its tones come when they are due, and it answers each badge."""

    held_at: float | None = None
    left_at: float | None = None

    @property
    def powered(self) -> bool:
        return True

    def sound(self, answer: Sequence[tuple[int, int]]) -> asyncio.Task[None]:
        """Begins to sound an answer."""
        return asyncio.create_task(self._sound(answer))

    async def _sound(self, answer: Sequence[tuple[int, int]]) -> None:
        for hertz, duration_ms in answer:
            heard = [*self.panel["sounds"], hertz] if hertz else self.panel["sounds"]
            await self._show(self.panel | {"buzzer": hertz, "sounds": heard})
            await asyncio.sleep(duration_ms / 1000)
        await self._show(self.panel | {"buzzer": 0})

    async def present(self, uid_hex: str) -> None:
        self.held_at = asyncio.get_running_loop().time()
        assert self.panel["buzzer"] == 0
        await self._show(self.panel | {"taps": self.panel["taps"] + 1, "sounds": []})
        await self.read()

    async def read(self) -> None:
        """The reader reads the badge, and the gate answers it."""
        await self._show(self.panel | {"answered": self.panel["taps"], "sounds": [880]})

    async def remove(self, uid_hex: str | None = None) -> None:
        assert uid_hex == BADGE
        self.left_at = asyncio.get_running_loop().time()


class Late(Sounding):
    """One that reads a badge late; a receipt comes before."""

    reading: asyncio.Task[None] | None = None

    async def read(self) -> None:
        self.reading = asyncio.create_task(self._late())

    async def _late(self) -> None:
        await asyncio.sleep(0.02)
        await self._sound(RECEIPT)
        await asyncio.sleep(READ_AFTER_S - 0.02 - length_s(RECEIPT))
        await super().read()


def length_s(answer: Sequence[tuple[int, int]]) -> float:
    return sum(duration_ms for _, duration_ms in answer) / 1000


@pytest.fixture
def gate(tmp_path: Path) -> Sounding:
    return Sounding("gate-1", tmp_path, {}, "python")


@pytest.mark.parametrize("answer", [(TONE,), ANSWER], ids=["one tone", "three tones"])
@pytest.mark.parametrize("at_s", [0.0, 0.1, 0.121, 0.219])
def test_a_tap_waits_for_the_end_of_the_former_answer(
    gate: Sounding, tmp_path: Path, answer: tuple[tuple[int, int], ...], at_s: float
) -> None:
    site = SimulatedSite(tmp_path / "site", gates=())
    site.gates["gate-1"] = gate

    async def story() -> None:
        former = gate.sound(answer)
        await asyncio.sleep(at_s)
        await site.tap("gate-1", BADGE, PATIENCE_S)
        assert former.done()

    played(story)
    assert gate.held_at is not None
    # A person hears for a moment that nothing more comes.
    silent_from = max(at_s, length_s(answer))
    assert gate.held_at == pytest.approx(silent_from + gates._SILENT_S, abs=1e-6)
    assert gate.panel["taps"] == 1


def test_the_tones_of_a_receipt_are_no_answer_to_a_badge_that_is_not_read(tmp_path: Path) -> None:
    gate = Late("gate-1", tmp_path, {}, "python")
    site = SimulatedSite(tmp_path / "site", gates=())
    site.gates["gate-1"] = gate

    async def story() -> None:
        await site.tap("gate-1", BADGE, PATIENCE_S)
        assert gate.reading is not None
        await gate.reading

    played(story)
    assert gate.held_at is not None
    assert gate.left_at == pytest.approx(gate.held_at + READ_AFTER_S, abs=1e-6)


def test_who_hears_nothing_waits_for_a_moment_only(gate: Sounding) -> None:
    took_s = played(lambda: gate.wait_silent(PATIENCE_S))
    assert took_s == pytest.approx(gates._SILENT_S)


def test_a_tone_without_end_is_told(gate: Sounding) -> None:
    async def story() -> None:
        forever = gate.sound([(440, 60_000)])
        await asyncio.sleep(0)
        with pytest.raises(GateError, match="'buzzer': 440"):
            await gate.wait_silent(PATIENCE_S)
        forever.cancel()

    assert played(story) == pytest.approx(PATIENCE_S)


def test_no_pause_inside_an_answer_is_taken_for_its_end() -> None:
    pauses = [ms for *_, sound, _ in EVENTS for hertz, ms in sound if hertz == 0]
    assert 0 < max(pauses) < gates._SILENT_S * 1000
