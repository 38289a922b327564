"""What people do at the gates: hold cards to a reader, pull a plug, switch the power.

Theory of operation. At one gate only one person taps at a time; who comes meanwhile queues up, in
order. Gates know nothing of each other, so their queues move at the same time.

    queue -> buzzer silent -> cards in the field -> the gate sounds -> the person reads the display
          -> cards away -> a moment to step aside -> next

A gate answers with a sound whatever it decides, so its sound is the end of waiting. It sounds for
other reasons too (a receipt arrives, an alarm), so only a sound after it has read these cards
counts: the board numbers the cards and says which is the newest that is answered.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from simulator.console.drawing import lamps_word
from simulator.console.ports import GateLike, PlanLike, SiteLike
from simulator.gate import GateError

PATIENCE_S: Final = 3.0
"""A person gives up when a gate stays silent that long."""
READ_S: Final = 0.2
"""A person holds the card a little longer and looks; the display follows the sound by 50 ms."""
STEP_ASIDE_S: Final = 0.35
"""Between two people. The firmware wants the field empty for three polls, 200 ms, before the same
card counts again."""
QUEUE_MAX: Final = 8

_MELODY_S: Final = 2.0


class Refusal(Exception):
    """What was asked cannot be done now; the text says what to do instead.

    Args:
        key: of texts.toml.
        status: of the HTTP answer.
        **values: for the text; never a card's number.
    """

    def __init__(self, key: str, status: int = 409, **values: object) -> None:
        super().__init__(key)
        self.key = key
        self.status = status
        self.values = values


@dataclass(frozen=True, slots=True)
class Answer:
    """What a gate showed: "green", "red" or "amber", and the text on its display."""

    gate: str
    lamps: str
    lines: tuple[str, ...]


@dataclass(slots=True)
class _Turn:
    """The place in front of one reader."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    people: int = 0
    free_at: float = 0.0


class Hands:
    """Everything a visitor of the page can do to the gates.

    Args:
        site: whose gates.
    """

    def __init__(self, site: SiteLike) -> None:
        self._site = site
        self._turns = {plan.terminal: _Turn() for plan in site.plans}

    def plan(self, terminal: str) -> PlanLike:
        """Returns the gate's plan.

        Raises:
            Refusal: the site has no such gate.
        """
        for plan in self._site.plans:
            if plan.terminal == terminal:
                return plan
        raise Refusal("failed_unknown", 404)

    async def tap(self, terminal: str, uids: Sequence[str]) -> Answer:
        """Holds cards to a gate's reader together, until it answers.

        Args:
            terminal: terminal id.
            uids: one or more UIDs in hex.

        Raises:
            Refusal: no such gate, no power, no answer, or too many people in front of it.
        """
        name = self.plan(terminal).name
        gate, turn = self._site.gates[terminal], self._turns[terminal]
        if turn.people >= QUEUE_MAX:
            raise Refusal("failed_queue", 429, gate=name)
        turn.people += 1
        try:
            async with turn.lock:
                clock = asyncio.get_running_loop().time
                await asyncio.sleep(max(0.0, turn.free_at - clock()))
                try:
                    panel = await _hold(gate, uids)
                except GateError:
                    key = "failed_silent" if gate.powered else "failed_no_power"
                    raise Refusal(key, gate=name, seconds=int(PATIENCE_S)) from None
                finally:
                    turn.free_at = clock() + STEP_ASIDE_S
        finally:
            turn.people -= 1
        return Answer(name, lamps_word(panel["ring"]), tuple(gate.panel["lines"]))

    async def power(self, terminal: str, on: bool) -> None:
        """Switches a gate's power; cutting it kills the board wherever the firmware is.

        Raises:
            Refusal: no such gate, or it did not start.
        """
        name = self.plan(terminal).name
        gate = self._site.gates[terminal]
        try:
            if on:
                await gate.power_on()
                # A board that starts finds its access point; a plug that is out stays out.
                await self._site.network(terminal, self._site.wires[terminal].state == "open")
            else:
                await gate.power_off()
        except GateError:
            raise Refusal("failed_start", 500, gate=name) from None

    async def network(self, terminal: str, up: bool) -> None:
        """Plugs a gate's network in, or pulls it out; without power, for when it is back.

        Raises:
            Refusal: no such gate, or it lost its power meanwhile.
        """
        name = self.plan(terminal).name
        try:
            await self._site.network(terminal, up)
        except GateError:
            raise Refusal("failed_no_power", gate=name) from None


async def _hold(gate: GateLike, uids: Sequence[str]) -> dict[str, Any]:
    """Returns the panel with which the gate answered."""
    with contextlib.suppress(GateError):  # it never ends: the new answer is heard all the same
        await gate.wait_silent(_MELODY_S)
    all_held = gate.panel["taps"] + len(uids)

    def answered(panel: dict[str, Any]) -> bool:
        return panel["answered"] >= all_held or not gate.powered

    try:
        for uid in uids:
            await gate.present(uid)
        panel = await gate.wait_panel(answered, PATIENCE_S)
        await asyncio.sleep(READ_S)
    finally:
        with contextlib.suppress(GateError):  # without power there is no field to leave
            for uid in uids:
                await gate.remove(uid)
    if not gate.powered:
        raise GateError("the power went off under the card")
    return panel
