"""One HTTP exchange by httpx2 whose failure says whether the request may have left.

Theory of operation. `NotSent` needs two witnesses, `NoAnswer` none. The HTTP library reports each
of its steps ("trace"): once it begins to write the head of a request, that request has left. And
the kind of its error must say that there was no connection. Where the two disagree, or where a
newer library names its steps otherwise, the request counts as sent: the price of a wrong "sent" is
one search, that of a wrong "not sent" a second registration.

A line is one connection. A write has a line of its own: on a connection that was kept, the other
side may have hung up meanwhile, which shows only after the request was written to it, so that each
such accident would put up to 200 people in doubt. The pages of one search share a line, because a
read may be repeated. What that costs is in docs/in-out-service.md.

The library's own read time limit starts anew with each byte, so a timer ends the exchange as a
whole: it shuts the socket down, which wakes the thread that reads.

No redirect is followed, no proxy of the environment is used, no cookie is kept, nothing is
decompressed: a body full of person numbers goes to the address of the settings or nowhere, and a
small answer stays small.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hub.authority.address import checked_address, connect_cause
from hub.authority.transport import ANSWER_MAX, NoAnswer, NotSent
from hub.errors import UsageError

if TYPE_CHECKING:
    import httpx2

_LIBRARIES = ("httpx2", "httpcore2")
_TORN = ("Server disconnected", "peer closed")


@dataclass(frozen=True, slots=True, repr=False)
class WebAnswer:
    """A whole HTTP answer.

    Args:
        status: HTTP status.
        body: the bytes of it, not decompressed; they hold person numbers or a token, so the `repr`
            does not show them.
        media_type: type and subtype in lower case, empty when the answer names none.
        retry_after: the header `Retry-After` as it came, empty without one.
    """

    status: int
    body: bytes
    media_type: str = ""
    retry_after: str = ""

    @property
    def ok(self) -> bool:
        """Whether the status says that the request was carried out."""
        return 200 <= self.status <= 299

    def __repr__(self) -> str:
        return f"WebAnswer({self.status}, {len(self.body)} bytes)"


class Web:
    """Makes lines to the addresses of the settings; threads may share one.

    Args:
        connect_timeout_s: seconds for the connection, and again for TLS.
        read_timeout_s: seconds from the first byte sent to the last byte received.
        ca_file: PEM file of the authorities trusted instead of the machine's own; empty: those.

    Raises:
        UsageError: HUB-1343, the file of authorities cannot be read.
    """

    def __init__(self, connect_timeout_s: float, read_timeout_s: float, ca_file: str = "") -> None:
        self._connect_timeout_s = connect_timeout_s
        self._read_timeout_s = read_timeout_s
        self._tls = _trusting(ca_file) if ca_file else None

    @contextlib.contextmanager
    def line(self, url: str, kept: bool = False) -> Iterator[Line]:
        """Opens a line that is closed at the end of the block; connects at the first exchange.

        Args:
            url: where it leads; whatever `checked_address` accepts.
            kept: several exchanges share the connection; for reads only.

        Raises:
            UsageError: HUB-1318, no person number may go to this address.
        """
        import httpx2

        parts = checked_address(url)
        if parts.scheme == "https" and self._tls is None:
            # The machine's own authorities: some hundred, read when they are needed.
            self._tls = _trusting("")
        for name in _LIBRARIES:
            # At debug level they write the headers of answers.
            logging.getLogger(name).setLevel(logging.CRITICAL)
        read = self._read_timeout_s
        client = httpx2.Client(
            verify=self._tls or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            trust_env=False,
            follow_redirects=False,
            timeout=httpx2.Timeout(read, connect=self._connect_timeout_s, pool=1.0),
            limits=httpx2.Limits(max_connections=1, max_keepalive_connections=1 if kept else 0),
            headers={"User-Agent": "sitegate", "Accept-Encoding": "identity"},
        )
        with client:
            yield Line(client, read)

    def __repr__(self) -> str:
        return "Web()"


class Line:
    """One connection, made when it is first needed; one thread uses it."""

    def __init__(self, client: httpx2.Client, read_timeout_s: float) -> None:
        self._client = client
        self._read_timeout_s = read_timeout_s
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(read_timeout_s, self._hang_up)
        self._left = False
        self._late = False

    def send(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> WebAnswer:
        """Sends one request and returns the answer, whatever its status.

        Raises:
            NotSent: no connection was made.
            NoAnswer: the request may have left and no whole answer came.
        """
        import httpx2

        self._left = self._late = False
        self._timer = threading.Timer(self._read_timeout_s, self._hang_up)
        self._timer.daemon = True
        failure: NotSent | NoAnswer
        try:
            return self._exchange(method, url, body, headers)
        except NoAnswer as error:
            failure = error
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, OSError) as error:
            failure = self._judged(error)
        finally:
            self._timer.cancel()
        # Outside the handler: what the library raised holds the request, and with it its body.
        raise failure from None

    def _exchange(
        self, method: str, url: str, body: bytes, headers: Mapping[str, str]
    ) -> WebAnswer:
        with self._client.stream(
            method,
            url,
            content=body or None,
            headers=dict(headers),
            extensions={"trace": self._follow},
        ) as answer:
            received = bytearray()
            for chunk in answer.iter_raw():
                received += chunk
                if len(received) > ANSWER_MAX:
                    raise NoAnswer("too_large")
            if self._late:
                # Without a length the end of the connection is the end of the answer.
                raise NoAnswer("timeout")
            if answer.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
                raise NoAnswer("compressed")
            media_type = answer.headers.get("Content-Type", "").split(";")[0].strip().lower()
            wait = answer.headers.get("Retry-After", "").strip()
            return WebAnswer(answer.status_code, bytes(received), media_type, wait)

    def _follow(self, step: str, values: Mapping[str, Any]) -> None:
        if step in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._socket = values["return_value"].get_extra_info("socket")
        elif step.endswith(".send_request_headers.started") and not self._left:
            self._left = True
            self._timer.start()

    def _hang_up(self) -> None:
        self._late = True
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def _judged(self, error: Exception) -> NotSent | NoAnswer:
        import httpx2

        no_connection = isinstance(
            error,
            (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.InvalidURL),
        )
        if no_connection and not self._left:
            if isinstance(error, httpx2.TimeoutException):
                return NotSent("timeout")
            return NotSent(connect_cause(_root(error)))
        if self._late or isinstance(error, httpx2.TimeoutException):
            return NoAnswer("timeout")
        torn = isinstance(error, httpx2.NetworkError) or str(error).startswith(_TORN)
        return NoAnswer("closed" if torn else "broken")


def _trusting(ca_file: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except (OSError, ValueError):
        pass
    raise UsageError("HUB-1343", key="in_out.ca_file")


def _root(error: BaseException) -> BaseException:
    """Returns the first cause: that of the operating system or of TLS."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return error
