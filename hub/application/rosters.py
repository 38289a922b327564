"""The roster of a site: which badges its gates let in, as the flat table terminals bisect."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from hub.domain.badges import roster_entry
from protocol.limits import ROSTER_ROW_SIZE
from protocol.roster import build_table, pack_row


@dataclass(frozen=True, slots=True)
class BadgeRow:
    """One badge as a gate needs it: no name, no number, no card UID."""

    tag: bytes
    state: str
    valid_until: date | None
    language: str


@dataclass(frozen=True, slots=True)
class Roster:
    """A whole roster, ready to be fetched chunk by chunk.

    Args:
        version: rises with every change of the register.
        table: rows sorted by tag, see `docs/protocol.md`.
    """

    version: int
    table: bytes = field(repr=False)

    @property
    def rows(self) -> int:
        """Number of badges."""
        return len(self.table) // ROSTER_ROW_SIZE

    @property
    def sha256(self) -> str:
        """Hex digest a terminal checks the table against before it replaces its own."""
        return hashlib.sha256(self.table).hexdigest()


def build_roster(version: int, badges: Iterable[BadgeRow]) -> Roster:
    """Returns the roster of these badges; the same badges in any order give the same bytes."""
    rows = [
        pack_row(badge.tag, *roster_entry(badge.state, badge.valid_until, badge.language))
        for badge in badges
    ]
    return Roster(version, bytes(build_table(rows)))
