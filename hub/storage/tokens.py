"""Tokens of programs that use the API: made here, shown once, kept as their digest only.

A token is 256 random bits, so its SHA-256 needs no salt and no stretching: whoever has the database
has no token, and nobody can try them all.

A token of a company sees and changes what a contractor of that company does, within its scopes; its
stored name begins with the company's number and a slash, so that two companies can give the same
name and neither learns that the other has. A token without company acts for the whole hub.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Engine, Row, insert, select, update

from hub.application.access import Actor
from hub.domain.audit import Noted
from hub.domain.rights import Action, Role
from hub.errors import UsageError
from hub.storage.audit import note
from hub.storage.companies import below
from hub.storage.engine import reading
from hub.storage.schema import api_token, company
from hub.storage.secrets import Vault

SCOPES: Final[Mapping[str, frozenset[Action]]] = {
    "people.read": frozenset({Action.PEOPLE_SEE}),
    "companies.read": frozenset({Action.COMPANIES_SEE}),
    "works.read": frozenset({Action.WORKS_SEE}),
    "registrations.read": frozenset({Action.REGISTRATIONS_SEE}),
    # Who describes a person names his company and his works: they must be there for him.
    "people": frozenset(
        {
            Action.PEOPLE_SEE,
            Action.PEOPLE_CHANGE,
            Action.BADGES_CHANGE,
            Action.COMPANIES_SEE,
            Action.WORKS_SEE,
        }
    ),
    "plan": frozenset({Action.PLAN_SEE, Action.PLAN_CHANGE}),
}
"""What a token may be good for; for each action, the scope that gives least comes first."""

PREFIX: Final = "sitegate_"
"""By which a token is recognised where it should not be, for example in a repository."""

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9.-]{0,39}")
_BETWEEN: Final = "/"


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A token as it may be shown: without itself.

    Args:
        handle: stands for it in addresses.
        name: as commands and the audit call it; begins with its company's number, if it has one.
        company_number: empty for a token that acts for the whole hub.
    """

    handle: str
    name: str
    scopes: tuple[str, ...]
    company_number: str
    added_ms: int
    revoked_ms: int | None

    @property
    def short_name(self) -> str:
        """The name that was given."""
        return self.name.rpartition(_BETWEEN)[2]


@dataclass(frozen=True, slots=True)
class Program:
    """The program that calls: number of its token, and what it may do."""

    token_id: int
    actor: Actor


class Tokens:
    """Tokens as somebody may see and change them: an administrator all, a contractor his own.

    Args:
        connection: an open transaction; of writing for `add` and `revoke`.
        vault: makes handles.
        actor: who asks.
        now_ms: UTC milliseconds.
    """

    def __init__(self, connection: Connection, vault: Vault, actor: Actor, now_ms: int) -> None:
        self._connection = connection
        self._vault = vault
        self._actor = actor
        self._now_ms = now_ms
        self._scope = actor.scope(Action.TOKENS_CHANGE)

    def add(self, name: str, scopes: Sequence[str], company_number: str | None = None) -> str:
        """Makes a token and returns it; nobody can find it again.

        Args:
            name: a-z, 0-9, `.` and `-`, at most 40; given once only for each company.
            scopes: words of `SCOPES`.
            company_number: whose people it sees; a contractor's tokens are always of his company.

        Raises:
            UsageError: HUB-1528 the name does not suit, HUB-1529 no such scope, HUB-1520 the name
                was given before, HUB-1700 no such company.
        """
        if not _NAME.fullmatch(name):
            raise UsageError("HUB-1528")
        if not scopes or not set(scopes) <= set(SCOPES):
            raise UsageError("HUB-1529", scopes=", ".join(SCOPES))
        owner = self._owner(company_number)
        whole = name if owner is None else f"{owner.number}{_BETWEEN}{name}"
        taken = self._connection.execute(select(api_token.c.id).where(api_token.c.name == whole))
        if taken.first() is not None:
            raise UsageError("HUB-1520", name=name)
        token = PREFIX + secrets.token_urlsafe(32)
        result = self._connection.execute(
            insert(api_token).values(
                name=whole,
                digest=_digest(token),
                scopes=" ".join(sorted(set(scopes))),
                added_ms=self._now_ms,
                company_id=None if owner is None else owner.id,
            )
        )
        key = result.inserted_primary_key
        company_id = None if owner is None else int(owner.id)
        self._note(Noted.TOKEN_ADDED, int(key[0]) if key else 0, company_id)
        return token

    def rows(self) -> list[TokenRow]:
        """Returns every token ever made, oldest first."""
        return [self._row(row) for row in self._all()]

    def revoke(self, which: str) -> TokenRow:
        """Makes a token worthless from now on.

        Args:
            which: its name or its handle.

        Raises:
            UsageError: HUB-1521, there is no valid token of this name.
        """
        for row in self._all():
            told = self._row(row)
            if which in (told.name, told.handle) and row.revoked_ms is None:
                self._connection.execute(
                    update(api_token)
                    .where(api_token.c.id == row.id)
                    .values(revoked_ms=self._now_ms)
                )
                self._note(Noted.TOKEN_REVOKED, row.id, row.company_id)
                return told
        raise UsageError("HUB-1521", name=which[:60])

    def _owner(self, company_number: str | None) -> Any:
        if company_number is None and self._scope.everything:
            return None
        query = select(company.c.id, company.c.number)
        if company_number is not None:
            query = query.where(company.c.number == company_number)
        if not self._scope.everything:
            query = query.where(company.c.id.in_(self._scope.companies))
        owner = self._connection.execute(query).first()
        if owner is None:
            raise UsageError("HUB-1700")
        return owner

    def _all(self) -> Sequence[Row[Any]]:
        query = select(api_token, company.c.number.label("company_number")).outerjoin(
            company, company.c.id == api_token.c.company_id
        )
        if not self._scope.everything:
            query = query.where(api_token.c.company_id.in_(self._scope.companies))
        return self._connection.execute(query.order_by(api_token.c.id)).all()

    def _row(self, row: Row[Any]) -> TokenRow:
        return TokenRow(
            self._vault.index("token", str(row.id)).hex()[:16],
            row.name,
            tuple(row.scopes.split()),
            row.company_number or "",
            row.added_ms,
            row.revoked_ms,
        )

    def _note(self, what: Noted, token_id: int, company_id: int | None) -> None:
        note(
            self._connection,
            self._vault,
            self._now_ms,
            self._actor.name,
            what,
            f"token:{token_id}",
            company_id=company_id,
        )


def find_program(connection: Connection, token: str) -> Program | None:
    """Returns whose valid token this is, None when it is none.

    Found by its digest: how long that takes tells nothing about any token.
    """
    query = select(api_token).where(
        api_token.c.digest == _digest(token), api_token.c.revoked_ms.is_(None)
    )
    row = connection.execute(query).first()
    if row is None:
        return None
    actions = frozenset[Action]().union(*(SCOPES.get(one, ()) for one in row.scopes.split()))
    actor = Actor(
        f"token:{row.name}",
        Role.ADMINISTRATOR if row.company_id is None else Role.CONTRACTOR,
        company_id=row.company_id,
        below=frozenset() if row.company_id is None else below(connection, row.company_id),
        limited_to=actions,
    )
    return Program(row.id, actor)


def program_finder(engine: Engine) -> Callable[[str], Program | None]:
    """Returns `find_program` on a database, each time in a transaction of its own."""

    def find(token: str) -> Program | None:
        with reading(engine) as connection:
            return find_program(connection, token)

    return find


def least_scope(action: Action) -> str:
    """Returns the scope that allows this and least beside."""
    return next(name for name, actions in SCOPES.items() if action in actions)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
