"""Runs the application: binds first, says when it is ready, stops without a loose end."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from collections.abc import Callable
from typing import final

import uvicorn
from fastapi import FastAPI

from simulator.authority.addresses import urls
from simulator.authority.availability import Availability
from simulator.authority.connection import HangUpProtocol

# Longest wait for calls under way when stopping, seconds.
_PATIENCE_S = 3


def listen(host: str, port: int) -> socket.socket:
    """A bound socket; port 0 takes a free one.

    Raises:
        OSError: the address is taken or not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named, since asyncio holds small packets back otherwise.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener


def base_url(listener: socket.socket) -> str:
    """The URL under which a bound socket is reached from this machine."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@final
class AuthorityServer(uvicorn.Server):
    """uvicorn that reports when it accepts calls and lets go of stalled ones when it stops.

    Args:
        app: the application.
        availability: its disturbances.
        ready: called once when calls are accepted.
    """

    def __init__(self, app: FastAPI, availability: Availability, ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=HangUpProtocol,
                ws="none",
                lifespan="on",
                access_log=False,
                log_level="warning",
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=_PATIENCE_S,
            )
        )
        self._availability = availability
        self._ready = ready
        self._address: tuple[str, int] = ("", 0)
        self._opening: asyncio.Task[None] | None = None
        self._door: socket.socket | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts accepting, then reports it."""
        await super().startup(sockets)
        if self.started and sockets:
            self._address = sockets[0].getsockname()[:2]
            self._availability.shut_door = self._shut
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Hangs up stalled calls, waits for the others, closes."""
        self._availability.shut_door = None
        if self._opening is not None:
            self._opening.cancel()
        if self._door is not None:
            self._door.close()
        self._availability.close()
        await super().shutdown(sockets)

    def _shut(self, seconds: float) -> None:
        """Stops listening for so long: the system itself refuses every new connection."""
        if self._opening is not None:
            self._opening.cancel()
        for server in self.servers:
            server.close()
        self.servers = []
        if self._door is None:
            # Bound and not listening: nobody else takes the port, and nobody is let in.
            self._door = listen(*self._address)
        for connection in list(self.server_state.connections):
            connection.shutdown()
        self._opening = asyncio.create_task(self._open(self._door, seconds))

    async def _open(self, door: socket.socket, seconds: float) -> None:
        await asyncio.sleep(seconds)
        loop = asyncio.get_running_loop()
        self.servers = [await loop.create_server(self._protocol, sock=door)]
        self._opening = self._door = None

    def _protocol(self) -> HangUpProtocol:
        return HangUpProtocol(self.config, self.server_state, self.lifespan.state)


def serve(app: FastAPI, availability: Availability, listener: socket.socket) -> None:
    """Serves until SIGTERM or SIGINT; prints one JSON line with its addresses when ready."""
    addresses = urls(base_url(listener))
    server = AuthorityServer(app, availability, lambda: print(json.dumps(addresses), flush=True))

    def stop(*_: object) -> None:
        server.should_exit = True

    # uvicorn stops in good order on both signals, then raises them again for the handler it found.
    # This one lets the process end with 0, and catches a signal that comes before uvicorn listens.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    server.run(sockets=[listener])
