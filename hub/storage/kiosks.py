"""Kiosks: which device is one, where it stands, and whether its guard's part is open.

A device is known by a cookie of 256 random bits, of which only the SHA-256 is kept. It is good for
the addresses of a kiosk and for nothing else, outlives restarts of hub and browser, and ends when
somebody revokes it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select, update

from hub.application.access import Actor
from hub.application.terminals import DESK
from hub.domain.audit import Noted
from hub.domain.rights import Action, Role
from hub.errors import UsageError
from hub.storage.audit import note
from hub.storage.links import digest_of
from hub.storage.schema import kiosk, site, terminal, works
from hub.storage.scope import sites_seen
from hub.storage.secrets import Vault

COOKIE_BYTES: Final = 32
COOKIE_MAX: Final = 64
SEEN_MS: Final = 60_000
"""How exactly it is known when a kiosk was last used; each time costs a write."""
NAME_MAX: Final = 60
LOCK_MINUTES: Final = (1, 60)
WAYS: Final = ("both", "in", "out")


@dataclass(frozen=True, slots=True)
class Kiosk:
    """A device at a gate.

    Args:
        id: what acts and presences name.
        languages: of the site, the first one first.
        gate: the terminal beside it; None for none.
        way: `in`, `out` or `both`: which ways people go there.
        open_until_ms: until when the guard's part is open.
        opened_by: who opened it: `account:7`, or the kiosk itself for its PIN.
        pin_hash: of what opens it; None: only a login does.
        revoked_ms: since when it is none any more; None: it is one.
    """

    id: str
    name: str
    site_id: int
    site: str
    languages: tuple[str, ...]
    gate: str | None
    gate_name: str
    way: str
    lock_minutes: int
    open_until_ms: int
    opened_by: str
    added_ms: int
    seen_ms: int
    revoked_ms: int | None
    csrf: str
    pin_hash: str | None

    def __repr__(self) -> str:
        return f"Kiosk({self.id})"

    @property
    def place(self) -> str:
        """What a presence names as the place: the gate beside it, else itself."""
        return self.gate or self.id

    @property
    def actor(self) -> Actor:
        """Who acts when somebody touches it: for its site, and nothing but what a kiosk does."""
        return Actor(
            self.id,
            Role.GUARD,
            self.name,
            sites=frozenset({self.site_id}),
            csrf=self.csrf,
            limited_to=frozenset({Action.KIOSK}),
        )


@dataclass(frozen=True, slots=True)
class NewKiosk:
    """What is said when a device is made a kiosk.

    Args:
        gate: identity of a terminal of the site; empty for none.
        way: one of `WAYS`.
        lock_minutes: 1..60.
        pin_hash: Argon2id of its PIN; None for none.
    """

    name: str
    site_id: int
    gate: str
    way: str
    lock_minutes: int
    pin_hash: str | None = None

    def __repr__(self) -> str:
        return "NewKiosk()"


def _all() -> Any:
    return (
        select(
            kiosk,
            site.c.name.label("site_name"),
            site.c.languages,
            terminal.c.name.label("gate_name"),
        )
        .join(site, site.c.id == kiosk.c.site_id)
        .outerjoin(terminal, terminal.c.id == kiosk.c.terminal_id)
    )


def _kiosk(row: Row[Any]) -> Kiosk:
    return Kiosk(
        id=row.id,
        name=row.name,
        site_id=row.site_id,
        site=row.site_name,
        languages=tuple(row.languages.split()),
        gate=row.terminal_id,
        gate_name=row.gate_name or "",
        way=row.way,
        lock_minutes=row.lock_minutes,
        open_until_ms=row.open_until_ms,
        opened_by=row.opened_by,
        added_ms=row.added_ms,
        seen_ms=row.seen_ms,
        revoked_ms=row.revoked_ms,
        csrf=row.csrf,
        pin_hash=row.pin_hash,
    )


def kiosk_of(connection: Connection, cookie: str) -> Kiosk | None:
    """Returns which kiosk a browser is; None: none, or none any more."""
    if not cookie:
        return None
    mine = kiosk.c.digest == digest_of(cookie[:COOKIE_MAX])
    row = connection.execute(_all().where(mine, kiosk.c.revoked_ms.is_(None))).first()
    return None if row is None else _kiosk(row)


class Kiosks:
    """The kiosks that somebody may set up, inside one open transaction.

    Args:
        connection: writing for `add` and `revoke`.
        vault: for the audit.
        actor: who asks.
        now_ms: UTC milliseconds.
    """

    def __init__(self, connection: Connection, vault: Vault, actor: Actor, now_ms: int) -> None:
        self._connection = connection
        self._vault = vault
        self._actor = actor
        self._now_ms = now_ms
        self._sites = sites_seen(actor, Action.KIOSKS_CHANGE)

    def rows(self) -> list[Kiosk]:
        """Returns those of his sites, by site; who is none any more comes last."""
        query = _all().where(self._sites)
        order = (kiosk.c.revoked_ms.is_not(None), site.c.name, kiosk.c.name, kiosk.c.id)
        return [_kiosk(row) for row in self._connection.execute(query.order_by(*order))]

    def sites(self) -> list[tuple[int, str]]:
        """Returns (row, name) of the sites where he may set one up, by name."""
        query = select(site.c.id, site.c.name).where(self._sites).order_by(site.c.name)
        return [(row.id, row.name) for row in self._connection.execute(query)]

    def gates(self) -> list[tuple[str, str, int]]:
        """Returns (identity, name, site) of the gates of these sites, by name."""
        query = (
            select(terminal.c.id, terminal.c.name, terminal.c.site_id)
            .join(site, site.c.id == terminal.c.site_id)
            .where(self._sites, terminal.c.revoked_ms.is_(None), terminal.c.direction != DESK)
            .order_by(terminal.c.name, terminal.c.id)
        )
        return [tuple(row) for row in self._connection.execute(query)]

    def problems(self, new: NewKiosk) -> list[UsageError]:
        """Returns what keeps a device from becoming a kiosk; empty when nothing does.

        HUB-1787 no name, or a long one; HUB-1788 no such site or gate, or a way or a time that is
        none; HUB-1789 the site has no works declaration.
        """
        found: list[UsageError] = []
        if not 0 < len(new.name.strip()) <= NAME_MAX:
            found.append(UsageError("HUB-1787", limit=NAME_MAX))
        mine = dict(self.sites())
        gates = {gate: where for gate, _, where in self.gates()}
        least, most = LOCK_MINUTES
        good = new.way in WAYS and least <= new.lock_minutes <= most
        if new.site_id not in mine or not good:
            return [*found, UsageError("HUB-1788")]
        if new.gate and gates.get(new.gate) != new.site_id:
            found.append(UsageError("HUB-1788"))
        has_works = select(works.c.number).where(works.c.site_id == new.site_id)
        if self._connection.execute(has_works).first() is None:
            found.append(UsageError("HUB-1789"))
        return found

    def add(self, new: NewKiosk) -> str:
        """Makes a device a kiosk and returns its cookie, which is kept nowhere.

        Raises:
            UsageError: see `problems`; the first of them.
        """
        for problem in self.problems(new):
            raise problem
        cookie = secrets.token_urlsafe(COOKIE_BYTES)
        key = f"kiosk-{secrets.token_hex(4)}"
        self._connection.execute(
            insert(kiosk).values(
                id=key,
                name=new.name.strip(),
                site_id=new.site_id,
                terminal_id=new.gate or None,
                way=new.way,
                digest=digest_of(cookie),
                csrf=secrets.token_urlsafe(COOKIE_BYTES),
                pin_hash=new.pin_hash,
                lock_minutes=new.lock_minutes,
                added_ms=self._now_ms,
                added_by=self._actor.name,
                seen_ms=self._now_ms,
            )
        )
        self._note(Noted.KIOSK_ADDED, key, new.site_id)
        return cookie

    def revoke(self, key: str) -> None:
        """Makes a kiosk none any more: its device is a stranger from the next touch on.

        Raises:
            UsageError: HUB-1790, none of his sites has such a kiosk.
        """
        row = next((one for one in self.rows() if one.id == key and not one.revoked_ms), None)
        if row is None:
            raise UsageError("HUB-1790")
        self._connection.execute(
            update(kiosk)
            .where(kiosk.c.id == key)
            .values(revoked_ms=self._now_ms, revoked_by=self._actor.name, open_until_ms=0)
        )
        self._note(Noted.KIOSK_REVOKED, key, row.site_id)

    def _note(self, action: Noted, key: str, site_id: int) -> None:
        note(
            self._connection,
            self._vault,
            self._now_ms,
            self._actor.name,
            action,
            key,
            site_id=site_id,
        )


def note_used(connection: Connection, key: str, now_ms: int) -> None:
    """Writes that a kiosk is used."""
    connection.execute(update(kiosk).where(kiosk.c.id == key).values(seen_ms=now_ms))


def open_guard_part(
    connection: Connection, vault: Vault, one: Kiosk, by: str, now_ms: int, again: bool = False
) -> None:
    """Opens the guard's part for its time, or keeps it open.

    Args:
        by: who opened it.
        again: it was open already, and somebody touched it.
    """
    until_ms = now_ms + one.lock_minutes * 60_000
    connection.execute(
        update(kiosk).where(kiosk.c.id == one.id).values(open_until_ms=until_ms, opened_by=by)
    )
    if not again:
        note(connection, vault, now_ms, by, Noted.KIOSK_OPENED, one.id, site_id=one.site_id)


def close_guard_part(connection: Connection, key: str) -> None:
    """Closes it at once."""
    closed = update(kiosk).where(kiosk.c.id == key).values(open_until_ms=0, opened_by="")
    connection.execute(closed)
