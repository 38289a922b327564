"""The dashboard behind a real server on a free loopback port."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from types import TracebackType
from typing import Self

import uvicorn
from fastapi import FastAPI
from sqlalchemy import Engine

from hub.application.balance import BalancePort
from hub.application.overview import AuthorityStatus, GateStatus
from hub.storage.overview import Overview
from hub.web.app import create_app
from hub.web.live import Changes
from tests.web import sample
from tests.web.actors import Everybody

DEADLINE_S = 15


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


@dataclass(slots=True)
class World:
    """What the page shows besides the database; tests change it while the server runs."""

    now_ms: int = sample.NOW
    gates: Callable[[], list[GateStatus]] = sample.gates
    authority: Callable[[], AuthorityStatus] = sample.authority
    balance: BalancePort | None = None


@contextmanager
def serving(
    engine: Engine, changes: Changes, world: World | None = None, port: int = 0
) -> Iterator[int]:
    """Serves the dashboard; gives its port, and stops it when the block ends."""
    seen = world or World()
    app = create_app(
        Overview(engine),
        lambda: seen.gates(),
        lambda: seen.authority(),
        changes,
        lambda: seen.now_ms,
        Everybody(),
        balance=seen.balance,
    )
    with served(app, changes, port) as found:
        yield found


@contextmanager
def served(app: FastAPI, changes: Changes, port: int = 0) -> Iterator[int]:
    """Serves any application of ours; gives its port, and stops it when the block ends."""
    # A browser may connect while the server stops, and ask for nothing: nobody waits for that.
    config = uvicorn.Config(app, log_level="error", lifespan="off", timeout_graceful_shutdown=5)
    server = _Server(config)
    # Named, since asyncio holds small packets back otherwise.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            assert server.listening.wait(DEADLINE_S)
            yield listener.getsockname()[1]
        finally:
            changes.close()
            server.should_exit = True
            # A stream ends after its picture, and a busy machine draws slowly.
            thread.join(3 * DEADLINE_S)
            assert not thread.is_alive()


@dataclass(frozen=True, slots=True)
class Event:
    """One server-sent event."""

    id: str
    data: str


class Stream:
    """One browser's live stream, read event by event.

    Args:
        path: address with query.
        last_id: sent as `Last-Event-ID` when not empty.
        headers: sent besides.
    """

    def __init__(
        self,
        port: int,
        path: str = "/live?lang=en",
        last_id: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
        sent = {**(headers or {}), **({"Last-Event-ID": last_id} if last_id else {})}
        self._connection.request("GET", path, headers=sent)
        self.response: HTTPResponse = self._connection.getresponse()

    def next(self) -> Event:
        """Returns the next event; blocks until it comes."""
        fields: dict[str, list[str]] = {}
        while True:
            line = self.response.readline().decode()
            assert line, "the stream ended"
            if line == "\n":
                if "data" in fields:
                    one = {name: values[-1] for name, values in fields.items()}
                    return Event(one["id"], "\n".join(fields["data"]))
                fields = {}
                continue
            name, _, value = line.rstrip("\n").partition(": ")
            fields.setdefault(name, []).append(value)

    def rest(self) -> bytes:
        """Returns everything until the server ends the stream."""
        return self.response.read()

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
