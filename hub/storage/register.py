"""The register of the site in SQL: works, companies, people, badges and terminals.

Every change raises `register_version` (seconds since 1970, and one more if need be), in the
same transaction: the roster's version, and what the
running hub watches to learn that another process changed the register.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from hub.application.access import COMMAND
from hub.application.gate_settings import follows
from hub.application.people_rows import PersonRow
from hub.application.rosters import BadgeRow
from hub.application.terminals import TerminalKey
from hub.domain.in_out_regime import WINDOW_MS
from hub.errors import UsageError
from hub.storage.people_import import SENT, Imported, PeopleImport
from hub.storage.schema import badge, company, meta, person, site, terminal, works
from hub.storage.secrets import Vault
from hub.storage.works import assigned_sites

__all__ = ["SENT", "TERMINAL_SETTINGS", "VERSION", "Imported", "Register"]

VERSION = "register_version"
TERMINAL_SETTINGS = "terminal-settings"
"""What the vault seals a gate's settings as."""


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


class Register:
    """The register inside one open transaction.

    Args:
        connection: a write transaction for the methods that change something.
        vault: seals numbers and keys, and turns card UIDs into tags.
    """

    def __init__(self, connection: Connection, vault: Vault) -> None:
        self._connection = connection
        self._vault = vault

    # ------------------------------------------------------------ version

    def version(self) -> int:
        """Returns the version of the register; it rises with every change, 0 for a new one."""
        found = self._connection.execute(select(meta.c.value).where(meta.c.key == VERSION)).scalar()
        return int(found or 0)

    def changed(self, now_ms: int) -> None:
        """Raises the version: something else of the register was changed in this transaction."""
        self._changed(now_ms)

    def _changed(self, now_ms: int) -> None:
        # Seconds rather than a count: after a restored backup the next version is still newer than
        # any that a gate holds, and gates take newer ones only.
        value = str(max(self.version() + 1, now_ms // 1000))
        statement = upsert(meta).values(key=VERSION, value=value)
        self._connection.execute(
            statement.on_conflict_do_update(index_elements=["key"], set_={"value": value})
        )

    # ------------------------------------------------------------ people

    def import_people(
        self,
        rows: Iterable[PersonRow],
        now_ms: int,
        actor: str = "command",
        window_ms: int = WINDOW_MS,
    ) -> Imported:
        """Writes all rows: people are found again by their number, badges by their tag.

        As the office of the hub does it, see `hub.storage.people_import`: a badge or a Limosa
        number that was another person's becomes this person's. A badge that becomes somebody's
        brings him the taps it made today while it was nobody's (`hub.storage.adoption`).
        """
        office = replace(COMMAND, name=actor)
        work = PeopleImport(self._connection, self._vault, office, now_ms, window_ms)
        done = work.write(rows)
        self._changed(now_ms)
        return done

    def site_named(self, name: str) -> int:
        """Returns the number of a site, which is made when it is new."""
        return self._site(name)

    def _site(self, name: str) -> int:
        found = self._connection.execute(select(site.c.id).where(site.c.name == name)).scalar()
        if found is None:
            found = self._insert(insert(site).values(name=name))
        return int(found)

    def _insert(self, statement: object) -> int:
        result = self._connection.execute(statement)  # pyright: ignore[reportCallIssue, reportArgumentType]
        return int(result.inserted_primary_key[0])

    def badges(self) -> list[BadgeRow]:
        """Returns every badge of the organisation, with the site its person works on."""
        query = (
            select(
                badge.c.tag,
                badge.c.state,
                badge.c.valid_until,
                person.c.language,
                badge.c.valid_from,
                works.c.site_id,
                person.c.id,
            )
            .join(person, person.c.id == badge.c.person_id)
            .join(works, works.c.number == person.c.works_number)
        )
        also = assigned_sites(self._connection)
        return [
            BadgeRow(
                row.tag,
                row.state,
                _day(row.valid_until),
                row.language,
                _day(row.valid_from),
                row.site_id,
                also.get(row.id, frozenset()),
            )
            for row in self._connection.execute(query)
        ]

    def counts(self) -> dict[str, int]:
        """Returns how many sites, works, companies, people, badges and terminals there are."""
        return {
            table.name: self._connection.execute(
                select(func.count()).select_from(table)
            ).scalar_one()
            for table in (site, works, company, person, badge, terminal)
        }

    # ------------------------------------------------------------ terminals

    def add_terminal(
        self,
        terminal_id: str,
        name: str,
        site_name: str,
        direction: str,
        now_ms: int,
        lane: str = "",
    ) -> TerminalKey:
        """Adds a terminal with a fresh key to a site that exists.

        Raises:
            UsageError: HUB-1008 when no site has this name (an import makes it), HUB-1012 when
                the id is taken.
        """
        site_id = self.site_id(site_name)
        taken = self._connection.execute(
            select(terminal.c.id).where(terminal.c.id == terminal_id)
        ).scalar()
        if taken is not None:
            raise UsageError("HUB-1012", terminal=terminal_id)
        key = os.urandom(32)
        self._connection.execute(
            insert(terminal).values(
                id=terminal_id,
                site_id=site_id,
                name=name,
                lane=lane,
                direction=direction,
                key_sealed=self._vault.seal("terminal", key),
                added_ms=now_ms,
            )
        )
        self._changed(now_ms)
        return TerminalKey(
            terminal_id, site_id, name, direction, key, follows(direction, None), lane
        )

    def site_id(self, name: str) -> int:
        """Returns the number of a site.

        Raises:
            UsageError: HUB-1008 when no site has this name.
        """
        found = self._connection.execute(select(site.c.id).where(site.c.name == name)).scalar()
        if found is None:
            raise UsageError("HUB-1008", site=name)
        return int(found)

    def revoke_terminal(self, terminal_id: str, now_ms: int) -> None:
        """Takes the terminal's login and key out of use; what it sent stays.

        Raises:
            UsageError: HUB-1201 when there is no such terminal.
        """
        result = self._connection.execute(
            update(terminal)
            .where(terminal.c.id == terminal_id, terminal.c.revoked_ms.is_(None))
            .values(revoked_ms=now_ms, next_key_sealed=None)
        )
        if result.rowcount == 0:
            raise UsageError("HUB-1201", terminal=terminal_id)
        self._changed(now_ms)

    def terminals(self) -> list[TerminalKey]:
        """Returns every terminal that is not revoked, with its key."""
        query = select(terminal).where(terminal.c.revoked_ms.is_(None)).order_by(terminal.c.id)
        return [
            TerminalKey(
                row.id,
                row.site_id,
                row.name,
                row.direction,
                self._vault.open("terminal", row.key_sealed),
                follows(row.direction, self._opened(row.settings_sealed)),
                row.lane,
                row.key_number,
                self._vault.open("terminal", row.next_key_sealed) if row.next_key_sealed else None,
            )
            for row in self._connection.execute(query)
        ]

    def _opened(self, settings_sealed: bytes | None) -> dict[str, Any] | None:
        if settings_sealed is None:
            return None
        return json.loads(self._vault.open(TERMINAL_SETTINGS, settings_sealed))

    def sites(self) -> list[tuple[int, str]]:
        """Returns (id, name) of every site."""
        return [
            (row.id, row.name) for row in self._connection.execute(select(site).order_by(site.c.id))
        ]
