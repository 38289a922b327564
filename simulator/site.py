"""One simulated site: authority, hub, gates and the wires between them, each a process of its own.

The hub is started and fed by its command line only, as on any site, so nothing here knows how it
works inside. The demo, the end-to-end tests and the benchmarks all stand on this.

Everything that was started ends with `stop`, by process number; a gate ends by itself when its
control channel closes, and the hub's broker with the hub.
"""

from __future__ import annotations

import asyncio
import contextlib
import csv
import json
import os
import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from protocol.mac import broker_password
from simulator.cable import Cable
from simulator.gate import Gate, GateError, Interpreter, Panel
from simulator.wire import Wire

PEOPLE = Path(__file__).parent / "people.csv"
START_S = 60.0
STOP_S = 15.0
PATIENCE_S = 60.0
"""How long somebody waits at a gate: a machine at work on other things may answer late."""


class SiteError(Exception):
    """A part of the site did not start or said no; the text holds what it printed."""


@dataclass(frozen=True, slots=True)
class GatePlan:
    """A gate to be built: terminal id, what people call it, `in` or `out`, what connects it.

    With "bridge" its cable ends at another computer, which carries on to the broker.
    """

    terminal: str
    name: str
    direction: str
    link: Literal["wifi", "serial", "both", "bridge"] = "wifi"


@dataclass(frozen=True, slots=True)
class Badge:
    """A badge on the wall: the card's UID and what is printed on it."""

    uid: str
    name: str
    company: str


GATES = (GatePlan("gate-in", "Poort 1", "in"), GatePlan("gate-out", "Poort 1 uit", "out"))


def read_badges(file: Path) -> list[Badge]:
    """Returns the badges of a people file, in its order."""
    text = file.read_text(encoding="utf-8-sig")
    rows = csv.DictReader(text.splitlines(), delimiter=";")
    return [
        Badge(
            row["badge_uid"].lower(),
            f"{row['given_name']} {row['family_name']}",
            row["company_name"],
        )
        for row in rows
    ]


def free_port() -> int:
    """Returns a loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Program:
    """A child process that prints one JSON line when it is ready."""

    def __init__(self, name: str, arguments: Sequence[str], log: Path) -> None:
        self.name = name
        self.ready: dict[str, Any] = {}
        self._arguments = arguments
        self._log = log
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        """Process number while it runs."""
        alive = self._process is not None and self._process.returncode is None
        return self._process.pid if alive and self._process else None

    async def start(self, cwd: Path) -> dict[str, Any]:
        """Starts it and returns what it said.

        Raises:
            SiteError: it ended or said nothing in time.
        """
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *self._arguments,
                cwd=cwd,
                env=_environment(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        try:
            assert self._process.stdout is not None
            line = await asyncio.wait_for(self._process.stdout.readline(), START_S)
            self.ready = json.loads(line)
        except (TimeoutError, ValueError):
            await self.stop()
            raise SiteError(f"{self.name} did not start:\n{self.last_words()}") from None
        return self.ready

    async def stop(self) -> None:
        """Asks it to end and waits; ends it by force when it does not."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_S)
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        """Ends it by SIGKILL, as a power cut would."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)
            await self._process.wait()

    def last_words(self) -> str:
        """Returns the end of what it printed on standard error."""
        return self._log.read_text(errors="replace")[-2000:] if self._log.exists() else ""


def _environment() -> dict[str, str]:
    root = Path(__file__).resolve().parent.parent
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("SITEGATE_")}
    return inherited | {"PYTHONPATH": str(root), "PYTHONUNBUFFERED": "1"}


class SimulatedSite:
    """A whole site in a folder.

    Args:
        folder: everything is kept here; made if missing, empty at the start.
        gates: the gates to build.
        people: the people file to import, and the badges on the wall.
        site: name of the site in that file.
        interpreter: what the gates run on.
        validation_delay_s: seconds until the authority validates a registration.
        settle_s: seconds before the hub believes a search that finds nothing.
        frame_ancestors: who may frame the dashboard.
        more_settings: further tables of the hub's settings, as TOML.
    """

    def __init__(
        self,
        folder: Path,
        *,
        gates: Sequence[GatePlan] = GATES,
        people: Path = PEOPLE,
        site: str = "Werf Noord",
        interpreter: Interpreter = "auto",
        validation_delay_s: float = 20.0,
        settle_s: float = 10.0,
        frame_ancestors: str = "'none'",
        more_settings: str = "",
    ) -> None:
        self.folder = folder
        self.badges = read_badges(people)
        self.plans = gates
        self.gates: dict[str, Gate] = {}
        self.wires: dict[str, Wire] = {}
        self.cables = {
            plan.terminal: Cable(folder.resolve() / f"usb-{plan.terminal}")
            for plan in gates
            if plan.link != "wifi"
        }
        self.bridges: dict[str, Program] = {}
        self._people = people
        self._site = site
        self._interpreter: Interpreter = interpreter
        self._frame_ancestors = frame_ancestors
        self._more_settings = more_settings
        self._settle_s = settle_s
        self._broker_port = 0
        self._web_port = 0
        self.authority_port = 0
        folder.mkdir(parents=True, exist_ok=True)
        self._validation_delay_s = validation_delay_s
        self.authority: Program | None = None
        self.hub = Program(
            "hub", ["-m", "hub", "--settings", "site.toml", "run", "--json"], folder / "hub.log"
        )

    @property
    def dashboard(self) -> str:
        """Address of the hub's page."""
        return f"http://127.0.0.1:{self._web_port}/"

    @property
    def authority_url(self) -> str:
        """Address of the authority's page."""
        return f"http://127.0.0.1:{self.authority_port}/"

    @property
    def broker_pid(self) -> int | None:
        """Process number of the hub's broker as the hub said it at its start."""
        return self.hub.ready.get("broker", {}).get("pid")

    # ------------------------------------------------------------ life

    async def start(self) -> None:
        """Starts everything; returns when every gate has power and the hub is up.

        Raises:
            SiteError: a part did not start; what was started is ended again.
        """
        try:
            self._broker_port, self._web_port = free_port(), free_port()
            self.authority_port = free_port()
            await self.start_authority()
            self._write_settings()
            await self.command("import", str(self._people.resolve()), "--json")
            for plan in self.plans:
                await self._build(plan)
            await self.start_hub()
            for bridge in self.bridges.values():
                await bridge.start(self.folder)
            for gate in self.gates.values():
                await gate.start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Ends everything that runs."""
        for gate in self.gates.values():
            await gate.stop()
        for bridge in self.bridges.values():
            await bridge.stop()
        for wire in self.wires.values():
            await wire.stop()
        await self.hub.stop()
        if self.authority is not None:
            await self.authority.stop()

    async def start_authority(self) -> None:
        """Starts the authority on its port, with what it stored before."""
        self.authority = Program(
            "authority",
            [
                "-m", "simulator.authority", "--port", str(self.authority_port),
                "--store", "authority.db", "--validation-delay", str(self._validation_delay_s),
            ],
            self.folder / "authority.log",
        )  # fmt: skip
        await self.authority.start(self.folder)

    async def start_hub(self) -> None:
        """Starts the hub on the same data, after `hub.stop` or `hub.kill` too."""
        await self.hub.start(self.folder)

    async def add_gate(self, plan: GatePlan) -> None:
        """Adds a gate to a site that runs, and gives it power."""
        await self._build(plan)
        await self.gates[plan.terminal].start()

    def _write_settings(self) -> None:
        (self.folder / "site.toml").write_text(
            "\n".join(
                [
                    'data = "hub"',
                    "[broker]",
                    f"port = {self._broker_port}",
                    "[web]",
                    f"port = {self._web_port}",
                    f"frame_ancestors = {json.dumps(self._frame_ancestors)}",
                    "[authority]",
                    f'url = "http://127.0.0.1:{self.authority_port}/PresenceRegistration/v1"',
                    f"settle_s = {self._settle_s}",
                    "[serial]",
                    f"ports = {json.dumps(self._ports())}",
                    self._more_settings,
                    "",
                ]
            )
        )

    def _ports(self) -> list[str]:
        """The cables that end at the hub's own computer."""
        return [
            str(self.cables[plan.terminal].port)
            for plan in self.plans
            if plan.link in ("serial", "both")
        ]

    def _bridge(self, plan: GatePlan, settings: dict[str, Any]) -> None:
        """Plans the computer at the other end of a cable; it gets the password and no key."""
        login = self.folder / f"login-{plan.terminal}.json"
        login.touch(mode=0o600)
        password = broker_password(bytes.fromhex(settings["key"]))
        known = {"terminal": plan.terminal, "password": password, "broker": settings["broker"]}
        login.write_text(json.dumps(known))
        port = str(self.cables[plan.terminal].port)
        self.bridges[plan.terminal] = Program(
            f"bridge of {plan.terminal}",
            ["-m", "hub", "bridge", "--port", port, "--gate", str(login.resolve()), "--json"],
            self.folder / f"bridge-{plan.terminal}.log",
        )

    async def _build(self, plan: GatePlan) -> None:
        """Adds the terminal at the hub and builds its gate with the settings the hub wrote."""
        wire = Wire(self._broker_port)
        await wire.start()
        self.wires[plan.terminal] = wire
        folder = self.folder / plan.terminal
        folder.mkdir(exist_ok=True)
        secret = folder / "issued.json"
        secret.unlink(missing_ok=True)
        await self.command(
            "terminal", "add", plan.terminal, "--out", str(secret.resolve()),
            "--site", self._site, "--name", plan.name, "--direction", plan.direction,
            "--broker-host", "127.0.0.1", "--broker-port", str(wire.port),
            "--wifi-ssid", "werf", "--wifi-password", "simulated", "--json",
        )  # fmt: skip
        settings = json.loads(secret.read_text())
        secret.unlink()
        settings["link"] = "serial" if plan.link == "bridge" else plan.link
        if plan.link == "bridge":
            self._bridge(plan, settings)
        self.gates[plan.terminal] = Gate(
            plan.terminal,
            folder,
            settings,
            self._interpreter,
            cable=self.cables.get(plan.terminal),
        )

    async def command(self, *arguments: str) -> str:
        """Runs `sitegate` with this site's settings; returns what it printed.

        Raises:
            SiteError: it ended with an exit code other than 0.
        """
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "hub", "--settings", "site.toml", *arguments,
            cwd=self.folder,
            env=_environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate()
        if process.returncode != 0:
            what = " ".join(arguments[:2])
            raise SiteError(f"sitegate {what}: exit code {process.returncode}\n{err.decode()}")
        return out.decode()

    # ------------------------------------------------------------ what people do

    async def tap(self, terminal: str, uid: str, patience_s: float = PATIENCE_S) -> None:
        """Holds a badge to a gate's reader until the gate answers, then takes it away.

        It waits until the gate has said all of what it says to the one before, as people do. What
        it says in front of a badge that it has not read yet is for somebody else and no answer:
        the badge would be gone before the reader has seen it.

        Args:
            terminal: terminal id.
            uid: UID of the badge in hex.
            patience_s: seconds after which a person gives up.

        Raises:
            GateError: nothing was answered in that time, or the gate has no power.
        """
        gate = self.gates[terminal]
        await gate.wait_silent(patience_s)
        before = gate.panel["taps"]

        def answered(panel: Panel) -> bool:
            return panel["answered"] > before or not gate.powered

        await gate.present(uid)
        try:
            await gate.wait_panel(answered, patience_s)
        finally:
            with contextlib.suppress(GateError):  # without power there is no field to leave
                await gate.remove(uid)

    async def network(self, terminal: str, up: bool) -> None:
        """Plugs a gate's network in, or pulls it out."""
        wire = self.wires[terminal]
        await (wire.restore() if up else wire.cut())
        if self.gates[terminal].powered:
            await self.gates[terminal].network(up)
