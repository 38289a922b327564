"""Links that are good once: the secret stands in the address, its SHA-256 in the database.

256 random bits need no salt and no stretching. Looking at a link changes nothing, since mail
programs and messengers open what they carry; only `use_link` spends it. A worker's own link is good
until it is taken back.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, insert, select, update

from hub.domain.audit import Noted
from hub.errors import UsageError
from hub.storage.audit import note
from hub.storage.schema import account, link
from hub.storage.secrets import Vault

SECRET_BYTES: Final = 32
SECRET_MAX: Final = 64
"""Longest text that is looked up at all."""


class Purpose(StrEnum):
    """What a link is good for."""

    SETUP = "setup"
    """Makes the first account, an administrator."""
    INVITATION = "invitation"
    """Sets the first password of an account."""
    RESET = "reset"
    """Sets another password."""
    LOGIN = "login"
    """Logs in without a password."""
    WORKER = "worker"
    """Shows a worker his own registrations, as often as he likes."""


@dataclass(frozen=True, slots=True)
class LinkRow:
    """A link that is good now."""

    purpose: Purpose
    account_id: int | None
    person_id: int | None
    until_ms: int


def digest_of(secret: str) -> bytes:
    """Returns what is kept of a secret, of a session's as well."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def make_link(
    connection: Connection,
    vault: Vault,
    purpose: Purpose | str,
    made_by: str,
    now_ms: int,
    until_ms: int,
    account_id: int | None = None,
    person_id: int | None = None,
) -> str:
    """Makes a link and returns the secret part of its address, which nobody can find again.

    Older links of the same purpose for the same account or person are good no more.

    Args:
        made_by: for the audit: `account:7`, `command`, `hub`.
        now_ms: UTC milliseconds.
        until_ms: when it ends.
    """
    purpose = Purpose(purpose)
    revoke_links(connection, now_ms, account_id, person_id, purpose)
    secret = secrets.token_urlsafe(SECRET_BYTES)
    connection.execute(
        insert(link).values(
            digest=digest_of(secret),
            purpose=str(purpose),
            account_id=account_id,
            person_id=person_id,
            made_ms=now_ms,
            made_by=made_by,
            until_ms=until_ms,
        )
    )
    subject = f"account:{account_id}" if account_id is not None else ""
    if person_id is not None:
        subject = f"person:{person_id}"
    note(
        connection, vault, now_ms, made_by, Noted.LINK_MADE, subject,
        company_id=_company_of(connection, account_id), purpose=str(purpose), until_ms=until_ms,
    )  # fmt: skip
    return secret


def look_at_link(connection: Connection, secret: str, now_ms: int) -> LinkRow:
    """Returns what a link is good for, and changes nothing.

    Raises:
        UsageError: HUB-1602, it is unknown, over, used, taken back, or of a disabled account: all
            the same to whoever holds it.
    """
    query = (
        select(link, account.c.disabled_ms)
        .select_from(link.outerjoin(account, account.c.id == link.c.account_id))
        .where(
            link.c.digest == digest_of(secret[:SECRET_MAX]),
            link.c.until_ms > now_ms,
            link.c.used_ms.is_(None),
        )
    )
    row = connection.execute(query).first()
    if row is None or row.disabled_ms is not None:
        raise UsageError("HUB-1602")
    return LinkRow(Purpose(row.purpose), row.account_id, row.person_id, row.until_ms)


def use_link(connection: Connection, vault: Vault, secret: str, now_ms: int) -> LinkRow:
    """Spends a link and returns what it was good for; of two who try at once one succeeds.

    Raises:
        UsageError: HUB-1602, as `look_at_link`.
    """
    row = look_at_link(connection, secret, now_ms)
    if row.purpose is not Purpose.WORKER:
        done = connection.execute(
            update(link)
            .where(link.c.digest == digest_of(secret), link.c.used_ms.is_(None))
            .values(used_ms=now_ms)
        )
        if done.rowcount != 1:
            raise UsageError("HUB-1602")
    who = f"account:{row.account_id}" if row.account_id is not None else ""
    if row.person_id is not None:
        who = f"person:{row.person_id}"
    note(
        connection, vault, now_ms, who or "link", Noted.LINK_USED, who,
        company_id=_company_of(connection, row.account_id), purpose=str(row.purpose),
    )  # fmt: skip
    return row


def revoke_links(
    connection: Connection,
    now_ms: int,
    account_id: int | None = None,
    person_id: int | None = None,
    purpose: Purpose | None = None,
) -> int:
    """Takes back every unused link of this account, person or neither; returns how many.

    Args:
        purpose: only those; None: all.
    """
    mine = (
        link.c.account_id == account_id if account_id is not None else link.c.account_id.is_(None)
    )
    his = link.c.person_id == person_id if person_id is not None else link.c.person_id.is_(None)
    statement = (
        update(link)
        .where(mine, his, link.c.used_ms.is_(None), link.c.until_ms > now_ms)
        .values(until_ms=now_ms)
    )
    if purpose is not None:
        statement = statement.where(link.c.purpose == str(purpose))
    return connection.execute(statement).rowcount


def _company_of(connection: Connection, account_id: int | None) -> int | None:
    if account_id is None:
        return None
    query = select(account.c.company_id).where(account.c.id == account_id)
    return connection.execute(query).scalar()
