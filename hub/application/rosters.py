"""The roster of a site: which badges its gates let in, as the flat table terminals bisect.

A gate also knows the badges of the organisation's other sites, so that it can say "another site"
instead of "unknown"; they are left out when there would be more badges than a gate is made for.

`RosterHistory` keeps the newest rosters of a site, so that a gate that has one of them gets only
what changed since. It forgets everything when the hub stops: then a gate fetches the whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from hub.domain.badges import roster_entry
from protocol.difference import difference
from protocol.limits import CHANGES_ROWS_MAX, ROSTER_ROW_SIZE
from protocol.roster import build_table, pack_row

ROWS_COMFORTABLE = 20_000
"""What the flash and the heap of a gate are made for; badges of other sites never go beyond it."""
VERSIONS_KEPT = 16
"""Rosters a site remembers: 4 MB when each of 20,000 badges changed."""


@dataclass(frozen=True, slots=True)
class BadgeRow:
    """One badge as a gate needs it: no name, no number, no card UID.

    Args:
        tag: 8-byte badge tag.
        state: see `hub.domain.badges`.
        valid_until: last Brussels day on which it opens; None = no end.
        language: of the person.
        valid_from: first Brussels day on which it opens; None = always.
        site_id: the site its person works on.
        also: other sites that its person is assigned to.
    """

    tag: bytes
    state: str
    valid_until: date | None
    language: str
    valid_from: date | None = None
    site_id: int = 0
    also: frozenset[int] = frozenset()

    def packed(self, here: bool) -> bytes:
        """Returns the row of this badge for a gate of its site, or of another one."""
        entry = roster_entry(self.state, self.valid_until, self.language, self.valid_from, here)
        return pack_row(self.tag, *entry)


@dataclass(frozen=True)
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

    @cached_property
    def sha256(self) -> str:
        """Hex digest a terminal checks the table against before it replaces its own."""
        return hashlib.sha256(self.table).hexdigest()


def build_rosters(
    version: int, badges: Sequence[BadgeRow], site_ids: Iterable[int]
) -> dict[int, Roster]:
    """Returns the roster of each site; the same badges in any order give the same bytes.

    Args:
        version: of the register.
        badges: all of the organisation.
        site_ids: the sites.
    """
    rows = [
        (badge.also | {badge.site_id}, badge.packed(True), badge.packed(False)) for badge in badges
    ]
    rosters: dict[int, Roster] = {}
    for site_id in site_ids:
        table = [own if site_id in sites else other for sites, own, other in rows]
        if len(table) > ROWS_COMFORTABLE:
            table = [own for sites, own, _other in rows if site_id in sites]
        rosters[site_id] = Roster(version, bytes(build_table(table)))
    return rosters


def build_roster(version: int, badges: Iterable[BadgeRow]) -> Roster:
    """Returns the roster of a site on which all these people work."""
    return Roster(version, bytes(build_table([badge.packed(True) for badge in badges])))


class RosterHistory:
    """The newest rosters of one site; immutable but for what it has worked out already.

    Args:
        rosters: in the order of their versions, the newest last; at most VERSIONS_KEPT are kept.
    """

    __slots__ = ("_changes", "_rosters")

    def __init__(self, rosters: tuple[Roster, ...] = ()) -> None:
        self._rosters = rosters[-VERSIONS_KEPT:]
        # Many gates ask for the same, and each of them piece by piece.
        self._changes: dict[int, bytes | None] = {}

    @property
    def newest(self) -> Roster | None:
        """The roster that is valid now."""
        return self._rosters[-1] if self._rosters else None

    def followed_by(self, roster: Roster) -> RosterHistory:
        """Returns the history with this roster as the newest.

        A roster that is not newer than the one before begins a history of its own: a gate may have
        got that version with other badges.
        """
        newest = self.newest
        if newest is None or roster.version < newest.version:
            return RosterHistory((roster,))
        if roster.table == newest.table:
            roster = Roster(roster.version, newest.table)  # one table in memory
        if roster.version == newest.version:
            return self if roster.table is newest.table else RosterHistory((roster,))
        return RosterHistory((*self._rosters, roster))

    def changes(self, have: int) -> bytes | None:
        """Returns the rows that lead from version `have` to the newest, as `difference` does.

        None when that version is not known any more, is not older than the newest, or so much
        changed that the whole has to be fetched.
        """
        if have not in self._changes:
            self._changes[have] = self._worked_out(have)
        return self._changes[have]

    def _worked_out(self, have: int) -> bytes | None:
        for roster in self._rosters[:-1]:
            if roster.version == have:
                changes = difference(roster.table, self._rosters[-1].table)
                return changes if len(changes) <= CHANGES_ROWS_MAX * ROSTER_ROW_SIZE else None
        return None
