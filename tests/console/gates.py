"""A site of real gates: the firmware on its interpreter, without a hub behind it."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

from simulator.gate import Gate, Interpreter
from simulator.site import PEOPLE, Badge, GatePlan, read_badges
from simulator.wire import Wire

KEY = "00112233445566778899aabbccddeeff" * 2


def settings(plan: GatePlan, port: int) -> dict[str, Any]:
    """Returns what an installer would have given this gate."""
    return {
        "terminal": plan.terminal,
        "site": "Werf Noord",
        "direction": plan.direction,
        "language": "en",
        "key": KEY,
        "badge_key": KEY[::-1],
        "broker": {"host": "127.0.0.1", "port": port},
        "wifi": {"ssid": "werf", "password": "simulated"},
    }


class GatesOnly:
    """Real gates, wires that lead nowhere, and the badges of the demo.

    Args:
        folder: of flash and settings.
        url: what is shown in place of dashboard and authority.
        interpreter: what the firmware runs on.
    """

    def __init__(self, folder: Path, url: str, interpreter: Interpreter) -> None:
        self.plans = (GatePlan("gate-in", "Poort 1", "in"), GatePlan("gate-out", "Poort 2", "out"))
        self.badges: list[Badge] = read_badges(PEOPLE)
        self.dashboard = self.authority_url = url
        self.gates: dict[str, Gate] = {}
        self.wires: dict[str, Wire] = {}
        self._folder = folder
        self._interpreter: Interpreter = interpreter

    async def start(self) -> GatesOnly:
        """Switches the power on; returns itself."""
        with socket.socket() as nowhere:
            nowhere.bind(("127.0.0.1", 0))
            port = nowhere.getsockname()[1]
        for plan in self.plans:
            wire = self.wires[plan.terminal] = Wire(port)
            await wire.start()
            gate = self.gates[plan.terminal] = Gate(
                plan.terminal,
                self._folder / plan.terminal,
                settings(plan, wire.port),
                self._interpreter,
            )
            await gate.start()
        for gate in self.gates.values():
            await gate.wait_panel(lambda panel: len(panel["lines"]) > 3, 10)
        return self

    async def stop(self) -> None:
        """Ends every process."""
        for gate in self.gates.values():
            await gate.stop()
        for wire in self.wires.values():
            await wire.stop()

    async def network(self, terminal: str, up: bool) -> None:
        """Plugs a gate's network in, or pulls it out."""
        wire = self.wires[terminal]
        await (wire.restore() if up else wire.cut())
        if self.gates[terminal].powered:
            await self.gates[terminal].network(up)
