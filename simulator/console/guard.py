"""Keeps other sites out of a page that listens on a port of its user's machine.

Any page the user has open can send requests to 127.0.0.1. It cannot choose the Origin header of a
request that changes something (Fetch standard, 3.2), nor, after its own name was made to point
here (DNS rebinding), the Host header. Both are checked before anything else runs.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
SAFE_METHODS: Final = frozenset({"GET", "HEAD"})


def security_headers(framed: tuple[str, ...]) -> dict[str, str]:
    """Returns the headers of every answer: nothing from elsewhere, nothing inline, no frame.

    Args:
        framed: origins the page may show in a frame.
    """
    return {
        "Content-Security-Policy": (
            "default-src 'self'; base-uri 'none'; form-action 'self'; object-src 'none'; "
            f"frame-ancestors 'none'; frame-src {' '.join(framed)}"
        ),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        # With "no-referrer" a browser would send `Origin: null` with our own forms.
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
    }


def origin_of(url: str) -> str:
    """Returns the origin of an address, as browsers write it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def loopback(host: str) -> bool:
    """Returns whether a Host header names this machine, with any port."""
    try:
        return urlsplit(f"//{host}").hostname in LOOPBACK
    except ValueError:
        return False


class Guard:
    """ASGI middleware: refuses strangers with 403 and adds the security headers.

    Args:
        app: what is guarded.
        headers: added to every answer.
    """

    def __init__(self, app: ASGIApp, headers: dict[str, str]) -> None:
        self._app = app
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        wrong = _wrong(scope["method"], Headers(scope=scope))
        if wrong:
            await PlainTextResponse(wrong, 403)(scope, receive, guarded)
        else:
            await self._app(scope, receive, guarded)


def _wrong(method: str, headers: Headers) -> str:
    host = headers.get("host", "")
    if not loopback(host):
        return "Open this page by the address that the demo printed, at 127.0.0.1.\n"
    if method not in SAFE_METHODS and headers.get("origin") != f"http://{host}":
        return "Only the demo's own page may do this. Load it again and repeat.\n"
    return ""
