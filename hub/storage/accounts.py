"""Accounts in the database: who may log in, and what somebody may do to the accounts he sees.

A contractor sees the accounts of his own company, a supervisor those that have one of his sites or
a company that works there, an administrator all. What is outside does not exist. Every change is
noted in the audit, in the transaction that makes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    false,
    func,
    insert,
    not_,
    or_,
    select,
    true,
    update,
)

from hub.application.access import Actor, Scope
from hub.application.accounts import NAME_MAX, clean_login
from hub.domain.audit import Noted
from hub.domain.rights import INVITES, Action, Role
from hub.errors import UsageError
from hub.i18n import LANGUAGES
from hub.storage.audit import note
from hub.storage.links import Purpose, make_link, revoke_links
from hub.storage.passkeys import remove_passkeys
from hub.storage.schema import account, account_site, company, passkey, site
from hub.storage.scope import companies_within
from hub.storage.secrets import Vault
from hub.storage.sessions import end_sessions

OF_A_SITE: Final = frozenset({Role.SUPERVISOR, Role.GUARD, Role.INSPECTOR})
"""Roles that are of certain sites."""
_HAS_PASSKEY: Final = (
    select(passkey.c.id).where(passkey.c.account_id == account.c.id).exists().label("has_passkey")
)


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account as those who may see it see it.

    Args:
        handle: stands for it in an address.
        company: name of its company, empty when it is of none.
        sites: names of its sites.
        state: `invited` (no password yet), `active`, `locked` or `disabled`.
        locked_until_ms: 0 when it does not wait.
        mine: it is the account of who asks.
        changeable: who asks may change it.
    """

    id: int
    handle: str
    login: str
    name: str
    role: Role
    company: str
    sites: tuple[str, ...]
    language: str
    second_factor: bool
    state: str
    locked_until_ms: int
    added_ms: int
    mine: bool
    changeable: bool


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What an invitation says.

    Args:
        company_number: of a contractor's company.
        sites: names of the sites of a supervisor, guard or inspector.
        language: two letters, or empty: as his browser asks.
    """

    login: str
    name: str
    role: Role
    company_number: str = ""
    sites: Sequence[str] = ()
    language: str = ""


class Accounts:
    """The accounts that somebody sees and changes.

    Args:
        connection: a write transaction for what changes something.
        actor: who asks.
        now_ms: UTC milliseconds.
    """

    def __init__(self, connection: Connection, vault: Vault, actor: Actor, now_ms: int) -> None:
        self._connection = connection
        self._vault = vault
        self._actor = actor
        self._now_ms = now_ms

    # ------------------------------------------------------------ looking

    def rows(self) -> list[AccountRow]:
        """Returns the accounts he sees, by name; those of workers are not shown anywhere."""
        query = self._query().where(account.c.role != str(Role.WORKER))
        found = self._connection.execute(query.order_by(func.lower(account.c.name), account.c.id))
        return self._drawn(found.all())

    def row(self, handle: str) -> AccountRow:
        """Returns the account of this handle.

        Raises:
            UsageError: HUB-1610, there is none that he sees.
        """
        for one in self.rows():
            if one.handle == handle:
                return one
        raise UsageError("HUB-1610")

    def by_login(self, login: str) -> AccountRow:
        """Returns the account of this login.

        Raises:
            UsageError: HUB-1610, there is none that he sees.
        """
        query = self._query().where(account.c.login == login.strip().lower())
        found = self._drawn(self._connection.execute(query).all())
        if not found:
            raise UsageError("HUB-1610")
        return found[0]

    def invitable(self) -> tuple[Role, ...]:
        """Returns the roles that he may invite."""
        if not self._actor.may(Action.ACCOUNTS_CHANGE):
            return ()
        return INVITES.get(self._actor.role, ())

    def companies(self) -> list[tuple[str, str]]:
        """Returns (number, name) of the companies that he may invite somebody of."""
        query = select(company.c.number, company.c.name).where(self._companies_to_invite())
        found = self._connection.execute(query.order_by(func.lower(company.c.name)))
        return [(number, name) for number, name in found]

    def sites(self) -> list[str]:
        """Returns the names of the sites that he may invite somebody to."""
        query = select(site.c.name).where(self._sites_to_invite()).order_by(site.c.name)
        return list(self._connection.execute(query).scalars())

    # ------------------------------------------------------------ changing

    def add(self, new: NewAccount) -> AccountRow:
        """Adds an account, without a password: make a link for it.

        Raises:
            UsageError: HUB-1611 the login does not suit or is not free, HUB-1614 the name,
                HUB-1613 he may not invite this role, HUB-1615 no company of his, HUB-1616 no site
                of his.
        """
        login = clean_login(new.login)
        name = " ".join(new.name.split())
        if not 1 <= len(name) <= NAME_MAX or not name.isprintable():
            raise UsageError("HUB-1614")
        if new.role not in self.invitable():
            raise UsageError("HUB-1613")
        company_id = self._company(new) if new.role is Role.CONTRACTOR else None
        site_ids = self._sites(new) if new.role in OF_A_SITE else []
        if login_taken(self._connection, login):
            raise UsageError("HUB-1611")
        result = self._connection.execute(
            insert(account).values(
                login=login,
                name=name,
                role=str(new.role),
                company_id=company_id,
                language=new.language if new.language in LANGUAGES else "",
                added_ms=self._now_ms,
                added_by=self._actor.name,
            )
        )
        key = result.inserted_primary_key
        account_id = int(key[0]) if key else 0
        for site_id in site_ids:
            self._connection.execute(
                insert(account_site).values(account_id=account_id, site_id=site_id)
            )
        self._note(Noted.ACCOUNT_ADDED, account_id, company_id, role=str(new.role))
        query = self._query().where(account.c.id == account_id)
        (made,) = self._drawn(self._connection.execute(query).all())
        return made

    def link(self, row: AccountRow, purpose: Purpose, until_ms: int) -> str:
        """Returns the secret part of a new link for an account; older ones are good no more.

        Raises:
            UsageError: HUB-1610 he may not, HUB-1618 the account is disabled.
        """
        self._must(row)
        if row.state == "disabled":
            raise UsageError("HUB-1618")
        for other in (Purpose.INVITATION, Purpose.RESET, Purpose.LOGIN):
            revoke_links(self._connection, self._now_ms, row.id, purpose=other)
        return make_link(
            self._connection, self._vault, purpose, self._actor.name, self._now_ms, until_ms, row.id
        )

    def disable(self, row: AccountRow) -> None:
        """Shuts an account: its sessions and links end now.

        Raises:
            UsageError: HUB-1610 he may not, HUB-1617 it is his own or the last administrator's.
        """
        self._must(row)
        if row.mine or (row.role is Role.ADMINISTRATOR and self._last_administrator(row)):
            raise UsageError("HUB-1617")
        if row.state == "disabled":
            return
        self._set(row, disabled_ms=self._now_ms)
        end_sessions(self._connection, row.id)
        revoke_links(self._connection, self._now_ms, row.id)
        self._note(Noted.ACCOUNT_DISABLED, row.id, self._company_id(row))

    def enable(self, row: AccountRow) -> None:
        """Opens a shut account again, with the password it had."""
        self._must(row)
        self._set(row, disabled_ms=None, failures=0, locked_until_ms=0)
        self._note(Noted.ACCOUNT_ENABLED, row.id, self._company_id(row))

    def unlock(self, row: AccountRow) -> None:
        """Lets an account that waits after wrong passwords try again at once."""
        self._must(row)
        self._set(row, failures=0, locked_until_ms=0)
        self._note(Noted.ACCOUNT_CHANGED, row.id, self._company_id(row), change="unlocked")

    def remove_second_factor(self, row: AccountRow) -> None:
        """Takes the second factor off, for somebody who lost his telephone, and every passkey,
        which it may hold; his sessions end."""
        self._must(row)
        self._set(row, totp_sealed=None)
        end_sessions(self._connection, row.id)
        self._note(Noted.SECOND_FACTOR_REMOVED, row.id, self._company_id(row))
        if remove_passkeys(self._connection, row.id):
            self._note(Noted.PASSKEY_REMOVED, row.id, self._company_id(row), which="all")

    # ------------------------------------------------------------ inside

    def _query(self) -> Select[Any]:
        return (
            select(account, company.c.name.label("company_name"), _HAS_PASSKEY)
            .select_from(account.outerjoin(company, company.c.id == account.c.company_id))
            .where(self._within(Action.ACCOUNTS_SEE))
        )

    def _within(self, action: Action) -> ColumnElement[bool]:
        """The condition on `account` that his scope sets."""
        scope = self._actor.scope(action)
        if scope.everything:
            return true()
        parts: list[ColumnElement[bool]] = []
        if scope.sites:
            here = select(account_site.c.account_id).where(account_site.c.site_id.in_(scope.sites))
            parts.append(account.c.id.in_(here))
            on_site = select(company.c.id).where(companies_within(scope))
            parts.append(account.c.company_id.in_(on_site))
        if scope.companies:
            parts.append(account.c.company_id.in_(scope.companies))
        return or_(*parts) if parts else false()

    def _drawn(self, rows: Sequence[Row[Any]]) -> list[AccountRow]:
        query = select(account_site.c.account_id, site.c.name, site.c.id).join_from(
            account_site, site, site.c.id == account_site.c.site_id
        )
        of_sites: dict[int, list[tuple[str, int]]] = {}
        for account_id, name, site_id in self._connection.execute(query.order_by(site.c.name)):
            of_sites.setdefault(account_id, []).append((name, site_id))
        mine = set(
            self._connection.execute(
                select(company.c.id).where(self._companies_to_invite())
            ).scalars()
        )
        return [
            self._row(
                row,
                of_sites.get(row.id, []),
                row.company_id is None or row.company_id in mine,
            )
            for row in rows
        ]

    def _row(self, row: Row[Any], sites: list[tuple[str, int]], whole_company: bool) -> AccountRow:
        scope = self._actor.scope(Action.ACCOUNTS_SEE)
        locked = row.locked_until_ms > self._now_ms
        state = "active" if row.password_hash or row.oidc_subject else "invited"
        if row.disabled_ms is not None:
            state = "disabled"
        elif locked:
            state = "locked"
        mine = row.id == self._actor.account_id
        # Of somebody who is on other sites too only the own ones are told, and he is not changed.
        seen = [name for name, site_id in sites if scope.everything or site_id in scope.sites]
        whole = whole_company and len(seen) == len(sites)
        return AccountRow(
            id=row.id,
            handle=handle_of(self._vault, row.id),
            login=row.login,
            name=row.name,
            role=Role(row.role),
            company=row.company_name or "",
            sites=tuple(seen),
            language=row.language,
            second_factor=row.totp_sealed is not None or row.has_passkey,
            state=state,
            locked_until_ms=row.locked_until_ms if locked else 0,
            added_ms=row.added_ms,
            mine=mine,
            changeable=whole and Role(row.role) in self.invitable(),
        )

    def _must(self, row: AccountRow) -> None:
        if not row.changeable:
            raise UsageError("HUB-1610")

    def _company(self, new: NewAccount) -> int:
        query = select(company.c.id).where(
            company.c.number == new.company_number, self._companies_to_invite()
        )
        found = self._connection.execute(query).scalar()
        if found is None:
            raise UsageError("HUB-1615")
        return found

    def _sites(self, new: NewAccount) -> list[int]:
        query = select(site.c.id).where(site.c.name.in_(new.sites), self._sites_to_invite())
        found = list(self._connection.execute(query).scalars())
        if not found or len(found) != len(set(new.sites)):
            raise UsageError("HUB-1616")
        return found

    def _companies_to_invite(self) -> ColumnElement[bool]:
        """Whose accounts he may make and change. An account of a company sees all of its people,
        so that a supervisor is not the one to give it out when some are on another's site."""
        scope = self._actor.scope(Action.ACCOUNTS_CHANGE)
        mine = companies_within(scope)
        if not scope.sites:
            return mine
        query = select(site.c.id).where(site.c.id.not_in(scope.sites))
        others = frozenset(self._connection.execute(query).scalars())
        return and_(mine, not_(companies_within(Scope(sites=others)))) if others else mine

    def _sites_to_invite(self) -> ColumnElement[bool]:
        scope = self._actor.scope(Action.ACCOUNTS_CHANGE)
        return true() if scope.everything else site.c.id.in_(scope.sites)

    def _last_administrator(self, row: AccountRow) -> bool:
        query = select(func.count()).where(
            account.c.role == str(Role.ADMINISTRATOR),
            account.c.disabled_ms.is_(None),
            account.c.id != row.id,
        )
        return not self._connection.execute(query).scalar_one()

    def _company_id(self, row: AccountRow) -> int | None:
        query = select(account.c.company_id).where(account.c.id == row.id)
        return self._connection.execute(query).scalar()

    def _set(self, row: AccountRow, **values: Any) -> None:
        self._connection.execute(update(account).where(account.c.id == row.id).values(**values))

    def _note(self, what: Noted, account_id: int, company_id: int | None, **detail: Any) -> None:
        note(
            self._connection, self._vault, self._now_ms, self._actor.name, what,
            f"account:{account_id}", company_id=company_id, **detail,
        )  # fmt: skip


def handle_of(vault: Vault, account_id: int) -> str:
    """Returns what stands for an account in an address; a row id would tell how many there are."""
    return vault.index("account", str(account_id)).hex()[:16]


def login_taken(connection: Connection, login: str) -> bool:
    """Returns whether an account has this login."""
    query = select(account.c.id).where(account.c.login == login)
    return connection.execute(query).first() is not None


def any_account(connection: Connection) -> bool:
    """Returns whether somebody was ever given an account with a password."""
    query = select(account.c.id).where(account.c.role != str(Role.WORKER)).limit(1)
    return connection.execute(query).first() is not None


def set_up_link(connection: Connection, vault: Vault, now_ms: int, until_ms: int) -> str | None:
    """Returns the secret part of a new set-up link; None when there is an account already.

    Older ones are good no more.
    """
    if any_account(connection):
        revoke_links(connection, now_ms, purpose=Purpose.SETUP)
        return None
    return make_link(connection, vault, Purpose.SETUP, "hub", now_ms, until_ms)


def add_first(
    connection: Connection, vault: Vault, login: str, name: str, password_hash: str, now_ms: int
) -> int:
    """Adds the administrator of a new hub and returns his id.

    Raises:
        UsageError: HUB-1602 there is an account already, HUB-1614 the name does not suit.
    """
    if any_account(connection):
        raise UsageError("HUB-1602")
    name = " ".join(name.split())
    if not 1 <= len(name) <= NAME_MAX or not name.isprintable():
        raise UsageError("HUB-1614")
    result = connection.execute(
        insert(account).values(
            login=clean_login(login),
            name=name,
            role=str(Role.ADMINISTRATOR),
            password_hash=password_hash,
            added_ms=now_ms,
            added_by="link",
        )
    )
    key = result.inserted_primary_key
    account_id = int(key[0]) if key else 0
    who = f"account:{account_id}"
    note(connection, vault, now_ms, who, Noted.ACCOUNT_ADDED, who, role=str(Role.ADMINISTRATOR))
    return account_id


def worker_account(connection: Connection, vault: Vault, person_id: int, now_ms: int) -> int:
    """Returns the id of the account that a worker's own link opens, made at its first use.

    It has no password and a login that nobody can type.
    """
    query = select(account.c.id).where(
        account.c.person_id == person_id, account.c.role == str(Role.WORKER)
    )
    found = connection.execute(query).scalar()
    if found is not None:
        return found
    result = connection.execute(
        insert(account).values(
            login=f":worker:{person_id}",
            name="",
            role=str(Role.WORKER),
            person_id=person_id,
            added_ms=now_ms,
            added_by="link",
        )
    )
    key = result.inserted_primary_key
    account_id = int(key[0]) if key else 0
    note(
        connection, vault, now_ms, f"person:{person_id}", Noted.ACCOUNT_ADDED,
        f"account:{account_id}", role=str(Role.WORKER),
    )  # fmt: skip
    return account_id
