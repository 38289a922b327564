"""The terminals of the register in more detail: how each is set up, and the change of a key."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select, update

from hub.application.terminals import DESK, TerminalKey
from hub.errors import UsageError
from hub.storage.register import TERMINAL_SETTINGS, Register
from hub.storage.schema import inbox, stream, terminal


@dataclass(frozen=True, slots=True)
class Stored:
    """What the database alone knows of a terminal: facts, not what it does at this moment.

    Args:
        added_ms: when it was added.
        flashed_sha256: of the settings file that was last written to a gate; None for none.
        records: how many records of it are stored.
        received_ms: when the newest of them came; None when none ever did.
    """

    added_ms: int
    flashed_sha256: bytes | None
    records: int
    received_ms: int | None


class Terminals(Register):
    """The register inside one open transaction, with what a terminal is set up with."""

    def terminal(self, terminal_id: str) -> TerminalKey:
        """Returns a terminal in use.

        Raises:
            UsageError: HUB-1201 when there is none with this id.
        """
        for key in self.terminals():
            if key.terminal == terminal_id:
                return key
        raise UsageError("HUB-1201", terminal=terminal_id[:40])

    def settings(self, terminal_id: str) -> dict[str, Any] | None:
        """Returns how the gate is set up, without keys; None when nothing was ever kept."""
        sealed = self._connection.execute(
            select(terminal.c.settings_sealed).where(terminal.c.id == terminal_id)
        ).scalar()
        return self._opened(sealed)

    def keep_settings(self, terminal_id: str, settings: dict[str, Any], now_ms: int) -> None:
        """Keeps how a gate is set up, sealed: it holds Wi-Fi passwords."""
        sealed = self._vault.seal(TERMINAL_SETTINGS, json.dumps(settings).encode())
        self._connection.execute(
            update(terminal).where(terminal.c.id == terminal_id).values(settings_sealed=sealed)
        )
        self._changed(now_ms)

    def note_flashed(self, terminal_id: str, sha256: bytes) -> None:
        """Keeps which settings file was written to a gate."""
        self._connection.execute(
            update(terminal).where(terminal.c.id == terminal_id).values(flashed_sha256=sha256)
        )

    def change_terminal(
        self,
        terminal_id: str,
        now_ms: int,
        *,
        name: str | None = None,
        lane: str | None = None,
        direction: str | None = None,
    ) -> TerminalKey:
        """Changes what is given and returns the terminal as it is then.

        Its site is given once for ever: all that it ever sent counts for that site, and a rebuild
        would move it. So it is with what is a desk and what is a gate.

        Raises:
            UsageError: HUB-1201 for an unknown terminal, HUB-1684 when a desk would become a gate
                or a gate a desk.
        """
        known = self.terminal(terminal_id)
        if direction is not None and (direction == DESK) != (known.direction == DESK):
            raise UsageError("HUB-1684", terminal=terminal_id)
        values: dict[str, object] = {
            column: value
            for column, value in (("name", name), ("lane", lane), ("direction", direction))
            if value is not None
        }
        if values:
            self._connection.execute(
                update(terminal).where(terminal.c.id == terminal_id).values(**values)
            )
            self._changed(now_ms)
        return self.terminal(terminal_id)

    # ------------------------------------------------------------ keys

    def renew_key(self, terminal_id: str, now_ms: int, at_once: bool = False) -> TerminalKey:
        """Makes a new key, good beside the old one until the gate is heard with it.

        A new key that was made before and never heard is forgotten.

        Args:
            terminal_id: of a terminal in use.
            now_ms: UTC milliseconds.
            at_once: the old key is good for nothing from now on; until the gate has the new one
                it cannot send.

        Raises:
            UsageError: HUB-1201 for an unknown terminal.
        """
        self.terminal(terminal_id)
        sealed = self._vault.seal("terminal", os.urandom(32))
        self._connection.execute(
            update(terminal).where(terminal.c.id == terminal_id).values(next_key_sealed=sealed)
        )
        if at_once:
            self._take_next_key(terminal_id)
        self._changed(now_ms)
        return self.terminal(terminal_id)

    def heard_with_next_key(self, terminal_id: str, key: bytes, now_ms: int) -> bool:
        """Makes the next key the only one, since the gate has shown that it holds it.

        Args:
            terminal_id: of the terminal.
            key: the one that was heard; another may have been made since.
            now_ms: UTC milliseconds.

        Returns:
            False when there is nothing to do: it has happened already, or that key is no more.
        """
        for found in self.terminals():
            if found.terminal == terminal_id and found.next_key == key:
                self._take_next_key(terminal_id)
                self._changed(now_ms)
                return True
        return False

    def _take_next_key(self, terminal_id: str) -> None:
        self._connection.execute(
            update(terminal)
            .where(terminal.c.id == terminal_id)
            .values(
                key_sealed=terminal.c.next_key_sealed,
                next_key_sealed=None,
                key_number=terminal.c.key_number + 1,
            )
        )

    # ------------------------------------------------------------ facts

    def journal_owner(self, journal: bytes) -> str | None:
        """Returns the terminal whose records of this journal are stored, None for none."""
        return self._connection.execute(
            select(stream.c.terminal_id).where(stream.c.journal == journal).limit(1)
        ).scalar()

    def stored(self, terminal_id: str) -> Stored:
        """Returns what is stored of a terminal."""
        row = self._connection.execute(
            select(terminal.c.added_ms, terminal.c.flashed_sha256).where(
                terminal.c.id == terminal_id
            )
        ).one()
        records, received_ms = self._connection.execute(
            select(func.coalesce(func.sum(inbox.c.count), 0), func.max(inbox.c.received_ms))
            .join(stream, stream.c.id == inbox.c.stream_id)
            .where(stream.c.terminal_id == terminal_id)
        ).one()
        return Stored(row.added_ms, row.flashed_sha256, int(records), received_ms)
