"""Runs the application: binds first, says when it is ready, stops without a loose end."""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import Callable
from typing import final

import uvicorn
from fastapi import FastAPI

from simulator.authority.availability import Availability
from simulator.authority.connection import HangUpProtocol
from simulator.authority.soap import urls

# Longest wait for calls under way when stopping, seconds.
_PATIENCE_S = 3


def listen(host: str, port: int) -> socket.socket:
    """A bound socket; port 0 takes a free one.

    Raises:
        OSError: the address is taken or not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
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

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts accepting, then reports it."""
        await super().startup(sockets)
        if self.started:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Hangs up stalled calls, waits for the others, closes."""
        self._availability.close()
        await super().shutdown(sockets)


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
