"""One simulated gate: the process that runs the firmware, and a hand on everything around it.

A Gate owns exactly one board process (simulator/board/boot.py) and a control channel to it. The
process dies by SIGKILL when the power is cut, and with its owner: it leaves when the channel
closes. Flash and settings live in the gate's folder and outlast the power.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import hashlib
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from simulator.cable import Cable
from simulator.compiled import compiled

Panel = dict[str, Any]
Interpreter = Literal["auto", "micropython", "python"]

_ROOT = Path(__file__).resolve().parent.parent
_BOOT = _ROOT / "simulator" / "board" / "boot.py"
# The Pico W image has 205,184 bytes of heap in 32-bit words; `w` makes it as many objects here.
# The models of the board share the VM's heap: boot.py leaves the firmware only that much of it.
HEAP = "200wK"
BOARD_HEAP = "360wK"
START_TIMEOUT_S = 10.0
_ANSWER_TIMEOUT_S = 5.0
_TAIL_LINES = 200
_SILENT_S = 0.15
"""Longer than the pauses inside an answer, which last 100 ms at most."""
# Exit codes of a board that resets itself (simulator/board/registry.py) and the cause it then
# reads in machine.reset_cause(): a reset by software and one by the watchdog look alike there.
_RESETS = {64: 3, 65: 3}


class GateError(Exception):
    """The board is not running, or not answering; the text ends with what it printed."""


def dark_panel() -> Panel:
    """The panel of a gate without power.

    ring: 12 of [red, green, blue]; lines: texts on the display from the top; pixels: the display,
    1,024 bytes in hex, 8 pages of 128 columns, bit 0 on top; buzzer: hertz; taps: badges held to
    the reader since power-on; answered: number of the newest of them, from 1 on, that the reader
    had read when a tone began, which is the gate's answer to it, 0 for none; sounds: tones heard
    since the last badge was held there, in hertz, whatever they are for; arm: "closed" or "open".
    """
    return {
        "ring": [[0, 0, 0] for _ in range(12)],
        "lines": [],
        "pixels": "00" * 1024,
        "buzzer": 0,
        "taps": 0,
        "answered": 0,
        "sounds": [],
        "arm": "closed",
    }


def find_interpreter(wanted: Interpreter = "auto") -> tuple[str, Path]:
    """The interpreter a gate will run on: ("micropython" | "python", executable).

    Args:
        wanted: "auto" takes the MicroPython VM beside this Python if it is installed, else CPython.

    Raises:
        GateError: "micropython" was asked for and is not installed.
    """
    vm = Path(sys.executable).parent / "micropython"
    if wanted != "python" and os.access(vm, os.X_OK):
        return "micropython", vm
    if wanted == "micropython":
        raise GateError(f"no MicroPython VM beside {Path(sys.executable).name}")
    return "python", Path(sys.executable)


class Gate:
    """A gate with its power, its badge reader and its panel in the caller's hands.

    Args:
        terminal_id: of the terminal; also decides the board's unique id.
        folder: where the gate's flash and settings are kept; made if missing.
        settings: written to settings.json in the flash at the first power-on; may be empty.
        interpreter: see find_interpreter.
        app: module with `async def run(root)`; tests bring their own,
        app_folder: from this folder.
        main: run `main.py` of the flash and only what lies there, as a board does; flash.bin in the
            folder must hold it. On MicroPython only.
        cable: what its USB port is connected to, if anything.

    Attributes:
        interpreter: "micropython" or "python", what the firmware really runs on.
        panel: what is to be seen and heard now; replaced, never changed in place.
    """

    def __init__(
        self,
        terminal_id: str,
        folder: Path | str,
        settings: dict[str, Any],
        interpreter: Interpreter = "auto",
        app: str = "firmware.app",
        app_folder: Path | str | None = None,
        main: bool = False,
        cable: Cable | None = None,
    ) -> None:
        self.terminal_id = terminal_id
        self.folder = Path(folder)
        self.settings = settings
        self.interpreter, self._executable = find_interpreter(interpreter)
        self.panel: Panel = dark_panel()
        self.board: dict[str, Any] = {}
        self._app = ["--app", app]
        if app_folder is not None:
            self._app += ["--app-folder", str(app_folder)]
        if main:
            self._app += ["--main", "yes"]
        self._inputs: dict[str, int] = {}
        self.cable = cable
        self._callbacks: list[Callable[[Panel], None]] = []
        self._changed = asyncio.Condition()
        self._output: collections.deque[str] = collections.deque(maxlen=_TAIL_LINES)
        self._server: asyncio.Server | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._connected = asyncio.Event()
        self._power = asyncio.Lock()
        self._powered = False
        if cable is not None:
            cable.printed = self._output.append

    async def __aenter__(self) -> Gate:
        try:
            await self.start()
        except GateError:
            await self.stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    # Power.

    @property
    def powered(self) -> bool:
        """Whether the gate has power and its process lives."""
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int | None:
        """Process id of the board, None without power."""
        return self._process.pid if self._process is not None and self.powered else None

    @property
    def output(self) -> str:
        """The last lines the board printed, on both of its streams."""
        return "\n".join(self._output)

    async def start(self) -> None:
        """Make the folder, open the control channel and switch the power on.

        Raises:
            GateError: the board did not come up, or its firmware cannot be imported.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.settings:
            path = self.folder / "settings.json"
            path.touch(mode=0o600)  # it holds the terminal's key
            path.write_text(json.dumps(self.settings), encoding="utf-8")
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1 << 16)
        await self.power_on()

    async def stop(self) -> None:
        """Switch the power off and close the control channel. Harmless when done already."""
        await self.power_off()
        if self._server is not None:
            self._server.close()
            self._server = None

    async def power_on(self) -> None:
        """Start the board and wait until its models are connected; nothing if it has power.

        Raises:
            GateError: it ended or stayed silent for START_TIMEOUT_S seconds.
        """
        async with self._power:
            if not self.powered:
                await self._boot(reset_cause=1)

    async def power_off(self) -> None:
        """Cut the power: SIGKILL, wherever the firmware is. The panel goes dark."""
        async with self._power:
            self._powered = False
            process = self._process
            if process is not None and process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
            if process is not None:
                await process.wait()
            self._process = None
            if self._writer is not None:
                self._writer.close()
                self._writer = None
            if self.cable is not None:
                await self.cable.detach()
        # Its last lines; not under the lock, for which a board that was resetting itself waits.
        tasks = self._tasks - {asyncio.current_task()}
        if tasks:
            await asyncio.wait(tasks, timeout=_ANSWER_TIMEOUT_S)
        await self._show(dark_panel())

    def command(self, port: int, reset_cause: int = 1) -> list[str]:
        """The command line of the board process, for a control channel on `port`."""
        command = [str(self._executable)]
        if self.interpreter == "micropython":
            command += ["-X", f"heapsize={BOARD_HEAP}"]
        command += [str(_BOOT), "--control", str(port)]
        if self.interpreter == "micropython":
            command += ["--compiled", str(compiled())]
        command += ["--flash", str((self.folder / "flash.bin").resolve())]
        if self.settings:
            command += ["--settings", str((self.folder / "settings.json").resolve())]
        if self._inputs:
            held = ",".join(f"{name}={level}" for name, level in self._inputs.items())
            command += ["--inputs", held]
        unique = hashlib.sha256(self.terminal_id.encode()).hexdigest()[:16]
        return [*command, *self._app, "--unique-id", unique, "--reset-cause", str(reset_cause)]

    def environment(self) -> dict[str, str]:
        """The environment of the board process: where each interpreter finds the firmware."""
        path = f"{_ROOT}/simulator/board/shims:{_ROOT}:.frozen"
        return os.environ | {"MICROPYPATH": path, "PYTHONUNBUFFERED": "1"}

    async def _boot(self, reset_cause: int) -> None:
        if self._server is None:
            raise GateError(f"{self.terminal_id}: not started")
        self._connected.clear()
        port = self._server.sockets[0].getsockname()[1]
        self._powered = True
        usb = await self.cable.attach() if self.cable is not None else None
        try:
            self._process = process = await asyncio.create_subprocess_exec(
                *self.command(port, reset_cause),
                cwd=self.folder,
                env=self.environment(),
                stdin=asyncio.subprocess.DEVNULL if usb is None else usb.fileno(),
                stdout=asyncio.subprocess.PIPE if usb is None else usb.fileno(),
                stderr=asyncio.subprocess.STDOUT if usb is None else asyncio.subprocess.PIPE,
                # A Ctrl-C at the terminal is for the owner; here it would mean the board's prompt.
                start_new_session=True,
            )
        finally:
            if usb is not None:
                usb.close()
        self._spawn(self._watch(process))
        ended = asyncio.create_task(process.wait())
        connected = asyncio.create_task(self._connected.wait())
        try:
            await asyncio.wait(
                (ended, connected), timeout=START_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            ended.cancel()
            connected.cancel()
        if not self._connected.is_set():
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            raise GateError(self._complaint("did not start"))

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        """Keep what the board prints; start it again when it reset itself."""
        printed = process.stdout or process.stderr  # what it prints goes over the cable
        while printed is not None and (line := await printed.readline()):
            self._output.append(line.decode(errors="replace").rstrip())
        code = await process.wait()
        if self._process is not process or not self._powered:
            return
        if code in _RESETS and self._connected.is_set():
            async with self._power:
                if self._powered and self._process is process:
                    await self._show(dark_panel())
                    with contextlib.suppress(GateError):  # the next call reports a dead board
                        await self._boot(_RESETS[code])
        else:
            self._output.append(f"[board ended with code {code}]")
            await self._show(dark_panel())

    def _complaint(self, what: str) -> str:
        return f"{self.terminal_id}: board {what}\n{self.output}".rstrip()

    # The control channel.

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            # A line without its end is one the power cut.
            while (line := await reader.readline()).endswith(b"\n"):
                await self._hear(json.loads(line), writer)
        except (ConnectionError, asyncio.CancelledError):
            pass  # the power was cut, or the owner's loop ends
        finally:
            writer.close()
            if self._writer is writer:
                self._writer = None
                async with self._changed:
                    self._changed.notify_all()

    async def _hear(self, message: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        if "panel" in message:
            if self._writer is writer:
                await self._show(self.panel | message["panel"])
        elif "board" in message:
            self.board = message["board"]
            self._writer = writer
            self._connected.set()
            async with self._changed:
                self._changed.notify_all()
        else:
            self._answers.put_nowait(message)

    async def _send(self, message: dict[str, Any]) -> None:
        if self._writer is None:
            raise GateError(self._complaint("has no power"))
        self._writer.write(json.dumps(message).encode() + b"\n")
        try:
            await self._writer.drain()
        except ConnectionError as error:
            raise GateError(self._complaint("is gone")) from error

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # What the world does.

    async def present(self, uid_hex: str) -> None:
        """Hold a badge in front of the reader, until `remove`.

        Args:
            uid_hex: 8, 14 or 20 hexadecimal digits.

        Raises:
            ValueError: not such a UID.
            GateError: the board has no power.
        """
        if len(bytes.fromhex(uid_hex)) not in (4, 7, 10):
            raise ValueError("a UID has 4, 7 or 10 bytes")
        await self._send({"present": uid_hex})

    async def remove(self, uid_hex: str | None = None) -> None:
        """Take that badge away, or all of them."""
        await self._send({"remove": uid_hex or True})

    async def network(self, up: bool) -> None:
        """The access point appears or disappears. Open sockets are the Wire's to cut."""
        await self._send({"network": up})

    async def access_points(self, *points: tuple[str, str, int]) -> None:
        """The access points there are from now on: (name, password, signal in dBm)."""
        await self._send({"points": points})

    async def fragile_radio(self, fragile: bool) -> None:
        """Whether reading the signal strength breaks the association, as users report."""
        await self._send({"fragile": fragile})

    async def chip(self, condition: str) -> None:
        """Condition of the reader chip: "ok", "dead", "stuck", "reset", "noise", "version:12"."""
        await self._send({"chip": condition})

    async def clock_chip(self, condition: str) -> None:
        """Condition of the clock chip: "ok", "missing", "stopped" (its battery was out)."""
        await self._send({"clock_chip": condition})

    async def supply(self, millivolts: int) -> None:
        """The supply sags or comes back."""
        await self._send({"supply": millivolts})

    async def walk_through(self) -> None:
        """A person pushes the arm; it turns if it is open."""
        await self._send({"pass": True})

    async def fire(self, alarm: bool) -> None:
        """The fire panel raises or ends its alarm."""
        await self._send({"fire": alarm})

    async def input(self, name: str, level: int | None) -> None:
        """Set a contact: tamper, button_in, button_out, button_recovery; None lets it go.

        Without power too: it has this level when the power comes.
        """
        if level is None:
            self._inputs.pop(name, None)
        else:
            self._inputs[name] = level
        if self.powered:
            await self._send({"input": name, "level": level})

    # What can be seen.

    def on_panel(self, callback: Callable[[Panel], None]) -> Callable[[], None]:
        """Call `callback(panel)` at every change; returns a function that ends it."""
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback)

    async def wait_panel(self, predicate: Callable[[Panel], Any], timeout_s: float) -> Panel:
        """Wait until the panel satisfies `predicate`, and return it.

        Args:
            predicate: called with the panel as it is now and after each change.
            timeout_s: seconds.

        Raises:
            GateError: it did not in time; the text holds the panel's lines and the output.
        """
        try:
            async with asyncio.timeout(timeout_s), self._changed:
                await self._changed.wait_for(lambda: predicate(self.panel))
        except TimeoutError:
            seen = {k: v for k, v in self.panel.items() if k != "pixels"}
            raise GateError(self._complaint(f"panel not as expected: {seen}")) from None
        return self.panel

    async def wait_silent(self, timeout_s: float) -> None:
        """Wait until the gate sounds no tone, and is not merely between two tones of one answer.

        Args:
            timeout_s: seconds for each tone.

        Raises:
            GateError: a tone went on for longer than that.
        """
        while True:
            await self.wait_panel(lambda panel: not panel["buzzer"], timeout_s)
            try:
                async with asyncio.timeout(_SILENT_S), self._changed:
                    await self._changed.wait_for(lambda: self.panel["buzzer"])
            except TimeoutError:
                return

    async def counters(self) -> dict[str, int]:
        """Work done since power-on: flash, reader and bus counters, heap_free, heap_used.

        On CPython the flash and heap figures are 0: not measured.

        Raises:
            GateError: the board has no power or does not answer.
        """
        while not self._answers.empty():
            self._answers.get_nowait()
        await self._send({"ask": "counters"})
        deadline = time.monotonic() + _ANSWER_TIMEOUT_S
        while True:
            try:
                answer = await asyncio.wait_for(self._answers.get(), deadline - time.monotonic())
            except TimeoutError:
                raise GateError(self._complaint("does not answer")) from None
            if "counters" in answer:
                return answer["counters"]

    async def _show(self, panel: Panel) -> None:
        if panel == self.panel:
            return
        self.panel = panel
        for callback in list(self._callbacks):
            callback(panel)
        async with self._changed:
            self._changed.notify_all()
