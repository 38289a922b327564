"""Serves the page on this machine only, inside the event loop that the gates live on."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn

from simulator.console.app import create_app
from simulator.console.availability import AuthoritySwitch
from simulator.console.ports import SiteLike
from simulator.console.watch import Watch
from simulator.site import SiteError

HOST = "127.0.0.1"
GRACE_S = 4
"""For requests under way at the end: longer than the patience of a person at a gate."""
STOP_S = 6.0


class _Server(uvicorn.Server):
    """uvicorn that says when it listens and leaves signals to the program around it."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class ConsoleServer:
    """The page of one running site.

    Args:
        site: started already.
        port: of 127.0.0.1; 0 takes a free one.
        frame: address that the frame beside the gates begins at; empty: the dashboard.

    Attributes:
        port: where it listens, once started.
    """

    def __init__(self, site: SiteLike, port: int, frame: str = "") -> None:
        self.port = port
        self._frame = frame
        self._site = site
        self._watch: Watch | None = None
        self._authority: AuthoritySwitch | None = None
        self._server: _Server | None = None
        self._serving: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """Address of the page."""
        return f"http://{HOST}:{self.port}/"

    async def start(self) -> None:
        """Returns when the page can be loaded.

        Raises:
            SiteError: the port is taken.
        """
        listener = _listen(self.port)
        self.port = listener.getsockname()[1]
        self._watch = Watch(self._site)
        self._authority = AuthoritySwitch(self._site.authority_url)
        config = uvicorn.Config(
            create_app(self._site, self._watch, self._authority, self._frame),
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=GRACE_S,
        )
        self._server = _Server(config)
        self._serving = asyncio.create_task(self._serve(listener))
        listening = asyncio.create_task(self._server.listening.wait())
        await asyncio.wait({self._serving, listening}, return_when=asyncio.FIRST_COMPLETED)
        if not listening.done():
            listening.cancel()
            await self._serving  # raises what ended it

    async def _serve(self, listener: socket.socket) -> None:
        assert self._server is not None
        with listener:
            await self._server.serve(sockets=[listener])

    async def stop(self) -> None:
        """Ends live streams, lets requests under way finish for `GRACE_S` seconds, and closes.

        Harmless when done already or never started.
        """
        if self._watch is not None:
            self._watch.close()
        if self._server is not None and self._serving is not None:
            self._server.should_exit = True
            with contextlib.suppress(TimeoutError):  # then it is cancelled, its socket closed
                await asyncio.wait_for(self._serving, STOP_S)
            self._serving = None
        if self._authority is not None:
            await self._authority.close()
            self._authority = None


def _listen(port: int) -> socket.socket:
    # Named, since asyncio holds small packets back otherwise.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise SiteError(
            f"port {port} of this machine cannot be used ({error.strerror}); "
            "take another with --port, or leave it out"
        ) from None
    return listener
