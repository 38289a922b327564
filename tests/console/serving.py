"""The page behind its real server, on an event loop of its own thread: tests stay plain."""

from __future__ import annotations

import asyncio
import json
import queue
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from types import TracebackType
from typing import Any, Generic, Self, TypeVar
from urllib.parse import urlencode

from simulator.console.ports import SiteLike
from simulator.console.server import ConsoleServer

DEADLINE_S = 15
Site = TypeVar("Site", bound=SiteLike)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer, read to its end."""

    status: int
    headers: dict[str, str]
    text: str

    def json(self) -> Any:
        """Returns the content of a JSON answer."""
        assert self.headers["content-type"].startswith("application/json"), self.text
        return json.loads(self.text)


@dataclass(slots=True)
class Served(Generic[Site]):
    """A page that runs.

    Attributes:
        site: what it shows.
        server: what it runs on.
    """

    site: Site
    server: ConsoleServer
    loop: asyncio.AbstractEventLoop

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.server.port

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs a coroutine on the page's event loop and returns its result."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(DEADLINE_S)

    def get(self, path: str = "/?lang=en", **headers: str) -> Reply:
        """Asks for a page; an underscore in a header's name stands for a hyphen."""
        return self._ask("GET", path, None, headers)

    def post(
        self,
        path: str,
        form: dict[str, str] | None = None,
        *,
        origin: str | None = None,
        html: bool = False,
        **fields: str,
    ) -> Reply:
        """Sends a form as the page's own script does, or as a browser without one (`html`).

        Args:
            path: where to.
            form: its fields.
            origin: another Origin header than the page's own; empty for none.
            html: ask for a page and not for JSON.
            **fields: more fields.
        """
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "text/html" if html else "application/json",
            "Origin": f"http://127.0.0.1:{self.port}" if origin is None else origin,
        }
        if not headers["Origin"]:
            del headers["Origin"]
        body = urlencode({"lang": "en"} | (form or {}) | fields)
        return self._ask("POST", path, body, headers)

    def _ask(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> Reply:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, named)
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, found, answer.read().decode())
        finally:
            connection.close()


class Events:
    """One browser's live stream, read event by event."""

    def __init__(self, port: int, language: str = "en") -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
        self._connection.request("GET", f"/events?lang={language}")
        self.response: HTTPResponse = self._connection.getresponse()

    def next(self) -> tuple[str, dict[str, Any]]:
        """Returns name and data of the next event; blocks until it comes."""
        name, data = "", ""
        while True:
            line = self.response.readline().decode()
            assert line, "the stream ended"
            if line == "\n" and name:
                return name, json.loads(data)
            field, _, value = line.rstrip("\n").partition(": ")
            if field == "event":
                name = value
            elif field == "data":
                data = value

    def until(self, wanted: Callable[[str, dict[str, Any]], bool]) -> dict[str, Any]:
        """Returns the data of the first event that is wanted."""
        while True:
            name, data = self.next()
            if wanted(name, data):
                return data

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.response.close()
        self._connection.close()


@contextmanager
def loop_in_thread() -> Iterator[asyncio.AbstractEventLoop]:
    """Runs an event loop in a thread until the block ends."""
    loops: queue.SimpleQueue[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = queue.SimpleQueue()

    async def live() -> None:
        end = asyncio.Event()
        loops.put((asyncio.get_running_loop(), end))
        await end.wait()

    thread = threading.Thread(target=asyncio.run, args=(live(),))
    thread.start()
    loop, end = loops.get(timeout=DEADLINE_S)
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join(DEADLINE_S)
        assert not thread.is_alive()


@contextmanager
def served(make: Callable[[], Awaitable[Site]], port: int = 0) -> Iterator[Served[Site]]:
    """Makes a site on a loop of its own, serves its page, and stops both when the block ends.

    Args:
        make: called on the loop. A site with a `stop` coroutine is stopped at the end.
        port: of the page; 0 takes a free one.
    """

    async def start() -> tuple[Site, ConsoleServer]:
        site = await make()
        server = ConsoleServer(site, port)
        await server.start()
        return site, server

    with loop_in_thread() as loop:
        site, server = asyncio.run_coroutine_threadsafe(start(), loop).result(DEADLINE_S)
        running = Served(site, server, loop)
        try:
            yield running
        finally:
            running.run(server.stop())
            if (stop := getattr(site, "stop", None)) is not None:
                running.run(stop())
