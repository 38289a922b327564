"""A call to an address of one's own: the notice as JSON, signed.

    POST <webhook_url>
    Content-Type: application/json; charset=utf-8
    Sitegate-Delivery: 5dQ...           the same when it comes twice
    Sitegate-Timestamp: 1795431600      seconds since 1970, when it was sent
    Sitegate-Signature: v1=<hex>        HMAC-SHA-256(secret, timestamp + "." + body)

Who receives it computes the signature again and refuses what is older than some minutes. No
redirect is followed and no proxy of the environment used: it goes to that address or nowhere.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import ssl
from collections.abc import Callable
from typing import Final

from hub.application.mailing import Notice
from hub.errors import PermanentError, StoppedError, TransientError, UsageError
from hub.message_settings import AlertSettings
from hub.notices.secret_files import secret_in

TIMEOUT_S: Final = 15.0
_LATER: Final = (408, 425, 429)
_OUR_FAULT: Final = (401, 403, 404, 405, 407, 410)


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """Returns the value of the header `Sitegate-Signature`.

    Args:
        timestamp: seconds since 1970, as in `Sitegate-Timestamp`.
        body: as it is sent.
    """
    signed = str(timestamp).encode() + b"." + body
    return "v1=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def body_of(notice: Notice) -> bytes:
    """Returns what is sent of a notice."""
    content = notice.content
    told = {
        "delivery": notice.handle,
        "made_ms": notice.made_ms,
        "language": notice.language,
        "subject": content.subject,
        "text": content.text,
        "link": content.link,
        **content.data,
    }
    return json.dumps(told, ensure_ascii=False).encode()


class WebhookSender:
    """`Sender` to the address of the settings.

    Args:
        settings: table `[alerts]`.
        clock: UTC milliseconds.
    """

    def __init__(self, settings: AlertSettings, clock: Callable[[], int]) -> None:
        self._settings = settings
        self._clock = clock
        self._tls: ssl.SSLContext | None = None

    def __repr__(self) -> str:
        return "WebhookSender()"

    def send(self, notice: Notice) -> None:
        """Returns once the address has answered that it has it.

        Raises:
            UsageError: HUB-1800, no address is set; HUB-1801, the secret cannot be read.
            TransientError: HUB-1808, nobody answers; HUB-1809, it does not take any now.
            StoppedError: HUB-1810, it refuses us.
            PermanentError: HUB-1811, it refuses this message.
        """
        import httpx2  # slow to import, and most hubs have no such address

        for name in ("httpx2", "httpcore2"):
            # Below this level they write addresses, which may hold a secret.
            logging.getLogger(name).setLevel(logging.CRITICAL)
        wanted = self._settings
        if not wanted.webhook_url:
            raise UsageError("HUB-1800", channel="webhook")
        body = body_of(notice)
        timestamp = self._clock() // 1000
        headers = {
            "User-Agent": "sitegate",
            "Content-Type": "application/json; charset=utf-8",
            "Sitegate-Delivery": notice.handle,
            "Sitegate-Timestamp": str(timestamp),
            "Sitegate-Signature": signature(secret_in(wanted.webhook_secret_file), timestamp, body),
        }
        if self._tls is None:
            # Whom this machine trusts takes a tenth of a second to read: once, and where it counts.
            secure = wanted.webhook_url.startswith("https:")
            self._tls = (
                httpx2.create_ssl_context(trust_env=False)
                if secure
                else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            )
        try:
            with (
                httpx2.Client(
                    verify=self._tls, trust_env=False, follow_redirects=False, timeout=TIMEOUT_S
                ) as client,
                # What it answers in words is not read: only its number counts.
                client.stream("POST", wanted.webhook_url, content=body, headers=headers) as answer,
            ):
                status = answer.status_code
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            raise TransientError("HUB-1808", reason=type(error).__name__) from None
        _judge(status)


def _judge(status: int) -> None:
    if 200 <= status <= 299:
        return
    if status in _LATER or status >= 500:
        raise TransientError("HUB-1809", status=status)
    if status in _OUR_FAULT or status < 400:
        raise StoppedError("HUB-1810", status=status)
    raise PermanentError("HUB-1811", status=status)
