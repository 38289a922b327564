"""The sites that somebody may see or change: name, address, languages, gates.

A supervisor has his sites, a contractor those of the works he takes part in: their name and
address, and of their works only his own numbers. In addresses of pages a site is its handle, which
tells neither its name nor how many there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, insert, select, update

from hub.application.access import Actor
from hub.domain.audit import Noted
from hub.domain.companies import NAME_MAX
from hub.domain.rights import Action
from hub.errors import UsageError
from hub.i18n import LANGUAGES
from hub.storage.audit import note
from hub.storage.register import Register
from hub.storage.schema import site, terminal, works
from hub.storage.scope import sites_seen, works_seen
from hub.storage.secrets import Vault

ADDRESS_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class Gate:
    """A gate of a site."""

    id: str
    name: str
    lane: str
    direction: str


@dataclass(frozen=True, slots=True)
class SiteRow:
    """One site, as somebody may see it.

    Args:
        handle: stands for it in addresses.
        languages: of its poster, in that order.
        works: numbers of its works declarations that he may see.
        changeable: whether he may change it.
    """

    id: int
    handle: str
    name: str
    address: str
    languages: tuple[str, ...]
    works: tuple[str, ...]
    changeable: bool


class Sites:
    """The sites of somebody, inside one open transaction.

    Args:
        connection: a write transaction for what changes something.
        vault: makes handles and chains the audit.
        actor: whoever asks.
        now_ms: UTC milliseconds.
    """

    def __init__(self, connection: Connection, vault: Vault, actor: Actor, now_ms: int) -> None:
        self._connection = connection
        self._vault = vault
        self._actor = actor
        self._now_ms = now_ms

    def rows(self, action: Action = Action.WORKS_SEE) -> list[SiteRow]:
        """Returns every site in the scope of an action, by name."""
        query = select(site).where(sites_seen(self._actor, action)).order_by(site.c.name)
        changeable = set(
            self._connection.execute(
                select(site.c.id).where(sites_seen(self._actor, Action.SITES_CHANGE))
            ).scalars()
        )
        numbers = self._connection.execute(
            select(works.c.site_id, works.c.number)
            .where(works_seen(self._actor))
            .order_by(works.c.number)
        ).all()
        return [
            SiteRow(
                row.id,
                self.handle(row.id),
                row.name,
                row.address,
                tuple(row.languages.split()),
                tuple(number for site_id, number in numbers if site_id == row.id),
                row.id in changeable,
            )
            for row in self._connection.execute(query)
        ]

    def row(self, handle: str, action: Action = Action.WORKS_SEE) -> SiteRow:
        """Returns one site.

        Raises:
            UsageError: HUB-1661, no such site in scope.
        """
        found = next((one for one in self.rows(action) if one.handle == handle), None)
        if found is None:
            raise UsageError("HUB-1661")
        return found

    def named(self, name: str) -> SiteRow:
        """Returns the site with this name.

        Raises:
            UsageError: HUB-1661, no such site in scope.
        """
        found = next((one for one in self.rows() if one.name == name), None)
        if found is None:
            raise UsageError("HUB-1661")
        return found

    def gates(self, row: SiteRow) -> list[Gate]:
        """Returns the gates in use of a site that is changed by whoever asks or watched by him."""
        scope = self._actor.scope(Action.BOARD_SEE)
        if not scope.everything and row.id not in scope.sites:
            return []
        query = (
            select(terminal.c.id, terminal.c.name, terminal.c.lane, terminal.c.direction)
            .where(terminal.c.site_id == row.id, terminal.c.revoked_ms.is_(None))
            .order_by(terminal.c.name)
        )
        return [Gate(*one) for one in self._connection.execute(query)]

    def add(self, name: str, address: str = "", languages: Sequence[str] = ("nl", "fr")) -> str:
        """Adds a site and returns its handle; for who may change every site.

        Raises:
            UsageError: HUB-1661 for who may not, HUB-1653 the name or address, HUB-1662 it is
                taken, HUB-1663 the languages.
        """
        if not self._actor.scope(Action.SITES_CHANGE).everything:
            raise UsageError("HUB-1661")
        values = self._values(None, name, address, languages)
        result = self._connection.execute(insert(site).values(**values))
        added = int(result.inserted_primary_key[0])  # pyright: ignore[reportOptionalSubscript]
        self._note(Noted.SITE_ADDED, added)
        return self.handle(added)

    def change(self, handle: str, name: str, address: str, languages: Sequence[str]) -> None:
        """Changes a site to this.

        Raises:
            UsageError: HUB-1661 not in the scope of changing, and the errors of `add`.
        """
        before = self.row(handle, Action.SITES_CHANGE)
        values = self._values(before.id, name, address, languages)
        known = {
            "name": before.name,
            "address": before.address,
            "languages": " ".join(before.languages),
        }
        changed = sorted(key for key, value in values.items() if known[key] != value)
        if changed:
            self._connection.execute(update(site).where(site.c.id == before.id).values(**values))
            self._note(Noted.SITE_CHANGED, before.id, changed=changed)

    def handle(self, site_id: int) -> str:
        """Returns what stands for a site in addresses."""
        return self._vault.index("site", str(site_id)).hex()[:16]

    def _values(
        self, site_id: int | None, name: str, address: str, languages: Sequence[str]
    ) -> dict[str, str]:
        named = " ".join(name.split())
        where = " ".join(address.split())
        if not named or len(named) > NAME_MAX:
            raise UsageError("HUB-1653", limit=NAME_MAX)
        if len(where) > ADDRESS_MAX:
            raise UsageError("HUB-1653", limit=ADDRESS_MAX)
        chosen = list(dict.fromkeys(languages))
        if not chosen or any(one not in LANGUAGES for one in chosen):
            raise UsageError("HUB-1663")
        taken = self._connection.execute(select(site.c.id).where(site.c.name == named)).scalar()
        if taken is not None and taken != site_id:
            raise UsageError("HUB-1662")
        return {"name": named, "address": where, "languages": " ".join(chosen)}

    def _note(self, action: Noted, site_id: int, **detail: Any) -> None:
        note(
            self._connection,
            self._vault,
            self._now_ms,
            self._actor.name,
            action,
            f"site:{site_id}",
            site_id=site_id,
            **detail,
        )
        Register(self._connection, self._vault).changed(self._now_ms)
