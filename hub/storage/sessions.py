"""Sessions in the database: a cookie of 256 random bits, of which only the SHA-256 is kept.

A session ends `session_hours` after it began, `idle_minutes` after it was last used, when its
account is disabled, and when it is told to. One that waits for the second factor is nobody's.
A page that is kept live counts as used; a guard's screen hangs at its gate all day, so that for a
guard only the first limit holds, and a worker looks at his registrations and puts the telephone
away, so that his session is idle after `WORKER_IDLE_MS`.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Engine, Row, Select, delete, insert, select, update

from hub.application.access import Actor
from hub.domain.rights import Role
from hub.settings import AccessSettings
from hub.storage.companies import below
from hub.storage.engine import reading
from hub.storage.links import digest_of
from hub.storage.schema import account, account_site, web_session

COOKIE_BYTES: Final = 32
COOKIE_MAX: Final = 64
SEEN_MS: Final = 60_000
"""How exactly it is known when a session was last used; each time costs a write."""
PENDING_MS: Final = 10 * 60_000
"""How long the second factor may take."""
WORKER_IDLE_MS: Final = 15 * 60_000
_WHO: Final = (
    account.c.id,
    account.c.name,
    account.c.role,
    account.c.company_id,
    account.c.person_id,
    account.c.language,
    account.c.totp_sealed,
)
"""What makes somebody an actor."""


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session of an account.

    Args:
        handle: stands for it in a form.
        current: it is the one that asks.
    """

    handle: str
    begun_ms: int
    seen_ms: int
    current: bool


@dataclass(frozen=True, slots=True)
class Pending:
    """A session whose second factor is still due."""

    account_id: int
    csrf: str


class Sessions:
    """`AccessPort` on the database; safe from every thread.

    Args:
        engine: to read.
        write: carries out a change in a transaction of its own.
        clock: UTC milliseconds.
        settings: table `[access]`.
    """

    def __init__(
        self,
        engine: Engine,
        write: Callable[[Callable[[Connection], None]], object],
        clock: Callable[[], int],
        settings: AccessSettings,
    ) -> None:
        self._engine = engine
        self._write = write
        self._clock = clock
        self._settings = settings
        self._lock = threading.Lock()
        self._noting: set[bytes] = set()

    def actor(self, cookie: str) -> Actor | None:
        """Returns who this session is of; see `AccessPort`."""
        if not cookie:
            return None
        now_ms = self._clock()
        digest = digest_of(cookie[:COOKIE_MAX])
        with reading(self._engine) as connection:
            row = connection.execute(_session_query(digest)).first()
            if row is None or not row.complete or not self._alive(row, now_ms):
                return None
            actor = _actor(connection, row, row.csrf)
        if now_ms - row.seen_ms >= SEEN_MS:
            self._note_seen(digest, now_ms)
        return actor

    def _note_seen(self, digest: bytes, now_ms: int) -> None:
        """Writes that a session is used; not while another request writes the same.

        A locked database would hold every request of a browser otherwise, and with them the few
        threads that answer everybody.
        """
        with self._lock:
            if digest in self._noting:
                return
            self._noting.add(digest)
        try:
            self._write(lambda connection: _seen(connection, digest, now_ms))
        finally:
            with self._lock:
                self._noting.discard(digest)

    def pending(self, cookie: str) -> Pending | None:
        """Returns the session of this cookie when its second factor is due, else None."""
        if not cookie:
            return None
        with reading(self._engine) as connection:
            row = connection.execute(_session_query(digest_of(cookie[:COOKIE_MAX]))).first()
        if row is None or row.complete or not self._alive(row, self._clock()):
            return None
        return Pending(row.id, row.csrf)

    def _alive(self, row: Row[Any], now_ms: int) -> bool:
        if row.disabled_ms is not None or not row.begun_ms <= now_ms < row.until_ms:
            return False
        idle_ms = self._settings.idle_minutes * 60_000
        if row.role == Role.WORKER:
            idle_ms = min(idle_ms, WORKER_IDLE_MS)
        return row.role == Role.GUARD or now_ms - row.seen_ms < idle_ms


def actor_of(connection: Connection, account_id: int) -> Actor | None:
    """Returns who an account belongs to with what he may do now, for what is done without him;
    None: there is no such account, or it is disabled."""
    query = select(*_WHO).where(account.c.id == account_id, account.c.disabled_ms.is_(None))
    row = connection.execute(query).first()
    return None if row is None else _actor(connection, row)


def _actor(connection: Connection, row: Row[*tuple[Any, ...]], csrf: str = "") -> Actor:
    sites = frozenset(
        connection.execute(
            select(account_site.c.site_id).where(account_site.c.account_id == row.id)
        ).scalars()
    )
    chain = frozenset[int]()
    if row.role == Role.CONTRACTOR and row.company_id is not None:
        chain = below(connection, row.company_id)
    return Actor(
        name=f"account:{row.id}",
        role=Role(row.role),
        label=row.name,
        company_id=row.company_id,
        below=chain,
        sites=sites,
        person_id=row.person_id,
        account_id=row.id,
        language=row.language,
        csrf=csrf,
        second_factor=row.totp_sealed is not None,
    )


def begin_session(
    connection: Connection, account_id: int, now_ms: int, until_ms: int, complete: bool = True
) -> str:
    """Begins a session and returns its cookie, which nobody can find again.

    Sessions that are over are swept out.

    Args:
        now_ms: UTC milliseconds.
        until_ms: when it ends at the latest.
        complete: nothing more is asked; else it lasts `PENDING_MS`, for the second factor.
    """
    cookie = secrets.token_urlsafe(COOKIE_BYTES)
    connection.execute(delete(web_session).where(web_session.c.until_ms <= now_ms))
    connection.execute(
        insert(web_session).values(
            digest=digest_of(cookie),
            account_id=account_id,
            csrf=secrets.token_urlsafe(COOKIE_BYTES),
            begun_ms=now_ms,
            seen_ms=now_ms,
            until_ms=until_ms if complete else min(until_ms, now_ms + PENDING_MS),
            complete=int(complete),
        )
    )
    return cookie


def end_session(connection: Connection, cookie: str) -> None:
    """Ends the session of this cookie, if there is one."""
    connection.execute(
        delete(web_session).where(web_session.c.digest == digest_of(cookie[:COOKIE_MAX]))
    )


def end_sessions(connection: Connection, account_id: int, but: str = "") -> int:
    """Ends every session of an account and returns how many.

    Args:
        but: the cookie of the one that stays; empty: none.
    """
    statement = delete(web_session).where(web_session.c.account_id == account_id)
    if but:
        statement = statement.where(web_session.c.digest != digest_of(but[:COOKIE_MAX]))
    return connection.execute(statement).rowcount


def sessions_of(
    connection: Connection, account_id: int, now_ms: int, cookie: str
) -> list[SessionRow]:
    """Returns the sessions of an account that have not ended by themselves, newest first.

    Args:
        cookie: of the session that asks.
    """
    query = (
        select(web_session)
        .where(
            web_session.c.account_id == account_id,
            web_session.c.until_ms > now_ms,
            web_session.c.complete == 1,
        )
        .order_by(web_session.c.begun_ms.desc())
    )
    mine = digest_of(cookie[:COOKIE_MAX])
    return [
        SessionRow(row.digest.hex()[:16], row.begun_ms, row.seen_ms, row.digest == mine)
        for row in connection.execute(query)
    ]


def _session_query(digest: bytes) -> Select[Any, *tuple[Any, ...]]:
    return (
        select(
            web_session.c.csrf,
            web_session.c.begun_ms,
            web_session.c.seen_ms,
            web_session.c.until_ms,
            web_session.c.complete,
            account.c.disabled_ms,
            *_WHO,
        )
        .join_from(web_session, account, account.c.id == web_session.c.account_id)
        .where(web_session.c.digest == digest)
    )


def _seen(connection: Connection, digest: bytes, now_ms: int) -> None:
    connection.execute(
        update(web_session).where(web_session.c.digest == digest).values(seen_ms=now_ms)
    )
