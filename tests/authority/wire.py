"""A plain HTTP connection of the standard library to a simulated authority, and how calls end."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from tests.authority.rig import PATH

DEADLINE_S = 10
CLOSED, RESET, REFUSED, CUT = "closed", "reset", "refused", "cut"


@contextmanager
def connection(base: str) -> Iterator[http.client.HTTPConnection]:
    """A connection with a deadline."""
    parts = urlsplit(base)
    link = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=DEADLINE_S)
    try:
        yield link
    finally:
        link.close()


class Answer:
    """Status, headers and body of an HTTP answer."""

    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self.status = answer.status
        self.headers = answer.headers
        self.body = answer.read()


def post(base: str, content: bytes, path: str = PATH, media_type: str = "text/xml") -> Answer | str:
    """The answer to a POST, or the word for how the connection ended instead."""
    with connection(base) as link:
        try:
            link.request("POST", path, content, {"Content-Type": media_type})
            return Answer(link.getresponse())
        except http.client.IncompleteRead:
            return CUT
        except http.client.RemoteDisconnected:
            return CLOSED
        except ConnectionResetError:
            return RESET
        except ConnectionRefusedError:
            return REFUSED


def ending(base: str, content: bytes) -> str:
    """How the other side ends a connection after one POST, seen at the socket itself."""
    parts = urlsplit(base)
    address = (parts.hostname or "", parts.port or 0)
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: a\r\nContent-Type: text/xml\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    with socket.create_connection(address, DEADLINE_S) as link:
        link.sendall(head.encode() + content)
        try:
            return CLOSED if link.recv(1) == b"" else "answered"
        except ConnectionResetError:
            return RESET


def order(base: str, name: str, body: Any) -> None:
    """A control order over the real connection."""
    answer = post(base, json.dumps(body).encode(), f"/sim/{name}", "application/json")
    assert isinstance(answer, Answer)
    assert answer.status == 200, answer.body
