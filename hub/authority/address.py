"""Which addresses person numbers may go to, and what kept a connection to one from being made."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from urllib.parse import SplitResult, urlsplit

from hub.errors import UsageError


def checked_address(url: str) -> SplitResult:
    """Returns the parts of an address that a body with person numbers may be sent to.

    Args:
        url: https; plain http only to this machine (loopback); no credentials, no fragment.

    Raises:
        UsageError: HUB-1318, the address cannot be used; `reason` says why.
    """
    try:
        parts = urlsplit(url)
        port = parts.port  # one out of range shows only when it is read
    except ValueError:
        raise UsageError("HUB-1318", reason="malformed") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise UsageError("HUB-1318", reason="not http or https")
    if parts.username is not None or parts.fragment:
        raise UsageError("HUB-1318", reason="credentials or fragment in the address")
    if parts.scheme == "http" and not _loopback(parts.hostname):
        raise UsageError("HUB-1318", reason="plain http to another machine")
    return parts


def connect_cause(error: BaseException) -> str:
    """Returns in one word why no connection was made: a cause of `NotSent`."""
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


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
