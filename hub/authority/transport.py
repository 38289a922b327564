"""One HTTP exchange whose failure says whether the request may have left.

Theory of operation. Whether a write may be repeated hangs on one fact: had the connection been
made or not? So each call makes its own connection, in two steps that fail differently: `NotSent`
until the connection stands, `NoAnswer` from then on. A kept connection would blur this: when the
other side has closed it meanwhile, that shows only after the request was written to it.

Redirects, proxies from the environment and stored credentials are not followed: a body full of
person numbers goes to the address of the settings or nowhere. The contract (WSDL, XSD) is read from
this package and from nowhere else.
"""

from __future__ import annotations

import http.client
import ipaddress
import re
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from hub.errors import LocalProtocolError, UsageError

if TYPE_CHECKING:
    from lxml.etree import _Element

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
    """

    status: int
    body: bytes
    retry_after_s: int | None = None

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
    """What zeep sends and loads through.

    Args:
        url: address of the service; plain http only on this machine (loopback).
        connect_timeout_s: seconds for the name, the connection and TLS together, per address tried.
        read_timeout_s: seconds from the first byte sent to the last byte received; a header that
            drips can add up to as much again.
        ca_file: PEM file of the authorities trusted instead of the machine's own; None: the latter.
        monotonic: seconds, never going back.

    Raises:
        UsageError: HUB-1318, the address cannot be used.
    """

    def __init__(
        self,
        url: str,
        connect_timeout_s: float,
        read_timeout_s: float,
        ca_file: str | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise UsageError("HUB-1318", reason="malformed") from None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError("HUB-1318", reason="not http or https")
        if parts.username is not None or parts.fragment:
            raise UsageError("HUB-1318", reason="credentials or fragment in the address")
        if parts.scheme == "http" and not _loopback(parts.hostname):
            raise UsageError("HUB-1318", reason="plain http to another machine")
        self.url = url
        self._host = parts.hostname
        self._port = port
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._connect_timeout_s = connect_timeout_s
        self._read_timeout_s = read_timeout_s
        self._monotonic = monotonic
        self._tls: ssl.SSLContext | None = None
        if parts.scheme == "https":
            self._tls = ssl.create_default_context(cafile=ca_file)

    def load(self, url: str) -> bytes:
        """Returns the file of the contract with the last name in `url`; never opens a connection.

        zeep asks with the path it made of an import's `schemaLocation`, whatever folder that names.
        """
        return contract_file(url.replace("\\", "/").rsplit("/", 1)[-1])

    def post_xml(self, address: str, envelope: _Element, headers: Mapping[str, str]) -> Answer:
        """Sends one envelope and returns the answer, whatever its status.

        Raises:
            NotSent: no connection was made.
            NoAnswer: the request may have left and no whole answer came.
        """
        import lxml.etree as etree

        del address  # zeep knows the address it was bound to, which is ours
        body = etree.tostring(envelope, xml_declaration=True, encoding="utf-8")
        connection = self._connect()
        try:
            return self._exchange(connection, body, headers)
        except TimeoutError:
            raise NoAnswer("timeout") from None
        except (http.client.IncompleteRead, http.client.RemoteDisconnected, ConnectionError):
            raise NoAnswer("closed") from None
        except (OSError, http.client.HTTPException):
            raise NoAnswer("broken") from None
        finally:
            connection.close()

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
            raise NotSent(_connect_cause(error)) from None
        return connection

    def _exchange(
        self, connection: http.client.HTTPConnection, body: bytes, headers: Mapping[str, str]
    ) -> Answer:
        deadline = self._monotonic() + self._read_timeout_s
        # http.client lets go of its socket while the answer is still being read.
        sock: socket.socket = connection.sock
        sock.settimeout(self._read_timeout_s)
        connection.request("POST", self._path, body, {**headers, "Connection": "close"})
        with connection.getresponse() as response:
            received = bytearray()
            while True:
                left = deadline - self._monotonic()
                if left <= 0:
                    raise NoAnswer("timeout")
                sock.settimeout(left)
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
            retry_after_s = int(wait) if _RETRY_AFTER.fullmatch(wait) else None
            return Answer(response.status, bytes(received), retry_after_s)


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _connect_cause(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return "untrusted"
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, ssl.SSLError):
        return "tls"
    if isinstance(error, socket.gaierror):
        return "name"
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    return "unreachable"
