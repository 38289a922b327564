"""The USB cable between a gate and a computer: a byte stream that ends in a real terminal device.

    board process --stdin/stdout--> Cable --pseudo terminal--> whoever opens `port`

On the Pico the port is what `sys.stdin` and `sys.stdout` are, so here it is as well: what the
firmware prints travels with its frames. While the cable is out, or the board without power, the
computer has no such port, and what the board writes is dropped as its USB controller does.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import socket
import tty
from collections.abc import Callable
from pathlib import Path

_CHUNK = 4096
_TEXT = frozenset(b"\t\r\n") | frozenset(range(32, 127))


class Cable:
    """A cable with one gate at its end.

    Args:
        port: the name under which the computer finds the port while there is one.

    Attributes:
        plugged: whether the cable is in.
        bytes_up: bytes that reached the computer.
        bytes_down: bytes that reached the board.
        printed: called with each line of text that the board printed.
    """

    def __init__(self, port: Path) -> None:
        self.port = port
        self.plugged = True
        self.bytes_up = 0
        self.bytes_down = 0
        self.printed: Callable[[str], None] = lambda line: None
        self._board: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self._ends: tuple[int, int] | None = None
        self._cut_after = -1
        self._stretch = bytearray()

    async def attach(self) -> socket.socket:
        """Power for the board's end: returns what its process has as stdin and stdout.

        The caller closes it when the process has it.
        """
        await self.detach()
        ours, theirs = socket.socketpair()
        reader, self._board = await asyncio.open_connection(sock=ours)
        self._reading = asyncio.create_task(self._from_board(reader, self._board))
        self._appear()
        return theirs

    async def detach(self) -> None:
        """The board's end is dead; the computer loses its port."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
            self._reading = None

    def plug(self) -> None:
        """Puts the cable in."""
        self.plugged = True
        self._appear()

    def unplug(self) -> None:
        """Pulls the cable out: the computer's port vanishes."""
        self.plugged = False
        self._cut_after = -1
        self._vanish()

    def unplug_after(self, count: int) -> None:
        """Pulls the cable out when `count` more bytes came up from the board."""
        self._cut_after = count

    def noise_up(self, data: bytes) -> None:
        """Bytes that nobody sent arrive at the computer."""
        self._to_computer(data)

    def noise_down(self, data: bytes) -> None:
        """Bytes that nobody sent arrive at the board."""
        if self._board is not None:
            self._board.write(data)

    # ------------------------------------------------------------ the computer's end

    def _appear(self) -> None:
        if self._ends is None and self.plugged and self._board is not None:
            near, far = pty.openpty()
            tty.setraw(far)
            os.set_blocking(near, False)
            self._ends = near, far
            self.port.unlink(missing_ok=True)
            self.port.symlink_to(os.ttyname(far))
            asyncio.get_running_loop().add_reader(near, self._from_computer, near)

    def _vanish(self) -> None:
        if self._ends is not None:
            near, far = self._ends
            self._ends = None
            asyncio.get_running_loop().remove_reader(near)
            self.port.unlink(missing_ok=True)
            os.close(near)
            os.close(far)

    def _from_computer(self, near: int) -> None:
        with contextlib.suppress(BlockingIOError):
            data = os.read(near, _CHUNK)
            self.bytes_down += len(data)
            if self._board is not None:
                self._board.write(data)

    def _to_computer(self, data: bytes) -> None:
        if self._ends is None:
            return
        cut = 0 <= self._cut_after <= len(data)
        part = data[: self._cut_after] if cut else data
        if self._cut_after > 0:
            self._cut_after -= len(part)
        with contextlib.suppress(BlockingIOError):  # nobody reads: the buffer is full
            self.bytes_up += os.write(self._ends[0], part)
        if cut:
            self.unplug()

    # ------------------------------------------------------------ the board's end

    async def _from_board(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(_CHUNK):
                self._overhear(data)
                self._to_computer(data)
        except ConnectionError:
            pass  # the power was cut
        finally:
            self._overhear(b"\0")  # its last words have no frame behind them
            if self._board is writer:
                self._board = None
                self._vanish()
            writer.close()

    def _overhear(self, data: bytes) -> None:
        """Tells the text between two frames; a stretch with anything else in it is a frame."""
        for number, piece in enumerate(data.split(b"\0")):
            if number:
                if self._stretch and _TEXT.issuperset(self._stretch):
                    for line in self._stretch.decode().splitlines():
                        self.printed(line)
                self._stretch.clear()
            self._stretch += piece
            del self._stretch[:-_CHUNK]
