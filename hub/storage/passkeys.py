"""Passkeys in the database: public keys, of which a stolen file opens nothing.

A credential belongs to one account of one hub. Its counter only goes up: `use_passkey` keeps the
new value only where it still finds the one that was compared with, so that of two answers made by
a copied key at the same time at most one opens something.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection, delete, func, insert, select, update

from hub.domain.audit import Noted
from hub.errors import UsageError
from hub.storage.audit import note
from hub.storage.credentials import Credentials
from hub.storage.schema import passkey
from hub.storage.secrets import Vault

PASSKEYS_MAX: Final = 20
"""Passkeys of one account."""


@dataclass(frozen=True, slots=True)
class PasskeyRow:
    """A passkey as its owner sees it.

    Args:
        handle: stands for it in a form.
        used_ms: None: not yet.
    """

    handle: str
    name: str
    added_ms: int
    used_ms: int | None


@dataclass(frozen=True, slots=True)
class KeptPasskey:
    """What an answer is checked against.

    Args:
        public_key: COSE.
        sign_count: the counter of the last answer; 0: this authenticator may have none.
    """

    id: int
    account_id: int
    public_key: bytes = field(repr=False)
    sign_count: int


def passkeys_of(connection: Connection, vault: Vault, account_id: int) -> list[PasskeyRow]:
    """Returns the passkeys of an account, oldest first."""
    query = select(passkey).where(passkey.c.account_id == account_id).order_by(passkey.c.id)
    return [
        PasskeyRow(_handle(vault, row.id), row.name, row.added_ms, row.used_ms)
        for row in connection.execute(query)
    ]


def credentials_in_use(connection: Connection, account_id: int) -> list[bytes]:
    """Returns the credential ids of an account, so that no device makes a second one for it."""
    query = select(passkey.c.credential).where(passkey.c.account_id == account_id)
    return list(connection.execute(query).scalars())


def find_passkey(connection: Connection, credential: bytes) -> KeptPasskey | None:
    """Returns the passkey with this credential id, None when no account has it."""
    row = connection.execute(select(passkey).where(passkey.c.credential == credential)).first()
    if row is None:
        return None
    return KeptPasskey(row.id, row.account_id, row.public_key, row.sign_count)


def add_passkey(
    connection: Connection,
    vault: Vault,
    known: Credentials,
    credential: bytes,
    public_key: bytes,
    sign_count: int,
    name: str,
    now_ms: int,
) -> None:
    """Keeps a passkey of an account.

    Raises:
        UsageError: HUB-1732, an account has this credential, or this account has 20 already.
    """
    of_his = select(func.count()).where(passkey.c.account_id == known.account_id)
    full = connection.execute(of_his).scalar_one() >= PASSKEYS_MAX
    if full or find_passkey(connection, credential) is not None:
        raise UsageError("HUB-1732", most=PASSKEYS_MAX)
    connection.execute(
        insert(passkey).values(
            account_id=known.account_id,
            credential=credential,
            public_key=public_key,
            sign_count=sign_count,
            name=name,
            added_ms=now_ms,
        )
    )
    who = f"account:{known.account_id}"
    note(connection, vault, now_ms, who, Noted.PASSKEY_ADDED, who, company_id=known.company_id)


def use_passkey(connection: Connection, kept: KeptPasskey, sign_count: int, now_ms: int) -> bool:
    """Keeps that a passkey was used; False: its counter is not the one it was compared with."""
    done = connection.execute(
        update(passkey)
        .where(passkey.c.id == kept.id, passkey.c.sign_count == kept.sign_count)
        .values(sign_count=sign_count, used_ms=now_ms)
    )
    return done.rowcount == 1


def remove_passkey(
    connection: Connection, vault: Vault, known: Credentials, handle: str, now_ms: int
) -> None:
    """Forgets one passkey of an account; without effect when it has none of this handle."""
    query = select(passkey.c.id).where(passkey.c.account_id == known.account_id)
    for row_id in connection.execute(query).scalars().all():
        if _handle(vault, row_id) == handle:
            connection.execute(delete(passkey).where(passkey.c.id == row_id))
            who = f"account:{known.account_id}"
            note(
                connection, vault, now_ms, who, Noted.PASSKEY_REMOVED, who,
                company_id=known.company_id,
            )  # fmt: skip


def remove_passkeys(connection: Connection, account_id: int) -> int:
    """Forgets every passkey of an account and returns how many; the caller notes it."""
    return connection.execute(delete(passkey).where(passkey.c.account_id == account_id)).rowcount


def _handle(vault: Vault, row_id: int) -> str:
    return vault.index("passkey", str(row_id)).hex()[:16]
