"""Changes for programs: each in one transaction, and once only for each `Idempotency-Key`.

A program that got no answer sends the same again under the same key and gets the answer of the
first time. What was refused changed nothing and is not kept: corrected, it may be sent under the
same key.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable
from typing import Final

from fastapi import Request, Response
from sqlalchemy import Connection

from hub.storage.request_keys import Done, RequestKeys
from hub.storage.tokens import Program
from hub.web.api.problems import Refusal, answer
from hub.web.office import Office

HEADER: Final = "Idempotency-Key"
_KEY: Final = re.compile(r"[A-Za-z0-9._-]{1,80}")


def once(
    office: Office, request: Request, change: Callable[[Connection], Done], register: bool = True
) -> Response:
    """Carries a change out, unless it was carried out under this key before.

    Args:
        office: where.
        request: as `hub.web.api.front` passed it on.
        change: raises what refuses it; whatever it wrote is then undone.
        register: whether gates are to hear of it.

    Raises:
        Refusal: 400, the key cannot be used.
        UsageError: HUB-1707, something else was asked under this key; and those of `change`.
    """
    key = key_of(request)
    program: Program = request.state.program
    asked = digest_of(request)

    def carry_out(connection: Connection) -> Done:
        if key is None:
            return change(connection)
        keys = RequestKeys(connection, office.vault, program.token_id, office.clock())
        before = keys.find(key, asked)
        if before is not None:
            return before
        done = change(connection)
        keys.keep(key, asked, done)
        return done

    done = office.write(carry_out)
    if register:
        office.changed()
    return _answer(done)


class InHand:
    """Work that makes its own transactions, and may be done again without harm: the plan.

    The answer is kept after the work, so a crash in between lets the same request work once more;
    while one is under way the same key is asked to come back.

    Args:
        office: where.
    """

    def __init__(self, office: Office) -> None:
        self._office = office
        self._lock = threading.Lock()
        self._keys: set[tuple[int, str]] = set()

    def __call__(self, request: Request, work: Callable[[], Done]) -> Response:
        """Does the work, unless it was done under this key before; see `once`.

        Raises:
            Refusal: 409, the same is under way.
        """
        key = key_of(request)
        if key is None:
            return _answer(work())
        program: Program = request.state.program
        place = (program.token_id, key)
        with self._lock:
            if place in self._keys:
                raise Refusal(409, "HUB-1708", {"Retry-After": "1"})
            self._keys.add(place)
        try:
            return _answer(self._once(program.token_id, key, digest_of(request), work))
        finally:
            with self._lock:
                self._keys.discard(place)

    def _once(self, token_id: int, key: str, asked: bytes, work: Callable[[], Done]) -> Done:
        office = self._office

        def keys(connection: Connection) -> RequestKeys:
            return RequestKeys(connection, office.vault, token_id, office.clock())

        before = office.write(lambda connection: keys(connection).find(key, asked))
        if before is not None:
            return before
        done = work()
        office.write(lambda connection: keys(connection).keep(key, asked, done))
        return done


def key_of(request: Request) -> str | None:
    """Returns the key of a request, None when it has none.

    Raises:
        Refusal: 400, HUB-1708, it cannot be used.
    """
    key = request.headers.get(HEADER)
    if key is not None and not _KEY.fullmatch(key):
        raise Refusal(400, "HUB-1708")
    return key


def _answer(done: Done) -> Response:
    return answer(done.content, done.status, done.headers)


def digest_of(request: Request) -> bytes:
    """Returns the SHA-256 of what is asked: method, address, query, type of content and body."""
    parts = (
        request.method.encode(),
        request.url.path.encode(),
        request.url.query.encode(),
        request.headers.get("Content-Type", "").encode("latin-1"),
        request.state.body,
    )
    return hashlib.sha256(b"".join(len(one).to_bytes(8, "big") + one for one in parts)).digest()
