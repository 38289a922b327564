"""A site of the test's own: gates that answer as they are told to, and a diary of what was done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from simulator.gate import GateError, Panel, dark_panel

IDLE = ["Werf Noord", "07:31          →", "BADGE HIER", "TE ZENDEN 0", "SERVER OK"]
GREEN, RED = (0, 160, 0), (160, 0, 0)


@dataclass(frozen=True, slots=True)
class Badge:
    """A card of the wall."""

    uid: str
    name: str
    company: str


@dataclass(frozen=True, slots=True)
class Plan:
    """A gate to be built."""

    terminal: str
    name: str
    direction: str


@dataclass(slots=True)
class Wire:
    """A network that carries or does not."""

    state: str = "open"


class StandInGate:
    """A gate in the test's hands.

    Args:
        name: in the diary.
        diary: where everything is noted.

    Attributes:
        granted: whether it answers green; None keeps it silent.
        held: while clear, an answer waits for it.
        near: while clear, a card in the field is not read yet, and waits for it.
        presented: set by each card.
        broken: power_on fails.
    """

    def __init__(self, name: str, diary: list[str]) -> None:
        self.interpreter = "micropython"
        self.powered = True
        self.panel: Panel = dark_panel() | {"lines": IDLE, "ring": [[0, 20, 0]] * 12}
        self.granted: bool | None = True
        self.held = asyncio.Event()
        self.held.set()
        self.near = asyncio.Event()
        self.near.set()
        self.presented = asyncio.Event()
        self.broken = False
        self.callbacks: list[Callable[[Panel], None]] = []
        self._name = name
        self._diary = diary
        self._field: list[str] = []
        self._changed = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    async def show(self, panel: Panel) -> None:
        """Makes this the panel."""
        self.panel = panel
        for callback in list(self.callbacks):
            callback(panel)
        async with self._changed:
            self._changed.notify_all()

    async def _show(self, lines: list[str], light: tuple[int, ...], **changes: Any) -> None:
        counted = {"taps": self.panel["taps"], "answered": self.panel["answered"]}
        ring = [list(light)] * 12
        await self.show(dark_panel() | counted | {"lines": lines, "ring": ring} | changes)

    async def present(self, uid_hex: str) -> None:
        if not self.powered:
            raise GateError(f"{self._name}: no power")
        self._diary.append(f"{self._name} + {uid_hex}")
        self._field.append(uid_hex)
        self.presented.set()
        task = asyncio.create_task(self._answer())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self) -> None:
        await self.held.wait()
        # As a board does: the card is reported first, then a tone, and the text after it.
        number = self.panel["taps"] + 1
        await self.show(self.panel | {"taps": number, "sounds": []})
        await self.near.wait()
        if self.granted is None:
            return
        if not self.granted:
            await self._show(["UNKNOWN BADGE"], RED, answered=number, sounds=[220])
            return
        lines = self.panel["lines"]
        await self._show(lines, GREEN, answered=number, sounds=[880], buzzer=880)
        await self._show(["WELCOME", "KEPT"], GREEN, sounds=[880, 1320], arm="open")

    async def remove(self, uid_hex: str | None = None) -> None:
        if not self.powered:
            raise GateError(f"{self._name}: no power")
        self._diary.append(f"{self._name} - {uid_hex}")
        self._field = [uid for uid in self._field if uid_hex not in (None, uid)]

    async def power_off(self) -> None:
        self.powered = False
        await self.show(dark_panel())

    async def power_on(self) -> None:
        if self.broken:
            raise GateError(f"{self._name}: did not start")
        self.powered = True
        await self._show(IDLE, (0, 20, 0))

    def on_panel(self, callback: Callable[[Panel], None]) -> Callable[[], None]:
        self.callbacks.append(callback)
        return lambda: self.callbacks.remove(callback)

    async def wait_panel(self, predicate: Callable[[Panel], Any], timeout_s: float) -> Panel:
        try:
            async with asyncio.timeout(timeout_s), self._changed:
                await self._changed.wait_for(lambda: predicate(self.panel))
        except TimeoutError:
            raise GateError(f"{self._name}: panel not as expected") from None
        return self.panel

    async def wait_silent(self, timeout_s: float) -> None:
        await self.wait_panel(lambda panel: not panel["buzzer"], timeout_s)


@dataclass(slots=True)
class StandInSite:
    """Two gates, three badges of two companies, and no process behind them.

    Args:
        authority_url: a running authority, if the test needs one.
    """

    authority_url: str = "http://127.0.0.1:9/"
    dashboard: str = "http://127.0.0.1:9/"
    diary: list[str] = field(default_factory=list)
    badges: list[Badge] = field(
        default_factory=lambda: [
            Badge("04a1b2c3d4e501", "Milan Aarts", "Bouwwerken Voorbeeld"),
            Badge("5a1b2c3d", "Ward <Claessens>", "Bouwwerken Voorbeeld"),
            Badge("0102030405060708090a", "Samir Hadji", "Toitures Exemple"),
        ]
    )
    plans: list[Plan] = field(
        default_factory=lambda: [
            Plan("gate-in", "Poort 1", "in"),
            Plan("gate-out", "Poort 2", "out"),
        ]
    )
    gates: dict[str, StandInGate] = field(init=False)
    wires: dict[str, Wire] = field(init=False)

    def __post_init__(self) -> None:
        self.gates = {plan.terminal: StandInGate(plan.terminal, self.diary) for plan in self.plans}
        self.wires = {plan.terminal: Wire() for plan in self.plans}

    async def network(self, terminal: str, up: bool) -> None:
        """Notes it, as the wire would."""
        self.wires[terminal].state = "open" if up else "cut"
        self.diary.append(f"{terminal} network {'on' if up else 'off'}")
