"""The network between one gate and its broker, as a TCP proxy that can fail on command.

    state     new connections          open connections
    open      carried to the target    bytes carried, after `delay_s`, in order
    cut       refused                  reset
    stalled   accepted, never served   bytes swallowed in both directions, nothing closed

Bytes swallowed in a stall are lost, so `restore` resets the connections that were open in it: the
peer would otherwise read a stream with a hole.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import Literal

_CHUNK = 1 << 16
# With zero linger a close sends RST instead of FIN.
_RESET = struct.pack("ii", 1, 0)


class Wire:
    """A proxy on a loopback port in front of one target.

    Args:
        target_port: port of the broker.
        target_host: its address.
        delay_s: one-way delay in seconds, both directions; may be changed at any time.

    Attributes:
        port: where the gate connects; the same for the life of the wire.
        bytes_up: bytes carried from the gate to the target.
        bytes_down: bytes carried to the gate.
        connections: connections carried so far.
    """

    def __init__(
        self, target_port: int, target_host: str = "127.0.0.1", delay_s: float = 0.0
    ) -> None:
        self.target_port = target_port
        self.target_host = target_host
        self.delay_s = delay_s
        self.port = 0
        self.bytes_up = 0
        self.bytes_down = 0
        self.connections = 0
        self.state: Literal["open", "cut", "stalled"] = "cut"
        self._server: asyncio.Server | None = None
        self._reserved: socket.socket | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Wire:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> int:
        """Listen on a free port and carry; returns the port."""
        if self._reserved is None and self._server is None:
            self._reserve()
        await self.restore()
        return self.port

    async def stop(self) -> None:
        """Reset everything and give the port back."""
        await self.cut()
        if self._reserved is not None:
            self._reserved.close()
            self._reserved = None

    async def cut(self) -> None:
        """Reset all connections and refuse new ones, until `restore`."""
        self.state = "cut"
        if self._server is not None:
            self._server.close()
            self._server = None
            self._reserve()
        await self._reset_all()

    async def stall(self) -> None:
        """Keep connections open and accept new ones, but carry nothing, until `restore`."""
        if self.state == "cut":
            await self._listen()
        self.state = "stalled"

    async def restore(self) -> None:
        """Carry again. Connections that were open during a stall are reset."""
        if self.state == "stalled":
            await self._reset_all()
        elif self.state == "cut":
            await self._listen()
        self.state = "open"

    def _reserve(self) -> None:
        # Bound and not listening: nobody else gets the port, and who connects is refused.
        self._reserved = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._reserved.bind(("127.0.0.1", self.port))
        self.port = self._reserved.getsockname()[1]

    async def _listen(self) -> None:
        reserved, self._reserved = self._reserved, None
        self._server = await asyncio.start_server(self._accept, sock=reserved)

    async def _reset_all(self) -> None:
        for writer in list(self._open):
            peer = writer.get_extra_info("socket")
            with contextlib.suppress(OSError):
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.transport.abort()
        pending = self._tasks - {asyncio.current_task()}
        for task in pending:
            task.cancel()
        if pending:
            await asyncio.wait(pending)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if (task := asyncio.current_task()) is not None:
            self._tasks.add(task)
        self._adopt(writer)
        far: asyncio.StreamWriter | None = None
        try:
            if self.state == "stalled":
                while await reader.read(_CHUNK):
                    pass
                return
            far_reader, far = await asyncio.open_connection(self.target_host, self.target_port)
            self._adopt(far)
            self.connections += 1
            up = asyncio.create_task(self._carry(reader, far, up=True))
            down = asyncio.create_task(self._carry(far_reader, writer, up=False))
            try:
                await asyncio.wait((up, down), return_when=asyncio.FIRST_COMPLETED)
            finally:
                up.cancel()
                down.cancel()
                await asyncio.gather(up, down, return_exceptions=True)
        except (OSError, asyncio.CancelledError):
            pass  # the target refuses, one side is gone, or the wire was cut: hang up below
        finally:
            for end in (writer, far):
                if end is not None:
                    self._open.discard(end)
                    end.close()
            if task is not None:
                self._tasks.discard(task)

    def _adopt(self, writer: asyncio.StreamWriter) -> None:
        end = writer.get_extra_info("socket")
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._open.add(writer)

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, up: bool
    ) -> None:
        loop = asyncio.get_running_loop()
        # On the way: (when it may arrive, bytes); the bound keeps back-pressure.
        way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(maxsize=64)

        async def arrive() -> None:
            while True:
                due, data = await way.get()
                wait = due - loop.time()
                if wait > 0:
                    await asyncio.sleep(wait)
                if not data:
                    return
                if self.state == "stalled":
                    continue
                if up:
                    self.bytes_up += len(data)
                else:
                    self.bytes_down += len(data)
                writer.write(data)
                await writer.drain()

        arrival = asyncio.create_task(arrive())
        try:
            while True:
                data = await reader.read(_CHUNK)
                await way.put((loop.time() + self.delay_s, data))
                if not data:
                    break
            await arrival
        except ConnectionError:
            return
        finally:
            arrival.cancel()
            await asyncio.gather(arrival, return_exceptions=True)
