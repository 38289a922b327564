"""Hanging up: closing a connection without an answer, which ASGI itself cannot express."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import cast, final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

_CLOSE, _RESET = "hang_up", "reset"
# Linger on, zero seconds: the kernel answers a close with a reset instead of a good-bye.
_LINGER = struct.pack("ii", 1, 0)


@final
class HangUpProtocol(H11Protocol):
    """HTTP/1.1 as uvicorn speaks it; the application also gets ways to end the connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        def reset() -> None:
            link = cast("socket.socket", transport.get_extra_info("socket"))
            link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
            transport.abort()

        # uvicorn copies this state into the scope of every request on the connection.
        self.app_state = {**self.app_state, _CLOSE: transport.abort, _RESET: reset}
        super().connection_made(transport)


async def hang_up(scope: Scope, receive: Receive, *, reset: bool = False) -> None:
    """Ends the connection at once; the caller gets not one byte more.

    Args:
        scope: of the request.
        receive: of the request; its body must have been read.
        reset: with TCP RST, as a peer that crashed does, instead of a close.

    Raises:
        RuntimeError: the server does not use `HangUpProtocol`.
    """
    state = cast("dict[str, object]", scope.get("state", {}))
    end = state.get(_RESET if reset else _CLOSE)
    if not callable(end):
        raise RuntimeError("this server cannot hang up: it does not use HangUpProtocol")
    cast("Callable[[], None]", end)()
    # Returning before the server has noticed would make it answer 500.
    await gone(receive)


@final
class HangUp(Response):
    """Closes the connection at once; the caller gets not one byte."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await hang_up(scope, receive)


async def gone(receive: Receive) -> None:
    """Returns when the caller has closed its side; the body must have been read before."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def read_body(request: Request, limit: int) -> bytes:
    """The body; of one longer than `limit` bytes only as much as it takes to know."""
    kept = bytearray()
    async for chunk in request.stream():
        if len(kept) <= limit:
            kept += chunk
    return bytes(kept)
