"""The outbox of messages: queued in somebody's transaction, ended in one of its own."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol, TypeVar

from sqlalchemy import Connection, Engine, Row, delete, func, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from hub.application.mailing import Attachment, Content, Mailing, Notice
from hub.application.posting import ChannelState
from hub.storage.engine import reading
from hub.storage.schema import notice, notice_channel
from hub.storage.secrets import Vault

T = TypeVar("T")
WAITING: Final = "waiting"
SENT: Final = "sent"
LOST: Final = "lost"
DRAFT: Final = "draft"
"""Kept with its files, and to be sent only once it is released."""
ATTACHMENT: Final = "attachment"
"""Kind that what is attached is sealed as."""


class Write(Protocol):
    """Carries out a change in a transaction of its own."""

    def __call__(self, change: Callable[[Connection], T], /) -> T:
        """Returns what `change` returned, once it is on disk; raises what it raised."""
        ...


class Queue:
    """`NoticeOutbox` inside a transaction.

    Args:
        connection: the write transaction of what the message tells of.
        vault: seals what is attached.
        sealed: what is attached to every message, as `sealed_files` returned it before the
            transaction, which is then as short as without; None: it is sealed here.
        draft: nothing is sent before it is released (`release`).
    """

    def __init__(
        self,
        connection: Connection,
        vault: Vault,
        sealed: bytes | None = None,
        draft: bool = False,
    ) -> None:
        self._connection = connection
        self._vault = vault
        self._sealed = sealed
        self._draft = draft

    def queue(self, notice_: Notice, /) -> int | None:
        """Keeps a message to be sent; returns its row, None when it was kept before."""
        content = notice_.content
        values: dict[str, Any] = {
            "handle": notice_.handle,
            "channel": notice_.channel,
            "recipient": notice_.to,
            "language": notice_.language,
            "made_ms": notice_.made_ms,
            "content": json.dumps(
                {
                    "subject": content.subject,
                    "paragraphs": content.paragraphs,
                    "link": content.link,
                    "data": dict(content.data),
                },
                ensure_ascii=False,
            ),
            "attachments": self._sealed or sealed_files(self._vault, notice_.attachments),
            "attempts": 0,
            "next_try_ms": 0,
            "code": "",
            "state": DRAFT if self._draft else WAITING,
            # One that is never released goes with the messages that ended then.
            "ended_ms": notice_.made_ms if self._draft else None,
        }
        statement = upsert(notice).values(values).on_conflict_do_nothing().returning(notice.c.id)
        return self._connection.execute(statement).scalar()


def sealed_files(vault: Vault, attachments: Sequence[Attachment]) -> bytes | None:
    """Returns attachments as they are kept while they wait; None for none."""
    if not attachments:
        return None
    told = [
        [one.name, one.media_type, base64.b64encode(one.content).decode()] for one in attachments
    ]
    return vault.seal(ATTACHMENT, json.dumps(told).encode())


def mailing(
    connection: Connection,
    vault: Vault,
    now_ms: int,
    sealed: bytes | None = None,
    draft: bool = False,
) -> Mailing:
    """Returns what queues mail in this write transaction.

    Args:
        now_ms: UTC milliseconds.
        sealed, draft: see `Queue`.
    """
    queue = Queue(connection, vault, sealed, draft)
    return Mailing(queue, lambda: secrets.token_urlsafe(16), now_ms)


def release(connection: Connection, handles: Sequence[str]) -> None:
    """Lets these drafts be sent if, and only if, this transaction is kept."""
    mine = notice.c.handle.in_(handles) & (notice.c.state == DRAFT)
    connection.execute(update(notice).where(mine).values(state=WAITING, ended_ms=None))


def discard(connection: Connection, handles: Sequence[str], before_ms: int) -> None:
    """Removes these drafts, and those of whoever ended before he released them.

    Args:
        before_ms: drafts that are older are nobody's any more, UTC milliseconds.
    """
    old = notice.c.handle.in_(handles) | (notice.c.made_ms < before_ms)
    connection.execute(delete(notice).where(notice.c.state == DRAFT, old))


class Post:
    """`PostPort` on the database.

    Args:
        engine: to read.
        write: carries out each change.
        vault: opens what is attached.
    """

    def __init__(self, engine: Engine, write: Write, vault: Vault) -> None:
        self._engine = engine
        self._write = write
        self._vault = vault

    def channels(self) -> dict[str, ChannelState]:
        """See `PostPort`."""
        with reading(self._engine) as connection:
            return channel_states(connection)

    def oldest(self, channel: str, now_ms: int) -> tuple[Notice, int] | None:
        """See `PostPort`."""
        query = (
            select(notice)
            .where(
                notice.c.channel == channel,
                notice.c.state == WAITING,
                notice.c.next_try_ms <= now_ms,
            )
            .order_by(notice.c.id)
            .limit(1)
        )
        with reading(self._engine) as connection:
            row = connection.execute(query).first()
        return None if row is None else (self._notice(row), row.attempts)

    def sent(self, handle: str, at_ms: int) -> None:
        """See `PostPort`."""

        def keep(connection: Connection) -> None:
            channel = _end(connection, handle, SENT, "", at_ms)
            _remember(connection, channel, failures=0, next_try_ms=0, code="", last_sent_ms=at_ms)

        self._write(keep)

    def given_up(self, handle: str, code: str, at_ms: int) -> None:
        """See `PostPort`."""
        self._write(lambda connection: _end(connection, handle, LOST, code, at_ms))

    def failed(self, handle: str, code: str, next_try_ms: int) -> None:
        """See `PostPort`."""

        def keep(connection: Connection) -> None:
            channel = _tried(connection, handle, code, 0)
            known = channel_states(connection).get(channel)
            failures = 1 if known is None else known.failures + 1
            _remember(connection, channel, failures=failures, next_try_ms=next_try_ms, code=code)

        self._write(keep)

    def postponed(self, handle: str, code: str, next_try_ms: int) -> None:
        """See `PostPort`."""
        self._write(lambda connection: _tried(connection, handle, code, next_try_ms))

    def _notice(self, row: Row[Any]) -> Notice:
        said = json.loads(row.content)
        content = Content(said["subject"], tuple(said["paragraphs"]), said["link"], said["data"])
        sealed = row.attachments
        told = [] if sealed is None else json.loads(self._vault.open(ATTACHMENT, sealed))
        return Notice(
            row.handle,
            row.channel,
            row.recipient,
            row.language,
            row.made_ms,
            content,
            tuple(Attachment(name, kind, base64.b64decode(data)) for name, kind, data in told),
        )


def _tried(connection: Connection, handle: str, code: str, next_try_ms: int) -> str:
    return connection.execute(
        update(notice)
        .where(notice.c.handle == handle)
        .values(attempts=notice.c.attempts + 1, code=code, next_try_ms=next_try_ms)
        .returning(notice.c.channel)
    ).scalar_one()


def _end(connection: Connection, handle: str, state: str, code: str, at_ms: int) -> str:
    return connection.execute(
        update(notice)
        .where(notice.c.handle == handle)
        .values(
            state=state,
            code=code,
            ended_ms=at_ms,
            attempts=notice.c.attempts + 1,
            attachments=None,
        )
        .returning(notice.c.channel)
    ).scalar_one()


def _remember(connection: Connection, channel: str, **values: object) -> None:
    statement = upsert(notice_channel).values(channel=channel, **values)
    connection.execute(
        statement.on_conflict_do_update(index_elements=["channel"], set_=dict(values))
    )


def try_now(connection: Connection, channel: str) -> None:
    """Lets what waits for a channel be tried at once: somebody has looked after it."""
    connection.execute(
        update(notice)
        .where(notice.c.channel == channel, notice.c.state == WAITING)
        .values(next_try_ms=0)
    )
    connection.execute(
        update(notice_channel).where(notice_channel.c.channel == channel).values(next_try_ms=0)
    )


def channel_states(connection: Connection) -> dict[str, ChannelState]:
    """Returns how every channel goes that was ever used, by name."""
    waiting = {
        row.channel: (row.waiting, row.oldest_ms)
        for row in connection.execute(
            select(
                notice.c.channel,
                func.count().label("waiting"),
                func.min(notice.c.made_ms).label("oldest_ms"),
            )
            .where(notice.c.state == WAITING)
            .group_by(notice.c.channel)
        )
    }
    found = {
        row.channel: ChannelState(
            row.channel,
            row.failures,
            row.next_try_ms,
            row.code,
            row.last_sent_ms,
            *waiting.get(row.channel, (0, None)),
        )
        for row in connection.execute(select(notice_channel))
    }
    for channel, (count, oldest_ms) in waiting.items():
        found.setdefault(channel, ChannelState(channel, waiting=count, oldest_ms=oldest_ms))
    return found
