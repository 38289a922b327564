"""The far end of a hub's serial port, by hand: a gate on a pseudo terminal or a socket."""

from __future__ import annotations

import os
import pty
import select
import struct
import time
import tty
from pathlib import Path
from typing import Self

from tests.firmware.hand_port import PING, PONG, framed, unframed

DEADLINE_S = 10.0


class SerialGate:
    """A gate whose port has the name `path` while the cable is in.

    Args:
        terminal: what it calls itself.
        path: name of the port; a link to the pseudo terminal.
    """

    def __init__(self, terminal: str, path: Path) -> None:
        self.terminal = terminal
        self.path = path
        self.number = 100
        self._near = self._far = -1
        self._stretch = b""

    def __enter__(self) -> Self:
        self.plug()
        return self

    def __exit__(self, *_: object) -> None:
        self.unplug()

    def plug(self) -> None:
        """The port appears."""
        self._near, self._far = pty.openpty()
        tty.setraw(self._far)
        os.set_blocking(self._near, False)
        self._stretch = b""
        self.path.symlink_to(os.ttyname(self._far))

    def unplug(self) -> None:
        """The port vanishes."""
        if self._near >= 0:
            self.path.unlink()
            os.close(self._near)
            os.close(self._far)
            self._near = self._far = -1

    def write(self, data: bytes) -> int:
        """Writes as much as the line takes now; returns how much."""
        try:
            return os.write(self._near, data)
        except BlockingIOError:
            return 0

    def send(self, code: int, payload: bytes) -> None:
        """Writes one frame."""
        assert self.write(framed(code, payload)) == len(framed(code, payload))

    def ping(self) -> None:
        """Writes the next ping."""
        self.number += 1
        self.send(PING, struct.pack("<BI", 1, self.number) + self.terminal.encode())

    def frame(self, wait_s: float = DEADLINE_S) -> tuple[int, bytes] | None:
        """Returns the next frame of the hub, or None when none came in this time."""
        end = time.monotonic() + wait_s
        while True:
            while b"\0" in self._stretch:
                stretch, _, self._stretch = self._stretch.partition(b"\0")
                if stretch:
                    found = unframed(stretch)
                    assert found is not None, "the hub wrote what is no frame"
                    return found
            left = end - time.monotonic()
            if left <= 0 or not select.select([self._near], [], [], left)[0]:
                return None
            self._stretch += os.read(self._near, 4096)

    def answered(self) -> tuple[int, int, int]:
        """Pings until the hub answers the last ping: (number, session, reached)."""
        end = time.monotonic() + DEADLINE_S
        while time.monotonic() < end:
            self.ping()
            while (frame := self.frame(0.2)) is not None:
                if frame[0] == PONG:
                    _version, number, session, reached = struct.unpack("<BIIB", frame[1])
                    if number == self.number:
                        return number, session, reached
        raise AssertionError("no answer to a ping")
