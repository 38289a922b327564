"""Answers that a program gets again when it asks the same under the same key.

The answer is kept in the transaction of the change that it tells of: either both are on disk or
neither is, so that a key never stands for half a request, and of two requests with one key that
come at the same moment the second waits for the write lock and then finds the first one's answer.
An answer is sealed, since it names people, and forgotten after `KEPT_MS`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, select

from hub.errors import UsageError
from hub.storage.schema import request_key
from hub.storage.secrets import Vault

KEPT_MS: Final = 24 * 3600 * 1000
_SEALED_AS: Final = "request_key"


@dataclass(frozen=True, slots=True, repr=False)
class Done:
    """What a request came to.

    Args:
        status: HTTP status.
        content: of the answer, JSON.
        headers: of the answer.
    """

    status: int
    content: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


class RequestKeys:
    """The keys of one token, inside the write transaction of what is asked.

    Args:
        connection: that transaction.
        vault: seals the answers.
        token_id: whose keys; two tokens may use the same one.
        now_ms: UTC milliseconds.
    """

    def __init__(self, connection: Connection, vault: Vault, token_id: int, now_ms: int) -> None:
        self._connection = connection
        self._vault = vault
        self._token_id = token_id
        self._now_ms = now_ms

    def find(self, key: str, request: bytes) -> Done | None:
        """Returns what this request came to before; None: it was not asked yet.

        Args:
            key: as the program chose it.
            request: SHA-256 of what is asked.

        Raises:
            UsageError: HUB-1707, something else was asked under this key.
        """
        old = request_key.c.at_ms <= self._now_ms - KEPT_MS
        self._connection.execute(delete(request_key).where(old))
        row = self._connection.execute(
            select(request_key).where(
                request_key.c.token_id == self._token_id, request_key.c.key == key
            )
        ).first()
        if row is None:
            return None
        if row.request != request:
            raise UsageError("HUB-1707")
        content, headers = json.loads(self._vault.open(_SEALED_AS, row.answer))
        return Done(row.status, content, headers)

    def keep(self, key: str, request: bytes, done: Done) -> None:
        """Keeps what a request came to."""
        answer = json.dumps([done.content, done.headers]).encode()
        self._connection.execute(
            insert(request_key).values(
                token_id=self._token_id,
                key=key,
                request=request,
                status=done.status,
                answer=self._vault.seal(_SEALED_AS, answer),
                at_ms=self._now_ms,
            )
        )
