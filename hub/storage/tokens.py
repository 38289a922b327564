"""Tokens of programs that use the API: made here, shown once, kept as their digest only.

A token is 256 random bits, so its SHA-256 needs no salt and no stretching: whoever has the database
has no token, and nobody can try them all.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, Engine, insert, select, update

from hub.errors import UsageError
from hub.storage.engine import reading
from hub.storage.schema import api_token

SCOPES: Final = ("plan",)
"""What a token may be good for."""

PREFIX: Final = "sitegate_"
"""By which a token is recognised where it should not be, for example in a repository."""

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9.-]{0,39}")


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A token as it may be shown: without itself."""

    name: str
    scopes: tuple[str, ...]
    added_ms: int
    revoked_ms: int | None


def add_token(connection: Connection, name: str, scopes: Sequence[str], now_ms: int) -> str:
    """Makes a token and returns it; nobody can find it again.

    Raises:
        UsageError: HUB-1528 the name does not suit, HUB-1529 no such scope, HUB-1520 the name was
            given before.
    """
    if not _NAME.fullmatch(name):
        raise UsageError("HUB-1528")
    if not scopes or not set(scopes) <= set(SCOPES):
        raise UsageError("HUB-1529", scopes=", ".join(SCOPES))
    taken = connection.execute(select(api_token.c.id).where(api_token.c.name == name)).first()
    if taken is not None:
        raise UsageError("HUB-1520", name=name)
    token = PREFIX + secrets.token_urlsafe(32)
    connection.execute(
        insert(api_token).values(
            name=name,
            digest=_digest(token),
            scopes=" ".join(sorted(set(scopes))),
            added_ms=now_ms,
        )
    )
    return token


def tokens(connection: Connection) -> list[TokenRow]:
    """Returns every token ever made, oldest first."""
    rows = connection.execute(select(api_token).order_by(api_token.c.id)).all()
    return [
        TokenRow(row.name, tuple(row.scopes.split()), row.added_ms, row.revoked_ms) for row in rows
    ]


def revoke_token(connection: Connection, name: str, now_ms: int) -> None:
    """Makes a token worthless from now on.

    Raises:
        UsageError: HUB-1521, there is no valid token of this name.
    """
    done = connection.execute(
        update(api_token)
        .where(api_token.c.name == name, api_token.c.revoked_ms.is_(None))
        .values(revoked_ms=now_ms)
    )
    if done.rowcount == 0:
        raise UsageError("HUB-1521", name=name[:40])


def find_token(connection: Connection, token: str) -> TokenRow | None:
    """Returns the valid token that this is, None when it is none.

    Found by its digest: how long that takes tells nothing about any token.
    """
    query = select(api_token).where(
        api_token.c.digest == _digest(token), api_token.c.revoked_ms.is_(None)
    )
    row = connection.execute(query).first()
    if row is None:
        return None
    return TokenRow(row.name, tuple(row.scopes.split()), row.added_ms, None)


def token_finder(engine: Engine) -> Callable[[str], TokenRow | None]:
    """Returns `find_token` on a database, each time in a transaction of its own."""

    def find(token: str) -> TokenRow | None:
        with reading(engine) as connection:
            return find_token(connection, token)

    return find


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
