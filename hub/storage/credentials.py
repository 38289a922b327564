"""What proves who somebody is, in the database: password, wrong tries, second factor.

Nothing here decides whether a password is right (`hub.application.accounts` does, outside of any
transaction, since that takes a tenth of a second); it keeps what came of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select, update

from hub.application.accounts import lock_ms
from hub.domain.audit import Noted
from hub.domain.rights import Role
from hub.storage.audit import note
from hub.storage.schema import account
from hub.storage.secrets import Vault

TOTP = "totp"
"""As what the secret of a second factor is sealed."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What an account proves itself with; its `repr` shows none of it.

    Args:
        disabled: it opens nothing.
        locked_until_ms: before then not even the right password opens it.
        totp: secret of the second factor, base32; empty: none.
        elsewhere: a login elsewhere opens it too.
    """

    account_id: int
    login: str
    name: str
    role: Role
    company_id: int | None
    disabled: bool
    locked_until_ms: int
    password_hash: str | None = field(repr=False)
    totp: str = field(repr=False)
    totp_step: int = 0
    elsewhere: bool = False


def credentials_of(
    connection: Connection,
    vault: Vault,
    *,
    login: str | None = None,
    account_id: int | None = None,
    elsewhere: str | None = None,
) -> Credentials | None:
    """Returns the credentials of one account, None when there is none.

    Args:
        login, account_id: of this login, or this id.
        elsewhere: `issuer subject` of the login elsewhere that opens it.
    """
    by = account.c.login == login if account_id is None else account.c.id == account_id
    if elsewhere is not None:
        by = account.c.oidc_subject == elsewhere
    row = connection.execute(select(account).where(by)).first()
    if row is None:
        return None
    return Credentials(
        account_id=row.id,
        login=row.login,
        name=row.name,
        role=Role(row.role),
        company_id=row.company_id,
        disabled=row.disabled_ms is not None,
        locked_until_ms=row.locked_until_ms,
        password_hash=row.password_hash,
        totp="" if row.totp_sealed is None else vault.open(TOTP, row.totp_sealed).decode(),
        totp_step=row.totp_step,
        elsewhere=row.oidc_subject is not None,
    )


def note_refused(
    connection: Connection,
    vault: Vault,
    known: Credentials | None,
    now_ms: int,
    lock_after: int,
    **detail: Any,
) -> None:
    """Keeps that somebody was wrong, and lets the account wait when he was too often.

    An unknown login is noted without it: it may be a password typed in the wrong field.

    Args:
        known: the account that was tried; None: there is none of that login.
        **detail: how it was tried, and why it was refused.
    """
    if known is None or known.disabled:
        note(connection, vault, now_ms, "stranger", Noted.LOGIN_REFUSED, **detail)
        return
    who = f"account:{known.account_id}"
    note(
        connection, vault, now_ms, "stranger", Noted.LOGIN_REFUSED, who,
        company_id=known.company_id, **detail,
    )  # fmt: skip
    if known.locked_until_ms > now_ms:
        # Trying while it waits makes it no longer, or anybody could keep somebody out for ever.
        return
    mine = account.c.id == known.account_id
    connection.execute(update(account).where(mine).values(failures=account.c.failures + 1))
    failures = connection.execute(select(account.c.failures).where(mine)).scalar_one()
    wait_ms = lock_ms(failures, lock_after)
    if wait_ms:
        connection.execute(update(account).where(mine).values(locked_until_ms=now_ms + wait_ms))
        note(
            connection, vault, now_ms, "hub", Noted.ACCOUNT_LOCKED, who,
            company_id=known.company_id, until_ms=now_ms + wait_ms, failures=failures,
        )  # fmt: skip


def note_login(
    connection: Connection, vault: Vault, known: Credentials, now_ms: int, how: str
) -> None:
    """Keeps that somebody logged in; his wrong tries are forgotten.

    Args:
        how: `password`, `password+totp`, `link`, `link+totp`, or another way.
    """
    connection.execute(
        update(account)
        .where(account.c.id == known.account_id)
        .values(failures=0, locked_until_ms=0)
    )
    who = f"account:{known.account_id}"
    note(connection, vault, now_ms, who, Noted.LOGIN, who, company_id=known.company_id, how=how)


def set_password(
    connection: Connection, vault: Vault, known: Credentials, password_hash: str, now_ms: int
) -> None:
    """Keeps another password; wrong tries are forgotten. End the sessions beside it."""
    connection.execute(
        update(account)
        .where(account.c.id == known.account_id)
        .values(password_hash=password_hash, failures=0, locked_until_ms=0)
    )
    who = f"account:{known.account_id}"
    note(connection, vault, now_ms, who, Noted.PASSWORD_SET, who, company_id=known.company_id)


def renew_hash(connection: Connection, known: Credentials, password_hash: str) -> None:
    """Keeps the same password hashed with today's parameters, unless it was changed meanwhile."""
    connection.execute(
        update(account)
        .where(account.c.id == known.account_id, account.c.password_hash == known.password_hash)
        .values(password_hash=password_hash)
    )


def use_step(connection: Connection, account_id: int, step: int) -> bool:
    """Keeps the time step of a one-time code that was right; False: it, or a newer, was used."""
    done = connection.execute(
        update(account)
        .where(account.c.id == account_id, account.c.totp_step < step)
        .values(totp_step=step)
    )
    return done.rowcount == 1


def set_second_factor(
    connection: Connection, vault: Vault, known: Credentials, secret: str, step: int, now_ms: int
) -> None:
    """Keeps the secret of a second factor that was proved with the code of `step`."""
    connection.execute(
        update(account)
        .where(account.c.id == known.account_id)
        .values(totp_sealed=vault.seal(TOTP, secret.encode()), totp_step=step)
    )
    who = f"account:{known.account_id}"
    note(connection, vault, now_ms, who, Noted.SECOND_FACTOR_SET, who, company_id=known.company_id)


def drop_second_factor(
    connection: Connection, vault: Vault, known: Credentials, now_ms: int
) -> None:
    """Takes the second factor off."""
    connection.execute(
        update(account).where(account.c.id == known.account_id).values(totp_sealed=None)
    )
    who = f"account:{known.account_id}"
    note(
        connection, vault, now_ms, who, Noted.SECOND_FACTOR_REMOVED, who,
        company_id=known.company_id,
    )  # fmt: skip


def set_language(connection: Connection, account_id: int, language: str) -> None:
    """Keeps the language that an account is spoken to; empty: as its browser asks."""
    connection.execute(update(account).where(account.c.id == account_id).values(language=language))


def link_elsewhere(
    connection: Connection, vault: Vault, known: Credentials, elsewhere: str, now_ms: int
) -> bool:
    """Lets a login elsewhere open an account; False: it opens another one already.

    Args:
        elsewhere: `issuer subject`.
    """
    query = select(account.c.id).where(account.c.oidc_subject == elsewhere)
    if connection.execute(query).scalar() not in (None, known.account_id):
        return False
    connection.execute(
        update(account).where(account.c.id == known.account_id).values(oidc_subject=elsewhere)
    )
    who = f"account:{known.account_id}"
    note(
        connection, vault, now_ms, who, Noted.ACCOUNT_CHANGED, who, company_id=known.company_id,
        change="login elsewhere linked",
    )  # fmt: skip
    return True
