"""Workers' phones: the code that makes one his, which ones are known, which sites each opened.

A phone is known by a cookie of 256 random bits, of which only the SHA-256 is kept. It is good for
the addresses below `/phone` and for nothing else, and ends when somebody revokes it or after
`PHONE_DAYS` without use. A code has few letters, so its digest is made with the hub's own key:
the database alone does not tell which code it is of.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from hub.application.access import Actor
from hub.application.phone import CODE_LENGTH, clean_code, new_code
from hub.domain.audit import Noted
from hub.domain.rights import Action, Role
from hub.errors import UsageError
from hub.storage.audit import note
from hub.storage.links import digest_of
from hub.storage.schema import person, phone, phone_code, phone_place, site, works
from hub.storage.secrets import Vault

COOKIE_BYTES: Final = 32
COOKIE_MAX: Final = 64
DAY_MS: Final = 24 * 3_600_000
PHONE_DAYS: Final = 90
CODE_DAYS: Final = 400
"""As long as a worker's link."""
SEEN_MS: Final = 3_600_000
"""How exactly it is known when a phone was last used; each time costs a write."""
PHONES_MAX: Final = 5
"""Phones of one worker; one more ends the one that was not used for longest."""


@dataclass(frozen=True, slots=True)
class Phone:
    """A phone that is known.

    Args:
        id: what the audit names.
        language: of its worker.
    """

    id: str
    person_id: int
    token: str
    given_name: str
    language: str
    csrf: str
    seen_ms: int

    def __repr__(self) -> str:
        return f"Phone({self.id})"

    @property
    def actor(self) -> Actor:
        """Who acts with it: for himself, and nothing but what a phone does."""
        return Actor(
            self.id,
            Role.WORKER,
            self.given_name,
            person_id=self.person_id,
            language=self.language,
            csrf=self.csrf,
            limited_to=frozenset({Action.OWN_SEE, Action.OWN_ACT, Action.REGISTRATIONS_SEE}),
        )


@dataclass(frozen=True, slots=True)
class PhoneRow:
    """A phone as the office sees it."""

    id: str
    added_ms: int
    seen_ms: int


# ---------------------------------------------------------------- the code


def make_code(
    connection: Connection, vault: Vault, person_id: int, by: str, now_ms: int
) -> str:  # fmt: skip
    """Makes a code for a worker and returns it, which nobody can find again; the one before ends.

    Args:
        by: for the audit.
        now_ms: UTC milliseconds.
    """
    connection.execute(delete(phone_code).where(phone_code.c.person_id == person_id))
    code = new_code()
    connection.execute(
        insert(phone_code).values(
            person_id=person_id,
            digest=_digest(vault, code),
            made_ms=now_ms,
            made_by=by,
            until_ms=now_ms + CODE_DAYS * DAY_MS,
        )
    )
    note(connection, vault, now_ms, by, Noted.CODE_MADE, f"person:{person_id}")
    return code


def end_code(connection: Connection, vault: Vault, person_id: int, by: str, now_ms: int) -> None:
    """Ends the code of a worker, if he has one. Phones that it opened stay his."""
    ended = connection.execute(delete(phone_code).where(phone_code.c.person_id == person_id))
    if ended.rowcount:
        note(connection, vault, now_ms, by, Noted.CODE_ENDED, f"person:{person_id}")


def code_made_ms(connection: Connection, person_id: int, now_ms: int) -> int | None:
    """Returns when the code of a worker was made, UTC milliseconds; None: he has none."""
    query = select(phone_code.c.made_ms).where(
        phone_code.c.person_id == person_id, phone_code.c.until_ms > now_ms
    )
    return connection.execute(query).scalar()


def person_of_code(connection: Connection, vault: Vault, typed: str, now_ms: int) -> int:
    """Returns whose code was typed.

    Raises:
        UsageError: HUB-1820, nobody's: never made, over, ended; all the same to who types it.
    """
    code = clean_code(typed)
    query = (
        select(phone_code.c.person_id)
        .join(person, person.c.id == phone_code.c.person_id)
        .where(
            phone_code.c.digest == _digest(vault, code),
            phone_code.c.until_ms > now_ms,
            person.c.erased_ms.is_(None),
        )
    )
    found = connection.execute(query).scalar() if len(code) == CODE_LENGTH else None
    if found is None:
        raise UsageError("HUB-1820")
    return found


def _digest(vault: Vault, code: str) -> bytes:
    return digest_of(vault.index("phone_code", code).hex())


# ---------------------------------------------------------------- the phones


def add_phone(connection: Connection, vault: Vault, person_id: int, by: str, now_ms: int) -> str:
    """Makes a phone a worker's and returns its cookie, which is kept nowhere.

    Args:
        by: `code` or `link`: what he showed.
        now_ms: UTC milliseconds.
    """
    for old in _known(connection, person_id, now_ms)[PHONES_MAX - 1 :]:
        _end(connection, vault, old.id, person_id, "hub", now_ms)
    cookie = secrets.token_urlsafe(COOKIE_BYTES)
    key = f"phone-{secrets.token_hex(4)}"
    connection.execute(
        insert(phone).values(
            id=key,
            person_id=person_id,
            digest=digest_of(cookie),
            csrf=secrets.token_urlsafe(COOKIE_BYTES),
            added_ms=now_ms,
            seen_ms=now_ms,
            until_ms=now_ms + PHONE_DAYS * DAY_MS,
        )
    )
    note(connection, vault, now_ms, key, Noted.PHONE_ADDED, f"person:{person_id}", by=by)
    return cookie


def phone_of(connection: Connection, cookie: str, now_ms: int) -> Phone | None:
    """Returns which phone a browser is; None: none, or none any more."""
    if not cookie:
        return None
    query = (
        select(
            phone.c.id, phone.c.person_id, person.c.token, person.c.given_name,
            person.c.language, phone.c.csrf, phone.c.seen_ms,
        )
        .join(person, person.c.id == phone.c.person_id)
        .where(
            phone.c.digest == digest_of(cookie[:COOKIE_MAX]),
            phone.c.revoked_ms.is_(None),
            phone.c.until_ms > now_ms,
            person.c.erased_ms.is_(None),
        )
    )  # fmt: skip
    row = connection.execute(query).first()
    return None if row is None else Phone(*row)


def note_used(connection: Connection, one: Phone, site_id: int, now_ms: int) -> None:
    """Writes that a phone is used at a site: it is known for `PHONE_DAYS` from now."""
    connection.execute(
        update(phone)
        .where(phone.c.id == one.id)
        .values(seen_ms=now_ms, until_ms=now_ms + PHONE_DAYS * DAY_MS)
    )
    statement = upsert(phone_place).values(phone_id=one.id, site_id=site_id, used_ms=now_ms)
    key = ["phone_id", "site_id"]
    connection.execute(
        statement.on_conflict_do_update(index_elements=key, set_={"used_ms": now_ms})
    )


def sites_of(connection: Connection, one: Phone) -> list[tuple[int, str]]:
    """Returns (row, name) of the sites that a phone has opened, the latest first."""
    query = (
        select(site.c.id, site.c.name)
        .join(phone_place, phone_place.c.site_id == site.c.id)
        .where(phone_place.c.phone_id == one.id)
        .order_by(phone_place.c.used_ms.desc(), site.c.name)
    )
    return [(row.id, row.name) for row in connection.execute(query)]


def first_site(connection: Connection, one: Phone) -> int:
    """Returns the site where a phone was used last; before that, the one of its worker's works."""
    places = sites_of(connection, one)
    if places:
        return places[0][0]
    query = (
        select(works.c.site_id)
        .join(person, person.c.works_number == works.c.number)
        .where(person.c.id == one.person_id)
    )
    return connection.execute(query).scalar_one()


def phones_of(connection: Connection, person_id: int, now_ms: int) -> list[PhoneRow]:
    """Returns the phones of a worker that are known now, the latest used first."""
    return _known(connection, person_id, now_ms)


def is_his(connection: Connection, key: str, person_id: int) -> bool:
    """Returns whether a phone is, or was, this worker's."""
    query = select(phone.c.id).where(phone.c.id == key, phone.c.person_id == person_id)
    return connection.execute(query).first() is not None


def revoke_phone(
    connection: Connection, vault: Vault, key: str, person_id: int, by: str, now_ms: int
) -> None:
    """Makes a phone a stranger from its next touch on; one that is none of his stays."""
    _end(connection, vault, key, person_id, by, now_ms)


def _known(connection: Connection, person_id: int, now_ms: int) -> list[PhoneRow]:
    query = (
        select(phone.c.id, phone.c.added_ms, phone.c.seen_ms)
        .where(
            phone.c.person_id == person_id,
            phone.c.revoked_ms.is_(None),
            phone.c.until_ms > now_ms,
        )
        .order_by(phone.c.seen_ms.desc(), phone.c.added_ms.desc(), phone.c.id)
    )
    return [PhoneRow(*row) for row in connection.execute(query)]


def _end(
    connection: Connection, vault: Vault, key: str, person_id: int, by: str, now_ms: int
) -> None:
    ended = connection.execute(
        update(phone)
        .where(phone.c.id == key, phone.c.person_id == person_id, phone.c.revoked_ms.is_(None))
        .values(revoked_ms=now_ms, revoked_by=by)
    )
    if ended.rowcount:
        note(connection, vault, now_ms, by, Noted.PHONE_REVOKED, f"person:{person_id}", phone=key)


def forget_phones(connection: Connection, person_id: int) -> None:
    """Takes out code and phones of somebody who is erased."""
    his = select(phone.c.id).where(phone.c.person_id == person_id)
    connection.execute(delete(phone_place).where(phone_place.c.phone_id.in_(his)))
    for table in (phone, phone_code):
        connection.execute(delete(table).where(table.c.person_id == person_id))
