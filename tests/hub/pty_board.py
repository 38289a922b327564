"""A Pico on a serial port without a Pico: the real MicroPython, its REPL on a pseudo-terminal.

The file system at / is a LittleFS on the simulated flash chip, kept in a file. What the stock image
does around the REPL is done here: a soft reset (Ctrl-D in the raw REPL) starts the interpreter
again in the raw REPL, `machine.reset()` starts it as power does, with the port gone for a moment,
and pulling the plug ends both the port and the power.
"""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import termios
import threading
import tty
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "tests" / "hub" / "vm" / "pico.py"
VM = Path(sys.executable).parent / "micropython"
RESET = 64


class PtyBoard:
    """A board with its power on and its plug in, inside a `with`.

    Args:
        flash: file with the content of its flash; made blank if missing.
        platform, version: what its MicroPython says it is.
        wifi: it has a radio.
        busy: "" at its prompt, "firmware" with a program at work, "cable" with one that speaks
            over the cable and listens to frames only, "deaf" with one that listens to nothing.
        unplug_after: bytes to the board after which the plug is pulled; 0 for never.

    Attributes:
        port: name of the serial port.
        restarted: set when it was started by `machine.reset()`.
        received: bytes that came to the board.
        unplugged: the plug was pulled.
    """

    def __init__(
        self,
        flash: Path,
        *,
        platform: str = "rp2",
        version: tuple[int, int] = (1, 28),
        wifi: bool = True,
        busy: str = "",
        unplug_after: int = 0,
    ) -> None:
        self._arguments = [str(flash), platform, str(version[0]), str(version[1]), str(int(wifi))]
        self._busy = busy
        self._unplug_after = unplug_after
        self.port = ""
        self.restarted = threading.Event()
        self.received = 0
        self.unplugged = False
        self._process: subprocess.Popen[bytes] | None = None
        self._inner = -1

    def __enter__(self) -> PtyBoard:
        self._link = Path(self._arguments[0] + ".port")
        self.port = str(self._link)
        self._stop, self._stopped = os.pipe()
        self._plug_in()
        self._start(self._busy)
        self._thread = threading.Thread(target=self._relay, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.write(self._stopped, b"x")
        self._thread.join()
        self._end()
        if not self.unplugged:
            self._pull()
        os.close(self._stop)
        os.close(self._stopped)

    def _plug_in(self) -> None:
        self._outer, slave = pty.openpty()
        tty.setraw(slave)
        # Kept open: without an opener a pseudo-terminal reads as hung up.
        self._slave = slave
        self._link.symlink_to(os.ttyname(slave))

    def _pull(self) -> None:
        self._link.unlink(missing_ok=True)
        os.close(self._outer)
        os.close(self._slave)

    def _start(self, busy: str) -> None:
        inner, slave = pty.openpty()
        modes = termios.tcgetattr(slave)
        # Bytes pass as they are, but for the one that interrupts.
        modes[0] &= ~(termios.ICRNL | termios.IXON)
        modes[1] &= ~termios.OPOST
        modes[3] &= ~(termios.ECHO | termios.ICANON)
        if busy in ("deaf", "cable"):
            modes[3] &= ~termios.ISIG
        termios.tcsetattr(slave, termios.TCSANOW, modes)
        self._process = subprocess.Popen(
            ["setsid", "-c", str(VM), "-X", "heapsize=200wK", "-i", str(SCRIPT), *self._arguments]
            + ([busy] if busy else []),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={"MICROPYPATH": f"{ROOT}:.frozen"},
        )
        os.close(slave)
        self._inner = inner

    def _end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()
        if self._inner >= 0:
            os.close(self._inner)
            self._inner = -1

    def _relay(self) -> None:
        while True:
            readable, _, _ = select.select([self._outer, self._inner, self._stop], [], [])
            if self._stop in readable:
                return
            if self._outer in readable:
                data = os.read(self._outer, 4096)
                self.received += len(data)
                if self._unplug_after and self.received >= self._unplug_after:
                    self._unplug()
                    return
                os.write(self._inner, data)
            if self._inner in readable:
                try:
                    data = os.read(self._inner, 4096)
                except OSError:
                    data = b""
                if data:
                    os.write(self._outer, data)
                else:
                    self._begin_again()

    def _begin_again(self) -> None:
        assert self._process is not None
        code = self._process.wait()
        self._end()
        if code == RESET:
            self._pull()
            self._plug_in()
            self._start(self._busy)
            self.restarted.set()
        else:
            self._start("")
            os.write(self._outer, b"MPY: soft reboot\r\n")
            os.write(self._inner, b"\x01")

    def _unplug(self) -> None:
        self.unplugged = True
        self._end()
        self._pull()
