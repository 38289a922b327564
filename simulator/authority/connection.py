"""Hanging up: closing a connection without an answer, which ASGI itself cannot express."""

from __future__ import annotations

import asyncio
from typing import cast, final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

_KEY = "hang_up"


@final
class HangUpProtocol(H11Protocol):
    """HTTP/1.1 as uvicorn speaks it; the application also gets a way to close the connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        # uvicorn copies this state into the scope of every request on the connection.
        self.app_state = {**self.app_state, _KEY: transport.abort}
        super().connection_made(transport)


@final
class HangUp(Response):
    """Closes the connection at once; the caller gets not one byte."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        abort = cast("dict[str, object]", scope.get("state", {})).get(_KEY)
        if not callable(abort):
            raise RuntimeError("this server cannot hang up: it does not use HangUpProtocol")
        abort()
        # Returning before the server has noticed would make it answer 500.
        while (await receive())["type"] != "http.disconnect":
            pass


async def gone(request: Request) -> None:
    """Returns when the caller has closed its side; the body must have been read before."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
