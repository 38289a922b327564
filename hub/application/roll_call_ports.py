"""What the roll calls of a hub need of the world: a database, a journal, files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from hub.application.roll_call import Act, RollCall, SiteList


class ListPort(Protocol):
    """Where lists come from; answers or raises `Unanswered` within a limit."""

    def sites(self) -> Sequence[tuple[int, str]]:
        """Returns (row, name) of every site, by name."""
        ...

    def read(self, site_id: int, kept: frozenset[int]) -> SiteList:
        """Returns the list of a site; raises LookupError when there is no such site."""
        ...

    def calls(self) -> Sequence[RollCall]:
        """Returns the newest roll call of each site."""
        ...


class JournalPort(Protocol):
    """What happened and is not known to be in the database yet."""

    def append(self, act: Act) -> None:
        """Returns once it is on disk."""
        ...

    def read(self) -> Sequence[Act]:
        """Returns what was appended since the journal was emptied."""
        ...

    def clear(self) -> None:
        """Empties it."""
        ...


class ShelfPort(Protocol):
    """The files that are read without a hub."""

    def put(
        self, people: SiteList, call: RollCall | None, sites: Iterable[tuple[int, str]]
    ) -> None:
        """Writes the files of a site, each whole or not at all; raises OSError.

        Args:
            sites: every site there is; the files of others are taken away.
        """
        ...

    def last(self) -> Sequence[SiteList]:
        """Returns the list of each site as it was last written."""
        ...
