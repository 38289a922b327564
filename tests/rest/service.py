"""An in/out service of the test: a real HTTP server on a free port that does what it is told.

It shares nothing with the hub or with the simulated authority: requests are kept as bytes, answers
are written here by hand. Its token endpoint gives numbered tokens and believes everybody.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

BASE = "/REST/presenceRegistration/v1"
TOKEN = "/REST/oauth/v5/token"
PROBLEM = "application/problem+json"


@dataclass(slots=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    peer: tuple[str, int]

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def items(self) -> list[dict[str, Any]]:
        return self.json["items"]

    @property
    def token(self) -> str:
        return self.headers.get("authorization", "").removeprefix("Bearer ")


@dataclass(slots=True)
class Reply:
    """One answer to give; a body that is no text or bytes is written as JSON."""

    body: object = b""
    status: int = 200
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()


Script = Callable[[Asked], Reply]


class Service:
    """Answers the calls of the service with `scripts` in turn; the last one goes on for ever."""

    def __init__(self, *scripts: Script | Reply) -> None:
        self.scripts = [self._script(one) for one in scripts] or [stores_all]
        self.token_scripts: list[Script] = [self._give_token]
        self.asked: list[Asked] = []
        self.token_asked: list[Asked] = []
        self._lock = threading.Lock()
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # An answer in two packets waits for the acknowledgement of the first.
            wbufsize = -1
            disable_nagle_algorithm = True

            def handle_request(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = self.rfile.read(length)
                reply = service.answer(
                    Asked(self.command, self.path, headers, body, self.client_address)
                )
                self.send_response(reply.status)
                if reply.media_type:
                    self.send_header("Content-Type", reply.media_type)
                self.send_header("Content-Length", str(len(reply.content)))
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply.content)

            do_POST = do_GET = handle_request

            def log_message(self, format: str, *args: Any) -> None:
                del format, args

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        root = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.url = root + BASE
        self.token_url = root + TOKEN

    def __enter__(self) -> Service:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def answer(self, asked: Asked) -> Reply:
        """Returns what the next script says."""
        with self._lock:
            ours = asked.path == TOKEN
            kept = self.token_asked if ours else self.asked
            scripts = self.token_scripts if ours else self.scripts
            script = scripts[min(len(kept), len(scripts) - 1)]
            kept.append(asked)
        return script(asked)

    def _give_token(self, asked: Asked) -> Reply:
        del asked
        return token(f"token-{len(self.token_asked)}")

    @staticmethod
    def _script(one: Script | Reply) -> Script:
        return one if not isinstance(one, Reply) else lambda asked: one


def token(value: object, life_s: object = 600) -> Reply:
    """Returns the answer that gives a token."""
    return Reply({"access_token": value, "expires_in": life_s, "token_type": "Bearer"})


def created(item: Mapping[str, Any], number: object, **changed: Any) -> dict[str, Any]:
    """Returns the entry of an item that was registered; a change to None leaves the member out."""
    presence = {
        "id": number,
        **item,
        "worker": {"givenName": "Sim", "familyName": "Worker"},
        "activity": "SIM-ACT",
        "channel": "SIM-CHANNEL",
        "status": {"code": "registered", "date": "2026-11-23T06:41:08+01:00"},
        "validity": "pending",
        "remarks": [],
        **changed,
    }
    return {
        "createdPresenceRegistration": {
            name: value for name, value in presence.items() if value is not None
        }
    }


def shown(item: Mapping[str, Any], number: object, **changed: Any) -> dict[str, Any]:
    """Returns an item as a row of a search."""
    return created(item, number, **changed)["createdPresenceRegistration"]


def not_created(*errors: tuple[str, str]) -> dict[str, Any]:
    """Returns the entry of an item that was not registered; it carries no reference."""
    listed = [{"errorCode": code, "errorDescription": text} for code, text in errors]
    return {"notCreatedPresenceRegistration": {"errorList": listed}}


def stores_all(asked: Asked) -> Reply:
    """Registers whatever was sent, numbered from 17611."""
    return Reply({"items": [created(item, 17611 + at) for at, item in enumerate(asked.items)]})


def problem(kind: str, status: int, headers: Mapping[str, str] | None = None, **more: Any) -> Reply:
    """Returns a problem of the federal guide."""
    body = {
        "type": f"urn:problem-type:belgif:{kind}",
        "title": kind,
        "status": status,
        "instance": "urn:uuid:123e4567-e89b-12d3-a456-426614174000",
        **more,
    }
    return Reply(body, status, PROBLEM, headers or {})


def page(rows: list[dict[str, Any]], number: int = 1, size: int = 50, **more: Any) -> Reply:
    """Returns one page of a search, with a count unless `total` is None."""
    body = {"items": rows, "page": number, "pageSize": size, "total": len(rows), **more}
    return Reply({name: value for name, value in body.items() if value is not None})
