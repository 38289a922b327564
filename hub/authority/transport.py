"""One HTTP exchange whose failure says whether the request may have left.

Theory of operation. Whether a write may be repeated hangs on one fact: had the connection been
made or not? So each call makes its own connection, in two steps that fail differently: `NotSent`
until the connection stands, `NoAnswer` from then on. A kept connection would blur this: when the
other side has closed it meanwhile, that shows only after the request was written to it.

Redirects, proxies from the environment and stored credentials are not followed: a body full of
person numbers goes to the address of the settings or nowhere.
"""

from __future__ import annotations

import http.client
import io
import re
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files

from hub.authority.address import checked_address, connect_cause
from hub.errors import LocalProtocolError, UsageError

ANSWER_MAX = 16 * 1024 * 1024
"""Bytes of an answer that are read; 500 registrations, the most in one, take about 0.6 MB."""

_CHUNK = 64 * 1024
_RETRY_AFTER = re.compile(r"[0-9]{1,6}")


class NotSent(Exception):
    """No connection was made, so nothing left.

    Args:
        cause: `refused`, `name`, `timeout`, `tls`, `untrusted` or `unreachable`.
    """

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


class NoAnswer(Exception):
    """The connection stood and no whole answer came: the request may have been carried out.

    Args:
        cause: `timeout`, `closed`, `broken` or `too_large`.
    """

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


@dataclass(frozen=True, slots=True, repr=False)
class Answer:
    """A whole HTTP answer.

    Args:
        status: HTTP status.
        body: the bytes of it; they hold person numbers, so the `repr` does not show them.
        retry_after_s: whole seconds the other side asks us to wait, None if it did not say.
        media_type: what the other side says the body is, in lower case; empty if it did not say.
        coding: how it says the body is packed, in lower case; empty if it is not.
    """

    status: int
    body: bytes
    retry_after_s: int | None = None
    media_type: str = ""
    coding: str = ""

    def __repr__(self) -> str:
        return f"Answer({self.status}, {len(self.body)} bytes)"


def contract_file(name: str) -> bytes:
    """Returns a file of the contract in this package.

    Raises:
        LocalProtocolError: HUB-1317, there is no such file.
    """
    try:
        return files(__package__ or "hub.authority").joinpath("contract", name).read_bytes()
    except OSError:
        raise LocalProtocolError("HUB-1317", what="contract file") from None


class Transport:
    """Carries messages to one address.

    Args:
        url: address of the service; plain http only on this machine (loopback).
        connect_timeout_s: seconds for the name, the connection and TLS together, per address tried.
        read_timeout_s: seconds from the first byte sent to the last byte received.
        ca_file: PEM file of the authorities trusted instead of the machine's own; None: the latter.
        monotonic: seconds, never going back.

    Raises:
        UsageError: HUB-1318, the address cannot be used; HUB-1330 or HUB-1332, `ca_file` cannot.
    """

    def __init__(
        self,
        url: str,
        connect_timeout_s: float,
        read_timeout_s: float,
        ca_file: str | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        parts = checked_address(url)
        self.url = url
        self._host = parts.hostname or ""
        self._port = parts.port
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._connect_timeout_s = connect_timeout_s
        self._read_timeout_s = read_timeout_s
        self._monotonic = monotonic
        self._tls: ssl.SSLContext | None = None
        if parts.scheme == "https":
            self._tls = _context(ca_file)

    def post(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Sends one request and returns the answer, whatever its status.

        Raises:
            NotSent: no connection was made.
            NoAnswer: the request may have left and no whole answer came.
        """
        connection = self._connect()
        sock: socket.socket = connection.sock
        try:
            return self._exchange(connection, sock, body, headers)
        except TimeoutError:
            raise NoAnswer("timeout") from None
        except (http.client.IncompleteRead, http.client.RemoteDisconnected, ConnectionError):
            raise NoAnswer("closed") from None
        except (OSError, http.client.HTTPException):
            raise NoAnswer("broken") from None
        finally:
            connection.close()
            sock.close()

    def _connect(self) -> http.client.HTTPConnection:
        timeout = self._connect_timeout_s
        if self._tls is None:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=timeout)
        else:
            connection = http.client.HTTPSConnection(
                self._host, self._port, timeout=timeout, context=self._tls
            )
        try:
            connection.connect()
        except OSError as error:
            connection.close()
            raise NotSent(connect_cause(error)) from None
        return connection

    def _exchange(
        self,
        connection: http.client.HTTPConnection,
        sock: socket.socket,
        body: bytes,
        headers: Mapping[str, str],
    ) -> Answer:
        deadline = self._monotonic() + self._read_timeout_s
        connection.sock = _Deadlined(sock, deadline, self._monotonic)
        connection.request("POST", self._path, body, {**headers, "Connection": "close"})
        with connection.getresponse() as response:
            received = bytearray()
            while True:
                chunk = response.read1(_CHUNK)
                if not chunk:
                    break
                received += chunk
                if len(received) > ANSWER_MAX:
                    raise NoAnswer("too_large")
            # read1 takes an early end for the end: what Content-Length promised must be there.
            if response.length:
                raise NoAnswer("closed")
            wait = response.getheader("Retry-After", "").strip()
            return Answer(
                status=response.status,
                body=bytes(received),
                retry_after_s=int(wait) if _RETRY_AFTER.fullmatch(wait) else None,
                media_type=_media_type(response.getheader("Content-Type", "")),
                coding=response.getheader("Content-Encoding", "").strip().lower(),
            )


class _Deadlined:
    """A socket as http.client uses it, all of whose waiting together ends at one moment.

    A timeout of the socket alone begins anew with each byte, so that a header or a row of interim
    answers that drip would hold the caller for ever. `Transport.post` closes the socket itself.
    """

    def __init__(
        self, sock: socket.socket, deadline: float, monotonic: Callable[[], float]
    ) -> None:
        self._sock = sock
        self._deadline = deadline
        self._monotonic = monotonic

    def sendall(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[self.in_time().send(view) :]

    def makefile(self, mode: str) -> io.BufferedReader:
        del mode
        return io.BufferedReader(_Incoming(self))

    def close(self) -> None:
        """Does nothing: http.client calls it while the answer is still to be read."""

    def in_time(self) -> socket.socket:
        """Returns the socket, which waits no longer than there is time left.

        Raises:
            TimeoutError: there is none.
        """
        left = self._deadline - self._monotonic()
        if left <= 0:
            raise TimeoutError
        self._sock.settimeout(left)
        return self._sock


class _Incoming(io.RawIOBase):
    def __init__(self, timed: _Deadlined) -> None:
        super().__init__()
        self._timed = timed

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        return self._timed.in_time().recv_into(buffer)


def _media_type(header: str) -> str:
    return header.partition(";")[0].strip().lower()


def _context(ca_file: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except ssl.SSLError:
        failure = UsageError("HUB-1332", file=ca_file, reason="no certificate")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        failure = UsageError("HUB-1330", file=ca_file, reason=reason)
    raise failure
